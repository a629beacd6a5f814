"""Files that a call opens for reading and does not declare: a hint, and never a verdict.

Law: one audit hook for the process, put in only where somebody asks for it; it returns at once
while nothing records, keeps a few paths, and never raises. It cannot be taken out again, and Python
calls it for every ``id()`` and ``f.__code__`` too, so no session has it unasked. What is opened by
C code (HDF5, Parquet) is not seen.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from types import CodeType
from typing import Any, Final, Protocol

from dumbo.code.declarations import STORE
from dumbo.code.project import Project
from dumbo.records import Dependency, DependencyKind, Depset

FEW: Final = 16
"""Files kept per recording."""
_PREFIX: Final = "file:"
_CODE: Final = (".py", ".pyc", ".pyo", ".pyi", ".so", ".pyd", ".pth", ".dll")
_EVENTS: Final = frozenset({"open", "sqlite3.connect"})
_OPENERS: Final = (
    *("open", "read", "load", "imread", "fromfile", "genfromtxt", "memmap", "connect", "parse"),
    *("File", "Dataset", "imopen", "iter_lines", "fileinput"),
)
_WRITES: Final = os.O_WRONLY | os.O_TRUNC


class Listener(Protocol):
    """Whoever wants to know, while it records."""

    def opened(self, path: str) -> None:
        """A file was opened for reading."""
        ...


_listening: Final[list[Listener]] = []
_installed: Final[list[bool]] = []


def listen(listener: Listener) -> None:
    """Begin to be told, once the hook is in."""
    _listening.append(listener)


def look_at(code: CodeType) -> None:
    """Put the hook in before `code` runs, if it looks as if it could open a file."""
    if not _installed and any(name.startswith(_OPENERS) for name in code.co_names):
        _installed.append(True)
        sys.addaudithook(_hook)


def leave(listener: Listener) -> None:
    """End being told."""
    _listening.remove(listener)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not _listening or event not in _EVENTS:
        return
    path = args[0]
    if type(path) is not str or path.endswith(_CODE):
        return
    if event == "open" and type(args[2]) is int and args[2] & _WRITES:
        return
    for listener in _listening:
        listener.opened(path)


def undeclared(
    project: Project, files: Iterable[str], declared: Iterable[Dependency]
) -> Iterator[Dependency]:
    """What of `files` is content of the project and is not declared, as notes that never decide."""
    named = [d.name for d in declared if d.kind is DependencyKind.DECLARED]
    for path in sorted(files):
        if not any(_covers(name, path) for name in named) and _is_content(project, path):
            text = "read, and not declared"
            yield Dependency(DependencyKind.OPAQUE, "", _PREFIX + path, "", text)


def undeclared_files(depset: Depset) -> tuple[str, ...]:
    """Files that a call read and did not declare, of those that were noticed.

    Examples
    --------
    >>> undeclared_files(Depset.of((Dependency(DependencyKind.OPAQUE, "", "file:/data.csv", ""),)))
    ('/data.csv',)
    """
    return tuple(
        member.name.removeprefix(_PREFIX)
        for member in depset.members
        if member.kind is DependencyKind.OPAQUE
        and not member.module
        and member.name.startswith(_PREFIX)
    )


def notes_of(depset: Depset) -> tuple[str, ...]:
    """What a recording saw that decides nothing, in words: undeclared files, what it missed."""
    files = [
        f"it read {path}, which is not declared; say dumbo.depends_on(file=...) in its body"
        for path in undeclared_files(depset)
    ]
    missed = [
        f"not all code it ran was seen: {member.text}"
        for member in depset.members
        if member.kind is DependencyKind.OPAQUE and member.module == "recorder"
    ]
    return (*files, *missed)


def _covers(name: str, path: str) -> bool:
    kind, _, subject = name.partition(":")
    if kind == "file":
        return subject == path
    if kind == "folder":
        return path.startswith(os.path.join(subject, ""))  # noqa: PTH118 - the trailing separator
    return kind == "glob" and fnmatchcase(path, subject)


def _is_content(project: Project, path: str) -> bool:
    inside = project.inside(path)
    if inside is None or any(part.startswith(".") or part == "__pycache__" for part in inside):
        return False
    place = Path(path)
    folders = list(place.parents)[: len(inside)]
    try:
        return place.is_file() and not any((folder / STORE).is_file() for folder in folders)
    except OSError:  # a name that is too long is no file
        return False
