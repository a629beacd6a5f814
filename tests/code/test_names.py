"""What a code object names, whatever Python compiled it."""

from __future__ import annotations

from typing import Any

import pytest

from dumbo.code.names import Imported, names_of, names_of_all


def scan(text: str) -> Any:
    space: dict[str, Any] = {}
    exec(text, space)
    return names_of(space["f"].__code__)


@pytest.mark.parametrize(
    ("body", "chain"),
    [
        ("return N", ("N",)),
        ("return mod.sub.CONST", ("mod", "sub", "CONST")),
        ("return mod.fn(1)", ("mod", "fn")),
        ("return mod.fn(x).attr", ("mod", "fn")),
        ("return [mod.N + 1, x]", ("mod", "N")),
        ("mod.A.b += 1", ("mod", "A", "b")),
    ],
)
def test_chains_begin_at_a_global(body: str, chain: tuple[str, ...]) -> None:
    assert chain in scan(f"def f(x):\n    {body}").chains


@pytest.mark.parametrize(
    ("body", "imported"),
    [
        ("import a\n    return a.N", Imported("a", 0, ("N",))),
        ("import a.b\n    return a.b.N", Imported("a", 0, ("b", "N"))),
        ("import a.b as c\n    return c.N", Imported("a.b", 0, ("N",))),
        ("import a.b.c as d\n    return d.N", Imported("a.b.c", 0, ("N",))),
        ("from a import N as M\n    return M.v", Imported("a", 0, ("N", "v"))),
        ("from a import M, N\n    return M, N.v", Imported("a", 0, ("N", "v"))),
        ("from ..p.a import N\n    return N", Imported("p.a", 2, ("N",))),
        ("from . import a\n    return a.N", Imported("", 1, ("a", "N"))),
        ("import a\n    return [a.N for _ in x]", Imported("a", 0, ("N",))),
        ("import a\n    return lambda: a.N", Imported("a", 0, ("N",))),
    ],
)
def test_imports_inside_a_function_are_followed(body: str, imported: Imported) -> None:
    assert imported in scan(f"def f(x):\n    {body}").imports


@pytest.mark.parametrize(
    ("body", "chain"),
    [
        ("global T\n    T = x", ("T",)),
        ("global T\n    del T", ("T",)),
        ("T[x] = 1", ("T",)),
        ("T[x, g(x)] = 1", ("T",)),
        ("T[x + 1] = g(x) if x else 2", ("T",)),
        ("del T[x]", ("T",)),
        ("mod.T[x] = 1", ("mod", "T")),
        ("K.v = x", ("K", "v")),
    ],
)
def test_stores_into_globals_are_seen(body: str, chain: tuple[str, ...]) -> None:
    assert chain in scan(f"def f(x):\n    {body}").stores


@pytest.mark.parametrize("body", ["x[0] = T", "T(x)[0] = 1", "x.v = T", "T[0].append(x)"])
def test_stores_into_other_things_are_not(body: str) -> None:
    assert scan(f"def f(x):\n    {body}").stores == frozenset()


def test_attributes_read_and_assigned_are_listed() -> None:
    names = scan("def f(x):\n    x.put = x.get.more\n    return N.deep")
    assert names.attributes >= {"get", "more", "deep"}
    assert names.assigned == {"put"}


def test_cells_that_are_assigned_are_listed() -> None:
    code = compile("def f():\n n = 0\n def g():\n  nonlocal n\n  n += 1\n return g", "", "exec")
    assert names_of_all(code).rebinds == {"n"}


def test_inner_code_is_read_only_when_asked() -> None:
    text = "def f():\n    def g(): return N\n    return g"
    assert ("N",) not in scan(text).chains
    space: dict[str, Any] = {}
    exec(text, space)
    assert ("N",) in names_of_all(space["f"].__code__).chains
