"""Law: layout never counts, memory stays bounded, and one changed item is another value."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from xxhash import xxh3_128

from dumbo.identity import copying, digest, tiles
from dumbo.identity.arrays import content_hash, has_valueless_bytes
from dumbo.identity.copying import blocks_of

MIB = 2**20
ITEMS = ["u1", "<u2", ">u2", "f4", "f8", "c16", "S3", "U5", "V7", "M8[us]", "?"]


@dataclass(frozen=True, slots=True)
class Laid:
    """An array, with a short repr."""

    array: Any

    def __repr__(self) -> str:
        return f"{self.array.dtype} {self.array.shape} {self.array.strides}"


@st.composite
def layouts(draw: st.DrawFn) -> Laid:
    """Arrays of every layout that views can give, with content."""
    dtype = np.dtype(draw(st.sampled_from(ITEMS)))
    shape = tuple(draw(st.lists(st.integers(1, 20), min_size=1, max_size=3)))
    count = int(np.prod(shape)) * dtype.itemsize
    raw = np.random.default_rng(draw(st.integers(0, 9))).integers(0, 2, count, "u1")
    array = raw.view(dtype).reshape(shape)
    array = array.transpose(draw(st.permutations(range(array.ndim))))
    steps = st.sampled_from([1, 1, 1, 2, 3, -1, -2])
    array = array[tuple(slice(None, None, draw(steps)) for _ in array.shape)]
    if draw(st.booleans()):
        array = np.broadcast_to(array[..., None], (*array.shape, draw(st.integers(1, 4))))
    if draw(st.booleans()):
        array = np.broadcast_to(array, (draw(st.integers(1, 3)), *array.shape))
    return Laid(array)


@settings(max_examples=150, deadline=None)
@given(
    laid=layouts(),
    sizes=st.sampled_from([(64, 32, 16, 4), (4096, 512, 64, 16), (100, 50, 1, 2)]),
)
def test_blocks_are_the_c_order_bytes(laid: Laid, sizes: tuple[int, int, int, int]) -> None:
    block, run, across, near = sizes
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "BLOCK", block)
        patch.setattr(copying, "RUN", run)
        patch.setattr(copying, "_LADDER", ((run, 4 * block), (8, 8 * block)))
        patch.setattr(tiles, "_ACROSS", across)
        patch.setattr(tiles, "_BESIDE", across)
        patch.setattr(tiles, "_TILE_ITEMS", 4 * across)
        patch.setattr(tiles, "_NEAR", near)
        patch.setattr(tiles, "_SEVERAL", 1)
        patch.setattr(tiles, "_FEW", near % 16)
        patch.setattr(tiles, "_CROWDED", near)
        assert b"".join(map(bytes, blocks_of(laid.array))) == laid.array.tobytes()


def big(dtype: str, side: int) -> Any:
    return np.arange(side * side, dtype="i8").astype(dtype).reshape(side, side)


@pytest.mark.parametrize("dtype", ["u1", "f4", "f8", "c16"])
@pytest.mark.parametrize("side", [1024, 1000, 999])
def test_real_sizes_give_the_c_order_bytes(dtype: str, side: int) -> None:
    whole = big(dtype, side)
    cube = whole[:, : side // 8 * 8].reshape(side, -1, 8)
    for array in (
        whole.T,
        whole.T[::-1, ::-1],
        whole.T[::2, 1:],
        whole[:, 1:],
        whole[::-1],
        *(cube.transpose(axes) for axes in itertools.permutations(range(3))),
        np.broadcast_to(whole[0], (7, side)),
        np.broadcast_to(whole[0][:, None], (side, 70)),
        np.broadcast_to(whole[3, 3], (side, side)),
        np.lib.stride_tricks.sliding_window_view(whole[0], 50),
    ):
        assert content_hash(array) == xxh3_128(array.tobytes()).digest()


MAKERS: dict[str, Callable[[], Any]] = {
    "transposed": lambda: np.zeros((4096, 4096), "f4").T,
    "transposed bytes": lambda: np.zeros((8192, 8192), "u1").T,
    "thin": lambda: np.zeros((1 << 21, 4), "f8").T,
    "three axes": lambda: np.zeros((1 << 14, 64, 64), "u1").T,
    "every second": lambda: np.zeros(1 << 23, "f8")[::2],
    "broadcast": lambda: np.broadcast_to(np.zeros(1 << 12), (1 << 11, 1 << 12)),
    "long double": lambda: np.zeros((2048, 2048), np.longdouble).T,
    "long complex": lambda: np.zeros((1 << 21), np.clongdouble),
    "padding": lambda: np.zeros(1 << 22, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    "text": lambda: np.zeros((1024, 1024), "U16").T,
    "masked": lambda: np.ma.masked_array(np.zeros(1 << 26, "u1")),
    "objects": lambda: np.full(1 << 18, None, object),
    "strings": lambda: np.full(1 << 18, "text", np.dtypes.StringDType()),
    "plain list": lambda: [None] * (1 << 18),
    "bytearray": lambda: bytearray(1 << 26),
    "frame": lambda: pd.DataFrame(np.zeros((1 << 20, 8))),
    "nullable": lambda: pd.DataFrame({n: pd.array(np.ones(1 << 21), "Int64") for n in "abcd"}),
    "frame of text": lambda: pd.DataFrame({"a": ["text"] * (1 << 16)}),
    "polars": lambda: pl.DataFrame({"a": np.zeros(1 << 23), "b": np.zeros(1 << 23)}),
    "sparse": lambda: sp.csr_array(
        (np.ones(1 << 22), np.zeros(1 << 22, "i4"), np.arange((1 << 22) + 1, dtype="i4")),
        shape=(1 << 22, 1),
    ),
}


ITEM_BY_ITEM = {"objects", "strings", "plain list", "frame of text"}


@pytest.mark.parametrize("kind", MAKERS)
def test_a_digest_needs_little_memory_beside_the_value(kind: str) -> None:
    value = MAKERS[kind]()
    tracemalloc.start()
    try:
        digest(value)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < (2 if kind in ITEM_BY_ITEM else 20) * MIB, f"{peak / MIB:.0f} MiB"


# Odd arrays. Each row: values that are the same, and one that is not.


class Named(np.ndarray):
    def __array_finalize__(self, source: object) -> None:
        self.unit = getattr(source, "unit", "m")

    def reshape(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("a subclass may mean something else by this")

    view = copy = ravel = reshape  # type: ignore[assignment]  # as above


def named(unit: str) -> Any:
    made = np.ndarray.view(np.arange(40_000.0), Named)
    made.unit = unit
    return made


def overlapping(tail: int) -> Any:
    """Fields that share bytes, and bytes that belong to no field, as many as are shared."""
    dtype = np.dtype(
        {"names": ["a", "b"], "formats": ["i4", "i4"], "offsets": [0, 2], "itemsize": 8}
    )
    raw = np.zeros((3, 8), "u1")
    raw[:, 0], raw[:, 7] = 1, tail
    return raw.reshape(-1).view(dtype)


def holding_itself(last: int) -> Any:
    array = np.empty(2, object)
    array[0], array[1] = array, last
    return array


def readonly(array: Any) -> Any:
    array.flags.writeable = False
    return array


NAN = np.array([0x7FF8000000000001, 0xFFF8000000000000], "u8").view("f8")
ZERO_STRIDE = np.lib.stride_tricks.as_strided(np.zeros(1), (0, 3), (-8, 0))
WINDOW = np.lib.stride_tricks.as_strided(np.arange(6.0), (3, 4), (8, 8))
MASKED = np.ma.masked_array(np.arange(3))
TITLED = np.dtype([(("Title", "a"), "i4")])
SAME: dict[str, tuple[list[Any], Any]] = {
    "0-d": ([np.array(1.0), np.arange(3.0)[1:2].reshape(())], np.array(2.0)),
    "no items": ([np.zeros((0, 3)), ZERO_STRIDE, np.zeros((3, 0)).T], np.zeros((3, 0))),
    "broadcast": ([np.ones((3, 4)), np.broadcast_to(1.0, (3, 4))], np.ones((4, 3))),
    "overlapping views": ([WINDOW, WINDOW.copy()], np.arange(12.0).reshape(3, 4)),
    "big-endian": (
        [np.arange(3, dtype=">i4")[::-1], np.array([2, 1, 0], ">i4")],
        np.arange(3)[::-1],
    ),
    "subclass": ([named("m"), named("m")], named("ft")),
    "shared bytes": ([overlapping(0), overlapping(9)], overlapping(0)[:2]),
    "title": ([np.zeros(2, TITLED), np.zeros(4, TITLED)[::2]], np.zeros(2, [("a", "i4")])),
    "itself": ([holding_itself(1), holding_itself(1)], holding_itself(2)),
    "date units": ([np.array(["2020"], "M8[D]")], np.array(["2020"], "M8[s]")),
    "not a time": ([np.array(["NaT"], "M8[s]"), np.array(["NaT"], "M8[s]")], np.zeros(1, "M8[s]")),
    "nan payload": ([NAN[:1], NAN[:1].copy()], NAN[1:]),
    "negative zero": ([np.array([-0.0]), -np.zeros(1)], np.zeros(1)),
    "masked, empty": ([np.ma.masked_array([]), np.ma.masked_array([])], np.array([])),
    "no mask": ([MASKED, np.ma.masked_array(np.arange(3), [False] * 3)], MASKED.filled()),
    "masked, all": ([np.ma.masked_array([1], [True])], np.ma.masked_array([1], [False])),
    "read-only": ([np.arange(3), readonly(np.arange(3))], np.arange(3)[::-1]),
    "object": ([np.array([1, None]), np.array([1, 0, None])[::2]], np.array([None, 1])),
    "object, 0-d": ([np.array(None), np.array(None)], np.array(1, object)),
    "nested object": (
        [np.array([(1, [2])], [("a", "i4"), ("b", "O")]) for _ in range(2)],
        np.array([(1, [3])], [("a", "i4"), ("b", "O")]),
    ),
    "no bytes": ([np.zeros(3, "V0"), np.zeros(3, "V0")], np.zeros(2, "V0")),
}


@pytest.mark.parametrize("kind", SAME)
def test_odd_arrays(kind: str) -> None:
    same, other = SAME[kind]
    digests = {digest(value) for value in same}
    assert len(digests) == 1
    assert digest(other) not in digests


def test_bytes_of_no_field_are_found_where_fields_overlap() -> None:
    assert has_valueless_bytes(overlapping(0).dtype)
    shared = np.dtype({"names": ["a", "b"], "formats": ["i4", "i2"], "offsets": [0, 0]})
    assert not has_valueless_bytes(shared)
    out_of_order = np.dtype({"names": ["a", "b"], "formats": ["i4", "i4"], "offsets": [4, 0]})
    assert not has_valueless_bytes(out_of_order)


@given(st.integers(0, 2**21 - 1), st.sampled_from(["u1", "f4", "f8"]))
@settings(max_examples=30, deadline=None)
def test_one_item_anywhere_counts(place: int, dtype: str) -> None:
    array = np.zeros((1 << 11, 1 << 10), dtype)
    view = array.T
    before = content_hash(view)
    array.reshape(-1)[place] = 1
    assert content_hash(view) != before
    assert content_hash(view) == content_hash(np.ascontiguousarray(view))


def test_an_exception_is_the_same_once_its_dict_was_asked_for() -> None:
    one, two = ValueError("a"), ValueError("a")
    assert vars(two) == {}
    assert digest(one) == digest(two)
    two.add_note("b")
    assert digest(one) != digest(two)


@pytest.mark.parametrize(
    "view", [memoryview(b""), memoryview(bytes(9)), memoryview(b"abcdef")[::2]]
)
def test_memory_views_are_their_bytes(view: memoryview) -> None:
    assert digest(view) == digest(memoryview(view.tobytes()))
    assert digest(bytearray(view)) == digest(bytearray(view.tobytes()))


def test_what_is_broadcast_along_the_first_axis_is_read_as_often_as_it_counts() -> None:
    small, large = np.arange(999.0)[::3], np.arange(300_000.0)[::3]
    for part in (small, large, np.zeros((400, 500)).T):
        whole = np.broadcast_to(part, (3, *part.shape))
        assert content_hash(whole) == xxh3_128(whole.tobytes()).digest()
        assert content_hash(whole) != content_hash(np.broadcast_to(part, (2, *part.shape)))
