"""How a guard sees a mutable value change.

Law: nothing is loaded and nothing large is read. A small value is compared by its bytes, where
those are not to be had by its digest, a large one by its length; what cannot change has no guard.
"""

from __future__ import annotations

import marshal
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from pathlib import PurePath
from types import FunctionType, MemberDescriptorType, ModuleType, SimpleNamespace
from typing import Any, Final
from weakref import WeakKeyDictionary

from dumbo._typing import MISSING
from dumbo.code.statics import is_memoized
from dumbo.code.subclasses import Subclasses
from dumbo.code.values import HEAP_TYPE, SCALARS, fingerprint_of, is_scalar

SMALL: Final = 4096
"""Bytes up to which a value is small."""
ITEMS: Final = 256
"""Items, of all levels together, up to which a value is small."""

_BUILTIN: Final = frozenset({list, dict, set, bytearray, tuple, frozenset})
_MAPPINGS: Final = frozenset({dict, OrderedDict, defaultdict, Counter})
_SEQUENCES: Final = frozenset({list, tuple, set, frozenset, deque})
_known_slots: Final[WeakKeyDictionary[type, tuple[MemberDescriptorType, ...]]] = WeakKeyDictionary()
_FIXED: Final = (type, FunctionType, ModuleType, type(len), PurePath)


def contents_of(value: Any) -> Callable[[], object] | None:
    """What to ask to see a value change; None when only another object could be a change."""
    if value is MISSING or is_scalar(value) or _is_fixed(value):
        return None
    kind = type(value)
    if kind is Subclasses:
        labels: Callable[[], object] = value.labels
        return labels
    numpy = sys.modules.get("numpy")
    if numpy is not None and kind is numpy.ndarray:
        if value.nbytes > SMALL or value.dtype.hasobject:
            return None
        return lambda: (value.dtype, value.shape, value.tobytes())
    state: Any = value if kind in _BUILTIN else getattr(value, "__dict__", None)
    if kind is deque or kind in _MAPPINGS - _BUILTIN:
        return _of_collection(value)
    if (
        (kind in _BUILTIN or (_is_plain(kind) and not _slots(kind)))
        and type(state) in _BUILTIN
        and len(state) <= ITEMS
    ):
        written = _marshalled(state)
        if written is not None:
            return _by_length(state) if len(written) > SMALL else lambda: _marshalled(state)
    return _deep(value, state)


def _of_collection(value: Any) -> Callable[[], object]:
    """The standard library's containers, whose order counts."""
    list_of: Callable[[], Any] = (
        (lambda: list(value)) if type(value) is deque else lambda: list(value.items())
    )
    if len(value) <= ITEMS:
        written = _marshalled(list_of())
        if written is not None and len(written) <= SMALL:
            return lambda: _marshalled(list_of())
    return _deep(value, value) or _by_length(value)


def _deep(value: Any, state: Any) -> Callable[[], object] | None:
    """Ask for what is inside, at any depth, of a value that cannot be written in one go."""
    if _has_small_state(value):
        if _is_table(value):
            return lambda: _rows(value)
        if _leaves(value) is not None:
            return lambda: _marshalled(_leaves(value))
        known = fingerprint_of(value)
        if known is not None:
            return lambda: fingerprint_of(value)
    if type(state) not in _BUILTIN:
        return None
    return (lambda: _identities(state)) if len(state) <= ITEMS else _by_length(state)


def _is_table(value: Any) -> bool:
    """Whether a value is a list or dict of plain objects whose states can be written in one go."""
    if type(value) not in {list, tuple, dict}:
        return False
    items = value.values() if type(value) is dict else value
    return (
        all(
            _is_plain(type(item)) and not _slots(type(item)) and type(item).__dictoffset__
            for item in items
            if not is_scalar(item)
        )
        and _rows(value)[1] is not None
    )


def _rows(value: Any) -> tuple[tuple[type, ...], bytes | None]:
    """Classes and states of the items of a list or dict, at a fifth of the cost of `_leaves`."""
    keys = list(value) if type(value) is dict else None
    items = list(value.values()) if keys is not None else value
    states = [getattr(item, "__dict__", item) for item in items]
    return tuple(map(type, items)), _marshalled((keys, states))


