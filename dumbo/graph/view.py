"""The provenance graph as networkx.

Law: a view of records that were handed in, read-only: changing it would change nothing but itself,
so it refuses. networkx is imported here and nowhere else, when a graph is first asked for.

Edges run from what was used to what used it, one edge per role, so `f(a, a)` has two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import networkx as nx

from dumbo.graph import draw
from dumbo.identity.cid import CID
from dumbo.records import Edge, Record, State

if TYPE_CHECKING:
    from pathlib import Path


class ProvenanceGraph(nx.MultiDiGraph):  # type: ignore[misc]  # networkx ships no types
    """A read-only ``networkx.MultiDiGraph`` of CIDs.

    Node attributes: ``record`` (a Record, or None for externals and unknown CIDs), ``state`` (a
    State), ``function``, ``call``, ``seconds``, ``nbytes``. Edge attributes: ``kind``, ``role``.

    Every networkx algorithm takes it. ``text()``, ``mermaid()`` and ``svg()`` draw it.
    """

    @classmethod
    def of(
        cls,
        records: Iterable[Record],
        states: Mapping[CID, State],
        *,
        root: CID | None = None,
        extra: Iterable[Edge] = (),
    ) -> ProvenanceGraph:
        """Build the graph of `records`, one per CID; sources without a record become bare nodes."""
        graph = nx.MultiDiGraph()
        for record in records:
            graph.add_node(record.cid, **_facts(record, states.get(record.cid, State.UNKNOWN)))
        for record in list(dict(graph.nodes(data="record")).values()):
            for edge in record.edges:
                _connect(graph, edge, states)
        for edge in extra:
            _connect(graph, edge, states)
        view = cls(graph)
        view.graph["root"] = root
        frozen: ProvenanceGraph = nx.freeze(view)
        return frozen

    @property
    def root(self) -> CID | None:
        """The CID the graph was asked for; None for the whole store."""
        found: CID | None = self.graph.get("root")
        return found

    def text(self, *, collapse: bool = False) -> str:
        """Draw the graph as a text tree, what was used below what used it.

        With `collapse`, calls of one function are one line with a count.
        """
        return draw.text_tree(draw.sketch(self, collapse=collapse), self.root)

    def mermaid(self, *, collapse: bool = False) -> str:
        """Draw the graph as a mermaid flowchart, left to right."""
        return draw.mermaid(draw.sketch(self, collapse=collapse))

    def dot(self, *, collapse: bool = False) -> str:
        """Draw the graph in graphviz' language."""
        return draw.dot(draw.sketch(self, collapse=collapse))

    def svg(self, path: str | Path | None = None, *, collapse: bool = False) -> str:
        """Draw the graph as SVG with graphviz' `dot`; also writes it to `path`.

        Raises
        ------
        MissingLibraryError
            When the program `dot` is not installed; ``mermaid()`` and ``text()`` need nothing.
        """
        return draw.svg(self.dot(collapse=collapse), path)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        collapse = len(self) > draw.READABLE
        return {
            "text/plain": self.text(collapse=collapse),
            "text/vnd.mermaid": self.mermaid(collapse=collapse),
        }


def _facts(record: Record, state: State) -> dict[str, object]:
    return {
        "record": record,
        "state": state,
        "function": record.function,
        "call": record.call,
        "seconds": record.own_seconds,
        "nbytes": record.nbytes,
    }


def _connect(graph: Any, edge: Edge, states: Mapping[CID, State]) -> None:
    """Add one edge; an item that is used becomes a node of its own under its container."""
    source, whole = edge.source, edge.source.parent
    if whole not in graph:
        graph.add_node(whole, record=None, state=states.get(whole, State.UNKNOWN), call=str(whole))
    if source != whole and source not in graph:
        facts = dict(graph.nodes[whole])
        facts["call"] = f"{facts.get('call', whole)}{source.path}"
        facts["record"] = None
        graph.add_node(source, **facts)
        graph.add_edge(whole, source, kind="item", role=source.path)
    graph.add_edge(source, edge.target, kind=edge.kind.value, role=edge.role)
