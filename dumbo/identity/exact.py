"""Digests of results: two values have the same one only if code that reads them cannot tell.

Law: stricter than identity. Where an argument counts by what it says (a dict in any order), a
result may be read in any way: so the order of a dict counts, and data that lies on the classes and
functions of the project, since whoever got an object from elsewhere may read that through it and
name neither. What is worth nothing but its effect, or leads out of itself, has no digest.

Not told apart: the memory order of an array (``.flags``, ``ravel("K")``), the order in which an
object got its attributes, and whether two equal items of a container are one object.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from enum import EnumMeta
from pathlib import PurePath
from types import FunctionType, ModuleType
from typing import Any, Final

from dumbo.errors import UnidentifiableError
from dumbo.identity.callables import CLASS_BOOKKEEPING
from dumbo.identity.canonical import hexdigest
from dumbo.identity.encoding import encode_str
from dumbo.identity.walk import Walk

_INSTALLED: Final = ("site-packages", "dist-packages")


def value_digest(value: Any, *, name: str = "value") -> str:
    """Digest of a result: 40 hex characters.

    Raises
    ------
    UnidentifiableError
        It has none: something in it cannot be identified, it holds a module, or it is None or a
        path, which say nothing of what was done or written.

    Examples
    --------
    >>> value_digest({"a": 1, "b": 2}) == value_digest({"b": 2, "a": 1})
    False
    >>> value_digest([1, 2]) == value_digest([1, 2])
    True
    """
    if value is None or isinstance(value, PurePath):
        raise UnidentifiableError(f"{name} says nothing of what was done or written to make it")
    walk = Walk(by_content=True, exact=True)
    code = walk.encode(value, name)
    known: set[int] = set()
    told: list[bytes] = []
    while True:
        met = {id(each): each for value in walk.foreign for each in _owners(value)}
        new = [each for key, each in met.items() if key not in known]
        if not new:
            return hexdigest(code + b"".join(sorted(told)))
        known.update(map(id, new))
        for each in new:
            held = _held(each)
            if held:
                label = encode_str(f"{each.__module__}:{each.__qualname__}")
                told.append(b"m" + label + walk.encode(held, name))


def _owners(value: Any) -> list[Any]:
    """The project's functions and classes that a value is, or is of."""
    kind = type(value)
    if kind is ModuleType:
        raise UnidentifiableError(f"a module leads to all it holds: {value.__name__}")
    if kind is FunctionType:
        return [value] if is_users(value.__module__) else []
    cls = value if isinstance(value, type) else kind
    return [base for base in cls.__mro__ if is_users(base.__module__)]


def _held(owner: Any) -> dict[str, Any]:
    """Data that can be read through an object and is not its own state."""
    if type(owner) is FunctionType:
        data = {"=": owner.__defaults__, "*": owner.__kwdefaults__, **vars(owner)}
        return {name: held for name, held in data.items() if held is not None}
    if isinstance(owner, EnumMeta):
        members: dict[str, Any] = dict(owner.__members__)
        return {
            name: member._value_ for name, member in members.items()
        }  # .value may be overridden
    return {
        name: member
        for name, member in vars(owner).items()
        if name not in CLASS_BOOKKEEPING and not _is_code(name, member)
    }


def _is_code(name: str, member: Any) -> bool:
    """Whether a member of a class runs when it is read or called: it is watched as it runs."""
    dunder = name.startswith("__") and name.endswith("__")
    return dunder or hasattr(type(member), "__get__") or hasattr(type(member), "__dumbo_function__")


def users_classes(values: Iterable[Any]) -> tuple[type, ...]:
    """The project's classes that values are, or are instances of; each once."""
    found = dict.fromkeys(value if isinstance(value, type) else type(value) for value in values)
    return tuple(cls for cls in found if is_users(cls.__module__))


def is_users(module: object) -> bool:
    """Whether a module is neither Python's nor an installed package's, which go by version."""
    if not isinstance(module, str) or module.partition(".")[0] in sys.stdlib_module_names:
        return module == "__main__"
    # A module that is not loaded under its name (``numpy.rec``) is its package's.
    for name in (module, module.partition(".")[0]):
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is not None:
            return not any(folder in file for folder in _INSTALLED)
    return True
