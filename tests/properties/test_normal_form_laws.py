"""Laws of the normal form: the same under every Python, blind to style, and to nothing else."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dumbo.code.normal_form import readable, stable_form

ROOT = Path(__file__).parent.parent.parent

FORMS = """
import json, sys
from pathlib import Path
from dumbo.code.source_index import index_source
forms = {}
for path in json.loads(sys.argv[1]):
    index = index_source(Path(path).read_bytes(), path)
    for kind in ("functions", "classes"):
        for name, found in getattr(index, kind).items():
            forms[f"{path}:{kind}:{name}"] = [entry.form for entry in found]
    forms[path] = [index.form, {n: [b.form, b.literal] for n, b in index.bindings.items()}]
print(json.dumps(forms))
"""


def corpus() -> list[str]:
    """Sources of installed packages: the same bytes, whichever Python reads them."""
    folders = []
    for package, part in (("networkx", "algorithms/shortest_paths"), ("numpy", "lib")):
        spec = find_spec(package)
        assert spec is not None
        folders.append(Path(str(spec.origin)).parent / part)
    return sorted(str(path) for folder in folders for path in folder.glob("*.py"))


def others() -> list[str]:
    named = os.environ.get("DUMBO_TEST_PYTHONS", "").split(os.pathsep)
    found = [n for n in named if n]
    found += [path for minor in (11, 12, 13) if (path := shutil.which(f"python3.{minor}"))]
    probe = [sys.executable, *found]
    usable: dict[str, str] = {}
    for python in probe:
        test = "import sys, xxhash, numpy; print(sys.version_info[:2])"
        got = subprocess.run([python, "-c", test], capture_output=True, text=True)
        if got.returncode == 0 and got.stdout >= "(3, 11)":
            usable.setdefault(got.stdout, python)
    return list(usable.values())


def forms_under(python: str, paths: list[str]) -> dict[str, Any]:
    got = subprocess.run(
        [python, "-c", FORMS, json.dumps(paths)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(got.stdout)
    return found


def test_forms_of_a_corpus_are_the_same_under_every_python() -> None:
    paths = corpus()
    pythons = others()
    if len(pythons) < 2:
        pytest.skip("only one Python has the libraries; DUMBO_TEST_PYTHONS names more")
    first = forms_under(pythons[0], paths)
    assert len(first) > 500
    for python in pythons[1:]:
        assert forms_under(python, paths) == first


numbers = st.integers(-3, 3).map(str)
leaves = st.sampled_from(["x", "y", "N"]) | numbers | st.sampled_from(["1.5", "True", "'a'"])
operators = st.sampled_from(["+", "-", "*", "==", "<", "and", "or"])
expressions = st.recursive(
    leaves,
    lambda inner: (
        st.tuples(inner, operators, inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
        | st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})")
        | inner.map(lambda e: f"g({e})")
        | inner.map(lambda e: f"[{e} for y in (1, 2)][-1]")
        | inner.map(lambda e: f"(lambda y: {e})(x)")
    ),
    max_leaves=8,
)


def program(expression: str, default: str) -> str:
    return f"def f(x, y={default}):\n    z = {expression}\n    return z\n"


def outcomes(text: str) -> list[tuple[str, str]]:
    found = []
    for x in (0, 2, -1.0):
        space: dict[str, Any] = {"N": 3, "g": repr}
        exec(text, space)
        try:
            value = space["f"](x)
            found.append((type(value).__name__, repr(value)))
        except TypeError:
            found.append(("error", ""))
    return found


def form(text: str) -> str:
    return stable_form(ast.parse(text))


@settings(max_examples=300, deadline=None)
@given(expressions, expressions, numbers, numbers)
def test_an_edit_that_changes_the_output_changes_the_form(
    one: str, two: str, default: str, other: str
) -> None:
    before, after = program(one, default), program(two, other)
    if outcomes(before) != outcomes(after):
        assert form(before) != form(after)


@settings(max_examples=150, deadline=None)
@given(expressions, numbers)
def test_style_does_not_change_the_form(expression: str, default: str) -> None:
    text = program(expression, default)
    styled = (
        text.replace("x, y=", "x: int, y: float = ")
        .replace("    z =", '    "Doc."\n\n    # comment\n    z =')
        .replace("return z", "return (\n        z\n    )")
    )
    assert form(styled) == form(ast.unparse(ast.parse(text))) == form(text)


@settings(max_examples=150, deadline=None)
@given(expressions, numbers)
def test_readable_text_means_what_is_compared(expression: str, default: str) -> None:
    text = program(expression, default)
    shown = readable(ast.parse(text).body[0])
    assert form(shown) == form(text)
