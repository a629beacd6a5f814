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
_NUMBERS: Final = frozenset({"numpy", "pandas", "polars", "pyarrow", "scipy", "torch"})


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
        library = kind.__module__.partition(".")[0]
        if library in _NUMBERS and not (library == "torch" and hasattr(value, "state_dict")):
            return _size_of_numbers(value)
        if library == "PIL" and hasattr(kind, "getbands"):
            return float(value.width * value.height * len(value.getbands()))
        if isinstance(value, dict):
            return self._sampled(itertools.chain.from_iterable(value.items()), 2 * len(value))
        if isinstance(value, list | tuple | set | frozenset):
            return self._sampled(value, len(value))
        if kind.__module__.startswith("dumbo.artifacts."):
            return _size_of_files(value)
        state = getattr(value, "__dict__", None)
        shallow = sys.getsizeof(value, 64)
        if isinstance(state, dict):
            return shallow + self.size(state)
        slots = [name for base in kind.__mro__ for name in _slots(base) if hasattr(value, name)]
        return shallow + sum(self.size(getattr(value, name)) for name in slots)

    def _sampled(self, items: Any, length: int) -> float:
        total = 16.0
        sampled = 0
        for item in itertools.islice(items, _SAMPLE):
            total += 2 + self.size(item)
            sampled += 1
        return total * (length / sampled) if sampled < length and sampled else total


def _slots(base: type) -> tuple[str, ...]:
    """Slots that hold what an instance was given, by the names that lead there."""
    slots = vars(base).get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(name for name in names if not name.startswith("__"))


def _size_of_files(value: Any) -> float:
    files = value.files.values() if hasattr(value, "files") else (value,)
    try:
        return float(sum(file.path.stat().st_size for file in files))
    except OSError:
        return 0.0  # gone or changed: storing it will say so


def _size_of_odd_tensor(value: Any) -> float:
    """Bytes of a sparse tensor, which says how many places it has but not its bytes."""
    if not str(value.layout).startswith("torch.sparse"):
        return float(sys.getsizeof(value, 64))
    values = value.detach()._values() if value.is_sparse else value.detach().values()  # noqa: SLF001 - the public one wants coalesced tensors
    return float(values.numel() * values.element_size() + 8 * value.ndim * values.shape[0])


def _size_of_numbers(value: Any) -> float:
    """Bytes of an array, tensor or frame, from its own account."""
    kind = type(value)
    if hasattr(kind, "is_sparse_csr") and str(value.layout) != "torch.strided":
        return _size_of_odd_tensor(value)
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
