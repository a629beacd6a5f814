"""A depset is given a second time only where collecting it anew would give the same."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from dumbo.code import Project, Tracker
from dumbo.records import Dependency, DependencyKind, Depset

Writer = Callable[..., Any]

WORK = """
    LIMIT = 3
    ITEMS = [1, 2]
    PAIR = (1, "a")

    def helper(x):
        return x + 1

    def other(x):
        return x + 2

    def same(x):
        return x

    def passing(x):
        return same(x)

    def run(x):
        return helper(x) + LIMIT + PAIR[0]

    def branch(x):
        return helper(x) if x else other(x)

    def listed(x):
        return ITEMS[0] + x

    def counting(x):
        global LIMIT
        LIMIT = LIMIT + 1
        return x

    def default(x, y=2):
        return x + y

    def calls_default(x):
        return default(x)

    class K:
        limit = 4

        def go(self):
            return self.limit

    def with_class(x):
        return K().go()
"""


class Counted(Tracker):
    """A tracker that counts how often it had to collect."""

    collected = 0

    def _collected(self, *args: Any) -> Depset:
        self.collected += 1
        return super()._collected(*args)


@pytest.fixture
def tracker() -> Counted:
    return Counted(Project())


@pytest.fixture
def work(write: Writer) -> Any:
    return write(work_again=WORK)


def record(tracker: Tracker, function: Any, *args: Any, **more: Any) -> Depset:
    with tracker.recording(function) as recording:
        function(*args)
    return tracker.depset(function, recording, **more)


def anew(function: Any, *args: Any) -> Depset:
    """What a tracker that remembers nothing collects."""
    return record(Tracker(Project()), function, *args)


def settle(tracker: Counted, function: Any, *args: Any) -> Depset:
    """Make equal calls until collecting is over, and forget how many it took."""
    depsets = [record(tracker, function, *args) for _ in range(4)]
    assert tracker.collected == 2
    assert depsets[3] is depsets[2]
    tracker.collected = 0
    return depsets[3]


def test_equal_calls_are_collected_twice_and_then_no_more(tracker: Counted, work: Any) -> None:
    depset = settle(tracker, work.run, 1)
    assert record(tracker, work.run, 7) is depset
    assert tracker.collected == 0
    assert depset.key == anew(work.run, 1).key


CHANGES: dict[str, Callable[[Any], None]] = {
    "a global is rebound": lambda w: setattr(w, "LIMIT", 5),
    "a tuple is replaced": lambda w: setattr(w, "PAIR", (2, "a")),
    "a global is deleted and made again": lambda w: setattr(w, "PAIR", (1, "b")),
    "a function is rebound": lambda w: setattr(w, "helper", w.other),
    "code is exchanged": lambda w: setattr(w.helper, "__code__", w.other.__code__),
    "a default appears": lambda w: setattr(w.helper, "__defaults__", (4,)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_between_two_calls_is_collected(tracker: Counted, work: Any, change: str) -> None:
    before = settle(tracker, work.run, 1)
    CHANGES[change](work)
    after = record(tracker, work.run, 1)
    assert after.key == anew(work.run, 1).key != before.key
    assert tracker.collected == 1


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_after_the_call_and_before_it_is_traced_is_collected(
    tracker: Counted, work: Any, change: str
) -> None:
    settle(tracker, work.run, 1)
    with tracker.recording(work.run) as recording:
        work.run(1)
    CHANGES[change](work)
    tracker.depset(work.run, recording)
    assert tracker.collected == 1


def test_a_change_that_is_undone_gives_the_first_depset_again(tracker: Counted, work: Any) -> None:
    before = settle(tracker, work.run, 1)
    work.LIMIT = 5
    assert record(tracker, work.run, 1).key != before.key
    work.LIMIT = 3
    assert record(tracker, work.run, 1).key == before.key


def test_each_way_through_a_function_has_its_own_depset(tracker: Counted, work: Any) -> None:
    one = [record(tracker, work.branch, 1) for _ in range(3)]
    other = [record(tracker, work.branch, 0) for _ in range(3)]
    assert one[2].key != other[2].key
    tracker.collected = 0
    assert [record(tracker, work.branch, x) for x in (1, 0, 1)] == [one[2], other[2], one[2]]
    assert tracker.collected == 0


def test_many_ways_through_a_function_are_not_all_remembered(
    tracker: Counted, write: Writer
) -> None:
    names = [f"f{n}" for n in range(12)]
    text = "\n".join(f"def {name}(): return 1" for name in names)
    choice = ", ".join(names)
    work = write(work_many=f"{text}\ndef choose(n):\n    return ({choice})[n]()\n")
    keys = [record(tracker, work.choose, n).key for n in range(12) for _ in range(3)]
    assert len(set(keys)) == 12
    assert keys[::3] == keys[1::3] == keys[2::3]


def test_a_function_defined_again_is_another(tracker: Counted, work: Any, write: Writer) -> None:
    before = settle(tracker, work.run, 1)
    exec(
        compile("def run(x):\n    return helper(x) * LIMIT\n", work.__file__, "exec"),
        vars(work),
    )
    after = record(tracker, work.run, 1)
    assert after.key == anew(work.run, 1).key != before.key
    assert tracker.collected == 1


@pytest.mark.parametrize("name", ["listed", "counting", "calls_default", "with_class"])
def test_what_can_change_in_itself_is_always_collected(
    tracker: Counted, work: Any, name: str
) -> None:
    function = getattr(work, name)
    for _ in range(5):
        record(tracker, function, 1)
    assert tracker.collected == 5


def test_a_mutated_list_is_in_the_next_depset(tracker: Counted, work: Any) -> None:
    depsets = [record(tracker, work.listed, 1) for _ in range(3)]
    work.ITEMS.append(3)
    assert record(tracker, work.listed, 1).key == anew(work.listed, 1).key != depsets[2].key


def test_an_overload_of_a_function_is_in_the_next_depset(tracker: Counted, write: Writer) -> None:
    work = write(
        work_overloads="""
        from functools import singledispatch

        @singledispatch
        def show(x):
            return "?"

        def run(x):
            return show(x)

        def number(x):
            return "n"
        """
    )
    before = [record(tracker, work.run, 1) for _ in range(4)][-1]
    work.show.register(int, work.number)
    assert record(tracker, work.run, "a").key == anew(work.run, "a").key != before.key


def test_a_module_that_left_is_collected(tracker: Counted, write: Writer) -> None:
    work = write(
        work_far="LIMIT = 1\ndef f(x):\n    return x + LIMIT\n",
        work_near="import work_far\ndef run(x):\n    return work_far.f(x)\n",
    )
    settle(tracker, work.run, 1)
    del sys.modules["work_far"]
    record(tracker, work.run, 1)
    assert tracker.collected == 1


def test_another_epoch_collects_anew(tracker: Counted, work: Any) -> None:
    settle(tracker, work.run, 1)
    tracker.refresh()
    record(tracker, work.run, 1)
    assert tracker.collected == 1


def test_a_class_among_the_arguments_is_collected(tracker: Counted, work: Any) -> None:
    def keys() -> list[str]:
        return [record(tracker, work.passing, x).key for x in (1, work.K())]

    for _ in range(4):
        plain, with_class = keys()
    assert plain != with_class
    assert any(
        d.kind is DependencyKind.CLASS for d in record(tracker, work.passing, work.K()).members
    )


def test_other_declarations_are_another_depset(tracker: Counted, work: Any) -> None:
    first = settle(tracker, work.run, 1)
    declared = (Dependency(DependencyKind.DECLARED, "", "value", "v:1"),)
    second = record(tracker, work.run, 1, declared=declared)
    assert second.key != first.key
    assert record(tracker, work.run, 1).key == first.key


def test_an_incomplete_recording_is_collected(tracker: Counted, work: Any) -> None:
    settle(tracker, work.run, 1)
    with tracker.recording(work.run) as recording:
        work.run(1)
    recording.incomplete = "somebody else watched"
    depset = tracker.depset(work.run, recording)
    assert tracker.collected == 1
    assert any(d.kind is DependencyKind.OPAQUE for d in depset.members)


def test_a_function_that_is_gone_is_let_go(tracker: Counted, work: Any) -> None:
    space = {"__name__": work.__name__, "__file__": work.__file__, **vars(work)}
    settle(tracker, work.run, 1)
    assert len(tracker._depsets._known) == 1
    del space
    tracker.refresh()
    assert len(tracker._depsets._known) == 0


def test_a_remembered_depset_has_guards(tracker: Counted, work: Any) -> None:
    settle(tracker, work.run, 1)
    (variants,) = tracker._depsets._known.values()
    (known,) = variants.values()
    assert known.guards is not None
    assert known.guards()
    work.LIMIT = 4
    assert not known.guards()


def test_a_change_for_the_time_of_the_call_is_collected(tracker: Counted, work: Any) -> None:
    settle(tracker, work.run, 1)
    work.LIMIT = 5
    with tracker.recording(work.run) as recording:
        work.run(1)
    work.LIMIT = 3
    assert tracker.depset(work.run, recording).key != anew(work.run, 1).key
    assert tracker.collected == 1


def test_a_module_whose_name_means_another_is_collected(tracker: Counted, write: Writer) -> None:
    work = write(
        work_far="LIMIT = 1\ndef f(x):\n    return x + LIMIT\n",
        work_near="import work_far\ndef run(x):\n    return work_far.f(x)\n",
    )
    settle(tracker, work.run, 1)
    twin = ModuleType("work_far")
    twin.__file__ = work.work_far.__file__
    sys.modules["work_far"] = twin
    record(tracker, work.run, 1)
    assert tracker.collected == 1


def test_a_function_that_imports_is_always_collected(tracker: Counted, write: Writer) -> None:
    work = write(
        work_import="""
        def run(x):
            try:
                import work_later
            except ImportError:
                return x
            return work_later.LIMIT
        """
    )
    before = [record(tracker, work.run, 1) for _ in range(4)][-1]
    write(work_later="LIMIT = 1\n")
    assert record(tracker, work.run, 1).key != before.key
    assert tracker.collected == 5


def test_a_name_without_a_guard_is_always_collected(tracker: Counted, write: Writer) -> None:
    work = write(
        work_pack____init__="",
        work_pack__sub="def f(x):\n    return x\n",
        work_uses="import work_pack.sub\ndef run(x):\n    return work_pack.sub.f(x)\n",
    )
    for _ in range(4):
        record(tracker, work.run, 1)
    assert tracker.collected == 4
