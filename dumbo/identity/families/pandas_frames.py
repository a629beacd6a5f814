"""pandas: frames, series, indexes and extension arrays.

Law: a frame is its index, its column labels and the content of its columns with their dtypes; how
columns are grouped into blocks does not enter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from dumbo.identity.arrays import parts_of_blocks
from dumbo.identity.function_id import type_id
from dumbo.identity.parts import Layout, Listed, Parts
from dumbo.identity.values import register_value

_AT_ONCE: Final = 1 << 18


def _frame(value: Any) -> Parts:
    places = range(value.shape[1])

    def parts() -> Iterator[Any]:
        yield from (value.columns, value.index, dict(value.attrs))
        for place in places:
            yield column_parts(value.iloc[:, place].array)

    labels = [".columns", ".index", ".attrs", *(f".iloc[:, {place}]" for place in places)]
    return Parts(type_id(type(value)), Listed(3 + len(places), parts), labels)


def _series(value: Any) -> Parts:
    parts = [value.name, value.index, dict(value.attrs), column_parts(value.array)]
    return Parts(type_id(type(value)), parts, [".name", ".index", ".attrs", ""])


def _index(value: Any) -> Parts:
    if hasattr(value, "levels"):

        def parts() -> Iterator[Any]:
            yield list(value.names)
            for level in range(value.nlevels):
                yield column_parts(value.get_level_values(level).array)

        return Parts(type_id(type(value)), Listed(1 + value.nlevels, parts))
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
        return _nullable(array, base)
    return Parts("column", [str(dtype), Listed(len(array), lambda: iter(array))], ["", ""])


def _nullable(array: Any, base: Any) -> Parts:
    import numpy as np

    pieces = [array[at : at + _AT_ONCE] for at in range(0, len(array), _AT_ONCE)]
    numbers = (piece.to_numpy(dtype=base, na_value=base.type(0)) for piece in pieces)
    missing = (piece.isna() for piece in pieces)
    shape = (len(array),)
    parts = [
        parts_of_blocks(base, shape, numbers),
        parts_of_blocks(np.dtype(bool), shape, missing),
    ]
    return Parts("column", [str(array.dtype), *parts], ["", "", ""])


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
