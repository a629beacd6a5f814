"""A zarr v3 array with one shard, written by hand.

Law: any zarr reader opens the folder, and the data file of an uncompressed array starts with its
raw C-order bytes, so that it can be memory-mapped at offset 0. After the data come zeros up to a
whole number of inner chunks, then one (offset, length) pair a chunk and a crc32c, as the
specification of the ``sharding_indexed`` codec says (zarr-specs, v3/codecs/sharding-indexed).
A compressed one holds its inner chunks one after the other, each a zstd frame, then the index.

Inner chunks split axis 0 only: they then follow each other in the file in C order. What zarr has
no data type for (structures, text, long doubles) is bytes along one more axis.
"""

from __future__ import annotations

import itertools
import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from dumbo.storage.compression import LEVEL

CHUNK_BYTES: Final = 4 * 1024 * 1024
COMPRESSED_CHUNK_BYTES: Final = 1024 * 1024
"""Smaller: a slice of a compressed array decodes whole chunks."""
METADATA_FILE: Final = "zarr.json"
ITEMSIZES: Final = {
    "bool": 1,
    **{f"{sign}int{8 * n}": n for sign in ("", "u") for n in (1, 2, 4, 8)},
    **{f"float{8 * n}": n for n in (2, 4, 8)},
    **{f"complex{8 * n}": n for n in (8, 16)},
}
"""zarr's data types that hold the same bits as numpy's of the same name, and bytes per item."""

_CASTAGNOLI: Final = 0x82F63B78


def _table() -> tuple[int, ...]:
    rows = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ _CASTAGNOLI if value & 1 else value >> 1  # noqa: PLW2901 - the bitwise step of a CRC
        rows.append(value)
    return tuple(rows)


