"""A catalog of an older dumbo is read as it was; one of a newer is left alone."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from dumbo.errors import StoreFormatError
from dumbo.identity.cid import CID
from dumbo.records import Dependency, DependencyKind, Depset, Edge, EdgeKind, Record, Stored
from dumbo.storage import SqliteCatalog, Stamp, schema

OLD = Path(__file__).parents[1] / "data" / "catalog_1.sql"
DEPSET = Depset.of(
    (
        Dependency(DependencyKind.CODE, "old", "f", "fp1", "def f(): ...", "old.py", "f"),
        Dependency(DependencyKind.GLOBAL, "old", "K", "fp2", "3"),
    )
)


def digest(name: object, size: int) -> str:
    return hashlib.blake2b(str(name).encode(), digest_size=size).hexdigest()


def cid(name: object, function: str = "old:f") -> CID:
    return CID.of(function, digest(name, 16))


def expected(name: str, version: int, *inputs: Record, **facts: object) -> Record:
    own, value = cid(name), digest(("v", name), 20)
    meta = {"type": "builtins:int"}
    edges = tuple(
        Edge(i.cid, own, EdgeKind.INPUT, f"x{n}", i.version, i.digest) for n, i in enumerate(inputs)
    )
    made: dict[str, object] = {
        "depset": DEPSET.key,
        "edges": edges,
        "stored": Stored("scalar/1", meta, 1, value, b"\x07"),
        "digest": value,
        "type": "builtins:int",
        "meta": meta,
        "nbytes": 1,
        "own_seconds": 0.25,
        "total_seconds": 0.5,
        "reason": "worth it",
        "created": 1234.5,
        "where": "run.py:3",
    }
    return Record(own, version, own.function, f"f({name!r})", **{**made, **facts})  # type: ignore[arg-type]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "catalog.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(OLD.read_text())
    connection.close()
    return path


def test_everything_in_an_old_catalog_is_there_after_the_migration(old: Path) -> None:
    catalog = SqliteCatalog(old)
    assert catalog._database.read("PRAGMA user_version") == [(len(schema.MIGRATIONS),)]
    a = expected("a", 1)
    b = expected("b", 2, a, a, sample=3, arguments=b"\x00args", text="mine")
    gone = expected("gone", 3, b, stored=None)
    newer = expected("a", 4, digest="ab" * 20)
    assert catalog.versions(a.cid) == (newer, a)
    assert catalog.record(b.cid) == b
    assert catalog.record(gone.cid) == gone
    assert catalog.node_count() == 3
    found = catalog.depset(DEPSET.key)
    assert found == DEPSET
    assert [m.text for m in found.members] == [m.text for m in DEPSET.members]
    assert len(catalog.accepted(DEPSET.key)) == 1
    assert catalog.tags() == {"best": b.cid}
    assert catalog.external("data") == ("cd" * 20, "array(3)")
    assert catalog.get_source("old.py") == ((1, 2, 3, 4), b"index")
    assert catalog.get_stamp("ab" * 20) == Stamp(5, 6, 7, "")
    assert catalog.moves() == {cid("old"): cid("new", "new:f")}
    assert catalog.totals() == {("hit", "old:f"): (3, 1.5)}
    assert catalog.faults() == ()
    catalog.close()


def test_a_migrated_catalog_goes_on(old: Path) -> None:
    catalog = SqliteCatalog(old)
    new = expected("new", -1, expected("b", 2))
    assert catalog.add([new])[-1] == 5
    assert catalog.upstream(new.cid) == {cid("a"), cid("b")}
    claim = catalog.claim(new.cid, "me", 60.0)
    assert claim is not None
    assert catalog.release(claim)
    catalog.close()
    again = SqliteCatalog(old)
    assert again.record(new.cid) is not None
    again.close()


def test_an_old_catalog_and_a_new_one_have_the_same_tables(old: Path, tmp_path: Path) -> None:
    SqliteCatalog(old).close()
    SqliteCatalog(tmp_path / "new.sqlite").close()

    def tables(path: Path) -> set[tuple[str, ...]]:
        connection = sqlite3.connect(path)
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        found = {
            (name, *map(str, column[1:]))
            for (name,) in names
            for column in connection.execute(f"PRAGMA table_info({name})")
        }
        connection.close()
        return found

    assert tables(old) == tables(tmp_path / "new.sqlite")


def test_two_processes_migrate_once(old: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from dumbo.storage import SqliteCatalog\n"
        "c = SqliteCatalog(Path(sys.argv[1])); assert c.node_count() == 3; c.close()"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(old)], stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors


def test_a_newer_catalog_is_refused_and_left_alone(old: Path) -> None:
    with sqlite3.connect(old) as connection:
        connection.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    connection.close()
    before = old.read_bytes()
    with pytest.raises(StoreFormatError, match="upgrade dumbo"):
        SqliteCatalog(old)
    assert old.read_bytes() == before
