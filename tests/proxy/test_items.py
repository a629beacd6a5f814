"""Items are results: asked for by key, index, name or unpacking; not when walked over."""

from __future__ import annotations

import collections
import dataclasses
import enum
import gc
import json
import pickle
import weakref
from typing import Any, NamedTuple

import numpy as np
import pytest
from carriers_made import fresh, native, record_of, unopened
from hypothesis import given
from hypothesis import strategies as st

import dumbo
from dumbo import session as sessions
from dumbo.proxy import Node, Returns, carry, cid_of, node_of, unwrap
from dumbo.testing import event_log


class Pair(NamedTuple):
    left: Any
    right: Any


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    x: float
    rest: Any


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


KINDS = pytest.mark.parametrize("made", [fresh, native, lambda v: carry(unopened(v)[0])])
named = st.integers() | st.floats(allow_nan=False) | st.text(max_size=3) | st.binary(max_size=3)


@KINDS
@given(values=st.lists(named, min_size=1, max_size=5), data=st.data())
def test_an_item_asked_for_by_index_is_a_result(made: Any, values: list[Any], data: Any) -> None:
    index = data.draw(st.integers(-len(values), len(values) - 1))
    for whole in (made(values), made(tuple(values))):
        item = whole[index]
        assert item == values[index]
        assert isinstance(item, type(values[index]))
        assert cid_of(item) == cid_of(whole).item(index % len(values))  # type: ignore[union-attr]  # a result
        assert unwrap(item) is values[index] or unwrap(item) == values[index]


@KINDS
@given(values=st.dictionaries(st.text(max_size=2) | st.integers(), named, min_size=1, max_size=4))
def test_an_item_asked_for_by_key_is_a_result(made: Any, values: dict[Any, Any]) -> None:
    whole = made(values)
    for key, value in values.items():
        for item in (whole[key], whole.get(key)):
            assert item == value
            assert cid_of(item) == cid_of(whole).item(key)  # type: ignore[union-attr]  # a result


@KINDS
def test_unpacking_and_fields_give_results(made: Any) -> None:
    whole = made((0.5, "a", None))
    loss, name, nothing = whole
    assert [cid_of(x) for x in (loss, name, nothing)] == [
        cid_of(whole).item(0),  # type: ignore[union-attr]  # a result
        cid_of(whole).item(1),  # type: ignore[union-attr]  # as above
        None,
    ]
    assert nothing is None
    pair = made(Pair(1, 2.0))
    left, right = pair
    assert left + right == 3
    assert isinstance(pair, Pair)
    assert cid_of(pair.left) == cid_of(left) == cid_of(pair).item(0)  # type: ignore[union-attr]  # as above
    assert type(pair._replace(left=3)) is Pair


def test_fields_of_dataclasses_and_attrs_classes_are_results() -> None:
    attrs = pytest.importorskip("attrs")
    made = attrs.make_class("Made", ["x", "rest"])
    for whole in (fresh(Point(0.5, [1])), fresh(made(0.5, [1]))):
        assert cid_of(whole.x) == cid_of(whole).item(".x")  # type: ignore[union-attr]  # a result
        assert cid_of(whole.rest) == cid_of(whole).item(".rest")  # type: ignore[union-attr]  # as above
        assert cid_of(whole.rest[0]) == cid_of(whole).item(".rest").item(0)  # type: ignore[union-attr]  # as above
        assert whole.x == 0.5
    assert attrs.asdict(fresh(made(1, 2))) == {"x": 1, "rest": 2}
    assert attrs.evolve(fresh(made(1, 2)), x=3).x == 3


@KINDS
@pytest.mark.parametrize("value", [None, True, False])
def test_what_is_compared_by_identity_is_never_wrapped(made: Any, value: Any) -> None:
    assert made([value])[0] is value
    assert made({"k": value})["k"] is value
    (item,) = made((value,))
    assert item is value


@KINDS
def test_walking_over_many_gives_numbers_and_text_bare(made: Any) -> None:
    values = [1, 2.5, "a", b"b"]
    assert [type(x) for x in made(values)] == [int, float, str, bytes]
    assert [type(x) for x in made(values)[1:]] == [float, str, bytes]
    assert [type(x) for x in reversed(made(values))] == [bytes, str, float, int]
    assert {type(x) for x in made({"k": 1.5}).values()} == {float}
    assert [type(x) for _, x in made({"k": 1.5}).items()] == [float]
    assert {type(x) for x in made(tuple(range(100)))} == {int}
    assert json.dumps(list(made(values[:3]))) == '[1, 2.5, "a"]'
    assert ",".join(made(["a", "b"])) == "a,b"


def test_asking_for_an_item_loads_that_item_alone() -> None:
    whole, loads = unopened({"loss": 0.5})
    item, item_loads = unopened(0.5)
    node = Node(whole.record, lambda: whole.value, children=lambda _: item, keys=lambda: ["loss"])
    carrier = carry(node)["loss"]
    assert carrier.__dumbo_cid__ == item.cid
    assert carrier == 0.5
    assert (loads, item_loads) == ([], [1])


