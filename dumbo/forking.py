"""What a forked child has to make anew.

Law: a child of ``os.fork`` has one thread. Locks that other threads held at that moment will never
be released in it, and what they were doing will never be finished; so whoever owns a lock says how
to begin again. Objects are held weakly: being forkable keeps nothing alive.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
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


if hasattr(os, "register_at_fork"):  # where there is no fork there is nothing to renew
    os.register_at_fork(after_in_child=_renew)
