"""Claim: a rename, a move and a new parameter lose no result, and pass off no wrong one."""

from __future__ import annotations

from typing import Any

import pytest

import dumbo
from dumbo.testing import event_log

OLD = """
    from dumbo import dumbo

    RATE = 3

    def helper(x):
        return x + 1

    @dumbo(keep="always")
    def first(x, y=2):
        return helper(x) * RATE + y

    @dumbo(keep="always")
    def second(z):
        return z + 1
"""
FILL = """
    import old
    old.first(1); old.first(2, y=5)
    value = int(old.second(old.first(1)))
"""
ADOPT = """
    import {module} as m
    done = m.{name}.adopt({old!r})
    value = [done.adopted, done.already, done.refused, [r for r, _ in done.reasons]]
"""


def fill(project: Any) -> None:
    project.write(old=OLD)
    assert len(project.run(FILL).executed) == 3
    assert project.run(FILL).executed == []


def adopt(project: Any, name: str, old: str, module: str = "old") -> Any:
    return project.run(ADOPT.format(module=module, name=name, old=old)).value


def test_results_of_a_renamed_function_are_found(project: Any) -> None:
    fill(project)
    project.edit("old", "def first(", "def one(")
    call = "import old\nvalue = [int(old.one(1)), int(old.one(y=5, x=2))]"
    assert adopt(project, "one", "old:first") == [2, 0, 0, []]
    found = project.run(call)
    assert (found.value, found.executed) == ([8, 14], [])
    assert found.hits == ["one(x=1, y=2)", "one(x=2, y=5)"]
    assert adopt(project, "one", "old:first") == [0, 2, 0, []]


def test_without_adoption_a_renamed_function_runs(project: Any) -> None:
    fill(project)
    project.edit("old", "def first(", "def one(")
    assert project.run("import old\nvalue = int(old.one(1))").executed == ["one(x=1, y=2)"]


@pytest.mark.parametrize(
    ("before", "after"), [("x + 1", "x + 2"), ("RATE = 3", "RATE = 4"), ("+ y", "- y")]
)
def test_an_adopted_result_is_stale_when_its_code_is_not_the_same(
    project: Any, before: str, after: str
) -> None:
    fill(project)
    project.edit("old", "def first(", "def one(")
    project.edit("old", before, after)
    assert adopt(project, "one", "old:first")[0] == 2
    states = "old.one.is_stale(1).state.value, int(old.one(1)), old.one.__wrapped__(1)"
    call = f"import old\nvalue = [{states}]"
    found = project.run(call)
    assert found.value[0] == "stale"
    assert found.value[1] == found.value[2]
    assert found.executed == ["one(x=1, y=2)"]


def test_an_adopted_result_goes_stale_with_a_later_edit_and_comes_back(project: Any) -> None:
    fill(project)
    project.edit("old", "def first(", "def one(")
    adopt(project, "one", "old:first")
    call = "import old\nvalue = int(old.one(1))"
    project.edit("old", "x + 1", "x + 2")
    assert project.run(call).value == 11
    project.edit("old", "x + 2", "x + 1")
    undone = project.run(call)
    assert (undone.value, undone.executed) == (8, [])


def test_a_whole_module_can_move(project: Any) -> None:
    fill(project)
    (project.folder / "old.py").rename(project.folder / "new.py")
    assert adopt(project, "first", "old:first", "new") == [2, 0, 0, []]
    assert adopt(project, "second", "old:second", "new") == [1, 0, 0, []]
    found = project.run("import new\nvalue = int(new.second(new.first(1)))")
    assert (found.value, found.executed) == (9, [])
    edges = project.run("import new\nvalue = dumbo.inputs(new.second(new.first(1)))")
    assert [cid.partition("#")[0] for cid in edges.value] == ["new:first"]
    project.edit("new", "RATE = 3", "RATE = 4")
    changed = project.run("import new\nvalue = int(new.second(new.first(1)))")
    assert (changed.value, len(changed.executed)) == (11, 2)


def test_a_function_can_move_and_import_what_it_used(project: Any) -> None:
    fill(project)
    moved = """
        from dumbo import dumbo
        from old import RATE, helper

        @dumbo(keep="always")
        def first(x, y=2):
            return helper(x) * RATE + y
    """
    project.write(new=moved)
    project.edit("old", "def first(", "def another(")
    assert adopt(project, "first", "old:first", "new") == [2, 0, 0, []]
    call = "import new\nvalue = int(new.first(1))"
    assert project.run(call).executed == []
    project.edit("old", "x + 1", "x + 2")
    changed = project.run(call)
    assert (changed.value, len(changed.executed)) == (11, 1)


