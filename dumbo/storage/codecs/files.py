"""Files and folders that a function wrote, by their content.

Law: the content is copied into an object of its own, whatever its size, so that a file that was
opened has a path; equal content is stored once. Opening a row reads no byte of it. Names in a row
are not trusted: they cannot lead out of the folder they are restored to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dumbo.artifacts import Directory, File
from dumbo.errors import UncacheableError, ValueLostError
from dumbo.records import Stored
from dumbo.storage.base import BLOCK_BYTES, Keeper, Keeps
from dumbo.storage.codecs.parts import PartsCodec, Taken
from dumbo.storage.objects import Objects


@dataclass(frozen=True, slots=True)
class _Inside:
    """Content that lies in a store."""

    objects: Objects
    name: str
    nbytes: int
    digest: str

    def path(self) -> Path:
        return self.objects.open_object(self.name, self.nbytes)


class FileCodec:
    """One file."""

    name = "file/1"
    keeps = frozenset({Keeps.BITS, Keeps.LAZY, Keeps.NO_CODE})

    def accepts(self, value: object) -> bool:
        """Whether the value is exactly a `dumbo.File`."""
        return type(value) is File

    def store(self, value: Any, into: Keeper) -> Stored:
        """Copy the content in; what is copied is what counts, whatever happens to the file."""
        # Asked first: what a file says of itself is no trouble of the store.
        published = into.objects.publish(_blocks(value.path))
        content = _Inside(into.objects, published.name, published.nbytes, published.content.hex())
        if content.digest != value.digest:
            raise UncacheableError(
                f"the file {value.name!r} was written to while it was kept as a result; return it "
                "when it is finished"
            )
        meta: dict[str, object] = {
            "type": "dumbo.artifacts.files:File",
            "name": value.name,
            "executable": value.executable,
            "content": content.digest,
        }
        digest = into.digest(File.of(content, value.name, executable=value.executable))
        return Stored(self.name, meta, published.nbytes, digest, None, published.name)

    def load(self, stored: Stored, source: Keeper) -> object:
        """Give the file, unopened."""
        name, digest = stored.meta.get("name"), stored.meta.get("content")
        if not isinstance(name, str) or not isinstance(digest, str) or not stored.object:
            raise ValueLostError(
                "a file cannot be opened: its row has no name or no content; recompute it or "
                "restore the catalog"
            )
        # Only the last part: a row may say anything.
        last = name.replace("\\", "/").rpartition("/")[2].replace("\0", "")
        content = _Inside(source.objects, stored.object, stored.nbytes, digest)
        executable = stored.meta.get("executable") is True
        return File.of(
            content, last if last not in {"", ".", ".."} else "file", executable=executable
        )

    def objects_of(self, stored: Stored) -> tuple[str, ...]:
        """Name the object of the content."""
        return (stored.object,) if stored.object else ()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            yield block


class DirectoryCodec(PartsCodec):
    """One folder: the names, and each file by its own row."""

    name = "directory/1"
    damage = (UncacheableError,)

    def take(self, value: Directory) -> Taken:
        """Take names and files."""
        parts = {
            "name": value.name,
            "files": dict(value.files),
            "links": dict(value.links),
            "folders": list(value.folders),
        }
        return Taken(parts, {"len": len(value)})

    def make(self, parts: dict[str, Any]) -> object:
        """Put names and files together, unless a name leads out."""
        files = parts["files"]
        if not all(type(file) is File for file in files.values()):
            raise TypeError("an entry of a folder is no file")
        return Directory.of(files, parts["links"], parts["folders"], str(parts["name"]))
