"""For every value: what is stored comes back exactly, and its digest is that of the value."""

from __future__ import annotations

import datetime
import decimal
import math
import struct
import tempfile
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dumbo.errors import UnidentifiableError
from dumbo.identity import value_digest
from dumbo.storage import Objects, Values
from dumbo.storage.codecs import arrays, blocks
from dumbo.storage.codecs.blocks import blocks_of, in_memory_order, inverse, stored_axes
from dumbo.storage.codecs.dtypes import describe, restore


def digest(value: object) -> str:
    """Digest of a value; empty for what is worth nothing but its effect."""
    try:
        return value_digest(value)
    except UnidentifiableError:
        return ""


QUICK = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module", params=["row", "object"])
def values(request: pytest.FixtureRequest) -> Iterator[Values]:
    """Values whose arrays stay in the row, or all leave it, in blocks of 64 bytes."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUMBO_KEY_DIR", f"{folder}/keys")
        if request.param == "object":
            patch.setattr(arrays, "INLINE_BYTES", -1)
            patch.setattr("dumbo.storage.values.INLINE_BYTES", -1)
            patch.setattr(blocks, "BLOCK_BYTES", 64)
        yield Values(Objects(Path(folder)))


DTYPES = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?"),
    hnp.complex_number_dtypes(endianness="?"),
    hnp.datetime64_dtypes(endianness="?"),
    hnp.timedelta64_dtypes(endianness="?"),
    hnp.byte_string_dtypes(endianness="?", max_len=5),
    hnp.unicode_string_dtypes(endianness="?", max_len=5),
    hnp.array_dtypes(max_size=3),
    hnp.nested_dtypes(max_itemsize=200),
)


@st.composite
def any_array(draw: st.DrawFn) -> np.ndarray:
    dtype = draw(DTYPES)
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
    count = math.prod(shape) * np.dtype((dtype, ())).itemsize if dtype.subdtype else None
    if dtype.hasobject or count is not None:
        return np.zeros(shape, dtype)
    raw = draw(st.binary(min_size=4, max_size=40))
    need = math.prod(shape) * dtype.itemsize
    content = (raw * (need // len(raw) + 1))[:need]
    if dtype.kind in "USb":
        content = bytes(byte & 1 for byte in content)  # code points, and bools, of all kinds
    return np.ndarray(shape, dtype, buffer=bytearray(content or b"\0"))


@st.composite
def any_view(draw: st.DrawFn) -> np.ndarray:
    array = draw(any_array())
    if array.ndim and draw(st.booleans()):
        array = array.transpose(draw(st.permutations(range(array.ndim))))
    for axis in range(array.ndim):
        step = draw(st.sampled_from([1, 1, 1, 2, -1, -2]))
        array = np.moveaxis(np.moveaxis(array, axis, 0)[::step], 0, axis)
    if draw(st.booleans()) and array.ndim < 4:
        array = np.broadcast_to(array, (2, *array.shape))
    return np.asfortranarray(array) if draw(st.booleans()) else array


@QUICK
@given(any_view())
def test_any_array_of_any_strides_comes_back_bit_for_bit(values: Values, array: np.ndarray) -> None:
    stored = values.store(array)
    found: Any = values.load(stored)
    assert type(found) is np.ndarray
    assert (found.dtype, found.dtype.str, found.shape) == (
        array.dtype,
        array.dtype.str,
        array.shape,
    )
    assert np.ascontiguousarray(found).tobytes() == np.ascontiguousarray(array).tobytes()
    assert stored.digest == digest(array)
    assert found.flags.c_contiguous or not array.flags.c_contiguous
    assert found.flags.f_contiguous or not array.flags.f_contiguous
    assert stored.nbytes == array.nbytes


@QUICK
@given(DTYPES)
def test_a_dtype_is_described_exactly_or_not_at_all(dtype: np.dtype[Any]) -> None:
    description = describe(dtype)
    if description is not None:
        back = restore(description)
        assert back == dtype
        assert back.str == dtype.str
        assert back.isalignedstruct == dtype.isalignedstruct


@QUICK
@given(any_view())
def test_blocks_are_the_bytes_in_order(array: np.ndarray) -> None:
    assert b"".join(blocks_of(array)) == np.ascontiguousarray(array).tobytes()
    turned, axes = in_memory_order(array)
    if axes:
        assert turned.flags.c_contiguous
        assert np.shares_memory(turned.transpose(inverse(axes)), array) or not array.size
        assert turned.transpose(inverse(axes)).shape == array.shape
        assert stored_axes(array.strides) == axes


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**200), 2**200),
    st.floats(),
    st.complex_numbers(),
    st.text(st.characters(codec=None), max_size=8),
    st.binary(max_size=8),
    st.binary(max_size=8).map(bytearray),
    st.floats(width=32).map(np.float32),
    hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(max_dims=2, max_side=3)),
)
SMALL = st.one_of(
    st.dates(),
    st.datetimes(timezones=st.none() | st.just(datetime.UTC)),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.uuids(),
)
KEYS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), SMALL),
    lambda keys: st.one_of(st.tuples(keys, keys), st.frozensets(keys, max_size=2)),
    max_leaves=3,
)
TREES = st.recursive(
    SCALARS,
    lambda trees: st.one_of(
        st.lists(trees, max_size=4),
        st.lists(trees, max_size=4).map(tuple),
        st.dictionaries(KEYS, trees, max_size=4),
        st.sets(KEYS, max_size=3),
        st.frozensets(KEYS, max_size=3),
        st.lists(trees, max_size=3).map(lambda items: deque(items, maxlen=5)),
        st.dictionaries(KEYS, trees, max_size=3).map(OrderedDict),
        st.dictionaries(KEYS, trees, max_size=3).map(lambda items: defaultdict(list, items)),
        trees.map(lambda shared: [shared, shared]),
        trees.map(lambda shared: {"a": shared, "b": (shared, [shared])}),
    ),
    max_leaves=12,
)


def written(value: Any) -> Any:
    """Type and bits of everything in a value, in an order of its own for sets."""
    kind = type(value)
    if kind is float:
        return ("float", struct.pack("<d", value))
    if kind is complex:
        return ("complex", struct.pack("<2d", value.real, value.imag))
    if isinstance(value, (np.ndarray, np.generic)):
        return (kind.__name__, value.dtype.str, value.shape, value.tobytes())
    if kind in {dict, OrderedDict, defaultdict}:
        return (kind.__name__, [(written(k), written(v)) for k, v in value.items()])
    if kind in {set, frozenset}:
        return (kind.__name__, sorted(map(repr, map(written, value))))
    if kind in {list, tuple, deque}:
        return (kind.__name__, [written(item) for item in value])
    return (kind.__name__, str(value) if kind is decimal.Decimal else value)


def shapes(value: Any, path: tuple[int, ...] = (), seen: Any = None) -> dict[Any, Any]:
    """For each mutable object that is met again: where it was met first."""
    seen = {} if seen is None else seen
    found: dict[Any, Any] = {}
    if type(value) in {list, dict, OrderedDict, defaultdict, deque, bytearray, np.ndarray}:
        if id(value) in seen:
            return {path: seen[id(value)]}
        seen[id(value)] = path
    items = list(value.values()) if isinstance(value, dict) else value
    if isinstance(value, list | tuple | dict | deque):
        for number, item in enumerate(items):
            found |= shapes(item, (*path, number), seen)
    return found


@QUICK
@given(TREES)
def test_any_tree_comes_back_exactly_with_its_aliases(values: Values, tree: Any) -> None:
    stored = values.store(tree)
    found = values.load(stored)
    assert written(found) == written(tree)
    assert shapes(found) == shapes(tree)
    assert stored.digest == digest(tree)


@QUICK
@given(TREES)
def test_any_item_described_alone_is_the_item_of_the_whole(values: Values, tree: Any) -> None:
    stored = values.store(tree)
    if not values.has_items(stored) or isinstance(tree, (set, frozenset)):
        return
    for key in values.keys(stored):
        item = values.item(stored, key)
        whole = tree[key] if key == key else next(v for k, v in tree.items() if k != k)
        if key == key:
            assert written(values.load(item)) == written(whole)
            assert item.digest == digest(whole)
