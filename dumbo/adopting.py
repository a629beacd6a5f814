"""Results of a function that was renamed or moved, taken over by what it is called now.

Law: a result is taken over only if its whole call is known again: its arguments are on record, and
under the old name they give exactly the old CID. What it hangs on is carried over to today's names
and judged like any other depset, so an adopted result is fresh only if the code still is the same.
The old records stay; nothing is computed and no value is loaded.
"""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

from dumbo.code import Tracker
from dumbo.errors import (
    ConfigurationError,
    CorruptStoreError,
    NotCachedError,
    UnidentifiableError,
    ValueLostError,
)
from dumbo.identity import CallIdentity, CallShape, encode_arguments
from dumbo.identity.cid import CID, FunctionId
from dumbo.judging import Judge, Loaded
from dumbo.recall import Recall
from dumbo.records import Dependency, Depset, Edge, EdgeKind, Record, State
from dumbo.storage import Store

logger = logging.getLogger("dumbo")
_BATCH: Final = 500
_NO_ARGUMENTS: Final = "its arguments are not on record"
_OTHER_CALL: Final = "its arguments do not give its CID under today's signature and options"
_NO_CODE: Final = "its own code is not among what it hangs on"
_LOST: Final = "an argument is a result that is not in the store any more"


class Successor(Loaded, Protocol):
    """A function that may take over the results of another."""

    @property
    def shape(self) -> CallShape:
        """All about its calls."""
        ...


@dataclass(frozen=True, slots=True)
class Adopted:
    """How many results were taken over, and why the others were not.

    Attributes
    ----------
    adopted : int
        Results (CIDs, whatever their number of versions) that count as the new function's now.
    already : int
        Results whose call the new function has results of; these were left as they are.
    refused : int
        Results that could not be taken over.
    followed : int
        Results of other functions of this process that are named anew, as the name of an argument
        changed.
    reasons : tuple of (str, int)
        Why they could not be, and how often.
    """

    adopted: int
    already: int
    refused: int
    followed: int = 0
    reasons: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        why = "".join(f"; {count}: {reason}" for reason, count in self.reasons)
        taken = f"{self.adopted} adopted, {self.followed} followed"
        return f"{taken}, {self.already} known already, {self.refused} not{why}"


class _RefusedError(Exception):
    """A result cannot be taken over."""


