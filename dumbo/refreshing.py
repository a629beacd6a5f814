"""``dumbo.refresh(...)``: compute again what does not hold, from what its record says.

Law: a result is computed again only after what it was made from; where a call cannot be repeated
here the error names it and what to do, and nothing that was known is lost.
"""

from __future__ import annotations

from inspect import iscoroutinefunction

from dumbo.cutoff import Blocked
from dumbo.engine import Engine
from dumbo.entries import Entry
from dumbo.errors import ConfigurationError
from dumbo.identity.cid import CID
from dumbo.records import Record, State


class Refreshing:
    """Brings results of one session up to date."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def refresh(self, cid: CID, record: Record) -> Entry:
        """Give the result of `cid` as it is by today's code.

        Raises
        ------
        ConfigurationError
            A call upstream cannot be repeated: its function is not loaded, or its arguments are
            not on its record.
        """
        whole = cid.parent
        found = self._engine.lookup.find(whole)
        if found.entry is not None:
            return found.entry
        for step in self._engine.cutoff.steps_to(found.record or record):
            if isinstance(step, Blocked):
                raise ConfigurationError(f"dumbo.refresh({cid.short!r}): {step.why}")
            if iscoroutinefunction(step.target.plain):
                raise ConfigurationError(
                    f"dumbo.refresh({cid.short!r}): {step.record.call} is a call of an async "
                    "function; await its .recompute(...)"
                )
            self._engine.call(step.target, step.args, step.kwargs, recompute=True)
        entry = self._engine.lookup.find(whole).entry
        if entry is None:
            verdict = self._engine.judge.verdict(record)
            left = "holds, but is not kept" if verdict.state is State.FRESH else "does not hold"
            raise ConfigurationError(
                f"dumbo.refresh({cid.short!r}): the result {left}; call the function itself"
            )
        return entry
