"""Opening npy, HDF5 and zarr without reading them.

Law: what lies in its file as it is (npy, contiguous HDF5) is mapped. The rest is read in boxes or
blocks of rows by h5py or zarr, each opened for the read and closed again, so that others may write
meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from dumbo.errors import MissingLibraryError
from dumbo.storage.handles import DECODED_BYTES, ArrayHandle, ChunkedArray, MappedArray, locked
from dumbo.storage.mapping import FileMap
from dumbo.storage.selection import BLOCK_OF_ROWS, boxed

if TYPE_CHECKING:
    from dumbo.storage.codecs.blocks import Array
    from dumbo.storage.codecs.dtypes import AnyDType

PREFIX: Final = "file:"
"""What the name of an adopted array begins with."""

_HDF5_MAGIC: Final = b"\x89HDF\r\n\x1a\n"
_NPY_MAGIC: Final = b"\x93NUMPY"
_SMALL: Final = 16 * 1024
_ZARR_FILES: Final = ("zarr.json", ".zarray", ".zgroup")


@dataclass(frozen=True, slots=True)
class Source:
    """One array in a file or folder.

    Attributes
    ----------
    path : Path
        Absolute.
    key : str
        Of the dataset inside; empty for the only one.
    """

    path: Path
    key: str = ""

    @property
    def text(self) -> str:
        """For messages, and to name the array: ``/data/x.h5[images]``."""
        return f"{self.path}[{self.key}]" if self.key else str(self.path)

    @property
    def name(self) -> str:
        """The name under which its CID is an external one."""
        return PREFIX + self.text

    @property
    def tree(self) -> Path:
        """The file, or the folder of the array alone, whose content tells the array from others."""
        return self.path / self.key if self.path.is_dir() else self.path

    @property
    def watched(self) -> Path:
        """The file whose change tells that the array changed."""
        tree = self.tree
        return next((tree / name for name in _ZARR_FILES if (tree / name).exists()), tree)


def opened(source: Source) -> ArrayHandle:
    """Open an array by its format, reading its header.

    Raises
    ------
    OSError, ValueError, KeyError
        It cannot be read, or is none of the formats, or has no such dataset.
    MissingLibraryError
        h5py or zarr is absent.
    """
    if source.path.is_dir():
        return _open_zarr(source)
    with source.path.open("rb") as file:
        magic = file.read(8)
    if magic.startswith(_NPY_MAGIC):
        return _open_npy(source)
    # The signature of an HDF5 file with a user block stands further in; h5py looks for it.
    if magic == _HDF5_MAGIC or source.path.suffix in {".h5", ".hdf5", ".he5", ".nc"}:
        return _open_hdf5(source)
    raise ValueError("it is neither npy nor HDF5, and no folder")


def _open_npy(source: Source) -> ArrayHandle:
    import numpy as np

    if source.path.stat().st_size < _SMALL:
        array = np.load(source.path, allow_pickle=False)
        if array.size == 0:  # has no bytes to map
            return MappedArray(FileMap(source.path, 0), locked(array))
    header = np.load(source.path, mmap_mode="r", allow_pickle=False)
    order: Literal["C", "F"] = (
        "F" if header.flags.f_contiguous and not header.flags.c_contiguous else "C"
    )
    mapped = FileMap(source.path, header.offset + header.nbytes)
    buffer = mapped.array(header.offset, header.nbytes)
    return MappedArray(mapped, np.ndarray(header.shape, header.dtype, buffer, order=order))


def _open_hdf5(source: Source) -> ArrayHandle:
    import numpy as np

    with _dataset(source) as data:
        _refuse_elsewhere(source, data)
        shape, dtype, offset = tuple(data.shape), data.dtype, data.id.get_offset()
        chunks, plain = data.chunks, _is_numpys(data)
    if dtype.hasobject:
        raise ValueError(f"its items are of type {dtype}, not numbers")
    if offset is not None and plain:
        nbytes = math.prod(shape) * dtype.itemsize
        mapped = FileMap(source.path, offset + nbytes)
        return MappedArray(mapped, np.ndarray(shape, dtype, mapped.array(offset, nbytes)))

    def read(box: Any) -> Array:
        with _dataset(source) as data:
            part: Array = np.asarray(data[box], dtype)
        return part

    return _in_blocks(shape, dtype, chunks, read)


def _refuse_elsewhere(source: Source, data: Any) -> None:
    """Refuse what lies in another file: its changes would not be noticed."""
    there = {entry[0] for entry in data.external or ()}
    if data.is_virtual:
        there |= {part.file_name for part in data.virtual_sources()}
    if not source.path.samefile(data.file.filename):
        there.add(data.file.filename)
    if there:
        raise ValueError(
            f"its items lie in another file ({_listed(sorted(map(str, there)))}), whose changes "
            "would not be noticed: open the array there, or copy it into one file"
        )


def _is_numpys(data: Any) -> bool:
    """Whether the items lie in the file as numpy has them: HDF5 knows numbers that it has not."""
    import h5py

    return bool(data.id.get_type() == h5py.h5t.py_create(data.dtype, logical=True))


@contextmanager
def _dataset(source: Source) -> Iterator[Any]:
    try:
        import h5py
    except ImportError:
        raise MissingLibraryError(
            f"open_array({source.text!r}): h5py is absent; pip install h5py"
        ) from None
    with h5py.File(source.path, "r") as file:
        found = file[source.key] if source.key else _only(file, _datasets(h5py, file))
        if not isinstance(found, h5py.Dataset) or found.shape is None:
            raise ValueError(f"{source.key} is no dataset; it has {_listed(_datasets(h5py, file))}")
        yield found


def _datasets(h5py: Any, file: Any) -> list[str]:
    names: list[str] = []
    file.visititems(lambda n, item: names.append(n) if isinstance(item, h5py.Dataset) else None)
    return names


def _only(container: Any, names: list[str]) -> Any:
    if len(names) != 1:
        raise ValueError(f"give key=, one of {_listed(names)}")
    return container[names[0]]


def _listed(names: list[str]) -> str:
    return ", ".join(names[:20]) or "no dataset"


def _open_zarr(source: Source) -> ArrayHandle:
    try:
        import zarr
    except ImportError:
        raise MissingLibraryError(
            f"open_array({source.text!r}): zarr is absent; pip install zarr"
        ) from None
    import numpy as np

    found: Any = zarr.open(str(source.path), mode="r", path=source.key or None)
    if isinstance(found, zarr.Group):
        raise ValueError(f"give key=, one of {_listed([name for name, _ in found.arrays()])}")
    if found.dtype.hasobject:
        raise ValueError(f"its items are of type {found.dtype}, not numbers")

    def read(box: Any) -> Array:
        part: Array = np.asarray(found[box], found.dtype)
        return part

    return _in_blocks(found.shape, found.dtype, found.chunks, read)


def _in_blocks(
    shape: tuple[int, ...], dtype: AnyDType, chunks: Any, read: Callable[[Any], Array]
) -> ArrayHandle:
    """Read whole rows in blocks that are remembered, other boxes as they are asked for."""
    row = math.prod(shape[1:]) * dtype.itemsize
    rows = chunks[0] if chunks else max(1, BLOCK_OF_ROWS // max(row, 1))
    by_rows = ChunkedArray(
        shape,
        dtype,
        axis=0,
        rows=rows,
        read=lambda number: read(slice(number * rows, (number + 1) * rows)),
        whole=lambda: locked(read(())),
    )
    return _Boxes(by_rows, read, rows * row) if len(shape) != 1 else by_rows


class _Boxes:
    """An array of which parts of rows can be read; `band` is the bytes of a chunk's whole rows."""

    __slots__ = ("_by_rows", "_narrow", "_read", "dtype", "shape")

    def __init__(self, by_rows: ChunkedArray, read: Callable[[Any], Array], band: int) -> None:
        self._narrow = band <= DECODED_BYTES
        self._by_rows = by_rows
        self._read = read
        self.shape = by_rows.shape
        self.dtype = by_rows.dtype

    def __getitem__(self, key: Any) -> Any:
        """Read the box that an index lies in, unless it takes rows as they are."""
        box = boxed(key, self.shape)
        if box is None or not self.shape:
            return self._by_rows[key] if self.shape else locked(self.whole()[key])
        if self._narrow and all(
            len(cut) == n for cut, n in zip(box.ranges[1:], self.shape[1:], strict=True)
        ):
            return self._by_rows[key]
        return locked(self._read(tuple(slice(r.start, r.stop) for r in box.ranges))[box.index])

    def whole(self) -> Array:
        """Read all of it."""
        return self._by_rows.whole()
