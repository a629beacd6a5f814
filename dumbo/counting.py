"""How often, how long: counters of one process, handed to the catalog in batches.

Law: counting never writes on the way of a call; what a killed process had not handed over is lost,
and is nothing but counts.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from dumbo.events import Event, EventKind
from dumbo.storage import Store


@dataclass(slots=True)
class Totals:
    """Counts and seconds."""

    hits: int = 0
    executed: int = 0
    stale: int = 0
    seconds_saved: float = 0.0
    seconds_run: float = 0.0


@dataclass(slots=True)
class _Tally:
    n: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Counting:
    """Counters by kind of event and function."""

    store: Store
    _tallies: dict[tuple[str, str], _Tally] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, event: Event, function: str) -> None:
        """Count one event."""
        if event.kind in {EventKind.HIT, EventKind.EXECUTED, EventKind.STALE}:
            self.add(event.kind.value, function, 1, event.seconds)

    def add(self, kind: str, function: str, n: int, seconds: float) -> None:
        """Count `n` facts that took or saved `seconds` in all."""
        with self._lock:
            tally = self._tallies.setdefault((kind, function), _Tally())
            tally.n += n
            tally.seconds += seconds

    def absorb(self, entry: Any) -> None:
        """Take over the hits that the warm path counted on a memory entry."""
        shortcut = entry.shortcut
        fresh = shortcut.hits - shortcut.counted
        if fresh > 0:
            shortcut.counted = shortcut.hits
            record = entry.record
            self.add(EventKind.HIT.value, record.function, fresh, fresh * record.total_seconds)

    def flush(self) -> None:
        """Hand everything to the catalog."""
        for entry in self.store.memory.values():
            self.absorb(entry)
        with self._lock:
            tallies, self._tallies = self._tallies, {}
        for (kind, function), tally in tallies.items():
            self.store.catalog.count(kind, function, seconds=tally.seconds, n=tally.n)

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
