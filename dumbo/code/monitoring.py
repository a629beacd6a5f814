"""Seeing code start by ``sys.monitoring``, Python 3.12 and newer.

Law: takes a tool id that is free, for as long as something is recorded, and gives it back. Every
code object reports once and is then disabled, so the cost is per distinct code and not per call;
`restart_events` at the beginning and end of every recording makes all of them report again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

_IDS = (4, 3, 5, 2, 1, 0)
NO_TOOL = "all tool ids of sys.monitoring are taken"


class Monitoring:
    """The hook over ``sys.monitoring``; callers hold the recorder's lock."""

    def __init__(self, note: Callable[[CodeType, FrameType], bool]) -> None:
        self._note = note
        self._tool: int | None = None
        # Only present from 3.12 on, where alone this module is used.
        self._monitoring: Any = vars(sys)["monitoring"]

    def opened(self) -> str:
        """Begin to watch, or let all code report again."""
        if self._tool is None:
            self._tool = self._take_tool()
            if self._tool is None:
                return NO_TOOL
        self._monitoring.restart_events()
        return ""

    def closed(self, remaining: int) -> None:
        """End watching with the last recording; else let code report again to those left."""
        if self._tool is None:
            return
        if remaining:
            self._monitoring.restart_events()
            return
        events = self._monitoring.events
        self._monitoring.set_events(self._tool, 0)
        for event in (events.PY_START, events.PY_RESUME):
            self._monitoring.register_callback(self._tool, event, None)
        self._monitoring.free_tool_id(self._tool)
        self._tool = None

    def _take_tool(self) -> int | None:
        monitoring = self._monitoring
        tool = next((i for i in _IDS if monitoring.get_tool(i) is None), None)
        if tool is None:
            return None
        monitoring.use_tool_id(tool, "dumbo")
        note, disable = self._note, monitoring.DISABLE

        def started(code: CodeType, _offset: int) -> object:
            # The frame below the callback is the one that starts.
            return disable if note(code, sys._getframe(1)) else None  # noqa: SLF001 - no public way

        for event in (monitoring.events.PY_START, monitoring.events.PY_RESUME):
            monitoring.register_callback(tool, event, started)
        monitoring.set_events(tool, monitoring.events.PY_START | monitoring.events.PY_RESUME)
        return tool
