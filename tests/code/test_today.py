"""A depset brought up to date, and declared callables that are asked under no lock."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from dumbo.code import Project, Tracker, Unanswered, declared
from dumbo.records import Depset, State

Writer = Callable[..., ModuleType]

BEFORE = """
N = 1
class K:
    v = 1
    def go(self): return self.v
def g(a): return a + N
def f(x): return g(x) + K().go()
"""
AFTER = """
N = 2
M = 3
class K:
    v = 2
    def go(self): return self.v + M
def h(a): return a
def f(x): return h(x) + K().go()
"""


def record(tracker: Tracker, function: Any, *args: Any, named: Any = ()) -> Depset:
    with tracker.recording(function) as recording:
        function(*args)
    return tracker.depset(function, recording, named)


def edited(write: Writer, name: str, text: str = AFTER) -> tuple[ModuleType, Tracker]:
    del sys.modules[name]
    return write(**{name: text}), Tracker(Project())


def test_what_is_brought_up_to_date_holds_and_what_it_was_does_not(write: Writer) -> None:
    tracker = Tracker(Project())
    old = record(tracker, write(tdy_a=BEFORE).f, 1)
    work, tracker = edited(write, "tdy_a")
    assert tracker.verify(old, work.f).state is State.STALE
    today, lost = tracker.as_of_today(old, work.f)
    assert tracker.verify(today, work.f).state is State.FRESH
    assert lost == ()
    labels = {member.label for member in today.members if member.kind.value == "code"}
    assert {"tdy_a.f", "tdy_a.h", "tdy_a.K.go"} <= labels
    assert "tdy_a.g" not in labels
    later, tracker = edited(write, "tdy_a", AFTER.replace("return a", "return a * 1"))
    (changed,) = tracker.verify(today, later.f).reasons
    assert changed.subject == "tdy_a.h"


def test_what_holds_stays_as_it_is(write: Writer, tracker: Tracker) -> None:
    work = write(tdy_b=BEFORE)
    depset = record(tracker, work.f, 1)
    today, lost = tracker.as_of_today(depset, work.f)
    assert (today.key, lost) == (depset.key, ())


def test_only_what_is_named_is_brought_up_to_date(write: Writer) -> None:
    tracker = Tracker(Project())
    before = BEFORE.replace("def g(a): return a + N", "def g(a): return a + 1")
    old = record(tracker, write(tdy_c=before).f, 1)
    text = before.replace("a + 1", "a + 2").replace("v = 1", "v = 2")
    work, tracker = edited(write, "tdy_c", text)
    key = tracker.key_of(work.g)
    assert key == ("code", "tdy_c", "g")
    today, _ = tracker.as_of_today(old, work.f, only={key})
    assert {reason.subject for reason in tracker.verify(today, work.f).reasons} == {
        "tdy_c.K",
        "tdy_c.K.v",
    }


def test_what_cannot_be_found_is_named_and_stays(write: Writer) -> None:
    tracker = Tracker(Project())
    old = record(tracker, write(tdy_d=BEFORE).f, 1)
    del sys.modules["tdy_d"]
    write(tdy_e="")
    gone = Depset.of(tuple(member for member in old.members if member.label == "tdy_d.N"))
    changed = Depset.of(tuple(_other(member) for member in gone.members))
    today, lost = Tracker(Project()).as_of_today(changed)
    assert today.key == changed.key
    assert lost == changed.members


def _other(member: Any) -> Any:
    from dataclasses import replace

    return replace(member, fingerprint="v:int 7~=0")


def test_without_the_function_code_is_read_from_its_file(write: Writer) -> None:
    tracker = Tracker(Project())
    old = record(tracker, write(tdy_f=BEFORE.replace("+ N", "+ 1")).f, 1)
    work, tracker = edited(write, "tdy_f", BEFORE.replace("+ N", "+ 2"))
    del sys.modules["tdy_f"]
    today, _ = tracker.as_of_today(old)
    assert tracker.verify(today).state is State.FRESH
    assert work.f(1) == 4


def test_keys_are_given_for_functions_and_classes_of_the_project(
    write: Writer, tracker: Tracker
) -> None:
    work = write(tdy_g=BEFORE)
    assert tracker.key_of(work.K) == ("class", "tdy_g", "K")
    assert tracker.key_of(work.K.go) == ("code", "tdy_g", "K.go")
    assert tracker.key_of(threading.Thread) is None
    assert tracker.key_of(threading.enumerate) is None
    assert tracker.key_of(3) is None


def test_a_declared_callable_is_asked_once_an_epoch_and_never_under_a_lock(
    write: Writer, tracker: Tracker
) -> None:
    work = write(tdy_h="ASKED = []\ndef ask(): ASKED.append(1); return 1\n")
    (dependency,) = declared(callable=work.ask)
    depset = Depset.of((dependency,))
    with pytest.raises(Unanswered) as asked:
        tracker.verify_known(depset)
    assert asked.value.dependency == dependency
    assert len(work.ASKED) == 1
    assert tracker.verify(depset).state is tracker.verify(depset).state is State.FRESH
    assert tracker.verify_known(depset).state is State.FRESH
    assert len(work.ASKED) == 2
    tracker.refresh()
    tracker.verify(depset)
    assert len(work.ASKED) == 3


def test_a_callable_may_wait_for_a_thread_that_verifies(write: Writer, tracker: Tracker) -> None:
    work = write(tdy_i="WAIT = []\ndef ask(): WAIT and WAIT[0](); return 1\ndef f(x): return x\n")
    other = record(tracker, work.f, 1)
    depset = Depset.of(declared(callable=work.ask))
    done: list[State] = []

    def wait() -> None:
        thread = threading.Thread(
            target=lambda: done.append(tracker.verify(other, work.f).state), daemon=True
        )
        thread.start()
        thread.join(10)

    work.WAIT.append(wait)
    assert tracker.verify(depset).state is State.FRESH
    assert done == [State.FRESH]


def test_a_callable_that_raises_gives_no_verdict_and_says_why(
    write: Writer, tracker: Tracker
) -> None:
    work = write(
        tdy_j="FAIL = []\ndef ask():\n    if FAIL: raise OSError('no host')\n    return 1\n"
    )
    depset = Depset.of(declared(callable=work.ask))
    work.FAIL.append(1)
    verdict = tracker.verify(depset)
    assert verdict.state is State.UNKNOWN
    assert "OSError: no host" in verdict.reasons[0].detail
