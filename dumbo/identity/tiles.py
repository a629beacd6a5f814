"""Copies into C order, tile by tile.

Law: copied as it comes, an array that lies against the grain costs a cache line for each item. So
the copy goes by tiles, in which items that are neighbours in memory are read together. Rows that
lie a power of two apart push one another out of the cache even so: then a tile is brought near
first, large items row by row, small ones in units of 16 bytes, and put in order from there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

_LINE: Final = 64
_NEAR: Final = 128 * 1024
"""Bytes that stay in the cache whatever else is read in between."""

_CROWDED: Final = 1024
"""Rows at a multiple of this distance share few places of the cache."""

_BESIDE: Final = 256
_ACROSS: Final = 512
_TILE_ITEMS: Final = 32 * 1024
_FEW: Final = 16
_SEVERAL: Final = 8
_UNIT: Final = "c16"
_UNIT_BYTES: Final = 16
_UNIT_ALIGNMENT: Final = 8
_WORTH_IT: Final = 4


def grain(array: Array) -> int:
    """The axis along which to copy besides the last, or the last if the array goes with the grain.

    Examples
    --------
    >>> import numpy as np
    >>> grain(np.zeros((500, 400))), grain(np.zeros((500, 400)).T)
    (1, 0)
    """
    last = array.ndim - 1
    steps = {
        axis: abs(step)
        for axis, (step, length) in enumerate(zip(array.strides, array.shape, strict=True))
        if step and length > 1
    }
    # A line that is used for several items in a row may as well be fetched again later.
    if steps.get(last, 0) <= _SEVERAL * array.itemsize:
        return last
    return min(steps, key=lambda axis: (steps[axis], -axis))


def copy(target: Array, source: Array) -> None:
    """Copy `source` into `target`, which is of equal shape and lies in C order."""
    import numpy as np

    axis = grain(source)
    if axis == source.ndim - 1 or _stays_near(source, axis):
        np.copyto(target, source)
    elif source.shape[-1] <= _FEW:
        # The loop inside would turn over too often: one copy for each of the few.
        for at in range(source.shape[-1]):
            np.copyto(target[..., at], source[..., at])
    else:
        forward = tuple(slice(None, None, -1 if step < 0 else 1) for step in source.strides)
        # From here on the axis of neighbours is the last, and that of the target before it.
        source, target = (np.moveaxis(a[forward], axis, -1) for a in (source, target))
        _copy_tiles(target, source)


def _stays_near(array: Array, axis: int) -> bool:
    """Whether a line is still in the cache when the next of its items is asked for."""
    step = abs(array.strides[-1])
    between = min(step, _LINE)
    for length in array.shape[axis + 1 :]:
        between *= length
    return between <= _NEAR and bool(step % _CROWDED)


def _copy_tiles(target: Array, source: Array) -> None:
    each = _items_of_unit(source)
    whole = source.shape[-1] // each * each
    if each > 1:
        units = source[..., :whole].view(_UNIT)
        split = target[..., :whole].reshape(*units.shape, each)
        room = _near(units)
        for tile in _tiles(units):
            _copy_units(split[tile], units[tile], room)
        target, source = target[..., whole:], source[..., whole:]
    if source.shape[-1]:
        wide = source.shape[-1] * source.itemsize >= _BESIDE
        near = _near(source) if wide and not source.strides[-2] % _CROWDED else None
        for tile in _tiles(source):
            _copy_rows(target[tile], source[tile], near)


def _items_of_unit(array: Array) -> int:
    """Items along the last axis that are read as one; 1 where each is read by itself."""
    each = _UNIT_BYTES // array.itemsize
    starts = (array.__array_interface__["data"][0], *array.strides[:-1])
    in_a_row = array.strides[-1] == array.itemsize and array.shape[-1] >= each
    aligned = not any(start % _UNIT_ALIGNMENT for start in starts)
    return each if each >= _WORTH_IT and in_a_row and aligned else 1


def _copy_units(target: Array, source: Array, near: Array) -> None:
    shape = (*source.shape[:-2], source.shape[-1], source.shape[-2])
    beside = near[: source.size].reshape(shape)
    beside[...] = source.swapaxes(-1, -2)
    items = beside.view(target.dtype).reshape(*shape, target.shape[-1])
    target[...] = items.swapaxes(-2, -3)


def _copy_rows(target: Array, source: Array, near: Array | None) -> None:
    if near is None:
        target[...] = source
        return
    width = source.shape[-1] + _LINE // source.itemsize
    rows = near[: source.size // source.shape[-1] * width].reshape(*source.shape[:-1], width)
    rows[..., : source.shape[-1]] = source
    target[...] = rows[..., : source.shape[-1]]


def _near(array: Array) -> Array:
    """Room for a tile, with a cache line to spare between its rows."""
    import numpy as np

    *rows, width = _sides(array)
    items = width + _LINE // array.itemsize
    for side in rows:
        items *= side
    return np.empty(items, array.dtype)


def _tiles(array: Array) -> Iterator[tuple[slice, ...]]:
    sides = _sides(array)
    corners = (range(0, length, side) for length, side in zip(array.shape, sides, strict=True))
    for corner in itertools.product(*corners):
        yield tuple(slice(at, at + side) for at, side in zip(corner, sides, strict=True))


def _sides(array: Array) -> list[int]:
    """Lengths of a tile: wide along both the neighbours and C order, then what is left."""
    sides = [1] * array.ndim
    sides[-1] = min(max(_BESIDE // array.itemsize, 1), array.shape[-1])
    sides[-2] = min(_ACROSS, array.shape[-2])
    left = _TILE_ITEMS // (sides[-1] * sides[-2])
    for other in reversed(range(array.ndim - 2)):
        if left > 1:
            sides[other] = min(left, array.shape[other])
            left //= sides[other]
    return sides
