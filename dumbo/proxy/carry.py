"""From a node to its carrier.

Law: the carrier is chosen by the type of the value, or by the type the record names when the value
is not at hand; choosing never loads, and never imports what the program does not use.
"""

from __future__ import annotations

from enum import Enum
from types import NotImplementedType
from typing import Any, Final

from dumbo.proxy.carrier import make
from dumbo.proxy.classes import carrier_class, known_class
from dumbo.proxy.known import shape_of
from dumbo.proxy.node import Node, Returns
from dumbo.proxy.unopened import Unopened
from dumbo.proxy.wrapped_type import find_type, is_tensor_type

BARE_TYPES: Final = frozenset({type(None), bool, type(...), NotImplementedType})
"""Types of the values that code compares by ``is``."""


def carry(node: Node, returns: Returns = Returns.PROXY) -> Any:
    """Make the carrier of a node.

    Parameters
    ----------
    node : Node
    returns : Returns
        Proxy, native carrier or bare value.

    Returns
    -------
    object
        None, True, False, ``...``, NotImplemented and enum members come bare whatever `returns`
        says.
    """
    value_type = type(node.value) if node.is_loaded else find_type(node.record.type)
    if returns is Returns.PROXY and (known := known_class(value_type)) is not None:
        return make(known, node)
    if value_type is not None and comes_bare(value_type):
        return node.value
    if returns is not Returns.PROXY:
        return _real(node, returns)
    if value_type is None:
        return make(Unopened, node)
    if is_tensor_type(value_type):
        if "shape" not in node.record.meta and shape_of(node.value) is None:
            return _real(node, Returns.BARE)  # a carrier has extents
        from dumbo.proxy.tensor import tensor_carrier

        return tensor_carrier(node)
    return make(carrier_class(value_type), node)


def comes_bare(value_type: type) -> bool:
    """Whether values of a type never get a carrier, because code compares them by ``is``."""
    return value_type in BARE_TYPES or issubclass(value_type, Enum)


def _real(node: Node, returns: Returns) -> Any:
    from dumbo.proxy.bare import hand_out
    from dumbo.proxy.native import native_carrier

    return hand_out(node.value) if returns is Returns.BARE else native_carrier(node)
