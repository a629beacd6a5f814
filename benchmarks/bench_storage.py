"""Storage beside its floors, in one run: raw sqlite3, raw write and fsync, numpy's own map.

Run ``pytest benchmarks/bench_storage.py``; compare the rows of one group. No time is asserted:
disks differ by more than any limit worth setting. ``DUMBO_BENCH_MIB`` sets the large array's size.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xxhash

from dumbo.identity.cid import CID
from dumbo.records import Edge, EdgeKind, Record, Stored
from dumbo.storage import Store, StoreOptions, Sync

MIB = int(os.environ.get("DUMBO_BENCH_MIB", "128"))
NODES = 3000
META = {"type": "numpy:ndarray", "shape": [128], "dtype": "float64", "ndim": 1, "format": "<f8"}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("DUMBO_KEY_DIR", str(tmp_path / "keys"))
    with Store(tmp_path / "store") as opened:
        yield opened


@pytest.fixture(scope="module")
def large() -> np.ndarray:
    return np.random.default_rng(0).random((MIB * 128, 1024))


def digest_of(number: int, size: int) -> str:
    return hashlib.blake2b(number.to_bytes(8, "little"), digest_size=size).hexdigest()


def cid_of(number: int) -> CID:
    return CID.of(f"project.module:function{number % 50}", digest_of(number, 16))


def record_of(number: int) -> Record:
    cid, digest = cid_of(number), digest_of(number, 20)
    sources = range(max(0, number - 3), number)
    edges = tuple(
        Edge(cid_of(s), cid, EdgeKind.INPUT, f"argument{s % 3}", s + 1, digest_of(s, 20))
        for s in sources
    )
    stored = Stored("array/1", META, 4096, digest, None, digest)
    return Record(
        cid, -1, cid.function, f"f(lr=0.{number})", "", edges, stored, digest, "numpy:ndarray",
        META, 4096, 0.1, 0.2, "worth keeping", 1.0, "/home/u/project/train.py:214",
    )  # fmt: skip


class RawCatalog:
    """The fewest statements that keep a node and three edges."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        for statement in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = NORMAL",
            "CREATE TABLE node(id INTEGER PRIMARY KEY, cid BLOB UNIQUE, fn INT, facts TEXT)",
            "CREATE TABLE edge(dst INT, pos INT, src INT, PRIMARY KEY(dst, pos)) WITHOUT ROWID",
            "CREATE INDEX edge_src ON edge(src, dst)",
        ):
            self.connection.execute(statement)

    def add(self, number: int) -> None:
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        key = bytes.fromhex(digest_of(number, 16))
        execute("INSERT INTO node VALUES (?, ?, ?, ?)", (number, key, number % 50, "x" * 130))
        for position, source in enumerate(range(max(0, number - 3), number)):
            execute("INSERT INTO edge VALUES (?, ?, ?)", (number, position, source))
        execute("COMMIT")

    def get(self, number: int) -> None:
        key = bytes.fromhex(digest_of(number, 16))
        (row,) = self.connection.execute("SELECT id FROM node WHERE cid = ?", (key,)).fetchall()
        self.connection.execute("SELECT src FROM edge WHERE dst = ?", row).fetchall()


@pytest.mark.benchmark(group="insert a node with three edges")
@pytest.mark.parametrize("what", ["raw sqlite3", "catalog"])
def test_insert(benchmark: Any, store: Store, tmp_path: Path, what: str) -> None:
    raw = RawCatalog(tmp_path / "raw.sqlite")
    numbers = itertools.count()
    records = [record_of(n) for n in range(NODES)]
    add = raw.add if what == "raw sqlite3" else lambda n: store.catalog.add([records[n]])
    benchmark.pedantic(lambda: add(next(numbers)), rounds=NODES - 1, iterations=1)
    raw.connection.close()


@pytest.mark.benchmark(group="look a node up with its edges")
@pytest.mark.parametrize("what", ["raw sqlite3", "catalog"])
def test_look_up(benchmark: Any, store: Store, tmp_path: Path, what: str) -> None:
    raw = RawCatalog(tmp_path / "raw.sqlite")
    for number in range(NODES):
        raw.add(number)
    store.catalog.add([record_of(n) for n in range(NODES)])
    numbers = itertools.cycle(range(7, NODES, 13))
    cids = [cid_of(n) for n in range(NODES)]
    get: Callable[[int], object] = raw.get
    if what == "catalog":
        get = lambda n: store.catalog.versions(cids[n])  # noqa: E731 - one of two of a kind
    benchmark(lambda: get(next(numbers)))
    raw.connection.close()


@pytest.mark.benchmark(group="open a store and look up")
def test_open_and_first_look_up(benchmark: Any, store: Store, tmp_path: Path) -> None:
    store.catalog.add([record_of(n) for n in range(NODES)])

    def opened() -> None:
        with Store(tmp_path / "store") as again:
            again.catalog.versions(cid_of(77))

    benchmark(opened)


