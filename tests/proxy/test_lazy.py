"""What an unopened carrier answers from its record alone."""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from carriers_made import failing, fresh, record_of, unopened

from dumbo.proxy import Node, carry, cid_of
from dumbo.proxy.wrapped_type import find_type


def test_an_array_answers_type_shape_dtype_and_len_without_loading() -> None:
    node, loads = unopened(np.zeros((4, 5)))
    carrier: Any = carry(node)
    cid = carrier.__dumbo_cid__
    assert isinstance(carrier, np.ndarray)
    assert (carrier.shape, carrier.dtype, carrier.ndim) == ((4, 5), np.dtype("f8"), 2)
    assert (carrier.size, carrier.nbytes, carrier.itemsize, len(carrier)) == (20, 160, 8, 4)
    assert not callable(carrier)
    assert "shape" in dir(carrier)
    assert cid == node.cid
    assert loads == []
    assert carrier.sum() == 0
    assert carrier.shape == (4, 5)
    assert loads == [1]


def test_a_dtype_that_text_cannot_say_is_asked_of_the_array() -> None:
    value = np.zeros(2, dtype=[("a", "i4")])
    node, loads = unopened(value)
    assert carry(node).dtype == value.dtype
    assert loads == [1]


def test_an_unsized_array_has_no_len() -> None:
    carrier = carry(unopened(np.array(1.0))[0])
    with pytest.raises(TypeError, match="unsized"):
        len(carrier)


@pytest.mark.parametrize("value", [[1, [2]], {"a": [1]}, (1, [2])])
def test_containers_answer_len_bool_and_kind_without_loading(value: Any) -> None:
    node, loads = unopened(value)
    carrier = carry(node)
    assert len(carrier) == len(value)
    assert bool(carrier)
    assert isinstance(carrier, type(value))
    assert isinstance(carrier, Mapping if isinstance(value, dict) else Sequence)
    assert loads == []


def test_items_are_the_same_object_while_held_and_let_go_after() -> None:
    carrier = fresh({"a": [1]})
    first = carrier["a"]
    assert carrier["a"] is first
    held = carrier.__dumbo_node__().held()
    del first
    gc.collect()
    assert len(held) == 0


def test_a_key_is_spelled_as_the_dict_spells_it() -> None:
    carrier = fresh({1: [0]})
    assert cid_of(carrier[True]) == carrier.__dumbo_cid__.item(1)


def test_a_missing_key_and_a_wrong_index_raise_as_the_value_does() -> None:
    with pytest.raises(KeyError, match="zz"):
        fresh({"a": 1})["zz"]
    with pytest.raises(IndexError, match="out of range"):
        fresh([1])[1]
    with pytest.raises(TypeError):
        fresh([1])["a"]


def test_slices_of_lists_are_plain_lists_of_items() -> None:
    carrier = fresh([1, [2], 3])
    part = carrier[:2]
    assert type(part) is list
    assert part[0] == 1
    assert type(part[0]) is int
    assert part[1] is carrier[1]
    assert type(fresh((1, 2))[::-1]) is tuple


def test_a_large_unopened_value_is_summarised_and_a_small_one_shown() -> None:
    large, loads = unopened(np.zeros((3, 1)), nbytes=5 << 20)
    assert repr(carry(large)) == "<ndarray (3, 1) float64, 5.0 MiB, not loaded>"
    assert loads == []
    one = carry(unopened(np.zeros(3), nbytes=5 << 20)[0])
    assert "(3,)" in repr(one)
    assert repr(carry(unopened([1])[0])) == "[1]"


def test_a_note_stands_in_front_of_the_repr_and_nowhere_else() -> None:
    node, _ = unopened([1])
    node.note = "stale, reused"
    carrier = carry(node)
    assert repr(carrier) == "[stale, reused] [1]"
    assert str(carrier) == "[1]" or str(carrier) == repr(carrier)
    assert carrier == [1]


LATE = """
class Late:
    def __init__(self):
        self.x = 1

    def __call__(self):
        return 5
"""


@pytest.fixture
def late() -> Iterator[types.ModuleType]:
    """A module that the record names and the program has not loaded yet."""
    module = types.ModuleType("late_module")
    exec(LATE, vars(module))
    yield module
    sys.modules.pop("late_module", None)


def test_a_class_not_loaded_yet_is_never_imported_for_a_record(late: types.ModuleType) -> None:
    node = Node(record_of(1, type="late_module:Late"), failing(AssertionError("loaded")))
    carrier = carry(node)
    assert "late_module" not in sys.modules
    sys.modules["late_module"] = late
    assert isinstance(carrier, late.Late)
    assert type(carrier).__name__ == "Carrier[Late]"


def test_a_carrier_of_an_unknown_class_becomes_the_right_one_when_loaded(
    late: types.ModuleType,
) -> None:
    carrier = carry(Node(record_of(1, type="late_module:Late"), late.Late))
    assert carrier.x == 1
    assert type(carrier).__name__ == "Carrier[Late]"
    assert carrier() == 5


def test_isinstance_of_an_unknown_class_tells_the_truth_by_loading(late: types.ModuleType) -> None:
    carrier = carry(Node(record_of(1, type="late_module:Late"), late.Late))
    assert isinstance(carrier, late.Late)
    assert "x" in dir(carry(Node(record_of(1, type="late_module:Late"), late.Late)))


def test_a_tensor_behind_an_unknown_class_does_not_claim_to_be_a_tensor() -> None:
    torch = pytest.importorskip("torch")
    carrier = carry(Node(record_of(1, type="late_module:Late"), lambda: torch.ones(2)))
    assert not isinstance(carrier, torch.Tensor)
    assert carrier.shape == (2,)


def test_types_are_found_by_name_but_only_where_that_is_safe() -> None:
    assert find_type("builtins:NoneType") is type(None)
    assert find_type("numpy:ndarray") is np.ndarray
    assert find_type("numpy:no_such_thing") is None
    assert find_type("numpy.no_such_part:Thing") is None
    assert find_type("os:path") is None
    assert "this" not in sys.modules
    assert find_type("this:Zen") is None
    assert "this" not in sys.modules


def test_a_library_that_is_absent_makes_its_types_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "torch.nn.parameter", raising=False)
    assert find_type("torch.nn.parameter:Parameter") is None
