"""What happened, as frozen facts: executed, hit, loaded, stored, skipped, stale, evicted, failed.

Law: an event is emitted where the thing happens and nowhere else, so a log of events is the
truth about a run; tests assert on it. Listeners must not raise: one that does is logged and kept.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from dumbo.live import LIVE

logger = logging.getLogger("dumbo")


class EventKind(StrEnum):
    """The kinds of event."""

    EXECUTED = "executed"  # the user's function ran to its end
    FAILED = "failed"  # the user's function raised; nothing was kept
    HIT = "hit"  # a result was reused
    LOADED = "loaded"  # bytes of a stored value were read
    STORED = "stored"  # a value went to the store
    SKIPPED = "skipped"  # a value was not stored; `reason` says why
    STALE = "stale"  # a stored result no longer held; `reason` says why
    EVICTED = "evicted"  # a value left the store or memory; its record stays


@dataclass(frozen=True, slots=True)
class Event:
    """One fact about one CID.

    Attributes
    ----------
    kind : EventKind
    cid : str
        The CID the fact is about.
    call : str
        The call as text, ``train(lr=0.1, seed=0)``.
    reason : str
        Why, in one line, where there is a why.
    seconds : float
        Own seconds for ``executed``, seconds saved for ``hit``.
    nbytes : int
        Bytes for ``loaded``, ``stored`` and ``evicted``.
    """

    kind: EventKind
    cid: str
    call: str = ""
    reason: str = ""
    seconds: float = 0.0
    nbytes: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.call or self.cid}" + (f": {self.reason}" if self.reason else "")


Listener = Callable[[Event], None]


class Events:
    """The listeners of one session."""

    __slots__ = ("_listeners",)

    def __init__(self) -> None:
        # A tuple, replaced whole: emitting never meets a list that changes under it.
        self._listeners: tuple[tuple[Listener], ...] = ()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every event from now on; returns the function that ends it."""
        subscription = (listener,)  # a tuple of its own: the same listener may subscribe twice
        self._listeners = (*self._listeners, subscription)
        LIVE.hold()

        def unsubscribe() -> None:
            if any(each is subscription for each in self._listeners):
                self._listeners = tuple(x for x in self._listeners if x is not subscription)
                LIVE.release()

        return unsubscribe

    @contextmanager
    def recorded(self) -> Iterator[list[Event]]:
        """Collect the events of a ``with`` block in a list."""
        log: list[Event] = []
        unsubscribe = self.subscribe(log.append)
        try:
            yield log
        finally:
            unsubscribe()

    def emit(self, event: Event) -> None:
        """Tell every listener."""
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s", event)
        for (listener,) in self._listeners:
            try:
                listener(event)
            except Exception:  # a listener's fault must not become the user's
                logger.exception("a listener of dumbo events raised on %s", event)
