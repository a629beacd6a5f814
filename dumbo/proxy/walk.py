"""Rebuilding tuples, lists, dicts and sets with other leaves.

Law: only the built-in containers, those of `collections` and named tuples are taken apart; what is
shared inside a value stays shared, what contains itself still does. Leaves keep their identity
unless the leaf function says otherwise.
"""

from __future__ import annotations

import copy
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from dumbo.errors import UncacheableError
from dumbo.proxy.wrapped_type import PLAIN

Leaf: TypeAlias = Callable[[Any], Any]
CONTAINERS: Final = frozenset({tuple, list, dict, set})
"""The exact built-in containers: those that a function's arguments are looked into."""
DICTS: Final = frozenset({OrderedDict, defaultdict, Counter})


def is_named_tuple(kind: type) -> bool:
    """Whether a type was made by ``namedtuple``."""
    return issubclass(kind, tuple) and hasattr(kind, "_make")


def all_plain(items: Iterable[object]) -> bool:
    """Whether every item is of a plain type; one pass at C speed."""
    return set(map(type, items)) <= PLAIN


class Rebuild:
    """One rebuilding of one value; call it with the value."""

    __slots__ = ("_done", "_leaf")

    def __init__(self, leaf: Leaf) -> None:
        self._leaf = leaf
        self._done: dict[int, Any] = {}

    def __call__(self, value: Any) -> Any:
        """Rebuild `value`.

        Raises
        ------
        UncacheableError
            When it is nested deeper than the interpreter recurses.
        """
        try:
            return self._walk(value)
        except RecursionError:
            raise UncacheableError(
                f"a {type(value).__name__} is nested deeper than Python's recursion limit, so it "
                "cannot be protected: return it flattened, or decorate with keep='never'"
            ) from None

    def _walk(self, value: Any) -> Any:
        kind = type(value)
        if kind in PLAIN:
            return value
        known = self._done.get(id(value), self)
        if known is not self:
            return known
        if kind in CONTAINERS:
            return getattr(self, f"_{kind.__name__}")(value)
        return self._other(value, kind)

    def _other(self, value: Any, kind: Any) -> Any:
        if kind in DICTS:
            new = self._done[id(value)] = copy.copy(value)
            for key, item in value.items():
                new[key] = self._walk(item)
            return new
        if kind is deque:
            new = self._done[id(value)] = deque(maxlen=value.maxlen)
            new.extend(map(self._walk, value))
            return new
        if is_named_tuple(kind):
            return kind._make(map(self._walk, value))
        leaf = self._done[id(value)] = self._leaf(value)
        return leaf

    def _list(self, value: list[Any]) -> list[Any]:
        new: list[Any] = []
        self._done[id(value)] = new
        new.extend(value if all_plain(value) else map(self._walk, value))
        return new

    def _dict(self, value: dict[Any, Any]) -> dict[Any, Any]:
        new: dict[Any, Any] = {}
        self._done[id(value)] = new
        if all_plain(value) and all_plain(value.values()):
            new.update(value)
        else:
            new.update((self._walk(key), self._walk(item)) for key, item in value.items())
        return new

    def _set(self, value: set[Any]) -> set[Any]:
        new: set[Any] = set()
        self._done[id(value)] = new
        new.update(map(self._walk, value))
        return new

    def _tuple(self, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if all_plain(value):
            return value
        new = tuple(map(self._walk, value))
        # A tuple inside a list it contains was finished on the way down.
        if (known := self._done.get(id(value))) is not None:
            return known  # type: ignore[no-any-return]  # what _tuple put there
        if all(a is b for a, b in zip(new, value, strict=True)):
            new = value
        self._done[id(value)] = new
        return new


def leaves(value: object) -> list[object]:
    """List the leaves inside exact containers, plain ones left out, each container once."""
    found: list[object] = []
    seen: set[int] = set()
    todo = [value]
    while todo:
        item = todo.pop()
        kind = type(item)
        if kind in PLAIN or id(item) in seen:
            continue
        seen.add(id(item))
        if kind is dict or kind in DICTS:
            todo += [*item.keys(), *item.values()]  # type: ignore[attr-defined]  # a dict
        elif kind in CONTAINERS or is_named_tuple(kind):
            todo += item  # type: ignore[arg-type]  # a tuple, list or set
        else:
            found.append(item)
    return found
