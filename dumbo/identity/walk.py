"""The walk through a value: from any value to its canonical bytes, without recursion.

Law: depth of nesting costs no stack; a container met again on the path to itself becomes a
reference by distance, so recursive values end, and shared and unshared twins are the same.
Carriers enter by their CID and are noted as uses; nothing else of them is touched.

A container is tag, number of parts, encodings of the parts; parts without order are sorted by
their encodings. An encoding longer than 128 bytes is replaced by its digest at once, so a parent
never copies a child. A long row of parts is digested as it goes, so its encoding never is in memory
as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import blake2b
from itertools import islice
from typing import Any, Final

from dumbo.errors import UnidentifiableError
from dumbo.identity.carriers import carrier_cid, decorated_id, refuse_carrier
from dumbo.identity.cid import CID, FunctionId
from dumbo.identity.encoding import ATOM_TYPES, ATOMS, SEAL_ABOVE, encode_bytes, encode_str, seal
from dumbo.identity.expand import expand
from dumbo.identity.parts import WAYS_OUT, Layout, Listed, OpaqueValue, Parts, Raw, Use

MAX_DEPTH: Final = 100_000
"""Levels of nesting above which a value is taken to have no end."""

_AT_ONCE: Final = 4096
"""Parts in order whose encodings are held, before they go into the digest."""

_LONG: Final = 64 * 1024
_SEQUENCES: Final[dict[type, bytes]] = {list: b"l%d:", tuple: b"t%d:"}
_SETS: Final[dict[type, bytes]] = {set: b"u%d:", frozenset: b"z%d:"}


class _Frame:
    """One container whose parts are being encoded."""

    __slots__ = ("gone", "head", "labels", "layout", "out", "pending", "state", "value")

    def __init__(
        self,
        value: Any,
        head: bytes,
        pending: Iterator[Any],
        layout: Layout,
        labels: Callable[[int], str],
    ) -> None:
        self.value = value
        self.head = head
        self.pending = pending
        self.layout = layout
        self.labels = labels
        self.out: list[bytes] = []
        self.gone = 0
        self.state: Any = None

    def place(self) -> int:
        """Index of the part that is being encoded."""
        return self.gone + len(self.out)

    def relieve(self) -> None:
        """Digest what is held, where parts have an order."""
        if self.layout is not Layout.ORDERED:
            return
        if self.state is None:
            self.state = blake2b(self.head, digest_size=20)
        self.state.update(b"".join(self.out))
        self.gone += len(self.out)
        self.out.clear()

    def close(self) -> bytes:
        out = self.out
        if self.state is not None:
            self.relieve()
            return b"#" + bytes(self.state.digest())
        if self.layout is Layout.UNORDERED:
            out.sort()
        elif self.layout is Layout.MAPPING:
            out = sorted(map(bytes.__add__, out[::2], out[1::2]))
        return seal(self.head + b"".join(out))


class Walk:
    """Canonical bytes of the values of one call, with what was met on the way.

    Attributes
    ----------
    uses : list of Use
        Carriers and externals, in order.
    foreign : list
        Values that entered by their content.

    Parameters
    ----------
    by_content : bool
        Take values that carry a CID by what they hold; a lazy carrier is refused.
    exact : bool
        Tell apart whatever a reader of the value could: the order of a dict too.
    """

    __slots__ = ("_by_content", "_exact", "_frames", "_name", "_path", "foreign", "uses")

    def __init__(self, *, by_content: bool = False, exact: bool = False) -> None:
        self._by_content = by_content
        self._exact = exact
        self.uses: list[Use] = []
        self.foreign: list[Any] = []
        self._frames: list[_Frame] = []
        self._path: dict[int, int] = {}
        self._name = "value"

    def encode(self, value: Any, name: str) -> bytes:
        """Canonical bytes of `value`, which the caller knows as `name`.

        Raises
        ------
        UnidentifiableError
            If the value, or something inside it, has no canonical form.
        """
        atom = ATOMS.get(type(value))
        if atom is not None:
            return atom(value)
        self._name = name
        try:
            opened = self._open(value)
            return opened if type(opened) is bytes else self._finish(opened)
        except OpaqueValue as error:
            raise UnidentifiableError(self._message(str(error))) from error
        finally:
            self._frames.clear()
            self._path.clear()

    def _finish(self, opened: Any) -> bytes:
        self._push(opened)
        while True:
            frame = self._frames[-1]
            inner = self._fill(frame)
            if inner is not None:
                self._push(inner)
                continue
            code = frame.close()
            self._frames.pop()
            del self._path[id(frame.value)]
            if not self._frames:
                return code
            self._frames[-1].out.append(code)

    def _push(self, frame: _Frame) -> None:
        self._path[id(frame.value)] = len(self._frames)
        self._frames.append(frame)
        if len(self._frames) > MAX_DEPTH:
            raise OpaqueValue(f"it is nested more than {MAX_DEPTH:,} levels deep")

    def _fill(self, frame: _Frame) -> Any:
        """Encode parts until one needs a frame of its own, and give that; None at the end."""
        append, open_ = frame.out.append, self._open
        while True:
            if len(frame.out) >= _AT_ONCE:
                frame.relieve()
            before = frame.place()
            for part in islice(frame.pending, _AT_ONCE):
                atom = ATOMS.get(type(part))
                if atom is not None:
                    append(atom(part))
                    continue
                opened = open_(part)
                if type(opened) is not bytes:
                    return opened
                append(opened)
            if frame.place() == before:
                return None

    def _open(self, value: Any) -> Any:
        """Bytes of a value that can be encoded at once, or a frame."""
        kind = type(value)
        head = _SEQUENCES.get(kind)
        if head is not None and len(value) <= _LONG:
            try:
                # Atoms need no frame: this is what large plain data is made of.
                code = head % len(value) + b"".join([ATOMS[type(p)](p) for p in value])
                return code if len(code) <= SEAL_ABOVE else seal(code)
            except KeyError:
                pass  # one part is none
        known = self._path.get(id(value))
        if known is not None:
            return b"r%d;" % (len(self._frames) - known)
        if head is not None:
            return _Frame(value, head % len(value), iter(value), Layout.ORDERED, _in_sequence)
        if kind is dict:
            return _open_ordered(value) if self._exact else _open_dict(value)
        head = _SETS.get(kind)
        if head is not None:
            return _Frame(value, head % len(value), iter(value), Layout.UNORDERED, _in_set)
        if kind is Parts:
            return self._of_parts(value, value)
        if kind is Listed:
            return _Frame(value, b"l%d:" % len(value), iter(value), Layout.ORDERED, _in_sequence)
        if kind is Raw:
            return encode_bytes(value.content)
        return self._open_foreign(value, kind)

    def _open_foreign(self, value: Any, kind: type) -> Any:
        if kind is CID or kind is FunctionId:
            return seal(b"n" + encode_str(str(value)))
        cid = carrier_cid(value)
        if cid is not None and self._by_content:
            refuse_carrier(value, cid)
        elif cid is not None:
            self.uses.append(Use(cid, self._role(), value))
            return seal(b"k" + encode_str(str(cid)))
        function = decorated_id(value)
        if function is not None:
            return _open_parts(value, Parts("function", [str(function)]))
        parts = expand(value)
        self.foreign.append(value)
        return self._of_parts(value, parts)

    def _of_parts(self, value: Any, parts: Parts) -> _Frame:
        frame = _open_parts(value, parts)
        if self._exact and frame.layout is Layout.MAPPING:
            frame.layout = Layout.ORDERED
        return frame

    def _role(self) -> str:
        return self._name + "".join(frame.labels(frame.place()) for frame in self._frames)

    def _message(self, cause: str) -> str:
        return f"cannot identify {self._role()}: {cause}. {WAYS_OUT.format(self._name)}"


def _in_sequence(index: int) -> str:
    return f"[{index}]"


def _in_set(_: int) -> str:
    return "{...}"


def _open_dict(value: dict[Any, Any]) -> Any:
    head = b"d%d:" % len(value)
    if ATOM_TYPES.issuperset(map(type, value)) and ATOM_TYPES.issuperset(map(type, value.values())):
        pairs = [ATOMS[type(k)](k) + ATOMS[type(v)](v) for k, v in value.items()]
        pairs.sort()
        return seal(head + b"".join(pairs))
    flat = [part for pair in value.items() for part in pair]
    return _Frame(value, head, iter(flat), Layout.MAPPING, _labels_of_pairs(flat))


def _open_ordered(value: dict[Any, Any]) -> _Frame:
    flat = [part for pair in value.items() for part in pair]
    return _Frame(value, b"D%d:" % len(value), iter(flat), Layout.ORDERED, _labels_of_pairs(flat))


def _labels_of_pairs(flat: list[Any]) -> Callable[[int], str]:
    def label(index: int) -> str:
        key = flat[index - index % 2]
        # The repr of a key may be anything; only that of an atom is known to be short and safe.
        shown = repr(key)[:60] if type(key) in ATOM_TYPES else f"<{type(key).__name__}>"
        return f"[{shown}]" if index % 2 else f"<key {shown}>"

    return label


def _open_parts(value: Any, parts: Parts) -> _Frame:
    head = b"o%b%b%d:" % (encode_str(parts.tag), parts.layout.value.encode(), len(parts.items))
    if parts.layout is Layout.MAPPING:
        labels = _labels_of_pairs(list(parts.items))
    elif parts.layout is Layout.UNORDERED:
        labels = _in_set
    else:
        known = parts.labels
        labels = (
            (lambda index: known[index] if index < len(known) else "") if known else _in_sequence
        )
    return _Frame(value, head, iter(parts.items), parts.layout, labels)
