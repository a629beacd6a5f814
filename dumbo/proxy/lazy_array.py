"""Parts of an array that was not loaded: slices, rows and blocks read their own bytes only.

Law: a part is a plain read-only array with the bytes the whole would give there; asking for one
loads nothing else, so the carrier stays unopened. Where no part can be had, or the bytes are lost,
the whole is loaded, or computed again, and the part is cut from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeVar

from dumbo.errors import ValueLostError
from dumbo.proxy.bare import node_of
from dumbo.proxy.carrier import plain_inside
from dumbo.proxy.classes import Namespace
from dumbo.proxy.node import Node
from dumbo.storage.selection import blocks_of_rows

if TYPE_CHECKING:
    from dumbo.storage.handles import ArrayHandle

_Part = TypeVar("_Part")
_PLAIN_KEYS: Final = frozenset({int, slice})


def blocks(array: Any, rows: int | None = None) -> Iterator[Any]:
    """Iterate over an array some rows at a time, without loading it whole.

    Parameters
    ----------
    array : array, or the carrier of one
        One that is not loaded stays so.
    rows : int, optional
        Rows of each block but the last; about 4 MiB by default.

    Returns
    -------
    iterator of numpy.ndarray
        Those of a carrier are read-only.

    Raises
    ------
    ConfigurationError
        The array has no dimensions, or `rows` is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> [float(block.sum()) for block in blocks(np.ones((5, 2)), 2)]
    [4.0, 4.0, 2.0]
    """
    node = node_of(array)
    return blocks_of_rows(array if node is None else _Parts(node), rows)


class _Parts:
    """The array of a node: shape and dtype from its record, parts from wherever they are."""

    __slots__ = ("_node", "dtype", "shape")

    def __init__(self, node: Node) -> None:
        source: Any = node.handle or node.value
        self.shape, self.dtype = source.shape, source.dtype
        self._node = node

    def __getitem__(self, key: Any) -> Any:
        return part_of(self._node, lambda array: array[key])


def part_of(node: Node, take: Callable[[Any], _Part]) -> _Part:
    """Take a part out of the opened array of a node, or out of its value."""
    handle: ArrayHandle | None = node.handle
    if handle is not None:
        try:
            return take(handle)
        except ValueLostError:
            pass  # the value may be had all the same: computed again
    return take(node.value)


def _item(self: Any, key: Any) -> Any:
    bare = key if type(key) in _PLAIN_KEYS else plain_inside(key)
    return part_of(self.__dumbo_node__(), lambda array: array[bare])


def _rows(self: Any) -> Iterator[Any]:
    node = self.__dumbo_node__()
    if node.handle is None:
        return iter(node.value)
    return (row for block in blocks_of_rows(_Parts(node)) for row in block)


LAZY_HOOKS: Final[Namespace] = {"__getitem__": _item, "__iter__": _rows, "blocks": blocks}
"""What the carrier of an array answers without its value."""
