"""One carrier class per wrapped type, made once, with exactly the special methods the type has.

Law: a capability is given only if a class in the type's MRO defines it (``hasattr(t, "__call__")``
is true of every class), so that ``callable``, ``iter``, ``isinstance(x, Iterable)`` and the other
questions Python asks of a type get the answer the bare value gives.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from dumbo.proxy.carrier import Carrier, CarrierClass

Namespace: TypeAlias = dict[str, Any]
Family: TypeAlias = Callable[[type], Namespace | None]

FAMILIES: Final[list[Family]] = []
"""What families of types add; a family gives None for a type that is not its own."""

_CLASSES: Final[dict[type, CarrierClass]] = {}


def family(member: Family) -> Family:
    """Register a family of types; a later one wins where two name the same method."""
    FAMILIES.append(member)
    return member


def defines(value_type: type, name: str) -> bool:
    """Whether a class in the MRO defines `name` and does not switch it off."""
    for base in value_type.__mro__:
        if name in base.__dict__:
            return base.__dict__[name] is not None
    return False


def known_class(value_type: type | None) -> CarrierClass | None:
    """Give the carrier class of a type that has had one made before."""
    return _CLASSES.get(value_type)  # type: ignore[arg-type]  # None is no key, and is not found


def carrier_class(value_type: type) -> CarrierClass:
    """Give the carrier class for values of exactly this type."""
    found = _CLASSES.get(value_type)
    if found is None:
        # setdefault: of two threads that make one, the first wins and both use it.
        found = _CLASSES.setdefault(value_type, _made(value_type))
    return found


def _made(value_type: type) -> CarrierClass:
    namespace: Namespace = {
        "__slots__": (),
        "__module__": __name__,
        "__dumbo_type__": value_type,
        **_capabilities(value_type),
    }
    for member in FAMILIES:
        namespace.update(member(value_type) or {})
    made: CarrierClass = type(f"Carrier[{value_type.__name__}]", (Carrier,), namespace)
    # What `match` takes for a sequence or mapping is a flag of the class that registering sets.
    if issubclass(value_type, (list, tuple)):
        Sequence.register(made)
    elif issubclass(value_type, dict):
        Mapping.register(made)
    return made


def _iter(self: Any) -> Iterator[Any]:
    return iter(self.__wrapped__)


def _next(self: Any) -> Any:
    return next(self.__wrapped__)


def _call(self: Any, /, *args: Any, **kwargs: Any) -> Any:
    return self.__wrapped__(*args, **kwargs)


def _await(self: Any) -> Iterator[Any]:
    return self.__wrapped__.__await__()  # type: ignore[no-any-return]  # the value's own


def _aiter(self: Any) -> Any:
    return aiter(self.__wrapped__)


def _anext(self: Any) -> Any:
    return anext(self.__wrapped__)


def _length_hint(self: Any) -> int:
    return operator.length_hint(self.__wrapped__)


def _fspath(self: Any) -> Any:
    return os.fspath(self.__wrapped__)


def _buffer(self: Any, _flags: int) -> memoryview:
    return memoryview(self.__wrapped__).toreadonly()


GIVEN: Final[Namespace] = {
    "__iter__": _iter,
    "__next__": _next,
    "__call__": _call,
    "__await__": _await,
    "__aiter__": _aiter,
    "__anext__": _anext,
    "__length_hint__": _length_hint,
    "__fspath__": _fspath,
    "__buffer__": _buffer,  # used by Python 3.12 and later
}
"""Special methods wrapt's base class lacks."""

TAKEN: Final = ("__len__", "__contains__", "__hash__", "__iter__")
"""Special methods wrapt's base class always has; None where the type has none."""


def _capabilities(value_type: type) -> Namespace:
    namespace = {name: hook for name, hook in GIVEN.items() if defines(value_type, name)}
    if issubclass(value_type, (str, bytes)):
        namespace["__fspath__"] = _fspath
    if _iterates_by_index(value_type):
        namespace["__iter__"] = _iter
    for name in TAKEN:
        if name not in namespace and not defines(value_type, name):
            namespace[name] = None
    if "__iter__" in namespace and namespace["__iter__"] is not None:
        # `in` falls back to iterating; wrapt's own hook does that on the value.
        namespace.pop("__contains__", None)
    return namespace


def _iterates_by_index(value_type: type) -> bool:
    named = any("__iter__" in base.__dict__ for base in value_type.__mro__)
    return not named and defines(value_type, "__getitem__")
