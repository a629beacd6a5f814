"""Provenance of any value is a networkx graph away, and survives its value and its process."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest

import dumbo


@dumbo.dumbo(keep="always")
def load(n: int) -> dict[str, Any]:
    return {"x": np.arange(n, dtype=float), "loss": 0.5}


@dumbo.dumbo(keep="always")
def mean(x: np.ndarray) -> float:
    return float(np.asarray(x).mean())


@dumbo.dumbo(keep="always")
def both(a: Any, b: Any) -> float:
    return float(a) + float(b)


@dumbo.dumbo(keep="always")
def inside(n: int) -> float:
    return float(mean(load(n)["x"])) + 1


def test_inputs_are_edges_with_roles_and_the_same_input_twice_is_two() -> None:
    m = mean(load(10)["x"])
    result = both(m, m)
    graph = dumbo.graph(result)
    assert isinstance(graph, nx.MultiDiGraph)
    assert sorted(data["role"] for _, _, data in graph.edges(dumbo.cid(m), data=True)) == ["a", "b"]
    assert nx.is_directed_acyclic_graph(graph)
    assert dumbo.cid(load(10)) in nx.ancestors(graph, dumbo.cid(result))
    item = dumbo.cid(load(10)["x"])
    assert item == f"{load.cid(10)}['x']"
    assert graph.nodes[item]["state"] == dumbo.State.FRESH


def test_calls_made_by_the_body_are_edges() -> None:
    kinds = {
        (edge.kind.value, edge.source.function.qualname) for edge in dumbo.record(inside(10)).edges
    }
    assert kinds == {("call", "load"), ("call", "mean")}


def test_the_graph_is_read_only() -> None:
    graph = dumbo.graph(mean(load(3)["x"]))
    with pytest.raises(nx.NetworkXError, match=r"[Ff]rozen"):
        graph.add_node("x")
    assert len(graph.copy()) == len(graph)


def test_a_text_tree_a_mermaid_form_and_dot() -> None:
    result = both(mean(load(3)["x"]), 1)
    graph = dumbo.graph(result)
    text = graph.text()
    assert text.splitlines()[0].startswith("both(a=mean#")
    assert "load(n=3)['x']" in text
    mermaid = graph.mermaid()
    assert mermaid.startswith("flowchart LR\n")
    assert mermaid.count("-->") == graph.number_of_edges()
    assert '"' not in "".join(
        line.split('["')[1][:-2] for line in mermaid.splitlines() if '["' in line
    )
    assert graph.dot().startswith("digraph")
    bundle = graph._repr_mimebundle_()
    assert bundle["text/plain"] == text
    assert bundle["text/vnd.mermaid"] == mermaid


def test_calls_of_one_function_collapse_to_one_line_with_a_count() -> None:
    @dumbo.dumbo(keep="always", name="tests:total")
    def total(parts: list[Any]) -> float:
        return sum(float(part) for part in parts)

    result = total([mean(load(n)["x"]) for n in range(2, 6)])
    text = dumbo.graph(result).text(collapse=True)
    assert "mean x4" in text
    assert "load x4" in text
    assert len(text.splitlines()) == 3


def test_names_with_quotes_and_brackets_are_drawn() -> None:
    @dumbo.dumbo(keep="always", name="tests:quoted")
    def quoted(text: str) -> str:
        return text

    graph = dumbo.graph(quoted('<a "b"> `c` #d\n'))
    label = graph.mermaid().splitlines()[1]
    assert "<" not in label.split('["')[1]
    assert graph.text()
    assert "\n" not in graph.text()


def test_a_long_chain_is_walked_without_recursion() -> None:
    @dumbo.dumbo(name="tests:step")
    def step(x: Any) -> int:
        return int(x) + 1

    value: Any = step(0)
    for _ in range(1500):
        value = step(value)
    assert value == 1501
    assert not dumbo.is_stale(value)
    graph = dumbo.graph(value)
    assert len(graph) == 1501
    assert len(graph.text().splitlines()) == 1501


def test_provenance_outlives_the_process_and_the_code(project: Any) -> None:
    project.write(
        work="""
        import numpy as np
        from dumbo import dumbo

        @dumbo(keep="always")
        def make(n):
            return np.ones(n)

        @dumbo(keep="always")
        def total(x):
            return float(x.sum())
        """
    )
    project.run(
        """
        import work
        t = work.total(work.make(50_000))
        dumbo.tag("total", t)
        value = float(t)
        """
    )
    (project.folder / "work.py").unlink()
    later = project.run(
        """
        t = dumbo.tagged("total")
        g = dumbo.graph(t)
        value = [float(t), dumbo.tag_of(t), g.text(), dumbo.is_stale(t).state.value]
        """
    )
    number, tag, text, state = later.value
    assert (number, tag, state) == (50_000.0, "total", "unknown")
    assert "make(n=50000)" in text
    assert "unknown" in text
    assert later.executed == []


def test_unkept_results_are_in_the_provenance_of_kept_ones(project: Any) -> None:
    project.write(
        work="""
        from dumbo import dumbo

        @dumbo(keep="memory")
        def cheap(n):
            return list(range(n))

        @dumbo(keep="always")
        def total(x):
            return sum(x)
        """
    )
    run = """
        import work
        t = work.total(work.cheap(5))
        value = [int(t), dumbo.graph(t).text()]
        """
    cold = project.run(run)
    assert "cheap(n=5)" in cold.value[1]
    assert [c.split("(")[0] for c in cold.executed] == ["cheap", "total"]
    warm = project.run(run)
    assert warm.value[0] == 10
    # What was not kept runs again, gives an equal value, and so nothing below it does.
    assert warm.executed == ["cheap(n=5)"]
    project.edit("work", "list(range(n))", "list(range(n + 1))")
    assert [c.split("(")[0] for c in project.run(run).executed] == ["cheap", "total"]


def test_the_record_tells_what_when_where_and_why() -> None:
    result = mean(load(4)["x"])
    record = dumbo.record(result)
    assert record.call.startswith("mean(x=load#")
    assert record.where.endswith(".py:" + record.where.rpartition(":")[2])
    assert "test_provenance.py" in record.where
    assert record.type == "builtins:float"
    assert record.own_seconds > 0
    assert record.total_seconds >= record.own_seconds
    assert record.reason == "keep='always'"
    assert record.created > 1.7e9
    dumbo.describe(result, "the mean of four")
    assert dumbo.record(result).text == "the mean of four"


def test_own_time_leaves_out_memoized_sub_calls() -> None:
    import time

    @dumbo.dumbo(keep="always", name="tests:sleeper")
    def sleeper(x: int) -> int:
        time.sleep(0.05)
        return x

    @dumbo.dumbo(keep="always", name="tests:caller")
    def caller(x: int) -> int:
        return int(sleeper(x))

    record = dumbo.record(caller(1))
    assert record.total_seconds >= 0.05
    assert record.own_seconds < 0.04


def test_values_lists_what_there_is() -> None:
    mean(load(4)["x"])
    dumbo.tag("four", mean(load(4)["x"]))
    rows = dumbo.values()
    assert {row.call.partition("(")[0] for row in rows} == {"mean", "load"}
    assert {row.tag for row in rows} == {None, "four"}
    assert all(row.kept and row.state == dumbo.State.FRESH for row in rows)
    assert len(dumbo.values(limit=1)) == 1
    assert [r.call for r in dumbo.values("test_provenance:nothing")] == []


def test_an_items_cid_names_the_items_record() -> None:
    @dumbo.dumbo(keep="always", name="tests:itemised")
    def itemised(n: int) -> dict[str, list[int]]:
        return {"short": [1], "long": list(range(n))}

    whole = itemised(5)
    cid = dumbo.cid(whole["long"])
    record = dumbo.record(str(cid))
    assert (record.cid, record.type) == (cid, "builtins:list")
    assert dumbo.record(whole).type == "builtins:dict"
    with pytest.raises(dumbo.NotCachedError):
        dumbo.record(str(dumbo.cid(whole)) + "['absent']")
    with pytest.raises(dumbo.ConfigurationError, match="an item has no record of its own"):
        dumbo.describe(whole["long"], "text")
