"""The change table: small projects, one edit each, and whether a result must then be stale."""

# ruff: noqa: E501 - a program on one line is easier to compare with its edit
from __future__ import annotations

import sys
import textwrap
from dataclasses import dataclass
from importlib.util import find_spec

P, H = "proj.py", "helpers.py"


@dataclass(frozen=True)
class Case:
    """One project and one edit.

    `edit` is ``(file, old, new)``; `pre` runs before the import in the process that checks; `prime`
    runs before the recorded call; `now` runs after it in the same process. `want` is ``stale``,
    ``fresh``, or ``unseen`` for what no analysis of code can see. `why` must occur in a reason.
    `since` is the first Python that can read it, `unless` one that must not be asked, `needs` a
    module that must be there.
    """

    name: str
    files: dict[str, str]
    edit: tuple[str, str, str] | None = None
    want: str = "stale"
    why: str = ""
    pre: str = ""
    arg: str = "3"
    prime: str = ""
    now: str = ""
    declared: str = "()"
    again: bool = False
    loaded: bool = True
    function: str = "f"
    since: tuple[int, int] = (3, 11)
    unless: tuple[int, int] = (0, 0)
    needs: str = ""

    @property
    def slug(self) -> str:
        return "".join(c if c.isalnum() else "_" for c in self.name)

    def row(self) -> dict[str, object]:
        return {"slug": self.slug} | {
            key: item for key, item in vars(self).items() if key not in {"name", "files", "edit"}
        }

    def applies(self) -> bool:
        """Whether this Python can run it."""
        version = sys.version_info[:2]
        there = not self.needs or find_spec(self.needs) is not None
        return version >= self.since and version != self.unless and there


def F(body: str, pre: str = "", post: str = "") -> str:
    return (
        pre + "\ndef f(x):\n" + textwrap.indent(textwrap.dedent(body).strip(), "    ") + "\n" + post
    )


PACKAGE = {
    "../site-packages/thirdp/__init__.py": "V = 1\ndef g(a): return a + 1\n",
    "../site-packages/thirdp-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: thirdp\nVersion: 1.0\n",
    "../site-packages/thirdp-1.0.dist-info/RECORD": "thirdp/__init__.py,,\n",
}
BUMP = ("../site-packages/thirdp-1.0.dist-info/METADATA", "Version: 1.0", "Version: 2.0")
G = "def g(a): return a + 1\n"
K = "class K:\n    def go(self, a): return a + 1\n"
ONE, TWO = "+ 1", "+ 2"

