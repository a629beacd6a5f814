"""Values: where they go, what a row says of them, what is refused."""

from __future__ import annotations

import collections
import copy
import enum
import importlib.metadata
import io
import itertools
import sqlite3
import sys
import threading
import types
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from dumbo.errors import (
    ConfigurationError,
    NotCachedError,
    StoreFormatError,
    UncacheableError,
    UntrustedValueError,
    ValueLostError,
)
from dumbo.identity import value_digest as digest
from dumbo.records import Stored
from dumbo.storage import Keeps, Objects, Values, codecs
from dumbo.storage.base import INLINE_BYTES, Codec
from dumbo.storage.codecs import survey

BIG = np.arange(20_000.0)


class Point(NamedTuple):
    x: Any
    y: Any


class Deeper(Point):
    """A named tuple's subclass has room for attributes, so it is no plain one."""


class Thing:
    def __init__(self, part: object = None) -> None:
        self.part = part

    def __eq__(self, other: object) -> bool:
        return type(other) is Thing and other.part == self.part

    __hash__ = None  # type: ignore[assignment] # equal by content, so not hashable


class Ordered(collections.OrderedDict[str, int]):
    """A subclass may do anything."""


class Half:
    """A number of another package."""

    def __init__(self, twice: int) -> None:
        self.twice = twice


class Colour(enum.Enum):
    RED = 1


def test_small_values_stay_in_the_row_and_large_ones_leave_it(values: Values) -> None:
    for value in ("x" * INLINE_BYTES, np.zeros(INLINE_BYTES, "u1"), [1, "x"], 5):
        stored = values.store(value)
        assert stored.inline is not None
        assert (stored.object, values.objects_of(stored), values.is_lazy(stored)) == ("", (), False)
    for value, lazy in (
        ("x" * (INLINE_BYTES + 1), False),
        (np.zeros(INLINE_BYTES + 1, "u1"), True),
    ):
        stored = values.store(value)
        assert stored.inline is None
        assert values.objects_of(stored) == (stored.object,)
        assert values.is_lazy(stored) is lazy


