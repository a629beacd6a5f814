"""Parts of functions, methods, partials, classes and modules.

Law: a function is known by its FunctionId and by what it holds: cells and, where it has no name of
its own in a module, defaults. Its code is not part of it as long as its id leads to it (code is a
dependency, noticed when it runs); where the id does not lead to it, its code is all there is.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MethodType,
    MethodWrapperType,
    ModuleType,
)
from typing import Any, Final

from dumbo.identity.bytecode import code_digest
from dumbo.identity.function_id import (
    LRU_WRAPPER,
    function_id,
    is_named,
    is_named_class,
    module_name,
    type_id,
)
from dumbo.identity.parts import Parts

_EMPTY_CELL: Final = Parts("empty cell", [])

# Bookkeeping that Python and its libraries write into a class; none of it is the author's.
CLASS_BOOKKEEPING: Final = frozenset(
    {
        "__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__annotations__",
        "__slots__", "__slotnames__", "__match_args__", "__firstlineno__", "__static_attributes__",
        "__abstractmethods__", "_abc_impl", "__dataclass_fields__", "__dataclass_params__",
        "__attrs_attrs__", "__parameters__", "__orig_bases__", "__annotate__", "__annotate_func__",
        "__annotations_cache__", "__classcell__",
    }
)  # fmt: skip
_GENERATED: Final = frozenset(
    {
        "__init__", "__repr__", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__",
        "__hash__", "__setattr__", "__delattr__", "__replace__", "__getstate__", "__setstate__",
        "__attrs_init__", "__attrs_props__", "__attrs_own_setattr__",
    }
)  # fmt: skip


def callable_parts(value: Any, cls: type) -> Parts | None:
    """Parts of a function, method, partial or module; None for anything else."""
    if cls is FunctionType:
        return _function_parts(value)
    if cls is MethodType:
        return Parts("method", [value.__func__, value.__self__], ["", ".__self__"])
    if cls is BuiltinFunctionType or cls is MethodWrapperType:
        return _builtin_parts(value)
    if cls is functools.partial:
        parts = [value.func, value.args, value.keywords, vars(value)]
        return Parts("partial", parts, [".func", ".args", ".keywords", ""])
    if cls is LRU_WRAPPER:
        return Parts("cached", [value.__wrapped__], [".__wrapped__"])
    if cls is ModuleType:
        return Parts("module", [module_name(value)])
    if cls is CodeType:
        return Parts("code", [code_digest(value)])
    if cls in (staticmethod, classmethod):
        return Parts(type_id(cls), [value.__func__], [""])
    if cls is property:
        return Parts("property", [value.fget, value.fset, value.fdel])
    return None


def _function_parts(function: FunctionType) -> Parts:
    named = is_named(function)
    items: list[Any] = [str(function_id(function))]
    labels = [""]
    if not named:
        items.append(Parts("code", [code_digest(function.__code__)]))
        labels.append("")
    for name, content in cell_contents(function):
        items += [name, content]
        labels += ["", f".<closure {name}>"]
    if not named or "<" in function.__qualname__:
        for default in (function.__defaults__, function.__kwdefaults__):
            items.append(default)
            labels.append(".<defaults>")
    return Parts("function", items, labels)


def cell_contents(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Name and content of each closure cell but the class cell, which is the method's own class."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        if name != "__class__":
            yield name, cell_content(cell)


def cell_content(cell: Any) -> Any:
    """What a cell holds; a marker for one that nothing was assigned to."""
    try:
        return cell.cell_contents
    except ValueError:
        return _EMPTY_CELL


def _builtin_parts(value: Any) -> Parts:
    owner = value.__self__
    if owner is None or type(owner) is ModuleType:
        module = value.__module__ or (owner.__name__ if owner else "")
        return Parts("function", [f"{module_name(module or 'builtins')}:{value.__qualname__}"])
    return Parts("method", [value.__qualname__, owner], ["", ".__self__"])


def class_parts(cls: Any) -> Parts:
    """Parts of a class: its id, and where that does not lead to it, what its author wrote."""
    if is_named_class(cls):
        return Parts("class", [type_id(cls)])
    generated = (
        _GENERATED if "__dataclass_fields__" in vars(cls) or "__attrs_attrs__" in vars(cls) else ()
    )
    held = {
        name: member
        for name, member in vars(cls).items()
        if name not in CLASS_BOOKKEEPING and name not in generated and _is_author_s(member)
    }
    return Parts.of_fields("class", held, type_id(cls), cls.__bases__)


def _is_author_s(member: Any) -> bool:
    kind = type(member)
    return kind in _MEMBER_TYPES


_MEMBER_TYPES: Final = frozenset(
    {
        FunctionType, staticmethod, classmethod, property, type(None), bool, int, float, complex,
        str, bytes, tuple, list, dict, set, frozenset,
    }
)  # fmt: skip
