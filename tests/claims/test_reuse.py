"""A call is computed once: across spellings, kinds of function, threads and processes."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dumbo
from dumbo.live import LIVE
from dumbo.testing import event_log

RUNS: list[Any] = []


@dumbo.dumbo
def add(a: int, b: int = 2) -> int:
    RUNS.append((a, b))
    return a + b


@pytest.fixture(autouse=True)
def _fresh_runs() -> None:
    RUNS.clear()


def test_the_spelling_of_a_call_does_not_matter() -> None:
    first = add(1)
    assert [add(1, 2), add(b=2, a=1), add(1, b=2)] == [3, 3, 3]
    assert RUNS == [(1, 2)]
    assert {dumbo.cid(first), add.cid(1), add.cid(a=1, b=2)} == {dumbo.cid(first)}


def test_equal_numbers_of_other_types_are_other_calls() -> None:
    for value in (1, 1.0, True):
        add(value)  # type: ignore[arg-type]  # the types are the point
        add(value)  # type: ignore[arg-type]  # once more for the warm path
        add(value)  # type: ignore[arg-type]  # and from it
    assert RUNS == [(1, 2), (1.0, 2), (True, 2)]
    assert [type(run[0]) for run in RUNS] == [int, float, bool]


def test_zeros_of_either_sign_are_other_calls() -> None:
    for value in (0.0, -0.0, 0.0, -0.0):
        add(value)  # type: ignore[arg-type]  # the sign is the point
    assert [str(run[0]) for run in RUNS] == ["0.0", "-0.0"]


def test_the_warm_path_answers_without_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    add(5), add(5)
    monkeypatch.setattr("dumbo.engine.Engine.call", None)
    assert add(5) == 7
    with pytest.raises(TypeError):
        add(6)


def test_a_redefinition_in_the_process_is_noticed() -> None:
    def make(n: int) -> Any:
        if n == 1:

            @dumbo.dumbo(name="tests:redefined")
            def f(x: int) -> int:
                return x + 1

        else:

            @dumbo.dumbo(name="tests:redefined")
            def f(x: int) -> int:
                return x + 2

        return f

    first = make(1)
    assert [first(1), first(1), first(1)] == [2, 2, 2]
    second = make(2)
    assert [second(1), second(1), second(1)] == [3, 3, 3]


HELPER = {"add": 1}


def helper(x: int) -> int:
    return x + HELPER["add"]


@dumbo.dumbo(keep="always")
def through_helper(x: int) -> int:
    return helper(x)


@dumbo.dumbo(keep="always")
def outer(x: int) -> int:
    return int(through_helper(x)) * 10


def test_a_mutated_global_is_noticed_on_the_warm_path() -> None:
    assert [through_helper(1) for _ in range(3)] == [2, 2, 2]
    HELPER["add"] = 5
    try:
        assert [through_helper(1) for _ in range(3)] == [6, 6, 6]
    finally:
        HELPER["add"] = 1
    assert through_helper(1) == 2


def test_a_change_below_a_sub_call_is_noticed_on_the_warm_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert [outer(1) for _ in range(3)] == [20, 20, 20]
    assert LIVE.stamp is not None
    monkeypatch.setitem(HELPER, "add", 2)
    assert [outer(1) for _ in range(3)] == [30, 30, 30]


def test_a_monkeypatched_helper_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [outer(2), outer(2), outer(2)] == [30, 30, 30]
    monkeypatch.setitem(globals(), "helper", lambda x: x + 100)
    assert [outer(2), outer(2)] == [1020, 1020]
    monkeypatch.undo()
    assert [outer(2), outer(2)] == [30, 30]


def test_another_call_of_the_same_function_sees_the_change_too() -> None:
    through_helper(1), through_helper(2)
    through_helper(1), through_helper(2)
    HELPER["add"] = 7
    try:
        assert [through_helper(2), through_helper(1)] == [9, 8]
    finally:
        HELPER["add"] = 1


def test_sub_calls_in_threads_are_inputs() -> None:
    @dumbo.dumbo(keep="always", name="tests:pooled")
    def pooled(n: int) -> int:
        with ThreadPoolExecutor(2) as pool:
            return sum(int(x) for x in pool.map(through_helper, range(n)))

    result = pooled(3)
    assert {cid.function for cid in dumbo.inputs(result)} == {through_helper.cid(0).function}
    assert len(dumbo.inputs(result)) == 3
    HELPER["add"] = 2
    try:
        assert pooled(3) == 9
    finally:
        HELPER["add"] = 1


def test_threads_that_ask_at_once_compute_once() -> None:
    started = threading.Barrier(8)

    def ask() -> int:
        started.wait()
        return int(slow(1))

    @dumbo.dumbo(name="tests:slow")
    def slow(x: int) -> int:
        RUNS.append(x)
        threading.Event().wait(0.05)
        return x

    with ThreadPoolExecutor(8) as pool:
        assert [f.result() for f in [pool.submit(ask) for _ in range(8)]] == [1] * 8
    assert RUNS == [1]


INSIDE = {"ping": threading.Event(), "pong": threading.Event()}


@dumbo.dumbo(depends_on=())
def ping(x: int) -> int:
    """Inside it, wait until the other is inside too; then ask for the other's result."""
    if not INSIDE["ping"].is_set():
        INSIDE["ping"].set()
        INSIDE["pong"].wait(10)
        return int(pong(x)) + 1
    return 0


