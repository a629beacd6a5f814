"""Registry of foreign values: how to take apart a value of a type dumbo does not know itself.

Law: looked up by type along the MRO, the nearest class wins; looking up imports nothing but
dumbo's own family of the library that is already loaded. Others join by `register_value`, by the
methods ``__dumbo_token__`` or ``__dask_tokenize__`` on a class, or by an entry point of the group
``dumbo.values`` whose name is the type, ``mylib.frame.Frame``.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from typing import Any, Protocol, overload, runtime_checkable
from weakref import WeakKeyDictionary

from dumbo.errors import ConfigurationError

Tokenizer = Callable[[Any], Any]
GROUP = "dumbo.values"

_FAMILIES = {
    "numpy": "numpy_arrays",
    "torch": "torch_tensors",
    "pandas": "pandas_frames",
    "polars": "polars_frames",
    "scipy": "scipy_sparse",
}


@runtime_checkable
class ValueType(Protocol):
    """How values of one type are taken apart, as one class.

    Attributes
    ----------
    type : type or str
        The type, or ``"module:qualname"`` so that nothing is imported for it.
    """

    type: Any

    def token(self, value: Any) -> Any:
        """Parts of `value`: any value that can be identified, usually a tuple."""
        ...


_by_type: dict[type, Tokenizer] = {}
_by_name: dict[str, Tokenizer] = {}
_found: WeakKeyDictionary[type, Tokenizer | None] = WeakKeyDictionary()


@overload
def register_value(type_or_name: type | str | ValueType, tokenizer: Tokenizer) -> Tokenizer: ...
@overload
def register_value(type_or_name: ValueType, tokenizer: None = None) -> ValueType: ...
@overload
def register_value(
    type_or_name: type | str, tokenizer: None = None
) -> Callable[[Tokenizer], Tokenizer]: ...


def register_value(type_or_name: Any, tokenizer: Any = None) -> Any:
    """Say how values of a type, and of its subclasses, are taken apart.

    Parameters
    ----------
    type_or_name : type, str or ValueType
        The type; ``"module:qualname"``, so that nothing is imported until such a value is met;
        or an object with ``type`` and ``token``.
    tokenizer : callable, optional
        From a value to its parts: anything that can be identified. Without it a decorator is
        returned.

    Raises
    ------
    ConfigurationError
        If the name is not ``module:qualname`` or the tokenizer cannot be called.

    Examples
    --------
    >>> from dumbo.identity import digest
    >>> class Sensor:
    ...     def __init__(self, serial, handle):
    ...         self.serial, self.handle = serial, handle
    >>> @register_value(Sensor)
    ... def sensor_parts(sensor):
    ...     return sensor.serial
    >>> digest(Sensor(7, open)) == digest(Sensor(7, print))
    True
    """
    if isinstance(type_or_name, ValueType) and not isinstance(type_or_name, type):
        _add(type_or_name.type, type_or_name.token)
        return type_or_name
    if tokenizer is None:
        return functools.partial(_add, type_or_name)
    return _add(type_or_name, tokenizer)


def _add(type_or_name: Any, tokenizer: Tokenizer) -> Tokenizer:
    if not callable(tokenizer):
        raise ConfigurationError(
            f"register_value({type_or_name!r}): the tokenizer {tokenizer!r} cannot be called; "
            "give a function from a value to its parts"
        )
    if isinstance(type_or_name, type):
        _by_type[type_or_name] = tokenizer
    elif isinstance(type_or_name, str) and ":" in type_or_name:
        _by_name[type_or_name] = tokenizer
    else:
        raise ConfigurationError(
            f"register_value({type_or_name!r}): not a type; give a class or 'module:qualname'"
        )
    _found.clear()
    return tokenizer


def tokenizer_of(cls: type) -> Tokenizer | None:
    """The tokenizer for values of exactly `cls`, or None."""
    try:
        return _found[cls]
    except KeyError:
        pass
    found = _search(cls)
    _found[cls] = found
    return found


def _search(cls: type) -> Tokenizer | None:
    for base in cls.__mro__[:-1]:
        _load_family(base)
        found = _by_type.get(base) or _by_name.get(f"{base.__module__}:{base.__qualname__}")
        found = found or _hook(base) or _from_entry_point(base)
        if found is not None:
            return found
    return None


def _hook(base: type) -> Tokenizer | None:
    """The class's own way, if it has one; a subclass may define it above a registered base."""
    for name in ("__dumbo_token__", "__dask_tokenize__"):
        if name in vars(base):
            return lambda value: getattr(value, name)()
    return None


@functools.cache
def _load(family: str) -> None:
    importlib.import_module(f"dumbo.identity.families.{family}")


def _load_family(base: type) -> None:
    top = base.__module__.partition(".")[0]
    if top in _FAMILIES:
        _load(_FAMILIES[top])
    elif top in sys.stdlib_module_names:
        _load("standard")


def _from_entry_point(base: type) -> Tokenizer | None:
    top = base.__module__.partition(".")[0]
    if top in sys.stdlib_module_names or top in _FAMILIES:
        return None
    point = _entry_points().get(f"{base.__module__}.{base.__qualname__}")
    if point is None:
        return None
    loaded = point.load()
    made = loaded() if isinstance(loaded, type) else loaded
    return _add(base, made.token if isinstance(made, ValueType) else made)


@functools.lru_cache(maxsize=1)
def _entry_points() -> dict[str, Any]:
    """Entry points of the installed distributions by type; read once, nothing is loaded."""
    from importlib.metadata import entry_points

    return {point.name.replace(":", "."): point for point in entry_points(group=GROUP)}
