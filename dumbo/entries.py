"""What the memory tier holds: one result, and what the warm path needs of it.

Law: a value in memory is served only while it is what it was. What can be locked is locked; what
can be changed behind the carrier's back is watched: tensors by their version counter, objects that
nothing else protects by their content. An entry that leaves the tier leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from dumbo.frames import Trace
from dumbo.judging import Guard, Stamp
from dumbo.proxy import Mark, Node, Returns, carry, check_unspoilt, leaves, mark_of
from dumbo.records import Record

SEALED: Final = 16 << 20
"""Bytes of arrays and tensors up to which their content is looked at before they are served again,
once somebody was given the memory itself."""
SAFE: Final = frozenset(
    {
        "enum",
        "datetime",
        "decimal",
        "fractions",
        "uuid",
        "pathlib",
        "_pydatetime",
    }
)
"""Modules whose values cannot be changed."""


@dataclass(slots=True)
class Shortcut:
    """What the warm path reads: the carrier, until when it may be given, and how often it was."""

    carrier: Any = None
    stamp: Stamp | None = None
    guard: Guard | None = None
    hits: int = 0
    counted: int = 0

    def close(self) -> None:
        """Give nothing any more, and hold nothing."""
        self.stamp = self.guard = self.carrier = None


@dataclass(slots=True, eq=False, weakref_slot=True)
class Entry:
    """One result in the memory tier.

    Attributes
    ----------
    trace, node, carrier
        What is known of it, what a carrier carries, and the carrier that calls give.
    returns : Returns
        The kind of carrier.
    digest : callable
        Content digest of a value, empty where it has none.
    """

    trace: Trace
    node: Node
    carrier: Any
    returns: Returns
    digest: Callable[[object], str]
    shortcut: Shortcut = field(default_factory=Shortcut)
    mark: Mark | None = None
    content: str | None = None
    seal: str = ""

    @property
    def record(self) -> Record:
        """The record as it is now."""
        return self.trace.record

    def give(self) -> Any:
        """What a call gives: the carrier, or a real object that nobody else was given."""
        return self.carrier if self.is_shared else carry(self.node, self.returns)

    @property
    def is_shared(self) -> bool:
        """Whether every call may be given the very same object."""
        return self.returns is Returns.PROXY or type(self.carrier) in _PLAIN

    @property
    def is_watched(self) -> bool:
        """Whether the value has to be looked at before it is served."""
        return self.mark is not None or self.content is not None

    def watch(self, value: object) -> None:
        """Note what the value looks like: from now on somebody may hold it."""
        mark = mark_of(value)
        self.mark = mark if mark.facts else None
        # A real object has no guard around it: what it holds is in the caller's hands.
        exposed = self.returns is not Returns.PROXY and type(value) not in _PLAIN
        is_open = exposed or any(map(_is_open, leaves(value)))
        self.content = self.digest(value) if is_open else None
        # What is locked or counts its changes can still be written to behind its back.
        sealed = not is_open and bool(self.mark) and self._weight(value) <= SEALED
        self.seal = (self.record.digest or self.digest(value)) if sealed else ""
        if self.is_watched:
            self.shortcut.close()  # its guard has to be made anew, with the watch

    def is_unspoilt(self) -> bool:
        """Whether nobody changed the value in memory behind the carrier's back.

        A value without a comparable content is taken again from its bytes where it has any.
        """
        if self.mark is not None and not check_unspoilt(self.node.value, self.mark):
            return False
        if self.seal and self.node.exposure.is_open:
            return self.digest(self.node.value) == self.seal
        if self.content is None:
            return True
        if not self.content:
            return self.record.stored is None
        return self.digest(self.node.value) == self.content

    @staticmethod
    def _weight(value: object) -> int:
        return sum(map(_bytes_of, leaves(value)))


_PLAIN: Final = frozenset({int, float, complex, str, bytes, bool, type(None)})


def _is_open(leaf: object) -> bool:
    """Whether a leaf can be changed without a trace that is looked for elsewhere."""
    kind = type(leaf)
    root = kind.__module__.partition(".")[0]
    if root == "numpy":
        names = {base.__name__ for base in kind.__mro__}
        numbers = not getattr(getattr(leaf, "dtype", None), "hasobject", True)
        return not numbers or not (kind.__name__ == "ndarray" or "generic" in names)
    if root == "torch" and hasattr(kind, "is_inference"):
        return False  # a tensor has a version counter
    return not (root in SAFE or isinstance(leaf, type) or root in {"polars"})


def _bytes_of(leaf: Any) -> int:
    """Bytes of an array; 0 for what has none, or, as a sparse tensor, does not say."""
    try:
        return int(getattr(leaf, "nbytes", 0))
    except Exception:  # noqa: BLE001  # anybody's property
        return 0
