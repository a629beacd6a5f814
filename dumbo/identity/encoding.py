"""Canonical bytes of the atoms: None, booleans, numbers, text, bytes.

Law: injective and self-delimiting. Every encoding starts with the tag of its type and says its
own length, so any sequence of encodings can be read back in one way only; ``1``, ``1.0``, ``True``
and ``'1'`` never meet. Nothing depends on ``hash()``, ``id()``, process or Python version.

============  =======================================================
``N T F . !``  None, True, False, Ellipsis, NotImplemented
``i<hex>;``    int of any size
``f<8>``       float, little-endian IEEE 754, every NaN as one
``c<16>``      complex, as two floats
``s<n>:``      str, UTF-8 with surrogates passed through
``b<n>:``      bytes; from 64 KiB on ``B<n>:`` and the xxh3_128 of them
``#<20>``      the blake2b-160 of an encoding longer than 128 bytes
============  =======================================================
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from math import isnan
from struct import Struct
from types import EllipsisType, NoneType, NotImplementedType
from typing import Any, Final

from xxhash import xxh3_128_digest

FORMAT: Final = 1
"""Version of the canonical encoding; a change of any byte below must raise it."""

SEAL_ABOVE: Final = 128
LARGE_BYTES: Final = 64 * 1024
_pack = Struct("<cd").pack
_NAN: Final = b"f" + bytes.fromhex("000000000000f87f")


def seal(code: bytes) -> bytes:
    """Replace a long encoding by its digest, so that depth and width cost no copies."""
    if len(code) <= SEAL_ABOVE:
        return code
    return b"#" + blake2b(code, digest_size=20).digest()


def encode_int(value: int) -> bytes:
    """Encode an int; hexadecimal text has no size limit, decimal has."""
    return b"i%x;" % value


def encode_float(value: float) -> bytes:
    """Encode a float; NaN payloads are not kept, the sign of zero is."""
    return _NAN if isnan(value) else _pack(b"f", value)


def encode_complex(value: complex) -> bytes:
    """Encode a complex number as its two parts."""
    return b"c" + encode_float(value.real)[1:] + encode_float(value.imag)[1:]


def encode_str(value: str) -> bytes:
    """Encode text; lone surrogates are legal in Python text and must not fail here."""
    raw = value.encode() if value.isascii() else value.encode("utf-8", "surrogatepass")
    code = b"s%d:%b" % (len(raw), raw)
    return code if len(code) <= SEAL_ABOVE else seal(code)


def encode_bytes(value: bytes | memoryview) -> bytes:
    """Encode bytes, large ones at memory speed."""
    if len(value) < LARGE_BYTES:
        return seal(b"b%d:%b" % (len(value), bytes(value)))
    return b"B%d:%b" % (len(value), xxh3_128_digest(value))


ATOMS: Final[dict[type, Callable[[Any], bytes]]] = {
    NoneType: lambda _: b"N",
    bool: lambda value: b"T" if value else b"F",
    EllipsisType: lambda _: b".",
    NotImplementedType: lambda _: b"!",
    int: encode_int,
    float: encode_float,
    complex: encode_complex,
    str: encode_str,
    bytes: encode_bytes,
}
"""Encoders by exact type; a subclass is never an atom."""

ATOM_TYPES: Final = frozenset(ATOMS)