@pytest.mark.parametrize(
    "value",
    [
        3,
        "text",
        BIG,
        BIG[::3],
        np.float32(1.5),
        np.zeros((3, 3), order="F"),
        np.asfortranarray(np.arange(10_000.0).reshape(100, 100)),
        np.zeros(3000, [("a", "i1"), ("b", "f8")]),
        np.zeros(9000, "g"),
        np.zeros(9000, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
        {"a": [BIG, {"b": BIG}], "c": (1, 2)},
        Fraction(1, 3),
        Point(1, BIG),
    ],
    ids=str,
)
def test_the_stored_digest_is_that_of_the_value(values: Values, value: object) -> None:
    stored = values.store(value)
    assert stored.digest == digest(value) == values.digest(value)
    assert stored.digest == values.digest(values.load(stored))


def test_what_has_no_digest_cannot_be_compared(values: Values) -> None:
    assert values.digest(iter([1])) == ""
    assert values.digest(threading.Lock()) == ""


@pytest.mark.parametrize(
    ("value", "meta"),
    [
        (None, {"type": "builtins:NoneType"}),
        ("abc", {"type": "builtins:str", "len": 3}),
        (
            np.zeros((2, 3), "f4"),
            {"type": "numpy:ndarray", "shape": [2, 3], "dtype": "float32", "ndim": 2, "len": 2},
        ),
        (np.int8(3), {"type": "numpy:int8", "shape": [], "dtype": "int8"}),
        ({"a": 1}, {"type": "builtins:dict", "len": 1}),
        ((1, 2), {"type": "builtins:tuple", "len": 2}),
        (Thing(), {"type": f"{__name__}:Thing"}),
        (np.ma.masked_array([1, 2], [False, True]), {"shape": [2], "len": 2, "ndim": 1}),
    ],
    ids=lambda part: type(part).__name__,
)
def test_a_row_answers_without_the_bytes(
    values: Values, value: object, meta: dict[str, object]
) -> None:
    stored = values.store(value)
    assert {key: stored.meta.get(key) for key in meta} == meta


def test_frames_and_sparse_arrays_answer_for_shape(values: Values) -> None:
    pandas = pytest.importorskip("pandas", reason="an optional library")
    sparse = pytest.importorskip("scipy.sparse", reason="an optional library")
    frame = pandas.DataFrame({"dtype": [1, 2], "shape": ["a", "b"]})
    stored = values.store(frame)
    assert (stored.meta["shape"], stored.meta["len"]) == ([2, 2], 2)
    pandas.testing.assert_frame_equal(values.load(stored), frame)
    matrix = sparse.csr_matrix(np.eye(3))
    stored = values.store(matrix)
    assert (stored.meta["shape"], stored.meta["dtype"]) == ([3, 3], "float64")
    assert "len" not in stored.meta
    both = {"frame": frame, "matrix": matrix, "loss": 0.5}
    assert values.keys(values.store(both)) == ("frame", "matrix", "loss")


def test_an_opened_array_is_a_map_that_cannot_be_written(values: Values) -> None:
    for array in (BIG, np.arange(5.0), np.asfortranarray(np.ones((100, 100)))):
        found: Any = values.load(values.store(array))
        assert type(found) is np.ndarray
        assert not found.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            found[0] = 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            found.flags.writeable = True


def test_mutable_containers_come_fresh_each_time(values: Values) -> None:
    stored = values.store({"a": [1, 2], "b": bytearray(b"x")})
    first: Any = values.load(stored)
    first["a"].append(3)
    first["b"] += b"y"
    assert values.load(stored) == {"a": [1, 2], "b": bytearray(b"x")}


def test_items_are_described_without_reading_them(values: Values, objects: Objects) -> None:
    stored = values.store({"big": BIG, "n": 3, "nested": [1, BIG, (2, [3])], 7: "seven", None: 0})
    for name in objects.names():
        objects.delete(name)
    assert values.has_items(stored)
    assert values.keys(stored) == ("big", "n", "nested", 7, None)
    big = values.item(stored, "big")
    assert (big.meta["shape"], big.nbytes, big.digest) == ([20_000], BIG.nbytes, digest(BIG))
    nested = values.item(stored, "nested")
    assert (nested.meta["type"], nested.meta["len"]) == ("builtins:list", 3)
    assert values.keys(nested) == (0, 1, 2)
    inner = values.item(nested, 2)
    assert values.load(inner) == (2, [3])
    assert inner.digest == digest((2, [3]))
    assert values.load(values.item(values.item(inner, 1), -1)) == 3
    assert values.load(values.item(stored, "n")) == 3
    assert values.load(values.item(stored, 7)) == "seven"
    assert values.item(stored, "n").digest == digest(3)
    assert nested.digest == digest([1, BIG, (2, [3])])
    assert nested.nbytes >= BIG.nbytes


def test_touching_one_item_opens_one_object(
    values: Values, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = Objects.open_object

    def open_object(self: Objects, name: str, size: int | None = None) -> Path:
        opened.append(name)
        return real(self, name, size)

    monkeypatch.setattr(Objects, "open_object", open_object)
    stored = values.store([BIG, BIG + 1, BIG + 2])
    item = values.item(stored, 1)
    assert opened == []
    assert np.array_equal(values.load(item), BIG + 1)  # type: ignore[arg-type] # an array
    assert opened == [item.object]


def test_a_manifest_too_large_for_the_row_is_an_object(values: Values) -> None:
    value = [list(range(8000)), np.arange(1000), "x" * 5000, BIG]
    stored = values.store(value)
    assert stored.inline is None
    fresh = Values(values.objects)
    assert fresh.load(fresh.item(stored, 2)) == "x" * 5000
    assert np.array_equal(fresh.load(fresh.item(stored, 1)), np.arange(1000))  # type: ignore[arg-type] # an array
    assert fresh.load(fresh.item(fresh.item(stored, 0), 7999)) == 7999
    loaded: Any = fresh.load(stored)
    assert loaded[0] == value[0]
    assert values.objects_of(stored) == (stored.object, fresh.item(stored, 3).object)
    fresh.check(stored)
    values.objects.delete(fresh.item(stored, 3).object)
    with pytest.raises(ValueLostError):
        fresh.check(stored)


@pytest.mark.parametrize("key", [9, -4, "x", None, ".x", 1.5])
def test_an_item_that_is_not_there_is_told(values: Values, key: object) -> None:
    for value in ([1, 2, 3], {"a": 1}, {1}):
        with pytest.raises(NotCachedError, match="ask keys"):
            values.item(values.store(value), key)


def test_a_set_has_no_keys_and_scalars_no_items(values: Values) -> None:
    assert values.keys(values.store({1, 2})) == ()
    stored = values.store(5)
    assert not values.has_items(stored)
    for ask in (lambda: values.keys(stored), lambda: values.item(stored, 0)):
        with pytest.raises(ConfigurationError, match="load it whole"):
            ask()


def test_nan_keys_are_found(values: Values) -> None:
    nan = float("nan")
    assert values.load(values.item(values.store({nan: "x"}), float("nan"))) == "x"


def test_named_tuples_keep_class_and_fields(values: Values) -> None:
    stored = values.store(Point(1, BIG))
    assert stored.meta["type"] == f"{__name__}:Point"
    assert stored.meta["fields"] == ["x", "y"]
    assert values.load(values.item(stored, ".x")) == values.load(values.item(stored, "x")) == 1
    assert values.item(stored, 1).meta["shape"] == [20_000]
    loaded = values.load(stored)
    assert type(loaded) is Point
    assert values.store(Deeper(1, 2)).codec == "pickle/1"


def test_a_named_tuple_imports_nothing(values: Values, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("vanishing")
    made = collections.namedtuple("Pair", "a b", module="vanishing")  # type: ignore[name-match] # a stand-in
    module.Pair = made  # type: ignore[attr-defined] # a module made here
    monkeypatch.setitem(sys.modules, "vanishing", module)
    stored = values.store(made(1, 2))
    assert stored.codec == "container/1"
    assert values.load(stored) == (1, 2)
    changed = collections.namedtuple("Pair", "a c", module="vanishing")  # type: ignore[name-match] # a stand-in
    module.Pair = changed  # type: ignore[attr-defined] # a module made here
    with pytest.raises(ValueLostError, match="other fields"):
        values.load(stored)
    module.Pair = None  # type: ignore[attr-defined] # a module made here
    with pytest.raises(UntrustedValueError):
        values.load(stored)
    monkeypatch.delitem(sys.modules, "vanishing")
    with pytest.raises(UntrustedValueError, match="import vanishing first"):
        values.load(stored)


def test_the_same_object_twice_is_one_object_again(values: Values) -> None:
    inner: list[Any] = [1]
    shared = bytearray(b"ab")
    value = {"a": inner, "b": (inner, inner), "c": [BIG, BIG], "d": [shared, shared], "e": [inner]}
    stored = values.store(value)
    found: Any = values.load(stored)
    assert found["a"] is found["b"][0] is found["b"][1] is found["e"][0]
    assert found["c"][0] is found["c"][1]
    assert found["d"][0] is found["d"][1]
    assert values.load(values.item(stored, "e")) == [[1]]
    assert values.load(values.item(values.item(stored, "e"), 0)) == [1]
    assert len(values.objects_of(stored)) == 1


def test_objects_that_could_share_parts_are_kept_together(values: Values) -> None:
    part = [1]
    for value in ([Thing(part), Thing(part)], {"a": Thing(part), "b": part}):
        stored = values.store(value)
        assert stored.codec == "pickle/1"
        found: Any = values.load(stored)
        one, two = found if isinstance(found, list) else found.values()
        assert one.part is (two.part if isinstance(two, Thing) else two)
    # Alone beside plain values it can share with nothing, and has a place of its own.
    stored = values.store({"thing": Thing(), "loss": 0.5})
    assert stored.codec == "container/1"
    assert values.load(values.item(stored, "loss")) == 0.5
    assert values.load(stored) == {"thing": Thing(), "loss": 0.5}
    assert values.store([Colour.RED, BIG, len, Thing]).codec == "container/1"


def test_what_cannot_be_taken_apart_is_kept_whole(values: Values) -> None:
    recursive: list[Any] = [1]
    recursive.append(recursive)
    deep: list[Any] = []
    for _ in range(80):
        deep = [deep]
    odd_keys = {frozenset({(1, "a")}): 1, Colour.RED: 2}
    tagged: Any = collections.Counter("ab")
    tagged.note = "mine"
    lazy_default = collections.defaultdict(Thing, {"a": 1})
    for value in (
        deep,
        odd_keys,
        {Colour.RED},
        Ordered(a=1),
        {"x" * 2000: 1},
        tagged,
        lazy_default,
    ):
        stored = values.store(value)
        assert stored.codec == "pickle/1", value
        found = values.load(stored)
        assert found == value
        assert type(found) is type(value)
    found_recursive: Any = values.load(values.store(recursive))
    assert found_recursive[1] is found_recursive
    assert values.store({(1, ("a", b"b")): 1, frozenset({1}): 2}).codec == "container/1"


LIVE: dict[str, Callable[[], object]] = {
    "generator": lambda: (x for x in "a"),
    "iterator": lambda: iter([1]),
    "zip": lambda: zip([1], [2]),
    "count": itertools.count,
    "file": lambda: io.BytesIO(b"x"),
    "lock": threading.Lock,
    "rlock": threading.RLock,
    "thread": threading.Thread,
    "module": lambda: sys,
}


@pytest.mark.parametrize("make", LIVE.values(), ids=LIVE.keys())
def test_live_handles_are_refused_with_a_remedy(values: Values, make: Callable[[], object]) -> None:
    with pytest.raises(UncacheableError, match="return its content"):
        values.store(make())
    with pytest.raises(UncacheableError):
        values.store({"inside": make(), "n": 1})


def test_coroutines_sockets_and_connections_are_refused(values: Values) -> None:
    import socket

    async def work() -> None:
        pass

    coroutine = work()
    connection = sqlite3.connect(":memory:")
    with socket.socket() as handle:
        for live in (coroutine, handle, connection):
            with pytest.raises(UncacheableError):
                values.store(live)
    connection.close()
    coroutine.close()


def test_what_pickle_does_not_take_is_refused_with_a_remedy(values: Values) -> None:
    with pytest.raises(UncacheableError, match="module level"):
        values.store(lambda: 0)


def test_a_codec_that_is_not_known_is_told(values: Values) -> None:
    for name in ("array/99", "os.system", "", "x" * 1000):
        with pytest.raises(StoreFormatError, match="upgrade dumbo"):
            values.load(Stored(name, {}, 0, ""))


class HalfCodec:
    name = "test-half/1"
    keeps = frozenset({Keeps.BITS, Keeps.NO_CODE})

    def accepts(self, value: Any) -> bool:
        return bool(value.twice >= 0)

    def store(self, value: Any, into: Any) -> Stored:
        raw = (f"{value.twice}/2".encode(),)
        kept: Stored = into.keep(self.name, {"type": "half:Half"}, raw, into.digest(value))
        return kept

    def load(self, stored: Stored, source: Any) -> object:
        return Half(int(source.fetch(stored).partition(b"/")[0]))

    def objects_of(self, stored: Stored) -> tuple[str, ...]:
        return (stored.object,) if stored.object else ()


@pytest.mark.parametrize("contributed", [HalfCodec, HalfCodec()])
def test_packages_contribute_codecs_by_entry_point(
    values: Values, monkeypatch: pytest.MonkeyPatch, contributed: Codec
) -> None:
    class Entry:
        name = f"{__name__}.Half"

        def load(self) -> object:
            return contributed

    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [Entry()])
    codecs._entry_points.cache_clear()
    try:
        stored = Values(values.objects).store(Half(3))
        assert (stored.codec, stored.inline) == ("test-half/1", b"3/2")
        found: Any = Values(values.objects).load(stored)
        assert found.twice == 3
        assert values.store(Half(-1)).codec == "pickle/1", "what it declines falls through"
    finally:
        codecs._entry_points.cache_clear()


def test_codecs_can_be_given_to_one_store_alone(values: Values) -> None:
    mine = Values(values.objects, more={f"{__name__}.Half": HalfCodec()})
    stored = mine.store([Half(3)])
    found: Any = mine.load(stored)
    assert (stored.codec, found[0].twice) == ("container/1", 3)
    with pytest.raises(StoreFormatError, match="test-half/1"):
        values.load(values.item(stored, 0))


def test_reading_a_tensor_needs_torch(values: Values, monkeypatch: pytest.MonkeyPatch) -> None:
    from dumbo.errors import MissingLibraryError

    pytest.importorskip("torch", reason="an optional library")
    from dumbo.storage.codecs import tensors

    monkeypatch.setattr(tensors.importlib.util, "find_spec", lambda name: None)  # type: ignore[attr-defined] # a module's module
    stored = Stored("tensor/1", {"type": "torch:Tensor", "shape": [0], "dtype": "float32"}, 0, "")
    with pytest.raises(MissingLibraryError, match="pip install torch"):
        values.load(stored)


def test_numpy_numbers_in_containers_are_small(values: Values) -> None:
    history = [np.float32(i) for i in range(100)]
    stored = values.store(history)
    assert stored.nbytes < 3000
    found: Any = values.load(stored)
    assert [type(x) for x in found] == [np.float32] * 100
    assert found == history
    assert values.load(values.item(stored, 3)) == np.float32(3)
    assert not survey.is_numpy_number(np.longdouble(1))


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        (5, 8, 8),
        (10**1000, 400, 450),
        ("abc", 3, 3),
        (BIG, BIG.nbytes, BIG.nbytes),
        ([BIG, BIG], BIG.nbytes, BIG.nbytes + 100),
        ({"a": BIG}, BIG.nbytes, BIG.nbytes + 100),
        (list(range(100_000)), 500_000, 2_000_000),
        (["x" * 1000] * 1000, 200_000, 2_000_000),
        (Thing(BIG), BIG.nbytes, BIG.nbytes + 200),
        ([], 0, 50),
    ],
    ids=lambda x: str(x)[:20],
)
def test_sizes_are_estimated_without_encoding(
    values: Values, value: object, low: int, high: int
) -> None:
    assert low <= values.nbytes(value) <= high


