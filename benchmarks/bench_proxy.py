"""Carriers against the bare value and a plain wrapt proxy: creation, attributes, ufuncs, torch.

``python -m pytest benchmarks/bench_proxy.py`` times each case (pytest-benchmark groups them);
``python benchmarks/bench_proxy.py`` prints the ratios, medians of interleaved runs.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import timeit
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import wrapt

from dumbo.identity.cid import CID, FunctionId
from dumbo.proxy import Node, Returns, carry, cid_of, protect, unwrap
from dumbo.proxy.wrapped_type import facts_of, type_name
from dumbo.records import Record

_count = itertools.count()


def node_of_value(value: Any, *, load: bool = True) -> Node:
    cid = CID(f"m:f#{next(_count):032x}")
    record = Record(
        cid, 1, FunctionId("m:f"), "f()", "", type=type_name(type(value)), meta=facts_of(value)
    )
    return Node(record, lambda: value, value=value) if load else Node(record, lambda: value)


class Thing:
    def __init__(self) -> None:
        self.x = 1


def _cases() -> dict[str, dict[str, Callable[[], Any]]]:
    small, large = np.ones(10), np.ones(1_000_000)
    thing, out = Thing(), np.empty(1_000_000)
    small_node, unopened = node_of_value(protect(small)), node_of_value(small, load=False)
    p_thing, w_thing = carry(node_of_value(thing)), wrapt.BaseObjectProxy(thing)
    p_small, w_small = carry(small_node), wrapt.ObjectProxy(small)
    p_large, w_large = carry(node_of_value(protect(large))), wrapt.ObjectProxy(large)
    lazy, n_large = carry(unopened), carry(node_of_value(protect(large)), Returns.NATIVE)
    values = list(range(1000))
    p_list = carry(node_of_value(values))
    losses, pair = {"loss": 0.5}, (0.5, 1)
    p_losses, p_pair = carry(node_of_value(losses)), carry(node_of_value(pair))
    n_losses = carry(node_of_value(losses), Returns.NATIVE)
    return {
        "create, ndarray": {
            "wrapt": lambda: wrapt.BaseObjectProxy(small),
            "proxy": lambda: carry(small_node),
            "unopened": lambda: carry(unopened),
            "native": lambda: carry(small_node, Returns.NATIVE),
        },
        "attribute of an object": {
            "bare": lambda: thing.x,
            "wrapt": lambda: w_thing.x,
            "proxy": lambda: p_thing.x,
        },
        "shape": {
            "bare": lambda: small.shape,
            "wrapt": lambda: w_small.shape,
            "proxy": lambda: p_small.shape,
            "unopened": lambda: lazy.shape,
        },
        "cid_of": {"bare": lambda: cid_of(small), "proxy": lambda: cid_of(p_small)},
        "item x[3]": {
            "bare": lambda: small[3],
            "wrapt": lambda: w_small[3],
            "proxy": lambda: p_small[3],
        },
        "item of a dict x['loss']": {
            "bare": lambda: losses["loss"],
            "wrapt": lambda: wrapt.BaseObjectProxy(losses["loss"]),
            "proxy": lambda: p_losses["loss"],
            "native": lambda: n_losses["loss"],
        },
        "unpack a, b = x": {
            "bare": lambda: [*pair],
            "wrapt": lambda: [wrapt.BaseObjectProxy(x) for x in pair],
            "proxy": lambda: [*p_pair],
        },
        "iterate 1000 ints": {"bare": lambda: list(values), "proxy": lambda: list(p_list)},
        "unwrap 1000 ints": {"bare": lambda: list(values), "proxy": lambda: unwrap(p_list)},
        "x + 1, n=10": {
            "bare": lambda: small + 1,
            "wrapt": lambda: w_small + 1,
            "proxy": lambda: p_small + 1,
        },
        "np.add, n=1e6": {
            "bare": lambda: np.add(large, 1.0, out=out),
            "wrapt": lambda: np.add(w_large, 1.0, out=out),
            "proxy": lambda: np.add(p_large, 1.0, out=out),
            "native": lambda: np.add(n_large, 1.0, out=out),
        },
        **_torch_cases(),
    }


def _torch_cases() -> dict[str, dict[str, Callable[[], Any]]]:
    try:
        import torch
    except ImportError:
        return {}
    torch.set_num_threads(1)
    small, large, out = torch.ones(10), torch.ones(1_000_000), torch.empty(1_000_000)
    p_small, p_large = carry(node_of_value(small)), carry(node_of_value(large))
    small_node = node_of_value(small)
    return {
        "create, tensor": {"bare": small.detach, "proxy": lambda: carry(small_node)},
        "torch.add, n=10": {
            "bare": lambda: torch.add(small, 1),
            "proxy": lambda: torch.add(p_small, 1),
        },
        "torch.add, n=1e6": {
            "bare": lambda: torch.add(large, 1, out=out),
            "proxy": lambda: torch.add(p_large, 1, out=out),
        },
    }


CASES = _cases()


@pytest.mark.parametrize(("case", "who"), [(case, who) for case in CASES for who in CASES[case]])
def test_case(benchmark: Any, case: str, who: str) -> None:
    benchmark.group = case
    benchmark(CASES[case][who])


def medians(case: dict[str, Callable[[], Any]], rounds: int = 9) -> dict[str, float]:
    """Nanoseconds per call; the contenders take turns, so that load falls on all alike."""
    timers = {who: timeit.Timer(call) for who, call in case.items()}
    number = {who: max(1, int(0.01 / max(t.timeit(3) / 3, 1e-9))) for who, t in timers.items()}
    runs: dict[str, list[float]] = {who: [] for who in case}
    for _ in range(rounds):
        for who, timer in timers.items():
            runs[who].append(timer.timeit(number[who]) / number[who] * 1e9)
    return {who: statistics.median(found) for who, found in runs.items()}


if __name__ == "__main__":
    for name, case in CASES.items():
        found = medians(case)
        first = next(iter(found))
        line = ", ".join(
            f"{who} {ns:.0f} ns ({ns / found[first]:.2f}x)" for who, ns in found.items()
        )
        sys.stdout.write(f"{name:24s} {line}\n")
