"""Runs the transparency table in a process of its own: ``python transparency_run.py KIND START``.

Prints one line of JSON per use, before (so that a crash names its use) and after.
Kinds: ``control`` (bare values), ``fresh``, ``lazy``, ``native``.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import functools
import importlib
import itertools
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dumbo.identity.cid import CID, FunctionId
from dumbo.proxy import Node, Returns, carry, cid_of, protect, unwrap
from dumbo.proxy.wrapped_type import facts_of, type_name
from dumbo.records import Record

sys.path.insert(0, str(Path(__file__).parent))
from transparency_uses import USES, Use

MODULES = (
    "asyncio bisect collections concurrent.futures copy csv ctypes datetime decimal fractions "
    "hashlib heapq inspect io logging math operator os pathlib pickle pprint random re sqlite3 "
    "statistics string struct subprocess tempfile weakref"
)
"""What the code of the uses may name, beside the definitions below."""
_count = itertools.count()


def module_level(x: Any) -> Any:
    """Doc."""
    return x


async def acoro() -> int:
    return 5


class Colour(enum.Enum):
    RED = 1


class Pair(NamedTuple):
    a: Any
    b: Any


@dataclasses.dataclass
class Data:
    a: Any = 1
    b: Any = dataclasses.field(default_factory=lambda: [1, 2])


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    a: Any = 1
    b: Any = (1, 2)


class Thing:
    __match_args__ = ("x",)

    def __init__(self, x: Any) -> None:
        self.x = x

    def __len__(self) -> int:
        return 3

    def double(self) -> Any:
        return self.x * 2

    def __enter__(self) -> Thing:
        return self

    def __exit__(self, *exc: object) -> None:
        return None


def matched(x: Any) -> Any:
    match x:
        case None:
            return "none"
        case True:
            return "true"
        case 3:
            return "int 3"
        case int():
            return "int"
        case {"k": v}:
            return v
        case [a, b]:
            return a + b
        case Thing(x=z):
            return z
        case str():
            return "str"
    return None


@functools.singledispatch
def dispatched(x: Any) -> str:
    return "object"


@dispatched.register
def _(x: int) -> str:
    return "int"


def eq(a: Any, b: Any) -> bool:
    return bool(np.all(np.asarray(a) == np.asarray(b)))


def raises(kinds: Any, function: Any) -> bool:
    try:
        function()
    except kinds:
        return True
    return False


def torch() -> Any:
    return importlib.import_module("torch")


def cloudpickle() -> Any:
    return importlib.import_module("cloudpickle")


def maker(kind: str) -> Any:
    def make(value: Any) -> Any:
        if kind == "control":
            return value
        name = CID(f"m:f#{next(_count):032x}")
        value = protect(value)
        record = Record(
            name,
            1,
            FunctionId("m:f"),
            "f()",
            "",
            type=type_name(type(value)),
            meta=facts_of(value),
        )
        node = (
            Node(record, lambda: value)
            if kind == "lazy"
            else Node(record, lambda: value, value=value)
        )
        return carry(node, Returns.NATIVE if kind == "native" else Returns.PROXY)

    return make


def run(use: Use, kind: str) -> tuple[str, str]:
    """Run one use: ``works``, ``differs`` (another answer) or ``refuses`` (an exception)."""
    names: dict[str, Any] = {**globals(), "P": maker(kind), "cid": cid_of, "unwrap": unwrap}
    names |= {name.partition(".")[0]: importlib.import_module(name) for name in MODULES.split()}
    names |= {"abc": collections.abc, "concurrent": sys.modules["concurrent"]}

    def after(statements: str, question: str) -> Any:
        exec(compile(statements, use.title, "exec"), names)
        return eval(compile(question, use.title, "eval"), names)

    names["after"] = after
    try:
        answer = eval(compile(use.code, use.title, "eval"), names)
    except ModuleNotFoundError as absent:
        return "absent", str(absent)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome
        return "refuses", f"{type(error).__name__}: {error}"
    return ("works", "") if answer is True or eq(answer, True) else ("differs", repr(answer)[:200])


def report(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main(kind: str, start: int) -> None:
    warnings.simplefilter("ignore")
    for number, use in enumerate(USES[start:], start):
        report({"begin": number})
        outcome, detail = run(use, kind)
        report({"end": number, "outcome": outcome, "detail": detail[:300]})
    # Other modules' exit hooks are no part of the question.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
