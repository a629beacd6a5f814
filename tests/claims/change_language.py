"""More of the change table: the language's corners, package layouts, and what has to be declared."""

# ruff: noqa: E501 - a program on one line is easier to compare with its edit
from __future__ import annotations

from change_cases import BUMP, ONE, PACKAGE, TWO, Case, F, G, H, K, P


def lines(*parts: str) -> str:
    return "\n".join(parts) + "\n"


def method(name: str, use: str, signature: str = "self", value: str = "1 + 1") -> Case:
    """A special method that runs because of `use`."""
    body = f"class K:\n    def __init__(self, v=1): self.v = v\n    def {name}({signature}): return {value}\n"
    files = {P: F(use, "from helpers import K\n"), H: body}
    return Case(f"special method {name}", files, (H, "1 + 1", "1 + 2"), why=f"helpers.K.{name}")


def value(name: str, one: str, two: str, imports: str = "", read: str = "N") -> Case:
    """A global of some type, with another value after the edit."""
    files = {P: F(f"return repr({read}) + str(x)", f"{imports}\nN = {one}\n")}
    return Case(f"global of type {name}", files, (P, f"N = {one}", f"N = {two}"), why="proj.N")


SPECIAL = [
    method("__radd__", "return x + K()", "self, o"),
    method("__iadd__", "k = K()\nk += x\nreturn k", "self, o"),
    method("__matmul__", "return K() @ x", "self, o"),
    method("__rpow__", "return x ** K()", "self, o"),
    method("__neg__", "return -K()"),
    method("__len__", "return len(K())"),
    method("__bool__", "return bool(K())", value="1 + 1 == 2"),
    method("__contains__", "return x in K()", "self, o", "1 + 1 == 2"),
    method("__getitem__", "return K()[x]", "self, i"),
    method("__iter__", "return list(K())", value="iter([1 + 1])"),
    method("__hash__", "return hash(K())"),
    method("__eq__", "return K() == x", "self, o", "1 + 1 == 2"),
    method("__lt__", "return sorted([K(2), K(1)])[0].v", "self, o", "1 + 1 == 2"),
    method("__format__", "return f'{K():x}'", "self, spec", "str(1 + 1)"),
    method("__repr__", "return f'{K()!r}'", value="str(1 + 1)"),
    method("__index__", "return [5, 6, 7, 8][K()]", value="1 + 1"),
    method("__getattr__", "return K().missing", "self, n"),
    method("__getattribute__", "return K().v", "self, n"),
    method("__dir__", "return dir(K())", value="[str(1 + 1)]"),
    method("__copy__", "import copy\nreturn copy.copy(K())"),
    method(
        "__reduce__", "import pickle\nreturn pickle.loads(pickle.dumps(K()))", value="str, (1 + 1,)"
    ),
    method(
        "__array__",
        "import numpy as np\nreturn np.asarray(K()).tolist()",
        "self, dtype=None, copy=None",
        "__import__('numpy').array([1 + 1])",
    ),
    method("__instancecheck__", "return x", value="1 + 1"),
]
SPECIAL.pop()  # it needs a metaclass; see below

VALUES = [
    value("float", "0.1", "0.2"),
    value("complex", "1j", "2j"),
    value("bytes", "b'a'", "b'b'"),
    value("None", "None", "()"),
    value("range", "range(3)", "range(4)"),
    value("slice", "slice(3)", "slice(4)"),
    value("nested tuple", "(1, (2, [3]))", "(1, (2, [4]))"),
    value("frozenset", "frozenset({1, 2})", "frozenset({1, 3})", read="sorted(N)"),
    value("Decimal", "Decimal('1.0')", "Decimal('1.00')", "from decimal import Decimal"),
    value("Fraction", "Fraction(1, 2)", "Fraction(1, 3)", "from fractions import Fraction"),
    value("date", "date(2020, 1, 1)", "date(2020, 1, 2)", "from datetime import date"),
    value("Path", "Path('a')", "Path('b')", "from pathlib import Path"),
    value("dict of arrays", "{'a': np.arange(3)}", "{'a': np.arange(4)}", "import numpy as np"),
    value("array of another dtype", "np.zeros(3, 'f4')", "np.zeros(3, 'f8')", "import numpy as np"),
    value("namespace", "NS(a=1)", "NS(a=2)", "from types import SimpleNamespace as NS"),
    value("deque", "deque([1], 3)", "deque([2], 3)", "from collections import deque"),
    value("counter", "Counter('aab')", "Counter('abb')", "from collections import Counter"),
    value("regex with flags", "re.compile('a')", "re.compile('a', re.I)", "import re"),
    value("string made at import", "'-'.join(['a', 'b'])", "'+'.join(['a', 'b'])"),
    value("list of a comprehension", "[i * 2 for i in range(3)]", "[i * 3 for i in range(3)]"),
    value("class alias", "int", "float"),
    value("builtin alias", "min", "max"),
]

