"""Folders as values: files, links and empty folders by relative name.

Law: no name and no link leads out of the folder, whoever wrote them; what would is refused when
the folder is looked at, and again when one is made of names from elsewhere.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from dumbo.artifacts.files import File
from dumbo.errors import ConfigurationError, NotCachedError, UncacheableError


class Directory:
    """A folder as a value: its files, links and empty folders by relative name.

    Parameters
    ----------
    path : str or os.PathLike
        An existing folder. Names are taken now, contents when they are looked at.

    Raises
    ------
    ConfigurationError
        There is no folder at `path`.
    UncacheableError
        It holds a link that leads out of it, or something that is no file, link or folder.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pathlib.Path(folder, "run")
    ...     run.mkdir()
    ...     _ = run.joinpath("log").write_text("done")
    ...     made = Directory(run)
    ...     list(made), made["log"].read_bytes(), made.restore(run.with_name("copy")).name
    (['log'], b'done', 'copy')
    """

    __slots__ = ("_files", "_folders", "_links", "name")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        root = Path(path).resolve()
        if not root.is_dir():
            raise ConfigurationError(
                f"Directory({os.fspath(path)!r}): there is no folder; make it first, or use File"
            )
        files: dict[str, File] = {}
        links: dict[str, str] = {}
        folders: list[str] = []
        for name, place in _walk(root):
            if place.is_symlink():
                links[name] = place.readlink().as_posix()
            elif place.is_dir():
                folders.append(name)
            elif place.is_file():
                files[name] = File(place)
            else:
                raise UncacheableError(
                    f"Directory({os.fspath(path)!r}): {name} is no file, link or folder; remove it"
                )
        self.name = Path(path).name
        self._files, self._links, self._folders = files, links, tuple(folders)
        _check_names(files, links, folders)

    @classmethod
    def of(
        cls, files: Mapping[str, File], links: Mapping[str, str], folders: list[str], name: str
    ) -> Directory:
        """Make a folder of files that lie elsewhere.

        Raises
        ------
        UncacheableError
            A name or link leads out of the folder, or a name is taken twice.
        """
        _check_names(files, links, folders)
        made = object.__new__(cls)
        made._files, made._links, made._folders = dict(files), dict(links), tuple(folders)
        made.name = name
        return made

    @property
    def files(self) -> Mapping[str, File]:
        """Files by relative name, with ``/`` between its parts."""
        return MappingProxyType(self._files)

    @property
    def links(self) -> Mapping[str, str]:
        """Targets of links by relative name."""
        return MappingProxyType(self._links)

    @property
    def folders(self) -> tuple[str, ...]:
        """Folders that hold nothing."""
        return self._folders

    def __getitem__(self, name: str) -> File:
        if name not in self._files:
            raise NotCachedError(f"there is no file {name!r} in {self!r}; ask .files what it has")
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def restore(self, to: str | os.PathLike[str]) -> Path:
        """Copy everything to a new folder.

        Raises
        ------
        ConfigurationError
            There is something at the path already.
        """
        target = Path(to)
        if target.exists() or target.is_symlink():
            raise ConfigurationError(
                f"Directory.restore({os.fspath(to)!r}): it exists; give another path, or remove it"
            )
        draft = target.with_name(f".{uuid.uuid4().hex}")
        draft.mkdir()
        try:
            for name in self._folders:
                (draft / name).mkdir(parents=True, exist_ok=True)
            for name, file in self._files.items():
                (draft / name).parent.mkdir(parents=True, exist_ok=True)
                file.restore(draft / name)
            for name, goal in self._links.items():  # last: nothing is written through a link
                (draft / name).parent.mkdir(parents=True, exist_ok=True)
                (draft / name).symlink_to(goal)
            draft.replace(target)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        return target

    def __dumbo_token__(self) -> tuple[Any, ...]:
        files = sorted((name, file.__dumbo_token__()) for name, file in self._files.items())
        return ("directory", files, sorted(self._links.items()), sorted(self._folders))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Directory):
            return NotImplemented
        return self.__dumbo_token__() == other.__dumbo_token__()

    def __hash__(self) -> int:
        return hash(tuple(self._files))

    def __copy__(self) -> Directory:
        return self  # cannot be changed

    def __deepcopy__(self, memo: dict[int, Any]) -> Directory:
        return self

    def __reduce__(self) -> Any:
        return _directory_of, (self._files, self._links, list(self._folders), self.name)

    def __repr__(self) -> str:
        return f"Directory({self.name!r}, {len(self._files)} files)"


def _directory_of(
    files: dict[str, File], links: dict[str, str], folders: list[str], name: str
) -> Directory:
    return Directory.of(files, links, folders, name)


def _walk(root: Path) -> Iterator[tuple[str, Path]]:
    """Iterate over files, links and empty folders below `root`, in order of name."""
    for place in sorted(root.iterdir()):
        if place.is_dir() and not place.is_symlink():
            inside = list(_walk(place))
            if not inside:
                yield place.name, place
            for name, found in inside:
                yield f"{place.name}/{name}", found
        else:
            yield place.name, place


def _check_names(files: Mapping[str, File], links: Mapping[str, str], folders: list[str]) -> None:
    """Refuse names and links that lead out of the folder; they may come from anywhere."""
    names = [*files, *links, *folders]
    for name in names:
        _check_name(name)
    taken = set(names)
    for name in names:
        above = {str(parent) for parent in PurePosixPath(name).parents} - {"."}
        if above & taken:
            raise UncacheableError(f"the folder's entry {name!r} lies below one that is no folder")
    if len(taken) != len(names):
        raise UncacheableError("two entries of a folder have one name")
    for name, goal in links.items():
        if not _stays_inside(name, goal):
            raise UncacheableError(
                f"the link {name!r} leads to {goal!r}, out of its folder; replace it by the file"
            )


def _check_name(name: object) -> None:
    good = (
        isinstance(name, str)
        and name
        and "\0" not in name
        and "\\" not in name
        and (":" not in name or os.name == "posix")  # elsewhere it names a drive or a stream
        and all(part not in {"", ".", ".."} and part[1:2] != ":" for part in name.split("/"))
    )
    if not good:
        raise UncacheableError(f"the folder's entry {str(name)[:80]!r} has a name that is no name")


def _stays_inside(name: str, goal: object) -> bool:
    """Whether a link leads into the folder it lies in.

    ``..`` may only come first, where it goes up over real folders: behind another link it would go
    up from wherever that one leads.
    """
    if not isinstance(goal, str) or not goal or goal.startswith("/") or set("\0\\:") & set(goal):
        return False
    parts = [part for part in goal.split("/") if part not in {"", "."}]
    ups = next((place for place, part in enumerate(parts) if part != ".."), len(parts))
    return ups <= name.count("/") and ".." not in parts[ups:]
