"""From records to what the user holds: nodes, lazy loads, items.

Law: making a carrier reads no bytes of the value. Bytes are read at the first touch, once, and each
reading is an event. What the judge must know of records and items is answered here too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from inspect import BoundArguments
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary, ref

from dumbo.entries import Entry
from dumbo.errors import ConfigurationError, NotCachedError, ValueLostError
from dumbo.events import Event, EventKind, Events
from dumbo.frames import Trace
from dumbo.identity import CallShape, Use, decode_arguments
from dumbo.identity.cid import CID
from dumbo.proxy import Node, Returns, carry, node_of
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

if TYPE_CHECKING:
    from dumbo.storage.handles import ArrayHandle

STEP: Final = re.compile(r"\[((?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\]])*)\]|(\.\w+)")
SCALAR: Final = "scalar/1"
"""The codec of numbers, and of text short enough to lie beside its key."""
_FIRST_EXTERNAL: Final = -(1 << 60)

Remake = Callable[[Record, ValueLostError], object]


def steps(path: str) -> list[object]:
    """Split an item path into keys; ``['loss'][0].x`` gives ``['loss', 0, '.x']``.

    Examples
    --------
    >>> steps("['loss'][0].x")
    ['loss', 0, '.x']
    """
    return [match[2] or _key(match[1]) for match in STEP.finditer(path)]


def _key(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _newest(versions: Sequence[Record]) -> Record:
    return versions[0]


class Recall:
    """Records of one store, as nodes."""

    def __init__(self, store: Store, events: Events, remake: Remake) -> None:
        self._store = store
        self._events = events
        self._remake = remake
        self._externals: dict[str, int] = {}
        self.traces: WeakValueDictionary[CID, Trace] = WeakValueDictionary()
        self._by_number: WeakValueDictionary[int, Trace] = WeakValueDictionary()

    # What the judge asks.

    def accepted(self, key: str) -> Iterable[Depset]:
        """The depsets by which one was accepted."""
        found = map(self._store.catalog.depset, self._store.catalog.accepted(key))
        return [depset for depset in found if depset is not None]

    def versions(self, cid: CID) -> tuple[Record, ...]:
        """Records of a CID, newest first, with the one only this process knows.

        An external has one record, with today's digest.
        """
        if not cid.is_external:
            stored = self._store.catalog.versions(cid)
            now = self.moved.get(cid)
            if now is not None:  # what was renamed holds if it holds under its new name
                stored = (*self._store.catalog.versions(now), *stored)
            trace = self.traces.get(cid)
            if trace is None or any(r.version == trace.record.version for r in stored):
                return stored
            return (trace.record, *stored)
        known = self._store.catalog.external(cid.removeprefix("external:"))
        if known is None:
            return ()
        digest, text = known
        digest = self._content_now(cid.removeprefix("external:")) or digest
        number = self._externals.setdefault(cid, _FIRST_EXTERNAL - len(self._externals))
        return (Record(cid, number, cid.function, str(cid), "", digest=digest, text=text),)

    def _content_now(self, name: str) -> str | None:
        """Digest of the file that an external value is, if it is one."""
        if not name.startswith("file:"):
            return None
        from dumbo.storage.adopted import content_now

        return content_now(name, self._store.catalog)

    def is_unmoved(self, record: Record) -> bool:
        """Whether the file that an external value is has not changed since it was opened."""
        name = record.cid.removeprefix("external:")
        if not record.cid.is_external or not name.startswith("file:"):
            return True
        from dumbo.storage.adopted import unchanged

        stamp = record.meta.get("stamp", ())
        return unchanged(name, record.digest, self._store.catalog, stamp)  # type: ignore[arg-type]  # as it was opened

    def versions_from(self, newest: Mapping[CID, Record], cid: CID) -> Iterator[Record]:
        """As `versions`, one by one, where the newest of each CID in the store are at hand."""
        known = newest.get(cid)
        if known is None or cid in self.traces or cid in self.moved:
            yield from self.versions(cid)
            return
        yield known
        yield from (r for r in self.versions(cid) if r.version != known.version)

    def depset(self, key: str) -> Depset | None:
        """An interned depset."""
        return self._store.catalog.depset(key)

    def known_digest(self, record: Record, cid: CID) -> str:
        """Digest of `cid`, the record's own or an item of it, where it has been taken."""
        if cid.path == record.cid.path:  # it may be known by an earlier CID
            if record.digest or not cid.path:
                return record.digest
            whole = self._whole(record)
            return "" if whole is None else self.known_digest(whole, cid)
        stored = self.stored_item(record, cid)
        return "" if stored is None else stored.digest

    def _live(self, record: Record) -> Trace | None:
        """The trace of a record that was committed since, while its value is held."""
        trace = self.traces.get(record.cid)
        return trace if trace is not None and trace.record.version == record.version else None

    def fits(self, uses: Iterable[Use], record: Record) -> bool:
        """Whether a result was made from the very values that are handed in now.

        A CID stands for what its computation gives; who holds a carrier from before an edit holds
        another value under the same CID.
        """
        edges = {edge.source: edge for edge in record.edges if edge.kind is EdgeKind.INPUT}
        for use in uses:
            node, edge = node_of(use.value), edges.get(use.cid)
            if node is None or edge is None or not self.owns(node):
                continue
            now = self.now(node.record)
            digest = self.known_digest(now, use.cid) or self.digest_at_hand(node)
            if digest and edge.digest:
                if digest != edge.digest:
                    return False
            elif now.version != edge.version and edge.version > 0 and now.version > 0:
                return False
        return True

    def is_at_hand(self, record: Record) -> bool:
        """Whether this process holds the value of a result that was not kept."""
        trace = self.trace_of(record) or self._live(record)
        node = trace.node() if trace is not None and trace.node is not None else None
        return node is not None and node.is_loaded

    def digest_at_hand(self, node: Node) -> str:
        """Digest of an item whose whole was not kept, while its value is there."""
        if node.record.stored is not None or not node.cid.path or not node.is_loaded:
            return ""
        return self._store.values.digest(node.value)

    def _whole(self, item: Record) -> Record | None:
        """The record of the result that an item is in, in the item's version."""
        trace = self.trace_of(item)
        if trace is not None:
            return trace.record
        versions = self.versions(item.cid.parent)
        return next((v for v in versions if v.version == item.version), None)

    def digest(self, record: Record, cid: CID) -> str:
        """Digest of `cid`; where none was taken, of the value if this process has it.

        Empty when it cannot be compared.
        """
        if known := self.known_digest(record, cid):
            return known
        trace = self.trace_of(record) or self._live(record)
        node = trace.node() if trace is not None and trace.node is not None else None
        # Nothing is loaded for it: a verdict must not run what a load may run.
        if trace is None or node is None or not node.is_loaded:
            return ""
        for key in steps(cid.path):
            node = node.child(key)
        taken = self._store.values.digest(node.value)
        if taken and not cid.path:
            trace.record = replace(trace.record, digest=taken)
        return taken

    @cached_property
    def moved(self) -> dict[CID, CID]:
        """Under which CIDs results count now whose function was renamed."""
        return self._store.catalog.moves()

    def arguments(
        self,
        record: Record,
        shape: CallShape,
        moved: Mapping[CID, CID] = MappingProxyType({}),
        best: Callable[[Sequence[Record]], Record] = _newest,
    ) -> BoundArguments | None:
        """The arguments of a recorded call, carriers unopened; None if they are not on record.

        Results among them that are in `moved` are taken by their present CID; of several versions
        of one, the `best`.
        """
        if not record.arguments:
            return None
        bound = shape.signature.bind_partial()
        for name, value in decode_arguments(record.arguments).items():
            if name not in shape.signature.parameters:
                return None
            bound.arguments[name] = self._resolved(value, moved, best)
        return bound

    def _resolved(
        self, value: Any, moved: Mapping[CID, CID], best: Callable[[Sequence[Record]], Record]
    ) -> Any:
        """`value` with the carriers that its CIDs stand for."""
        kind = type(value)
        if kind is CID:
            value = CID(moved.get(value.parent, value.parent) + value.path)
            own = [r for r in self.versions(value.parent) if r.cid == value.parent]
            if not own:
                raise ValueLostError(f"{value.short} is an argument, and is not in this store")
            node = self.node(best(own))
            for key in steps(value.path):
                node = node.child(key)
            return carry(node)
        if kind in (list, tuple, set, frozenset):
            return kind(self._resolved(item, moved, best) for item in value)
        if kind is dict:
            return {
                self._resolved(k, moved, best): self._resolved(v, moved, best)
                for k, v in value.items()
            }
        return value

    def stored_item(self, record: Record, cid: CID) -> Stored | None:
        """Where an item of a kept result is; None when it has no place of its own."""
        stored = record.stored
        try:
            for key in steps(cid.path.removeprefix(record.cid.path)):
                if stored is None:
                    return None
                stored = self._store.values.item(stored, key)
        except (NotCachedError, ConfigurationError, ValueLostError):
            return None
        return stored

    def steps(self, cid: CID) -> list[object]:
        """The keys from a whole result down to the item `cid`."""
        return steps(cid.path)

    def trace_of(self, record: Record) -> Trace | None:
        """The trace of the very run a record tells of, while it is not in the store or was not."""
        return self.trace_numbered(record.version)

    def trace_numbered(self, number: int) -> Trace | None:
        """The trace that was born with a negative number; None for versions of the store."""
        return self._by_number.get(number) if number < 0 else None

    def now(self, record: Record) -> Record:
        """The record as it is now: a node may have been made before its result was committed."""
        trace = None if record.version > 0 else self.trace_of(record)
        if trace is None:
            return record
        version = trace.record.version
        return trace.record if not record.cid.path else replace(record, version=version)

    def owns(self, node: Node) -> bool:
        """Whether the node was made here: version numbers of other stores mean nothing here."""
        return node.home is self

    # What the user holds.

    def entry(self, record: Record, returns: Returns, *, trace: Trace | None = None) -> Entry:
        """The result of `record`, unopened."""

        def loaded(value: object) -> None:
            holder = held()
            if holder is not None:  # from now on somebody may hold the value
                holder.watch(value)

        node = self.node(record, on_load=loaded)
        digest = self._store.values.digest
        entry = Entry(trace or Trace(record), node, None, returns, digest)
        held = ref(entry)
        entry.carrier = carry(node, returns)
        return entry

    def marked(self, entry: Entry, returns: Returns, note: str) -> Entry:
        """A second carrier of `entry` that says it is stale; never answered from the warm path."""
        if entry.record.stored is None:
            marked = self.fresh(entry.trace, entry.node.value, returns)
            marked.node.note = note
            return marked
        node = self.node(entry.record, note)
        return Entry(entry.trace, node, carry(node, returns), returns, self._store.values.digest)

    def fresh(self, trace: Trace, value: object, returns: Returns) -> Entry:
        """A result that was just computed, with its value at hand."""
        node = Node(
            trace.record,
            lambda: value,
            value=value,
            upstream_globals=lambda: self.globals_of(trace.record),
        )
        node.home = self
        trace.node = ref(node)
        self._by_number[trace.number] = trace
        return Entry(trace, node, carry(node, returns), returns, self._store.values.digest)

    def node(
        self,
        record: Record,
        note: str = "",
        on_load: Callable[[object], None] = lambda _: None,
    ) -> Node:
        """The node of a stored record; `on_load` is told the value when it is first touched."""
        stored = record.stored
        keyed = stored is not None and self._store.values.has_items(stored)
        node = Node(
            record,
            lambda: self._load(record, on_load),
            children=(lambda key: self._child(record, key, note)) if keyed else None,
            keys=(lambda: self._store.values.keys(stored)) if keyed and stored else None,
            note=note,
            upstream_globals=lambda: self.globals_of(record),
            handle=lambda: self._handle(record),
        )
        node.home = self
        return node

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
        node = self.node(item, note)
        if stored.codec == SCALAR and stored.inline is not None:
            with suppress(ValueLostError):
                # Read with its key, out of what says where the other items are: at hand already.
                value = self._store.values.load(stored)
                node.offer(lambda: value)
                node.value  # noqa: B018  # taken up
        return node

    def _handle(self, record: Record) -> ArrayHandle | None:
        """Open a stored array without reading it, where it is one and nothing is amiss."""
        if record.stored is None:
            return None
        try:
            handle = self._store.values.handle(record.stored)
        except ValueLostError:
            return None  # loading it computes it again
        if handle is not None:
            reason = f"{record.stored.codec}, in parts"
            self._events.emit(Event(EventKind.LOADED, record.cid, record.call, reason))
        return handle

    def _load(self, record: Record, on_load: Callable[[object], None]) -> object:
        if record.stored is None:
            lost = ValueLostError(f"the value of {record.call} was not kept")
            return self._remade(record, lost, on_load)
        try:
            value = self._store.values.load(record.stored)
        except ValueLostError as lost:
            return self._remade(record, lost, on_load)
        self._events.emit(
            Event(
                EventKind.LOADED,
                record.cid,
                record.call,
                reason=record.stored.codec,
                nbytes=record.stored.nbytes,
            )
        )
        on_load(value)
        return value

    def _remade(
        self, record: Record, lost: ValueLostError, on_load: Callable[[object], None]
    ) -> object:
        """Compute a value again; it stands for the record only if it is what that tells of.

        Raises
        ------
        ValueLostError
            It cannot be computed here, or comes out different.
        """
        value = self._remake(record, lost)
        if record.digest and self._store.values.digest(value) != record.digest:
            raise ValueLostError(
                f"{record.call}: its value was not kept or is gone, and computed again it is "
                "another. Make the call again to have the one of today"
            ) from lost
        on_load(value)
        return value
