"""Verdicts on records, by today's code and today's inputs.

Law: nothing is called fresh on the strength of an old look. A verdict is kept only while three
things stand still: the tracker's epoch (files, reloads, redefinitions), the versions known of any
CID, and the guards, which notice that a name was rebound in this process. The lock is held while
judging and while nothing else: no code of the user runs under it. Order of locks: a claim, then
the judge's, then the tracker's, then the catalog's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Protocol, TypeVar

from dumbo.code import Guards, Tracker, Unanswered, merged, notes_of
from dumbo.forking import renewed
from dumbo.graph.staleness import Sources, judge
from dumbo.identity.cid import CID, FunctionId
from dumbo.records import (
    FRESH,
    Dependency,
    Depset,
    Reason,
    ReasonKind,
    Record,
    Staleness,
    State,
)

Guard = Callable[[], bool]
_T = TypeVar("_T")


class Loaded(Protocol):
    """A function that is loaded in this process, and what its decorator declares now."""

    @property
    def plain(self) -> Callable[..., object]:
        """The user's function."""
        ...

    @property
    def declared(self) -> tuple[Dependency, ...]:
        """Declared dependencies, in their present version."""
        ...


LoadedOf = Callable[[FunctionId], Loaded | None]


class Known(Protocol):
    """What the judge asks of the catalog and the values."""

    def versions(self, cid: CID) -> tuple[Record, ...]:
        """Records of a CID, newest first."""
        ...

    def versions_from(self, newest: Mapping[CID, Record], cid: CID) -> Iterator[Record]:
        """As `versions`, where the newest of each CID are at hand."""
        ...

    def depset(self, key: str) -> Depset | None:
        """An interned depset."""
        ...

    def accepted(self, key: str) -> Iterable[Depset]:
        """Depsets that stand for one: it holds where one of them does."""
        ...

    def digest(self, record: Record, cid: CID) -> str:
        """Digest of `cid`, the record's own or an item of it; empty when it cannot be compared."""
        ...


class Stamp:
    """Identity of one span of time in which no verdict can have moved."""

    __slots__ = ()


def ignore_stamp(_: Stamp) -> None:
    """Nobody wants to know."""


