"""CID and FunctionId: the names of computations.

Law: a CID is a plain string with structure; it never contains code and never bytes of a result,
so it can be compared, stored, sent and read by a person. Everything here is pure.
"""

from __future__ import annotations

import re
from typing import Final

DIGEST_CHARACTERS: Final = 32
EXTERNAL: Final = "external:"
_TEXT = re.compile(r"(?P<function>[^#]+)#(?P<digest>[0-9a-f]{32})(?P<path>.*)", re.DOTALL)


class FunctionId(str):
    """Name of a function, ``module:qualname``; only a rename changes it."""

    __slots__ = ()

    @property
    def module(self) -> str:
        """The part before the colon."""
        return self.partition(":")[0]

    @property
    def qualname(self) -> str:
        """The part after the colon."""
        return self.partition(":")[2]


class CID(str):
    """Identity of a computation, ``module:qualname#<32 hex>``, of an item of it, or of an external.

    Examples
    --------
    >>> cid = CID("experiments:train#5f0c0e1d2c3b4a59687766554433221a")
    >>> cid.function
    'experiments:train'
    >>> cid.digest
    '5f0c0e1d2c3b4a59687766554433221a'
    >>> cid.short
    'train#5f0c0e1d'
    >>> cid.item("loss")
    "experiments:train#5f0c0e1d2c3b4a59687766554433221a['loss']"
    >>> cid.item("loss").parent == cid
    True
    """

    __slots__ = ()

    @classmethod
    def of(cls, function: str, digest: str) -> CID:
        """Build the CID of a call."""
        return cls(f"{function}#{digest}")

    @classmethod
    def external(cls, name: str) -> CID:
        """Build the CID of a value the user names."""
        return cls(EXTERNAL + name)

    @property
    def is_external(self) -> bool:
        """Whether a user's name, not a computation, made this CID."""
        return self.startswith(EXTERNAL)

    @property
    def function(self) -> FunctionId:
        """The function's id; for an external, the whole text."""
        match = _TEXT.fullmatch(self)
        return FunctionId(match["function"] if match else str(self))

    @property
    def digest(self) -> str:
        """The 32 hex characters; empty for an external."""
        match = _TEXT.fullmatch(self)
        return match["digest"] if match else ""

    @property
    def path(self) -> str:
        """The item path, ``['loss'][0]``; empty for a whole result."""
        match = _TEXT.fullmatch(self)
        return match["path"] if match else ""

    @property
    def parent(self) -> CID:
        """The CID of the whole result an item belongs to; itself when it is whole."""
        return CID(self[: len(self) - len(self.path)]) if self.path else self

    @property
    def short(self) -> str:
        """A form for people: function name, eight characters of digest, item path."""
        if not self.digest:
            return str(self)
        return f"{self.function.qualname}#{self.digest[:8]}{self.path}"

    def item(self, key: object) -> CID:
        """The CID of the item at `key` (an index, a key, or a field written ``.name``)."""
        if isinstance(key, str) and key.startswith("."):
            return CID(f"{self}{key}")
        return CID(f"{self}[{key!r}]")
