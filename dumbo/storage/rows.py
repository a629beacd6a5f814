"""Records to rows and back.

Law: a row is untrusted; one that cannot be a record raises `CorruptStoreError`, naming its CID.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dumbo.errors import CorruptStoreError
from dumbo.identity.cid import CID, FunctionId
from dumbo.records import Edge, EdgeKind, Record, Stored

EDGE_KINDS: Final = tuple(EdgeKind)
_CID: Final = re.compile(r"([^#]+)#([0-9a-f]{32})(.*)", re.DOTALL)
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})+")
_PER_VALUE: Final = frozenset({"mac", "manifest", "at"})

RECORD_COLUMNS: Final = """
    n.digest, f.text, n.path, r.version, d.key, ty.text, me.text, re.text, pl.text, co.text,
    r.nbytes, r.own, r.total, r.created, r.sample, r.digest, r.object, r.call, r.text, r.stored,
    r.arguments, r.inline
"""
RECORD_JOINS: Final = """
    JOIN word f ON f.id = n.fn
    LEFT JOIN depset d ON d.id = r.depset LEFT JOIN word ty ON ty.id = r.type
    LEFT JOIN word me ON me.id = r.meta LEFT JOIN word re ON re.id = r.reason
    LEFT JOIN word pl ON pl.id = r.place LEFT JOIN word co ON co.id = r.codec
"""
EDGE_SELECT: Final = """
    SELECT e.target, e.kind, ro.text, e.version,
        coalesce(e.digest, (SELECT digest FROM record WHERE version = e.version)),
        n.digest, f.text, n.path
    FROM edge e JOIN node n ON n.id = e.source JOIN word f ON f.id = n.fn
    JOIN word ro ON ro.id = e.role
"""


def packed(text: str) -> bytes | str:
    """Halve a hex text; leave others."""
    return bytes.fromhex(text) if _HEX.fullmatch(text) else text


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


def facts_text(meta: Mapping[str, object]) -> str:
    """Write facts as JSON."""
    return json.dumps(dict(meta), separators=(",", ":"))


def split_facts(record: Record) -> tuple[str, str | None]:
    """Facts that many records share, and what only this record's stored value has.

    The first is a word; signatures and sizes of manifests would make every word unique.
    """
    shared = {k: v for k, v in record.meta.items() if k not in _PER_VALUE}
    stored = record.stored
    own: dict[str, object] = {k: v for k, v in record.meta.items() if k in _PER_VALUE}
    extra: dict[str, object] = {"m": own} if own else {}
    if stored is not None:
        if dict(stored.meta) != dict(record.meta):
            extra["s"] = dict(stored.meta)
        if stored.digest != record.digest:
            extra["d"] = stored.digest
        if stored.nbytes != record.nbytes:
            extra["n"] = stored.nbytes
    if record.matched:
        extra["by"] = list(record.matched)
    return facts_text(shared), facts_text(extra) if extra else None


def record_from(row: Sequence[Any], edges: tuple[Edge, ...]) -> Record:
    """Read a record."""
    cid = row_cid(row)
    try:
        return _record(cid, row, edges)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CorruptStoreError(
            f"the record of {cid} cannot be read ({error}); forget it and compute it again, or "
            "restore the catalog"
        ) from error


def row_cid(row: Sequence[Any]) -> CID:
    """Read the CID of a record's row."""
    digest, function, path = row[:3]
    if not (isinstance(digest, bytes) and isinstance(function, str) and isinstance(path, str)):
        raise CorruptStoreError("a record without a readable name; restore the catalog from a copy")
    return cid_from(digest, function, path)


def _record(cid: CID, row: Sequence[Any], edges: tuple[Edge, ...]) -> Record:
    (version, depset, kind, meta, reason, place, codec) = row[3:10]
    (nbytes, own, total, created, sample, digest, name, call, text, stored) = row[10:20]
    arguments, inline = row[20:]
    extra = json.loads(stored) if stored else {}
    facts = json.loads(meta or "{}") | extra.get("m", {})
    found = None
    if codec is not None:
        found = Stored(
            codec,
            dict(extra.get("s", facts)),
            int(extra.get("n", nbytes)),
            str(extra.get("d", unpacked(digest))),
            None if inline is None else bytes(inline),
            unpacked(name),
        )
    return Record(
        cid,
        int(version),
        FunctionId(cid.function),
        call or "",
        depset or "",
        edges,
        found,
        unpacked(digest),
        kind or "",
        facts,
        int(nbytes),
        float(own),
        float(total),
        reason or "",
        float(created),
        place or "",
        None if sample is None else int(sample),
        bytes(arguments or b""),
        text or "",
        tuple(str(by) for by in extra.get("by", ())),
    )


def edge_from(row: Sequence[Any], target: CID) -> Edge:
    """Read an edge."""
    _, kind, role, version, digest, *source = row
    try:
        return Edge(
            cid_from(source[0], source[1], source[2]),
            target,
            EDGE_KINDS[kind],
            str(role),
            int(version),
            unpacked(digest),
        )
    except (ValueError, TypeError, IndexError, AttributeError) as error:
        raise CorruptStoreError(
            f"an edge into {target} cannot be read ({error}); forget it and compute it again, or "
            "restore the catalog"
        ) from error
