"""Files seen as memory: read-only or copy-on-write maps that keep no file open.

Law: a map outlives the deletion of its file, and is let go with the last array on it; a file that
is shorter than it must be is never mapped. What cannot be caught: a file that another program
truncates while it is mapped ends the process at the next touch of the missing part (SIGBUS).

Python's own ``mmap`` keeps a descriptor for each map, so that a thousand open arrays would use up
what a process is given (1024 by default on Linux); the system itself needs none.
"""

from __future__ import annotations

import ctypes
import functools
import mmap
import os
import weakref
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from dumbo.errors import ValueLostError
from dumbo.storage.unreadable import reading

EXACT_UNDER: Final = 1 << 20
"""Bytes; a part smaller than this is read exactly, a larger one with the system's read-ahead."""

_TOLD_ABOVE: Final = 4 * mmap.PAGESIZE
"""Bytes; smaller parts are not worth a system call each: their few pages come one by one."""

_MADVISE: Final = hasattr(mmap, "MADV_RANDOM")


class Access(IntEnum):
    """How a map may be used."""

    READ = mmap.ACCESS_READ  # cannot be written
    COPY = mmap.ACCESS_COPY  # written privately, page by page


class FileMap:
    """The bytes of one file.

    Parameters
    ----------
    path : Path
    least : int
        Bytes the file must have at least.
    access : Access

    Attributes
    ----------
    buffer : memoryview
        The whole file.

    Raises
    ------
    ValueLostError
        The file is gone, or is shorter than `least`.
    UnreadableError
        It could not be read, for a reason that may pass.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "f")
    ...     _ = path.write_bytes(b"abc")
    ...     mapped = FileMap(path, 3)
    >>> bytes(mapped.buffer)
    b'abc'
    """

    __slots__ = ("_address", "_owner", "buffer")

    def __init__(self, path: Path, least: int, access: Access = Access.READ) -> None:
        with reading(str(path), None):
            size, self._owner = _opened(path, least, access)
        if size < least:
            raise ValueLostError(
                f"{path}: it has {size} bytes, {least} are needed, so it was cut short; recompute "
                "the value or restore the file"
            )
        view = memoryview(self._owner).cast("B")
        self.buffer: Final = view.toreadonly() if access is Access.READ else view
        self._address = ctypes.addressof(self._owner) if _advises(self._owner) else 0

    def array(self, offset: int, length: int) -> Any:
        """Give some bytes as a numpy array, which nobody can unlock where the map is read-only.

        Arrays are to be made from this one: ``numpy.ndarray(buffer=)`` looks through a memoryview
        to what is below, and lets its flag be set; a write to the map then kills the process.
        """
        import numpy as np

        return np.frombuffer(self.buffer, np.uint8, length, offset)

    def expect_parts(self) -> None:
        """Say that scattered parts will be read: the system then reads no more than is touched."""
        self._advise("MADV_RANDOM", 0, len(self.buffer))

    def expect_all(self) -> None:
        """Say that all of it will be read."""
        self._advise("MADV_NORMAL", 0, len(self.buffer))

    def expect(self, part: Any) -> None:
        """Say that an array on this map is about to be read."""
        nbytes = part.nbytes
        if not self._address or nbytes <= _TOLD_ABOVE or not part.flags.c_contiguous:
            return
        start = part.__array_interface__["data"][0] - self._address
        self._advise("MADV_WILLNEED" if nbytes < EXACT_UNDER else "MADV_NORMAL", start, nbytes)

    def _advise(self, advice: str, start: int, length: int) -> None:
        if self._address:
            first = start - start % mmap.PAGESIZE
            address = self._address + first
            _libc().madvise(address, length + start - first, getattr(mmap, advice))


def _advises(owner: object) -> bool:
    return isinstance(owner, ctypes.Array) and _MADVISE


def _opened(path: Path, least: int, access: Access) -> tuple[int, Any]:
    """Size of a file, and its bytes as memory where it is long enough."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        size = os.fstat(descriptor).st_size
        return size, _mapped(descriptor, size if size >= least else 0, access)
    finally:
        os.close(descriptor)


def _mapped(descriptor: int, size: int, access: Access) -> Any:
    """Map a whole file; an empty one, which cannot be mapped, is empty memory."""
    if size == 0:
        return bytearray()
    if os.name != "posix" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return mmap.mmap(descriptor, size, access=int(access))
    private = access is Access.COPY
    protection = mmap.PROT_READ | (mmap.PROT_WRITE if private else 0)
    sharing = mmap.MAP_PRIVATE if private else mmap.MAP_SHARED
    address = _libc().mmap(None, size, protection, sharing, descriptor, 0)
    if address in {None, ctypes.c_void_p(-1).value}:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    owner = (ctypes.c_ubyte * size).from_address(address)
    # Not at exit: arrays on the map may be used until the very end.
    weakref.finalize(owner, _libc().munmap, address, size).atexit = False
    return owner


@functools.cache
def _libc() -> Any:
    """The C library's own calls, with their types."""
    library = ctypes.CDLL(None, use_errno=True)
    void, size, integer = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    library.mmap.restype = void
    library.mmap.argtypes = (void, size, integer, integer, integer, ctypes.c_int64)
    library.munmap.argtypes = (void, size)
    library.madvise.argtypes = (void, size, integer)
    return library
