"""Canonical tokens of values: one value, one token, in every process and on every Python.

Law: equal values have equal tokens and any difference a function could see makes another one.
See docs/identity.md for the table of what is the same and what is not; every row is tested.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from dumbo.identity.encoding import FORMAT
from dumbo.identity.parts import Use
from dumbo.identity.walk import Walk

__all__ = ["Token", "Use", "content_digest", "digest", "token"]

_HEAD = b"dumbo%d:" % FORMAT


@dataclass(frozen=True, slots=True)
class Token:
    """The canonical form of a value, as a digest.

    Attributes
    ----------
    digest : str
        40 hex characters, blake2b-160 of the canonical bytes.
    uses : tuple of Use
        Carriers and externals met inside, in order.
    """

    digest: str
    uses: tuple[Use, ...] = ()


def token(value: Any, *, name: str = "value") -> Token:
    """Token of any value.

    Parameters
    ----------
    value : object
    name : str
        What the caller calls it: the first part of roles and of error messages.

    Raises
    ------
    UnidentifiableError
        If the value, or something inside it, has no canonical form. The message names the path.

    Examples
    --------
    >>> token({"a": 1, "b": 2}) == token({"b": 2, "a": 1})
    True
    >>> token(1) == token(True)
    False
    """
    walk = Walk()
    code = walk.encode(value, name)
    return Token(hexdigest(code), tuple(walk.uses))


def digest(value: Any, *, name: str = "value") -> str:
    """Digest of any value: 40 hex characters.

    Examples
    --------
    >>> digest(float("nan")) == digest(-float("nan")), digest(0.0) == digest(-0.0)
    (True, False)
    """
    return hexdigest(Walk().encode(value, name))


def content_digest(value: Any, *, name: str = "value") -> str:
    """Digest of what a value holds, whatever computation it is known to come from.

    `digest` takes a value that carries a CID by that CID, which stays the same when another version
    of the computation gives another value. Compare contents with this one: a tensor or object that
    carries a CID, and a named external, count by content.

    Raises
    ------
    UnidentifiableError
        Also if there is a carrier inside that would have to be loaded: unwrap it first.

    Examples
    --------
    >>> content_digest([1, 2]) == digest([1, 2])
    True
    """
    return hexdigest(Walk(by_content=True).encode(value, name))


def hexdigest(code: bytes) -> str:
    """Digest of canonical bytes, with the format's version in it."""
    return blake2b(_HEAD + code, digest_size=20).hexdigest()
