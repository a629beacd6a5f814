"""An array as an object: written in the chosen format, opened in whichever it has.

Law: what is written is the array's own bytes in stored order, and the row says whatever is needed
to find them again; what it says is checked against the file and never trusted. The digest of the
raw bytes is taken as they pass, on the writing thread: at 10 GB/s and more it costs less than
handing blocks to a second thread does (measured 4 to 10 % against 7 to 15 %).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import xxhash

from dumbo.errors import ValueLostError
from dumbo.storage.array_options import ArrayFormat, Compression
from dumbo.storage.base import Buffer, Meta
from dumbo.storage.compression import encoded, is_worth
from dumbo.storage.mapping import Access, FileMap
from dumbo.storage.objects import Objects
from dumbo.storage.zarr_shard import ArrayLayout, packed_index

LEAST_COMPRESSED: Final = 4 * 1024 * 1024
"""Smaller arrays are never sampled: a map of them costs less than finding out."""

MOST_IN_A_CHUNK: Final = 16 * 1024 * 1024
"""Rows larger than this are not compressed: a slice would have to decode one whole."""


@dataclass(frozen=True, slots=True)
class ArrayObject:
    """An array that now is an object.

    Attributes
    ----------
    name : str
        The object's.
    content : bytes
        xxh3_128 of the raw bytes.
    facts : Mapping
        What the row must say for the bytes to be found.
    """

    name: str
    content: bytes
    facts: Meta = field(default_factory=dict)


def publish_array(
    objects: Objects,
    blocks: Iterable[Buffer],
    layout: ArrayLayout,
    sample: Callable[[], bytes] | None = None,
) -> ArrayObject:
    """Write an array as the options of `objects` say.

    Parameters
    ----------
    objects : Objects
    blocks : iterable of buffers
        The bytes, in stored order.
    layout : ArrayLayout
        Of the uncompressed array.
    sample : callable, optional
        Gives 1 MiB from all over the array; without it ``auto`` does not compress.
    """
    if objects.arrays.format is ArrayFormat.HDF5:
        return _publish_hdf5(objects, blocks, layout)
    if _compresses(objects, layout, sample):
        return _publish_compressed(objects, blocks, replace(layout, compressed=True))
    published = objects.publish(blocks, layout)
    return ArrayObject(published.name, published.content)


def _compresses(objects: Objects, layout: ArrayLayout, sample: Callable[[], bytes] | None) -> bool:
    wanted = objects.arrays.compression
    if wanted is Compression.NONE or not layout.shape or not layout.nbytes:
        return False
    if layout.nbytes // layout.shape[0] > MOST_IN_A_CHUNK:
        return False
    if wanted is Compression.ZSTD:
        return True
    return layout.nbytes >= LEAST_COMPRESSED and sample is not None and is_worth(sample())


def _publish_hdf5(objects: Objects, blocks: Iterable[Buffer], layout: ArrayLayout) -> ArrayObject:
    from dumbo.storage.hdf5_array import hdf5_frame

    frame = hdf5_frame(layout)
    digest = xxhash.xxh3_128()

    def whole() -> Iterator[Buffer]:
        yield frame.before
        yield from _digested(blocks, digest)
        yield frame.after

    name = objects.publish(whole()).name
    facts = {"array_format": ArrayFormat.HDF5.value, "offset": len(frame.before)}
    return ArrayObject(name, digest.digest(), facts)


def _publish_compressed(
    objects: Objects, blocks: Iterable[Buffer], layout: ArrayLayout
) -> ArrayObject:
    digest = xxhash.xxh3_128()
    lengths: list[int] = []

    def whole() -> Iterator[Buffer]:
        for chunk in encoded(_chunks(_digested(blocks, digest), layout.chunk_bytes)):
            lengths.append(len(chunk))
            yield chunk
        yield packed_index(lengths)

    name = objects.publish(whole(), layout).name
    facts = {"compression": Compression.ZSTD.value, "lazy": False}
    return ArrayObject(name, digest.digest(), facts)


def _digested(blocks: Iterable[Buffer], digest: Any) -> Iterator[Buffer]:
    for block in blocks:
        digest.update(block)
        yield block


def _chunks(blocks: Iterable[Buffer], size: int) -> Iterator[bytearray]:
    """Cut blocks anew into chunks of one size, the last filled up with zeros."""
    chunk, filled = bytearray(size), 0
    for block in blocks:
        left = memoryview(block).cast("B")
        while left:
            part = left[: size - filled]
            chunk[filled : filled + len(part)] = part
            filled, left = filled + len(part), left[len(part) :]
            if filled == size:
                yield chunk
                chunk, filled = bytearray(size), 0
    if filled:
        yield chunk


def is_compressed(meta: Meta) -> bool:
    """Whether a row says that its bytes must be decoded, so that they cannot be mapped."""
    return "compression" in meta


def map_array(
    objects: Objects, name: str, meta: Meta, layout: ArrayLayout, access: Access = Access.READ
) -> tuple[FileMap, int]:
    """Map the object of an array; returns the map and where in it the raw bytes begin.

    Raises
    ------
    ValueLostError
        The object is gone, short or altered, or the row names a place that is not in it.
    """
    offset = meta.get("offset", 0)
    if type(offset) is not int or offset < 0:
        raise ValueLostError(
            f"an array cannot be opened: its row gives the offset {str(offset)[:80]}; recompute "
            "the value or restore the catalog"
        )
    inside = meta.get("array_format") == ArrayFormat.HDF5.value
    path = objects.open_object(name, None if inside else layout.file_size)
    least = 0 if layout.compressed else offset + layout.nbytes
    return FileMap(path, least, access), offset
