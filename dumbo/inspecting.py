"""Questions about results: what is it, what is it made from, is it still true, why not.

Law: asking runs no user code and loads no value. What is asked about is a carrier, a CID, or a tag.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dumbo.accepting import Accepted, Accepting
from dumbo.engine import Engine
from dumbo.entries import Entry
from dumbo.errors import ConfigurationError, NotCachedError
from dumbo.graph.explain import Explanation, explain
from dumbo.identity import name_external
from dumbo.identity.cid import CID, FunctionId
from dumbo.proxy import Node, carry, node_of
from dumbo.records import Edge, Record, Staleness, State
from dumbo.refreshing import Refreshing
from dumbo.surveying import Survey, survey
from dumbo.targets import Target

if TYPE_CHECKING:
    from dumbo.graph.view import ProvenanceGraph


@dataclass(frozen=True, slots=True)
class Row:
    """One line of ``dumbo.values()``."""

    cid: CID
    call: str
    state: State
    nbytes: int
    seconds: float
    created: float
    kept: bool
    tag: str | None


@dataclass(frozen=True, slots=True)
class Stats:
    """What dumbo did for you, over the life of the store.

    Attributes
    ----------
    hits, executed, stale : int
        Calls answered, run, and found stale.
    seconds_saved, seconds_run : float
    results : int
        CIDs with a record.
    nbytes : int
        Bytes of values held on disk.
    memory_bytes : int
        Bytes of values held in memory now.
    """

    hits: int
    executed: int
    stale: int
    seconds_saved: float
    seconds_run: float
    results: int
    nbytes: int
    memory_bytes: int

    def __str__(self) -> str:
        return (
            f"{self.hits} hits saved {self.seconds_saved:.1f} s; {self.executed} calls ran for "
            f"{self.seconds_run:.1f} s; {self.stale} found stale; {self.results} results, "
            f"{self.nbytes / 1e6:.1f} MB on disk, {self.memory_bytes / 1e6:.1f} MB in memory"
        )


class Inspection:
    """The questions, over one session's engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._catalog = engine.store.catalog
        self._refreshing = Refreshing(engine)
        self._accepting = Accepting(engine.store, engine.tracker, engine.judge, engine.recall)

    def record(self, x: object) -> Record:
        """The record of a carrier, a CID or a tag.

        Raises
        ------
        NotCachedError
            `x` is not a result of this store.
        """
        node = node_of(x)
        if node is not None:
            return self._latest(node)
        if isinstance(x, str):
            cid = self._catalog.tags().get(x) or CID(x)
            versions = self._engine.recall.versions(cid.parent)
            if not versions and (spelled := self._spelled_out(cid)) is not None:
                cid = spelled
                versions = self._engine.recall.versions(cid.parent)
            if versions:
                # Of several that do not hold, the one that the least has changed for.
                return self._item(min(versions, key=self._distance), cid)
        raise NotCachedError(
            f"{_short(x)} is no result, CID or tag of {self._engine.store.folder}: "
            "pass what a memoized function returned, its CID, or a tag from dumbo.tags()"
        )

    def _distance(self, record: Record) -> tuple[int, int]:
        """How far a version is from holding: one that holds is nearest, then what may hold."""
        verdict = self.verdict(record)
        order = (State.FRESH, State.UNKNOWN, State.STALE)
        return order.index(verdict.state), len(verdict.reasons)

    def _spelled_out(self, short: CID) -> CID | None:
        """The one CID that a short form, ``train#5f0c1c2d``, stands for; None if there is none."""
        name, mark, start = short.parent.partition("#")
        if not mark or not start:
            return None
        found = [
            record.cid
            for function in self._catalog.functions()
            if function == name or FunctionId(function).qualname == name
            for record in self._catalog.nodes(function)
            if record.cid.digest.startswith(start)
        ]
        if len(found) > 1:
            listed = ", ".join(sorted(found)[:3])
            raise NotCachedError(f"{short} may be any of {len(found)} results: {listed}, ...")
        return CID(found[0] + short.path) if found else None

    def _latest(self, node: Node) -> Record:
        """The node's record, or the one that was committed since."""
        record = self._engine.recall.now(node.record)
        if record.version > 0 and not record.cid.path and self._engine.recall.owns(node):
            return self._catalog.record(record.cid, record.version) or record
        return record

    def _item(self, whole: Record, cid: CID) -> Record:
        """The record of a whole result, or of the item of it that `cid` names."""
        if not cid.path:
            return whole
        if whole.stored is None:
            return replace(whole, cid=cid)
        node = self._engine.recall.node(whole)
        for key in self._engine.recall.steps(cid):
            node = node.child(key)
        return node.record

    def verdict(self, record: Record) -> Staleness:
        """Whether `record` still holds; an item holds when its whole does."""
        if record.cid.path:
            trace = self._engine.recall.trace_of(record)
            if trace is not None:
                return self._engine.judge.verdict(trace.record)
            for whole in self._engine.recall.versions(record.cid.parent):
                if whole.version == record.version:
                    return self._engine.judge.verdict(whole)
        return self._engine.judge.verdict(record)

    def why(self, x: object) -> Explanation:
        """Say in words whether `x` holds, and what changed if not."""
        return self.explain(self.record(x))

    def recalled(self, cid: CID) -> Entry:
        """The newest kept result of `cid`, whatever its state, unopened.

        Raises
        ------
        NotCachedError
            There is none.
        """
        entry = self._engine.lookup.find(cid.parent, any_state=True).entry
        if entry is None:
            raise NotCachedError(
                f"no value of {cid.short} is kept in {self._engine.store.folder}: "
                "make its call again to have it computed"
            )
        self._engine.used(entry)  # a memoized function that asks for it hangs on it
        return entry

    def graph(self, x: object = None) -> ProvenanceGraph:
        """The cone of `x` as networkx, or the whole store."""
        from dumbo.graph.view import ProvenanceGraph

        if x is None:
            records = list(self._catalog.nodes())
            root = None
        else:
            root_record = self.record(x)
            root = root_record.cid
            records = list(self._cone(root_record))
        # Sources before their users: each verdict then rests on those that were reached.
        states = {record.cid: self._standing(record) for record in reversed(records)}
        return ProvenanceGraph.of(records, states, root=root)

    def _standing(self, record: Record) -> State:
        """The state of a result: that of `record`, or fresh if another version of it holds."""
        state = self.verdict(record).state
        if state is not State.FRESH and not record.cid.path and not record.cid.is_external:
            return State.FRESH if self._holds(record) else state
        return state

    def _cone(self, record: Record) -> Iterator[Record]:
        """`record` and everything upstream of it, in the versions that were used."""
        seen: set[CID] = set()
        stack = [record]
        while stack:
            top = stack.pop()
            if top.cid in seen:
                continue
            seen.add(top.cid)
            yield top
            for edge in self._edges(top):
                stack.extend(self._used(edge))

    def _edges(self, record: Record) -> Iterable[Edge]:
        if not record.cid.path:
            return record.edges
        return next(
            (w.edges for w in self._engine.recall.versions(record.cid.parent)), record.edges
        )

    def _used(self, edge: Edge) -> tuple[Record, ...]:
        versions = self._engine.recall.versions(edge.source.parent)
        used = [r for r in versions if r.version == edge.version] or list(versions[:1])
        return tuple(used[:1])

    def explain(self, record: Record) -> Explanation:
        """Say in words whether `record` holds."""
        return explain(record, self.verdict(record), self._engine.judge.notes(record))

    def last_why(self) -> Explanation:
        """Why the last call the user made was not simply answered."""
        return self._engine.telling.why()

    # What is stale, and what is done about it.

    def stale(self) -> Survey:
        """Judge every result of the store."""
        return survey(self._engine.store, self._engine.judge)

    def refresh(self, x: object) -> Any:
        """Give the result `x` as it is by today's code, computed again where it has to be."""
        record = self.record(x)
        cid = record.cid
        return self._given(self._refreshing.refresh(cid, self._whole(record)), cid)

    def refresh_function(self, function: FunctionId) -> tuple[Any, ...]:
        """Bring every result of a function up to date."""
        records = [r for r in self._catalog.nodes(function) if not self._holds(r)]
        return tuple(self.refresh(record.cid) for record in records)

    def accept(self, x: object) -> Accepted:
        """Accept the edits since the result `x` was computed."""
        whole = self._whole(self.record(x))
        return self._accepting.result(whole.depset, whole.cid.function)

    def accept_function(self, target: Target) -> Accepted:
        """Accept the edits of what the results of a memoized function hang on."""
        self._engine.know(target)
        return self._accepting.function(target)

    def accept_code(self, thing: object) -> Accepted:
        """Accept the edit of one function or class, for every result that hangs on it."""
        return self._accepting.code(thing)

    def _holds(self, record: Record) -> bool:
        versions = self._engine.recall.versions(record.cid)
        return any(self._engine.judge.verdict(v).state is State.FRESH for v in versions)

    def _whole(self, record: Record) -> Record:
        if not record.cid.path:
            return record
        versions = self._engine.recall.versions(record.cid.parent)
        return next((v for v in versions if v.version == record.version), record)

    # Names and other things that are written.

    def forget(self, cid: CID) -> bool:
        """Drop every version of a whole result; whether there was one."""
        in_memory = self._engine.lookup.held(cid) is not None
        self._engine.lookup.forget(cid)
        return bool(self._catalog.forget(cid)) or in_memory

    def describe(self, x: object, text: str) -> None:
        """Write the user's description on the newest record of `x`."""
        record = self.kept(x)
        if record.cid.path:
            raise ConfigurationError(
                f"dumbo.describe({record.cid.short!r}): an item has no record of its own; "
                "describe the result it is in"
            )
        self._catalog.update_text(record.cid, text)
        self._engine.lookup.forget(record.cid)

    def tag(self, name: str, x: object) -> None:
        """Name a result; its value is kept from now on."""
        if not name or name != name.strip():
            raise ConfigurationError(f"dumbo.tag({name!r}): a tag is a word or words, not blank")
        self._catalog.set_tag(name, self.kept(x).cid)

    def kept(self, x: object) -> Record:
        """The record of `x`, whose value is kept if it was not yet."""
        record = self.record(x)
        trace = self._engine.recall.trace_of(record)
        node = node_of(x)
        if record.version <= 0 and trace is not None and node is not None and not record.cid.path:
            self._engine.keeping.write(trace, node)
            record = trace.record
        return record

    def untag(self, name: str) -> None:
        """Remove a tag."""
        if not self._catalog.drop_tag(name):
            raise NotCachedError(f"dumbo.untag({name!r}): no such tag; dumbo.tags() lists them")

    def tagged(self, name: str) -> Any:
        """Load a result by its tag, whatever its state."""
        cid = self._catalog.tags().get(name)
        if cid is None:
            raise NotCachedError(f"dumbo.tagged({name!r}): no such tag; dumbo.tags() lists them")
        return self._given(self.recalled(cid), cid)

    def _given(self, entry: Entry, cid: CID) -> Any:
        """The carrier of a result, or of the item of it that `cid` names."""
        if not cid.path:
            return entry.give()
        node = entry.node
        for key in self._engine.recall.steps(cid):
            node = node.child(key)
        return carry(node, self._engine.lookup.returns_of(None))

    def tag_of(self, x: object) -> str | None:
        """The tag of a result."""
        return self._catalog.tag_of(self.record(x).cid)

    def external(self, name: str, value: Any) -> Any:
        """Name a foreign value; what was computed from another one under that name is stale."""
        named = name_external(name, value)
        digest = self._engine.store.values.digest(value)
        known = self._catalog.external(name)
        if known is None or known[0] != digest or not digest:
            self._catalog.set_external(name, digest, _short(value))
            self._engine.judge.versions_moved()
        cid = CID.external(name)
        record = Record(cid, 0, cid.function, f"external({name!r})", "", digest=digest)
        node = Node(record, lambda: named, value=named)
        node.home = self._engine.recall
        return carry(node, self._engine.lookup.returns_of(None))

    def open_array(self, path: str | os.PathLike[str], key: str | None = None) -> Any:
        """An array in a file of the user's, as an external value that is named by its place."""
        from dumbo.storage.adopted import open_existing

        adopted = open_existing(path, key)
        name = adopted.source.name
        digest = adopted.content(self._catalog)
        known = self._catalog.external(name)
        if known is None or known[0] != digest:
            self._catalog.set_external(name, digest, repr(adopted))
            self._engine.judge.versions_moved()
        cid = CID.external(name)
        record = Record(
            cid,
            0,
            cid.function,
            f"open_array({adopted.source.text!r})",
            "",
            digest=digest,
            type=str(adopted.meta["type"]),
            meta=adopted.meta,
            nbytes=adopted.nbytes,
        )
        if adopted.is_mapped:
            node = Node(record, adopted.whole, handle=lambda: adopted)
        else:
            node = Node(record, lambda: adopted, value=adopted)
        node.home = self._engine.recall
        return carry(node)

    # The store as a table.

    def values(self, function: str | None = None, limit: int | None = None) -> list[Row]:
        """The newest record of each CID as a table, newest first."""
        tags = {cid: name for name, cid in self._catalog.tags().items()}
        return [
            Row(
                record.cid,
                record.call,
                self._standing(record),
                record.nbytes,
                record.own_seconds,
                record.created,
                record.stored is not None,
                tags.get(record.cid),
            )
            for record in self._catalog.nodes(function, limit)
        ]

    def flush(self) -> None:
        """Hand the counters of this process to the catalog."""
        self._engine.counting.flush()

    def stats(self) -> Stats:
        """What dumbo did over the life of the store."""
        self.flush()
        totals = self._engine.counting.totals()
        return Stats(
            hits=totals.hits,
            executed=totals.executed,
            stale=totals.stale,
            seconds_saved=totals.seconds_saved,
            seconds_run=totals.seconds_run,
            results=self._catalog.node_count(),
            nbytes=self._catalog.value_bytes(),
            memory_bytes=self._engine.store.memory.nbytes,
        )


def _short(x: object) -> str:
    text = object.__repr__(x) if not isinstance(x, (str, int, float)) else repr(x)
    return text if len(text) <= 60 else text[:59] + "…"
