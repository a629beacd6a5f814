"""The catalog on SQLite: records, edges and depsets, written in one transaction.

Law: a record is written after its objects are published and together with its edges and depset,
so a reader sees all of it or nothing; a hit reads and never writes.

WAL with ``synchronous = NORMAL``: a killed process loses nothing that was acknowledged; a power
cut can lose the last commits, which a cache computes again (``durable=True`` waits for the disk:
about 4 ms a commit instead of 0.1). WAL needs memory shared on one host: keep the store off
network file systems.

The faces of the catalog lie in their own files: `dumbo.storage.walks` (edges, cones, iteration),
`dumbo.storage.names` (tags, externals, sources, stamps), `dumbo.storage.claiming` (who computes
what), `dumbo.storage.soundness` (damage), `dumbo.storage.tallies` (counters).
"""

from __future__ import annotations

import contextlib
import json
import operator
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from dumbo.errors import CorruptStoreError
from dumbo.identity.cid import CID
from dumbo.records import Depset, Edge, Record
from dumbo.storage.additions import Addition
from dumbo.storage.base import Claim
from dumbo.storage.claiming import Claiming, spend
from dumbo.storage.database import Database
from dumbo.storage.names import Names
from dumbo.storage.rows import (
    EDGE_SELECT,
    RECORD_COLUMNS,
    cid_key,
    edge_from,
    record_from,
    row_cid,
)
from dumbo.storage.soundness import Soundness, delete, drop_bare
from dumbo.storage.tallies import Tallies
from dumbo.storage.walks import Walks
from dumbo.storage.words import Interner, Words, depset_from, storable

# Most records have no edges: the last column saves them the second statement.
_COLUMNS = f"{RECORD_COLUMNS}, EXISTS (SELECT 1 FROM edge WHERE target = r.version)"  # noqa: S608 - constants
_OF_CID = "WHERE n.digest = ? AND n.fn = ? AND n.path = ?"
_VERSIONS = f"SELECT {_COLUMNS} FROM node n JOIN record r ON r.node = n.id {_OF_CID}"  # noqa: S608 - constants
_NUMBERS = f"""
    SELECT r.version FROM node n JOIN record r ON r.node = n.id {_OF_CID} ORDER BY r.version DESC
"""  # noqa: S608 - constants
_VERSION = operator.itemgetter(3)
_RECORD = f"""
    SELECT {_COLUMNS} FROM node n
    JOIN record r ON r.version = coalesce(nullif(?, 0), n.newest) AND r.node = n.id {_OF_CID}
"""  # noqa: S608 - constants
_EDGES = f"{EDGE_SELECT} WHERE e.target = ? ORDER BY e.pos"
_EDGES_OF_MANY = f"""
    {EDGE_SELECT} WHERE e.target IN (SELECT value FROM json_each(?)) ORDER BY e.target, e.pos
"""  # noqa: S608 - constants


