"""Which code goes to which recording, and that nothing of Python's own is left changed."""

from __future__ import annotations

import asyncio
import cProfile
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest

from dumbo.code import Project, Tracker
from dumbo.records import Depset, State

Writer = Callable[..., ModuleType]


def names(depset: Depset, kind: str = "code") -> set[str]:
    return {d.label for d in depset.members if d.kind.value == kind}


def record(tracker: Tracker, function: Any, *args: Any) -> Depset:
    with tracker.recording(function) as recording:
        function(*args)
    return tracker.depset(function, recording)


WORK = """
    import asyncio
    def small(a): return a + 1
    def other(a): return small(a)
    def deep(a): return other(a)
    def boom(a): raise KeyError(a)
    def steps():
        yield 0
        yield small(1)
    def many(n):
        s = 0
        for _ in range(n): s = small(s)
        return s
    async def pause(a):
        await asyncio.sleep(0)
        return small(a)
    async def left(run): return await run(one)
    async def right(run): return await run(two)
    async def one():
        await asyncio.sleep(0.01)
        return only_left()
    async def two():
        await asyncio.sleep(0.01)
        return only_right()
    def only_left(): return 1
    def only_right(): return 2
    def late(): return small(9)
"""

on_311 = pytest.mark.skipif(sys.version_info >= (3, 12), reason="sys.setprofile is used on 3.11")
on_312 = pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring begins with 3.12")


def codes(recording: Any) -> set[str]:
    return {ran.code.co_name for ran in recording.codes.values()}


@pytest.fixture
def work(write: Writer) -> Any:
    return write(rec_work=WORK)


def test_code_that_starts_is_recorded_with_its_caller(tracker: Tracker, work: Any) -> None:
    with tracker.recording(work.deep) as recording:
        work.deep(1)
    assert codes(recording) == {"deep", "other", "small"}
    by = {ran.code.co_name: ran.by for ran in recording.codes.values()}
    assert (by["small"], by["other"]) == ("other", "deep")


def test_a_childs_code_is_the_childs_only(tracker: Tracker, work: Any) -> None:
    with tracker.recording(None) as parent:
        with tracker.recording(None) as child:
            work.other(1)
        work.only_left()
    assert codes(child) == {"other", "small"}
    assert codes(parent) == {"only_left"}


def test_code_that_ran_in_a_child_is_seen_again_in_the_parent(tracker: Tracker, work: Any) -> None:
    with tracker.recording(None) as parent:
        work.only_left()
        with tracker.recording(None) as child:
            work.small(1)
            work.only_left()
        work.small(1)
    assert codes(child) == {"small", "only_left"}
    assert codes(parent) == {"small", "only_left"}


def test_a_thread_without_a_recording_feeds_all_open_ones(tracker: Tracker, work: Any) -> None:
    with tracker.recording(None) as parent, tracker.recording(None) as child:
        thread = threading.Thread(target=work.small, args=(1,))
        thread.start()
        thread.join()
    assert codes(parent) == codes(child) == {"small"}


def test_a_pool_opened_by_the_call_is_seen(tracker: Tracker, work: Any) -> None:
    with tracker.recording(None) as recording, ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work.other, [1, 2])) == [2, 3]
    assert codes(recording) == {"other", "small"}


def test_two_threads_that_record_one_helper_both_get_it(tracker: Tracker, work: Any) -> None:
    barrier = threading.Barrier(2)
    found: list[Any] = []

    def run() -> None:
        with tracker.recording(None) as recording:
            barrier.wait()
            work.small(1)
            barrier.wait()
            work.small(1)
            barrier.wait()
        found.append(recording)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [codes(recording) >= {"small"} for recording in found] == [True, True]


