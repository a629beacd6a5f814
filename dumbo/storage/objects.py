"""Files that hold the bytes of large values, named by their content.

Law: an object appears whole under its name or not at all, is never written again, and is opened
only after its size, and where `dumbo.storage.stamps` demands it its digest, were found right.

Publication: write to ``tmp/`` while digesting, (fsync), rename to ``objects/ab/<name>``. The
catalog row comes after, so a crash leaves a file no row names (`Objects.sweep` removes it).

The name is the digest of what the object must be (zarr metadata, length, xxh3_128 of the data),
so an object can be checked from itself alone, and equal content is stored once.

`Sync.RELAXED`, the default, does not wait for the disk: after a power cut an object may be short
or torn, is then found out by size and digest, and its value is lost; a killed process loses
nothing. `Sync.STRICT` waits for file and folder, and digests at every first use in a process.
Measured on a virtual ext4 disk: 8 KB published in 37 us relaxed, 0.5 to 4 ms strict; 256 MB cost
130 ms more. A cache can recompute, so relaxed is the better bargain.

Longer than its neighbours, because publishing, opening and removing one thing are read together.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
import uuid
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, NoReturn

import xxhash

from dumbo.errors import StoreUnavailableError, ValueLostError
from dumbo.storage.array_options import ArrayOptions
from dumbo.storage.base import Buffer, Stamps
from dumbo.storage.files import discard, remove, rename, sync_folder, write_all
from dumbo.storage.integrity import name_on_disk, object_name
from dumbo.storage.stamps import MemoryStamps, believes, boot_id, stamp_of
from dumbo.storage.unreadable import reading
from dumbo.storage.zarr_shard import METADATA_FILE, ArrayLayout

_NAME: Final = re.compile(r"[0-9a-f]{40}")
_DATA_FILE: Final = re.compile(r"c(\.0)*")


class Sync(StrEnum):
    """Whether publication waits for the disk."""

    RELAXED = "relaxed"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class Published:
    """An object that now exists.

    Attributes
    ----------
    name : str
        40 hex characters.
    content : bytes
        xxh3_128 of the data, 16 bytes.
    nbytes : int
        Bytes of the data file.
    """

    name: str
    content: bytes
    nbytes: int


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep removed: number of entries and their bytes."""

    entries: int
    nbytes: int


