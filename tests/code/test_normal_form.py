"""The forms of code: what they ignore, and what they must not."""

from __future__ import annotations

import ast
import textwrap
from types import CodeType
from typing import Any

import pytest

from dumbo.code.bytecode import bytecode_form, is_comprehension, listing, qualified_name
from dumbo.code.normal_form import class_shell, constant_text, mark, readable, stable_form
from dumbo.code.source_index import SourceIndex, index_source


def node(text: str) -> Any:
    return ast.parse(textwrap.dedent(text)).body[0]


SAME = [
    ("def f(a: int) -> int: return a", "def f(a): return a"),
    ("def f():\n    'doc'\n    return 1", "def f():\n    return 1  # why"),
    ("def f():\n    'doc'", "def f(): pass"),
    ("def f():\n    x: int = 1", "def f():\n    x: str = 1"),
    ("def f(): return f'a' f'{x}b'", "def f(): return f'a{x}' 'b'"),
    ("def f(): return 0x10", "def f(): return 16"),
    ("def f(): return (1,\n 2)", "def f(): return 1, 2"),
    ("async def f(a: int): await a", "async def f(a): await a"),
]
OTHER = [
    ("def f(): return 1", "def f(): return 1.0"),
    ("def f(): return 1", "def f(): return True"),
    ("def f(): return 'a'", "def f(): return b'a'"),
    ("def f(a): return a", "def f(b): return b"),
    ("def f(a, b=1): pass", "def f(a, b=2): pass"),
    ("def f(a, b): pass", "def f(a, *, b): pass"),
    ("def f(): return x.a", "def f(): return x.b"),
    ("def f(): return f'{x}'", "def f(): return f'{x!r}'"),
    ("def f(): return f'{x:3}'", "def f(): return f'{x:4}'"),
    ("def f(): return 0.0", "def f(): return -0.0"),
    ("@d\ndef f(): pass", "def f(): pass"),
    ("def f():\n    x: int\n    return x", "def f():\n    return x"),
    ("def f(): yield 1", "async def f(): yield 1"),
    ("def f():\n    'a'\n    'b'", "def f():\n    'a'"),
]


@pytest.mark.parametrize(("one", "two"), SAME)
def test_what_does_not_matter_is_left_out(one: str, two: str) -> None:
    assert stable_form(node(one)) == stable_form(node(two))


@pytest.mark.parametrize(("one", "two"), OTHER)
def test_what_matters_is_kept(one: str, two: str) -> None:
    assert stable_form(node(one)) != stable_form(node(two))


def test_readable_text_shows_what_is_compared() -> None:
    text = """
        @d
        async def f(a: int, *b: str) -> int:
            '''Doc.'''
            x: int = a  # comment
            y: int
            class C:
                '''Doc.'''
                v: int = 1
                async def go(self) -> int: return 1
            return x
    """
    shown = readable(node(text))
    assert "Doc" not in shown
    assert "-> int" not in shown
    assert "x = a" in shown
    assert "v: int = 1" in shown
    assert "y: ..." in shown


def test_a_shell_names_methods_and_leaves_their_bodies_out() -> None:
    one = "class K(B, m=1):\n    v: int = 1\n    def go(self): return 1\n"
    one += "    class I:\n        def x(self): pass"
    assert class_shell(node(one)) == class_shell(node(one.replace("return 1", "return 2")))
    assert class_shell(node(one)) == class_shell(node(one.replace("x(self): pass", "x(self): 1")))
    for old, new in [
        ("go", "went"),
        ("v: int", "v: str"),
        ("= 1\n", "= 2\n"),
        ("m=1", "m=2"),
        ("(B", "(C"),
        ("x(", "y("),
    ]:
        assert class_shell(node(one)) != class_shell(node(one.replace(old, new, 1))), old
    assert "return 1" not in readable(node(one))


def test_very_long_integers_and_odd_strings_have_a_form() -> None:
    assert constant_text(10**5000) != constant_text(10**5000 + 1)
    assert mark("\ud800") != mark("\ud801")
    assert constant_text((1, 2.0)) != constant_text((1.0, 2))
    assert constant_text(frozenset("ab")) == constant_text(frozenset("ba"))


