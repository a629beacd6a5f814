"""Early cutoff: before a caller runs again, what it used is computed again, and may come out equal.

Law: nothing is run that the caller would not run. A function whose code and arguments stand, and
whose calls up to a stale one gave equal values, would make that call again with the same arguments;
so making it first wastes nothing, and where its digest is the old one the caller's result stands.

Method: verifying traces, A. Mokhov, N. Mitchell, S. Peyton Jones, "Build systems à la carte", 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from dumbo.errors import DumboError
from dumbo.graph.explain import causes
from dumbo.identity.cid import CID, FunctionId
from dumbo.judging import Judge
from dumbo.recall import Recall
from dumbo.records import EdgeKind, ReasonKind, Record, Staleness, State
from dumbo.targets import Target


@dataclass(frozen=True, slots=True)
class Step:
    """One call to make again."""

    target: Target
    record: Record
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


MayRepeat = Callable[[Target, Record, Staleness], bool]


class Cutoff:
    """Finds the calls to repeat before a result is given up."""

    def __init__(
        self, judge: Judge, recall: Recall, target_of: Callable[[FunctionId], Target | None]
    ) -> None:
        self._judge = judge
        self._recall = recall
        self._target_of = target_of

    def steps(self, record: Record, may_repeat: MayRepeat) -> Iterator[Step]:
        """Give the calls upstream of `record` to make again, sources before their users.

        Each is to be made before the next is asked for. Ends where `record` holds, where its own
        code or an argument moved, or where a call cannot be repeated or `may_repeat` refuses it.
        """
        stack = [record]
        met = {record.cid}
        while stack:
            top = stack[-1]
            verdict = self._standing(top)
            if verdict.state is State.FRESH:
                stack.pop()
                continue
            above = [self._version(cid) for cid in _stale_sources(verdict)]
            if any(source is None or source.cid in met for source in above):
                return
            if above and top is record and not _calls(record, verdict.path[0]):
                return  # it was handed in as an argument: the user made it, not this function
            if above:
                stack.extend(source for source in above if source is not None)
                met.update(source.cid for source in above if source is not None)
                continue
            stack.pop()
            step = self._repeat(top) if stack else None
            if step is None or not may_repeat(step.target, top, verdict):
                return
            yield step

    def _standing(self, record: Record) -> Staleness:
        """The verdict on `record`, or on a version of its CID that holds."""
        verdict = self._judge.verdict(record)
        if verdict.state is not State.FRESH:
            for version in self._recall.versions(record.cid):
                if self._judge.verdict(version).state is State.FRESH:
                    return self._judge.verdict(version)
        return verdict

    def _version(self, cid: CID) -> Record | None:
        return next(iter(self._recall.versions(cid.parent)), None)

    def _repeat(self, record: Record) -> Step | None:
        """The call of `record`, if it can be made again from what is recorded of it."""
        target = self._target_of(record.cid.function)
        if target is None or record.cid.is_external:
            return None
        try:
            bound = self._recall.arguments(record, target.shape)
            if bound is None:
                return None
            if target.shape.identify(bound.args, bound.kwargs).cid != record.cid:
                return None
        except (DumboError, TypeError):
            return None
        return Step(target, record, bound.args, bound.kwargs)


def _calls(record: Record, source: CID) -> bool:
    """Whether the body of `record` itself called for `source`."""
    return any(edge.kind is EdgeKind.CALL and edge.source == source for edge in record.edges)


def _stale_sources(verdict: Staleness) -> tuple[CID, ...]:
    """The results on the path of `verdict` that do not hold, the nearest first."""
    moved = causes(verdict)
    if moved and moved[0].kind is ReasonKind.INPUT:
        return verdict.path[:-1]  # the last one holds, and is what another one came out of
    return verdict.path
