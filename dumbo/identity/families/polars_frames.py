"""polars: frames and series.

Law: a frame is its column names, dtypes and content; chunks do not enter.
"""

from __future__ import annotations

from typing import Any

from dumbo.identity.function_id import type_id
from dumbo.identity.parts import Parts
from dumbo.identity.values import register_value


def _frame(value: Any) -> Parts:
    columns = [_series(column) for column in value.get_columns()]
    labels = [f"[{column.name!r}]" for column in value.get_columns()]
    return Parts(type_id(type(value)), [value.height, *columns], ["", *labels])


def _series(value: Any) -> Parts:
    dtype = value.dtype
    if dtype.is_numeric() and not dtype.is_decimal() and value.null_count() == 0:
        content = value.to_numpy()
    else:
        content = value.to_list()
    return Parts(type_id(type(value)), [value.name, str(dtype), content], ["", "", ""])


def _data_type(value: Any) -> Parts:
    return Parts(type_id(type(value)), [str(value)])


for _name, _tokenizer in {
    "polars.dataframe.frame:DataFrame": _frame,
    "polars.series.series:Series": _series,
    "polars.datatypes.classes:DataType": _data_type,
}.items():
    register_value(_name, _tokenizer)