LANGUAGE = [
    Case(
        "walrus in a comprehension reads a global",
        {P: F("return [y for v in range(x) if (y := v + N)]", "N = 1\n")},
        (P, "N = 1", "N = 2"),
        why="proj.N",
    ),
    Case(
        "nested comprehension reads a global",
        {P: F("return [[i + N for i in range(j)] for j in range(x)]", "N = 1\n")},
        (P, "N = 1", "N = 2"),
        why="proj.N",
    ),
    Case(
        "lambda in a body reads a global",
        {P: F("return (lambda a: a + N)(x)", "N = 1\n")},
        (P, "N = 1", "N = 2"),
        why="proj.N",
    ),
    Case(
        "global written before it is read",
        {P: F("global N\nN = x\nreturn g()", "N = 1\ndef g(): return N\n")},
        (P, "N = 1", "N = 2"),
        "fresh",
    ),
    Case(
        "global deleted",
        {P: F("try: return N\nexcept NameError: return x", "N = 1\nM = 1\n")},
        (P, "M = 1", "del N"),
        why="proj.N",
    ),
    Case(
        "nonlocal in a helper",
        {
            P: F(
                "def c():\n    n = 1 + 1\n    def i():\n        nonlocal n\n        n += x\n        return n\n    return i\nreturn c()()"
            )
        },
        (P, "1 + 1", "1 + 2"),
    ),
    Case(
        "async generator",
        {
            P: F(
                "return asyncio.run(m(x))",
                "import asyncio\nasync def g(n):\n    for i in range(n): yield i + 1\nasync def m(n): return [i async for i in g(n)]\n",
            )
        },
        (P, ONE, TWO),
        why="proj.g",
    ),
    Case(
        "tasks that are gathered",
        {
            P: F(
                "return asyncio.run(m(x))",
                "import asyncio\nasync def g(a):\n    await asyncio.sleep(0)\n    return a + 1\nasync def m(n): return await asyncio.gather(*map(g, range(n)))\n",
            )
        },
        (P, ONE, TWO),
        why="proj.g",
    ),
    Case(
        "helper in a thread of asyncio",
        {P: F("return asyncio.run(asyncio.to_thread(g, x))", "import asyncio\n" + G)},
        (P, ONE, TWO),
        why="proj.g",
    ),
    Case(
        "generator that is sent values",
        {
            P: F(
                "i = g()\nnext(i)\nreturn i.send(x)",
                "def g():\n    got = yield 0\n    yield got + 1\n",
            )
        },
        (P, ONE, TWO),
    ),
    Case(
        "yield from",
        {P: F("return list(g(x))", "def h(n): yield n + 1\ndef g(n): yield from h(n)\n")},
        (P, ONE, TWO),
        why="proj.h",
    ),
    Case(
        "exit stack's callback",
        {
            P: F(
                "r = []\nwith contextlib.ExitStack() as s: s.callback(g, r, x)\nreturn r",
                "import contextlib\ndef g(r, a): r.append(a + 1)\n",
            )
        },
        (P, ONE, TWO),
    ),
    Case(
        "context manager's exit",
        {
            P: F(
                "c = C()\nwith c: pass\nreturn c.v",
                "class C:\n    def __enter__(self): return self\n    def __exit__(self, *e): self.v = 1 + 1\n",
            )
        },
        (P, "1 + 1", "1 + 2"),
        why="proj.C.__exit__",
    ),
    Case(
        "chain of wrapping decorators, inner",
        {
            P: F(
                "return g(x)",
                "import functools\ndef a(f):\n    @functools.wraps(f)\n    def w(*k): return f(*k) + 1\n    return w\ndef b(f):\n    @functools.wraps(f)\n    def w(*k): return f(*k) * 7\n    return w\n@b\n@a\ndef g(v): return v\n",
            )
        },
        (P, ONE, TWO),
    ),
    Case(
        "chain of wrapping decorators, outer",
        {
            P: F(
                "return g(x)",
                "import functools\ndef a(f):\n    @functools.wraps(f)\n    def w(*k): return f(*k) + 1\n    return w\ndef b(f):\n    @functools.wraps(f)\n    def w(*k): return f(*k) * 7\n    return w\n@b\n@a\ndef g(v): return v\n",
            )
        },
        (P, "* 7", "* 8"),
    ),
    Case(
        "decorators in another order",
        {
            P: F(
                "return g(x)",
                "def a(f): return lambda *k: f(*k) + 1\ndef b(f): return lambda *k: f(*k) * 7\n@b\n@a\ndef g(v): return v\n",
            )
        },
        (P, "@b\n@a", "@a\n@b"),
    ),
    Case(
        "decorator removed",
        {P: F("return g(x)", "def a(f): return lambda *k: f(*k) + 1\n@a\ndef g(v): return v\n")},
        (P, "@a\n", ""),
    ),
    Case(
        "decorator's argument from a constant",
        {
            P: F(
                "return g(x)",
                "N = 1\ndef d(k): return lambda f: lambda *a: f(*a) * k\n@d(N)\ndef g(v): return v\n",
            )
        },
        (P, "N = 1", "N = 2"),
        why="proj.g#k",
    ),
    Case(
        "decorator with state in an object",
        {
            P: F(
                "return g(x)",
                "class D:\n    def __init__(self, f): self.f = f\n    def __call__(self, a): return self.f(a) + 1\n@D\ndef g(v): return v\n",
            )
        },
        (P, ONE, TWO),
        why="proj.D.__call__",
    ),
    Case(
        "function held by an object",
        {
            P: F(
                "return g(x)",
                "class D:\n    def __init__(self, f): self.f = f\n    def __call__(self, a): return self.f(a)\n@D\ndef g(v): return v + 1\n",
            )
        },
        (P, ONE, TWO),
    ),
    Case(
        "class decorator",
        {P: F("return K.v + x", "def d(c): c.v = 1 + 1; return c\n@d\nclass K: pass\n")},
        (P, "1 + 1", "1 + 2"),
        why="proj.K.v",
    ),
    Case(
        "keyword of init_subclass",
        {
            P: F(
                "return S.v + x",
                "class B:\n    def __init_subclass__(cls, k): cls.v = k\nclass S(B, k=1): pass\n",
            )
        },
        (P, "k=1", "k=2"),
        why="proj.S",
    ),
    Case(
        "metaclass that adds a member",
        {
            P: F(
                "return K.v + x",
                "class M(type):\n    def __new__(m, n, b, d): return super().__new__(m, n, b, d | {'v': 1 + 1})\nclass K(metaclass=M): pass\n",
            )
        },
        (P, "1 + 1", "1 + 2"),
        why="proj.K.v",
    ),
    Case(
        "metaclass's instance check",
        {
            P: F(
                "return isinstance(x, K)",
                "class M(type):\n    def __instancecheck__(c, o): return 1 + 1 == 2\nclass K(metaclass=M): pass\n",
            )
        },
        (P, "1 + 1", "1 + 2"),
    ),
    Case(
        "metaclass's property",
        {
            P: F(
                "return K.p + x",
                "class M(type):\n    @property\n    def p(c): return 1 + 1\nclass K(metaclass=M): pass\n",
            )
        },
        (P, "1 + 1", "1 + 2"),
    ),
    Case(
        "name given to a descriptor",
        {
            P: F(
                "return K().p",
                "class D:\n    def __set_name__(self, o, n): self.n = n + '1'\n    def __get__(self, o, t): return self.n\nclass K:\n    p = D()\n",
            )
        },
        (P, "'1'", "'2'"),
        why="proj.K.p",
    ),
    Case(
        "class getitem",
        {P: F("return K[x]", "class K:\n    def __class_getitem__(cls, i): return i + 1\n")},
        (P, ONE, TWO),
    ),
    Case(
        "generic class",
        {
            P: F(
                "return K[int](x).go()",
                "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass K(Generic[T]):\n    def __init__(self, v): self.v = v\n    def go(self): return self.v + 1\n",
            )
        },
        (P, ONE, TWO),
        why="proj.K.go",
    ),
    Case(
        "protocol's members",
        {
            P: F(
                "return isinstance(x, K)",
                "from typing import Protocol, runtime_checkable\n@runtime_checkable\nclass K(Protocol):\n    def bit_length(self): ...\n",
            )
        },
        (P, "bit_length", "bit_width"),
        why="proj.K",
    ),
    Case(
        "typed dict",
        {
            P: F(
                "return T(a=x)['a'] + g(x)",
                "from typing import TypedDict\nclass T(TypedDict):\n    a: int\n" + G,
            )
        },
        (P, ONE, TWO),
    ),
    Case(
        "named tuple's method",
        {
            P: F(
                "return T(x).go()",
                "from typing import NamedTuple\nclass T(NamedTuple):\n    v: int\n    def go(self): return self.v + 1\n",
            )
        },
        (P, ONE, TWO),
        why="proj.T.go",
    ),
    Case(
        "default from namedtuple()",
        {
            P: F(
                "return T().v + x",
                "from collections import namedtuple\nT = namedtuple('T', 'v', defaults=[1])\n",
            )
        },
        (P, "[1]", "[2]"),
    ),
    Case(
        "fields of namedtuple()",
        {
            P: F(
                "return T(1, 2).v",
                "from collections import namedtuple\nT = namedtuple('T', 'v w')\n",
            )
        },
        (P, "'v w'", "'w v'"),
    ),
    Case(
        "factory lambda of a dataclass field",
        {
            P: F(
                "return D().v",
                "from dataclasses import dataclass, field\n@dataclass\nclass D:\n    v: list = field(default_factory=lambda: [1])\n",
            )
        },
        (P, "[1]", "[2]"),
        why="proj.D",
    ),
    Case(
        "post_init of a dataclass",
        {
            P: F(
                "return D(x).v",
                "from dataclasses import dataclass\n@dataclass\nclass D:\n    v: int\n    def __post_init__(self): self.v += 1\n",
            )
        },
        (P, "+= 1", "+= 2"),
        why="proj.D.__post_init__",
    ),
    Case(
        "option of a dataclass",
        {
            P: F(
                "return repr(D(x))",
                "from dataclasses import dataclass\n@dataclass(repr=True)\nclass D:\n    v: int\n",
            )
        },
        (P, "repr=True", "repr=False"),
        why="proj.D",
    ),
    Case(
        "computed default of a dataclass field",
        {
            P: F(
                "return D().v + x",
                "from dataclasses import dataclass\nN = 1\n@dataclass\nclass D:\n    v: int = N * 2\n",
            )
        },
        (P, "N = 1", "N = 2"),
    ),
    Case(
        "dataclass with annotations as strings",
        {
            P: "from __future__ import annotations\nfrom dataclasses import dataclass, fields\n@dataclass\nclass D:\n    v: int = 1\ndef f(x): return [f.type for f in fields(D)]\n"
        },
        (P, "v: int", "v: float"),
        why="proj.D",
    ),
    Case(
        "attrs class",
        {
            P: F(
                "return D(x).go()",
                "import attr\n@attr.define\nclass D:\n    v: int = 1\n    w: int = attr.field(default=5)\n    def go(self): return self.v + self.w\n",
            )
        },
        (P, "default=5", "default=6"),
        why="proj.D",
        needs="attr",
    ),
    Case(
        "flag with a method",
        {
            P: F(
                "return (E.A | E.B).go()",
                "import enum\nclass E(enum.Flag):\n    A = 1\n    B = 2\n    def go(self): return self.value + 1\n",
            )
        },
        (P, ONE, TWO),
        why="proj.E.go",
    ),
    Case(
        "members of a flag joined",
        {
            P: F(
                "return (E.A | E.B).value",
                "import enum\nclass E(enum.Flag):\n    A = enum.auto()\n    B = enum.auto()\n",
            )
        },
        (P, "    B", "    C = enum.auto()\n    B"),
        why="proj.E",
    ),
    Case(
        "enum's missing",
        {
            P: F(
                "return E(x).name",
                "import enum\nclass E(enum.Enum):\n    A = 1\n    B = 2\n    @classmethod\n    def _missing_(cls, v): return cls.A\n",
            )
        },
        (P, "cls.A", "cls.B"),
        why="proj.E._missing_",
    ),
    Case(
        "missing key of a dict's subclass",
        {P: F("return T()[x]", "class T(dict):\n    def __missing__(self, k): return k + 1\n")},
        (P, ONE, TWO),
        why="proj.T.__missing__",
    ),
    Case(
        "factory of a default dict",
        {
            P: F(
                "return T()[x]",
                "from collections import defaultdict\ndef z(): return 1 + 1\ndef T(): return defaultdict(z)\n",
            )
        },
        (P, "1 + 1", "1 + 2"),
        why="proj.z",
    ),
    Case(
        "hook of a user dict",
        {
            P: F(
                "t = T()\nt[1] = x\nreturn t[1]",
                "from collections import UserDict\nclass T(UserDict):\n    def __setitem__(self, k, v): super().__setitem__(k, v + 1)\n",
            )
        },
        (P, ONE, TWO),
    ),
    Case(
        "total ordering",
        {
            P: F(
                "return max(K(1), K(2)).v",
                "import functools\n@functools.total_ordering\nclass K:\n    def __init__(self, v): self.v = v\n    def __eq__(self, o): return self.v == o.v\n    def __lt__(self, o): return self.v * 1 < o.v * 1\n",
            )
        },
        (P, "* 1 <", "* -1 <"),
    ),
    Case(
        "sorted by attrgetter",
        {
            P: F(
                "return sorted([K(1), K(2)], key=operator.attrgetter('p'))[0].v",
                "import operator\nclass K:\n    def __init__(self, v): self.v = v\n    @property\n    def p(self): return self.v * 1\n",
            )
        },
        (P, "* 1", "* -1"),
        why="proj.K.p",
    ),
    Case(
        "called by methodcaller",
        {
            P: F(
                "return operator.methodcaller('go', x)(K())",
                "import operator\nclass K:\n    def go(self, a): return a + 1\n",
            )
        },
        (P, ONE, TWO),
        why="proj.K.go",
    ),
    Case(
        "accumulate and starmap",
        {
            P: F(
                "return list(it.accumulate(it.starmap(g, [(1, x)]), h))",
                "import itertools as it\ndef g(a, b): return a + 1\ndef h(a, b): return a\n",
            )
        },
        (P, ONE, TWO),
        why="proj.g",
    ),
    Case(
        "key of groupby",
        {P: F("return [k for k, _ in it.groupby([1, 2], g)]", "import itertools as it\n" + G)},
        (P, ONE, TWO),
        why="proj.g",
    ),
    Case(
        "comparison by cmp_to_key",
        {
            P: F(
                "return sorted([1, 2], key=functools.cmp_to_key(g))",
                "import functools\ndef g(a, b): return (a > b) - (a < b) * 1\n",
            )
        },
        (P, "* 1", "* -1"),
        why="proj.g",
    ),
    Case(
        "iter with a sentinel",
        {
            P: F(
                "return list(iter(g, 3))",
                "import itertools\nC = itertools.count(1)\ndef g(): return next(C) + 1\n",
            )
        },
        (P, ONE, TWO),
        why="proj.g",
    ),
    Case(
        "replacement of re.sub",
        {P: F("return re.sub('a', g, 'aa')", "import re\ndef g(m): return 'b1'\n")},
        (P, "b1", "b2"),
        why="proj.g",
    ),
    Case(
        "hook of json",
        {
            P: F(
                "return json.loads('{\"a\": 1}', object_hook=g)",
                "import json\ndef g(d): return d['a'] + 1\n",
            )
        },
        (P, ONE, TWO),
        why="proj.g",
    ),
    Case(
        "default of json.dumps",
        {
            P: F(
                "return json.dumps({1j: 1}.values(), default=g)",
                "import json\ndef g(o): return str(1 + 1)\n",
            )
        },
        (P, "1 + 1", "1 + 2"),
        why="proj.g",
    ),
    Case(
        "numpy vectorize",
        {P: F("return np.vectorize(g)([1, x]).tolist()", "import numpy as np\n" + G)},
        (P, ONE, TWO),
        why="proj.g",
    ),
    Case(
        "numpy frompyfunc reduce",
        {
            P: F(
                "return U.reduce([1, x])",
                "import numpy as np\ndef g(a, b): return a + 1\nU = np.frompyfunc(g, 2, 1)\n",
            )
        },
        (P, ONE, TWO),
        why="proj.g",
    ),
    Case(
        "numpy apply_along_axis",
        {
            P: F(
                "return np.apply_along_axis(g, 0, np.ones((2, 2))).tolist()",
                "import numpy as np\n" + G,
            )
        },
        (P, ONE, TWO),
        why="proj.g",
    ),
    Case(
        "numpy ufunc hook",
        {
            P: F(
                "return np.add(K(), x)",
                "import numpy as np\nclass K:\n    def __array_ufunc__(self, *a, **k): return 1 + 1\n",
            )
        },
        (P, "1 + 1", "1 + 2"),
        why="proj.K.__array_ufunc__",
    ),
    Case(
        "singledispatchmethod overload",
        {
            P: F(
                "return K().go(x)",
                "import functools\nclass K:\n    @functools.singledispatchmethod\n    def go(self, a): return 0\n    @go.register\n    def _(self, a: int): return a + 1\n",
            )
        },
        (P, ONE, TWO),
    ),
    Case(
        "singledispatchmethod overload added",
        {
            P: F(
                "return K().go(x)",
                "import functools\nclass K:\n    @functools.singledispatchmethod\n    def go(self, a): return 0\nv = 1\n",
            )
        },
        (P, "v = 1", "@K.go.register\ndef _(self, a: int): return a + 1\n"),
    ),
    Case(
        "overload registered by another module",
        {
            P: F("return g(x)", "import helpers\nfrom helpers import g\n"),
            H: "import functools\n@functools.singledispatch\ndef g(a): return a\nimport plug\n",
            "plug.py": "v = 1\n",
        },
        ("plug.py", "v = 1", "from helpers import g\n@g.register\ndef _(a: int): return a + 1\n"),
    ),
    Case(
        "constant made of another",
        {P: F("return x + A", "B = 1\nA = B * 2\n")},
        (P, "B = 1", "B = 2"),
        why="proj.A",
    ),
    Case(
        "constant made of another module's",
        {P: F("return x + A", "from helpers import B\nA = B * 2\n"), H: "B = 1\n"},
        (H, "B = 1", "B = 2"),
        why="proj.A",
    ),
    Case(
        "constant by from-import",
        {P: F("return x + N", "from helpers import N\n"), H: "N = 1\n"},
        (H, "N = 1", "N = 2"),
        why="proj.N",
    ),
    Case(
        "constant made by a function at import",
        {P: F("return x + A", "def mk(): return 1 + 1\nA = mk()\n")},
        (P, "1 + 1", "1 + 2"),
        why="proj.A",
    ),
    Case(
        "table filled by a loop at import",
        {P: F("return T[1] + x", "T = []\nfor i in range(3): T.append(i * 2)\n")},
        (P, "i * 2", "i * 3"),
        why="proj.T",
    ),
    Case(
        "constant by version of Python",
        {P: F("return x + N", "import sys\nif sys.version_info >= (3,): N = 1\nelse: N = 5\n")},
        (P, "N = 1", "N = 2"),
        why="proj.N",
    ),
    Case(
        "constant by version, other branch",
        {P: F("return x + N", "import sys\nif sys.version_info >= (3,): N = 1\nelse: N = 5\n")},
        (P, "N = 5", "N = 6"),
        "fresh",
    ),
    Case(
        "file read at import",
        {P: F("return N + str(x)", "with open('data.txt') as h: N = h.read()\n"), "data.txt": "1"},
        ("data.txt", "1", "2"),
        why="proj.N",
    ),
    Case(
        "module's docstring that is read",
        {P: '"""One."""\ndef f(x): return __doc__\n'},
        (P, "One", "Two"),
        why="proj.__doc__",
    ),
    Case(
        "import under TYPE_CHECKING",
        {
            P: F(
                "return x + 1",
                "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from helpers import A\n",
            ),
            H: "",
        },
        (P, "import A", "import B"),
        "fresh",
    ),
    Case(
        "value of a default in a lambda",
        {P: F("return g(x)", "N = 1\ng = lambda a, n=N: a + n\n")},
        (P, "N = 1", "N = 2"),
        why="proj.g=n",
    ),
    Case(
        "lambda in a dict",
        {P: F("return T['a'](x)", "T = {'a': lambda v: v + 1}\n")},
        (P, ONE, TWO),
    ),
    Case(
        "one of two lambdas on a line",
        {P: F("return T[0](x)", "T = [lambda v: v + 1, lambda v: v * 5]\n")},
        (P, ONE, TWO),
    ),
    Case(
        "default behind star arguments",
        {P: F("return g(x)", "N = 1\ndef g(*a, k=N, **kw): return a[0] + k\n")},
        (P, "N = 1", "N = 2"),
        why="proj.g=k",
    ),
    Case(
        "alias of a type at run time",
        {P: F("return isinstance(x, T)", "T = int\n")},
        (P, "T = int", "T = float"),
        why="proj.T",
    ),
    Case(
        "union of types at run time",
        {P: F("return isinstance(x, T)", "T = int | str\n")},
        (P, "int | str", "float | str"),
        why="proj.T",
    ),
    Case(
        "base of an exception",
        {
            P: F(
                "try: raise E(x)\nexcept ValueError: return 1\nexcept Exception: return 2",
                "class E(ValueError): pass\n",
            )
        },
        (P, "E(ValueError)", "E(KeyError)"),
        why="proj.E",
    ),
    Case(
        "text of an exception",
        {
            P: F(
                "try: raise E(x)\nexcept E as e: return str(e)",
                "class E(Exception):\n    def __str__(self): return str(1 + 1)\n",
            )
        },
        (P, "1 + 1", "1 + 2"),
        why="proj.E.__str__",
    ),
    Case(
        "base that isinstance asks for",
        {P: F("return isinstance(K(), B)", "class B: pass\nclass C: pass\nclass K(B): pass\n")},
        (P, "K(B)", "K(C)"),
        why="proj.K",
    ),
    Case(
        "class nested in a class",
        {P: F("return K.I.v + x", "class K:\n    class I:\n        v = 1\n")},
        (P, "v = 1", "v = 2"),
        why="proj.K",
    ),
    Case(
        "override removed",
        {
            P: F(
                "return S().go(x)",
                "class B:\n    def go(self, a): return a + 1\nclass S(B):\n    v = 1\n    def go(self, a): return a + 5\n",
            )
        },
        (P, "    def go(self, a): return a + 5\n", ""),
    ),
    Case(
        "property overridden",
        {
            P: F(
                "return S().p",
                "class B:\n    @property\n    def p(self): return 1\nclass S(B):\n    v = 1\n",
            )
        },
        (P, "    v = 1", "    p = 2"),
    ),
    Case(
        "method of a diamond",
        {
            P: F(
                "return D().go(x)",
                "class A:\n    def go(self, a): return a + 1\nclass B(A):\n    def go(self, a): return super().go(a)\nclass C(A): pass\nclass D(B, C): pass\n",
            )
        },
        (P, "class C(A): pass", "class C(A):\n    def go(self, a): return a + 2"),
    ),
    Case(
        "state of a callable object",
        {
            P: F(
                "return O(x)",
                "class K:\n    def __init__(self, n): self.n = n\n    def __call__(self, a): return a + self.n\nO = K(1)\n",
            )
        },
        (P, "K(1)", "K(2)"),
        why="proj.O",
    ),
    Case(
        "state of objects in a list",
        {
            P: F(
                "return sum(o.n for o in L) + x",
                "class K:\n    def __init__(self, n): self.n = n\nL = [K(1), K(5)]\n",
            )
        },
        (P, "K(1)", "K(2)"),
        why="proj.L",
    ),
    Case(
        "bound method of a global object",
        {
            P: F(
                "return go(x)",
                "class K:\n    def __init__(self, n): self.n = n\n    def go(self, a): return a + self.n\ngo = K(1).go\n",
            )
        },
        (P, "K(1)", "K(2)"),
        why="proj.go",
    ),
    Case(
        "mutable cell of a helper",
        {
            P: F(
                "return g(x)", "def mk(n):\n    t = [n]\n    return lambda a: a + t[0]\ng = mk(1)\n"
            )
        },
        (P, "mk(1)", "mk(2)"),
        why="proj.g#t",
    ),
    Case(
        "mutable default of a helper",
        {P: F("return g(x)", "def g(a, t=[1]): return a + t[0]\n")},
        (P, "t=[1]", "t=[2]"),
    ),
    Case(
        "finalizer",
        {
            P: F(
                "r = []\nk = K()\nweakref.finalize(k, g, r)\ndel k\nreturn r",
                "import weakref\nclass K: pass\ndef g(r): r.append(1 + 1)\n",
            )
        },
        (P, "1 + 1", "1 + 2"),
        why="proj.g",
    ),
    Case(
        "destructor",
        {
            P: F(
                "r = []\nk = K(r)\ndel k\nreturn r",
                "class K:\n    def __init__(self, r): self.r = r\n    def __del__(self): self.r.append(1 + 1)\n",
            )
        },
        (P, "1 + 1", "1 + 2"),
        why="proj.K.__del__",
    ),
    Case(
        "thread and timer",
        {
            P: F(
                "r = []\nt = threading.Thread(target=g, args=(r, x))\nt.start()\nt.join()\nreturn r",
                "import threading\ndef g(r, a): r.append(a + 1)\n",
            )
        },
        (P, ONE, TWO),
        why="proj.g",
    ),
    Case(
        "pool that is already running",
        {
            P: F(
                "return POOL.submit(g, x).result()",
                "import concurrent.futures as cf\nPOOL = cf.ThreadPoolExecutor(1)\n" + G,
            )
        },
        (P, ONE, TWO),
        prime="POOL.submit(int).result()",
        why="proj.g",
    ),
    Case(
        "worker that is already running",
        {
            P: F(
                "Q.put(x)\nreturn R.get()",
                "import queue, threading\nQ, R = queue.Queue(), queue.Queue()\ndef h(a): return a + 1\ndef work():\n    while True: R.put(h(Q.get()))\nthreading.Thread(target=work, daemon=True).start()\n",
            )
        },
        (P, ONE, TWO),
        why="proj.h",
        unless=(3, 11),
    ),
    Case(
        "match on a sequence and a guard",
        {
            P: F(
                "match [x, 1]:\n    case [a, 1] if a > N: return 1\n    case _: return 0", "N = 1\n"
            )
        },
        (P, "N = 1", "N = 5"),
        why="proj.N",
    ),
    Case(
        "match on a dotted constant",
        {
            P: F(
                "match x:\n    case helpers.N: return 1\n    case _: return 0", "import helpers\n"
            ),
            H: "N = 3\n",
        },
        (H, "N = 3", "N = 4"),
        why="helpers.N",
    ),
    Case(
        "constants in format and percent",
        {P: F("return T % x + S.format(x)", "T = '%d'\nS = '{}'\n")},
        (P, "'{}'", "'{} '"),
        why="proj.S",
    ),
    Case(
        "function with type parameters",
        {P: F("return g(x)", "def g[T](a: T) -> T: return a + 1\n")},
        (P, ONE, TWO),
        why="proj.g",
        since=(3, 12),
    ),
    Case(
        "bound of a type parameter",
        {P: F("return g(x)", "def g[T: int](a: T) -> T: return a + 1\n")},
        (P, "T: int", "T: float"),
        "fresh",
        since=(3, 12),
    ),
    Case(
        "class with type parameters",
        {P: F("return K[int]().go(x)", "class K[T]:\n    def go(self, a: T) -> T: return a + 1\n")},
        (P, ONE, TWO),
        why="proj.K.go",
        since=(3, 12),
    ),
    Case(
        "type statement",
        {P: F("return x + 1", "type T = int\n")},
        (P, "type T = int", "type T = float"),
        "fresh",
        since=(3, 12),
    ),
    Case(
        "string that nests quotes",
        {P: F("return f'{'a' + N}'", "N = 'b'\n")},
        (P, "N = 'b'", "N = 'c'"),
        why="proj.N",
        since=(3, 12),
    ),
]

