"""zstd, and the sample that says whether it pays.

Law: the same bytes give the same answer, whatever the machine's load; nothing is imported unless
bytes are likely to be compressed, or were.

Measured on a virtual disk that takes 1.0 to 1.2 GB/s with fsync (level 1, two threads): noise is
encoded at 0.6 GB/s and does not shrink; decimals, labels and masks at 0.2 to 0.6 GB/s, 4 to 30
times smaller; one row in a hundred filled at 1.3 GB/s, 70 times smaller; one-hot rows, zeros and
what is nearly all zeros at 1.5 to 4 GB/s, 100 times and more. So only what shrinks 100 times is
written no slower than it would be raw, and only that is compressed unasked. The rest would
also lose its map: it would have to be decoded into memory of its own.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from dumbo.errors import MissingLibraryError, ValueLostError
from dumbo.storage.base import Buffer

if TYPE_CHECKING:
    from concurrent.futures import Future

LEVEL: Final = 1
SAMPLE_BYTES: Final = 1 << 20
LEAST_RATIO: Final = 100
_FIRST_LOOK: Final = 16 * 1024
_FIRST_RATIO: Final = 16
_WORKERS: Final = 2
_AHEAD: Final = 4


def is_worth(sample: bytes) -> bool:
    """Whether a sample shrinks 100 times or more.

    Examples
    --------
    >>> is_worth(bytes(1 << 20)), is_worth(b"")
    (True, False)
    """
    # zlib is at hand, and a little of it turns nearly everything away before zstd is imported.
    look = sample[len(sample) // 2 :][:_FIRST_LOOK]
    if len(zlib.compress(look, 1)) * _FIRST_RATIO > len(look):
        return False
    return len(encode(sample)) * LEAST_RATIO <= len(sample)


def encode(data: Buffer) -> bytes:
    """Compress one chunk as zarr's ``zstd`` codec does."""
    encoded: bytes = _zstd().encode(data)
    return encoded


def decode_into(data: Buffer, target: Buffer) -> None:
    """Decompress one chunk that must fill `target`.

    Raises
    ------
    ValueLostError
        The bytes are no compressed chunk of that length.
    """
    wanted = memoryview(target).nbytes
    if _declared_size(bytes(data[:18])) != wanted:
        raise ValueLostError(_not_a_chunk(f"it is none of {wanted} bytes"))
    try:
        _zstd().decode(data, target)
    except (RuntimeError, ValueError) as error:
        raise ValueLostError(_not_a_chunk(error)) from error


def _declared_size(head: bytes) -> int:
    """Length that a zstd frame says its content has (RFC 8878, 3.1.1); -1 where it does not.

    Asked before decoding: the library makes room for whatever a frame declares.
    """
    if len(head) < 5 or head[:4] != b"\x28\xb5\x2f\xfd":
        return -1
    flags = head[4]
    single_segment = flags >> 5 & 1
    width = (single_segment, 2, 4, 8)[flags >> 6]
    start = 5 + (1 - single_segment) + (0, 1, 2, 4)[flags & 3]
    size = int.from_bytes(head[start : start + width], "little")
    if not width or len(head) < start + width:
        return -1
    return size + 256 if width == 2 else size


def encoded(chunks: Iterable[Buffer]) -> Iterator[bytes]:
    """Compress chunks, a few at a time ahead on other threads; the order is kept."""
    from concurrent.futures import ThreadPoolExecutor

    waiting: deque[Future[bytes]] = deque()
    with ThreadPoolExecutor(_WORKERS, "dumbo-zstd") as pool:
        for chunk in chunks:
            waiting.append(pool.submit(encode, chunk))
            if len(waiting) == _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _zstd() -> Any:
    try:
        from numcodecs.zstd import Zstd  # type: ignore[import-untyped,unused-ignore]  # no stubs
    except ImportError:
        raise MissingLibraryError(
            "a compressed array needs zstd: numcodecs, which comes with zarr, is absent; "
            "pip install numcodecs, or store with compression='none'"
        ) from None
    return Zstd(LEVEL)


def _not_a_chunk(cause: object) -> str:
    return (
        f"a compressed array cannot be read: a chunk of it is damaged ({cause}); recompute the "
        "value or restore the store from a copy"
    )
