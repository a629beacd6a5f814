"""Arrays, tensors, frames, sparse: content counts, layout does not."""

from __future__ import annotations

import gc
import mmap
import tracemalloc
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import scipy.special
from carried import A, Lazy
from xxhash import xxh3_128

from dumbo.errors import UnidentifiableError
from dumbo.identity import arrays, copying, digest, token
from dumbo.identity.arrays import (
    array_digest,
    content_hash,
    dtype_text,
    has_valueless_bytes,
)

DTYPES = [
    "?",
    "i1",
    "u2",
    "i4",
    ">i8",
    "f2",
    "f4",
    ">f8",
    "c8",
    "c16",
    "S3",
    "U3",
    "M8[ns]",
    "m8[D]",
    "V5",
]


def sample(dtype: str, shape: tuple[int, ...]) -> Any:
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.random.default_rng(0).integers(0, 2, count, dtype="u1").tobytes()
    return np.frombuffer(raw, dtype).reshape(shape) if count else np.zeros(shape, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (5,), (3, 4), (2, 3, 4), (0, 3)])
def test_content_is_that_of_the_c_order_bytes(dtype: str, shape: tuple[int, ...]) -> None:
    array = sample(dtype, shape)
    content = xxh3_128(array.tobytes()).digest()
    for layout in (array, np.array(array, order="F"), np.repeat(array[..., None], 2, -1)[..., 0]):
        assert content_hash(layout) == content
        assert digest(layout) == array_digest(dtype_text(array.dtype), shape, content)


def test_blocks_of_every_layout_are_hashed_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "BLOCK", 1000)
    base = np.random.default_rng(0).random((7, 40, 60))
    for array in (
        base.T,
        base[::2, ::3],
        base[:, :, 1:],
        base.transpose(1, 0, 2),
        base[::-1],
        base.T[::-1, ::-2],
        base.transpose(2, 0, 1)[:, :1],
        np.broadcast_to(base[0], (3, 40, 60)),
    ):
        assert content_hash(array) == xxh3_128(array.tobytes()).digest()


@pytest.mark.slow
def test_extra_memory_is_bounded_for_any_layout() -> None:
    array = np.zeros((4096, 8192), "f4").T  # 128 MiB, against the grain
    tracemalloc.start()
    content_hash(array)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 2**20


def test_padding_carries_no_value() -> None:
    dtype = np.dtype([("a", "i1"), ("b", "f8"), ("c", [("d", "i1"), ("e", "i4")])], align=True)
    assert has_valueless_bytes(dtype)
    assert not has_valueless_bytes(np.dtype([("a", "i1"), ("b", "f8")]))
    assert has_valueless_bytes(np.dtype([("a", dtype, (2,))]))
    one, two = np.zeros(4, dtype), np.zeros(4, dtype)
    one.view("u1")[:] = 0xFF
    for array in (one, two):
        array["a"], array["b"] = 1, 2.0
        array["c"]["d"], array["c"]["e"] = 3, 4
    assert one.tobytes() != two.tobytes()
    assert digest(one) == digest(two)
    two["c"]["e"][2] = 5
    assert digest(one) != digest(two)
    gap = np.dtype({"names": ["a"], "formats": ["i2"], "offsets": [2], "itemsize": 6})
    assert dtype_text(gap) == "{a@2:<i2;6}"


def test_unused_bytes_of_long_doubles_carry_no_value() -> None:
    one = np.zeros((2, 3), np.longdouble)
    two = np.empty_like(one)
    two.view("u1")[:] = 0xFF
    two[:] = 0
    assert digest(one) == digest(two) != digest(one + np.longdouble("1e-18"))
    assert digest(one.astype(np.clongdouble)) == digest(two.astype(np.clongdouble))
    assert digest(np.longdouble(1)) == digest(np.longdouble(1)) != digest(np.longdouble(2))
    swapped = one.astype(one.dtype.newbyteorder())
    assert digest(swapped) == digest(swapped.copy()) != digest(one)


def test_dtype_texts_tell_dtypes_apart() -> None:
    dtypes: list[Any] = [
        "f8",
        ">f8",
        "U3",
        "S3",
        "M8[ns]",
        "M8[s]",
        "V8",
        [("a", "f8")],
        [("b", "f8")],
        [("a", "f8", (2,))],
        [("a", "f4")],
        [(("title", "a"), "f8")],
        [("a@0:<f8", "f8")],
        [("a", [("b", "f8")])],
        "O",
    ]
    assert len({dtype_text(np.dtype(d)) for d in dtypes}) == len(dtypes)
    assert digest(np.dtype("f8")) == digest(np.dtype(float)) != digest(np.dtype("f4"))
    assert digest(np.dtype("f8", metadata={"a": 1})) != digest(np.dtype("f8"))


