"""The log of events, with the questions tests ask of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dumbo import session as sessions
from dumbo.events import Event, EventKind


class EventLog(list[Event]):
    """Events in the order they happened."""

    def of(self, kind: EventKind | str) -> list[str]:
        """Calls, as text, of the events of one kind."""
        return [event.call for event in self if event.kind == kind]

    @property
    def executed(self) -> list[str]:
        """Calls that ran."""
        return self.of(EventKind.EXECUTED)

    @property
    def hits(self) -> list[str]:
        """Calls that were answered without running."""
        return self.of(EventKind.HIT)


@contextmanager
def event_log() -> Iterator[EventLog]:
    """Collect the events of a ``with`` block.

    Examples
    --------
    >>> import tempfile, dumbo
    >>> with tempfile.TemporaryDirectory() as folder, dumbo.open(folder) as session:
    ...     with dumbo.using(session), event_log() as log:
    ...         _ = dumbo.call(pow, 2, 3), dumbo.call(pow, 2, 3)
    >>> len(log.executed), len(log.hits)
    (1, 1)
    """
    log = EventLog()
    unsubscribe = sessions.current().events.subscribe(log.append)
    try:
        yield log
    finally:
        unsubscribe()
