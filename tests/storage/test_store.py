"""The folder: private, marked, never made out of something else."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dumbo.errors import CorruptStoreError, StoreUnavailableError
from dumbo.storage import Pickles, Store, StoreOptions, Sync
from dumbo.storage import store as module

posix = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")


@posix
def test_a_new_store_is_private_and_says_what_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "store"
    with Store(folder) as store:
        store.values.store(b"x" * 40_000)
        for path in (folder, folder / "objects", folder / "tmp"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700
        (name,) = store.objects.names()
        assert stat.S_IMODE(store.objects.open_object(name).stat().st_mode) == 0o600
    assert "safe to delete" in (folder / "README").read_text()
    assert (folder / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f068")
    assert (folder / ".gitignore").read_text() == "*\n"


def test_opening_again_is_the_same_store(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as first:
        identity = first.id
        stored = first.values.store([1, 2])
    with Store(tmp_path / "s") as second:
        assert second.id == identity
        assert second.values.load(stored) == [1, 2]


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(StoreUnavailableError, match=r"'thesis.txt'.*new or empty folder"):
        Store(tmp_path)
    assert [p.name for p in tmp_path.iterdir() if p.name != "keys"] == ["thesis.txt"]


def test_an_empty_folder_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    with Store(tmp_path / "s") as store:
        assert store.catalog.node_count() == 0


def test_two_that_make_a_store_at_once_get_the_same_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "s"
    with Store(folder) as first:
        marker = folder / module.MARKER
        # The second looked before the first had linked its marker.
        module._make(folder, marker)
        assert marker.read_text() == first.id
    assert not [p for p in folder.iterdir() if p.name.startswith(".dumbo-")]


@pytest.mark.parametrize("marker", ["", "short", "\xe9", "/../" * 8])
def test_a_damaged_marker_is_told(tmp_path: Path, marker: str) -> None:
    Store(tmp_path / "s").close()
    (tmp_path / "s" / module.MARKER).write_text(marker, "utf-8")
    with pytest.raises(StoreUnavailableError):
        Store(tmp_path / "s")


def test_a_path_that_is_a_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    with pytest.raises(StoreUnavailableError, match="cannot be opened"):
        Store(tmp_path / "f")


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root writes everywhere")
def test_an_unwritable_folder_is_unavailable(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreUnavailableError, match="permissions"):
            Store(tmp_path / "s")
    finally:
        tmp_path.chmod(0o700)


def test_a_refused_write_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *args: Any, **kwargs: Any) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StoreUnavailableError, match="Permission denied"):
        Store(tmp_path / "s")


def test_a_corrupt_catalog_is_told_and_not_replaced(tmp_path: Path) -> None:
    Store(tmp_path / "s").close()
    catalog = tmp_path / "s" / module.CATALOG
    catalog.write_bytes(b"rubbish" * 1000)
    with pytest.raises(CorruptStoreError):
        Store(tmp_path / "s")
    assert catalog.read_bytes() == b"rubbish" * 1000


def test_objects_can_lie_elsewhere(tmp_path: Path) -> None:
    options = StoreOptions(external_path=tmp_path / "disk")
    with Store(tmp_path / "s", options) as store:
        stored = store.values.store(b"x" * 40_000)
        path = store.objects.open_object(stored.object)
        assert path.is_relative_to(tmp_path / "disk" / store.id)
    with Store(tmp_path / "s", options) as store:
        assert store.values.load(stored) == b"x" * 40_000
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailableError):
        Store(tmp_path / "s", StoreOptions(external_path=tmp_path / "file"))


def test_options_reach_the_parts(tmp_path: Path) -> None:
    gone: list[str] = []
    options = StoreOptions(sync=Sync.STRICT, pickles=Pickles.NEVER, memory_bytes=10)
    told: Callable[[str, object, int], None] = lambda key, value, nbytes: gone.append(key)
    with Store(tmp_path / "s", options, told) as store:
        assert store.objects.sync is Sync.STRICT
        store.memory.put("a", 1, 6)
        store.memory.put("b", 1, 6)
        assert gone == ["a"]


def test_closing_twice_is_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    store.close()
    store.close()


def test_opening_a_store_imports_no_large_library(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from dumbo.storage import Store\n"
        "with Store(pathlib.Path(sys.argv[1])) as s:\n"
        "    assert s.values.load(s.values.store({'a': [1, 'x']})) == {'a': [1, 'x']}\n"
        "heavy = 'numpy torch zarr h5py networkx pandas polars IPython'.split()\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "s")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "[]", done.stderr


KILLED = """
import sys, pathlib, itertools
import numpy as np
from dumbo.identity.cid import CID
from dumbo.records import Edge, EdgeKind, Record
from dumbo.storage import Store
with Store(pathlib.Path(sys.argv[1])) as store:
    run = int(sys.argv[2])
    last = ()
    print("ready", flush=True)
    for number in itertools.count():
        stored = store.values.store(np.full(6000, run * 10**6 + number))
        cid = CID.of("m:f", f"{run:016x}{number:016x}")
        record = Record(cid, -1, cid.function, "f()", "", last, stored, meta=stored.meta)
        version = store.catalog.add([record])[-1]
        following = CID.of("m:f", f"{run:016x}{number + 1:016x}")
        last = (Edge(cid, following, EdgeKind.INPUT, "x", version),)
        print(cid, run * 10**6 + number, flush=True)
"""


def test_a_kill_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    acknowledged: dict[str, int] = {}
    for run, wait in enumerate((0.01, 0.05, 0.1)):
        command = [sys.executable, "-c", KILLED, str(tmp_path / "s"), str(run)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            lines = [child.stdout.readline()]
            time.sleep(wait)
            child.kill()
            lines += child.stdout.read().splitlines(keepends=True)
        for line in lines:
            if line.endswith("\n"):
                name, number = line.split()
                acknowledged[name] = int(number)
    assert acknowledged
    with Store(tmp_path / "s") as store:
        assert store.catalog._database.read("PRAGMA integrity_check") == [("ok",)]
        records = {str(record.cid): record for record in store.catalog.nodes()}
        assert acknowledged.keys() <= records.keys()
        assert store.catalog.node_count() == len(records)
        for cid, value in acknowledged.items():
            stored = records[cid].stored
            assert stored is not None
            found: Any = store.values.load(stored)
            assert (found == value).all()
        for record in records.values():
            assert record.stored is not None, "no row without its bytes"
            store.values.check(record.stored)
            assert all(str(edge.source) in records for edge in record.edges)