def test_a_helper_of_the_same_name_in_the_new_module_is_not_the_old_one(project: Any) -> None:
    fill(project)
    moved = """
        from dumbo import dumbo
        from old import RATE

        def helper(x):
            return x + 100

        @dumbo(keep="always")
        def first(x, y=2):
            return helper(x) * RATE + y
    """
    project.write(new=moved)
    project.edit("old", "def first(", "def another(")
    adopt(project, "first", "old:first", "new")
    found = project.run("import new\nvalue = int(new.first(1))")
    assert (found.value, len(found.executed)) == (305, 1)


def test_results_of_others_follow_their_renamed_input(project: Any) -> None:
    fill(project)
    project.edit("old", "def first(", "def one(")
    assert adopt(project, "one", "old:first")[0] == 2
    found = project.run("import old\nvalue = int(old.second(old.one(1)))")
    assert (found.value, found.executed) == (9, [])


def test_results_without_arguments_on_record_are_counted_and_left(project: Any) -> None:
    project.write(
        old="""
        from dumbo import dumbo

        @dumbo(keep="always")
        def total(x):
            return float(sum(x))
        """
    )
    fill_it = (
        "import old, numpy\nvalue = [float(old.total([1.0])), float(old.total(numpy.ones(3)))]"
    )
    project.run(fill_it)
    project.edit("old", "def total(", "def add_up(")
    done = adopt(project, "add_up", "old:total")
    assert done == [1, 0, 1, ["its arguments are not on record"]]
    assert len(project.run(fill_it.replace("total", "add_up")).executed) == 1


def test_a_call_that_means_something_else_now_is_left(project: Any) -> None:
    fill(project)
    project.edit("old", "def first(x, y=2)", "def one(x, z=2)")
    project.edit("old", "+ y", "+ z")
    assert adopt(project, "one", "old:first")[:3] == [0, 0, 2]


def test_tags_go_along(project: Any) -> None:
    fill(project)
    project.run("import old\ndumbo.tag('best', old.first(1))\nvalue = 0")
    project.edit("old", "def first(", "def one(")
    adopt(project, "one", "old:first")
    found = project.run("import old\nvalue = [dumbo.tag_of(old.one(1)), int(dumbo.tagged('best'))]")
    assert (found.value, found.executed) == (["best", 8], [])


def test_ids_that_cannot_be_adopted_are_refused_with_the_way_out() -> None:
    @dumbo.dumbo(keep="always", name="tests:now")
    def now(x: int) -> int:
        return x

    @dumbo.dumbo(keep="always", name="tests:other")
    def other(x: int) -> int:
        return x

    other(1)
    with pytest.raises(dumbo.ConfigurationError, match="lives in this process"):
        now.adopt("tests:other")
    with pytest.raises(dumbo.ConfigurationError, match="'module:qualname'"):
        now.adopt("other")
    with pytest.raises(dumbo.NotCachedError, match="it has results of tests:other"):
        now.adopt("tests:gone")


def test_a_function_without_results_is_told_of_its_twin(project: Any) -> None:
    fill(project)
    project.edit("old", "def first(", "def one(")
    found = project.run(
        """
        import logging, old
        lines = []
        class Keep(logging.Handler):
            def emit(self, record):
                lines.append((record.levelname, record.getMessage()))
        logging.getLogger("dumbo").addHandler(Keep())
        logging.getLogger("dumbo").setLevel("INFO")
        why = str(old.one.why(1))
        old.one(1), old.one(2)
        value = [why, lines]
        """
    )
    why, lines = found.value
    hint = (
        "old:one has no results, and old:first, which is gone, has equal code and 2: "
        "one.adopt('old:first') keeps them"
    )
    assert why == f"one(x=1, y=2) was never computed\n  {hint}"
    assert lines == [["INFO", hint]]


def test_a_copy_is_no_rename(project: Any) -> None:
    fill(project)
    project.write(copied=OLD)
    found = project.run("import copied\nvalue = str(copied.first.why(1))")
    assert found.value == "first(x=1, y=2) was never computed"


# New parameters.

GROWN = "def second(z, step=dumbo.new_default(1)):"


def grow(project: Any) -> None:
    project.edit("old", "def second(z):", GROWN)
    project.edit("old", "return z + 1", "return z + step")


