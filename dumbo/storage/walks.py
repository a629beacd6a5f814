"""Edges, cones and iteration: what the provenance graph asks of the catalog.

Law: the cost of a cone follows the cone, not the catalog; the count is a stored number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dumbo.identity.cid import CID
from dumbo.records import Edge, Record, Stored
from dumbo.storage.database import Database
from dumbo.storage.rows import (
    EDGE_SELECT,
    RECORD_COLUMNS,
    cid_from,
    cid_key,
    edge_from,
    record_from,
    row_cid,
)
from dumbo.storage.words import Words

_PAGE = 500
_START = """
    SELECT n.id, n.newest FROM node n JOIN word w ON w.id = n.fn
    WHERE n.digest = ? AND n.path = ? AND w.text = ?
"""
_UPSTREAM = f"""
    WITH RECURSIVE start AS ({_START}), cone(node, version) AS (
        SELECT e.source, e.version FROM edge e JOIN start ON e.target = start.newest
        UNION
        SELECT e.source, e.version FROM cone JOIN edge e ON e.target = cone.version
    )
    SELECT DISTINCT n.digest, f.text, n.path
    FROM cone JOIN node n ON n.id = cone.node JOIN word f ON f.id = n.fn
"""  # noqa: S608 - constants
_DOWNSTREAM = f"""
    WITH RECURSIVE start AS ({_START}), cone(node) AS (
        SELECT r.node FROM start JOIN edge e ON e.source = start.id
            JOIN record r ON r.version = e.target JOIN node n ON n.id = r.node
            WHERE n.newest = e.target
        UNION
        SELECT r.node FROM cone JOIN edge e ON e.source = cone.node
            JOIN record r ON r.version = e.target JOIN node n ON n.id = r.node
            WHERE n.newest = e.target
    )
    SELECT n.digest, f.text, n.path
    FROM cone JOIN node n ON n.id = cone.node JOIN word f ON f.id = n.fn
"""  # noqa: S608 - constants
_CONSUMERS = f"""
    SELECT edges.*, t.digest, tf.text, t.path FROM ({EDGE_SELECT} WHERE e.source = (
        SELECT id FROM ({_START}))) edges
    JOIN record r ON r.version = edges.target
    JOIN node t ON t.id = r.node AND t.newest = r.version JOIN word tf ON tf.id = t.fn
    ORDER BY edges.target
"""  # noqa: S608 - constants


class Walks:
    """The catalog's face towards the graph."""

    _database: Database
    _words: Words

    def consumers(self, cid: CID) -> tuple[Edge, ...]:
        """Return the edges from a CID into the newest versions that used it."""
        digest, function, path = cid_key(cid)
        rows = self._database.read(_CONSUMERS, (digest, path, function))
        return tuple(edge_from(row[:8], cid_from(*row[8:]), self._words) for row in rows)

    def upstream(self, cid: CID) -> set[CID]:
        """Return all that the newest version of a CID was made from, by the versions it used."""
        return self._cone(_UPSTREAM, cid)

    def downstream(self, cid: CID) -> set[CID]:
        """Return all whose newest versions were made from a CID."""
        return self._cone(_DOWNSTREAM, cid)

    def _cone(self, sql: str, cid: CID) -> set[CID]:
        digest, function, path = cid_key(cid)
        return {cid_from(*row) for row in self._database.read(sql, (digest, path, function))}

    def edges_of(self, cids: Iterable[CID]) -> tuple[Edge, ...]:
        """Return the edges into the newest versions of some CIDs, in order of use."""
        edges: list[Edge] = []
        for cid in cids:
            digest, function, path = cid_key(cid)
            sql = f"{EDGE_SELECT} WHERE e.target = (SELECT newest FROM ({_START})) ORDER BY e.pos"  # noqa: S608 - constants
            rows = self._database.read(sql, (digest, path, function))
            edges.extend(edge_from(row, cid, self._words) for row in rows)
        return tuple(edges)

    def nodes(self, function: str | None = None, limit: int | None = None) -> Iterator[Record]:
        """Iterate over the newest record of every CID, newest first.

        Parameters
        ----------
        function : str, optional
            Only results of this function.
        limit : int, optional
            At most so many.
        """
        where = "" if function is None else "AND n.fn = (SELECT id FROM word WHERE text = ?)"
        names: tuple[Any, ...] = () if function is None else (function,)
        sql = (
            f"SELECT {RECORD_COLUMNS} FROM record r JOIN node n ON n.id = r.node"  # noqa: S608 - constants
            f" WHERE r.version < ? AND n.newest = r.version {where}"
            " ORDER BY r.version DESC LIMIT ?"
        )
        left, before = limit, 2**63 - 1
        # Pages, so that no read is held open while the caller works, or writes.
        while left is None or left > 0:
            page = _PAGE if left is None else min(_PAGE, left)
            rows = self._database.read(sql, (before, *names, page))
            yield from self._records(rows)
            if len(rows) < page:
                return
            before = rows[-1][3]
            left = None if left is None else left - page

    def _records(self, rows: list[tuple[Any, ...]]) -> tuple[Record, ...]:
        """Read records with their edges; the catalog knows how."""
        raise NotImplementedError

    def stored(self) -> Iterator[Stored]:
        """Iterate over what is stored of every version, for those who collect the others."""
        sql = (
            f"SELECT {RECORD_COLUMNS} FROM record r JOIN node n ON n.id = r.node"  # noqa: S608 - constants
            " WHERE r.version > ? AND r.codec IS NOT NULL ORDER BY r.version LIMIT ?"
        )
        after = 0
        while rows := self._database.read(sql, (after, _PAGE)):
            found = (
                record_from(row, (), self._words, row_cid(row, self._words)).stored for row in rows
            )
            yield from (stored for stored in found if stored is not None)
            after = rows[-1][3]

    def functions(self) -> tuple[str, ...]:
        """Return the functions that have records, sorted."""
        rows = self._database.read(
            "SELECT text FROM word WHERE EXISTS"
            " (SELECT 1 FROM node WHERE fn = word.id AND newest > 0) ORDER BY text"
        )
        return tuple(row[0] for row in rows)

    def depsets_of(self, function: str) -> tuple[str, ...]:
        """Return the keys of the depsets of a function's results, newest first."""
        rows = self._database.read(
            "SELECT d.key FROM record r JOIN node n ON n.id = r.node JOIN depset d"
            " ON d.id = r.depset WHERE n.newest > 0 AND n.fn ="
            " (SELECT id FROM word WHERE text = ?) GROUP BY d.key ORDER BY max(r.version) DESC",
            (function,),
        )
        return tuple(str(row[0]) for row in rows)

    def functions_with_code(self, fingerprint: str) -> tuple[tuple[str, str], ...]:
        """Return module and name of code that was recorded in one version."""
        rows = self._database.read(
            "SELECT DISTINCT module, name FROM dependency WHERE kind = 'code' AND fingerprint = ?"
            " ORDER BY id DESC",
            (fingerprint,),
        )
        return tuple((str(row[0]), str(row[1])) for row in rows)

    def value_bytes(self) -> int:
        """Return how many bytes the kept values take, each version counted."""
        rows = self._database.read("SELECT sum(nbytes) FROM record WHERE codec IS NOT NULL")
        return int(rows[0][0] or 0)

    def node_count(self) -> int:
        """Return how many CIDs have records, in constant time."""
        return int(self._database.read("SELECT nodes FROM head")[0][0])
