"""Small immutable values of the standard library, as text: dates, decimals, paths, ranges.

Law: a value is described only if what is rebuilt from the description is equal to it in type and
in every part; rebuilding calls constructors of this table and nothing that the bytes name.

Exact types only: a subclass may hold more. A time zone is kept if it is a fixed offset or known by
its key in the time zone database (``ZoneInfo("Europe/Berlin")``).
"""

from __future__ import annotations

import importlib
import json
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from dumbo.errors import ValueLostError
from dumbo.records import Stored
from dumbo.storage.base import Keeper, Keeps
from dumbo.storage.codecs.manifest import plain_node, plain_value
from dumbo.storage.codecs.scalars import SCALARS

Description: TypeAlias = list[Any]


@dataclass(frozen=True, slots=True)
class _Kind:
    """One type: where it lives, its parts as JSON (None: declined), and the way back."""

    module: str
    attribute: str
    take: Callable[[Any], Description | None]
    make: Callable[[Any, Description], object]

    @property
    def type(self) -> Any:
        return getattr(importlib.import_module(self.module), self.attribute)


def _take_date(value: Any) -> Description:
    return [value.year, value.month, value.day]


def _take_clock(value: Any) -> Description | None:
    zone = None if value.tzinfo is None else describe(value.tzinfo)
    if zone is None and value.tzinfo is not None:
        return None
    return [value.hour, value.minute, value.second, value.microsecond, value.fold, zone]


def _make_time(cls: Any, parts: Description) -> object:
    *clock, fold, zone = parts
    return cls(*clock, fold=fold, tzinfo=None if zone is None else restore(zone))


def _take_datetime(value: Any) -> Description | None:
    clock = _take_clock(value)
    return None if clock is None else [*_take_date(value), *clock]


def _take_timezone(value: Any) -> Description:
    # What pickle would keep: the offset, and a name only where one was given.
    offset, *name = value.__getinitargs__()
    return [[offset.days, offset.seconds, offset.microseconds], *map(plain_node, name)]


def _make_timezone(cls: Any, parts: Description) -> object:
    import datetime

    offset, *name = parts
    if not name and not any(offset):
        return datetime.UTC
    return cls(datetime.timedelta(*offset), *map(plain_value, name))


def _take_zone(value: Any) -> Description | None:
    return None if value.key is None else [value.key]


def _take_fraction(value: Any) -> Description:
    return [plain_node(value.numerator), plain_node(value.denominator)]


def _take_path(value: Any) -> Description:
    return [plain_node(str(value))]


def _take_uuid(value: Any) -> Description:
    return [value.hex, value.is_safe.name]


def _make_uuid(cls: Any, parts: Description) -> object:
    import uuid

    return cls(hex=parts[0], is_safe=uuid.SafeUUID[parts[1]])


def _take_span(value: Any) -> Description | None:
    ends = [value.start, value.stop, value.step]
    if any(type(end) not in SCALARS or type(end) is bytearray for end in ends):
        return None
    return [plain_node(end) for end in ends]


def _of_scalars(cls: Any, parts: Description) -> object:
    return cls(*map(plain_value, parts))