SECOND = "import old\nvalue = int(old.second(5))"


def test_a_new_parameter_keeps_old_results(project: Any) -> None:
    project.write(old=OLD)
    assert project.run(SECOND).executed == ["second(z=5)"]
    grow(project)
    found = project.run(SECOND)
    assert (found.value, found.executed) == (6, [])
    assert project.run(SECOND).executed == []
    other = project.run("import old\nvalue = int(old.second(5, step=2))")
    assert (other.value, other.executed) == (7, ["second(z=5, step=2)"])


def test_a_parameter_without_the_mark_does_not(project: Any) -> None:
    project.write(old=OLD)
    project.run(SECOND)
    project.edit("old", "def second(z):", "def second(z, step=1):")
    project.edit("old", "return z + 1", "return z + step")
    assert len(project.run(SECOND).executed) == 1


@pytest.mark.parametrize("seen", [True, False])
def test_the_mark_covers_the_edit_that_brought_it_and_no_later_one(
    project: Any, seen: bool
) -> None:
    project.write(old=OLD)
    project.run(SECOND)
    grow(project)
    if seen:
        assert project.run(SECOND).executed == []
    else:
        project.run("import old\nvalue = str(old.second.why(99))")  # not this call, only the code
    project.edit("old", "z + step", "z - step")
    found = project.run(SECOND)
    assert (found.value, len(found.executed)) == (4, 1)


def test_what_was_stale_before_the_parameter_stays_stale(project: Any) -> None:
    project.write(old=OLD)
    project.run("import old\nvalue = [int(old.second(5)), int(old.second(6))]")
    project.edit("old", "z + 1", "z + 10")
    project.run("import old\nvalue = int(old.second(6))")
    project.edit("old", "def second(z):", GROWN.replace("(1)", "(10)"))
    project.edit("old", "z + 10", "z + step")
    found = project.run("import old\nvalue = [int(old.second(5)), int(old.second(6))]")
    assert (found.value, found.executed) == ([15, 16], ["second(z=5, step=10)"])


def test_a_helper_that_changed_with_it_is_noticed(project: Any) -> None:
    project.write(old=OLD)
    call = "import old\nvalue = int(old.first(1))"
    project.run(call)
    project.edit("old", "def first(x, y=2):", "def first(x, y=2, z=dumbo.new_default(0)):")
    project.edit("old", "RATE + y", "RATE + y + z")
    project.edit("old", "x + 1", "x + 2")
    found = project.run(call)
    assert (found.value, len(found.executed)) == (11, 1)


def test_a_helper_that_came_with_it_is_watched(project: Any) -> None:
    project.write(old=OLD)
    project.run(SECOND)
    grow(project)
    project.edit("old", "return z + step", "return plus(z, step)")
    with (project.folder / "old.py").open("a") as file:
        file.write("\ndef plus(a, b):\n    return a + b\n")
    assert project.run(SECOND).executed == []
    project.edit("old", "a + b", "a - b")
    found = project.run(SECOND)
    assert (found.value, len(found.executed)) == (4, 1)


def test_two_parameters_may_come_one_after_the_other(project: Any) -> None:
    project.write(old=OLD)
    project.run(SECOND)
    grow(project)
    assert project.run(SECOND).executed == []
    project.edit("old", "new_default(1)):", "new_default(1), more=dumbo.new_default(0)):")
    project.edit("old", "z + step", "z + step + more")
    assert project.run(SECOND).executed == []
    project.edit("old", "z + step + more", "z - step + more")
    found = project.run(SECOND)
    assert (found.value, len(found.executed)) == (4, 1)


# Matchers on the record.


def test_the_record_says_which_matcher_accepted_which_argument() -> None:
    @dumbo.dumbo(
        keep="always",
        name="tests:matched",
        ignore=("verbose",),
        match={"lr": dumbo.close(rel=0.01), "mode": dumbo.key(str.lower)},
    )
    def train(lr: float, mode: str, verbose: bool = False) -> float:
        return lr

    result = train(0.1, "Fast")
    said = ("lr by close(rel=0.01)", "mode by key(lower)", "verbose by ignore")
    assert dumbo.record(result).matched == said
    assert f"matched: {', '.join(said)}" in str(dumbo.why(result))
    with event_log() as log:
        assert train(0.1 + 1e-9, "FAST", verbose=True) == 0.1
    assert log.executed == []
    assert f"matched: {', '.join(said)}" in str(train.why(0.1, "fast"))