class Objects:
    """The ``objects/`` and ``tmp/`` folders of a store.

    Parameters
    ----------
    folder : Path
        Holds ``objects/`` and ``tmp/``; both are made.
    stamps : Stamps, optional
        Where stamps are kept; in memory by default, so every object is digested once a process.
    sync : Sync
        Whether publication waits for the disk.
    arrays : ArrayOptions
        How arrays are written.

    Raises
    ------
    StoreUnavailableError
        The folders cannot be made.
    """

    __slots__ = ("_seen", "_stamps", "arrays", "folder", "sync")

    def __init__(
        self,
        folder: Path,
        stamps: Stamps | None = None,
        sync: Sync = Sync.RELAXED,
        arrays: ArrayOptions | None = None,
    ) -> None:
        self.folder = folder
        self.sync = sync
        self.arrays = arrays or ArrayOptions()
        self._stamps = stamps if stamps is not None else MemoryStamps()
        self._seen = MemoryStamps()
        try:
            for name in ("objects", "tmp"):
                (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            self._unavailable("open", error)

    def publish(self, blocks: Iterable[Buffer], layout: ArrayLayout | None = None) -> Published:
        """Write an object.

        Parameters
        ----------
        blocks : iterable of buffers
            The data, in order; each is used before the next is asked for.
        layout : ArrayLayout, optional
            Makes the object a zarr array with this metadata; a plain file otherwise.

        Raises
        ------
        StoreUnavailableError
            The disk is full or cannot be written; nothing is left behind.
        """
        draft = self.folder / "tmp" / uuid.uuid4().hex
        try:
            return self._publish(draft, blocks, layout)
        except OSError as error:
            self._unavailable("write to", error)
        finally:
            discard(draft)

    def _publish(
        self, draft: Path, blocks: Iterable[Buffer], layout: ArrayLayout | None
    ) -> Published:
        metadata = b"" if layout is None else layout.metadata()
        data = draft
        if layout is not None:
            draft.mkdir(mode=0o700)
            self._write(draft / METADATA_FILE, (metadata,), b"")
            data = draft / layout.data_file
        tail = b"" if layout is None else layout.tail()
        content, nbytes = self._write(data, blocks, tail)
        name = object_name(content, nbytes, metadata)
        size = nbytes + len(tail)
        self._move(draft, name, size)
        return Published(name, content, size)

    def _write(self, path: Path, blocks: Iterable[Buffer], tail: bytes) -> tuple[bytes, int]:
        digest = xxhash.xxh3_128()
        nbytes = 0
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            for block in blocks:
                digest.update(block)
                nbytes += write_all(descriptor, block)
            write_all(descriptor, tail)
            if self.sync is Sync.STRICT:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return digest.digest(), nbytes

    def _move(self, draft: Path, name: str, size: int) -> None:
        target = self._path(name)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        if target.exists():
            if self._whole(name, size):
                # Younger again, so that a sweep that is under way spares it.
                os.utime(self._data(target))
                self._stamp(name)
                return
            remove(target)
        if self.sync is Sync.STRICT and draft.is_dir():
            sync_folder(draft)
        # Another process may have been quicker: then its object is this one.
        with contextlib.suppress(FileExistsError, NotADirectoryError):
            rename(draft, target)
        if self.sync is Sync.STRICT:
            sync_folder(target.parent)
        self._stamp(name)

    def _whole(self, name: str, size: int) -> bool:
        try:
            self.open_object(name, size)
        except ValueLostError:
            return False
        return True

    def open_object(self, name: str, size: int | None = None) -> Path:
        """Return the path of an object's data file, believed or verified.

        Parameters
        ----------
        name : str
            40 hex characters.
        size : int, optional
            Bytes the file must have.

        Raises
        ------
        ValueLostError
            The object is absent, short or altered, or the name could lead out of the store.
        UnreadableError
            It could not be read, for a reason that may pass.
        """
        path = self._path(name)
        with reading(f"object {name}", self.folder):
            data = self._data(path)
            status = self._status(name, data)
        if size is not None and status.st_size != size:
            self._lost(name, f"it has {status.st_size} bytes, {size} were written")
        if not believes(self._seen.get_stamp(name), status):
            known = None if self.sync is Sync.STRICT else self._stamps.get_stamp(name)
            if not believes(known, status):
                self.verify(name)
                self._stamps.put_stamp(name, stamp_of(status))
            self._seen.put_stamp(name, stamp_of(status))
        return data

    def verify(self, name: str) -> None:
        """Digest an object.

        Raises
        ------
        ValueLostError
            It is not what its name says.
        UnreadableError
            It could not be read, for a reason that may pass.
        """
        path = self._path(name)
        with reading(f"object {name}", self.folder):
            data = self._data(path)
            self._status(name, data)
            found = name_on_disk(path, data)
        if found != name:
            self._lost(name, "its bytes were altered")

    def size_of(self, name: str) -> int:
        """Return the bytes of an object's data file; 0 if it is gone."""
        try:
            return self._data(self._path(name)).lstat().st_size
        except OSError:
            return 0

    def names(self) -> Iterator[str]:
        """Iterate over the names of all objects."""
        for entry in sorted((self.folder / "objects").glob("[0-9a-f][0-9a-f]/*")):
            name = entry.parent.name + entry.name
            if _NAME.fullmatch(name):
                yield name

    def delete(self, name: str) -> int:
        """Remove an object and return its bytes; open maps of it stay valid."""
        nbytes = self.size_of(name)
        try:
            remove(self._path(name))
        except OSError as error:
            self._unavailable("delete from", error)
        return nbytes

    def sweep(self, keep: Container[str], older_than: float = 3600.0) -> Swept:
        """Remove drafts and unnamed objects.

        Parameters
        ----------
        keep : container of str
            Names that records refer to.
        older_than : float
            Seconds; younger entries may belong to a call that is about to write its row.
        """
        limit = time.time() - older_than
        entries = nbytes = 0
        for draft in (self.folder / "tmp").iterdir():
            if draft.lstat().st_mtime < limit:
                entries, nbytes = entries + 1, nbytes + remove(draft)
        for name in self.names():
            if name not in keep and self._data(self._path(name)).lstat().st_mtime < limit:
                entries, nbytes = entries + 1, nbytes + self.delete(name)
        return Swept(entries, nbytes)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueLostError(
                f"object {name[:80]!r} of {self.folder}: not an object name, so the row that "
                "gives it was altered; recompute the value or restore the catalog"
            )
        return self.folder / "objects" / name[:2] / name[2:]

    def _data(self, path: Path) -> Path:
        if not path.is_dir():
            return path
        for entry in path.iterdir():
            if _DATA_FILE.fullmatch(entry.name):
                return entry
        return path / "c"

    def _status(self, name: str, data: Path) -> os.stat_result:
        """Status of a data file that is one, inside the store: no link leads out of it."""
        root = self.folder / "objects"
        for part in data.relative_to(root).parents:
            if (root / part).is_symlink() and part != Path():
                self._lost(name, "a link leads out of the store")
        status = data.lstat()
        if not stat.S_ISREG(status.st_mode):
            self._lost(name, "it is not a file")
        return status

    def _stamp(self, name: str) -> None:
        boot = boot_id() if self.sync is Sync.RELAXED else ""
        stamp = stamp_of(self._data(self._path(name)).lstat(), boot)
        self._stamps.put_stamp(name, stamp)
        self._seen.put_stamp(name, stamp)

    def _lost(self, name: str, cause: str) -> NoReturn:
        raise ValueLostError(
            f"object {name} of {self.folder}: {cause}; recompute the value or restore the store "
            "from a copy"
        )

    def _unavailable(self, verb: str, error: OSError) -> NoReturn:
        raise StoreUnavailableError(
            f"cannot {verb} the store {self.folder}: {error.strerror or error}; free space, "
            "correct the permissions, or choose another folder with DUMBO_DIR"
        ) from error
