"""What to do with a result that is stale, or that cannot be judged.

Law: pure. A policy is data; the decision carries its reason, so that a reused stale result can say
why it was reused. UNKNOWN is treated as the policy says for STALE, but is never called stale.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from dumbo.records import Staleness, State


@dataclass(frozen=True, slots=True)
class Recompute:
    """Compute again; with `if_under`, only when the last run took fewer seconds."""

    if_under: float | None = None


@dataclass(frozen=True, slots=True)
class Reuse:
    """Use the stale result and mark it."""


@dataclass(frozen=True, slots=True)
class Raise:
    """Raise `StaleResultError`."""


ReusePolicy: TypeAlias = Recompute | Reuse | Raise


@dataclass(frozen=True, slots=True)
class Policy:
    """What to do for the call the user made, and for calls made inside it."""

    direct: ReusePolicy = Recompute()
    indirect: ReusePolicy = Recompute()


class Action(StrEnum):
    """What the engine does."""

    REUSE = "reuse"
    RECOMPUTE = "recompute"
    RAISE = "raise"


@dataclass(frozen=True, slots=True)
class ReuseDecision:
    """What the engine does, and why."""

    action: Action
    reason: str


def decide_reuse(policy: ReusePolicy, staleness: Staleness, seconds: float) -> ReuseDecision:
    """Decide about a stored result that took `seconds` to compute.

    Examples
    --------
    >>> from dumbo.records import FRESH, Staleness, State
    >>> decide_reuse(Raise(), FRESH, 1.0).action
    <Action.REUSE: 'reuse'>
    >>> decide_reuse(Recompute(if_under=60), Staleness(State.STALE), 3600.0).reason
    'stale, reused: 3600 s to recompute, limit 60 s'
    """
    if staleness.state is State.FRESH:
        return ReuseDecision(Action.REUSE, "fresh")
    word = staleness.state.value
    if isinstance(policy, Reuse):
        return ReuseDecision(Action.REUSE, f"{word}, reused by policy")
    if isinstance(policy, Raise):
        return ReuseDecision(Action.RAISE, f"{word}, refused by policy")
    if policy.if_under is not None and seconds > policy.if_under:
        reason = f"{word}, reused: {seconds:.0f} s to recompute, limit {policy.if_under:g} s"
        return ReuseDecision(Action.REUSE, reason)
    return ReuseDecision(Action.RECOMPUTE, word)
