"""Connections to the catalog's file: one for each thread of each process.

Law: every statement outside a transaction reads; every write is inside one `Database.write`,
which takes the writer's lock first, so a transaction never fails half-way for want of it.

A connection never crosses a fork: the child forgets those of its parent without closing them.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from dumbo.errors import CorruptStoreError, StoreFormatError, StoreUnavailableError
from dumbo.forking import GATE
from dumbo.storage import schema

BUSY_SECONDS: Final = 30.0
_CHECKPOINT: Final = 4000
"""Pages in the log (16 MB) at which a commit moves them to the database, and waits for the disk.

Of 12,000 single inserts: 250 pages took 2.1 times as long as 1000, 4000 or 16000, which were alike;
closing took 18, 43 and 114 ms with those.
"""
_ABANDONED: Final[list[sqlite3.Connection]] = []
# The second where SQLite's own words about damage quote bytes that are no text.
_TROUBLE: Final = (sqlite3.Error, UnicodeDecodeError)
_LIVE: Final[weakref.WeakSet[Database]] = weakref.WeakSet()


class Database:
    """The SQLite file of a catalog.

    Parameters
    ----------
    path : Path
        Made, with its tables, if it is absent.
    durable : bool
        Wait for the disk at each commit; otherwise a power cut (not a crash) can undo the last.

    Raises
    ------
    StoreUnavailableError, StoreFormatError, CorruptStoreError
        It cannot be opened; it was written by a newer dumbo; it is no catalog.
    """

    def __init__(self, path: Path, durable: bool = False) -> None:
        self.path = path
        self._durable = durable
        self._closed = False
        self._file: tuple[int, int] | None = None
        self.on_fork: list[Callable[[], None]] = []
        self._forget_connections()
        self._finalizer = weakref.finalize(self, _close_all, self._connections)
        try:
            with self.guarded(), GATE:
                _patiently(lambda: self._migrate(self.connection()))
            status = path.stat()
            self._file = (status.st_dev, status.st_ino)
        except BaseException:
            self.close()
            raise
        _LIVE.add(self)

    def connection(self) -> sqlite3.Connection:
        """Return this thread's connection."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        return found if found is not None else self._connect()

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one reading statement and return all rows."""
        try:
            with GATE:
                return self.connection().execute(sql, parameters).fetchall()
        except _TROUBLE as error:
            self._explain(error)

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Hold the writer's lock for one transaction; any exception undoes it."""
        # The threads of a process queue here; SQLite would have them poll for its lock.
        with self._writing, GATE:
            connection = self.connection()
            try:
                self._begin(connection)
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if isinstance(error, _TROUBLE):
                    self._explain(error)
                raise

    def _begin(self, connection: sqlite3.Connection) -> None:
        _patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
        # A commit into a file that lies under its name no more would be acknowledged and lost.
        if self._is_replaced():
            connection.execute("ROLLBACK")
            raise StoreUnavailableError(
                f"catalog {self.path}: another file lies in its place, or none; open the store "
                "again to use what is there now"
            )

    def _is_replaced(self) -> bool:
        try:
            status = os.stat(self.path)  # noqa: PTH116  # half the time of Path.stat, at each write
        except OSError:
            return True
        return self._file not in (None, (status.st_dev, status.st_ino))

    def close(self) -> None:
        """Close the connections of all threads; using the catalog again raises."""
        self._closed = True
        self._finalizer()
        self._local = threading.local()

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn SQLite's errors into dumbo's."""
        try:
            yield
        except _TROUBLE as error:
            self._explain(error)

    def _explain(self, error: Exception) -> NoReturn:
        if isinstance(error, sqlite3.ProgrammingError) and not self._closed:
            raise error  # a fault of dumbo's own, not of the store
        damaged = any(sign in str(error) for sign in ("malformed", "decode"))
        unusable = isinstance(error, sqlite3.OperationalError) and not damaged
        if unusable or self._closed:
            raise StoreUnavailableError(
                f"catalog {self.path}: {error}; check that the folder exists, is writable and has "
                "space, and that no other program holds the file"
            ) from error
        raise CorruptStoreError(
            f"catalog {self.path}: {error}; restore it from a copy, or move "
            "the store away to begin a new one"
        ) from error

    def _connect(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreUnavailableError(f"catalog {self.path}: it was closed; open the store again")
        if self._file is not None and self._is_replaced():
            # What is remembered of ids would be read into another file.
            raise StoreUnavailableError(
                f"catalog {self.path}: another file lies in its place, or none; open the store "
                "again to use what is there now"
            )
        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        with self._lock:
            self._drop_dead_threads()
            self._connections.append((weakref.ref(threading.current_thread()), connection))
        connection.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}")
        self._local.connection = connection
        return connection

    def _drop_dead_threads(self) -> None:
        for entry in tuple(self._connections):
            thread = entry[0]()
            if thread is None or not thread.is_alive():
                entry[1].close()
                self._connections.remove(entry)

    def _migrate(self, connection: sqlite3.Connection) -> None:
        if self._version(connection) == len(schema.MIGRATIONS):
            return
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Read again: another process may have been quicker.
            for number in range(self._version(connection), len(schema.MIGRATIONS)):
                for statement in schema.MIGRATIONS[number].split(";\n"):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS)}")
            connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise

    def _version(self, connection: sqlite3.Connection) -> int:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        if owner != schema.APPLICATION_ID and (version or self._has_tables(connection)):
            raise CorruptStoreError(
                f"catalog {self.path}: it is a database of another program; choose another folder "
                "with DUMBO_DIR, or move the file away"
            )
        if version > len(schema.MIGRATIONS):
            raise StoreFormatError(
                f"catalog {self.path}: its format is {version}, this dumbo reads up to "
                f"{len(schema.MIGRATIONS)}; upgrade dumbo, or choose another folder with DUMBO_DIR"
            )
        return int(version)

    @staticmethod
    def _has_tables(connection: sqlite3.Connection) -> bool:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return bool(tables)

    def _forget_connections(self) -> None:
        self._local = threading.local()
        self._lock = threading.Lock()
        self._writing = threading.RLock()
        self._connections: list[tuple[weakref.ref[threading.Thread], sqlite3.Connection]] = []

    def after_fork(self) -> None:
        """Leave the parent's connections alone; closing them here could undo its locks."""
        _ABANDONED.extend(connection for _, connection in self._connections)
        self._finalizer.detach()
        self._forget_connections()
        self._finalizer = weakref.finalize(self, _close_all, self._connections)
        for forget in self.on_fork:
            forget()


def _patiently(step: Callable[[], object]) -> None:
    """Try until nobody else holds the file: not every wait of SQLite's is under its timeout."""
    deadline = time.monotonic() + BUSY_SECONDS
    pause = 0.001
    while True:
        try:
            step()
        except sqlite3.OperationalError as error:
            # Python raises some of these itself, without a code.
            busy = getattr(error, "sqlite_errorcode", 0) & 0xFF in (
                sqlite3.SQLITE_BUSY,
                sqlite3.SQLITE_LOCKED,
            )
            if not busy or time.monotonic() > deadline:
                raise
        else:
            return
        time.sleep(pause)
        pause = min(2 * pause, 0.05)


def _close_all(
    connections: list[tuple[weakref.ref[threading.Thread], sqlite3.Connection]],
) -> None:
    while connections:
        connections.pop()[1].close()


def _after_fork() -> None:
    for database in tuple(_LIVE):
        database.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
