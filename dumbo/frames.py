"""The stack of memoized calls that are running.

Law: a frame is closed in ``finally``, whatever the user's function did. A call made in a thread
that has no frame of its own is noted by every open frame: a needless edge costs a recomputation,
a missing one would serve a stale value. Tasks are another matter: one that a frame started has its
context, so a task without a frame belongs to none that runs in its thread.
"""

from __future__ import annotations

import sys
import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from weakref import ref

from dumbo.code import Recording
from dumbo.forking import renewing
from dumbo.identity.cid import CID
from dumbo.live import LIVE
from dumbo.records import Dependency, Record


class Trace:
    """What is known of one result in this process; the record is replaced when it is committed.

    A trace holds the traces of what it used as long as they are not in the store, so that the
    provenance of a value that was never written lives exactly as long as somebody can ask for it.
    """

    __slots__ = ("__weakref__", "node", "number", "parents", "record", "saving")

    def __init__(
        self, record: Record, parents: tuple[Trace, ...] = (), *, saving: float = 0.0
    ) -> None:
        self.record = record
        self.number = record.version  # as nodes that were made before it was committed know it
        self.parents = parents
        self.saving = saving  # seconds lost if this and what it alone needed were computed again
        # Weak: a value that was not kept must not be held for a digest nobody may ask for.
        self.node: ref[Any] | None = None

    @property
    def committed(self) -> bool:
        """Whether the record is in the store."""
        return self.record.version > 0


@dataclass(slots=True, eq=False)
class Frame:
    """One running call of a memoized function.

    Attributes
    ----------
    spoilt : str
        Why its result must not be kept, whatever it gives; empty where it may be.
    """

    cid: CID
    child_seconds: float = 0.0
    children: dict[int, tuple[CID, Trace]] = field(default_factory=dict)
    declared: list[Dependency] = field(default_factory=list)
    thread: int = field(default_factory=threading.get_ident)
    recording: Recording | None = None
    spoilt: str = ""

    def note(self, cid: CID, trace: Trace) -> None:
        """Remember that the body used the result `cid` of another memoized call."""
        self.children.setdefault(id(trace), (cid, trace))

    def take_over(self, other: Frame) -> None:
        """Hang on what a call hung on that failed: it leaves no result to be an edge."""
        for key, child in other.children.items():
            self.children.setdefault(key, child)
        self.declared.extend(other.declared)
        mine, its = self.recording, other.recording
        if mine is not None and its is not None and mine.is_open and its.parent is not mine:
            mine.take_over(its)  # it ran in another thread, where it had nobody to tell


_running: ContextVar[Frame | None] = ContextVar("dumbo_frame", default=None)
_open: set[Frame] = set()


def current() -> Frame | None:
    """The innermost frame of this thread or task."""
    return _running.get()


def users() -> tuple[Frame, ...]:
    """The frames that a call made here belongs to."""
    frame = _running.get()
    if frame is not None:
        return (frame,)
    if not _open:
        return ()
    here = threading.get_ident() if _in_task() else None
    return tuple(each for each in _open.copy() if each.thread != here)


def _in_task() -> bool:
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001  # asks, raises nothing


@renewing
def _renew() -> None:
    """In a forked child only the frames of the thread that forked go on."""
    here = threading.get_ident()
    for frame in [each for each in _open if each.thread != here]:
        _open.discard(frame)
        LIVE.release()


class running:  # noqa: N801  # a ``with`` block, named as one reads it
    """Make a frame the innermost one of this thread or task."""

    __slots__ = ("_frame", "_token")

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def __enter__(self) -> Frame:
        self._token = _running.set(self._frame)
        _open.add(self._frame)
        LIVE.hold()
        return self._frame

    def __exit__(self, *_: object) -> None:
        LIVE.release()
        _open.discard(self._frame)
        _running.reset(self._token)


class billed:  # noqa: N801  # as above
    """Count the time of a ``with`` block as a sub-call's, not as the calling frame's own."""

    __slots__ = ("_frame", "_started")

    def __enter__(self) -> None:
        self._frame = _running.get()
        if self._frame is not None:
            self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        if self._frame is not None:
            self._frame.child_seconds += time.perf_counter() - self._started
