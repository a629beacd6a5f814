"""Every row of the table in docs/identity.md is true."""

from __future__ import annotations

import dataclasses
import enum
import importlib
import json
import re
from collections import OrderedDict
from decimal import Decimal
from fractions import Fraction
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp

from dumbo.identity import digest

torch: Any = importlib.import_module("torch") if find_spec("torch") else None

PAGE = Path(__file__).parents[2] / "docs" / "identity.md"
ROW = re.compile(r"^\| `(.+?)` \| `(.+?)` \| (same|different) \| .+ \|$", re.MULTILINE)


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@dataclasses.dataclass
class Config:
    a: int


@dataclasses.dataclass
class Other:
    a: int


class Plain:
    def __init__(self, a: int) -> None:
        self.a = a

    def method(self) -> None: ...


def add_one(x: int) -> int:
    return x + 1


def adder(k: int) -> Any:
    return lambda x: x + k


def readonly(array: Any) -> Any:
    array.flags.writeable = False
    return array


def drawn(generator: Any) -> Any:
    generator.random()
    return generator


def linear(seed: int) -> Any:
    torch.manual_seed(seed)
    return torch.nn.Linear(2, 2)


NAMES: dict[str, Any] = {
    **globals(),
    "shared": [1],
    **{m.__name__: m for m in (json,)},
    **{t.__name__: t for t in (OrderedDict, Decimal, Fraction, partial, Path)},
    "np": np,
    "pd": pd,
    "pl": pl,
    "sp": sp,
    "torch": torch,
}
ROWS = ROW.findall(PAGE.read_text())


def test_the_table_was_found() -> None:
    assert len(ROWS) == PAGE.read_text().count(" | same | ") + PAGE.read_text().count(
        " | different | "
    )
    assert len(ROWS) > 50


@pytest.mark.parametrize(("left", "right", "verdict"), ROWS)
def test_row(left: str, right: str, verdict: str) -> None:
    if torch is None and re.search(r"torch|linear", left + right):
        pytest.skip("torch is not installed")
    equal = digest(eval(left, NAMES)) == digest(eval(right, NAMES))
    assert equal is (verdict == "same")
