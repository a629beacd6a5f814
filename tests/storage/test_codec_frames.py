"""Frames of pandas, polars and pyarrow, and images: exact, and without pickle."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dumbo.errors import UncacheableError, ValueLostError
from dumbo.identity import value_digest as digest
from dumbo.storage import Pickles, Values
from dumbo.testing import CodecTests, check_codec

pd: Any = pytest.importorskip("pandas", reason="an optional library")
N = 7


def columns() -> dict[str, Any]:
    return {
        "int": np.arange(N),
        "float": np.arange(N) / 3,
        "float too": -np.arange(N) / 3.0,
        "f2": np.arange(N).astype("f2"),
        "complex": np.arange(N) * 1j,
        "bool": np.arange(N) > 3,
        "text": [*"abcdef", None],
        "string": pd.array([*"abcdef", None], "string"),
        "dates": pd.date_range("2020", periods=N),
        "berlin": pd.date_range("2020", periods=N, tz="Europe/Berlin"),
        "utc": pd.date_range("2020", periods=N, tz="UTC", unit="s"),
        "offset": pd.date_range("2020", periods=N, tz=dt.timezone(dt.timedelta(hours=2))),
        "spans": pd.timedelta_range("1s", periods=N),
        "categories": pd.Categorical([*"abcabc", None], categories=list("cbaz"), ordered=True),
        "unordered": pd.Categorical([1, 2, 1, 2, 1, 2, 1]),
        "Int64": pd.array([1, None, 3, 4, 5, 6, 7], "Int64"),
        "Float32": pd.array([1, None, 3, 4, 5, 6, 7], "Float32"),
        "boolean": pd.array([True, None, *[False] * 5], "boolean"),
        "periods": pd.period_range("2020", periods=N, freq="M"),
        "intervals": pd.interval_range(0, N, closed="left"),
        "sparse": pd.arrays.SparseArray([0, 0, 1, 0, 0, 2, 0]),
        "blocks": pd.arrays.SparseArray([np.nan, 1.0] + [np.nan] * 5, kind="block"),
        "objects": pd.Series([1, "x", None, 2.5, dt.date(2020, 1, 1), (1, 2), b"x"], dtype=object),
    }


def frames() -> dict[str, Any]:
    frame = pd.DataFrame(columns())
    numbers = frame[["int", "float"]]
    noted = numbers.copy()
    noted.attrs = {"source": ["a", {"b": 1}]}
    twice = numbers.set_axis(["x", "x"], axis=1)
    labels = pd.MultiIndex.from_tuples([("a", 1), ("a", 2)], names=["x", None])
    return {
        "all": frame,
        "attrs": noted,
        "no duplicates": numbers.set_flags(allows_duplicate_labels=False),
        "duplicate labels": twice,
        "labels of two levels": numbers.set_axis(labels, axis=1),
        "index of two levels": frame.set_index(["text", "int"])[["float"]],
        "dated": frame.set_index("dates")[["bool", "objects"]],
        "empty": pd.DataFrame(),
        "only an index": pd.DataFrame(index=[1, 2]),
        "only columns": pd.DataFrame(columns=["a"]),
        "no rows": frame.iloc[:0],
        "every other row": frame.iloc[::2],
        "one array": pd.DataFrame(np.arange(6).reshape(2, 3)),
        "large": pd.DataFrame(np.random.default_rng(0).random((30_000, 10))),
    }


FRAMES = frames()
SERIES = {name: pd.Series(column, name=(name, 1)) for name, column in columns().items()}
INDEXES = {
    "range": pd.RangeIndex(3, 9, 2, name=("a", 1)),
    "numbers": pd.Index([1, 2.5]),
    "text": pd.Index(["a", None], name="t"),
    "objects": pd.Index([1, "a"], dtype=object),
    "dates": pd.Index([dt.date(2020, 1, 1)]),
    "daily": pd.date_range("2020", periods=5, freq="D", name="q"),
    "weekdays": pd.date_range("2020", periods=5, freq="B", tz="Europe/Berlin"),
    "spans": pd.timedelta_range("1s", periods=3),
    "quarters": pd.period_range("2020", periods=3, freq="Q-NOV"),
    "intervals": pd.interval_range(0, 4, closed="both"),
    "categories": pd.CategoricalIndex(["a", "b", "a"], ordered=True, name="u"),
    "levels": pd.MultiIndex.from_product([["b", "a"], [1, 2]], names=["x", None]),
    "no levels": pd.MultiIndex.from_arrays([[], []]),
    "Int32": pd.Index(pd.array([1, None], "Int32")),
    "no dates": pd.DatetimeIndex([], dtype="M8[s]"),
}
SCALARS = {
    "naive": pd.Timestamp("2020-01-01 00:00:00.123456789"),
    "berlin": pd.Timestamp("2020", tz="Europe/Berlin"),
    "folded": pd.Timestamp(
        year=2020, month=10, day=25, hour=2, minute=30, fold=1, tz="Europe/Berlin"
    ),
    "seconds": pd.Timestamp(5, unit="s"),
    "span": pd.Timedelta("1s"),
    "period": pd.Period("2020", freq="Y-JAN"),
    "interval": pd.Interval(1, 2.5),
}
EVERYTHING = {
    f"{kind} {name}": value
    for kind, group in (("frame", FRAMES), ("series", SERIES), ("index", INDEXES), ("", SCALARS))
    for name, value in group.items()
}


def facts(value: Any) -> list[Any]:
    """What pandas' own comparison does not look at."""
    names = ("freq", "tz", "unit", "fold", "names", "name", "attrs", "dtype", "sortorder")
    found = [repr(getattr(value, name, None)) for name in names]
    if isinstance(value, pd.DataFrame):
        found += [*map(repr, value.dtypes), *facts(value.index), *facts(value.columns)]
    if isinstance(value, pd.DataFrame | pd.Series):
        found += [value.flags.allows_duplicate_labels]
    return found


