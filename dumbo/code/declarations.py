"""What the user says a result depends on: files, folders, environment, values, packages, callables.

Law: content decides, not dates; a file whose stamp did not move is not read again. The value of
an environment variable is never written down, as it may be a secret.
"""

from __future__ import annotations

import glob as globbing
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import xxhash

from dumbo._typing import MISSING
from dumbo.code import modules
from dumbo.code.normal_form import mark
from dumbo.code.packages import Packages
from dumbo.code.sources import SourceStore, Stamp, settled, stamp_of
from dumbo.code.statics import functions_behind
from dumbo.code.values import fingerprint_of, short_text
from dumbo.errors import ConfigurationError, UnidentifiableError
from dumbo.records import Dependency, DependencyKind

ABSENT = "absent"
STORE = "catalog.sqlite"
"""The file by which a folder is known to be a store."""
_BLOCK = 1 << 20
PathLike = str | os.PathLike[str]
Several = PathLike | Iterable[PathLike] | None


class Contents:
    """Digests of files, taken again only when a stamp moves."""

    def __init__(self, store: SourceStore | None = None) -> None:
        self._store = store
        self._known: dict[str, tuple[Stamp, str]] = {}

    def digest(self, path: str) -> str:
        """Digest of a file's bytes; ``absent`` when there is none."""
        stamp = stamp_of(path)
        if stamp is None or not Path(path).is_file():
            return ABSENT
        known = self._known.get(path) or self._stored(path)
        if known is not None and known[0] == stamp and settled(stamp):
            return known[1]
        found = _digest_file(path)
        self._known[path] = (stamp, found)
        if self._store is not None and settled(stamp):
            self._store.put_source(path + "#content", stamp, found.encode())
        return found

    def _stored(self, path: str) -> tuple[Stamp, str] | None:
        found = self._store.get_source(path + "#content") if self._store is not None else None
        return None if found is None else (found[0], found[1].decode())

    def digest_all(self, paths: Iterable[str]) -> str:
        """Digest of several files, by name and content."""
        parts = [part for path in sorted(paths) for part in (path, self.digest(path))]
        return mark(*parts)


_noted: set[tuple[str, str]] = set()
_contents = Contents()
_packages = Packages()


def declared(  # noqa: PLR0913, PLR0917 - one keyword per kind of thing
    file: Several = None,
    folder: Several = None,
    glob: str | Iterable[str] | None = None,
    env: str | Iterable[str] | None = None,
    value: Any = MISSING,
    package: str | Iterable[str] | None = None,
    callable: Callable[[], Any] | None = None,  # noqa: A002 - the word users know
) -> tuple[Dependency, ...]:
    """Dependencies a user names, in their present version.

    Parameters
    ----------
    file, folder, glob : path or iterable of paths, optional
        Content of files, of all files below a folder, of all files that match a pattern. Folders
        whose name begins with a dot, ``__pycache__`` and stores of results are passed over.
    env : str or iterable of str, optional
        Environment variables.
    value : object, optional
        Any value with an identity. It can be compared again only where it is declared again.
    package : str or iterable of str, optional
        Top-level modules of packages, by version.
    callable : function of no arguments, optional
        What it returns, compared. It is called now, and again at every check, so it must be found
        again: under a name in its module.

    Raises
    ------
    UnidentifiableError
        `value`, or what `callable` returns, has no identity.
    ConfigurationError
        `package` is not installed, or `callable` has no name in a module.

    Examples
    --------
    >>> [dependency.name for dependency in declared(env="DUMBO_EXAMPLE", value=3)]
    ['env:DUMBO_EXAMPLE', 'value']
    """
    found = [
        *(_declare("file:" + _absolute(path)) for path in _several(file)),
        *(_declare("folder:" + _absolute(path)) for path in _several(folder)),
        *(_declare("glob:" + _absolute(pattern)) for pattern in _several(glob)),
        *(_declare(f"env:{name}") for name in _several(env)),
        *(_package(str(name)) for name in _several(package)),
    ]
    if value is not MISSING:
        found.append(_of_value("", "value", value, "depends_on(value=...)"))
    if callable is not None:
        found.append(_declare_callable(callable))
    return tuple(found)


def note_callable(function: Callable[[], Any]) -> None:
    """Note that code of this process declares a callable, without calling it.

    Only those that are noted are ever asked: what a store names is no leave to call it.
    """
    place = _place_of(function)
    if place is not None:
        _noted.add(place)


def note_place(dependency: Dependency) -> None:
    """As `note_callable`, for the one that a dependency names."""
    _noted.add(_named(dependency))


def is_noted(dependency: Dependency) -> bool:
    """Whether code of this process declares the callable that a dependency names."""
    return _named(dependency) in _noted


def _named(dependency: Dependency) -> tuple[str, str]:
    return dependency.module, dependency.name.partition(":")[2]


def current(dependency: Dependency, contents: Contents | None = None) -> tuple[str, str] | None:
    """Fingerprint and text of a declared dependency now; None when it can only be declared again.

    A callable is called, if its module is loaded.
    """
    kind, separator, subject = dependency.name.partition(":")
    if kind == "callable" and separator:
        function = find_callable(dependency.module, subject)
        again = _of_callable(dependency.module, subject, function) if function else None
        return (again.fingerprint, again.text) if again else None
    state = _state(kind, subject, contents or _contents) if separator else None
    return None if state is None else (state, _text(kind, subject, state))


