"""Native carriers: real objects of the value's own type (or a subclass) that carry the node.

Law: a native carrier never claims a CID for a value that was changed. Subclasses of built-in
containers refuse changes; arrays are read-only views; tensors and objects are known by identity in
a side table, with what they looked like, so copies and changed ones carry nothing. A value that
could change without a trace (a frame) comes as a proxy instead.
"""

from __future__ import annotations

import copy
import types
from typing import Any, Final

from dumbo.proxy.carry import carry, comes_bare
from dumbo.proxy.known import remember
from dumbo.proxy.native_class import READ_ONLY, instance
from dumbo.proxy.node import Node
from dumbo.proxy.walk import is_named_tuple
from dumbo.proxy.wrapped_type import PLAIN, is_tensor_type

SUBCLASSED: Final = (int, float, complex, str, bytes, tuple, frozenset, *READ_ONLY)
AS_THEY_ARE: Final = (type, types.ModuleType, types.BuiltinFunctionType, types.FunctionType)
BY_PROXY: Final = ("pandas", "polars", "scipy")


def native_carrier(node: Node) -> Any:
    """Make a native carrier; loads the value.

    What contains itself, or is nested deeper than Python recurses, comes as a proxy.
    """
    try:
        return _native(node)
    except RecursionError:
        return carry(node)


def _native(node: Node) -> Any:
    value: Any = node.value
    kind: Any = type(value)
    if kind in SUBCLASSED or is_named_tuple(kind):
        return instance(kind, _with_native_items(node), node)
    if f"{kind.__module__}.{kind.__name__}" == "numpy.ndarray":
        from dumbo.proxy.native_array import native_array

        return native_array(value, node)
    if kind.__module__.partition(".")[0] in BY_PROXY:
        return carry(node)
    return _known_by_identity(value, node)


def _with_native_items(node: Node) -> Any:
    """Give a container with its items as native carriers: an inner list must refuse changes too."""
    value: Any = node.value
    if isinstance(value, (list, tuple)):
        return [_native_item(node, index, item) for index, item in enumerate(value)]
    if isinstance(value, dict):
        return {key: _native_item(node, key, item) for key, item in value.items()}
    return value


def _native_item(node: Node, key: object, item: object) -> Any:
    return item if type(item) in PLAIN or comes_bare(type(item)) else _native(node.child(key))


def _known_by_identity(value: Any, node: Node) -> Any:
    kind = type(value)
    if is_tensor_type(kind):
        # torch has no read-only tensors: only a copy keeps in-place operations off the cached one.
        carrier = value.detach().clone().requires_grad_(value.requires_grad)
    elif isinstance(value, AS_THEY_ARE) or not hasattr(value, "__dict__"):
        return value
    else:
        carrier = copy.copy(value)
    remember(carrier, node)
    return carrier
