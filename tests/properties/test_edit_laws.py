"""The law of edits: one that changes what a program gives is noticed, one of style is not.

Programs of a few functions, constants and a class are written to files, recorded, edited at a
random place of their tree, imported again, and judged by a tracker that knows nothing of before.
"""

from __future__ import annotations

import ast
import importlib
import itertools
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dumbo.code import Project, Tracker
from dumbo.records import Depset, State

_numbers = itertools.count()

atoms = st.sampled_from(["x", "N", "M", "K.v", "o.v", "T[0]", "1", "2", "-1", "0.5"])
operators = st.sampled_from(["+", "-", "*"])
callees = st.sampled_from(["g({})", "h({})", "o.go({})", "lam({})", "part({})", "D['a']({})"])
expressions = st.recursive(
    atoms,
    lambda inner: (
        st.tuples(inner, operators, inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
        | st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} > 0 else {t[2]})")
        | st.tuples(callees, inner).map(lambda t: t[0].format(t[1]))
        | inner.map(lambda e: f"sum([{e} for i in (1, 2)])")
    ),
    max_leaves=5,
)
leaves = st.recursive(
    st.sampled_from(["x", "N", "M", "T[1]", "3"]),
    lambda inner: st.tuples(inner, operators, inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=3,
)

TEXT = """import functools
N = 2
M = N * 3
T = [1, 4]

class B:
    v = 5
    def go(self, x): return {low}

class K(B):
    def __init__(self): self.w = 1

o = K()

def h(x, d=N):
    return {middle} + d

def g(x):
    y = {low}
    return y if y else h(x)

lam = lambda x: x * M
part = functools.partial(h, d=T[1])
D = {{'a': g}}

def unused(x): return {low} + 7

def f(x):
    z = {top}
    return z
"""
programs = st.builds(
    lambda low, middle, top: TEXT.format(low=low, middle=middle, top=top),
    leaves,
    leaves,
    expressions,
)


class Mutation(ast.NodeTransformer):
    """Changes the n-th thing that can be changed."""

    def __init__(self, at: int) -> None:
        self.left = at
        self.depth = 0

    def _is_here(self) -> bool:
        self.left -= 1
        return self.left == -1

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if type(node.value) in (int, float) and self._is_here():
            return ast.copy_location(ast.Constant(node.value + 1), node)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        return node  # another index may not be there

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        if self._is_here():
            node.op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        return self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        if self._is_here():
            node.body, node.orelse = node.orelse, node.body
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        other = {"N": "M", "M": "N", "g": "h", "h": "g"}.get(node.id)
        # At the top of the module the other name may not be there yet.
        if other and self.depth and isinstance(node.ctx, ast.Load) and self._is_here():
            return ast.copy_location(ast.Name(other, node.ctx), node)
        return node


def mutated(text: str, at: int) -> str:
    return ast.unparse(ast.fix_missing_locations(Mutation(at).visit(ast.parse(text))))


def restyled(text: str, style: int) -> str:
    """The same program, written otherwise."""
    changes = [
        lambda t: t.replace("def g(x):\n", "def g(x):\n    # why\n"),
        lambda t: t.replace("def g(x):\n", 'def g(x):\n    """Doc."""\n'),
        lambda t: t.replace("def f(x):", "def f(x: int) -> object:"),
        lambda t: t.replace("\ndef ", "\n\n\n\ndef "),
        lambda t: t.replace("class B:\n", 'class B:\n    """Doc."""\n'),
        lambda t: t.replace("    return z", "    return (\n        z\n    )"),
        lambda t: t.replace("def unused(x): return ", "def unused(x): return 1 + "),
        ast_roundtrip,
    ]
    return changes[style % len(changes)](text)


def ast_roundtrip(text: str) -> str:
    return ast.unparse(ast.parse(text))


@contextmanager
def loaded(folder: Path, name: str, text: str) -> Iterator[ModuleType]:
    """The program as a module that was just imported from its file."""
    (folder / f"{name}.py").write_text(text)
    importlib.invalidate_caches()
    time.sleep(0.025)  # what is imported in the tick it was written in might have changed since
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop(name, None)


def recorded(module: Any, x: int) -> tuple[Depset, str] | None:
    tracker = Tracker(Project())
    try:
        with tracker.recording(module.f) as recording:
            value = module.f(x)
    except RecursionError:
        return None
    return tracker.depset(module.f, recording), repr(value)


@pytest.fixture(autouse=True)
def no_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


common = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@common
@given(programs, st.integers(0, 30), st.sampled_from([0, 1, -2]))
def test_an_edit_that_changes_the_value_is_noticed(
    tmp_path: Path, text: str, at: int, x: int
) -> None:
    name = f"edit_law_{next(_numbers)}"
    with loaded(tmp_path, name, text) as module:
        before = recorded(module, x)
    if before is None:
        return
    depset, value = before
    with loaded(tmp_path, name, mutated(text, at)) as module:
        after = recorded(module, x)
        verdict = Tracker(Project()).verify(depset, module.f)
    if after is None or after[1] != value:
        assert verdict.state is State.STALE, mutated(text, at)


@common
@given(programs, st.integers(0, 7), st.sampled_from([0, 1, -2]))
def test_an_edit_of_style_is_not(tmp_path: Path, text: str, style: int, x: int) -> None:
    name = f"edit_law_{next(_numbers)}"
    with loaded(tmp_path, name, text) as module:
        before = recorded(module, x)
    if before is None:
        return
    with loaded(tmp_path, name, restyled(text, style)) as module:
        verdict = Tracker(Project()).verify(before[0], module.f)
        again = recorded(module, x)
    assert verdict.state is State.FRESH, verdict.reasons
    assert again is not None
    assert again[1] == before[1]


def test_the_programs_differ_enough() -> None:
    text = TEXT.format(low="x + N", middle="x", top="g(x)")
    edits = {mutated(text, at) for at in range(40)}
    assert len(edits) > 15
    assert all(restyled(text, style) != text for style in range(8))
