"""Parts of objects: fields, the builtin underneath, own state, reduce state.

Law: an object is its class and its state. State is read from ``__dict__`` and slots without
computing attributes; a class that says how it is pickled is asked for that, and what it answers is
walked like any other value, never pickled.
"""

from __future__ import annotations

import copyreg
import dataclasses
import functools
import sys
from collections.abc import Callable
from types import MemberDescriptorType
from typing import Any, Final

from dumbo.identity.function_id import type_id
from dumbo.identity.parts import Layout, OpaqueValue, Parts

_HEAP_TYPE: Final = 1 << 9
_PICKLE_HOOKS: Final = (
    "__reduce__",
    "__reduce_ex__",
    "__getstate__",
    "__getnewargs__",
    "__getnewargs_ex__",
)

# The builtin inside an instance of a subclass, by the builtin's own method: an override that the
# subclass defines is user code, and may compute something else.
_CONTENT: Final[dict[type, Callable[[Any], Any]]] = {
    int: int.__int__,
    float: float.__float__,
    complex: complex.__complex__,
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    bytearray: lambda value: bytes(memoryview(value)),
    list: lambda value: list(list.__iter__(value)),
    tuple: lambda value: tuple(tuple.__iter__(value)),
    set: lambda value: set(set.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
    dict: lambda value: dict(dict.items(value)),
}


def field_names(cls: type) -> tuple[str, ...] | None:
    """Names of the fields of a dataclass or attrs class, or None."""
    if dataclasses.is_dataclass(cls):
        return tuple(field.name for field in dataclasses.fields(cls))
    attributes = getattr(cls, "__attrs_attrs__", None)
    if isinstance(attributes, tuple):
        return tuple(attribute.name for attribute in attributes)
    return None


def builtin_parts(value: Any, cls: type) -> Parts | None:
    """Parts of an instance of a subclass of a builtin; None for others."""
    base = next((b for b in cls.__mro__ if b in _CONTENT), None)
    if base is None:
        return None
    names = getattr(cls, "_fields", None)
    if base is tuple and isinstance(names, tuple) and len(names) == tuple.__len__(value):
        return Parts(type_id(cls), _CONTENT[tuple](value), [f".{name}" for name in names])
    if _has_hook(cls, base):
        return None
    content = _CONTENT[base](value)
    return Parts(type_id(cls), [content, own_state(value, cls)], ["", ""])


def state_parts(value: Any, cls: type) -> Parts | None:
    """Parts of an instance of a plain Python class; None for others."""
    if _has_hook(cls, object) or cls in copyreg.dispatch_table:
        return None
    if not all(base.__flags__ & _HEAP_TYPE for base in cls.__mro__[:-1]):
        return None
    # Python itself refuses a class whose state is out of its sight in C: a lock, a socket.
    _reduce(value, cls, lambda value: object.__reduce_ex__(value, 4))
    return Parts.of_fields(type_id(cls), own_state(value, cls))


def _has_hook(cls: type, base: type) -> bool:
    """Whether `cls` says how it is pickled otherwise than `base` does."""
    return any(getattr(cls, name, None) is not getattr(base, name, None) for name in _PICKLE_HOOKS)


def own_state(value: Any, cls: type) -> dict[str, Any]:
    """What an instance holds in ``__dict__`` and slots, less what cached properties keep there."""
    state: dict[str, Any] = {}
    for base in cls.__mro__:
        for name, member in vars(base).items():
            if type(member) is MemberDescriptorType and member.__objclass__ is base:
                _read_slot(state, name, member, value)
    own = value.__dict__ if cls.__dictoffset__ else {}
    for name in own:
        if type(_class_attribute(cls, name)) is not functools.cached_property:
            state[str(name)] = own[name]
    return state


def _read_slot(state: dict[str, Any], name: str, member: MemberDescriptorType, value: Any) -> None:
    missing = state  # any object that cannot be in the slot
    held = _slot_value(member, value, missing)
    if held is not missing:
        state[name] = held


def _slot_value(member: MemberDescriptorType, value: Any, missing: Any) -> Any:
    # An empty slot says so only by raising; the class does not know which of them are filled.
    try:
        return member.__get__(value)
    except AttributeError:
        return missing


def _class_attribute(cls: type, name: str) -> Any:
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)


def reduce_parts(value: Any, cls: type) -> Parts:
    """Parts of the state an object would be pickled from.

    Raises
    ------
    OpaqueValue
        If the object refuses to be pickled, or is known only by a name that does not lead to it.
    """
    reducer = copyreg.dispatch_table.get(cls)
    reduced = _reduce(value, cls, reducer or (lambda value: value.__reduce_ex__(4)))
    if isinstance(reduced, str):
        return _global_parts(value, cls, reduced)
    function, arguments, state, items, pairs = [*reduced, None, None, None][:5]
    parts = [
        function,
        tuple(arguments),
        # An object whose ``__dict__`` was never asked for has no state, one whose was an empty one.
        None if type(state) is dict and not state else state,
        None if items is None else list(items),
        None
        if pairs is None
        else Parts("pairs", [x for pair in pairs for x in pair], (), Layout.MAPPING),
    ]
    return Parts(type_id(cls), parts, ["<class>", "", "", "", ""])


def _reduce(value: Any, cls: type, reducer: Callable[[Any], Any]) -> Any:
    try:
        return reducer(value)
    except Exception as error:
        raise OpaqueValue(f"{type_id(cls)} gives no state ({error})") from error


def _global_parts(value: Any, cls: type, name: str) -> Parts:
    module = getattr(value, "__module__", None) or cls.__module__
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not value:
        raise OpaqueValue(f"{type_id(cls)} {name!r} is not what {module}.{name} leads to")
    return Parts("name", [module, name])
