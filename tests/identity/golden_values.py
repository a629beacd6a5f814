"""Values whose digests are written down in golden.json; run as a script it prints them.

Expressions, not objects: each process and Python version builds the values anew.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import json
import pathlib
import re
import sys
import types
import uuid
import zoneinfo
from typing import Any

import numpy as np

from dumbo.identity import FORMAT, CallShape, close, digest, ignore


class Colour(enum.Enum):
    RED = 1


class Mode(enum.Flag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass
class Config:
    lr: float
    tags: list[str]


class Plain:
    def __init__(self, a: int) -> None:
        self.a = a

    def method(self) -> int:
        return self.a


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a: int) -> None:
        self.a = a


class Text(str):
    pass


class Count(int):
    pass


class Rows(list[Any]):
    pass


Point = collections.namedtuple("Point", "x y")


def named(x: int) -> int:
    return x


def nested(k: int) -> Any:
    def inner(x: int) -> int:
        return x + k

    return inner


def recursive() -> list[Any]:
    loop: list[Any] = [1]
    loop.append(loop)
    return loop


MODULES = (
    collections, datetime, decimal, fractions, functools, json, pathlib, re, types, uuid, zoneinfo
)  # fmt: skip
VALUES = [
    "None", "True", "False", "...", "NotImplemented", "0", "1", "-1", "2**64", "-(10**5000)",
    "1.0", "-0.0", "0.0", "float('nan')", "float('inf')", "1j", "complex(0.0, -0.0)",
    "''", "'a'", "'é' * 100", "'\\ud800'", "b''", "b'a'", "b'x' * 70_000", "bytearray(b'a')",
    "memoryview(b'ab')", "[]", "()", "{}", "set()", "frozenset()", "[1, 2]", "(1, 2)", "{1, 'a'}",
    "{'a': 1, 'b': 2.0}", "{'b': [1, {'c': (None,)}], 'a': {1, 2}}", "list(range(1000))",
    "{str(i) for i in range(100)}", "frozenset({(1, 'a'), (2, 'b')})", "recursive()",
    "collections.OrderedDict(b=1, a=2)", "collections.Counter('aab')",
    "collections.defaultdict(list, a=[1])", "collections.deque([1, 2], 3)",
    "collections.ChainMap({'a': 1}, {'b': 2})", "types.SimpleNamespace(b=1, a=2)",
    "types.MappingProxyType({'a': 1})", "range(1, 10, 2)", "slice(1, None)",
    "datetime.date(2024, 2, 29)", "datetime.time(1, 2, 3, 4)", "datetime.timedelta(1, 2, 3)",
    "datetime.datetime(2024, 2, 29, 1, 2, 3, 4, datetime.timezone.utc, fold=1)",
    "datetime.datetime(2024, 2, 29, tzinfo=zoneinfo.ZoneInfo('UTC'))",
    "decimal.Decimal('1.0')", "decimal.Decimal('1.00')", "fractions.Fraction(1, 3)",
    "pathlib.PurePosixPath('a/b')", "uuid.UUID(int=7)", "re.compile('a+', re.I)",
    "Colour.RED", "Mode.READ | Mode.WRITE", "Config(0.1, ['x'])", "Plain(1)", "Slotted(1)",
    "Text('a')", "Count(1)", "Rows([1])", "Point(1, 2)", "Plain", "Plain(1).method", "named",
    "nested(1)", "functools.partial(named, 1)", "len", "json", "list[int]", "ValueError('x')",
    "np.float64(1.0)", "np.int32(1)", "np.datetime64('2024-01-01', 'D')", "np.dtype('f8')",
    "np.arange(6.0).reshape(2, 3)", "np.arange(6.0).reshape(3, 2)", "np.zeros((0, 3))",
    "np.array(5)", "np.array([1, 'a', None], object)", "np.array(['a', 'bc'])",
    "np.array([(1, 2.0)], [('a', '<i2'), ('b', '<f4')])", "np.arange(3).astype('>i4')",
    "np.ma.masked_array([1, 2], [0, 1])", "np.array(['2024'], 'M8[Y]')",
]  # fmt: skip

CALLS = {
    "f(1, 2)": CallShape.of(lambda a, b=2: None, name="m:f").identify((1,), {}),
    "f(1, 2) draw 3": CallShape.of(lambda a, b=2: None, name="m:f").identify((1,), {}, sample=3),
    "g(1, *(2, 3), k=4, z=5)": CallShape.of(
        lambda a, *args, k=4, **more: None, name="m:g"
    ).identify((1, 2, 3), {"z": 5}),
    "h(a) close": CallShape.of(
        lambda a, b: None, name="m:h", match={"a": close(rel=0.1), "b": ignore}
    ).identify((3.0, 1), {}),
    "closure": CallShape.of(nested(7)).identify((1,), {}),
    "partial": CallShape.of(functools.partial(named, 1)).identify((), {}),
    "method": CallShape.of(Plain(1).method).identify((), {}),
}


def document() -> dict[str, Any]:
    namespace = {**globals(), **{module.__name__: module for module in MODULES}, "np": np}
    return {
        "format": FORMAT,
        "values": {text: digest(eval(text, namespace)) for text in VALUES},
        "calls": {text: identity.cid for text, identity in CALLS.items()},
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(document(), indent=1, ensure_ascii=True) + "\n")
