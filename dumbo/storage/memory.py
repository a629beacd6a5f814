"""The memory tier: values in use, up to a number of bytes, least recently used out first.

Law: what leaves is told to the listener, outside the lock; a value larger than the whole tier is
not taken. A forked child has a lock of its own: its parent's may be held for ever.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from dumbo._typing import MISSING, Missing

DEFAULT_BYTES: Final = 512 * 1024 * 1024
_LIVE: Final[weakref.WeakSet[Memory]] = weakref.WeakSet()


class Memory:
    """Values by key, bounded in bytes.

    Parameters
    ----------
    max_bytes : int
        What all values together may take.
    evicted : callable, optional
        Called with key, value and bytes of each value that had to leave for another.

    Examples
    --------
    >>> memory = Memory(max_bytes=100)
    >>> memory.put("a", "x", 60), memory.put("b", "y", 60)
    (True, True)
    >>> memory.get("a"), memory.get("b"), memory.nbytes
    (MISSING, 'y', 60)
    """

    __slots__ = ("__weakref__", "_entries", "_evicted", "_lock", "_nbytes", "max_bytes")

    def __init__(
        self,
        max_bytes: int = DEFAULT_BYTES,
        evicted: Callable[[str, object, int], None] | None = None,
    ) -> None:
        self.max_bytes = max_bytes
        self._evicted = evicted
        self._entries: OrderedDict[str, tuple[object, int]] = OrderedDict()
        self._nbytes = 0
        self._lock = threading.Lock()
        _LIVE.add(self)

    @property
    def nbytes(self) -> int:
        """Bytes taken now."""
        return self._nbytes

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def put(self, key: str, value: object, nbytes: int) -> bool:
        """Take a value of `nbytes` bytes in; False if it is larger than the tier."""
        with self._lock:
            self._remove(key)
            fits = nbytes <= self.max_bytes
            if fits:
                self._entries[key] = (value, nbytes)
                self._nbytes += nbytes
            gone = self._make_room()
        # Values die, and listeners run, after the lock is free: both may come back here.
        for left, (old, size) in gone:
            if self._evicted is not None:
                self._evicted(left, old, size)
        return fits

    def get(self, key: str) -> object | Missing:
        """Return a value, which is then the most recently used; MISSING if it is not here."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return MISSING
            self._entries.move_to_end(key)
            return entry[0]

    def values(self) -> list[object]:
        """Return the values that are here, least recently used first."""
        with self._lock:
            return [value for value, _ in self._entries.values()]

    def drop(self, key: str) -> bool:
        """Let a value go; False if it was not here."""
        with self._lock:
            return self._remove(key) is not None

    def clear(self) -> None:
        """Let every value go."""
        with self._lock:
            gone, self._entries = self._entries, OrderedDict()
            self._nbytes = 0
        gone.clear()

    def after_fork(self) -> None:
        """Have a lock nobody holds."""
        self._lock = threading.Lock()

    def _remove(self, key: str) -> tuple[object, int] | None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._nbytes -= entry[1]
        return entry

    def _make_room(self) -> list[tuple[str, tuple[object, int]]]:
        gone = []
        while self._nbytes > self.max_bytes:
            key, entry = self._entries.popitem(last=False)
            self._nbytes -= entry[1]
            gone.append((key, entry))
        return gone


def _after_fork() -> None:
    for memory in tuple(_LIVE):
        memory.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
