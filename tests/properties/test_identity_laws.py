"""Laws of identity over values of every family dumbo takes apart itself.

Equal values have equal CIDs; any single change makes another; nothing depends on how or where a
value was made.
"""

from __future__ import annotations

import collections
import copy
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import importlib
import inspect
import pathlib
import re
import uuid
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import hypothesis.extra.numpy as npst
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

from dumbo.identity import CallShape, close, decode_arguments, digest, encode_arguments

torch: Any = importlib.import_module("torch") if find_spec("torch") else None

LAWS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@dataclasses.dataclass
class Config:
    a: Any
    b: Any


class Plain:
    def __init__(self, a: Any) -> None:
        self.a = a


class Rows(list[Any]):
    pass


Point = collections.namedtuple("Point", "x y")


def named(x: int) -> int:
    return x


def closure(k: Any) -> Any:
    def inner(x: int) -> Any:
        return k

    return inner


ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.binary(),
    st.text(st.characters(exclude_categories=())),
    st.just(...),
)
HASHABLE = st.one_of(
    ATOMS,
    st.tuples(ATOMS, ATOMS),
    st.frozensets(ATOMS, max_size=3),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.dates(),
    st.datetimes(),
    st.timedeltas(),
    st.times(),
    st.uuids(),
    st.sampled_from(Colour),
    st.builds(pathlib.PurePosixPath, st.text("ab/", max_size=5)),
)
ARRAYS = npst.arrays(
    st.one_of(npst.scalar_dtypes(), npst.array_dtypes(max_size=3)),
    npst.array_shapes(min_dims=0, max_side=4),
)
TENSORS = (
    st.builds(
        lambda values, dtype: torch.tensor(values).to(dtype),
        st.lists(st.integers(0, 100), max_size=6),
        st.sampled_from([torch.float32, torch.int64, torch.bfloat16]),
    )
    if torch
    else st.nothing()
)
FOREIGN = st.one_of(
    HASHABLE,
    ARRAYS,
    TENSORS,
    st.builds(range, st.integers(-9, 9), st.integers(-9, 9)),
    st.builds(bytearray, st.binary()),
    st.builds(slice, st.integers(), st.integers()),
    st.builds(re.compile, st.text("ab.", max_size=4)),
    st.sampled_from([named, closure, len, Config, int]),
)


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(HASHABLE, inner, max_size=4),
        st.sets(HASHABLE, max_size=4),
        st.builds(Config, inner, inner),
        st.builds(Plain, inner),
        st.builds(Point, inner, inner),
        st.builds(Rows, st.lists(inner, max_size=3)),
        st.builds(collections.deque, st.lists(inner, max_size=3)),
        st.builds(closure, inner),
        st.builds(lambda x: functools.partial(named, x), inner),
        st.builds(collections.OrderedDict, st.dictionaries(HASHABLE, inner, max_size=3)),
    )


VALUES = st.recursive(FOREIGN, containers, max_leaves=12)


@LAWS
@given(VALUES)
def test_a_value_and_its_copy_are_the_same(value: Any) -> None:
    assert digest(value) == digest(copy.deepcopy(value)) == digest(value)


@LAWS
@given(VALUES, VALUES)
def test_one_part_changed_makes_another(part: Any, other: Any) -> None:
    assume(digest(part) != digest(other))
    makers: list[Callable[[Any], Any]] = [
        lambda x: [x],
        lambda x: (1, x),
        lambda x: {"k": x},
        lambda x: [[{"a": (x,)}]],
        lambda x: Config(1, x),
        Plain,
        closure,
        lambda x: functools.partial(named, x),
        lambda x: Rows([x]),
        lambda x: Point(x, 1),
        lambda x: collections.OrderedDict(a=x),
        lambda x: [x, None],
    ]
    for make in makers:
        assert digest(make(part)) != digest(make(other))
    changed = [digest(make(part)) for make in makers]
    assert len(set(changed)) == len(changed), "no two kinds of container meet"


@LAWS
@given(VALUES)
def test_a_container_is_not_its_content(value: Any) -> None:
    wrapped = [
        digest(x) for x in (value, [value], (value,), [[value]], {"a": value}, [value, value])
    ]
    assert len(set(wrapped)) == len(wrapped)


@LAWS
@given(ATOMS, ATOMS)
def test_atoms_are_the_same_exactly_if_type_and_value_are(one: Any, other: Any) -> None:
    def exact(value: Any) -> Any:
        if isinstance(value, float):
            return ("f", "nan" if value != value else value.hex())
        if isinstance(value, complex):
            return ("c", exact(value.real), exact(value.imag))
        return (type(value).__name__, value)

    assert (digest(one) == digest(other)) is (exact(one) == exact(other))