class SqliteCatalog(Walks, Names, Claiming, Soundness, Tallies):
    """Records, edges and names in one SQLite file.

    Parameters
    ----------
    path : Path
        Made if it is absent; its folder must exist.
    durable : bool
        Wait for the disk at each commit.

    Raises
    ------
    StoreUnavailableError, StoreFormatError, CorruptStoreError
        It cannot be opened; it was written by a newer dumbo; it is no catalog.
    """

    def __init__(self, path: Path, durable: bool = False) -> None:
        self._database = Database(Path(path), durable)
        self._words = Words(self._database)
        self._depsets: dict[str, Depset] = {}
        self._begin_tallies()

    @property
    def path(self) -> Path:
        """The catalog's file."""
        return self._database.path

    def versions(self, cid: CID) -> tuple[Record, ...]:
        """Return every version of a CID, newest first; empty if it is unknown.

        Raises
        ------
        CorruptStoreError
            There are versions, and none of them can be read.
        """
        digest, function, path = cid_key(cid)
        number = self._words.id_of(function)
        if number is None:
            return ()
        try:
            rows = self._database.read(_VERSIONS, (digest, number, path))
            if len(rows) == 1:
                return (self._found(rows[0], cid),)
            return tuple(
                [self._found(row, cid) for row in sorted(rows, key=_VERSION, reverse=True)]
            )
        except CorruptStoreError as error:
            return self._readable(cid, (digest, number, path), error)

    def record(self, cid: CID, version: int = 0) -> Record | None:
        """Return one version of a CID, the newest for 0; None if there is none."""
        digest, function, path = cid_key(cid)
        number = self._words.id_of(function)
        rows = self._database.read(_RECORD, (version, digest, number, path)) if number else []
        return self._found(rows[0], cid) if rows else None

    def _readable(
        self, cid: CID, key: tuple[bytes, int, str], damage: CorruptStoreError
    ) -> tuple[Record, ...]:
        """Records of the rows that can be read: one that is damaged hides no other."""
        found: list[Record] = []
        for (version,) in self._database.read(_NUMBERS, key):
            with contextlib.suppress(CorruptStoreError):
                record = self.record(cid, version)
                found += () if record is None else (record,)
        if not found:
            raise damage
        return tuple(found)

    def _found(self, row: tuple[Any, ...], cid: CID) -> Record:
        """Read a row of a known CID, whose last column says whether there are edges."""
        edges: tuple[Edge, ...] = ()
        if row[-1]:
            words = self._words
            rows = self._database.read(_EDGES, (row[3],))
            edges = tuple([edge_from(edge, cid, words) for edge in rows])
        return record_from(row, edges, self._words, cid)

    def _records(self, rows: Sequence[tuple[Any, ...]]) -> tuple[Record, ...]:
        words = self._words
        targets = {row[3]: row_cid(row, words) for row in rows}
        edges: dict[int, list[Edge]] = {}
        for edge in self._database.read(_EDGES_OF_MANY, (json.dumps([*targets]),)) if rows else ():
            edges.setdefault(edge[0], []).append(edge_from(edge, targets[edge[0]], words))
        return tuple(
            [record_from(row, tuple(edges.get(row[3], ())), words, targets[row[3]]) for row in rows]
        )

    @contextlib.contextmanager
    def _change(self) -> Iterator[tuple[sqlite3.Connection, Interner]]:
        """Hold one transaction; what it made is known to others once it is committed."""
        try:
            with self._database.write() as connection:
                interner = Interner(connection, self._words)
                yield connection, interner
        except BaseException:
            # Ids that were undone can come back with another meaning.
            self._words.forget()
            raise
        interner.commit()

    def depset(self, key: str) -> Depset | None:
        """Return an interned set of dependencies, from memory after the first time."""
        if key not in self._depsets:
            rows = self._database.read("SELECT members FROM depset WHERE key = ?", (key,))
            if not rows:
                return None
            members = rows[0][0]
            parts = self._database.read(
                "SELECT id, kind, module, name, fingerprint, text, file, used_by FROM dependency"
                " WHERE id IN (SELECT value FROM json_each(?))",
                (members,),
            )
            self._depsets[key] = depset_from(key, members, parts)
        return self._depsets[key]

    def add(
        self,
        records: Sequence[Record],
        depsets: Iterable[Depset] = (),
        claim: Claim | None = None,
    ) -> dict[int, int]:
        """Write records, with their edges and depsets, in one transaction.

        Parameters
        ----------
        records : sequence of Record
            A negative version stands for a record that was only in memory; records may refer to
            each other by those. Sources come before the records that used them.
        depsets : iterable of Depset
            Those that the records name and that may not have been written yet.
        claim : Claim, optional
            The claim under which the records were computed; it is released with them.

        Returns
        -------
        dict
            From each given version to the real one. Where the newest version has the same depset,
            digest and edges, that is the one, brought up to date in value and timings.

        Raises
        ------
        ConfigurationError
            A record names a depset that is not known, or an edge a version that is not given.
        ClaimLostError
            Somebody else took the claim over meanwhile; nothing is written.
        """
        with self._change() as (connection, interner):
            if claim is not None:
                spend(connection, claim)
            for depset in depsets:
                interner.add_depset(depset)
            made = Addition(connection, interner, self._words, self.record)
            for record in records:
                made.add(record)
            made.finish()
            self._buffers.write(connection)
        made.commit()
        return made.versions

    def forget(self, cid: CID) -> int:
        """Delete every version of a CID, its tag too; returns how many there were."""
        with self._change() as (connection, interner):
            node, _ = interner.find_node(cid)
            versions = connection.execute("SELECT version FROM record WHERE node = ?", (node,))
            numbers = [row[0] for row in versions.fetchall()]
            for number in numbers:
                delete(connection, node, number)
            connection.execute("DELETE FROM tag WHERE node = ?", (node,))
            drop_bare(connection, node)
        return len(numbers)

    def forget_version(self, cid: CID, version: int) -> bool:
        """Delete one version of a CID; False if there was none such."""
        with self._change() as (connection, interner):
            node, _ = interner.find_node(cid)
            found = delete(connection, node, version)
            drop_bare(connection, node)
        return found

    def evict(self, cid: CID, version: int) -> bool:
        """Drop the bytes of a version; its record, digest and facts stay."""
        with self._change() as (connection, interner):
            done = connection.execute(
                "UPDATE record SET codec = NULL, object = NULL, inline = NULL, checksum = NULL"
                " WHERE version = ? AND codec IS NOT NULL AND node = ?",
                (version, interner.find_node(cid)[0]),
            )
            return done.rowcount > 0

    def update_text(self, cid: CID, text: str) -> None:
        """Set the user's description of the newest version."""
        with self._change() as (connection, interner):
            connection.execute(
                "UPDATE record SET text = ? WHERE version = ?",
                (storable(text), interner.find_node(cid)[1]),
            )

    def close(self) -> None:
        """Write what is buffered and close; twice is once."""
        if not self._database.is_closed:
            self.flush()
            self._database.close()
