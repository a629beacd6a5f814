"""Values that are kept as their parts: what a frame, a sparse array or an image is made of.

Law: a family takes its values apart into plain containers of arrays and small values, and puts
them together again; it writes no bytes, reads none and names no class. Parts are kept by their own
codecs, so large ones are mapped when the value is opened, and equal ones are stored once.

A value is accepted only if each of its parts is kept without code. A codec of another package can
be made of this class too: define `name`, `take` and `make`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from dumbo.errors import ValueLostError
from dumbo.records import Stored
from dumbo.storage.base import Codec, Keeper, Keeps
from dumbo.storage.codecs.assembly import Reader
from dumbo.storage.codecs.survey import all_leaves, worth_items
from dumbo.storage.codecs.trees import DAMAGE, TreeCodec
from dumbo.storage.codecs.writing import write_tree

_DAMAGE: Final[tuple[type[Exception], ...]] = (
    *DAMAGE,
    *(ArithmeticError, AttributeError, MemoryError),
)


class Declined(Exception):  # noqa: N818 - an answer, not a failure: another codec keeps the value
    """A family cannot take a value apart exactly; the text says why."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A value taken apart.

    Attributes
    ----------
    parts : dict
        Plain containers of scalars, arrays, tensors and values of the standard table.
    facts : Mapping
        What the row answers without the parts: ``shape``, ``dtype``, ``len``.
    lazy : bool
        Whether putting it together again costs next to nothing, whatever its size.
    """

    parts: dict[str, Any]
    facts: Mapping[str, object] = field(default_factory=dict)
    lazy: bool = True


class PartsCodec(TreeCodec, ABC):
    """Keeps the values of one family as their parts.

    Parameters
    ----------
    find : callable
        Gives the codec of a part.
    """

    name: str
    keeps: frozenset[Keeps] = frozenset({Keeps.BITS, Keeps.LAZY, Keeps.NO_CODE})
    damage: ClassVar[tuple[type[Exception], ...]] = ()
    """What the library raises for parts that do not fit, besides the usual."""

    def __init__(self, find: Callable[[object], Codec]) -> None:
        super().__init__()
        self._find = find

    @abstractmethod
    def take(self, value: Any) -> Taken:
        """Take a value apart; raises `Declined` for what would not come back exactly."""

    @abstractmethod
    def make(self, parts: dict[str, Any]) -> object:
        """Put a value together; the parts are not trusted, and may be of any types."""

    def accepts(self, value: object) -> bool:
        """Whether every part of the value is kept, and without code."""
        try:
            taken = self.take(value)
        except Declined:
            return False
        return worth_items(taken.parts, self._find) and all(
            Keeps.NO_CODE in self._find(leaf).keeps for leaf in all_leaves(taken.parts)
        )

    def store(self, value: object, into: Keeper) -> Stored:
        """Store the parts, then the manifest that names them."""
        taken = self.take(value)
        cls = type(value)
        facts = {"type": f"{cls.__module__}:{cls.__qualname__}", **taken.facts}
        if not taken.lazy:
            facts["lazy"] = False
        return write_tree(self.name, taken.parts, into.digest(value), into, facts)

    def load(self, stored: Stored, source: Keeper) -> object:
        """Open the parts and put them together."""
        manifest, node = self._trees.open(stored, source)
        try:
            parts = Reader(manifest, source).value(node)
            return self.make(parts)
        except _DAMAGE + self.damage as error:
            raise ValueLostError(
                f"a value of type {str(stored.meta.get('type'))[:80]} cannot be put together: its "
                f"parts do not fit ({error!r:.200}); recompute it, or restore the store from a copy"
            ) from error
