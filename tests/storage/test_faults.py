"""Whatever fails, and whenever: what was acknowledged is there, and nothing torn is served."""

from __future__ import annotations

import errno
import os
import pickle
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dumbo.errors import StoreError, StoreUnavailableError, StoreWarning
from dumbo.identity.cid import CID
from dumbo.records import Edge, EdgeKind, Record
from dumbo.storage import SqliteCatalog, Store, StoreOptions, Sync
from dumbo.storage.repairing import repair
from dumbo.storage.verifying import verify_store

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def value_of(number: int) -> Any:
    """Values of every way to be kept: in the row, as an array, as a plain object."""
    if number % 3 == 0:
        return np.full(5_000 + number, number)
    return {"n": number} if number % 3 == 1 else bytes([number % 251]) * 40_000


def is_value(found: Any, number: int) -> bool:
    return pickle.dumps(np.asarray(found) if number % 3 == 0 else found) == pickle.dumps(
        value_of(number)
    )


def keep(store: Store, number: int, *inputs: Edge) -> CID:
    cid = CID.of("m:f", f"{number:032x}")
    stored = store.values.store(value_of(number))
    edges = tuple(inputs)
    record = Record(cid, -1, cid.function, f"f({number})", "", edges, stored, meta=stored.meta)
    store.catalog.add([record])
    return cid


def check_kept(store: Store, numbers: Any) -> None:
    for number in numbers:
        record = store.catalog.record(CID.of("m:f", f"{number:032x}"))
        assert record is not None, number
        assert record.stored is not None, number
        assert is_value(store.values.load(record.stored), number), number


class Failing:
    """Lets the n-th call of one function of `os` fail."""

    def __init__(self, patch: pytest.MonkeyPatch, function: str, number: int) -> None:
        self._real = getattr(os, function)
        self.calls = 0
        self.fails_at = 0
        self.number = number
        patch.setattr(os, function, self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        if self.calls == self.fails_at:
            raise OSError(self.number, os.strerror(self.number), "a path")
        return self._real(*args, **kwargs)


@pytest.mark.parametrize("sync", list(Sync))
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
@pytest.mark.parametrize(
    "function", ["open", "write", "fsync", "rename", "mkdir", "close", "utime", "stat"]
)
def test_a_disk_that_fails_at_any_step_tears_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, number: int, sync: Sync
) -> None:
    with Store(tmp_path / "s", StoreOptions(sync=sync)) as store:
        for kept in range(3):
            keep(store, kept)
        acknowledged = set(range(3))
        with monkeypatch.context() as patch:
            failing = Failing(patch, function, number)
            failed = 0
            for base in (12, 13, 14):  # an array, a value in the row, a plain object
                for step in range(1, 40):
                    failing.calls, failing.fails_at = 0, step
                    candidate = base + 3 * step
                    try:
                        keep(store, candidate)
                    except StoreError:  # any other error is a fault of the test's subject
                        failed += 1
                    else:
                        acknowledged.add(candidate)
                    if failing.calls < step:
                        break
                else:
                    pytest.fail(f"{function} is called without end")
            failing.fails_at = 0
        if function in {"open", "write", "rename", "stat"}:
            assert failed
        check_kept(store, acknowledged)
        assert verify_store(store).is_sound
        # The disk is well again, and so is the store.
        for again in range(100, 103):
            keep(store, again)
        check_kept(store, {*acknowledged, 100, 101, 102})
        assert repair(store, older_than=-1.0).is_sound
        assert not list((store.folder / "tmp").iterdir())
    with Store(tmp_path / "s") as store:
        check_kept(store, {*acknowledged, 100, 101, 102})


