"""Tokens of plain values, containers and carriers inside them."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from carried import A, B, Decorated, Lazy

from dumbo.errors import UnidentifiableError
from dumbo.identity import CID, carrier_probes, content_digest, digest, token
from dumbo.identity.parts import Layout, Parts


def test_types_never_meet() -> None:
    values: list[Any] = [
        1,
        1.0,
        True,
        "1",
        b"1",
        None,
        (1,),
        [1],
        {1},
        frozenset([1]),
        {1: 1},
        1 + 0j,
        np.int64(1),
        np.float64(1),
        bytearray(b"1"),
        CID("1"),
        ...,
        NotImplemented,
        range(1),
        slice(1),
        [[1]],
    ]
    assert len({digest(v) for v in values}) == len(values)


def test_concatenations_do_not_collide() -> None:
    groups: list[Any] = [
        ["ab", "c"],
        ["a", "bc"],
        ["abc"],
        [["ab"], "c"],
        ["ab", ["c"]],
        ["", "abc"],
    ]
    assert len({digest(v) for v in groups}) == len(groups)


@pytest.mark.parametrize("size", [5_000, 10_000, 50_000])
def test_depth_costs_no_stack(size: int) -> None:
    values: list[Any] = [1, 2]
    for _ in range(size):
        values = [[v] for v in values]
        values = [values[0], values[1]]
    limit = sys.getrecursionlimit()
    assert digest(values[0]) != digest(values[1])
    assert sys.getrecursionlimit() == limit
    # Taking such a list apart recursively would exhaust the stack of the interpreter's own
    # deallocator on some builds, so it is done by hand.
    for value in values:
        while isinstance(value, list):
            value = value.pop()


def test_nesting_without_end_is_refused() -> None:
    class Endless:
        def __dumbo_token__(self) -> Endless:
            return Endless()

    with pytest.raises(UnidentifiableError, match="levels deep"):
        digest(Endless())


def test_recursive_structures_terminate_and_are_told_apart() -> None:
    a: list[Any] = [1]
    a.append(a)
    b: list[Any] = [1]
    b.append(b)
    c: list[Any] = [2]
    c.append(c)
    inner: list[Any] = [1]
    outer: list[Any] = [1, inner]
    inner.append(outer)
    assert digest(a) == digest(b)
    assert len({digest(a), digest(c), digest(outer)}) == 3
    d: dict[str, Any] = {}
    d["self"] = [d]
    e: dict[str, Any] = {}
    e["self"] = [e]
    assert digest(d) == digest(e)


def test_shared_and_unshared_twins_are_the_same() -> None:
    shared = [{"a": (1, [2])}]
    assert digest([shared, shared]) == digest([[{"a": (1, [2])}], [{"a": (1, [2])}]])


def test_order_counts_where_it_means_something() -> None:
    assert digest({"a": [1], "b": [2]}) == digest({"b": [2], "a": [1]})
    assert digest({(1, 2), (3, 4)}) == digest({(3, 4), (1, 2)})
    assert digest({"a": [1], "b": [2]}) != digest({"a": [2], "b": [1]})
    assert digest({1: 2}) != digest({2: 1})


def test_long_text_and_bytes_are_told_apart_to_the_last_byte() -> None:
    for size in (100, 1000, 70_000):
        assert digest("x" * size) != digest("x" * (size - 1) + "y")
        assert digest(b"x" * size) != digest(b"x" * (size - 1) + b"y")
        assert digest(b"x" * size) != digest("x" * size)


def test_carriers_enter_by_cid_and_are_not_touched() -> None:
    found = token({"cfg": [Lazy(A), (Lazy(B),)]}, name="x")
    assert [(u.cid, u.role) for u in found.uses] == [(A, "x['cfg'][0]"), (B, "x['cfg'][1][0]")]
    assert found.digest == token({"cfg": [Lazy(A), (Lazy(B),)]}).digest
    assert found.digest != token({"cfg": [Lazy(B), (Lazy(A),)]}).digest
    assert digest(Lazy(A)) != digest(A)


def test_the_same_carrier_twice_is_used_twice() -> None:
    carrier = Lazy(A)
    assert [u.role for u in token((carrier, carrier), name="p").uses] == ["p[0]", "p[1]"]


def test_roles_name_fields_keys_and_sets() -> None:
    class Config:
        def __init__(self) -> None:
            self.weights = Lazy(A)

    found = token({"model": Config(), (1,): {Lazy(B)}}, name="cfg")
    assert {u.role for u in found.uses} == {"cfg['model'].weights", "cfg[<tuple>]{...}"}
    assert token({Lazy(A): 1}, name="d").uses[0].role == "d<key <Lazy>>"


def test_probes_are_asked_for_values_that_carry_a_cid_otherwise() -> None:
    class Thing:
        def __init__(self, cid: str) -> None:
            self.cid = cid

    def probe(value: Any) -> str | None:
        return value.cid if type(value) is Thing else None

    plain = digest(Thing(A))
    carrier_probes.append(probe)
    try:
        assert token([Thing(A)], name="t").uses[0].cid == A
        assert type(token(Thing(A)).uses[0].cid) is CID
        assert digest(Thing(A)) != plain
        assert content_digest(Thing(A)) == plain
    finally:
        carrier_probes.remove(probe)


def test_content_never_goes_by_a_cid() -> None:
    with pytest.raises(UnidentifiableError, match="unwrap"):
        content_digest([Lazy(A)])


def test_decorated_functions_enter_by_their_id() -> None:
    assert digest(Decorated(name="m:a")) == digest(Decorated(name="m:a"))
    assert digest(Decorated(name="m:a")) != digest(Decorated(name="m:b"))


def test_errors_name_argument_path_cause_and_remedy() -> None:
    with pytest.raises(UnidentifiableError) as caught:
        digest({"model": [(x for x in "")]}, name="cfg")
    text = str(caught.value)
    for part in ("cfg['model'][0]", "generator", "register_value", "external(", "ignore=('cfg',)"):
        assert part in text


def test_a_failed_walk_leaves_nothing_behind() -> None:
    from dumbo.identity.walk import Walk

    walk = Walk()
    bad = [object()]
    with pytest.raises(UnidentifiableError):
        walk.encode(bad, "a")
    assert walk.encode([1], "b") == Walk().encode([1], "b")
    with pytest.raises(UnidentifiableError, match=r"b\[0\]"):
        walk.encode(bad, "b")


def test_parts_of_every_layout() -> None:
    ordered = [Parts("t", [1, 2]), Parts("t", [2, 1])]
    assert digest(ordered[0]) != digest(ordered[1])
    loose = [Parts("t", [1, 2], (), Layout.UNORDERED), Parts("t", [2, 1], (), Layout.UNORDERED)]
    assert digest(loose[0]) == digest(loose[1]) != digest(ordered[0])
    pairs = Parts("t", ["a", Lazy(A), "b", 1], (), Layout.MAPPING)
    assert token(pairs, name="p").uses[0].role == "p['a']"
    unordered = Parts("t", [Lazy(A)], (), Layout.UNORDERED)
    assert token(unordered, name="p").uses[0].role == "p{...}"
    assert token(Parts("t", [Lazy(A)], ["", "x"]), name="p").uses[0].role == "p"
    assert token(Parts("t", [1, Lazy(A)], [".x"]), name="p").uses[0].role == "p"