def test_sizes_of_frames_and_sparse_arrays_are_their_own(values: Values) -> None:
    pandas = pytest.importorskip("pandas", reason="an optional library")
    polars = pytest.importorskip("polars", reason="an optional library")
    sparse = pytest.importorskip("scipy.sparse", reason="an optional library")
    column = {"a": np.arange(1000.0)}
    assert 8000 <= values.nbytes(pandas.DataFrame(column)) <= 9000
    assert 8000 <= values.nbytes(pandas.Series(column["a"])) <= 9000
    assert 8000 <= values.nbytes(polars.DataFrame(column)) <= 9000
    assert 8000 <= values.nbytes(sparse.csr_matrix(np.ones((10, 50)))) <= 16_000
    assert values.nbytes(np.dtype("f8")) > 0
    tree: list[Any] = []
    for _ in range(3000):
        tree = [tree, Thing()]
    assert values.nbytes(copy.copy(tree)) > 0


HOSTILE_ARRAYS: list[dict[str, object]] = [
    {"shape": [10**18]},
    {"shape": [-1]},
    {"shape": [True]},
    {"shape": "x"},
    {"shape": [20_001]},
    {"format": "|O"},
    {"format": "O8"},
    {"format": ["struct"]},
    {"format": ["struct", {"names": ["a"]}, False]},
    {"format": ["extra", "os"]},
    {"format": ["long", "<f8", 52]},
    {"format": 3},
    {"format": None},
    {"format": [["x"]]},
    {"format": "<f4"},
    {"axes": [1]},
    {"axes": [0, 0]},
    {"axes": "x"},
]