def in_child(work: Callable[[], None]) -> str:
    """Run in a forked child; return what it raised, as text."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001  # a child tells whatever it was
            os.write(writing, traceback.format_exc()[-4000:].encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        told = file.read().decode()
    os.waitpid(pid, 0)
    return told


@needs_fork
@pytest.mark.parametrize("limit", [60_000, 150_000, 400_000])
def test_files_that_may_not_grow_are_as_a_full_disk(tmp_path: Path, limit: int) -> None:
    Store(tmp_path / "s").close()
    log = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def fill() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with Store(tmp_path / "s") as store:
            told: list[str] = []
            for number in range(1_000, 1_400):
                try:
                    keep(store, number if limit > 100_000 else 3 * number + 1)
                except StoreUnavailableError as error:
                    told.append(str(error))
                    if len(told) > 5:
                        break
                else:
                    os.write(log, f"{number if limit > 100_000 else 3 * number + 1}\n".encode())
            assert told
            assert all("free space" in text or "has space" in text for text in told)

    assert in_child(fill) == ""
    os.close(log)
    acknowledged = [int(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert acknowledged
    with Store(tmp_path / "s") as store:
        check_kept(store, acknowledged)
        assert verify_store(store).is_sound
        keep(store, 9)
        check_kept(store, [9])


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=20)
    except OSError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True, timeout=20)


def test_a_disk_that_is_really_full(tiny_disk: Path) -> None:
    kept = []
    with Store(tiny_disk / "s") as store:
        with pytest.raises(StoreUnavailableError, match="space"):
            kept.extend(number for number in range(1_000) if keep(store, number))
        for number in range(2_000, 2_020):
            with pytest.raises(StoreUnavailableError):
                keep(store, 3 * number)
        check_kept(store, kept)
        assert not list((store.folder / "tmp").iterdir())
        record = store.catalog.record(CID.of("m:f", f"{0:032x}"))
        assert record is not None
        assert record.stored is not None
        store.objects.delete(record.stored.object)
        for number in kept[3::3]:
            store.objects.delete(
                store.catalog.record(CID.of("m:f", f"{number:032x}")).stored.object  # type: ignore[union-attr]
            )
        keep(store, 1_001)
        check_kept(store, [*(n for n in kept if n % 3), 1_001])
    assert len(kept) > 10


@needs_fork
def test_a_store_that_cannot_be_written_says_so() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with tempfile.TemporaryDirectory() as parent:
        os.chmod(parent, 0o755)
        folder = Path(parent, "s")
        with Store(folder) as store:
            keep(store, 0)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)

        def use() -> None:
            os.setuid(65534)
            with pytest.raises(StoreUnavailableError, match=r"permissions|writable"):
                Store(folder)

        assert in_child(use) == ""
        folder.chmod(0o700)
        (folder / "tmp").chmod(0o700)
        for path in folder.rglob("*"):
            path.chmod(0o700 if path.is_dir() else 0o600)
        with Store(folder) as store:
            check_kept(store, [0])


@needs_fork
def test_a_store_that_becomes_read_only_while_open_goes_on_reading() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with tempfile.TemporaryDirectory() as parent:
        os.chmod(parent, 0o755)
        folder = Path(parent, "s")

        def use() -> None:
            os.setuid(65534)
            with Store(folder) as store:
                keep(store, 0)
                keep(store, 1)
                for name in ("tmp", "objects"):
                    (folder / name).chmod(0o500)
                with pytest.raises(StoreUnavailableError, match="permissions"):
                    keep(store, 3)
                check_kept(store, [0, 1])
                for name in ("tmp", "objects"):
                    (folder / name).chmod(0o700)
                keep(store, 3)
                check_kept(store, [0, 1, 3])

        folder.mkdir()
        os.chown(folder, 65534, 65534)
        assert in_child(use) == ""


@pytest.mark.parametrize("how", ["replaced", "deleted"])
def test_a_catalog_that_is_not_the_one_that_was_opened(tmp_path: Path, how: str) -> None:
    with Store(tmp_path / "s") as store, Store(tmp_path / "other") as other:
        keep(store, 1)
        keep(other, 4)
        other.close()
        catalog = store.folder / "catalog.sqlite"
        if how == "replaced":
            os.replace(other.folder / "catalog.sqlite", catalog)
        else:
            catalog.unlink()
        for number in (7, 10):
            with pytest.raises(StoreUnavailableError, match="open the store again"):
                keep(store, number)
        # What is still open is read from the file that was opened.
        check_kept(store, [1])
        for suffix in ("-wal", "-shm"):
            Path(f"{catalog}{suffix}").unlink(missing_ok=True)
    with Store(tmp_path / "s") as store:
        check_kept(store, [4] if how == "replaced" else [])
        keep(store, 13)
        check_kept(store, [13])


def test_a_catalog_that_is_gone_is_told(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        keep(store, 3)
    (tmp_path / "s" / "catalog.sqlite").rename(tmp_path / "away")
    with pytest.warns(StoreWarning, match="no catalog"):
        store = Store(tmp_path / "s")
    store.close()
    (tmp_path / "away").replace(tmp_path / "s" / "catalog.sqlite")
    with Store(tmp_path / "s") as store:
        check_kept(store, [3])


def write_until_killed(folder: Path, run: int, log: int) -> None:
    """Keep values that build on each other; tell each when it was acknowledged."""
    with Store(folder) as store:
        edge: tuple[Edge, ...] = ()
        for step in range(10_000):
            number = run * 10_000 + step
            cid = keep(store, number, *edge)
            os.write(log, f"{number}\n".encode())
            record = store.catalog.record(cid)
            assert record is not None
            following = CID.of("m:f", f"{number + 1:032x}")
            edge = (Edge(cid, following, EdgeKind.INPUT, "x", record.version),)
            if step % 7 == 3 and record.stored is not None:
                store.catalog.count("hit", "m:f")


def kill_writers(folder: Path, kills: int) -> None:
    chance = random.Random(kills)
    Store(folder).close()
    acknowledged: set[int] = set()
    for run in range(kills):
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                write_until_killed(folder, run, writing)
            finally:
                os._exit(1)
        os.close(writing)
        # After so many results, however slow the machine is, and a moment that no step knows.
        least = chance.randrange(8) if run else 8
        with os.fdopen(reading, "rb") as file:
            lines = [file.readline() for _ in range(least)]
            time.sleep(chance.uniform(0, 0.02))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            lines += file.read().splitlines(keepends=True)
        new = {int(line) for line in lines if line.endswith(b"\n")}
        acknowledged |= new
        with Store(folder) as store:
            check_kept(store, new)
    assert len(acknowledged) > kills // 2
    with Store(folder) as store:
        report = verify_store(store)
        assert report.is_sound, str(report)
        check_kept(store, acknowledged)
        known = {record.cid for record in store.catalog.nodes()}
        assert len(known) == store.catalog.node_count() == report.records
        for record in store.catalog.nodes():
            assert {edge.source for edge in record.edges} <= known
        assert repair(store, older_than=-1.0).is_sound
        check_kept(store, acknowledged)
        assert verify_store(store).orphans == 0
        assert not list((folder / "tmp").iterdir())


@needs_fork
def test_thirty_kills_at_random_moments(tmp_path: Path) -> None:
    kill_writers(tmp_path / "s", 30)


@needs_fork
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_hundred_kills_at_random_moments(tmp_path: Path) -> None:
    kill_writers(tmp_path / "s", 200)


@needs_fork
def test_many_processes_write_at_once_and_none_is_turned_away(tmp_path: Path) -> None:
    def write(process: int) -> None:
        # All of them make the store, and migrate it, at the same moment.
        with Store(tmp_path / "s") as store:
            for step in range(50):
                keep(store, 1_000 * process + step)

    reading, writing = os.pipe()
    children = []
    for process in range(4):
        pid = os.fork()
        if pid == 0:
            try:
                write(process)
            except BaseException:  # noqa: BLE001  # a child tells whatever it was
                os.write(writing, traceback.format_exc().encode())
            finally:
                os._exit(0)
        children.append(pid)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        assert file.read().decode() == ""
    for pid in children:
        os.waitpid(pid, 0)
    with Store(tmp_path / "s") as store:
        check_kept(store, [1_000 * process + step for process in range(4) for step in range(50)])
        assert store.catalog.node_count() == 200
        assert store.catalog.faults() == ()


def test_a_hit_writes_nothing(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        numbers = range(9)
        for number in numbers:
            keep(store, number)
        connection = store.catalog._database.connection()
        statements: list[str] = []
        connection.set_trace_callback(statements.append)
        before = connection.total_changes
        files = {path: path.stat() for path in store.folder.rglob("*") if path.is_file()}
        check_kept(store, numbers)
        for number in numbers:
            store.catalog.count("hit", "m:f", 0.5)
            assert store.catalog.versions(CID.of("m:f", f"{number:032x}"))
        connection.set_trace_callback(None)
        assert connection.total_changes == before
        assert statements
        assert all(statement.lstrip().startswith("SELECT") for statement in statements)
        after = {path: path.stat() for path in store.folder.rglob("*") if path.is_file()}
        changed = [
            path
            for path, status in after.items()
            if (status.st_mtime_ns, status.st_size)
            != (files[path].st_mtime_ns, files[path].st_size)
        ]
        assert changed == []


@needs_fork
def test_a_forked_child_counts_only_its_own(tmp_path: Path) -> None:
    """Run apart: the default session of this process must not see the fork."""
    code = """
import os, sys, dumbo
from dumbo import session as sessions
with dumbo.open(sys.argv[1], keep="always") as session, dumbo.using(session):
    def f(x): return x + 1
    f = dumbo.dumbo(f)
    f(1); f(1); f(1)
    pid = os.fork()
    if not pid:
        f(1); f(1)
        session.inspect.flush(); session.store.catalog.flush()
        os._exit(0)
    os.waitpid(pid, 0)
    f(1)
    stats = session.inspect.stats()
    print(stats.executed, stats.hits)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code, str(tmp_path / "s")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.split() == ["1", "5"], done.stderr


def test_a_locked_catalog_is_read_and_says_that_it_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dumbo.storage import database

    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with Store(tmp_path / "s") as store:
        keep(store, 1)
        other = SqliteCatalog(store.catalog.path)
        with other._database.write():
            check_kept(store, [1])
            with pytest.raises(StoreUnavailableError, match="locked"):
                keep(store, 4)
        keep(store, 4)
        check_kept(store, [1, 4])
        other.close()
