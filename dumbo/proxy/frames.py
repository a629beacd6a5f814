"""Carriers of pandas and polars frames and of scipy's sparse arrays.

Law: the libraries are recognised by name and never imported here. A frame's methods that change it
are refused; so is ``inplace=True``; the indexers read and do not write.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from dumbo.proxy.arrays import NUMPY_HOOKS, blocked
from dumbo.proxy.carrier import plain_inside, refuse
from dumbo.proxy.classes import Namespace, defines, family
from dumbo.proxy.node import Node

ROOTS: Final = ("pandas", "polars", "scipy")
MUTATORS: Final[dict[str, str]] = {
    "pandas": "insert pop update isetitem",
    "polars": "insert_column replace_column drop_in_place extend append scatter "
    "set_sorted_in_place",
    # Sorting indices is not refused: solvers do it to what they are given, and the value stays.
    "scipy": "resize setdiag eliminate_zeros",
}
_PANDAS_INPLACE: Final = (
    *("drop", "fillna", "replace", "rename", "rename_axis", "reset_index", "set_index"),
    *("sort_values", "sort_index", "dropna", "drop_duplicates", "clip", "ffill", "bfill"),
    *("interpolate", "mask", "where", "eval", "query", "set_axis"),
)
INPLACE: Final[dict[str, tuple[str, ...]]] = {
    "pandas": _PANDAS_INPLACE,
    "polars": ("vstack", "hstack", "rename", "sort", "shrink_to_fit", "rechunk"),
}
"""Methods that change the frame when told to."""
INDEXERS: Final = ["loc", "iloc", "at", "iat"]


@family
def frames(value_type: type) -> Namespace | None:
    """Frames, series, indexes and sparse arrays."""
    root = value_type.__module__.partition(".")[0]
    if root not in ROOTS:
        return None
    hooks: Namespace = {
        name: blocked(name) for name in MUTATORS[root].split() if hasattr(value_type, name)
    }
    if defines(value_type, "__array__"):
        hooks.update(
            __array__=NUMPY_HOOKS["__array__"], __array_ufunc__=NUMPY_HOOKS["__array_ufunc__"]
        )
    names = INPLACE.get(root, ())
    hooks.update((name, _guarded(name)) for name in names if hasattr(value_type, name))
    if root == "pandas":
        hooks.update((name, _indexer(name)) for name in INDEXERS if hasattr(value_type, name))
    return hooks


def _guarded(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        for told in ("inplace", "in_place"):
            if kwargs.get(told):
                refuse(self.__dumbo_node__(), f".{name}({told}=True)")
        return getattr(self.__wrapped__, name)(*args, **kwargs)

    method.__name__ = name
    return method


def _indexer(name: str) -> property:
    return property(lambda self: ReadingIndexer(self.__dumbo_node__(), name))


class ReadingIndexer:
    """``frame.loc`` and its kin, for reading only."""

    __slots__ = ("_name", "_node")

    def __init__(self, node: Node, name: str) -> None:
        self._node = node
        self._name = name

    def __getitem__(self, key: Any) -> Any:
        return getattr(self._node.value, self._name)[plain_inside(key)]

    def __setitem__(self, key: Any, value: Any) -> None:
        refuse(self._node, f"setting .{self._name}[...]")

    def __getattr__(self, name: str) -> Any:
        return getattr(getattr(self._node.value, self._name), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Give pandas' own indexer for an axis."""
        return getattr(self._node.value, self._name)(*args, **kwargs)
