"""The whole store is judged without loading a value, and what is stale is refreshed on request."""

from __future__ import annotations

from typing import Any

import pytest

import dumbo
from dumbo import Raise, Recompute, Reuse
from dumbo.config import load_config
from dumbo.policy import Policy

WORK = """
    import helpers
    from dumbo import dumbo

    @dumbo(keep="always")
    def low(x):
        return helpers.scale(x)

    @dumbo(keep="always")
    def high(y, extra=0):
        return {"twice": [y * 2], "extra": extra}

    @dumbo(keep="always")
    def other(x):
        return list(range(x))
"""
HELPERS = """
    def scale(x):
        return x + 1
"""
RUN = """
    import dumbo, work
    for x in (1, 2, 3):
        dumbo.tag(f"high{x}", work.high(work.low(x)))
    work.other(4)
    value = 0
"""
SURVEY = """
    import dumbo
    s = dumbo.stale()
    value = [len(s.stale), len(s.unknown), s.fresh, str(s), [j.call for j in s]]
"""


@pytest.fixture
def edited(project: Any) -> Any:
    project.write(work=WORK, helpers=HELPERS)
    project.run(RUN)
    control = project.run("import work\n" + SURVEY.replace("\n    ", "\n"))
    assert control.value[:3] == [0, 0, 7]
    assert control.of("loaded") == []
    project.edit("helpers", "x + 1", "x + 5")
    return project


def test_the_store_is_judged_by_function_with_reasons(edited: Any) -> None:
    done = edited.run("import work\n" + SURVEY.replace("\n    ", "\n"))
    stale, unknown, fresh, text, calls = done.value
    assert (stale, unknown, fresh) == (6, 0, 1)
    assert sorted(calls)[-1] == "low(x=3)"
    lines = text.splitlines()
    assert lines[0] == "6 stale, 0 unknown, 1 fresh"
    assert "work:low: 3 stale" in lines
    assert "  3 x helpers.scale changed (called by low)" in lines
    assert lines[-1] == "work:other: 1 fresh"
    assert done.of("loaded") == done.of("executed") == []


def test_a_version_that_holds_makes_its_result_fresh(edited: Any) -> None:
    edited.run(RUN)
    edited.edit("helpers", "x + 5", "x + 1")
    done = edited.run("import work\n" + SURVEY.replace("\n    ", "\n"))
    assert done.value[:3] == [0, 0, 7]


def test_what_cannot_be_judged_is_not_called_stale(edited: Any) -> None:
    edited.edit("helpers", "x + 5", "x + 1")
    (edited.folder / "helpers.py").unlink()
    done = edited.run(SURVEY)
    assert done.value[0] == 0
    assert done.value[1] >= 3


def test_a_tag_is_refreshed_with_all_it_was_made_from(edited: Any) -> None:
    done = edited.run(
        """
    import dumbo, work
    fresh = dumbo.refresh("high1")
    again = dumbo.refresh("high1")
    value = [dumbo.unwrap(x, deep=True) for x in (fresh, again)]
    value.insert(1, dumbo.is_stale(fresh).state.value)
    """
    )
    assert done.value == [{"twice": [12], "extra": 0}, "fresh", {"twice": [12], "extra": 0}]
    assert [call.partition("(")[0] for call in done.executed] == ["low", "high"]


def test_the_line_that_why_prints_can_be_pasted(edited: Any) -> None:
    done = edited.run(
        """
    import dumbo, work
    line = dumbo.why("high2").splitlines()[-1]
    call = line.partition(": ")[2]
    value = [line.split(":")[0], dumbo.unwrap(eval(call), deep=True)]
    """
    )
    assert done.value == ["  to compute it again", {"twice": [14], "extra": 0}]


def test_all_results_of_a_function_are_refreshed(edited: Any) -> None:
    done = edited.run("import dumbo, work\nvalue = sorted(int(v) for v in dumbo.refresh(work.low))")
    assert done.value == [6, 7, 8]
    assert sorted(done.executed) == ["low(x=1)", "low(x=2)", "low(x=3)"]
    assert edited.run("import dumbo, work\nvalue = dumbo.refresh(work.low)").executed == []


def test_several_are_refreshed_at_once_and_items_too(edited: Any) -> None:
    done = edited.run(
        """
    import dumbo, work
    item = dumbo.tagged("high1")["twice"]
    a, b = dumbo.refresh(item, "high2")
    value = [list(a), dumbo.unwrap(b, deep=True)]
    """
    )
    assert done.value == [[12], {"twice": [14], "extra": 0}]


def test_what_cannot_be_repeated_is_named(edited: Any) -> None:
    done = edited.run(
        """
    import dumbo
    try:
        dumbo.refresh("high1")
    except dumbo.ConfigurationError as error:
        value = str(error)
    """
    )
    assert "dumbo.refresh('high#" in done.value
    assert "is not loaded in this process; import it first" in done.value
    with pytest.raises(dumbo.NotCachedError, match="no result, CID or tag"):
        dumbo.refresh("nothing")


def test_a_session_has_a_policy_of_its_own(edited: Any) -> None:
    body = """
    import dumbo, work
    with dumbo.open("store", stale={setting}) as session, dumbo.using(session):
        try:
            value = int(work.low(1))
        except dumbo.StaleResultError as error:
            value = str(error)
    """
    assert edited.run(body.format(setting="dumbo.Reuse()")).value == 2
    assert edited.run(body.format(setting="'reuse'")).value == 2
    assert "policy is Raise()" in edited.run(body.format(setting="'raise'")).value
    (edited.folder / "pyproject.toml").write_text("[tool.dumbo]\nstale = 'reuse'\n")
    assert edited.run("import work\nvalue = int(work.low(1))").value == 2
    (edited.folder / "pyproject.toml").write_text(
        "[tool.dumbo.stale]\ndirect = 1e9\nindirect = 'reuse'\n"
    )
    assert edited.run("import work\nvalue = int(work.low(1))").value == 6


def test_a_policy_setting_that_cannot_be_meant_is_refused() -> None:
    assert load_config(stale=Raise()).stale == Policy(Raise(), Raise())
    assert load_config(stale=60).stale.direct == Recompute(if_under=60.0)
    assert load_config(stale={"indirect": "reuse"}).stale == Policy(Recompute(), Reuse())
    for wrong in ("sometimes", True, {"never": "reuse"}, {"direct": "maybe"}, None, {}):
        with pytest.raises(
            dumbo.ConfigurationError, match=r"dumbo\.open\(\): stale.* is no policy"
        ):
            load_config(stale=wrong)


def test_roots_that_are_no_paths_are_refused() -> None:
    with pytest.raises(dumbo.ConfigurationError, match="roots: 3 has type int"):
        load_config(roots=[3])
    with pytest.raises(dumbo.ConfigurationError, match="folder"):
        dumbo.open(folder=3)  # type: ignore[call-arg]
