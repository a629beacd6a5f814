"""Tags, moved and accepted results, external values, the source index, and stamps of objects.

Law: a tag names one CID and a CID has one tag: naming a CID again replaces its tag, and a name that
means another CID raises `NameTakenError`.
Stamps are buffered and written with the next record, since a hit must not write.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import AbstractContextManager

from dumbo.errors import NameTakenError
from dumbo.identity.cid import CID
from dumbo.records import Depset
from dumbo.storage.base import Stamp
from dumbo.storage.database import Database
from dumbo.storage.rows import cid_from, cid_key
from dumbo.storage.tallies import Buffers
from dumbo.storage.words import Interner

SourceStamp = tuple[int, int, int, int]
"""mtime and ctime in nanoseconds, size in bytes, inode."""


class Names:
    """The catalog's face towards what people and files are called."""

    _database: Database
    _buffers: Buffers

    def _change(self) -> AbstractContextManager[tuple[sqlite3.Connection, Interner]]:
        """Hold one transaction; the catalog knows how."""
        raise NotImplementedError

    def set_tag(self, name: str, cid: CID) -> None:
        """Name a CID; a tag that it has is replaced, which renames it.

        Raises
        ------
        NameTakenError
            The name means another CID.
        """
        taken = self.tags().get(name)
        if taken == cid:
            return
        if taken is not None:
            raise NameTakenError(
                f"tag({name!r}, {cid.short}): {name!r} names {taken.short}; untag({name!r}) first"
            )
        with self._change() as (connection, interner):
            node = interner.node(cid)
            connection.execute("DELETE FROM tag WHERE node = ?", (node,))
            try:
                connection.execute("INSERT INTO tag VALUES (?, ?)", (name, node))
            except sqlite3.IntegrityError as error:
                raise NameTakenError(
                    f"tag({name!r}, {cid.short}): another process took the name just now; "
                    "choose another"
                ) from error

    def drop_tag(self, name: str) -> bool:
        """Remove a tag; False if there was none."""
        with self._database.write() as connection:
            return connection.execute("DELETE FROM tag WHERE name = ?", (name,)).rowcount > 0

    def tags(self) -> dict[str, CID]:
        """Return every tag, by name."""
        rows = self._database.read(
            "SELECT t.name, n.digest, f.text, n.path FROM tag t JOIN node n ON n.id = t.node"
            " JOIN word f ON f.id = n.fn ORDER BY t.name"
        )
        return {row[0]: cid_from(*row[1:]) for row in rows}

    def tag_of(self, cid: CID) -> str | None:
        """Return the tag of a CID."""
        digest, function, path = cid_key(cid)
        rows = self._database.read(
            "SELECT t.name FROM tag t JOIN node n ON n.id = t.node JOIN word f ON f.id = n.fn"
            " WHERE n.digest = ? AND n.path = ? AND f.text = ?",
            (digest, path, function),
        )
        return str(rows[0][0]) if rows else None

    def note_moves(self, moves: Mapping[CID, CID]) -> None:
        """Note that results count under other CIDs now; their tags go along."""
        tags = self.tags()
        with self._change() as (connection, interner):
            for old, new in moves.items():
                pair = (interner.node(old), interner.node(new))
                connection.execute("INSERT OR REPLACE INTO moved VALUES (?, ?)", pair)
            for name, cid in tags.items():
                if cid.parent in moves:
                    target = interner.node(CID(moves[cid.parent] + cid.path))
                    # A tag the new CID has already stays; then the old one stays where it is.
                    connection.execute(
                        "UPDATE OR IGNORE tag SET node = ? WHERE name = ?", (target, name)
                    )

    def moves(self) -> dict[CID, CID]:
        """Return under which CIDs results count now that were made under others."""
        rows = self._database.read(
            "SELECT o.digest, fo.text, o.path, n.digest, fn.text, n.path FROM moved m"
            " JOIN node o ON o.id = m.node JOIN word fo ON fo.id = o.fn"
            " JOIN node n ON n.id = m.now JOIN word fn ON fn.id = n.fn"
        )
        return {cid_from(*row[:3]): cid_from(*row[3:]) for row in rows}

    def accept(self, key: str, depset: Depset) -> None:
        """Take results under the depset `key` for fresh wherever `depset` verifies."""
        with self._change() as (connection, interner):
            interner.add_depset(depset)
            (known,) = connection.execute(
                "SELECT accepted FROM depset WHERE key = ?", (key,)
            ).fetchone() or (None,)
            others = dict.fromkeys([*_keys(known), depset.key])
            connection.execute(
                "UPDATE depset SET accepted = ? WHERE key = ?", (json.dumps([*others]), key)
            )

    def accepted(self, key: str) -> tuple[str, ...]:
        """Return the depsets by which one was accepted, oldest first."""
        rows = self._database.read("SELECT accepted FROM depset WHERE key = ?", (key,))
        return tuple(_keys(rows[0][0])) if rows else ()

    def set_external(self, name: str, digest: str, text: str) -> None:
        """Note the digest under which an external value was last seen."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO external VALUES (?, ?, ?)", (name, digest, text)
            )

    def external(self, name: str) -> tuple[str, str] | None:
        """Return digest and text of an external value."""
        rows = self._database.read("SELECT digest, text FROM external WHERE name = ?", (name,))
        return (str(rows[0][0]), str(rows[0][1])) if rows else None

    def get_meta(self, key: str) -> str | None:
        """Return a fact of the store as a whole."""
        rows = self._database.read("SELECT value FROM meta WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else None

    def put_meta(self, key: str, value: str) -> None:
        """Note a fact of the store as a whole."""
        with self._database.write() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def get_source(self, path: str) -> tuple[SourceStamp, bytes] | None:
        """Return what was noted of a source file, and the status it had."""
        rows = self._database.read(
            "SELECT mtime, ctime, size, inode, blob FROM source WHERE path = ?", (path,)
        )
        if not rows:
            return None
        mtime, ctime, size, inode, blob = rows[0]
        return (mtime, ctime, size, inode), blob

    def put_source(self, path: str, stamp: SourceStamp, blob: bytes) -> None:
        """Note something about a source file in this status."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO source VALUES (?, ?, ?, ?, ?, ?)", (path, *stamp, blob)
            )

    def get_stamp(self, name: str) -> Stamp | None:
        """Return the stamp of an object."""
        buffered = self._buffers.stamps.get(name)
        if buffered is not None:
            return buffered
        rows = self._database.read(
            "SELECT size, mtime, ctime, boot FROM stamp WHERE name = ?", (bytes.fromhex(name),)
        )
        return Stamp(*rows[0]) if rows else None

    def put_stamp(self, name: str, stamp: Stamp) -> None:
        """Remember the stamp of an object; written with the next record, or when closing."""
        self._buffers.stamps[name] = stamp


def _keys(text: object) -> list[str]:
    """Read a list of depsets; a damaged one holds none, so that its results are judged strictly."""
    try:
        found = json.loads(str(text or "[]"))
    except (ValueError, RecursionError):
        return []
    return [key for key in found if isinstance(key, str)] if isinstance(found, list) else []
