"""What a value is made of, for the canonical encoding: a tag and parts.

Law: two values with equal tag, layout and parts are the same value to dumbo; parts are
themselves values, so a tokenizer never encodes, it only takes apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from dumbo.identity.cid import CID


class Layout(Enum):
    """Whether the order of parts means something."""

    ORDERED = "o"
    UNORDERED = "u"
    MAPPING = "m"  # parts alternate between key and value; pairs have no order


@dataclass(frozen=True, slots=True)
class Listed:
    """A list whose items are made while it is read, so that they need not all be there at once.

    Attributes
    ----------
    length : int
    items : callable
        Gives an iterator over the `length` items.
    """

    length: int
    items: Callable[[], Iterator[Any]]

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Any]:
        return self.items()


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes where they are: the same to dumbo as a `bytes` of equal content."""

    content: memoryview


@dataclass(slots=True)
class Parts:
    """A value taken apart.

    Attributes
    ----------
    tag : str
        Kind of the value, for most the type's ``module:qualname``.
    items : sequence or Listed
        The parts.
    labels : sequence of str
        How a person writes the way from the value to each part (``.weights``); empty: ``[i]``.
    layout : Layout
    """

    tag: str
    items: Sequence[Any] | Listed
    labels: Sequence[str] = ()
    layout: Layout = Layout.ORDERED

    @classmethod
    def of_fields(cls, tag: str, fields: Mapping[str, Any], *more: Any) -> Parts:
        """Parts for named fields, in any order, and what else the value holds."""
        names = sorted(fields)
        return cls(
            tag,
            [tuple(names), *(fields[name] for name in names), *more],
            ["", *(f".{name}" for name in names), *("" for _ in more)],
        )


@dataclass(frozen=True, slots=True)
class Use:
    """A carrier or external met while identifying a value.

    Attributes
    ----------
    cid : CID
    role : str
        The way to it from the argument: ``state``, ``scores[3]``, ``cfg['model'].weights``.
    value : object
        The carrier itself.
    """

    cid: CID
    role: str
    value: object


class OpaqueValue(Exception):  # noqa: N818 - never leaves the package: the walk adds argument and path
    """A value without canonical form; the text says why."""


WAYS_OUT = (
    "Ways out: register its type (register_value, or a method __dumbo_token__ on the class), "
    "name the value with external('name', value), or leave the argument out with ignore=({!r},)."
)
