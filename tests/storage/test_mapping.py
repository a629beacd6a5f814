"""Files as memory: read-only for good, private where written, valid when the file is gone."""

from __future__ import annotations

import gc
import mmap
import os
from pathlib import Path

import numpy as np
import pytest

from dumbo.errors import ValueLostError
from dumbo.storage import mapping
from dumbo.storage.mapping import Access, FileMap

DATA = np.arange(300_000.0)


@pytest.fixture(params=["by the system", "by Python's mmap"])
def path(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if "Python" in request.param:  # where there is no POSIX
        real = mmap.mmap
        monkeypatch.setattr(
            mapping, "_mapped", lambda fd, size, access: real(fd, size, access=int(access))
        )
    file = tmp_path / "file"
    file.write_bytes(DATA.tobytes())
    return file


def test_a_read_only_map_cannot_be_unlocked(path: Path) -> None:
    array = FileMap(path, DATA.nbytes).array(0, DATA.nbytes).view("f8")
    assert np.array_equal(array, DATA)
    for part in (array, array[3:9], array.reshape(3, -1), np.ndarray((9,), "f8", array)):
        with pytest.raises(ValueError, match="WRITEABLE"):
            part.flags.writeable = True


def test_a_copy_is_written_privately(path: Path) -> None:
    array = FileMap(path, DATA.nbytes, Access.COPY).array(0, DATA.nbytes).view("f8")
    array[5] = -1
    assert array[5] == -1
    assert FileMap(path, DATA.nbytes).array(0, DATA.nbytes).view("f8")[5] == 5.0
    assert path.read_bytes() == DATA.tobytes()


def test_arrays_outlive_file_and_map(path: Path) -> None:
    mapped = FileMap(path, DATA.nbytes)
    mapped.expect_parts()
    array = mapped.array(16, 800).view("f8")
    path.unlink()
    del mapped
    gc.collect()
    assert array[0] == 2.0


def test_advice_changes_no_bytes(path: Path) -> None:
    mapped = FileMap(path, DATA.nbytes)
    array = mapped.array(0, DATA.nbytes).view("f8")
    mapped.expect_parts()
    for part in (array[7:9], array[1000:9000], array[3:], array[::2], array[:0]):
        mapped.expect(part)
        assert np.array_equal(part, DATA[np.searchsorted(DATA, part)])
    mapped.expect_all()
    assert np.array_equal(array, DATA)


def test_memory_is_given_back_with_the_last_array(tmp_path: Path) -> None:
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("the system does not tell what is mapped")
    file = tmp_path / "given-back"
    file.write_bytes(DATA.tobytes())
    array = FileMap(file, 8).array(0, 80)[3:]
    assert "given-back" in maps.read_text()
    del array
    gc.collect()
    assert "given-back" not in maps.read_text()


def test_what_cannot_be_mapped_is_a_lost_value(tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.write_bytes(b"abc")
    with pytest.raises(ValueLostError, match="it has 3 bytes, 4 are needed"):
        FileMap(short, 4)
    with pytest.raises(ValueLostError, match="it is not there"):
        FileMap(tmp_path / "absent", 0)
    with pytest.raises(ValueLostError, match="recompute"):
        FileMap(tmp_path, 0)  # a folder
    (tmp_path / "empty").write_bytes(b"")
    assert len(FileMap(tmp_path / "empty", 0).buffer) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_may_end_without_hurting_its_parents_map(path: Path) -> None:
    array = FileMap(path, DATA.nbytes).array(0, DATA.nbytes).view("f8")
    child = os.fork()
    if child == 0:
        right = array[77] == 77.0
        del array
        gc.collect()
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert array[299_999] == 299_999.0
