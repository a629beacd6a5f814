"""The hook over ``sys.monitoring``, against a stand-in that runs on every Python."""

from __future__ import annotations

import sys
from types import CodeType, FrameType, SimpleNamespace
from typing import Any

import pytest

from dumbo.code.monitoring import NO_TOOL, Monitoring


class Fake:
    """``sys.monitoring`` as far as the hook uses it."""

    DISABLE = object()
    events = SimpleNamespace(PY_START=1, PY_RESUME=2)

    def __init__(self, taken: set[int]) -> None:
        self.tools = dict.fromkeys(taken, "other")
        self.callbacks: dict[tuple[int, int], Any] = {}
        self.set: dict[int, int] = {}
        self.restarts = 0

    def get_tool(self, tool: int) -> str | None:
        return self.tools.get(tool)

    def use_tool_id(self, tool: int, name: str) -> None:
        assert tool not in self.tools
        self.tools[tool] = name

    def free_tool_id(self, tool: int) -> None:
        del self.tools[tool]

    def register_callback(self, tool: int, event: int, callback: Any) -> None:
        self.callbacks[tool, event] = callback

    def set_events(self, tool: int, events: int) -> None:
        self.set[tool] = events

    def restart_events(self) -> None:
        self.restarts += 1


def hooked(monkeypatch: pytest.MonkeyPatch, taken: set[int], answer: bool = True) -> Any:
    fake = Fake(taken)
    monkeypatch.setitem(vars(sys), "monitoring", fake)
    noted: list[tuple[CodeType, FrameType]] = []

    def note(code: CodeType, frame: FrameType) -> bool:
        noted.append((code, frame))
        return answer

    return fake, Monitoring(note), noted


def test_another_tool_is_taken_when_one_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    fake, hook, _ = hooked(monkeypatch, {4, 3})
    assert hook.opened() == ""
    assert fake.tools[5] == "dumbo"
    assert fake.set[5] == 3


def test_no_free_tool_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    _, hook, _ = hooked(monkeypatch, set(range(6)))
    assert hook.opened() == NO_TOOL
    hook.closed(0)


def test_code_is_disabled_when_everyone_has_seen_it(monkeypatch: pytest.MonkeyPatch) -> None:
    fake, hook, noted = hooked(monkeypatch, set())
    hook.opened()
    code = test_code_is_disabled_when_everyone_has_seen_it.__code__
    assert fake.callbacks[4, 1](code, 0) is Fake.DISABLE
    assert noted[0][0] is code
    assert noted[0][1] is sys._getframe()


def test_code_still_wanted_reports_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fake, hook, _ = hooked(monkeypatch, set(), answer=False)
    hook.opened()
    assert fake.callbacks[4, 2](hooked.__code__, 0) is None


def test_events_restart_around_children_and_the_tool_goes_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake, hook, _ = hooked(monkeypatch, set())
    hook.opened()
    hook.opened()
    hook.closed(1)
    assert fake.restarts == 3
    hook.closed(0)
    assert fake.tools == {}
    assert fake.set == {4: 0}
    assert set(fake.callbacks.values()) == {None}
