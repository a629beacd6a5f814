"""Lists, tuples and dicts item by item: touching one item loads one item.

Law: what is asked for by its key, index or name, or unpacked from a tuple, is a result of its own
with the CID ``<cid>[key]``. Walking over many (a list, the values of a dict, a slice, a tuple too
long to be unpacked) gives numbers and text bare, and everything else as its own carrier, the same
object for as long as somebody holds it. Length and keys are read from the record where it has
them. What is built from the whole (``+``, ``*``, ``|``, ``copy``) shares no mutable part with the
cached value.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, Iterator, ValuesView
from collections.abc import ItemsView as Items
from collections.abc import Set as AbstractSet
from typing import Any, Final

from dumbo.proxy.arrays import blocked
from dumbo.proxy.bare import hand_out, is_carrier, plain
from dumbo.proxy.carry import carry
from dumbo.proxy.classes import Namespace, family
from dumbo.proxy.native_class import UNPACKED, instance, plain_item
from dumbo.proxy.node import Node
from dumbo.proxy.walk import all_plain, is_named_tuple
from dumbo.proxy.wrapped_type import NAMED, PLAIN, find_type, names_one

TEXTS: Final = frozenset({str, bytes})
SHORT: Final = 1024
"""Length up to which text is rather had than loaded later; the store keeps longer text apart."""
MUTATORS: Final[dict[type, str]] = {
    list: "append extend insert remove pop clear sort reverse",
    dict: "update pop popitem clear setdefault move_to_end subtract",
    deque: "append appendleft extend extendleft insert pop popleft remove reverse rotate clear",
    set: "add remove discard pop clear update "
    "intersection_update difference_update symmetric_difference_update",
    bytearray: "append extend insert remove pop clear reverse",
}


def item(node: Node, key: Any) -> Any:
    """Give the item at an exact key as a result of its own; None, True and False come bare.

    Numbers and short text are native carriers, so that whatever takes a float takes this one.
    """
    if node.is_loaded:
        value: Any = node.item_value(key)
        kind = type(value)
        if kind in PLAIN and not (kind in TEXTS and len(value) > SHORT):
            return plain_item(node, key, value) if kind in NAMED and names_one(key) else value
    return _child(node, key)


def passing(node: Node, key: Any) -> Any:
    """Give the item at an exact key to somebody who walks over all: numbers and text bare."""
    if node.is_loaded:
        value = node.item_value(key)
        if type(value) in PLAIN:
            return value
    found = _child(node, key)
    # Asked of the class: nothing is loaded for the answer.
    return plain(found) if getattr(type(found), "__dumbo_type__", None) in PLAIN else found


def _child(node: Node, key: Any) -> Any:
    held = node.held()
    known = held.get(key)
    if known is not None:
        return known
    if not names_one(key):  # two keys may have one name, and a CID must not
        return hand_out(node.item_value(key))
    child = node.child(key)
    kind = find_type(child.record.type)
    if kind in NAMED and not (kind in TEXTS and _text_length(child) > SHORT):
        return instance(kind, child.value, child)  # an array in its place would be lazy
    carrier = carry(child)
    return held.setdefault(key, carrier) if is_carrier(carrier) else carrier


def _text_length(node: Node) -> int:
    text: Any = node.value if node.is_loaded else None
    return int(str(node.record.meta.get("len", 0))) if text is None else len(text)


def _length(self: Any) -> int:
    node = self.__dumbo_node__()
    known = node.record.meta.get("len")
    if node.is_loaded or not isinstance(known, int):
        return len(self.__wrapped__)
    return known


def _bool(self: Any) -> bool:
    return _length(self) > 0


def _items_of_sequence(self: Any) -> Iterator[Any]:
    node, length = self.__dumbo_node__(), _length(self)
    if length <= UNPACKED and issubclass(type(self).__dumbo_type__, tuple):
        return (item(node, index) for index in range(length))
    if node.is_loaded and all_plain(node.value):
        return iter(node.value)
    return (passing(node, index) for index in range(length))


def _sequence_item(self: Any, key: Any) -> Any:
    node, length = self.__dumbo_node__(), _length(self)
    if isinstance(key, slice):
        found = [passing(node, index) for index in range(*key.indices(length))]
        return found if issubclass(self.__class__, list) else tuple(found)
    index = operator.index(key)
    if not -length <= index < length:
        raise IndexError(f"{self.__class__.__name__} index out of range")
    return item(node, index % length)


def _reversed(self: Any) -> Iterator[Any]:
    node = self.__dumbo_node__()
    return (passing(node, index) for index in reversed(range(_length(self))))


def _dict_item(self: Any, key: Any) -> Any:
    node, key = self.__dumbo_node__(), plain(key)
    # The CID is made from the key as the dict spells it: d[True] may be d[1].
    known = node.keys()
    if key not in known and hasattr(self.__class__, "__missing__"):
        return hand_out(self.__wrapped__)[key]
    return item(node, known[key])


def _get(self: Any, key: Any, default: Any = None) -> Any:
    known = self.__dumbo_node__().keys()
    key = plain(key)
    return _dict_item(self, key) if key in known else default


def _has_key(self: Any, key: Any) -> bool:
    known = self.__dumbo_node__().keys()
    return plain(key) in known


def _keys(self: Any) -> AbstractSet[Any]:
    return self.__dumbo_node__().keys().keys()  # type: ignore[no-any-return]  # keys of a dict


class _Passing:
    """A dict as its views see it: they walk over all items."""

    __slots__ = ("_whole",)

    def __init__(self, whole: Any) -> None:
        self._whole = whole

    def __getitem__(self, key: Any) -> Any:
        node = self._whole.__dumbo_node__()
        return passing(node, node.keys()[plain(key)])

    def __iter__(self) -> Iterator[Any]:
        return iter(_keys(self._whole))

    def __len__(self) -> int:
        return _length(self._whole)

    def __repr__(self) -> str:
        return repr(self._whole)


def _values(self: Any) -> ValuesView[Any]:
    return ValuesView(_Passing(self))


def _items(self: Any) -> Items[Any, Any]:
    return Items(_Passing(self))


def _contains(self: Any, element: Any) -> bool:
    return plain(element) in self.__wrapped__


def _fresh(name: str) -> Callable[..., Any]:
    """Let an operator work on a copy that shares no mutable part with the cached value."""

    def operate(self: Any, *others: Any) -> Any:
        operation = getattr(hand_out(self.__wrapped__), name)
        return operation(*(hand_out(plain(other)) for other in others))

    operate.__name__ = name
    return operate


BUILDERS: Final[dict[type, str]] = {
    list: "__add__ __mul__ __rmul__ copy",
    tuple: "__add__ __mul__ __rmul__",
    dict: "__or__ __ror__ copy",
}


def _replaced(self: Any, /, **fields: Any) -> Any:
    return hand_out(self.__wrapped__)._replace(**fields)


def _concatenated(self: Any, other: Any) -> Any:
    return hand_out(plain(other)) + hand_out(self.__wrapped__)


@family
def mutable(value_type: type) -> Namespace | None:
    """Refuse the methods that change a list, dict, set or bytearray."""
    for base, names in MUTATORS.items():
        if issubclass(value_type, base):
            return {name: blocked(name) for name in names.split() if hasattr(value_type, name)}
    return None


def _untouched(value_type: type, base: type, *names: str) -> bool:
    """Whether a type keeps the built-in way to its items."""
    return all(getattr(value_type, name) is getattr(base, name) for name in names)


@family
def sequences(value_type: type) -> Namespace | None:
    """Lists and tuples, named ones too."""
    base = list if issubclass(value_type, list) else tuple
    if not issubclass(value_type, base) or not _untouched(
        value_type, base, "__getitem__", "__iter__", "__len__"
    ):
        return None
    hooks: Namespace = {name: _fresh(name) for name in BUILDERS[base].split()}
    if is_named_tuple(value_type):
        hooks.update(_asdict=_fresh("_asdict"), _replace=_replaced)
    for position, name in enumerate(getattr(value_type, "_fields", ())):
        hooks[name] = _field(position)
    hooks.update(
        __len__=_length,
        __bool__=_bool,
        __iter__=_items_of_sequence,
        __getitem__=_sequence_item,
        __reversed__=_reversed,
        __contains__=_contains,
        __radd__=_concatenated,
    )
    return hooks


def _field(position: int) -> property:
    return property(lambda self: item(self.__dumbo_node__(), position))


@family
def dicts(value_type: type) -> Namespace | None:
    """Dicts, ordered and counting ones too."""
    if not issubclass(value_type, dict) or not _untouched(
        value_type, dict, "__getitem__", "__len__", "get"
    ):
        return None
    hooks: Namespace = {name: _fresh(name) for name in BUILDERS[dict].split()}
    if hasattr(value_type, "__missing__"):
        hooks["__missing__"] = _fresh("__missing__")
    hooks.update(
        __len__=_length,
        __bool__=_bool,
        __iter__=lambda self: iter(_keys(self)),
        __reversed__=lambda self: reversed(list(_keys(self))),
        __getitem__=_dict_item,
        __contains__=_has_key,
        get=_get,
        keys=_keys,
        values=_values,
        items=_items,
    )
    return hooks
