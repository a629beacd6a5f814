"""Tensor carriers: lazy, loud where torch's C++ cannot be served, never a crash."""

from __future__ import annotations

from typing import Any

import pytest
from carriers_made import fresh, native, unopened

from dumbo.errors import FrozenValueError
from dumbo.proxy import carry, cid_of

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def test_what_the_record_knows_is_answered_without_loading() -> None:
    node, loads = unopened(torch.zeros(3, 4, dtype=torch.float16))
    t = carry(node)
    assert isinstance(t, torch.Tensor)
    assert (t.shape, t.dtype, t.ndim, t.device) == ((3, 4), torch.float16, 2, torch.device("cpu"))
    assert (len(t), t.numel(), t.dim(), t.size(1), t.element_size()) == (3, 12, 2, 4, 2)
    assert (t.nbytes, t.itemsize, t.is_cuda, t.is_cpu, t.is_meta) == (24, 2, False, True, False)
    assert (t.requires_grad, t.is_floating_point(), torch.numel(t)) == (False, True, 12)
    assert t.__dumbo_cid__ == node.cid
    assert t.__dumbo_record__ is node.record
    assert (t.__dumbo_inputs__, t.__dumbo_globals__, t.__dumbo_loaded__) == ((), {}, False)
    assert loads == []
    assert t.sum() == 0
    assert (t.shape, t.is_cpu, t.__dumbo_loaded__) == ((3, 4), True, True)
    assert loads == [1]


def test_a_record_that_says_little_costs_a_load_and_no_more() -> None:
    node, loads = unopened(torch.zeros(3), meta={})
    assert carry(node).shape == (3,)
    assert loads == [1]


def test_repr_is_the_values_own_or_a_summary_or_has_the_note_in_front() -> None:
    node, loads = unopened(torch.zeros(3), nbytes=5 << 20)
    t = carry(node)
    assert repr(t) == "<Tensor (3,) torch.float32 cpu, 5.0 MiB, not loaded>"
    assert loads == []
    t.sum()
    assert repr(t) == repr(torch.zeros(3))
    node.note = "stale, reused"
    assert repr(t) == "[stale, reused] " + repr(torch.zeros(3))


IN_PLACE: list[Any] = [
    lambda t: t.add_(1),
    lambda t: t.zero_(),
    lambda t: t.copy_(torch.ones(2)),
    lambda t: torch.relu_(t),
    lambda t: torch.nn.functional.relu(t, inplace=True),
    lambda t: torch.nn.init.ones_(t),
    lambda t: t.__setitem__(0, 1),
    lambda t: torch.add(torch.ones(2), 1, out=t),
    lambda t: torch.sort(torch.ones(2), out=(t, torch.zeros(2, dtype=torch.long))),
    lambda t: torch._foreach_add_([t], 1),
    lambda t: torch.optim.SGD([t.requires_grad_()], lr=0.1),
    lambda t: setattr(t, "data", torch.ones(2)),
    lambda t: setattr(t, "grad", torch.ones(2)),
    lambda t: torch.Tensor.data.__set__(t, torch.ones(2)),
    lambda t: t.resize_(3),
    lambda t: t.set_(torch.ones(2)),
    lambda t: t.numpy().__setitem__(0, 1),
    lambda t: t.__array__().__setitem__(0, 1),
]


@pytest.mark.parametrize("number", range(len(IN_PLACE)))
def test_no_operation_changes_the_cached_tensor(number: int) -> None:
    value = torch.zeros(2)
    with pytest.raises((FrozenValueError, ValueError, RuntimeError, TypeError)):
        IN_PLACE[number](fresh(value))
    assert torch.equal(value, torch.zeros(2))


@pytest.mark.parametrize("number", [0, 1, 2, 3, 6, 7, 8])
def test_the_error_names_the_remedy(number: int) -> None:
    with pytest.raises(FrozenValueError, match=r"unwrap\(x\)\.clone"):
        IN_PLACE[number](fresh(torch.zeros(2)))


def test_taking_a_result_over_by_another_tensor_shares_no_memory() -> None:
    value = torch.zeros(2)
    other = torch.ones(2)
    other.set_(fresh(value))
    other.add_(1)
    assert torch.equal(value, torch.zeros(2))


def test_data_of_a_result_shares_the_version_counter() -> None:
    value = torch.zeros(2)
    before = value._version
    fresh(value).data.add_(1)
    assert value._version > before


def test_operators_in_place_rebind_to_a_plain_tensor() -> None:
    for operate in ("__iadd__", "__imul__", "__isub__"):
        result = getattr(fresh(torch.ones(2)), operate)(1)
        assert type(result) is torch.Tensor
        assert cid_of(result) is None


def test_copies_are_plain_and_independent() -> None:
    import copy

    value = torch.ones(2, requires_grad=True)
    for made in (copy.copy(fresh(value)), copy.deepcopy(fresh(value))):
        assert type(made) is torch.Tensor
        assert made.requires_grad
        assert made.data_ptr() != value.data_ptr()
    one = fresh(value)
    twice = copy.deepcopy([one, one])
    assert twice[0] is twice[1]


def test_native_tensors_carry_the_cid_until_they_are_changed() -> None:
    import copy

    value = torch.zeros(2)
    t = native(value)
    assert type(t) is torch.Tensor
    assert cid_of(t) is not None
    assert cid_of(copy.deepcopy(t)) is None
    t.add_(1)
    assert cid_of(t) is None
    assert torch.equal(value, torch.zeros(2))


def test_c_plus_plus_that_writes_past_python_is_refused_by_the_dispatcher() -> None:
    with pytest.raises((FrozenValueError, RuntimeError)):
        torch.ops.aten.add_.Tensor(fresh(torch.zeros(2)), torch.ones(2))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_tensor_on_the_gpu_says_so_before_it_is_loaded() -> None:
    node, loads = unopened(torch.zeros(3, device="cuda"))
    t = carry(node)
    assert (t.is_cuda, t.device.type) == (True, "cuda")
    assert loads == []
    assert (t + 1).is_cuda
