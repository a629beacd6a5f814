"""Protecting a fresh result: what is copied, what is frozen, what is watched."""

from __future__ import annotations

import sys
import weakref
from typing import Any

import numpy as np
import pytest
from carriers_made import fresh

from dumbo.errors import UncacheableError
from dumbo.proxy import check_unspoilt, mark_of, protect
from dumbo.proxy import protect as protect_function

SOLE = sys.version_info < (3, 14)


def address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


def test_an_array_nobody_else_holds_is_frozen_without_a_copy() -> None:
    mine = np.zeros(100)
    where = address(mine)
    kept = protect(mine, held=1)
    assert (address(kept) == where) is SOLE
    assert not kept.flags.writeable


@pytest.mark.parametrize("how", ["name", "list", "view", "weak", "memoryview"])
def test_an_array_somebody_else_can_reach_is_copied_and_left_writable(how: str) -> None:
    mine = np.zeros(100)
    ways: dict[str, Any] = {
        "name": lambda: mine,
        "list": lambda: [mine],
        "view": lambda: mine[1:],
        "weak": lambda: weakref.ref(mine),
        "memoryview": lambda: mine.data,
    }
    holder = ways[how]()
    kept = protect(mine, held=1)
    assert holder is not None
    assert not np.shares_memory(kept, mine)
    mine[0] = 1
    assert kept[0] == 0


def test_without_being_told_who_holds_it_an_array_is_copied() -> None:
    mine = np.zeros(3)
    assert not np.shares_memory(protect(mine), mine)


def test_a_view_is_copied_because_its_base_may_be_anybodys() -> None:
    base = np.zeros(10)
    view = base[2:5]
    kept = protect(view, held=1)
    assert not np.shares_memory(kept, base)


def test_the_kept_view_cannot_be_unlocked() -> None:
    kept = protect(np.zeros(3))
    with pytest.raises(ValueError, match="WRITEABLE"):
        kept.flags.writeable = True


def test_memory_that_cannot_change_is_kept_as_it_is(tmp_path: Any) -> None:
    frozen = np.frombuffer(b"abcd", "u1")
    assert protect(frozen) is frozen
    np.save(tmp_path / "a.npy", np.zeros(3))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert protect(mapped) is mapped
    writable = np.load(tmp_path / "a.npy", mmap_mode="r+")
    assert type(protect(writable)) is np.ndarray


def test_a_locked_view_of_writable_memory_is_copied() -> None:
    base = np.zeros(3)
    view = base.view()
    view.flags.writeable = False
    kept = protect(view)
    base[0] = 1
    assert kept[0] == 0


def test_a_locked_owner_is_copied_because_its_holder_can_unlock_it() -> None:
    owner = np.zeros(3)
    owner.flags.writeable = False
    assert not np.shares_memory(protect(owner), owner)


def test_order_and_dtype_and_subclass_survive() -> None:
    fortran = np.asfortranarray(np.ones((2, 3), "f4"))
    kept = protect(fortran)
    assert (kept.flags.f_contiguous, kept.dtype) == (True, np.dtype("f4"))
    masked = protect(np.ma.array([1, 2], mask=[False, True]))
    assert masked.mask.tolist() == [False, True]


def test_containers_are_rebuilt_and_sharing_inside_is_kept() -> None:
    inner = [1]
    array = np.zeros(2)
    value = {"a": inner, "b": (inner, array), "c": {1}, "d": array}
    kept = protect(value)
    inner.append(2)
    value["c"].add(2)  # type: ignore[attr-defined]  # a set
    assert kept["a"] == [1]
    assert kept["c"] == {1}
    assert kept["b"][0] is kept["a"]
    assert kept["b"][1] is kept["d"]
    assert not kept["d"].flags.writeable


def test_what_contains_itself_still_does() -> None:
    loop: list[Any] = []
    loop.append((loop, [1]))
    kept = protect(loop)
    assert kept is not loop
    assert kept[0][0] is kept


