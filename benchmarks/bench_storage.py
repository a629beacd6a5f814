"""Storage beside its floors, in one run: raw sqlite3, raw write and fsync, numpy's own map.

Run ``pytest benchmarks/bench_storage.py``; compare the rows of one group. No time is asserted:
disks differ by more than any limit worth setting. ``DUMBO_BENCH_MIB`` sets the large array's size,
``DUMBO_BENCH_NODES`` the number of nodes of the largest catalog.
"""

from __future__ import annotations

import functools
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
from dumbo.storage import (
    ArrayFormat,
    ArrayOptions,
    Compression,
    Objects,
    Store,
    StoreOptions,
    Sync,
    Values,
)
from dumbo.storage.verifying import verify_store

MIB = int(os.environ.get("DUMBO_BENCH_MIB", "128"))
NODES = 3000
NODES_MANY = int(os.environ.get("DUMBO_BENCH_NODES", "100000"))
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


@pytest.mark.benchmark(group="open a store and look up: flat in the number of nodes")
@pytest.mark.parametrize("nodes", [1_000, 10_000, NODES_MANY])
def test_open_and_first_look_up(benchmark: Any, store: Store, tmp_path: Path, nodes: int) -> None:
    for start in range(0, nodes, 5_000):
        store.catalog.add([record_of(n) for n in range(start, min(nodes, start + 5_000))])

    def opened() -> None:
        with Store(tmp_path / "store") as again:
            again.catalog.versions(cid_of(77))

    benchmark(opened)
    store.catalog._database.read("PRAGMA wal_checkpoint(TRUNCATE)")
    benchmark.extra_info["bytes per node"] = store.catalog.path.stat().st_size // nodes


@pytest.mark.benchmark(group="a small result, kept: how long the disk is waited for")
@pytest.mark.parametrize("sync", list(Sync))
@pytest.mark.parametrize("floats", [128, 8_192])
def test_relaxed_and_strict(benchmark: Any, tmp_path: Path, sync: Sync, floats: int) -> None:
    array = np.random.default_rng(0).random(floats)
    numbers = itertools.count(1)
    with Store(tmp_path / "store", StoreOptions(sync=sync)) as store:

        def kept() -> None:
            cid = cid_of(next(numbers))
            array[0] = next(numbers)
            stored = store.values.store(array)
            record = Record(cid, -1, cid.function, "f()", "", stored=stored, meta=stored.meta)
            store.catalog.add([record])

        benchmark.pedantic(kept, rounds=100, iterations=1)


@pytest.mark.benchmark(group="a claim")
@pytest.mark.parametrize("what", ["an empty transaction", "claimed and released"])
def test_claim(benchmark: Any, store: Store, what: str) -> None:
    numbers = itertools.count()

    def claimed() -> None:
        claim = store.catalog.claim(cid_of(next(numbers)), "me", 60.0)
        assert claim is not None
        assert store.catalog.release(claim)

    def empty() -> None:
        for _ in range(2):
            store.catalog.put_meta("k", str(next(numbers)))

    benchmark(claimed if what != "an empty transaction" else empty)


@pytest.mark.benchmark(group="verify a store of 1000 small and 20 large values")
@pytest.mark.parametrize("what", ["read all files", "verify_store"])
def test_verify(benchmark: Any, store: Store, what: str) -> None:
    for number in range(1_020):
        stored = store.values.store(np.full(500_000 if number < 20 else 10, float(number)))
        cid = cid_of(number)
        record = Record(cid, -1, cid.function, "f()", "", stored=stored, meta=stored.meta)
        store.catalog.add([record])

    def read() -> None:
        for path in store.folder.rglob("*"):
            if path.is_file():
                path.read_bytes()

    benchmark.pedantic(
        read if what != "verify_store" else lambda: verify_store(store), rounds=5, iterations=1
    )


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


OPTIONS = {
    "relaxed": StoreOptions(),
    "relaxed, F order": StoreOptions(),
    "relaxed, hdf5": StoreOptions(array_format=ArrayFormat.HDF5),
    "relaxed, zstd": StoreOptions(compression=Compression.ZSTD),
    "strict": StoreOptions(sync=Sync.STRICT),
}


