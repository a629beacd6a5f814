"""Whether a container can be taken apart without changing it.

Law: nothing is written while deciding; a value is declined rather than altered.
"""

from __future__ import annotations

import enum
import sys
import types
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any, Final

from dumbo.storage.base import Codec, Keeps
from dumbo.storage.codecs.scalars import SCALARS
from dumbo.storage.codecs.standard import describe

SMALL_TEXT: Final = 1024
"""Text and bytes up to this length lie in the manifest."""

_DEPTH: Final = 64
MAPPINGS: Final = frozenset({dict, OrderedDict, defaultdict, Counter})
"""Types whose items are pairs."""

KINDS: Final = MAPPINGS | {list, tuple, set, frozenset, deque}
"""Types that are taken apart, besides named tuples."""

FACTORIES: Final[dict[str | None, Any]] = {
    kind.__name__: kind
    for kind in (bool, bytes, complex, dict, float, frozenset, int, list, set, str, tuple)
} | {None: None}
"""What a defaultdict may make its missing values by, to be kept without pickle."""

_CLOSED_LIBRARIES: Final = frozenset(
    {"datetime", "decimal", "fractions", "numpy", "pandas", "pathlib", "PIL", "polars"}
    | {"pyarrow", "scipy", "uuid"}
)
_BY_REFERENCE: Final = (type, types.FunctionType, types.BuiltinFunctionType, enum.Enum)


def named_tuple_name(kind: type[Any]) -> str | None:
    """``module:qualname`` of a plain named tuple class that can be found again, else None."""
    plain = kind.__bases__ == (tuple,) and "_fields" in vars(kind) and not kind.__dictoffset__
    if not plain:
        return None
    found: Any = sys.modules.get(kind.__module__)
    for part in kind.__qualname__.split("."):
        found = vars(found).get(part) if found is not None and hasattr(found, "__dict__") else None
    return f"{kind.__module__}:{kind.__qualname__}" if found is kind else None


def is_numpy_number(value: Any) -> bool:
    """Whether a value is one of numpy's own numbers, small enough to lie in a manifest."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.generic) or type(value).__module__ != "numpy":
        return False
    return value.dtype.kind in "biufc" and value.dtype.char not in "gG" and value.itemsize <= 16


def worth_items(value: object, find: Callable[[object], Codec]) -> bool:
    """Whether `value` is a container whose parts, stored apart, make it again."""
    if type(value) not in KINDS and named_tuple_name(type(value)) is None:
        return False
    survey = _Survey(find)
    return survey.fits(value, 0) and not survey.could_share


class _Survey:
    """What was met on a walk through a value."""

    def __init__(self, find: Callable[[object], Codec]) -> None:
        self._find = find
        self._path: set[int] = set()
        self._seen: set[int] = set()
        self._parts = -1  # the container itself shares with nothing
        self._unknown = 0

    @property
    def could_share(self) -> bool:
        """Whether an object of an unknown class stands beside anything it may refer to."""
        return self._unknown > 0 and self._parts > 1

    def fits(self, value: Any, depth: int) -> bool:
        """Walk; False at the first thing that cannot be taken apart."""
        kind = type(value)
        if kind in SCALARS or is_numpy_number(value):
            self._parts += kind is bytearray
            return True
        if id(value) in self._path or depth > _DEPTH:
            return False
        if id(value) in self._seen:
            return True
        if kind in KINDS or named_tuple_name(kind) is not None:
            self._note(value)
            return self._fits_items(value, depth)
        if describe(value) is None:
            self._note(value)
            self._unknown += self._is_unknown(value)
        return True

    def _note(self, value: object) -> None:
        self._seen.add(id(value))
        self._parts += 1

    def _fits_items(self, value: Any, depth: int) -> bool:
        self._path.add(id(value))
        try:
            if type(value) in MAPPINGS:
                return self._fits_mapping(value, depth)
            if type(value) in {set, frozenset} and not all(is_plain(item) for item in value):
                return False
            return all(self.fits(item, depth + 1) for item in value)
        finally:
            self._path.discard(id(value))

    def _fits_mapping(self, value: Any, depth: int) -> bool:
        if not all(is_plain(key) for key in value):
            return False
        if type(value) is defaultdict and not _is_known_factory(value.default_factory):
            return False
        attributes = None if type(value) in {dict, defaultdict} else vars(value)
        if attributes and type(value) is not OrderedDict:
            return False
        items = [*value.values(), attributes] if attributes else value.values()
        return all(self.fits(item, depth + 1) for item in items)

    def _is_unknown(self, value: object) -> bool:
        kind = type(value)
        if isinstance(value, _BY_REFERENCE):
            return False
        if kind.__module__.partition(".")[0] in _CLOSED_LIBRARIES and not holds_objects(value):
            return False
        return Keeps.NO_CODE not in self._find(value).keeps


def _is_known_factory(factory: object) -> bool:
    return any(factory is known for known in FACTORIES.values())


def holds_objects(value: Any) -> bool:
    """Whether a value is an array whose items are objects."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray) and bool(value.dtype.hasobject)


def is_plain(value: Any) -> bool:
    """Whether a key or member of a set is immutable, small and closed: a scalar, date or tuple."""
    kind = type(value)
    if kind in {tuple, frozenset}:
        return all(is_plain(item) for item in value)
    if kind in {str, bytes}:
        return len(value) <= SMALL_TEXT
    return kind in SCALARS or is_numpy_number(value) or describe(value) is not None


def all_leaves(tree: Any) -> list[Any]:
    """List what containers hold that is neither scalar, nor of the standard table, nor a container.

    Meant for trees that `worth_items` said yes to: they end.
    """
    found: list[Any] = []
    waiting, seen = [tree], set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if type(value) in MAPPINGS:
            waiting += [*value.values(), getattr(value, "__dict__", None)]
        elif type(value) in KINDS or named_tuple_name(type(value)) is not None:
            waiting += value
        elif not (type(value) in SCALARS or is_numpy_number(value) or describe(value)):
            found.append(value)
    return found
