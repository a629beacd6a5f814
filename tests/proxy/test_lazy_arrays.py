"""Arrays that are not loaded: facts without I/O, slices of their own bytes, blocks, rows."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from carriers_made import record_of, unopened

from dumbo.errors import ConfigurationError, FrozenValueError, ValueLostError
from dumbo.proxy import Node, carry
from dumbo.proxy.lazy_array import blocks
from dumbo.storage import ArrayFormat, ArrayOptions, Compression, Objects, Values, handles

DATA = np.random.default_rng(0).integers(0, 5, (900, 300))
OPTIONS = {
    "zarr": ArrayOptions(compression=Compression.NONE),
    "hdf5": ArrayOptions(ArrayFormat.HDF5),
    "zstd": ArrayOptions(compression=Compression.ZSTD),
}


class Kept:
    """A stored array, its carrier, and how often it was loaded whole."""

    def __init__(self, folder: Path, options: ArrayOptions, array: np.ndarray = DATA) -> None:
        self.values = Values(Objects(folder, arrays=options))
        self.stored = self.values.store(array)
        self.loads = 0
        node = Node(
            record_of(array, nbytes=array.nbytes),
            self._load,
            handle=lambda: self.values.handle(self.stored),
        )
        self.carrier: Any = carry(node)

    def _load(self) -> object:
        self.loads += 1
        return self.values.load(self.stored)


@pytest.fixture(params=OPTIONS)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    return Kept(tmp_path, OPTIONS[request.param])


def test_slices_leave_the_array_unloaded(kept: Kept) -> None:
    x = kept.carrier
    for index in (5, -1, slice(10, 20), (slice(2, 9), 3), (7, 8), [4, 2], ..., slice(9, 2, -2)):
        part = x[index]
        assert np.array_equal(part, DATA[index])
        assert type(part) is type(DATA[index])
    assert np.array_equal(x[carry(unopened(3)[0])], DATA[3])  # an index that is a carrier itself
    assert not x.__dumbo_loaded__
    assert kept.loads == 0
    with pytest.raises(IndexError, match="out of bounds"):
        x[900]


def test_parts_cannot_be_written(kept: Kept) -> None:
    part = kept.carrier[3:9]
    with pytest.raises(ValueError, match="read-only"):
        part[0, 0] = 1
    with pytest.raises(ValueError, match=r"WRITEABLE|cannot set"):
        part.flags.writeable = True
    with pytest.raises(FrozenValueError):
        kept.carrier[3:9] = 0


def test_rows_and_blocks_leave_the_array_unloaded(kept: Kept) -> None:
    x = kept.carrier
    assert all(map(np.array_equal, x, DATA))
    assert sum(1 for _ in x) == 900
    given = list(x.blocks(400))
    assert [block.shape for block in given] == [(400, 300), (400, 300), (100, 300)]
    assert np.array_equal(np.concatenate(given), DATA)
    assert all(type(block) is np.ndarray and not block.flags.writeable for block in given)
    assert len(list(x.blocks())) == 1  # 2 MB: one block of the default size
    assert (x.shape, x.dtype, len(x)) == (DATA.shape, DATA.dtype, 900)
    assert kept.loads == 0


def test_blocks_of_what_is_at_hand_are_the_same() -> None:
    assert [b.tolist() for b in blocks(np.arange(5), 2)] == [[0, 1], [2, 3], [4]]
    node, loads = unopened(np.arange(5))
    assert [b.tolist() for b in carry(node).blocks(3)] == [[0, 1, 2], [3, 4]]
    assert loads == [1]


def test_blocks_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least one row"):
        blocks(np.arange(5), 0)
    with pytest.raises(ConfigurationError, match="no rows"):
        blocks(np.array(1.0))
    assert [b.shape for b in blocks(np.zeros((5, 0)), 2)] == [(2, 0), (2, 0), (1, 0)]


def test_what_needs_the_whole_loads_it_once(kept: Kept) -> None:
    x = kept.carrier
    assert x[0, 0] == DATA[0, 0]
    assert x.sum() == DATA.sum()
    assert np.array_equal(np.asarray(x, "f4"), DATA.astype("f4"))
    assert np.array_equal(x[DATA > 3], DATA[DATA > 3])
    assert np.array_equal(x[5:7], DATA[5:7])
    assert kept.loads == 1


def test_parts_stay_when_another_process_deletes_the_object(kept: Kept) -> None:
    part = kept.carrier[3:9]
    kept.values.objects.delete(kept.stored.object)
    assert np.array_equal(part, DATA[3:9])
    assert np.array_equal(kept.carrier[500:502], DATA[500:502])


def test_an_array_lost_before_its_first_touch_is_a_clear_error(kept: Kept) -> None:
    os.truncate(kept.values.objects.open_object(kept.stored.object), 100_000)
    for touch in (
        lambda: kept.carrier[0],
        lambda: next(iter(kept.carrier)),
        lambda: kept.carrier.sum(),
    ):
        with pytest.raises(ValueLostError, match=r"recompute|restore"):
            touch()


def test_where_parts_are_lost_the_value_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept(tmp_path, OPTIONS["zstd"])

    def lost(self: object, key: object) -> None:
        raise ValueLostError("damaged")

    monkeypatch.setattr(handles.ChunkedArray, "__getitem__", lost)
    assert np.array_equal(kept.carrier[3:5], DATA[3:5])
    assert kept.loads == 1


def test_threads_share_an_unopened_array(kept: Kept) -> None:
    wrong: list[int] = []

    def read(start: int) -> None:
        for row in range(start, 900, 7):
            if not np.array_equal(kept.carrier[row], DATA[row]):
                wrong.append(row)

    threads = [threading.Thread(target=read, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert kept.loads == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_reads_what_its_parent_opened(kept: Kept) -> None:
    assert kept.carrier[0, 0] == DATA[0, 0]
    child = os.fork()
    if child == 0:
        right = np.array_equal(kept.carrier[700:710], DATA[700:710])
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_pickled_carrier_carries_its_value(kept: Kept) -> None:
    again = pickle.loads(pickle.dumps(kept.carrier))
    assert np.array_equal(again[5:9], DATA[5:9])
    assert again.__dumbo_cid__ == kept.carrier.__dumbo_cid__


def test_open_arrays_hold_no_files_open(tmp_path: Path) -> None:
    """Two thousand at once, where a process may open sixty-four files."""
    resource = pytest.importorskip("resource")
    values = Values(Objects(tmp_path))
    stored = values.store(np.arange(5000.0))
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, limit[1]))
    try:
        arrays: list[Any] = [values.load(stored) for _ in range(2000)]
        assert sum(float(array[1]) for array in arrays) == 2000.0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)


def cold(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def bytes_read() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["read_bytes"])


@pytest.fixture
def large(tmp_path: Path) -> Iterator[np.ndarray]:
    yield np.random.default_rng(0).random((4096, 1024))  # 32 MiB
    for file in tmp_path.rglob("*.npy"):
        file.unlink()


def test_a_slice_of_a_cold_array_reads_about_its_own_bytes(
    tmp_path: Path, large: np.ndarray
) -> None:
    if not Path("/proc/self/io").exists():
        pytest.skip("the system does not count what a process reads")
    np.save(tmp_path / "control.npy", large)
    kept = Kept(tmp_path, OPTIONS["zarr"], large)
    path = kept.values.objects.open_object(kept.stored.object)
    cold(tmp_path / "control.npy")
    before = bytes_read()
    np.load(tmp_path / "control.npy", mmap_mode="r")[2000:2010].sum()
    if bytes_read() - before < 100_000:
        pytest.skip("the file system keeps its pages in memory")
    cold(path)
    before = bytes_read()
    assert kept.carrier[2000:2010].sum() == large[2000:2010].sum()
    assert [kept.carrier[row, 5] for row in (300, 1200, 3900)] == large[
        [300, 1200, 3900], 5
    ].tolist()
    assert bytes_read() - before < 1_000_000
    assert np.array_equal(kept.carrier[100:2000], large[100:2000])


PROJECT = """
import numpy as np
from dumbo import dumbo
@dumbo(keep="always")
def large():
    return np.arange(400_000.0).reshape(1000, 400)