@pytest.mark.parametrize("facts", HOSTILE_ARRAYS, ids=str)
@pytest.mark.parametrize("array", [BIG, BIG[:10]], ids=["object", "inline"])
def test_a_row_that_lies_about_an_array_is_a_lost_value(
    values: Values, array: np.ndarray, facts: dict[str, object]
) -> None:
    stored = values.store(array)
    with pytest.raises(ValueLostError):
        values.load(replace(stored, meta={**stored.meta, **facts}))


def test_a_row_that_lies_about_sizes_is_a_lost_value(values: Values) -> None:
    for value in (BIG, BIG[:10], "x" * 50_000, "abc", Thing()):
        stored = values.store(value)
        for wrong in (stored.nbytes + 8, stored.nbytes - 8):
            with pytest.raises(ValueLostError):
                values.load(replace(stored, nbytes=wrong))
    stored = values.store(list(range(9000)))
    for wrong in (stored.nbytes + 8, stored.nbytes - 8):
        with pytest.raises(ValueLostError):
            Values(values.objects).load(replace(stored, meta={**stored.meta, "manifest": wrong}))


@pytest.mark.parametrize(
    ("meta", "raw"),
    [
        ({"type": "builtins:bool"}, b"\x02"),
        ({"type": "builtins:NoneType"}, b"x"),
        ({"type": "builtins:float"}, b"123"),
        ({"type": "builtins:complex"}, b"123"),
        ({"type": "builtins:str"}, b"\xff"),
        ({"type": "os:system"}, b""),
        ({}, b""),
    ],
    ids=str,
)
def test_bytes_that_are_no_such_scalar_are_a_lost_value(
    values: Values, meta: dict[str, object], raw: bytes
) -> None:
    with pytest.raises(ValueLostError):
        values.load(Stored("scalar/1", meta, len(raw), "", raw))
    with pytest.raises(ValueLostError):
        values.load(Stored("numpy-scalar/1", {"type": "numpy:str_"}, 1, "", b"\xff"))


