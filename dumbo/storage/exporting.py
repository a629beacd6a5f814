"""Results into one file.

Law: a file appears whole or not at all, and never takes another's place. What cannot be read any
more goes without its value, and that is told.
"""

from __future__ import annotations

import json
import os
import secrets
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path

from dumbo.errors import ConfigurationError, NotCachedError, StoreError, StoreUnavailableError
from dumbo.identity.cid import CID
from dumbo.records import Edge, Record
from dumbo.storage.parcel import FORMAT, HEADER, LINES
from dumbo.storage.record_text import depset_text, record_text
from dumbo.storage.store import Store


class Scope(StrEnum):
    """Whose values go along; the records of all that a value was made from always do."""

    VALUES = "values"  # those that were named
    CONE = "cone"  # and those of everything they were made from


@dataclass(frozen=True, slots=True)
class Exported:
    """What went into the file.

    Attributes
    ----------
    path : Path
    records, values, nbytes : int
        Versions, those of them with a value, and bytes of the file.
    left_out : tuple of str
        Values that could not be read, and why.
    """

    path: Path
    records: int
    values: int
    nbytes: int
    left_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = (
            f"{self.records} records with {self.values} values ({self.nbytes} bytes): {self.path}"
        )
        return "\n".join([text, *(f"without its value: {left}" for left in self.left_out)])


def export(
    store: Store, cids: Iterable[CID], path: Path, *, scope: Scope = Scope.VALUES
) -> Exported:
    """Write results into one file, with the records of everything they were made from.

    Parameters
    ----------
    store : Store
    cids : iterable of CID
        Results; of an item, the whole it belongs to goes.
    path : Path
        A new file.
    scope : Scope
        Whose values go along.

    Raises
    ------
    NotCachedError
        The store has no record of a CID.
    ConfigurationError
        The file exists.
    StoreUnavailableError
        The file cannot be written; nothing is left behind.

    Examples
    --------
    >>> import tempfile
    >>> from dumbo.records import Record
    >>> with tempfile.TemporaryDirectory() as folder, Store(Path(folder, "store")) as store:
    ...     cid = CID.of("m:f", "0" * 32)
    ...     stored = store.values.store(1)
    ...     _ = store.catalog.add([Record(cid, -1, cid.function, "f()", "", stored=stored)])
    ...     export(store, [cid], Path(folder, "result.dumbo")).records
    1
    """
    path = Path(path)
    if path.exists():
        raise ConfigurationError(f"export to {path}: the file exists; choose another name")
    named = {cid.parent for cid in cids}
    records = list(_cone(store, named))
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        done = _write(store, draft, [_scoped(r, named, scope) for r in records], named)
        # A link, not a rename: a file that appeared meanwhile is not replaced.
        os.link(draft, path)
    except FileExistsError as error:
        raise ConfigurationError(
            f"export to {path}: the file exists; choose another name"
        ) from error
    except StoreError:
        raise
    except OSError as error:
        raise StoreUnavailableError(
            f"export to {path}: {error.strerror or error}; free space, correct the permissions, or "
            "choose another folder"
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return replace(done, path=path, nbytes=path.stat().st_size)


def _scoped(record: Record, named: set[CID], scope: Scope) -> Record:
    keeps = scope is Scope.CONE or record.cid in named
    return record if keeps else replace(record, stored=None)


def _cone(store: Store, named: Iterable[CID]) -> Iterator[Record]:
    """Records of the named CIDs and of all they were made from, sources first, each once."""
    seen: set[int] = set()
    stack: list[tuple[Record, bool]] = []
    for cid in sorted(named, reverse=True):
        record = store.catalog.record(cid)
        if record is None:
            raise NotCachedError(f"export: the store has no record of {cid}; compute it first")
        stack.append((record, False))
    while stack:
        record, done = stack.pop()
        if done:
            yield record
        elif record.version not in seen:
            seen.add(record.version)
            stack.append((record, True))
            sources = (_source(store, edge) for edge in record.edges)
            stack.extend((source, False) for source in sources if source is not None)


def _source(store: Store, edge: Edge) -> Record | None:
    if not edge.version:
        return None
    # An item has no record of its own: its whole stands for it.
    return store.catalog.record(edge.source, edge.version) or store.catalog.record(
        edge.source.parent, edge.version
    )


def _write(store: Store, draft: Path, records: list[Record], named: set[CID]) -> Exported:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with (
        os.fdopen(descriptor, "wb") as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive,
    ):
        left_out: list[str] = []
        written: set[str] = set()
        records = [_with_objects(store, record, archive, written, left_out) for record in records]
        state = blake2b(digest_size=20)
        with archive.open(LINES, "w", force_zip64=True) as lines:
            for text in _lines(store, records):
                line = text.encode() + b"\n"
                state.update(line)
                lines.write(line)
        tags = {name: cid for name, cid in store.catalog.tags().items() if cid.parent in named}
        header = {"format": FORMAT, "records": state.hexdigest(), "tags": tags}
        archive.writestr(HEADER, json.dumps(header))
    with draft.open("rb") as whole:
        os.fsync(whole.fileno())
    values = sum(record.stored is not None for record in records)
    return Exported(draft, len(records), values, 0, tuple(left_out))


def _lines(store: Store, records: Iterable[Record]) -> Iterator[str]:
    written = {""}
    for record in records:
        if record.depset not in written:
            written.add(record.depset)
            depset = store.catalog.depset(record.depset)
            if depset is not None:
                yield depset_text(depset)
        yield record_text(record)


def _with_objects(
    store: Store,
    record: Record,
    archive: zipfile.ZipFile,
    written: set[str],
    left_out: list[str],
) -> Record:
    """Write the objects of a record, verified; without its value where they are not sound."""
    if record.stored is None:
        return record
    try:
        names = [n for n in store.values.objects_of(record.stored) if n not in written]
        for name in names:
            store.objects.verify(name)
    except StoreError as error:
        left_out.append(f"{record.cid.short}: {error}")
        return replace(record, stored=None)
    for name in names:
        written.add(name)
        path = store.objects.folder / "objects" / name[:2] / name[2:]
        if path.is_dir():
            for part in sorted(path.iterdir()):
                archive.write(part, f"objects/{name}/{part.name}")
        else:
            archive.write(path, f"objects/{name}")
    return record