PACKAGES = [
    Case(
        "submodule under another name",
        {
            P: F("return g(x)", "from pkg import g\n"),
            "pkg/__init__.py": "from . import a as y\ndef g(x): return y.h(x)\n",
            "pkg/a.py": "def h(a): return a + 1\n",
        },
        ("pkg/a.py", ONE, TWO),
        why="pkg.a.h",
    ),
    Case(
        "submodule exchanged under a name",
        {
            P: F("return g(x)", "from pkg import g\n"),
            "pkg/__init__.py": "from . import a as y\ndef g(x): return y.h(x)\n",
            "pkg/a.py": "def h(a): return a + 1\n",
            "pkg/b.py": "def h(a): return a + 2\n",
        },
        ("pkg/__init__.py", "import a", "import b"),
        why="pkg.y",
    ),
    Case(
        "two levels up",
        {
            P: F("return g(x)", "from pkg.sub.c import g\n"),
            "pkg/__init__.py": "",
            "pkg/sub/__init__.py": "",
            "pkg/sub/c.py": "from ..b import h\nfrom .. import b\ndef g(x): return h(x) + b.N\n",
            "pkg/b.py": "N = 1\ndef h(a): return a\n",
        },
        ("pkg/b.py", "N = 1", "N = 2"),
        why="pkg.b.N",
    ),
    Case(
        "star import with __all__",
        {
            P: F("return g(x)", "from helpers import *\n"),
            H: "__all__ = ['g']\n" + G + "def k(a): return a\n",
        },
        (H, ONE, TWO),
        why="helpers.g",
    ),
    Case(
        "name added to __all__",
        {
            P: F("return g(x)", "from helpers import *\n"),
            H: "__all__ = ['g']\n" + G + "def k(a): return a\n",
        },
        (H, "['g']", "['g', 'k']"),
        "fresh",
    ),
    Case(
        "name hidden by a later star import",
        {
            P: F("return g(x)", "from helpers import *\nfrom other import *\n"),
            H: G,
            "other.py": "v = 1\n",
        },
        ("other.py", "v = 1", "def g(a): return 0"),
        why="proj.g",
    ),
    Case(
        "constant re-exported twice",
        {
            P: F("return x + N", "from pkg import N\n"),
            "pkg/__init__.py": "from .a import *\n",
            "pkg/a.py": "from .b import N\n",
            "pkg/b.py": "N = 1\n",
        },
        ("pkg/b.py", "N = 1", "N = 2"),
        why="proj.N",
    ),
    Case(
        "constant through a re-exporting module",
        {
            P: F("return x + pkg.a.b.N", "import pkg.a\n"),
            "pkg/__init__.py": "",
            "pkg/a.py": "from . import b\n",
            "pkg/b.py": "N = 1\n",
        },
        ("pkg/b.py", "N = 1", "N = 2"),
        why="pkg.b.N",
    ),
    Case(
        "module exchanged under an alias",
        {
            P: F("return h.g(x)", "import helpers as h\n"),
            H: G,
            "other.py": "def g(a): return a + 1\n",
        },
        (P, "import helpers", "import other"),
        why="proj.h",
    ),
    Case(
        "table behind a module's getattr",
        {
            P: F("return helpers.q + x", "import helpers\n"),
            H: "_T = {'q': 1}\ndef __getattr__(n): return _T[n]\n",
        },
        (H, "'q': 1", "'q': 2"),
        why="helpers._T",
    ),
    Case(
        "plugin in a registry",
        {
            P: F("return PLUGINS['a'](x)", "from reg import PLUGINS\nimport plug\n"),
            "reg.py": "PLUGINS = {}\ndef register(n): return lambda f: PLUGINS.setdefault(n, f)\n",
            "plug.py": "from reg import register\n@register('a')\ndef g(a): return a + 1\n",
        },
        ("plug.py", ONE, TWO),
        why="plug.g",
    ),
    Case(
        "plugin exchanged in a registry",
        {
            P: F("return PLUGINS['a'](x)", "from reg import PLUGINS\nimport plug\n"),
            "reg.py": "PLUGINS = {}\ndef register(n): return lambda f: PLUGINS.setdefault(n, f)\n",
            "plug.py": "from reg import register\n@register('b')\ndef h(a): return a + 2\n@register('a')\ndef g(a): return a + 1\n",
        },
        ("plug.py", "@register('b')", "@register('a')"),
        why="PLUGINS",
    ),
    Case(
        "class in a registry",
        {
            P: F(
                "return R['K']().go(x)",
                "R = {}\nclass B:\n    def __init_subclass__(c): R[c.__name__] = c\nclass K(B):\n    def go(self, a): return a + 1\n",
            )
        },
        (P, ONE, TWO),
        why="proj.K.go",
    ),
    Case(
        "namespace package",
        {P: F("return g(x)", "from ns.a import g\n"), "ns/a.py": "N = 1\ndef g(a): return a + N\n"},
        ("ns/a.py", "N = 1", "N = 2"),
        why="ns.a.N",
    ),
    Case(
        "package's own dunder",
        {
            P: F("return pkg.__version__ + str(x)", "import pkg\n"),
            "pkg/__init__.py": "__version__ = '1'\n",
        },
        ("pkg/__init__.py", "'1'", "'2'"),
        why="pkg.__version__",
    ),
    Case(
        "decorator of a package",
        {
            P: F("return g(x)", "import thirdp\n@thirdp.deco\ndef g(a): return a + 1\n"),
            **PACKAGE,
            "../site-packages/thirdp/__init__.py": "def deco(f): return lambda *a: f(*a)\n",
        },
        BUMP,
        why="thirdp",
    ),
    Case(
        "body behind a package's decorator",
        {
            P: F("return g(x)", "import thirdp\n@thirdp.deco\ndef g(a): return a + 1\n"),
            **PACKAGE,
            "../site-packages/thirdp/__init__.py": "def deco(f): return lambda *a: f(*a)\n",
        },
        (P, ONE, TWO),
        why="proj.g",
    ),
    Case(
        "callback handed to a package",
        {
            P: F("return thirdp.apply(g, x)", "import thirdp\n" + G),
            **PACKAGE,
            "../site-packages/thirdp/__init__.py": "def apply(f, a): return f(a)\n",
        },
        (P, ONE, TWO),
        why="proj.g",
    ),
    Case(
        "submodule of a package",
        {
            P: F("return s.g(x)", "import thirdp.sub as s\n"),
            **PACKAGE,
            "../site-packages/thirdp/sub.py": G,
        },
        BUMP,
        why="thirdp",
    ),
    Case(
        "object of a package",
        {
            P: F("return O.v + x", "import thirdp\nO = thirdp.K()\ndel thirdp\n"),
            **PACKAGE,
            "../site-packages/thirdp/__init__.py": "class K:\n    v = 1\n",
        },
        BUMP,
        why="thirdp",
    ),
    Case(
        "constant of a package, by name",
        {P: F("return V + x", "from thirdp import V\n"), **PACKAGE},
        ("../site-packages/thirdp/__init__.py", "V = 1", "V = 2"),
        why="proj.V",
    ),
    Case(
        "installed module without a distribution",
        {P: F("return lone.g(x)", "import lone\n"), "../site-packages/lone.py": G},
        ("../site-packages/lone.py", ONE, TWO),
        why="lone",
    ),
]