LEAF = '{"codec":"scalar/1","meta":{"type":"builtins:int"},"nbytes":1,"digest":"","object":""}'
HOSTILE_MANIFESTS = [
    "[",
    "{}",
    "3",
    '["tuple"]',
    '["list",3,null]',
    '["list",[["="]],null]',
    '["list",[["=",5]],null]',
    '["list",[["=",-1]],null]',
    '["tuple",[["=",0]],null]',
    '["list",[["x","eval","00"]],null]',
    '["list",[["x","int","zz"]],null]',
    '["list",[["np","|O8","0000000000000000"]],null]',
    '["list",[["np","<f8","00"]],null]',
    '["list",[["&",{},null]],null]',
    f'["list",[["&",{LEAF},[0,10]]],null]',
    f'["list",[["&",{LEAF},[-1,1]]],null]',
    '["dict",[[["list",[],null],1]],null]',
    '["dict",[1],null]',
    '["set",[["list",[],null]],null]',
    '["named",[],null,"os:system",[]]',
    '["unheard of",[],null]',
    "[" * 100_000,
    '["list",' + '[["list",' * 900 + "1" + ",null]]" * 900 + ",null]",
]


@pytest.mark.parametrize("header", HOSTILE_MANIFESTS, ids=lambda h: h[:40])
def test_a_manifest_that_lies_is_an_error_never_a_crash(values: Values, header: str) -> None:
    raw = len(header).to_bytes(8, "little") + header.encode()
    stored = Stored("container/1", {"manifest": len(raw)}, len(raw), "", raw)
    with pytest.raises((ValueLostError, UntrustedValueError)):
        values.load(stored)
    with pytest.raises((ValueLostError, UntrustedValueError, NotCachedError)):
        values.load(values.item(stored, 0))