def test_interleaved_tasks_keep_their_code_apart(tracker: Tracker, work: Any) -> None:
    found: dict[str, Any] = {}

    async def run(inner: Any) -> Any:
        with tracker.recording(inner) as recording:
            value = await inner()
        found[inner.__name__] = recording
        return value

    async def both() -> list[int]:
        return list(await asyncio.gather(work.left(run), work.right(run)))

    assert asyncio.run(both()) == [1, 2]
    # What waits for a call goes on with it, and is no part of it; a task that has not begun to
    # record yet may work for any of them.
    assert codes(found["one"]) - {"right", "run"} == {"one", "only_left"}
    assert codes(found["two"]) == {"two", "only_right"}


def test_coroutines_that_wait_for_a_call_are_no_part_of_it(tracker: Tracker, work: Any) -> None:
    found: list[Any] = []

    async def run(inner: Any) -> Any:
        with tracker.recording(inner) as recording:
            found.append(recording)
            return await inner()

    assert asyncio.run(work.left(run)) == 1
    assert codes(found[0]) == {"one", "only_left"}


def test_a_generator_begun_before_is_seen_when_it_goes_on(tracker: Tracker, work: Any) -> None:
    generator = work.steps()
    next(generator)
    with tracker.recording(None) as recording:
        assert next(generator) == 2
    assert codes(recording) == {"steps", "small"}


def test_an_exception_closes_the_recording(tracker: Tracker, work: Any) -> None:
    with pytest.raises(KeyError), tracker.recording(work.boom) as recording:
        work.boom(1)
    assert codes(recording) == {"boom"}
    assert sys.getprofile() is None
    work.small(1)
    assert codes(recording) == {"boom"}


def test_foreign_code_is_not_recorded(tracker: Tracker) -> None:
    import textwrap

    with tracker.recording(None) as recording:
        textwrap.dedent(" a")
    assert codes(recording) == set()


def test_an_error_while_noting_does_not_reach_the_call(
    tracker: Tracker, work: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("no names today")

    monkeypatch.setattr(tracker._recorder, "_snapshot", fail)
    with tracker.recording(work.small) as recording:
        assert work.small(1) == 2
    assert "could not look" in caplog.text
    assert recording.incomplete


def test_events_are_per_distinct_code_and_not_per_call(tracker: Tracker, work: Any) -> None:
    with tracker.recording(work.many):
        work.many(5000)
    assert tracker.events <= 2 + 10


@on_311
def test_an_earlier_profiler_gets_its_events_and_is_put_back(tracker: Tracker, work: Any) -> None:
    seen: list[str] = []

    def earlier(frame: Any, event: str, arg: Any) -> None:
        seen.append(frame.f_code.co_name)

    sys.setprofile(earlier)
    try:
        with tracker.recording(None) as recording:
            work.other(1)
        assert sys.getprofile() is earlier
    finally:
        sys.setprofile(None)
    assert codes(recording) == {"other", "small"}
    assert {"other", "small"} <= set(seen)


@on_311
def test_beside_a_profiler_in_c_the_static_closure_stands_in(tracker: Tracker, work: Any) -> None:
    profiler: Any = cProfile.Profile()
    profiler.enable()
    try:
        depset = record(tracker, work.deep, 1)
        kept: Any = sys.getprofile()
        assert kept is profiler
    finally:
        profiler.disable()
    assert names(depset) == {"rec_work.deep", "rec_work.other", "rec_work.small"}
    assert "recorder" in names(depset, "opaque")


@on_311
def test_a_spent_budget_ends_watching_and_adds_the_closure(work: Any) -> None:
    tracker = Tracker(Project(), budget=50)
    with tracker.recording(work.many) as recording:
        work.many(100)
        assert sys.getprofile() is None
        work.late()
    assert recording.incomplete == "event budget spent"
    assert "late" not in codes(recording)
    depset = tracker.depset(work.many, recording)
    assert names(depset) == {"rec_work.many", "rec_work.small"}


@on_311
def test_a_child_after_a_spent_budget_is_watched_again(work: Any) -> None:
    tracker = Tracker(Project(), budget=50)
    with tracker.recording(work.many) as parent:
        work.many(100)
        with tracker.recording(work.other) as child:
            work.other(1)
    assert parent.incomplete
    assert not child.incomplete
    assert codes(child) == {"other", "small"}
    assert sys.getprofile() is None


@on_311
def test_the_hook_of_a_thread_that_outlives_the_call_takes_itself_off(
    tracker: Tracker, work: Any
) -> None:
    goes, gone = threading.Event(), threading.Event()
    left: list[Any] = []

    def wait() -> None:
        goes.wait()
        work.small(1)
        left.append(sys.getprofile())
        gone.set()

    with tracker.recording(None) as recording:
        thread = threading.Thread(target=wait)
        thread.start()
    goes.set()
    gone.wait()
    thread.join()
    assert left == [None]
    assert "small" not in codes(recording)
    assert threading.getprofile() is None


@on_312
def test_without_a_free_tool_the_static_closure_stands_in(tracker: Tracker, work: Any) -> None:
    monitoring: Any = vars(sys)["monitoring"]
    taken = [tool for tool in range(6) if monitoring.get_tool(tool) is None]
    for tool in taken:
        monitoring.use_tool_id(tool, f"other {tool}")
    try:
        depset = record(tracker, work.deep, 1)
    finally:
        for tool in taken:
            monitoring.free_tool_id(tool)
    assert names(depset) == {"rec_work.deep", "rec_work.other", "rec_work.small"}
    assert "recorder" in names(depset, "opaque")


@on_312
def test_the_tool_is_given_back(tracker: Tracker, work: Any) -> None:
    monitoring: Any = vars(sys)["monitoring"]
    before = [monitoring.get_tool(tool) for tool in range(6)]
    record(tracker, work.deep, 1)
    assert [monitoring.get_tool(tool) for tool in range(6)] == before


def test_a_trace_function_stays(tracker: Tracker, work: Any) -> None:
    def trace(frame: Any, event: str, arg: Any) -> None:
        return None

    earlier = sys.gettrace()
    sys.settrace(trace)
    try:
        depset = record(tracker, work.deep, 1)
        kept = sys.gettrace()
    finally:
        sys.settrace(earlier)
    assert kept is trace
    assert "rec_work.small" in names(depset)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="sys.monitoring reports code once anyway")
