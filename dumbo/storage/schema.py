"""The catalog's tables, and how an older catalog becomes a newer one.

Law: a released migration is never edited; a new one is appended, and runs forward only. The
version lies in SQLite's ``user_version``; ``application_id`` tells a catalog from other databases.

Ids are small integers; texts that repeat (functions, types, roles, places, facts) are words,
written once. ``node.newest`` is the newest version, so that neither look-up nor count searches.
``head.forgets`` moves whenever a row of ``node`` or ``record`` is deleted, so that ids remembered
elsewhere are known to be old; an id of ``node`` is never used twice. ``record.checksum`` covers the
value of a row and the facts that say how to read it. The ``claim`` table is for computations under
way: a lease until ``until`` (seconds since the epoch), and an ``epoch`` no two claims share.
``moved`` says under which CID a result counts since its function was renamed; ``depset.accepted``
which other depsets may verify in its place. ``meta`` holds facts of the store as a whole.
"""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = 0x64756D62  # "dumb", as four bytes

_FIRST: Final = """
CREATE TABLE head(
    id INTEGER PRIMARY KEY CHECK (id = 0),
    version INTEGER NOT NULL, nodes INTEGER NOT NULL
);
INSERT INTO head VALUES (0, 0, 0);
CREATE TABLE word(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE node(
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL, fn INTEGER NOT NULL REFERENCES word(id),
    path TEXT NOT NULL, newest INTEGER NOT NULL DEFAULT 0,
    UNIQUE (digest, fn, path)
);
CREATE INDEX node_fn ON node(fn) WHERE newest > 0;
CREATE TABLE record(
    version INTEGER PRIMARY KEY, node INTEGER NOT NULL REFERENCES node(id),
    depset INTEGER REFERENCES depset(id), type INTEGER, meta INTEGER, reason INTEGER,
    place INTEGER, codec INTEGER, nbytes INTEGER, own REAL, total REAL, created REAL,
    sample INTEGER, digest BLOB, object BLOB, call TEXT, text TEXT, stored TEXT,
    arguments BLOB, inline BLOB
);
CREATE INDEX record_node ON record(node);
CREATE TABLE edge(
    target INTEGER NOT NULL, pos INTEGER NOT NULL, source INTEGER NOT NULL,
    kind INTEGER NOT NULL, role INTEGER NOT NULL, version INTEGER NOT NULL, digest BLOB,
    PRIMARY KEY (target, pos)
) WITHOUT ROWID;
CREATE INDEX edge_source ON edge(source, target);
CREATE TABLE dependency(
    id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, kind TEXT NOT NULL, module TEXT NOT NULL,
    name TEXT NOT NULL, fingerprint TEXT NOT NULL, text TEXT NOT NULL, file TEXT NOT NULL,
    used_by TEXT NOT NULL
);
CREATE TABLE depset(
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, members TEXT NOT NULL, accepted TEXT
);
CREATE TABLE tag(name TEXT PRIMARY KEY, node INTEGER NOT NULL UNIQUE) WITHOUT ROWID;
CREATE TABLE moved(node INTEGER PRIMARY KEY, now INTEGER NOT NULL);
CREATE TABLE external(name TEXT PRIMARY KEY, digest TEXT NOT NULL, text TEXT NOT NULL)
    WITHOUT ROWID;
CREATE TABLE source(
    path TEXT PRIMARY KEY, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, size INTEGER NOT NULL,
    inode INTEGER NOT NULL, blob BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE stamp(
    name BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL,
    boot TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE tally(
    kind TEXT NOT NULL, function TEXT NOT NULL, n INTEGER NOT NULL, seconds REAL NOT NULL,
    PRIMARY KEY (kind, function)
) WITHOUT ROWID;
CREATE TABLE claim(
    cid TEXT PRIMARY KEY, owner TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL,
    epoch INTEGER NOT NULL, heartbeat REAL NOT NULL
) WITHOUT ROWID;
"""

_SECOND: Final = """
ALTER TABLE head ADD COLUMN forgets INTEGER NOT NULL DEFAULT 0;
ALTER TABLE head ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE record ADD COLUMN checksum INTEGER;
DROP TABLE claim;
CREATE TABLE claim(
    cid TEXT PRIMARY KEY, owner TEXT NOT NULL, epoch INTEGER NOT NULL, until REAL NOT NULL,
    heartbeat REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

MIGRATIONS: Final[tuple[str, ...]] = (_FIRST, _SECOND)
"""Script n brings a catalog of version n to version n + 1."""
