"""From one run of a function to its trace: record, edges, depset.

Law: everything the value hangs on is on the record, in order of use: arguments that are results,
memoized calls made by the body, results that are inside the value.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from dumbo.code import Recording, Tracker
from dumbo.errors import UncacheableError
from dumbo.frames import Frame, Trace
from dumbo.identity import CallIdentity, encode_arguments
from dumbo.identity.cid import CID, FunctionId
from dumbo.judging import Judge
from dumbo.proxy import Node, leaves, node_of, unwrap
from dumbo.recall import Recall
from dumbo.records import Edge, EdgeKind, Record

MOVED: Final = "moved"
"""Digest on an edge from a file that is not what it was when it was opened; equal to no other."""
LIVE: Final = ("generator", "coroutine", "async_generator")
_numbers: Final = itertools.count(-1, -1)


@dataclass(slots=True)
class Run:
    """One execution of a user's function, from bare arguments to value."""

    identity: CallIdentity
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    frame: Frame
    where: str
    recording: Recording | None = None
    value: Any = None
    seconds: float = 0.0


class Tracing:
    """Makes traces for one session."""

    def __init__(self, tracker: Tracker, judge: Judge, recall: Recall) -> None:
        self._tracker = tracker
        self._judge = judge
        self._recall = recall

    def trace(
        self,
        run: Run,
        function: FunctionId,
        plain: Callable[..., Any],
        inner: tuple[tuple[str, Node], ...],
    ) -> Trace:
        """Build the trace of a run; `inner` are the nodes of results inside the value."""
        assert run.recording is not None, "a run is traced after its recording"
        frame, identity = run.frame, run.identity
        depset = self._tracker.depset(plain, run.recording, frame.declared, identity.classes)
        self._judge.learn(depset)
        edges = [
            self._edge(use.cid, identity.cid, EdgeKind.INPUT, use.role, node_of(use.value))
            for use in identity.uses
        ]
        edges += [
            Edge(
                cid,
                identity.cid,
                EdgeKind.CALL,
                cid.function.qualname,
                child.record.version,
                self._recall.known_digest(child.record, cid),
            )
            for cid, child in frame.children.values()
        ]
        edges += [
            self._edge(node.cid, identity.cid, EdgeKind.RETURN, role, node) for role, node in inner
        ]
        own = max(run.seconds - frame.child_seconds, 0.0)
        children = [child for _, child in frame.children.values()]
        record = Record(
            cid=identity.cid,
            version=next(_numbers),
            function=function,
            call=identity.text,
            depset=depset.key,
            edges=tuple(edges),
            own_seconds=own,
            total_seconds=run.seconds,
            created=time.time(),
            where=run.where,
            arguments=encode_arguments(identity.bound),
            matched=identity.matched,
        )
        # Calls made by the body that were not kept would have to be made again as well.
        saving = own + sum(child.saving for child in children if not child.committed)
        return Trace(record, self._parents(edges, children), saving=saving)

    def _parents(self, edges: list[Edge], children: list[Trace]) -> tuple[Trace, ...]:
        found = dict.fromkeys(children)
        for edge in edges:
            trace = self._recall.trace_numbered(edge.version)
            if trace is not None and not trace.committed:
                found.setdefault(trace)
        return tuple(found)

    def _edge(self, source: CID, target: CID, kind: EdgeKind, role: str, node: Node | None) -> Edge:
        if node is None:
            return Edge(source, target, kind, role)
        if not self._recall.owns(node):
            # Numbers of another store, or of a process that is gone, mean nothing here.
            return Edge(source, target, kind, role, 0, node.record.digest)
        if not self._recall.is_unmoved(node.record):
            return Edge(source, target, kind, role, 0, MOVED)
        record = self._recall.now(node.record)
        digest = self._recall.known_digest(record, source)
        if not digest and record.version > 0:
            digest = self._recall.digest_at_hand(node)
        return Edge(source, target, kind, role, record.version, digest)


def returned(value: object) -> tuple[object, tuple[tuple[str, Node], ...]]:
    """Take carriers out of a returned value: the bare value, and their nodes with their role.

    Looks at the value itself and into containers, as arguments are treated; what is shared inside
    stays shared.
    """
    node = node_of(value)
    if node is not None:
        return node.value, (("", node),)
    nodes = [inner for leaf in leaves(value) if (inner := node_of(leaf)) is not None]
    if not nodes:
        return value, ()
    return unwrap(value, deep=True), tuple(("item", inner) for inner in nodes)


def refuse_live(value: object, call: str) -> None:
    """Refuse what can be used once and is gone.

    Raises
    ------
    UncacheableError
        For generators and coroutines.
    """
    kind = type(value).__name__
    if kind in LIVE and type(value).__module__ == "builtins":
        raise UncacheableError(
            f"{call} returned a {kind}, which can be used once and cannot be kept: "
            "return a list or tuple of its items instead"
        )
