"""The catalog: what goes in comes out, in one transaction, for many processes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dumbo.errors import (
    ConfigurationError,
    CorruptStoreError,
    NameTakenError,
    StoreError,
    StoreFormatError,
    StoreUnavailableError,
)
from dumbo.identity.cid import CID
from dumbo.records import Depset, Edge, EdgeKind, Record, Stored
from dumbo.storage import Catalog, SqliteCatalog, Stamp, database, schema

Make = Callable[..., Any]


def stripped(record: Record | None) -> Record | None:
    return None if record is None else replace(record, version=0)


def test_the_catalog_is_a_catalog(catalog: SqliteCatalog) -> None:
    protocol: Catalog = catalog
    assert protocol.node_count() == 0


def test_a_record_comes_back_as_it_was(
    catalog: SqliteCatalog, make_record: Make, depset: Depset, cid: Make
) -> None:
    record = make_record(
        1,
        cid("outside"),
        CID.external("data"),
        cid("whole").item("loss"),
        sample=3,
        arguments=b"\x00args",
        text="mine \ud800",
        call="f('\ud800')",
    )
    versions = catalog.add([record], [depset])
    found = catalog.record(record.cid)
    expected = replace(record, call="f('\\ud800')", text="mine \\ud800")
    assert stripped(found) == stripped(expected)
    assert versions == {record.version: found.version if found else 0}
    assert catalog.versions(record.cid) == (found,)


def test_facts_that_differ_between_value_and_record_are_both_kept(
    catalog: SqliteCatalog, make_record: Make, depset: Depset
) -> None:
    stored = Stored("pickle/1", {"type": "a:B", "mac": "00", "lengths": [3]}, 3, "", b"abc")
    first = make_record(1, stored=stored, meta={"type": "a:B"}, nbytes=7, digest="")
    second = make_record(2, stored=stored, meta=stored.meta, nbytes=3, digest="")
    third = make_record(3, stored=None, meta={"type": "a:B", "manifest": 4})
    catalog.add([first, second, third], [depset])
    for record in (first, second, third):
        assert stripped(catalog.record(record.cid)) == stripped(record)


def test_facts_of_one_value_make_no_words(
    catalog: SqliteCatalog, make_record: Make, depset: Depset
) -> None:
    def signed(n: int) -> Record:
        meta = {"type": "a:B", "mac": f"{n:064x}"}
        record: Record = make_record(n, meta=meta, stored=Stored("pickle/1", meta, 1, "", b"x"))
        return record

    catalog.add([signed(1)], [depset])
    before = catalog._database.read("SELECT count(*) FROM word")
    catalog.add([signed(n) for n in range(2, 20)], [depset])
    assert catalog._database.read("SELECT count(*) FROM word") == before


def test_the_newest_version_is_first_and_older_ones_stay(
    catalog: SqliteCatalog, make_record: Make, depset: Depset, cid: Make
) -> None:
    old = make_record(1)
    new = replace(old, version=-9, digest="ab" * 20)
    first, second = catalog.add([old], [depset]), catalog.add([new])
    assert second[-9] > first[old.version]
    assert [v.digest for v in catalog.versions(old.cid)] == [new.digest, old.digest]
    assert stripped(catalog.record(old.cid, first[old.version])) == stripped(old)
    assert catalog.record(old.cid, 999) is None
    assert catalog.record(cid("other"), first[old.version]) is None
    assert catalog.versions(cid("unknown")) == ()
    assert catalog.node_count() == 1


def test_the_same_result_again_is_one_version_with_the_newest_value_and_timings(
    catalog: SqliteCatalog, make_record: Make, depset: Depset, cid: Make
) -> None:
    record = make_record(1, cid("a"))
    (version,) = catalog.add([record], [depset]).values()
    moved = Stored("scalar/1", {"type": "builtins:int"}, 1, record.digest, None, "ab" * 20)
    again = replace(record, version=-2, stored=moved, own_seconds=9.0)
    assert catalog.add([again]) == {-2: version}
    found = catalog.record(record.cid)
    assert found is not None
    assert (found.stored, found.own_seconds, len(catalog.versions(record.cid))) == (moved, 9.0, 1)
    assert catalog.add([replace(again, version=-3, stored=None)]) == {-3: version}
    assert catalog.versions(record.cid)[0].stored == moved, "a kept value is not lost"
    assert catalog.add([replace(again, version=-4, edges=())])[-4] != version


def test_edges_refer_to_the_real_versions_of_records_that_were_only_in_memory(
    catalog: SqliteCatalog, make_record: Make, depset: Depset
) -> None:
    a = make_record("a", stored=None)
    b = make_record("b", a, a)
    moved = catalog.add([a, b], [depset])
    found = catalog.record(b.cid)
    assert found is not None
    assert [edge.version for edge in found.edges] == [moved[a.version]] * 2
    assert [edge.role for edge in found.edges] == ["x0", "x1"]
    assert [edge.digest for edge in found.edges] == [a.digest] * 2


def test_an_edge_to_a_record_that_was_not_given_writes_nothing(
    catalog: SqliteCatalog, make_record: Make, depset: Depset
) -> None:
    a, b = make_record("a"), make_record("b", make_record("missing"))
    with pytest.raises(ConfigurationError, match="add that record first"):
        catalog.add([a, b], [depset])
    assert catalog.record(a.cid) is None
    assert catalog.node_count() == 0
    assert catalog.depset(depset.key) is None


def test_a_record_of_an_unknown_depset_is_refused(
    catalog: SqliteCatalog, make_record: Make
) -> None:
    with pytest.raises(ConfigurationError, match="pass it along"):
        catalog.add([make_record(1, depset="00" * 16)])
    catalog.add([make_record(1, depset="")])
    assert catalog.node_count() == 1


def test_a_depset_comes_back_with_texts(catalog: SqliteCatalog, depset: Depset) -> None:
    catalog.add([], [depset, depset])
    found = catalog.depset(depset.key)
    assert found is not None
    assert found.key == depset.key
    assert [m.key for m in found.members] == [m.key for m in depset.members]
    assert found.members[0].text == "def f(): ..."
    assert (found.members[0].file, found.members[0].by) == ("mod.py", "f")
    assert catalog.depset(depset.key) is found
    assert catalog.depset("unknown") is None


def test_an_edges_digest_outlives_the_version_it_came_from(
    catalog: SqliteCatalog, make_record: Make, depset: Depset
) -> None:
    a = make_record("a")
    blank = make_record("blank", digest="")
    b = make_record("b", a, blank)
    catalog.add([a, blank, b], [depset])
    catalog.forget(a.cid)
    catalog.forget(blank.cid)
    found = catalog.record(b.cid)
    assert found is not None
    assert [edge.digest for edge in found.edges] == [a.digest, ""]
    assert {edge.source for edge in found.edges} == {a.cid, blank.cid}


def test_an_edge_can_name_another_digest_than_the_versions_own(
    catalog: SqliteCatalog, make_record: Make, depset: Depset
) -> None:
    a = make_record("a")
    b = make_record("b")
    edge = Edge(a.cid.item(0), b.cid, EdgeKind.ITEM, "", a.version, "cd" * 20)
    catalog.add([a, replace(b, edges=(edge,))], [depset])
    (found,) = catalog.edges_of([b.cid])
    assert (found.digest, found.kind, found.source) == ("cd" * 20, EdgeKind.ITEM, a.cid.item(0))


def test_forgetting_leaves_nothing_that_nothing_refers_to(
    catalog: SqliteCatalog, make_record: Make, depset: Depset
) -> None:
    a = make_record("a")
    b = make_record("b", a)
    catalog.add([a, b], [depset])
    catalog.set_tag("mine", b.cid)
    assert catalog.forget(b.cid) == 1
    assert catalog.forget(b.cid) == 0
    assert catalog.tags() == {}
    assert catalog.node_count() == 1
    assert catalog.forget(a.cid) == 1
    assert catalog._database.read("SELECT count(*) FROM edge") == [(0,)]
    assert catalog.record(a.cid) is None


def test_forgetting_one_version_leaves_the_others(
    catalog: SqliteCatalog, make_record: Make, depset: Depset
) -> None:
    old = make_record(1)
    new = replace(old, version=-7, digest="ab" * 20)
    (older,) = catalog.add([old], [depset]).values()
    (newer,) = catalog.add([new]).values()
    assert catalog.forget_version(old.cid, newer)
    assert not catalog.forget_version(old.cid, newer)
    found = catalog.record(old.cid)
    assert found is not None
    assert found.version == older
    assert catalog.add([new])[-7] > newer, "a version is never used again"
    assert catalog.node_count() == 1


def test_eviction_keeps_the_record(
    catalog: SqliteCatalog, make_record: Make, depset: Depset, cid: Make
) -> None:
    record = make_record(1)
    (version,) = catalog.add([record], [depset]).values()
    assert not catalog.evict(cid("other"), version)
    assert catalog.evict(record.cid, version)
    assert not catalog.evict(record.cid, version)
    found = catalog.record(record.cid)
    assert stripped(found) == stripped(replace(record, stored=None))


def test_a_description_goes_to_the_newest_version(
    catalog: SqliteCatalog, make_record: Make, depset: Depset
) -> None:
    record = make_record(1)
    catalog.add([record], [depset])
    catalog.update_text(record.cid, "best so far")
    assert catalog.versions(record.cid)[0].text == "best so far"


def test_cones_follow_the_versions_used_upstream_and_the_newest_downstream(
    catalog: SqliteCatalog, make_record: Make, depset: Depset, cid: Make
) -> None:
    data = CID.external("data")
    a = make_record("a", data)
    b = make_record("b", a)
    c = make_record("c", a, b, function="mod:g")
    alone = make_record("alone")
    catalog.add([a, b, c, alone], [depset])
    assert catalog.upstream(c.cid) == {a.cid, b.cid, data}
    assert catalog.downstream(a.cid) == {b.cid, c.cid}
    assert catalog.downstream(data) == {a.cid, b.cid, c.cid}
    assert catalog.upstream(alone.cid) == catalog.downstream(alone.cid) == set()
    assert catalog.upstream(cid("unknown")) == set()
    assert [e.target for e in catalog.consumers(a.cid)] == [b.cid, c.cid]
    assert [e.source for e in catalog.edges_of([c.cid, a.cid])] == [a.cid, b.cid, data]
    # b computed anew without a: it is downstream no more, and c still shows what it used.
    catalog.add([replace(b, version=-50, edges=(), digest="ee" * 20)])
    assert catalog.downstream(a.cid) == {c.cid}
    assert [e.target for e in catalog.consumers(a.cid)] == [c.cid]
    assert catalog.upstream(c.cid) == {a.cid, b.cid, data}


def test_iteration_goes_over_newest_records_newest_first(
    catalog: SqliteCatalog, make_record: Make, depset: Depset
) -> None:
    records = [make_record(i, function=f"mod:f{i % 3}") for i in range(1203)]
    records.append(replace(records[0], version=-5000, digest="aa" * 20))
    catalog.add(records, [depset])
    found = [record.cid for record in catalog.nodes()]
    assert found[0] == records[0].cid
    assert len(found) == len(set(found)) == catalog.node_count() == 1203
    assert [r.cid for r in catalog.nodes(limit=2)] == found[:2]
    assert {r.function for r in catalog.nodes("mod:f1", 600)} == {"mod:f1"}
    assert list(catalog.nodes("unknown")) == []
    assert catalog.functions() == ("mod:f0", "mod:f1", "mod:f2")
    assert len(list(catalog.stored())) == 1204
    assert catalog.value_bytes() == 1204


def test_the_count_is_a_stored_number(catalog: SqliteCatalog, make_record: Make) -> None:
    plan = catalog._database.read("EXPLAIN QUERY PLAN SELECT nodes FROM head")
    assert "head" in plan[0][3]
    catalog.add([make_record(i, depset="") for i in range(5)])
    assert catalog.node_count() == 5


def test_a_tag_and_a_cid_name_each_other_alone(catalog: SqliteCatalog, cid: Make) -> None:
    catalog.set_tag("best", cid(1))
    catalog.set_tag("best", cid(1))
    assert catalog.tags() == {"best": cid(1)}
    assert catalog.tag_of(cid(1)) == "best"
    assert catalog.tag_of(cid(2)) is None
    with pytest.raises(NameTakenError, match=r"untag\('best'\)"):
        catalog.set_tag("best", cid(2))
    catalog.set_tag("other", cid(1))
    assert catalog.tags() == {"other": cid(1)}
    assert catalog.drop_tag("other")
    assert not catalog.drop_tag("other")


def test_a_tag_taken_meanwhile_by_another_process_is_an_error(
    catalog: SqliteCatalog, cid: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.set_tag("best", cid(1))
    monkeypatch.setattr(SqliteCatalog, "tags", lambda self: {})
    with pytest.raises(NameTakenError, match="just now"):
        catalog.set_tag("best", cid(2))


def test_externals_and_sources_come_back(catalog: SqliteCatalog) -> None:
    assert catalog.external("data") is None
    catalog.set_external("data", "ab", "array(3)")
    catalog.set_external("data", "cd", "array(4)")
    assert catalog.external("data") == ("cd", "array(4)")
    assert catalog.get_source("a.py") is None
    catalog.put_source("a.py", (1, 2, 3, 2**62), b"\x00index")
    assert catalog.get_source("a.py") == ((1, 2, 3, 2**62), b"\x00index")


def test_a_hit_does_not_write(
    catalog: SqliteCatalog, make_record: Make, depset: Depset, tmp_path: Path
) -> None:
    record = make_record(1)
    catalog.add([record], [depset])
    wal = Path(f"{catalog.path}-wal")
    before = wal.stat()
    catalog.count("hits", "mod:f", 1.5)
    catalog.put_stamp("ab" * 20, Stamp(1, 2, 3, "boot"))
    catalog.versions(record.cid)
    assert wal.stat() == before
    assert catalog.get_stamp("ab" * 20) == Stamp(1, 2, 3, "boot")
    catalog.count("hits", "mod:f", 0.5, n=2)
    assert catalog.totals() == {("hits", "mod:f"): (3, 2.0)}
    assert wal.stat() != before
    assert catalog.totals() == {("hits", "mod:f"): (3, 2.0)}


def test_counts_and_stamps_are_written_when_closing(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    first = SqliteCatalog(path)
    first.count("hits", "mod:f")
    first.put_stamp("ab" * 20, Stamp(1, 2, 3))
    first.close()
    first.close()
    second = SqliteCatalog(path)
    assert second.get_stamp("ab" * 20) == Stamp(1, 2, 3)
    assert second.get_stamp("cd" * 20) is None
    assert second.totals() == {("hits", "mod:f"): (1, 0.0)}
    second.close()


def test_counts_are_written_at_exit_without_closing(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    SqliteCatalog(path).close()
    leave = "c = SqliteCatalog(Path(sys.argv[1])); c.count('hits', 'child')"
    code = f"import sys; from pathlib import Path; from dumbo.storage import SqliteCatalog; {leave}"
    subprocess.run([sys.executable, "-W", "error", "-c", code, str(path)], check=True, timeout=60)
    catalog = SqliteCatalog(path)
    assert catalog.totals() == {("hits", "child"): (1, 0.0)}
    catalog.close()


def test_a_closed_catalog_says_so(catalog: SqliteCatalog, cid: Make) -> None:
    catalog.close()
    with pytest.raises(StoreUnavailableError, match="closed"):
        catalog.record(cid(1))


def test_threads_have_connections_of_their_own_and_lose_no_write(
    catalog: SqliteCatalog, make_record: Make, depset: Depset
) -> None:
    batches = [[make_record((t, i)) for i in range(15)] for t in range(4)]
    errors: list[Exception] = []

    def work(batch: list[Record]) -> None:
        try:
            for record in batch:
                catalog.add([record], [depset])
        except StoreError as error:
            errors.append(error)

    for _ in range(2):
        threads = [threading.Thread(target=work, args=(batch,)) for batch in batches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
    assert catalog.node_count() == len(list(catalog.nodes())) == 60
    assert len(catalog._database._connections) <= 5, "connections of ended threads are closed"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_writes_and_the_parent_goes_on(
    catalog: SqliteCatalog, make_record: Make, depset: Depset
) -> None:
    records = [make_record(i) for i in range(3)]
    catalog.add([records[0]], [depset])
    catalog.count("hits", "parent")
    pid = os.fork()
    if pid == 0:
        try:
            catalog.add([records[1]], [depset])
            catalog.flush()
        finally:
            os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    catalog.add([records[2]])
    assert all(catalog.record(record.cid) for record in records)
    assert catalog.totals() == {("hits", "parent"): (1, 0.0)}


def test_a_catalog_of_a_newer_dumbo_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    SqliteCatalog(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreFormatError, match="upgrade dumbo"):
        SqliteCatalog(path)


def test_an_older_catalog_is_migrated_and_keeps_its_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_record: Make, depset: Depset
) -> None:
    path = tmp_path / "c.sqlite"
    old = SqliteCatalog(path)
    record = make_record(1)
    old.add([record], [depset])
    old.close()
    later = (*schema.MIGRATIONS, "CREATE TABLE extra(a);\nINSERT INTO extra VALUES (1)")
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    new = SqliteCatalog(path)
    assert stripped(new.record(record.cid)) == stripped(record)
    assert new._database.read("SELECT a FROM extra") == [(1,)]
    new.close()


def test_a_migration_that_fails_leaves_the_catalog_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.sqlite"
    SqliteCatalog(path).close()
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "CREATE TABLE e(a);\nnonsense"))
        with pytest.raises(StoreUnavailableError):
            SqliteCatalog(path)
    catalog = SqliteCatalog(path)
    assert catalog._database.read("SELECT name FROM sqlite_master WHERE name = 'e'") == []
    catalog.close()


def test_a_file_that_is_no_catalog_is_corrupt(tmp_path: Path) -> None:
    junk = tmp_path / "junk.sqlite"
    junk.write_bytes(b"not a database" * 100)
    with pytest.raises(CorruptStoreError, match="restore it from a copy"):
        SqliteCatalog(junk)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t(a)")
    connection.close()
    with pytest.raises(CorruptStoreError, match="another program"):
        SqliteCatalog(other)


def test_a_catalog_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="check that the folder exists"):
        SqliteCatalog(tmp_path / "absent" / "c.sqlite")


def test_a_locked_catalog_is_unavailable_after_a_while(
    catalog: SqliteCatalog, monkeypatch: pytest.MonkeyPatch, make_record: Make
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    impatient = SqliteCatalog(catalog.path)
    holder = sqlite3.connect(catalog.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    impatient.count("hits", "f")
    with pytest.raises(StoreUnavailableError, match="locked"):
        impatient.add([make_record(1, depset="")])
    impatient.close()
    holder.close()


def test_own_mistakes_are_not_called_a_broken_store(catalog: SqliteCatalog) -> None:
    with pytest.raises(sqlite3.ProgrammingError):
        catalog._database.read("SELECT ?", ())


def test_an_exception_inside_a_transaction_undoes_it(catalog: SqliteCatalog) -> None:
    def fail() -> None:
        with catalog._database.write() as connection:
            connection.execute("INSERT INTO word(text) VALUES ('gone')")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert catalog._database.read("SELECT count(*) FROM word WHERE text = 'gone'") == [(0,)]


def test_durable_waits_for_the_disk_at_each_commit(tmp_path: Path) -> None:
    for durable, level in ((True, 2), (False, 1)):
        catalog = SqliteCatalog(tmp_path / f"{durable}.sqlite", durable)
        assert catalog._database.read("PRAGMA synchronous") == [(level,)]
        assert catalog._database.read("PRAGMA journal_mode") == [("wal",)]
        catalog.close()


HOSTILE = [
    "UPDATE word SET text = 'not json' WHERE text LIKE '{%'",
    "UPDATE word SET text = '[1]' WHERE text LIKE '{%'",
    "UPDATE record SET stored = '[[['",
    "UPDATE record SET stored = '[]'",
    "UPDATE record SET own = 'text'",
    "UPDATE record SET nbytes = NULL",
    "UPDATE record SET inline = 'text'",
    "UPDATE record SET sample = 'x'",
    "UPDATE node SET digest = 7 WHERE newest > 0",
    "UPDATE node SET path = x'00' WHERE newest > 0",
    "UPDATE edge SET kind = 17",
    "UPDATE edge SET kind = 'x'",
    "UPDATE edge SET version = 'x'",
    "UPDATE edge SET digest = 3",
    "UPDATE record SET digest = 3",
    "UPDATE record SET object = 3",
]


@pytest.mark.parametrize("statement", HOSTILE)
def test_a_row_that_cannot_be_a_record_is_corrupt(
    catalog: SqliteCatalog, make_record: Make, depset: Depset, statement: str, cid: Make
) -> None:
    record = make_record(1, cid("a"))
    catalog.add([record], [depset])
    with catalog._database.write() as connection:
        connection.execute(statement)
    # Opened again: words that were read once are not read twice.
    again = SqliteCatalog(catalog.path)
    with pytest.raises(CorruptStoreError, match="restore the catalog"):
        list(again.nodes())
    again.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE depset SET members = 'x'",
        "UPDATE depset SET members = '[99]'",
        "UPDATE dependency SET kind = 'unheard of'",
    ],
)
def test_a_row_that_cannot_be_a_depset_is_corrupt(
    catalog: SqliteCatalog, depset: Depset, statement: str
) -> None:
    catalog.add([], [depset])
    with catalog._database.write() as connection:
        connection.execute(statement)
    with pytest.raises(CorruptStoreError):
        catalog.depset(depset.key)


def test_words_are_remembered_only_so_many(
    catalog: SqliteCatalog, make_record: Make, depset: Depset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dumbo.storage.words._REMEMBERED", 3)
    records = [make_record(i, reason=f"because of {i}") for i in range(10)]
    for record in records:
        catalog.add([record], [depset])
    assert [stripped(catalog.record(r.cid)) for r in records] == [stripped(r) for r in records]


def test_a_row_takes_little_room(catalog: SqliteCatalog, make_record: Make, depset: Depset) -> None:
    records: list[Record] = []

    def pages(upto: int) -> int:
        while len(records) < upto:
            records.append(make_record(len(records), *records[-3:], arguments=b"x" * 20))
        catalog.add(records, [depset])
        return int(catalog._database.read("PRAGMA page_count")[0][0])

    # What one more takes: the pages that every catalog has would hide it.
    assert -(pages(1000) - pages(3000)) * 4096 / 2000 <= 350
