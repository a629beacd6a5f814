"""Results travel in one file, arrive as they were, and a hostile file arrives not at all."""

from __future__ import annotations

import json
import os
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dumbo.errors import (
    ConfigurationError,
    CorruptStoreError,
    NotCachedError,
    StoreError,
    StoreFormatError,
    StoreUnavailableError,
    UntrustedValueError,
)
from dumbo.identity.cid import CID
from dumbo.records import Depset, Edge, EdgeKind, Record
from dumbo.storage import Store
from dumbo.storage.exporting import Scope, export
from dumbo.storage.importing import import_file
from dumbo.storage.verifying import verify_store

Make = Callable[..., Any]
VALUES = {
    "scalar": 2.5,
    "array": np.arange(20_000.0).reshape(100, 200),
    "small": np.arange(3, dtype="f4"),
    "text": "a text \u2603" * 9_000,
    "container": {"a": [np.arange(9_000), "x" * 50_000], "b": (1, None)},
}


class Unpicklable(Exception):
    """Only pickle can keep it."""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "other") as opened:
        yield opened


@pytest.fixture
def keep(make_record: Make, depset: Depset) -> Callable[..., Record]:
    def kept(store: Store, name: object, value: object, *inputs: Any, **facts: Any) -> Record:
        stored = store.values.store(value)
        known = {"meta": stored.meta, "digest": stored.digest, "nbytes": stored.nbytes}
        record = make_record(name, *inputs, stored=stored, **known, **facts)
        store.catalog.add([record], [depset])
        found = store.catalog.record(record.cid)
        assert found is not None
        return found

    return kept


def load(store: Store, cid: CID) -> Any:
    record = store.catalog.record(cid)
    assert record is not None
    assert record.stored is not None
    return store.values.load(record.stored)


@pytest.mark.parametrize("name", VALUES)
def test_a_value_arrives_as_it_was(
    store: Store, other: Store, keep: Callable[..., Record], tmp_path: Path, name: str
) -> None:
    record = keep(store, name, VALUES[name], sample=2, arguments=b"\x00", text="mine")
    store.catalog.set_tag("best", record.cid)
    done = export(store, [record.cid], tmp_path / "x.dumbo")
    assert (done.records, done.values, done.left_out) == (1, 1, ())
    assert stat.S_IMODE(done.path.stat().st_mode) == 0o600
    assert done.nbytes == done.path.stat().st_size
    came = import_file(other, done.path)
    assert (came.records, came.values, came.present, came.notes) == (1, 1, 0, ())
    found = other.catalog.record(record.cid)
    assert found is not None
    assert found == Record(**{**_fields(record), "version": found.version})
    np.testing.assert_equal(load(other, record.cid), VALUES[name])
    assert other.catalog.tags() == {"best": record.cid}
    assert other.catalog.depset(record.depset) == store.catalog.depset(record.depset)
    assert verify_store(other).is_sound
    assert not list((other.folder / "tmp").iterdir())


