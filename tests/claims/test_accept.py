"""An edit the user calls immaterial keeps the results; the next one does not."""

from __future__ import annotations

from typing import Any

import pytest

import dumbo

WORK = """
    import helpers
    from pathlib import Path
    from dumbo import dumbo

    @dumbo(keep="always")
    def low(x):
        return helpers.scale(x)

    @dumbo(keep="always")
    def high(y):
        return y * 2

    @dumbo(keep="always")
    def own(x):
        return x * 3

    @dumbo(keep="always", depends_on=[Path("data.txt")])
    def reads(x):
        return helpers.scale(x) + len(Path("data.txt").read_text())
"""
HELPERS = """
    def scale(x):
        return x + 1
"""
RUN = """
    import work
    value = [int(work.high(work.low(1))), int(work.low(2)), int(work.own(5))]
"""


@pytest.fixture
def recorded(project: Any) -> Any:
    project.write(work=WORK, helpers=HELPERS)
    (project.folder / "data.txt").write_text("abc")
    assert project.run(RUN).value == [4, 3, 15]
    assert project.run(RUN).executed == []
    return project


def test_an_accepted_edit_keeps_results_and_what_was_made_of_them(recorded: Any) -> None:
    recorded.edit("helpers", "return x + 1", "return 1 + x")
    done = recorded.run("import dumbo, work\nvalue = str(dumbo.accept(work.low))")
    assert done.value == "accepted: helpers.scale"
    assert done.executed == []
    control = recorded.run(RUN)
    assert (control.value, control.executed) == ([4, 3, 15], [])


def test_the_next_edit_counts_again_and_undoing_is_a_hit(recorded: Any) -> None:
    recorded.edit("helpers", "return x + 1", "return 1 + x")
    recorded.run("import dumbo, work\nvalue = str(dumbo.accept(work.low))")
    recorded.edit("helpers", "return 1 + x", "return 2 + x")
    assert recorded.run(RUN).value == [6, 4, 15]
    recorded.edit("helpers", "return 2 + x", "return 1 + x")
    assert recorded.run(RUN).executed == []
    recorded.edit("helpers", "return 1 + x", "return x + 1")
    assert recorded.run(RUN).executed == []


def test_an_edit_of_a_helper_is_accepted_for_all_who_use_it(recorded: Any) -> None:
    recorded.edit("helpers", "return x + 1", "return 1 + x")
    recorded.edit("work", "return x * 3", "return x * 4")
    done = recorded.run("import dumbo, work, helpers\nvalue = str(dumbo.accept(helpers.scale))")
    assert done.value == "accepted: helpers.scale"
    after = recorded.run(RUN)
    assert (after.value, after.executed) == ([4, 3, 20], ["own(x=5)"])


def test_one_result_is_accepted_by_tag(recorded: Any) -> None:
    recorded.run("import dumbo, work\ndumbo.tag('five', work.own(5))\nvalue = 0")
    recorded.edit("work", "return x * 3", "return 3 * x")
    recorded.run("import dumbo, work\nvalue = str(dumbo.accept('five'))")
    assert recorded.run(RUN).executed == []


def test_code_that_the_accepted_edit_brought_in_is_watched(recorded: Any) -> None:
    recorded.edit("helpers", "return x + 1", "return one() + x")
    recorded.edit("helpers", "def scale", "def one():\n    return 1\n\ndef scale")
    recorded.run("import dumbo, work\nvalue = str(dumbo.accept(work.low))")
    assert recorded.run(RUN).executed == []
    recorded.edit("helpers", "return 1\n", "return 10\n")
    assert recorded.run(RUN).value == [22, 12, 15]


def test_files_are_not_accepted_along(recorded: Any) -> None:
    run = "import work\nvalue = int(work.reads(1))"
    assert recorded.run(run).value == 5
    assert recorded.run(run).executed == []
    recorded.edit("helpers", "return x + 1", "return 1 + x")
    (recorded.folder / "data.txt").write_text("abcdef")
    done = recorded.run("import dumbo, work\nvalue = str(dumbo.accept(work.reads))")
    assert "helpers.scale" in done.value
    assert "not accepted: " in done.value
    assert "data.txt" in done.value
    assert recorded.run(run).value == 8


def test_nothing_to_accept_and_nothing_acceptable() -> None:
    @dumbo.dumbo(name="tests:accepting")
    def accepting(x: int) -> int:
        return x

    accepting(1)
    found = dumbo.accept(accepting)
    assert not found
    assert str(found) == "accepted: nothing had changed"
    with pytest.raises(dumbo.ConfigurationError, match=r"dumbo\.accept\(.*pass what was edited"):
        dumbo.accept(len)
    with pytest.raises(dumbo.NotCachedError, match="no result"):
        dumbo.accept("nobody")
