"""Modules by name: the namespace of a loaded one, the file of one that is not.

Law: looks, and never imports or executes a module.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from dumbo.identity.function_id import module_name

Namespace = dict[str, Any]


def loaded(name: str) -> ModuleType | None:
    """The loaded module of that name; a program's main module answers to its file's name too."""
    module, main = sys.modules.get(name), sys.modules.get("__main__")
    if main is None or name == "__main__" or module_name("__main__") != name:
        return module
    # A program may be called like a module it uses, as the command of a package often is.
    other = module is not None and vars(module).get("__file__") != vars(main).get("__file__")
    return module if other else main


def real_name(namespace: Namespace) -> str:
    """Name under which a namespace is known from run to run."""
    name = namespace.get("__name__")
    return module_name(name) if isinstance(name, str) else ""


def file_of(namespace: Namespace) -> str:
    """The source file of a module; empty when it has none."""
    file = namespace.get("__file__")
    return file if isinstance(file, str) else ""


def find_file(name: str, roots: tuple[str, ...] = ()) -> str | None:
    """File of a module, or folder of a namespace package; None when there is none.

    A module that is not loaded is looked for along ``sys.path``, or in `roots`, by name alone.
    """
    module = loaded(name)
    if module is not None:
        file = file_of(vars(module))
        if file:
            return file
        return next(iter(vars(module).get("__path__", ())), None)
    return _search(name, roots or tuple(sys.path))


def root_of(name: str, file: str) -> str | None:
    """The folder in which a module of that name has that file; None where they do not fit.

    Examples
    --------
    >>> root_of("pkg.mod", "/home/me/pkg/mod.py"), root_of("pkg", "/home/me/pkg/__init__.py")
    ('/home/me', '/home/me')
    """
    place = Path(file)
    if not place.is_absolute() or place.suffix != ".py":
        return None
    place = place.parent if place.stem == "__init__" else place.with_suffix("")
    parts = tuple(name.split("."))
    return str(Path(*place.parts[: -len(parts)])) if place.parts[-len(parts) :] == parts else None


@lru_cache(maxsize=4096)
def _search(name: str, path: tuple[str, ...]) -> str | None:
    relative = Path(*name.split("."))
    folder: str | None = None
    for entry in path:
        place = Path(entry or ".") / relative
        for candidate in (place / "__init__.py", place.with_name(place.name + ".py")):
            if candidate.is_file():
                return str(candidate)
        if folder is None and place.is_dir():
            folder = str(place)
        if place.parent.is_dir():
            extension = next(place.parent.glob(place.name + ".*.so"), None)
            if extension is not None:
                return str(extension)
    return folder


def forget_searches() -> None:
    """Look for files again."""
    _search.cache_clear()


def absolute_name(name: str, level: int, namespace: Namespace) -> str:
    """Name of the module that an import statement in `namespace` means."""
    if not level:
        return name
    package = namespace.get("__package__") or ""
    if not package:
        own = str(namespace.get("__name__", ""))
        package = own if "__path__" in namespace else own.rpartition(".")[0]
    for _ in range(level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{name}" if name and package else name or package
