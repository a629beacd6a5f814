"""Is a value worth keeping? Seconds it would save against seconds it costs to write and read.

Law: pure; what was measured comes in as numbers, what was decided goes out with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MARGIN: Final = 2.0
"""A value must save this many times what storing it costs: the second use is not certain."""


class Keep(StrEnum):
    """What the user asked for."""

    AUTO = "auto"
    ALWAYS = "always"
    MEMORY = "memory"
    NEVER = "never"


class Place(StrEnum):
    """Where a value goes."""

    STORE = "store"
    MEMORY = "memory"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Speed:
    """What this store was measured to do.

    Attributes
    ----------
    write, read : float
        Bytes per second.
    overhead : float
        Seconds per stored value, whatever its size: record, edges, transaction.
    look_up : float
        Seconds per hit, whatever its size.
    """

    write: float = 500e6
    read: float = 2e9
    overhead: float = 400e-6
    look_up: float = 200e-6

    def cost(self, nbytes: int) -> float:
        """Seconds to write and once read back `nbytes`."""
        return self.overhead + self.look_up + nbytes / self.write + nbytes / self.read


@dataclass(frozen=True, slots=True)
class KeepDecision:
    """Where a value goes, and why."""

    place: Place
    reason: str


def decide_keep(keep: Keep, saving: float, nbytes: int, speed: Speed) -> KeepDecision:
    """Decide where a value of `nbytes` goes, that would take `saving` seconds to have again.

    Examples
    --------
    >>> decide_keep(Keep.AUTO, 2.0, 4_000_000, Speed()).place
    <Place.STORE: 'store'>
    >>> decide_keep(Keep.AUTO, 1e-5, 28, Speed())
    KeepDecision(place=<Place.MEMORY: 'memory'>, reason='1e-05 s to compute, 0.0006 s to store')
    """
    if keep is Keep.ALWAYS:
        return KeepDecision(Place.STORE, "keep='always'")
    if keep is Keep.MEMORY:
        return KeepDecision(Place.MEMORY, "keep='memory'")
    if keep is Keep.NEVER:
        return KeepDecision(Place.NOWHERE, "keep='never'")
    cost = speed.cost(nbytes)
    place = Place.STORE if saving > MARGIN * cost else Place.MEMORY
    return KeepDecision(place, f"{saving:.1g} s to compute, {cost:.1g} s to store")
