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
from typing import Any, Protocol

Profiler = Callable[[FrameType, str, Any], object]
OTHER_PROFILER = "another profiler is active"
BUDGET_SPENT = "event budget spent"


class _Listener(Protocol):
    @property
    def is_idle(self) -> bool: ...
    def note(self, code: CodeType, frame: FrameType) -> bool: ...
    def gave_up(self, reason: str) -> None: ...


class Profiling:
    """The hook over ``sys.setprofile``; callers hold the recorder's lock."""

    def __init__(self, listener: _Listener, budget: int) -> None:
        self._listener = listener
        self._budget = budget
        # Code is held as well as its id, so that no other object can come by the same id.
        self._seen: dict[int, CodeType] = {}
        self._here = threading.local()
        self._threads_before: Any = None
        self._watching_threads = False

    def opened(self) -> str:
        """Begin to watch this thread and those it starts."""
        self._seen.clear()
        earlier: Any = sys.getprofile()
        if not _is_ours(earlier) and not _is_callable(earlier):
            return OTHER_PROFILER
        if not self._watching_threads:
            self._threads_before = threading.getprofile()
            threading.setprofile(self._hook(None))
            self._watching_threads = True
        if not _is_ours(earlier) or vars(self._here).get("depth", 0) == 0:
            self._here.earlier = earlier
            sys.setprofile(self._hook(earlier))
        self._here.depth = vars(self._here).get("depth", 0) + 1
        return ""

    def closed(self, remaining: int) -> None:
        """End watching this thread with its last recording, and all with the last of all."""
        self._seen.clear()
        depth = vars(self._here).get("depth", 0)
        if depth:
            self._here.depth = depth - 1
            if depth == 1 and _is_ours(sys.getprofile()):
                sys.setprofile(self._here.earlier)
        if not remaining and self._watching_threads:
            threading.setprofile(self._threads_before)
            self._watching_threads = False

    def _hook(self, earlier: Profiler | None) -> Profiler:
        seen, listener, left = self._seen, self._listener, self._budget

        def watch(frame: FrameType, event: str, arg: Any) -> None:  # noqa: ARG001 - set by Python
            nonlocal left
            if event == "call":
                if id(frame.f_code) not in seen and listener.note(frame.f_code, frame):
                    seen[id(frame.f_code)] = frame.f_code
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
        _ours.add(hook)
        return hook


class _Ours:
    """Recognises our hooks among profilers, by the code they share."""

    def __init__(self) -> None:
        self._codes: set[CodeType] = set()

    def add(self, hook: FunctionType | Profiler) -> None:
        code = getattr(hook, "__code__", None)
        if code is not None:
            self._codes.add(code)

    def __contains__(self, profiler: object) -> bool:
        return getattr(profiler, "__code__", None) in self._codes


_ours = _Ours()


def _is_ours(profiler: object) -> bool:
    return profiler in _ours


def _is_callable(profiler: object) -> bool:
    # cProfile shows itself here as an object that must not be set again from Python.
    return profiler is None or isinstance(profiler, FunctionType | MethodType | BuiltinFunctionType)
