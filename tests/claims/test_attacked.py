"""Wrong values that an attack found, each with its control."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import dumbo
from dumbo.testing import event_log


def test_what_a_call_asks_for_by_other_ways_is_an_edge(project: Any) -> None:
    project.write(
        work="""
        import dumbo
        from dumbo import dumbo as memo

        @memo(keep="always")
        def g(x):
            return x * 2

        @memo(keep="always")
        def peeks(x):
            return g.peek(x) * 10

        @memo(keep="always")
        def by_tag(x):
            return dumbo.tagged("best") * 10
        """
    )
    run = """
    import dumbo, work
    dumbo.tag("best", work.g(1))
    value = [int(work.peeks(1)), int(work.by_tag(1))]
    """
    assert project.run(run).value == [20, 20]
    assert project.run(run).executed == []
    project.edit("work", "x * 2", "x * 3")
    assert project.run(run).value == [30, 30]


def test_a_call_that_fails_in_a_thread_tells_who_waits_for_it(project: Any) -> None:
    project.write(
        work="""
        from concurrent.futures import ThreadPoolExecutor
        from dumbo import dumbo

        def check(x):
            if x > 0:
                raise ValueError(x)

        @dumbo(keep="always")
        def g(x):
            check(x)
            return x

        @dumbo(keep="always")
        def f(x):
            with ThreadPoolExecutor(1) as pool:
                return repr(pool.submit(g, x).exception())
        """
    )
    run = "import work\nvalue = str(work.f(1))"
    assert project.run(run).value == "ValueError(1)"
    assert project.run(run).executed == []
    project.edit("work", "x > 0", "x > 5")
    assert project.run(run).value == "None"


def test_draws_are_not_mixed_by_making_calls_again(project: Any) -> None:
    project.write(
        work="""
        import random
        from dumbo import dumbo

        @dumbo(keep="never")
        def g(x):
            return random.random()

        @dumbo(keep="always")
        def h(x):
            return x

        @dumbo(keep="always")
        def f(x):
            a = g(x)
            b = h(a)
            return bool(a == b)
        """
    )
    run = "import work\nvalue = bool(work.f(1))"
    assert project.run(run).value is True
    project.edit("work", "    return x\n", "    str(x)\n    return x\n")
    assert project.run(run).value is True


def test_what_nothing_keeps_is_not_made_twice(project: Any) -> None:
    project.write(
        work="""
        from dumbo import dumbo

        @dumbo(keep="never")
        def g(x):
            return x + 1

        @dumbo(keep="always")
        def f(x):
            return g(x) * 10
        """
    )
    run = "import work\nvalue = int(work.f(1))"
    project.run(run)
    project.edit("work", "x + 1", "x + 2")
    done = project.run(run)
    assert (done.value, sorted(done.executed)) == (30, ["f(x=1)", "g(x=1)"])


def test_a_value_that_was_made_again_is_watched_like_any() -> None:
    made: list[int] = []

    @dumbo.dumbo(name="tests:remade", keep="always", returns="bare")
    def remade(n: int) -> dict[str, set[int]]:
        made.append(n)
        return {"a": set(range(n))}

    remade(3)
    carrier = remade(3)
    carrier["a"].add(99)
    assert remade(3) == {"a": {0, 1, 2}}


def test_a_remade_value_stands_only_for_what_it_equals(project: Any) -> None:
    project.write(
        work="""
        from dumbo import dumbo

        @dumbo(keep="memory")
        def g(x):
            return [x, 1]

        @dumbo(keep="always")
        def f(v):
            return sum(v)
        """
    )
    project.run("import dumbo, work\nr = work.g(1)\nwork.f(r)\nvalue = str(dumbo.cid(r))")
    cid = project.run("import work\nvalue = str(work.g.cid(1))").value
    project.edit("work", "[x, 1]", "[x, 2]")
    done = project.run(
        f"""
    import dumbo, warnings, work
    warnings.simplefilter("ignore")
    old = dumbo.graph(work.f(work.g(1))).nodes
    value = [list(work.g(1)), int(work.f(work.g(1))), {cid!r} in old]
    """
    )
    assert done.value == [[1, 2], 3, True]


def test_the_table_and_the_graph_agree_with_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    rate = {"value": 1}

    @dumbo.dumbo(name="tests:undone", keep="always")
    def undone(x: int) -> int:
        return x * rate["value"]

    undone(2)
    rate["value"] = 2
    dumbo.refresh()
    undone(2)
    rate["value"] = 1
    dumbo.refresh()
    with event_log() as log:
        result = undone(2)
    assert log.executed == []
    assert {row.state.value for row in dumbo.values()} == {"fresh"}
    assert dict(dumbo.graph(result).nodes(data="state"))[dumbo.cid(result)].value == "fresh"


def test_an_item_is_not_forgotten_with_its_whole() -> None:
    @dumbo.dumbo(name="tests:items", keep="always")
    def items(n: int) -> dict[str, list[int]]:
        return {"a": [n], "b": [n, n]}

    with pytest.raises(dumbo.ConfigurationError, match="kept with its whole"):
        dumbo.forget(items(1)["a"])
    assert items.is_cached(1)


def test_an_older_carrier_gives_what_was_made_from_it() -> None:
    rate = {"value": 1}

    @dumbo.dumbo(name="tests:rated", keep="always")
    def rated(n: int) -> list[int]:
        return [n * rate["value"]] * 2

    @dumbo.dumbo(name="tests:summed", keep="always")
    def summed(v: list[int]) -> int:
        return sum(v)

    old = rated(3)
    assert summed(old) == 6
    rate["value"] = 10
    new = rated(3)
    assert summed(new) == 60
    assert summed(old) == 6
    assert summed(new) == 60
    with event_log() as log:
        assert summed(new) == 60
    assert log.executed == []


def test_an_external_that_was_named_again_gives_what_was_made_from_it() -> None:
    import numpy as np

    @dumbo.dumbo(name="tests:totalled", keep="always")
    def totalled(v: np.ndarray) -> float:
        return float(v.sum())

    first = dumbo.external("matrix", np.arange(4.0))
    assert totalled(first) == 6.0
    second = dumbo.external("matrix", np.arange(5.0))
    assert totalled(second) == 10.0
    assert totalled(first) == 6.0


def test_the_table_takes_a_function_or_its_name() -> None:
    @dumbo.dumbo(name="tests:tabled", keep="always")
    def tabled(x: int) -> int:
        return x

    tabled(1)
    assert [row.call for row in dumbo.values(tabled)] == ["tabled(x=1)"]
    assert [row.call for row in dumbo.values("tests:tabled")] == ["tabled(x=1)"]
    with pytest.raises(dumbo.ConfigurationError, match=r"dumbo\.values\(3\): "):
        dumbo.values(3)  # type: ignore[arg-type]  # the error under test


def test_what_a_cache_of_pythons_own_remembers_is_noticed(project: Any) -> None:
    project.write(
        work="""
        import functools
        from dumbo import dumbo

        @dumbo(keep="always")
        def g(x):
            return x * 2

        @functools.lru_cache
        def cached(x):
            return g(x)

        @dumbo(keep="always")
        def f(x):
            return cached(1) * 10 + x
        """
    )
    run = "import work\nvalue = [int(work.f(x)) for x in (1, 2, 3)]"
    assert project.run(run).value == [21, 22, 23]
    assert project.run(run).executed == []
    project.edit("work", "x * 2", "x * 3")
    assert project.run(run).value == [31, 32, 33]


def test_class_data_of_objects_deep_in_an_argument_counts(project: Any) -> None:
    project.write(
        work="""
        from dumbo import dumbo

        class N:
            rate = 2

        class W:
            def __init__(self):
                self.d = {"a": [N()]}

        @dumbo(keep="always")
        def f(v):
            return v.d["a"][0].rate
        """
    )
    run = "import work\nvalue = int(work.f(work.W()))"
    assert project.run(run).value == 2
    assert project.run(run).executed == []
    project.edit("work", "rate = 2", "rate = 3")
    assert project.run(run).value == 3


def test_a_refusal_that_is_caught_is_not_kept(project: Any) -> None:
    project.write(
        work="""
        import dumbo
        from dumbo import dumbo as memo

        @memo(keep="always")
        def g(x):
            return x + 1

        @memo(keep="always")
        def f(x):
            try:
                return g(x)
            except dumbo.StaleResultError:
                return -1
        """
    )
    project.run("import work\nvalue = int(work.g(1))")
    project.edit("work", "x + 1", "x + 2")
    refused = """
    import dumbo, work
    with dumbo.policy(direct=dumbo.Recompute(), indirect=dumbo.Raise()):
        value = int(work.f(1))
    """
    assert project.run(refused).value == -1
    assert project.run("import work\nvalue = int(work.f(1))").value == 3


def test_accept_speaks_of_the_newest_version_only(project: Any) -> None:
    project.write(
        work="""
        from dumbo import dumbo

        @dumbo(keep="always")
        def g(x):
            return x * 2
        """
    )
    run = "import work\nvalue = int(work.g(3))"
    assert project.run(run).value == 6
    project.edit("work", "x * 2", "x * 3")
    assert project.run(run).value == 9
    project.edit("work", "x * 3", "3 * x")
    accepted = project.run("import dumbo, work\nvalue = dumbo.accept(work.g).depsets")
    assert accepted.value == 1
    done = project.run(run)
    assert (done.value, done.executed) == (9, [])


K = 1
STARTED, GO_ON = threading.Event(), threading.Event()


@dumbo.dumbo(keep="always")
def reads_k(x: int) -> int:
    value = x * K
    STARTED.set()
    GO_ON.wait(5)
    return value


def test_a_global_rebound_by_another_thread_is_no_write_of_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    thread = threading.Thread(target=reads_k, args=(3,))
    thread.start()
    assert STARTED.wait(5)
    monkeypatch.setitem(globals(), "K", 2)
    GO_ON.set()
    thread.join()
    assert reads_k(3) == 6
    assert reads_k(3) == 6
