"""Carriers: results that behave like the values they are, and cannot be spoilt.

Law: torch tensors are never wrapped by wrapt, because that crashes the interpreter; everything
else is, by one class per type. Whether something is a carrier is asked of its real type.
"""

from __future__ import annotations

from dumbo.proxy import arrays, containers, frames, objects  # noqa: F401 - the families register themselves
from dumbo.proxy.bare import bare_arguments, cid_of, is_carrier, node_of, unwrap
from dumbo.proxy.carry import carry
from dumbo.proxy.node import Node, Returns
from dumbo.proxy.protect import Mark, check_unspoilt, mark_of, protect
from dumbo.proxy.walk import leaves

__all__ = [
    "Mark",
    "Node",
    "Returns",
    "bare_arguments",
    "carry",
    "check_unspoilt",
    "cid_of",
    "is_carrier",
    "leaves",
    "mark_of",
    "node_of",
    "protect",
    "unwrap",
]
