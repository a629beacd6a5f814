"""Nodes load once, retry after a failure, and cut items that carry their own CID."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from carriers_made import failing, fresh, node_with, record_of, unopened

from dumbo.identity.cid import CID
from dumbo.proxy import Node, carry, cid_of, is_carrier, node_of
from dumbo.records import Edge, EdgeKind


def test_eight_threads_that_touch_one_value_load_it_once() -> None:
    loads: list[int] = []

    def load() -> list[int]:
        loads.append(1)
        time.sleep(0.02)
        return [1, 2]

    carrier = carry(Node(record_of([1, 2]), load))
    seen: list[bool] = []
    threads = [threading.Thread(target=lambda: seen.append(carrier == [1, 2])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 8
    assert loads == [1]


def test_two_values_that_load_each_other_in_two_threads_do_not_lock_up() -> None:
    inner, _ = unopened([1])
    outer = Node(record_of([2]), lambda: [inner.value])
    both = [threading.Thread(target=lambda n=n: n.value) for n in (inner, outer)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(5)
    assert not any(thread.is_alive() for thread in both)


def test_a_load_that_raised_is_tried_again_at_the_next_touch() -> None:
    outcomes: list[Any] = [OSError("gone"), [1]]

    def load() -> Any:
        outcome = outcomes.pop(0)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    carrier = carry(Node(record_of({1}), load))
    with pytest.raises(OSError, match="gone"):
        carrier.copy()
    assert carrier == [1]


def test_an_exception_of_loading_reaches_the_user_unchanged() -> None:
    carrier = carry(Node(record_of(7), failing(KeyError("lost"))))
    with pytest.raises(KeyError, match="lost"):
        carrier + 1


def test_none_is_a_value_like_any_other_and_loads_once() -> None:
    loads: list[int] = []
    node = Node(record_of(None), lambda: loads.append(1))
    assert carry(node) is None
    assert node.value is None
    assert loads == [1]


def test_inputs_default_to_the_sources_of_the_edges() -> None:
    source = CID("m:g#" + "a" * 32)
    record = record_of(1)
    edge = Edge(source, record.cid, EdgeKind.INPUT, "x")
    node = Node(record_of(1, edges=(edge,)), lambda: 1)
    assert carry(node).__dumbo_inputs__ == (source,)


def test_inputs_and_globals_are_asked_of_their_accessors() -> None:
    source = CID("m:g#" + "a" * 32)
    node = Node(
        record_of([1]), lambda: [1], inputs=lambda: [source], upstream_globals=lambda: {"m.K": "3"}
    )
    carrier = carry(node)
    assert carrier.__dumbo_inputs__ == (source,)
    assert carrier.__dumbo_globals__ == {"m.K": "3"}
    assert carrier.__dumbo_record__ is node.record
    assert not carrier.__dumbo_loaded__


def test_a_child_given_by_the_maker_is_used_without_loading_the_whole() -> None:
    whole, loads = unopened({"a": [1], "b": [2]})
    item, item_loads = unopened([1])
    node = Node(whole.record, lambda: whole.value, children=lambda _: item, keys=lambda: ["a", "b"])
    carrier = carry(node)
    assert list(carrier) == ["a", "b"]
    assert carrier["a"] == [1]
    assert (loads, item_loads) == ([], [1])


def test_a_child_of_a_loaded_value_is_not_loaded_again() -> None:
    item, item_loads = unopened([1])
    node = Node(record_of([[1]]), lambda: [[1]], children=lambda _: item)
    assert node.value == [[1]]
    assert carry(node)[0] == [1]
    assert item_loads == []


def test_a_cut_item_has_its_own_cid_an_item_edge_and_nothing_stored() -> None:
    node = node_with({"a": [1, 2]}, nbytes=100)
    record = node.child("a").record
    assert record.cid == node.cid.item("a")
    assert record.edges == (Edge(node.cid, record.cid, EdgeKind.ITEM, "'a'", 1, ""),)
    assert (record.stored, record.nbytes, record.type) == (None, 0, "builtins:list")
    assert record.meta["len"] == 2


def test_an_item_that_is_another_result_gets_the_item_cid_and_stays_unopened() -> None:
    inner, loads = unopened([1, 2])
    other = carry(inner)
    whole = fresh([other])
    assert is_carrier(whole[0])
    assert cid_of(whole[0]) == cid_of(whole).item(0)  # type: ignore[union-attr]  # a carrier
    assert loads == []
    assert whole[0] == [1, 2]


def test_what_is_no_result_has_no_node() -> None:
    assert node_of([1]) is None
    assert cid_of("x") is None
    assert not is_carrier(object())
    assert cid_of(type(fresh(1))) is None
