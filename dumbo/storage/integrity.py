"""The name an object must have, from its bytes alone.

Law: a name is a digest of metadata, length and xxh3_128 of the data, so whoever holds the bytes
can tell whether they are the right ones; what follows the data of an array is determined by its
metadata and compared, not digested.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

import xxhash

from dumbo.storage.base import BLOCK_BYTES
from dumbo.storage.zarr_shard import METADATA_FILE, ArrayLayout


def object_name(content: bytes, nbytes: int, metadata: bytes = b"") -> str:
    """Name an object by its data's xxh3_128 and length and, for an array, its metadata."""
    state = blake2b(digest_size=20, person=b"dumbo object")
    state.update(len(metadata).to_bytes(8, "little") + metadata)
    state.update(nbytes.to_bytes(8, "little") + content)
    return state.hexdigest()


def name_on_disk(path: Path, data: Path) -> str:
    """Name an object from its bytes alone; empty if what follows the data is not what must.

    Parameters
    ----------
    path : Path
        The object: a file, or the folder of an array.
    data : Path
        Its data file.

    Raises
    ------
    OSError, ValueError
        It cannot be read; its metadata are not those of an array.
    """
    if path == data:
        content, nbytes, _ = _digest(data, None)
        return object_name(content, nbytes)
    metadata = (path / METADATA_FILE).read_bytes()
    total = data.lstat().st_size
    nbytes, tail = _split(metadata, total)
    content, nbytes, rest = _digest(data, nbytes)
    return object_name(content, nbytes, metadata) if rest == tail else ""


def _split(metadata: bytes, total: int) -> tuple[int, bytes]:
    """Length of the data of a shard of `total` bytes, and the tail it must have."""
    layout = ArrayLayout.from_metadata(metadata)
    if layout.compressed:
        return total, b""  # where each chunk lies cannot be told from the metadata
    if layout.file_size != total:
        raise ValueError(f"{total} bytes where the metadata ask for {layout.file_size}")
    return layout.nbytes, layout.tail()


def _digest(path: Path, length: int | None) -> tuple[bytes, int, bytes]:
    """Digest of the first `length` bytes (all by default), their number, and the rest."""
    digest = xxhash.xxh3_128()
    done = 0
    with path.open("rb", buffering=0) as file:
        while length is None or done < length:
            wanted = BLOCK_BYTES if length is None else min(BLOCK_BYTES, length - done)
            block = file.read(wanted)
            if not block:
                break
            digest.update(block)
            done += len(block)
        rest = b"" if length is None else file.read()
    return digest.digest(), done, rest
