"""Attacks from outside the process: files that come from elsewhere, and arrays that move."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dumbo as d
from dumbo import dumbo
from dumbo.cli import main
from dumbo.errors import ConfigurationError, CorruptStoreError, StoreWarning, ValueLostError
from dumbo.events import EventKind
from dumbo.identity.cid import CID
from dumbo.records import Record
from dumbo.storage import adopted
from dumbo.storage.record_text import record_text

NAME = CID.of("mod:f", "0" * 32)
RECORD = Record(NAME, 1, NAME.function, "f()", "")


@pytest.fixture(autouse=True)
def session(tmp_path: Path) -> Iterator[Any]:
    with d.open(tmp_path / "store") as opened, d.using(opened):
        yield opened


@dumbo(keep="always")
def total(a: Any) -> float:
    return float(np.asarray(a).sum())


@dumbo(keep="always")
def doubled(y: float) -> float:
    return y * 2


# Records out of a file.


def parcel(path: Path, line: str, tags: dict[str, str] | None = None) -> Path:
    body = line.encode() + b"\n"
    digest = hashlib.blake2b(body, digest_size=20).hexdigest()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("records.jsonl", body)
        header = {"format": 1, "records": digest, "tags": tags or {}}
        archive.writestr("dumbo-export.json", json.dumps(header))
    return path


STORED = {"codec": "scalar/1", "meta": {}, "digest": "", "inline": "00", "object": ""}
BAD = [
    {"own_seconds": float("nan")}, {"total_seconds": float("inf")}, {"created": -float("inf")},
    {"own_seconds": 10**400}, {"nbytes": 1 << 63}, {"nbytes": -1}, {"sample": 1 << 63},
    {"sample": -(1 << 70)}, {"version": 1 << 70}, {"digest": "\ud800"}, {"digest": "a\nb"},
    {"edges": [["external:x", "input", "r", 1 << 70, ""]]},
    {"edges": [["external:x", "input", "r", -5, ""]]},
    {"edges": [["external:x", "input", "r", 0, "\ud800"]]},
    {"stored": {**STORED, "nbytes": 1 << 70}}, {"stored": {**STORED, "nbytes": -1}},
]  # fmt: skip


@pytest.mark.parametrize("facts", BAD, ids=str)
def test_a_record_that_no_row_can_hold_is_refused(facts: dict[str, Any], tmp_path: Path) -> None:
    total([1.0])
    fields = json.loads(record_text(RECORD)) | facts
    with pytest.raises(CorruptStoreError, match="nothing was imported"):
        d.import_(parcel(tmp_path / "x.dumbo", json.dumps(fields)))
    assert [row.cid.function.qualname for row in d.values()] == ["total"]
    assert "1 fresh" in str(d.stale())


def test_nor_a_tag_that_no_row_can_hold(tmp_path: Path) -> None:
    with pytest.raises(CorruptStoreError, match="nothing was imported"):
        d.import_(parcel(tmp_path / "x.dumbo", record_text(RECORD), {"\ud800": NAME}))
    assert list(d.values()) == []


# The command line.


FORGED = "f(\x1b]0;owned\x07\x1b[2J)\nfresh   forged\r\x9b31m\u202e"


def test_what_a_store_says_moves_no_cursor_and_forges_no_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = dataclasses.replace(RECORD, call=FORGED, where=FORGED, reason=FORGED)
    d.import_(parcel(tmp_path / "x.dumbo", record_text(record), {"\x1b[31mtag\nforged x": NAME}))
    for command in (["ls"], ["tags"], ["stats"], ["stale"], ["why", NAME], ["graph", NAME]):
        main(["--store", str(tmp_path / "store"), *command])
        said = capsys.readouterr()
        text = said.out + said.err
        assert not [c for c in text if c != "\n" and not c.isprintable()], command
        assert not [line for line in text.splitlines() if line.startswith(("fresh ", "forged "))]
        assert command[0] not in {"ls", "tags"} or text.count("\n") == 1
    main(["--store", str(tmp_path / "store"), "ls"])
    assert r"\x1b]0;owned\x07\x1b[2J)\nfresh" in capsys.readouterr().out


def test_import_makes_the_store_it_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = parcel(tmp_path / "x.dumbo", record_text(RECORD))
    new = tmp_path / "new"
    assert main(["--store", str(new), "import", str(tmp_path / "absent.dumbo")]) == 1
    assert "absent.dumbo" in capsys.readouterr().err
    assert not new.exists()
    assert main(["--store", str(new), "import", str(file)]) == 0
    assert capsys.readouterr().out.startswith("1 records")
    assert main(["--store", str(new), "ls"]) == 0
    assert NAME in capsys.readouterr().out
    assert main(["--store", str(tmp_path / "none"), "ls"]) == 1


# Arrays in files, while somebody else writes them.


def write_npy(path: Path, value: float) -> None:
    if path.exists():
        found = np.lib.format.open_memmap(path, "r+")
        found[:] = value
        found.flush()
    else:
        np.save(path, np.full((40, 4), value))


def write_hdf5(path: Path, value: float) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "a") as file:
        file.require_dataset("d", (40, 4), "f8")[:] = value


def write_chunked(path: Path, value: float) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "a") as file:
        file.require_dataset("d", (40, 4), "f8", chunks=(10, 4))[:] = value


def write_zarr(path: Path, value: float) -> None:
    zarr = pytest.importorskip("zarr")
    if not path.exists():
        zarr.create_array(path, shape=(40, 4), chunks=(10, 4), dtype="f8")
    zarr.open(str(path), mode="r+")[:] = value


KINDS = {
    "x.npy": write_npy, "x.h5": write_hdf5, "c.h5": write_chunked, "x.zarr": write_zarr,
}  # fmt: skip


@pytest.fixture(params=KINDS)
def moving(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The path of an array of ones, and how it is written over."""
    path = tmp_path / request.param
    write = functools.partial(KINDS[request.param], path)
    write(1.0)
    return path, write


