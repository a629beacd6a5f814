"""Records and depsets as JSON, for a file that goes from one store to another.

Law: text that came from elsewhere is untrusted: it becomes a record of the right types or raises
`ValueError`, `TypeError` or `KeyError`; nothing in it is run, imported or opened.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from typing import Any, Final

from dumbo.identity.cid import CID, FunctionId
from dumbo.records import Dependency, DependencyKind, Depset, Edge, EdgeKind, Record, Stored

_TEXTS = ("call", "depset", "digest", "type", "reason", "where", "text")
_SHOWN = ("call", "type", "reason", "where")
_DIGESTS = ("depset", "digest")
_LARGEST: Final = (1 << 63) - 1
"""What a row of the catalog can hold."""

_SECONDS = ("own_seconds", "total_seconds", "created")


def record_text(record: Record) -> str:
    """Write a record as one line."""
    fields: dict[str, Any] = {name: getattr(record, name) for name in (*_TEXTS, *_SECONDS)}
    fields |= {
        "cid": record.cid,
        "version": record.version,
        "meta": dict(record.meta),
        "nbytes": record.nbytes,
        "sample": record.sample,
        "arguments": _to_text(record.arguments),
        "matched": list(record.matched),
        "edges": [[e.source, e.kind, e.role, e.version, e.digest] for e in record.edges],
        "stored": None if record.stored is None else _stored_fields(record.stored),
    }
    return json.dumps(fields, separators=(",", ":"))


def record_from_text(line: str | bytes) -> Record:
    """Undo `record_text`."""
    fields = _mapping(json.loads(line))
    cid = CID(_typed(fields["cid"], str))
    if not cid.digest:
        raise ValueError(f"{cid[:80]!r} names no computation")
    facts: dict[str, Any] = {name: _typed(fields[name], str) for name in _TEXTS}
    facts |= {name: _one_line(facts[name]) for name in _SHOWN}
    for name in _DIGESTS:
        _digest(facts[name])
    facts |= {name: _number(fields[name]) for name in _SECONDS}
    sample = fields["sample"]
    return Record(
        cid=cid,
        version=_whole(fields["version"]),
        function=FunctionId(cid.function),
        edges=tuple(_edge(cid, edge) for edge in fields["edges"]),
        stored=None if fields["stored"] is None else _stored(_mapping(fields["stored"])),
        meta=_mapping(fields["meta"]),
        nbytes=_whole(fields["nbytes"]),
        sample=None if sample is None else _whole(sample, -_LARGEST),
        arguments=_to_bytes(fields["arguments"]),
        matched=tuple(_typed(by, str) for by in fields["matched"]),
        **facts,
    )


def depset_text(depset: Depset) -> str:
    """Write a depset as one line."""
    members = [
        [m.kind, m.module, m.name, m.fingerprint, m.text, m.file, m.by] for m in depset.members
    ]
    return json.dumps({"depset": depset.key, "members": members}, separators=(",", ":"))


def depset_from_text(line: str | bytes) -> Depset:
    """Undo `depset_text`; the key is derived anew, and must be the one that is given."""
    fields = _mapping(json.loads(line))
    members = tuple(
        Dependency(DependencyKind(kind), *(_typed(part, str) for part in rest))
        for kind, *rest in fields["members"]
    )
    depset = Depset.of(members)
    if depset.key != fields["depset"]:
        raise ValueError("dependencies do not add up to their key")
    return depset


def _stored_fields(stored: Stored) -> dict[str, Any]:
    return {
        "codec": stored.codec,
        "meta": dict(stored.meta),
        "nbytes": stored.nbytes,
        "digest": stored.digest,
        "inline": None if stored.inline is None else _to_text(stored.inline),
        "object": stored.object,
    }


def _stored(fields: Mapping[str, Any]) -> Stored:
    return Stored(
        _typed(fields["codec"], str),
        _mapping(fields["meta"]),
        _whole(fields["nbytes"]),
        _digest(fields["digest"]),
        None if fields["inline"] is None else _to_bytes(fields["inline"]),
        _digest(fields["object"]),
    )


def _edge(target: CID, fields: Any) -> Edge:
    source, kind, role, version, digest = fields
    return Edge(
        CID(_typed(source, str)),
        target,
        EdgeKind(kind),
        _typed(role, str),
        _whole(version),
        _digest(digest),
    )


def _to_text(raw: bytes) -> str:
    return base64.b85encode(raw).decode("ascii")


def _to_bytes(text: Any) -> bytes:
    return base64.b85decode(_typed(text, str))


def _mapping(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = _typed(value, dict)
    return found


def _one_line(text: str) -> str:
    """Escape what would forge a line, or move the cursor, where results are listed."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _number(value: Any) -> float:
    """Read a number of seconds; SQLite keeps what is no number as nothing."""
    try:
        found = float(_typed(value, (int, float)))
    except OverflowError as error:
        raise ValueError(f"{str(value)[:80]} is too large") from error
    if not math.isfinite(found):
        raise ValueError(f"{found} is no number of seconds")
    return found


def _whole(value: Any, least: int = 0) -> int:
    """Read an integer that a row can hold."""
    found: int = _typed(value, int)
    if not least <= found <= _LARGEST:
        raise ValueError(f"{str(found)[:80]} is out of range")
    return found


def _digest(value: Any) -> str:
    """Read a digest or a name made of one: plain text, whoever wrote it."""
    found: str = _typed(value, str)
    if not found.isascii() or not found.isprintable():
        raise ValueError(f"{found[:80]!r} is no digest")
    return found


def _typed(value: Any, kind: Any) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not dict):
        raise TypeError(f"{str(value)[:80]!r} has type {type(value).__name__}")
    return value
