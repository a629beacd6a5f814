"""What is wrong with the catalog, row by row, and how a row is taken out.

Law: damage is told, never raised, so that one broken row hides no other; taking a row out keeps
counts, newest versions and the edges of others right.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from dumbo.errors import CorruptStoreError
from dumbo.identity.cid import CID
from dumbo.records import Record
from dumbo.storage.base import Problem
from dumbo.storage.database import Database
from dumbo.storage.rows import RECORD_COLUMNS, row_cid
from dumbo.storage.words import Words

_PAGE = 500
_LISTED = 20
# From the record's side: a row whose node is gone is found as well.
_NUMBERS = "SELECT version FROM record WHERE version > ? ORDER BY version LIMIT ?"
_BETWEEN = f"""
    SELECT {RECORD_COLUMNS} FROM record r LEFT JOIN node n ON n.id = r.node
    WHERE r.version > ? AND r.version <= ? ORDER BY r.version
"""  # noqa: S608 - constants
_KEEP_EDGE_DIGESTS = """
    UPDATE edge SET digest = (SELECT digest FROM record WHERE version = ?2)
    WHERE source = ?1 AND version = ?2 AND digest IS NULL
"""


class Soundness:
    """The catalog's face towards those who check and repair."""

    _database: Database
    _words: Words

    def _records(self, rows: list[tuple[Any, ...]]) -> tuple[Record, ...]:
        """Read records with their edges; the catalog knows how."""
        raise NotImplementedError

    def every_version(self) -> Iterator[Record | Problem]:
        """Iterate over every version, oldest first; a row that cannot be read is a `Problem`."""
        after = 0
        while numbers := self._database.read(_NUMBERS, (after, _PAGE)):
            before, after = after, int(numbers[-1][0])
            try:
                yield from self._records(self._database.read(_BETWEEN, (before, after)))
            except CorruptStoreError:
                yield from (self._record_or_problem(int(number)) for (number,) in numbers)

    def _record_or_problem(self, number: int) -> Record | Problem:
        cid = CID("")
        try:
            rows = self._database.read(_BETWEEN, (number - 1, number))
            cid = row_cid(rows[0], self._words)
            (record,) = self._records(rows)
        except CorruptStoreError as error:
            return Problem(cid, number, str(error))
        return record

    def faults(self) -> tuple[str, ...]:
        """Return what the database itself finds wrong with its file; empty when it is sound."""
        try:
            rows = self._database.read(f"PRAGMA integrity_check({_LISTED})")
        except CorruptStoreError as error:
            return (str(error),)
        return tuple(str(row[0]) for row in rows if row[0] != "ok")

    def reindex(self) -> None:
        """Build the indices of the database anew from its rows."""
        with self._database.write() as connection:
            connection.execute("REINDEX")

    def discard(self, version: int) -> bool:
        """Delete a version whatever its row says; False if it is tagged, or there is none such."""
        with self._database.write() as connection:
            row = connection.execute(
                "SELECT node FROM record WHERE version = ?"
                " AND NOT EXISTS (SELECT 1 FROM tag WHERE tag.node = record.node)",
                (version,),
            ).fetchone()
            if row is None:
                return False
            found = delete(connection, row[0], version)
            drop_bare(connection, row[0])
        return found


def delete(connection: sqlite3.Connection, node: int, version: int) -> bool:
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
    connection.execute(
        "UPDATE head SET nodes = nodes - ?, forgets = forgets + 1", (0 if newest else 1,)
    )
    return True


def drop_bare(connection: sqlite3.Connection, node: int) -> None:
    """Delete the name of a CID that nothing refers to, unless its id could be given out again."""
    done = connection.execute(
        "DELETE FROM node WHERE id = ?1 AND newest = 0 AND id < (SELECT max(id) FROM node)"
        " AND NOT EXISTS (SELECT 1 FROM edge WHERE source = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM tag WHERE node = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM moved WHERE node = ?1 OR now = ?1)",
        (node,),
    )
    if done.rowcount:
        connection.execute("UPDATE head SET forgets = forgets + 1")
