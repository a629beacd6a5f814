"""The catalog on SQLite: records, edges and depsets, written in one transaction.

Law: a record is written after its objects are published and together with its edges and depset,
so a reader sees all of it or nothing; a hit reads and never writes.

WAL with ``synchronous = NORMAL``: a killed process loses nothing that was acknowledged; a power
cut can lose the last commits, which a cache computes again (``durable=True`` waits for the disk:
about 4 ms a commit instead of 0.1). WAL needs memory shared on one host: keep the store off
network file systems.

The faces of the catalog lie in their own files: `dumbo.storage.walks` (edges, cones, iteration),
`dumbo.storage.names` (tags, externals, sources, stamps), `dumbo.storage.tallies` (counters).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from dumbo.identity.cid import CID
from dumbo.records import Depset, Edge, Record
from dumbo.storage.additions import Addition
from dumbo.storage.database import Database
from dumbo.storage.names import Names
from dumbo.storage.rows import (
    EDGE_SELECT,
    RECORD_COLUMNS,
    RECORD_JOINS,
    cid_key,
    edge_from,
    record_from,
    row_cid,
)
from dumbo.storage.tallies import Tallies
from dumbo.storage.walks import Walks
from dumbo.storage.words import Interner, Words, depset_from, storable

_BY_CID = """
    FROM word w JOIN node n ON n.digest = ? AND n.fn = w.id AND n.path = ?
    JOIN record r ON r.node = n.id
"""
# Most records have no edges: the last column saves them the second statement.
_COLUMNS = f"{RECORD_COLUMNS}, EXISTS (SELECT 1 FROM edge WHERE target = r.version)"  # noqa: S608 - constants
_VERSIONS = f"SELECT {_COLUMNS} {_BY_CID} {RECORD_JOINS} WHERE w.text = ?"
_RECORD = f"""
    SELECT {_COLUMNS} FROM word w JOIN node n ON n.digest = ? AND n.fn = w.id AND n.path = ?
    JOIN record r ON r.version = coalesce(nullif(?, 0), n.newest) AND r.node = n.id
    {RECORD_JOINS} WHERE w.text = ?
"""  # noqa: S608 - constants
_KEEP_EDGE_DIGESTS = """
    UPDATE edge SET digest = (SELECT digest FROM record WHERE version = ?2)
    WHERE source = ?1 AND version = ?2 AND digest IS NULL
