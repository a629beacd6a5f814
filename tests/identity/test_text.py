"""Texts of calls, and small arguments kept with a record."""

from __future__ import annotations

import datetime
import decimal
import enum
import importlib
import inspect
import json
import math
import pathlib
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from carried import A, Decorated, Lazy

from dumbo.errors import CorruptStoreError
from dumbo.identity import CID, decode_arguments, encode_arguments
from dumbo.identity.text import WIDTH, short

torch: Any = importlib.import_module("torch") if find_spec("torch") else None


class Colour(enum.Enum):
    RED = 1


class Rude:
    def __repr__(self) -> str:
        raise AssertionError("a repr was called")

    __str__ = __repr__


class RudeList(list[Any]):
    def __repr__(self) -> str:
        raise AssertionError("a repr was called")

    def __iter__(self) -> Any:
        raise AssertionError("an iterator was made")


NESTED: list[Any] = []
NESTED.append(NESTED)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (None, "None"),
        (True, "True"),
        (1.5, "1.5"),
        (1j, "1j"),
        (..., "Ellipsis"),
        ("a'b", '"a\'b"'),
        (b"x", "b'x'"),
        ([1, [2, [3, [4]]]], "[1, [2, [3, […]]]]"),
        ((1,), "(1,)"),
        ((), "()"),
        ({1}, "{1}"),
        ({"a": (1, 2)}, "{'a': (1, 2)}"),
        (list(range(20)), "[0, 1, 2, 3, 4, 5, 6, 7, …]"),
        (dict.fromkeys(range(20)), "{0: None, 1: None, 2: None, 3: None, 4: None, 5: None, 6: N…"),
        ("x" * 1000, "'" + "x" * 58 + "…"),
        (2**5000, "int of 5001 bits"),
        (np.zeros((3, 4), "f4"), "ndarray(3, 4) float32"),
        (np.float32(1.5), "float32(1.5)"),
        *([(torch.zeros(2), "Tensor(2) float32")] if torch else []),
        (pd.DataFrame({"a": [1]}), "DataFrame(1, 1)"),
        (pd.Series([1]), "Series(1) int64"),
        (pl.DataFrame({"a": [1]}), "DataFrame(1, 1)"),
        (sp.csr_array(np.eye(2)), "csr_array(2, 2) float64"),
        (Colour.RED, "Colour.RED"),
        (pathlib.Path("a/b"), "'a/b'"),
        (datetime.date(2024, 1, 2), "datetime.date(2024, 1, 2)"),
        (decimal.Decimal("1.0"), "Decimal('1.0')"),
        (range(3), "range(0, 3)"),
        (Rude(), "Rude(…)"),
        (RudeList([1]), "RudeList(…)"),
        (Lazy(A), "f#aaaaaaaa"),
        ([Lazy(A)], "[f#aaaaaaaa]"),
        (len, "len"),
        (Decorated(name="m:g"), "g"),
        (short, "short"),
        (Colour, "Colour"),
        (math, "math"),
        (NESTED, "[[[[…]]]]"),
        (frozenset([1]), "{1}"),
        ({1: {2: {3: {4: 5}}}}, "{1: {2: {3: {…}}}}"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_texts_are_short_and_harmless(value: Any, text: str) -> None:
    assert short(value) == text
    assert len(text) <= WIDTH


def bound(**arguments: Any) -> inspect.BoundArguments:
    parameters = [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY) for n in arguments]
    return inspect.Signature(parameters).bind(**arguments)


def test_small_arguments_come_back_as_they_were() -> None:
    arguments: dict[str, Any] = {
        "a": [None, True, False, 0, -5, 2**100, 1.5, -0.0, float("inf"), 1 - 2j, "é\ud800", b"\0x"],
        "b": {"x": (1, [2]), (1, 2): {3}, None: frozenset([4])},
        "c": (),
        "d": {},
    }
    back = decode_arguments(encode_arguments(bound(**arguments)))
    assert repr(back) == repr(arguments)
    nan = decode_arguments(encode_arguments(bound(x=float("nan"))))["x"]
    assert nan != nan


def test_carriers_are_kept_as_references() -> None:
    back = decode_arguments(encode_arguments(bound(x=[Lazy(A)])))
    assert back == {"x": [A]}
    assert type(back["x"][0]) is CID


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(3),
        object(),
        "x" * 5000,
        b"x" * 5000,
        2**50_000,
        list(range(5000)),
        Colour.RED,
        NESTED,
        np.float64(1),
        "\u1234" * 1000,
        {i: i for i in range(2000)},
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_small_and_plain_is_not_kept(value: Any) -> None:
    assert encode_arguments(bound(ok=1, x=value)) == b""
    assert decode_arguments(b"") == {}


@pytest.mark.parametrize(
    "raw",
    [
        b"x",
        b"[]",
        b"{}",
        b'{"format": 2, "arguments": {}}',
        b'{"format": 1, "arguments": {"a": ["q", 1]}}',
        b'{"format": 1, "arguments": {"a": ["i", "z"]}}',
        b'{"format": 1, "arguments": {"a": 5}}',
        b'{"format": 1, "arguments": {"a": ["u", [["l", []]]]}}',
        b'{"format": 1, "arguments": [1]}',
        b'{"format": 1, "arguments": {"a": ["c", "1"]}}',
    ],
)
def test_bytes_that_were_not_written_by_dumbo_are_refused(raw: bytes) -> None:
    with pytest.raises(CorruptStoreError, match="arguments of a call"):
        decode_arguments(raw)


def test_the_text_describes_itself() -> None:
    document = json.loads(encode_arguments(bound(lr=0.5, n=3)))
    assert document == {
        "format": 1,
        "arguments": {"lr": ["f", "0x1.0000000000000p-1"], "n": ["i", "3"]},
    }
