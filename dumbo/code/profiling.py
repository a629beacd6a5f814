"""Seeing code start by ``sys.setprofile``, Python 3.11.

Law: an earlier profiler still gets every event and is put back; one that is not a Python function
cannot be, so it is left alone and nothing is watched. After a budget of events that told nothing
new, the hook takes itself off: a loop of calls then runs at full speed.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, MethodType
from typing import Any, Final, Protocol

Profiler = Callable[[FrameType, str, Any], object]
OTHER_PROFILER = "another profiler is active"
BUDGET_SPENT = "event budget spent"
HANDED_OVER = "work was handed to a thread that may run from before"
_REMEMBERED = 5_000
# Threads that run already cannot be watched; what gives them work is code of these.
_HAND_OVER: Final = {
    "ThreadPoolExecutor.submit": frozenset({"concurrent.futures.thread"}),
    "Queue.put": frozenset({"queue"}),
    "Pool.apply_async": frozenset({"multiprocessing.pool"}),
    "Pool._map_async": frozenset({"multiprocessing.pool"}),
    "BaseEventLoop.call_soon_threadsafe": frozenset({"asyncio.base_events"}),
}


class _Listener(Protocol):
    @property
    def is_idle(self) -> bool: ...
    def is_foreign(self, code: CodeType) -> bool: ...
    def note(self, code: CodeType, frame: FrameType) -> bool: ...
    def gave_up(self, reason: str) -> None: ...


class Profiling:
    """The hook over ``sys.setprofile``; callers hold the recorder's lock."""

    def __init__(self, listener: _Listener, budget: int) -> None:
        self._listener = listener
        self._budget = budget
        # Code is held as well as its id, so that no other object can come by the same id.
        self._seen: dict[int, CodeType] = {}
        # Of these, what may matter to the next recording; the rest is told of once per process.
        self._told: list[int] = []
        self._here = _Here()
        self._threads_before: Any = None
        self._watching_threads = False

    def opened(self) -> str:
        """Begin to watch this thread and those it starts."""
        self._forget()
        earlier: Any = sys.getprofile()
        if not _is_ours(earlier) and not _is_callable(earlier):
            return OTHER_PROFILER
        if not self._watching_threads:
            self._threads_before = threading.getprofile()
            threading.setprofile(self._hook(None))
            self._watching_threads = True
        here = self._here
        here.depth += 1
        if here.depth == 1 or not _is_ours(earlier):
            here.earlier = earlier
            here.hook = self._hook(earlier)
            sys.setprofile(here.hook)
        return ""

    def closed(self, remaining: int) -> None:
        """End watching this thread with its last recording, and all with the last of all."""
        here = self._here
        if here.depth and sys.getprofile() is not here.hook:
            # The call put a profiler of its own in its place, which saw what was to be seen here.
            self._listener.gave_up(OTHER_PROFILER)
        elif here.depth == 1:
            sys.setprofile(here.earlier)
        here.depth = max(here.depth - 1, 0)
        self._forget()
        if not remaining and self._watching_threads:
            threading.setprofile(self._threads_before)
            self._watching_threads = False

    def _forget(self) -> None:
        """Let all code report again that can be of the project."""
        if len(self._seen) > _REMEMBERED:
            self._seen.clear()
        for known in self._told:
            self._seen.pop(known, None)
        self._told.clear()

    def _see(self, code: CodeType, frame: FrameType) -> None:
        """Take the first event of a code object."""
        if self._listener.is_foreign(code):
            self._seen[id(code)] = code
            if code.co_qualname in _HAND_OVER and _module_of(frame) in _HAND_OVER[code.co_qualname]:
                self._told.append(id(code))
                if threading.active_count() > 1:
                    self._listener.gave_up(HANDED_OVER)
        elif self._listener.note(code, frame):
            self._seen[id(code)] = code
            self._told.append(id(code))

    def _hook(self, earlier: Profiler | None) -> Profiler:
        seen, listener, left = self._seen, self._listener, self._budget
        see = self._see

        def watch(frame: FrameType, event: str, arg: Any) -> None:  # noqa: ARG001 - set by Python
            nonlocal left
            if event == "call":
                if id(frame.f_code) not in seen:
                    see(frame.f_code, frame)
                return
            # Every call returns, so counting the other events counts calls, of C functions too.
            left -= 1
            if left < 0 or listener.is_idle:
                sys.setprofile(earlier)
                listener.gave_up(BUDGET_SPENT)

        def both(frame: FrameType, event: str, arg: Any) -> None:
            if earlier is not None:
                earlier(frame, event, arg)
            watch(frame, event, arg)

        hook = watch if earlier is None else both
        _OURS.add(id(hook.__code__))  # constants of this function: they live as long as it does
        return hook


class _Here(threading.local):
    """Recordings open on this thread, its hook, and the profiler there was before them."""

    depth = 0
    hook: Any = None
    earlier: Any = None


_OURS: Final[set[int]] = set()


def _is_ours(profiler: object) -> bool:
    return type(profiler) is FunctionType and id(profiler.__code__) in _OURS


def _is_callable(profiler: object) -> bool:
    # cProfile shows itself here as an object that must not be set again from Python.
    return profiler is None or isinstance(profiler, FunctionType | MethodType | BuiltinFunctionType)


def _module_of(frame: FrameType) -> object:
    return frame.f_globals.get("__name__")
