"""Cost of names, with what others pay beside it; ratios are printed, nothing is asserted.

Run with ``pytest -s`` to see the ratios. Times of one group come from one run on one machine;
compare them with each other, not with those of another day.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from xxhash import xxh3_128_digest

from dumbo.identity import CallShape, digest

ARRAY = np.random.default_rng(0).random(8 << 20)  # 64 MiB
VALUES: dict[str, Any] = {
    "two ints": (1, 2),
    "dict of 1,000 str to float": {f"key {i}": i / 7 for i in range(1000)},
    "10,000 ints in one list": list(range(10_000)),
    "10,000 ints in 5,000 lists": [[i, i + 1] for i in range(5000)],
    "64 MiB, contiguous": ARRAY,
    "64 MiB, transposed": ARRAY.reshape(2048, 4096).T,
}


def two(a: int, b: int) -> None: ...


SHAPE = CallShape.of(two)
medians: dict[tuple[str, str], float] = {}


def contenders() -> dict[str, Callable[[Any], Any]]:
    found: dict[str, Callable[[Any], Any]] = {"dumbo": digest}
    for name, module, attribute in (
        ("dask", "dask.base", "tokenize"),
        ("joblib", "joblib", "hash"),
    ):
        try:
            found[name] = getattr(importlib.import_module(module), attribute)
        except ImportError:
            continue
    return found


@pytest.fixture(scope="module", autouse=True)
def ratios() -> Iterator[None]:
    """Print, at the end, each contender's time as a multiple of the floor or of dumbo's."""
    yield
    for (value, who), seconds in sorted(medians.items()):
        floor = medians.get((value, "xxh3_128"))
        base, label = (floor, "xxh3_128") if floor else (medians[value, "dumbo"], "dumbo")
        print(f"{value:32} {who:10} {seconds * 1e6:12.1f} us   {seconds / base:6.2f} x {label}")


@pytest.mark.parametrize("who", contenders())
@pytest.mark.parametrize("value", VALUES)
def test_digest(benchmark: Any, value: str, who: str) -> None:
    benchmark.group = value
    benchmark(contenders()[who], VALUES[value])
    medians[value, who] = benchmark.stats.stats.median


@pytest.mark.parametrize("value", ["64 MiB, contiguous"])
def test_floor(benchmark: Any, value: str) -> None:
    benchmark.group = value
    benchmark(xxh3_128_digest, VALUES[value])
    medians[value, "xxh3_128"] = benchmark.stats.stats.median


def test_cold_path_of_two_ints(benchmark: Any) -> None:
    benchmark.group = "cold path"
    benchmark(SHAPE.identify, (1, 2), {})
    medians["cold path of two ints", "dumbo"] = benchmark.stats.stats.median


def test_array_nothing_can_write_to(benchmark: Any) -> None:
    frozen = ARRAY.copy()
    frozen.flags.writeable = False
    benchmark.group = "64 MiB, read-only"
    benchmark(digest, frozen)
    medians["64 MiB, read-only", "dumbo"] = benchmark.stats.stats.median