def kinds_of(log: Any) -> list[EventKind]:
    return [event.kind for event in log]


def test_a_result_of_an_array_that_moved_is_given_and_not_kept(moving: Any) -> None:
    path, write = moving
    x = d.open_array(path)
    assert float(np.asarray(x).sum()) == 160.0
    write(2.0)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            assert float(total(x)) == 320.0
        except ValueLostError:  # seen at the read
            pass
        else:
            assert any(w.category is StoreWarning and "moved" in str(w.message) for w in told)
    write(1.0)
    with d.events() as log:
        assert float(total(d.open_array(path))) == 160.0
    assert EventKind.HIT not in kinds_of(log)
    with d.events() as log:
        assert float(total(d.open_array(path))) == 160.0
    assert kinds_of(log) == [EventKind.HIT]


@pytest.mark.filterwarnings("ignore::dumbo.errors.StoreWarning")
def test_nor_of_one_that_moves_while_the_call_runs(moving: Any) -> None:
    path, write = moving

    @dumbo(keep="always")
    def late(a: Any) -> float:
        first = float(np.asarray(a[:5]).sum())
        write(3.0)
        try:
            return first + float(np.asarray(a)[5:].sum())
        except ValueLostError:
            return -1.0

    assert float(late(d.open_array(path))) != 160.0
    write(1.0)
    assert not late.is_cached(d.open_array(path))
    with d.events() as log:
        doubled(late(d.open_array(path)))
    assert EventKind.HIT not in kinds_of(log)


@pytest.mark.filterwarnings("ignore::dumbo.errors.StoreWarning")
def test_nor_does_it_stand_behind_a_result_that_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    write_npy(path, 1.0)
    x = d.open_array(path)
    assert float(np.asarray(x).sum()) == 160.0
    write_npy(path, 2.0)
    assert float(doubled(total(x))) == 640.0
    write_npy(path, 1.0)
    assert float(doubled(total(d.open_array(path)))) == 320.0


def test_chunks_that_are_written_anew_are_seen_at_the_next_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adopted, "_LOOKS_APART", 0)
    path = tmp_path / "x.zarr"
    write_zarr(path, 1.0)
    x = adopted.open_existing(path)
    assert float(x[0:5].sum()) == 20.0
    write_zarr(path, 2.0)
    for read in (lambda: x[0:5], lambda: x[20:25], x.whole):
        with pytest.raises(ValueLostError, match="call open_array again"):
            read()
    assert float(adopted.open_existing(path)[0:5].sum()) == 40.0


