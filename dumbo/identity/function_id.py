"""FunctionId of a function: ``module:qualname``, the same in every process that can reach it.

Law: only a rename changes a FunctionId. Edits, moved lines and files of the same module do not.

- A script run as ``__main__`` is its file's module name (``python pkg/train.py`` and ``import
  pkg.train`` agree); with ``python -m`` the name of its spec; a notebook its notebook's name.
- A lambda has no name, so its place (the enclosing scope) and its code stand for one:
  ``module:scope.<lambda>~1f0c93ab27de``. Bytecode differs between Python minor versions, and so
  does the id of a lambda; give results that should outlive an upgrade a ``def``.
- The second and later functions of one name in one scope (``if``/``else`` around ``def``) are
  counted: ``module:make.<locals>.f~1``.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from dumbo.identity.bytecode import code_digest
from dumbo.identity.carriers import decorated_id
from dumbo.identity.cid import FunctionId

_HEAP_TYPE = 1 << 9
LRU_WRAPPER = type(functools.lru_cache(len))
"""Type of functions behind `functools.lru_cache`."""
_MAIN = ("__main__", "__mp_main__")
_named_main: list[str] = []


def name_main(name: str | None) -> None:
    """Say what ``__main__`` is called, where the file cannot tell (a notebook's front end can)."""
    _named_main[:] = [name] if name else []


def module_name(module: ModuleType | str) -> str:
    """Real name of a module, whatever it is called in this process.

    Parameters
    ----------
    module : module or str
        A module or its ``__name__``.

    Examples
    --------
    >>> module_name("json.decoder")
    'json.decoder'
    """
    name = module if isinstance(module, str) else module.__name__
    return _main_name() if name in _MAIN else name


def _main_name() -> str:
    if _named_main:
        return _named_main[0]
    names = vars(sys.modules["__main__"]) if "__main__" in sys.modules else {}
    spec, file = names.get("__spec__"), names.get("__file__")
    if spec is not None:
        return str(spec.name)
    if isinstance(file, str):
        return _file_module(file)
    if "get_ipython" not in names:
        return "__main__"
    notebook = names.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME") or "notebook"
    return Path(notebook).stem


@functools.lru_cache(maxsize=16)
def _file_module(file: str) -> str:
    """Dotted name of a source file: up through every folder that is a package."""
    path = Path(file).resolve()
    names = (
        [] if path.stem in ("__init__", "__main__") and _is_package(path.parent) else [path.stem]
    )
    folder = path.parent
    while _is_package(folder):
        names.insert(0, folder.name)
        folder = folder.parent
    return ".".join([*names, "__main__"] if path.stem == "__main__" and names else names)


def _is_package(folder: Path) -> bool:
    return (folder / "__init__.py").is_file()


def type_id(cls: type) -> str:
    """``module:qualname`` of a class."""
    return f"{module_name(cls.__module__)}:{cls.__qualname__}"


def function_id(function: Any, name: str | None = None) -> FunctionId:
    """FunctionId of anything that can be called.

    Parameters
    ----------
    function : callable
        A function, method, class or static method, partial, builtin, class, or object with
        ``__call__``. A partial and a bound method have the id of the function inside: what they
        bind enters the CID as hidden arguments.
    name : str, optional
        Overrides the id: ``"module:qualname"``, or a qualname within the function's module.

    Examples
    --------
    >>> import json
    >>> function_id(json.dumps)
    'json:dumps'
    >>> function_id(json.dumps, name="to_text")
    'json:to_text'
    """
    found = decorated_id(function) or _derived_id(function)
    if name is None:
        return found
    return FunctionId(name if ":" in name else f"{found.module}:{name}")


def _derived_id(function: Any) -> FunctionId:
    kind = type(function)
    if kind is FunctionType:
        module = module_name(function.__module__ or "__main__")
        return FunctionId(f"{module}:{function.__qualname__}{_suffix(function)}")
    if kind in (MethodType, staticmethod, classmethod):
        return function_id(function.__func__)
    if kind is functools.partial:
        return function_id(function.func)
    if issubclass(kind, type):
        return FunctionId(type_id(function))
    own = getattr(function, "__qualname__", None)
    if isinstance(own, str):
        return FunctionId(
            f"{module_name(getattr(function, '__module__', None) or 'builtins')}:{own}"
        )
    return FunctionId(f"{type_id(kind)}.__call__")


def _suffix(function: Any) -> str:
    code = function.__code__
    if code.co_name == "<lambda>" and function.__name__ == "<lambda>":
        return f"~{code_digest(code)[:12]}"
    if "<locals>" not in function.__qualname__:
        return ""
    twins = _twins(function)
    place = next((index for index, twin in enumerate(twins) if twin is code), 0)
    return f"~{place}" if place else ""


def is_named(function: Any) -> bool:
    """Whether the FunctionId leads to this very function.

    False for one that was redefined, deleted or made by ``exec``: its name alone would mix it up
    with another.
    """
    if function.__code__.co_name == "<lambda>" and function.__name__ == "<lambda>":
        return True  # its code is in its id
    if "<locals>" in function.__qualname__:
        return any(twin is function.__code__ for twin in _twins(function))
    return any(found is function for found in _reached(function.__module__, function.__qualname__))


def is_named_class(cls: type) -> bool:
    """Whether the ``module:qualname`` of a class leads to this very class."""
    if not cls.__flags__ & _HEAP_TYPE:
        return True  # built in: there is one of it
    return any(found is cls for found in _reached(cls.__module__, cls.__qualname__))


def _twins(function: Any) -> list[CodeType]:
    """Code objects of the function's name within the outermost function, in source order."""
    outer = function.__qualname__.partition(".<locals>")[0]
    for found in _reached(function.__module__, outer):
        if isinstance(found, FunctionType):
            twins = [c for c in _nested(found.__code__) if c.co_qualname == function.__qualname__]
            if twins:
                return twins
    return []


def _nested(code: CodeType) -> Iterator[CodeType]:
    pending = [code]
    while pending:
        inner = [c for c in pending.pop().co_consts if isinstance(c, CodeType)]
        yield from inner
        pending.extend(inner)


def _reached(module: str | None, qualname: str) -> Iterator[Any]:
    """What a name leads to, and what that wraps, by namespaces alone: no attribute is computed."""
    owner: Any = sys.modules.get(module or "")
    for part in qualname.split("."):
        namespace = vars(owner) if isinstance(owner, (type, ModuleType)) else {}
        owner = namespace.get(part)
    pending = [owner]
    for _ in range(64):  # a chain of decorators; the bound is for chains that close on themselves
        if not pending:
            return
        found = pending.pop()
        yield found
        pending.extend(_wrapped_in(found))


def _wrapped_in(found: Any) -> list[Any]:
    kind = type(found)
    if kind in (staticmethod, classmethod):
        return [found.__func__]
    if kind is property:
        return [f for f in (found.fget, found.fset, found.fdel) if f is not None]
    if kind is FunctionType or kind is LRU_WRAPPER:
        return [found.__dict__["__wrapped__"]] if "__wrapped__" in found.__dict__ else []
    if hasattr(kind, "__dumbo_function__"):
        inner = getattr(found, "__wrapped__", None)
        return [] if inner is None else [inner]
    return []
