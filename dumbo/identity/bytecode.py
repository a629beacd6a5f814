"""Digest of a code object: what it does, not where it stands.

Law: names of files, line numbers and positions do not enter, so moving code changes nothing; the
digest is that of bytecode, and differs between minor versions of Python.
"""

from __future__ import annotations

from hashlib import blake2b
from types import CodeType

from dumbo.identity.encoding import ATOMS, encode_str


def code_digest(code: CodeType) -> str:
    """32 hex characters of what a code object does, without names of places and line numbers."""
    return blake2b(_code_bytes(code), digest_size=16).hexdigest()


def _code_bytes(code: CodeType) -> bytes:
    shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    names = (*code.co_names, "|", *code.co_varnames, "|", *code.co_freevars, "|", *code.co_cellvars)
    return b"".join(
        (
            b"code%d.%d.%d.%d:" % shape,
            *map(encode_str, names),
            ATOMS[bytes](code.co_code),
            ATOMS[bytes](code.co_exceptiontable),
            *map(_constant_bytes, code.co_consts),
        )
    )


def _constant_bytes(value: object) -> bytes:
    if isinstance(value, CodeType):
        raw = _code_bytes(value)
        return b"k%d:" % len(raw) + raw
    if isinstance(value, tuple):
        return b"t%d:" % len(value) + b"".join(map(_constant_bytes, value))
    if isinstance(value, frozenset):
        return b"z%d:" % len(value) + b"".join(sorted(map(_constant_bytes, value)))
    if isinstance(value, slice):
        return b"/" + b"".join(map(_constant_bytes, (value.start, value.stop, value.step)))
    return ATOMS[type(value)](value)
