"""Opened manifests: shared by every codec whose values are trees of leaves.

Law: a manifest is read once for many questions; what it names is found without reading a leaf.
"""

from __future__ import annotations

import struct
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import replace
from typing import Final

from dumbo.forking import renewed
from dumbo.records import Stored
from dumbo.storage.base import Keeper
from dumbo.storage.codecs.manifest import CONTAINERS, Manifest, Node, lost

DAMAGE: Final = (KeyError, IndexError, TypeError, ValueError, RecursionError, struct.error)
"""What a manifest that lies makes its readers raise."""

_OPEN_MANIFESTS: Final = 16


class Trees:
    """The manifests that were opened last."""

    def __init__(self) -> None:
        self._opened: OrderedDict[Hashable, Manifest] = OrderedDict()
        self._lock = threading.Lock()
        renewed(self)

    def renew(self) -> None:
        """Begin again in a forked child."""
        self._lock = threading.Lock()

    def open(self, stored: Stored, source: Keeper) -> tuple[Manifest, Node]:
        """Open the manifest of a row, and find the container that the row means.

        Raises
        ------
        ValueLostError
            Row and manifest disagree.
        """
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
        except DAMAGE as error:
            raise lost(error) from error

    def __len__(self) -> int:
        return len(self._opened)

    def objects_of(self, stored: Stored, source: Keeper | None) -> tuple[str, ...]:
        """Name the manifest's object and, given a source to read it from, those of its leaves."""
        own = (stored.object,) if stored.object else ()
        if source is None:
            return own
        manifest, _ = self.open(stored, source)
        try:
            leaves = [node for node in manifest.nodes if node[0] == "&"]
            names = [name for node in leaves for name in _objects_of_leaf(manifest, node, source)]
        except DAMAGE as error:
            raise lost(error) from error
        return tuple(dict.fromkeys((*own, *names)))

    def _remember(self, key: Hashable, manifest: Manifest) -> Manifest:
        with self._lock:
            self._opened[key] = manifest
            while len(self._opened) > _OPEN_MANIFESTS:
                self._opened.popitem(last=False)
        return manifest


class TreeCodec:
    """What codecs have in common whose rows are manifests."""

    def __init__(self) -> None:
        self._trees = Trees()

    def objects_of(self, stored: Stored, source: Keeper | None = None) -> tuple[str, ...]:
        """Name the manifest's object and, given a source to read it from, those of its leaves."""
        return self._trees.objects_of(stored, source)


def _objects_of_leaf(manifest: Manifest, node: Node, source: Keeper) -> tuple[str, ...]:
    facts = node[1]
    if "manifest" in facts["meta"]:  # a tree of its own, with leaves of its own
        return source.objects_of(manifest.leaf(node, source))
    return (facts["object"],) if facts.get("object") else ()
