"""Decisions, each with its reason: whether to keep a value, whether to reuse a result.

Law: pure functions of their arguments; no clock, no disk, no session.
"""

from dumbo.policy.keep import Keep, KeepDecision, Place, Speed, decide_keep
from dumbo.policy.reuse import (
    Action,
    Policy,
    Raise,
    Recompute,
    Reuse,
    ReuseDecision,
    ReusePolicy,
    decide_reuse,
)

__all__ = [
    "Action",
    "Keep",
    "KeepDecision",
    "Place",
    "Policy",
    "Raise",
    "Recompute",
    "Reuse",
    "ReuseDecision",
    "ReusePolicy",
    "Speed",
    "decide_keep",
    "decide_reuse",
]