class Adopting:
    """Takes results over, in one store."""

    def __init__(self, store: Store, tracker: Tracker, judge: Judge, recall: Recall) -> None:
        self._catalog = store.catalog
        self._tracker = tracker
        self._judge = judge
        self._recall = recall
        self._numbers = itertools.count(-(1 << 61), -1)
        self._hints: dict[FunctionId, str] = {}

    # Taking over.

    def adopt(
        self, heir: Successor, old: FunctionId, live: Mapping[FunctionId, Successor]
    ) -> Adopted:
        """Make the results of `old` count as those of `heir`.

        Raises
        ------
        ConfigurationError
            `old` is no FunctionId, or that of a function which lives in this process.
        NotCachedError
            The store has no results of `old`.
        """
        self._check(heir, old, live)
        reasons: Counter[str] = Counter()
        # Oldest first: sources come before their users, where a function calls itself.
        cids = [r.cid for r in self._catalog.nodes(old) if not r.cid.path][::-1]
        moves = self._take(heir, old, cids, reasons)
        followed = self._follow(moves, live)
        self._judge.versions_moved()
        self._hints.pop(heir.shape.function_id, None)
        return Adopted(
            adopted=len(moves),
            already=len(cids) - len(moves) - reasons.total(),
            refused=reasons.total(),
            followed=followed,
            reasons=tuple(reasons.most_common()),
        )

    def _take(
        self, heir: Successor, old: FunctionId, cids: Iterable[CID], reasons: Counter[str]
    ) -> dict[CID, CID]:
        moves: dict[CID, CID] = {}
        for cid in cids:
            try:
                identity = self._renamed(heir, old, cid)
                if self._catalog.versions(identity.cid):
                    continue
                self._take_over(heir, old, cid, identity)
            except _RefusedError as refusal:
                reasons[str(refusal)] += 1
                continue
            moves[cid] = self._recall.moved[cid] = identity.cid
        self._catalog.note_moves(moves)
        return moves

    def _follow(self, moves: dict[CID, CID], live: Mapping[FunctionId, Successor]) -> int:
        """Name results anew whose arguments were taken over; how many there were."""
        followed = 0
        functions = live.keys() & set(self._catalog.functions()) if moves else set()
        while moves:
            found: dict[CID, CID] = {}
            for name in sorted(functions):
                users = [r.cid for r in self._catalog.nodes(name) if _takes_any(r, moves)]
                found |= self._take(live[name], name, users[::-1], Counter())
            moves = found
            followed += len(found)
        return followed

    def _check(self, heir: Successor, old: FunctionId, live: Iterable[FunctionId]) -> None:
        place = f"{heir.shape.function_id}.adopt({str(old)!r})"
        if not old.module or not old.qualname:
            raise ConfigurationError(
                f"{place}: not the id of a function; write 'module:qualname', the part of a CID "
                "before its #"
            )
        if old in live:
            raise ConfigurationError(
                f"{place}: a function of that id lives in this process, so its results are its "
                "own; delete it or give it another name first, or start a new process"
            )
        if next(iter(self._catalog.nodes(old, 1)), None) is None:
            known = ", ".join(self._catalog.functions()[:8]) or "none"
            raise NotCachedError(
                f"{place}: the store {self._catalog.path.parent} has no results of that function; "
                f"it has results of {known}"
            )

    def _renamed(self, heir: Successor, old: FunctionId, cid: CID) -> CallIdentity:
        """The call of `cid` as a call of `heir`, if it surely is the same."""
        record = self._catalog.record(cid)
        if record is None or not record.arguments:
            raise _RefusedError(_NO_ARGUMENTS)
        if self._identity(heir.shape.under(old), record, {}).cid != cid:
            raise _RefusedError(_OTHER_CALL)
        return self._identity(heir.shape, record, self._recall.moved)

    def _identity(self, shape: CallShape, record: Record, moved: dict[CID, CID]) -> CallIdentity:
        try:
            bound = self._recall.arguments(record, shape, moved)
            if bound is None:
                raise _RefusedError(_OTHER_CALL)
            return shape.identify(bound.args, bound.kwargs, sample=record.sample)
        except (ValueLostError, CorruptStoreError) as lost:
            raise _RefusedError(_LOST) from lost
        except (TypeError, UnidentifiableError) as misfit:
            raise _RefusedError(_OTHER_CALL) from misfit

    def _take_over(
        self, heir: Successor, old: FunctionId, cid: CID, identity: CallIdentity
    ) -> None:
        """Write every version of `cid` under its new name, oldest first."""
        depsets: dict[str, Depset] = {}
        records: list[Record] = []
        for record in reversed(self._catalog.versions(cid)):
            depset = self._carried(heir, old, record)
            depsets[depset.key] = depset
            records.append(
                replace(
                    record,
                    cid=identity.cid,
                    version=next(self._numbers),
                    function=heir.shape.function_id,
                    call=identity.text,
                    depset=depset.key,
                    edges=tuple(self._edge(edge, identity.cid) for edge in record.edges),
                    arguments=encode_arguments(identity.bound),
                    matched=identity.matched,
                )
            )
        for depset in depsets.values():
            self._judge.learn(depset)
        self._catalog.add(records, depsets.values())

    def _carried(self, heir: Successor, old: FunctionId, record: Record) -> Depset:
        """The record's depset by today's names: one that verifies, else the likeliest."""
        depset = self._judge.depset(record.depset)
        found = list(self._tracker.moved(depset, old, heir.plain)) if depset is not None else []
        if not found:
            raise _RefusedError(_NO_CODE)
        for candidate in found:
            verdict = self._tracker.verify(candidate, heir.plain, heir.declared)
            if verdict.state is State.FRESH:
                return candidate
        return found[0]

    def _edge(self, edge: Edge, target: CID) -> Edge:
        """The edge into `target`, from where its source counts now."""
        parent = edge.source.parent
        source = self._recall.moved.get(parent)
        if source is None:
            return replace(edge, target=target)
        used = next((r for r in self._catalog.versions(parent) if r.version == edge.version), None)
        same = (
            (r.version for r in self._catalog.versions(source) if _same_run(r, used))
            if used is not None
            else iter(())
        )
        return replace(
            edge, target=target, source=CID(source + edge.source.path), version=next(same, 0)
        )

    # Offering it.

    def hint(self, heir: Successor, live: Iterable[FunctionId]) -> str:
        """One line about results of equal code under a name that is gone; empty if there are none.

        Looked for once per function, and only if it has no results.
        """
        name = heir.shape.function_id
        known = self._hints.get(name)
        if known is None:
            self._hints[name] = known = self._look_for_twin(heir, live)
            if known:
                logger.info(known)
        return known

    def _look_for_twin(self, heir: Successor, live: Iterable[FunctionId]) -> str:
        if next(iter(self._catalog.nodes(heir.shape.function_id, 1)), None) is not None:
            return ""
        own = self._tracker.own_code(heir.plain)
        if own is None:
            return ""
        for twin in self._twins(own, set(live)):
            count = sum(1 for _ in self._catalog.nodes(twin))
            if count:
                return (
                    f"{heir.shape.function_id} has no results, and {twin}, which is gone, has "
                    f"equal code and {count}: {heir.plain.__name__}.adopt({str(twin)!r}) keeps them"
                )
        return ""

    def _twins(self, own: Dependency, live: set[FunctionId]) -> Iterator[FunctionId]:
        """Functions of equal code that are neither loaded nor in the source any more."""
        for module, name in self._catalog.functions_with_code(own.fingerprint):
            twin = FunctionId(f"{module}:{name}")
            there = replace(own, module=module, name=name, file="")
            if (module, name) == (own.module, own.name) or twin in live:
                continue
            if self._tracker.verify(Depset.of((there,))).state is not State.FRESH:
                yield twin


def _takes_any(record: Record, moves: Mapping[CID, CID]) -> bool:
    return any(e.kind is EdgeKind.INPUT and e.source.parent in moves for e in record.edges)


def _same_run(record: Record, other: Record) -> bool:
    return (record.created, record.digest) == (other.created, other.digest)
