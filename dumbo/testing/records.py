"""Records to put into a catalog or a store that is tested.

Law: whole and plausible ones, different for different names, alike for equal ones.
"""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

from dumbo.identity.cid import CID
from dumbo.records import Dependency, DependencyKind, Depset, Edge, EdgeKind, Record, Stored

DEPSET = Depset.of(
    (
        Dependency(DependencyKind.CODE, "mod", "f", "fp1", "def f(): ...", "mod.py", "f"),
        Dependency(DependencyKind.GLOBAL, "mod", "K", "fp2", "3"),
    )
)
OTHER = Depset.of((Dependency(DependencyKind.CODE, "mod", "f", "fp9"),))
_numbers = itertools.count(1)


def make_cid(name: object, function: str = "mod:f") -> CID:
    """Make a CID from anything."""
    return CID.of(function, hashlib.blake2b(repr(name).encode(), digest_size=16).hexdigest())


def make_record(name: object, *inputs: Record | CID, **facts: Any) -> Record:
    """Make a record that was only in memory; `facts` replace what it has by itself."""
    cid = make_cid(name, facts.pop("function", "mod:f"))
    edges = tuple(
        Edge(x.cid, cid, EdgeKind.INPUT, f"x{i}", x.version, x.digest)
        if isinstance(x, Record)
        else Edge(x, cid, EdgeKind.CALL, f"x{i}")
        for i, x in enumerate(inputs)
    )
    digest = hashlib.blake2b(f"value {name!r}".encode(), digest_size=20).hexdigest()
    meta = {"type": "builtins:int"}
    made: dict[str, Any] = {
        "cid": cid,
        "version": -next(_numbers),
        "function": cid.function,
        "call": f"f({name!r})",
        "depset": DEPSET.key,
        "edges": edges,
        "stored": Stored("scalar/1", meta, 1, digest, b"\x07"),
        "digest": digest,
        "type": "builtins:int",
        "meta": meta,
        "nbytes": 1,
        "own_seconds": 0.25,
        "total_seconds": 0.5,
        "reason": "worth it",
        "created": 1234.5,
        "where": "run.py:3",
    }
    return Record(**{**made, **facts})
