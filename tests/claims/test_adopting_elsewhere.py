"""Claim: adopting looks at every module a result hangs on, and says what it could not take over."""

from __future__ import annotations

from typing import Any

import dumbo
from dumbo.growing import parameter_names
from dumbo.testing import event_log

TOOLS = """
    import old

    def scaled(x):
        return x * old.RATE
"""
OLD = """
    from dumbo import dumbo

    RATE = 3

    @dumbo(keep="always")
    def first(x, y=2):
        import tools
        return tools.scaled(x) + y
"""
FILL = "import old\nvalue = [int(old.first(1)), int(old.first(2, y=5))]"


def fill(project: Any) -> None:
    project.write(old=OLD, tools=TOOLS)
    assert len(project.run(FILL).executed) == 2


def adopt(project: Any, target: str) -> str:
    module, _, name = target.partition(":")
    text = f"import {module} as m\nvalue = str(m.{name}.adopt('old:first'))"
    return str(project.run(text).value)


def test_code_elsewhere_is_still_watched_after_a_rename(project: Any) -> None:
    fill(project)
    project.edit("old", "def first(", "def one(")
    assert adopt(project, "old:one") == "2 adopted, 0 followed, 0 known already, 0 not"
    call = "import old\nvalue = int(old.one(1))"
    assert project.run(call).executed == []
    project.edit("tools", "x * old.RATE", "x + old.RATE")
    found = project.run(call)
    assert (found.value, len(found.executed)) == (6, 1)


def test_what_code_elsewhere_reads_from_the_old_module_has_to_hold_there(project: Any) -> None:
    fill(project)
    project.write(new=OLD)
    project.edit("old", "def first(", "def gone(")
    assert adopt(project, "new:first").startswith("2 adopted")
    call = "import new\nvalue = int(new.first(1))"
    assert project.run(call).executed == []
    project.edit("old", "RATE = 3", "RATE = 4")
    found = project.run(call)
    assert (found.value, len(found.executed)) == (6, 1)


def test_a_call_that_fits_the_signature_no_more_is_left_and_counted(project: Any) -> None:
    fill(project)
    project.edit("old", "def first(x, y=2)", "def one(x)")
    project.edit("old", "+ y", "+ 2")
    assert adopt(project, "old:one") == (
        "0 adopted, 0 followed, 0 known already, 2 not; "
        "2: its arguments do not give its CID under today's signature and options"
    )


def test_a_lambda_has_no_edit_to_speak_of() -> None:
    plus = dumbo.dumbo(keep="always", name="tests:plus")(
        lambda x, step=dumbo.new_default(1): x + step
    )
    with event_log() as log:
        assert [plus(1), plus(1), plus(1, step=2)] == [2, 2, 3]
    assert len(log.executed) == 2


def test_parameters_are_read_from_the_text_of_one_function() -> None:
    assert parameter_names("async def f(a, /, *b, c=1, **d): ...") == {"a", "b", "c", "d"}
    for text in ("1 +", "lambda x: x", "x = 1", "def f(): ...\ndef g(): ..."):
        assert parameter_names(text) is None


def test_a_twin_that_is_loaded_is_not_offered(project: Any) -> None:
    fill(project)
    project.write(copied=OLD)
    found = project.run("import copied, old\nvalue = str(copied.first.why(1))")
    assert found.value == "first(x=1, y=2) was never computed"


def test_what_has_no_code_to_compare_is_offered_nothing(project: Any) -> None:
    found = project.run(
        "import functools, operator\n"
        "f = dumbo(keep='always', name='tests:f')(functools.partial(operator.add, 1))\n"
        "value = str(f.why(2))"
    )
    assert found.value.endswith(" was never computed")
