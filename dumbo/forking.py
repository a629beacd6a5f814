"""What a forked child has to make anew.

Law: a child of ``os.fork`` has one thread. Locks that other threads held at that moment will never
be released in it, and what they were doing will never be finished; so whoever owns a lock says how
to begin again. Objects are held weakly: being forkable keeps nothing alive.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable
from threading import get_ident
from typing import Final, Protocol


class Renewable(Protocol):
    """An owner of locks."""

    def renew(self) -> None:
        """Begin again in a child that has one thread."""
        ...


_owners: Final[weakref.WeakSet[Renewable]] = weakref.WeakSet()
_functions: Final[list[Callable[[], None]]] = []


def renewed(owner: Renewable) -> None:
    """Have ``owner.renew()`` called in every forked child, as long as it lives."""
    _owners.add(owner)


def renewing(function: Callable[[], None]) -> Callable[[], None]:
    """Have a function of a module called in every forked child."""
    _functions.append(function)
    return function


def _renew() -> None:
    for function in _functions:
        function()
    for owner in tuple(_owners):
        owner.renew()


class Gate:
    """Passed by every call into a C library that a fork must not cut in two.

    SQLite keeps who locks what in the memory of the process, and mutexes of its own; copied in the
    middle of another thread's call they would stay locked in the child for ever. So a fork waits
    until nobody is inside, and lets nobody in until it is done.
    """

    def __init__(self) -> None:
        self._inside: dict[int, int] = {}
        self._forking: set[int] = set()

    def __enter__(self) -> None:
        me = get_ident()
        inside = self._inside.get(me, 0)
        self._inside[me] = inside + 1
        # The mark comes before the look, so that whoever forks sees it or is seen.
        while not inside and self._forking and me not in self._forking:
            self._inside[me] = 0
            time.sleep(_PAUSE)
            self._inside[me] = 1

    def __exit__(self, *_: object) -> None:
        me = get_ident()
        left = self._inside[me] - 1
        if left:
            self._inside[me] = left
        else:
            del self._inside[me]

    def shut(self) -> None:
        """Wait until nobody else is inside, and let nobody in; not for ever."""
        me = get_ident()
        self._forking.add(me)
        deadline = time.monotonic() + _LONGEST
        while time.monotonic() < deadline:
            if not any(n for thread, n in tuple(self._inside.items()) if thread != me):
                return
            time.sleep(_PAUSE)

    def open(self) -> None:
        """Let everybody in again, unless another thread forks too."""
        self._forking.discard(get_ident())

    def renew(self) -> None:
        """In the child the thread that forked is the only one."""
        me = get_ident()
        inside = self._inside.get(me, 0)
        self._inside = {me: inside} if inside else {}
        self._forking = set()


_PAUSE: Final = 0.0005
_LONGEST: Final = 5.0
GATE: Final = Gate()
renewed(GATE)
if hasattr(os, "register_at_fork"):  # where there is no fork there is nothing to renew
    os.register_at_fork(before=GATE.shut, after_in_parent=GATE.open, after_in_child=_renew)