"""


class SqliteCatalog(Walks, Names, Tallies):
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
        self._words = Words()
        self._depsets: dict[str, Depset] = {}
        self._begin_tallies()

    @property
    def path(self) -> Path:
        """The catalog's file."""
        return self._database.path

    def versions(self, cid: CID) -> tuple[Record, ...]:
        """Return every version of a CID, newest first; empty if it is unknown."""
        digest, function, path = cid_key(cid)
        rows = self._database.read(_VERSIONS, (digest, path, function))
        if len(rows) > 1:
            rows.sort(key=lambda row: -row[3])
        return self._found(rows)

    def record(self, cid: CID, version: int = 0) -> Record | None:
        """Return one version of a CID, the newest for 0; None if there is none."""
        digest, function, path = cid_key(cid)
        rows = self._database.read(_RECORD, (digest, path, version, function))
        return self._found(rows)[0] if rows else None

    def _records(self, rows: Sequence[tuple[Any, ...]]) -> tuple[Record, ...]:
        edges = self._edges_into({row[3]: row_cid(row) for row in rows}) if rows else {}
        return tuple(record_from(row, edges.get(row[3], ())) for row in rows)

    def _found(self, rows: Sequence[tuple[Any, ...]]) -> tuple[Record, ...]:
        """Read rows whose last column says whether there are edges."""
        if any(row[-1] for row in rows):
            return self._records([row[:-1] for row in rows])
        return tuple([record_from(row[:-1], ()) for row in rows])

    def _edges_into(self, targets: dict[int, CID]) -> dict[int, tuple[Edge, ...]]:
        if len(targets) == 1:
            condition, wanted = "= ?", str(*targets)
        else:
            condition, wanted = "IN (SELECT value FROM json_each(?))", json.dumps(list(targets))
        found: dict[int, list[Edge]] = {}
        sql = f"{EDGE_SELECT} WHERE e.target {condition} ORDER BY e.target, e.pos"
        for row in self._database.read(sql, (wanted,)):
            found.setdefault(row[0], []).append(edge_from(row, targets[row[0]]))
        return {version: tuple(edges) for version, edges in found.items()}

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

    def add(self, records: Sequence[Record], depsets: Iterable[Depset] = ()) -> dict[int, int]:
        """Write records, with edges and depsets, in one transaction.

        Parameters
        ----------
        records : sequence of Record
            Inputs before their users. Those that were only in memory have negative versions, by
            which edges of later ones refer to them. Objects they name must be published.
        depsets : iterable of Depset
            Those the records name that may be new here.

        Returns
        -------
        dict
            From each given version to the real one. Where the newest version has the same depset,
            digest and edges, that is the one, brought up to date in value and timings.

        Raises
        ------
        ConfigurationError
            A record names a depset that is not known, or an edge a version that is not given.
        """
        with self._database.write() as connection:
            interner = Interner(connection, self._words)
            for depset in depsets:
                interner.add_depset(depset)
            made = Addition(connection, interner, self.record)
            for record in records:
                made.add(record)
            made.finish()
            self._buffers.write(connection)
        interner.commit()
        return made.versions

    def forget(self, cid: CID) -> int:
        """Delete every version of a CID, its tag too; returns how many there were."""
        with self._database.write() as connection:
            node = Interner(connection, self._words).node(cid)[0]
            versions = connection.execute("SELECT version FROM record WHERE node = ?", (node,))
            numbers = [row[0] for row in versions.fetchall()]
            for number in numbers:
                _delete(connection, node, number)
            connection.execute("DELETE FROM tag WHERE node = ?", (node,))
            _drop_bare(connection, node)
        return len(numbers)

    def forget_version(self, cid: CID, version: int) -> bool:
        """Delete one version of a CID; False if there was none such."""
        with self._database.write() as connection:
            node = Interner(connection, self._words).node(cid)[0]
            found = _delete(connection, node, version)
            _drop_bare(connection, node)
        return found

    def evict(self, cid: CID, version: int) -> bool:
        """Drop the bytes of a version; its record, digest and facts stay."""
        digest, function, path = cid_key(cid)
        with self._database.write() as connection:
            done = connection.execute(
                "UPDATE record SET codec = NULL, object = NULL, inline = NULL"
                " WHERE version = ? AND codec IS NOT NULL AND node = (SELECT n.id FROM node n"
                " JOIN word w ON w.id = n.fn WHERE n.digest = ? AND n.path = ? AND w.text = ?)",
                (version, digest, path, function),
            )
            return done.rowcount > 0

    def update_text(self, cid: CID, text: str) -> None:
        """Set the user's description of the newest version."""
        with self._database.write() as connection:
            _, newest = Interner(connection, self._words).node(cid)
            connection.execute(
                "UPDATE record SET text = ? WHERE version = ?", (storable(text), newest)
            )

    def close(self) -> None:
        """Write what is buffered and close; twice is once."""
        if not self._database.is_closed:
            self.flush()
            self._database.close()


def _delete(connection: sqlite3.Connection, node: int, version: int) -> bool:
    """Delete one version; keep ``newest``, the count and the edges that refer to it right."""
    connection.execute(_KEEP_EDGE_DIGESTS, (node, version))
    done = connection.execute(
        "DELETE FROM record WHERE node = ? AND version = ?", (node, version)
    ).rowcount
    if not done:
        return False
    connection.execute("DELETE FROM edge WHERE target = ?", (version,))
    (newest,) = connection.execute(
        "SELECT coalesce(max(version), 0) FROM record WHERE node = ?", (node,)
    ).fetchone()
    connection.execute("UPDATE node SET newest = ? WHERE id = ?", (newest, node))
    if not newest:
        connection.execute("UPDATE head SET nodes = nodes - 1")
    return True


def _drop_bare(connection: sqlite3.Connection, node: int) -> None:
    """Delete the name of a CID that nothing refers to."""
    connection.execute(
        "DELETE FROM node WHERE id = ?1 AND newest = 0"
        " AND NOT EXISTS (SELECT 1 FROM edge WHERE source = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM tag WHERE node = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM moved WHERE node = ?1 OR now = ?1)",
        (node,),
    )
