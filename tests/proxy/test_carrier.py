"""Details of the carriers that the table of uses does not show."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import operator
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from carriers_made import fresh, native, node_with, unopened

from dumbo.errors import FrozenValueError
from dumbo.proxy import Returns, bare_arguments, carry, cid_of, is_carrier, unwrap
from dumbo.proxy.classes import carrier_class


def test_there_is_one_class_per_wrapped_type() -> None:
    assert type(fresh([1])) is type(fresh([2]))
    assert type(fresh([1])) is carrier_class(list)
    assert type(fresh([1])) is not type(fresh((1,)))


@pytest.mark.parametrize("value", [None, True, False, ..., NotImplemented])
def test_what_is_compared_by_identity_comes_bare(value: Any) -> None:
    for returns in Returns:
        assert carry(node_with(value), returns) is value
    assert carry(unopened(value)[0]) is value


def test_bare_values_are_fresh_each_time() -> None:
    node = node_with({"a": [1]})
    bare = carry(node, Returns.BARE)
    bare["a"].append(2)
    assert type(bare) is dict
    assert node.value == {"a": [1]}


@pytest.mark.parametrize("name", ["add", "sub", "mul", "mod", "xor", "lshift"])
def test_in_place_operators_of_numbers_rebind_to_bare_values(name: str) -> None:
    carrier = fresh(6)
    result = getattr(operator, f"i{name}")(carrier, fresh(2))
    assert type(result) is int
    assert result == getattr(operator, name)(6, 2)
    assert carrier == 6


def test_deleting_is_refused_like_assigning() -> None:
    with pytest.raises(FrozenValueError, match=r"unwrap\(x\).copy\(\)"):
        del fresh([1])[0]
    with pytest.raises(FrozenValueError, match="deleting"):
        del fresh(ValueError()).x
    with pytest.raises(FrozenValueError, match="__wrapped__"):
        fresh([1]).__wrapped__ = [2]


@dataclasses.dataclass
class Point:
    x: int
    rest: list[int]


def test_fields_of_dataclasses_are_items() -> None:
    point = fresh(Point(1, [2]))
    assert cid_of(point.x) == point.__dumbo_cid__.item(".x")
    assert cid_of(point.rest) == point.__dumbo_cid__.item(".rest")
    assert point.rest is point.rest


class Async:
    def __aiter__(self) -> Async:
        self.left = 2
        return self

    async def __anext__(self) -> int:
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return self.left

    def __await__(self) -> Any:
        yield from asyncio.sleep(0).__await__()
        return 7


def test_async_protocols_reach_the_value() -> None:
    async def use() -> tuple[list[int], int, int]:
        carrier = fresh(Async())
        seen = [x async for x in carrier]
        carrier.__aiter__()
        return seen, await anext(carrier), await carrier

    assert asyncio.run(use()) == ([1, 0], 1, 7)


def test_iterators_and_length_hints_reach_the_value() -> None:
    carrier = fresh(iter([1, 2]))
    assert operator.length_hint(carrier) == 2
    assert next(carrier) == 1


class Old:
    """Iterates by the old protocol, and has no __contains__ of its own."""

    def __getitem__(self, index: int) -> int:
        if index > 2:
            raise IndexError
        return index

    def __len__(self) -> int:
        return 3


def test_the_old_iteration_protocol_still_works() -> None:
    assert list(fresh(Old())) == [0, 1, 2]
    assert 2 in fresh(Old())


def test_pickle_carries_cid_version_and_digest() -> None:
    carrier = fresh([1, [2]])
    again = pickle.loads(pickle.dumps(carrier))
    assert again == [1, [2]]
    record, before = again.__dumbo_record__, carrier.__dumbo_record__
    assert (record.cid, record.version, record.digest) == (
        before.cid,
        before.version,
        before.digest,
    )


def test_pickle_of_an_unopened_carrier_loads_it_and_needs_nothing_else() -> None:
    node, loads = unopened({"a": 1})
    assert pickle.loads(pickle.dumps(carry(node))) == {"a": 1}
    assert loads == [1]


def test_a_copy_is_bare() -> None:
    for value in ([1, [2]], np.arange(3), Point(1, [2])):
        assert not is_carrier(copy.copy(fresh(value)))
        assert not is_carrier(copy.deepcopy(fresh(value)))


def test_unwrap_goes_deep_only_when_asked() -> None:
    inner = fresh([1])
    holder = [inner, {"k": (inner,)}, {fresh("s")}]
    assert unwrap(holder) is holder
    deep = unwrap(holder, deep=True)
    assert deep == [[1], {"k": ([1],)}, {"s"}]
    assert not is_carrier(deep[0])
    assert deep[0] is deep[1]["k"][0]
    untouched = [1, (2, [3])]
    assert unwrap(untouched, deep=True) is untouched


def test_arguments_are_bare_at_the_top_and_inside_exact_containers() -> None:
    class Mine(list[Any]):
        pass

    kept = Mine([fresh(1)])
    same = [1, 2]
    args, kwargs = bare_arguments((fresh([1]), kept, same), {"k": {"x": fresh(2)}})
    assert type(args[0]) is list
    assert args[1] is kept
    assert args[2] is same
    assert type(kwargs["k"]["x"]) is int
    assert bare_arguments((1,), {}) == ((1,), {})


def test_a_result_inside_a_result_is_bare_for_the_function() -> None:
    (bare,), _ = bare_arguments((fresh([fresh([1])]),), {})
    assert bare == [[1]]
    assert not is_carrier(bare[0])


def test_native_containers_refuse_changes_all_the_way_down() -> None:
    carrier = native({"a": [1], "b": (1, [2]), "c": {1}})
    changes: list[Any] = [
        lambda: carrier["a"].append(1),
        lambda: carrier["b"][1].append(1),
        lambda: carrier["c"].add(1),
        lambda: carrier.update({}),
    ]
    for change in changes:
        with pytest.raises(FrozenValueError):
            change()
    assert carrier["a"].__dumbo_cid__ == carrier.__dumbo_cid__.item("a")
    carrier |= {"z": 1}
    assert type(carrier) is dict


def test_native_objects_lose_their_cid_when_changed() -> None:
    point = native(Point(1, [2]))
    assert cid_of(point) is not None
    point.x = 5
    assert cid_of(point) is None


def test_native_arrays_lose_their_cid_when_reshaped_in_place() -> None:
    array = native(np.arange(6))
    assert array.__dumbo_inputs__ == ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer numpy discourages this
        array.shape = (2, 3)
    assert array.__dumbo_cid__ is None
    assert array.__dumbo_record__ is None
    assert array.__dumbo_inputs__ == ()
    assert array.__dumbo_globals__ == {}
    assert array.__dumbo_loaded__
    assert pickle.loads(pickle.dumps(array)).shape == (2, 3)


def test_native_arrays_refuse_to_be_written_by_ufuncs() -> None:
    array = native(np.zeros(3))
    writes: list[Any] = [lambda: np.add.at(array, 0, 1), lambda: np.add(array, 1, out=array)]
    for write in writes:
        with pytest.raises(FrozenValueError):
            write()
    grown = array
    grown += 1
    assert type(grown) is np.ndarray
    assert (array == 0).all()


def test_native_numbers_stay_weak_in_numpy() -> None:
    assert (np.ones(2, "f4") * native(2.0)).dtype == np.float32


def test_native_values_pickle_with_their_cid_and_copy_without() -> None:
    for value in (3, "s", [1, [2]], np.arange(3)):
        carrier = native(value)
        again = pickle.loads(pickle.dumps(carrier))
        assert cid_of(again) == cid_of(carrier)
        assert isinstance(again, type(value))
        assert cid_of(copy.copy(carrier)) is None
        assert cid_of(copy.deepcopy(carrier)) is None


def test_a_value_that_contains_itself_comes_as_a_proxy() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert type(native(loop)) is carrier_class(list)


def test_native_values_without_room_for_a_node_come_bare() -> None:
    class Slotted:
        __slots__ = ("x",)

    assert cid_of(native(Slotted())) is None
    assert native(len) is len


def test_native_frames_are_proxies_because_they_could_change_without_a_trace() -> None:
    pandas = pytest.importorskip("pandas")
    assert type(native(pandas.DataFrame({"a": [1]}))) is carrier_class(pandas.DataFrame)


def test_indexers_of_frames_read() -> None:
    pandas = pytest.importorskip("pandas")
    frame = fresh(pandas.DataFrame({"a": [1, 2]}))
    assert frame.loc(axis=0)[0]["a"] == 1
    assert frame.iloc.ndim == 2
    assert frame.drop(columns="a").shape == (2, 0)
    other = frame
    other += 1
    assert list(other["a"]) == [2, 3]
    assert list(frame["a"]) == [1, 2]
    assert type(unwrap(frame)) is pandas.DataFrame


def test_carriers_of_two_kinds_compare_and_combine() -> None:
    assert fresh(3) == native(3)
    assert fresh([1]) + native([2]) == [1, 2]
    assert fresh(np.arange(2)).__dumbo_loaded__
