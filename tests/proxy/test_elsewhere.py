"""Carriers in other processes, threads and tasks: they carry their CID, and their value."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from carriers_made import fresh, unopened

from dumbo.proxy import carry, cid_of, unwrap


def seen(x: Any) -> tuple[str, Any, str]:
    """What another process makes of an argument."""
    total = float(np.sum(x)) if not isinstance(x, str) else len(x)
    return str(cid_of(x)), total, type(unwrap(x)).__name__


def test_a_spawned_process_gets_cid_and_value() -> None:
    values = [fresh([1, 2]), fresh(np.arange(4.0)), fresh(2.5), fresh({"a": 1.5})["a"], fresh("ab")]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        answers = pool.map(seen, values)
    assert answers == [seen(value) for value in values]
    assert [cid for cid, _, _ in answers] == [str(cid_of(value)) for value in values]


def test_joblib_workers_get_cid_and_value() -> None:
    joblib = pytest.importorskip("joblib")
    values = [fresh([1, 2]), fresh(np.arange(4.0))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its pool is not ours to close
        answers = joblib.Parallel(n_jobs=2)(joblib.delayed(seen)(value) for value in values)
    assert answers == [seen(value) for value in values]


def test_threads_that_touch_one_value_at_once_load_it_once() -> None:
    node, loads = unopened({"a": [1, 2], "b": 3})
    carrier, start = carry(node), threading.Barrier(8)

    def touch(_: int) -> Any:
        start.wait()
        return carrier == {"a": [1, 2], "b": 3}, len(carrier["a"]), carrier["b"] + 1

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(touch, range(8))) == {(True, 2, 4)}
    assert loads == [1]


def test_tasks_that_touch_one_value_load_it_once() -> None:
    node, loads = unopened([1, 2])
    carrier = carry(node)

    async def touch() -> int:
        await asyncio.sleep(0)
        return sum(carrier)

    async def all_of_them() -> list[int]:
        return await asyncio.gather(*(touch() for _ in range(5)))

    assert asyncio.run(all_of_them()) == [3] * 5
    assert loads == [1]


def test_dask_names_a_result_by_its_cid_and_reads_nothing() -> None:
    tokenize = pytest.importorskip("dask.base").tokenize
    node, loads = unopened(np.arange(3.0))
    assert tokenize(carry(node)) == tokenize(carry(node))
    assert tokenize(carry(node)) != tokenize(fresh(np.arange(3.0)))
    assert loads == []
