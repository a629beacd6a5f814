"""pandas: frames, series, indexes and extension arrays.

Law: a frame is its index, its column labels and the content of its columns with their dtypes; how
columns are grouped into blocks does not enter.
"""

from __future__ import annotations

from typing import Any

from dumbo.identity.function_id import type_id
from dumbo.identity.parts import Layout, Parts
from dumbo.identity.values import register_value


def _frame(value: Any) -> Parts:
    columns = [column_parts(value.iloc[:, place].array) for place in range(value.shape[1])]
    labels = [f".iloc[:, {place}]" for place in range(len(columns))]
    parts = [value.columns, value.index, dict(value.attrs), *columns]
    return Parts(type_id(type(value)), parts, [".columns", ".index", ".attrs", *labels])


def _series(value: Any) -> Parts:
    parts = [value.name, value.index, dict(value.attrs), column_parts(value.array)]
    return Parts(type_id(type(value)), parts, [".name", ".index", ".attrs", ""])


def _index(value: Any) -> Parts:
    if hasattr(value, "levels"):
        levels = [value.get_level_values(level).array for level in range(value.nlevels)]
        return Parts(type_id(type(value)), [list(value.names), *map(column_parts, levels)])
    frequency = getattr(value, "freqstr", None)
    return Parts(type_id(type(value)), [value.name, frequency, column_parts(value.array)])


def column_parts(array: Any) -> Parts:
    """Parts of the array of a column, whatever holds it."""
    dtype = array.dtype
    kind = type(dtype).__name__
    if type(dtype).__module__.startswith("numpy"):
        return Parts("column", [array.to_numpy() if hasattr(array, "to_numpy") else array], [""])
    if kind == "CategoricalDtype":
        return Parts("categories", [array.categories, array.codes, bool(array.ordered)])
    if kind == "DatetimeTZDtype":
        return Parts("column", [str(dtype), array.view("i8")], ["", ""])
    base = getattr(dtype, "numpy_dtype", None)
    if base is not None and base.kind in "biuf" and kind != "ArrowDtype":
        missing = array.isna()
        content = array.to_numpy(dtype=base, na_value=base.type(0))
        return Parts("column", [str(dtype), content, missing], ["", "", ""])
    return Parts("column", [str(dtype), list(array)], ["", ""])


def _extension_array(value: Any) -> Parts:
    return Parts(type_id(type(value)), [column_parts(value)], [""])


def _categorical_dtype(value: Any) -> Parts:
    order = Layout.ORDERED if value.ordered else Layout.UNORDERED
    items = None if value.categories is None else Parts("set", list(value.categories), (), order)
    return Parts("pandas categories", [items, bool(value.ordered)])


def _extension_dtype(value: Any) -> Parts:
    return Parts(type_id(type(value)), [str(value)])


for _name, _tokenizer in {
    "pandas:DataFrame": _frame,
    "pandas.core.frame:DataFrame": _frame,
    "pandas:Series": _series,
    "pandas.core.series:Series": _series,
    "pandas:Index": _index,
    "pandas.core.indexes.base:Index": _index,
    "pandas.api.extensions:ExtensionArray": _extension_array,
    "pandas.core.arrays.base:ExtensionArray": _extension_array,
    "pandas:CategoricalDtype": _categorical_dtype,
    "pandas.core.dtypes.dtypes:CategoricalDtype": _categorical_dtype,
    "pandas.api.extensions:ExtensionDtype": _extension_dtype,
    "pandas.core.dtypes.base:ExtensionDtype": _extension_dtype,
}.items():
    register_value(_name, _tokenizer)
