"""Values the user names."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from carried import A, Lazy

from dumbo.errors import ConfigurationError, NameTakenError
from dumbo.identity import CallShape, content_digest, digest, externals, name_external, token


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    externals._named.clear()
    externals._entered.clear()


def f(x: Any) -> None: ...


def test_the_name_is_the_identity() -> None:
    a, b = np.zeros(3), np.ones(3)
    assert name_external("data", a) is a
    before = digest(a)
    assert token([a], name="x").uses[0].cid == "external:data"
    name_external("data", b)
    assert digest(b) == before
    assert content_digest(a) != content_digest(b)
    assert content_digest(a) == digest(np.zeros(3))


def test_a_value_has_one_name() -> None:
    array = np.zeros(3)
    name_external("one", array)
    name_external("one", array)
    with pytest.raises(NameTakenError, match="external:one"):
        name_external("two", array)
    with pytest.raises(NameTakenError, match="already known as m:f"):
        name_external("x", Lazy(A))


def test_a_value_that_has_entered_otherwise_cannot_be_named() -> None:
    array = np.zeros(3)
    CallShape.of(f).identify(([array],), {})
    with pytest.raises(NameTakenError, match=r"identity of f\(x=\[ndarray\(3\) float64\]\)"):
        name_external("late", array)
    name_external("copy", array.copy())


def test_a_digest_alone_is_no_identity() -> None:
    array = np.zeros(3)
    digest(array)
    name_external("fine", array)


@pytest.mark.parametrize("name", ["", "two\nlines"])
def test_names_are_short_texts(name: str) -> None:
    with pytest.raises(ConfigurationError, match="not a name"):
        name_external(name, np.zeros(1))


def test_values_without_weak_references_are_left_alone() -> None:
    value = [1, 2]
    assert name_external("list", value) is value
    assert token(value).uses == ()


def test_bookkeeping_is_bounded_and_follows_the_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(externals, "MAX_ENTERED", 10)
    shape = CallShape.of(f)
    held = [np.zeros(1) for _ in range(30)]
    for array in held:
        shape.identify((array,), {})
        shape.identify((array,), {})
    assert len(externals._entered) == 10
    assert externals.entered_in(held[0]) == ""
    assert externals.entered_in(held[-1]) == "f(x=ndarray(1) float64)"
    name_external("gone", fresh := np.zeros(1))
    del held, array, fresh
    gc.collect()
    assert not externals._entered
    assert not externals._named