def same(a: Any, b: Any) -> bool:
    if type(a) is not type(b) or facts(a) != facts(b):
        return False
    if isinstance(a, pd.DataFrame):
        pd.testing.assert_frame_equal(a, b, check_exact=True, check_freq=True)
    elif isinstance(a, pd.Series):
        pd.testing.assert_series_equal(a, b, check_exact=True, check_freq=True)
    elif isinstance(a, pd.Index):
        pd.testing.assert_index_equal(a, b, exact=True, check_exact=True)
    else:
        return bool(a == b)
    return True


class TestPandas(CodecTests):
    codec = "pandas/1"

    def values(self) -> list[Any]:
        return [*FRAMES.values(), INDEXES["levels"], SERIES["categories"], SCALARS["folded"]]

    def same(self, a: Any, b: Any) -> bool:
        return same(a, b)

    # Each lie is told of each fact: many frames would only take time.
    def test_a_row_that_lies_is_an_error_of_dumbo(self, tmp_path: Any) -> None:
        few = [SERIES["categories"], FRAMES["attrs"], INDEXES["levels"]]
        check_codec("pandas/1", few, same=same, fresh=False)


@pytest.mark.parametrize("value", EVERYTHING.values(), ids=EVERYTHING.keys())
def test_every_kind_comes_back_without_pickle(values: Values, value: Any) -> None:
    strict = Values(values.objects, Pickles.NEVER)
    stored = strict.store(value)
    assert stored.codec == "pandas/1"
    found: Any = strict.load(stored)
    assert same(value, found)
    assert stored.digest == digest(value) == digest(found)


def test_a_large_frame_is_one_array_that_is_mapped(values: Values) -> None:
    stored = values.store(FRAMES["large"])
    assert len(values.objects_of(stored)) == 1
    assert values.is_lazy(stored)
    assert stored.nbytes < 1.01 * FRAMES["large"].to_numpy().nbytes
    found: Any = values.load(stored)
    assert not found.to_numpy().flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        found.iloc[0, 0] = 5.0
    mine = found.copy()
    mine.iloc[0, 0] = 5.0
    assert values.load(stored).iloc[0, 0] != 5.0  # type: ignore[attr-defined] # a frame
    assert not values.is_lazy(values.store(pd.Series(["x" * 50] * 1000)))


class Mine(pd.DataFrame):
    """A subclass may do anything."""


def test_what_is_not_exact_is_left_to_pickle(values: Values) -> None:
    holidays = pd.bdate_range("2020-01-01", periods=5, freq="C", holidays=["2020-01-02"])
    shared = pd.Series([[1], [2]])
    attrs = pd.Series([1])
    attrs.attrs = {"note": Mine}
    for value in (Mine({"a": [1]}), holidays, shared, attrs, pd.NaT):
        assert values.store(value).codec == "pickle/1"
    found: Any = values.load(values.store(holidays))
    assert found.freq == holidays.freq


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("categories", {"codes": np.array([9] * N, "i1")}),
        ("categories", {"codes": np.array([1.5] * N)}),
        ("berlin", {"zone": ["zone", "../x"]}),
        ("berlin", {"unit": "D"}),
        ("berlin", {"since": np.zeros(3)}),
        ("Int64", {"mask": np.zeros(3, bool)}),
        ("Int64", {"mask": np.zeros(N)}),
        ("periods", {"freq": "nonsense"}),
        ("intervals", {"closed": "ajar"}),
        ("sparse", {"places": np.array([1, 99], "i4")}),
        ("sparse", {"places": np.array([5], "i4")}),
        ("string", {"storage": "os"}),
        ("int", {"data": np.arange(3)}),
        ("int", {"kind": "eval"}),
        ("int", {"data": "text"}),
    ],
    ids=str,
)
def test_columns_that_lie_are_refused(values: Values, name: str, change: dict[str, Any]) -> None:
    codec: Any = values.codec_named("pandas/1")
    parts = codec.take(SERIES[name]).parts
    parts = {**parts, "column": {**parts["column"], **change}}
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        codec.make(parts)