_TABLE: Final = _table()


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli) of `data`, meant for the few bytes of an index.

    Examples
    --------
    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class ArrayLayout:
    """Everything but the bytes of an array that becomes a folder.

    Attributes
    ----------
    shape : tuple of int
        Shape of the stored C-order bytes.
    data_type : str
        zarr's name for the items: ``float64``, ``uint16``.
    itemsize : int
        Bytes per item.
    big_endian : bool
        Byte order of the items.
    axes : tuple of int
        The logical axis that each stored axis is; empty when stored as it is indexed.
    attributes : Mapping
        JSON-able, for people who open the folder with zarr.
    compressed : bool
        Whether each inner chunk is a zstd frame.
    """

    shape: tuple[int, ...]
    data_type: str
    itemsize: int
    big_endian: bool = False
    axes: tuple[int, ...] = ()
    attributes: Mapping[str, object] = field(default_factory=dict)
    compressed: bool = False

    @classmethod
    def from_metadata(cls, metadata: bytes) -> ArrayLayout:
        """Read a layout back from ``zarr.json``; raises ValueError if dumbo did not write it."""
        try:
            document = json.loads(metadata)
            codecs = document["codecs"][0]["configuration"]["codecs"]
            compressed = codecs[-1] == _ZSTD
            *turn, raw = codecs[:-1] if compressed else codecs
            axes = tuple(turn[0]["configuration"]["order"]) if turn else ()
            shape = tuple(document["shape"])
            layout = cls(
                tuple(shape[axis] for axis in axes) if axes else shape,
                document["data_type"],
                ITEMSIZES[document["data_type"]],
                raw.get("configuration", {}).get("endian") == "big",
                axes,
                document["attributes"],
                compressed,
            )
            same = layout.metadata() == metadata
        except (KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"not the metadata of a stored array: {error!r}") from error
        if not same:
            raise ValueError("not the metadata of a stored array")
        return layout

    @property
    def nbytes(self) -> int:
        """Bytes of data."""
        return math.prod(self.shape) * self.itemsize

    @property
    def chunks(self) -> int:
        """Number of inner chunks."""
        if not self.shape or not self.nbytes:
            return 1
        return -(-self.shape[0] // self._rows)

    @property
    def _rows(self) -> int:
        """Rows of an inner chunk: a few MiB, spread evenly so that little is padded."""
        chunk = COMPRESSED_CHUNK_BYTES if self.compressed else CHUNK_BYTES
        wanted = max(1, -(-self.nbytes // chunk))
        return max(1, -(-self.shape[0] // wanted))

    @property
    def inner_shape(self) -> tuple[int, ...]:
        """Shape of an inner chunk; zarr wants extents of at least one."""
        if not self.shape:
            return ()
        return (self._rows, *(max(1, n) for n in self.shape[1:]))

    @property
    def chunk_bytes(self) -> int:
        """Bytes of an inner chunk before compression."""
        return math.prod(self.inner_shape) * self.itemsize

    @property
    def shard_shape(self) -> tuple[int, ...]:
        """Shape of the one shard: whole inner chunks."""
        return (self.inner_shape[0] * self.chunks, *self.inner_shape[1:]) if self.shape else ()

    @property
    def data_file(self) -> str:
        """Name of the shard's file inside the folder."""
        return ".".join(("c", *("0" for _ in self.shape)))

    @property
    def file_size(self) -> int | None:
        """Bytes of the shard's file: data, padding, index, checksum; None when compressed."""
        if self.compressed:
            return None
        return math.prod(self.shard_shape) * self.itemsize + 16 * self.chunks + 4

    def tail(self) -> bytes:
        """What follows the data in the file; nothing that is known beforehand when compressed."""
        if self.compressed:
            return b""
        each = self.chunk_bytes
        return bytes(each * self.chunks - self.nbytes) + packed_index([each] * self.chunks)

    def metadata(self) -> bytes:
        """Return the bytes of ``zarr.json``, the same for the same layout."""
        document = {
            "zarr_format": 3,
            "node_type": "array",
            "shape": _logical(self.axes, self.shape),
            "data_type": self.data_type,
            "chunk_grid": _named("regular", chunk_shape=_logical(self.axes, self.shard_shape)),
            "chunk_key_encoding": _named("default", separator="."),
            "fill_value": _fill_value(self.data_type),
            "codecs": [self._sharding()],
            "attributes": dict(self.attributes),
        }
        return json.dumps(document, sort_keys=True).encode()

    def _sharding(self) -> dict[str, object]:
        # Inside the shard: zarr-python checks a shard's chunks against the array's own shape.
        turn = [_named("transpose", order=list(self.axes))] if self.axes else []
        endian = "big" if self.big_endian else "little"
        raw = _named("bytes", endian=endian) if self.itemsize > 1 else {"name": "bytes"}
        return _named(
            "sharding_indexed",
            chunk_shape=_logical(self.axes, self.inner_shape),
            codecs=[*turn, raw, _ZSTD] if self.compressed else [*turn, raw],
            index_codecs=[_named("bytes", endian="little"), {"name": "crc32c"}],
            index_location="end",
        )


def _logical(axes: tuple[int, ...], stored: tuple[int, ...]) -> list[int]:
    """Put extents of stored axes where the logical axes are."""
    shape = list(stored)
    for position, axis in enumerate(axes):
        shape[axis] = stored[position]
    return shape


def packed_index(lengths: Sequence[int]) -> bytes:
    """Make the index of chunks of these lengths that follow each other, and its checksum."""
    starts = itertools.accumulate(lengths, initial=0)
    index = b"".join(itertools.starmap(_ENTRY.pack, zip(starts, lengths, strict=False)))
    return index + struct.pack("<I", crc32c(index))


def read_index(data: memoryview, chunks: int) -> list[slice]:
    """Read where in a shard its `chunks` chunks are; the bytes are not trusted.

    Raises
    ------
    ValueError
        There is no index of so many chunks, or it leads out of the shard.
    """
    start = len(data) - chunks * _ENTRY.size - 4
    if start < 0 or crc32c(bytes(data[start:-4])) != struct.unpack("<I", data[-4:])[0]:
        raise ValueError("the index of its chunks is damaged")
    found = list(_ENTRY.iter_unpack(data[start:-4]))
    if any(offset + length > start for offset, length in found):
        raise ValueError("the index of its chunks leads out of the file")
    return [slice(offset, offset + length) for offset, length in found]


def _named(name: str, **configuration: object) -> dict[str, object]:
    return {"name": name, "configuration": configuration}


_ENTRY: Final = struct.Struct("<QQ")
_ZSTD: Final = _named("zstd", level=LEVEL, checksum=False)


def _fill_value(data_type: str) -> object:
    if data_type == "bool":
        return False
    return [0.0, 0.0] if data_type.startswith("complex") else 0
