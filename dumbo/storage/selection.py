"""What part of an array an index, or a step of a loop over it, asks for.

Law: `narrowed` of a basic index gives a range of rows of one axis, and an index into those rows
that selects the same items; an index it cannot narrow it says so of.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from dumbo.errors import ConfigurationError

BLOCK_OF_ROWS: Final = 4 * 1024 * 1024
"""Bytes of rows that are read at once where nobody says how many."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Rows ``start`` to ``stop`` of one axis, and the index to use on them."""

    start: int
    stop: int
    index: tuple[Any, ...]


def is_basic(key: Any) -> bool:
    """Whether numpy answers an index with a view: integers, slices, ``...`` and None alone.

    Examples
    --------
    >>> is_basic((slice(2), ..., 3)), is_basic([1, 2]), is_basic(True)
    (True, False, False)
    """
    parts = key if type(key) is tuple else (key,)
    return all(_is_basic_part(part) for part in parts)


def _is_basic_part(part: Any) -> bool:
    if part is None or part is ... or type(part) in {int, slice}:
        return True
    import numpy as np

    return isinstance(part, np.integer)


def narrowed(key: Any, shape: tuple[int, ...], axis: int) -> Narrowed | None:
    """Narrow a basic index to the rows of `axis` that it needs.

    Parameters
    ----------
    key : object
        An index of an array of `shape`.
    shape : tuple of int
    axis : int
        The axis whose rows are read together.

    Returns
    -------
    Narrowed or None
        None for what is not basic, or makes new axes.

    Raises
    ------
    IndexError
        An integer is out of bounds, or there are too many of them; as numpy says it.

    Examples
    --------
    >>> narrowed((slice(10, 20), 3), (100, 5), 0)
    Narrowed(start=10, stop=20, index=(slice(0, 10, 1), 3))
    >>> narrowed(-1, (100, 5), 0)
    Narrowed(start=99, stop=100, index=(0, slice(None, None, None)))
    """
    if not is_basic(key):
        return None
    given = key if type(key) is tuple else (key,)
    parts = _filled(given, len(shape))
    if parts is None:
        return None
    # An item selected with ``...`` is an array without axes, not a number.
    end = (...,) if any(part is ... for part in given) else ()
    part, length = parts[axis], shape[axis]
    if not isinstance(part, slice):
        row = _row(part, length, axis)
        start, stop, inside = row, row + 1, 0
        return Narrowed(start, stop, (*parts[:axis], inside, *parts[axis + 1 :], *end))
    rows = range(*part.indices(length))
    if not rows:
        return Narrowed(0, 0, (*parts[:axis], slice(0, 0), *parts[axis + 1 :], *end))
    start, stop = min(rows[0], rows[-1]), max(rows[0], rows[-1]) + 1
    last = rows[-1] - start + (1 if rows.step > 0 else -1)
    within = slice(rows[0] - start, last if last >= 0 else None, rows.step)
    return Narrowed(start, stop, (*parts[:axis], within, *parts[axis + 1 :], *end))


@dataclass(frozen=True, slots=True)
class Box:
    """A range of each axis, and the index to use on the box they make."""

    ranges: tuple[range, ...]
    index: tuple[Any, ...]


def boxed(key: Any, shape: tuple[int, ...]) -> Box | None:
    """Give the smallest box a basic index lies in; None where `narrowed` gives None.

    Examples
    --------
    >>> boxed((slice(10, 20), -1), (100, 5))
    Box(ranges=(range(10, 20), range(4, 5)), index=(slice(0, 10, 1), 0))
    """
    ranges = []
    index = key
    for axis in range(len(shape)):
        part = narrowed(index, shape, axis)
        if part is None:
            return None
        ranges.append(range(part.start, part.stop))
        index = part.index
    return Box(tuple(ranges), index) if shape else None


def _filled(parts: tuple[Any, ...], ndim: int) -> list[Any] | None:
    """One part an axis; None where new axes are asked for."""
    if any(part is None for part in parts):
        return None
    given = sum(part is not ... for part in parts)
    if given > ndim or len(parts) - given > 1:
        raise IndexError(
            f"too many indices for array: array is {ndim}-dimensional, but {given} were indexed"
            if given > ndim
            else "an index can only have a single ellipsis ('...')"
        )
    missing = [slice(None)] * (ndim - given)
    at = next((i for i, part in enumerate(parts) if part is ...), len(parts))
    return [*parts[:at], *missing, *parts[at + 1 :]]


def _row(part: Any, length: int, axis: int) -> int:
    row = operator.index(part)
    if not -length <= row < length:
        raise IndexError(f"index {row} is out of bounds for axis {axis} with size {length}")
    return row % length


def blocks_of_rows(array: Any, rows: int | None = None) -> Iterator[Any]:
    """Iterate over an array, or handle, some rows at a time.

    Parameters
    ----------
    array : array or ArrayHandle
    rows : int, optional
        Rows of each block but the last; about 4 MiB by default.

    Raises
    ------
    ConfigurationError
        The array has no rows, or `rows` is not positive.
    """
    if not array.shape:
        raise ConfigurationError("blocks: an array without dimensions has no rows; use its value")
    if rows is None:
        row = math.prod(array.shape[1:]) * array.dtype.itemsize
        rows = max(1, BLOCK_OF_ROWS // max(row, 1))
    if rows < 1:
        raise ConfigurationError(f"blocks({rows}): a block has at least one row; give 1 or more")
    return (array[start : start + rows] for start in range(0, array.shape[0], rows))
