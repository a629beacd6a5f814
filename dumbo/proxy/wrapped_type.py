"""The type of a value by name and back, and the facts a carrier answers without the value.

Law: a name never causes an import of a module the program has not loaded itself, numpy and torch
excepted: what a stored row says must not decide what code runs.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Mapping
from enum import Enum
from typing import Final

SAFE_ROOTS: Final = ("builtins", "numpy", "torch")
"""Modules imported on behalf of a record; all others only if the program has them already."""

PLAIN: Final = frozenset({type(None), bool, int, float, complex, str, bytes})
"""Exact types that are immutable and cheap: whoever walks over many gets the real thing."""
NAMED: Final = PLAIN - {type(None), bool}
"""Those of them whose values are results of their own when they are asked for by name."""

CLOSED: Final = frozenset(
    {"datetime", "decimal", "fractions", "numpy", "pandas", "pathlib"} | {"uuid"}
)
"""Modules of whose values equal ones, and no others, have one repr."""


HIDDEN: Final = {
    f"builtins:{kind.__qualname__}": kind
    for kind in vars(types).values()
    if isinstance(kind, type) and kind.__module__ == "builtins"
}
"""Built-in types that `builtins` does not name: NoneType, function, ellipsis and others."""


def names_one(key: object) -> bool:
    """Whether the repr of a dict's key is that of no other key, here and in any process.

    Examples
    --------
    >>> names_one(("a", 1)), names_one(object())
    (True, False)
    """
    kind = type(key)
    if kind is tuple:
        return all(map(names_one, tuple(key)))  # type: ignore[arg-type]  # a tuple
    if isinstance(key, Enum):
        return kind.__repr__ is Enum.__repr__ and type(key.value) in PLAIN
    return kind in PLAIN or kind.__module__.partition(".")[0] in CLOSED


def type_name(value_type: type) -> str:
    """Name a type as records do.

    Examples
    --------
    >>> type_name(dict)
    'builtins:dict'
    """
    return f"{value_type.__module__}:{value_type.__qualname__}"


def find_type(name: str) -> type | None:
    """Find the type a record names, or None where its module is not loaded.

    Parameters
    ----------
    name : str
        ``module:qualname``.

    Examples
    --------
    >>> find_type("builtins:dict")
    <class 'dict'>
    >>> find_type("never_imported:Thing") is None
    True
    """
    if name in HIDDEN:
        return HIDDEN[name]
    module_name, _, qualname = name.partition(":")
    module = sys.modules.get(module_name)
    root = module_name.partition(".")[0]
    if module is None and root in SAFE_ROOTS:
        try:
            importlib.import_module(root)
        except ImportError:  # an absent library costs laziness here; loading says what is missing
            return None
        module = sys.modules.get(module_name)
    found: object = module
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, type) else None


def is_from(value_type: type, root: str, name: str) -> bool:
    """Whether a type or one of its bases is ``root....name``, without importing `root`."""
    return any(
        base.__name__ == name and base.__module__.partition(".")[0] == root
        for base in value_type.__mro__
    )


def is_tensor_type(value_type: type) -> bool:
    """Whether values of this type are torch tensors, without importing torch."""
    return "torch" in sys.modules and is_from(value_type, "torch", "Tensor")


def facts_of(value: object) -> Mapping[str, object]:
    """Take the facts of a value at hand that its record would hold: shape, dtype, len."""
    facts: dict[str, object] = {"type": type_name(type(value))}
    if isinstance(value, (list, tuple, dict, set, frozenset, str, bytes)):
        facts["len"] = len(value)
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if isinstance(shape, tuple) and dtype is not None:
        facts["shape"] = tuple(shape)
        facts["dtype"] = str(dtype)
    if is_tensor_type(type(value)):
        facts |= {"device": str(getattr(value, "device", "cpu"))}
        facts |= {"requires_grad": bool(getattr(value, "requires_grad", False))}
    return facts