def test_frames_that_lie_are_refused(values: Values) -> None:
    codec: Any = values.codec_named("pandas/1")
    parts = codec.take(FRAMES["attrs"]).parts
    levels = codec.take(INDEXES["levels"]).parts["index"]
    for change in (
        {"groups": parts["groups"][:1]},
        {"groups": [{"kind": "numpy", "data": np.zeros((3, 2))}]},
        {"groups": [{"kind": "numpy", "data": np.zeros((N, 1, 2))}]},
        {"index": {"kind": "RangeIndex", "range": [1], "name": None}},
        {"index": {**levels, "codes": [np.array([9] * N), np.zeros(N, "i8")]}},
        {"index": {"kind": "Mine", "column": parts["groups"][0], "name": None, "freq": None}},
        {"columns": {"kind": "RangeIndex", "range": range(3), "name": None}},
        {"attrs": 5},
        {"kind": "series"},
    ):
        with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
            codec.make({**parts, **change})


# polars


def polars_frame() -> Any:
    pl = pytest.importorskip("polars", reason="an optional library")
    berlin = dt.datetime(2020, 1, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
    return pl.DataFrame(
        {
            "a": [1, None],
            "b": ["x" * 20, None],
            "c": [[1], [2, 3]],
            "d": [{"u": 1}, {"u": None}],
            "e": [dt.date(2020, 1, 1)] * 2,
            "f": [float("nan"), -0.0],
            "g": [berlin, None],
            "h": [dt.timedelta(1), None],
            "i": [dt.time(1), None],
            "j": pl.Series(["a", "b"], dtype=pl.Categorical),
            "k": pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"])),
            "l": pl.Series([1, 2], dtype=pl.Decimal(10, 2)),
            "m": [b"x", None],
            "n": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int8, 2)),
            "o": [None, None],
        }
    )


def same_polars(a: Any, b: Any) -> bool:
    testing = pytest.importorskip("polars.testing", reason="an optional library")
    if hasattr(a, "schema"):
        testing.assert_frame_equal(a, b, check_exact=True)
        return bool(a.schema == b.schema)
    testing.assert_series_equal(a, b, check_exact=True)
    return True


def test_polars_frames_and_series_come_back_without_pickle(values: Values) -> None:
    pl = pytest.importorskip("polars", reason="an optional library")
    strict = Values(values.objects, Pickles.NEVER)
    frame = polars_frame()
    large = pl.DataFrame({"a": np.arange(100_000.0)})
    for value in (frame, *frame.get_columns(), large, frame.clear(), pl.DataFrame()):
        stored = strict.store(value)
        assert stored.codec == "polars/1"
        assert same_polars(value, strict.load(stored))
        assert stored.digest == digest(value)
        assert (stored.meta["shape"], stored.meta["len"]) == (list(value.shape), len(value))


class TestPolars(CodecTests):
    codec = "polars/1"

    def values(self) -> list[Any]:
        pl = pytest.importorskip("polars", reason="an optional library")
        return [polars_frame()[["a", "b", "f"]], pl.Series("x", [1.5, None])]

    def same(self, a: Any, b: Any) -> bool:
        return same_polars(a, b)


def test_a_plan_is_refused(values: Values) -> None:
    with pytest.raises(UncacheableError, match="collect"):
        values.store(polars_frame().lazy())


def test_another_frame_than_the_row_says_is_a_lost_value(values: Values) -> None:
    stored = values.store(polars_frame())
    for lie in ({"shape": [3, 15]}, {"series": True}, {"shape": None}):
        with pytest.raises(ValueLostError):
            values.load(replace(stored, meta={**stored.meta, **lie}))


# pyarrow


