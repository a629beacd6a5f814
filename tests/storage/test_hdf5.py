"""Arrays as HDF5 files: h5py reads them, dumbo maps them at their offset."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dumbo.errors import MissingLibraryError, ValueLostError
from dumbo.records import Stored
from dumbo.storage import ArrayFormat, ArrayOptions, Objects, Store, StoreOptions, Values
from dumbo.storage.base import INLINE_BYTES
from dumbo.storage.hdf5_array import hdf5_frame
from dumbo.storage.zarr_shard import ITEMSIZES, ArrayLayout

h5py = pytest.importorskip("h5py")


@pytest.fixture
def hdf5(tmp_path: Path) -> Values:
    return Values(Objects(tmp_path / "hdf5", arrays=ArrayOptions(ArrayFormat.HDF5)))


def read(values: Values, stored: Stored) -> tuple[Any, dict[str, Any]]:
    with h5py.File(values.objects.open_object(stored.object), "r") as file:
        data = file["data"]
        assert data.chunks is None
        assert data.id.get_offset() == stored.meta["offset"]
        assert stored.meta["offset"] % 4096 == 0
        return data[...], dict(data.attrs)


@pytest.mark.parametrize("name", sorted(ITEMSIZES))
@pytest.mark.parametrize("order", ["<", ">"])
def test_h5py_reads_every_data_type(hdf5: Values, name: str, order: str) -> None:
    size = ITEMSIZES[name]
    raw = np.random.default_rng(0).integers(0, 2, 50_000 * size, "u1")
    array = raw.view("?" if name == "bool" else np.dtype(name).newbyteorder(order))
    stored = hdf5.store(array)
    back, _ = read(hdf5, stored)
    assert back.dtype == array.dtype
    assert back.tobytes() == array.tobytes()
    assert hdf5.load(stored).tobytes() == array.tobytes()
    assert stored.digest == hdf5.digest(array)


@pytest.mark.parametrize("shape", [(9001,), (997, 13), (31, 7, 47), (11, 5, 7, 29)])
def test_h5py_reads_every_number_of_axes(hdf5: Values, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).random(shape)
    stored = hdf5.store(array)
    assert np.array_equal(read(hdf5, stored)[0], array)
    handle = hdf5.handle(stored)
    assert handle is not None
    assert np.array_equal(handle[2:5], array[2:5])
    assert np.array_equal(handle[-1], array[-1])


def test_what_hdf5_cannot_name_is_bytes_with_the_type_beside_them(hdf5: Values) -> None:
    dates = np.arange(50_000).view("M8[ns]")
    stored = hdf5.store(dates)
    back, attributes = read(hdf5, stored)
    assert (back.dtype, attributes["dtype"]) == (np.dtype("i8"), "datetime64[ns]")
    assert np.array_equal(hdf5.load(stored), dates)
    records = np.zeros(5000, [("x", "i4"), ("name", "U3")])
    records["name"] = "abc"
    assert np.array_equal(hdf5.load(hdf5.store(records)), records)


def test_fortran_order_stays(hdf5: Values) -> None:
    array = np.asfortranarray(np.random.default_rng(0).random((200, 300)))
    stored = hdf5.store(array)
    back, attributes = read(hdf5, stored)
    assert np.array_equal(back.transpose(attributes["axes"]), array)
    loaded: Any = hdf5.load(stored)
    assert loaded.flags.f_contiguous
    assert np.array_equal(loaded, array)


def test_it_is_mapped_and_cannot_be_written(hdf5: Values) -> None:
    stored = hdf5.store(np.arange(10_000.0))
    array: Any = hdf5.load(stored)
    hdf5.objects.delete(stored.object)
    assert array[9999] == 9999.0  # an open map outlives its file
    assert not array.flags.writeable
    assert hdf5.is_mapped(stored)


def test_equal_content_is_one_object(hdf5: Values) -> None:
    one, two = hdf5.store(np.arange(10_000.0)), hdf5.store(np.arange(10_000.0))
    assert one == two
    hdf5.objects.verify(one.object)
    assert len(list(hdf5.objects.names())) == 1


@pytest.mark.parametrize("offset", [-1, 10**12, "4096", None, 1 << 70])
def test_an_offset_that_leads_out_of_the_file_is_a_lost_value(hdf5: Values, offset: Any) -> None:
    stored = hdf5.store(np.arange(10_000.0))
    meta = {**stored.meta, "offset": offset}
    broken = Stored(stored.codec, meta, stored.nbytes, stored.digest, None, stored.object)
    with pytest.raises(ValueLostError):
        hdf5.load(broken)


def test_small_arrays_stay_in_the_row(hdf5: Values) -> None:
    stored = hdf5.store(np.zeros(INLINE_BYTES // 8))
    assert stored.object == ""
    assert "array_format" not in stored.meta


def test_tensors_go_the_same_way(hdf5: Values) -> None:
    torch = pytest.importorskip("torch")
    for tensor in (torch.arange(50_000.0), torch.ones(20_000, 3, dtype=torch.bfloat16)):
        stored = hdf5.store(tensor)
        back: Any = hdf5.load(stored)
        assert stored.meta["array_format"] == "hdf5"
        assert torch.equal(back, tensor)
        back.zero_()  # private: the file stays
        assert torch.equal(hdf5.load(stored), tensor)


def test_a_store_may_hold_both(tmp_path: Path) -> None:
    array = np.arange(10_000.0)
    with Store(tmp_path / "store") as store:
        as_zarr = store.values.store(array)
    with Store(tmp_path / "store", StoreOptions(array_format=ArrayFormat.HDF5)) as store:
        as_hdf5 = store.values.store(array)
        assert as_zarr.object != as_hdf5.object
        assert as_zarr.digest == as_hdf5.digest
        for stored in (as_zarr, as_hdf5):
            assert np.array_equal(store.values.load(stored), array)


def test_without_h5py_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingLibraryError, match="pip install h5py"):
        hdf5_frame(ArrayLayout((9,), "float64", 8))


def test_reading_needs_no_h5py(hdf5: Values) -> None:
    stored = hdf5.store(np.arange(10_000.0))
    code = f"""
import sys, pathlib
from dumbo.records import Stored
from dumbo.storage import Objects, Values
stored = Stored("array/1", {dict(stored.meta)!r}, 80000, "", None, {stored.object!r})
array = Values(Objects(pathlib.Path({str(hdf5.objects.folder)!r}))).load(stored)
assert array[-1] == 9999.0
assert "h5py" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
