"""Verbs for a store as a whole: look whether it is sound, mend it, take results out and in.

Law: no logic lives here, as in `dumbo.api`. Libraries and modules these need are imported when they
are asked for.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dumbo import session as sessions
from dumbo.config import choice, load_config

if TYPE_CHECKING:
    from dumbo.storage.exporting import Exported
    from dumbo.storage.importing import Imported
    from dumbo.storage.verifying import Report

PathLike = str | os.PathLike[str]
_HOUR = 3600.0


def verify_store() -> Report:
    """Digest every value of the store and compare it with what its record says.

    Returns
    -------
    Report
        ``is_sound``, and what is wrong where it is not; nothing is changed.

    Examples
    --------
    >>> import tempfile, dumbo
    >>> with tempfile.TemporaryDirectory() as folder, dumbo.open(folder) as session:
    ...     with dumbo.using(session):
    ...         dumbo.verify_store().is_sound
    True
    """
    from dumbo.storage.verifying import verify_store as verify

    return verify(sessions.current().store)


def repair(path: PathLike | None = None, *, older_than: float = _HOUR) -> Report:
    """Drop values that are broken, and remove what no record names.

    A record whose value is dropped stays, and its call runs again when it is made. A catalog that
    cannot be read at all is moved aside, and what can be read of it goes into a new one.

    Parameters
    ----------
    path : path, optional
        A store's folder; by default that of the session in force.
    older_than : float
        Seconds; younger files that no record names may belong to a call that is still running.

    Returns
    -------
    Report
        What was wrong, and in ``actions`` what was done.

    Raises
    ------
    StoreUnavailableError
        The folder cannot be used, or is no store.
    """
    from dumbo.storage.repairing import repair as mend
    from dumbo.storage.repairing import repair_folder

    folder = None if path is None else Path(path).expanduser().absolute()
    session = sessions.in_force()
    if folder is None and session is None:
        folder = load_config().folder
    if folder is None:
        folder = sessions.folder_meant()
    if session is None or not _is_same(folder, session.store.folder):
        config = load_config(folder)
        return repair_folder(folder, sessions.options_of(config), older_than=older_than)
    report = mend(session.store, older_than=older_than)
    session.forget_memory()
    return report


def _is_same(one: Path, other: Path) -> bool:
    return one == other or (one.exists() and other.exists() and one.samefile(other))


def export(x: object, path: PathLike, *, scope: str = "values") -> Exported:
    """Write results into one file, with the records of everything they were made from.

    Parameters
    ----------
    x : carrier, CID, tag, or several in a list or tuple
        Of an item, the whole that it is in goes.
    path : path
        A new file.
    scope : {"values", "cone"}
        Whether only the values of `x` go along, or those of all they were made from too.

    Raises
    ------
    NotCachedError
        Something is no result of this store, or has no value in it.
    ConfigurationError
        The file is there already.
    StoreUnavailableError
        It cannot be written.
    """
    from dumbo.storage.exporting import Scope
    from dumbo.storage.exporting import export as write

    session = sessions.current()
    which = choice(Scope, scope, "dumbo.export(): scope")
    several: Iterable[object] = x if type(x) in {list, tuple} else (x,)  # type: ignore[assignment]  # just asked
    cids = [session.inspect.kept(each).cid.parent for each in several]
    return write(session.store, cids, Path(path).expanduser(), scope=which)


def import_(path: PathLike) -> Imported:
    """Take the results of a file that ``dumbo.export`` wrote into the store.

    Every value is digested, nothing that is there is replaced, and no code is run: what only pickle
    could read stays unread unless it was signed with this user's key.

    Raises
    ------
    StoreFormatError, CorruptStoreError
        It is no such file, of a newer dumbo, or damaged.
    """
    from dumbo.storage.importing import import_file

    session = sessions.current()
    imported = import_file(session.store, Path(path).expanduser())
    session.forget_memory()
    return imported


def open_array(path: PathLike, key: str | None = None) -> Any:
    """Open an array in a file of your own: HDF5, zarr or npy; lazily, and as a value with a CID.

    It can be sliced and passed to memoized functions. Its identity is its place; what was made
    from it is stale when the content of the file changes, which is looked at when its stamp moves.

    Parameters
    ----------
    path : path
        The file, or the folder of a zarr array.
    key : str, optional
        Which array, where a file has several: ``"group/data"``.

    Raises
    ------
    ConfigurationError
        There is no such file or array; the message lists what there is.
    MissingLibraryError
        It needs a library that is absent.
    """
    return sessions.current().inspect.open_array(path, key)


__all__ = ["export", "import_", "open_array", "repair", "verify_store"]
