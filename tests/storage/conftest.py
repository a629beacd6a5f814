"""A store, its parts, and records to put into it."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from dumbo.identity.cid import CID
from dumbo.records import Dependency, DependencyKind, Depset, Edge, EdgeKind, Record, Stored
from dumbo.storage import Objects, SqliteCatalog, Store, Values

MakeRecord: TypeAlias = Callable[..., Record]

DEPSET = Depset.of(
    (
        Dependency(DependencyKind.CODE, "mod", "f", "fp1", "def f(): ...", "mod.py", "f"),
        Dependency(DependencyKind.GLOBAL, "mod", "K", "fp2", "'\ud800'"),
    )
)


@pytest.fixture(autouse=True)
def own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test touches the user's own key."""
    folder = tmp_path / "keys"
    monkeypatch.setenv("DUMBO_KEY_DIR", str(folder))
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "objects-only")


@pytest.fixture
def values(objects: Objects) -> Values:
    return Values(objects)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[SqliteCatalog]:
    opened = SqliteCatalog(tmp_path / "catalog.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def depset() -> Depset:
    return DEPSET


@pytest.fixture
def cid() -> Callable[..., CID]:
    def make(name: object, function: str = "mod:f") -> CID:
        return CID.of(function, hashlib.blake2b(str(name).encode(), digest_size=16).hexdigest())

    return make


@pytest.fixture
def make_record(cid: Callable[..., CID]) -> MakeRecord:
    """Make a record that was only in memory; `inputs` are records or CIDs."""
    numbers = itertools.count(1)

    def make(name: object, *inputs: Any, function: str = "mod:f", **facts: Any) -> Record:
        own = cid(name, function)
        edges = tuple(
            Edge(x.cid, own, EdgeKind.INPUT, f"x{i}", x.version, x.digest)
            if isinstance(x, Record)
            else Edge(x, own, EdgeKind.CALL, f"x{i}")
            for i, x in enumerate(inputs)
        )
        digest = hashlib.blake2b(f"value {name}".encode(), digest_size=20).hexdigest()
        meta = {"type": "builtins:int"}
        made: dict[str, Any] = {
            "cid": own,
            "version": -next(numbers),
            "function": own.function,
            "call": f"f({name})",
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

    return make
