"""What a ``with`` block changes for the calls inside it: ``dumbo.recompute()``.

Law: an override holds in its thread or task only, and ends with its block whatever happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from dumbo.live import LIVE
from dumbo.policy import Policy

_recomputing: ContextVar[bool] = ContextVar("dumbo_recomputing", default=False)
_policy: ContextVar[Policy | None] = ContextVar("dumbo_policy", default=None)


def recomputing() -> bool:
    """Whether the call has to run whatever is known."""
    return _recomputing.get()


def policy() -> Policy | None:
    """The policy of the innermost ``with dumbo.policy(...)``."""
    return _policy.get()


@contextmanager
def recompute() -> Iterator[None]:
    """Run every memoized call of the block, those made inside others too, and keep the results."""
    token = _recomputing.set(True)
    try:
        with LIVE.held():
            yield
    finally:
        _recomputing.reset(token)


@contextmanager
def with_policy(chosen: Policy) -> Iterator[None]:
    """Use `chosen` for stale results in the block."""
    token = _policy.set(chosen)
    try:
        with LIVE.held():
            yield
    finally:
        _policy.reset(token)
