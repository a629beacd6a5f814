"""Items, views, operators and mutators of container carriers, and what numpy asks of carriers."""

from __future__ import annotations

import collections
import operator
from typing import Any, NamedTuple

import numpy as np
import pytest
from carriers_made import fresh, unopened

from dumbo.errors import FrozenValueError
from dumbo.proxy import carry, is_carrier, protect, unwrap


class Pair(NamedTuple):
    left: Any
    right: Any


def test_items_come_as_carriers_but_for_those_that_are_compared_by_identity() -> None:
    for plain in (1, 1.5, 1j, "a", b"b"):
        assert is_carrier(fresh([plain, []])[0])
    for single in (None, True):
        assert fresh([single, []])[0] is single
    others: list[Any] = [[], (1,), {}, np.zeros(1), np.float64(1)]
    for other in others:
        assert is_carrier(fresh([other])[0])
    assert fresh([...])[0] is ...


def test_items_of_an_unopened_container_come_in_the_same_kinds() -> None:
    carrier = carry(unopened({"a": 1, "b": [1]})[0])
    assert is_carrier(carrier["a"])
    assert is_carrier(carrier["b"])
    assert [type(x) is int for x in carry(unopened([1, [2]])[0])] == [True, False]


def test_an_unopened_plain_item_is_loaded_alone_by_who_walks_over_it() -> None:
    item, item_loads = unopened(5)
    whole, loads = unopened([5])
    from dumbo.proxy import Node

    carrier = carry(Node(whole.record, lambda: whole.value, children=lambda _: item))
    assert [type(x) for x in carrier] == [int]
    assert (item_loads, loads) == ([1], [])


def test_views_of_dicts_behave() -> None:
    carrier = fresh({"a": 1, "b": [2]})
    assert list(carrier.values()) == [1, [2]]
    assert ("a", 1) in carrier.items()
    assert carrier.keys() | {"c"} == {"a", "b", "c"}
    assert list(reversed(carrier)) == ["b", "a"]
    assert carrier.get("zz") is None
    assert carrier.get(fresh("a")) == 1
    assert fresh("a") in carrier
    assert {"z": 0} | carrier == {"z": 0, "a": 1, "b": [2]}


def test_named_tuples_answer_by_name_and_by_position() -> None:
    pair = fresh(Pair(1, [2]))
    assert pair.right is pair[1]
    assert list(reversed(pair)) == [[2], 1]
    left, right = pair
    assert (left, right) == (1, [2])


def test_what_is_built_from_a_container_shares_nothing_mutable_with_it() -> None:
    builds: list[Any] = [
        lambda c: operator.add(c, [[2]]),
        lambda c: operator.add([[2]], c),
        lambda c: c * 2,
        lambda c: 2 * c,
        lambda c: c.copy(),
    ]
    for build in builds:
        carrier = fresh([[1]])
        for item in build(carrier):
            if not is_carrier(item):
                item.append(9)
        assert carrier == [[1]]


def test_defaultdicts_answer_missing_keys_without_growing() -> None:
    carrier = fresh(collections.defaultdict(list, a=[1]))
    assert carrier["zz"] == []
    assert len(carrier) == 1


@pytest.mark.parametrize(
    ("value", "name", "args"),
    [
        (collections.OrderedDict(a=1), "move_to_end", ("a",)),
        (collections.Counter("ab"), "subtract", ("a",)),
        (collections.deque([1]), "rotate", ()),
        (collections.deque([1]), "appendleft", (1,)),
        (bytearray(b"a"), "append", (1,)),
        ({1}, "symmetric_difference_update", ({1},)),
    ],
)
def test_mutators_of_the_standard_containers_are_refused(value: Any, name: str, args: Any) -> None:
    with pytest.raises(FrozenValueError, match=rf"\.{name}\(\)"):
        getattr(fresh(value), name)(*args)