def test_object_and_string_arrays_go_by_items() -> None:
    array = np.array([[1, "a"], [None, (1, 2)]], object)
    assert digest(array) == digest(array.copy()) == digest(np.asfortranarray(array))
    assert digest(array) != digest(array.T)
    held = np.empty(1, object)
    held[0] = Lazy(A)
    assert token(held, name="x").uses[0].cid == A
    text = np.array(["a", "bc"], np.dtypes.StringDType())
    assert digest(text) == digest(text.copy()) != digest(np.array(["a", "bc"]))


def test_scalars_are_dtype_and_value() -> None:
    assert digest(np.float64("nan")) == digest(-np.float64("nan"))
    values = [
        np.float32(1),
        np.float64(1),
        np.int64(1),
        np.str_("1"),
        np.bytes_(b"1"),
        np.bool_(1),
        np.complex64(1),
        np.datetime64(1, "s"),
        np.datetime64(1, "ms"),
        np.timedelta64(1, "s"),
        np.zeros(1, [("a", "i4")])[0],
        np.array(1),
    ]
    assert len({digest(v) for v in values}) == len(values)
    void = np.array([(1, None)], [("a", "i4"), ("b", object)])[0]
    assert digest(void) == digest(void.copy())


def test_subclasses_of_arrays(tmp_path: Path) -> None:
    plain = np.arange(5.0)
    plain.tofile(tmp_path / "a")
    mapped = np.memmap(tmp_path / "a", "f8", mode="r")
    assert digest(mapped) == digest(plain)
    masked = np.ma.masked_array([1, 2], [False, True])
    assert digest(masked) == digest(masked.copy()) != digest(np.array([1, 2]))
    assert digest(masked) != digest(np.ma.masked_array([1, 2], [False, False]))
    assert digest(np.zeros(2).view(np.recarray)) != digest(np.zeros(2))

    class Unit(np.ndarray):
        unit: str

    metres, feet = plain.view(Unit), plain.view(Unit)
    metres.unit, feet.unit = "m", "ft"
    assert digest(metres) != digest(feet)


def test_random_state_counts() -> None:
    one, two = np.random.default_rng(0), np.random.default_rng(0)
    assert digest(one) == digest(two)
    two.random()
    assert digest(one) != digest(two)
    assert digest(np.random.Generator(np.random.MT19937(0))) != digest(one)
    old = [np.random.RandomState(seed) for seed in (0, 0, 1)]
    assert digest(old[0]) == digest(old[1]) != digest(old[2])


def test_ufuncs_go_by_their_name_or_not_at_all() -> None:
    assert digest(np.add) != digest(np.subtract)
    assert digest(scipy.special.expit) != digest(scipy.special.logit)
    with pytest.raises(UnidentifiableError, match="by that name"):
        digest(np.frompyfunc(len, 1, 1))


# Once per object, or at every call.


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    log: list[int] = []
    plain = arrays.content_hash

    def counted(array: Any) -> bytes:
        log.append(id(array))
        return plain(array)

    monkeypatch.setattr(arrays, "content_hash", counted)
    return log


def test_a_writable_array_is_hashed_at_every_call(hashed: list[int]) -> None:
    array = np.zeros(10_000)
    before = digest(array)
    array[5_000] = 1
    assert digest(array) != before
    assert len(hashed) == 2


def test_an_array_nothing_can_write_to_is_hashed_once(hashed: list[int], tmp_path: Path) -> None:
    owner = np.zeros(10_000)
    owner.flags.writeable = False
    backed = np.frombuffer(bytes(80_000), "f8")
    np.zeros(10_000).tofile(tmp_path / "a")
    mapped = np.memmap(tmp_path / "a", "f8", mode="r")
    for array in (owner, owner[:5_000], backed, mapped):
        assert digest(array) == digest(array)
    assert len(hashed) == 4


def test_a_read_only_view_of_a_writable_owner_is_hashed_at_every_call(hashed: list[int]) -> None:
    owner = np.zeros(10_000)
    view = owner[:]
    view.flags.writeable = False
    before = digest(view)
    owner[7] = 1
    assert digest(view) != before
    buffer = bytearray(80_000)
    over = np.frombuffer(buffer, "f8")
    over.flags.writeable = False
    first = digest(over)
    buffer[3] = 1
    assert digest(over) != first
    with mmap.mmap(-1, 80_000) as anonymous:
        private = np.frombuffer(anonymous, "f8")
        private.flags.writeable = False
        first = digest(private)
        anonymous[3:4] = b"x"
        assert digest(private) != first
        del private
    assert len(hashed) == 6


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("place", [0, 4_999, -1])
def test_an_array_that_was_thawed_edited_and_frozen_again_is_another(
    order: Literal["C", "F"], place: int
) -> None:
    array = np.zeros((100, 100), order=order)
    array.flags.writeable = False
    first = digest(array)
    assert digest(array) == first
    array.flags.writeable = True
    # Half a row: with 64 pieces spread over 80,000 bytes a single number may fall between them.
    at = place % array.size
    array.reshape(-1, order=order)[max(at - 160, 0) : at + 160] = 1
    array.flags.writeable = False
    assert digest(array) != first


