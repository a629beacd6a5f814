"""The whole store at a glance: what holds, what does not, and why.

Law: every result is judged, none is loaded, nothing is run and nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dumbo.graph.explain import causes, one_cause
from dumbo.identity.cid import CID, FunctionId
from dumbo.judging import Judge
from dumbo.records import Record, Staleness, State
from dumbo.storage import Store

_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Judged:
    """One result that does not hold, or that cannot be judged.

    Attributes
    ----------
    cid : CID
    call : str
        The call as text.
    verdict : Staleness
    seconds : float
        What it took to compute, with its sub-calls.
    """

    cid: CID
    call: str
    verdict: Staleness
    seconds: float


@dataclass(frozen=True, slots=True)
class FunctionSurvey:
    """How the results of one function stand.

    Attributes
    ----------
    function : FunctionId
    fresh, stale, unknown : int
        Results (CIDs) in each state. A result is fresh if any of its versions holds.
    reasons : tuple of (str, int)
        Causes in words, with how many results each one spoils; the commonest first.
    """

    function: FunctionId
    fresh: int
    stale: int
    unknown: int
    reasons: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        counts = ((self.stale, "stale"), (self.unknown, "unknown"), (self.fresh, "fresh"))
        text = ", ".join(f"{n} {word}" for n, word in counts if n)
        lines = [f"{self.function}: {text}"]
        lines += [f"  {n} x {cause}" for cause, n in self.reasons[:_SHOWN]]
        if len(self.reasons) > _SHOWN:
            lines.append(f"  and {len(self.reasons) - _SHOWN} causes more")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Survey:
    """What ``dumbo.stale()`` gives: iterates over the results that do not hold.

    Attributes
    ----------
    functions : tuple of FunctionSurvey
        Those with something stale first.
    stale, unknown : tuple of Judged
    fresh : int
    """

    functions: tuple[FunctionSurvey, ...]
    stale: tuple[Judged, ...]
    unknown: tuple[Judged, ...]
    fresh: int

    def __iter__(self) -> Iterator[Judged]:
        yield from self.stale
        yield from self.unknown

    def __len__(self) -> int:
        """How many results do not hold or cannot be judged."""
        return len(self.stale) + len(self.unknown)

    def __str__(self) -> str:
        head = f"{len(self.stale)} stale, {len(self.unknown)} unknown, {self.fresh} fresh"
        return "\n".join((head, *map(str, self.functions)))


def survey(store: Store, judge: Judge) -> Survey:
    """Judge every result of the store."""
    newest = {record.cid: record for record in store.catalog.nodes()}
    verdicts = judge.verdicts(newest)
    counts: dict[FunctionId, Counter[State]] = {}
    reasons: dict[FunctionId, Counter[str]] = {}
    found: dict[State, list[Judged]] = {State.STALE: [], State.UNKNOWN: []}
    for cid, record in newest.items():
        verdict = verdicts[cid]
        counts.setdefault(record.function, Counter())[verdict.state] += 1
        told = reasons.setdefault(record.function, Counter())
        if verdict.state is not State.FRESH:
            found[verdict.state].append(_judged(record, verdict))
            told.update({one_cause(reason) for reason in causes(verdict)})
    rows = [
        FunctionSurvey(
            function,
            states[State.FRESH],
            states[State.STALE],
            states[State.UNKNOWN],
            tuple(reasons[function].most_common()),
        )
        for function, states in counts.items()
    ]
    rows.sort(key=lambda row: (-row.stale, -row.unknown, row.function))
    fresh = sum(row.fresh for row in rows)
    return Survey(tuple(rows), tuple(found[State.STALE]), tuple(found[State.UNKNOWN]), fresh)


def _judged(record: Record, verdict: Staleness) -> Judged:
    return Judged(record.cid, record.call, verdict, record.total_seconds)
