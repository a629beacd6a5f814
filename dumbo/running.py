"""One run of the user's function: its frame and its recorder, opened and closed around it.

Law: the recorder is opened last and closed first, so that it sees as little of dumbo as can be,
and everything is closed whatever the function does. Its exception passes through, as an event.
A class and not a generator: what runs while the recorder is open is seen by it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

from dumbo import frames
from dumbo.callers import calling_line
from dumbo.code import Tracker
from dumbo.events import Event, EventKind, Events
from dumbo.frames import Frame
from dumbo.identity import CallIdentity
from dumbo.proxy import bare_arguments
from dumbo.records import Dependency
from dumbo.tracing import Run


class Running:
    """The ``with`` block in which the user's function runs.

    Parameters
    ----------
    tracker : Tracker
    events : Events
    plain : callable
        The user's function.
    identity : CallIdentity
    declared : iterable of Dependency
        What the decorator declares, as it is before the function starts.
    """

    __slots__ = ("_events", "_frame", "_recording", "_run", "_started")

    def __init__(
        self,
        tracker: Tracker,
        events: Events,
        plain: Callable[..., Any],
        identity: CallIdentity,
        declared: Iterable[Dependency] = (),
    ) -> None:
        where = calling_line()
        self._started = time.perf_counter()  # loading the arguments is part of what a hit saves
        args, kwargs = bare_arguments(identity.bound.args, identity.bound.kwargs)
        frame = Frame(identity.cid, declared=list(declared))
        self._events = events
        self._frame = frames.running(frame)
        self._recording = tracker.recording(plain)
        self._run = Run(identity, args, kwargs, frame, where)

    def __enter__(self) -> Run:
        self._frame.__enter__()
        try:
            self._run.recording = self._run.frame.recording = self._recording.__enter__()
        except BaseException:  # an interrupt, say; then nothing closes what was opened
            self._frame.__exit__(None, None, None)
            raise
        return self._run

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._recording.__exit__(kind, error, trace)
            run = self._run
            run.seconds = time.perf_counter() - self._started
            if error is not None:
                reason = f"{type(error).__name__}: nothing was kept"
                cid, text = run.identity.cid, run.identity.text
                self._events.emit(Event(EventKind.FAILED, cid, text, reason))
        finally:
            self._frame.__exit__(kind, error, trace)
            if error is not None:
                for user in frames.users():
                    user.take_over(self._run.frame)
