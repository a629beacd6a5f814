"""Records to rows and back.

Law: a row is untrusted; one that cannot be a record, or whose value is not what was written,
raises `CorruptStoreError`, naming its CID.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import xxhash

from dumbo.errors import CorruptStoreError
from dumbo.identity.cid import CID, FunctionId
from dumbo.records import Edge, EdgeKind, Record, Stored

EDGE_KINDS: Final = tuple(EdgeKind)
_CID: Final = re.compile(r"([^#]+)#([0-9a-f]{32})(.*)", re.DOTALL)
_PER_VALUE: Final = frozenset({"mac", "manifest", "at"})
_to_json = json.JSONEncoder(separators=(",", ":")).encode

RECORD_COLUMNS: Final = """
    n.digest, n.fn, n.path, r.version, r.depset, r.type, r.meta, r.reason, r.place, r.codec,
    r.nbytes, r.own, r.total, r.created, r.sample, r.digest, r.object, r.call, r.text, r.stored,
    r.arguments, r.inline, r.checksum
"""
EDGE_SELECT: Final = """
    SELECT e.target, e.kind, e.role, e.version, coalesce(e.digest, o.digest),
        n.digest, n.fn, n.path
    FROM edge e JOIN node n ON n.id = e.source LEFT JOIN record o ON o.version = e.version
"""


class Dictionary(Protocol):
    """What ids in a row mean."""

    def text(self, number: Any) -> str:
        """Text of an id; raises `KeyError` if there is none."""
        ...

    def facts(self, number: Any) -> Mapping[str, Any]:
        """Facts of an id."""
        ...

    def depset_key(self, number: Any) -> str:
        """Key of a depset's id."""
        ...


def packed(text: str) -> bytes | str:
    """Halve a hex text; leave others."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return text
    # Upper case and spaces are hex as well, and would not come back.
    return raw if raw and raw.hex() == text else text


def unpacked(value: object) -> str:
    """Undo `packed`."""
    if isinstance(value, bytes):
        return value.hex()
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{value!r} is no digest")
    return value or ""


def cid_key(cid: CID) -> tuple[bytes, str, str]:
    """Digest, function and path of a CID."""
    match = _CID.fullmatch(cid)
    if match is None:
        return b"", str(cid), ""
    function, digest, path = match.groups()
    return bytes.fromhex(digest), function, path


def cid_from(digest: bytes, function: str, path: str) -> CID:
    """Undo `cid_key`."""
    return CID(f"{function}#{digest.hex()}{path}" if digest else function)


def split_facts(record: Record) -> tuple[str, str | None]:
    """Facts that many records share, and what only this record's stored value has.

    The first is a word; signatures and sizes of manifests would make every word unique.
    """
    meta, stored = record.meta, record.stored
    shared, own = dict(meta), {}
    if not _PER_VALUE.isdisjoint(shared):
        own = {k: shared.pop(k) for k in tuple(shared) if k in _PER_VALUE}
    extra: dict[str, object] = {"m": own} if own else {}
    if stored is not None:
        if stored.meta is not meta and dict(stored.meta) != dict(meta):
            extra["s"] = dict(stored.meta)
        if stored.digest != record.digest:
            extra["d"] = stored.digest
        if stored.nbytes != record.nbytes:
            extra["n"] = stored.nbytes
    if record.matched:
        extra["by"] = list(record.matched)
    return _to_json(shared), _to_json(extra) if extra else None


def checksum(
    cid: CID, stored: tuple[str, str, str], digest: str, name: str, inline: bytes | None
) -> int:
    """Sum up the value of a row and what says how to read it: no flipped bit is served.

    SQLite keeps no checksums of its own. 31 bits of xxh3, four bytes a row: against damage, not
    against malice.

    Parameters
    ----------
    cid : CID
    stored : tuple of str
        Codec, shared facts, own facts, as texts.
    digest, name : str
        Digest of the value, name of its object.
    inline : bytes or None
        The value itself, where it lies in the row.
    """
    text = "\0".join((cid, *stored, digest, name)).encode("utf-8", "backslashreplace")
    raw = text if inline is None else b"".join((text, b"\0", inline))
    return int(xxhash.xxh3_64_intdigest(raw)) >> 33


def record_from(row: Sequence[Any], edges: tuple[Edge, ...], words: Dictionary, cid: CID) -> Record:
    """Read the record of `cid`."""
    try:
        return _record(cid, row, edges, words)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CorruptStoreError(
            f"the record of {cid} cannot be read ({error}); forget it and compute it again, "
            "repair the store, or restore the catalog"
        ) from error


def row_cid(row: Sequence[Any], words: Dictionary) -> CID:
    """Read the CID of a record's row."""
    digest, number, path = row[:3]
    try:
        function = words.text(number)
    except (KeyError, TypeError):
        function = ""
    if not (function and isinstance(digest, bytes) and isinstance(path, str)):
        raise CorruptStoreError(
            "a record without a readable name; repair the store, or restore the catalog from a copy"
        )
    return cid_from(digest, function, path)


def _record(cid: CID, row: Sequence[Any], edges: tuple[Edge, ...], words: Dictionary) -> Record:
    (version, depset, kind, meta, reason, place, codec) = row[3:10]
    (nbytes, own, total, created, sample, packed_digest, name, call, text, stored) = row[10:20]
    (arguments, inline, expected) = row[20:23]
    extra = json.loads(stored) if stored else {}
    digest = unpacked(packed_digest)
    facts = {**words.facts(meta), **extra.get("m", {})} if meta is not None else {}
    found = None
    if codec is not None:
        found = Stored(
            words.text(codec),
            dict(extra.get("s", facts)),
            int(extra.get("n", nbytes)),
            str(extra.get("d", digest)),
            None if inline is None else bytes(inline),
            unpacked(name),
        )
        # None: written before rows had checksums.
        texts = (found.codec, words.text(meta), stored or "")
        if expected not in (None, checksum(cid, texts, digest, found.object, found.inline)):
            raise ValueError("its bytes were altered on the disk")
    return Record(
        cid,
        int(version),
        FunctionId(words.text(row[1])),
        call or "",
        "" if depset is None else words.depset_key(depset),
        edges,
        found,
        digest,
        "" if kind is None else words.text(kind),
        facts,
        int(nbytes),
        float(own),
        float(total),
        "" if reason is None else words.text(reason),
        float(created),
        "" if place is None else words.text(place),
        None if sample is None else int(sample),
        bytes(arguments or b""),
        text or "",
        tuple(str(by) for by in extra.get("by", ())) if extra else (),
    )


def edge_from(row: Sequence[Any], target: CID, words: Dictionary) -> Edge:
    """Read an edge."""
    _, kind, role, version, digest, source, function, path = row
    try:
        return Edge(
            cid_from(source, words.text(function), path),
            target,
            EDGE_KINDS[kind],
            words.text(role),
            int(version),
            unpacked(digest),
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise CorruptStoreError(
            f"an edge into {target} cannot be read ({error}); forget it and compute it again, "
            "repair the store, or restore the catalog"
        ) from error
