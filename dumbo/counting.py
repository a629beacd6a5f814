"""How often, how long: what is counted goes to the catalog's buffer, and from there in batches.

Law: counting never writes on the way of a call; what a killed process had not handed over is lost,
and is nothing but counts. There is one buffer, the catalog's. A forked child counts what happens
after the fork: that buffer is emptied in it, and hits of the warm path that its parent will hand
over are taken as handed over.
"""

from __future__ import annotations

import os
import weakref
from dataclasses import dataclass
from typing import Any, Final

from dumbo.events import Event, EventKind
from dumbo.storage import Store

_LIVE: Final[weakref.WeakSet[Counting]] = weakref.WeakSet()


@dataclass(slots=True)
class Totals:
    """Counts and seconds."""

    hits: int = 0
    executed: int = 0
    stale: int = 0
    seconds_saved: float = 0.0
    seconds_run: float = 0.0


class Counting:
    """Counters by kind of event and function.

    Parameters
    ----------
    store : Store
        Whose catalog holds the counts, and whose memory the entries of the warm path.
    """

    __slots__ = ("__weakref__", "store")

    def __init__(self, store: Store) -> None:
        self.store = store
        _LIVE.add(self)

    def note(self, event: Event, function: str) -> None:
        """Count one event."""
        if event.kind in {EventKind.HIT, EventKind.EXECUTED, EventKind.STALE}:
            self.add(event.kind.value, function, 1, event.seconds)

    def add(self, kind: str, function: str, n: int, seconds: float) -> None:
        """Count `n` facts that took or saved `seconds` in all."""
        self.store.catalog.count(kind, function, seconds, n)

    def absorb(self, entry: Any) -> None:
        """Take over the hits that the warm path counted on a memory entry."""
        shortcut = entry.shortcut
        fresh = shortcut.hits - shortcut.counted
        if fresh > 0:
            shortcut.counted = shortcut.hits
            record = entry.record
            self.add(EventKind.HIT.value, record.function, fresh, fresh * record.total_seconds)

    def flush(self) -> None:
        """Hand over what the warm path counted; the catalog writes it with the rest."""
        for entry in self.store.memory.values():
            self.absorb(entry)

    def after_fork(self) -> None:
        """Leave the parent's hits to the parent."""
        entries: list[Any] = self.store.memory.values()
        for entry in entries:
            entry.shortcut.counted = entry.shortcut.hits

    def totals(self) -> Totals:
        """Sum of what the catalog knows."""
        totals = Totals()
        for (kind, _), (n, seconds) in self.store.catalog.totals().items():
            if kind == EventKind.HIT:
                totals.hits += n
                totals.seconds_saved += seconds
            elif kind == EventKind.EXECUTED:
                totals.executed += n
                totals.seconds_run += seconds
            elif kind == EventKind.STALE:
                totals.stale += n
        return totals


def _after_fork() -> None:
    for counting in tuple(_LIVE):
        counting.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
