"""A cached value never changes under its user's hands, whatever is done to what was handed out."""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dumbo.identity.cid import CID, FunctionId
from dumbo.proxy import (
    Node,
    Returns,
    bare_arguments,
    carry,
    check_unspoilt,
    mark_of,
    protect,
    unwrap,
)
from dumbo.records import Record

_count = itertools.count()


def kept(value: Any) -> Node:
    """Keep a fresh result as the engine does."""
    value = protect(value)
    cid = CID(f"m:f#{next(_count):032x}")
    return Node(Record(cid, 1, FunctionId("m:f"), "f()", ""), lambda: value, value=value)


def containers() -> Any:
    plain = st.none() | st.integers() | st.text(max_size=3)
    return st.recursive(
        st.lists(plain, max_size=3) | st.dictionaries(st.text(max_size=2), plain, max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(max_size=2), inner, max_size=3)
            | st.tuples(inner, inner)
        ),
        max_leaves=8,
    )


def attack(value: Any, dice: random.Random) -> None:
    """Change whatever can be changed in a value, in every way a user would try."""
    for action in ATTACKS:
        with contextlib.suppress(TypeError, ValueError, KeyError, IndexError, AttributeError):
            action(value)
    with contextlib.suppress(TypeError, KeyError):
        inside = list(value.values()) if hasattr(value, "values") else list(value)
        dice.shuffle(inside)
        for item in inside:
            if not isinstance(item, (str, bytes, int, float)):
                attack(item, dice)


ATTACKS: list[Callable[[Any], Any]] = [
    lambda v: v.append("spoilt"),
    lambda v: v.clear(),
    lambda v: v.update(spoilt=1),
    lambda v: v.__setitem__(0, "spoilt"),
    lambda v: v.__setitem__("spoilt", 1),
    lambda v: v.__iadd__(["spoilt"]),
    lambda v: v.__ior__({"spoilt": 1}),
    lambda v: v.sort(),
    lambda v: v.pop(),
    lambda v: v.add("spoilt"),
]


@pytest.mark.parametrize("returns", list(Returns))
@settings(max_examples=60, deadline=None)
@given(value=containers(), seed=st.integers(0, 99))
def test_no_change_to_what_was_handed_out_reaches_the_kept_value(
    returns: Returns, value: Any, seed: int
) -> None:
    node = kept(value)
    before = repr(node.value)
    dice = random.Random(seed)
    attack(carry(node, returns), dice)
    attack(unwrap(carry(node)), dice)
    attack(bare_arguments(([carry(node)],), {})[0][0], dice)
    assert repr(node.value) == before


@settings(max_examples=60, deadline=None)
@given(value=containers(), seed=st.integers(0, 99))
def test_no_change_to_the_callers_own_value_reaches_the_kept_one(value: Any, seed: int) -> None:
    node = kept(value)
    before = repr(node.value)
    attack(value, random.Random(seed))
    assert repr(node.value) == before


def test_the_attack_would_be_seen() -> None:
    """The control: on an unprotected value the same attack leaves traces."""
    value = {"a": [1, [2]], "b": {"c": 3}}
    before = repr(value)
    attack(value, random.Random(0))
    assert repr(value) != before


@pytest.mark.parametrize("returns", list(Returns))
def test_arrays_cannot_be_written_through_anything_handed_out(returns: Returns) -> None:
    mine = np.arange(4.0)
    node = kept({"w": mine})
    out = carry(node, returns)["w"]
    writes: list[Callable[[], Any]] = [
        lambda: out.__setitem__(0, 9),
        lambda: out.sort(),
        lambda: out.fill(9),
        lambda: np.asarray(out).__setitem__(0, 9),
        lambda: out[1:].__setitem__(0, 9),
        lambda: out.T.__setitem__(0, 9),
        lambda: np.add(out, 1, out=out),
        lambda: np.copyto(out, 9),
        lambda: out.setflags(write=True),
    ]
    for write in writes:
        with pytest.raises((TypeError, ValueError)):
            write()
    assert np.array_equal(node.value["w"], np.arange(4.0))  # type: ignore[index]  # a dict
    mine[0] = 7  # the function's own array is its own


def test_unlocking_the_base_is_noticed_though_it_cannot_be_forbidden() -> None:
    node = kept(np.arange(4.0))
    mark = mark_of(node.value)
    base = unwrap(carry(node)).base
    assert base is not None
    base.flags.writeable = True
    base[0] = 9
    assert not check_unspoilt(node.value, mark)


@pytest.mark.torch
@pytest.mark.parametrize("returns", [Returns.PROXY, Returns.NATIVE])
def test_tensors_cannot_be_changed_unnoticed_by_torch_operations(returns: Returns) -> None:
    torch = pytest.importorskip("torch")
    changes: list[Callable[[Any], Any]] = [
        lambda t: t.add_(1),
        lambda t: t.__setitem__(0, 5),
        lambda t: t.detach().mul_(3),
        lambda t: t.data.zero_(),
        lambda t: t[0].fill_(7),
        lambda t: torch.relu_(t),
        lambda t: torch.add(t, 1, out=t),
        lambda t: torch.nn.functional.dropout(t, inplace=True),
    ]
    for change in changes:
        node = kept(torch.full((3,), -1.0))
        mark = mark_of(node.value)
        with contextlib.suppress(TypeError):
            change(carry(node, returns))
        untouched = torch.equal(node.value, torch.full((3,), -1.0))
        assert untouched or not check_unspoilt(node.value, mark)


def test_in_place_operators_leave_the_result_alone_and_give_bare_values() -> None:
    for value, other in (([1], [2]), ({1}, {2}), ({"a": 1}, {"b": 2}), (np.ones(2), 1), (3, 4)):
        node = kept(value)
        before = repr(node.value)
        changed = carry(node)
        if isinstance(value, (set, dict)):
            changed |= other
        else:
            changed += other
        assert repr(node.value) == before
        assert getattr(changed, "__dumbo_cid__", None) is None
        assert repr(changed) != before
