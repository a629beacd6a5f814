"""Records into the catalog: real versions, edges to them, and no twin beside its like.

Law: all of it happens inside one transaction that somebody else opened; a record that says the
same as the newest version of its CID brings that one up to date.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from dumbo.errors import ConfigurationError, CorruptStoreError
from dumbo.identity.cid import CID
from dumbo.records import Edge, Record
from dumbo.storage.rows import EDGE_KINDS, checksum, packed, split_facts
from dumbo.storage.words import Interner, Words, storable

FindRecord: TypeAlias = Callable[[CID, int], Record | None]

_KIND_NUMBERS: Final = {kind: number for number, kind in enumerate(EDGE_KINDS)}
_INSERT = """
    INSERT INTO record(version, node, depset, type, meta, reason, place, codec, nbytes, own, total,
        created, sample, digest, object, call, text, stored, arguments, inline, checksum)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
# An edge's digest is nearly always that of the version it names: then it is not written twice.
_INSERT_EDGE = """
    INSERT INTO edge VALUES (?, ?, ?, ?, ?, ?,
        nullif(?, (SELECT digest FROM record WHERE version = ?)))
"""
_UPDATE = """
    UPDATE record SET type = ?, meta = ?, reason = ?, place = ?, codec = ?, nbytes = ?, own = ?,
        total = ?, digest = ?, object = ?, stored = ?, inline = ?, checksum = ? WHERE version = ?
"""


class Addition:
    """One call of `SqliteCatalog.add`, inside its transaction.

    Parameters
    ----------
    connection : sqlite3.Connection
        Inside the transaction.
    interner : Interner
        Of the same transaction.
    words : Words
        Ids that were committed; `commit` adds those of CIDs.
    find : callable
        Reads a record by CID and version.

    Attributes
    ----------
    versions : dict
        From each given version to the real one.
    """

    def __init__(
        self, connection: sqlite3.Connection, interner: Interner, words: Words, find: FindRecord
    ) -> None:
        self.versions: dict[int, int] = {}
        self._connection = connection
        self._interner = interner
        self._find = find
        self._words = words
        self._last, self._forgets = connection.execute(
            "SELECT version, forgets FROM head"
        ).fetchone()
        # What was deleted meanwhile may have come back under another id.
        self._ids = words.nodes if words.forgets == self._forgets else {}
        self._new_ids: dict[CID, int] = {}
        self._nodes = 0

    def finish(self) -> None:
        """Move the counts on."""
        if self.versions:
            self._connection.execute(
                "UPDATE head SET version = ?, nodes = nodes + ?", (self._last, self._nodes)
            )

    def commit(self) -> None:
        """Share the ids of CIDs; call it after the transaction was committed."""
        if self._ids is not self._words.nodes:
            self._words.nodes, self._words.forgets = {}, self._forgets
        self._words.nodes.update(self._new_ids)

    def add(self, record: Record) -> None:
        """Write one record, or bring its twin up to date."""
        edges = tuple([self._real(record, edge) for edge in record.edges])
        depset = self._interner.depset(record.depset) if record.depset else None
        if record.depset and depset is None:
            raise ConfigurationError(
                f"add({record.cid.short}): its depset {record.depset} is not known; pass it along"
            )
        version = self._last + 1
        node = self._interner.new_node(record.cid, version)
        if node:
            self._nodes += 1
        else:
            node, newest = self._interner.find_node(record.cid)
            twin = self._twin(record, edges, newest)
            if twin is not None:
                self._refresh(record, twin)
                self.versions[record.version] = twin.version
                return
            self._connection.execute("UPDATE node SET newest = ? WHERE id = ?", (version, node))
            self._nodes += newest == 0
        self._last = version
        self._new_ids[record.cid] = node
        self._insert(record, version, node, depset)
        if edges:
            self._insert_edges(edges, version)
        self.versions[record.version] = version

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
        try:
            found = self._find(record.cid, newest)
        except CorruptStoreError:
            return None  # it is read no more: this record takes its place
        if found is None:
            return None
        same = (found.depset, found.digest) == (record.depset, record.digest)
        return found if same and found.edges == edges else None

    def _columns(self, record: Record) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Columns that an update brings up to date: words, and the rest."""
        word = self._interner.word
        shared, own = split_facts(record)
        stored = record.stored
        codec = name = inline = seal = None
        if stored is not None:
            texts = (stored.codec, shared, own or "")
            seal = checksum(record.cid, texts, record.digest, stored.object, stored.inline)
            codec, name, inline = word(stored.codec), packed(stored.object), stored.inline
        words = (word(record.type), word(shared), word(record.reason), word(record.where), codec)
        return words, (packed(record.digest), name, own, inline, seal)

    def _insert(self, record: Record, version: int, node: int, depset: int | None) -> None:
        words, (digest, name, own, inline, seal) = self._columns(record)
        times = (record.nbytes, record.own_seconds, record.total_seconds, record.created)
        texts = (storable(record.call), storable(record.text), own, record.arguments, inline, seal)
        self._connection.execute(
            _INSERT, (version, node, depset, *words, *times, record.sample, digest, name, *texts)
        )

    def _insert_edges(self, edges: Sequence[Edge], version: int) -> None:
        word = self._interner.word
        rows = [
            (
                version,
                position,
                self._source(edge.source),
                _KIND_NUMBERS[edge.kind],
                word(edge.role),
                edge.version,
                packed(edge.digest),
                edge.version,
            )
            for position, edge in enumerate(edges)
        ]
        self._connection.executemany(_INSERT_EDGE, rows)

    def _source(self, cid: CID) -> int:
        node = self._ids.get(cid) or self._new_ids.get(cid)
        if node is None:
            node = self._new_ids[cid] = self._interner.node(cid)
        return node

    def _refresh(self, record: Record, twin: Record) -> None:
        """Take over value and timings; a value that is there stays if none comes."""
        if record.stored is None and twin.stored is not None:
            record = replace(
                record, stored=twin.stored, meta=twin.meta, nbytes=twin.nbytes, type=twin.type
            )
        words, rest = self._columns(record)
        times = (record.nbytes, record.own_seconds, record.total_seconds)
        self._connection.execute(_UPDATE, (*words, *times, *rest, twin.version))
