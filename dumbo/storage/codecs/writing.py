"""Nodes of one value: the way into a manifest.

Law: nodes are numbered exactly as `manifest.Manifest.open` numbers them, parents first, so that an
alias written here leads to the same node there.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dumbo.records import Stored
from dumbo.storage.base import Keeper
from dumbo.storage.codecs.manifest import Node, leaf_node, pack, plain_node
from dumbo.storage.codecs.scalars import SCALARS
from dumbo.storage.codecs.standard import describe
from dumbo.storage.codecs.survey import (
    KINDS,
    MAPPINGS,
    SMALL_TEXT,
    is_numpy_number,
    named_tuple_name,
)


class Writer:
    """Turns one value into nodes; `tail` and `outside` are what lies beside the header.

    Attributes
    ----------
    tail : list of bytes
        Bytes of small leaves, in the order of their nodes.
    outside : int
        Bytes of leaves that have objects of their own.
    """

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
        is_container = kind in KINDS or named_tuple_name(kind) is not None
        description = None if is_container else describe(value)
        if description is not None:
            return ["std", description], True
        self._seen[id(value)] = len(self._seen)
        node, plain = self._container(value, kind) if is_container else (self._leaf(value), False)
        if not plain:
            self._with_leaves.add(id(value))
        return node, plain

    def _container(self, value: Any, kind: type[Any]) -> tuple[Node, bool]:
        if kind in MAPPINGS:
            return self._mapping(value, kind)
        if kind is deque:
            return self._items(value, "deque", value.maxlen)
        if kind in KINDS:
            return self._items(value, kind.__name__)
        return self._items(value, "named", named_tuple_name(kind), list(kind._fields))

    def _mapping(self, value: dict[Any, Any], kind: type[Any]) -> tuple[Node, bool]:
        pairs, plain = [], True
        for key, item in value.items():
            key_node, _ = self.node(key)
            item_node, item_plain = self.node(item)
            pairs.append([key_node, item_node])
            plain = plain and item_plain
        more = []
        if kind is OrderedDict:
            attributes, attributes_plain = self.node(vars(value) or None)
            more, plain = [attributes], plain and attributes_plain
        if isinstance(value, defaultdict):
            factory: Any = value.default_factory
            more = [factory if factory is None else factory.__name__]
        return [kind.__name__, pairs, self._digest(value, plain), *more], plain

    def _items(self, value: Any, kind: str, *more: Any) -> tuple[Node, bool]:
        nodes = [self.node(item) for item in value]
        plain = all(flag for _, flag in nodes)
        return [kind, [node for node, _ in nodes], self._digest(value, plain), *more], plain

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


def write_tree(
    codec: str, tree: object, digest: str, into: Keeper, facts: Mapping[str, object] | None = None
) -> Stored:
    """Store the leaves of a tree of containers, then its manifest.

    Parameters
    ----------
    codec : str
        The codec the row will name.
    tree : object
        Something `survey.worth_items` says yes to.
    digest : str
        Content digest of the value that `tree` stands for.
    into : Keeper
    facts : Mapping, optional
        What the row says of the value; by default what there is to say of a container.
    """
    writer = Writer(into)
    root, _ = writer.node(tree)
    parts = pack(root, writer.tail)
    size = sum(map(len, parts))
    meta = {**(facts_of(root) if facts is None else facts), "manifest": size}
    kept = into.keep(codec, meta, parts, digest)
    return replace(kept, nbytes=size + writer.outside)


def facts_of(node: Node) -> dict[str, object]:
    """Type, length and fields of a container, from its node."""
    if node[0] == "named":
        return {"type": node[3], "len": len(node[1]), "fields": node[4]}
    home = "builtins" if node[0] in _BUILTINS else "collections"
    return {"type": f"{home}:{node[0]}", "len": len(node[1])}


_BUILTINS = frozenset(kind.__name__ for kind in (dict, list, tuple, set, frozenset))
