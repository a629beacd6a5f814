"""Files as values.

Law: a file is its content and whether it may be executed; name and place do not count. The content
is fixed when it is first looked at: a file that is changed afterwards is reported, never read as
if it were the same.

A store keeps a copy of the content, not a link, because a link could be changed in place.
"""

from __future__ import annotations

import os
import shutil
import stat
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Protocol

from dumbo.errors import ConfigurationError, ValueLostError
from dumbo.identity.files import FileContent

_EXECUTABLE: Final = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


class Content(Protocol):
    """Where the bytes of a file are, and what they are known by."""

    @property
    def digest(self) -> str:
        """xxh3_128 of the bytes, 32 hex characters."""
        ...

    def path(self) -> Path:
        """Return where the bytes can be read; raises `ValueLostError` if they changed."""
        ...


class _Outside:
    """Bytes of a file that is the user's, as they were when they were first looked at."""

    __slots__ = ("_contents", "_digest", "_path")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._contents = FileContent()
        self._digest = ""

    @property
    def digest(self) -> str:
        if not self._digest:
            self._digest = self._now()
        return self._digest

    def path(self) -> Path:
        if not self._path.is_file():
            raise ValueLostError(
                f"the file {self._path} is gone; make the call again with dumbo.recompute(), or "
                "restore the kept result with .restore()"
            )
        if self._now() != self.digest:
            raise ValueLostError(
                f"the file {self._path} was changed after it was returned as a result; write "
                "to a new path instead, and make the call again"
            )
        return self._path

    def _now(self) -> str:
        # Read again only when time, size or inode of the file moved.
        return str(self._contents.canonical(self._path, "File")[1])


class File:
    """A file as a value.

    Parameters
    ----------
    path : str or os.PathLike
        An existing regular file; a link to one is followed.

    Attributes
    ----------
    name : str
        Last part of the path it was made from.
    executable : bool
        Whether anybody may execute it.

    Raises
    ------
    ConfigurationError
        There is no regular file at `path`.

    Notes
    -----
    Two files with the same content and the same `executable` are equal. The result of a memoized
    function is read from the store: do not write to its `path`, `restore` it instead.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "report.txt")
    ...     _ = path.write_text("0.25")
    ...     report = File(path)
    ...     report.name, report.read_bytes(), report.restore(path.with_name("copy.txt")).name
    ('report.txt', b'0.25', 'copy.txt')
    """

    __slots__ = ("_content", "executable", "name")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        real = Path(path).resolve()
        if not real.is_file():
            raise ConfigurationError(
                f"File({os.fspath(path)!r}): there is no regular file; write it first, or use "
                "Directory for a folder"
            )
        self._content: Content = _Outside(real)
        self.name = Path(path).name
        self.executable = bool(real.stat().st_mode & _EXECUTABLE)

    @classmethod
    def of(cls, content: Content, name: str, *, executable: bool = False) -> File:
        """Make a file of content that lies elsewhere, in a store for instance."""
        made = object.__new__(cls)
        made._content, made.name, made.executable = content, name, executable
        return made

    @property
    def digest(self) -> str:
        """xxh3_128 of the content, 32 hex characters."""
        return self._content.digest

    @property
    def path(self) -> Path:
        """Where the content can be read; not to be written to.

        Raises
        ------
        ValueLostError
            The content is gone or was changed.
        """
        return self._content.path()

    def open(self) -> IO[bytes]:
        """Open the content for reading bytes."""
        return self.path.open("rb")

    def read_bytes(self) -> bytes:
        """Read the whole content."""
        return self.path.read_bytes()

    def restore(self, to: str | os.PathLike[str]) -> Path:
        """Copy the content to a path, all of it or nothing.

        Parameters
        ----------
        to : str or os.PathLike
            A new path, or a folder that exists: then the file gets its name there.

        Raises
        ------
        ConfigurationError
            There is something at the path already.
        """
        target = Path(to)
        if target.is_dir():
            target = target / self.name
        if target.exists() or target.is_symlink():
            raise ConfigurationError(
                f"File.restore({os.fspath(to)!r}): {target} exists; give another path, or remove it"
            )
        draft = target.with_name(f".{uuid.uuid4().hex}")
        try:
            shutil.copyfile(self.path, draft)  # the kernel shares the blocks where it can
            if self.executable:
                mode = draft.stat().st_mode
                draft.chmod(mode | (mode & 0o444) >> 2)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        return target

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def __dumbo_token__(self) -> tuple[str, str, bool]:
        return ("file", self.digest, self.executable)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, File):
            return NotImplemented
        return self.__dumbo_token__() == other.__dumbo_token__()

    def __hash__(self) -> int:
        return hash(self.__dumbo_token__())

    def __copy__(self) -> File:
        return self  # cannot be changed

    def __deepcopy__(self, memo: dict[int, Any]) -> File:
        return self

    def __reduce__(self) -> Any:
        # Between processes, by path: the content is checked again there.
        return _file_at, (os.fspath(self.path), self.digest, self.name, self.executable)

    def __repr__(self) -> str:
        return f"File({self.name!r})"


@dataclass(frozen=True, slots=True)
class _At:
    """Bytes at a path of which the digest is known."""

    place: Path
    digest: str

    def path(self) -> Path:
        found = _Outside(self.place)
        if not self.place.is_file() or found.digest != self.digest:
            raise ValueLostError(
                f"the file {self.place} is gone or has other content than the result it was; "
                "make the call again"
            )
        return self.place


def _file_at(path: str, digest: str, name: str, executable: bool) -> File:
    return File.of(_At(Path(path), digest), name, executable=executable)
