"""Small integers for texts, CIDs and dependencies, found or made inside one transaction.

Law: what a transaction made is known to others only after it was committed; words are never
deleted and no id of a CID is used twice, so what an id meant once it means for ever. That a CID
still has its id is believed only while ``head.forgets`` stands where it stood.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final

from dumbo.errors import CorruptStoreError
from dumbo.identity.cid import CID
from dumbo.records import Dependency, DependencyKind, Depset
from dumbo.storage.database import Database
from dumbo.storage.rows import cid_key

_REMEMBERED: Final = 20_000


class Words:
    """Ids that were committed, both ways, shared by the threads of a process.

    Parameters
    ----------
    database : Database
        Asked for ids that are not known yet.
    """

    __slots__ = ("_database", "_facts", "_keys", "_names", "depsets", "forgets", "nodes", "texts")

    def __init__(self, database: Database) -> None:
        self._database = database
        self.texts: dict[str, int] = {}
        self.depsets: dict[str, int] = {}
        self.nodes: dict[CID, int] = {}
        self.forgets = -1
        self._names: dict[int, str] = {}
        self._facts: dict[int, Mapping[str, Any]] = {}
        self._keys: dict[int, str] = {}

    def id_of(self, text: str) -> int | None:
        """Id of a text, None if it was never written."""
        found = self.texts.get(text)
        if found is None:
            rows = self._database.read("SELECT id FROM word WHERE text = ?", (storable(text),))
            if not rows:
                return None
            self._make_room()
            found = self.texts[text] = int(rows[0][0])
        return found

    def text(self, number: Any) -> str:
        """Text of an id; raises `KeyError` if there is none."""
        found = self._names.get(number)
        if found is None:
            self._make_room()
            sql = "SELECT text FROM word WHERE id = ?"
            found = self._names[number] = str(self._one(sql, number))
        return found

    def facts(self, number: Any) -> Mapping[str, Any]:
        """Read a text as facts; raises `KeyError`, `TypeError` or `ValueError` where it is none."""
        found = self._facts.get(number)
        if found is None:
            found = json.loads(self.text(number))
            if not isinstance(found, dict):
                raise TypeError(f"{found!r} is no mapping of facts")
            self._facts[number] = found
        return found

    def depset_key(self, number: Any) -> str:
        """Key of a depset's id; raises `KeyError` if there is none."""
        found = self._keys.get(number)
        if found is None:
            sql = "SELECT key FROM depset WHERE id = ?"
            found = self._keys[number] = str(self._one(sql, number))
        return found

    def forget(self) -> None:
        """Forget everything, after a transaction was undone."""
        for known in (self.texts, self.depsets, self._names, self._facts, self._keys):
            known.clear()
        self.nodes, self.forgets = {}, -1

    def _one(self, sql: str, number: Any) -> Any:
        rows = self._database.read(sql, (number,))
        if not rows:
            raise KeyError(f"nothing has the id {number!r}")
        return rows[0][0]

    def _make_room(self) -> None:
        for known in (self.texts, self.nodes, self._names, self._facts):
            if len(known) > _REMEMBERED:
                known.clear()

    def learn(self, texts: Mapping[str, int], depsets: Mapping[str, int]) -> None:
        """Take over what a transaction made, now that it was committed."""
        self._make_room()
        self.texts.update(texts)
        self.depsets.update(depsets)


class Interner:
    """Finds and makes ids in one open transaction.

    Parameters
    ----------
    connection : sqlite3.Connection
        Inside a transaction.
    words : Words
        What is known; `commit` adds what this transaction made.
    """

    __slots__ = ("_connection", "_depsets", "_known", "_texts")

    def __init__(self, connection: sqlite3.Connection, words: Words) -> None:
        self._connection = connection
        self._known = words
        self._texts: dict[str, int] = {}
        self._depsets: dict[str, int] = {}

    def commit(self) -> None:
        """Share what was made; call it after the transaction was committed."""
        if self._texts or self._depsets:
            self._known.learn(self._texts, self._depsets)

    def word(self, text: str) -> int:
        """Id of a text."""
        found = self._known.texts.get(text) or self._texts.get(text)
        if found is None:
            found = self._texts[text] = self._found_or_made(
                "SELECT id FROM word WHERE text = ?",
                "INSERT INTO word(text) VALUES (?)",
                storable(text),
            )
        return found

    def _found_or_made(self, select: str, insert: str, *parameters: object) -> int:
        row = self._connection.execute(select, parameters[:1]).fetchone()
        if row is not None:
            return int(row[0])
        return int(self._connection.execute(insert, parameters).lastrowid or 0)

    def find_node(self, cid: CID) -> tuple[int, int]:
        """Id of a CID and its newest version; zeros where there is none."""
        digest, function, path = cid_key(cid)
        row = self._connection.execute(
            "SELECT id, newest FROM node WHERE digest = ? AND fn = ? AND path = ?",
            (digest, self.word(function), path),
        ).fetchone()
        return (0, 0) if row is None else (int(row[0]), int(row[1]))

    def node(self, cid: CID) -> int:
        """Id of a CID, made if there is none."""
        return self.find_node(cid)[0] or self.new_node(cid, 0)

    def new_node(self, cid: CID, newest: int) -> int:
        """Make the id of a CID; 0 if it has one."""
        digest, function, path = cid_key(cid)
        made = self._connection.execute(
            "INSERT INTO node(digest, fn, path, newest) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (digest, self.word(function), path, newest),
        )
        return int(made.lastrowid or 0) if made.rowcount else 0

    def depset(self, key: str) -> int | None:
        """Id of a depset that was written before, None if it was not."""
        found = self._known.depsets.get(key) or self._depsets.get(key)
        if found is None:
            row = self._connection.execute("SELECT id FROM depset WHERE key = ?", (key,)).fetchone()
            if row is None:
                return None
            found = self._depsets[key] = int(row[0])
        return found

    def add_depset(self, depset: Depset) -> None:
        """Write a depset, unless it is there."""
        if self.depset(depset.key) is not None:
            return
        members = [self._dependency(member) for member in depset.members]
        made = self._connection.execute(
            "INSERT INTO depset(key, members) VALUES (?, ?)", (depset.key, json.dumps(members))
        )
        self._depsets[depset.key] = int(made.lastrowid or 0)

    def _dependency(self, member: Dependency) -> int:
        row = (
            member.kind.value,
            member.module,
            member.name,
            member.fingerprint,
            member.text,
            member.file,
            member.by,
        )
        raw = json.dumps(row).encode()  # escapes what UTF-8 has no form for
        digest = blake2b(raw, digest_size=16).digest()
        return self._found_or_made(
            "SELECT id FROM dependency WHERE hash = ?",
            "INSERT INTO dependency(hash, kind, module, name, fingerprint, text, file, used_by)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            digest,
            *map(storable, row),
        )


def storable(text: str) -> str:
    """Escape lone surrogates, which SQLite does not take; source and reprs may hold some."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def depset_from(key: str, members: str, rows: Iterable[tuple[object, ...]]) -> Depset:
    """Read a depset from its row and those of its dependencies."""
    try:
        found = {
            row[0]: Dependency(DependencyKind(str(row[1])), *(str(part) for part in row[2:]))
            for row in rows
        }
        return Depset(tuple(found[number] for number in json.loads(members)), key)
    except (ValueError, TypeError, KeyError) as error:
        raise CorruptStoreError(
            f"the dependencies {key} cannot be read ({error}); forget the results that depend on "
            "them, or restore the catalog"
        ) from error
