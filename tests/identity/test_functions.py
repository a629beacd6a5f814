"""FunctionIds, module names, and functions, classes and modules as values."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from carried import Decorated

from dumbo.identity import digest, function_id, module_name, name_main
from dumbo.identity.bytecode import code_digest
from dumbo.identity.function_id import is_named

HERE = __name__


def plain(x: int, y: int = 1) -> int:
    return x + y


def make(k: int) -> Any:
    def inner(x: int) -> int:
        return x + k

    return inner


def choose(up: bool) -> Any:
    if up:

        def move(x: int) -> int:
            return x + 1

    else:

        def move(x: int) -> int:
            return x - 1

    return move


def wrap(times: int) -> Callable[[Any], Any]:
    def decorate(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return [function(*args) for _ in range(times)]

        return wrapper

    return decorate


@wrap(2)
def wrapped(x: int) -> int:
    return x


@functools.lru_cache
def remembered(x: int) -> int:
    return x


class Klass:
    @staticmethod
    def still() -> None: ...

    @classmethod
    def of(cls) -> None: ...

    def method(self) -> None: ...

    @property
    def size(self) -> int:
        return 1

    def __call__(self) -> None: ...


def test_function_ids_of_all_callables() -> None:
    assert function_id(plain) == f"{HERE}:plain"
    assert function_id(make(1)) == f"{HERE}:make.<locals>.inner"
    assert function_id(Klass.still) == f"{HERE}:Klass.still"
    assert function_id(Klass.of) == f"{HERE}:Klass.of"
    assert function_id(Klass().method) == f"{HERE}:Klass.method"
    assert function_id(vars(Klass)["still"]) == f"{HERE}:Klass.still"
    assert function_id(functools.partial(plain, 1)) == f"{HERE}:plain"
    assert function_id(Klass) == f"{HERE}:Klass"
    assert function_id(Klass()) == f"{HERE}:Klass.__call__"
    assert function_id(len) == "builtins:len"
    assert function_id(wrapped) == f"{HERE}:wrapped"
    assert function_id(remembered) == f"{HERE}:remembered"
    assert function_id(Decorated(name="a:b")) == "a:b"
    assert function_id(plain, "other:name") == "other:name"
    assert function_id(plain, "name") == f"{HERE}:name"


def test_namesakes_in_one_scope_are_counted() -> None:
    assert function_id(choose(True)) == f"{HERE}:choose.<locals>.move"
    assert function_id(choose(False)) == f"{HERE}:choose.<locals>.move~1"
    assert digest(choose(True)) != digest(choose(False))


def test_lambdas_are_named_by_place_and_code() -> None:
    def lambdas() -> Any:
        return (lambda x: x + 1), (lambda x: x + 1), (lambda x: x + 2), (lambda y: y + 1)

    ids = [function_id(f) for f in lambdas()]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert "<lambda>~" in ids[0]
    top = eval("lambda x: x + 1", {"__name__": HERE})
    assert function_id(top) != ids[0]


def test_captured_defaults_of_lambdas_count() -> None:
    one, two = [lambda x, i=i: x + i for i in (1, 2)]
    assert digest(one) != digest(two)
    named = [digest(f) for f in (make(1), make(1), make(2))]
    assert named[0] == named[1] != named[2]


def test_a_function_its_name_does_not_lead_to_counts_by_code() -> None:
    space: dict[str, Any] = {"__name__": HERE}
    exec("def plain(x, y=1): return x * y", space)
    assert not is_named(space["plain"])
    assert digest(space["plain"]) != digest(plain)
    exec("def outer():\n def inner(x): return 1\n return inner", space)
    assert not is_named(space["outer"]())


def test_decorated_and_wrapped_functions_are_named() -> None:
    assert is_named(wrapped)
    assert is_named(wrapped.__wrapped__)
    assert is_named(Klass.still)
    assert is_named(Klass.method)
    assert is_named(vars(Klass)["size"].fget)
    assert is_named(remembered.__wrapped__)
    assert digest(wrapped) != digest(wrapped.__wrapped__)
    assert digest(remembered) == digest(remembered)


def test_what_a_dumbo_function_wraps_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    original = plain
    module = sys.modules[HERE]
    monkeypatch.setattr(module, "plain", Decorated(original))
    assert is_named(original)
    monkeypatch.setattr(module, "plain", Decorated())
    assert not is_named(original)
    loop = types.FunctionType(original.__code__, {}, "loop")
    loop.__dict__["__wrapped__"] = loop
    monkeypatch.setattr(module, "plain", loop)
    assert not is_named(original)


def test_values_that_can_be_called() -> None:
    assert digest(plain) == digest(plain) != digest(make)
    assert digest(Klass().method) == digest(Klass().method) != digest(Klass.method)
    assert digest([1].append) != digest([2].append)
    assert digest(len) != digest(print)
    assert digest(functools.partial(plain, 1)) == digest(functools.partial(plain, 1))
    assert digest(functools.partial(plain, 1)) != digest(functools.partial(plain, y=1))
    assert digest(json) != digest(functools)
    assert digest(plain.__code__) == digest(plain.__code__) != digest(make.__code__)
    for name in ("still", "of", "size"):
        assert digest(vars(Klass)[name]) == digest(vars(Klass)[name])
    assert digest(int.__add__) != digest(int.__sub__)
    assert digest((1).__add__) != digest((2).__add__)


def test_empty_and_recursive_cells() -> None:
    def outer() -> Any:
        def loop(n: int) -> int:
            return loop(n - 1) if n else late

        yield loop
        late = 1
        yield loop

    steps = outer()
    early = digest(next(steps))
    assert early != digest(next(steps))


def test_code_is_compared_whole() -> None:
    def code(text: str) -> str:
        return code_digest(compile(text, "f", "exec"))

    texts = [
        "a = 1",
        "a = 1.0",
        "b = 1",
        "a = (1, 2)",
        "a = x in {1, 2}",
        "a = lambda: 1",
        "a = lambda: 2",
        "a = x[1:2]",
        "a = x[1:3]",
    ]
    assert len({code(t) for t in texts}) == len(texts)
    assert code("a = 1") == code("\n\n# comment\na = 1")
    sliced = (lambda: 0).__code__
    assert code_digest(sliced.replace(co_consts=(slice(1),))) != code_digest(
        sliced.replace(co_consts=(slice(2),))
    )


def run(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


MODULE = """
from dumbo.identity import CallShape, digest, function_id
class C: pass
def f(x): return x
if __name__ == "__main__":
    print(function_id(f), CallShape.of(f).identify((C(),), {}).cid)
