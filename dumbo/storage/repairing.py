"""Making a damaged store sound again: what is broken goes, everything else stays.

Law: a record outlives its value, a tag is never taken away, nothing that could still be read is
thrown away before it was looked at twice, and what could not be read this time stays as it is. A
catalog that cannot be read is moved aside, never deleted, and its objects are kept.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from dumbo.errors import CorruptStoreError, StoreError, StoreUnavailableError
from dumbo.records import Depset, Record
from dumbo.storage.base import Catalog, Problem
from dumbo.storage.catalog import SqliteCatalog
from dumbo.storage.renumbering import Renumbering
from dumbo.storage.store import CATALOG, Store, StoreOptions
from dumbo.storage.unreadable import UnreadableError
from dumbo.storage.verifying import Check, Report

_HOUR = 3600.0
_WITH_IT = ("", "-wal", "-shm")


def repair(store: Store, *, older_than: float = _HOUR) -> Report:
    """Drop values that are broken, and remove what no record names.

    A value whose bytes are gone or altered is dropped; its record stays, with the tag it may have,
    and the call runs again when its result is wanted. Others may use the store meanwhile.

    Parameters
    ----------
    store : Store
    older_than : float
        Seconds; younger objects and drafts may belong to a call that is about to write its row.

    Returns
    -------
    Report
        What was found, and under ``actions`` what was done.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as parent, Store(Path(parent, "store")) as store:
    ...     repair(store).is_sound
    True
    """
    check = Check(store)
    report = check.run()
    actions = [_drop(store, problem) for problem in report.problems]
    for name in check.broken:
        actions += _remove_broken(store, name)
    if report.faults:
        actions.append(_mend(store.catalog, report.faults))
    actions += _sweep(store, check, older_than)
    return replace(report, actions=tuple(actions))


def repair_folder(
    folder: Path, options: StoreOptions | None = None, *, older_than: float = _HOUR
) -> Report:
    """Repair a store that may not even open.

    A catalog that cannot be read is moved aside as ``catalog.sqlite.broken-<n>``; what can still
    be read of it goes into a new one, and all objects are kept. Close other programs that use the
    store first: they go on with the old catalog until they write, and are told then.

    Parameters
    ----------
    folder : Path
    options : StoreOptions, optional
    older_than : float
        As for `repair`.

    Raises
    ------
    StoreUnavailableError, StoreFormatError
        The folder is no store, cannot be written, or is of a newer dumbo: nothing to repair.
    """
    cause = ""
    try:
        with Store(folder, options) as store:
            report = repair(store, older_than=older_than)
            faults = store.catalog.faults()
            if not faults:
                return report
            cause = faults[0]
    except CorruptStoreError as error:
        cause = str(error)
    aside = _move_aside(Path(folder))
    SqliteCatalog(Path(folder) / CATALOG).close()
    with Store(folder, options) as store:
        saved = _salvage(aside, store)
        check = Check(store)
        report = check.run()
        actions = [_drop(store, problem) for problem in report.problems]
    told = (
        f"the catalog could not be read ({cause}); it was moved aside as {aside.name}. {saved} "
        f"records could be saved from it; other records, and with them tags and provenance, are "
        f"lost and their calls run again. All {report.objects + report.orphans} objects were kept."
    )
    return replace(report, actions=(told, *actions))


def _drop(store: Store, problem: Problem) -> str:
    """Drop the value of a version; the version too where it cannot be read without one."""
    catalog = store.catalog
    named = problem.cid.short or "a record"
    who = f"{named} (version {problem.version})"
    try:
        if problem.cid and catalog.evict(problem.cid, problem.version):
            with suppress(CorruptStoreError):
                catalog.record(problem.cid, problem.version)
                return f"{who}: the value was dropped; the call runs again when it is wanted"
        if catalog.discard(problem.version):
            return f"{who}: the record was unreadable and was deleted"
        return f"{who}: was left as it is, because it is tagged or gone"
    except StoreError as error:
        return f"{who}: could not be dropped: {error}"


def _remove_broken(store: Store, name: str) -> list[str]:
    """Remove an object that is not what its name says, unless somebody wrote it anew."""
    try:
        store.objects.verify(name)
    except UnreadableError as error:
        return [f"object {name} was left as it is: {error}"]
    except StoreError:
        with suppress(StoreError):
            nbytes = store.objects.delete(name)
            return [f"object {name}: {nbytes} broken bytes were removed"] if nbytes else []
    return []


def _mend(catalog: Catalog, faults: tuple[str, ...]) -> str:
    """Build the indices of a database anew, which is all that can be done while it is open."""
    if isinstance(catalog, SqliteCatalog):
        with suppress(StoreError, sqlite3.Error):
            catalog.reindex()
        if not catalog.faults():
            return "the catalog's indices were built anew; its rows were sound"
    return (
        f"the catalog itself is damaged ({faults[0]}) and cannot be mended while it is open; close "
        "all programs that use the store, then repair it by its folder"
    )


def _sweep(store: Store, check: Check, older_than: float) -> list[str]:
    if not check.is_complete:
        return ["no orphans were removed: some records could not say which objects they need"]
    if (other := store.shares_objects_with()) is not None:
        return [f"no orphans were removed: the store {other} uses the same objects"]
    try:
        swept = store.objects.sweep(check.named, older_than)
    except OSError as error:
        return [f"orphans were not all removed: {error}"]
    if not swept.entries:
        return []
    return [f"{swept.entries} orphans and drafts ({swept.nbytes} bytes) were removed"]


def _move_aside(folder: Path) -> Path:
    """Rename the catalog and what belongs to it; returns its new path."""
    path = folder / CATALOG
    number = 1
    while (aside := path.with_name(f"{CATALOG}.broken-{number}")).exists():
        number += 1
    try:
        for suffix in _WITH_IT:
            with suppress(FileNotFoundError):
                Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
    except OSError as error:
        raise StoreUnavailableError(
            f"the store {folder} cannot be repaired: {error}; correct the permissions, or begin a "
            "new store with DUMBO_DIR"
        ) from error
    return aside


def _salvage(aside: Path, store: Store) -> int:
    """Copy what can be read of a broken catalog into a new one; returns how many records."""
    try:
        old = SqliteCatalog(aside)
    except StoreError:
        return 0
    saved = 0
    with closing(old):
        renumbering = Renumbering()
        for record in _readable(old):
            try:
                depset = old.depset(record.depset) if record.depset else None
                saved += _copy(record, depset, renumbering, store.catalog)
                _copy_judgements(record, old, store.catalog)
            except StoreError:
                continue
        with suppress(StoreError):
            store.catalog.note_moves(old.moves())
        with suppress(StoreError):
            for name, cid in old.tags().items():
                store.catalog.set_tag(name, cid)
    return saved


def _copy_judgements(record: Record, old: Catalog, new: Catalog) -> None:
    """Copy what its record is judged by besides: accepted edits, and values from outside."""
    for key in old.accepted(record.depset):
        if (depset := old.depset(key)) is not None:
            new.accept(record.depset, depset)
    for edge in record.edges:
        name = edge.source.parent.removeprefix("external:")
        if edge.source.is_external and new.external(name) is None:
            known = old.external(name)
            if known is not None:
                new.set_external(name, *known)


def _readable(catalog: Catalog) -> Iterator[Record]:
    with suppress(StoreError):
        for found in catalog.every_version():
            if isinstance(found, Record):
                yield found


def _copy(record: Record, depset: Depset | None, renumbering: Renumbering, catalog: Catalog) -> int:
    if record.depset and depset is None:
        return 0
    new = renumbering.renumbered(record)
    made = catalog.add([new], () if depset is None else (depset,))
    renumbering.note(record.version, made[new.version])
    return 1
