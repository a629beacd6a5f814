"""A memoized call that raises leaves nothing behind, and what it hung on hangs on its caller."""

from __future__ import annotations

from typing import Any

WORK = """
    import helpers
    from dumbo import dumbo

    @dumbo(keep="always")
    def kept(x):
        return helpers.scale(x)

    @dumbo(keep="always")
    def inner(x):
        helpers.check(kept(x))
        return x

    @dumbo(keep="always")
    def outer(x):
        try:
            return int(inner(x))
        except ValueError:
            return -1
"""
HELPERS = """
    def scale(x):
        return x * 10

    def check(x):
        if x > LIMIT:
            raise ValueError(x)

    LIMIT = 5
"""
RUN = "import work\nvalue = int(work.outer(1))"


def recorded(project: Any) -> Any:
    project.write(work=WORK, helpers=HELPERS)
    assert project.run(RUN).value == -1
    control = project.run(RUN)
    assert (control.value, control.executed) == (-1, [])
    return project


def test_code_a_failed_call_ran_is_its_callers(project: Any) -> None:
    recorded(project).edit("helpers", "if x > LIMIT:", "if x > LIMIT * 10:")
    assert project.run(RUN).value == 1


def test_globals_a_failed_call_read_are_its_callers(project: Any) -> None:
    recorded(project).edit("helpers", "LIMIT = 5", "LIMIT = 50")
    assert project.run(RUN).value == 1


def test_the_body_of_a_failed_call_is_its_callers(project: Any) -> None:
    recorded(project).edit("work", "helpers.check(kept(x))", "pass")
    assert project.run(RUN).value == 1


def test_results_a_failed_call_used_are_its_callers(project: Any) -> None:
    recorded(project).edit("helpers", "x * 10", "x * 2")
    assert project.run(RUN).value == 1