def _fields(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


@pytest.mark.parametrize("scope", list(Scope))
def test_provenance_goes_along_and_values_as_asked(
    store: Store, other: Store, keep: Callable[..., Record], tmp_path: Path, scope: Scope
) -> None:
    keep(other, "alone", 0)  # so that numbers differ
    a = keep(store, "a", np.arange(9_000), CID.external("data"))
    b = keep(store, "b", [1, 2], a)
    item = Edge(b.cid.item(0), CID("m:g#" + "0" * 32), EdgeKind.INPUT, "x", b.version, "ab" * 20)
    c = keep(store, "c", 3, a, b)
    c = keep(store, "c", 4, a, b, edges=(*c.edges, item))
    keep(store, "not asked for", np.arange(8_000), c)
    done = export(store, [c.cid], tmp_path / "x.dumbo", scope=scope)
    assert done.values == (1 if scope is Scope.VALUES else 3)
    came = import_file(other, done.path)
    assert came.records == 3
    assert other.catalog.upstream(c.cid) == {a.cid, b.cid, b.cid.item(0), CID.external("data")}
    found = other.catalog.record(c.cid)
    assert found is not None
    for edge in found.edges:
        source = other.catalog.record(edge.source.parent, edge.version)
        assert source is not None
        assert source.cid == edge.source.parent
    upstream = other.catalog.record(a.cid)
    assert upstream is not None
    assert (upstream.stored is None) is (scope is Scope.VALUES)
    assert other.catalog.node_count() == 4
    assert verify_store(other).is_sound


def test_nothing_is_overwritten(
    store: Store, other: Store, keep: Callable[..., Record], tmp_path: Path
) -> None:
    mine = keep(other, "x", "mine")
    theirs = keep(store, "x", "theirs")
    user = keep(store, "user", 1, theirs)
    assert mine.cid == theirs.cid
    other.catalog.set_tag("best", mine.cid)
    store.catalog.set_tag("best", user.cid)
    export(store, [user.cid, theirs.cid], tmp_path / "x.dumbo")
    came = import_file(other, tmp_path / "x.dumbo")
    assert (came.records, came.present) == (1, 1)
    assert other.catalog.versions(mine.cid) == (mine,)
    assert "names something else" in str(came)
    assert other.catalog.tags() == {"best": mine.cid}
    found = other.catalog.record(user.cid)
    assert found is not None
    # It was made from another value than the one here: the digest says so.
    assert (found.edges[0].version, found.edges[0].digest) == (mine.version, theirs.digest)
    again = import_file(other, tmp_path / "x.dumbo")
    assert (again.records, again.present) == (0, 2)


def test_a_value_that_was_evicted_here_is_filled_in(
    store: Store, other: Store, keep: Callable[..., Record], tmp_path: Path
) -> None:
    for each in (store, other):
        record = keep(each, "x", np.arange(9_000))
    other.catalog.evict(record.cid, record.version)
    export(store, [record.cid], tmp_path / "x.dumbo")
    assert import_file(other, tmp_path / "x.dumbo").values == 1
    assert (load(other, record.cid) == np.arange(9_000)).all()
    assert len(other.catalog.versions(record.cid)) == 1


def test_pickles_travel_and_are_refused_with_another_key(
    store: Store,
    other: Store,
    keep: Callable[..., Record],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = keep(store, "x", Unpicklable("payload"))
    export(store, [record.cid], tmp_path / "x.dumbo")
    import_file(other, tmp_path / "x.dumbo")
    assert str(load(other, record.cid)) == "payload"
    monkeypatch.setenv("DUMBO_KEY_DIR", str(tmp_path / "another"))
    with pytest.raises(UntrustedValueError):
        load(other, record.cid)


def test_a_broken_value_stays_behind_and_that_is_told(
    store: Store, other: Store, keep: Callable[..., Record], tmp_path: Path
) -> None:
    record = keep(store, "x", np.arange(9_000))
    (name,) = store.objects.names()
    store.objects.delete(name)
    done = export(store, [record.cid], tmp_path / "x.dumbo")
    assert (done.values, len(done.left_out)) == (0, 1)
    assert "without its value" in str(done)
    assert import_file(other, done.path).values == 0


def test_what_cannot_be_exported_is_an_error(
    store: Store, keep: Callable[..., Record], tmp_path: Path, cid: Make
) -> None:
    record = keep(store, "x", 1)
    with pytest.raises(NotCachedError, match="compute it first"):
        export(store, [cid("unknown")], tmp_path / "x.dumbo")
    (tmp_path / "there").write_text("mine")
    with pytest.raises(ConfigurationError, match="exists"):
        export(store, [record.cid], tmp_path / "there")
    with pytest.raises(StoreUnavailableError, match="choose another folder"):
        export(store, [record.cid], tmp_path / "absent" / "x.dumbo")
    assert (tmp_path / "there").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["store", "there"]


Entries = dict[str, bytes]


def rewritten(path: Path, change: Callable[[Entries], Any], **options: Any) -> Path:
    """The archive once more, with other entries."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    new = path.with_suffix(".hostile")
    with zipfile.ZipFile(new, "w", **options) as archive:
        for name, raw in entries.items():
            archive.writestr(name, raw)
    return new


def objects_in(entries: Entries) -> list[str]:
    return [name for name in entries if name.startswith("objects/")]


def _change_record(entries: Entries, **fields: Any) -> None:
    """Change the record, and the digest with it: what someone who knows the format would do."""
    from hashlib import blake2b

    *rest, line = entries["records.jsonl"].splitlines()
    record = json.dumps({**json.loads(line), **fields}, separators=(",", ":")).encode()
    entries["records.jsonl"] = b"".join(each + b"\n" for each in (*rest, record))
    header = json.loads(entries["dumbo-export.json"])
    header["records"] = blake2b(entries["records.jsonl"], digest_size=20).hexdigest()
    entries["dumbo-export.json"] = json.dumps(header).encode()


def _flip_last(entries: Entries) -> None:
    name = max(objects_in(entries), key=lambda n: len(entries[n]))
    raw = bytearray(entries[name])
    raw[100] ^= 1
    entries[name] = bytes(raw)


def _rename(entries: Entries, to: Callable[[str], str]) -> None:
    for name in objects_in(entries):
        entries[to(name)] = entries.pop(name)


STORED = {"version": 0}
HOSTILE: dict[str, Callable[[Entries], Any]] = {
    "up": lambda e: e.update({"../../evil": b"x"}),
    "absolute": lambda e: e.update({"/tmp/evil": b"x"}),
    "up from an object": lambda e: e.update({f"objects/{'a' * 40}/../../../evil": b"x"}),
    "backslash": lambda e: e.update({f"objects/{'a' * 40}\\..\\evil": b"x"}),
    "hidden": lambda e: e.update({f"objects/{'a' * 40}/.evil": b"x"}),
    "a folder": lambda e: e.update({f"objects/{'a' * 40}/": b""}),
    "a catalog": lambda e: e.update({"catalog.sqlite": b"x"}),
    "no records": lambda e: e.pop("records.jsonl"),
    "no header": lambda e: e.pop("dumbo-export.json"),
    "header": lambda e: e.update({"dumbo-export.json": b"[1]"}),
    "deep header": lambda e: e.update({"dumbo-export.json": b"[" * 100_000}),
    "other records": lambda e: e.update({"records.jsonl": e["records.jsonl"][:-1] + b" \n"}),
    "other bytes": _flip_last,
    "other name": lambda e: _rename(e, lambda n: n[:8] + "ab" * 20 + n[48:]),
    "no version": lambda e: _change_record(e, version=0),
    "a bool": lambda e: _change_record(e, version=True),
    "a name that is none": lambda e: _change_record(e, cid="external:x"),
    "other types": lambda e: _change_record(e, edges=[[1, 2]]),
    "no such kind": lambda e: _change_record(e, edges=[["a:f#" + "0" * 32, "x", "r", 0, ""]]),
    "unknown dependencies": lambda e: _change_record(e, depset="00" * 16),
    "a list": lambda e: _change_record(e, meta=[1]),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_whole(
    store: Store, other: Store, keep: Callable[..., Record], tmp_path: Path, kind: str
) -> None:
    record = keep(store, "x", np.arange(9_000))
    export(store, [record.cid], tmp_path / "x.dumbo")
    path = rewritten(tmp_path / "x.dumbo", HOSTILE[kind])
    with pytest.raises(CorruptStoreError, match="nothing was imported"):
        import_file(other, path)
    assert other.catalog.node_count() == 0
    assert list(other.objects.names()) == []
    assert not list((other.folder / "tmp").iterdir())
    assert not (tmp_path / "evil").exists()
    assert not Path("/tmp/evil").exists()


def test_a_bomb_is_refused_by_its_size(
    store: Store, other: Store, keep: Callable[..., Record], tmp_path: Path
) -> None:
    record = keep(store, "x", np.arange(9_000))
    export(store, [record.cid], tmp_path / "x.dumbo")
    bomb = rewritten(tmp_path / "x.dumbo", lambda e: None, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(CorruptStoreError, match="compressed"):
        import_file(other, bomb)
    with zipfile.ZipFile(tmp_path / "x.dumbo", "a") as archive:
        info = archive.infolist()[0]
        for number in range(50):  # many names for the same bytes
            copy = zipfile.ZipInfo(f"objects/{number:040x}")
            copy.header_offset, copy.CRC = info.header_offset, info.CRC
            copy.file_size = copy.compress_size = info.file_size
            archive.filelist.append(copy)
            archive.NameToInfo[copy.filename] = copy
        archive._didModify = True  # type: ignore[attr-defined]
    with pytest.raises(CorruptStoreError, match="more bytes than it has"):
        import_file(other, tmp_path / "x.dumbo")


def test_more_than_the_disk_has_is_refused_before_it_is_written(
    store: Store,
    other: Store,
    keep: Callable[..., Record],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = keep(store, "x", np.arange(9_000))
    export(store, [record.cid], tmp_path / "x.dumbo")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 8, 1))  # type: ignore[attr-defined]
    with pytest.raises(StoreUnavailableError, match="1 are free"):
        import_file(other, tmp_path / "x.dumbo")


def test_what_is_no_export_is_told(other: Store, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"rubbish" * 100)
    with pytest.raises(CorruptStoreError, match="no export"):
        import_file(other, tmp_path / "x")
    with pytest.raises(StoreUnavailableError, match="check the path"):
        import_file(other, tmp_path / "absent")


def test_a_file_of_a_newer_dumbo_is_refused(
    store: Store, other: Store, keep: Callable[..., Record], tmp_path: Path
) -> None:
    record = keep(store, "x", 1)
    export(store, [record.cid], tmp_path / "x.dumbo")

    def newer(entries: Entries) -> None:
        header = json.loads(entries["dumbo-export.json"])
        entries["dumbo-export.json"] = json.dumps({**header, "format": 99}).encode()

    with pytest.raises(StoreFormatError, match="upgrade dumbo"):
        import_file(other, rewritten(tmp_path / "x.dumbo", newer))


def test_a_torn_file_is_refused_at_every_length(
    store: Store, other: Store, keep: Callable[..., Record], tmp_path: Path
) -> None:
    record = keep(store, "x", np.arange(5_000))
    export(store, [record.cid], tmp_path / "x.dumbo")
    raw = (tmp_path / "x.dumbo").read_bytes()
    for length in range(0, len(raw), len(raw) // 40):
        (tmp_path / "torn").write_bytes(raw[:length])
        with pytest.raises(StoreError):
            import_file(other, tmp_path / "torn")
    assert other.catalog.node_count() == 0
    assert list(other.objects.names()) == []


def test_a_copied_store_is_digested_once_and_is_the_same(
    store: Store, keep: Callable[..., Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [keep(store, name, value) for name, value in VALUES.items()]
    store.close()
    shutil.copytree(store.folder, tmp_path / "copy")
    shutil.rmtree(store.folder)
    from dumbo.storage.objects import Objects

    digested: list[str] = []
    real = Objects.verify
    monkeypatch.setattr(Objects, "verify", lambda s, n: (digested.append(n), real(s, n))[1])
    for expected in (4, 0):
        digested.clear()
        with Store(tmp_path / "copy") as copy:
            for record, value in zip(records, VALUES.values(), strict=True):
                assert record.stored is not None
                copy.values.check(record.stored)
                np.testing.assert_equal(load(copy, record.cid), value)
        assert len(digested) == expected, "moved once, digested once"
    (tmp_path / "copy").rename(tmp_path / "moved")
    with Store(tmp_path / "moved") as moved:
        assert verify_store(moved).is_sound
        assert os.listdir(moved.folder / "tmp") == []
