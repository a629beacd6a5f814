"""The price of a call: warm hit, cold hit, miss, import, a chain of arrays, a slice of a large one.

Every figure is measured beside a floor in the same run, interleaved, and reported as a ratio of
medians; `--json` prints them as one object. Fresh-process figures start a process per sample.

    python benchmarks/bench_calls.py [--quick] [--json]
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

A, B, C, D = 1, 2, 3, 4


def median_of(sample: Callable[[], float], n: int) -> float:
    return statistics.median(sample() for _ in range(n))


def each(function: Callable[[], Any], calls: int) -> Callable[[], float]:
    """Seconds per call over a batch."""

    def sample() -> float:
        started = time.perf_counter()
        for _ in range(calls):
            function()
        return (time.perf_counter() - started) / calls

    return sample


def interleaved(rounds: int, **samples: Callable[[], float]) -> dict[str, float]:
    """Medians of several samples taken in turn, so that a slow moment hits all of them."""
    seen: dict[str, list[float]] = {name: [] for name in samples}
    for _ in range(rounds):
        for name, sample in samples.items():
            seen[name].append(sample())
    return {name: statistics.median(values) for name, values in seen.items()}


def in_process(rounds: int) -> dict[str, Any]:
    import numpy as np
    import xxhash

    from dumbo import dumbo

    @dumbo(keep="always", name="bench:four")
    def four(x: int, y: int) -> int:
        return x + y + A + B + C + D

    @functools.lru_cache(typed=True)
    def floor(x: int, y: int) -> int:
        return x + y

    @dumbo(name="bench:trivial")
    def trivial(x: int) -> int:
        return x

    @dumbo(keep="always", name="bench:kept")
    def kept(x: int) -> int:
        return x

    @dumbo(keep="memory", name="bench:array")
    def of_array(x: Any) -> float:
        return float(x[0])

    @dumbo(keep="always", name="bench:earlier")
    def earlier(n: int) -> Any:
        return np.ones(n)

    numbers = iter(range(10**9))
    array = np.random.default_rng(0).random(1_000_000)
    frozen = array.copy()
    frozen.flags.writeable = False
    result = earlier(1_000_000)
    for _ in range(3):
        four(1, 2), floor(1, 2), of_array(array), of_array(frozen), of_array(result)
    times = interleaved(
        rounds,
        warm=each(lambda: four(1, 2), 20_000),
        lru_cache=each(lambda: floor(1, 2), 20_000),
        keywords=each(lambda: four(x=1, y=2), 500),
        miss_not_kept=each(lambda: trivial(next(numbers)), 200),
        miss_kept=each(lambda: kept(next(numbers)), 100),
        array_argument=each(lambda: of_array(array), 20),
        xxh3=each(lambda: xxhash.xxh3_128(array).digest(), 20),
        read_only_argument=each(lambda: of_array(frozen), 100),
        earlier_result=each(lambda: of_array(result), 100),
    )
    return {
        "warm hit, two ints, 4 guards [us]": times["warm"] * 1e6,
        "warm hit / lru_cache(typed)": times["warm"] / times["lru_cache"],
        "hit by keywords [us]": times["keywords"] * 1e6,
        "miss, trivial, not kept [us]": times["miss_not_kept"] * 1e6,
        "miss, trivial, kept [us]": times["miss_kept"] * 1e6,
        "8 MB foreign array / xxh3_128": times["array_argument"] / times["xxh3"],
        "8 MB read-only array [us]": times["read_only_argument"] * 1e6,
        "8 MB earlier result [us]": times["earlier_result"] * 1e6,
    }


FRESH = """
import time; t = [time.perf_counter()]
from dumbo import dumbo
t.append(time.perf_counter())
@dumbo(keep="always")
def f(x, y): return x + y
f(1, 2); t.append(time.perf_counter())
f(3, 4); t.append(time.perf_counter())
print(*[b - a for a, b in zip(t, t[1:])])
"""
CHAIN = """
import numpy as np, resource, sys, time
from dumbo import dumbo
N = int(sys.argv[1])
@dumbo(keep="always")
def start(n): return np.ones(n)
@dumbo(keep="always")
def step(x, k): return x + k
@dumbo(keep="always")
def warm(x): return x
warm(1)
rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
t = time.perf_counter()
x = start(N)
for k in range(4): x = step(x, k)
t1 = time.perf_counter() - t
rss1 = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - rss
t = time.perf_counter()
y = start(2 * N)
part = float(y[1000:1010].sum())
t2 = time.perf_counter() - t
rss2 = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - rss - rss1
print(t1, rss1 / 1024, t2, rss2 / 1024)
"""


def fresh(code: str, folder: Path, *arguments: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "DUMBO_DIR": str(folder / "store")},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(word) for word in done.stdout.split()]


def in_fresh_processes(samples: int, mb: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fresh(FRESH, folder)
        calls = [fresh(FRESH, folder) for _ in range(samples)]
        imports, first, second = (statistics.median(column) for column in zip(*calls, strict=True))
        size = str(mb * 131072)
        fresh(CHAIN, folder, size)
        chains = [fresh(CHAIN, folder, size) for _ in range(samples)]
        chain, chain_rss, part, part_rss = (
            statistics.median(column) for column in zip(*chains, strict=True)
        )
    return {
        "from dumbo import dumbo [ms]": imports * 1e3,
        "import dumbo over bare Python [ms]": (
            whole_process("import dumbo", samples) - whole_process("pass", samples)
        )
        * 1e3,
        "fresh process: decorate and first hit [ms]": first * 1e3,
        "fresh process: second hit [us]": second * 1e6,
        f"chain of 5 over {mb} MB arrays, all hits [ms]": chain * 1e3,
        f"chain of 5 over {mb} MB arrays, all hits [MB RSS]": chain_rss,
        f"{2 * mb} MB hit, slice in hand [ms]": part * 1e3,
        f"{2 * mb} MB hit, slice in hand [MB RSS]": part_rss,
    }


def whole_process(code: str, samples: int) -> float:
    def sample() -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - started

    return median_of(sample, samples)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller arrays")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DUMBO_DIR"] = str(Path(folder) / "store")
        figures = in_process(3 if options.quick else 9)
        from dumbo import session

        session.close_default()
    figures |= in_fresh_processes(3 if options.quick else 9, 16 if options.quick else 256)
    if options.json:
        print(json.dumps(figures, indent=1))
        return
    for name, value in figures.items():
        print(f"{name:55} {value:10.3g}")


if __name__ == "__main__":
    main()
