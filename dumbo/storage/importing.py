"""Results out of a file that another store wrote.

Law: nothing is believed and nothing is overwritten. Objects are digested in a folder of their own
before they count; a result that is here already stays as it is; pickled values come along and are
refused when they are loaded, unless this user's key signed them.
"""

from __future__ import annotations

import os
import shutil
import uuid
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from dumbo.errors import CorruptStoreError, NameTakenError, StoreError, StoreUnavailableError
from dumbo.identity.cid import CID
from dumbo.records import Depset, Record
from dumbo.storage.base import BLOCK_BYTES, INLINE_BYTES
from dumbo.storage.files import discard, remove, rename, sync_folder
from dumbo.storage.objects import Objects, Sync
from dumbo.storage.parcel import Parcel
from dumbo.storage.record_text import depset_from_text, record_from_text
from dumbo.storage.renumbering import Renumbering
from dumbo.storage.store import Store
from dumbo.storage.unreadable import UnreadableError


@dataclass(frozen=True, slots=True)
class Imported:
    """What came out of the file.

    Attributes
    ----------
    records, values : int
        Versions that are new here, and those of them with a value.
    present : int
        Versions that were here already, and stayed as they were.
    notes : tuple of str
        What did not come along, and why.
    """

    records: int
    values: int
    present: int
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = f"{self.records} records with {self.values} values; {self.present} were here already"
        return "\n".join([text, *self.notes])


def import_file(store: Store, path: Path) -> Imported:
    """Take results over from a file written by `dumbo.storage.exporting.export`.

    Parameters
    ----------
    store : Store
    path : Path

    Raises
    ------
    CorruptStoreError
        The file is not such a file, or was altered; nothing was imported.
    StoreFormatError
        A newer dumbo wrote it.
    StoreUnavailableError
        The file cannot be read, or the store cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from dumbo.storage.exporting import export
    >>> with tempfile.TemporaryDirectory() as folder, Store(Path(folder, "one")) as one:
    ...     cid = CID.of("m:f", "0" * 32)
    ...     stored = one.values.store(7)
    ...     _ = one.catalog.add([Record(cid, -1, cid.function, "f()", "", stored=stored)])
    ...     _ = export(one, [cid], Path(folder, "result.dumbo"))
    ...     with Store(Path(folder, "two")) as two:
    ...         print(import_file(two, Path(folder, "result.dumbo")))
    1 records with 1 values; 0 were here already
    """
    path = Path(path)
    staging = store.objects.folder / "tmp" / uuid.uuid4().hex
    try:
        with zipfile.ZipFile(path) as archive:
            parcel = Parcel(archive, path)
            depsets, records = _read(parcel)
            _stage(parcel, staging, store)
            return _publish(parcel, staging, store, depsets, records)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise CorruptStoreError(
            f"import of {path}: it is no export, or was damaged ({error}); nothing was imported. "
            "Export it again"
        ) from error
    except StoreError:
        raise
    except OSError as error:
        raise StoreUnavailableError(
            f"import of {path} into {store.folder}: {error.strerror or error}; check the path, "
            "free space, or correct the permissions"
        ) from error
    finally:
        discard(staging)


def _read(parcel: Parcel) -> tuple[dict[str, Depset], list[Record]]:
    """Read all lines; a record comes after its sources and its depset."""
    depsets: dict[str, Depset] = {}
    records: list[Record] = []
    seen: set[int] = set()
    for line in parcel.lines():
        try:
            if line.startswith(b'{"depset"'):
                depset = depset_from_text(line)
                depsets[depset.key] = depset
                continue
            record = record_from_text(line)
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
            parcel.refuse(f"a record cannot be read ({error})")
        if record.version <= 0 or record.version in seen:
            parcel.refuse(f"two records have the version {record.version}")
        if record.depset and record.depset not in depsets:
            parcel.refuse(f"the dependencies of {record.cid.short} are missing")
        if record.stored is not None and len(record.stored.inline or b"") > INLINE_BYTES:
            parcel.refuse(f"the value of {record.cid.short} is too large for a row")
        seen.add(record.version)
        records.append(record)
    return depsets, records


def _stage(parcel: Parcel, staging: Path, store: Store) -> None:
    """Write the objects into a folder of their own and digest them there."""
    free = shutil.disk_usage(store.objects.folder).free
    if parcel.nbytes > free:
        raise StoreUnavailableError(
            f"import into {store.folder}: {parcel.nbytes} bytes are needed and {free} are free; "
            "free space first"
        )
    objects = Objects(staging)
    for name, files in parcel.objects.items():
        path = staging / "objects" / name[:2] / name[2:]
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if files[0][0]:
            path.mkdir(mode=0o700)
        for part, info in files:
            with parcel.open(info) as source:
                _copy(source, path / part if part else path, store.objects.sync)
        try:
            objects.verify(name)
        except UnreadableError:
            raise
        except StoreError as error:
            parcel.refuse(f"object {name} is not what it was ({error})")


def _copy(source: IO[bytes], target: Path, sync: Sync) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(source, file, BLOCK_BYTES)
        if sync is Sync.STRICT:
            file.flush()
            os.fsync(file.fileno())


def _publish(
    parcel: Parcel,
    staging: Path,
    store: Store,
    depsets: dict[str, Depset],
    records: list[Record],
) -> Imported:
    """Move the objects to their place, then write the records in one transaction."""
    for name in parcel.objects:
        _place(store, staging / "objects" / name[:2] / name[2:], name)
    notes: list[str] = []
    renumbering = Renumbering()
    new: list[Record] = []
    present = 0
    for record in records:
        here = _here(store, record)
        if here is not None:
            renumbering.note(record.version, here.version)
            present += 1
            continue
        made = _with_value(store, renumbering.renumbered(record), notes)
        renumbering.note(record.version, made.version)
        new.append(made)
    store.catalog.add(new, depsets.values())
    notes += _tag(store, parcel.tags)
    values = sum(record.stored is not None for record in new)
    return Imported(len(new), values, present, tuple(notes))


def _place(store: Store, draft: Path, name: str) -> None:
    target = store.objects.folder / "objects" / name[:2] / name[2:]
    target.parent.mkdir(mode=0o700, exist_ok=True)
    if target.exists():
        try:
            store.objects.verify(name)
        except UnreadableError:
            raise  # what may be whole is not replaced
        except StoreError:
            remove(target)
        else:
            return
    rename(draft, target)
    if store.objects.sync is Sync.STRICT:
        sync_folder(target.parent)


def _here(store: Store, record: Record) -> Record | None:
    """A version that is here already, computed under the same dependencies."""
    for known in store.catalog.versions(record.cid):
        fills_in = known.stored is None and record.stored is not None
        if known.depset == record.depset and not (fills_in and known.digest == record.digest):
            return known
    return None


def _with_value(store: Store, record: Record, notes: list[str]) -> Record:
    if record.stored is None:
        return record
    try:
        store.values.check(record.stored)
    except StoreError as error:
        notes.append(f"{record.cid.short} came without its value: {error}")
        return replace(record, stored=None)
    return record


def _tag(store: Store, tags: dict[str, str]) -> list[str]:
    notes = []
    for name, text in tags.items():
        cid = CID(text)
        if store.catalog.record(cid.parent) is None or store.catalog.tag_of(cid) is not None:
            continue
        try:
            store.catalog.set_tag(name, cid)
        except NameTakenError:
            notes.append(f"the tag {name!r} of {cid.short} names something else here")
    return notes
