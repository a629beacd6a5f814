"""How many bytes a value will take, without encoding it.

Law: an estimate, cheap whatever the value: long containers are sampled, nothing is copied.
"""

from __future__ import annotations

import itertools
import sys
from typing import Any, Final

_SAMPLE: Final = 256
_BUDGET: Final = 4096
_DEPTH: Final = 100
_NUMBERS: Final = frozenset({"numpy", "pandas", "polars", "scipy", "torch"})


def size_of(value: object) -> int:
    """Estimate the encoded size of `value` in bytes.

    Examples
    --------
    >>> size_of(b"abc")
    3
    """
    return int(_Estimate().size(value))


class _Estimate:
    """One estimate: every object once, and only so many of them."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._left = _BUDGET
        self._depth = 0

    def size(self, value: Any) -> float:
        """Bytes of `value` that were not counted yet."""
        kind = type(value)
        if kind in {str, bytes, bytearray}:
            return len(value)
        if kind in {type(None), bool, int, float, complex}:
            return 8 + (value.bit_length() // 8 if kind is int else 0)
        if id(value) in self._seen or self._left <= 0 or self._depth > _DEPTH:
            return 0
        self._seen.add(id(value))
        self._left -= 1
        self._depth += 1
        try:
            return self._size_of_parts(value, kind)
        finally:
            self._depth -= 1

    def _size_of_parts(self, value: Any, kind: type[Any]) -> float:
        if kind.__module__.partition(".")[0] in _NUMBERS:
            return _size_of_numbers(value)
        if isinstance(value, dict):
            return self._sampled(itertools.chain.from_iterable(value.items()), 2 * len(value))
        if isinstance(value, list | tuple | set | frozenset):
            return self._sampled(value, len(value))
        state = getattr(value, "__dict__", None)
        shallow = sys.getsizeof(value, 64)
        return shallow + (self.size(state) if isinstance(state, dict) else 0)

    def _sampled(self, items: Any, length: int) -> float:
        total = 16.0
        sampled = 0
        for item in itertools.islice(items, _SAMPLE):
            total += 2 + self.size(item)
            sampled += 1
        return total * (length / sampled) if sampled < length and sampled else total


def _size_of_numbers(value: Any) -> float:
    """Bytes of an array, tensor or frame, from its own account."""
    kind = type(value)
    if hasattr(kind, "nbytes"):
        return int(value.nbytes)
    if hasattr(kind, "memory_usage"):
        usage = value.memory_usage(deep=False)
        return float(usage.sum() if hasattr(usage, "sum") else usage)
    if hasattr(kind, "estimated_size"):
        return float(value.estimated_size())
    if hasattr(kind, "nnz"):
        return float(value.nnz * (value.dtype.itemsize + 8))
    return float(sys.getsizeof(value, 64))
