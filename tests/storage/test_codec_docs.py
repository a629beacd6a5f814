"""The table of docs/values.md, row by row."""

from __future__ import annotations

import datetime as dt
import enum
import re
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from dumbo.artifacts import Directory, File
from dumbo.storage import Keeps, Values
from dumbo.storage.codecs.table import MODULES

PAGE = Path(__file__).parents[2] / "docs" / "values.md"
ROWS = re.findall(r"^\| (.*) \| (\S+/\d) \| (yes|no) \| (yes|no) \|$", PAGE.read_text(), re.M)


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Fit:
    weights: Any


class Colour(enum.Enum):
    RED = 1


PLAIN: dict[str, Any] = {
    **{kind.__name__: kind for kind in (Counter, OrderedDict, defaultdict, deque, Decimal)},
    **{kind.__name__: kind for kind in (Fraction, Path, ZoneInfo, File, Directory)},
    **{kind.__name__: kind for kind in (Point, Fit, Colour)},
    "dt": dt,
    "uuid": uuid,
    "np": np,
}
LIBRARIES = {
    "torch": "torch",
    "sp": "scipy.sparse",
    "pd": "pandas",
    "pl": "polars",
    "pa": "pyarrow",
    "Image": "PIL.Image",
    "Figure": "matplotlib.figure",
    "net": "torch",
}


def names(text: str) -> dict[str, Any]:
    found = dict(PLAIN)
    for name, module in LIBRARIES.items():
        if re.search(rf"\b{name}\b", text):
            library = pytest.importorskip(module, reason="an optional library")
            found[name] = library.Figure if name == "Figure" else library
            if name == "net":
                found[name] = library.nn.Linear(100, 100)
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[1]} {row[0][:30]}")
def test_every_value_of_the_table_is_kept_as_it_says(
    values: Values, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("made.txt").write_text("x")
    Path("made").mkdir()
    examples, codec, lazy, codeless = row
    for text in re.findall(r"`([^`]+)`", examples):
        value = eval(text, names(text))
        stored = values.store(value)
        assert stored.codec == codec, text
        values.load(stored)
        keeps = values.codec_named(codec).keeps
        assert (Keeps.LAZY in keeps) is (lazy == "yes")
        assert (Keeps.NO_CODE in keeps) is (codeless == "yes")


def test_every_codec_has_its_row() -> None:
    assert len(ROWS) == 20
    named = {codec for _, codec, _, _ in ROWS}
    assert named == {*MODULES, "scalar/1", "container/1", "pickle/1"}