def test_a_look_at_many_chunks_is_not_paid_at_every_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adopted, "_LOOKS_APART", 1e9)
    path = tmp_path / "x.zarr"
    write_zarr(path, 1.0)
    x = adopted.open_existing(path)
    looks: list[Path] = []
    real = adopted.tree_stamp

    def noted(place: Path) -> Any:
        looks.append(place)
        return real(place)

    monkeypatch.setattr(adopted, "tree_stamp", noted)
    for row in range(40):
        x[row]
    assert looks.count(path) <= 1
    x.whole()
    assert looks.count(path) >= 2


def test_unchanged_says_whether_an_array_is_what_it_was(moving: Any, session: Any) -> None:
    path, write = moving
    catalog = session.store.catalog
    x = adopted.open_existing(path)
    name, digest, stamp = x.source.name, x.content(catalog), tuple(x.meta["stamp"])
    assert adopted.unchanged(name, digest, catalog, stamp)
    assert not adopted.unchanged(name, "0" * 32, catalog, stamp)
    assert adopted.unchanged("images", digest, catalog)
    write(2.0)
    assert not adopted.unchanged(name, digest, catalog, stamp)
    assert not adopted.unchanged(name, digest, catalog)
    write(1.0)
    assert not adopted.unchanged(name, digest, catalog, stamp)


# Content that lies outside the named file.


def test_datasets_with_their_data_in_another_file_are_refused(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "src.h5", "w") as file:
        file["a"] = np.ones(20_000)
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["link"] = h5py.ExternalLink("src.h5", "/a")
        file["big"] = np.arange(90_000.0)
        layout = h5py.VirtualLayout((20_000,), "f8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "src.h5"), "a", (20_000,))
        file.create_virtual_dataset("virtual", layout)
        raw = [(str(tmp_path / "raw.bin"), 0, 80)]
        file.create_dataset("raw", (10,), "f8", external=raw)[:] = 1.0
    for key in ("link", "virtual", "raw"):
        with pytest.raises(ConfigurationError, match="another file"):
            d.open_array(tmp_path / "v.h5", key)
    assert float(np.asarray(d.open_array(tmp_path / "v.h5", "big"))[3]) == 3.0


def test_numbers_that_are_not_numpys_are_read_and_not_mapped(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    kind = h5py.h5t.STD_I32LE.copy()
    kind.set_precision(12)
    kind.set_offset(4)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        made = h5py.h5d.create(file.id, b"x", kind, h5py.h5s.create_simple((3,)))
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([1, 2, 3], "<i4"))
        truth = file["x"][:].tolist()
    assert truth == [1, 2, 3]
    assert np.asarray(d.open_array(tmp_path / "x.h5", "x")).tolist() == truth


def test_chunks_behind_a_link_are_part_of_the_content(tmp_path: Path, session: Any) -> None:
    path = tmp_path / "x.zarr"
    write_zarr(path, 1.0)
    (path / "c").rename(tmp_path / "elsewhere")
    (path / "c").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (path / "again").symlink_to(path, target_is_directory=True)  # never followed round and round
    before = adopted.open_existing(path)
    digest = before.content(session.store.catalog)
    write_zarr(path, 2.0)
    assert adopted.open_existing(path).content(session.store.catalog) != digest
    with pytest.raises(ValueLostError):
        before.whole()


# Small things.


@pytest.mark.parametrize("format_", ["npy", "chunked"])
def test_any_array_of_integers_is_an_index(format_: str, tmp_path: Path) -> None:
    data = np.arange(300 * 4.0).reshape(300, 4)
    np.save(tmp_path / "x.npy", data)
    if format_ == "chunked":
        h5py = pytest.importorskip("h5py")
        with h5py.File(tmp_path / "x.h5", "w") as file:
            file.create_dataset("x", data=data, chunks=(7, 4))
    x = adopted.open_existing(tmp_path / ("x.npy" if format_ == "npy" else "x.h5"))
    for index in (
        np.array([0, 255], "u1"), np.array([-1, 3], "i1"), np.array([299, 0], "u8"), np.array(2),
        np.array(-1), np.array([[1, 2]]), np.array([], "i8"), [],
    ):  # fmt: skip
        assert np.array_equal(x[index], data[index]), index
        assert np.shape(x[index]) == data[index].shape
    for wrong in (np.array([300]), np.array([-301], "i8"), np.array(300)):
        with pytest.raises(IndexError):
            x[wrong]
