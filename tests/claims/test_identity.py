"""Claim: every call and every value has one true name.

Each pair of the comparison that other caches are known to get wrong, and what a name may cost.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dumbo.identity import CallShape

NAN = float("nan")
ROOT = Path(__file__).parents[2]


def f(x: Any, y: Any = 2, **more: Any) -> None: ...


def cid(*args: Any, **kwargs: Any) -> str:
    return CallShape.of(f).identify(args, kwargs).cid


SAME: dict[str, tuple[str, str]] = {
    "positional or keyword": (cid(1, 3), cid(y=3, x=1)),
    "default given or omitted": (cid(1), cid(1, 2)),
    "order of keywords": (cid(1, a=1, b=2), cid(1, b=2, a=1)),
    "order of a dict": (cid({"a": 1, "b": 2}), cid({"b": 2, "a": 1})),
    "a NaN again": (cid(NAN), cid(float("nan"))),
    "an equal array": (cid(np.arange(9)), cid(np.arange(9))),
    "another layout": (cid(np.eye(3)), cid(np.asfortranarray(np.eye(3)))),
}
LARGE = np.zeros(1 << 20)
CHANGED = LARGE.copy()
CHANGED[1 << 19] = 1
DIFFERENT: dict[str, tuple[str, str]] = {
    "1 and 1.0": (cid(1), cid(1.0)),
    "1 and True": (cid(1), cid(True)),
    "0.0 and -0.0": (cid(0.0), cid(-0.0)),
    "list and tuple": (cid([1, 2]), cid((1, 2))),
    "'1' and 1": (cid("1"), cid(1)),
    "dtype": (cid(np.zeros(4, "f4")), cid(np.zeros(4, "i4"))),
    "shape": (cid(np.zeros((2, 3))), cid(np.zeros((3, 2)))),
    "middle of a large array": (cid(LARGE), cid(CHANGED)),
    "nested 1 and True": (cid([(1,)]), cid([(True,)])),
}


@pytest.mark.parametrize("pair", SAME)
def test_the_same(pair: str) -> None:
    assert SAME[pair][0] == SAME[pair][1]


@pytest.mark.parametrize("pair", DIFFERENT)
def test_not_the_same(pair: str) -> None:
    assert DIFFERENT[pair][0] != DIFFERENT[pair][1]


@pytest.mark.parametrize("value", [np.zeros(100), [1, 2], {"a": 1}, {1}])
def test_a_change_in_place_is_another_call(value: Any) -> None:
    before = cid(value)
    change: dict[type, Any] = {
        np.ndarray: lambda: value.__setitem__(50, 1),
        list: lambda: value.append(3),
        dict: lambda: value.update(b=2),
        set: lambda: value.add(2),
    }
    change[type(value)]()
    assert cid(value) != before


def test_names_agree_between_processes_and_hash_seeds() -> None:
    code = """
import json
from dumbo.identity import CallShape
def f(x, y=2): ...
shape = CallShape.of(f, name="m:f")
values = [{"a", "b", "c"}, {"x": {"y"}, "a": 1}, frozenset("abcdef"), [1, (2.0, None)]]
print(json.dumps([shape.identify((v,), {}).cid for v in values]))
"""
    found = set()
    for seed in ("0", "1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        found.add(tuple(json.loads(done.stdout)))
    assert len(found) == 1


def test_neither_code_nor_results_are_in_a_name() -> None:
    space_one: dict[str, Any] = {"__name__": "m"}
    space_two: dict[str, Any] = {"__name__": "m"}
    exec("def g(x): return x", space_one)
    exec("def g(x): return x + 1", space_two)
    one, two = (CallShape.of(s["g"]).identify((1,), {}).cid for s in (space_one, space_two))
    assert one == two
    assert one.startswith("m:g#")
    assert len(one.digest) == 32
