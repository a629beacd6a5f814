"""Fingerprints of values that globals, cells and defaults hold, and a short text of them.

Law: never asks a value itself what it is (`type`, not ``isinstance``, which a carrier answers for
its value), never calls its ``__repr__``, and never fails: what cannot be identified gives None.
"""

from __future__ import annotations

import reprlib
import sys
from contextvars import ContextVar
from enum import Enum
from functools import cached_property
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from dumbo._typing import MISSING
from dumbo.code.modules import real_name
from dumbo.code.normal_form import constant_text, mark
from dumbo.code.statics import functions_behind, is_memoized
from dumbo.code.subclasses import Subclasses
from dumbo.errors import UnidentifiableError
from dumbo.identity.canonical import hexdigest
from dumbo.identity.exact import value_digest
from dumbo.identity.walk import Walk

SCALARS = frozenset({type(None), bool, int, float, complex, str, bytes, type(Ellipsis)})
_SHOWN = SCALARS | {list, tuple, dict, set, frozenset}
_TEXT = 60
_CID = "cid:"
HEAP_TYPE = 1 << 9


def fingerprint_of(value: Any) -> str | None:
    """Fingerprint of a plain value; None when it has none."""
    kind = type(value)
    if kind in SCALARS:
        text = constant_text(value)
        return f"v:{text}" if len(text) <= _TEXT else "v:" + mark(text)
    if kind is ContextVar:
        return _of_variable(value)
    if kind is Subclasses:
        return "subclasses " + mark(*value.labels())
    probe = getattr(kind, "__dumbo_carrier__", None)
    if probe is not None:
        return f"{_CID}{probe(value)}@{_version_of(value)}"
    try:
        walk = Walk(exact=True)
        code = walk.encode(_without_cached(value), "value")
        # What lies on classes and functions has dependencies of its own.
        digest = hexdigest(code)
        carried = [f"{_CID}{use.cid}@{_version_of(use.value)}" for use in walk.uses]
        return "\n".join(["v:" + digest, *carried])
    except Exception:  # noqa: BLE001 - identity runs a value's own hooks, which may raise anything
        return None


def held_by(variable: ContextVar[Any]) -> Any:
    """Value of a context variable here, or its default; MISSING when it has neither."""
    try:
        return variable.get()  # with an argument it would not say its own default
    except LookupError:
        return MISSING


def _of_variable(variable: ContextVar[Any]) -> str | None:
    """What code would read from a context variable here: its value, or its default."""
    found = held_by(variable)
    held = "unset" if found is MISSING else fingerprint_of(found)
    return None if held is None else "in context " + held


def agree(before: str, after: str) -> bool:
    """Whether two fingerprints are of one value, as far as both say.

    What is known of a carried result grows: it gets its digest when it is kept, and its version
    when it is committed.

    Examples
    --------
    >>> agree("cid:f#0@3||", "cid:f#0@3|d1|"), agree("cid:f#0@3|d1|", "cid:f#0@4|d2|")
    (True, False)
    """
    if before == after:
        return True
    pairs = list(zip(before.split("\n"), after.split("\n"), strict=False))
    return before.count("\n") == after.count("\n") and all(_agree(*pair) for pair in pairs)


def _agree(before: str, after: str) -> bool:
    if before == after:
        return True
    (cid, _, then), (other, _, now) = before.rpartition("@"), after.rpartition("@")
    if cid != other or not cid.startswith(_CID):
        return False
    for at in (1, 2, 0):  # digest, content, version
        one, two = then.split("|")[at], now.split("|")[at]
        if one and two:
            return one == two
    return False


def _version_of(value: Any) -> str:
    """``version|digest|content`` of a carried result, as far as each is known without loading."""
    kind = type(value)
    if not hasattr(kind, "__dumbo_carrier__"):
        return f"||{_content_of(value)}"
    record = value.__dumbo_record__ if hasattr(kind, "__dumbo_record__") else None
    if record is None:
        return "||"
    version = str(record.version) if record.version > 0 else ""
    content = ""
    if not record.digest and value.__dumbo_loaded__:
        content = _content_of(value.__dumbo_node__().value)
    return f"{version}|{record.digest}|{content}"


def _content_of(value: Any) -> str:
    try:
        return value_digest(value)
    except UnidentifiableError:
        return ""


def _without_cached(value: Any) -> Any:
    """A plain object without what its cached properties remember, which is no part of its state."""
    kind = type(value)
    names = {
        name
        for cls in kind.__mro__
        for name, member in vars(cls).items()
        if type(member) is cached_property
    }
    if not names or not hasattr(value, "__dict__"):
        return value
    state = {name: item for name, item in vars(value).items() if name not in names}
    return (type_label(kind), state)


def is_scalar(value: Any) -> bool:
    """Whether a value cannot change: scalars, enum members, tuples and frozensets of them."""
    kind = type(value)
    if kind in (tuple, frozenset):
        return all(is_scalar(item) for item in value)
    return kind in SCALARS or issubclass(kind, Enum)


def is_data(value: Any) -> bool:
    """Whether a value is neither code, class, module nor a descriptor."""
    kind = type(value)
    return not (
        issubclass(kind, type | FunctionType | MethodType | BuiltinFunctionType | ModuleType)
        or hasattr(kind, "__get__")
        or hasattr(kind, "__dumbo_function__")
        or type(getattr(value, "__wrapped__", None)) is FunctionType
    )


def is_member_state(member: Any) -> bool:
    """Whether what a class holds under a name is data, or a descriptor that is no code itself."""
    kind = type(member)
    if hasattr(kind, "__dumbo_carrier__"):
        return True
    if functions_behind(member) or is_memoized(member) or hasattr(kind, "__objclass__"):
        return False
    return is_data(member) or bool(kind.__flags__ & HEAP_TYPE and not issubclass(kind, type))


def type_label(kind: type) -> str:
    """``module:qualname`` of a class, under the name its module keeps from run to run."""
    return f"{real_name({'__name__': kind.__module__})}:{kind.__qualname__}"


def short_text(value: Any) -> str:
    """A value in at most 60 characters, for people."""
    kind = type(value)
    if kind is Subclasses:
        return short_text(list(value.labels()))
    if kind is ContextVar:
        found = held_by(value)
        return "unset" if found is MISSING else short_text(found)
    probe = getattr(kind, "__dumbo_carrier__", None)
    if probe is not None:
        return str(probe(value))
    if kind in _SHOWN:
        text = _Short().repr(value)
        return text if len(text) <= _TEXT else text[: _TEXT - 3] + "..."
    numpy = sys.modules.get("numpy")
    if numpy is not None and kind is numpy.ndarray:
        return f"ndarray{value.shape} {value.dtype}"
    if issubclass(kind, Enum):
        return f"{kind.__qualname__}.{value.name}"
    return f"<{kind.__qualname__}>"


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = _TEXT

    def repr_instance(self, x: Any, level: int) -> str:  # noqa: ARG002 - set by reprlib
        # Of scalars reprlib knows only whole numbers and strings.
        return repr(x) if type(x) in SCALARS else f"<{type(x).__qualname__}>"
