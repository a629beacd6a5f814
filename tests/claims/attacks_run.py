"""Runs the attacks in a process of its own: ``python attacks_run.py WAY START``.

Prints one line of JSON per attack, before (so that a crash names its attack) and after. Ways:
``control`` (the bare value itself is attacked), or ``KEEP-RETURNS`` as the decorator takes them.
"""

from __future__ import annotations

import collections
import contextlib
import copy
import dataclasses
import importlib
import io
import json
import os
import sys
import tempfile
import types
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import dumbo
from dumbo.proxy import unwrap

MODULES = "bisect copy collections dataclasses heapq importlib io operator pickle random struct"
lib = importlib.import_module


class Pair(NamedTuple):
    name: str
    rest: Any


@dataclasses.dataclass
class Settings:
    rate: float
    layers: list[int]
    weights: Any


@dataclasses.dataclass(slots=True)
class Slotted:
    rate: float
    layers: list[int]


class Thing:
    def __init__(self) -> None:
        self.rate = 0.5
        self.layers = [1, 2]
        self.weights = np.arange(3.0)

    def grow(self) -> None:
        self.layers.append(3)


def network() -> Any:
    torch = lib("torch")
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))


def seen(value: Any) -> Any:
    """All there is to see of a value, in a form that shares nothing with it."""
    value = unwrap(value)
    kind = type(value).__module__.partition(".")[0]
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype.str, copy.deepcopy(value.tolist()))
    if isinstance(value, dict):
        return [(type(value).__name__, seen(k), seen(v)) for k, v in value.items()]
    if isinstance(value, (list, tuple, collections.deque)):
        return (type(value).__name__, [seen(item) for item in value])
    if isinstance(value, (set, frozenset)):
        return sorted(map(repr, value))
    if kind == "torch":
        if hasattr(value, "state_dict"):
            return (value.training, seen(dict(value.state_dict())))
        return (tuple(value.shape), str(value.dtype), value.requires_grad, value.tolist())
    if kind in ("pandas", "polars"):
        return (str(value), str(getattr(value, "columns", "")))
    if kind == "scipy":
        return (value.shape, value.toarray().tolist())
    fields = getattr(type(value), "__slots__", None) or list(getattr(value, "__dict__", ()))
    if fields:
        return [(name, seen(getattr(value, name))) for name in fields]
    return repr(value)


VALUES: dict[str, Callable[[], Any]] = {
    "list": lambda: [3, 1, [2], {"k": [1]}],
    "dict": lambda: {"a": [1], "b": {"c": {4}}, "n": 1.5},
    "set": lambda: {1, 2},
    "tuple": lambda: ([1], {"a": 1}, np.zeros(2)),
    "named tuple": lambda: Pair("a", [1]),
    "deque": lambda: collections.deque([1, [2]]),
    "defaultdict": lambda: collections.defaultdict(list, a=[1]),
    "Counter": lambda: collections.Counter("aab"),
    "OrderedDict": lambda: collections.OrderedDict(a=1, b=[2]),
    "bytearray": lambda: bytearray(b"abc"),
    "array": lambda: np.arange(6.0)[::-1].copy(),
    "matrix": lambda: np.arange(6.0).reshape(2, 3),
    "structured array": lambda: np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    "object array": lambda: np.array([[1], {"a": 1}], dtype=object),
    "masked array": lambda: np.ma.array([1, 2, 3], mask=[0, 1, 0]),
    "dataclass": lambda: Settings(0.5, [1, 2], np.arange(3.0)),
    "slotted dataclass": lambda: Slotted(0.5, [1, 2]),
    "object": Thing,
    "namespace": lambda: types.SimpleNamespace(a=[1]),
    "pandas frame": lambda: lib("pandas").DataFrame({"a": [3, 1], "b": [1.0, np.nan]}),
    "pandas series": lambda: lib("pandas").Series([3.0, 1.0, np.nan]),
    "polars frame": lambda: lib("polars").DataFrame({"a": [3, 1]}),
    "polars series": lambda: lib("polars").Series("a", [3, 1]),
    "sparse": lambda: lib("scipy.sparse").csr_array(np.eye(3)),
    "sparse lil": lambda: lib("scipy.sparse").lil_array(np.eye(3)),
    "tensor": lambda: lib("torch").arange(6.0).reshape(2, 3),
    "parameter": lambda: lib("torch").nn.Parameter(lib("torch").ones(2)),
    "tensors": lambda: {"w": lib("torch").ones(2), "l": [lib("torch").zeros(2)]},
    "module": network,
}
"""How to make a value, by the kind the attacks name."""


def attacks() -> Iterator[tuple[str, str]]:
    """Read kind and statement of every attack."""
    kind = ""
    for line in Path(__file__).with_name("attacks.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]"):
            kind = line.strip("[]")
        elif line and not line.startswith("#"):
            yield kind, line


ATTACKS = list(attacks())


def train_one_step(torch: Any, model: Any) -> None:
    optimiser = torch.optim.SGD(model.parameters(), 1.0)
    model(torch.ones(3, 2)).sum().backward()
    optimiser.step()


def strike(attack: str, x: Any) -> str:
    """Run one attack; the exception it met, or nothing."""
    space: dict[str, Any] = {**globals(), "x": x}
    space |= {name: lib(name) for name in MODULES.split()}
    if "torch" in attack:
        space["torch"] = lib("torch")
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(attack, space)
    except Exception as error:  # noqa: BLE001 - a refusal is a good answer, whatever it is
        return f"{type(error).__name__}: {error}"
    return ""


def attacked(kind: str, attack: str, way: str) -> tuple[str, str]:
    """Run one attack on a result: ``holds`` or ``spoilt``, with what there is to say."""
    if way == "control":
        value = VALUES[kind]()
        before = seen(value)
        trouble = strike(attack, value)
        return ("holds" if before == seen(value) else "spoilt"), trouble
    keep, returns = way.split("-")

    @dumbo.dumbo(name=f"attacks:{kind.replace(' ', '_')}", keep=keep, returns=returns)  # type: ignore[call-overload]  # the way says which
    def make() -> Any:
        return VALUES[kind]()

    before = seen(make())
    trouble = strike(attack, make())
    after = seen(make())
    make.forget()
    return ("holds", trouble) if before == after else ("spoilt", f"{before} -> {after}")


def report(**line: object) -> None:
    sys.__stdout__.write(json.dumps(line) + "\n")  # type: ignore[union-attr]  # there is one
    sys.__stdout__.flush()  # type: ignore[union-attr]  # as above


def main(way: str, start: int) -> None:
    warnings.simplefilter("ignore")
    os.environ["DUMBO_DIR"] = tempfile.mkdtemp()
    for number, (kind, attack) in enumerate(ATTACKS[start:], start):
        report(begin=number)
        try:
            outcome, detail = attacked(kind, attack, way)
        except ModuleNotFoundError as absent:
            outcome, detail = "absent", str(absent)
        report(end=number, outcome=outcome, detail=detail[:600])
    os._exit(0)  # other modules' exit hooks are no part of the question


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
