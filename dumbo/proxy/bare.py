"""Bare values: what lies under a carrier, given out so that the cached value cannot be reached.

Law: exact lists, dicts and sets are handed out as fresh copies of their skeleton, so changing what
was handed out changes nothing that is cached; arrays are shared, because they are read-only.
"""

from __future__ import annotations

import copy
import sys
from typing import Any

from dumbo.errors import UncacheableError
from dumbo.identity.cid import CID
from dumbo.proxy.known import known_node
from dumbo.proxy.node import Node
from dumbo.proxy.walk import CONTAINERS, Rebuild, leaves
from dumbo.proxy.wrapped_type import PLAIN


def node_of(value: object) -> Node | None:
    """Give the node a carrier carries, or None for any other value."""
    probe = getattr(type(value), "__dumbo_node__", None)
    if probe is None:
        return known_node(value)
    node: Node | None = probe(value)
    return node


def cid_of(value: object) -> CID | None:
    """Give the CID of a carrier, or None for any other value."""
    node = node_of(value)
    return None if node is None else node.cid


def is_carrier(value: object) -> bool:
    """Whether a value is a result that carries its CID."""
    return node_of(value) is not None


def hand_out(value: Any) -> Any:
    """Give a cached value away in a form whose changes cannot reach the cache."""
    if type(value) in PLAIN:
        return value
    try:
        return Rebuild(_leaf_out)(value)
    except UncacheableError:  # too deep to be copied, so it was not kept: nobody else holds it
        return value


def _leaf_out(value: Any) -> Any:
    node = node_of(value)
    if node is not None:
        node.exposure.is_open = True
        return hand_out(node.value)
    root = type(value).__module__.partition(".")[0]
    if root == "pandas" and hasattr(value, "copy"):
        return value.copy(deep=not frames_copy_on_write())
    if root == "polars" and hasattr(value, "clone"):
        return value.clone()
    return value


def frames_copy_on_write() -> bool:
    """Whether a shallow copy of a pandas frame is protected against changes of the other."""
    pandas = sys.modules["pandas"]
    return int(pandas.__version__.partition(".")[0]) >= 3


def plain(value: Any) -> Any:
    """Take the carrier off, if there is one; the value under it is the cached one itself."""
    node = node_of(value)
    return value if node is None else node.value


def unwrap(value: Any, deep: bool = False) -> Any:
    """Give the bare value of a carrier; any other value is given back as it is.

    Parameters
    ----------
    value : object
    deep : bool
        Also look inside exact tuples, lists, dicts and sets; they are copied only if a carrier is
        found in them.

    Returns
    -------
    object
        Containers are fresh at every call. Arrays are read-only: take ``.copy()`` to change one.

    Examples
    --------
    >>> unwrap(3), unwrap([1, 2])
    (3, [1, 2])
    """
    node = node_of(value)
    if node is not None:
        node.exposure.is_open = True
        return hand_out(node.value)
    return _BareInside(unwrap)(value) if deep else value


class _BareInside(Rebuild):
    """Rebuilding of only those containers that have a carrier somewhere inside."""

    __slots__ = ()

    def _walk(self, value: Any) -> Any:
        if type(value) in CONTAINERS and not any(map(is_carrier, leaves(value))):
            return value
        return super()._walk(value)


def bare_arguments(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Take carriers out of a call's arguments, top level and inside exact containers."""
    bare_args = unwrap(args, deep=True)
    bare_kwargs = unwrap(kwargs, deep=True) if kwargs else kwargs
    return bare_args, bare_kwargs


def bare_copy(value: Any) -> Any:
    """Copy a cached value so that the copy can be changed at will, one level down at least."""
    if type(value) in CONTAINERS:
        return hand_out(value)
    root = type(value).__module__.partition(".")[0]
    if root in ("numpy", "pandas", "polars", "builtins", "scipy"):
        return copy.copy(_leaf_out(value))
    return copy.deepcopy(value)
