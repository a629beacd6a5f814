"""Arrays that are opened but not read: slices touch only their own bytes.

Law: a handle gives read-only arrays that hold what was stored, or raises `ValueLostError`; what it
gave stays valid when the file is deleted. It is safe under threads and after a fork: it holds a
map, keeps no file open and takes no lock.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

from dumbo.storage.mapping import FileMap
from dumbo.storage.selection import is_basic, narrowed

if TYPE_CHECKING:
    from dumbo.storage.codecs.blocks import Array
    from dumbo.storage.codecs.dtypes import AnyDType

DECODED_CHUNKS: Final = 4
DECODED_BYTES: Final = 32 * 1024 * 1024
"""How many decoded chunks a handle holds, and of how many bytes together; one in any case."""


_FEW: Final = 16
"""One row in so many is few: the rest is then not worth reading ahead."""


class ArrayHandle(Protocol):
    """An array that is opened, not read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Extents, without I/O."""
        ...

    @property
    def dtype(self) -> AnyDType:
        """Data type, without I/O."""
        ...

    def __getitem__(self, key: Any) -> Any:
        """Read what an index selects, as numpy would."""
        ...

    def whole(self) -> Array:
        """Read, or map, all of it."""
        ...


class MappedArray:
    """An array whose bytes lie in a file as they are.

    Parameters
    ----------
    mapped : FileMap
    array : numpy.ndarray
        On that map.
    """

    __slots__ = ("_array", "_map")

    def __init__(self, mapped: FileMap, array: Array) -> None:
        self._map = mapped
        self._array = array
        mapped.expect_parts()

    @property
    def shape(self) -> tuple[int, ...]:
        """Extents."""
        extents: tuple[int, ...] = self._array.shape
        return extents

    @property
    def dtype(self) -> AnyDType:
        """Data type."""
        return self._array.dtype

    def __getitem__(self, key: Any) -> Any:
        """Give a view of the map, or a copy of what a fancy index selects."""
        if not is_basic(key):
            rows = _row_numbers(key)
            few = rows is not None and len(rows) * _FEW < self.shape[0]
            return locked((self._array if few else self.whole())[key])
        part = self._array[key]
        self._map.expect(part)
        return part

    def whole(self) -> Array:
        """Give the map itself."""
        self._map.expect_all()
        return self._array


class ChunkedArray:
    """An array that is read chunk by chunk along one axis.

    Parameters
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    axis : int
        The axis that chunks split.
    rows : int
        Rows of that axis in a chunk; the last may have fewer.
    read : callable
        From a chunk's number to its part of the array, rows beyond the last included or not.
    whole : callable
        Reads all of it.
    """

    __slots__ = ("_axis", "_chunk", "_rows", "_whole", "dtype", "shape")

    def __init__(  # noqa: PLR0913 - what an array is, how it is cut, and the two ways to read it
        self,
        shape: tuple[int, ...],
        dtype: AnyDType,
        *,
        axis: int,
        rows: int,
        read: Callable[[int], Array],
        whole: Callable[[], Array],
    ) -> None:
        self.shape: Final = shape
        self.dtype: Final = dtype
        self._axis = axis
        self._rows = rows
        row = math.prod(shape) // max(shape[axis], 1) * dtype.itemsize if shape else 0
        fitting = DECODED_BYTES // max(rows * row, 1)
        self._chunk = functools.lru_cache(max(1, min(DECODED_CHUNKS, fitting)))(read)
        self._whole = whole

    def __getitem__(self, key: Any) -> Any:
        """Read the chunks that an index touches, and select from them."""
        part = narrowed(key, self.shape, self._axis)
        if part is not None:
            return locked(self._between(part.start, part.stop)[part.index])
        rows = _row_numbers(key) if self._axis == 0 else None
        return locked(self.whole()[key] if rows is None else self._scattered(rows))

    def whole(self) -> Array:
        """Read all of it; nothing is kept here."""
        return self._whole()

    def _between(self, start: int, stop: int) -> Array:
        """Rows of the chunked axis, out of one chunk or put together."""
        import numpy as np

        if start == stop:
            none = (*self.shape[: self._axis], 0, *self.shape[self._axis + 1 :])
            return np.empty(none, self.dtype)
        first, last = start // self._rows, (stop - 1) // self._rows
        base = first * self._rows
        chunks = [self._chunk(number) for number in range(first, last + 1)]
        if len(chunks) == 1:
            return self._cut(chunks[0], start - base, stop - base)
        # Into memory of this dtype: numpy would choose the machine's own byte order.
        extent = sum(chunk.shape[self._axis] for chunk in chunks)
        shape = (*self.shape[: self._axis], extent, *self.shape[self._axis + 1 :])
        joined = np.concatenate(chunks, self._axis, out=np.empty(shape, self.dtype))
        return self._cut(joined, start - base, stop - base)

    def _scattered(self, rows: Array) -> Array:
        """Rows in any order, each chunk read once."""
        import numpy as np

        length = self.shape[0]
        wrong = rows[(rows < -length) | (rows >= length)]
        if wrong.size:
            raise IndexError(f"index {wrong[0]} is out of bounds for axis 0 with size {length}")
        rows = rows.astype(np.intp)  # or adding the length would leave a small type
        rows = np.where(rows < 0, rows + length, rows)
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        numbers = rows // self._rows
        for number in np.unique(numbers):
            where = numbers == number
            found[where] = self._chunk(int(number))[rows[where] - number * self._rows]
        return found

    def _cut(self, array: Array, start: int, stop: int) -> Array:
        return array[(*(slice(None),) * self._axis, slice(start, stop))]


def _row_numbers(key: Any) -> Array | None:
    """A one-dimensional list or array of integers as an array; None for any other index."""
    import numpy as np

    if not isinstance(key, list | np.ndarray) or np.ndim(key) == 0 or len(key) == 0:
        return None
    rows = np.asarray(key)
    return rows if rows.ndim == 1 and rows.dtype.kind in "iu" else None


def locked(array: Any) -> Any:
    """Take away the right to write, for good where that can be."""
    import numpy as np

    if isinstance(array, np.ndarray):
        array.flags.writeable = False
    return array