def arrow_values() -> list[Any]:
    pa = pytest.importorskip("pyarrow", reason="an optional library")
    table = pa.table(
        {
            "a": [1, None],
            "b": ["x", None],
            "c": [[1], [2, 3]],
            "d": pa.array(["u", "v"]).dictionary_encode(),
        },
        metadata={"k": "v"},
    )
    large = pa.table({"a": np.arange(300_000.0)})
    some = [pa.array([1, None]), pa.chunked_array([["x"], ["y"]]), pa.array([]), pa.table({})]
    return [table, large, table.to_batches()[0], *some]


def same_arrow(a: Any, b: Any) -> bool:
    facts = [(type(x), getattr(x, "schema", None), getattr(x, "num_chunks", 0)) for x in (a, b)]
    return facts[0] == facts[1] and bool(a.equals(b))


class TestArrow(CodecTests):
    codec = "arrow/1"

    def values(self) -> list[Any]:
        return arrow_values()

    def same(self, a: Any, b: Any) -> bool:
        return same_arrow(a, b)

    # A fresh process compares by pickle's copy, for which tables have no digest.
    def test_values_come_back_in_a_fresh_process(self, tmp_path: Any) -> None:
        check_codec("arrow/1", arrow_values()[:1], same=same_arrow, fresh=False)


def test_columns_of_arrow_stay_columns_of_arrow(values: Values) -> None:
    pa = pytest.importorskip("pyarrow", reason="an optional library")
    strict = Values(values.objects, Pickles.NEVER)
    frame = pd.DataFrame(
        {
            "a": pd.array([1, None], dtype=pd.ArrowDtype(pa.int64())),
            "b": pd.array(["x", None], dtype="string[pyarrow]"),
            "c": pd.array(["x", None], dtype="string[python]"),
        }
    )
    found: Any = strict.load(strict.store(frame))
    pd.testing.assert_frame_equal(found, frame)
    assert list(map(repr, found.dtypes)) == list(map(repr, frame.dtypes))


# images


def images() -> list[Any]:
    image = pytest.importorskip("PIL.Image", reason="an optional library")
    noise = np.random.default_rng(0).integers(0, 256, (20, 33, 3), "u1")
    made = [
        image.new(mode, (33, 20))
        for mode in ["1", "L", "LA", "RGB", "RGBA", "P", "I", "F", "I;16", "CMYK", "HSV"]
    ]
    palette = image.new("P", (3, 2), 5)
    palette.putpalette(bytes(range(256)) * 3)
    palette.info["transparency"] = 5
    noted = image.fromarray(noise)
    noted.info["dpi"] = (72, 72)
    return [
        *made,
        palette,
        noted,
        image.fromarray(np.zeros((300, 300), "u1")),
        image.new("L", (0, 3)),
    ]


def same_image(a: Any, b: Any) -> bool:
    facts = [(type(x), x.mode, x.size, x.info, x.getpalette(), x.tobytes()) for x in (a, b)]
    return facts[0] == facts[1]


class TestImages(CodecTests):
    codec = "image/1"

    def values(self) -> list[Any]:
        return images()

    def same(self, a: Any, b: Any) -> bool:
        return same_image(a, b)


def test_smooth_images_are_pngs_and_noise_is_raw(values: Values) -> None:
    *_, noise, smooth, _ = images()
    assert values.store(smooth).nbytes < 2000
    assert values.store(noise).nbytes > 20 * 33 * 3
    for image in images():
        stored = values.store(image)
        assert stored.codec == "image/1"
        assert (stored.meta["shape"], stored.meta["dtype"]) == (
            [image.height, image.width],
            image.mode,
        )


def test_a_picture_that_claims_to_be_huge_is_refused(values: Values) -> None:
    codec: Any = values.codec_named("image/1")
    *_, smooth, _ = images()
    parts = codec.take(smooth).parts
    assert "png" in parts
    for change in (
        {"size": [10**6, 10**6]},
        {"size": [300, 301]},
        {"mode": "RGB"},
        {"mode": "eval"},
        {"png": b"not a picture"},
        {"png": parts["png"][:60]},
        {"palette": {"mode": "RGB", "colours": b"x" * 10**4}},
    ):
        with pytest.raises((ValueError, TypeError, KeyError)):
            codec.make({**parts, **change})
    with pytest.raises(ValueError, match="no image"):
        codec.make({**{k: v for k, v in parts.items() if k != "png"}, "raw": np.zeros(9, "u1")})


def test_an_open_image_file_is_left_to_pickle(values: Values, tmp_path: Any) -> None:
    image = pytest.importorskip("PIL.Image", reason="an optional library")
    path = tmp_path / "a.png"
    image.new("RGB", (3, 2)).save(path)
    with image.open(path) as opened:
        assert values.store(opened).codec == "pickle/1"
