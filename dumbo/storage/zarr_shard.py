"""A zarr v3 array with one uncompressed shard, written by hand.

Law: the data file starts with the array's raw C-order bytes, so that it can be memory-mapped at
offset 0, and any zarr reader opens the folder. After the data come zeros up to a whole number of
inner chunks, then one (offset, length) pair a chunk and a crc32c, as the specification of the
``sharding_indexed`` codec says (zarr-specs, v3/codecs/sharding-indexed).

Inner chunks split axis 0 only: they then follow each other in the file in C order. What zarr has
no data type for (structures, text, long doubles) is bytes along one more axis.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

CHUNK_BYTES: Final = 4 * 1024 * 1024
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
    """

    shape: tuple[int, ...]
    data_type: str
    itemsize: int
    big_endian: bool = False
    axes: tuple[int, ...] = ()
    attributes: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def from_metadata(cls, metadata: bytes) -> ArrayLayout:
        """Read a layout back from ``zarr.json``; raises ValueError if dumbo did not write it."""
        try:
            document = json.loads(metadata)
            *turn, raw = document["codecs"][0]["configuration"]["codecs"]
            axes = tuple(turn[0]["configuration"]["order"]) if turn else ()
            shape = tuple(document["shape"])
            layout = cls(
                tuple(shape[axis] for axis in axes) if axes else shape,
                document["data_type"],
                ITEMSIZES[document["data_type"]],
                raw.get("configuration", {}).get("endian") == "big",
                axes,
                document["attributes"],
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
        """Rows of an inner chunk: about 4 MiB, spread evenly so that little is padded."""
        wanted = max(1, -(-self.nbytes // CHUNK_BYTES))
        return max(1, -(-self.shape[0] // wanted))

    @property
    def inner_shape(self) -> tuple[int, ...]:
        """Shape of an inner chunk; zarr wants extents of at least one."""
        if not self.shape:
            return ()
        return (self._rows, *(max(1, n) for n in self.shape[1:]))

    @property
    def shard_shape(self) -> tuple[int, ...]:
        """Shape of the one shard: whole inner chunks."""
        return (self.inner_shape[0] * self.chunks, *self.inner_shape[1:]) if self.shape else ()

    @property
    def data_file(self) -> str:
        """Name of the shard's file inside the folder."""
        return ".".join(("c", *("0" for _ in self.shape)))

    @property
    def file_size(self) -> int:
        """Bytes of the shard's file: data, padding, index, checksum."""
        return math.prod(self.shard_shape) * self.itemsize + 16 * self.chunks + 4

    def tail(self) -> bytes:
        """What follows the data in the file."""
        padded = math.prod(self.shard_shape) * self.itemsize
        each = padded // self.chunks
        index = b"".join(struct.pack("<QQ", i * each, each) for i in range(self.chunks))
        return bytes(padded - self.nbytes) + index + struct.pack("<I", crc32c(index))

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
            codecs=[*turn, raw],
            index_codecs=[_named("bytes", endian="little"), {"name": "crc32c"}],
            index_location="end",
        )


def _logical(axes: tuple[int, ...], stored: tuple[int, ...]) -> list[int]:
    """Put extents of stored axes where the logical axes are."""
    shape = list(stored)
    for position, axis in enumerate(axes):
        shape[axis] = stored[position]
    return shape


def _named(name: str, **configuration: object) -> dict[str, object]:
    return {"name": name, "configuration": configuration}


def _fill_value(data_type: str) -> object:
    if data_type == "bool":
        return False
    return [0.0, 0.0] if data_type.startswith("complex") else 0
