"""Exact dict, list, tuple, set, frozenset and named tuples, item by item.

Law: touching one item loads one item; the same object twice inside a value is one object again.

Small scalars lie in the manifest; arrays, tensors, long text and other objects are leaves of
their own. A nested container is a place in the same manifest (``meta["at"]``). Declined, and so
kept whole by pickle: recursive values, more than 64 levels, keys that are not plain, and objects
of unknown classes beside anything they could share parts with, since pickling them apart would
break the sharing. Sharing between *memory* (two views of one array) is not kept by anybody.
"""

from __future__ import annotations

import struct
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any, Final

from dumbo.errors import NotCachedError
from dumbo.records import Stored
from dumbo.storage.base import Codec, Keeper, Keeps
from dumbo.storage.codecs.assembly import Reader
from dumbo.storage.codecs.manifest import (
    CONTAINERS,
    Manifest,
    Node,
    children,
    is_numbered,
    leaf_node,
    lost,
    pack,
    plain_node,
)
from dumbo.storage.codecs.scalars import SCALARS
from dumbo.storage.codecs.survey import (
    SMALL_TEXT,
    is_numpy_number,
    named_tuple_name,
    worth_items,
)

_OPEN_MANIFESTS: Final = 16
_DAMAGE: Final = (KeyError, IndexError, TypeError, ValueError, RecursionError, struct.error)


class ContainerCodec:
    """Containers of Python's own.

    Parameters
    ----------
    find : callable
        Gives the codec of a leaf.
    """

    name = "container/1"
    keeps = frozenset({Keeps.BITS, Keeps.LAZY, Keeps.ITEMS, Keeps.NO_CODE})

    def __init__(self, find: Callable[[object], Codec]) -> None:
        self._find = find
        self._opened: OrderedDict[Hashable, Manifest] = OrderedDict()
        self._lock = threading.Lock()

    def accepts(self, value: object) -> bool:
        """Whether the tree can be taken apart and put together exactly."""
        return worth_items(value, self._find)

    def store(self, value: object, into: Keeper) -> Stored:
        """Store the leaves, then the manifest."""
        writer = _Writer(into)
        root, _ = writer.node(value)
        parts = pack(root, writer.tail)
        size = sum(map(len, parts))
        meta = {**_facts(root), "manifest": size}
        kept = into.keep(self.name, meta, parts, into.digest(value))
        return replace(kept, nbytes=size + writer.outside)

    def load(self, stored: Stored, source: Keeper) -> object:
        """Build the whole value; leaves come lazily where they can."""
        manifest, node = self._node(stored, source)
        try:
            return Reader(manifest, source).value(node)
        except _DAMAGE as error:
            raise lost(error) from error

    def keys(self, stored: Stored, source: Keeper) -> tuple[object, ...]:
        """Keys of a dict, indices of a sequence, nothing for a set."""
        manifest, node = self._node(stored, source)
        try:
            if node[0] == "dict":
                reader = Reader(manifest, source)
                return tuple(reader.value(key) for key, _ in node[1])
            return () if node[0] in {"set", "frozenset"} else tuple(range(len(node[1])))
        except _DAMAGE as error:
            raise lost(error) from error

    def item(self, stored: Stored, key: object, source: Keeper) -> Stored:
        """Describe the item at `key` without loading it."""
        manifest, node = self._node(stored, source)
        try:
            found = Reader(manifest, source).child(node, key)
            return self._describe(manifest, stored, found, source)
        except NotCachedError:
            raise
        except _DAMAGE as error:
            raise lost(error) from error

    def objects_of(self, stored: Stored, source: Keeper | None = None) -> tuple[str, ...]:
        """Name the manifest's object and those of the leaves."""
        own = (stored.object,) if stored.object else ()
        if source is None:
            return own
        manifest, _ = self._node(stored, source)
        leaves = (node[1].get("object", "") for node in manifest.nodes if node[0] == "&")
        return tuple(dict.fromkeys((*own, *(name for name in leaves if name))))

    def _describe(self, manifest: Manifest, stored: Stored, node: Node, source: Keeper) -> Stored:
        reader = Reader(manifest, source)
        node = reader.resolved(node)
        if not isinstance(node, list) or node[0] in {"x", "np"}:
            return source.store(reader.value(node))
        if node[0] == "&":
            return manifest.leaf(node, source)
        number = manifest.numbers[id(node)]
        meta = {**_facts(node), "manifest": stored.meta["manifest"], "at": number}
        digest = node[2] if node[2] is not None else source.digest(reader.value(node))
        return replace(stored, meta=meta, nbytes=_weight(node, reader), digest=digest)

    def _node(self, stored: Stored, source: Keeper) -> tuple[Manifest, Node]:
        key = stored.object or stored.inline
        with self._lock:
            manifest = self._opened.get(key)
            if manifest is not None:
                self._opened.move_to_end(key)
        try:
            if manifest is None:
                base = replace(stored, nbytes=int(str(stored.meta["manifest"])))
                manifest = self._remember(key, Manifest.open(base, source))
            at = stored.meta.get("at", 0)
            if not isinstance(at, int) or at < 0 or manifest.nodes[at][0] not in CONTAINERS:
                raise ValueError(f"there is no container at {at}")
            return manifest, manifest.nodes[at]
        except _DAMAGE as error:
            raise lost(error) from error

    def _remember(self, key: Hashable, manifest: Manifest) -> Manifest:
        with self._lock:
            self._opened[key] = manifest
            while len(self._opened) > _OPEN_MANIFESTS:
                self._opened.popitem(last=False)
        return manifest


