"""Damage is found whatever it is; repair takes out what is broken and nothing else."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dumbo.errors import CorruptStoreError, StoreFormatError, StoreUnavailableError, ValueLostError
from dumbo.identity.cid import CID
from dumbo.records import Depset, Record
from dumbo.storage import Store, StoreOptions
from dumbo.storage.repairing import repair, repair_folder
from dumbo.storage.verifying import verify_store

Make = Callable[..., Any]


@pytest.fixture
def keep(store: Store, make_record: Make, depset: Depset) -> Callable[..., Record]:
    """Store a value under a name; returns its record."""

    def kept(name: object, value: object, *inputs: Any) -> Record:
        stored = store.values.store(value)
        record = make_record(
            name,
            *inputs,
            stored=stored,
            meta=stored.meta,
            digest=stored.digest,
            nbytes=stored.nbytes,
        )
        store.catalog.add([record], [depset])
        found = store.catalog.record(record.cid)
        assert found is not None
        return found

    return kept


def data_of(store: Store, record: Record) -> Path:
    assert record.stored is not None
    return store.objects.open_object(record.stored.object)


def flip(path: Path) -> None:
    status = path.stat()
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "lost": Path.unlink,
    "truncated": lambda path: os.truncate(path, path.stat().st_size - 9),
    "emptied": lambda path: os.truncate(path, 0),
    "flipped": flip,
    "a folder instead": lambda path: (path.unlink(), path.mkdir()),
    "a link instead": lambda path: (path.unlink(), path.symlink_to("/dev/null")),
}


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("value", ["array", "text", "container"])
def test_each_damage_is_found_and_repaired(
    store: Store, keep: Callable[..., Record], kind: str, value: str
) -> None:
    array = np.arange(20_000.0)
    given = {"array": array, "text": "x" * 40_000, "container": {"a": array, "b": 1}}[value]
    good = keep("good", np.arange(9_000))
    bad = keep("bad", given, good)
    after = keep("after", 3, bad)
    assert verify_store(store).is_sound
    assert bad.stored is not None
    (name,) = store.values.objects_of(bad.stored)
    store.catalog.set_tag("mine", bad.cid)
    DAMAGE[kind](store.objects.open_object(name))
    report = verify_store(store)
    assert [(p.cid, p.version) for p in report.problems] == [(bad.cid, bad.version)]
    assert not report.is_sound
    assert bad.cid.short in str(report)
    assert store.catalog.record(bad.cid) == bad, "a look changes nothing"

    repaired = repair(store)
    assert repaired.problems
    assert any("dropped" in action for action in repaired.actions)
    found = store.catalog.record(bad.cid)
    assert found is not None
    assert found.stored is None
    assert (found.digest, found.edges) == (bad.digest, bad.edges)
    assert store.catalog.tags() == {"mine": bad.cid}
    assert store.catalog.record(after.cid) == after
    assert good.stored is not None
    assert (store.values.load(good.stored) == np.arange(9_000)).all()
    assert verify_store(store).is_sound
    # The same value can be kept again.
    again = store.values.store(given)
    store.values.check(again)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("inline", "BLOB"),
        ("digest", "BLOB"),
        ("object", "TEXT"),
        ("stored", "TEXT"),
        ("meta", "INTEGER"),
        ("codec", "INTEGER"),
        ("call", "TEXT"),  # bytes that are no UTF-8
    ],
)
def test_a_flipped_byte_in_a_row_is_never_served(
    store: Store, keep: Callable[..., Record], column: str, kind: str
) -> None:
    keep("other", np.arange(5, dtype="f4"))
    small = keep("small", np.arange(4))
    text = keep("text", "a text")
    with store.catalog._database.write() as connection:
        ((was,),) = connection.execute(
            f"SELECT {column} FROM record WHERE version = ?", (small.version,)
        ).fetchall()
        ((other,),) = connection.execute(
            f"SELECT {column} FROM record WHERE version = ?", (text.version,)
        ).fetchall()
        now: Any = bytes([was[0] ^ 1]) + was[1:] if isinstance(was, bytes) else other
        now = {"object": "ab", "stored": "{}", "call": b"\xff\xff"}.get(column, now)
        connection.execute(
            f"UPDATE record SET {column} = CAST(? AS {kind}) WHERE version = ?",
            (now, small.version),
        )
    with pytest.raises(CorruptStoreError):
        store.catalog.versions(small.cid)
    (problem,) = verify_store(store).problems
    assert problem.version == small.version
    repair(store)
    found = store.catalog.record(small.cid)
    assert found is None if column == "call" else found is not None and found.stored is None
    assert store.catalog.record(text.cid) == text
    assert verify_store(store).is_sound


def test_a_damaged_version_hides_no_other(
    store: Store, keep: Callable[..., Record], depset: Depset
) -> None:
    old = keep("x", 1)
    new = keep("x", 2)
    assert old.cid == new.cid
    with store.catalog._database.write() as connection:
        connection.execute("UPDATE record SET inline = x'09' WHERE version = ?", (new.version,))
    assert store.catalog.versions(old.cid) == (old,)
    again = keep("x", 2)
    assert [r.version for r in store.catalog.versions(old.cid)] == [again.version, old.version]


def test_a_row_that_cannot_be_read_is_deleted_unless_tagged(
    store: Store, keep: Callable[..., Record]
) -> None:
    one, two, three = keep(1, 1), keep(2, 2), keep(3, 3)
    store.catalog.set_tag("mine", two.cid)
    with store.catalog._database.write() as connection:
        connection.execute("UPDATE record SET own = 'x' WHERE version < ?", (three.version,))
    assert [p.version for p in verify_store(store).problems] == [one.version, two.version]
    report = repair(store)
    assert [p.version for p in verify_store(store).problems] == [two.version]
    assert "tagged" in str(report)
    assert store.catalog.tags() == {"mine": two.cid}
    assert store.catalog.record(one.cid) is None
    assert store.catalog.record(three.cid) == three


def test_a_name_that_cannot_be_read_is_deleted(store: Store, keep: Callable[..., Record]) -> None:
    one, two = keep(1, 1), keep(2, 2)
    with store.catalog._database.write() as connection:
        connection.execute(
            "UPDATE node SET digest = 7 WHERE id = (SELECT node FROM record WHERE version = ?)",
            (one.version,),
        )
    assert not verify_store(store).is_sound
    repair(store)
    assert verify_store(store).is_sound
    assert [record.cid for record in store.catalog.nodes()] == [two.cid]


def test_orphans_and_drafts_go_when_they_are_old(store: Store, keep: Callable[..., Record]) -> None:
    kept = keep("kept", np.arange(9_000))
    orphan = store.values.store(np.arange(8_000)).object
    draft = store.folder / "tmp" / "draft"
    draft.write_bytes(b"half")
    assert verify_store(store).orphans == 1
    assert verify_store(store).is_sound
    assert repair(store).actions == ()
    assert set(store.objects.names()) == {orphan, kept.stored.object if kept.stored else ""}
    time.sleep(0.01)
    report = repair(store, older_than=0.0)
    assert "2 orphans and drafts" in str(report)
    assert kept.stored is not None
    assert list(store.objects.names()) == [kept.stored.object]
    assert not draft.exists()


def test_nothing_is_swept_when_a_record_cannot_say_what_it_needs(
    store: Store, keep: Callable[..., Record]
) -> None:
    stored = store.values.store(np.arange(9_000))
    record = keep("newer", 1)
    with store.catalog._change() as (connection, interner):
        codec = interner.word("unheard-of/9")
        connection.execute(
            "UPDATE record SET codec = ?, checksum = NULL WHERE version = ?",
            (codec, record.version),
        )
    report = repair(store, older_than=0.0)
    assert report.is_sound
    assert [p.version for p in report.unchecked] == [record.version]
    assert "no orphans were removed" in str(report)
    assert list(store.objects.names()) == [stored.object]


def test_foreign_files_are_left_alone(store: Store, keep: Callable[..., Record]) -> None:
    kept = keep("kept", np.arange(9_000))
    (store.folder / "notes.txt").write_text("mine")
    (store.folder / "objects" / "notes.txt").write_text("mine")
    (data_of(store, kept).parents[1] / "foreign").write_text("mine")
    assert repair(store, older_than=0.0).is_sound
    assert (store.folder / "notes.txt").read_text() == "mine"
    assert (store.folder / "objects" / "notes.txt").read_text() == "mine"
    store.close()
    with Store(store.folder) as again:
        assert verify_store(again).is_sound


def test_others_may_use_the_store_meanwhile(
    store: Store, keep: Callable[..., Record], tmp_path: Path
) -> None:
    stop = threading.Event()
    errors: list[BaseException] = []

    def work() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                record = keep(("w", number), np.full(6_000, number))
                if number % 3 == 0 and record.stored is not None:
                    store.catalog.evict(record.cid, record.version)
                    store.objects.delete(record.stored.object)
            except Exception as error:  # noqa: BLE001  # told by the assertion below
                errors.append(error)
                return

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(5):
            assert verify_store(store).problems == ()
            assert repair(store).problems == ()
    finally:
        stop.set()
        thread.join()
    assert errors == []


def test_a_corrupt_catalog_is_moved_aside_and_objects_stay(
    store: Store, keep: Callable[..., Record]
) -> None:
    keep("kept", np.arange(9_000))
    (name,) = store.objects.names()
    store.close()
    catalog = store.folder / "catalog.sqlite"
    catalog.write_bytes(b"rubbish" * 999)
    for number in (1, 2):
        report = repair_folder(store.folder, older_than=0.0)
        aside = store.folder / f"catalog.sqlite.broken-{number}"
        assert aside.read_bytes() == b"rubbish" * 999
        assert aside.name in str(report)
        assert "lost" in str(report)
        with Store(store.folder) as again:
            assert list(again.objects.names()) == [name]
            assert again.catalog.node_count() == 0
        catalog.write_bytes(b"rubbish" * 999)


def test_what_can_be_read_of_a_corrupt_catalog_is_saved(
    store: Store, keep: Callable[..., Record]
) -> None:
    records = [keep("first", 0)]
    for number in range(1, 400):
        records.append(keep(number, number, records[-1]))
    store.catalog.set_tag("mine", records[5].cid)
    store.close()
    path = store.folder / "catalog.sqlite"
    connection = sqlite3.connect(path)
    (root,) = connection.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = 'edge_source'"
    ).fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    report = repair_folder(store.folder)
    with Store(store.folder) as again:
        assert again.catalog.faults() == ()
        for record in records:
            found = again.catalog.record(record.cid)
            assert found is not None
            assert found.stored == record.stored
            assert {e.source for e in found.edges} == {e.source for e in record.edges}
        assert again.catalog.tags() == {"mine": records[5].cid}
        assert again.catalog.upstream(records[-1].cid) == {r.cid for r in records[:-1]}
    assert "saved" in str(report)


def test_a_sound_folder_is_left_as_it_is(store: Store, keep: Callable[..., Record]) -> None:
    record = keep("kept", np.arange(9_000))
    store.close()
    assert repair_folder(store.folder).is_sound
    with Store(store.folder) as again:
        assert again.catalog.record(record.cid) == record
    assert not list(store.folder.glob("*broken*"))
    with sqlite3.connect(store.folder / "catalog.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreFormatError):
        repair_folder(store.folder)


@pytest.fixture
def external(tmp_path: Path) -> tuple[Path, StoreOptions]:
    return tmp_path / "disk", StoreOptions(external_path=tmp_path / "disk")


def test_an_external_disk_is_remembered_and_missed(
    tmp_path: Path, external: tuple[Path, StoreOptions]
) -> None:
    disk, options = external
    with Store(tmp_path / "s", options) as store:
        stored = store.values.store(np.arange(9_000))
    with Store(tmp_path / "s") as store:  # without the option
        assert (store.values.load(stored) == np.arange(9_000)).all()
    disk.rename(tmp_path / "moved")
    for chosen in (None, options):
        with pytest.raises(StoreUnavailableError, match=r"mount the disk.*external_path="):
            Store(tmp_path / "s", chosen)
    disk.mkdir()  # the mount point without the disk
    with pytest.raises(StoreUnavailableError, match="mount the disk"):
        Store(tmp_path / "s", options)
    with Store(tmp_path / "s", StoreOptions(external_path=tmp_path / "moved")) as store:
        assert (store.values.load(stored) == np.arange(9_000)).all()
    with Store(tmp_path / "s") as store:
        store.values.check(stored)


def test_objects_inside_are_not_lost_to_an_external_path(
    tmp_path: Path, external: tuple[Path, StoreOptions]
) -> None:
    disk, options = external
    with Store(tmp_path / "s") as store:
        stored, identity = store.values.store(np.arange(9_000)), store.id
    with pytest.raises(StoreUnavailableError, match="move its folder objects/"):
        Store(tmp_path / "s", options)
    (disk / identity).mkdir(parents=True)
    shutil.move(tmp_path / "s" / "objects", disk / identity / "objects")
    with Store(tmp_path / "s", options) as store:
        store.values.check(stored)


def test_a_copy_that_shares_an_external_folder_sweeps_nothing(
    tmp_path: Path, external: tuple[Path, StoreOptions]
) -> None:
    with Store(tmp_path / "s", external[1]) as store:
        stored = store.values.store(np.arange(9_000))
    shutil.copytree(tmp_path / "s", tmp_path / "copy")
    time.sleep(0.01)
    with Store(tmp_path / "copy") as copy:
        report = repair(copy, older_than=0.0)
        assert f"the store {tmp_path / 's'} uses the same objects" in str(report)
        copy.values.check(stored)
    with Store(tmp_path / "s") as store:
        repair(store, older_than=0.0)
        with pytest.raises(ValueLostError):
            store.values.check(stored)


def test_what_results_are_judged_by_is_saved_with_them(
    store: Store, make_record: Make, depset: Depset, cid: Make
) -> None:
    record = make_record("judged", CID.external("data"))
    later = Depset.of((*depset.members[:1],))
    store.catalog.add([record], [depset])
    store.catalog.accept(depset.key, later)
    store.catalog.set_external("data", "ab" * 20, "an array")
    store.catalog.set_external("unused", "cd" * 20, "another")
    store.catalog.note_moves({record.cid: cid("renamed")})
    store.close()
    path = store.folder / "catalog.sqlite"
    spoil_index(path)
    assert "saved" in str(repair_folder(store.folder))
    with Store(store.folder) as again:
        assert again.catalog.accepted(depset.key) == (later.key,)
        assert again.catalog.external("data") == ("ab" * 20, "an array")
        assert again.catalog.moves() == {record.cid: cid("renamed")}


def spoil_index(path: Path) -> None:
    connection = sqlite3.connect(path)
    (root,) = connection.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = 'edge_source'"
    ).fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)


def test_damage_that_sqlite_cannot_put_into_words_is_told(store: Store) -> None:
    store.close()
    path = store.folder / "catalog.sqlite"
    raw = path.read_bytes()
    assert raw.count(b"CREATE TABLE depset(") == 1
    path.write_bytes(raw.replace(b"CREATE TABLE depset(", b"CREATE TABLE dep\xffet("))
    with pytest.raises(CorruptStoreError, match="restore it from a copy"), Store(store.folder):
        pass


def test_a_damaged_list_of_accepted_edits_accepts_none(store: Store, depset: Depset) -> None:
    with store.catalog._database.write() as connection:  # type: ignore[attr-defined]
        connection.execute(
            "INSERT INTO depset(key, members, accepted) VALUES (?, '[]', '[\"a')", (depset.key,)
        )
    assert store.catalog.accepted(depset.key) == ()
