"""Content of files as identity: read once, and again when the file may have changed.

Law: a remembered digest is used only while mtime, ctime, size and inode are those it was taken
under, and only if the file had been at rest then.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from xxhash import xxh3_128

from dumbo.errors import UnidentifiableError

_READ_BLOCK: Final = 1 << 20
_SETTLED_NS: Final = 2_000_000_000
"""Age in ns below which a file's stamp proves nothing: a second write may bear the same time."""


@dataclass(frozen=True, slots=True)
class FileContent:
    """Matcher that identifies a path by the content of the file there."""

    digests: dict[str, tuple[tuple[int, ...], str]] = field(default_factory=dict, compare=False)
    enters: bool = True

    def canonical(self, value: Any, name: str) -> Any:
        """Tag and digest of the content."""
        return ("file", self._digest(value, name))

    def _digest(self, value: Any, name: str) -> str:
        try:
            path = os.path.realpath(os.fsdecode(value))
            stamp = _stamp(path)
            known = self.digests.get(path)
            if known is not None and known[0] == stamp:
                return known[1]
            found = _file_digest(path)
        except (OSError, TypeError, ValueError) as error:
            raise UnidentifiableError(
                f"argument {name!r} matched by file(): {error}. The content of the file at the "
                "path identifies the argument; give the path of a file that can be read, or use "
                "key(fn) for anything else"
            ) from error
        if _stamp(path) == stamp and time.time_ns() - max(stamp[:2]) > _SETTLED_NS:
            self.digests[path] = (stamp, found)
        return found

    def __repr__(self) -> str:
        return "file()"


def _stamp(path: str) -> tuple[int, int, int, int]:
    facts = Path(path).stat()
    return (facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size, facts.st_ino)


def _file_digest(path: str) -> str:
    state = xxh3_128()
    with Path(path).open("rb", buffering=0) as stream:
        while block := stream.read(_READ_BLOCK):
            state.update(block)
    return str(state.hexdigest())