@LAWS
@given(st.dictionaries(HASHABLE, ATOMS, max_size=6), st.randoms(use_true_random=False))
def test_order_of_dicts_and_sets_does_not_count(value: dict[Any, Any], random: Any) -> None:
    items = list(value.items())
    random.shuffle(items)
    assert digest(dict(items)) == digest(value)
    assert digest({k for k, _ in items}) == digest(set(value))


@LAWS
@given(ARRAYS, st.data())
def test_layout_of_arrays_does_not_count_and_every_byte_does(array: Any, data: Any) -> None:
    layouts = [np.array(array, order="F"), np.array(array, order="C")]
    doubled = np.repeat(array[..., None], 2, -1)
    layouts.append(doubled[..., 0])
    for layout in layouts:
        assert digest(np.asarray(layout).reshape(array.shape)) == digest(array)
    if not array.size or array.dtype.itemsize == 0:
        return
    changed = array.copy(order="C")
    place = data.draw(st.integers(0, changed.nbytes - 1))
    raw = changed.reshape(-1).view("u1")
    raw[place] ^= 1
    if (
        changed.tobytes() != array.tobytes()
        and array.dtype.char not in "gG"
        and array.dtype.fields is None
    ):
        assert digest(changed) != digest(array)


@pytest.mark.skipif(torch is None, reason="torch is not installed")
@LAWS
@given(npst.array_shapes(max_dims=3, max_side=5), st.data())
def test_strides_of_tensors_do_not_count(shape: tuple[int, ...], data: Any) -> None:
    tensor = torch.arange(int(np.prod(shape))).reshape(shape)
    order = data.draw(st.permutations(range(len(shape))))
    moved = tensor.permute(order)
    assert digest(moved) == digest(moved.contiguous())
    assert digest(tensor) != digest(tensor + 1)


def spelled(a: Any, b: Any = 2, *, c: Any = 3) -> None: ...


@LAWS
@given(ATOMS, ATOMS, ATOMS)
def test_spelling_of_a_call_does_not_count(a: Any, b: Any, c: Any) -> None:
    shape = CallShape.of(spelled)
    spellings = [
        ((a, b), {"c": c}),
        ((a,), {"c": c, "b": b}),
        ((), {"b": b, "c": c, "a": a}),
    ]
    assert len({shape.identify(args, kwargs).cid for args, kwargs in spellings}) == 1
    assert shape.identify((a,), {}).cid == shape.identify((a, 2), {"c": 3}).cid


@LAWS
@given(st.permutations(range(3)), st.lists(ATOMS, min_size=3, max_size=3, unique_by=digest))
def test_arguments_do_not_trade_places(order: list[int], values: list[Any]) -> None:
    assume(order != [0, 1, 2])
    shape = CallShape.of(spelled)
    one = shape.identify(tuple(values[:2]), {"c": values[2]}).cid
    moved = [values[k] for k in order]
    assert shape.identify(tuple(moved[:2]), {"c": moved[2]}).cid != one


SMALL = st.recursive(
    ATOMS.filter(lambda x: x is not ...),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner),
        st.dictionaries(st.text(max_size=3), inner, max_size=3),
    ),
    max_leaves=8,
)


@LAWS
@given(SMALL)
def test_small_arguments_survive_exactly(value: Any) -> None:
    raw = encode_arguments(inspect.signature(lambda x: None).bind(value))
    assert len(raw) <= 4096
    if raw:
        assert digest(decode_arguments(raw)["x"]) == digest(value)


@LAWS
@given(st.floats(allow_nan=False), st.sampled_from([1e-6, 1e-2, 0.5]))
def test_a_bucket_is_no_wider_than_said(value: float, rel: float) -> None:
    near, far = close(rel=rel), value * (1 + rel) ** 1.5
    assume(far not in (value, float("inf"), -float("inf")) and abs(value) > 1e-300)
    assert near.canonical(value, "x") == near.canonical(value, "x") != near.canonical(far, "x")


@pytest.mark.parametrize(
    "value", [decimal.Decimal("NaN"), fractions.Fraction(1), uuid.UUID(int=1), datetime.date.min]
)
def test_odd_values_are_themselves(value: Any) -> None:
    assert digest(value) == digest(copy.copy(value))