@dumbo.dumbo
def pong(x: int) -> int:
    if not INSIDE["pong"].is_set():
        INSIDE["pong"].set()
        INSIDE["ping"].wait(10)
        return int(ping(x)) + 1
    return 0


def test_threads_that_wait_for_each_other_compute_twice_and_do_not_hang() -> None:
    with ThreadPoolExecutor(2) as pool:
        results = [pool.submit(ping, 0), pool.submit(pong, 0)]
        assert {int(r.result(timeout=20)) for r in results} <= {1, 2}


def test_endless_recursion_is_pythons_own_error() -> None:
    @dumbo.dumbo(name="tests:endless")
    def endless(x: int) -> int:
        return int(endless(x))

    with pytest.raises(RecursionError):
        endless(1)
    assert LIVE.stamp is not None or dumbo.call(abs, -1) == 1


def test_recursion_computes_each_call_once() -> None:
    @dumbo.dumbo(name="tests:fib")
    def fib(n: int) -> int:
        RUNS.append(n)
        return n if n < 2 else int(fib(n - 1)) + int(fib(n - 2))

    assert fib(20) == 6765
    assert sorted(RUNS) == list(range(21))


class Scale:
    def __init__(self, factor: int) -> None:
        self.factor = factor

    @dumbo.dumbo
    def times(self, x: int) -> int:
        RUNS.append((self.factor, x))
        return self.factor * x

    @classmethod
    @dumbo.dumbo
    def unit(cls, x: int) -> int:
        RUNS.append(cls.__name__)
        return x

    @dumbo.dumbo
    @staticmethod
    def half(x: int) -> float:
        RUNS.append("half")
        return x / 2


def test_methods_are_memoized_by_the_state_of_their_object() -> None:
    assert [Scale(2).times(3), Scale(2).times(3), Scale(3).times(3)] == [6, 6, 9]
    assert RUNS == [(2, 3), (3, 3)]
    scale = Scale(2)
    assert scale.times.is_cached(3)
    assert scale.times.cid(3) == Scale(2).times.cid(3)
    assert not scale.times.is_cached(4)
    scale.factor = 5
    assert scale.times(3) == 15


def test_class_and_static_methods_are_memoized() -> None:
    assert [Scale.unit(1), Scale.unit(1), Scale.half(3), Scale(1).half(3)] == [1, 1, 1.5, 1.5]
    assert RUNS == ["Scale", "half"]


def test_async_functions_are_awaited_once() -> None:
    @dumbo.dumbo(name="tests:fetch")
    async def fetch(x: int) -> int:
        await asyncio.sleep(0)
        RUNS.append(x)
        return x * 2

    async def main() -> list[int]:
        return [await fetch(4), await fetch(4)]

    assert asyncio.iscoroutinefunction(fetch)
    with event_log() as log:
        assert asyncio.run(main()) == [8, 8]
    assert RUNS == [4]
    assert [event.kind.value for event in log if event.kind != "skipped"] == ["executed", "hit"]