class Judge:
    """Staleness of records, remembered while nothing moved."""

    def __init__(self, known: Known, tracker: Tracker, loaded_of: LoadedOf) -> None:
        self._known = known
        self._tracker = tracker
        self._loaded_of = loaded_of
        self._depsets: dict[str, Depset] = {}
        self._guards: dict[str, Guards] = {}
        self._memo: dict[int, Staleness] = {}
        self._reach: dict[int, frozenset[str]] = {}
        self._epoch = tracker.epoch
        self._lock = threading.RLock()
        self.stamp = Stamp()
        self.on_stamp: Callable[[Stamp], None] = ignore_stamp
        renewed(self)

    def renew(self) -> None:
        """Begin again in a forked child."""
        self._lock = threading.RLock()

    def refresh(self) -> None:
        """Look at everything again."""
        with self._lock:
            self._tracker.refresh()
            self._begin_epoch()

    def versions_moved(self) -> None:
        """Forget verdicts, not looks: a CID has another newest version."""
        with self._lock:
            # New ones: a walk that is under way goes on with its own, and is then done again.
            self._memo = {}
            self._reach = {}
            self.stamp = Stamp()
            self.on_stamp(self.stamp)

    def learn(self, depset: Depset) -> None:
        """Know a depset that is not in the catalog yet."""
        self._depsets[depset.key] = depset

    def depset(self, key: str) -> Depset | None:
        """An interned depset, committed or not."""
        return self._depsets.get(key) or self._known.depset(key)

    def notes(self, record: Record) -> tuple[str, ...]:
        """What was seen when the result was computed and no verdict rests on, in words."""
        depset = self.depset(record.depset)
        return () if depset is None else notes_of(depset)

    def verdict(self, record: Record) -> Staleness:
        """Whether `record` still holds."""
        return self._answered(partial(self._verdict, record))

    def verdicts(self, newest: Mapping[CID, Record]) -> dict[CID, Staleness]:
        """Verdicts on every CID, by the versions of it that hold, else by its newest.

        Parameters
        ----------
        newest : mapping of CID to Record
            The newest record of each, read at once: so nothing is looked up one by one.
        """
        return self._answered(partial(self._verdicts, newest))

    def warranty(
        self, record: Record, watch: Callable[[], bool] | None = None
    ) -> tuple[Guard, Stamp] | None:
        """A guard of everything the fresh `record` hangs on, and the stamp it holds under.

        None where the record does not hold, or hangs on something that has no guard. `watch` is
        asked besides. All of it is one look: what another thread changes meanwhile comes after.
        """
        return self._answered(partial(self._warranty, record, watch))

    def _answered(self, judged: Callable[[], _T]) -> _T:
        """Judge under the lock; declared callables, which are the user's code, are asked without.

        One that calls a memoized function may wait for a thread that needs this lock.
        """
        while True:
            try:
                with self._lock:
                    return judged()
            except Unanswered as asked:
                self._tracker.answer(asked.dependency)

    def _verdict(self, record: Record) -> Staleness:
        sources = Sources(self._own, self._known.versions, self._known.digest)
        while True:
            if self._tracker.epoch != self._epoch:
                self._begin_epoch()
            epoch = self._epoch
            found = self._memo.get(record.version)
            if found is None or not self._guards_hold(self.reach(record)):
                found = judge(record, sources, self._memo)
            # A guard that failed during the walk began a new epoch: what was reached is void.
            if self._tracker.epoch == epoch:
                if found.state is not State.FRESH:
                    self._forget_unfresh()
                return found

    def _verdicts(self, newest: Mapping[CID, Record]) -> dict[CID, Staleness]:
        sources = Sources(self._own, partial(self._known.versions_from, newest), self._known.digest)
        while True:
            if self._tracker.epoch != self._epoch:
                self._begin_epoch()
            self._guards_hold(tuple(self._guards))
            epoch = self._epoch
            found = {cid: self._best(cid, sources) for cid in newest}
            if self._tracker.epoch == epoch:
                self._forget_unfresh()
                return found

    def _best(self, cid: CID, sources: Sources) -> Staleness:
        first: Staleness | None = None
        for record in sources.versions(cid):
            verdict = self._memo.get(record.version)
            if verdict is None:
                verdict = judge(record, sources, self._memo)
            if verdict.state is State.FRESH:
                return verdict
            if first is None:
                first = verdict
        assert first is not None, "the newest record is among them"
        return first

    def _warranty(
        self, record: Record, watch: Callable[[], bool] | None
    ) -> tuple[Guard, Stamp] | None:
        if self._verdict(record).state is not State.FRESH:
            return None
        keys = sorted(self.reach(record))
        if any(key not in self._guards for key in keys):
            return None
        extra = ((watch, True),) if watch is not None else ()
        return merged([self._guards[key] for key in keys], extra).check, self.stamp

    def reach(self, record: Record) -> frozenset[str]:
        """Keys of the depsets of `record` and of everything upstream of it.

        Of each source that is the version the verdict rests on, which may be a later one with equal
        content rather than the one that was used.
        """
        known = self._reach.get(record.version)
        if known is not None:
            return known
        keys: set[str] = set()
        seen = {record.version}
        stack = [record]
        while stack:
            top = stack.pop()
            above = self._reach.get(top.version)
            if above is not None:
                keys |= above
                continue
            keys.add(top.depset)
            for edge in top.edges:
                if edge.source.is_external:
                    continue
                for source in self._rests_on(edge.source.parent):
                    if source.version not in seen:
                        seen.add(source.version)
                        stack.append(source)
        self._reach[record.version] = frozenset(keys)
        return self._reach[record.version]

    def _rests_on(self, cid: CID) -> tuple[Record, ...]:
        """The newest version of `cid` that holds; all of them where none is known to."""
        versions = self._known.versions(cid)
        for version in versions:
            if self._memo.get(version.version) == FRESH:
                return (version,)
        return versions

    def _forget_unfresh(self) -> None:
        """What does not hold is not guarded, and may come to hold again when a change is undone."""
        for version in [v for v, s in self._memo.items() if s.state is not State.FRESH]:
            del self._memo[version]

    def _begin_epoch(self) -> None:
        self._epoch = self._tracker.epoch
        self._guards.clear()
        self.versions_moved()

    def _guards_hold(self, keys: Iterable[str]) -> bool:
        for key in keys:
            guard = self._guards.get(key)
            if guard is not None and not guard():
                self.refresh()
                return False
        return True

    def _own(self, record: Record) -> Staleness:
        """Verdict of the record's depset alone."""
        if record.cid.is_external:
            return FRESH
        depset = self.depset(record.depset)
        if depset is None:
            detail = "its dependencies are not in this store"
            return Staleness(
                State.UNKNOWN, (Reason(ReasonKind.UNKNOWN, record.cid, detail=detail),)
            )
        self._guards_hold((depset.key,))
        loaded = self._loaded_of(record.function)
        verdict = self._verified(depset, loaded)
        holds = depset
        if verdict.state is not State.FRESH:
            for other in self._known.accepted(depset.key):
                if self._verified(other, loaded).state is State.FRESH:
                    verdict, holds = FRESH, other
                    break
        if depset.key not in self._guards and verdict.state is State.FRESH:
            plain, declared = (None, ()) if loaded is None else (loaded.plain, loaded.declared)
            guard = self._tracker.guards(plain, holds, declared)
            if guard is not None:
                self._guards[depset.key] = guard
        return verdict

    def _verified(self, depset: Depset, loaded: Loaded | None) -> Staleness:
        if loaded is None:
            return self._tracker.verify_known(depset)
        return self._tracker.verify_known(depset, loaded.plain, loaded.declared)