class _Writer:
    """Turns one value into nodes; `tail` and `outside` are what lies beside the header."""

    def __init__(self, into: Keeper) -> None:
        self.tail: list[bytes] = []
        self.outside = 0
        self._behind = 0
        self._into = into
        self._seen: dict[int, int] = {}
        self._with_leaves: set[int] = set()

    def node(self, value: Any) -> tuple[Node, bool]:
        """Return the node, and whether all of it lies in the header."""
        kind = type(value)
        if kind in SCALARS and not (kind in {str, bytes, bytearray} and _is_leaf(value)):
            return plain_node(value), True
        if is_numpy_number(value):
            return ["np", value.dtype.str, value.tobytes().hex()], True
        if id(value) in self._seen:
            return ["=", self._seen[id(value)]], id(value) not in self._with_leaves
        self._seen[id(value)] = len(self._seen)
        node, plain = self._new_node(value, kind)
        if not plain:
            self._with_leaves.add(id(value))
        return node, plain

    def _new_node(self, value: Any, kind: type[Any]) -> tuple[Node, bool]:
        if kind is dict:
            return self._dict(value)
        if kind in {list, tuple, set, frozenset}:
            return self._items(value, [kind.__name__])
        name = named_tuple_name(kind)
        if name is not None:
            return self._items(value, ["named", name, list(kind._fields)])
        return self._leaf(value), False

    def _dict(self, value: dict[Any, Any]) -> tuple[Node, bool]:
        pairs, plain = [], True
        for key, item in value.items():
            key_node, _ = self.node(key)
            item_node, item_plain = self.node(item)
            pairs.append([key_node, item_node])
            plain = plain and item_plain
        return ["dict", pairs, self._digest(value, plain)], plain

    def _items(self, value: Any, head: list[Any]) -> tuple[Node, bool]:
        nodes = [self.node(item) for item in value]
        plain = all(flag for _, flag in nodes)
        kind, *rest = head
        return [kind, [node for node, _ in nodes], self._digest(value, plain), *rest], plain

    def _digest(self, value: object, plain: bool) -> str | None:
        """Digest of a container with leaves; that of a plain one is taken when asked for."""
        return None if plain else self._into.digest(value)

    def _leaf(self, value: object) -> Node:
        stored = self._into.store(value)
        node = leaf_node(stored, self.tail, self._behind)
        if stored.inline is None:
            self.outside += stored.nbytes
        else:
            self._behind += len(stored.inline)
        return node


def _is_leaf(value: Any) -> bool:
    return type(value) is bytearray or len(value) > SMALL_TEXT


def _facts(node: Node) -> dict[str, object]:
    if node[0] == "named":
        return {"type": node[3], "len": len(node[1]), "fields": node[4]}
    return {"type": f"builtins:{node[0]}", "len": len(node[1])}


def _weight(node: Node, reader: Reader) -> int:
    """Bytes of a nested container: about 16 a plain item, and those of its leaves, each once."""
    total, waiting, seen = 0, [node], set()
    while waiting:
        node = reader.resolved(waiting.pop())
        if not is_numbered(node):
            total += 16
        elif id(node) not in seen:
            seen.add(id(node))
            total += int(node[1]["nbytes"]) if node[0] == "&" else 0
            waiting.extend(children(node))
    return total