NAMED = [
    Case(
        "import_module of a literal",
        {
            P: F("return importlib.import_module('helpers').N + x", "import importlib\n"),
            H: "N = 1\n",
        },
        (H, "N = 1", "N = 2"),
        why="helpers.N",
    ),
    Case(
        "import_module of a literal, kept",
        {
            P: F("h = importlib.import_module('helpers')\nreturn h.N + x", "import importlib\n"),
            H: "N = 1\n",
        },
        (H, "N = 1", "N = 2"),
        why="helpers.N",
    ),
    Case(
        "import_module imported by name",
        {
            P: F("return import_module('pkg.a').N + x", "from importlib import import_module\n"),
            "pkg/__init__.py": "",
            "pkg/a.py": "N = 1\n",
        },
        ("pkg/a.py", "N = 1", "N = 2"),
        why="pkg.a.N",
    ),
    Case(
        "__import__ of a literal",
        {P: F("return __import__('helpers').N + x"), H: "N = 1\n"},
        (H, "N = 1", "N = 2"),
        why="helpers.N",
    ),
    Case(
        "package imported by a literal",
        {P: F("return importlib.import_module('thirdp').g(x)", "import importlib\n"), **PACKAGE},
        BUMP,
        why="thirdp",
    ),
    Case(
        "globals by a literal",
        {P: F("return globals()['N'] + x", "N = 1\n")},
        (P, "N = 1", "N = 2"),
        why="proj.N",
    ),
    Case(
        "globals get a literal",
        {P: F("return globals().get('N', 0) + x", "N = 1\n")},
        (P, "N = 1", "N = 2"),
        why="proj.N",
    ),
    Case(
        "getattr of a literal",
        {P: F("return getattr(helpers, 'N') + x", "import helpers\n"), H: "N = 1\n"},
        (H, "N = 1", "N = 2"),
        why="helpers.N",
    ),
    Case(
        "getattr of a literal, with a default",
        {P: F("return getattr(helpers, 'N', 0) + x", "import helpers\n"), H: "M = 1\n"},
        (H, "M = 1", "N = 1"),
        why="helpers.N",
    ),
    Case(
        "hasattr of a literal",
        {P: F("return hasattr(helpers, 'N')", "import helpers\n"), H: "M = 1\n"},
        (H, "M = 1", "N = 1"),
        why="helpers.N",
    ),
    Case(
        "getattr of a literal, of a class",
        {P: F("return getattr(K, 'v') + x", "N = 1\nclass K:\n    v = [N]\nK.v = 1\n")},
        (P, "K.v = 1", "K.v = 2"),
        why="proj.K.v",
    ),
    Case(
        "getattr of a literal, of an object",
        {P: F("return getattr(K(), 'v') + x", "N = 1\nclass K:\n    v = N * 2\n")},
        (P, "N = 1", "N = 2"),
        why="proj.K.v",
    ),
    Case(
        "vars by a literal",
        {P: F("return vars(helpers)['N'] + x", "import helpers\n"), H: "N = 1\n"},
        (H, "N = 1", "N = 2"),
        why="helpers.N",
    ),
    Case(
        "dictionary of a module by a literal",
        {P: F("return helpers.__dict__['N'] + x", "import helpers\n"), H: "N = 1\n"},
        (H, "N = 1", "N = 2"),
        why="helpers.N",
    ),
    Case(
        "attrgetter of a literal",
        {
            P: F("return operator.attrgetter('N')(helpers) + x", "import operator, helpers\n"),
            H: "N = 1\n",
        },
        (H, "N = 1", "N = 2"),
        why="helpers.N",
    ),
    Case(
        "loaded module by a literal",
        {P: F("return sys.modules['helpers'].N + x", "import sys, helpers\n"), H: "N = 1\n"},
        (H, "N = 1", "N = 2"),
        why="helpers.N",
    ),
    Case(
        "default of a context variable",
        {
            P: F(
                "return V.get() + x",
                "from contextvars import ContextVar\nV = ContextVar('V', default=1)\n",
            )
        },
        (P, "default=1", "default=2"),
        why="proj.V",
    ),
    Case(
        "context variable set at import",
        {
            P: F(
                "return V.get() + x",
                "from contextvars import ContextVar\nV = ContextVar('V', default=1)\nV.set(5)\n",
            )
        },
        (P, "set(5)", "set(6)"),
        why="proj.V",
    ),
]

