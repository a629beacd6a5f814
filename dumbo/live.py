"""The one word the warm path reads: which stamp is current in this process, if any.

Law: `LIVE.stamp` is the default session's stamp while nothing special is going on, and None while
anything is: a memoized call running (sub-calls must be noted), somebody listening to events,
another session or policy in force. The warm path compares one identity and need not know why.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from dumbo.forking import renewed


class Live:
    """The current stamp, and how many reasons there are to hold it back."""

    __slots__ = ("__weakref__", "_current", "_holds", "_lock", "stamp")

    def __init__(self) -> None:
        self.stamp: object | None = None
        self._current: object | None = None
        self._holds = 0
        self._lock = threading.Lock()
        renewed(self)

    def renew(self) -> None:
        """Begin again in a forked child; what other threads held there stays held, at worst."""
        self._lock = threading.Lock()

    def publish(self, stamp: object | None) -> None:
        """Make `stamp` the current one."""
        with self._lock:
            self._current = stamp
            self.stamp = None if self._holds else stamp

    @property
    def is_held(self) -> bool:
        """Whether every call goes the long way now."""
        return self._holds > 0

    def hold(self) -> None:
        """Send every call the long way until `release`."""
        with self._lock:
            self._holds += 1
            self.stamp = None

    def release(self) -> None:
        """Take one `hold` back."""
        with self._lock:
            self._holds -= 1
            if not self._holds:
                self.stamp = self._current

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold for a ``with`` block.

        A task started inside the block keeps its context after it ends, so under a running event
        loop the hold is never taken back: a slower answer, where the fast one could be another's.
        """
        self.hold()
        try:
            yield
        finally:
            asyncio = sys.modules.get("asyncio")
            if asyncio is None or asyncio._get_running_loop() is None:  # noqa: SLF001  # asks, raises nothing
                self.release()


LIVE: Final = Live()
