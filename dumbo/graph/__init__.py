"""The provenance graph: records and edges, who is stale, and how to look at it.

Law: the graph reads records it is handed and never opens a store; networkx is a view of it.
"""
