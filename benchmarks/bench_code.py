"""Costs of code tracking: recording, collecting, verifying, guarding.

Run with ``pytest benchmarks/bench_code.py``. Ratios are printed against a base of the same run;
nothing here asserts a time.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from dumbo.code import Project, Tracker
from dumbo.code.imports import TIMES

WORK = """
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
def small(a): return a + 1
def loop(n):
    s = 0
    for i in range(n): s = small(s)
    return s
class K:
    def go(self, a): return a + 1
def methods(n):
    k = K(); s = 0
    for i in range(n): s = k.go(s)
    return s
def steps(n):
    def g():
        for i in range(n): yield i
    return sum(g())
def arrays():
    import numpy as np
    a = np.ones((300, 300)); s = 0.0
    for i in range(40): s += float((a @ a).mean())
    return s
F = []
def wide(): return sum(F[i]() for i in range(1000))
"""

BODY = '''
def fn{i}(a, b=1):
    """Doc."""
    x = a + b * C{i}
    for k in range(10):
        if k % 2:
            x += math.sqrt(k)
        else:
            x -= k
    return [x, {{"k": x}}]
'''


class MemoryStore:
    """Source indexes in a dict."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}

    def get_source(self, path: str) -> Any:
        return self.rows.get(path)

    def put_source(self, path: str, stamp: Any, blob: bytes) -> None:
        self.rows[path] = (stamp, blob)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("work")
    many = "".join(f"def w{i}(): return {i}\nF.append(w{i})\n" for i in range(1000))
    (folder / "bench_work.py").write_text(WORK + many)
    sys.path.insert(0, str(folder))
    yield importlib.import_module("bench_work")
    sys.path.remove(str(folder))


def recorded(tracker: Tracker, call: Callable[[], object]) -> None:
    with tracker.recording(call):
        call()


def ratio(name: str, base: Callable[[], object], other: Callable[[], object]) -> None:
    def once(call: Callable[[], object]) -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    pairs = [(once(base), once(other)) for _ in range(7)]
    print(f"\n{name}: {median(b for _, b in pairs) / median(a for a, _ in pairs):.2f}x")


CALLS: dict[str, Callable[[Any], object]] = {
    "fib(20)": lambda w: w.fib(20),
    "200000 calls": lambda w: w.loop(200_000),
    "200000 method calls": lambda w: w.methods(200_000),
    "200000 generator steps": lambda w: w.steps(200_000),
    "array loop": lambda w: w.arrays(),
    "1000 functions once": lambda w: w.wide(),
}


@pytest.mark.parametrize("name", CALLS)
def test_recorder_on_work(benchmark: Any, work: Any, name: str) -> None:
    tracker = Tracker(Project())

    def call() -> object:
        return CALLS[name](work)

    call()
    ratio(name, call, lambda: recorded(tracker, call))
    before = tracker.events
    recorded(tracker, call)
    print(f"{tracker.events - before} events")
    benchmark.pedantic(recorded, (tracker, call), rounds=3)


def test_open_and_close(benchmark: Any, work: Any) -> None:
    tracker = Tracker(Project())
    benchmark(recorded, tracker, lambda: work.small(1))


def test_ten_nested_children(benchmark: Any, work: Any) -> None:
    tracker = Tracker(Project())

    def children() -> None:
        for _ in range(10):
            recorded(tracker, lambda: work.small(1))

    benchmark(recorded, tracker, children)


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
def test_dependencies_of_1000_codes(benchmark: Any, work: Any, warm: bool) -> None:
    tracker = Tracker(Project())
    with tracker.recording(work.wide) as recording:
        work.wide()
    if warm:
        tracker.depset(work.wide, recording)
        benchmark(lambda: tracker.depset(work.wide, recording))
    else:
        benchmark.pedantic(
            lambda tracker: tracker.depset(work.wide, recording),
            setup=lambda: ((Tracker(Project()),), {}),
            rounds=3,
        )


@pytest.fixture(scope="module", params=[(10, 2), (100, 10), (1000, 50)], ids=lambda p: str(p[0]))
def many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    count, files = request.param
    folder = tmp_path_factory.mktemp("many")
    each = count // files
    for file in range(files):
        text = "import math\n" + "".join(f"C{i} = {i}\n" + BODY.format(i=i) for i in range(each))
        (folder / f"many{count}_{file}.py").write_text(text)
    calls = "".join(
        f"    many{count}_{file}.fn{i}(x)\n" for file in range(files) for i in range(each)
    )
    heads = "".join(f"import many{count}_{file}\n" for file in range(files))
    (folder / f"main{count}.py").write_text(f"{heads}def run(x):\n{calls}    return x\n")
    sys.path.insert(0, str(folder))
    time.sleep(0.1)
    TIMES.find_spec(f"main{count}")
    main = importlib.import_module(f"main{count}")
    store = MemoryStore()
    tracker = Tracker(Project(), store)
    with tracker.recording(main.run) as recording:
        main.run(1)
    depset = tracker.depset(main.run, recording)
    yield main.run, depset, store, Path(folder)
    sys.path.remove(str(folder))


def test_verify_as_a_fresh_process(benchmark: Any, many: Any) -> None:
    function, depset, store, _ = many
    verdict = benchmark.pedantic(
        lambda tracker: tracker.verify(depset, function),
        setup=lambda: ((Tracker(Project(), store),), {}),
        rounds=15,
    )
    print(f"\n{len(depset.members)} dependencies, {verdict.state}")


def test_verify_a_second_time(benchmark: Any, many: Any) -> None:
    function, depset, store, _ = many
    tracker = Tracker(Project(), store)
    tracker.verify(depset, function)
    benchmark(tracker.verify, depset, function)


def test_verify_with_one_edited_file(benchmark: Any, many: Any) -> None:
    function, depset, store, folder = many
    file = sorted(folder.glob("many*.py"))[0]
    text = file.read_text()

    def edited() -> Any:
        file.write_text(file.read_text() + "# comment\n")
        return (Tracker(Project(), store),), {}

    benchmark.pedantic(lambda tracker: tracker.verify(depset, function), setup=edited, rounds=5)
    print(f"\n{text.count(chr(10))} lines in the file")
    file.write_text(text)


def test_guards_of_one_call(benchmark: Any, many: Any) -> None:
    function, depset, store, _ = many
    guards = Tracker(Project(), store).guards(function, depset)
    assert guards is not None
    print(
        f"\n{len(guards.names)} names, {len(guards.bodies)} bodies, {len(guards.contents)} contents"
    )
    benchmark(guards.check)


def test_building_guards(benchmark: Any, many: Any) -> None:
    function, depset, store, _ = many
    tracker = Tracker(Project(), store)
    tracker.verify(depset, function)
    benchmark.pedantic(tracker.guards, (function, depset), rounds=5)
