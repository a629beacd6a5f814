"""Objects: whole or absent, named by content, opened only when right."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from dumbo.errors import StoreUnavailableError, ValueLostError
from dumbo.records import Record
from dumbo.storage import Objects, Store, Sync, files, stamps
from dumbo.storage.base import Stamp
from dumbo.storage.stamps import MemoryStamps, believes, boot_id
from dumbo.storage.zarr_shard import ArrayLayout

LAYOUT = ArrayLayout((1000,), "float64", 8)
DATA = np.arange(1000.0).tobytes()


def tick() -> None:
    """Outlast the clock of the file system, which moves in steps of a few milliseconds."""
    time.sleep(0.02)


def flip(path: Path, position: int = 100) -> None:
    tick()
    raw = bytearray(path.read_bytes())
    raw[position] ^= 1
    path.write_bytes(raw)


def drafts(objects: Objects) -> list[Path]:
    return list((objects.folder / "tmp").iterdir())


def test_what_was_published_is_there(objects: Objects) -> None:
    published = objects.publish([b"abc", bytearray(b"d"), memoryview(b"ef")])
    path = objects.open_object(published.name, 6)
    assert path.read_bytes() == b"abcdef"
    assert path.relative_to(objects.folder).parts[:2] == ("objects", published.name[:2])
    assert list(objects.names()) == [published.name]
    assert objects.size_of(published.name) == published.nbytes == 6
    assert drafts(objects) == []


def test_equal_content_is_stored_once_and_other_content_apart(objects: Objects) -> None:
    one = objects.publish([b"abc"])
    assert objects.publish([b"a", b"bc"]) == one
    array = objects.publish([DATA], LAYOUT)
    assert objects.publish([DATA], LAYOUT) == array
    shaped = objects.publish([DATA], ArrayLayout((10, 100), "float64", 8))
    assert len({one.name, array.name, shaped.name}) == len(list(objects.names())) == 3
    assert array.content == shaped.content


def test_a_damaged_twin_is_replaced(objects: Objects) -> None:
    for layout in (None, LAYOUT):
        name = objects.publish([DATA], layout).name
        flip(objects.open_object(name))
        assert objects.publish([DATA], layout).name == name
        objects.verify(name)


@pytest.mark.parametrize("layout", [None, LAYOUT])
@pytest.mark.parametrize("damage", ["short", "long", "flip", "gone", "tail", "metadata"])
def test_damage_is_a_lost_value_never_other_bytes(
    objects: Objects, layout: ArrayLayout | None, damage: str
) -> None:
    published = objects.publish([DATA], layout)
    path = objects.open_object(published.name, published.nbytes)
    tick()
    match damage:
        case "short":
            os.truncate(path, 500)
        case "long":
            path.write_bytes(path.read_bytes() + b"x")
        case "flip":
            flip(path)
        case "gone":
            path.unlink()
        case "tail":
            flip(path, -1)
        case "metadata" if layout is not None:
            (path.parent / "zarr.json").write_text("{}")
            os.utime(path)
        case "metadata":
            path.unlink()
            path.mkdir()
    for reader in (objects, Objects(objects.folder)):
        with pytest.raises(ValueLostError, match="recompute the value"):
            reader.open_object(published.name, published.nbytes)
        with pytest.raises(ValueLostError):
            reader.verify(published.name)


def test_size_is_checked_against_what_the_row_says(objects: Objects) -> None:
    name = objects.publish([b"abc"]).name
    with pytest.raises(ValueLostError, match="3 bytes, 4 were written"):
        objects.open_object(name, 4)


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", "a" * 39, "A" * 40, "a" * 41, "g" * 40, "a" * 40 + "\n", "/"]
)
def test_a_name_that_is_none_leads_nowhere(objects: Objects, name: str) -> None:
    with pytest.raises(ValueLostError, match="not an object name"):
        objects.open_object(name)


def test_links_do_not_lead_out_of_the_store(objects: Objects, tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    outside.write_bytes(b"abc")
    file = objects.publish([b"abc"]).name
    path = objects.open_object(file)
    path.unlink()
    path.symlink_to(outside)
    array = objects.publish([DATA], LAYOUT).name
    folder = objects.open_object(array).parent
    shutil.move(folder, tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    for name in (file, array):
        with pytest.raises(ValueLostError):
            Objects(objects.folder).open_object(name)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    verified: list[str] = []
    real = Objects.verify

    def verify(self: Objects, name: str) -> None:
        verified.append(name)
        real(self, name)

    monkeypatch.setattr(Objects, "verify", verify)
    return verified


def test_an_untouched_object_is_not_digested_a_moved_one_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = counted(monkeypatch)
    folder = tmp_path / "store"
    with Store(folder) as store:
        name = store.objects.publish([DATA], LAYOUT).name
        store.objects.open_object(name)
    with Store(folder) as store:
        store.objects.open_object(name)
    assert verified == []
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    for _ in range(2):
        with Store(copy) as store:
            store.objects.open_object(name)
            store.objects.open_object(name)
    assert verified == [name]


def test_after_the_machine_went_down_an_object_is_digested_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not boot_id():
        pytest.skip("the system does not tell its boots apart")
    verified = counted(monkeypatch)
    with Store(tmp_path / "store") as store:
        name = store.objects.publish([DATA]).name
    for boot in ("the next", "the next but one"):
        monkeypatch.setattr(stamps, "boot_id", lambda boot=boot: boot)
        with Store(tmp_path / "store") as store:
            store.objects.open_object(name)
    assert verified == [name]


def test_strict_waits_for_the_disk_and_digests_at_first_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    verified = counted(monkeypatch)
    strict = Objects(tmp_path, sync=Sync.STRICT)
    file, array = strict.publish([b"abc"]).name, strict.publish([DATA], LAYOUT).name
    assert len(synced) == 2 + 4  # file and folder; metadata, data, its folder and the one above
    assert verified == []
    again = Objects(tmp_path, sync=Sync.STRICT)
    for name in (file, array, file, array):
        again.open_object(name)
    assert verified == [file, array]
    Objects(tmp_path / "relaxed").publish([b"abc"])
    assert len(synced) == 6


def test_a_boot_is_empty_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*args: object) -> str:
        raise FileNotFoundError

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_text", absent)
        assert boot_id.__wrapped__() == ""


def test_a_stamp_is_believed_only_if_all_of_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    status = path.stat()
    stamp = stamps.stamp_of(status)
    assert believes(stamp, status)
    assert not believes(None, status)
    assert not believes(Stamp(4, stamp.mtime_ns, stamp.ctime_ns), status)
    assert not believes(Stamp(3, stamp.mtime_ns + 1, stamp.ctime_ns), status)
    assert not believes(Stamp(3, stamp.mtime_ns, stamp.ctime_ns - 1), status)
    assert not believes(stamps.stamp_of(status, "another boot"), status)
    kept = MemoryStamps()
    kept.put_stamp("a", stamp)
    assert kept.get_stamp("a") == stamp


def test_a_writer_that_fails_leaves_nothing(objects: Objects) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"abc"
        raise OSError(errno.ENOSPC, "No space left on device")

    for layout in (None, LAYOUT):
        with pytest.raises(StoreUnavailableError, match="No space left on device; free space"):
            objects.publish(blocks(), layout)
    assert drafts(objects) == []
    assert list(objects.names()) == []


def test_a_full_disk_leaves_nothing(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data[:7])))
    assert objects.open_object(objects.publish([b"x" * 20]).name, 20).read_bytes() == b"x" * 20

    def full(fd: int, data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreUnavailableError):
        objects.publish([b"abc"])
    assert drafts(objects) == []


def test_folders_that_cannot_be_made_are_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreUnavailableError, match="DUMBO_DIR"):
        Objects(tmp_path / "file")


def test_of_two_that_publish_the_same_at_once_both_succeed(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    for layout in (None, LAYOUT):
        name = objects.publish([DATA], layout).name
        # The other finished between the look and the rename.
        with monkeypatch.context() as patch:
            patch.setattr(Path, "exists", lambda self, **_: False)
            if layout is None:
                assert objects.publish([DATA], layout).name == name
        if layout is not None:
            draft = objects.folder / "tmp" / "late"
            shutil.copytree(objects.open_object(name).parent, draft)
            files.rename(draft, objects._path(name))
            assert draft.exists()
        objects.verify(name)


def test_a_rename_that_fails_otherwise_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.rename(tmp_path / "absent", tmp_path / "target")


def test_deleting_frees_bytes_and_open_maps_stay(objects: Objects) -> None:
    name = objects.publish([DATA], LAYOUT).name
    view = np.memmap(objects.open_object(name), "f8", "r", shape=(1000,))
    assert objects.delete(name) > 8000
    assert objects.delete(name) == 0
    assert objects.size_of(name) == 0
    assert view[999] == 999.0
    with pytest.raises(ValueLostError, match="not there"):
        objects.open_object(name)


def test_deleting_what_cannot_be_deleted_is_told(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = objects.publish([b"abc"]).name

    def refuse(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(StoreUnavailableError, match="Permission denied"):
        objects.delete(name)


def test_a_sweep_takes_old_orphans_and_drafts_alone(objects: Objects) -> None:
    kept, orphan = objects.publish([b"kept"]).name, objects.publish([DATA], LAYOUT).name
    young = objects.publish([b"young"]).name
    file, folder = objects.folder / "tmp" / "a", objects.folder / "tmp" / "b"
    file.write_bytes(b"12345")
    folder.mkdir()
    for path in (objects.open_object(kept), objects.open_object(orphan), file, folder):
        os.utime(path, (1, 1))
    (objects.folder / "objects" / "ab" / "stray").mkdir(parents=True)
    swept = objects.sweep({kept}, older_than=60)
    assert swept.entries == 3
    assert swept.nbytes > 8000
    assert sorted(objects.names()) == sorted([kept, young])
    assert drafts(objects) == []


def test_publishing_an_orphan_again_makes_it_young(objects: Objects) -> None:
    name = objects.publish([b"abc"]).name
    os.utime(objects.open_object(name), (1, 1))
    objects.publish([b"abc"])
    assert objects.sweep(set(), older_than=60).entries == 0


KILLED = """
import sys, pathlib
from dumbo.storage import Objects
from dumbo.storage.zarr_shard import ArrayLayout
objects = Objects(pathlib.Path(sys.argv[1]))
number = 0
print("ready", flush=True)
while True:
    number += 1
    data = number.to_bytes(8, "little") * 40_000
    layout = ArrayLayout((40_000,), "int64", 8) if number % 2 else None
    print(objects.publish([data], layout).name, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the platform has no SIGKILL")
def test_a_kill_at_any_moment_leaves_whole_objects(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    for wait in (0.01, 0.033, 0.06):
        command = [sys.executable, "-c", KILLED, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            time.sleep(wait)
            child.kill()
            lines = child.stdout.read().splitlines(keepends=True)
            acknowledged += [line.strip() for line in lines if line.endswith("\n")]
    objects = Objects(tmp_path)
    names = set(objects.names())
    assert acknowledged
    assert set(acknowledged) <= names
    for name in names:
        objects.verify(name)
    objects.sweep(names, older_than=-1)
    assert drafts(objects) == []


def test_two_results_with_equal_bytes_share_an_object_that_outlives_either(
    store: Store, make_record: Callable[..., Record]
) -> None:
    array = np.random.default_rng(0).random(10_000)
    stored = [store.values.store(array), store.values.store(array.copy())]
    records = [make_record(n, stored=each, depset="") for n, each in enumerate(stored)]
    store.catalog.add(records)
    assert stored[0].object == stored[1].object
    assert list(store.objects.names()) == [stored[0].object]

    def swept() -> int:
        kept = {
            name
            for record in store.catalog.nodes()
            if record.stored is not None
            for name in store.values.objects_of(record.stored)
        }
        return store.objects.sweep(kept, older_than=-1).entries

    store.catalog.forget(records[0].cid)
    assert swept() == 0
    left = store.catalog.record(records[1].cid)
    assert left is not None
    assert left.stored is not None
    assert np.array_equal(store.values.load(left.stored), array)
    store.catalog.forget(records[1].cid)
    assert swept() == 1
    assert list(store.objects.names()) == []