"""


def test_a_script_and_its_import_agree(tmp_path: Path) -> None:
    package = tmp_path / "pkg" / "sub"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (package / "train.py").write_text(MODULE)
    (package / "__main__.py").write_text(MODULE)
    (tmp_path / "alone.py").write_text(MODULE)

    def shown(module: str) -> str:
        cid = "m.CallShape.of(m.f).identify((m.C(),), {}).cid"
        code = f"import {module} as m; print(m.function_id(m.f), {cid})"
        return run("-c", code, cwd=tmp_path)

    imported = shown("pkg.sub.train")
    assert imported.startswith("pkg.sub.train:f ")
    assert run("pkg/sub/train.py", cwd=tmp_path) == imported
    assert run("-m", "pkg.sub.train", cwd=tmp_path) == imported
    assert run("alone.py", cwd=tmp_path) == shown("alone")
    assert run("-m", "pkg.sub", cwd=tmp_path) == shown("pkg.sub.__main__")
    assert run("pkg/sub/__main__.py", cwd=tmp_path) == shown("pkg.sub.__main__")


def test_main_without_a_file_keeps_its_name(tmp_path: Path) -> None:
    code = "from dumbo.identity import module_name; print(module_name('__main__'))"
    assert run("-c", code, cwd=tmp_path) == "__main__"


def test_a_notebook_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    main = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    main.__spec__ = None
    assert module_name(main) == "__main__"
    main.__dict__["get_ipython"] = None
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert module_name("__main__") == "notebook"
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/me/analysis.ipynb")
    assert module_name("__mp_main__") == "analysis"
    main.__dict__["__vsc_ipynb_file__"] = "/home/me/other.ipynb"
    assert module_name("__main__") == "other"
    name_main("chosen")
    assert module_name("__main__") == "chosen"
    name_main(None)
    assert module_name("json") == "json"
    monkeypatch.delitem(sys.modules, "__main__")
    assert module_name("__main__") == "__main__"
