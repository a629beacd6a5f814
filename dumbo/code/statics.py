"""Looking at loaded objects without running anything of theirs.

Law: no ``getattr`` on a value that could answer with code; descriptors are taken apart, not called.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial, partialmethod, singledispatchmethod
from types import FunctionType, MappingProxyType, MethodType
from typing import Any

from dumbo._typing import MISSING

_NONE = MappingProxyType[Any, Any]({})
_PARTIALS = frozenset({partial, partialmethod})
_DESCRIPTORS = _PARTIALS | {
    staticmethod,
    classmethod,
    MethodType,
    cached_property,
    singledispatchmethod,
}


def static_member(cls: type, name: str) -> Any:
    """What a class or a base of it holds under `name`, unbound; MISSING when none does."""
    for owner in type.__dict__["__mro__"].__get__(cls):
        if name in owner.__dict__:
            return owner.__dict__[name]
    return MISSING


def is_memoized(value: object) -> bool:
    """Whether a value is a function whose results dumbo keeps."""
    return hasattr(type(value), "__dumbo_function__")


def is_cache(value: object) -> bool:
    """Whether a value answers from memory without running its body, as ``lru_cache`` does."""
    kind = type(value)
    return kind is cached_property or (
        hasattr(kind, "cache_info") and type(getattr(value, "__wrapped__", None)) is FunctionType
    )


def given_arguments(value: Any) -> tuple[Any, ...]:
    """What a ``partial``, or one behind a method or cache, gives its function; empty if nothing."""
    kind = type(value)
    if kind in _PARTIALS:
        return (value.args, value.keywords, *given_arguments(value.func))
    if kind in (staticmethod, classmethod, MethodType):
        return given_arguments(value.__func__)
    return given_arguments(value.func) if kind is cached_property else ()


def overloads_of(value: Any) -> Mapping[Any, Any]:
    """What is registered with a ``singledispatch`` function or method, by type."""
    kind = type(value)
    if kind is singledispatchmethod:
        return overloads_of(value.dispatcher)
    registry = vars(value).get("registry") if kind is FunctionType else None
    return registry if isinstance(registry, Mapping) else _NONE


def functions_behind(value: Any) -> list[FunctionType]:
    """Plain functions that a function, method, descriptor, partial or cache stands for.

    Examples
    --------
    >>> def f(): ...
    >>> functions_behind(staticmethod(f)) == functions_behind(property(f)) == [f]
    True
    """
    kind = type(value)
    if kind is FunctionType:
        return [value]
    if kind not in _DESCRIPTORS and not issubclass(kind, property) and not is_cache(value):
        return []
    inner: tuple[Any, ...] = ()
    if kind in (staticmethod, classmethod, MethodType):
        inner = (value.__func__,)
    elif issubclass(kind, property):
        inner = (value.fget, value.fset, value.fdel)
    elif kind is cached_property or kind in _PARTIALS:
        inner = (value.func,)
    elif kind is singledispatchmethod:
        inner = (value.dispatcher, value.func)
    elif is_cache(value):
        inner = (value.__wrapped__,)
    return [function for part in inner for function in functions_behind(part)]
