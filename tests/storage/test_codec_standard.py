"""Small values of the standard library: exact, without code, also as keys."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import pathlib
import uuid
import zoneinfo
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dumbo.errors import ValueLostError
from dumbo.identity import value_digest as digest
from dumbo.records import Stored
from dumbo.storage import Pickles, Values
from dumbo.storage.codecs.standard import describe, restore
from dumbo.testing import CodecTests

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
LONG = 10**6000

VALUES: list[Any] = [
    dt.date(2020, 2, 29),
    dt.time(1, 2, 3, 4, fold=1),
    dt.time(1, tzinfo=dt.UTC),
    dt.datetime(2020, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
    dt.datetime.min,
    dt.timedelta(days=-1, microseconds=1),
    dt.timezone(dt.timedelta(hours=-5, minutes=-30), "mine"),
    dt.timezone(dt.timedelta(0), "UTC"),
    dt.UTC,
    BERLIN,
    decimal.Decimal("1.10"),
    decimal.Decimal("-0E-500"),
    decimal.Decimal("sNaN123"),
    decimal.Decimal("-Infinity"),
    Fraction(-LONG, 7),
    uuid.UUID(int=5),
    uuid.UUID(int=5, is_safe=uuid.SafeUUID.safe),
    range(LONG, 0, -7),
    range(0),
    slice(None, "a", 2.5),
    ...,
    NotImplemented,
    pathlib.PurePosixPath("a/../b"),
    pathlib.PureWindowsPath("c:/x"),
    pathlib.Path("/tmp/\udcff"),
]


def parts(value: Any) -> Any:
    if isinstance(value, decimal.Decimal):
        return (type(value), value.as_tuple())  # two NaN differ, and some cannot be compared
    names = ("tzinfo", "fold", "is_safe", "start", "stop", "step", "numerator", "denominator")
    return (type(value), value, tuple(getattr(value, name, None) for name in names))


class TestStandard(CodecTests):
    codec = "standard/1"

    def values(self) -> list[Any]:
        return VALUES

    def same(self, a: Any, b: Any) -> bool:
        return bool(parts(a) == parts(b))


@pytest.mark.parametrize("value", VALUES, ids=lambda v: type(v).__name__)
def test_every_part_comes_back_alone_and_inside(values: Values, value: Any) -> None:
    stored = values.store(value)
    assert stored.codec == "standard/1"
    assert parts(values.load(stored)) == parts(value)
    inside: Any = values.load(values.store({"a": [value]}))
    assert parts(inside["a"][0]) == parts(value)


@pytest.mark.parametrize(
    "value",
    [value for value in VALUES if type(value) not in {slice, decimal.Decimal}],
    ids=lambda v: type(v).__name__,
)
def test_they_are_keys_without_pickle(values: Values, value: Any) -> None:
    strict = Values(values.objects, Pickles.NEVER)
    tree = {value: 1, (value, 2): frozenset({value})}
    stored = strict.store(tree)
    assert strict.load(stored) == tree
    assert strict.load(strict.item(stored, value)) == 1


class Day(dt.date):
    """A subclass may hold more."""


@pytest.mark.parametrize(
    "value",
    [
        Day(2020, 1, 1),
        dt.datetime(2020, 1, 1, tzinfo=zoneinfo.ZoneInfo.no_cache("Europe/Berlin")),
        slice([1], None),
        slice(bytearray(b"x")),
    ],
    ids=str,
)
def test_what_is_not_exact_is_declined_or_exact(value: Any) -> None:
    found = describe(value)
    assert found is None or restore(found) == value


@pytest.mark.parametrize(
    "description",
    [
        None,
        [],
        "date",
        ["os"],
        [["date"]],
        ["date", 2020],
        ["date", 2020, 13, 1],
        ["date", 10**30, 1, 1],
        ["date", "2020", 1, 1],
        ["datetime", 2020, 1, 1, 0, 0, 0, 0, 0, ["range", 0, 1, 1]],
        ["timezone", [10**9, 0, 0]],
        ["zone", "../../etc/passwd"],
        ["zone", "Nowhere/At_All"],
        ["zone", "/etc/passwd"],
        ["decimal", "x"],
        ["fraction", 1, 0],
        ["fraction", "1", 2],
        ["uuid", "zz", "safe"],
        ["uuid", "0" * 32, "nonsense"],
        ["range", 1, 2, 0],
        ["range", ["x", "float", "00"]],
        ["PosixPath", 3],
        ["time"] + [["time"]] * 6,
    ],
    ids=str,
)
def test_a_description_that_lies_is_a_lost_value(values: Values, description: Any) -> None:
    import json

    with pytest.raises(ValueError, match="no value is described"):
        restore(description)
    raw = json.dumps(description).encode()
    with pytest.raises(ValueLostError):
        values.load(Stored("standard/1", {"type": "x:y"}, len(raw), "", raw))
    manifest = json.dumps(["list", [["std", description]], None]).encode()
    raw = len(manifest).to_bytes(8, "little") + manifest
    with pytest.raises(ValueLostError):
        values.load(Stored("container/1", {"manifest": len(raw)}, len(raw), "", raw))


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.datetimes(timezones=st.none() | st.timezones()),
        st.times(),
        st.timedeltas(),
        st.decimals(),
        st.fractions(),
        st.uuids(),
        st.builds(range, st.integers(), st.integers(), st.integers().filter(bool)),
    )
)
def test_any_of_them_is_described_exactly(value: Any) -> None:
    description = describe(value)
    assert description is not None
    assert parts(restore(description)) == parts(value)


COLLECTIONS: list[Any] = [
    collections.OrderedDict(b=[1], a=(2, {"c": 3})),
    collections.defaultdict(list, {"a": [1]}),
    collections.defaultdict(None, {"a": 1}),
    collections.Counter("abca"),
    collections.Counter({"a": -1, "b": 0}),
    collections.deque([1, [2]], maxlen=5),
    collections.deque(),
]


class TestCollections(CodecTests):
    codec = "container/1"

    def values(self) -> list[Any]:
        return COLLECTIONS


@pytest.mark.parametrize("value", COLLECTIONS, ids=str)
def test_collections_keep_type_order_and_what_they_are_made_with(
    values: Values, value: Any
) -> None:
    strict = Values(values.objects, Pickles.NEVER)
    stored = strict.store(value)
    found: Any = strict.load(stored)
    assert (type(found), repr(found), stored.digest) == (type(value), repr(value), digest(value))
    assert stored.meta["type"] == f"collections:{type(value).__name__}"
    for key in strict.keys(stored):
        assert strict.load(strict.item(stored, key)) == value[key]


def test_attributes_and_aliases_of_an_ordered_dict_are_kept(values: Values) -> None:
    shared = [1]
    value: Any = collections.OrderedDict(a=shared, b={"c": shared})
    value._metadata = {"version": shared}
    found: Any = values.load(values.store([value, value]))
    assert found[0] is found[1]
    assert found[0]["a"] is found[0]["b"]["c"] is found[0]._metadata["version"]


@pytest.mark.parametrize(
    "header",
    [
        '["OrderedDict",[],null]',
        '["OrderedDict",[],null,5]',
        '["OrderedDict",[],null,["=",0]]',
        '["defaultdict",[],null,"eval"]',
        '["defaultdict",[],null,["list"]]',
        '["defaultdict",[],null]',
        '["Counter",[1],null]',
        '["deque",[1,2],null,1]',
        '["deque",[1],null,"x"]',
        '["deque",[1],null,-1]',
        '["deque",[1],null,true]',
    ],
)
def test_collections_that_lie_are_lost_values(values: Values, header: str) -> None:
    raw = len(header).to_bytes(8, "little") + header.encode()
    with pytest.raises(ValueLostError):
        values.load(Stored("container/1", {"manifest": len(raw)}, len(raw), "", raw))