def test_what_is_remembered_goes_with_the_object() -> None:
    gc.collect()
    before = len(arrays._frozen)
    array = np.zeros(10_000)
    array.flags.writeable = False
    digest(array)
    assert len(arrays._frozen) == before + 1
    del array
    gc.collect()
    assert len(arrays._frozen) == before


# Frames.


def columns() -> dict[str, Any]:
    return {
        "int": [1, 2],
        "float": [1.5, float("nan")],
        "text": ["x", None],
        "category": pd.Categorical(["a", "b"]),
        "zoned": pd.date_range("2020", periods=2, tz="UTC"),
        "nullable": pd.array([1, None], dtype="Int64"),
        "flag": pd.array([True, None], dtype="boolean"),
        "interval": pd.interval_range(0, 2),
        "period": pd.period_range("2020", periods=2, freq="D"),
        "time": pd.date_range("2020", periods=2),
        "delta": pd.to_timedelta([1, 2]),
        "sparse": pd.arrays.SparseArray([0, 1]),
    }


def test_frames_are_index_labels_and_content() -> None:
    frame = pd.DataFrame(columns())
    assert digest(frame) == digest(frame.copy(deep=True)) == digest(pd.DataFrame(columns()))
    changes = [
        frame.iloc[::-1],
        frame[frame.columns[::-1]],
        frame.rename(columns={"int": "i"}),
        frame.set_index("int"),
        frame.astype({"int": "int32"}),
        frame.iloc[:1],
        frame.assign(text=["x", "y"]),
        frame.assign(nullable=pd.array([1, 0], dtype="Int64")),
    ]
    assert len({digest(f) for f in [frame, *changes]}) == len(changes) + 1
    noted = frame.copy()
    noted.attrs["unit"] = "m"
    assert digest(noted) != digest(frame)
    for name in columns():
        assert digest(frame[name]) == digest(frame[name].copy()), name


def test_indexes_and_small_pandas_values() -> None:
    values = [
        pd.RangeIndex(2),
        pd.Index([0, 1]),
        pd.Index([0, 1], name="a"),
        pd.date_range("2020", periods=2),
        pd.MultiIndex.from_tuples([(1, "a")]),
        pd.MultiIndex.from_tuples([(1, "b")]),
        pd.NaT,
        pd.NA,
        pd.Timestamp("2020"),
        pd.Timestamp("2020") + pd.Timedelta(1, "ns"),
        pd.Timedelta(1, "ns"),
        pd.CategoricalDtype(["a"]),
        pd.CategoricalDtype(["a"], ordered=True),
        pd.CategoricalDtype(),
        pd.Interval(0, 1),
        pd.Interval(0, 1, closed="both"),
        pd.Int64Dtype(),
        pd.array([1], dtype="Int64"),
        pd.Categorical(["a"]),
    ]
    assert len({digest(v) for v in values}) == len(values)
    assert digest(pd.CategoricalDtype(["a", "b"])) == digest(pd.CategoricalDtype(["b", "a"]))


def test_polars_frames_are_names_dtypes_and_content() -> None:
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"], "c": [[1], [2]], "d": [1.0, 2.0]})
    assert digest(frame) == digest(frame.clone())
    parts = pl.concat([frame[:1], frame[1:]], rechunk=False)
    assert digest(parts) == digest(frame)
    changes = [
        frame[::-1],
        frame.rename({"a": "z"}),
        frame.select("a"),
        frame.cast({"d": pl.Float32}),
    ]
    assert len({digest(f) for f in [frame, *changes]}) == 5
    assert digest(pl.Int64()) != digest(pl.Int32())
    assert digest(pl.col("a") + 1) == digest(pl.col("a") + 1) != digest(pl.col("a") + 2)


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "lil", "dok", "dia", "bsr"])
def test_sparse_arrays_are_format_shape_and_entries(kind: str) -> None:
    dense = np.array([[0.0, 1.0, 0.0, 2.0], [3.0, 0.0, 0.0, 0.0]])
    make = getattr(sp, f"{kind}_array")
    assert digest(make(dense)) == digest(make(dense.copy())) != digest(make(dense * 2))
    assert digest(make(dense)) != digest(getattr(sp, f"{kind}_matrix")(dense))


def test_unsorted_and_doubled_entries_do_not_count() -> None:
    tidy = sp.csr_array(np.array([[1.0, 2.0]]))
    loose = sp.csr_array((np.array([2.0, 0.5, 0.5]), np.array([1, 0, 0]), np.array([0, 3])), (1, 2))
    wide = sp.csr_array((tidy.data, tidy.indices.astype("i8"), tidy.indptr.astype("i8")), (1, 2))
    assert digest(tidy) == digest(loose) == digest(wide)
    assert loose.nnz == 3
