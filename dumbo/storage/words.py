"""Small integers for texts, CIDs and dependencies, found or made inside one transaction.

Law: what a transaction made is known to others only after it was committed; words are never
deleted, so an id once known stays true.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from dumbo.errors import CorruptStoreError
from dumbo.identity.cid import CID
from dumbo.records import Dependency, DependencyKind, Depset
from dumbo.storage.rows import cid_key

_REMEMBERED: Final = 20_000


class Words:
    """Ids that were committed, shared by the threads of a process."""

    __slots__ = ("depsets", "texts")

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}
        self.depsets: dict[str, int] = {}


class Interner:
    """Finds and makes ids in one open transaction.

    Parameters
    ----------
    connection : sqlite3.Connection
        Inside a transaction.
    words : Words
        What is known; `commit` adds what this transaction made.
    """

    __slots__ = ("_connection", "_known", "_new")

    def __init__(self, connection: sqlite3.Connection, words: Words) -> None:
        self._connection = connection
        self._known = words
        self._new = Words()

    def commit(self) -> None:
        """Share what was made; call it after the transaction was committed."""
        if len(self._known.texts) > _REMEMBERED:
            self._known.texts.clear()
        self._known.texts.update(self._new.texts)
        self._known.depsets.update(self._new.depsets)

    def word(self, text: str) -> int:
        """Id of a text."""
        found = self._known.texts.get(text) or self._new.texts.get(text)
        if found is None:
            found = self._new.texts[text] = self._found_or_made(
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

    def node(self, cid: CID) -> tuple[int, int]:
        """Id of a CID and its newest version, 0 if it has none."""
        digest, function, path = cid_key(cid)
        key = (digest, self.word(function), path)
        row = self._connection.execute(
            "SELECT id, newest FROM node WHERE digest = ? AND fn = ? AND path = ?", key
        ).fetchone()
        if row is not None:
            return int(row[0]), int(row[1])
        made = self._connection.execute("INSERT INTO node(digest, fn, path) VALUES (?, ?, ?)", key)
        return int(made.lastrowid or 0), 0

    def depset(self, key: str) -> int | None:
        """Id of a depset that was written before, None if it was not."""
        found = self._known.depsets.get(key) or self._new.depsets.get(key)
        if found is None:
            row = self._connection.execute("SELECT id FROM depset WHERE key = ?", (key,)).fetchone()
            if row is None:
                return None
            found = self._new.depsets[key] = int(row[0])
        return found

    def add_depset(self, depset: Depset) -> None:
        """Write a depset, unless it is there."""
        if self.depset(depset.key) is not None:
            return
        members = [self._dependency(member) for member in depset.members]
        made = self._connection.execute(
            "INSERT INTO depset(key, members) VALUES (?, ?)", (depset.key, json.dumps(members))
        )
        self._new.depsets[depset.key] = int(made.lastrowid or 0)

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
    return text.encode("utf-8", "backslashreplace").decode()


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
