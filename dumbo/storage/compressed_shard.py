"""The chunks of a compressed shard, decoded one by one or all into one piece of memory.

Law: the index and every chunk are checked before memory is made for them; what does not fit the
metadata is a lost value.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from dumbo.errors import ValueLostError
from dumbo.storage.compression import decode_into
from dumbo.storage.mapping import FileMap
from dumbo.storage.zarr_shard import ArrayLayout, read_index

if TYPE_CHECKING:
    from dumbo.storage.codecs.blocks import Array

_WORKERS: Final = 2


class CompressedShard:
    """An open shard.

    Parameters
    ----------
    mapped : FileMap
    layout : ArrayLayout
        Of the compressed array.

    Raises
    ------
    ValueLostError
        The index of its chunks is damaged.
    """

    __slots__ = ("_layout", "_map", "_places")

    def __init__(self, mapped: FileMap, layout: ArrayLayout) -> None:
        self._map = mapped
        self._layout = layout
        mapped.expect_parts()
        try:
            self._places = read_index(mapped.buffer, layout.chunks)
        except ValueError as error:
            raise ValueLostError(
                f"a compressed array cannot be opened: {error}; recompute the value or restore "
                "the store from a copy"
            ) from error

    def chunk(self, number: int) -> Array:
        """Decode one chunk into memory of its own, which cannot be written."""
        decoded = self._empty(self._layout.chunk_bytes)
        decode_into(self._map.buffer[self._places[number]], decoded.data)
        return _read_only(decoded)

    def whole(self, *, writable: bool = False) -> Array:
        """Decode all of it, on two threads."""
        self._map.expect_all()
        target = self._empty(self._layout.nbytes)
        with ThreadPoolExecutor(_WORKERS, "dumbo-zstd") as pool:
            for _ in pool.map(lambda number: self._fill(target, number), range(len(self._places))):
                pass
        return target if writable else _read_only(target)

    def _fill(self, target: Array, number: int) -> None:
        size = self._layout.chunk_bytes
        place = target[number * size : (number + 1) * size]
        if len(place) < size:
            place[:] = self.chunk(number)[: len(place)]
        else:
            decode_into(self._map.buffer[self._places[number]], place.data)

    def _empty(self, nbytes: int) -> Any:
        import numpy as np

        return np.empty(nbytes, np.uint8)


def _read_only(array: Array) -> Array:
    """View memory through something that nobody can unlock."""
    import numpy as np

    return np.frombuffer(array.data.toreadonly(), np.uint8)
