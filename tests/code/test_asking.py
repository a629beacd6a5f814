"""Declared callables: who may be asked, and that asking comes to an end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import dumbo
from dumbo.code import Tracker, declared
from dumbo.records import Dependency, DependencyKind, Depset, State

Writer = Callable[..., Any]
COUNTING = """
calls = []
def version():
    calls.append(1)
    return 1
"""


def named(module: str, name: str) -> Dependency:
    return Dependency(DependencyKind.DECLARED, module, f"callable:{name}", "x" * 40)


def code_of(tracker: Tracker, function: Any) -> Dependency:
    own = tracker.own_code(function)
    assert own is not None
    return own


def test_a_callable_that_only_a_store_names_is_not_called(write: Writer, tracker: Tracker) -> None:
    work = write(ask_a=COUNTING)
    verdict = tracker.verify(Depset.of((named("ask_a", "version"), named("os", "abort"))))
    assert verdict.state is State.UNKNOWN
    assert {reason.detail for reason in verdict.reasons} == {
        "it is declared by code that is not loaded here"
    }
    assert work.calls == []


@pytest.mark.parametrize(
    "body",
    [
        "return version()",  # it is meant, and not declared
        "return dumbo.depends_on(env='A') or other.version",  # another of that name
        "return dumbo.depends_on",
    ],
)
def test_code_that_does_not_declare_it_gives_no_leave(
    write: Writer, tracker: Tracker, body: str
) -> None:
    text = f"import dumbo\n{COUNTING}\nclass other: version = 3\n"
    if "version()" not in body:
        text += "target = version\ndel version\n"
    work = write(ask_b=f"{text}\ndef f(): {body}\n")
    name = "version" if "version()" in body else "target"
    depset = Depset.of((code_of(tracker, work.f), named("ask_b", name)))
    assert tracker.verify(depset, work.f).state is State.UNKNOWN
    assert work.calls == []


@pytest.mark.parametrize(
    ("imports", "body"),
    [
        ("import dumbo", "dumbo.depends_on(callable=version)"),
        ("from dumbo import depends_on", "depends_on(callable=version)"),
        ("import dumbo", "(lambda: dumbo.depends_on(callable=version))()"),
        ("import dumbo", "dumbo.depends_on(callable=here.version)"),
        ("import dumbo", "[dumbo.depends_on(callable=each) for each in EACH]"),
    ],
)
def test_loaded_code_that_declares_it_gives_leave(
    write: Writer, tracker: Tracker, imports: str, body: str
) -> None:
    text = f"import ask_c as here\n{imports}\n{COUNTING}\nEACH = [version]\ndef f(): {body}\n"
    work = write(ask_c=text)
    by_function = tracker.verify(Depset.of((named("ask_c", "version"),)), work.f)
    assert work.calls == [1]
    assert by_function.reasons[0].after == "1"


def test_loaded_code_of_the_depset_gives_leave(write: Writer, tracker: Tracker) -> None:
    work = write(ask_d=f"import dumbo\n{COUNTING}\ndef f(): dumbo.depends_on(callable=version)\n")
    depset = Depset.of((code_of(tracker, work.f), named("ask_d", "version")))
    assert tracker.verify(depset).state is State.STALE
    assert work.calls == [1]


def test_a_decorator_notes_its_callables_and_calls_none(write: Writer, tracker: Tracker) -> None:
    work = write(
        ask_e=f"{COUNTING}\nimport dumbo\n@dumbo.dumbo(depends_on=[version])\ndef f(x): return x\n"
    )
    assert work.calls == []
    assert tracker.verify(Depset.of((named("ask_e", "version"),))).state is State.STALE
    assert work.calls == [1]


def test_what_an_import_brings_is_never_called(write: Writer, tmp_path: Any) -> None:
    work = write(ask_f=COUNTING)
    depset = Depset.of((named("ask_f", "version"),))
    with dumbo.open(tmp_path / "store") as session:
        assert session.tracker.verify(depset).state is State.UNKNOWN
        today, lost = session.tracker.as_of_today(depset)
        session.tracker.answer(depset.members[0])
    assert (today, lost, work.calls) == (depset, depset.members, [])


@pytest.mark.parametrize("others", [0, 1])
def test_callables_that_begin_epochs_are_asked_a_few_times(
    write: Writer, tracker: Tracker, others: int
) -> None:
    work = write(
        ask_g="""
        calls = []
        def one():
            calls.append(1)
            refresh()
            return 1
        def two():
            calls.append(2)
            refresh()
            return 2
        """
    )
    work.refresh = lambda: None
    depset = Depset.of((work_one := declared(callable=work.one)) + declared(callable=work.two))
    depset = depset if others else Depset.of(work_one)
    work.refresh = tracker.refresh
    work.calls.clear()
    assert tracker.verify(depset).state is State.FRESH
    assert len(work.calls) <= 6
    tracker.as_of_today(depset)
    work.calls.clear()
    tracker.refresh()
    tracker.verify(depset)
    assert work.calls
