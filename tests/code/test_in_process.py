"""The projects of the change table in this process: recorded, read statically, guarded."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dumbo.code import Project, Tracker, declared
from dumbo.code.recording import Recorder, Recording
from dumbo.records import State

CLAIMS = Path(__file__).parent.parent / "claims"


def table(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, CLAIMS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


TABLE = table("change_cases")
CASES = [*TABLE.CASES, *table("change_language").MORE]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("ZZ", "")  # so that it is put back, whatever a case does to it
    monkeypatch.delenv("ZZ")
    before = set(sys.modules)

    def loader(case: Any) -> Any:
        for name, text in case.files.items():
            place = tmp_path / "p" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
        monkeypatch.syspath_prepend(str(tmp_path / "p"))
        monkeypatch.chdir(tmp_path / "p")
        time.sleep(0.03)
        importlib.invalidate_caches()
        return importlib.import_module("proj")

    yield loader
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.parametrize("case", [c for c in CASES if c.applies()], ids=lambda c: c.slug)
def test_a_recorded_call_is_fresh_and_its_closure_holds_its_code(load: Any, case: Any) -> None:
    names = vars(load(case))
    function = names[case.function]
    argument = eval(case.arg, dict(names))
    exec(case.prime, dict(names))
    tracker = Tracker(Project())
    with tracker.recording(function) as recording:
        function(argument)
    named = eval(case.declared, {"declared": declared})
    depset = tracker.depset(function, recording, named, (argument,))
    assert tracker.verify(depset, function, named).state is State.FRESH
    guards = tracker.guards(function, depset, named)
    assert guards is not None
    assert guards()
    again = Recording(classes=dict(recording.classes), modules=dict(recording.modules))
    for ran in recording.codes.values():
        tracker._looker.snapshot(again, ran)
    # What the call imported itself had no meaning before it.
    assert set(again.before) >= set(recording.before)
    static = tracker.closure_depset(function)
    assert any(member.kind.value == "code" for member in static.members)
    assert tracker.verify(static, function).state is not State.UNKNOWN


@pytest.mark.parametrize("case", TABLE.NOW, ids=lambda c: c.slug)
def test_a_change_fails_its_guard(load: Any, case: Any) -> None:
    if "importlib.reload" in case.now and case.want == "stale":
        time.sleep(0.03)
    names = vars(load(case))
    function = names["f"]
    exec(case.prime, dict(names))
    tracker = Tracker(Project())
    with tracker.recording(function) as recording:
        function(3)
    depset = tracker.depset(function, recording, eval(case.declared, {"declared": declared}))
    guards = tracker.guards(function, depset)
    assert guards is not None
    assert guards()
    exec(case.now, names)
    held = guards()
    tracker.refresh()
    verdict = tracker.verify(depset, function)
    assert str(verdict.state) == case.want
    if case.want == "stale":
        assert not held
        assert verdict.reasons


class Still:
    """A hook that reports nothing by itself."""

    def opened(self) -> str:
        return ""

    def closed(self, remaining: int) -> None:
        assert remaining >= 0


def here(value: object) -> Any:
    assert value is not None
    return sys._getframe()


@pytest.fixture
def recorder() -> Any:
    seen: list[Any] = []
    recorder: Any = Recorder(Project(), lambda recording, ran: seen.append(ran), 10)
    recorder.hook = Still()
    recorder.seen = seen
    return recorder


def test_an_event_goes_to_the_innermost_recording(recorder: Any) -> None:
    frame = here(3)
    with recorder.recording() as outer, recorder.recording(frame.f_code) as inner:
        assert recorder.note(frame.f_code, frame)
        assert recorder.note(frame.f_code, frame)
    assert [len(outer.codes), len(inner.codes)] == [0, 1]
    assert recorder.seen[0].by == "test_an_event_goes_to_the_innermost_recording"


def test_code_is_still_wanted_while_two_calls_record(recorder: Any) -> None:
    frame = here(3)
    with recorder.recording() as one:
        other = Recording()
        recorder.enter(other)
        assert not recorder.note(frame.f_code, frame)
        recorder.leave(other)
        assert recorder.note(frame.f_code, frame)
    assert len(one.codes) == 1


def test_events_outside_any_recording_are_dropped(recorder: Any) -> None:
    frame = here(3)
    assert recorder.is_idle
    assert recorder.note(frame.f_code, frame)
    with recorder.recording():
        assert not recorder.is_idle
        assert recorder.note(pytest.fixture.__code__, frame)
        made: dict[str, Any] = {"sys": sys, "__name__": "no_such_module_at_all"}
        exec(compile("def g(): return sys._getframe()", "<stdin>", "exec"), made)
        frame = made["g"]()
        assert recorder.note(frame.f_code, frame)
    assert recorder.seen == []


def test_a_first_argument_gives_its_class(recorder: Any) -> None:
    class Local:
        pass

    with recorder.recording() as recording:
        for value in (Local(), Local):
            frame = here(value)
            recording.codes.clear()
            recorder.note(frame.f_code, frame)
        frame = here(3)
        recording.codes.clear()
        recorder.note(frame.f_code, frame)
        recorder.gave_up("tired")
    assert list(recording.classes) == [Local]
    assert recording.incomplete == "tired"


def test_an_error_while_noting_is_logged(recorder: Any, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no")

    recorder._snapshot = fail
    frame = here(3)
    with recorder.recording() as recording:
        recorder.note(frame.f_code, frame)
    assert recording.incomplete == "names could not be read"
    assert "could not look" in caplog.text


def test_a_frame_that_waits_for_the_call_is_left_out(recorder: Any) -> None:
    def waiting() -> Iterator[Any]:
        with recorder.recording() as recording:
            frame = sys._getframe()
            yield recorder.note(frame.f_code, frame), recording

    noted, recording = next(iter(waiting()))
    assert noted is False
    assert not recording.codes


def test_a_call_from_deep_inside_foreign_code_names_no_caller(recorder: Any) -> None:
    assert recorder._caller(here(3)) == "test_a_call_from_deep_inside_foreign_code_names_no_caller"
    made: dict[str, Any] = {"sys": sys}
    text = "def g(n): return g(n - 1) if n else sys._getframe()"
    exec(compile(text, "<frozen deep>", "exec"), made)
    assert recorder._caller(made["g"](20)) == ""
