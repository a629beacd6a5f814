"""How numpy sees carriers: arrays, numbers, and whatever else becomes an array.

Law: numpy computes on the bare values, so its rules for weak Python scalars, dtypes and
zero-dimensional results hold; nothing is written through ``out=``; only shape and dtype, which the
record knows, are answered without loading.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from dumbo.proxy.bare import node_of, plain
from dumbo.proxy.carrier import plain_inside, refuse
from dumbo.proxy.classes import Namespace, family
from dumbo.proxy.lazy_array import LAZY_HOOKS
from dumbo.proxy.node import Node
from dumbo.proxy.wrapped_type import is_from

MUTATORS: Final = ["fill", "sort", "put", "partition", "resize", "setfield", "setflags", "itemset"]
NUMBERS: Final = (int, float, complex)


def blocked(name: str) -> Callable[..., Any]:
    """Make a method that refuses to change the cached value."""

    def method(self: Any, *_args: object, **_kwargs: object) -> Any:
        refuse(self.__dumbo_node__(), f".{name}()")

    method.__name__ = name
    return method


def as_array(self: Any, dtype: Any = None, copy: bool | None = None) -> Any:
    """Answer ``numpy.asarray``; an array is shared, being read-only."""
    import numpy as np

    self.__dumbo_node__().exposure.is_open = True
    value = self.__wrapped__
    return np.asarray(value, dtype=dtype) if copy is None else np.array(value, dtype, copy=copy)


def _ufunc(_self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    for target in kwargs.get("out") or ():
        _refuse_out(target)
    if method == "at":
        _refuse_out(inputs[0])
    return getattr(ufunc, method)(*plain_inside(inputs), **plain_inside(kwargs))


def _function(_self: Any, function: Any, _types: Any, args: Any, kwargs: Any) -> Any:
    _refuse_out(kwargs.get("out"))
    if function.__name__ in WRITES_FIRST:
        _refuse_out(args[0])
    return function(*plain_inside(args), **plain_inside(kwargs))


WRITES_FIRST: Final = frozenset(
    {"copyto", "put", "place", "putmask", "put_along_axis", "fill_diagonal"}
)
"""numpy functions that write into their first argument."""


def _refuse_out(target: object) -> None:
    node = node_of(target)
    if node is not None:
        refuse(node, "writing into an output array")


NUMPY_HOOKS: Final[Namespace] = {
    "__array__": as_array,
    "__array_ufunc__": _ufunc,
    "__array_function__": _function,
}


@family
def numbers(value_type: type) -> Namespace | None:
    """Numbers: without these numpy takes a proxied float for a sequence of objects."""
    if issubclass(value_type, NUMBERS) or is_from(value_type, "numpy", "generic"):
        return dict(NUMPY_HOOKS)
    return None


@family
def texts_and_sequences(value_type: type) -> Namespace | None:
    """Text, bytes, lists and tuples become arrays as they are, not item by item."""
    if issubclass(value_type, (str, bytes, bytearray, list, tuple)):
        return {"__array__": as_array}
    return None


@family
def arrays(value_type: type) -> Namespace | None:
    """Arrays of numpy and its subclasses."""
    if not is_from(value_type, "numpy", "ndarray"):
        return None
    hooks: Namespace = {name: blocked(name) for name in MUTATORS}
    hooks.update(NUMPY_HOOKS)
    hooks.update({name: _from_record(name) for name in FACTS}, __len__=_len, __dlpack__=_dlpack)
    return hooks | LAZY_HOOKS


@family
def adopted_arrays(value_type: type) -> Namespace | None:
    """Arrays in files that cannot be mapped: numpy reads them whole, slices in parts."""
    return dict(NUMPY_HOOKS) if is_from(value_type, "dumbo", "AdoptedArray") else None


def _shape(node: Node) -> tuple[int, ...]:
    return tuple(node.record.meta["shape"])  # type: ignore[arg-type]  # a list of ints in the record


def _dtype(node: Node) -> Any:
    import numpy as np

    return np.dtype(node.record.meta["dtype"])  # type: ignore[call-overload]  # its text form


FACTS: Final[dict[str, Callable[[Node], Any]]] = {
    "shape": _shape,
    "dtype": _dtype,
    "ndim": lambda node: len(_shape(node)),
    "size": lambda node: math.prod(_shape(node)),
    "itemsize": lambda node: _dtype(node).itemsize,
    "nbytes": lambda node: math.prod(_shape(node)) * _dtype(node).itemsize,
}


def _from_record(name: str) -> property:
    fact = FACTS[name]

    def get(self: Any) -> Any:
        node = self.__dumbo_node__()
        if not node.is_loaded and "shape" in node.record.meta:
            try:
                return fact(node)
            except (KeyError, TypeError):
                pass  # a dtype that numpy cannot read from text: ask the array itself
        return getattr(self.__wrapped__, name)

    return property(get)


def _len(self: Any) -> int:
    shape = self.shape
    if not shape:
        raise TypeError("len() of unsized object")  # numpy's own words
    return int(shape[0])


def _dlpack(self: Any, **kwargs: Any) -> Any:
    # The consumer may write into what it gets, and numpy cannot forbid it: give it a copy.
    kwargs.pop("copy", None)
    return plain(self).copy().__dlpack__(**kwargs)