CASES = [
    Case("own body", {P: F("return x + 1")}, (P, ONE, TWO), why="proj.f"),
    Case("comment added", {P: F("return x + 1")}, (P, "return", "# hi\n    return"), "fresh"),
    Case(
        "docstring changed", {P: F('"doc one"\nreturn x + 1')}, (P, "doc one", "doc two"), "fresh"
    ),
    Case(
        "docstring added",
        {P: F("y = None\nreturn x + 1")},
        (P, "y = None", '"""doc"""\n    y = None'),
        "fresh",
    ),
    Case(
        "formatting only",
        {P: F("return g(x, 1)", "def g(a, b): return a + b\n")},
        (P, "g(x, 1)", "g(\n        x,\n        1,\n    )"),
        "fresh",
    ),
    Case(
        "moved down the file", {P: F("return x + 1")}, (P, "\ndef f", "\nA = 1\n\n\ndef f"), "fresh"
    ),
    Case(
        "rename of local variable",
        {P: F("y = x + 1\nreturn y")},
        (P, "y = x + 1\n    return y", "z = x + 1\n    return z"),
    ),
    Case(
        "annotation changed",
        {P: "def f(x: int) -> int:\n    return x + 1\n"},
        (P, "-> int", "-> float"),
        "fresh",
    ),
    Case(
        "annotation of a local changed",
        {P: F("y: int = x\nreturn y")},
        (P, "y: int", "y: float"),
        "fresh",
    ),
    Case(
        "quotes and parentheses",
        {P: F("return (x + len('a'))")},
        (P, "(x + len('a'))", 'x + len("a")'),
        "fresh",
    ),
    Case(
        "unrelated function changed",
        {P: F("return x + 1", "def u(): return 1\n")},
        (P, "return 1", "return 2"),
        "fresh",
    ),
    Case(
        "unrelated import added",
        {P: F("return x + 1")},
        (P, "\ndef f", "import json\ndef f"),
        "fresh",
    ),
    Case("helper", {P: F("return g(x)", G)}, (P, ONE, TWO), why="proj.g"),
    Case(
        "helper docstring and comment",
        {P: F("return g(x)", "def g(a):\n    return a + 1\n")},
        (P, "return a", "'d'  # c\n    return a"),
        "fresh",
    ),
    Case(
        "helper of helper",
        {P: F("return g(x)", "def h(a): return a + 1\ndef g(a): return h(a)\n")},
        (P, ONE, TWO),
        why="proj.h",
    ),
    Case(
        "other module",
        {P: F("return helpers.g(x)", "import helpers\n"), H: G},
        (H, ONE, TWO),
        why="helpers.g",
    ),
    Case(
        "from-import alias",
        {P: F("return q(x)", "from helpers import g as q\n"), H: G},
        (H, ONE, TWO),
    ),
    Case(
        "alias rebound to another function",
        {
            P: F("return q(x)", "from helpers import g as q\n"),
            H: "def g(a): return a + 1\ndef k(a): return a + 2\n",
        },
        (P, "import g", "import k"),
        why="proj.q",
    ),
    Case(
        "import inside function",
        {P: F("from helpers import g\nreturn g(x)"), H: G},
        (H, ONE, TWO),
        why="helpers.g",
    ),
    Case(
        "import of a module inside function",
        {P: F("import helpers\nreturn helpers.g(x)"), H: G},
        (H, ONE, TWO),
    ),
    Case(
        "constant imported inside function",
        {P: F("from helpers import N\nreturn x + N"), H: "N = 1\n"},
        (H, "N = 1", "N = 2"),
        why="helpers.N",
    ),
    Case(
        "constant of a module imported inside",
        {P: F("import helpers\nreturn x + helpers.N"), H: "N = 1\n"},
        (H, "N = 1", "N = 2"),
        why="helpers.N",
    ),
    Case(
        "constant of a module imported inside as",
        {P: F("import helpers as h\nreturn [x + h.N for _ in range(2)]"), H: "N = 1\n"},
        (H, "N = 1", "N = 2"),
        why="helpers.N",
    ),
    Case(
        "computed constant imported inside function",
        {P: F("from helpers import N\nreturn x + N"), H: "N = sum([1])\n"},
        (H, "sum([1])", "sum([2])"),
        "unknown",
    ),
    Case(
        "method on local variable",
        {
            P: F("o = mk()\nreturn o.go(x)", "from helpers import mk\n"),
            H: K + "def mk(): return K()\n",
        },
        (H, ONE, TWO),
        why="helpers.K.go",
    ),
    Case(
        "method on an argument object",
        {P: F("return x.go(1)", "from helpers import K\n"), H: K},
        (H, ONE, TWO),
        arg="K()",
    ),
    Case(
        "class attribute of an argument object",
        {P: F("return x.v", "from helpers import K\n"), H: "class K:\n    v = 1\n"},
        (H, "v = 1", "v = 2"),
        arg="K()",
        why="helpers.K",
    ),
    Case(
        "property",
        {
            P: F("return mk().p", "from helpers import mk\n"),
            H: "class K:\n    @property\n    def p(self): return 1 + 1\ndef mk(): return K()\n",
        },
        (H, "1 + 1", "1 + 2"),
    ),
    Case(
        "setter of a property that is read",
        {
            P: F("o = K()\no.p = x\nreturn o.p", "from helpers import K\n"),
            H: "class K:\n    @property\n    def p(self): return self.q\n    @p.setter\n    def p(self, v): self.q = v + 1\n",
        },
        (H, ONE, TWO),
    ),
    Case(
        "call of local object",
        {
            P: F("o = mk()\nreturn o(x)", "from helpers import mk\n"),
            H: "class K:\n    def __call__(self, a): return a + 1\ndef mk(): return K()\n",
        },
        (H, ONE, TWO),
    ),
    Case(
        "operator",
        {
            P: F("return mk() + x", "from helpers import mk\n"),
            H: "class K:\n    def __add__(self, a): return a + 1\ndef mk(): return K()\n",
        },
        (H, ONE, TWO),
    ),
    Case(
        "classmethod",
        {
            P: F("return K.c(x)", "from helpers import K\n"),
            H: "class K:\n    @classmethod\n    def c(cls, a): return a + 1\n",
        },
        (H, ONE, TWO),
    ),
    Case(
        "staticmethod",
        {
            P: F("return K.c(x)", "from helpers import K\n"),
            H: "class K:\n    @staticmethod\n    def c(a): return a + 1\n",
        },
        (H, ONE, TWO),
    ),
    Case(
        "override added in subclass",
        {
            P: F("return S().go(x)", "from helpers import S\n"),
            H: "class B:\n    def go(self, a): return a + 1\nclass S(B):\n    t = 1\n",
        },
        (H, "    t = 1", "    t = 1\n    def go(self, a): return a + 2"),
    ),
    Case(
        "override added, object from factory",
        {
            P: F("return mk().go(x)", "from helpers import mk\n"),
            H: "class B:\n    def go(self, a): return a + 1\nclass S(B):\n    t = 1\ndef mk(): return S()\n",
        },
        (H, "    t = 1", "    t = 1\n    def go(self, a): return a + 2"),
    ),
    Case(
        "base class exchanged",
        {
            P: F("return S().go(x)", "from helpers import S\n"),
            H: "class A:\n    def go(self, a): return a + 1\nclass B:\n    def go(self, a): return a + 2\nclass S(A): pass\n",
        },
        (H, "S(A)", "S(B)"),
    ),
    Case(
        "mixin body",
        {
            P: F("return S().go(x)", "from helpers import S\n"),
            H: "class M:\n    def go(self, a): return super().go(a) + 1\nclass B:\n    def go(self, a): return a\nclass S(M, B): pass\n",
        },
        (H, ONE, TWO),
        why="helpers.M.go",
    ),
    Case(
        "body behind super",
        {
            P: F("return S().go(x)", "from helpers import S\n"),
            H: "class B:\n    def go(self, a): return a + 1\nclass S(B):\n    def go(self, a): return super().go(a)\n",
        },
        (H, ONE, TWO),
        why="helpers.B.go",
    ),
    Case(
        "order of bases",
        {
            P: F("return S().go(x)", "from helpers import S\n"),
            H: "class A:\n    def go(self, a): return a + 1\nclass B:\n    def go(self, a): return a + 2\nclass S(A, B): pass\n",
        },
        (H, "S(A, B)", "S(B, A)"),
    ),
    Case(
        "class attribute",
        {
            P: F("return mk().v + x", "from helpers import mk\n"),
            H: "class K:\n    v = 1\n    def __init__(self): pass\ndef mk(): return K()\n",
        },
        (H, "v = 1", "v = 2"),
    ),
    Case(
        "class attribute, no method ran",
        {
            P: F("o = mk()\nreturn o.v + x", "from helpers import mk\n"),
            H: "class K:\n    v = 1\nO = K()\ndef mk(): return O\n",
        },
        (H, "v = 1", "v = 2"),
    ),
    Case(
        "class attribute by global name",
        {P: F("return K.v + x", "from helpers import K\n"), H: "class K:\n    v = 1\n"},
        (H, "v = 1", "v = 2"),
    ),
    Case(
        "docstring of a class",
        {
            P: F("return K().go(x)", "from helpers import K\n"),
            H: 'class K:\n    """One."""\n    def go(self, a): return a + 1\n',
        },
        (H, "One", "Two"),
        "fresh",
    ),
    Case(
        "descriptor's get",
        {
            P: F("return K().v + x", "from helpers import K\n"),
            H: "class D:\n    def __get__(self, o, t): return 1 + 1\nclass K:\n    v = D()\n",
        },
        (H, "1 + 1", "1 + 2"),
        why="helpers.D.__get__",
    ),
    Case(
        "descriptor's set",
        {
            P: F("o = K()\no.v = x\nreturn o.w", "from helpers import K\n"),
            H: "class D:\n    def __set__(self, o, v): o.w = v + 1\nclass K:\n    v = D()\n",
        },
        (H, ONE, TWO),
    ),
    Case(
        "metaclass body",
        {
            P: F("return K().v", "from helpers import K\n"),
            H: "class M(type):\n    def __call__(cls): o = super().__call__(); o.v = 1 + 1; return o\nclass K(metaclass=M): pass\n",
        },
        (H, "1 + 1", "1 + 2"),
    ),
    Case(
        "enum member value",
        {
            P: F("return E.A.value + x", "from helpers import E\n"),
            H: "import enum\nclass E(enum.Enum):\n    A = 1\n",
        },
        (H, "A = 1", "A = 2"),
    ),
    Case(
        "dataclass field default",
        {
            P: F("return D().v + x", "from helpers import D\n"),
            H: "from dataclasses import dataclass\n@dataclass\nclass D:\n    v: int = 1\n",
        },
        (H, "= 1", "= 2"),
    ),
    Case(
        "dataclass field added",
        {
            P: F("return str(D()) + str(x)", "from helpers import D\n"),
            H: "from dataclasses import dataclass\n@dataclass\nclass D:\n    v: int = 1\n",
        },
        (H, "v: int = 1", "v: int = 1\n    w: int = 1"),
    ),
    Case(
        "match statement",
        {P: F("match x:\n    case 3: return 1\n    case _: return 0")},
        (P, "case 3", "case 4"),
    ),
    Case(
        "match on a class",
        {
            P: F("match mk(x):\n    case K(v=v): return v", "from helpers import K, mk\n"),
            H: "class K:\n    def __init__(self, v): self.v = v + 1\ndef mk(v): return K(v)\n",
        },
        (H, ONE, TWO),
    ),
    Case(
        "match class arguments",
        {
            P: F("match K(x):\n    case K(v): return v", "from helpers import K\n"),
            H: "class K:\n    __match_args__ = ('a',)\n    def __init__(self, v): self.a, self.b = v, v + 1\n",
        },
        (H, "('a',)", "('b',)"),
    ),
    Case(
        "monkeypatched helper",
        {P: F("return helpers.g(x)", "import helpers\n"), H: G},
        pre="import helpers\nhelpers.g = lambda a: a + 2",
        why="helpers.g",
    ),
    Case(
        "monkeypatched method",
        {P: F("return mk().go(x)", "from helpers import mk\n"), H: K + "def mk(): return K()\n"},
        pre="import helpers\nhelpers.K.go = lambda s, a: a + 2",
    ),
    Case(
        "monkeypatched class attribute",
        {
            P: F("return K().go(x)", "from helpers import K\n"),
            H: "class K:\n    v = 1\n    def go(self, a): return a + self.v\n",
        },
        pre="import helpers\nhelpers.K.v = 2",
        why="helpers.K.v",
    ),
    Case(
        "shadowed builtin",
        {P: F("return max(x, 1)", "A = 1\n")},
        (P, "A = 1", "def max(a, b): return 0"),
        why="proj.max",
    ),
    Case(
        "closure value, factory made f",
        {P: "def mk(n):\n    def inner(x): return x + n\n    return inner\nf = mk(1)\n"},
        (P, "mk(1)", "mk(2)"),
        "identity",
    ),
    Case(
        "closure body, factory made f",
        {P: "def mk(n):\n    def inner(x): return x + n + 1\n    return inner\nf = mk(1)\n"},
        (P, ONE, TWO),
    ),
    Case(
        "closure value in helper",
        {P: F("return g(x)", "def mk(n):\n    return lambda a: a + n\ng = mk(1)\n")},
        (P, "mk(1)", "mk(2)"),
        why="proj.g#n",
    ),
    Case(
        "default argument of helper",
        {P: F("return g(x)", "def g(a, b=1): return a + b\n")},
        (P, "b=1", "b=2"),
    ),
    Case(
        "default argument by global name",
        {P: F("return g(x)", "N = 1\ndef g(a, b=N): return a + b\n")},
        (P, "N = 1", "N = 2"),
        why="proj.g=b",
    ),
    Case(
        "default argument by mutable global",
        {P: F("return g(x)", "N = [1]\ndef g(a, b=N): return a + b[0]\n")},
        (P, "N = [1]", "N = [2]"),
        why="proj.g=b",
    ),
    Case(
        "keyword-only default",
        {P: F("return g(x)", "def g(a, *, b=1): return a + b\n")},
        (P, "b=1", "b=2"),
    ),
    Case(
        "keyword-only default by global name",
        {P: F("return g(x)", "N = 1\ndef g(a, *, b=N): return a + b\n")},
        (P, "N = 1", "N = 2"),
        why="proj.g=b",
    ),
    Case("global constant", {P: F("return x + N", "N = 1\n")}, (P, "N = 1", "N = 2"), why="proj.N"),
    Case(
        "global constant spelt otherwise",
        {P: F("return x + N", "N = 1\n")},
        (P, "N = 1", "N = 2 - 1"),
        "fresh",
    ),
    Case(
        "global constant of another type",
        {P: F("return x + N", "N = 1\n")},
        (P, "N = 1", "N = 1.0"),
    ),
    Case(
        "global constant in helper module",
        {P: F("return g(x)", "from helpers import g\n"), H: "N = 1\ndef g(a): return a + N\n"},
        (H, "N = 1", "N = 2"),
    ),
    Case(
        "constant of a module",
        {P: F("return x + helpers.N", "import helpers\n"), H: "N = 1\n"},
        (H, "N = 1", "N = 2"),
        why="helpers.N",
    ),
    Case(
        "unrelated global changed",
        {P: F("return x + N", "N = 1\nM = 5\n")},
        (P, "M = 5", "M = 6"),
        "fresh",
    ),
    Case(
        "unrelated key stays in a used dict",
        {P: F("return x + D['a']", "D = {'a': 1}\n")},
        (P, "'a': 1", "'a': (1)"),
        "fresh",
    ),
    Case(
        "name defined later",
        {P: F("try: return N\nexcept NameError: return x", "M = 1\n")},
        (P, "M = 1", "N = 1"),
        why="proj.N",
    ),
    Case(
        "global dict mutated later",
        {P: F("return x + D['a']", "D = {'a': 1}\n")},
        pre="import proj\nproj.D['a'] = 2",
    ),
    Case(
        "global array",
        {P: F("return x + int(A.sum())", "import numpy as np\nA = np.arange(4)\n")},
        (P, "arange(4)", "arange(5)"),
        why="proj.A",
    ),
    Case(
        "global object attribute",
        {P: F("return x + O.v", "class K: pass\nO = K()\nO.v = 1\n")},
        (P, "O.v = 1", "O.v = 2"),
    ),
    Case(
        "another attribute of a global object",
        {P: F("return x + O.v", "class K: pass\nO = K()\nO.v = 1\nO.w = 1\n")},
        (P, "O.w = 1", "O.w = 2"),
        "fresh",
    ),
    Case(
        "global object used by its method",
        {
            P: F(
                "return x + O.go()", "class K:\n    def go(self): return self.w\nO = K()\nO.w = 1\n"
            )
        },
        (P, "O.w = 1", "O.w = 2"),
    ),
    Case(
        "decorator's argument",
        {
            P: F(
                "return g(x)",
                "def d(k):\n    def w(fn):\n        def i(a): return fn(a) * k\n        return i\n    return w\n@d(1)\ndef g(a): return a + 1\n",
            )
        },
        (P, "@d(1)", "@d(2)"),
    ),
    Case(
        "decorator's own body",
        {
            P: F(
                "return g(x)",
                "def w(fn):\n    def i(a): return fn(a) * 1\n    return i\n@w\ndef g(a): return a + 1\n",
            )
        },
        (P, "* 1", "* 2"),
    ),
    Case(
        "body behind a decorator",
        {
            P: F(
                "return g(x)",
                "def w(fn):\n    def i(a): return fn(a) * 1\n    return i\n@w\ndef g(a): return a + 1\n",
            )
        },
        (P, ONE, TWO),
    ),
    Case(
        "partial of a builtin",
        {P: F("return g(x)", "import functools\ng = functools.partial(pow, 2)\n")},
        (P, "pow, 2", "pow, 3"),
    ),
    Case(
        "partial of a function",
        {
            P: F(
                "return g(x)",
                "import functools\ndef h(k, a): return k + a + 1\ng = functools.partial(h, 2)\n",
            )
        },
        (P, ONE, TWO),
    ),
    Case(
        "lru_cached helper, already warm",
        {
            P: F(
                "return g(x)",
                "import functools\n@functools.lru_cache\ndef g(a): return a + 1\ng(3)\n",
            )
        },
        (P, ONE, TWO),
        why="proj.g",
    ),
    Case(
        "helper of an lru_cached helper",
        {
            P: F(
                "return g(x)",
                "import functools\ndef h(a): return a + 1\n@functools.cache\ndef g(a): return h(a)\ng(3)\n",
            )
        },
        (P, ONE, TWO),
        why="proj.h",
    ),
    Case(
        "constant behind an lru_cache",
        {
            P: F(
                "return g(x)",
                "import functools\nN = 1\n@functools.cache\ndef g(a): return a + N\ng(3)\n",
            )
        },
        (P, "N = 1", "N = 2"),
        why="proj.N",
    ),
    Case(
        "lru_cached method, warm",
        {
            P: F("return O.go(x)", "from helpers import O\n"),
            H: "import functools\nclass K:\n    @functools.cache\n    def go(self, a): return a + 1\nO = K()\nO.go(3)\n",
        },
        (H, ONE, TWO),
        why="helpers.K.go",
    ),
    Case(
        "cached_property, warm",
        {
            P: F("return O.p + x", "from helpers import O\n"),
            H: "import functools\nclass K:\n    @functools.cached_property\n    def p(self): return 1 + 1\nO = K()\n",
        },
        (H, "1 + 1", "1 + 2"),
        prime="O.p",
        why="helpers.K.p",
    ),
    Case(
        "cached_property, cold",
        {
            P: F("return O.p + x", "from helpers import O\n"),
            H: "import functools\nclass K:\n    @functools.cached_property\n    def p(self): return 1 + 1\nO = K()\n",
        },
        (H, "1 + 1", "1 + 2"),
        why="helpers.K.p",
    ),
    Case(
        "state beside a cached_property",
        {
            P: F("return O.p + O.go()", "from helpers import O\n"),
            H: "import functools\nclass K:\n    def __init__(self): self.v = 1\n    def go(self): return self.v\n    @functools.cached_property\n    def p(self): return 1\nO = K()\n",
        },
        (H, "self.v = 1", "self.v = 2"),
    ),
    Case(
        "lazily filled global, warm",
        {
            P: F(
                "return table()[0] + x",
                "T = None\ndef load(): return [1 + 1]\ndef table():\n    global T\n    if T is None: T = load()\n    return T\n",
            )
        },
        (P, "1 + 1", "1 + 2"),
        prime="table()",
        why="proj.load",
    ),
    Case(
        "memo in a global dict, cold",
        {
            P: F(
                "return g(x)",
                "M = {}\ndef h(a): return a + 1\ndef g(a):\n    if a not in M: M[a] = h(a)\n    return M[a]\n",
            )
        },
        (P, ONE, TWO),
    ),
    Case(
        "memo in a global dict, warm",
        {
            P: F(
                "return g(x)",
                "M = {}\ndef h(a): return a + 1\ndef g(a):\n    if a not in M: M[a] = h(a)\n    return M[a]\n",
            )
        },
        (P, ONE, TWO),
        prime="g(3)",
    ),
    Case(
        "memo in a decorator's cell, cold",
        {
            P: F(
                "return g(x)",
                "def memo(fn):\n    m = {}\n    def w(a):\n        if a not in m: m[a] = fn(a)\n        return m[a]\n    return w\n@memo\ndef g(a): return a + 1\n",
            )
        },
        (P, ONE, TWO),
    ),
    Case(
        "memo in a default, cold",
        {
            P: F(
                "return g(x)",
                "def h(a): return a + 1\ndef g(a, m={}):\n    if a not in m: m[a] = h(a)\n    return m[a]\n",
            )
        },
        (P, ONE, TWO),
    ),
    Case(
        "counter in a global",
        {P: F("global N\nN += 1\nreturn x + 1", "N = 0\n")},
        (P, "N = 0", "N = 5"),
        "fresh",
    ),
    Case(
        "counter in a class",
        {P: F("return K().n and x + 1", "class K:\n    n = 0\n    def __init__(self): K.n += 1\n")},
        (P, "x + 1", "x + 2"),
    ),
    Case(
        "list appended to by the call",
        {P: F("LOG.append(x)\nreturn x + 1", "LOG = []\n")},
        (P, ONE, TWO),
    ),
    Case(
        "counter in a cell of a helper",
        {
            P: F(
                "return g(x)",
                "def mk():\n    n = 0\n    def g(a):\n        nonlocal n\n        n += 1\n        return a + 1\n    return g\ng = mk()\n",
            )
        },
        (P, ONE, TWO),
    ),
    Case(
        "logger, lock and module objects about",
        {
            P: F(
                "LOG.info('x')\nwith L: return pathlib.Path('a').name + str(x + 1)",
                "import logging, threading, pathlib\nLOG = logging.getLogger('a')\nL = threading.Lock()\n",
            )
        },
        (P, ONE, TWO),
    ),
    Case("global lambda", {P: F("return g(x)", "g = lambda a: a + 1\n")}, (P, ONE, TWO)),
    Case(
        "another global lambda",
        {P: F("return g(x)", "g = lambda a: a + 1\nh = lambda a: a + 5\n")},
        (P, "+ 5", "+ 6"),
        "fresh",
    ),
    Case(
        "two definitions by condition",
        {
            P: F(
                "return g(x)",
                "A = True\nif A:\n    def g(a): return a + 1\nelse:\n    def g(a): return a + 5\n",
            )
        },
        (P, "A = True", "A = False"),
        why="proj.g",
    ),
    Case("nested function", {P: F("def i(a): return a + 1\nreturn i(x)")}, (P, ONE, TWO)),
    Case("comprehension", {P: F("return [i + 1 for i in range(x)]")}, (P, ONE, TWO)),
    Case(
        "constant in a comprehension",
        {P: F("return [i + N for i in range(x)]", "N = 1\n")},
        (P, "N = 1", "N = 2"),
    ),
    Case("f-string", {P: F("return f'{x} one'")}, (P, "one", "two")),
    Case(
        "generator helper",
        {P: F("return sum(g(x))", "def g(n):\n    for i in range(n): yield i + 1\n")},
        (P, ONE, TWO),
    ),
    Case(
        "generator started before the call",
        {P: F("return next(G)", "def g():\n    yield 0\n    yield 1\nG = g(); next(G)\n")},
        (P, "yield 1", "yield 2"),
    ),
    Case(
        "async helper",
        {P: F("return asyncio.run(g(x))", "import asyncio\nasync def g(a): return a + 1\n")},
        (P, ONE, TWO),
    ),
    Case(
        "async generator and context",
        {
            P: F(
                "return asyncio.run(m(x))",
                "import asyncio\nclass C:\n    async def __aenter__(self): return 1 + 1\n    async def __aexit__(self, *e): pass\nasync def m(x):\n    async with C() as c: return c\n",
            )
        },
        (P, "1 + 1", "1 + 2"),
    ),
    Case(
        "context manager",
        {
            P: F(
                "with c() as v: return v + x",
                "import contextlib\n@contextlib.contextmanager\ndef c(): yield 1 + 1\n",
            )
        },
        (P, "1 + 1", "1 + 2"),
    ),
    Case("recursion", {P: F("return 1 if x == 0 else f(x - 1)")}, (P, "return 1", "return 2")),
    Case(
        "mutual recursion",
        {
            P: F(
                "return 1 if x == 0 else h(x - 1)",
                "",
                "def h(x): return 1 if x == 0 else f(x - 1)\n",
            )
        },
        (P, "def h(x): return 1", "def h(x): return 2"),
    ),
    Case(
        "getattr by computed name",
        {P: F("return getattr(helpers, 'g' + '')(x)", "import helpers\n"), H: G},
        (H, ONE, TWO),
    ),
    Case(
        "visitor's method added",
        {
            P: F(
                "return V().visit(x)",
                "class V:\n    def visit(self, a): return getattr(self, 'on_' + type(a).__name__, self.other)(a)\n    def other(self, a): return 0\n",
            )
        },
        (P, "    def other", "    def on_int(self, a): return 1\n    def other"),
    ),
    Case(
        "dispatch dict of functions",
        {P: F("return T['a'](x)", "def g(a): return a + 1\nT = {'a': g}\n")},
        (P, ONE, TWO),
    ),
    Case(
        "dispatch dict, another function",
        {
            P: F(
                "return T['a'](x)", "def g(a): return a + 1\ndef h(a): return a + 2\nT = {'a': g}\n"
            )
        },
        (P, "'a': g", "'a': h"),
        why="proj.T",
    ),
    Case(
        "registry filled by decorator",
        {
            P: F(
                "return R['g'](x)",
                "R = {}\ndef reg(fn): R[fn.__name__] = fn; return fn\n@reg\ndef g(a): return a + 1\n",
            )
        },
        (P, ONE, TWO),
    ),
    Case(
        "plugin registered by another module",
        {
            P: F("return sum(r(x) for r in R)", "from helpers import R\nimport plug\n"),
            H: "R = []\n",
            "plug.py": "from helpers import R\nR.append(lambda a: a + 1)\n",
        },
        ("plug.py", ONE, TWO),
    ),
    Case(
        "singledispatch overload",
        {
            P: F(
                "return g(x)",
                "import functools\n@functools.singledispatch\ndef g(a): return a\n@g.register\ndef _(a: int): return a + 1\n",
            )
        },
        (P, ONE, TWO),
    ),
    Case(
        "singledispatch overload added",
        {P: F("return g(x)", "import functools\n@functools.singledispatch\ndef g(a): return a\n")},
        (P, "def f", "@g.register\ndef _(a: int): return a + 1\ndef f"),
        why="proj.g",
    ),
    Case(
        "callback argument",
        {P: F("return x(1)", "def cb(a): return a + 1\n")},
        (P, ONE, TWO),
        arg="cb",
    ),
    Case(
        "callback through C",
        {P: F("return sorted([1, 2], key=K)[0]", "def K(a): return a * 1\n")},
        (P, "* 1", "* -1"),
    ),
    Case(
        "exec of a string",
        {P: F("ns = {}\nexec(S, ns)\nreturn ns['v']", "S = 'v = 1'\n")},
        (P, "'v = 1'", "'v = 2'"),
    ),
    Case("eval names a function", {P: F("return eval('g(x)')", G)}, (P, ONE, TWO)),
    Case("branch not taken", {P: F("return g(x) if x > 100 else x", G)}, (P, ONE, TWO), "fresh"),
    Case(
        "exception handler's helper",
        {P: F("try: 1 / 0\nexcept ZeroDivisionError: return g(x)", G)},
        (P, ONE, TWO),
    ),
    Case(
        "helper run in a thread pool",
        {
            P: F(
                "with cf.ThreadPoolExecutor(1) as p: return p.submit(T['g'], x).result()",
                "import concurrent.futures as cf\nimport helpers\nT = {'g': helpers.g}\n",
            ),
            H: "def g(a): return h(a)\ndef h(a): return a + 1\n",
        },
        (H, ONE, TWO),
        why="helpers.h",
    ),
    Case(
        "relative import",
        {
            P: F("return g(x)", "from pkg import g\n"),
            "pkg/__init__.py": "from .a import g\n",
            "pkg/a.py": "from . import b\nfrom .b import N\ndef g(a): return b.h(a) + N\n",
            "pkg/b.py": "N = 1\ndef h(a): return a * 1\n",
        },
        ("pkg/b.py", "* 1", "* 2"),
        why="pkg.b.h",
    ),
    Case(
        "constant by relative import",
        {
            P: F("return g(x)", "from pkg import g\n"),
            "pkg/__init__.py": "from .a import g\n",
            "pkg/a.py": "from .b import N\ndef g(a): return a + N\n",
            "pkg/b.py": "N = 1\n",
        },
        ("pkg/b.py", "N = 1", "N = 2"),
        why="N",
    ),
    Case(
        "re-export exchanged",
        {
            P: F("return g(x)", "from pkg import g\n"),
            "pkg/__init__.py": "from .a import g\n",
            "pkg/a.py": G,
            "pkg/b.py": "def g(a): return a + 2\n",
        },
        ("pkg/__init__.py", ".a", ".b"),
        why="proj.g",
    ),
    Case(
        "submodule reached by attribute",
        {P: F("return pkg.a.g(x)", "import pkg.a\n"), "pkg/__init__.py": "", "pkg/a.py": G},
        ("pkg/a.py", ONE, TWO),
    ),
    Case(
        "submodule imported by the call",
        {P: F("import pkg.a\nreturn pkg.a.g(x)"), "pkg/__init__.py": "", "pkg/a.py": G},
        ("pkg/a.py", ONE, TWO),
    ),
    Case(
        "relative import inside function",
        {
            P: F("return g(x)", "from pkg import g\n"),
            "pkg/__init__.py": "def g(x):\n    from .a import h, N\n    from . import a\n    return h(x) + N + a.M\n",
            "pkg/a.py": "N = M = 1\ndef h(a): return a * 1\n",
        },
        ("pkg/a.py", "N = M = 1", "N = M = 2"),
        why="pkg.a.",
    ),
    Case(
        "module made from name on demand",
        {
            P: F("return helpers.q + x", "import helpers\n"),
            H: "def __getattr__(name): return len(name) + 1\n",
        },
        (H, ONE, TWO),
        why="helpers.__getattr__",
    ),
    Case(
        "star import",
        {P: F("return g(x) + N", "from helpers import *\n"), H: "N = 1\ndef g(a): return a * 1\n"},
        (H, "N = 1", "N = 2"),
        why="proj.N",
    ),
    Case(
        "namedtuple default",
        {
            P: F("return T().v + x", "from helpers import T\n"),
            H: "from typing import NamedTuple\nclass T(NamedTuple):\n    v: int = 1\n",
        },
        (H, "= 1", "= 2"),
    ),
    Case(
        "slots and init",
        {
            P: F("return K(x).v", "from helpers import K\n"),
            H: "class K:\n    __slots__ = ('v',)\n    def __init__(self, v): self.v = v + 1\n",
        },
        (H, ONE, TWO),
    ),
    Case(
        "class made in a function",
        {
            P: F(
                "return mk()().go(x)",
                "def mk():\n    class C:\n        def go(self, a): return a + 1\n    return C\n",
            )
        },
        (P, ONE, TWO),
    ),
    Case(
        "init_subclass hook",
        {
            P: F("return S.v + x", "from helpers import S\n"),
            H: "class B:\n    def __init_subclass__(cls): cls.v = 1 + 1\nclass S(B): pass\n",
        },
        (H, "1 + 1", "1 + 2"),
        why="S.v",
    ),
    Case(
        "third-party package upgrade",
        {P: F("return thirdp.g(x)", "import thirdp\n"), **PACKAGE},
        BUMP,
        why="thirdp",
    ),
    Case(
        "package imported by name",
        {P: F("return g(x)", "from thirdp import g\n"), **PACKAGE},
        BUMP,
        why="thirdp",
    ),
    Case(
        "package imported inside function",
        {P: F("import thirdp\nreturn thirdp.g(x)"), **PACKAGE},
        BUMP,
        why="thirdp",
    ),
    Case(
        "package reached through a helper's constant",
        {
            P: F("return g(x)", "from helpers import g\n"),
            H: "import thirdp as t\ndef g(a): return t.V + a\n",
            **PACKAGE,
        },
        BUMP,
        why="thirdp",
    ),
    Case(
        "package of a base class",
        {
            P: F("return S().v + x", "from helpers import S\n"),
            H: "import thirdp\nclass S(thirdp.B): pass\n",
            **PACKAGE,
            "../site-packages/thirdp/__init__.py": "class B:\n    v = 1\n",
        },
        BUMP,
        why="thirdp",
    ),
    Case(
        "package not used by the call",
        {P: F("return x + 1", "import thirdp\n"), **PACKAGE},
        BUMP,
        "fresh",
    ),
    Case(
        "attribute of a function",
        {P: F("return x + g.k", "def g(): pass\ng.k = 1\n")},
        (P, "g.k = 1", "g.k = 2"),
        why="proj.g.k",
    ),
    Case(
        "compiled pattern",
        {P: F("return R.match('a') is None", "import re\nR = re.compile('a')\n")},
        (P, "compile('a')", "compile('b')"),
        why="proj.R",
    ),
    Case(
        "set of strings",
        {P: F("return x in S", "S = {'a', 'b', 'c', 'd'}\n")},
        (P, "'d'", "'e'"),
        why="proj.S",
    ),
    Case(
        "helper mapped by C code",
        {
            P: F(
                "return functools.reduce(g, [x, 1])",
                "import functools\ndef g(a, b): return a + 1\n",
            )
        },
        (P, ONE, TWO),
    ),
    Case(
        "factory of a dataclass field",
        {
            P: F("return D().v + x", "from helpers import D\n"),
            H: "from dataclasses import dataclass, field\ndef mk(): return 1 + 1\n"
            "@dataclass\nclass D:\n    v: int = field(default_factory=mk)\n",
        },
        (H, "1 + 1", "1 + 2"),
        why="helpers.mk",
    ),
    Case(
        "abstract method filled in",
        {
            P: F("return S().go(x)", "from helpers import S\n"),
            H: "import abc\nclass A(abc.ABC):\n    def go(self, a): return self.step(a)\n"
            "    @abc.abstractmethod\n    def step(self, a): ...\n"
            "class S(A):\n    def step(self, a): return a + 1\n",
        },
        (H, ONE, TWO),
    ),
    Case(
        "optional import",
        {
            P: F("return g(x)", "try: from helpers import g\nexcept ImportError: g = abs\n"),
            H: G,
        },
        (H, "def g(a)", "def h(a)"),
    ),
    Case(
        "own name of the module",
        {P: F("return __name__ + str(x)", "A = 1\n")},
        (P, "A = 1", "A = 2"),
        "fresh",
    ),
    Case(
        "container held by a class, mutated later",
        {
            P: F("return K().go('a')", "from helpers import K\n"),
            H: "class K:\n    t = {'a': 1}\n    def go(self, a): return self.t[a]\n",
        },
        None,
        pre="import helpers\nhelpers.K.t['a'] = 2",
    ),
    Case(
        "generator expression begun before",
        {P: F("return next(G)", "def mk(): return (i + 1 for i in range(9))\nG = mk()\n")},
        (P, ONE, TWO),
    ),
    Case(
        "helper under a name of the standard library's",
        {P: F("return dumps(x)", "from helpers import dumps\n"), H: "def dumps(a): return a + 1\n"},
        (H, ONE, TWO),
    ),
    Case(
        "walrus, star and try in the body",
        {P: F("*a, b = [y := x, 1]\ntry: return y + 1\nfinally: del a")},
        (P, ONE, TWO),
    ),
    Case(
        "type alias changed",
        {P: "from typing import Optional\nT = Optional[int]\ndef f(x: T) -> T: return x\n"},
        (P, "Optional[int]", "Optional[float]"),
        "fresh",
    ),
    Case(
        "comment, module not loaded",
        {P: F("return g(x) + N", "N = 1\n" + G)},
        (P, "N = 1", "N = 1  # one"),
        "fresh",
        loaded=False,
    ),
    Case(
        "helper, module not loaded",
        {P: F("return g(x)", "from helpers import g\n"), H: G},
        (H, ONE, TWO),
        loaded=False,
        why="helpers.g",
    ),
    Case(
        "constant, module not loaded",
        {P: F("return x + N", "N = 1\n")},
        (P, "N = 1", "N = 2"),
        loaded=False,
        why="proj.N",
    ),
    Case(
        "import, module not loaded",
        {
            P: F("return q(x)", "from helpers import g as q\n"),
            H: "def g(a): return a + 1\ndef k(a): return a + 1\n",
        },
        (P, "import g", "import k"),
        loaded=False,
        why="proj.q",
    ),
    Case(
        "class, module not loaded",
        {P: F("return K().go(x)", "from helpers import K\n"), H: K + "v = 1\n"},
        (H, "go(self, a)", "go(self, a, b=2)"),
        loaded=False,
        why="helpers.K.go",
    ),
    Case(
        "computed constant, module not loaded",
        {P: F("return x + N", "N = sum([1])\n")},
        (P, "sum([1])", "sum([2])"),
        "unknown",
        loaded=False,
    ),
    Case(
        "file declared",
        {P: F("with open('data.txt') as h: return h.read()"), "data.txt": "1"},
        ("data.txt", "1", "2"),
        declared="declared(file='data.txt')",
        why="data.txt",
    ),
    Case(
        "folder declared",
        {P: F("with open('d/data.txt') as h: return h.read()"), "d/data.txt": "1"},
        ("d/data.txt", "1", "2"),
        declared="declared(folder='d')",
    ),
    Case(
        "glob declared",
        {P: F("with open('d/data.txt') as h: return h.read()"), "d/data.txt": "1"},
        ("d/data.txt", "1", "2"),
        declared="declared(glob='d/*.txt')",
    ),
    Case(
        "variable declared",
        {P: F("import os\nreturn os.environ.get('ZZ')")},
        pre="import os\nos.environ['ZZ'] = '2'",
        declared="declared(env='ZZ')",
        why="env:ZZ",
    ),
    Case(
        "value declared",
        {P: F("return x")},
        pre="import builtins\nbuiltins.VV = 2",
        declared="declared(value=getattr(__import__('builtins'), 'VV', 1))",
        again=True,
        why="value",
    ),
    Case(
        "package declared",
        {P: F("return x"), **PACKAGE},
        BUMP,
        declared="declared(package='thirdp')",
        why="thirdp",
    ),
    Case(
        "callable declared",
        {P: F("return x", "def version(): return 1\n")},
        (P, "return 1", "return 2"),
        declared="declared(callable=__import__('proj').version)",
        why="version",
    ),
    Case(
        "subprocess's script declared",
        {
            P: F(
                "import subprocess, sys\nreturn subprocess.check_output([sys.executable, 'helpers.py'])"
            ),
            H: "print(1)\n",
        },
        (H, "1", "2"),
        declared="declared(file='helpers.py')",
    ),
    Case(
        "helper run in a subprocess",
        {
            P: F(
                "import subprocess, sys\nreturn subprocess.check_output([sys.executable, 'helpers.py'])"
            ),
            H: "print(1)\n",
        },
        (H, "1", "2"),
        "unseen",
    ),
    Case(
        "environment variable",
        {P: F("import os\nreturn os.environ.get('ZZ')")},
        None,
        "unseen",
        pre="import os\nos.environ['ZZ'] = '2'",
    ),
    Case(
        "file read",
        {P: F("with open('data.txt') as h: return h.read()"), "data.txt": "1"},
        ("data.txt", "1", "2"),
        "unseen",
    ),
    Case(
        "argument of a partial",
        {
            P: F(
                "return p(x)",
                "from functools import partial\ndef g(a, b): return a * b\np = partial(g, 3)\n",
            )
        },
        (P, "g, 3", "g, 4"),
        why="proj.p",
    ),
    Case(
        "keyword of a partial of another module",
        {
            P: F("return helpers.p(x)", "import helpers\n"),
            H: "from functools import partial\ndef g(a, b): return a * b\nN = 3\np = partial(g, b=[N])\n",
        },
        (H, "N = 3", "N = 4"),
        why="helpers.p",
    ),
    Case(
        "function of a partial",
        {
            P: F(
                "return p(x)",
                "from functools import partial\ndef g(a, b): return a * b\np = partial(g, 3)\n",
            )
        },
        (P, "a * b", "a - b"),
        why="proj.g",
    ),
    Case(
        "computed list of a class",
        {
            P: F(
                "return K().go() + x",
                "N = 1\nclass K:\n    t = [N * 2]\n    def go(self): return self.t[0]\n",
            )
        },
        (P, "N = 1", "N = 2"),
        why="proj.K.t",
    ),
    Case(
        "computed list of a base class",
        {
            P: F(
                "return S().go() + x",
                "N = 1\nclass K:\n    t = [N * 2]\n    def go(self): return self.t[0]\nclass S(K): pass\n",
            )
        },
        (P, "N = 1", "N = 2"),
        why=".t",
    ),
    Case(
        "computed dict of a class, by its name",
        {P: F("return K.t['a'] + x", "N = 1\nclass K:\n    t = {'a': N * 2}\n")},
        (P, "N = 1", "N = 2"),
    ),
    Case(
        "computed number of a class that instances may replace",
        {
            P: F(
                "return K().go() + x",
                "N = 1\nclass K:\n    r = N * 2\n    def __init__(self, r=None):\n        if r is not None: self.r = r\n    def go(self): return self.r\n",
            )
        },
        (P, "N = 1", "N = 2"),
        why="proj.K.r",
    ),
    Case(
        "computed argument of a method's decorator",
        {
            P: F(
                "return K().go() + x",
                "N = 1\ndef sc(n):\n    def d(g):\n        def w(*a): return g(*a) * n\n        return w\n    return d\nclass K:\n    @sc(N)\n    def go(self): return 5\n",
            )
        },
        (P, "N = 1", "N = 2"),
        why="proj.K.go",
    ),
    Case(
        "computed argument of a property's maker",
        {
            P: F(
                "return K().p + x",
                "N = 1\ndef mk(n): return property(lambda self: n)\nclass K:\n    p = mk(N)\n",
            )
        },
        (P, "N = 1", "N = 2"),
        why="proj.K.p",
    ),
    Case(
        "argument of a partialmethod",
        {
            P: F(
                "return K().g() + x",
                "from functools import partialmethod\nN = 1\nclass K:\n    def go(self, n): return n\n    g = partialmethod(go, N)\n",
            )
        },
        (P, "N = 1", "N = 2"),
        why="proj.K.g",
    ),
    Case(
        "state of a descriptor",
        {
            P: F(
                "return K().p + x",
                "N = 1\nclass D:\n    def __init__(self, n): self.n = n\n    def __get__(self, o, t): return self.n\nclass K:\n    p = D(N)\n",
            )
        },
        (P, "N = 1", "N = 2"),
        why="proj.K.p",
    ),
    Case(
        "computed default of an initializer that runs implicitly",
        {P: F("return K().a + x", "N = 1\nclass K:\n    def __init__(self, a=N): self.a = a\n")},
        (P, "N = 1", "N = 2"),
        why="proj.K.__init__",
    ),
    Case(
        "computed default of a method",
        {P: F("return K().go() + x", "N = 1\nclass K:\n    def go(self, a=N): return a\n")},
        (P, "N = 1", "N = 2"),
        why="proj.K.go",
    ),
    Case(
        "computed member of an enum, by name",
        {
            P: F(
                "return E['A'].value + x",
                "from enum import IntEnum\nN = 1\nclass E(IntEnum):\n    A = N\n    B = 7\n",
            )
        },
        (P, "N = 1", "N = 2"),
        why="proj.E.A",
    ),
    Case(
        "a class that counts its instances",
        {
            P: F(
                "return K().go(x)",
                "M = 1\nclass K:\n    n = 0\n    def __init__(self): type(self).n += 1\n    def go(self, a): return a + 0 * self.n\n",
            )
        },
        (P, "M = 1", "M = 2"),
        "fresh",
    ),
    Case(
        "a class that fills a cache during the call",
        {
            P: F(
                "return K().go(x)",
                "M = 1\nclass K:\n    c = {}\n    def go(self, a):\n        if a not in self.c: self.c[a] = a + 1\n        return self.c[a]\n",
            )
        },
        (P, "M = 1", "M = 2"),
        "fresh",
    ),
    Case(
        "a class that filled a cache before the call",
        {
            P: F(
                "return K().go(x)",
                "M = 1\nclass K:\n    c = {}\n    def go(self, a):\n        if a not in self.c: self.c[a] = a + 1\n        return self.c[a]\n",
            )
        },
        (P, "M = 1", "M = 2"),
        "fresh",
        prime="K().go(9)",
    ),
    Case(
        "a class that keeps a list of its instances",
        {
            P: F(
                "return len(K.all) * 0 + K().go(x)",
                "M = 1\nclass K:\n    all = []\n    def __init__(self): self.all.append(self)\n    def go(self, a): return a\n",
            )
        },
        (P, "M = 1", "M = 2"),
        "fresh",
        prime="K()",
    ),
    Case(
        "random state",
        {P: F("import random\nreturn random.random()")},
        None,
        "unseen",
        pre="import random\nrandom.seed(3)",
    ),
]

