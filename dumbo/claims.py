"""One computation per CID at a time, within this process.

Law: waiting never deadlocks. A thread that holds one claim and would wait for a thread that, in
turn, waits for it, is let through: computing twice is waste, hanging is a bug. A thread may claim
again what it holds, so that endless recursion ends in Python's own RecursionError.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dumbo.forking import renewed
from dumbo.identity.cid import CID


class Claims:
    """Who computes what in this process."""

    def __init__(self) -> None:
        self.renew()
        renewed(self)

    def renew(self) -> None:
        """Begin with nothing claimed."""
        self._changed = threading.Condition(threading.Lock())
        self._owner: dict[CID, int] = {}
        self._waits_for: dict[int, CID] = {}

    @contextmanager
    def held(self, cid: CID) -> Iterator[bool]:
        """Wait until nobody else computes `cid`, then claim it.

        Yields
        ------
        bool
            False when the claim was given up to avoid a deadlock, or is already this thread's.
        """
        mine = self._take(cid)
        try:
            yield mine
        finally:
            if mine:
                with self._changed:
                    self._owner.pop(cid, None)
                    self._changed.notify_all()

    def _take(self, cid: CID) -> bool:
        me = threading.get_ident()
        with self._changed:
            while (owner := self._owner.get(cid)) is not None:
                if owner == me or self._would_deadlock(owner, me):
                    return False
                self._waits_for[me] = cid
                try:
                    self._changed.wait()
                finally:
                    del self._waits_for[me]
            self._owner[cid] = me
            return True

    def _would_deadlock(self, owner: int, me: int) -> bool:
        seen: set[int] = set()
        while owner not in seen:
            if owner == me:
                return True
            seen.add(owner)
            wanted = self._waits_for.get(owner)
            if wanted is None or wanted not in self._owner:
                return False
            owner = self._owner[wanted]
        return False
