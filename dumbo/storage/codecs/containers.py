"""dict, list, tuple, set, frozenset, named tuples and `collections`' own, item by item.

Law: touching one item loads one item; the same object twice inside a value is one object again.

Small scalars and values of `standard` lie in the manifest; arrays, tensors, long text and other
objects are leaves of their own. A nested container is a place in the same manifest
(``meta["at"]``). Also taken apart are OrderedDict (with its attributes), defaultdict (of a builtin
factory), Counter and deque. Declined, and so kept whole by pickle: subclasses, recursive values,
more than 64 levels, keys that are not plain, and objects of unknown classes beside anything they
could share parts with, since pickling them apart would break the sharing. Sharing between *memory*
(two views of one array) is not kept by anybody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dumbo.errors import NotCachedError
from dumbo.records import Stored
from dumbo.storage.base import Codec, Keeper, Keeps
from dumbo.storage.codecs.assembly import Reader
from dumbo.storage.codecs.manifest import (
    MAPPINGS,
    SETS,
    Manifest,
    Node,
    children,
    is_numbered,
    lost,
)
from dumbo.storage.codecs.survey import worth_items
from dumbo.storage.codecs.trees import DAMAGE, TreeCodec
from dumbo.storage.codecs.writing import facts_of, write_tree


class ContainerCodec(TreeCodec):
    """Containers of Python's own.

    Parameters
    ----------
    find : callable
        Gives the codec of a leaf.
    """

    name = "container/1"
    keeps = frozenset({Keeps.BITS, Keeps.LAZY, Keeps.ITEMS, Keeps.NO_CODE})

    def __init__(self, find: Callable[[object], Codec]) -> None:
        super().__init__()
        self._find = find

    def accepts(self, value: object) -> bool:
        """Whether the tree can be taken apart and put together exactly."""
        return worth_items(value, self._find)

    def store(self, value: object, into: Keeper) -> Stored:
        """Store the leaves, then the manifest."""
        return write_tree(self.name, value, into.digest(value), into)

    def load(self, stored: Stored, source: Keeper) -> object:
        """Build the whole value; leaves come lazily where they can."""
        manifest, node = self._trees.open(stored, source)
        try:
            return Reader(manifest, source).value(node)
        except DAMAGE as error:
            raise lost(error) from error

    def keys(self, stored: Stored, source: Keeper) -> tuple[object, ...]:
        """Keys of a dict, indices of a sequence, nothing for a set."""
        manifest, node = self._trees.open(stored, source)
        try:
            if node[0] in MAPPINGS:
                reader = Reader(manifest, source)
                return tuple(reader.value(key) for key, _ in node[1])
            return () if node[0] in SETS else tuple(range(len(node[1])))
        except DAMAGE as error:
            raise lost(error) from error

    def item(self, stored: Stored, key: object, source: Keeper) -> Stored:
        """Describe the item at `key` without loading it."""
        manifest, node = self._trees.open(stored, source)
        try:
            found = Reader(manifest, source).child(node, key)
            return self._describe(manifest, stored, found, source)
        except NotCachedError:
            raise
        except DAMAGE as error:
            raise lost(error) from error

    def _describe(self, manifest: Manifest, stored: Stored, node: Node, source: Keeper) -> Stored:
        reader = Reader(manifest, source)
        node = reader.resolved(node)
        if not isinstance(node, list) or node[0] in {"x", "np", "std"}:
            return source.store(reader.value(node))
        if node[0] == "&":
            return manifest.leaf(node, source)
        number = manifest.numbers[id(node)]
        meta = {**facts_of(node), "manifest": stored.meta["manifest"], "at": number}
        digest = node[2] if node[2] is not None else source.digest(reader.value(node))
        return replace(stored, meta=meta, nbytes=_weight(node, reader), digest=digest)


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