def code_of(text: str, name: str = "f") -> CodeType:
    space: dict[str, Any] = {}
    exec(textwrap.dedent(text), space)
    code: CodeType = space[name].__code__
    return code


def test_bytecode_ignores_lines_and_docstrings() -> None:
    one = code_of("def f(a):\n    'one'\n    return a + 1")
    two = code_of("\n\ndef f(a):\n    'two'\n\n    return a + 1")
    assert bytecode_form(one) == bytecode_form(two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("f = lambda: 'a'", "f = lambda: 'b'"),
        ("def f(): return x.a", "def f(): return x.b"),
        ("def f(): return 1", "def f(): return 1.0"),
        ("def f(a): return 1", "def f(b): return 1"),
        ("def f(): return lambda: 1", "def f(): return lambda: 2"),
        ("def f(): return x in {1, 2}", "def f(): return x in {1, 3}"),
        ("def f():\n    'doc'\n    return 'a'", "def f():\n    'doc'\n    return 'b'"),
        ("def f(): return 'a'", "def f(): return 'b'"),
    ],
)
def test_bytecode_of_other_code_differs(one: str, two: str) -> None:
    assert bytecode_form(code_of(one)) != bytecode_form(code_of(two))


def test_comprehension_scopes_are_no_part_of_a_name() -> None:
    code = code_of("def f(): return (lambda: 1 for _ in 'a')")
    inner = next(c for c in code.co_consts if isinstance(c, CodeType))
    assert is_comprehension(inner)
    assert qualified_name(inner) == "f"
    deepest = next(c for c in inner.co_consts if isinstance(c, CodeType))
    assert qualified_name(deepest) == "f.<locals>.<lambda>"
    assert "RETURN" in listing(deepest)


INDEXED = """
import a.b, c as d
from .m import n as o, p
from q import *
N = 1
N2 = [1, {"a": (2,)}]
T = f()
T.append(1)
D = {}
D["k"] = 1
if x:
    U = 1
else:
    U = 2
try:
    import w
except ImportError:
    w = None
for i in range(3): pass
with f() as h: pass
match N:
    case 1: M = 1
def plain(a=lambda: 1): return [lambda: 2 for _ in a]
@deco
def decorated(): pass
class K:
    @property
    def p(self): return 1
    @p.setter
    def p(self, v): pass
    class In:
        def go(self): return lambda: 1
one, two = 1, 2
g = lambda: 1; h2 = lambda: 2
x: int = 3
y: int
"""


def test_an_index_knows_every_definition_by_its_qualified_name() -> None:
    index = index_source(INDEXED)
    assert set(index.functions) == {
        "plain", "decorated", "K.p", "K.In.go", "<lambda>",
        "plain.<locals>.<lambda>", "K.In.go.<locals>.<lambda>",
    }  # fmt: skip
    assert set(index.classes) == {"K", "K.In"}
    assert len(index.functions["K.p"]) == 2
    assert all(entry.codes for found in index.functions.values() for entry in found)


def test_an_index_tells_values_the_text_determines_from_others() -> None:
    bindings = index_source(INDEXED).bindings
    literal = {name for name, binding in bindings.items() if binding.literal}
    assert literal == {"a", "d", "o", "p", "N", "N2", "M", "plain", "K", "one", "two", "x"}
    assert {"T", "D", "U", "w", "i", "h", "decorated", "g", "y", "*"} <= set(bindings)
    assert bindings["o"].source == "m:n"
    assert bindings["o"].level == 1


def test_an_index_survives_being_written_down() -> None:
    index = index_source(INDEXED)
    assert SourceIndex.from_bytes(index.to_bytes()) == index
    old = index.to_bytes().replace(b'"format":3', b'"format":2')
    assert SourceIndex.from_bytes(old) is None


def test_a_module_changes_its_form_with_any_statement() -> None:
    assert index_source("a = 1\n").form == index_source("a = 1  # one\n").form
    assert index_source("a = 1\n").form != index_source("a = 2\n").form