def test_long_text_is_loaded_when_it_is_read() -> None:
    whole, loads = unopened({"log": "x" * 5000})
    item, item_loads = unopened("x" * 5000)
    node = Node(whole.record, lambda: whole.value, children=lambda _: item, keys=lambda: ["log"])
    carrier = carry(node)["log"]
    assert carrier.__dumbo_cid__ == item.cid
    assert isinstance(carrier, str)
    assert (loads, item_loads) == ([], [])
    assert len(carrier) == 5000
    assert type(carrier) is type(fresh({"log": "x" * 5000})["log"])


def test_an_item_of_a_kept_result_is_there_without_a_load() -> None:
    @dumbo.dumbo(name="items:measured", keep="always")
    def measured() -> dict[str, Any]:
        return {"loss": 0.5, "steps": 3, "name": "a", "weights": np.ones(20_000)}

    first = measured()
    sessions.close_default()  # the next call finds it in the store, not in memory
    with event_log() as log:
        result = measured()
        loss, steps, name = result["loss"], result["steps"], result["name"]
        assert (loss, steps, name) == (0.5, 3, "a")
        assert cid_of(loss) == cid_of(first).item("loss")  # type: ignore[union-attr]  # a result
        assert cid_of(result["weights"]) == cid_of(first).item("weights")  # type: ignore[union-attr]  # as above
    assert [e.kind.value for e in log] == ["hit"]


def test_an_item_passed_on_is_an_edge_from_the_item() -> None:
    @dumbo.dumbo(name="items:training", keep="always")
    def training(rate: float) -> dict[str, float]:
        return {"loss": rate * 2, "accuracy": 0.9}

    @dumbo.dumbo(name="items:report", keep="always")
    def report(loss: float) -> str:
        return f"{type(loss).__name__} {loss:.1f}"

    loss = training(0.25)["loss"]
    with event_log() as log:
        assert report(loss) == "float 0.5"
        assert report(training(0.25).get("loss")) == "float 0.5"
    assert [e.kind.value for e in log] == ["executed", "stored", "hit", "hit"]
    (edge,) = dumbo.record(report(loss)).edges
    assert (edge.source, edge.role) == (cid_of(loss), "loss")
    assert dumbo.inputs(report(loss)) == (cid_of(loss),)


def test_an_item_keeps_only_itself_alive() -> None:
    class Big:
        pass

    big = Big()
    gone = weakref.ref(big)
    value = {"loss": 0.5, "big": big}
    node = Node(record_of(value), value.copy, value=value)
    item = carry(node)["loss"]
    del big, value, node
    gc.collect()
    assert gone() is None
    assert item == 0.5
    assert node_of(item).record.edges[0].role == "'loss'"  # type: ignore[union-attr]  # a result


def test_the_record_of_an_item_at_hand_is_that_of_the_stored_item() -> None:
    """However an item was come by, it is the same item of the same version."""
    value = {"loss": 0.5}
    stored = record_of(0.5)
    whole = Node(
        record_of(value),
        lambda: value,
        value=value,
        children=lambda _: Node(stored, lambda: 0.5),
        upstream_globals=lambda: {"g": "1"},
    )
    item = carry(whole)["loss"]
    assert item.__dumbo_record__ is stored
    assert item.__dumbo_globals__ == {"g": "1"}


def test_keys_without_a_name_of_their_own_give_items_without_a_cid() -> None:
    class Key:
        def __repr__(self) -> str:
            return "key"

    first, second = Key(), Key()
    whole = fresh({first: 1, second: [2]})
    assert (whole[first], whole[second]) == (1, [2])
    assert cid_of(whole[first]) is None
    assert cid_of(whole[second]) is None
    whole[second].append(3)
    assert whole[second] == [2]


@pytest.mark.parametrize("key", [Colour.RED, ("a", 1), 1.5, np.int64(3), b"k"])
def test_keys_that_say_what_they_are_name_their_items(key: Any) -> None:
    whole = fresh({key: 1.0})
    assert cid_of(whole[key]) == cid_of(whole).item(key)  # type: ignore[union-attr]  # a result


def test_a_key_is_named_as_the_dict_spells_it() -> None:
    for made in (fresh, native):
        whole = made({1: 0.5})
        assert cid_of(whole[True]) == cid_of(whole[1.0]) == cid_of(whole).item(1)  # type: ignore[union-attr]  # a result


def test_items_travel_by_pickle_with_their_cid() -> None:
    for returns in (Returns.PROXY, Returns.NATIVE):
        item = carry(node_of(fresh({"a": 2.5})), returns)["a"]  # type: ignore[arg-type]  # a result
        again = pickle.loads(pickle.dumps(item))
        assert (again, cid_of(again)) == (2.5, cid_of(item))


def test_missing_items_are_missed_as_ever() -> None:
    for made in (fresh, native):
        for wrong in (lambda: made({"a": 1})["b"], lambda: made([1])[1], lambda: made((1,))[-2]):
            with pytest.raises(LookupError):
                wrong()
    assert fresh(collections.Counter("a"))["zz"] == 0
    assert native({"a": 1}).get("zz", 7) == 7


def test_the_class_of_a_native_carrier_makes_bare_values() -> None:
    for value in ([1], {"a": 1}, (1,), {1}, 1.5, "s", Pair(1, 2)):
        again = type(native(value))(*value) if type(value) is Pair else type(native(value))(value)  # type: ignore[call-overload]  # as its own class takes it
        assert type(again) is type(value)
        assert again == value