UNSEEN = [
    Case(
        "globals by a computed name",
        {P: F("return globals()[''.join('N')] + x", "N = 1\n")},
        (P, "N = 1", "N = 2"),
        "unseen",
    ),
    Case(
        "globals by a computed name, declared",
        {P: F("return globals()[''.join('N')] + x", "N = 1\n")},
        (P, "N = 1", "N = 2"),
        declared="declared(value=__import__('proj').N)",
        again=True,
        why="value",
    ),
    Case(
        "attribute by a computed name",
        {P: F("return getattr(helpers, ''.join('N')) + x", "import helpers\n"), H: "N = 1\n"},
        (H, "N = 1", "N = 2"),
        "unseen",
    ),
    Case(
        "attribute by a computed name, declared",
        {P: F("return getattr(helpers, ''.join('N')) + x", "import helpers\n"), H: "N = 1\n"},
        (H, "N = 1", "N = 2"),
        declared="declared(file='helpers.py')",
        why="helpers.py",
    ),
    Case(
        "module by a computed name",
        {
            P: F("return importlib.import_module(''.join('helpers')).N + x", "import importlib\n"),
            H: "N = 1\n",
        },
        (H, "N = 1", "N = 2"),
        "unseen",
    ),
    Case(
        "module by a computed name, declared",
        {
            P: F("return importlib.import_module(''.join('helpers')).N + x", "import importlib\n"),
            H: "N = 1\n",
        },
        (H, "N = 1", "N = 2"),
        declared="declared(file='helpers.py')",
        why="helpers.py",
    ),
    Case(
        "working folder",
        {P: F("import os\nreturn os.getcwd()")},
        None,
        "unseen",
        pre="import os, proj\nos.chdir('/')",
    ),
    Case(
        "working folder, declared",
        {P: F("import os\nreturn os.getcwd()")},
        None,
        pre="import os, proj\nos.chdir('/')",
        declared="declared(callable=__import__('os').getcwd)",
        why="getcwd",
    ),
    Case("time", {P: F("import time\nreturn time.time()")}, None, "unseen"),
    Case(
        "table of a database",
        {
            P: F(
                "import sqlite3\nc = sqlite3.connect('d.db')\ntry: return c.execute('pragma user_version').fetchone()\nfinally: c.close()"
            ),
            "d.db": "",
        },
        None,
        "unseen",
        pre="import sqlite3\nc = sqlite3.connect('d.db'); c.execute('pragma user_version=3'); c.commit()",
    ),
    Case(
        "table of a database, declared",
        {
            P: F(
                "import sqlite3\nc = sqlite3.connect('d.db')\ntry: return c.execute('pragma user_version').fetchone()\nfinally: c.close()"
            ),
            "d.db": "",
        },
        None,
        pre="import sqlite3\nc = sqlite3.connect('d.db'); c.execute('pragma user_version=3'); c.commit()",
        declared="declared(file='d.db')",
        why="d.db",
    ),
]

