"""The subclasses of built-in types whose instances carry a node.

Law: an instance is a real number, text or container, good wherever C code asks for one; what is
computed from it is bare. Those that could change refuse to. Calling the class makes bare values:
``type(x)(...)`` is how libraries make another of the same kind.
"""

from __future__ import annotations

import copy
import functools
import operator
from collections.abc import Callable, Iterator
from typing import Any, Final

from dumbo.proxy.arrays import NUMBERS
from dumbo.proxy.bare import hand_out, plain
from dumbo.proxy.carried import Carried
from dumbo.proxy.carrier import plain_inside, refuse
from dumbo.proxy.node import Node
from dumbo.proxy.pickled import reduced_native
from dumbo.proxy.walk import is_named_tuple
from dumbo.proxy.wrapped_type import NAMED, names_one

UNPACKED: Final = 32
"""Items up to which a tuple is taken for a record that gets unpacked; a longer one is data."""
READ_ONLY: Final[dict[type, str]] = {
    list: "append extend insert remove pop clear sort reverse __setitem__ __delitem__",
    dict: "update pop popitem clear setdefault __setitem__ __delitem__",
    set: "add remove discard pop clear update intersection_update difference_update "
    "symmetric_difference_update",
}
IN_PLACE: Final = ["__iadd__", "__imul__", "__ior__", "__iand__", "__ixor__", "__isub__"]


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


def instance(base: Any, content: Any, node: Node) -> Any:
    """Make an object of the subclass of `base` that equals `content` and carries `node`."""
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
    """Make the subclass of a built-in type, once."""
    namespace: dict[str, Any] = {"__module__": __name__, "__dumbo_type__": base}
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
    return plain_item(node, index if index >= 0 else index + len(self), found)


def _unpacked(self: Any) -> Iterator[Any]:
    whole = tuple.__iter__(self)
    if len(self) > UNPACKED or (node := self.__dumbo_node__()) is None:
        return whole
    return (
        plain_item(node, index, found) if type(found) in NAMED else found
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
    return plain_item(node, key, found) if names_one(key) else found


def _get(self: Any, key: Any, default: Any = None) -> Any:
    return _dict_item(self, key) if key in self else default


def plain_item(node: Node, key: object, item: Any) -> Any:
    """Make the item at `key`, a number or text at hand, a result of its own."""
    return instance(type(item), item, node.plain_child(key, item))


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
