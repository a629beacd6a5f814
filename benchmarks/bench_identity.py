"""Cost of names, with what others pay beside it; ratios are printed, nothing is asserted.

Run with ``pytest -s`` to see the ratios. Times of one group come from one run on one machine;
compare them with each other, not with those of another day.
"""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from xxhash import xxh3_128_digest

from dumbo.identity import CallShape, digest

ARRAY = np.random.default_rng(0).random(8 << 20)  # 64 MiB
BYTES = ARRAY.view("u1")
VALUES: dict[str, Any] = {
    "two ints": (1, 2),
    "dict of 1,000 str to float": {f"key {i}": i / 7 for i in range(1000)},
    "10,000 ints in one list": list(range(10_000)),
    "10,000 ints in 5,000 lists": [[i, i + 1] for i in range(5000)],
    "64 MiB, contiguous": ARRAY,
}
LAYOUTS: dict[str, Any] = {
    "contiguous": ARRAY,
    "transposed f8, rows of 2^n": ARRAY.reshape(2048, 4096).T,
    "transposed f8, other rows": ARRAY[:8_388_000].reshape(-1, 1000).T,
    "transposed f4": ARRAY.view("f4").reshape(4096, 4096).T,
    "transposed u1": BYTES.reshape(8192, 8192).T,
    "three axes, u1": BYTES.reshape(-1, 64, 64).T,
    "channels last to first, f8": ARRAY[: 3 << 21].reshape(128, -1, 3).transpose(0, 2, 1),
    "every second": np.concatenate([ARRAY, ARRAY])[::2],
    "every second row": np.concatenate([ARRAY, ARRAY]).reshape(-1, 4096)[::2],
    "reversed": ARRAY[::-1],
    "broadcast rows": np.broadcast_to(ARRAY[:4096], (2048, 4096)),
    "broadcast columns": np.broadcast_to(ARRAY[:4096, None], (4096, 2048)),
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


def of_numpy_array(value: Any) -> Any:
    return xxh3_128_digest(np.ascontiguousarray(value))


def of_tensor(value: Any) -> Any:
    return digest(pytest.importorskip("torch").as_tensor(value))


WAYS: dict[str, Callable[[Any], Any]] = {
    "dumbo": digest,
    "dumbo, tensor": of_tensor,
    "numpy, then xxh3": of_numpy_array,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(benchmark: Any, layout: str) -> None:
    """Each way in turn, as the machine may be busy: the floor is xxh3_128 of the bytes in place."""
    value, plain = LAYOUTS[layout], np.ascontiguousarray(LAYOUTS[layout])
    # torch knows no negative strides, and may warn of memory that cannot be written to.
    writable = value.flags.writeable and all(step >= 0 for step in value.strides)
    ways = {name: way for name, way in WAYS.items() if writable or name != "dumbo, tensor"}
    taken: dict[str, list[float]] = {name: [] for name in (*ways, "xxh3_128")}
    for _ in range(5):
        taken["xxh3_128"].append(timed(xxh3_128_digest, plain))
        for name, way in ways.items():
            taken[name].append(timed(way, value))
    for name, seconds in taken.items():
        medians[layout, name] = statistics.median(seconds)
    benchmark.group = "layouts"
    benchmark.pedantic(digest, (value,), rounds=1)


def timed(way: Callable[[Any], Any], value: Any) -> float:
    start = time.perf_counter()
    way(value)
    return time.perf_counter() - start


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