UNLOADED = [
    Case(
        "builtin, module not loaded",
        {P: F("return max(x, len('a'))")},
        (P, "'a'", "('a')"),
        "fresh",
        loaded=False,
    ),
    Case(
        "imported module, module not loaded",
        {P: F("return math.floor(x) + helpers.N", "import math, helpers\n"), H: "N = 1\n"},
        (H, "N = 1", "N = 1  # one"),
        "fresh",
        loaded=False,
    ),
    Case(
        "constant of an imported module, module not loaded",
        {P: F("return x + helpers.N", "import helpers\n"), H: "N = 1\n"},
        (H, "N = 1", "N = 2"),
        loaded=False,
        why="helpers.N",
    ),
    Case(
        "constant by from-import, module not loaded",
        {P: F("return x + N", "from helpers import N\n"), H: "N = 1\n"},
        (H, "N = 1", "N = 2"),
        loaded=False,
        why="proj.N",
    ),
    Case(
        "class by name, module not loaded",
        {
            P: F("return K().go(x)", "from helpers import K\n"),
            H: "class K:\n    def go(self, a): return a + 1\n",
        },
        (H, "class K", "# one\nclass K"),
        "fresh",
        loaded=False,
    ),
    Case(
        "package, module not loaded, same",
        {P: F("return g(x)", "from thirdp import g\n"), **PACKAGE},
        (P, "return g", "# one\n    return g"),
        "fresh",
        loaded=False,
    ),
    Case(
        "package, module not loaded",
        {P: F("return g(x)", "from thirdp import g\n"), **PACKAGE},
        BUMP,
        loaded=False,
        why="thirdp",
    ),
    Case(
        "builtin shadowed, module not loaded",
        {P: F("return max(x, 1)", "A = 1\n")},
        (P, "A = 1", "def max(a, b): return 0"),
        loaded=False,
        why="proj.max",
    ),
    Case(
        "default by a literal, module not loaded",
        {P: F("return g(x)", "def g(a, b=[1]): return a + b[0]\n")},
        (P, "return g", "# one\n    return g"),
        "fresh",
        loaded=False,
    ),
    Case(
        "decorated helper, module not loaded",
        {P: F("return g(x)", "import functools\n@functools.cache\ndef g(a): return a + 1\n")},
        (P, ONE, TWO),
        loaded=False,
        why="proj.g",
    ),
    Case(
        "decorated helper, module not loaded, same",
        {P: F("return g(x)", "import functools\n@functools.cache\ndef g(a): return a + 1\n")},
        (P, "return g", "# one\n    return g"),
        "fresh",
        loaded=False,
    ),
    Case(
        "star import, module not loaded, same",
        {P: F("return g(x)", "from helpers import *\n"), H: G},
        (P, "return g", "# one\n    return g"),
        "fresh",
        loaded=False,
    ),
    Case(
        "class attribute, module not loaded",
        {P: F("return K().v + x", "class K:\n    v = 1\n")},
        (P, "v = 1", "v = 2"),
        loaded=False,
        why="proj.K",
    ),
    Case(
        "class attribute, module not loaded, same",
        {P: F("return K().v + x", "class K:\n    v = 1\n")},
        (P, "v = 1", "v = (1)"),
        "fresh",
        loaded=False,
    ),
    Case(
        "imports inside the body, module not loaded",
        {P: F("import json\nfrom helpers import g\nreturn json.dumps(g(x))"), H: G},
        (P, "return json", "# one\n    return json"),
        "fresh",
        loaded=False,
    ),
]

