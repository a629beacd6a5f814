"""None, bool, int, float, complex, str, bytes, bytearray: exact types, exact bits.

Law: the bytes say the value and nothing else; NaN payloads, surrogates, ints of any size and the
two zeros come back as they were.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from dumbo.errors import ValueLostError
from dumbo.records import Stored
from dumbo.storage.base import Buffer, Keeper, Keeps


def _int_to_bytes(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)


def _encode_text(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


def _encode_bool(value: bool) -> bytes:
    return b"\x01" if value else b"\x00"


def _encode_complex(value: complex) -> bytes:
    return struct.pack("<2d", value.real, value.imag)


def _decode_none(raw: bytes) -> None:
    if raw:
        raise ValueError("None has no bytes")


def _decode_bool(raw: bytes) -> bool:
    if raw not in {b"\x00", b"\x01"}:
        raise ValueError("neither true nor false")
    return raw == b"\x01"


def _decode_complex(raw: bytes) -> complex:
    real, imag = struct.unpack("<2d", raw)
    return complex(real, imag)


Encode = Callable[[Any], Buffer]
Decode = Callable[[bytes], object]

SCALARS: Final[dict[type, tuple[Encode, Decode]]] = {
    type(None): (lambda _: b"", _decode_none),
    bool: (_encode_bool, _decode_bool),
    int: (_int_to_bytes, lambda raw: int.from_bytes(raw, "little", signed=True)),
    float: (lambda x: struct.pack("<d", x), lambda raw: struct.unpack("<d", raw)[0]),
    complex: (_encode_complex, _decode_complex),
    str: (_encode_text, lambda raw: raw.decode("utf-8", "surrogatepass")),
    bytes: (lambda x: x, lambda raw: raw),
    bytearray: (lambda x: x, bytearray),
}
"""How each type becomes bytes and comes back."""

_BY_NAME: Final = {f"builtins:{kind.__name__}": kind for kind in SCALARS}


class ScalarCodec:
    """The plain values of Python."""

    name = "scalar/1"
    keeps = frozenset({Keeps.BITS, Keeps.NO_CODE})

    def accepts(self, value: object) -> bool:
        """Whether the type is one of the table's, not a subclass."""
        return type(value) in SCALARS

    def store(self, value: Any, into: Keeper) -> Stored:
        """Put the bytes into the row, or into a plain object if they are many."""
        kind = type(value)
        meta: dict[str, object] = {"type": f"builtins:{kind.__name__}"}
        if kind in {str, bytes, bytearray}:
            meta["len"] = len(value)
        raw = SCALARS[kind][0](value)
        # The digest is taken by identity, so it is that of the same value as an argument.
        return into.keep(self.name, meta, (raw,), into.digest(value))

    def load(self, stored: Stored, source: Keeper) -> object:
        """Rebuild the value."""
        kind = _BY_NAME.get(str(stored.meta.get("type")))
        try:
            if kind is None:
                raise ValueError("no such plain type")
            return SCALARS[kind][1](source.fetch(stored))
        except (ValueError, struct.error) as error:
            raise ValueLostError(
                f"a value cannot be read: its row says {str(stored.meta.get('type'))[:80]!r}, its "
                f"bytes do not ({error}); recompute the value or restore the catalog"
            ) from error

    def objects_of(self, stored: Stored) -> tuple[str, ...]:
        """Name the one object, if there is one."""
        return (stored.object,) if stored.object else ()
