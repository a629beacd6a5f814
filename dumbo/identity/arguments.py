"""The small arguments of a call as text that says what it is, so that the call can be repeated.

Law: exact or not at all. What is decoded equals what was encoded, in type and value; a call with an
argument that is large or foreign encodes to ``b""``. JSON with tagged nodes, no pickle: decoding
runs nothing, and carriers are kept as references by CID.
"""

from __future__ import annotations

import json
from inspect import BoundArguments
from typing import Any, Final

from dumbo.errors import CorruptStoreError
from dumbo.identity.carriers import carrier_cid
from dumbo.identity.cid import CID

MAX_BYTES: Final = 4096
_FORMAT: Final = 1
_MAX_DEPTH: Final = 50
_COLLECTIONS: Final[dict[type, str]] = {list: "l", tuple: "t", set: "u", frozenset: "z"}
_KINDS: Final[dict[str, Any]] = {tag: kind for kind, tag in _COLLECTIONS.items()}


class _NotSmallError(Exception):
    """An argument does not belong in a row."""


def encode_arguments(bound: BoundArguments) -> bytes:
    """Encode the arguments of a call, or give ``b""`` if one of them is not small and plain.

    Parameters
    ----------
    bound : inspect.BoundArguments
        As `CallShape.bind` gives it.

    Returns
    -------
    bytes
        At most 4096.

    Examples
    --------
    >>> import inspect
    >>> bound = inspect.signature(lambda a, b: ...).bind(1, (2.5, b"x"))
    >>> decode_arguments(encode_arguments(bound))
    {'a': 1, 'b': (2.5, b'x')}
    """
    try:
        nodes = {name: _encode(value, _Budget(), 0) for name, value in bound.arguments.items()}
    except _NotSmallError:
        return b""
    raw = json.dumps({"format": _FORMAT, "arguments": nodes}, separators=(",", ":")).encode()
    return raw if len(raw) <= MAX_BYTES else b""


class _Budget:
    """Stops at the first sign that the whole will not fit, before encoding all of it."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_BYTES

    def spend(self, characters: int) -> None:
        self.left -= characters
        if self.left < 0:
            raise _NotSmallError


def _encode(value: Any, budget: _Budget, depth: int) -> Any:
    kind = type(value)
    budget.spend(2)
    if value is None or kind is bool:
        return value
    if kind in _SCALARS:
        text = _SCALARS[kind](value, budget)
        budget.spend(len(text[1]))
        return text
    if depth > _MAX_DEPTH:
        raise _NotSmallError
    if kind in _COLLECTIONS:
        budget.spend(len(value))
        return [_COLLECTIONS[kind], [_encode(item, budget, depth + 1) for item in value]]
    if kind is dict:
        pairs = [
            [_encode(k, budget, depth + 1), _encode(v, budget, depth + 1)] for k, v in value.items()
        ]
        return ["d", pairs]
    cid = carrier_cid(value)
    if cid is None:
        raise _NotSmallError
    return ["r", str(cid)]


def _encode_int(value: int, budget: _Budget) -> list[str]:
    budget.spend(value.bit_length() // 4)
    return ["i", f"{value:x}"]


def _encode_str(value: str, budget: _Budget) -> list[str]:
    budget.spend(len(value))
    return ["s", value]


def _encode_bytes(value: bytes, budget: _Budget) -> list[str]:
    budget.spend(2 * len(value))
    return ["b", value.hex()]


_SCALARS: Final[dict[type, Any]] = {
    int: _encode_int,
    str: _encode_str,
    bytes: _encode_bytes,
    float: lambda value, _: ["f", value.hex()],
    complex: lambda value, _: ["c", f"{value.real.hex()} {value.imag.hex()}"],
}


def decode_arguments(raw: bytes) -> dict[str, Any]:
    """Arguments by parameter name, as they were; carriers as their `CID`.

    A variadic parameter is one entry, a tuple or dict, as in `inspect.BoundArguments`.

    Raises
    ------
    CorruptStoreError
        If the bytes are not what `encode_arguments` makes.
    """
    if not raw:
        return {}
    try:
        document = json.loads(raw)
        if document["format"] != _FORMAT:
            raise ValueError(f"format {document['format']!r}")
        nodes = dict(document["arguments"])
        return {str(name): _decode(node) for name, node in nodes.items()}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CorruptStoreError(
            f"the arguments of a call cannot be read ({error}); recompute the result, or restore "
            "the catalog"
        ) from error


def _decode(node: Any) -> Any:
    if node is None or node is True or node is False:
        return node
    tag, content = node
    if tag in _KINDS:
        return _KINDS[tag](_decode(item) for item in content)
    if tag == "d":
        return {_decode(k): _decode(v) for k, v in content}
    return _DECODERS[tag](content)


def _decode_complex(text: str) -> complex:
    real, imag = text.split(" ")
    return complex(float.fromhex(real), float.fromhex(imag))


_DECODERS: Final[dict[str, Any]] = {
    "i": lambda text: int(text, 16),
    "f": float.fromhex,
    "c": _decode_complex,
    "s": str,
    "b": bytes.fromhex,
    "r": CID,
}