HELD = [
    Case(
        "module in a local",
        {
            P: F("c = helpers if x > 1 else other\nreturn x + c.N", "import helpers, other\n"),
            H: "N = 1\n",
            "other.py": "N = 5\n",
        },
        (H, "N = 1", "N = 2"),
        why="helpers.N",
    ),
    Case(
        "module in a table",
        {P: F("return x + T['a'].N", "import helpers\nT = {'a': helpers}\n"), H: "N = 1\n"},
        (H, "N = 1", "N = 2"),
        why="helpers.N",
    ),
    Case(
        "module as an argument",
        {P: F("return x.N", "import helpers\n"), H: "N = 1\n"},
        (H, "N = 1", "N = 2"),
        arg="helpers",
        why="helpers.N",
    ),
    Case(
        "module held by an object",
        {
            P: F(
                "return O.go() + x",
                "import helpers\nclass K:\n    def __init__(self, c): self.c = c\n    def go(self): return self.c.N\nO = K(helpers)\n",
            ),
            H: "N = 1\n",
        },
        (H, "N = 1", "N = 2"),
        why="helpers.N",
    ),
    Case(
        "module in a table, another name of it",
        {P: F("return x + T['a'].N", "import helpers\nT = {'a': helpers}\n"), H: "N = 1\nM = 1\n"},
        (H, "M = 1", "M = 2"),
        "fresh",
    ),
    Case(
        "class in a table",
        {P: F("return x + T['a'].r", "class K:\n    r = 1\nT = {'a': K}\n")},
        (P, "r = 1", "r = 2"),
        why="proj.K",
    ),
    Case(
        "class in a table, another class",
        {
            P: F(
                "return x + T['a'].r",
                "class K:\n    r = 1\nclass L:\n    q = 1\nT = {'a': K, 'b': L}\n",
            )
        },
        (P, "q = 1", "q = 2"),
        "fresh",
    ),
    Case(
        "class made in a function with a parameter",
        {
            P: F(
                "return K().go(x)",
                "def mk(n):\n    class C:\n        def go(self, a): return a * n\n    return C\nK = mk(3)\n",
            )
        },
        (P, "mk(3)", "mk(4)"),
        why="proj.K.go#n",
    ),
    Case(
        "list of a class made in a function",
        {
            P: F(
                "return K().go(x)",
                "def mk(n):\n    class C:\n        t = [n]\n        def go(self, a): return a * self.t[0]\n    return C\nK = mk(3)\n",
            )
        },
        (P, "mk(3)", "mk(4)"),
        why="proj.K.t",
    ),
    Case(
        "class made by make_dataclass",
        {
            P: F(
                "return K().v + x",
                "from dataclasses import make_dataclass, field\nK = make_dataclass('D', [('v', int, field(default=3))])\n",
            )
        },
        (P, "default=3", "default=4"),
        why="proj.K",
    ),
    Case(
        "class made by type()",
        {
            P: F("return K().go(x)", "from helpers import make\nK = make('L', 3)\n"),
            H: "def make(name, n): return type(name, (), {'v': n, 'go': lambda self, a: a + self.v})\n",
        },
        (P, "3)", "4)"),
        why="proj.K",
    ),
    Case(
        "class made by the call",
        {P: F("K = type('K', (), {'go': lambda self, a: a + 1})\nreturn K().go(x)")},
        (P, ONE, TWO),
    ),
    Case(
        "function made from text",
        {
            P: F("return g(x)", "from helpers import g\n"),
            H: "S = {}\nexec('def g(a): return a + 1', S)\ng = S['g']\n",
        },
        (H, ONE, TWO),
        why="proj.g",
    ),
    Case(
        "helper replaced by text",
        {P: F("return g(x)", G)},
        pre="import proj\nexec('def g(a): return a + 5', vars(proj))",
        why="proj.g",
    ),
    Case(
        "method lent by another module",
        {
            P: F("return K().go(x)", "from helpers import K\nimport patches\n"),
            H: K,
            "patches.py": "from helpers import K\ndef quick(self, a): return a + 5\nK.go = quick\n",
        },
        ("patches.py", "K.go = quick\n", ""),
        why="helpers.K.go",
    ),
    Case(
        "subclasses of a class",
        {
            P: F(
                "return sorted(k.__name__ for k in B.__subclasses__())",
                "class B: pass\nclass C(B): pass\nv = 1\n",
            )
        },
        (P, "v = 1", "class D(B): pass"),
        why="proj.B",
    ),
    Case(
        "subclasses of a class, asked by itself",
        {
            P: F(
                "return B.all()",
                "class B:\n    @classmethod\n    def all(cls): return sorted(k.__name__ for k in cls.__subclasses__())\nclass C(B): pass\nv = 1\n",
            )
        },
        (P, "v = 1", "class D(B): pass"),
        why="proj.B",
    ),
    Case(
        "unrelated edit, module not loaded",
        {
            P: F(
                "return g(len(str(x))) + math.floor(N) + D['a'] + V().go()",
                "import math, functools\nfrom helpers import g, N, V\nD = {'a': 1}\nM = 1\ndef u(): return 1\n",
            ),
            H: "N = 1\nimport functools\n@functools.cache\ndef g(a): return a\nclass V:\n    def go(self): return 1\n",
        },
        (P, "def u(): return 1", "def u(): return 2"),
        "fresh",
        loaded=False,
    ),
    Case(
        "unrelated edit, builtins and imports, module not loaded",
        {
            P: F(
                "return g(len(str(x))) + math.floor(N)",
                "import math\nfrom helpers import g, N\nM = 1\n",
            ),
            H: "N = 1\ndef g(a): return a\n",
        },
        (P, "M = 1", "M = sum([2])"),
        "fresh",
        loaded=False,
    ),
    Case(
        "unrelated edit, import of a package, module not loaded",
        {P: F("return g(x) + t.V", "from thirdp import g\nimport thirdp as t\nM = 1\n"), **PACKAGE},
        (P, "M = 1", "M = sum([2])"),
        "fresh",
        loaded=False,
    ),
]

UNSEEN += [
    Case(
        "class registered with an abstract one",
        {P: F("return isinstance(x, A)", "import abc\nclass A(abc.ABC): pass\nA.register(int)\n")},
        (P, "A.register(int)\n", ""),
        "unseen",
    ),
    Case(
        "class registered with an abstract one, declared",
        {P: F("return isinstance(x, A)", "import abc\nclass A(abc.ABC): pass\nA.register(int)\n")},
        (P, "A.register(int)\n", ""),
        declared="declared(value=issubclass(int, __import__('proj').A))",
        again=True,
        why="value",
    ),
]

MORE = [*SPECIAL, *VALUES, *LANGUAGE, *PACKAGES, *NAMED, *UNSEEN, *UNLOADED, *HELD]
