"""Values of the standard library whose state is better said than reduced.

Law: tags are fixed text, since classes move between private modules from one Python to the next.
"""

from __future__ import annotations

import sys
from typing import Any

from dumbo.identity.function_id import type_id
from dumbo.identity.objects import own_state
from dumbo.identity.parts import Layout, OpaqueValue, Parts, Raw
from dumbo.identity.values import Tokenizer, register_value


def _tag(value: Any) -> str:
    """Fixed name of the standard type of a value."""
    cls = _standard(type(value))
    return f"{cls.__module__.partition('.')[0].lstrip('_')}:{cls.__name__}"


def _standard(cls: type) -> type:
    return next(b for b in cls.__mro__ if b.__module__.split(".")[0] in sys.stdlib_module_names)


def _with_state(tokenizer: Tokenizer) -> Tokenizer:
    """Add what an instance of a subclass holds besides."""

    def parts(value: Any) -> Parts:
        cls, made = type(value), tokenizer(value)
        if cls is _standard(cls):
            return made  # type: ignore[no-any-return]  # every tokenizer here gives Parts
        return Parts(type_id(cls), [made, own_state(value, cls)], ["", ""])

    return parts


def _date(value: Any) -> Parts:
    return Parts(_tag(value), [value.year, value.month, value.day])


def _clock(value: Any) -> list[Any]:
    return [value.hour, value.minute, value.second, value.microsecond, value.fold, value.tzinfo]


def _time(value: Any) -> Parts:
    return Parts(_tag(value), _clock(value))


def _datetime(value: Any) -> Parts:
    more = [value.nanosecond] if hasattr(value, "nanosecond") else []
    day = [value.year, value.month, value.day]
    return Parts(_tag(value), [*day, *_clock(value), *more])


def _timedelta(value: Any) -> Parts:
    more = [value.nanoseconds] if hasattr(value, "nanoseconds") else []
    return Parts(_tag(value), [value.days, value.seconds, value.microseconds, *more])


def _timezone(value: Any) -> Parts:
    return Parts("datetime:timezone", [value.utcoffset(None), value.tzname(None)])


def _zone(value: Any) -> Parts:
    if value.key is None:
        raise OpaqueValue("a ZoneInfo read from a file has no key to be known by")
    return Parts("zoneinfo:ZoneInfo", [value.key])


def _decimal(value: Any) -> Parts:
    return Parts(_tag(value), [str(value)])


def _fraction(value: Any) -> Parts:
    return Parts(_tag(value), [value.numerator, value.denominator])


def _path(value: Any) -> Parts:
    return Parts(_tag(value), [str(value)])


def _uuid(value: Any) -> Parts:
    return Parts(_tag(value), [value.int])


def _pattern(value: Any) -> Parts:
    return Parts("re:Pattern", [value.pattern, value.flags])


def _span(value: Any) -> Parts:
    return Parts(_tag(value), [value.start, value.stop, value.step])


def _bytearray(value: Any) -> Parts:
    return Parts(_tag(value), [Raw(memoryview(value))])


def _memoryview(value: Any) -> Parts:
    return Parts("memoryview", [value.format, value.shape, _in_place(value)])


def _in_place(view: memoryview) -> Any:
    # A view with a length of zero cannot be cast, one with gaps is not its bytes.
    return Raw(view.cast("B")) if view.nbytes and view.c_contiguous else view.tobytes()


def _typed_array(value: Any) -> Parts:
    return Parts("array:array", [value.typecode, _in_place(memoryview(value))])


def _mapping(value: Any) -> Parts:
    return Parts("mappingproxy", [dict(value)], [""])


def _namespace(value: Any) -> Parts:
    return Parts.of_fields("types:SimpleNamespace", vars(value))


def _ordered(value: Any) -> Parts:
    return Parts(_tag(value), [list(value.items())], [""])


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
    register_value(_name, _with_state(_tokenizer))
