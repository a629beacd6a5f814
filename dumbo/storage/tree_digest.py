"""Content of a file or folder as one digest, taken again only when a stamp moved.

Law: content decides, not dates. A digest is believed while names, sizes, mtimes, ctimes and inodes
are those it was taken under, and only if the youngest of them had come to rest by then; it is
kept with those in a catalog, so that another process does not read 100 GB again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import xxhash

from dumbo.errors import ConfigurationError
from dumbo.storage.base import BLOCK_BYTES

_AT_REST_NS: Final = 2_000_000_000
"""Age in ns below which a stamp proves nothing: some file systems count in whole seconds."""


class TreeStamp(NamedTuple):
    """What the file system says of a file, or of everything in a folder.

    Attributes
    ----------
    mtime_ns, ctime_ns : int
        Of the youngest file.
    size : int
        Bytes of all.
    mark : int
        Inode of a file; 62 bits of a hash of names and stamps in a folder.
    """

    mtime_ns: int
    ctime_ns: int
    size: int
    mark: int


class KnownTrees(Protocol):
    """Where digests are kept from process to process; the catalog is one."""

    def get_source(self, path: str) -> tuple[tuple[int, int, int, int], bytes] | None:
        """Return stamp and digest last put for a path."""
        ...

    def put_source(self, path: str, stamp: tuple[int, int, int, int], blob: bytes) -> None:
        """Keep a digest."""
        ...


def tree_stamp(path: Path) -> TreeStamp:
    """Stamp a file or folder; that of nothing is all zeros."""
    try:
        if not path.is_dir():
            status = path.stat()
            return TreeStamp(status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
        return _folder_stamp(path)
    except OSError:
        return TreeStamp(0, 0, 0, 0)


def _folder_stamp(path: Path) -> TreeStamp:
    mark = xxhash.xxh3_64()
    mtime = ctime = size = 0
    for name in _names(path):
        own = tree_stamp(path / name)
        mark.update(repr((name, own)).encode("utf-8", "surrogatepass"))
        mtime, ctime = max(mtime, own.mtime_ns), max(ctime, own.ctime_ns)
        size += own.size
    return TreeStamp(mtime, ctime, size, mark.intdigest() >> 2)


def tree_digest(path: Path, known: KnownTrees) -> str:
    """Digest the content of a file, or the names and contents in a folder.

    Parameters
    ----------
    path : Path
        Absolute.
    known : KnownTrees
        Asked first, and told afterwards.

    Raises
    ------
    ConfigurationError
        It cannot be read, or changes while it is read.
    """
    stamp = tree_stamp(path)
    kept = known.get_source(f"{path}#tree")
    if kept is not None and tuple(kept[0]) == tuple(stamp):
        return kept[1].decode()
    try:
        found = _folder_digest(path) if path.is_dir() else _file_digest(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: it cannot be read ({error.strerror}); correct the path or the permissions"
        ) from error
    if tree_stamp(path) != stamp:
        raise ConfigurationError(
            f"{path}: it was written to while its content was digested; wait until its writer is "
            "done"
        )
    if time.time_ns() - max(stamp.mtime_ns, stamp.ctime_ns) > _AT_REST_NS:
        known.put_source(f"{path}#tree", stamp, found.encode())
    return found


def _names(path: Path) -> Iterator[str]:
    """Files below a folder, by their path inside it, in order."""
    yield from sorted(_below(str(path), "", ()))


def _below(folder: str, inside: str, above: tuple[tuple[int, int], ...]) -> Iterator[str]:
    """Files in any order; links to folders are followed, but never round and round."""
    status = os.stat(folder)  # noqa: PTH116 - many files: strings
    me = (status.st_dev, status.st_ino)
    if me in above:
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            name = f"{inside}{entry.name}"
            if entry.is_dir():
                yield from _below(entry.path, f"{name}{os.sep}", (*above, me))
            else:
                yield name


def _folder_digest(path: Path) -> str:
    state = xxhash.xxh3_128()
    for name in _names(path):
        state.update(repr((name, _file_digest(path / name))).encode("utf-8", "surrogatepass"))
    return str(state.hexdigest())


def _file_digest(path: Path) -> str:
    state = xxhash.xxh3_128()
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK_BYTES):
            state.update(block)
    return str(state.hexdigest())
