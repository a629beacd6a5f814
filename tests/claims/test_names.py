"""Tags and externals: names the user gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dumbo
from dumbo.testing import event_log


@dumbo.dumbo(keep="always")
def total(x: Any) -> float:
    return float(np.asarray(x).sum())


@dumbo.dumbo
def cheap(x: int) -> dict[str, Any]:
    return {"x": np.arange(x), "n": x}


def test_a_tag_names_a_result_and_one_name_means_one_result() -> None:
    a, b = total([1, 2]), total([3])
    dumbo.tag("best run", a)
    assert dumbo.tagged("best run") == 3.0
    assert dumbo.tag_of(a) == "best run"
    assert dumbo.tag_of(b) is None
    assert dumbo.tags() == {"best run": dumbo.cid(a)}
    with pytest.raises(dumbo.NameTakenError):
        dumbo.tag("best run", b)
    dumbo.tag("best run", a)
    dumbo.untag("best run")
    assert dumbo.tags() == {}
    with pytest.raises(dumbo.NotCachedError, match="best run"):
        dumbo.untag("best run")
    with pytest.raises(dumbo.ConfigurationError):
        dumbo.tag(" ", a)
    with pytest.raises(dumbo.NotCachedError):
        dumbo.tag("seven", 7)


def test_a_tagged_result_is_kept_even_if_it_was_not() -> None:
    result = cheap(4)
    assert dumbo.record(result).stored is None
    dumbo.tag("small", result)
    assert dumbo.record(result).stored is not None
    assert list(dumbo.tagged("small")["x"]) == [0, 1, 2, 3]


def test_an_item_can_be_tagged() -> None:
    result = dumbo.dumbo(keep="always", name="tests:kept")(cheap.__wrapped__)(3)
    dumbo.tag("x", result["x"])
    assert list(dumbo.tagged("x")) == [0, 1, 2]


def test_the_identity_of_an_external_is_its_name() -> None:
    data = dumbo.external("data", np.arange(3.0))
    assert dumbo.cid(data) == "external:data"
    result = total(data)
    assert result == 3.0
    assert dumbo.inputs(result) == ("external:data",)
    with event_log() as log:
        assert total(dumbo.external("data", np.arange(3.0))) == 3.0
    assert log.executed == []
    assert "external" in dumbo.graph(result).text()


def test_another_value_under_the_name_makes_dependents_stale() -> None:
    result = total(dumbo.external("data", np.arange(3.0)))
    assert not dumbo.is_stale(result)
    changed = dumbo.external("data", np.arange(4.0))
    verdict = dumbo.is_stale(result)
    assert verdict
    assert [r.kind.value for r in verdict.reasons] == ["input"]
    assert total(changed) == 6.0
    # The first value again: the first result again.
    with event_log() as log:
        assert total(dumbo.external("data", np.arange(3.0))) == 3.0
    assert log.executed == []


def test_an_external_is_known_in_the_next_process(project: Any) -> None:
    project.write(
        work="""
        from dumbo import dumbo

        @dumbo(keep="always")
        def total(x):
            return sum(x)
        """
    )
    run = "import work\nvalue = int(work.total(dumbo.external('numbers', {})))"
    assert project.run(run.format([1, 2])).executed == ["total(x=external:numbers)"]
    assert project.run(run.format([1, 2])).executed == []
    changed = project.run(run.format([1, 3]))
    assert (changed.value, len(changed.executed)) == (4, 1)


def test_a_value_that_entered_by_content_cannot_be_named_afterwards() -> None:
    array = np.arange(5.0)
    total(array)
    with pytest.raises(dumbo.NameTakenError, match=r"total\("):
        dumbo.external("late", array)
