"""What happens to a fresh result: kept or not, and its provenance with it.

Law: the user's value is never lost to the store's trouble: whatever fails here becomes a warning
and an event, and the result lives on in memory. Records of results that were not kept are written
when a kept result depends on them, in its transaction.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from dumbo import callers
from dumbo.errors import (
    StoreError,
    StoreWarning,
    UncacheableError,
    UntrustedValueError,
    ValueLostError,
)
from dumbo.events import Event, EventKind, Events
from dumbo.forking import renewed
from dumbo.frames import Trace
from dumbo.judging import Judge
from dumbo.policy import Keep, Place, Speed, decide_keep
from dumbo.proxy import Node
from dumbo.recall import Recall
from dumbo.records import Depset, Edge, EdgeKind, Record
from dumbo.storage import Store

STORE_TROUBLE: Final = (StoreError, OSError, sqlite3.Error)
_LARGE: Final = 1 << 20
_SMOOTHING: Final = 0.2
_TOLD: Final = 1024
_SLOWEST: Final = 0.002
"""Seconds above which one small write is a stall of the machine, not this store's speed."""


class Keeping:
    """Decides about fresh results of one session and writes the kept ones."""

    def __init__(self, store: Store, judge: Judge, recall: Recall, events: Events) -> None:
        self._store = store
        self._judge = judge
        self._recall = recall
        self._events = events
        self._speed = Speed()
        self._warned: set[str] = set()
        # Two threads may share an uncommitted source: only one may give it its number.
        self._committing = threading.RLock()
        renewed(self)

    def renew(self) -> None:
        """Begin again in a forked child."""
        self._committing = threading.RLock()

    def settle(self, trace: Trace, node: Node, keep: Keep) -> Place:
        """Decide about the result in `node`; afterwards `trace` and `node` have its record."""
        record = trace.record
        value = node.value
        nbytes = self._size(value)
        # To compute it again, the results it was made from would have to be looked up and loaded.
        inputs = sum(edge.kind is EdgeKind.INPUT for edge in record.edges)
        saving = trace.saving + inputs * self._speed.look_up
        decision = decide_keep(keep, saving, nbytes, self._speed)
        trace.record = node.record = replace(record, nbytes=nbytes, reason=decision.reason)
        if decision.place is not Place.STORE:
            self._skipped(trace.record, decision.reason)
            return decision.place
        try:
            self.write(trace, node)
        except (UncacheableError, UntrustedValueError) as refusal:
            trace.record = node.record = replace(trace.record, reason=str(refusal))
            self._skipped(trace.record, str(refusal))
        except Exception as trouble:  # noqa: BLE001  # whatever it is, the user's value comes first
            trace.record = node.record = replace(trace.record, stored=None, digest="")
            self.warn(record.call, trouble)
            self._skipped(trace.record, f"store failed: {trouble}")
        return Place.MEMORY if trace.record.stored is None else Place.STORE

    def write(self, trace: Trace, node: Node) -> None:
        """Store the value and commit its record with those of what it hangs on.

        Raises
        ------
        UncacheableError, UntrustedValueError
            The value cannot be kept.
        StoreError, OSError, sqlite3.Error
            The store failed; nothing of this result is in it.
        """
        started = time.perf_counter()
        stored = self._store.values.store(node.value)
        elapsed = time.perf_counter() - started
        trace.record = node.record = replace(
            trace.record,
            stored=stored,
            digest=stored.digest,
            type=str(stored.meta.get("type", trace.record.type)),
            meta=stored.meta,
            nbytes=stored.nbytes,
        )
        self.commit(trace)
        node.record = trace.record
        self._measure(stored.nbytes, elapsed, time.perf_counter() - started)
        self._events.emit(
            Event(
                EventKind.STORED,
                trace.record.cid,
                trace.record.call,
                reason=trace.record.reason,
                nbytes=stored.nbytes,
            )
        )

    def _size(self, value: object) -> int:
        """Estimated bytes of a value; 0 where its own methods do not tell."""
        try:
            return self._store.values.nbytes(value)
        except Exception:  # noqa: BLE001  # __sizeof__ and the like are the user's code
            return 0

    def commit(self, trace: Trace) -> None:
        """Write the record of `trace` and, before it, those upstream that are not in the store."""
        with self._committing:
            self._commit(list(_uncommitted(trace)), trace)

    def _commit(self, traces: list[Trace], trace: Trace) -> None:
        numbers: dict[int, Trace] = {t.record.version: t for t in traces}
        depsets: dict[str, Depset] = {}
        for each in traces:
            if not each.record.digest and each is not trace:
                self._take_digest(each)
            if each.record.edges:
                edges = tuple(self._edge(e, numbers) for e in each.record.edges)
                each.record = replace(each.record, edges=edges)
            depset = self._judge.depset(each.record.depset)
            if depset is not None:
                depsets[depset.key] = depset
        moved = self._store.catalog.add([t.record for t in traces], depsets.values())
        for each in traces:
            renumbered = tuple(
                replace(e, version=moved.get(e.version, e.version)) for e in each.record.edges
            )
            version = moved.get(each.record.version, each.record.version)
            each.record = replace(each.record, version=version, edges=renumbered)
            each.parents = ()

    def warn(self, call: str, trouble: BaseException) -> None:
        """Say once per kind of trouble what was lost, and what was done about it."""
        text = f"{type(trouble).__name__}: {trouble}"
        if text in self._warned:
            return
        if len(self._warned) >= _TOLD:
            self._warned.clear()
        self._warned.add(text)
        if isinstance(trouble, ValueLostError):
            callers.warn(
                f"the kept value of {call} cannot be used: {trouble}. It is computed again where "
                "that is possible",
                StoreWarning,
            )
            return
        callers.warn(
            f"dumbo could not use its store at {self._store.folder} for {call}: {text}. "
            "The call gave its value, which is kept in memory only. Make the folder writable, "
            "set DUMBO_DIR to another, or use dumbo.open(path).",
            StoreWarning,
        )

    def warn_of_move(self, record: Record) -> None:
        """Say of a result that what it was made from changed, so that it is true of no content."""
        callers.warn(
            f"{record.call}: a file that it reads moved since open_array, so the result was given "
            "and is not kept. Wait until its writer is done, then call open_array again",
            StoreWarning,
        )

    def _edge(self, edge: Edge, numbers: dict[int, Trace]) -> Edge:
        """The edge with the source's version and digest as they are known by now."""
        if edge.version >= 0:
            return edge
        source = numbers.get(edge.version) or self._recall.trace_numbered(edge.version)
        if source is None:  # nobody holds it any more: its digest is all that is left
            return replace(edge, version=0)
        digest = edge.digest or self._recall.digest(source.record, edge.source)
        return replace(edge, version=source.record.version, digest=digest)

    def _take_digest(self, trace: Trace) -> None:
        """Digest a value that was not kept, now that a kept one depends on it.

        Where equal values cannot be told by a digest the value itself is stored: otherwise its
        users would be stale in every new process.
        """
        node = trace.node() if trace.node is not None else None
        if node is None or self._recall.digest(trace.record, trace.record.cid):
            return
        try:
            stored = self._store.values.store(node.value)
        except (UncacheableError, UntrustedValueError):
            return
        reason = "a kept result depends on it, and it has no comparable digest"
        trace.record = node.record = replace(
            trace.record, stored=stored, meta=stored.meta, reason=reason
        )

    def _skipped(self, record: Record, reason: str) -> None:
        self._events.emit(Event(EventKind.SKIPPED, record.cid, record.call, reason=reason))

    def _measure(self, nbytes: int, encode: float, total: float) -> None:
        """Move the known speed of this store a little towards what was just seen."""
        speed = self._speed
        if nbytes >= _LARGE:
            seen = nbytes / max(encode, 1e-9)
            write = speed.write + _SMOOTHING * (seen - speed.write)
            self._speed = replace(speed, write=write)
        else:
            overhead = speed.overhead + _SMOOTHING * (min(total, _SLOWEST) - speed.overhead)
            self._speed = replace(speed, overhead=overhead)


def _uncommitted(trace: Trace) -> Iterable[Trace]:
    """Traces not in the store, sources before users; iterative, each once."""
    order: list[Trace] = []
    seen: set[int] = set()
    stack: list[tuple[Trace, bool]] = [(trace, False)]
    while stack:
        each, done = stack.pop()
        if done:
            order.append(each)
        elif id(each) not in seen and (each is trace or not each.committed):
            seen.add(id(each))
            stack.append((each, True))
            stack.extend((parent, False) for parent in each.parents)
    return order
