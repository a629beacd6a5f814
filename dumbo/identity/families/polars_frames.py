"""polars: frames and series.

Law: a frame is its column names, dtypes and content; chunks do not enter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from dumbo.identity.arrays import parts_of_blocks
from dumbo.identity.function_id import type_id
from dumbo.identity.parts import Listed, Parts
from dumbo.identity.values import register_value

_AT_ONCE: Final = 1 << 18
_UNKNOWN_TO_NUMPY: Final = frozenset({"Int128", "UInt128"})


def _frame(value: Any) -> Parts:
    columns = value.get_columns()

    def parts() -> Iterator[Any]:
        yield value.height
        yield from map(_series, columns)

    labels = ["", *(f"[{column.name!r}]" for column in columns)]
    return Parts(type_id(type(value)), Listed(1 + len(columns), parts), labels)


def _series(value: Any) -> Parts:
    dtype = value.dtype
    content: Parts | Listed
    plain = dtype.is_numeric() and not dtype.is_decimal() and str(dtype) not in _UNKNOWN_TO_NUMPY
    if plain and value.null_count() == 0:
        kind = value[:0].to_numpy().dtype
        content = parts_of_blocks(kind, (len(value),), (p.to_numpy() for p in _pieces(value)))
    else:
        content = Listed(len(value), lambda: (x for p in _pieces(value) for x in p.to_list()))
    return Parts(type_id(type(value)), [value.name, str(dtype), content], ["", "", ""])


def _pieces(value: Any) -> Iterator[Any]:
    return (value[start : start + _AT_ONCE] for start in range(0, len(value), _AT_ONCE))


def _data_type(value: Any) -> Parts:
    return Parts(type_id(type(value)), [str(value)])


for _name, _tokenizer in {
    "polars.dataframe.frame:DataFrame": _frame,
    "polars.series.series:Series": _series,
    "polars.datatypes.classes:DataType": _data_type,
}.items():
    register_value(_name, _tokenizer)