@pytest.mark.parametrize("meta", [{}, {"manifest": "x"}, {"manifest": 20, "at": 9}])
def test_facts_that_lie_about_a_manifest_are_a_lost_value(
    values: Values, meta: dict[str, object]
) -> None:
    stored = values.store([1, [2]])
    with pytest.raises(ValueLostError):
        values.keys(replace(stored, meta=meta))
    for at in (-1, "x", 7):
        with pytest.raises(ValueLostError):
            values.keys(replace(stored, meta={**stored.meta, "at": at}))
    long = (10**6).to_bytes(8, "little") + b"[]"
    with pytest.raises(ValueLostError, match="longer"):
        values.keys(Stored("container/1", {"manifest": len(long)}, len(long), "", long))
    hole = b'["dict",[1],null]'
    raw = len(hole).to_bytes(8, "little") + hole
    with pytest.raises(ValueLostError):
        values.keys(Stored("container/1", {"manifest": len(raw)}, len(raw), "", raw))


def test_only_so_many_manifests_stay_open(values: Values) -> None:
    kept = [values.store([n, [n]]) for n in range(40)]
    assert [values.load(stored) for stored in kept] == [[n, [n]] for n in range(40)]
    assert len(values._codecs.container._trees) <= 16
    assert values.load(kept[-1]) == [39, [39]]


def test_the_containers_own_objects_are_known_without_a_source(values: Values) -> None:
    stored = values.store(["x" * 900 for _ in range(60)])
    container = values._codecs.container
    assert container.objects_of(stored) == (stored.object,)
    assert container.objects_of(values.store([1])) == ()


def test_sizes_of_models_slots_files_and_images_are_those_of_their_content(
    values: Values, tmp_path: Path
) -> None:
    class Slotted:
        __slots__ = ("array", "empty")

        def __init__(self) -> None:
            self.array = BIG

    assert BIG.nbytes <= values.nbytes(Slotted()) <= BIG.nbytes + 200
    from dumbo.artifacts import Directory, File

    (tmp_path / "made").mkdir()
    path = tmp_path / "made" / "file"
    path.write_bytes(b"x" * 5000)
    file, folder = File(path), Directory(path.parent)
    assert values.nbytes(file) == values.nbytes(folder) == 5000
    path.unlink()
    assert values.nbytes(file) == 0
    image = pytest.importorskip("PIL.Image", reason="an optional library")
    assert values.nbytes(image.new("RGB", (30, 20))) == 1800
    torch = pytest.importorskip("torch", reason="an optional library")
    assert 40_000 <= values.nbytes(torch.nn.Linear(100, 100)) <= 60_000
    assert 800 <= values.nbytes(torch.eye(100).to_sparse()) <= 5000