@dumbo(keep="always")
def total(x):
    return float(x.sum())
@dumbo(keep="always")
def both():
    return {"a": np.arange(50_000.0), "b": np.ones(50_000)}
"""

NO_IO = """
import os, sys
import numpy, mmap, ctypes
from work import large, both
opened = []
watching = False
def hook(event, args):
    if watching and event in {"open", "os.open", "mmap.__new__"}:
        opened.append(str(args[0]))
sys.addaudithook(hook)
x, pair = large(), both()
watching = True
facts = (x.shape, str(x.dtype), x.ndim, len(x), x.nbytes, x.size, x.itemsize, repr(x),
         isinstance(x, numpy.ndarray), len(pair), list(pair), pair["a"].shape)
watching = False
without = list(opened)
watching = True
part = float(x[10:20].sum())
watching = False
from dumbo import session
value = [facts, without, len(opened), part, x.__dumbo_loaded__,
         session.current().store.memory.nbytes]
"""


def test_facts_of_an_unopened_result_open_no_file(project: Any) -> None:
    project.write(work=PROJECT)
    project.run("from work import large, both; large(); both(); value = 0")
    facts, without, opened, part, loaded, held = project.run(NO_IO).value
    shape, dtype, ndim, length, nbytes, size, itemsize, text, is_array, *pair = facts
    assert (shape, dtype, ndim, length) == ([1000, 400], "float64", 2, 1000)
    assert (nbytes, size, itemsize, is_array) == (3_200_000, 400_000, 8, True)
    assert "not loaded" in text
    assert pair == [2, ["a", "b"], [50_000]]
    assert without == []
    assert opened >= 1  # the slice did
    assert part == float(np.arange(400_000.0)[4000:8000].sum())
    assert not loaded
    assert held < 2_000_000  # a mapped array takes nothing of the memory tier


def test_a_slice_is_an_event_and_makes_no_second_one(project: Any) -> None:
    project.write(work=PROJECT)
    project.run("from work import large; large(); value = 0")
    outcome = project.run("from work import large; x = large(); x[3]; x[4:9]; value = 0")
    loaded = [event for event in outcome.events if event[0] == "loaded"]
    assert loaded == [["loaded", "large()", "array/1, in parts"]]


def test_a_result_deleted_under_an_unopened_carrier_is_computed_again(project: Any) -> None:
    project.write(work=PROJECT)
    project.run("from work import large; large(); value = 0")
    body = """
    import shutil, pathlib
    from work import large
    x = large()
    shutil.rmtree("store/objects")
    pathlib.Path("store/objects").mkdir()
    value = float(x[10:20].sum())
    """
    outcome = project.run(body, warnings="ignore")
    assert outcome.value == float(np.arange(400_000.0)[4000:8000].sum())
    assert outcome.executed == ["large()"]


ADOPTED = """
import numpy as np
from work import total
from dumbo import session
x = session.current().inspect.open_array("data.npy")
value = [float(total(x)), float(x[3:5].sum()), x.shape, x.__dumbo_cid__, x.__dumbo_record__.digest]
"""
OF_CHUNKS = ADOPTED.replace('"data.npy"', '"data.h5", "c"')


@pytest.mark.parametrize("body", [ADOPTED, OF_CHUNKS])
def test_results_of_an_adopted_file_are_stale_when_it_changes(
    project: Any, body: str, tmp_path: Path
) -> None:
    h5py = pytest.importorskip("h5py")
    folder = project.folder

    def write(data: np.ndarray) -> None:
        np.save(folder / "data.npy", data)
        with h5py.File(folder / "data.h5", "w") as file:
            file.create_dataset("c", data=data, chunks=(10,))

    work = PROJECT.replace("float(x.sum())", "float(np.asarray(x[:]).sum())")
    project.write(work=work)
    write(np.arange(100.0))
    first = project.run(body)
    assert first.value[:3] == [4950.0, 7.0, [100]]
    assert first.value[3].startswith(f"external:file:{folder}")
    assert len(first.executed) == 1
    again = project.run(body)
    assert again.executed == []
    assert again.value == first.value
    asked = "from dumbo import session\nfrom work import total\n" + textwrap.dedent(
        """
        rows = session.current().inspect.values("work:total")
        value = [str(row.state) for row in rows]
        """
    )
    write(np.arange(100.0) * 2)
    assert project.run(asked).value == ["stale"]
    changed = project.run(body)
    assert changed.value[0] == 9900.0
    assert changed.value[4] != first.value[4]
    assert len(changed.executed) == 1


def test_no_array_library_is_imported_for_a_plain_carrier() -> None:
    code = "import dumbo.proxy, sys; assert not {'numpy', 'h5py', 'zarr'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
