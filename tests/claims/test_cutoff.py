"""A change upstream that comes out equal stops there: what was made from it stays."""

from __future__ import annotations

from typing import Any

import pytest

WORK = """
    import helpers
    from dumbo import dumbo

    @dumbo(keep="always")
    def low(x):
        return helpers.scale(x) % 10

    @dumbo(keep="always")
    def mid(x):
        return low(x) + low(x + 1)

    @dumbo(keep="always")
    def top(x):
        return mid(x) * 2
"""
HELPERS = """
    def scale(x):
        return x + 10
"""
RUN = "import work\nvalue = int(work.top(3))"


def recorded(project: Any) -> Any:
    project.write(work=WORK, helpers=HELPERS)
    assert project.run(RUN).value == 14
    control = project.run(RUN)
    assert (control.value, control.executed) == (14, [])
    return project


def test_a_sub_call_that_comes_out_equal_keeps_its_callers(project: Any) -> None:
    recorded(project)
    project.edit("helpers", "x + 10", "x + 20")
    done = project.run(RUN)
    assert done.value == 14
    assert done.executed == ["low(x=3)", "low(x=4)"]
    assert done.hits[-1] == "top(x=3)"
    again = project.run(RUN)
    assert (again.value, again.executed) == (14, [])


def test_a_sub_call_that_comes_out_different_does_not(project: Any) -> None:
    recorded(project)
    project.edit("helpers", "x + 10", "x + 11")
    done = project.run(RUN)
    assert done.value == 18
    # Each runs once: what was made again to see is not made once more by its caller.
    assert sorted(done.executed) == ["low(x=3)", "low(x=4)", "mid(x=3)", "top(x=3)"]
    assert project.run(RUN).executed == []


def test_it_stops_in_the_middle(project: Any) -> None:
    recorded(project)
    project.edit("helpers", "return x + 10", "return 17 - x")
    # low(3) and low(4) change places: mid is made again, and comes out as it was.
    done = project.run(RUN)
    assert done.value == 14
    assert sorted(done.executed) == ["low(x=3)", "low(x=4)", "mid(x=3)"]


def test_a_later_change_is_noticed_after_a_cutoff(project: Any) -> None:
    recorded(project)
    project.edit("helpers", "x + 10", "x + 20")
    assert project.run(RUN).executed == ["low(x=3)", "low(x=4)"]
    project.edit("helpers", "x + 20", "x + 21")
    done = project.run(RUN)
    assert done.value == 18
    assert "top(x=3)" in done.executed
    project.edit("helpers", "x + 21", "x + 10")
    undone = project.run(RUN)
    assert (undone.value, undone.executed) == (14, [])


def test_nothing_is_made_again_where_the_policy_says_no(project: Any) -> None:
    recorded(project)
    project.edit("helpers", "x + 10", "x + 20")
    body = """
    import work, dumbo
    with dumbo.policy(indirect=dumbo.Reuse()):
        value = int(work.top(3))
    """
    done = project.run(body)
    assert done.value == 14
    assert not [call for call in done.executed if call.startswith("low")]


def test_a_carrier_that_was_handed_in_is_not_made_again(project: Any) -> None:
    project.write(
        helpers=HELPERS,
        work="""
        import helpers
        from dumbo import dumbo

        @dumbo(keep="always")
        def low(x):
            return helpers.scale(x) % 10

        @dumbo(keep="always")
        def use(y):
            return y + 1
        """,
    )
    project.run("import work, dumbo\nx = work.low(3)\ndumbo.tag('x', x)\nvalue = int(work.use(x))")
    project.edit("helpers", "x + 10", "x + 20")
    body = "import work, dumbo\nvalue = int(work.use(dumbo.tagged('x')))"
    assert [call[:4] for call in project.run(body).executed] == ["use("]
    done = project.run("import work, dumbo\nvalue = int(work.use(work.low(3)))")
    assert done.value == 4
    assert done.executed == ["low(x=3)"], "equal to what the user had before the edit"


def test_a_sub_call_that_fails_now_fails_in_its_caller(project: Any) -> None:
    recorded(project)
    project.edit("helpers", "return x + 10", "raise ValueError('broken')")
    done = project.run(
        """
    import work
    try:
        value = int(work.top(3))
    except ValueError as error:
        value = str(error)
    """
    )
    assert done.value == "broken"


def test_async_callers_are_kept_too(project: Any) -> None:
    project.write(
        helpers=HELPERS,
        work="""
        import helpers
        from dumbo import dumbo

        @dumbo(keep="always")
        async def low(x):
            return helpers.scale(x) % 10

        @dumbo(keep="always")
        async def top(x):
            return await low(x) * 2
        """,
    )
    run = "import asyncio, work\nvalue = int(asyncio.run(work.top(3)))"
    assert project.run(run).value == 6
    project.edit("helpers", "x + 10", "x + 20")
    done = project.run(run)
    assert (done.value, done.executed) == (6, ["low(x=3)"])


