"""No stale, mixed-up or mutated value is returned as fresh: cases that were once served wrong."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import threading
from collections import defaultdict, deque
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import dumbo
from dumbo import session as sessions
from dumbo.testing import event_log

K = {"value": 1}


@dumbo.dumbo(keep="always")
def base(x: int) -> int:
    return x if K["value"] < 3 else x + 100


@dumbo.dumbo(keep="always")
def above(x: int) -> int:
    return int(base(x)) + 1


@dumbo.dumbo(keep="memory")
def in_memory(x: int) -> list[int]:
    return [x * K["value"]]


@dumbo.dumbo(keep="always")
def of_list(values: list[int]) -> int:
    return values[0] * 10


@pytest.fixture(autouse=True)
def _value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(K, "value", 1)


def test_a_change_after_an_early_cutoff_is_noticed_on_the_warm_path() -> None:
    assert [above(1) for _ in range(3)] == [2, 2, 2]
    K["value"] = 2
    assert base(1) == 1  # computed again, equal content
    assert [above(1) for _ in range(3)] == [2, 2, 2]
    K["value"] = 3
    assert [above(1) for _ in range(3)] == [102, 102, 102]


def test_an_old_carrier_is_not_taken_for_the_new_one() -> None:
    old = in_memory(1)
    K["value"] = 2
    new = in_memory(1)
    assert (old[0], new[0]) == (1, 2)
    assert dumbo.is_stale(old)
    assert not dumbo.is_stale(new)
    assert of_list(old) == 10
    assert of_list(new) == 20


def test_a_refresh_between_verdict_and_stamp_does_not_freeze_an_old_value() -> None:
    stop = threading.Event()

    def refresh() -> None:
        while not stop.is_set():
            dumbo.refresh()

    thread = threading.Thread(target=refresh)
    thread.start()
    try:
        for value in range(2, 30):
            K["value"] = value
            expected = 1 if value < 3 else 101
            assert [int(base(1)) for _ in range(5)] == [expected] * 5
    finally:
        stop.set()
        thread.join()


def test_a_verdict_without_the_function_sees_later_changes() -> None:
    def reads(x: int) -> int:
        return x * K["value"]

    result = dumbo.call(reads, 1)
    del reads
    assert not dumbo.is_stale(result)
    K["value"] = 5
    assert dumbo.is_stale(result)


def test_call_keeps_decorators_and_options() -> None:
    import functools

    def doubled(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(x: int) -> int:
            return 2 * int(function(x))

        return wrapper

    @doubled
    def h(x: int) -> int:
        return x

    assert dumbo.call(h, 3) == 6
    assert dumbo.cid(dumbo.call(base, 3)) == base.cid(3)


def test_two_declared_values_are_two_dependencies() -> None:
    def make(*values: int) -> Any:
        def valued(x: int) -> int:
            return x + sum(values)

        return dumbo.dumbo(
            keep="always", name="tests:valued", depends_on=values, ignore=("values",)
        )(valued)

    first = make(1, 1)
    with event_log() as log:
        assert [first(0), make(1, 1)(0)] == [2, 2]
    assert len(log.executed) == 1
    assert make(2, 1)(0) == 3
    assert make(2, 2)(0) == 4


def test_a_declared_file_is_looked_at_when_the_function_runs(tmp_path: Path) -> None:
    file = tmp_path / "data.txt"
    file.write_text("A")

    @dumbo.dumbo(keep="always", depends_on=[file], ignore=("file",), name="tests:reader")
    def reader() -> str:
        return file.read_text()

    for text in ("A", "B", "A", "CC"):
        file.write_text(text)
        dumbo.refresh()
        assert [str(reader()), str(reader())] == [text, text]
    with pytest.raises(dumbo.ConfigurationError, match=r"Path\('data.txt'\)"):
        dumbo.dumbo(depends_on=["data.txt"])(abs)


class Bag:
    def __init__(self) -> None:
        self.items = [1]
        self.array = np.zeros(2)


def mutable(kind: str) -> Any:
    return {
        "object": Bag,
        "namespace": lambda: SimpleNamespace(items=[1]),
        "deque": lambda: deque([1]),
        "default": lambda: defaultdict(list, a=[1]),
        "objects": lambda: np.array([[1], [2], None], dtype=object),
        "dict of object": lambda: {"bag": Bag()},
        "masked": lambda: np.ma.array([0.0, 1.0], mask=[False, True]),
        "generator": lambda: np.random.default_rng(0),
    }[kind]()


def spoil(kind: str, value: Any) -> None:
    if kind in {"object", "namespace"}:
        value.items.append(5)
    elif kind == "deque":
        value.append(5)
    elif kind == "default":
        value["new"].append(5)
    elif kind == "objects":
        value[0].append(5)
    elif kind == "dict of object":
        value["bag"].items.append(5)
    elif kind == "masked":
        value[1] = 5.0
    else:
        value.random()


KINDS = (
    "object",
    "namespace",
    "deque",
    "default",
    "objects",
    "dict of object",
    "masked",
    "generator",
)


@pytest.mark.parametrize("returns", ["proxy", "native", "bare"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_caller_does_to_a_result_reaches_nobody_else(kind: str, returns: str) -> None:
    made = dumbo.dumbo(keep="always", returns=returns, name=f"tests:{kind} {returns}")(mutable)
    clean = dumbo.record(made(kind)).digest if returns == "proxy" else ""
    for _ in range(3):
        with contextlib.suppress(dumbo.FrozenValueError, ValueError):
            spoil(kind, made(kind))
    value = dumbo.unwrap(made(kind))
    fresh = mutable(kind)
    assert sessions.current().store.values.digest(value) == sessions.current().store.values.digest(
        fresh
    )
    assert clean in {"", sessions.current().store.values.digest(fresh)}


def test_a_bare_list_is_the_callers_own() -> None:
    made = dumbo.dumbo(keep="always", returns="bare", name="tests:bare")(lambda: [1, [2]])
    made().append(4)
    made()[1].append(5)
    assert [made(), made()] == [[1, [2]], [1, [2]]]


def deep(n: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(n):
        value = [value]
    return value


def test_a_value_nested_without_reason_is_given_all_the_same() -> None:
    value = dumbo.call(deep, 5000)
    for _ in range(5000):
        value = value[0]
    assert value == []


def test_objects_that_raise_when_looked_at_are_given_all_the_same() -> None:
    class Odd:
        def __sizeof__(self) -> int:
            raise ValueError("no size")

        def __reduce__(self) -> Any:
            raise ValueError("no pickle")

    odd = dumbo.dumbo(keep="always", name="tests:odd")(lambda: Odd())
    with event_log() as log:
        assert type(dumbo.unwrap(odd())) is Odd
    assert [event.kind.value for event in log] == ["executed", "skipped"]


def test_a_forgotten_result_can_still_be_passed_on() -> None:
    values = dumbo.dumbo(keep="always", name="tests:values")(lambda: [7])()
    dumbo.forget(values)
    assert of_list(values) == 70


def test_a_result_that_was_never_held_can_be_passed_on() -> None:
    never = dumbo.dumbo(keep="never", name="tests:never held")(lambda: [8])
    assert of_list(never()) == 80


def test_a_result_of_another_session_can_be_passed_on(tmp_path: Path) -> None:
    with dumbo.open(tmp_path / "a") as a, dumbo.using(a):
        values = dumbo.dumbo(keep="always", name="tests:elsewhere")(lambda: [9])()
    assert of_list(values) == 90
    assert dumbo.is_stale(of_list(values)).state is not dumbo.State.STALE


def test_a_pickled_result_can_be_passed_on_in_another_process() -> None:
    packed = pickle.dumps(in_memory(6))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_used_elsewhere, (packed, os.environ["DUMBO_DIR"])) == 60


def _used_elsewhere(packed: bytes, folder: str) -> int:
    os.environ["DUMBO_DIR"] = folder
    return int(of_list(pickle.loads(packed)))


def test_results_that_hang_on_each_other_do_not_hang_the_judge() -> None:
    f = dumbo.dumbo(keep="always", name="tests:cycle f")(lambda x: [x])
    g = dumbo.dumbo(keep="always", name="tests:cycle g")(lambda x: [x[0]])
    gy = g(f(1))
    f.forget(1)
    f.put(gy, 1)
    assert f(1)[0] == 1
    assert f(1)[0] == 1


def test_the_kind_of_carrier_does_not_hang_on_who_asked_first(tmp_path: Path) -> None:
    bare = dumbo.dumbo(keep="always", returns="bare", name="tests:kind")(lambda: [1])
    with dumbo.open(tmp_path / "s") as session, dumbo.using(session):
        bare()
    with dumbo.open(tmp_path / "s") as session, dumbo.using(session):
        assert bare.is_cached()
        assert type(bare()) is list


def test_an_evicted_value_is_freed_though_it_was_warm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gc
    import weakref

    (tmp_path / "pyproject.toml").write_text("[tool.dumbo]\nmemory_bytes = 20000\n")
    monkeypatch.chdir(tmp_path)
    block = dumbo.dumbo(keep="memory", name="tests:warm block")(lambda n: np.full(1000, n))
    block(0), block(0), block(0)
    watched = weakref.ref(dumbo.unwrap(block(0)))
    for n in range(1, 6):
        block(n), block(n), block(n)
    gc.collect()
    assert watched() is None


def test_two_functions_of_one_name_are_not_mixed_up() -> None:
    def one(x: int) -> list[int]:
        return [x]

    def two(x: int) -> list[int]:
        return [x, x]

    first = dumbo.dumbo(keep="always", name="tests:same name")(one)
    assert first(1) == [1]
    second = dumbo.dumbo(keep="always", name="tests:same name")(two)
    assert second(1) == [1, 1]
    assert "not the function" in dumbo.why()


def test_functions_made_from_text_are_watched() -> None:
    space: dict[str, Any] = {"__name__": "made_from_text"}
    text = """
import dumbo
RATE = 1
def helper(x): return x * RATE
@dumbo.dumbo(keep="always")
def scaled(x): return [helper(x)]
"""
    exec(text, space)
    assert [space["scaled"](3) for _ in range(3)] == [[3], [3], [3]]
    exec("def helper(x): return x + 1", space)
    assert space["scaled"](3) == [4]
    exec(text.replace("[helper(x)]", "[helper(x), 0]"), space)
    assert space["scaled"](3) == [3, 0]
