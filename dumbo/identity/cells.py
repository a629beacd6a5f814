"""Closure cells of a memoized function: arguments that nobody passes.

Law: a cell enters the identity unless the function, or one nested in it, rebinds it: what a
function writes is its state, not its input.
"""

from __future__ import annotations

import dis
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any, Final

from dumbo import callers
from dumbo.errors import IdentityWarning
from dumbo.identity.callables import cell_content
from dumbo.identity.cid import FunctionId
from dumbo.identity.encoding import encode_str
from dumbo.identity.walk import Walk

MOVES_BEFORE_WARNING: Final = 5
_STORES: Final = frozenset({"STORE_DEREF", "DELETE_DEREF"})
_ITSELF: Final = b"self;"


def rebound_names(code: CodeType) -> frozenset[str]:
    """Free variables that the code, or code nested in it, assigns to or deletes.

    Examples
    --------
    >>> def outer():
    ...     n, k = 0, 1
    ...     def count():
    ...         nonlocal n
    ...         n += k
    ...     return count
    >>> sorted(rebound_names(outer().__code__))
    ['n']
    """
    found: set[str] = set()
    pending = [(code, frozenset(code.co_freevars))]
    while pending:
        inner, free = pending.pop()
        found.update(
            step.argval
            for step in dis.get_instructions(inner)
            if step.opname in _STORES and step.argval in free
        )
        pending.extend(
            (nested, free & frozenset(nested.co_freevars))
            for nested in inner.co_consts
            if isinstance(nested, CodeType)
        )
    return frozenset(found)


class Cells:
    """The cells of one function that enter its identity."""

    __slots__ = ("_cells", "_function", "_id", "_last", "_moves", "_warned")

    def __init__(
        self, function: FunctionType, function_id: FunctionId, ignored: Iterable[str]
    ) -> None:
        code = function.__code__
        left_out = {"__class__", *ignored, *(rebound_names(code) if code.co_freevars else ())}
        cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
        self._cells = tuple((name, cell) for name, cell in cells if name not in left_out)
        self._function = function
        self._id = function_id
        self._last: dict[str, bytes] = {}
        self._moves: dict[str, int] = {}
        self._warned = False

    def __len__(self) -> int:
        return len(self._cells)

    def encode(self, walk: Walk) -> Iterator[bytes]:
        """Name and canonical bytes of each cell."""
        for name, cell in self._cells:
            content = cell_content(cell)
            code = _ITSELF if content is self._function else walk.encode(content, name)
            if not self._warned:
                self._watch(name, code)
            yield encode_str(name) + code

    def _watch(self, name: str, code: bytes) -> None:
        """Count how often in a row the content of a cell was another."""
        last = self._last.get(name)
        self._last[name] = code
        self._moves[name] = self._moves.get(name, 0) + 1 if last not in (None, code) else 0
        if self._moves[name] < MOVES_BEFORE_WARNING:
            return
        self._warned = True
        self._last.clear()
        callers.warn(
            f"{self._id}: the closure variable {name!r} was another at each of the last "
            f"{MOVES_BEFORE_WARNING + 1} calls, so no call finds an earlier result; pass it as an "
            f"argument, or leave it out with ignore=({name!r},) if results do not depend on it",
            IdentityWarning,
        )


def free_names(function: Any) -> tuple[str, ...]:
    """Names of the closure variables of a plain function; none for other callables."""
    return function.__code__.co_freevars if type(function) is FunctionType else ()
