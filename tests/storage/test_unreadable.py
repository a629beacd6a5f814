"""What cannot be read for a passing reason is not broken: it is told, and left where it is."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dumbo.errors import ValueLostError
from dumbo.records import Depset, Record
from dumbo.storage import Store, objects
from dumbo.storage.exporting import export
from dumbo.storage.importing import import_file
from dumbo.storage.repairing import repair
from dumbo.storage.verifying import verify_store

PASSING = [errno.EMFILE, errno.ENFILE, errno.EIO, errno.EACCES, errno.ESTALE, errno.ETIMEDOUT]
VALUES = {
    "array": np.arange(9_000.0),
    "text": "a text \u2603" * 9_000,
    "container": {"a": np.arange(9_000), "b": ["x" * 50_000, np.arange(8_000)]},
}


@pytest.fixture
def kept(store: Store, depset: Depset, make_record: Callable[..., Record]) -> list[Record]:
    made = []
    for name, value in VALUES.items():
        stored = store.values.store(value)
        known = {"meta": stored.meta, "digest": stored.digest, "nbytes": stored.nbytes}
        record = make_record(name, stored=stored, **known)
        store.catalog.add([record], [depset])
        found = store.catalog.record(record.cid)
        assert found is not None
        made.append(found)
    return made


def refusing(monkeypatch: pytest.MonkeyPatch, store: Store, number: int) -> None:
    """Let no object be opened."""
    real = os.open
    root = str(store.objects.folder / "objects")

    def refused(path: Any, *args: Any, **facts: Any) -> int:
        if str(path).startswith(root):
            raise OSError(number, os.strerror(number))
        return real(path, *args, **facts)

    def unread(*_: object) -> str:
        raise OSError(number, os.strerror(number))

    def closed(path: Path, *args: Any, **facts: Any) -> Any:
        if str(path).startswith(root):
            raise OSError(number, os.strerror(number))
        return real_open(path, *args, **facts)

    real_open = Path.open
    monkeypatch.setattr(os, "open", refused)
    monkeypatch.setattr(Path, "open", closed)
    monkeypatch.setattr(objects, "name_on_disk", unread)


@pytest.mark.parametrize("number", PASSING, ids=errno.errorcode.get)
def test_repair_removes_nothing_it_could_not_read(
    store: Store, kept: list[Record], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    before = set(store.objects.names())
    with monkeypatch.context() as patch:
        refusing(patch, store, number)
        report = repair(store, older_than=-1.0)
    assert report.problems == ()
    assert {problem.cid for problem in report.unchecked} == {record.cid for record in kept}
    assert os.strerror(number) in str(report)
    assert set(store.objects.names()) == before
    assert [store.catalog.record(record.cid) for record in kept] == kept
    assert verify_store(store).is_sound
    for record, value in zip(kept, VALUES.values(), strict=True):
        assert record.stored is not None
        np.testing.assert_equal(store.values.load(record.stored), value)


@pytest.mark.parametrize("call", ["lstat", "iterdir", "is_dir"])
def test_nor_what_it_could_not_look_up(
    store: Store, kept: list[Record], monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    before = set(store.objects.names())
    root = store.objects.folder / "objects"
    real = getattr(Path, call)

    def refused(path: Path, *args: Any, **facts: Any) -> Any:
        if len(path.name) == 38 and root in path.parents:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, *args, **facts)

    with monkeypatch.context() as patch:
        patch.setattr(Path, call, refused)
        report = repair(store)
    assert report.problems == ()
    assert report.unchecked
    assert set(store.objects.names()) == before
    assert [store.catalog.record(record.cid) for record in kept] == kept


def test_what_is_gone_short_or_altered_is_broken_still(store: Store, kept: list[Record]) -> None:
    array, text, container = (record.stored for record in kept)
    assert array is not None
    assert text is not None
    assert container is not None
    folder = store.objects.folder / "objects"
    data = store.objects.open_object(array.object)
    data.write_bytes(data.read_bytes()[:-1])
    altered = folder / text.object[:2] / text.object[2:]
    raw = bytearray(altered.read_bytes())
    raw[5] ^= 1
    altered.write_bytes(raw)
    store.objects.delete(store.values.objects_of(container)[0])
    report = repair(store)
    assert {problem.cid for problem in report.problems} == {record.cid for record in kept}
    assert report.unchecked == ()
    assert verify_store(store).is_sound


def test_an_import_replaces_no_object_it_could_not_read(
    store: Store, kept: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(store, [kept[0].cid], tmp_path / "x.dumbo")
    stored = kept[0].stored
    assert stored is not None
    path = store.objects.folder / "objects" / stored.object[:2] / stored.object[2:]
    inode = path.stat().st_ino
    real = objects.name_on_disk

    def unread(place: Path, data: Path) -> str:
        if place == path:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(place, data)

    with monkeypatch.context() as patch:
        patch.setattr(objects, "name_on_disk", unread)
        with pytest.raises(ValueLostError, match="could not be read"):
            import_file(store, tmp_path / "x.dumbo")
    assert path.stat().st_ino == inode
    assert import_file(store, tmp_path / "x.dumbo").present == 1