def _has_small_state(value: Any) -> bool:
    """Whether what a value holds that can change is little, and more than one level of names."""
    todo, count, size, changing = [value], 0, 0, 0
    while todo:
        item = todo.pop()
        if type(item) in {str, bytes, bytearray}:
            size += len(item)
        elif not _is_fixed(item):
            parts = _parts(item)
            if parts is None:
                return False
            # The outermost level is compared by identity of its items, unless they can change.
            changing += item is not value or type(value) not in _BUILTIN
            todo += parts
        count += 1
        if count + len(todo) > ITEMS or size > SMALL:
            return False
    return changing > 0


def _parts(item: Any) -> list[Any] | None:
    """What is directly inside; None where it cannot be told, or may be much."""
    kind = type(item)
    nbytes = getattr(item, "nbytes", None) if hasattr(kind, "dtype") else None
    if nbytes is not None:
        return [] if type(nbytes) is int and nbytes <= SMALL else None
    parts: list[Any] = []
    state = getattr(item, "__dict__", None)
    if type(state) is dict:
        parts += state.values()
    parts += [_slot(member, item) for member in _slots(kind)]
    if issubclass(kind, dict):
        parts += [part for pair in dict.items(item) for part in pair]
    elif issubclass(kind, list | tuple | set | frozenset | deque):
        base: Any = next(b for b in kind.__mro__ if b in _SEQUENCES)
        parts += base.__iter__(item)
    elif kind.__module__ == "builtins" and state is None:
        return None  # an iterator, a view: reading it may use it up
    return parts


def _slots(kind: type) -> tuple[MemberDescriptorType, ...]:
    known = _known_slots.get(kind)
    if known is None:
        members = [member for owner in kind.__mro__ for member in vars(owner).items()]
        known = _known_slots[kind] = tuple(
            member
            for name, member in members
            if type(member) is MemberDescriptorType and not name.startswith("__")
        )
    return known


def _leaves(value: Any) -> list[Any] | None:
    """Scalars, lengths and identities a value of plain objects comes down to; None for others."""
    todo, leaves = [value], list[Any]()
    while todo:
        item = todo.pop()
        kind = type(item)
        if kind in SCALARS:
            leaves.append(item)
            continue
        if kind in _MAPPINGS:
            parts: list[Any] = [*item.keys(), *item.values()]
        elif kind in _SEQUENCES:
            parts = list(item)
        elif _is_fixed(item):
            leaves.append(id(item))
            continue
        elif _is_plain(kind):
            state = getattr(item, "__dict__", {})
            parts = [_slot(member, item) for member in _slots(kind)]
            parts += [*state.keys(), *state.values()]
        else:
            return None
        leaves += (id(kind), len(parts))
        todo += parts
        if len(todo) + len(leaves) > 4 * ITEMS:  # it grew, or came to hold itself
            return None
    return leaves


def _slot(member: MemberDescriptorType, item: Any) -> Any:
    try:
        return member.__get__(item)
    except AttributeError:  # the only way to ask whether a slot is filled
        return None


def _is_fixed(item: Any) -> bool:
    """Whether a value is compared by identity alone: it cannot change, or is code."""
    kind = type(item)
    return (
        is_scalar(item)
        or issubclass(kind, _FIXED)
        or is_memoized(item)
        or hasattr(kind, "__dumbo_carrier__")
    )


def _is_plain(kind: type) -> bool:
    """Whether instances hold nothing beside ``__dict__`` and slots."""
    return all(base is SimpleNamespace or base.__flags__ & HEAP_TYPE for base in kind.__mro__[:-1])


def _by_length(state: Any) -> Callable[[], object]:
    return lambda: len(state)


def _marshalled(state: Any) -> bytes | None:
    try:
        # Version 2 writes no back-references, so that the bytes depend on the values alone.
        return marshal.dumps(state, 2)
    except ValueError:
        return None


def _identities(state: Any) -> object:
    values = state.items() if type(state) is dict else enumerate(state)
    return tuple((key, id(value)) for key, value in values)
