"""A miss or a stale verdict names what changed, with a diff."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import dumbo
from dumbo.graph.explain import explain
from dumbo.identity.cid import CID, FunctionId
from dumbo.records import FRESH, Reason, ReasonKind, Record, Staleness, State

FACTOR = {"value": 1}
MODULE = """
    from dumbo import dumbo
    import helpers

    RATE = 3

    @dumbo(keep="always")
    def low(x):
        return helpers.scale(x) * RATE

    @dumbo(keep="always")
    def high(y):
        return y + 1

    @dumbo(keep="always")
    def top(y):
        return y * 2
"""
HELPERS = """
    def scale(x):
        return x + 1
"""
RUN = """
    import work
    value = int(work.top(work.high(work.low(1))))
"""
WHY = """
    import work
    x = dumbo.tagged("top")
    s = dumbo.is_stale(x)
    value = [str(dumbo.why(x)), s.state.value, [r.kind.value for r in s.reasons]]
"""


def set_up(project: Any) -> None:
    project.write(work=MODULE, helpers=HELPERS)
    project.run(RUN + "    dumbo.tag('top', work.top(work.high(work.low(1))))\n")
    text, state, reasons = project.run(WHY).value
    assert (state, reasons) == ("fresh", [])
    assert text.endswith("is fresh")


def test_a_changed_helper_is_named_with_its_path_and_a_diff(project: Any) -> None:
    set_up(project)
    project.edit("helpers", "x + 1", "x + 2")
    text, state, reasons = project.run(WHY).value
    assert state == "stale"
    assert reasons == ["upstream", "upstream", "code"]
    first, path, *diff = text.splitlines()
    assert first.endswith("is stale: helpers.scale changed (called by low)")
    assert path.startswith("  path: top#")
    assert "<- high#" in path
    assert "<- low#" in path
    assert "-    return x + 1" in diff
    assert "+    return x + 2" in diff


def test_a_changed_global_shows_both_values(project: Any) -> None:
    set_up(project)
    project.edit("work", "RATE = 3", "RATE = 4")
    text, state, reasons = project.run(WHY).value
    assert (state, reasons[-1]) == ("stale", "global")
    assert "work.RATE has another value (used by low)" in text.splitlines()[0]
    assert "- work.RATE = 3" in text
    assert "+ work.RATE = 4" in text


def test_after_a_miss_why_tells_what_was_stale(project: Any) -> None:
    set_up(project)
    project.edit("work", "y + 1", "y + 10")
    done = project.run(RUN + "    value = dumbo.why().short\n")
    assert done.value.startswith("top(y=high#")
    assert done.value.endswith("has another value now (used as y)")
    stale = [reason for kind, _, reason in done.events if kind == "stale"]
    assert any("work.high changed" in reason for reason in stale)
    assert [c.split("(")[0] for c in done.executed] == ["high", "top"]


def test_a_function_tells_of_a_call(project: Any) -> None:
    set_up(project)
    project.edit("helpers", "x + 1", "x - 1")
    done = project.run("import work\nvalue = [work.low.why(1), work.low.why(2)]")
    assert "helpers.scale changed (called by low)" in done.value[0]
    assert done.value[1] == "low(x=2) was never computed"


def test_the_command_line_answers_too(project: Any) -> None:
    import os
    import subprocess
    import sys

    set_up(project)
    project.edit("helpers", "x + 1", "x + 2")

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "dumbo", "--store", str(project.folder / "store"), *words],
            cwd=project.folder,
            env={**os.environ, "PYTHONPATH": str(project.folder)},
            capture_output=True,
            text=True,
            check=False,
        )

    why = command("why", "top")
    assert why.returncode == 0, why.stderr
    assert "helpers.scale changed (called by low)" in why.stdout
    assert "+    return x + 2" in why.stdout
    assert command("tags").stdout.startswith("top  work:top#")
    assert "low(x=1)" in command("ls").stdout
    assert "stale" in command("graph", "top").stdout
    assert command("graph", "top", "--mermaid", "--collapse").stdout.startswith("flowchart LR")
    assert "hits saved" in command("stats").stdout
    wrong = command("why", "nothing")
    assert wrong.returncode == 1
    assert "dumbo why: 'nothing' is no result" in wrong.stderr
    assert command("frobnicate").returncode == 2


def test_before_any_call_there_is_nothing_to_explain() -> None:
    assert dumbo.why() == "no call of this process had to run"


def test_every_miss_of_the_users_own_calls_is_explained() -> None:
    @dumbo.dumbo(keep="always", name="tests:inner")
    def inner(x: int) -> int:
        return x

    @dumbo.dumbo(keep="always", name="tests:outer")
    def outer(x: int) -> int:
        return int(inner(x)) + 1

    @dumbo.dumbo(keep="never", name="tests:unkept")
    def unkept(x: int) -> int:
        return x

    outer(1)
    # What the body asked for is no call of the user's.
    assert dumbo.why() == "outer(x=1) was never computed"
    inner(2)
    assert dumbo.why() == "inner(x=2) was never computed"
    outer(1)
    assert dumbo.why() == "inner(x=2) was never computed", "a hit leaves it alone"
    outer.recompute(1)
    assert dumbo.why() == "outer(x=1) was asked to be computed again"
    unkept(1), unkept(1)
    assert dumbo.why().startswith("unkept(x=1) ")


def test_a_stale_verdict_is_one_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    @dumbo.dumbo(keep="always", name="tests:logged")
    def logged(x: int) -> int:
        return x * FACTOR["value"]

    logged(1)
    monkeypatch.setitem(FACTOR, "value", 2)
    with caplog.at_level("INFO", logger="dumbo"):
        logged(1)
    lines = [r.getMessage() for r in caplog.records if "is stale" in r.getMessage()]
    assert len(lines) == 1
    assert lines[0].startswith("logged(x=1) is stale: ")
    assert "FACTOR has another value" in lines[0]
    assert "\n" not in lines[0]


def record(cid: str) -> Record:
    return Record(CID(cid), 1, FunctionId("m:f"), "f(3)", "")


def test_the_words_of_every_kind_of_reason() -> None:
    base = record("m:f#" + "0" * 32)
    assert str(explain(base, FRESH)) == "f(3) is fresh"
    lines = {
        ReasonKind.PACKAGE: "f(3) is stale: numpy has another version",
        ReasonKind.DECLARED: "f(3) is stale: numpy changed",
        ReasonKind.INPUT: "f(3) is stale: numpy has another value",
    }
    for kind, line in lines.items():
        verdict = Staleness(State.STALE, (Reason(kind, "numpy", "1", "2"),))
        found = explain(base, verdict)
        *told, again = found.splitlines()
        assert told == [line, "- numpy = 1", "+ numpy = 2"]
        assert again == "  to compute it again: make the call; its arguments are not on its record"
        repeatable = explain(replace(base, arguments=b"x"), verdict).splitlines()[-1]
        assert repeatable == f"  to compute it again: dumbo.refresh('{base.cid}')"
        assert repr(found) == str(found)
        assert found.staleness is verdict
    unknown = Staleness(State.UNKNOWN, (Reason(ReasonKind.UNKNOWN, "m.f", detail="is not loaded"),))
    assert explain(base, unknown).splitlines()[0] == "f(3) cannot be judged: m.f is not loaded"
    with pytest.raises(ValueError, match="UNKNOWN"):
        bool(unknown)
    assert bool(FRESH) is False
