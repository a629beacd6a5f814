"""Buckets of numbers for the matcher `close`.

Law: the bucket of a number depends on the number and the widths alone; no bucket is made by a
number that was seen before.
"""

from __future__ import annotations

import math
from typing import Any

from dumbo.errors import UnidentifiableError

_MAX_DEPTH = 100


def bucketed(value: Any, rel: float, abs_: float, name: str, depth: int = 0) -> Any:
    """`value` with its numbers replaced by the buckets they fall in.

    Raises
    ------
    UnidentifiableError
        If plain containers are nested more than 100 levels deep.
    """
    kind = type(value)
    if kind in (float, int):
        return number_bucket(value, rel, abs_)
    if kind is complex:
        parts = (value.real, value.imag)
        return ("complex", *(number_bucket(part, rel, abs_) for part in parts))
    if depth > _MAX_DEPTH:
        raise UnidentifiableError(
            f"argument {name!r} matched by close(): nested more than {_MAX_DEPTH} levels deep; "
            "use key(fn) to bring it into a flat form"
        )
    if kind in (list, tuple):
        return kind(bucketed(part, rel, abs_, name, depth + 1) for part in value)
    if kind is dict:
        return {k: bucketed(part, rel, abs_, name, depth + 1) for k, part in value.items()}
    if any(f"{base.__module__}:{base.__qualname__}" in _NUMPY for base in kind.__mro__):
        return _array_buckets(value, rel, abs_)
    return value


_NUMPY = ("numpy:ndarray", "numpy:floating")


def number_bucket(value: float, rel: float, abs_: float) -> Any:
    """Bucket of one number: what is not finite, and zero, is its own."""
    try:
        number = float(value)
    except OverflowError:
        return ("beyond", value)
    if not math.isfinite(number):
        return number
    if not rel:
        scaled = number / abs_
        return ("abs", math.floor(scaled + 0.5)) if math.isfinite(scaled) else ("beyond", number)
    size = math.fabs(number)
    if size < abs_ or size == 0.0:
        return ("zero",)
    return ("rel", number > 0, math.floor(math.log(size) / math.log1p(rel) + 0.5))


def _array_buckets(value: Any, rel: float, abs_: float) -> Any:
    import numpy as np

    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        return value
    numbers = array.astype(np.float64)
    with np.errstate(all="ignore"):
        if rel:
            small = (np.abs(numbers) < abs_) | (numbers == 0)
            buckets = np.floor(np.log(np.abs(numbers)) / np.log1p(rel) + 0.5)
            signs = np.where(small, 0.0, np.sign(numbers))
            buckets = np.where(small, 0.0, buckets)
        else:
            buckets = np.floor(numbers / abs_ + 0.5)
            signs = np.zeros_like(buckets)
    return ("array", array.dtype.str, array.shape, buckets + 0.0, signs + 0.0)