def test_the_standard_containers_are_parted_from_the_callers() -> None:
    array = np.zeros(2)
    grouped: collections.defaultdict[str, Any] = collections.defaultdict(list, a=array)
    values: list[Any] = [
        collections.OrderedDict(a=array),
        grouped,
        collections.deque([array], maxlen=3),
        Pair(array, [array]),
    ]
    for value in values:
        kept: Any = protect(value)
        assert type(kept) is type(value)
        (item, *_) = kept.values() if isinstance(kept, dict) else kept
        assert not item.flags.writeable
        assert type(unwrap(fresh(value))) is type(value)
    assert protect(collections.Counter("aab")) == collections.Counter("aab")
    assert array.flags.writeable


def test_comparisons_unwrap_both_sides() -> None:
    for name in ("lt", "le", "gt", "ge", "eq", "ne"):
        compare = getattr(operator, name)
        assert compare(fresh(3), fresh(4)) is compare(3, 4)
        assert compare(fresh(3), 4) is compare(3, 4)


def test_the_class_of_a_carrier_makes_bare_values() -> None:
    assert type(type(fresh([1]))([2])) is list
    assert type(fresh((1,)).__class__([2])) is tuple


def test_a_text_result_is_a_path() -> None:
    import os

    assert os.fspath(fresh("a")) == "a"


def test_reduce_gives_what_reduce_ex_gives() -> None:
    carrier = fresh([1])
    assert carrier.__reduce__() == carrier.__reduce_ex__(2)


def test_a_carrier_passes_through_torch_functions_as_its_value() -> None:
    torch = pytest.importorskip("torch")
    assert float(torch.add(torch.ones(1), fresh(2.0))) == 3
    assert torch.zeros(fresh((2, 3))).shape == (2, 3)


class TestNumpy:
    def test_out_arguments_are_refused(self) -> None:
        carrier = fresh(np.zeros(3))
        writes: list[Any] = [
            lambda: np.add(1, 1, out=carrier),
            lambda: np.add.at(carrier, 0, 1),
            lambda: np.copyto(carrier, 1),
            lambda: np.put(carrier, 0, 1),
            lambda: np.cumsum(np.ones(3), out=carrier),
            lambda: np.fill_diagonal(fresh(np.zeros((2, 2))), 1),
            lambda: carrier.fill(1),
        ]
        for write in writes:
            with pytest.raises(FrozenValueError):
                write()
        assert (carrier == 0).all()

    def test_computing_uses_the_bare_values(self) -> None:
        carrier = fresh(np.arange(3.0))
        assert type(np.add(carrier, carrier)) is np.ndarray
        assert np.mean(carrier) == 1
        assert np.add.reduce(carrier, axis=0) == 3
        assert np.concatenate([carrier, carrier]).shape == (6,)
        assert np.array(carrier, copy=True)[0] == 0
        assert np.asarray(carrier, dtype="f4").dtype == np.float32

    def test_numbers_and_texts_become_arrays_of_their_own_kind(self) -> None:
        assert np.array([fresh(1.0), fresh(2.0)]).dtype == np.float64
        assert np.array([fresh("ab")]).dtype.kind == "U"
        assert np.array(fresh([1, 2]), copy=True).dtype.kind == "i"
        assert (np.ones(2, "f4") * fresh(2.0)).dtype == np.float32

    def test_what_another_library_takes_by_dlpack_is_a_copy(self) -> None:
        carrier = fresh(np.arange(3.0))
        assert not np.shares_memory(np.from_dlpack(carrier), np.asarray(carrier))

    def test_frame_methods_in_place_are_refused(self) -> None:
        pandas = pytest.importorskip("pandas")
        frame = fresh(pandas.DataFrame({"a": [2, 1]}))
        writes: list[Any] = [
            lambda: frame.sort_values("a", inplace=True),
            lambda: frame.insert(0, "b", 1),
            lambda: frame.loc.__setitem__((0, "a"), 1),
        ]
        for write in writes:
            with pytest.raises(FrozenValueError):
                write()
        assert frame.loc[fresh(0), "a"] == 2
        assert list(np.log(frame)["a"]) == list(np.log([2, 1]))