_KINDS: Final = {
    "date": _Kind("datetime", "date", _take_date, lambda cls, p: cls(*p)),
    "time": _Kind("datetime", "time", _take_clock, _make_time),
    "datetime": _Kind("datetime", "datetime", _take_datetime, _make_time),
    "timedelta": _Kind(
        "datetime",
        "timedelta",
        lambda value: [value.days, value.seconds, value.microseconds],
        lambda cls, p: cls(*p),
    ),
    "timezone": _Kind("datetime", "timezone", _take_timezone, _make_timezone),
    "zone": _Kind("zoneinfo", "ZoneInfo", _take_zone, lambda cls, p: cls(p[0])),
    "decimal": _Kind("decimal", "Decimal", lambda value: [str(value)], lambda cls, p: cls(p[0])),
    "fraction": _Kind("fractions", "Fraction", _take_fraction, _of_scalars),
    "uuid": _Kind("uuid", "UUID", _take_uuid, _make_uuid),
    "range": _Kind("builtins", "range", _take_span, _of_scalars),
    "slice": _Kind("builtins", "slice", _take_span, _of_scalars),
    "ellipsis": _Kind("types", "EllipsisType", lambda _: [], lambda cls, _: cls()),
    "not implemented": _Kind("types", "NotImplementedType", lambda _: [], lambda cls, _: cls()),
    **{
        name: _Kind("pathlib", name, _take_path, _of_scalars)
        for name in ("PurePosixPath", "PureWindowsPath", "PosixPath", "WindowsPath")
    },
}
_ALIASES: Final = {
    # Classes that say another home than the one they are imported from.
    "builtins.ellipsis": "ellipsis",
    "builtins.NotImplementedType": "not implemented",
    **{f"pathlib._local.{name}": name for name in _KINDS if name.endswith("Path")},
}
TYPES: Final[dict[str, str]] = _ALIASES | {
    f"{kind.module}.{kind.attribute}": name for name, kind in _KINDS.items()
}
"""Names of the types that are described, ``module.qualname``, and of their kinds."""


def describe(value: object) -> Description | None:
    """Describe a value as JSON, or return None if it is none of the table or not exactly.

    Examples
    --------
    >>> from decimal import Decimal
    >>> describe(Decimal("1.10")), describe(range(3))
    (['decimal', '1.10'], ['range', 0, 3, 1])
    >>> describe(object()) is None
    True
    """
    cls = type(value)
    name = TYPES.get(f"{cls.__module__}.{cls.__qualname__}")
    if name is None or _KINDS[name].type is not cls:
        return None
    parts = _KINDS[name].take(value)
    if parts is None:
        return None
    made: Any = restore([name, *parts])
    same = type(made) is cls and _KINDS[name].take(made) == parts
    return [name, *parts] if same else None


def restore(description: object) -> object:
    """Rebuild a value; the description is not trusted.

    Raises
    ------
    ValueError
        It describes nothing that can be here.
    """
    try:
        if not isinstance(description, list):
            raise TypeError("not a description")
        kind = _KINDS[description[0]]
        return kind.make(kind.type, description[1:])
    except (
        *(ArithmeticError, AttributeError, LookupError, NotImplementedError, OSError),
        *(RecursionError, TypeError, ValueError, struct.error),
    ) as error:
        raise ValueError(f"no value is described by {str(description)[:80]}: {error}") from error


class StandardCodec:
    """One value of the table, alone."""

    name = "standard/1"
    keeps = frozenset({Keeps.BITS, Keeps.NO_CODE})

    def accepts(self, value: object) -> bool:
        """Whether the value comes back exactly."""
        return describe(value) is not None

    def store(self, value: object, into: Keeper) -> Stored:
        """Put the description into the row."""
        cls = type(value)
        raw = json.dumps(describe(value), separators=(",", ":")).encode()
        meta: dict[str, object] = {"type": f"{cls.__module__}:{cls.__qualname__}"}
        if isinstance(value, range) and (not value or value.index(value[-1]) < sys.maxsize):
            meta["len"] = len(value)
        return into.keep(self.name, meta, (raw,), into.digest(value))

    def load(self, stored: Stored, source: Keeper) -> object:
        """Rebuild the value."""
        try:
            return restore(json.loads(source.fetch(stored)))
        except (ValueError, RecursionError) as error:
            raise ValueLostError(
                f"a value of type {str(stored.meta.get('type'))[:80]} cannot be read: {error}; "
                "recompute it, or restore the catalog (a time zone needs the package tzdata "
                "where the system has no time zone database)"
            ) from error

    def objects_of(self, stored: Stored) -> tuple[str, ...]:
        """Name the one object, if there is one: an integer can be long."""
        return (stored.object,) if stored.object else ()
