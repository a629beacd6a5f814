"""The node: what a carrier carries. The record of one CID, and a way to its value.

Law: a value is loaded at most once however many threads touch it, and only by a touch; a load that
raised left nothing behind and is tried again at the next touch. A node knows no session: it is
given callables and keeps them.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from dumbo._typing import MISSING, Missing
from dumbo.forking import renewing
from dumbo.identity.cid import CID
from dumbo.proxy.wrapped_type import facts_of, type_name
from dumbo.records import Edge, EdgeKind, Record

if TYPE_CHECKING:
    from dumbo.storage.handles import ArrayHandle


class Returns(StrEnum):
    """What a call hands back."""

    PROXY = "proxy"  # a wrapt proxy, or a tensor carrier: lazy
    NATIVE = "native"  # a real object of the value's type that carries the node
    BARE = "bare"  # the value itself; its CID is known by the call


Load: TypeAlias = Callable[[], object]


class Exposure:
    """Whether somebody was given the memory of a value itself, not only a carrier; never unsaid."""

    __slots__ = ("is_open",)

    def __init__(self) -> None:
        self.is_open = False


_process = os.getpid()


@renewing
def _renew() -> None:
    global _process  # noqa: PLW0603  # nodes are too many to be renewed one by one
    _process = os.getpid()


class Node:
    """Record and value of one CID.

    Parameters
    ----------
    record : Record
    load : callable
        Takes nothing, gives the value. Called at the first touch, under the node's lock.
    value : object, optional
        The value, when it is at hand.
    children : callable, optional
        From a key (index, dict key, or ``.field``) to the item's node. Without it items are cut
        from the loaded value.
    keys : callable, optional
        The keys of a stored dict, in order, without loading it.
    note : str
        One remark for the reader, ``"stale, reused"``; shown in front of the carrier's repr.
    inputs : callable, optional
        The CIDs of what the value was computed from. Default: the sources of the record's edges.
    upstream_globals : callable, optional
        Upstream globals by name, with a fingerprint or short text each.
    handle : callable, optional
        Opens a stored array without reading it; gives None where that cannot be.

    Examples
    --------
    >>> from dumbo.identity.cid import CID, FunctionId
    >>> cid = CID("m:f#" + "0" * 32)
    >>> node = Node(Record(cid, 1, FunctionId("m:f"), "f()", ""), lambda: [1, 2])
    >>> node.is_loaded, node.value, node.is_loaded
    (False, [1, 2], True)
    >>> node.child(0).cid.path
    '[0]'
    """

    __slots__ = (
        "__weakref__",
        "_children",
        "_globals",
        "_handle",
        "_inputs",
        "_items",
        "_keys",
        "_load",
        "_lock",
        "_open",
        "_pid",
        "_spelling",
        "_value",
        "exposure",
        "home",
        "note",
        "record",
    )

    def __init__(  # noqa: PLR0913 - each is one thing only the maker of a node can know
        self,
        record: Record,
        load: Load,
        *,
        value: object | Missing = MISSING,
        children: Callable[[object], Node] | None = None,
        keys: Callable[[], Iterable[object]] | None = None,
        note: str = "",
        inputs: Callable[[], Iterable[CID]] | None = None,
        upstream_globals: Callable[[], Mapping[str, str]] | None = None,
        handle: Callable[[], ArrayHandle | None] | None = None,
    ) -> None:
        self.record = record
        self.note = note
        self._load = load
        self._value = value
        self._children = children
        self._keys = keys
        self._inputs = inputs
        self._globals = upstream_globals
        self._open = handle
        self._handle: ArrayHandle | None = None
        self._lock = threading.RLock()
        self._pid = _process
        self._spelling: dict[Hashable, Hashable] | None = None
        # Whoever made the node and can look its version up; None for one that was unpickled.
        self.home: object = None
        self._items: weakref.WeakValueDictionary[object, object] | None = None
        self.exposure = Exposure()  # shared by a value and its items

    @property
    def cid(self) -> CID:
        """The CID."""
        return self.record.cid

    @property
    def is_loaded(self) -> bool:
        """Whether the value is at hand."""
        return self._value is not MISSING

    @property
    def value(self) -> object:
        """The value; loads it at the first touch."""
        if self._value is MISSING:
            with self._guard():
                if self._value is MISSING:
                    self._value = self._load()
        return self._value

    def _guard(self) -> threading.RLock:
        """The lock; a new one in a forked child, where nobody can release the old."""
        if self._pid != _process:
            self._lock, self._pid = threading.RLock(), _process
        return self._lock

    @property
    def handle(self) -> ArrayHandle | None:
        """The array, opened and not read; None where the value is at hand or is no such array."""
        if self._open is None or self._value is not MISSING:
            return None
        if self._handle is None:
            with self._guard():
                if self._handle is None:
                    self._handle = self._open()
        return self._handle

    def offer(self, load: Load) -> None:
        """Give the node a nearer way to its value, if it has none yet."""
        with self._guard():
            if self._value is MISSING:
                self._load = load

    @property
    def inputs(self) -> tuple[CID, ...]:
        """The CIDs the value was computed from, in order of use."""
        if self._inputs is not None:
            return tuple(self._inputs())
        return tuple(edge.source for edge in self.record.edges)

    @property
    def upstream_globals(self) -> Mapping[str, str]:
        """Upstream globals by name."""
        return {} if self._globals is None else self._globals()

    def keys(self) -> dict[Hashable, Hashable]:
        """Give the keys of a dict in order, each under itself; loads nothing if they are stored."""
        if self._spelling is None:
            found: object = self.value if self._keys is None or self.is_loaded else self._keys()
            self._spelling = {key: key for key in found}  # type: ignore[attr-defined]  # a dict, or its keys
        return self._spelling

    def child(self, key: object) -> Node:
        """Give the node of the item at `key`.

        Raises
        ------
        KeyError, IndexError
            Where the value has no such item; as the value itself would.
        """
        if self._children is None:
            return self._cut(key)
        child = self._children(key)
        child.exposure = self.exposure
        if self.is_loaded:
            child.offer(lambda: self.item_value(key))
        return child

    def plain_child(self, key: object, value: object) -> Node:
        """Give the node of the item at `key`, which is `value`, at hand and of a plain type.

        Cheap, and keeps the item alone alive; its record is written when somebody asks for it.
        """
        return PlainItem(self.record, key, value, self)

    def held(self) -> weakref.WeakValueDictionary[object, object]:
        """Give the carriers of items that somebody holds, by key.

        Weak, because walking a long stored list must not keep every item that was seen.
        """
        if self._items is None:
            with self._guard():
                if self._items is None:
                    self._items = weakref.WeakValueDictionary()
        return self._items

    def item_value(self, key: object) -> object:
        """Give the item itself, out of the loaded value."""
        value: Any = self.value
        if isinstance(value, (dict, list, tuple)):
            return value[key]  # type: ignore[call-overload]  # the key fits the value's own type
        return getattr(value, str(key).removeprefix("."))

    def _cut(self, key: object) -> Node:
        item = self.item_value(key)
        inner = getattr(type(item), "__dumbo_node__", None)
        if inner is not None:  # a result of another call sits inside: stay as lazy as it is
            within = inner(item).record
            record = cut_record(self.record, key, within.type, within.meta)
            child = Node(record, lambda: inner(item).value, note=self.note)
        else:
            record = cut_record(self.record, key, type_name(type(item)), facts_of(item))
            child = Node(record, lambda: item, value=item, note=self.note)
        child.home = self.home
        child.exposure = self.exposure
        child._globals = self._globals
        return child


def cut_record(whole: Record, key: object, value_type: str, meta: Mapping[str, object]) -> Record:
    """Write the record of an item that has no place of its own in a store."""
    cid = whole.cid.item(key)
    source = Edge(whole.cid, cid, EdgeKind.ITEM, repr(key), whole.version, whole.digest)
    return replace(
        whole,
        cid=cid,
        type=value_type,
        meta=meta,
        edges=(source,),
        stored=None,
        digest="",
        nbytes=0,
    )


class PlainItem(Node):
    """The node of a number or text out of a loaded container.

    Making one costs a microsecond, because nothing is written down until it is asked for.
    """

    __slots__ = ("_key", "_record", "_whole")

    def __init__(self, whole: Record, key: object, value: object, parent: Node) -> None:
        self._whole = whole
        self._key = key
        self._record: Record | None = None
        self._value = value
        self._children = parent._children  # noqa: SLF001 - a node too
        self._globals = parent._globals  # noqa: SLF001 - as above
        self.note = parent.note
        self.home = parent.home
        self.exposure = parent.exposure
        self._keys = self._inputs = self._open = self._handle = None
        self._spelling = self._items = None
        self._pid = 0  # the lock is made when it is needed

    @property
    def record(self) -> Record:  # type: ignore[override]  # written late
        """The record."""
        if self._record is None:
            if self._children is not None:
                self._record = self._children(self._key).record
            else:
                item = self._value
                self._record = cut_record(
                    self._whole, self._key, type_name(type(item)), facts_of(item)
                )
        return self._record

    @property
    def cid(self) -> CID:
        """The CID; known without the record."""
        return self._whole.cid.item(self._key)
