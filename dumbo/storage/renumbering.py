"""Records from another catalog, told by the version numbers of this one.

Law: a version number means something in one catalog only; an edge to a version that did not come
along keeps its digest and names no version.
"""

from __future__ import annotations

from dataclasses import replace

from dumbo.records import Record


class Renumbering:
    """From the versions of one catalog to those of another."""

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}

    def note(self, old: int, new: int) -> None:
        """Note which version one became."""
        self._numbers[old] = new

    def renumbered(self, record: Record) -> Record:
        """Return a record as one that was only in memory, its edges by the new numbers."""
        edges = tuple(
            replace(edge, version=self._numbers.get(edge.version, 0)) for edge in record.edges
        )
        return replace(record, version=-record.version, edges=edges)
