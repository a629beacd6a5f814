"""Blocks of an array in logical C order, whatever lies where in memory.

Law: content that is contiguous is given as it is; any other is copied into one buffer of 16 MiB, so
a block is good until the next is asked for. Where neighbours in memory are not neighbours in C
order (a transposed array), the copy goes tile by tile: read as it comes, a cache line would be
fetched once for each of its items.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

BLOCK: Final = 16 * 1024 * 1024
_SIDE: Final = 64
_TILE_BYTES: Final = 256 * 1024
_SMALL: Final = 64 * 1024


def blocks_of(array: Array) -> Iterator[Array]:
    """Contiguous arrays whose bytes, one after the other, are those of `array` in C order.

    Examples
    --------
    >>> import numpy as np
    >>> turned = np.arange(6).reshape(2, 3).T
    >>> [block.tolist() for block in blocks_of(turned)]
    [[[0, 3], [1, 4], [2, 5]]]
    """
    import numpy as np

    if array.flags.c_contiguous:
        yield array
    elif array.ndim == 0 or array.nbytes <= min(_SMALL, BLOCK):
        yield np.ascontiguousarray(array)
    elif rows := min(BLOCK // (array.nbytes // len(array)), len(array)):
        # A plain array: a subclass may give copying another meaning.
        plain = np.ndarray.view(array, np.ndarray)
        room = np.empty((rows, *array.shape[1:]), array.dtype)
        for start in range(0, len(array), rows):
            part = plain[start : start + rows]
            block = room[: len(part)]
            _copy(block, part)
            yield block
    else:
        for part in array:
            yield from blocks_of(part)


def _copy(target: Array, source: Array) -> None:
    import numpy as np

    axis = _axis_of_neighbours(source)
    if axis == source.ndim - 1:
        np.copyto(target, source)
        return
    source, target = np.moveaxis(source, axis, 0), np.moveaxis(target, axis, 0)
    sides = [_SIDE, *(1 for _ in source.shape[1:-1]), _SIDE]
    if source.ndim > 2:
        sides[-2] = max(_TILE_BYTES // (_SIDE * _SIDE * source.itemsize), 1)
    corners = (range(0, length, side) for length, side in zip(source.shape, sides, strict=True))
    for corner in itertools.product(*corners):
        tile = tuple(slice(at, at + side) for at, side in zip(corner, sides, strict=True))
        target[tile] = source[tile]


def _axis_of_neighbours(array: Array) -> int:
    """The axis along which items lie closest; the last, where it makes no difference."""
    last = array.ndim - 1
    steps = {
        axis: abs(step)
        for axis, (step, length) in enumerate(zip(array.strides, array.shape, strict=True))
        if step and length > 1
    }
    closest = min(steps, key=lambda axis: (steps[axis], -axis), default=last)
    return closest if last in steps else last
