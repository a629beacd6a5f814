"""Values out of the nodes of a manifest.

Law: a numbered node becomes one object however often it is referred to; no module is imported
because a manifest names it.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any, Final

from dumbo.errors import NotCachedError, UntrustedValueError
from dumbo.storage.base import Keeper
from dumbo.storage.codecs.manifest import MAPPINGS, SETS, Manifest, Node, plain_value
from dumbo.storage.codecs.standard import restore
from dumbo.storage.codecs.survey import FACTORIES, named_tuple_name

_TYPES: Final[dict[str, Callable[[list[Any]], Any]]] = {
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
}


class Reader:
    """Turns nodes of one manifest into values, each numbered one once."""

    def __init__(self, manifest: Manifest, source: Keeper) -> None:
        self._manifest = manifest
        self._source = source
        self._made: dict[int, object] = {}

    def resolved(self, node: Node) -> Node:
        """Follow an alias."""
        if isinstance(node, list) and node[0] == "=":
            number = node[1]
            if not isinstance(number, int) or number < 0:
                raise ValueError("an alias leads nowhere")
            return self._manifest.nodes[number]
        return node

    def child(self, node: Node, key: object) -> Node:
        """Find the node of an item by index, key, or field of a named tuple."""
        if node[0] in MAPPINGS:
            for key_node, item in node[1]:
                if _same_key(self.value(key_node), key):
                    return item
        elif node[0] == "named" and isinstance(key, str) and key.lstrip(".") in node[4]:
            return node[1][node[4].index(key.lstrip("."))]
        elif isinstance(key, int) and _has_index(node, key):
            return node[1][key]
        raise NotCachedError(
            f"item {key!r}: a stored {node[0]} of {len(node[1])} has none; ask keys() what it has"
        )

    def value(self, node: Node) -> Any:
        """Build the value of a node."""
        node = self.resolved(node)
        if not isinstance(node, list) or node[0] == "x":
            return plain_value(node)
        if node[0] == "np":
            return _numpy_number(node[1], node[2])
        if node[0] == "std":
            return restore(node[1])
        number = self._manifest.numbers[id(node)]
        if number not in self._made:
            self._made[number] = self._make(node)
        return self._made[number]

    def _make(self, node: Node) -> Any:
        kind = node[0]
        if kind == "&":
            return self._source.load(self._manifest.leaf(node, self._source))
        if kind in MAPPINGS:
            return self._mapping(node)
        items = [self.value(item) for item in node[1]]
        if kind == "named":
            return tuple.__new__(_named_tuple(node[3], node[4]), items)
        if kind == "deque":
            return _deque(items, node[3])
        return items if kind == "list" else _TYPES[kind](items)

    def _mapping(self, node: Node) -> Any:
        pairs = [(self.value(key), self.value(item)) for key, item in node[1]]
        if node[0] == "dict":
            return dict(pairs)
        if node[0] == "defaultdict":
            return defaultdict(FACTORIES[node[3]], pairs)
        if node[0] == "Counter":
            counter: Counter[Any] = Counter()
            dict.update(counter, pairs)  # Counter's own would add
            return counter
        ordered = OrderedDict(pairs)
        attributes = self.value(node[3])
        if attributes is not None:
            vars(ordered).update(attributes)
        return ordered


def _deque(items: list[Any], maxlen: object) -> deque[Any]:
    if not (maxlen is None or (type(maxlen) is int and maxlen >= len(items))):
        raise ValueError(f"a deque of {len(items)} items is not limited to {maxlen!r}")
    return deque(items, maxlen)


def _has_index(node: Node, key: int) -> bool:
    return node[0] not in SETS and -len(node[1]) <= key < len(node[1])


def _same_key(key: Any, wanted: object) -> bool:
    """Dict equality; NaN keys are found by being NaN."""
    return bool(key == wanted) or (key != key and wanted != wanted)  # noqa: PLR0124 - NaN test


def _numpy_number(dtype: str, raw: str) -> object:
    import numpy as np

    if len(dtype) > 5 or dtype[1:2] not in {"b", "i", "u", "f", "c"}:
        raise ValueError(f"no numpy number is a {dtype!r}")
    return np.frombuffer(bytes.fromhex(raw), np.dtype(dtype), 1)[0]


def _named_tuple(name: str, fields: list[str]) -> type[Any]:
    """Find the class of a named tuple among the modules that are loaded; none is imported."""
    module, _, qualname = name.partition(":")
    found: Any = sys.modules.get(module)
    for part in qualname.split("."):
        found = vars(found).get(part) if found is not None else None
    if not isinstance(found, type) or named_tuple_name(found) != name:
        raise UntrustedValueError(
            f"a named tuple {name} cannot be rebuilt: its module is not loaded, and a stored "
            f"value imports nothing; import {module} first, or recompute the value"
        )
    if list(vars(found)["_fields"]) != fields:
        raise ValueError(f"{name} has other fields now")
    return found