@pytest.mark.benchmark(group="store a large array")
@pytest.mark.parametrize("what", ["raw", "raw, fsync", *OPTIONS])
def test_store_large(benchmark: Any, tmp_path: Path, large: np.ndarray, what: str) -> None:
    array = np.asfortranarray(large) if what.endswith("F order") else large
    numbers = itertools.count()
    flat = memoryview(large.reshape(-1).view("u1"))
    with Store(tmp_path / "store", OPTIONS.get(what)) as store:

        def write() -> None:
            large[0, 0] = next(numbers)  # other content: nothing is found already stored
            if what.startswith("raw"):
                write_raw(tmp_path / "raw", flat, sync=what.endswith("fsync"))
            else:
                array[0, 1] = next(numbers)
                stored = store.values.store(array)
                store.objects.delete(stored.object)

        benchmark.pedantic(write, rounds=3, iterations=1)
    (tmp_path / "raw").unlink(missing_ok=True)


Opened = Callable[[], Any]
FORMATS = ("relaxed", "relaxed, hdf5", "relaxed, zstd")
SLICED = ["np.load, mapped", *(f"handle ({what})" for what in FORMATS)]
READ = ["np.load", *(f"load ({what})" for what in FORMATS)]


@pytest.fixture
def large_files(tmp_path: Path, large: np.ndarray) -> Iterator[dict[str, Opened]]:
    """The large array in each format, as ways to open it."""
    np.save(tmp_path / "raw.npy", large)
    opened: dict[str, Opened] = {
        "np.load": lambda: np.load(tmp_path / "raw.npy"),
        "np.load, mapped": lambda: np.load(tmp_path / "raw.npy", mmap_mode="r"),
    }
    for what in FORMATS:
        options = ArrayOptions(OPTIONS[what].array_format, OPTIONS[what].compression)
        values = Values(Objects(tmp_path / what, arrays=options))
        stored = values.store(large)
        opened[f"load ({what})"] = functools.partial(values.load, stored)
        opened[f"handle ({what})"] = functools.partial(values.handle, stored)
    yield opened
    (tmp_path / "raw.npy").unlink()


@pytest.mark.benchmark(group="open a large array and take ten rows")
@pytest.mark.parametrize("what", SLICED)
def test_slice_large(benchmark: Any, large_files: dict[str, Opened], what: str) -> None:
    benchmark(lambda: float(large_files[what]()[1000:1010].sum()))


@pytest.mark.benchmark(group="one row of an open array")
@pytest.mark.parametrize("what", SLICED)
def test_row(benchmark: Any, large_files: dict[str, Opened], what: str) -> None:
    opened = large_files[what]()
    rows = itertools.cycle(range(opened.shape[0]))
    benchmark(lambda: opened[next(rows)])


@pytest.mark.benchmark(group="read a large array whole and sum it")
@pytest.mark.parametrize("what", READ)
def test_sum_large(benchmark: Any, large_files: dict[str, Opened], what: str) -> None:
    benchmark.pedantic(lambda: large_files[what]().sum(), rounds=5, iterations=1)


@pytest.mark.benchmark(group="a thousand arrays of 1 KB")
@pytest.mark.parametrize("what", ["zarr", "store"])
def test_many_small(benchmark: Any, store: Store, tmp_path: Path, what: str) -> None:
    import zarr

    arrays = np.random.default_rng(0).random((1000, 128))
    numbers = itertools.count()

    def with_zarr() -> None:
        group = zarr.open_group(tmp_path / f"{next(numbers)}.zarr", mode="w")
        for number, array in enumerate(arrays):
            group.create_array(str(number), shape=array.shape, dtype=array.dtype)[:] = array

    def with_the_store() -> None:
        records = []
        for array in arrays:
            cid = cid_of(next(numbers))
            stored = store.values.store(array)
            records.append(Record(cid, -len(records) - 1, cid.function, "f()", "", stored=stored,
                meta=stored.meta))  # fmt: skip
        for record in records:
            store.catalog.add([record])  # a transaction each, as calls make them

    benchmark.pedantic(with_zarr if what == "zarr" else with_the_store, rounds=3, iterations=1)


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
