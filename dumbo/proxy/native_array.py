"""The native carrier of an array: a read-only view that carries the node.

Law: only the whole array is the result. Slices, reshaped views and computed arrays are plain
arrays, or carry nothing; in-place operators give plain copies. Imported only where numpy is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dumbo.proxy.bare import plain
from dumbo.proxy.carrier import IN_PLACE, plain_inside, refuse
from dumbo.proxy.native_class import Native
from dumbo.proxy.node import Node
from dumbo.proxy.pickled import reduced_native


def native_array(value: Any, node: Node) -> Any:
    """Make the native carrier of an array."""
    view: Any = value.view(NativeArray)
    view.flags.writeable = False
    view._dumbo_node = node  # noqa: SLF001 - ours
    return view


class NativeArray(Native, np.ndarray):
    """Read-only view of a cached array."""

    def __dumbo_node__(self) -> Node | None:
        node = super().__dumbo_node__()
        # Assigning .shape changes the view itself: then it is not the value any more.
        same = node is not None and self.shape == plain_shape(node)
        return node if same else None

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        # numpy's own `at` writes into read-only arrays.
        written = (*(kwargs.get("out") or ()), *(inputs[:1] if method == "at" else ()))
        for target in written:
            node = getattr(target, "_dumbo_node", None)
            if node is not None:
                refuse(node, f"numpy.{ufunc.__name__} into an output array")
        return getattr(ufunc, method)(*map(_as_plain, inputs), **plain_inside(kwargs))

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return array[()] if return_scalar else array.view(np.ndarray)

    def __getitem__(self, key: Any) -> Any:
        return self.view(np.ndarray)[plain(key)]

    def __reduce__(self) -> Any:
        node = self.__dumbo_node__()
        return self.view(np.ndarray).__reduce__() if node is None else reduced_native(node)

    def __reduce_ex__(self, protocol: object) -> Any:
        return self.__reduce__()

    def __copy__(self) -> Any:
        return np.array(self)

    def __deepcopy__(self, memo: Any) -> Any:
        return np.array(self)


def plain_shape(node: Node) -> tuple[int, ...]:
    """Give the shape of the array a node holds."""
    value: Any = node.value
    shape: tuple[int, ...] = value.shape
    return shape


def _as_plain(value: Any) -> Any:
    return value.view(np.ndarray) if type(value) is NativeArray else plain(value)


def _in_place(name: str) -> Callable[..., Any]:
    def method(self: Any, other: Any) -> Any:
        return getattr(np.array(self), name)(plain(other))

    method.__name__ = name
    return method


for _name in IN_PLACE:
    setattr(NativeArray, _name, _in_place(_name))
