"""Native carriers: real objects of the value's own type (or a subclass) that carry the node.

Law: a native carrier never claims a CID for a value that was changed. Subclasses of built-in
containers refuse changes; arrays are read-only views; tensors and objects are known by identity in
a side table, with what they looked like, so copies and changed ones carry nothing. A value that
could change without a trace (a frame) comes as a proxy instead.
"""

from __future__ import annotations

import copy
import functools
import operator
import types
from collections.abc import Callable, Iterator
from typing import Any, Final

from dumbo.proxy.arrays import NUMBERS
from dumbo.proxy.bare import hand_out, plain
from dumbo.proxy.carried import Carried
from dumbo.proxy.carrier import plain_inside, refuse
from dumbo.proxy.carry import carry, comes_bare
from dumbo.proxy.containers import UNPACKED
from dumbo.proxy.known import remember
from dumbo.proxy.node import Node
from dumbo.proxy.pickled import reduced_native
from dumbo.proxy.walk import is_named_tuple
from dumbo.proxy.wrapped_type import NAMED, PLAIN, is_tensor_type, names_one

READ_ONLY: Final[dict[type, str]] = {
    list: "append extend insert remove pop clear sort reverse __setitem__ __delitem__",
    dict: "update pop popitem clear setdefault __setitem__ __delitem__",
    set: "add remove discard pop clear update intersection_update difference_update "
    "symmetric_difference_update",
}
IN_PLACE: Final = ["__iadd__", "__imul__", "__ior__", "__iand__", "__ixor__", "__isub__"]
SUBCLASSED: Final = (int, float, complex, str, bytes, tuple, frozenset, *READ_ONLY)
AS_THEY_ARE: Final = (type, types.ModuleType, types.BuiltinFunctionType, types.FunctionType)
BY_PROXY: Final = ("pandas", "polars", "scipy")


class Native(Carried):
    """Hooks of the subclasses; their instances keep the node in ``_dumbo_node``."""

    __slots__ = ()

    def __dumbo_node__(self) -> Node | None:
        node: Node | None = getattr(self, "_dumbo_node", None)
        return node

    def __reduce_ex__(self, protocol: object) -> Any:
        return reduced_native(_node(self))

    def __copy__(self) -> Any:
        return hand_out(_node(self).value)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return copy.deepcopy(hand_out(_node(self).value), memo)


def _node(carrier: Any) -> Node:
    node: Node = carrier.__dumbo_node__()
    return node


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
        return _instance(kind, _with_native_items(node), node)
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


def _instance(base: Any, content: Any, node: Node) -> Any:
    made = native_class(base)
    if base in READ_ONLY:
        carrier = base.__new__(made)
        base.__init__(carrier, content)
    else:
        carrier = (tuple if is_named_tuple(base) else base).__new__(made, content)
    carrier._dumbo_node = node  # noqa: SLF001 - ours
    return carrier


@functools.cache
def native_class(base: type[Any]) -> Any:
    """Make the subclass of a built-in type whose instances carry a node.

    Calling it makes bare values: ``type(x)(...)`` is how libraries make another of the same kind.
    """
    namespace: dict[str, Any] = {"__module__": __name__}
    namespace["__new__"] = lambda _cls, *args, **kwargs: base(*args, **kwargs)
    if is_named_tuple(base):
        namespace["_make"] = base._make
    if base in READ_ONLY:
        weak = () if base.__weakrefoffset__ else ("__weakref__",)
        namespace["__slots__"] = (*weak, "_dumbo_node")
        namespace.update((name, _refused(name)) for name in READ_ONLY[base].split())
        namespace.update((name, _bare_in_place(name)) for name in IN_PLACE if hasattr(base, name))
    namespace |= ITEM_HOOKS.get(tuple if is_named_tuple(base) else base, {})
    namespace.update((name, _field(at)) for at, name in enumerate(getattr(base, "_fields", ())))
    if base in NUMBERS:
        namespace["__array_ufunc__"] = _weak_ufunc
    return type(f"Native[{base.__name__}]", (Native, base), namespace)


def _sequence_item(self: Any, key: Any) -> Any:
    base = list if isinstance(self, list) else tuple
    found = base.__getitem__(self, plain(key))
    if type(found) not in NAMED or (node := self.__dumbo_node__()) is None:
        return found
    index = operator.index(key)
    return _plain_item(node, index if index >= 0 else index + len(self), found)


def _unpacked(self: Any) -> Iterator[Any]:
    whole = tuple.__iter__(self)
    if len(self) > UNPACKED or (node := self.__dumbo_node__()) is None:
        return whole
    return (
        _plain_item(node, index, found) if type(found) in NAMED else found
        for index, found in enumerate(whole)
    )


def _field(position: int) -> property:
    return property(lambda self: _sequence_item(self, position))


def _dict_item(self: Any, key: Any) -> Any:
    key = plain(key)
    found = dict.__getitem__(self, key)
    if type(found) not in NAMED or (node := self.__dumbo_node__()) is None:
        return found
    key = node.keys()[key]
    return _plain_item(node, key, found) if names_one(key) else found


def _get(self: Any, key: Any, default: Any = None) -> Any:
    return _dict_item(self, key) if key in self else default


def _plain_item(node: Node, key: object, item: Any) -> Any:
    return _instance(type(item), item, node.plain_child(key, item))


ITEM_HOOKS: Final[dict[type, dict[str, Any]]] = {
    list: {"__getitem__": _sequence_item},
    tuple: {"__getitem__": _sequence_item, "__iter__": _unpacked},
    dict: {"__getitem__": _dict_item, "get": _get},
}
"""How native containers give numbers and text that are asked for by name, as the proxies do."""


def _refused(name: str) -> Callable[..., Any]:
    def method(self: Any, *_args: object, **_kwargs: object) -> Any:
        refuse(_node(self), f".{name}()")

    method.__name__ = name
    return method


def _bare_in_place(name: str) -> Callable[..., Any]:
    def method(self: Any, other: Any) -> Any:
        return getattr(hand_out(_node(self).value), name)(plain(other))

    method.__name__ = name
    return method


def _weak_ufunc(_self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    # A float subclass counts as float64 in numpy's promotion; an exact float is weak.
    return getattr(ufunc, method)(*plain_inside(inputs), **plain_inside(kwargs))


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
