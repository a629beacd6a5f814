"""Compressed arrays: any zarr reader opens them, slices decode their chunks, nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dumbo.errors import ConfigurationError, ValueLostError
from dumbo.records import Stored
from dumbo.storage import (
    ArrayFormat,
    ArrayOptions,
    Compression,
    Objects,
    Store,
    StoreOptions,
    Values,
    compressed_shard,
    zarr_shard,
)
from dumbo.storage.codecs.blocks import sample_of
from dumbo.storage.compression import SAMPLE_BYTES, decode_into, encode, is_worth
from dumbo.storage.zarr_shard import ArrayLayout, packed_index, read_index

ROWS = np.repeat(np.arange(900), 300).reshape(900, 300)  # int64: 2.2 MB that shrink well


@pytest.fixture
def zstd(tmp_path: Path) -> Values:
    options = ArrayOptions(compression=Compression.ZSTD)
    return Values(Objects(tmp_path / "zstd", arrays=options))


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 4 KB, so that small arrays have many and odd edges."""
    monkeypatch.setattr(zarr_shard, "COMPRESSED_CHUNK_BYTES", 4096)


def size_on_disk(values: Values, stored: Stored) -> int:
    return values.objects.size_of(stored.object)


def opened(values: Values, stored: Stored) -> Any:
    import zarr

    return zarr.open_array(str(values.objects.open_object(stored.object).parent), mode="r")


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("shape", [(9001,), (997, 13), (31, 7, 47), (11, 5, 7, 29), (2, 6007)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_zarr_reads_what_was_compressed(zstd: Values, shape: tuple[int, ...], order: Any) -> None:
    array = np.asarray(np.random.default_rng(0).integers(0, 9, shape), order=order)
    stored = zstd.store(array)
    back = opened(zstd, stored)
    assert back.shape == shape
    assert np.array_equal(back[...], array)
    assert size_on_disk(zstd, stored) < array.nbytes / 2
    loaded: Any = zstd.load(stored)
    assert loaded.tobytes() == array.tobytes()
    assert loaded.strides == array.strides
    assert not loaded.flags.writeable
    assert stored.digest == zstd.digest(array)


def test_a_slice_decodes_only_its_chunks(zstd: Values, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = zstd.handle(zstd.store(np.tile(ROWS, (4, 1))))  # 8.6 MB, 9 chunks of 400 rows
    assert handle is not None
    decoded: list[int] = []

    def noted(data: Any, target: Any) -> None:
        decoded.append(len(target))
        decode_into(data, target)

    monkeypatch.setattr(compressed_shard, "decode_into", noted)
    assert np.array_equal(handle[10:20], ROWS[10:20])
    assert decoded == [400 * 300 * 8]
    assert handle[399, 7] == 399
    assert len(decoded) == 1  # the decoded chunk is still at hand
    assert np.array_equal(handle[399:401, 0], [399, 400])
    assert handle[[5, -1, 800]][:, 0].tolist() == [5, 899, 800]
    assert len(decoded) == 4
    assert (handle.shape, handle.dtype) == ((3600, 300), np.dtype("i8"))
    assert len(decoded) == 4


INDEX = st.one_of(
    st.integers(-12, 12),
    st.slices(12),
    st.just(...),
    st.lists(st.integers(-11, 10), min_size=1, max_size=4),
    st.tuples(st.slices(11), st.integers(-9, 8)),
    st.tuples(st.just(...), st.slices(600)),
    st.tuples(st.integers(0, 10), st.slices(9), st.integers(0, 599)),
    st.none(),
)


@pytest.mark.parametrize("order", ["C", "F"])
def test_every_index_selects_what_numpy_selects(
    zstd: Values, order: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zarr_shard, "COMPRESSED_CHUNK_BYTES", 20_000)
    array = np.asarray(np.arange(11 * 9 * 600, dtype=">i4").reshape(11, 9, 600), order=order)
    stored = zstd.store(array)
    handle = zstd.handle(stored)
    assert handle is not None

    @settings(max_examples=150, deadline=None)
    @given(INDEX)
    def check(index: Any) -> None:
        try:
            expected = array[index]
        except IndexError as error:
            with pytest.raises(IndexError, match=str(error)[:20].replace("(", "[(]")):
                handle[index]
            return
        found = handle[index]
        assert found.shape == expected.shape
        assert found.dtype == expected.dtype
        assert found.tobytes() == expected.tobytes()

    check()


def test_only_what_shrinks_a_hundredfold_is_compressed_unasked(values: Values) -> None:
    noise = np.random.default_rng(0).random((1000, 1000))
    labels = np.random.default_rng(0).integers(0, 3, (1000, 1000))  # 22 times smaller, and slow
    one_hot = np.eye(1000, dtype="f4")[np.random.default_rng(0).integers(0, 1000, 3000)]
    late = np.zeros((1000, 1000))
    late[200:] = noise[200:]  # looks empty at the beginning
    small = np.zeros((100, 1000))
    strided = np.zeros((2000, 2000))[::2, ::2]
    kept = {
        name: values.store(array)
        for name, array in {
            "noise": noise, "labels": labels, "one-hot": one_hot, "late": late, "small": small,
            "zeros": np.zeros((1000, 1000)), "strided": strided,
        }.items()
    }  # fmt: skip
    compressed = {name for name, stored in kept.items() if "compression" in stored.meta}
    assert compressed == {"one-hot", "zeros", "strided"}
    assert size_on_disk(values, kept["zeros"]) < 1000
    assert values.is_lazy(kept["noise"])
    assert values.is_mapped(kept["noise"])
    assert not values.is_lazy(kept["zeros"])  # has to be decoded into memory of its own
    assert not values.is_mapped(kept["zeros"])


def test_never_is_never(tmp_path: Path) -> None:
    values = Values(Objects(tmp_path, arrays=ArrayOptions(compression=Compression.NONE)))
    stored = values.store(np.zeros((1000, 1000)))
    assert size_on_disk(values, stored) > 8_000_000
    assert values.is_mapped(stored)


def test_the_store_is_told_how_to_write(tmp_path: Path) -> None:
    options = StoreOptions(compression=Compression.ZSTD)
    with Store(tmp_path / "store", options) as store:
        stored = store.values.store(ROWS)
        assert stored.meta["compression"] == "zstd"
    with Store(tmp_path / "store") as store:  # what was written otherwise is read all the same
        assert np.array_equal(store.values.load(stored), ROWS)


def test_zstd_in_hdf5_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="plugin"):
        ArrayOptions(ArrayFormat.HDF5, Compression.ZSTD)


def test_a_row_too_long_to_decode_for_a_slice_is_not_compressed(
    zstd: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dumbo.storage.array_files.MOST_IN_A_CHUNK", 100_000)
    assert "compression" not in zstd.store(np.zeros((2, 50_000))).meta
    assert "compression" in zstd.store(np.zeros((50_000, 2))).meta


def test_equal_content_is_one_object(zstd: Values) -> None:
    one, two = zstd.store(ROWS), zstd.store(ROWS.copy())
    assert one == two
    zstd.objects.verify(one.object)


@pytest.mark.parametrize("place", ["first chunk", "index", "checksum"])
def test_damage_is_a_lost_value(zstd: Values, place: str) -> None:
    stored = zstd.store(ROWS)
    path = zstd.objects.open_object(stored.object)
    raw = bytearray(path.read_bytes())
    raw[{"first chunk": 40, "index": -20, "checksum": -1}[place]] ^= 1
    path.write_bytes(raw)
    for read in (zstd.load, zstd.handle):
        with pytest.raises(ValueLostError, match="altered"):
            read(stored)


@pytest.mark.parametrize("tail", [b"", bytes(8), packed_index([10**12]), packed_index([1, 2])])
def test_an_index_that_is_none_is_refused(tail: bytes) -> None:
    with pytest.raises(ValueError, match="index of its chunks"):
        read_index(memoryview(tail), 1)


def test_a_chunk_is_decoded_only_to_the_length_it_must_have() -> None:
    bomb = encode(bytes(1 << 20))
    for data, wanted in (
        (bomb, 100),  # declares more than there is room for
        (encode(b"x" * 50), 100),
        (b"", 100),
        (b"\x28\xb5\x2f\xfd\x00", 100),  # says no length
        (bytes(50), 100),
    ):
        with pytest.raises(ValueLostError, match="damaged"):
            decode_into(data, bytearray(wanted))
    cut = encode(np.random.default_rng(0).bytes(1000))[:-10]
    with pytest.raises(ValueLostError, match="damaged"):
        decode_into(cut, bytearray(1000))


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([1, 7, 300, 1000]))
def test_what_was_encoded_is_decoded(piece: bytes, times: int) -> None:
    data = piece * times
    target = bytearray(len(data))
    if data:
        decode_into(encode(data), target)
    assert target == data


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.zeros(10),
        lambda: np.zeros((3, 1 << 20), "u1"),
        lambda: np.zeros((5000, 3, 100))[::2, :, ::3],
        lambda: np.zeros((2, 2, 1 << 19)),
    ],
)
def test_a_sample_is_about_a_mebibyte_or_the_whole(make: Callable[[], np.ndarray]) -> None:
    array = make()
    sample = sample_of(array)
    assert SAMPLE_BYTES / 2 <= len(sample) <= SAMPLE_BYTES * 1.1 or array.nbytes < SAMPLE_BYTES
    assert is_worth(bytes(SAMPLE_BYTES))
    assert not is_worth(np.random.default_rng(0).bytes(SAMPLE_BYTES))


def test_a_layout_with_compression_is_read_back() -> None:
    layout = ArrayLayout((5, 3), "float64", 8, axes=(1, 0), compressed=True)
    assert ArrayLayout.from_metadata(layout.metadata()) == layout
    assert layout.tail() == b""
    assert layout.file_size is None


def test_tensors_are_compressed_too(zstd: Values) -> None:
    torch = pytest.importorskip("torch")
    for tensor in (torch.from_numpy(ROWS.copy()).to(torch.bfloat16), torch.zeros(300, 99).T):
        stored = zstd.store(tensor)
        back: Any = zstd.load(stored)
        assert stored.meta["compression"] == "zstd"
        assert torch.equal(back, tensor)
        assert back.stride() == tensor.stride()
        back += 1  # memory of its own: the stored bytes stay
        assert torch.equal(zstd.load(stored), tensor)


def test_nothing_is_imported_to_find_that_noise_does_not_shrink(tmp_path: Path) -> None:
    code = f"""
import sys, pathlib, numpy as np
from dumbo.storage import Objects, Values
values = Values(Objects(pathlib.Path({str(tmp_path)!r})))
values.store(np.random.default_rng(0).random((1000, 1000)))
assert not {{"numcodecs", "zarr", "h5py"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
