"""The hand-written zarr array: any zarr reader opens it, and its data can be mapped at offset 0."""

from __future__ import annotations

import itertools
import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dumbo.storage import zarr_shard
from dumbo.storage.objects import Objects
from dumbo.storage.zarr_shard import ITEMSIZES, METADATA_FILE, ArrayLayout, crc32c

SHAPES = [(), (1,), (7,), (1000,), (3, 5), (997, 3), (1, 9), (5, 1), (4, 3, 2), (101, 2, 3)]
SHAPES += [(13, 1, 2, 3), (2, 2, 2, 2), (17, 3, 5, 2)]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 64 bytes, so that small arrays have many and odd edges."""
    monkeypatch.setattr(zarr_shard, "CHUNK_BYTES", 64)


def publish(objects: Objects, array: np.ndarray, layout: ArrayLayout) -> Path:
    published = objects.publish([array.tobytes()] if array.nbytes else [], layout)
    objects.verify(published.name)
    return objects.open_object(published.name, layout.file_size)


def opened(path: Path) -> Any:
    import zarr

    return zarr.open_array(str(path.parent), mode="r")


def test_crc32c_is_the_published_one() -> None:
    assert crc32c(b"") == 0
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    assert crc32c(bytes([0xFF] * 32)) == 0x62A8AB43


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("shape", SHAPES)
def test_zarr_reads_what_was_written_and_the_file_begins_with_the_data(
    objects: Objects, shape: tuple[int, ...]
) -> None:
    array = np.random.default_rng(0).standard_normal(shape)
    path = publish(objects, array, ArrayLayout(shape, "float64", 8))
    back = opened(path)
    assert back.shape == shape
    assert np.array_equal(back[...], array)
    assert path.read_bytes()[: array.nbytes] == array.tobytes()


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("data_type", sorted(ITEMSIZES))
def test_zarr_reads_every_data_type(objects: Objects, data_type: str) -> None:
    raw = np.random.default_rng(1).integers(0, 2, 40 * ITEMSIZES[data_type], "u1")
    array = raw.view("bool") if data_type == "bool" else raw.view(data_type)
    back = opened(publish(objects, array, ArrayLayout((40,), data_type, array.itemsize)))
    assert back.dtype == array.dtype
    assert back[...].tobytes() == array.tobytes()


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("axes", [*itertools.permutations(range(3)), ()])
def test_zarr_sees_the_logical_order_of_turned_arrays(
    objects: Objects, axes: tuple[int, ...]
) -> None:
    logical = np.arange(11 * 3 * 5, dtype="i4").reshape(11, 3, 5)
    turned = logical.transpose(axes) if axes else logical
    layout = ArrayLayout(turned.shape, "int32", 4, axes=axes)
    assert np.array_equal(opened(publish(objects, turned.copy(), layout))[...], logical)
    assert ArrayLayout.from_metadata(layout.metadata()) == layout


def test_zarr_reads_the_other_byte_order(objects: Objects) -> None:
    array = np.arange(5, dtype=">i8")
    layout = ArrayLayout((5,), "int64", 8, big_endian=True)
    assert opened(publish(objects, array, layout))[...].tolist() == [0, 1, 2, 3, 4]
    assert ArrayLayout.from_metadata(layout.metadata()) == layout


def test_zarr_notices_a_damaged_index(objects: Objects) -> None:
    path = publish(objects, np.arange(5.0), ArrayLayout((5,), "float64", 8))
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ValueError, match="checksum"):
        opened(path)[...]


@pytest.mark.parametrize("shape", [(1,), (524288,), (524289,), (1048577,), (65537, 99), (3, 10**7)])
def test_inner_chunks_are_about_four_mebibytes_and_little_is_padded(shape: tuple[int, ...]) -> None:
    layout = ArrayLayout(shape, "float64", 8)
    row = layout.nbytes // shape[0]
    padding = math.prod(layout.shard_shape) * 8 - layout.nbytes
    assert math.prod(layout.inner_shape) * 8 <= max(row, zarr_shard.CHUNK_BYTES + row)
    assert padding < layout.chunks * row
    assert layout.file_size == layout.nbytes + len(layout.tail())
    offset, length = struct.unpack_from("<QQ", layout.tail(), padding)
    assert (offset, length) == (0, math.prod(layout.inner_shape) * 8)


def test_an_empty_array_has_a_layout() -> None:
    layout = ArrayLayout((0, 3), "float64", 8)
    assert (layout.nbytes, layout.chunks, layout.inner_shape) == (0, 1, (1, 3))
    assert ArrayLayout.from_metadata(layout.metadata()) == layout


@pytest.mark.parametrize(
    "edit",
    [
        {"shape": [-1]},
        {"shape": "x"},
        {"shape": None},
        {"data_type": "r64"},
        {"codecs": []},
        {"codecs": [{"name": "bytes"}]},
        {"fill_value": 7},
        {"attributes": None},
    ],
)
def test_metadata_that_dumbo_did_not_write_are_refused(edit: dict[str, Any]) -> None:
    document = json.loads(ArrayLayout((5,), "float64", 8).metadata())
    with pytest.raises(ValueError, match="metadata"):
        ArrayLayout.from_metadata(json.dumps({**document, **edit}).encode())
    for junk in (b"", b"[1]", b"[" * 100_000):
        with pytest.raises(ValueError, match=r"."):
            ArrayLayout.from_metadata(junk)


def test_the_folder_holds_metadata_and_one_file(objects: Objects) -> None:
    path = publish(objects, np.zeros((2, 3)), ArrayLayout((2, 3), "float64", 8))
    assert sorted(p.name for p in path.parent.iterdir()) == ["c.0.0", METADATA_FILE]
