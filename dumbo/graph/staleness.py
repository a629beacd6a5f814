"""Is a result still true? A pure walk over records.

Law: no clock, no disk, no import, no value. What a record's own dependencies say comes in as a
function; the walk adds what its inputs say. It is iterative: a chain of a million results is a
loop, not a recursion. A verdict is reached once per version and kept in the memo the caller owns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass

from dumbo.identity.cid import CID
from dumbo.records import FRESH, Edge, Reason, ReasonKind, Record, Staleness, State

Own = Callable[[Record], Staleness]
Versions = Callable[[CID], Iterable[Record]]
DigestOf = Callable[[Record, CID], str]
Memo = MutableMapping[int, Staleness]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the walk reads its facts.

    Attributes
    ----------
    own : callable
        Verdict of a record's depset alone.
    versions : callable
        Records of a CID, newest first; for an item, those of the whole result; for an external,
        one record with the digest of its value today.
    digest_of : callable
        Digest of a CID (a result or an item of it) in one version.
    """

    own: Own
    versions: Versions
    digest_of: DigestOf


def judge(record: Record, sources: Sources, memo: Memo) -> Staleness:
    """Return the verdict on `record`; fills `memo` for everything upstream it had to judge.

    Raises
    ------
    RecursionError
        Never: the walk keeps its own stack.
    """
    stack = [_walk(record, sources, memo)]
    pending = {record.version}
    while stack:
        needed = next(stack[-1], None)
        if needed is None:
            stack.pop()
        elif needed.version not in memo and needed.version not in pending:
            pending.add(needed.version)
            stack.append(_walk(needed, sources, memo))
    return memo[record.version]


def _walk(record: Record, sources: Sources, memo: Memo) -> Iterator[Record]:
    """Judge one record, yielding each record whose verdict is needed first."""
    verdict = sources.own(record)
    if verdict.state is not State.STALE:
        for edge in record.edges:
            current: Record | None = None
            refused: Record | None = None
            for candidate in sources.versions(edge.source.parent):
                yield candidate
                # A record met again on its own path cannot make itself stale.
                if memo.get(candidate.version, FRESH).state is State.FRESH:
                    current = candidate
                    break
                if refused is None or candidate.version == edge.version:
                    refused = candidate
            verdict = _worse(verdict, _judge_edge(edge, current, refused, sources, memo))
            if verdict.state is State.STALE:
                break
    memo[record.version] = verdict


def _worse(one: Staleness, other: Staleness) -> Staleness:
    order = (State.FRESH, State.UNKNOWN, State.STALE)
    return other if order.index(other.state) > order.index(one.state) else one


def _judge_edge(
    edge: Edge, current: Record | None, refused: Record | None, sources: Sources, memo: Memo
) -> Staleness:
    """Compare the source as it was used with the source as it is."""
    if current is None:
        return _no_fresh_version(edge, refused, memo)
    same_version = current.version == edge.version
    # A digest is asked for only where there is one to compare with: taking it may cost a hash.
    digest = sources.digest_of(current, edge.source) if edge.digest else ""
    if same_version and (not digest or digest == edge.digest):
        return FRESH
    if digest and digest == edge.digest:
        return FRESH  # early cutoff: computed again, equal content
    detail = (
        "same version, other content: the function is not deterministic"
        if same_version
        else "has another value now"
    )
    reason = Reason(
        ReasonKind.INPUT, edge.source, before=edge.digest, after=digest, by=edge.role, detail=detail
    )
    return Staleness(State.STALE, (reason,), (edge.source,))


def _no_fresh_version(edge: Edge, refused: Record | None, memo: Memo) -> Staleness:
    if refused is None:
        reason = Reason(
            ReasonKind.UNKNOWN, edge.source, by=edge.role, detail="its record is not in this store"
        )
        return Staleness(State.UNKNOWN, (reason,), (edge.source,))
    upstream = memo[refused.version]
    path = (edge.source, *upstream.path)
    if upstream.state is State.UNKNOWN:
        return Staleness(State.UNKNOWN, upstream.reasons, path)
    marker = Reason(ReasonKind.UPSTREAM, edge.source, by=edge.role)
    return Staleness(State.STALE, (marker, *upstream.reasons), path)