def test_a_lambda_and_a_partial_can_be_called() -> None:
    assert dumbo.call(lambda x: x + 1, 2) == 3
    assert dumbo.call(pow, 2, 3) == 8


def test_the_decorated_function_looks_like_the_plain_one() -> None:
    import inspect
    import pickle

    assert add.__name__ == "add"
    assert str(inspect.signature(add)) == "(a: 'int', b: 'int' = 2) -> 'int'"
    assert add.__wrapped__(1, 1) == 2
    assert pickle.loads(pickle.dumps(add)) is add
    assert "add" in repr(add)


def test_recompute_runs_again_and_forget_drops() -> None:
    add(1)
    assert add.recompute(1) == 3
    with dumbo.recompute():
        assert add(1) == 3
    assert len(RUNS) == 3
    assert add.is_cached(1)
    assert add.forget(1)
    assert not add.is_cached(1)
    assert not add.forget(1)
    add(1)
    assert len(RUNS) == 4


def test_peek_record_and_put() -> None:
    with pytest.raises(dumbo.NotCachedError, match=r"add\(a=8, b=2\)"):
        add.peek(8)
    with pytest.raises(dumbo.NotCachedError):
        add.record(8)
    with pytest.raises(dumbo.NotCachedError):
        add.is_stale(8)
    assert "never computed" in add.why(8)
    assert add.put(11, 8) == 11
    assert [add(8), add(8), add.peek(8)] == [11, 11, 11]
    assert RUNS == []
    assert add.record(8).call == "add(a=8, b=2)"
    assert not add.is_stale(8)


def test_a_value_can_be_kept_in_memory_or_not_at_all() -> None:
    @dumbo.dumbo(keep="never", name="tests:never")
    def never(x: int) -> int:
        RUNS.append(x)
        return x

    @dumbo.dumbo(keep="memory", name="tests:memory")
    def memory(x: int) -> int:
        RUNS.append(-x)
        return x

    never(1), never(1), memory(2), memory(2)
    assert RUNS == [1, 1, -2]
    assert dumbo.stats().results == 0


def test_the_memory_tier_is_bounded_and_says_what_it_evicts(tmp_path: Any) -> None:
    @dumbo.dumbo(keep="memory", name="tests:block")
    def block(n: int) -> np.ndarray:
        return np.full(1000, n)

    with (
        dumbo.open(tmp_path / "s", memory_bytes=20_000) as session,
        dumbo.using(session),
        dumbo.events() as log,
    ):
        for n in range(6):
            block(n)
        assert [e.kind.value for e in log].count("evicted") >= 3
        assert session.store.memory.nbytes <= 20_000


def test_a_result_nobody_holds_is_freed_when_evicted(tmp_path: Any) -> None:
    @dumbo.dumbo(keep="memory", name="tests:held")
    def held(n: int) -> np.ndarray:
        return np.full(1000, n)

    with dumbo.open(tmp_path / "s", memory_bytes=20_000) as session, dumbo.using(session):
        watched = weakref.ref(dumbo.unwrap(held(0)))
        for n in range(1, 6):
            held(n)
        gc.collect()
        assert watched() is None


def test_a_bound_memoized_method_can_be_pickled() -> None:
    import pickle

    assert pickle.loads(pickle.dumps(Scale(4).times))(3) == 12


def test_a_task_that_outlives_its_session_block_is_not_answered_by_the_default_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dumbo.live.LIVE._holds", LIVE._holds)  # the hold stays: put it back
    assert [add(1), add(1), add(1)] == [3, 3, 3]

    async def late(go: asyncio.Event) -> bool:
        await go.wait()
        add(1)
        return len(RUNS) == 2

    async def main(session: dumbo.Session) -> bool:
        go = asyncio.Event()
        with dumbo.using(session):
            task = asyncio.create_task(late(go))
            await asyncio.sleep(0)
        go.set()
        return await task

    with dumbo.open(tmp_path / "s") as session:
        assert asyncio.run(main(session))