def test_tuples_of_plain_values_are_not_copied() -> None:
    plain = (1, "a", None)
    nested = (plain, (2,))
    assert protect(plain) is plain
    assert protect(nested) is nested


def test_a_value_nested_too_deep_is_an_error_with_a_remedy() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UncacheableError, match="keep='never'"):
        protect(deep)
    while deep:  # taken apart by hand: freeing it would recurse
        deep = deep[0]


def test_results_inside_a_result_stay_what_they_are() -> None:
    inner = fresh(np.zeros(2))
    assert protect([inner])[0] is inner
    assert protect(inner) is inner


def test_other_mutable_values_the_caller_may_hold_are_copied() -> None:
    raw = bytearray(b"ab")
    kept = protect(raw)
    raw[0] = 0
    assert kept == b"ab"


def test_frames_and_sparse_arrays_are_parted_from_the_callers() -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    sparse = pytest.importorskip("scipy.sparse")
    frame = pandas.DataFrame({"a": [1, 2]})
    kept = protect(frame)
    frame.loc[0, "a"] = 9
    assert kept["a"][0] == 1
    other = polars.DataFrame({"a": [1]})
    kept = protect(other)
    other.insert_column(0, polars.Series("b", [1]))
    assert kept.columns == ["a"]
    matrix = sparse.csr_array(np.eye(2))
    kept = protect(matrix)
    matrix.data[0] = 9
    assert kept[0, 0] == 1


def test_objects_are_kept_as_they_are() -> None:
    thing = ValueError("x")
    assert protect(thing) is thing


def test_without_a_global_lock_nothing_counts_as_sole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    mine = np.zeros(3)
    assert not np.shares_memory(protect(mine, held=1), mine)


def test_an_unlocked_array_is_noticed() -> None:
    value = {"a": protect_function(np.zeros(3))}
    mark = mark_of(value)
    assert check_unspoilt(value, mark)
    value["a"].base.flags.writeable = True
    assert not check_unspoilt(value, mark)


def test_results_inside_are_not_part_of_the_mark() -> None:
    assert mark_of([fresh(np.zeros(2)), 1, "a"]).facts == ()


class TestTensors:
    torch = pytest.importorskip("torch")

    def test_a_tensor_with_a_graph_leaves_it_and_keeps_its_memory(self) -> None:
        leaf = self.torch.ones(2, requires_grad=True)
        made = leaf * 2
        kept = protect({"t": made})["t"]
        assert kept.grad_fn is None
        assert kept.data_ptr() == made.data_ptr()
        assert protect(leaf) is leaf

    def test_in_place_operations_through_any_alias_are_noticed(self) -> None:
        changes: list[Any] = [
            lambda t: t.add_(1),
            lambda t: t.detach().add_(1),
            lambda t: t[0].zero_(),
            lambda t: t.view(-1).mul_(2),
        ]
        for change in changes:
            value = protect([self.torch.ones(2)])
            mark = mark_of(value)
            assert check_unspoilt(value, mark)
            change(value[0])
            assert not check_unspoilt(value, mark)

    def test_training_a_kept_module_is_noticed(self) -> None:
        module = self.torch.nn.Sequential(self.torch.nn.Linear(2, 2), self.torch.nn.Dropout())
        mark = mark_of(module)
        module(self.torch.ones(1, 2)).sum().backward()
        assert check_unspoilt(module, mark)
        module.eval()
        assert not check_unspoilt(module, mark)
        module.train()
        assert check_unspoilt(module, mark)
        self.torch.optim.SGD(module.parameters(), lr=0.1).step()
        assert not check_unspoilt(module, mark)

    def test_tensors_of_inference_mode_have_a_mark(self) -> None:
        with self.torch.inference_mode():
            value = self.torch.ones(2)
        assert check_unspoilt(value, mark_of(value))