@pytest.mark.benchmark(group="a cone")
def test_cone(benchmark: Any, store: Store) -> None:
    store.catalog.add([record_of(n) for n in range(NODES)])
    benchmark(lambda: store.catalog.upstream(cid_of(NODES - 1)))


def write_raw(path: Path, data: memoryview, *, sync: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for start in range(0, len(data), 1 << 22):
        os.write(descriptor, data[start : start + (1 << 22)])
    if sync:
        os.fsync(descriptor)
    os.close(descriptor)


@pytest.mark.benchmark(group="store a large array")
@pytest.mark.parametrize("what", ["raw", "raw, fsync", "relaxed", "strict", "relaxed, F order"])
def test_store_large(benchmark: Any, tmp_path: Path, large: np.ndarray, what: str) -> None:
    array = np.asfortranarray(large) if what.endswith("F order") else large
    numbers = itertools.count()
    flat = memoryview(large.reshape(-1).view("u1"))
    sync = Sync.STRICT if what == "strict" else Sync.RELAXED
    with Store(tmp_path / "store", StoreOptions(sync=sync)) as store:

        def write() -> None:
            large[0, 0] = next(numbers)  # other content: nothing is found already stored
            if what.startswith("raw"):
                write_raw(tmp_path / "raw", flat, sync=what.endswith("fsync"))
            else:
                stored = store.values.store(array)
                array[0, 1] = next(numbers)
                store.objects.delete(stored.object)

        benchmark.pedantic(write, rounds=3, iterations=1)
    (tmp_path / "raw").unlink(missing_ok=True)


@pytest.mark.benchmark(group="ten rows of a large array")
@pytest.mark.parametrize("what", ["np.load, mapped", "values.load"])
def test_slice_large(
    benchmark: Any, store: Store, tmp_path: Path, large: np.ndarray, what: str
) -> None:
    stored = store.values.store(large)
    np.save(tmp_path / "raw.npy", large)

    def opened() -> Any:
        if what == "values.load":
            return store.values.load(stored)
        return np.load(tmp_path / "raw.npy", mmap_mode="r")

    benchmark(lambda: float(opened()[1000:1010].sum()))
    (tmp_path / "raw.npy").unlink()


@pytest.mark.benchmark(group="mean of a large array")
@pytest.mark.parametrize("what", ["np.load, mapped", "values.load"])
def test_mean_large(
    benchmark: Any, store: Store, tmp_path: Path, large: np.ndarray, what: str
) -> None:
    np.save(tmp_path / "raw.npy", large)
    stored = store.values.store(large)
    load = store.values.load
    if what != "values.load":
        load = lambda _: np.load(tmp_path / "raw.npy", mmap_mode="r")  # noqa: E731 - one of two
    benchmark.pedantic(lambda: load(stored).mean(), rounds=5, iterations=1)
    (tmp_path / "raw.npy").unlink()


@pytest.mark.benchmark(group="encode a 1 KB array")
@pytest.mark.parametrize("what", ["bytes and xxh3 alone", "values.store"])
def test_encode_small(benchmark: Any, store: Store, what: str) -> None:
    array = np.random.default_rng(0).random(128)
    if what == "values.store":
        benchmark(lambda: store.values.store(array))
    else:
        benchmark(lambda: (array.tobytes(), xxhash.xxh3_128(array).digest()))


@pytest.mark.benchmark(group="a 1 KB array, in and out of SQLite")
@pytest.mark.parametrize("what", ["raw blob", "record"])
@pytest.mark.parametrize("way", ["in", "out"])
def test_small_through_the_catalog(
    benchmark: Any, store: Store, tmp_path: Path, what: str, way: str
) -> None:
    array = np.random.default_rng(0).random(128)
    raw = sqlite3.connect(tmp_path / "raw.sqlite", isolation_level=None)
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute("PRAGMA synchronous = NORMAL")
    raw.execute("CREATE TABLE v(k INTEGER PRIMARY KEY, d TEXT, s TEXT, b BLOB)")
    numbers = itertools.count(1)

    def put_raw() -> None:
        row = (next(numbers), array.dtype.str, "[128]", array.data)
        raw.execute("INSERT INTO v VALUES (?, ?, ?, ?)", row)

    def get_raw() -> object:
        ((text, blob),) = raw.execute("SELECT d, b FROM v WHERE k = 1").fetchall()
        return np.frombuffer(blob, text)

    def put() -> None:
        stored = store.values.store(array)
        cid = cid_of(next(numbers))
        record = Record(cid, -1, cid.function, "f()", "", stored=stored, meta=stored.meta)
        store.catalog.add([record])

    def get() -> object:
        record = store.catalog.record(cid_of(1))
        assert record is not None
        assert record.stored is not None
        return store.values.load(record.stored)

    puts, gets = (put_raw, get_raw) if what == "raw blob" else (put, get)
    puts()
    if way == "in":
        benchmark.pedantic(puts, rounds=1000, iterations=1)
    else:
        benchmark(gets)
    raw.close()
