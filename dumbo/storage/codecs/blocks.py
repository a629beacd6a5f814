"""The bytes of an array in stored order, a few MiB at a time.

Law: no array is ever copied whole; contiguous memory is handed out as views of itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from dumbo.errors import ValueLostError
from dumbo.records import Stored
from dumbo.storage.array_files import is_compressed, map_array
from dumbo.storage.base import BLOCK_BYTES, Buffer, Keeper
from dumbo.storage.compressed_shard import CompressedShard
from dumbo.storage.compression import SAMPLE_BYTES
from dumbo.storage.mapping import Access
from dumbo.storage.zarr_shard import ArrayLayout

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

_PIECES: Final = 16


def stored_axes(strides: tuple[int, ...]) -> tuple[int, ...]:
    """Order axes from the slowest to the fastest in memory.

    Examples
    --------
    >>> stored_axes((8, 24, 96))
    (2, 1, 0)
    """
    return tuple(sorted(range(len(strides)), key=lambda axis: -strides[axis]))


def inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    """Invert a permutation of axes."""
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


def in_memory_order(array: Array) -> tuple[Array, tuple[int, ...]]:
    """Return a view whose C order is the order in memory, and the axes that make it.

    The axes are empty when `array` is C-contiguous already, or has gaps, so that no order of its
    axes is C-contiguous; it is then copied block by block.
    """
    if array.flags.c_contiguous:
        return array, ()
    axes = stored_axes(array.strides)
    turned = array.transpose(axes)
    return (turned, axes) if turned.flags.c_contiguous else (array, ())


def blocks_of(array: Array) -> Iterator[Buffer]:
    """Iterate over the C-order bytes of `array`."""
    if array.nbytes == 0:
        return
    import numpy as np

    if array.flags.c_contiguous:
        flat: memoryview = _bytes_of(array).data
        for start in range(0, len(flat), BLOCK_BYTES):
            yield flat[start : start + BLOCK_BYTES]
        return
    row = array.nbytes // array.shape[0]
    if row > BLOCK_BYTES and array.ndim > 1:
        for part in array:
            yield from blocks_of(part)
        return
    step = max(1, BLOCK_BYTES // row)
    for start in range(0, array.shape[0], step):
        yield from blocks_of(np.ascontiguousarray(array[start : start + step]))


def _bytes_of(array: Array) -> Array:
    """View contiguous memory as bytes, also where the dtype exports no buffer (datetimes)."""
    import numpy as np

    return array.reshape(-1).view(np.uint8)


def checked_shape(meta: object, itemsize: int, nbytes: int) -> tuple[int, ...]:
    """Read a shape out of a row that is not trusted, against the bytes there are.

    Raises
    ------
    ValueLostError
        It is no shape, or not the shape of so many bytes.
    """
    if not isinstance(meta, list | tuple) or not all(type(n) is int and n >= 0 for n in meta):
        raise ValueLostError(_disagree(meta, nbytes))
    total = itemsize
    for extent in meta:
        total *= extent
    if total != nbytes:
        raise ValueLostError(_disagree(meta, nbytes))
    return tuple(meta)


def checked_axes(meta: object, ndim: int) -> tuple[int, ...]:
    """Read a permutation of axes out of a row that is not trusted."""
    if meta is None:
        return ()
    if not isinstance(meta, list | tuple) or sorted(map(repr, meta)) != sorted(
        map(repr, range(ndim))
    ):
        raise ValueLostError(
            f"an array cannot be opened: its row gives the axes {str(meta)[:80]} for {ndim} "
            "dimensions; recompute the value or restore the catalog"
        )
    return tuple(meta)


def raw_bytes(stored: Stored, layout: ArrayLayout, source: Keeper, mode: Literal["r", "c"]) -> Any:
    """Give the bytes of an array: those of the row, a map of its object, or what it holds decoded.

    Mode ``r`` cannot be written; ``c`` is written privately, page by page.
    """
    if not stored.object:
        inline = source.fetch(stored)
        if len(inline) != layout.nbytes:
            raise ValueLostError(_disagree(stored.meta.get("shape"), len(inline)))
        return inline if mode == "r" else bytearray(inline)
    if is_compressed(stored.meta):
        return shard_of(stored, layout, source).whole(writable=mode == "c")
    access = Access.READ if mode == "r" else Access.COPY
    mapped, offset = map_array(source.objects, stored.object, stored.meta, layout, access)
    return mapped.array(offset, layout.nbytes)


def shard_of(stored: Stored, layout: ArrayLayout, source: Keeper) -> CompressedShard:
    """Open the object of a compressed array."""
    layout = replace(layout, compressed=True)
    mapped, _ = map_array(source.objects, stored.object, stored.meta, layout)
    return CompressedShard(mapped, layout)


def sample_of(array: Array) -> bytes:
    """Take 1 MiB from all over an array; copies no more than it takes."""
    import numpy as np

    pieces = []
    for part in np.linspace(0, 1, _PIECES):
        piece = array
        while piece.ndim > 1 and piece.nbytes > piece.shape[0] * SAMPLE_BYTES // _PIECES:
            piece = piece[int(part * (piece.shape[0] - 1))]
        rows = max(1, SAMPLE_BYTES // _PIECES * piece.shape[0] // max(piece.nbytes, 1))
        start = int(part * max(piece.shape[0] - rows, 0))
        pieces.append(np.ascontiguousarray(piece[start : start + rows]).tobytes())
    return b"".join(pieces)


def _disagree(meta: object, nbytes: int) -> str:
    return (
        f"an array cannot be opened: its row gives the shape {str(meta)[:80]}, its bytes are "
        f"{nbytes}; recompute the value or restore the catalog"
    )
