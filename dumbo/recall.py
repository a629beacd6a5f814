"""From records to what the user holds: nodes, lazy loads, items.

Law: making a carrier reads no bytes of the value. Bytes are read at the first touch, once, and each
reading is an event. What the judge must know of records and items is answered here too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from weakref import WeakValueDictionary

from dumbo.errors import ValueLostError
from dumbo.events import Event, EventKind, Events
from dumbo.frames import Trace
from dumbo.identity.cid import CID
from dumbo.judging import Guard, Stamp
from dumbo.proxy import Node, Returns, carry
from dumbo.records import (
    Dependency,
    DependencyKind,
    Depset,
    Edge,
    EdgeKind,
    Record,
    Stored,
)
from dumbo.storage import Store

STEP: Final = re.compile(r"\[((?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\]])*)\]|(\.\w+)")
_FIRST_EXTERNAL: Final = -(1 << 60)

Remake = Callable[[Record, ValueLostError], object]


@dataclass(slots=True, eq=False, weakref_slot=True)
class Entry:
    """One result in the memory tier: its trace, its node, and when it was last found to hold."""

    trace: Trace
    node: Node
    carrier: Any
    stamp: Stamp | None = None
    guards: tuple[Guard, ...] = ()
    mark: Any = None
    hits: int = 0

    @property
    def record(self) -> Record:
        """The record as it is now."""
        return self.trace.record


def steps(path: str) -> list[object]:
    """Split an item path into keys; ``['loss'][0].x`` gives ``['loss', 0, '.x']``.

    Examples
    --------
    >>> steps("['loss'][0].x")
    ['loss', 0, '.x']
    """
    found: list[object] = []
    for match in STEP.finditer(path):
        found.append(match[2] if match[2] else _key(match[1]))
    return found


def _key(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


class Recall:
    """Records of one store, as nodes."""

    def __init__(self, store: Store, events: Events, remake: Remake) -> None:
        self._store = store
        self._events = events
        self._remake = remake
        self._externals: dict[str, int] = {}
        self.traces: WeakValueDictionary[CID, Trace] = WeakValueDictionary()

    # What the judge asks.

    def versions(self, cid: CID) -> tuple[Record, ...]:
        """Records of a CID, newest first, with the one only this process knows.

        An external has one record, with today's digest.
        """
        if not cid.is_external:
            stored = self._store.catalog.versions(cid)
            trace = self.traces.get(cid)
            if trace is None or any(r.version == trace.record.version for r in stored):
                return stored
            return (trace.record, *stored)
        known = self._store.catalog.external(cid.removeprefix("external:"))
        if known is None:
            return ()
        digest, text = known
        number = self._externals.setdefault(cid, _FIRST_EXTERNAL - len(self._externals))
        return (Record(cid, number, cid.function, str(cid), "", digest=digest, text=text),)

    def depset(self, key: str) -> Depset | None:
        """An interned depset."""
        return self._store.catalog.depset(key)

    def known_digest(self, record: Record, cid: CID) -> str:
        """Digest of `cid`, the record's own or an item of it, where it has been taken."""
        if not cid.path:
            return record.digest
        stored = self.stored_item(record, cid)
        return "" if stored is None else stored.digest

    def digest(self, record: Record, cid: CID) -> str:
        """Digest of `cid`; where none was taken, of the value if this process has it.

        Empty when it cannot be compared.
        """
        if known := self.known_digest(record, cid):
            return known
        trace = self.traces.get(cid.parent)
        if trace is None or trace.record.version != record.version or trace.node is None:
            return ""
        node = trace.node()
        if node is None:
            return ""
        for key in steps(cid.path):
            node = node.child(key)
        taken = self._store.values.digest(node.value)
        if taken and not cid.path:
            trace.record = replace(trace.record, digest=taken)
        return taken

    def stored_item(self, record: Record, cid: CID) -> Stored | None:
        """Where an item of a kept result is; None when it has no place of its own."""
        stored = record.stored
        try:
            for key in steps(cid.path):
                if stored is None:
                    return None
                stored = self._store.values.item(stored, key)
        except (KeyError, IndexError, TypeError, ValueLostError):
            return None
        return stored

    def steps(self, cid: CID) -> list[object]:
        """The keys from a whole result down to the item `cid`."""
        return steps(cid.path)

    # What the user holds.

    def entry(self, record: Record, returns: Returns, *, trace: Trace | None = None) -> Entry:
        """The result of `record`, unopened."""
        node = self.node(record)
        return Entry(trace or Trace(record), node, carry(node, returns))

    def marked(self, entry: Entry, returns: Returns, note: str) -> Entry:
        """A second carrier of `entry` that says it is stale; never answered from the warm path."""
        if entry.record.stored is None:
            marked = self.fresh(entry.trace, entry.node.value, returns)
            marked.node.note = note
            return marked
        node = self.node(entry.record, note)
        return Entry(entry.trace, node, carry(node, returns))

    def fresh(self, trace: Trace, value: object, returns: Returns) -> Entry:
        """A result that was just computed, with its value at hand."""
        node = Node(
            trace.record,
            lambda: value,
            value=value,
            upstream_globals=lambda: self.globals_of(trace.record),
        )
        return Entry(trace, node, carry(node, returns))

    def node(self, record: Record, note: str = "") -> Node:
        """The node of a stored record."""
        stored = record.stored
        keyed = stored is not None and self._store.values.has_items(stored)
        return Node(
            record,
            lambda: self._load(record),
            children=(lambda key: self._child(record, key, note)) if keyed else None,
            keys=(lambda: self._store.values.keys(stored)) if keyed and stored else None,
            note=note,
            upstream_globals=lambda: self.globals_of(record),
        )

    def globals_of(self, record: Record) -> Mapping[str, str]:
        """Globals the result hangs on, with a short text of their value then."""
        depset = self._store.catalog.depset(record.depset)
        members: tuple[Dependency, ...] = depset.members if depset else ()
        return {
            member.label: member.text or member.fingerprint
            for member in members
            if member.kind is DependencyKind.GLOBAL
        }

    def _child(self, record: Record, key: object, note: str) -> Node:
        assert record.stored is not None
        stored = self._store.values.item(record.stored, key)
        cid = record.cid.item(key)
        edge = Edge(record.cid, cid, EdgeKind.ITEM, repr(key), record.version, record.digest)
        item = replace(
            record,
            cid=cid,
            call=f"{record.call}[{key!r}]",
            stored=stored,
            digest=stored.digest,
            type=str(stored.meta.get("type", "")),
            meta=stored.meta,
            nbytes=stored.nbytes,
            edges=(edge,),
        )
        return self.node(item, note)

    def _load(self, record: Record) -> object:
        if record.stored is None:
            lost = ValueLostError(f"the value of {record.call} was not kept")
            return self._remake(record, lost)
        try:
            value = self._store.values.load(record.stored)
        except ValueLostError as lost:
            return self._remake(record, lost)
        self._events.emit(
            Event(
                EventKind.LOADED,
                record.cid,
                record.call,
                reason=record.stored.codec,
                nbytes=record.stored.nbytes,
            )
        )
        return value
