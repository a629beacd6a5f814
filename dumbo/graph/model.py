"""Record and Edge, the facts the graph is made of.

Law: defined in `dumbo.records`, because storage and code tracking speak in them too and must not
know the graph; this is where a reader of the graph looks for them.
"""

from dumbo.records import Edge, EdgeKind, Record

__all__ = ["Edge", "EdgeKind", "Record"]
