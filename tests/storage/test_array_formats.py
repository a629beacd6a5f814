"""Every format gives back every array: bits, shape, byte order, order of axes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from dumbo.storage import ArrayFormat, ArrayOptions, Compression, Objects, Values, zarr_shard
from dumbo.storage.codecs import arrays

OPTIONS = {
    "zarr": ArrayOptions(compression=Compression.NONE),
    "auto": ArrayOptions(),
    "hdf5": ArrayOptions(ArrayFormat.HDF5),
    "zstd": ArrayOptions(compression=Compression.ZSTD),
}
DTYPES = st.one_of(
    npst.boolean_dtypes(),
    npst.integer_dtypes(endianness="?"),
    npst.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
    npst.complex_number_dtypes(endianness="?", sizes=(64, 128)),
    npst.datetime64_dtypes(),
    npst.unicode_string_dtypes(max_len=3),
)


@st.composite
def laid_out(draw: Any) -> np.ndarray:
    """Arrays in every layout: turned, reversed, with gaps, broadcast."""
    dtype = draw(DTYPES)
    shape = draw(npst.array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=9))
    count = int(np.prod(shape)) * dtype.itemsize
    raw = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 2, count, "u1")
    array = raw.view(dtype).reshape(shape) if dtype.kind != "U" else np.full(shape, "aé", dtype)
    array = array.transpose(draw(st.permutations(range(array.ndim))))
    for axis in range(array.ndim):
        step = draw(st.sampled_from([1, 1, 1, -1, 2]))
        array = array[(slice(None),) * axis + (slice(None, None, step),)]
    return array


@pytest.mark.parametrize("name", OPTIONS)
def test_what_is_stored_comes_back(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "INLINE_BYTES", 0)  # everything goes to an object
    monkeypatch.setattr(zarr_shard, "CHUNK_BYTES", 64)
    monkeypatch.setattr(zarr_shard, "COMPRESSED_CHUNK_BYTES", 64)
    monkeypatch.setattr("dumbo.storage.array_files.LEAST_COMPRESSED", 64)
    values = Values(Objects(tmp_path, arrays=OPTIONS[name]))

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(laid_out())
    def check(array: np.ndarray) -> None:
        stored = values.store(array)
        back: Any = values.load(stored)
        assert stored.object
        assert (back.dtype, back.shape) == (array.dtype, array.shape)
        assert back.tobytes() == array.tobytes()
        assert not back.flags.writeable
        assert stored.digest == values.digest(array)
        handle = values.handle(stored)
        if array.ndim:
            assert handle is not None
            assert (handle.shape, handle.dtype) == (array.shape, array.dtype)
            assert handle[-1:].tobytes() == array[-1:].tobytes()
            assert handle[..., 0].tobytes() == array[..., 0].tobytes()

    check()


def test_dtypes_that_share_a_letter_are_told_apart(values: Values) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    foreign = (ml_dtypes.int1, ml_dtypes.float8_e4m3b11fnuz, ml_dtypes.float8_e4m3fnuz)
    for dtype in (*foreign, "e", "L", *foreign):
        array = np.ones(9, dtype)
        back: Any = values.load(values.store(array))
        assert (back.dtype, back.tobytes()) == (array.dtype, array.tobytes())


def test_metadata_of_a_dtype_is_not_lost_for_looking_plain(values: Values) -> None:
    values.store(np.ones(9))
    array = np.ones(9, np.dtype("f8", metadata={"unit": "m"}))
    assert not arrays.ArrayCodec().accepts(array)
