"""Bytes of an array in logical C order, whatever lies where in memory.

Law: what lies in one piece is given where it is; anything else is copied piece by piece into one
buffer, so a piece is good until the next is asked for. The buffer is 512 KiB, which stays in the
cache; up to 16 MiB where less would fetch the same cache line again and again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from dumbo.identity.tiles import copy, grain

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

SMALL: Final = 64 * 1024
BLOCK: Final = 512 * 1024
RUN: Final = 8 * 1024
"""Bytes in one piece from which on they are read in place: below, one call for each costs more."""

_LADDER: Final = ((256, 4 * 1024 * 1024), (64, 16 * 1024 * 1024))
"""Neighbours to be copied together, in bytes, and the buffer this is worth."""

_RAW: Final = {1: "u1", 2: "u2", 4: "u4", 8: "u8", 16: "c16"}


def blocks_of(array: Array) -> Iterator[memoryview]:
    """Buffers whose bytes, one after the other, are those of `array` in C order.

    Examples
    --------
    >>> import numpy as np
    >>> turned = np.arange(6, dtype="u1").reshape(2, 3).T
    >>> [list(block) for block in blocks_of(turned)]
    [[0, 3, 1, 4, 2, 5]]
    """
    import numpy as np

    # A plain array: a subclass may give copying and reshaping another meaning.
    plain = np.ndarray.view(array, np.ndarray)
    if plain.flags.c_contiguous or plain.nbytes <= min(SMALL, BLOCK):
        yield _bytes_of(np.ascontiguousarray(plain))
    else:
        yield from _pieces(_merged(plain))


def regions_of(array: Any, items: int) -> Iterator[Any]:
    """Parts of at most `items` items that follow one another in C order.

    Examples
    --------
    >>> import numpy as np
    >>> [part.tolist() for part in regions_of(np.arange(6).reshape(2, 3), 2)]
    [[0, 1], [2], [3, 4], [5]]
    """
    each = 1
    for length in array.shape[1:]:
        each *= length
    rows = items // max(each, 1)
    if rows or len(array.shape) == 1:
        for start in range(0, len(array), max(rows, 1)):
            yield array[start : start + max(rows, 1)]
        return
    for at in range(len(array)):
        yield from regions_of(array[at], items)


def _bytes_of(array: Array) -> memoryview:
    import numpy as np

    return array.reshape(-1).view(np.uint8).data


def _merged(array: Array) -> Array:
    """The same items in the same order, with as few axes as can be; items are plain bits."""
    import numpy as np

    raw = array.view(_RAW.get(array.itemsize, f"V{array.itemsize}"))
    axes: list[tuple[int, int]] = []
    for length, step in zip(raw.shape, raw.strides, strict=True):
        if length == 1:
            continue
        if axes and axes[-1][1] == length * step:
            axes[-1] = (axes[-1][0] * length, step)
        else:
            axes.append((length, step))
    shape, strides = zip(*axes, strict=True)
    return np.lib.stride_tricks.as_strided(raw, shape, strides, writeable=False)


def _pieces(array: Array) -> Iterator[memoryview]:
    if array.strides[0] == 0:
        yield from _repeated(array)
    elif array.strides[-1] == array.itemsize and array.shape[-1] * array.itemsize >= RUN:
        yield from _runs(array)
    else:
        yield from _copies(array)


def _repeated(array: Array) -> Iterator[memoryview]:
    """What is broadcast along the first axis is brought into order once, if it is small."""
    import numpy as np

    times, part = len(array), array[0]
    if part.nbytes > BLOCK:
        for _ in range(times):
            yield from blocks_of(part)
        return
    at_once = min(max(BLOCK // part.nbytes, 1), times)
    block = np.empty((at_once, *part.shape), array.dtype)
    copy(block[:1], array[:1])
    block[1:] = block[0]
    whole = _bytes_of(block)
    for _ in range(times // at_once):
        yield whole
    yield whole[: times % at_once * part.nbytes]


def _runs(array: Array) -> Iterator[memoryview]:
    """Rows, each in one piece, read where they are."""
    import numpy as np

    steps = array.strides[:-1]
    forward = array[tuple(slice(None, None, -1 if step < 0 else 1) for step in steps)]
    ends = zip(array.shape, array.strides, strict=True)
    span = sum((length - 1) * abs(step) for length, step in ends) + array.itemsize
    first = forward[(slice(0, 1),) * array.ndim].reshape(1).view(np.uint8)
    whole = np.lib.stride_tricks.as_strided(first, (span,), (1,), writeable=False).data
    run = array.shape[-1] * array.itemsize
    for starts in _starts(array.shape[:-1], steps):
        for start in starts:
            yield whole[start : start + run]


def _starts(shape: tuple[int, ...], strides: tuple[int, ...]) -> Iterator[Iterable[int]]:
    """Distances of the rows from the lowest address."""
    axes = list(zip(shape, strides, strict=True))
    lowest = sum((length - 1) * step for length, step in axes if step < 0)
    length, step = axes[-1]
    for index in itertools.product(*map(range, shape[:-1])):
        start = sum(map(int.__mul__, index, strides)) - lowest
        yield range(start, start + length * step, step) if step else itertools.repeat(start, length)


def _copies(array: Array) -> Iterator[memoryview]:
    import numpy as np

    items = max(_room(array) // array.itemsize, 1)
    room = np.empty(min(items, array.size), array.dtype)
    for part in regions_of(array, items):
        block = room[: part.size].reshape(part.shape)
        copy(block, part)
        yield _bytes_of(block)


def _room(array: Array) -> int:
    """Bytes of the buffer: enough that what lies side by side is copied side by side."""
    axis = grain(array)
    if axis == array.ndim - 1:
        return BLOCK
    inner = array.itemsize
    for length in array.shape[axis + 1 :]:
        inner *= length
    room = BLOCK
    for wanted, most in _LADDER:
        beside = min(array.shape[axis], max(wanted // array.itemsize, 1))
        room = max(room, min(inner * beside, most))
    return room
