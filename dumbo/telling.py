"""What a call did, for whoever wants to know: events, counters, the log, and why it had to run.

Law: telling changes nothing. ``dumbo.why()`` speaks of the last call the user made that was not
simply answered; calls made inside it are told of as its causes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from dumbo import frames
from dumbo.counting import Counting
from dumbo.events import Event, EventKind, Events
from dumbo.graph.explain import Explanation, explain
from dumbo.records import FRESH, Record, Staleness, State

logger = logging.getLogger("dumbo")
TOLD: Final = 1024
"""Explanations kept, so that one can lead to the next."""


class Telling:
    """Tells what happens in one session."""

    def __init__(self, events: Events, counting: Counting) -> None:
        self._events = events
        self._counting = counting
        self._told: dict[str, Explanation] = {}
        self.last_why: Explanation | None = None

    def tell(
        self, kind: EventKind, record: Record, reason: str = "", *, seconds: float = 0.0
    ) -> None:
        """Count it, and emit an event."""
        event = Event(kind, record.cid, record.call, reason, seconds, record.nbytes)
        self._counting.note(event, record.function)
        self._events.emit(event)

    def stale(self, record: Record, verdict: Staleness, notes: Iterable[str] = ()) -> None:
        """Tell why `record` does not hold; for an input that changed, why that was made again."""
        told = explain(record, verdict, notes)
        subjects = dict.fromkeys(reason.subject for reason in verdict.reasons)
        for root in filter(None, map(self._told.get, subjects)):
            text = "\n".join((told, *(f"  {line}" for line in root.splitlines())))
            told = Explanation.of(text, told.short, verdict)
        if len(self._told) >= TOLD:
            self._told.clear()
        self._told[record.cid] = told
        self._last(told)
        logger.info("%s", told.short)
        self.tell(EventKind.STALE, record, told.short)

    def missed(self, call: str, cause: str, hint: str = "", *, state: State = State.FRESH) -> None:
        """Tell that a call runs for another cause than staleness."""
        short = f"{call} {cause}"
        text = f"{short}\n  {hint}" if hint else short
        self._last(Explanation.of(text, short, Staleness(state)))

    def _last(self, told: Explanation) -> None:
        if frames.current() is None:
            self.last_why = told

    def why(self) -> Explanation:
        """Why the last call the user made was not simply answered."""
        if self.last_why is None:
            text = "no call of this process had to run"
            return Explanation.of(text, text, FRESH)
        return self.last_why
