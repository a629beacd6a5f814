"""Recordings across forks and threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

from dumbo.code import Project, Tracker, opened
from dumbo.records import State

Writer = Callable[..., Any]


def in_child(check: Callable[[], bool]) -> bool:
    """Whether `check` holds in a forked child."""
    child = os.fork()
    if not child:
        held = False
        try:
            held = check()
        finally:
            os._exit(0 if held else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("watch_files", [False, True])
def test_a_forked_child_keeps_its_own_threads_recordings(watch_files: bool) -> None:
    tracker = Tracker(Project(), watch_files=watch_files)
    recorder = tracker._recorder
    inside, end = threading.Event(), threading.Event()

    def f() -> None:
        inside.set()
        end.wait(20)

    def record() -> None:
        with tracker.recording(f):
            f()

    thread = threading.Thread(target=record)
    thread.start()
    inside.wait(20)

    def idle() -> bool:
        quiet = recorder.is_idle and recorder._leaves == 0 and recorder not in opened._listening
        with tracker.recording(f) as again:
            pass
        return quiet and recorder.is_idle and not again.is_open

    def mine() -> bool:
        return recorder.open == (outer, inner) and recorder._leaves == 1 and outer.children == 1

    try:
        assert in_child(idle)
        with tracker.recording(f) as outer, tracker.recording(f) as inner:
            assert len(recorder.open) == 3
            assert in_child(mine)
        assert in_child(idle)
    finally:
        end.set()
        thread.join()
    assert recorder.is_idle


def test_an_open_recording_may_take_over_another_threads(write: Writer, tracker: Tracker) -> None:
    work = write(
        apt_a="M = 1\nN = 2\ndef g():\n    return N\n"
        + "\n".join(f"def f{i}(): return M" for i in range(300))
    )

    def failing() -> Any:
        with tracker.recording(work.g) as seen:
            work.g()
        return seen

    with tracker.recording(work.f0) as recording:
        before = recording.codes
        threads = [
            threading.Thread(target=lambda: recording.take_over(failing())) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for i in range(300):
            getattr(work, f"f{i}")()
        for thread in threads:
            thread.join()
        assert recording.codes is before  # nothing was put in place of what is added to
    names = {ran.code.co_name for ran in recording.codes.values()}
    assert {"g", *(f"f{i}" for i in range(300))} <= names
    labels = {d.label for d in tracker.depset(work.f0, recording).members}
    assert {"apt_a.g", "apt_a.N", "apt_a.M"} <= labels


def test_a_name_that_is_too_long_is_no_file(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert list(opened.undeclared(Project(), [str(tmp_path / ("y" * 5000))], ())) == []


@pytest.mark.parametrize("late", [False, True])
def test_a_global_that_another_thread_binds_meanwhile_never_holds(
    write: Writer, tracker: Tracker, late: bool
) -> None:
    work = write(
        apt_b="K = 1\ndef early(x, go):\n    v = x * K\n    go()\n    return v\n"
        "def late(x, go):\n    go()\n    return x * K\n"
    )
    function = work.late if late else work.early

    def bind() -> None:
        thread = threading.Thread(target=lambda: setattr(work, "K", 2))
        thread.start()
        thread.join()

    with tracker.recording(function) as recording:
        function(1, bind)
    # What is the test's own is no code of the call that could have bound the name.
    for key, ran in list(recording.codes.items()):
        if ran.code.co_filename == __file__:
            del recording.codes[key]
    depset = tracker.depset(function, recording)
    for now in (1, 2, 3):
        work.K = now
        tracker.refresh()
        assert tracker.verify(depset, function).state is not State.FRESH
