"""Carriers known by identity: tensors and objects that have no room for a node.

Law: the table keeps nothing alive, and knows a value only as it was handed out: a copy is not the
value, and neither is the value once an attribute was set or a tensor written to.
"""

from __future__ import annotations

import weakref
from typing import Any, Final

from dumbo.identity.carriers import carrier_probes
from dumbo.identity.cid import CID
from dumbo.proxy.node import Node
from dumbo.proxy.wrapped_type import is_tensor_type

_KNOWN: Final[dict[int, tuple[weakref.ref[Any], Node, object]]] = {}


def remember(value: Any, node: Node) -> None:
    """Know `value` as the carrier of `node` for as long as it lives unchanged.

    A class without room for weak references cannot be told from its copies: such a value is not
    remembered, and carries no CID.
    """
    if not getattr(type(value), "__weakrefoffset__", 0):
        return
    key = id(value)
    _KNOWN[key] = (weakref.ref(value, lambda _: _KNOWN.pop(key, None)), node, _looks(value))


def version_of(tensor: Any) -> int:
    """Give torch's count of in-place operations on the memory of a tensor."""
    try:
        # Tensors made in inference mode refuse in-place operations and keep no counter.
        return -1 if tensor.is_inference() else int(tensor._version)  # noqa: SLF001 - torch names it so
    except (RuntimeError, ValueError):  # a parameter that a lazy module has yet to make
        return -1


def shape_of(tensor: Any) -> tuple[int, ...] | None:
    """Extents of a tensor; None where it has none: nested, or a lazy module's parameter."""
    try:
        return None if tensor.is_nested else tuple(tensor.shape)
    except (RuntimeError, ValueError):
        return None


def memory_of(tensor: Any) -> tuple[int, int] | None:
    """Where the memory of a tensor begins, and its bytes; None where it has no one piece of it."""
    try:
        storage = tensor.untyped_storage()
        return storage.data_ptr(), storage.nbytes()
    except (
        RuntimeError,
        NotImplementedError,
        ValueError,
    ):  # sparse, or one of torch's stand-ins for tensors
        return None


def _looks(value: Any) -> object:
    if is_tensor_type(type(value)):
        return (version_of(value), shape_of(value), value.requires_grad)
    # The fields are alive as long as the node's value, so their ids are not used again.
    return [(name, id(field)) for name, field in vars(value).items()]


def known_node(value: object) -> Node | None:
    """Give the node of a value that is known and unchanged."""
    found = _KNOWN.get(id(value))
    if found is None:
        return None
    reference, node, looked = found
    return node if reference() is value and _looks(value) == looked else None


def _probe(value: Any) -> CID | None:
    node = known_node(value)
    return None if node is None else node.cid


carrier_probes.append(_probe)
