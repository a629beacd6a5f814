"""Take apart a value that is neither an atom, a plain container nor a carrier.

Law: the first that knows the type answers, in this order: the registry along the MRO (with the
class's own ``__dumbo_token__`` or ``__dask_tokenize__``), functions and classes, enums, fields of
dataclasses and attrs classes, the builtin a class derives from, the object's own or reduce state.
Live handles are refused: what they give depends on when they are asked.
"""

from __future__ import annotations

import enum
from typing import Any

from dumbo.identity.callables import callable_parts, class_parts
from dumbo.identity.function_id import is_named_class, type_id
from dumbo.identity.objects import (
    builtin_parts,
    field_names,
    reduce_parts,
    state_parts,
)
from dumbo.identity.parts import OpaqueValue, Parts
from dumbo.identity.values import tokenizer_of


def expand(value: Any) -> Parts:
    """Take `value` apart.

    Raises
    ------
    OpaqueValue
        If nothing knows how.
    """
    cls = type(value)
    if issubclass(cls, type):
        return class_parts(value)
    tokenizer = tokenizer_of(cls)
    if tokenizer is not None:
        return _by_tokenizer(value, cls, tokenizer)
    found = callable_parts(value, cls)
    if found is None:
        _refuse_handles(cls)
        found = _object_parts(value, cls)
    if not is_named_class(cls):
        # A class made inside a function may differ from its namesake in what it closes over.
        return Parts(found.tag, [cls, found], ["", ""])
    return found


def _by_tokenizer(value: Any, cls: type, tokenizer: Any) -> Parts:
    try:
        made = tokenizer(value)
    except OpaqueValue:
        raise
    except Exception as error:
        raise OpaqueValue(
            f"the tokenizer of {type_id(cls)} raised {type(error).__name__}: {error}"
        ) from error
    return made if type(made) is Parts else Parts(type_id(cls), [made], [""])


def _object_parts(value: Any, cls: type) -> Parts:
    if issubclass(cls, enum.Enum):
        # Members are known by name; a flag's combinations have none of their own.
        member = value._value_ if issubclass(cls, enum.Flag) else value._name_
        return Parts(type_id(cls), [member], [""])
    names = field_names(cls)
    if names is not None:
        missing = [name for name in names if not hasattr(value, name)]
        present = {name: getattr(value, name) for name in names if name not in missing}
        return Parts.of_fields(type_id(cls), present)
    return builtin_parts(value, cls) or state_parts(value, cls) or reduce_parts(value, cls)


def _refuse_handles(cls: type) -> None:
    if cls is object:
        raise OpaqueValue("a bare object() has nothing to be known by")
    for name, what in (
        ("__next__", "an iterator, generator or open file, which is used up by reading"),
        ("__await__", "awaitable, and can be awaited once"),
        ("__anext__", "an asynchronous iterator, which is used up by reading"),
    ):
        if hasattr(cls, name):
            raise OpaqueValue(f"{type_id(cls)} is {what}")
