"""Values of the standard library whose state is better said than reduced.

Law: tags are fixed text, since classes move between private modules from one Python to the next.
"""

from __future__ import annotations

from typing import Any

from dumbo.identity.function_id import type_id
from dumbo.identity.parts import Layout, OpaqueValue, Parts
from dumbo.identity.values import register_value


def _tag(value: Any, builtin: str) -> str:
    """The fixed name of a standard type, the own id of a subclass."""
    cls = type(value)
    home = cls.__module__.partition(".")[0].lstrip("_")
    known = home in {"datetime", "pathlib", "decimal", "fractions", "collections", "uuid", "re"}
    return f"{builtin}:{cls.__name__}" if known else type_id(cls)


def _date(value: Any) -> Parts:
    return Parts(_tag(value, "datetime"), [value.year, value.month, value.day])


def _clock(value: Any) -> list[Any]:
    return [value.hour, value.minute, value.second, value.microsecond, value.fold, value.tzinfo]


def _time(value: Any) -> Parts:
    return Parts(_tag(value, "datetime"), _clock(value))


def _datetime(value: Any) -> Parts:
    more = [value.nanosecond] if hasattr(value, "nanosecond") else []
    day = [value.year, value.month, value.day]
    return Parts(_tag(value, "datetime"), [*day, *_clock(value), *more])


def _timedelta(value: Any) -> Parts:
    more = [value.nanoseconds] if hasattr(value, "nanoseconds") else []
    return Parts(_tag(value, "datetime"), [value.days, value.seconds, value.microseconds, *more])


def _timezone(value: Any) -> Parts:
    return Parts("datetime:timezone", [value.utcoffset(None), value.tzname(None)])


def _zone(value: Any) -> Parts:
    if value.key is None:
        raise OpaqueValue("a ZoneInfo read from a file has no key to be known by")
    return Parts("zoneinfo:ZoneInfo", [value.key])


def _decimal(value: Any) -> Parts:
    return Parts(_tag(value, "decimal"), [str(value)])


def _fraction(value: Any) -> Parts:
    return Parts(_tag(value, "fractions"), [value.numerator, value.denominator])


def _path(value: Any) -> Parts:
    return Parts(_tag(value, "pathlib"), [str(value)])


def _uuid(value: Any) -> Parts:
    return Parts(_tag(value, "uuid"), [value.int])


def _pattern(value: Any) -> Parts:
    return Parts("re:Pattern", [value.pattern, value.flags])


def _span(value: Any) -> Parts:
    return Parts(type_id(type(value)), [value.start, value.stop, value.step])


def _bytearray(value: Any) -> Parts:
    return Parts(type_id(type(value)), [bytes(memoryview(value))])


def _memoryview(value: Any) -> Parts:
    return Parts("memoryview", [value.format, value.shape, value.tobytes()])


def _typed_array(value: Any) -> Parts:
    return Parts("array:array", [value.typecode, value.tobytes()])


def _mapping(value: Any) -> Parts:
    return Parts("mappingproxy", [dict(value)], [""])


def _namespace(value: Any) -> Parts:
    return Parts.of_fields(type_id(type(value)), vars(value))


def _ordered(value: Any) -> Parts:
    return Parts(_tag(value, "collections"), [list(value.items())], [""])


def _view(value: Any) -> Parts:
    return Parts(type(value).__name__, list(value), (), Layout.UNORDERED)


def _values_view(value: Any) -> Parts:
    return Parts("dict_values", list(value))


for _name, _tokenizer in {
    "datetime:date": _date,
    "datetime:time": _time,
    "datetime:datetime": _datetime,
    "datetime:timedelta": _timedelta,
    "datetime:timezone": _timezone,
    "zoneinfo:ZoneInfo": _zone,
    "decimal:Decimal": _decimal,
    "fractions:Fraction": _fraction,
    "pathlib:PurePath": _path,
    "pathlib._local:PurePath": _path,
    "uuid:UUID": _uuid,
    "re:Pattern": _pattern,
    "builtins:range": _span,
    "builtins:slice": _span,
    "builtins:bytearray": _bytearray,
    "builtins:memoryview": _memoryview,
    "array:array": _typed_array,
    "builtins:mappingproxy": _mapping,
    "types:SimpleNamespace": _namespace,
    "collections:OrderedDict": _ordered,
    "builtins:dict_keys": _view,
    "builtins:dict_items": _view,
    "builtins:dict_values": _values_view,
}.items():
    register_value(_name, _tokenizer)