NOW = [
    Case("helper rebound now", {P: F("return g(x)", G)}, now="g = lambda a: a + 2\n"),
    Case(
        "helper of another module rebound now",
        {P: F("return helpers.g(x)", "import helpers\n"), H: G},
        now="helpers.g = lambda a: a + 2\n",
    ),
    Case(
        "helper of a helper rebound now",
        {
            P: F("return helpers.g(x)", "import helpers\n"),
            H: "def g(a): return h(a)\ndef h(a): return a\n",
        },
        now="helpers.h = lambda a: a + 2\n",
    ),
    Case("global rebound now", {P: F("return x + N", "N = 1\n")}, now="N = 2\n"),
    Case(
        "global rebound to an equal value now",
        {P: F("return x + N", "N = 1000\n")},
        want="fresh",
        now="N = int('1000')\n",
    ),
    Case(
        "name defined now",
        {P: F("try: return N\nexcept NameError: return x", "M = 1\n")},
        now="N = 1\n",
    ),
    Case(
        "small dict mutated now", {P: F("return x + D['a']", "D = {'a': 1}\n")}, now="D['a'] = 2\n"
    ),
    Case(
        "small dict mutated to an equal number now",
        {P: F("return x + D['a']", "D = {'a': 1}\n")},
        now="D['a'] = True\n",
    ),
    Case(
        "nested list mutated now",
        {P: F("return x + D['a'][0]", "D = {'a': [1]}\n")},
        now="D['a'][0] = 2\n",
    ),
    Case(
        "small array mutated now",
        {P: F("return x + int(A.sum())", "import numpy as np\nA = np.arange(4)\n")},
        now="A[0] = 7\n",
    ),
    Case(
        "object attribute assigned now",
        {
            P: F(
                "return x + O.go()", "class K:\n    def go(self): return self.w\nO = K()\nO.w = 1\n"
            )
        },
        now="O.w = 2\n",
    ),
    Case(
        "method assigned now",
        {P: F("return mk().go(x)", "from helpers import mk, K\n"), H: K + "def mk(): return K()\n"},
        now="K.go = lambda s, a: a + 2\n",
    ),
    Case(
        "class attribute assigned now",
        {
            P: F("return K().go(x)", "from helpers import K\n"),
            H: "class K:\n    v = 1\n    def go(self, a): return a + self.v\n",
        },
        now="K.v = 2\n",
    ),
    Case(
        "override assigned on a subclass now",
        {
            P: F(
                "return S().go(x)",
                "class B:\n    def go(self, a): return a + 1\nclass S(B): pass\n",
            )
        },
        now="S.go = lambda s, a: a + 2\n",
    ),
    Case(
        "defaults of a helper assigned now",
        {P: F("return g(x)", "def g(a, b=1): return a + b\n")},
        now="g.__defaults__ = (2,)\n",
    ),
    Case(
        "code of a helper assigned now",
        {P: F("return g(x)", G)},
        now="g.__code__ = (lambda a: a + 2).__code__\n",
    ),
    Case(
        "cell of a helper assigned now",
        {P: F("return g(x)", "def mk(n):\n    def g(a): return a + n\n    return g\ng = mk(1)\n")},
        now="g.__closure__[0].cell_contents = 2\n",
    ),
    Case(
        "helper module reloaded now, edited",
        {P: F("return helpers.g(x)", "import helpers\n"), H: G},
        now="import importlib, pathlib, os\np = pathlib.Path('helpers.py'); p.write_text(p.read_text().replace('+ 1', '+ 2  '))\nimportlib.reload(helpers)\n",
    ),
    Case(
        "helper module reloaded now, unchanged",
        {P: F("return helpers.g(x)", "import helpers\n"), H: G},
        want="fresh",
        now="import importlib\nimportlib.reload(helpers)\n",
    ),
    Case(
        "file edited now, not reloaded",
        {P: F("return helpers.K().go(x)", "import helpers\n"), H: K},
        want="fresh",
        now="import pathlib\np = pathlib.Path('helpers.py'); p.write_text(p.read_text().replace('+ 1', '+ 2  ').replace('class K:', 'class K:\\n    v = 1'))\n",
    ),
    Case(
        "file edited now, not reloaded, own body",
        {P: F("return x + 1")},
        want="fresh",
        now="import pathlib\np = pathlib.Path('proj.py'); p.write_text(p.read_text().replace('+ 1', '+ 2  '))\n",
    ),
    Case(
        "declared file edited now",
        {P: F("with open('data.txt') as h: return h.read()"), "data.txt": "1"},
        declared="declared(file='data.txt')",
        now="with open('data.txt', 'w') as h: h.write('22')\n",
    ),
    Case(
        "declared variable set now",
        {P: F("return 1")},
        declared="declared(env='ZZ')",
        now="import os\nos.environ['ZZ'] = '2'\n",
    ),
    Case(
        "unrelated global rebound now",
        {P: F("return x + N", "N = 1\nM = 1\n")},
        want="fresh",
        now="M = 2\n",
    ),
    Case("builtin shadowed now", {P: F("return max(x, 1)")}, now="max = min\n"),
    Case(
        "instance replaced now",
        {P: F("return x + O.v", "class K: pass\nO = K()\nO.v = 1\n")},
        now="O = K(); O.v = 2\n",
    ),
    Case(
        "partial rebound now",
        {
            P: F(
                "return p(x)",
                "from functools import partial\ndef g(a, b): return a * b\np = partial(g, 3)\n",
            )
        },
        now="p = partial(g, 4)\n",
    ),
    Case(
        "argument of a partial mutated now",
        {
            P: F(
                "return p(x)",
                "from functools import partial\ndef g(a, b): return [a, *b]\np = partial(g, b=[3])\n",
            )
        },
        now="p.keywords['b'].append(4)\n",
    ),
    Case(
        "list of a class mutated now",
        {
            P: F(
                "return K().go() + x", "class K:\n    t = [1]\n    def go(self): return self.t[0]\n"
            )
        },
        now="K.t[0] = 5\n",
    ),
    Case(
        "attribute inherited by a class assigned on it now",
        {
            P: F(
                "return S().go() + x",
                "class K:\n    k = 1\n    def go(self): return self.k\nclass S(K): pass\n",
            )
        },
        now="S.k = 7\n",
    ),
    Case(
        "deque mutated now",
        {P: F("return x + Q[0]", "from collections import deque\nQ = deque([1])\n")},
        now="Q[0] = 2\n",
    ),
    Case(
        "ordered dict mutated now",
        {P: F("return x + Q['a']", "from collections import OrderedDict\nQ = OrderedDict(a=1)\n")},
        now="Q['a'] = 2\n",
    ),
    Case(
        "default dict of lists mutated now",
        {
            P: F(
                "return x + Q['a'][0]",
                "from collections import defaultdict\nQ = defaultdict(list, a=[1])\n",
            )
        },
        now="Q['a'][0] = 2\n",
    ),
    Case(
        "list inside a tuple mutated now",
        {P: F("return x + Q[0][0]", "Q = ([1],)\n")},
        now="Q[0][0] = 2\n",
    ),
    Case(
        "object in a list changed now",
        {P: F("return x + Q[0].k", "from types import SimpleNamespace as NS\nQ = [NS(k=1)]\n")},
        now="Q[0].k = 2\n",
    ),
    Case(
        "namespace in a namespace changed now",
        {
            P: F(
                "return x + Q.b.c",
                "from types import SimpleNamespace as NS\nQ = NS(a=1, b=NS(c=1))\n",
            )
        },
        now="Q.b.c = 2\n",
    ),
    Case(
        "slot of an object changed now",
        {P: F("return x + Q.v", "class K:\n    __slots__ = ('v',)\nQ = K()\nQ.v = 1\n")},
        now="Q.v = 2\n",
    ),
    Case(
        "list that is a subclass mutated now",
        {P: F("return x + Q[0]", "class L(list): pass\nQ = L([1])\n")},
        now="Q[0] = 2\n",
    ),
    Case(
        "table of a class filled at run time and mutated now",
        {
            P: F(
                "return K().go() + x",
                "class K:\n    t = {}\n    def go(self): return self.t['a']\n",
            )
        },
        prime="K.t['a'] = 1",
        now="K.t['a'] = 2\n",
    ),
    Case(
        "table of a class, by its name, mutated now",
        {P: F("return K.t['a'] + x", "class K:\n    t = {}\n")},
        prime="K.t['a'] = 1",
        now="K.t['a'] = 2\n",
    ),
    Case(
        "table of a base class of another module mutated now",
        {
            P: F("return S().go() + x", "from helpers import K\nclass S(K): pass\n"),
            H: "class K:\n    t = {'a': [1]}\n    def go(self): return self.t['a'][0]\n",
        },
        now="K.t['a'][0] = 2\n",
    ),
    Case(
        "table of a class made in a function mutated now",
        {
            P: F(
                "return K().go() + x",
                "def mk():\n    class C:\n        t = {'a': 1}\n        def go(self): return self.t['a']\n    return C\nK = mk()\n",
            )
        },
        now="K.t['a'] = 2\n",
    ),
    Case(
        "method of a class made in a function assigned now",
        {
            P: F(
                "return K().go() + x",
                "def mk():\n    class C:\n        def go(self): return 1\n    return C\nK = mk()\n",
            )
        },
        now="K.go = lambda self: 2\n",
    ),
    Case(
        "one of many objects changed now",
        {
            P: F(
                "return x + sum(o.k for o in L)",
                "class K:\n    def __init__(self, k): self.k = k\nL = [K(i) for i in range(50)]\n",
            )
        },
        now="L[30].k = 7\n",
    ),
    Case(
        "class of one of many objects changed now",
        {
            P: F(
                "return x + sum(o.go() for o in L)",
                "class K:\n    def go(self): return 1\nclass M(K):\n    def go(self): return 2\nL = [K() for i in range(9)]\n",
            )
        },
        now="L[3].__class__ = M\n",
    ),
    Case(
        "subclass defined now",
        {P: F("return len(B.__subclasses__()) + x", "class B: pass\n")},
        now="class C(B): pass\n",
    ),
    Case(
        "context variable set now",
        {
            P: F(
                "return V.get() + x",
                "from contextvars import ContextVar\nV = ContextVar('V', default=1)\n",
            )
        },
        now="V.set(5)\n",
    ),
    Case(
        "helper replaced by text now",
        {P: F("return g(x)", G)},
        now="exec('def g(a): return a + 5')\n",
    ),
    Case(
        "method lent and taken back now",
        {
            P: F(
                "return K().go(x)",
                "class K:\n    def go(self, a): return a\nclass L:\n    def go(self, a): return a + 1\nold = K.go\nK.go = L.go\n",
            )
        },
        now="K.go = old\n",
    ),
    Case(
        "global deleted now",
        {P: F("try: return N\nexcept NameError: return x", "N = 1\n")},
        now="del N\n",
    ),
]