def is_asked(dependency: Dependency) -> bool:
    """Whether a callable has to be called to say what it is now."""
    return dependency.name.startswith("callable:")


def quick_state(dependency: Dependency) -> Callable[[], object] | None:
    """What to ask, in microseconds, to see whether a file or variable may have changed."""
    kind, _, subject = dependency.name.partition(":")
    if kind == "env":
        return lambda: os.environ.get(subject)
    if kind == "file":
        return lambda: stamp_of(subject)
    if kind in {"folder", "glob"}:
        return lambda: tuple((path, stamp_of(path)) for path in _files(kind, subject))
    return None


def _state(kind: str, subject: str, contents: Contents) -> str | None:
    if kind == "env":
        found = os.environ.get(subject)
        return ABSENT if found is None else mark(found)
    if kind == "file":
        return contents.digest(subject)
    if kind in {"folder", "glob"}:
        return contents.digest_all(_files(kind, subject))
    return None


def _text(kind: str, subject: str, state: str) -> str:
    if kind == "env":
        found = os.environ.get(subject)
        return "unset" if found is None else f"{len(found)} characters, digest {state[:8]}"
    if kind == "file":
        stamp = stamp_of(subject)
        return "no such file" if stamp is None else f"{stamp[2]} bytes, digest {state[:8]}"
    return f"{len(list(_files(kind, subject)))} files, digest {state[:8]}"


def _files(kind: str, subject: str) -> Iterator[str]:
    if kind == "glob":
        yield from (
            path
            for path in globbing.iglob(subject, recursive=True)  # noqa: PTH207 - the pattern is absolute
            if "__pycache__" not in path and Path(path).is_file()
        )
        return
    for folder, inner, names in os.walk(subject):
        if STORE in names:  # results kept there would make themselves stale
            inner.clear()
            continue
        inner[:] = [name for name in inner if not _is_passed_over(name)]
        yield from (str(Path(folder, name)) for name in names)


def _is_passed_over(folder: str) -> bool:
    """Whether what is in a folder of this name is not content: hidden, or made by Python."""
    return folder.startswith(".") or folder == "__pycache__"


def _declare(name: str) -> Dependency:
    kind, _, subject = name.partition(":")
    state = _state(kind, subject, _contents) or ABSENT
    return Dependency(DependencyKind.DECLARED, "", name, state, _text(kind, subject, state))


def _package(name: str) -> Dependency:
    version = _packages.version(name)
    if not version:
        raise ConfigurationError(
            f"depends_on(package={name!r}): no module of that name is installed; "
            "give the name it is imported by, or drop it"
        )
    return Dependency(DependencyKind.PACKAGE, name, "", version, version)


def _of_value(module: str, name: str, value: object, call: str) -> Dependency:
    fingerprint = fingerprint_of(value)
    if fingerprint is None:
        raise UnidentifiableError(
            f"{call}: a {type(value).__qualname__} has no canonical form to compare; "
            "give a version number, a string or plain data that stands for it"
        )
    return Dependency(DependencyKind.DECLARED, module, name, fingerprint, short_text(value))


def _declare_callable(function: Callable[[], Any]) -> Dependency:
    found = _place_of(function)
    if found is None:
        name = getattr(function, "__qualname__", type(function).__qualname__)
        raise ConfigurationError(
            f"depends_on(callable={name}): it has no name in a module, so no later check could "
            "find it to ask again; define it at the top of a module, or give what it returns "
            "as depends_on(value=...)"
        )
    _noted.add(found)
    return _of_callable(*found, function)


def _of_callable(module: str, name: str, function: Callable[[], Any]) -> Dependency:
    return _of_value(module, f"callable:{name}", function(), f"depends_on(callable={name})")


def _place_of(function: Callable[[], Any]) -> tuple[str, str] | None:
    """Module and name under which a callable can be found again."""
    plain = functions_behind(function)
    stated = plain[0].__module__ if plain else getattr(function, "__module__", None)
    if not isinstance(stated, str):
        stated = type(function).__module__
    module = modules.real_name({"__name__": stated})
    names = [getattr(function, at, None) for at in ("__qualname__", "__name__")]
    space = modules.loaded(module)
    names += [] if space is None else list(vars(space))  # an alias, as ``random.getstate`` is
    for name in names:
        # A bound method is made anew at each look, and equals itself.
        if isinstance(name, str) and find_callable(module, name) == function:
            return module, name
    return None


def find_callable(module: str, name: str) -> Callable[[], Any] | None:
    """What a loaded module holds under a name, if it can be called; nothing is called here."""
    value: Any = modules.loaded(module)
    for part in name.split("."):
        value = vars(value).get(part) if hasattr(value, "__dict__") else None
    return value if hasattr(type(value), "__call__") else None  # noqa: B004 - a class answers by its type


def _several(given: Any) -> Iterable[Any]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str | os.PathLike) else given


def _absolute(path: PathLike) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - links are kept: where they lead may change


def _digest_file(path: str) -> str:
    state = xxhash.xxh3_128()
    with open(path, "rb") as file:  # noqa: PTH123 - the path is a string all the way
        while block := file.read(_BLOCK):
            state.update(block)
    return str(state.hexdigest())
