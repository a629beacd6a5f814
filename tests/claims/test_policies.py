"""What happens to a stale result is the user's choice, and a reused one says so."""

from __future__ import annotations

from typing import Any

import pytest

import dumbo
from dumbo import Policy, Raise, Recompute, Reuse, Staleness, State
from dumbo.policy import Keep, Place, Speed, decide_keep, decide_reuse
from dumbo.records import FRESH
from dumbo.testing import event_log

RATE = {"value": 1}


@dumbo.dumbo(keep="always")
def scaled(x: int) -> list[int]:
    return [x * RATE["value"]]


@dumbo.dumbo(keep="always")
def total(x: int) -> int:
    return sum(scaled(x)) + RATE["value"] * 0


@pytest.fixture
def stale(monkeypatch: pytest.MonkeyPatch) -> None:
    assert scaled(3) == [3]
    monkeypatch.setitem(RATE, "value", 2)
    assert scaled.is_stale(3)


@pytest.mark.usefixtures("stale")
def test_by_default_a_stale_result_is_computed_again() -> None:
    with event_log() as log:
        assert scaled(3) == [6]
    assert [e.kind.value for e in log] == ["stale", "executed", "stored"]


@pytest.mark.usefixtures("stale")
def test_a_reused_stale_result_is_marked() -> None:
    with dumbo.policy(Reuse()), event_log() as log:
        old = scaled(3)
    assert old == [3]
    assert "stale, reused" in repr(old)
    assert [e.kind.value for e in log][:2] == ["stale", "hit"]
    assert dumbo.is_stale(old)
    assert "stale, reused" not in repr(scaled(3))


@pytest.mark.usefixtures("stale")
def test_raise_refuses_and_names_the_cause() -> None:
    with (
        dumbo.policy(Raise()),
        pytest.raises(dumbo.StaleResultError, match=r"scaled\(x=3\) is stale: .*RATE"),
    ):
        scaled(3)


@pytest.mark.usefixtures("stale")
def test_only_quick_ones_are_computed_again() -> None:
    with dumbo.policy(Recompute(if_under=0.0)):
        assert scaled(3) == [3]
    with dumbo.policy(Recompute(if_under=60.0)):
        assert scaled(3) == [6]


def test_indirect_calls_can_have_a_policy_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert total(3) == 3
    monkeypatch.setitem(RATE, "value", 2)
    with dumbo.policy(indirect=Reuse()), event_log() as log:
        # The call the user made runs; what it asks for is reused as it is.
        assert total(3) == 3
    assert log.executed == ["total(x=3)"]
    assert total(3) == 6


def test_a_function_can_have_a_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    @dumbo.dumbo(keep="always", stale=Reuse(), name="tests:lazy")
    def lazy(x: int) -> int:
        return x * RATE["value"]

    assert lazy(5) == 5
    monkeypatch.setitem(RATE, "value", 2)
    assert lazy(5) == 5
    assert lazy.recompute(5) == 10


def test_policies_are_pure_functions_with_reasons() -> None:
    old = Staleness(State.STALE)
    unknown = Staleness(State.UNKNOWN)
    assert decide_reuse(Recompute(), FRESH, 1).reason == "fresh"
    assert decide_reuse(Recompute(), old, 1).action == "recompute"
    assert decide_reuse(Reuse(), unknown, 1).reason == "unknown, reused by policy"
    assert decide_reuse(Raise(), unknown, 1).action == "raise"
    assert decide_reuse(Recompute(if_under=10), old, 9).action == "recompute"
    assert decide_reuse(Recompute(if_under=10), old, 11).action == "reuse"


@pytest.mark.parametrize(
    ("keep", "seconds", "nbytes", "place"),
    [
        (Keep.ALWAYS, 0.0, 10**9, Place.STORE),
        (Keep.MEMORY, 100.0, 8, Place.MEMORY),
        (Keep.NEVER, 100.0, 8, Place.NOWHERE),
        (Keep.AUTO, 1e-4, 8, Place.MEMORY),
        (Keep.AUTO, 1.0, 8, Place.STORE),
        (Keep.AUTO, 1.0, 10**9, Place.MEMORY),
        (Keep.AUTO, 10.0, 10**9, Place.STORE),
    ],
)
def test_keeping_is_decided_by_time_against_size(
    keep: Keep, seconds: float, nbytes: int, place: Place
) -> None:
    decision = decide_keep(keep, seconds, nbytes, Speed())
    assert decision.place is place
    assert decision.reason


def test_trivial_calls_touch_no_disk_and_slow_ones_are_kept() -> None:
    import time

    @dumbo.dumbo(name="tests:quick")
    def quick(x: int) -> int:
        return x

    @dumbo.dumbo(name="tests:slow")
    def slow(x: int) -> int:
        time.sleep(0.05)
        return x

    with event_log() as log:
        quick(1), slow(1)
    assert [(e.kind.value, e.call) for e in log] == [
        ("executed", "quick(x=1)"),
        ("skipped", "quick(x=1)"),
        ("executed", "slow(x=1)"),
        ("stored", "slow(x=1)"),
    ]
    assert "to compute" in dumbo.record(slow(1)).reason
    assert dumbo.stats().results == 1


def test_a_caller_of_unkept_calls_saves_their_time_too() -> None:
    import time

    @dumbo.dumbo(name="tests:piece", keep="memory")
    def piece(x: int) -> int:
        time.sleep(0.01)
        return x

    @dumbo.dumbo(name="tests:whole")
    def whole(n: int) -> int:
        return sum(int(piece(k)) for k in range(n))

    with event_log() as log:
        whole(5)
    assert log.of("stored") == ["whole(n=5)"]


def test_statistics_count_hits_on_every_path() -> None:
    scaled(1)
    for _ in range(10):
        scaled(1)
    stats = dumbo.stats()
    assert (stats.hits, stats.executed, stats.results) == (10, 1, 1)
    assert stats.seconds_saved > 0
    assert "10 hits saved" in str(stats)


def test_a_policy_holds_for_its_block_only(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(dumbo.ConfigurationError, match="no policy"):
        dumbo.policy("reuse").__enter__()  # type: ignore[arg-type]  # the error under test
    assert scaled(2) == [2]
    monkeypatch.setitem(RATE, "value", 5)
    with dumbo.policy(Policy(direct=Reuse(), indirect=Reuse())):
        assert scaled(2) == [2]
    assert scaled(2) == [10]


def test_statistics_of_two_processes_add_up(project: Any) -> None:
    project.write(
        work="""
        from dumbo import dumbo

        @dumbo(keep="always")
        def f(x):
            return x
        """
    )
    project.run("import work\nvalue = [int(work.f(1)), int(work.f(1))]")
    done = project.run(
        "import work\nwork.f(1)\ns = dumbo.stats()\nvalue = [s.hits, s.executed, s.results]"
    )
    assert done.value == [2, 1, 1]
