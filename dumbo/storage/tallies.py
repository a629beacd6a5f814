"""What a hit would like to write: counts and stamps, kept in memory until something is written.

Law: a hit never writes. Buffers go along with the next transaction, or when the catalog is asked
for totals, closed or left at exit; a kill loses counts, never results. A forked child starts with
empty ones, so nothing is counted twice.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref

from dumbo.errors import StoreError
from dumbo.storage.base import Stamp
from dumbo.storage.database import Database


class Buffers:
    """Counts and stamps that are not written yet."""

    __slots__ = ("__weakref__", "_counts", "_lock", "stamps")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], tuple[int, float]] = {}
        self.stamps: dict[str, Stamp] = {}

    def __bool__(self) -> bool:
        return bool(self._counts or self.stamps)

    def count(self, key: tuple[str, str], n: int, seconds: float) -> None:
        """Count on."""
        with self._lock:
            counted, so_far = self._counts.get(key, (0, 0.0))
            self._counts[key] = (counted + n, so_far + seconds)

    def write(self, connection: sqlite3.Connection) -> None:
        """Write and forget everything, inside an open transaction."""
        if not self:
            return
        with self._lock:
            counts, self._counts = self._counts, {}
            stamps, self.stamps = self.stamps, {}
        connection.executemany(
            "INSERT INTO tally VALUES (?, ?, ?, ?) ON CONFLICT(kind, function)"
            " DO UPDATE SET n = n + excluded.n, seconds = seconds + excluded.seconds",
            [(*key, *value) for key, value in counts.items()],
        )
        connection.executemany(
            "INSERT OR REPLACE INTO stamp VALUES (?, ?, ?, ?, ?)",
            [(bytes.fromhex(n), s.size, s.mtime_ns, s.ctime_ns, s.boot) for n, s in stamps.items()],
        )


class Tallies:
    """The catalog's face towards statistics."""

    _database: Database

    def _begin_tallies(self) -> None:
        self._buffers = Buffers()
        self._database.on_fork.append(self._buffers.clear)
        # Made after the database's own, so at exit it runs before the connections close.
        self._flush_at_exit = weakref.finalize(self, _flush, self._database, self._buffers)

    def count(self, kind: str, function: str, seconds: float = 0.0, n: int = 1) -> None:
        """Count something without writing.

        Parameters
        ----------
        kind : str
            What is counted: ``hits``, ``misses``.
        function : str
            Whose.
        seconds : float
            Saved, or spent.
        n : int
            How often.
        """
        self._buffers.count((kind, function), n, seconds)

    def flush(self) -> None:
        """Write counts and stamps now."""
        _flush(self._database, self._buffers)

    def totals(self) -> dict[tuple[str, str], tuple[int, float]]:
        """Return count and seconds by kind and function, of all processes that have flushed."""
        self.flush()
        rows = self._database.read("SELECT kind, function, n, seconds FROM tally")
        return {(row[0], row[1]): (int(row[2]), float(row[3])) for row in rows}


def _flush(database: Database, buffers: Buffers) -> None:
    if not buffers or database.is_closed:
        return
    try:
        with database.write() as connection:
            buffers.write(connection)
    except StoreError:
        # Counts are worth no error: the store may be read-only, full, or gone at exit.
        buffers.clear()
