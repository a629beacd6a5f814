"""The text form of a tree of containers: a JSON header and the bytes of small leaves behind it.

Law: a manifest holds every fact of the tree but the bytes of its leaves, so children are
described without loading, and no code can hide in it.

A node is a JSON value for what JSON says exactly, else a list that begins with its kind::

    ["x", type, hex]            what JSON would change: NaN, bytes, complex, big int, surrogates
    ["np", dtype, hex]          a numpy scalar
    ["std", description]        a small value of the standard library (a date, a path)
    ["&", facts, place]         a leaf of its own: an array, a tensor, long text, an object
    ["=", n]                    the n-th node of this list seen before: aliases are kept
    ["list", items, digest]     also tuple, set, frozenset
    ["dict", pairs, digest]
    ["named", items, digest, class, fields]
    ["deque", items, digest, maxlen]
    ["OrderedDict", pairs, digest, attributes]    a node: what the object holds besides
    ["defaultdict", pairs, digest, factory]
    ["Counter", pairs, digest]

Nodes that begin with ``&`` or name a container are numbered as they come, parents first.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from dumbo.errors import ValueLostError
from dumbo.records import Stored
from dumbo.storage.base import Keeper
from dumbo.storage.codecs.scalars import SCALARS

Node: TypeAlias = Any
"""JSON: whatever a header holds; read by kind, never trusted."""

MAPPINGS: Final = frozenset({"dict", "OrderedDict", "defaultdict", "Counter"})
SETS: Final = frozenset({"set", "frozenset"})
CONTAINERS: Final = MAPPINGS | SETS | {"list", "tuple", "named", "deque"}
_HEAD: Final = struct.Struct("<Q")
_TYPES: Final = {kind.__name__: kind for kind in SCALARS}


def plain_node(value: Any) -> Node:
    """Write a scalar as a node, by JSON's own form where that is exact."""
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is int and -(2**63) <= value < 2**63:
        return value
    if kind is float and math.isfinite(value):
        return value
    if kind is str and not _has_surrogates(value):
        return value
    return ["x", kind.__name__, bytes(SCALARS[kind][0](value)).hex()]


def _has_surrogates(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text)


def plain_value(node: Node) -> object:
    """Read what `plain_node` wrote."""
    if not isinstance(node, list):
        return node
    return SCALARS[_TYPES[node[1]]][1](bytes.fromhex(node[2]))


def is_numbered(node: Node) -> bool:
    """Whether aliases can refer to a node."""
    return isinstance(node, list) and (node[0] == "&" or node[0] in CONTAINERS)


def children(node: Node) -> Iterator[Node]:
    """Iterate over the nodes below a container node, keys before their values."""
    if node[0] in MAPPINGS:
        for key, value in node[1]:
            yield key
            yield value
        if node[0] == "OrderedDict":
            yield node[3]
    elif node[0] in CONTAINERS:
        yield from node[1]


def pack(root: Node, tail: list[bytes]) -> list[bytes]:
    """Put a header and the bytes behind it together."""
    header = json.dumps(root, separators=(",", ":"), allow_nan=False).encode()
    return [_HEAD.pack(len(header)), header, *tail]


@dataclass(frozen=True, slots=True)
class Manifest:
    """An opened header.

    Attributes
    ----------
    base : Stored
        The bytes the header was read from; small leaves lie behind it.
    nodes : tuple
        The numbered nodes; the first is the root.
    numbers : dict
        From ``id(node)`` to its number.
    start : int
        Where the bytes behind the header begin.
    """

    base: Stored
    nodes: tuple[Node, ...]
    numbers: dict[int, int]
    start: int

    @classmethod
    def open(cls, base: Stored, source: Keeper) -> Manifest:
        """Read the header; the bytes behind it stay where they are."""
        (length,) = _HEAD.unpack(source.fetch(base, 0, _HEAD.size))
        if length > base.nbytes:
            raise ValueError("the header is longer than the manifest")
        root = json.loads(source.fetch(base, _HEAD.size, length))
        nodes = tuple(_numbered(root))
        numbers = {id(node): number for number, node in enumerate(nodes)}
        return cls(base, nodes, numbers, _HEAD.size + length)

    def leaf(self, node: Node, source: Keeper) -> Stored:
        """Describe a leaf of its own."""
        facts, place = node[1], node[2]
        inline = None
        if place is not None:
            offset, length = place
            if min(offset, length) < 0 or offset + length > self.base.nbytes:
                raise ValueError("a leaf lies outside the manifest")
            inline = source.fetch(self.base, self.start + offset, length)
        return Stored(
            str(facts["codec"]),
            dict(facts["meta"]),
            int(facts["nbytes"]),
            str(facts["digest"]),
            inline,
            str(facts["object"]),
        )


def leaf_node(stored: Stored, tail: list[bytes], offset: int) -> Node:
    """Write a leaf of its own as a node; its bytes, if it brings any, go behind the header."""
    facts = {
        "codec": stored.codec,
        "meta": dict(stored.meta),
        "nbytes": stored.nbytes,
        "digest": stored.digest,
        "object": stored.object,
    }
    if stored.inline is None:
        return ["&", facts, None]
    tail.append(stored.inline)
    return ["&", facts, [offset, len(stored.inline)]]


def _numbered(root: Node) -> Iterator[Node]:
    """Iterate over numbered nodes, parents first, without recursion."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if is_numbered(node):
            yield node
            waiting.extend(reversed(tuple(children(node))))


def lost(cause: object) -> ValueLostError:
    """Say that a manifest cannot be read."""
    return ValueLostError(
        f"a container cannot be opened: its manifest is damaged ({cause}); recompute the value or "
        "restore the store from a copy"
    )
