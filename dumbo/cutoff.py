"""Early cutoff: before a caller runs again, what it used is computed again, and may come out equal.

Law: nothing is run that the caller would not run. A function whose code and arguments stand, and
whose calls up to a stale one gave equal values, would make that call again with the same arguments;
so making it first wastes nothing, and where its digest is the old one the caller's result stands.

Method: verifying traces, A. Mokhov, N. Mitchell, S. Peyton Jones, "Build systems à la carte", 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dumbo.errors import DumboError, ValueLostError
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


@dataclass(frozen=True, slots=True)
class Blocked:
    """A call that cannot be made again here, and why."""

    record: Record
    why: str


MayRepeat = Callable[[Target, Record, Staleness], bool]


class Cutoff:
    """Finds the calls to repeat before a result is given up, or to bring one up to date."""

    def __init__(
        self, judge: Judge, recall: Recall, target_of: Callable[[FunctionId], Target | None]
    ) -> None:
        self._judge = judge
        self._recall = recall
        self._target_of = target_of

    def steps(self, record: Record, may_repeat: MayRepeat) -> Iterator[Step]:
        """Give the calls made by `record` to make again, sources before their users.

        Each is to be made before the next is asked for. Ends where `record` holds, where its own
        code or an argument moved, or where a call cannot be repeated or `may_repeat` refuses it.
        """
        verdict = self._judge.verdict(record)
        if not verdict.path or not _calls(record, verdict.path[0]):
            return  # an argument was handed in: the user made it, not this function
        for step in self.steps_to(record):
            if isinstance(step, Blocked) or step.record is record:
                return
            if not may_repeat(step.target, step.record, self._judge.verdict(step.record)):
                return
            yield step

    def steps_to(self, record: Record) -> Iterator[Step | Blocked]:
        """Give every call to make again so that `record` holds, itself the last.

        Where one cannot be made again that is said, and is the end.
        """
        stack = [record]
        met = {record.cid}
        while stack:
            top = stack[-1]
            verdict = self._standing(top)
            above: list[Record] = []
            if verdict.state is not State.FRESH:
                for cid in _stale_sources(verdict):
                    source = next(iter(self._recall.versions(cid.parent)), None)
                    if source is None:
                        yield Blocked(top, f"what it used, {cid.short}, is not in this store")
                        return
                    if source.cid in met:
                        yield Blocked(top, f"{cid.short} does not hold though it was made again")
                        return
                    met.add(source.cid)
                    above.append(source)
            if above:
                stack.extend(above)
                continue
            stack.pop()
            if verdict.state is not State.FRESH:
                step = self._repeat(top)
                yield step
                if isinstance(step, Blocked):
                    return

    def _standing(self, record: Record) -> Staleness:
        """The verdict on `record`, or on a version of its CID that holds."""
        verdict = self._judge.verdict(record)
        if verdict.state is not State.FRESH:
            for version in self._recall.versions(record.cid):
                if self._judge.verdict(version).state is State.FRESH:
                    return self._judge.verdict(version)
        return verdict

    def _repeat(self, record: Record) -> Step | Blocked:
        """The call of `record`, as it can be made again from what is recorded of it."""
        function = record.cid.function
        target = self._target_of(function)
        if target is None:
            return Blocked(record, f"{function} is not loaded in this process; import it first")
        try:
            bound = self._recall.arguments(record, target.shape, best=self._best)
            if bound is None:
                return Blocked(
                    record,
                    f"the arguments of {record.call} are not on its record (only plain values and "
                    "results are); make the call, or its .recompute(...)",
                )
            if target.shape.identify(bound.args, bound.kwargs).cid != record.cid:
                return Blocked(record, f"{record.call} is another call by today's signature")
        except (DumboError, TypeError) as error:
            return Blocked(record, f"{record.call} cannot be made again: {error}")
        return Step(target, record, bound.args, bound.kwargs)

    def _best(self, versions: Sequence[Record]) -> Record:
        """The version that holds, else the newest."""
        holding = (v for v in versions if self._judge.verdict(v).state is State.FRESH)
        best = next(holding, versions[0])
        if best.stored is None and not self._recall.is_at_hand(best):
            # It would be computed again for it, and need not come out as it was.
            raise ValueLostError(f"its argument {best.call} was not kept")
        return best


def _calls(record: Record, source: CID) -> bool:
    """Whether the body of `record` itself called for `source`."""
    return any(edge.kind is EdgeKind.CALL and edge.source == source for edge in record.edges)


def _stale_sources(verdict: Staleness) -> tuple[CID, ...]:
    """The results on the path of `verdict` that do not hold, the nearest first."""
    moved = causes(verdict)
    if moved and moved[0].kind is ReasonKind.INPUT:
        return verdict.path[:-1]  # the last one holds, and is what another one came out of
    return verdict.path