@pytest.mark.parametrize("depth", [60])
def test_a_long_chain_is_followed_link_by_link(project: Any, depth: int) -> None:
    project.write(
        helpers=HELPERS,
        work="""
        import helpers
        from dumbo import dumbo

        @dumbo(keep="always")
        def chain(n):
            return helpers.scale(0) % 10 if n == 0 else chain(n - 1) + 1
        """,
    )
    run = f"import work\nvalue = int(work.chain({depth}))"
    assert project.run(run).value == depth
    project.edit("helpers", "x + 10", "x + 20")
    done = project.run(run)
    assert done.value == depth
    assert done.executed == ["chain(n=0)"]


@pytest.mark.parametrize("keep", ["always", "memory"])
def test_only_users_of_the_item_that_changed_run_again(project: Any, keep: str) -> None:
    project.write(
        work=f"""
        import numpy as np
        from dumbo import dumbo

        @dumbo(keep={keep!r})
        def parts(n):
            return {{"x": [n, 1], "y": (n, n), "z": np.arange(50_000.0)}}

        @dumbo(keep="always")
        def use(v):
            return float(sum(v))
        """
    )
    run = "import work\nr = work.parts(2)\nvalue = [float(work.use(r[k])) for k in 'xyz']"
    assert project.run(run).value == [3.0, 4.0, 1249975000.0]
    control = project.run(run)
    assert not [call for call in control.executed if call.startswith("use")]
    project.edit("work", "[n, 1]", "[n, 5]")
    done = project.run(run)
    assert done.value == [7.0, 4.0, 1249975000.0]
    assert len([call for call in done.executed if call.startswith("use")]) == 1


READERS = {
    "order of a dict": ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', "list(made(x))", ["b", "a"]),
    "order inside": ('[{"a": 1, "b": 2}]', '[{"b": 2, "a": 1}]', "list(made(x)[0])", ["b", "a"]),
    "order of a Counter": ('Counter("ab")', 'Counter("ba")', "list(made(x))", ["b", "a"]),
    "data on the class": ("Net()", "Net()", "made(x).rate * 10", 40),
    "data on a base": ("Deep()", "Deep()", "made(x).rate * 10", 40),
    "a class itself": ("Net", "Net", "made(x).rate * 10", 40),
    "data of a field's class": ("[Point(1, Net())]", "[Point(1, Net())]", "made(x)[0].y.rate", 4),
    "value of an enum member": ("Level.LOW", "Level.LOW", "made(x).value", 4),
    "a number that is an enum member": ("Rank.LOW", "Rank.LOW", "made(x) + 10", 14),
    "an attribute of a function": ("helper", "helper", "made(x).rate", 4),
    "a default of a function": ("helper", "helper", "made(x)()", 4),
    "a module": ("sys.modules[__name__]", "sys.modules[__name__]", "made(x).RATE", 4),
    "nothing, but an effect": (
        "seen.append(RATE)",
        "seen.append(RATE)",
        "(made(x), seen[-1])[1]",
        4,
    ),
    "a path, and what is in the file": (
        "write(RATE)",
        "write(RATE)",
        "made(x).read_text()",
        "4",
    ),
}
EFFECTS = """
    import sys
    from collections import Counter
    from dataclasses import dataclass
    from enum import Enum, IntEnum
    from pathlib import Path
    from types import SimpleNamespace
    import parts
    from parts import RATE, Deep, Level, Net, Point, Rank, helper, seen
    from dumbo import dumbo

    def write(what):
        Path("out.txt").write_text(str(what))
        return Path("out.txt")

    @dumbo(keep="always", depends_on=[RATE])
    def made(x):
        return {made}
"""
PARTS = """
    from dataclasses import dataclass
    from enum import Enum, IntEnum
    seen = [0]
    RATE = {rate}
    class Net:
        rate = {rate}
        def __init__(self):
            self.k = 1
    class Deep(Net):
        pass
    @dataclass
    class Point:
        x: int
        y: object
    class Level(Enum):
        LOW = {rate}
    class Rank(IntEnum):
        LOW = {rate}
    def helper(a=RATE):
        return a
    helper.rate = RATE
"""
READS = """
    from making import made, seen
    from dumbo import dumbo

    @dumbo(keep="always")
    def reads(x):
        return {reads}
"""


@pytest.mark.parametrize("name", READERS)
def test_equal_is_only_what_no_reader_can_tell(project: Any, name: str) -> None:
    before, after, reads, expected = READERS[name]
    project.write(making=EFFECTS.format(made=before), parts=PARTS.format(rate=3))
    project.write(reading=READS.format(reads=reads))
    run = "import dumbo, reading\nvalue = dumbo.unwrap(reading.reads(1), deep=True)"
    first = project.run(run)
    assert first.value != expected
    control = project.run(run)
    assert (control.value, control.executed) == (first.value, [])
    project.write(making=EFFECTS.format(made=after), parts=PARTS.format(rate=4))
    assert project.run(run).value == expected
