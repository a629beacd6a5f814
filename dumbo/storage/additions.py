"""Records into the catalog: real versions, edges to them, and no twin beside its like.

Law: all of it happens inside one transaction that somebody else opened; a record that says the
same as the newest version of its CID brings that one up to date.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from dumbo.errors import ConfigurationError
from dumbo.identity.cid import CID
from dumbo.records import Edge, Record
from dumbo.storage.rows import EDGE_KINDS, packed, split_facts
from dumbo.storage.words import Interner, storable

FindRecord: TypeAlias = Callable[[CID, int], Record | None]

_INSERT = """
    INSERT INTO record(version, node, depset, type, meta, reason, place, codec, nbytes, own, total,
        created, sample, digest, object, call, text, stored, arguments, inline)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
# An edge's digest is nearly always that of the version it names: then it is not written twice.
_INSERT_EDGE = """
    INSERT INTO edge VALUES (?, ?, ?, ?, ?, ?,
        nullif(?, (SELECT digest FROM record WHERE version = ?)))
"""
_UPDATE = """
    UPDATE record SET type = ?, meta = ?, reason = ?, place = ?, codec = ?, nbytes = ?, own = ?,
        total = ?, digest = ?, object = ?, stored = ?, inline = ? WHERE version = ?
"""


class Addition:
    """One call of `SqliteCatalog.add`, inside its transaction.

    Parameters
    ----------
    connection : sqlite3.Connection
        Inside the transaction.
    interner : Interner
        Of the same transaction.
    find : callable
        Reads a record by CID and version.

    Attributes
    ----------
    versions : dict
        From each given version to the real one.
    """

    def __init__(
        self, connection: sqlite3.Connection, interner: Interner, find: FindRecord
    ) -> None:
        self.versions: dict[int, int] = {}
        self._connection = connection
        self._interner = interner
        self._find = find
        (self._last,) = connection.execute("SELECT version FROM head").fetchone()
        self._nodes = 0

    def finish(self) -> None:
        """Move the counts on."""
        self._connection.execute(
            "UPDATE head SET version = ?, nodes = nodes + ?", (self._last, self._nodes)
        )

    def add(self, record: Record) -> None:
        """Write one record, or bring its twin up to date."""
        edges = tuple(self._real(record, edge) for edge in record.edges)
        depset = self._interner.depset(record.depset) if record.depset else None
        if record.depset and depset is None:
            raise ConfigurationError(
                f"add({record.cid.short}): its depset {record.depset} is not known; pass it along"
            )
        node, newest = self._interner.node(record.cid)
        twin = self._twin(record, edges, newest)
        if twin is not None:
            self._refresh(record, twin)
            self.versions[record.version] = twin.version
            return
        self._last += 1
        self._insert(record, self._last, node, depset)
        self._insert_edges(edges, self._last)
        self._connection.execute("UPDATE node SET newest = ? WHERE id = ?", (self._last, node))
        self._nodes += newest == 0
        self.versions[record.version] = self._last

    def _real(self, record: Record, edge: Edge) -> Edge:
        if edge.version >= 0:
            return edge
        if edge.version not in self.versions:
            raise ConfigurationError(
                f"add({record.cid.short}): its edge from {edge.source.short} names version "
                f"{edge.version}, which is only in memory; add that record first"
            )
        return replace(edge, version=self.versions[edge.version])

    def _twin(self, record: Record, edges: tuple[Edge, ...], newest: int) -> Record | None:
        if not newest:
            return None
        found = self._find(record.cid, newest)
        if found is None:
            return None
        same = (found.depset, found.digest) == (record.depset, record.digest)
        return found if same and found.edges == edges else None

    def _columns(self, record: Record) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Columns that an update brings up to date: words, and the rest."""
        word = self._interner.word
        shared, own = split_facts(record)
        stored = record.stored
        words = (
            word(record.type),
            word(shared),
            word(record.reason),
            word(record.where),
            None if stored is None else word(stored.codec),
        )
        value = (
            packed(record.digest),
            None if stored is None else packed(stored.object),
            own,
            None if stored is None else stored.inline,
        )
        return words, value

    def _insert(self, record: Record, version: int, node: int, depset: int | None) -> None:
        words, (digest, name, own, inline) = self._columns(record)
        times = (record.nbytes, record.own_seconds, record.total_seconds, record.created)
        texts = (storable(record.call), storable(record.text), own, record.arguments, inline)
        self._connection.execute(
            _INSERT, (version, node, depset, *words, *times, record.sample, digest, name, *texts)
        )

    def _insert_edges(self, edges: Sequence[Edge], version: int) -> None:
        rows = [
            (
                version,
                position,
                self._interner.node(edge.source)[0],
                EDGE_KINDS.index(edge.kind),
                self._interner.word(edge.role),
                edge.version,
                packed(edge.digest),
                edge.version,
            )
            for position, edge in enumerate(edges)
        ]
        self._connection.executemany(_INSERT_EDGE, rows)

    def _refresh(self, record: Record, twin: Record) -> None:
        """Take over value and timings; a value that is there stays if none comes."""
        if record.stored is None and twin.stored is not None:
            record = replace(
                record, stored=twin.stored, meta=twin.meta, nbytes=twin.nbytes, type=twin.type
            )
        words, (digest, name, own, inline) = self._columns(record)
        times = (record.nbytes, record.own_seconds, record.total_seconds)
        self._connection.execute(_UPDATE, (*words, *times, digest, name, own, inline, twin.version))
