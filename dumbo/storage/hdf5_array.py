"""An HDF5 file with one contiguous dataset, ``data``, around bytes that are written elsewhere.

Law: the dataset's bytes are the array's raw C-order bytes, at one offset that is a multiple of
4096, so that it can be memory-mapped; h5py makes everything before and after them and never sees
them. The same layout gives the same file.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Final

from dumbo.errors import MissingLibraryError
from dumbo.storage.zarr_shard import ArrayLayout

DATASET: Final = "data"
_ALIGNMENT: Final = 4096
_SMALLEST_ALIGNED: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Hdf5Frame:
    """What an HDF5 file holds before and after the bytes of its dataset."""

    before: bytes
    after: bytes


def hdf5_frame(layout: ArrayLayout) -> Hdf5Frame:
    """Make the file around an array of this layout.

    Raises
    ------
    MissingLibraryError
        h5py is absent.
    """
    try:
        import h5py
    except ImportError:
        raise MissingLibraryError(
            "array_format='hdf5': h5py is absent; pip install h5py, or use array_format='zarr'"
        ) from None
    recorded = _Recorded()
    with h5py.File(
        recorded,
        "w",
        alignment_threshold=_SMALLEST_ALIGNED,
        alignment_interval=_ALIGNMENT,
    ) as file:
        offset = _dataset(h5py, file, layout)
    return Hdf5Frame(
        recorded.between(0, offset), recorded.between(offset + layout.nbytes, recorded.size)
    )


def _dataset(h5py: Any, file: Any, layout: ArrayLayout) -> int:
    """Make the dataset, its room and its attributes; returns where its bytes go."""
    import numpy as np

    how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    how.set_layout(h5py.h5d.CONTIGUOUS)
    how.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    how.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    how.set_obj_track_times(False)
    dtype = np.dtype(layout.data_type)
    kind = h5py.h5t.py_create(dtype.newbyteorder(">") if layout.big_endian else dtype, logical=True)
    space = h5py.h5s.create_simple(layout.shape)
    made = h5py.h5d.create(file.id, DATASET.encode(), kind, space, how)
    attributes = h5py.Dataset(made).attrs
    for name, value in layout.attributes.items():
        attributes[name] = value
    if layout.axes:
        attributes["axes"] = list(layout.axes)
    return int(made.get_offset())


class _Recorded(io.RawIOBase):
    """A file that only notes what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0
        self._writes: list[tuple[int, bytes]] = []
        self._at = 0

    def between(self, start: int, end: int) -> bytes:
        """Bytes of a range; what was never written is zero."""
        found = bytearray(end - start)
        for at, data in self._writes:
            if start <= at and at + len(data) <= end:
                found[at - start : at - start + len(data)] = data
        return bytes(found)

    def write(self, data: Any) -> int:
        """Note some bytes."""
        self._writes.append((self._at, bytes(data)))
        self._at += len(data)
        self.size = max(self.size, self._at)
        return len(data)

    def readinto(self, target: Any) -> int:
        """Give back what was written."""
        target[:] = self.between(self._at, self._at + len(target))
        self._at += len(target)
        return len(target)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; the library only ever moves to a place of its own choice."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """Where the next bytes go."""
        return self._at

    def truncate(self, size: int | None = None) -> int:
        """Set the length."""
        self.size = self._at if size is None else size
        return self.size

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def writable(self) -> bool:
        """Whether it can be written."""
        return True

    def seekable(self) -> bool:
        """Whether it can be moved in."""
        return True