def test_code_that_is_never_the_project_s_reports_once_per_process(
    tracker: Tracker, write: Writer
) -> None:
    work = write(work_text="import textwrap\ndef run(x):\n    return textwrap.dedent(x)\n")
    seen = []
    for _ in range(2):
        before = tracker.events
        with tracker.recording(work.run) as recording:
            work.run(" a")
        assert [ran.code for ran in recording.codes.values()] == [work.run.__code__]
        seen.append(tracker.events - before)
    assert seen[1] == 1


def test_a_function_made_from_text_in_a_module_is_seen(tracker: Tracker, work: Any) -> None:
    exec("def made(x):\n    return small(x) + 30", vars(work))
    depset = record(tracker, work.made, 1)
    assert names(depset) == {"rec_work.made", "rec_work.small"}
    assert tracker.verify(depset, work.made).state is State.FRESH
    exec("def made(x):\n    return small(x) + 40", vars(work))
    tracker.refresh()
    assert tracker.verify(depset, work.made).state is State.STALE


def test_what_a_failed_call_ran_is_its_callers(tracker: Tracker, work: Any) -> None:
    with tracker.recording(work.deep) as parent:
        with pytest.raises(KeyError), tracker.recording(work.boom) as child:
            work.boom(1)
        with tracker.recording(work.small):
            work.small(1)
    assert codes(child) == {"boom"}
    assert codes(parent) == {"boom"}


def test_work_for_threads_from_before_is_read_statically(tracker: Tracker, work: Any) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        work.pool = pool
        exec("def handed(x):\n    return pool.submit(other, x).result()", vars(work))
        depset = record(tracker, work.handed, 1)
    assert names(depset) >= {"rec_work.handed", "rec_work.other", "rec_work.small"}
    assert ("recorder" in names(depset, "opaque")) is (sys.version_info < (3, 12))
