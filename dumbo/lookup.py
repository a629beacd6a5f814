"""Look up and verify: memory first, then the catalog; the newest version that holds wins.

Law: what is given was judged just now, and its bytes are there as they were written. Trouble with
the store is a warning and a miss, never an exception.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary, ref

from dumbo.entries import Entry
from dumbo.errors import ValueLostError
from dumbo.events import EventKind
from dumbo.identity.cid import CID, FunctionId
from dumbo.judging import Judge
from dumbo.keeping import STORE_TROUBLE, Keeping
from dumbo.proxy import Returns
from dumbo.recall import Recall
from dumbo.records import FRESH, Record, Staleness, State
from dumbo.storage import Store
from dumbo.targets import Target
from dumbo.telling import Telling


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up gave: an entry that may be used, or the newest version and what is wrong."""

    entry: Entry | None = None
    record: Record | None = None
    verdict: Staleness = FRESH


NOTHING: Final = Found()


class Lookup:
    """Results of one session, by CID."""

    def __init__(  # noqa: PLR0913, PLR0917  # the engine hands over each of its parts
        self,
        store: Store,
        judge: Judge,
        recall: Recall,
        keeping: Keeping,
        telling: Telling,
        targets: WeakValueDictionary[FunctionId, Target],
        returns: Returns,
    ) -> None:
        self._store = store
        self._judge = judge
        self._recall = recall
        self._keeping = keeping
        self._telling = telling
        self._targets = targets
        self._returns = returns

    def find(self, cid: CID, target: Target | None = None, *, any_state: bool = False) -> Found:
        """Look `cid` up in memory, then in the catalog.

        With `any_state` the newest version with a value is good enough, whatever its verdict.
        """
        target = target or self._targets.get(cid.parent.function)
        best = NOTHING
        entry = self.held(cid)
        if entry is not None and self._unspoilt(entry):
            verdict = self._judge.verdict(entry.record)
            if verdict.state is State.FRESH or any_state:
                return Found(entry, entry.record, verdict)
            best = Found(None, entry.record, verdict)
        try:
            for record in self._store.catalog.versions(cid):
                verdict = self._judge.verdict(record)
                if best.record is None:
                    best = Found(None, record, verdict)
                usable = verdict.state is State.FRESH or any_state
                if usable and record.stored is not None and self._present(record):
                    return Found(self._remember(target, record), record, verdict)
        except STORE_TROUBLE as trouble:
            self._keeping.warn(cid.short, trouble)
        return best

    def held(self, cid: CID) -> Entry | None:
        """The entry of `cid` in the memory tier."""
        entry = self._store.memory.get(cid)
        return entry if isinstance(entry, Entry) else None

    def hold(self, entry: Entry) -> None:
        """Take an entry into the memory tier."""
        record = entry.record
        entry.trace.node = ref(entry.node)
        self._recall.traces[record.cid] = entry.trace
        stored = record.stored
        mapped = stored is not None and self._store.values.is_mapped(stored)
        self._store.memory.put(record.cid, entry, 1 if mapped else max(record.nbytes, 1))

    def forget(self, cid: CID) -> None:
        """Drop what memory knows of a CID."""
        entry = self.held(cid)
        if entry is not None:
            entry.shortcut.close()
            self._store.memory.drop(cid)
        self._recall.traces.pop(cid, None)
        self._judge.versions_moved()

    def returns_of(self, target: Target | None) -> Returns:
        """The kind of carrier a function's results come in."""
        return (target.returns if target is not None else None) or self._returns

    def _remember(self, target: Target | None, record: Record) -> Entry:
        entry = self._recall.entry(record, self.returns_of(target))
        self.hold(entry)
        return entry

    def _present(self, record: Record) -> bool:
        """Whether the bytes are there and as they were written; a miss with a warning if not."""
        assert record.stored is not None
        try:
            self._store.values.check(record.stored)
        except ValueLostError as lost:
            self._keeping.warn(record.call, lost)
            return False
        return True

    def _unspoilt(self, entry: Entry) -> bool:
        """Whether nobody changed the value in memory behind its carrier's back."""
        if entry.is_unspoilt():
            return True
        self.forget(entry.record.cid)
        self._telling.tell(EventKind.EVICTED, entry.record, "its value was changed in place")
        return False
