"""Columns and indexes of pandas as arrays and small values.

Law: a column is its dtype and its arrays, whatever holds them; a frequency or time zone is kept
only if its text leads back to it. What stands under a missing value is not kept.

Everything that is rebuilt goes through pandas' checking constructors, since the parts of a stored
frame are not trusted.
"""

from __future__ import annotations

from typing import Any, Final

from dumbo.storage.codecs.parts import Declined
from dumbo.storage.codecs.standard import describe, restore
from dumbo.storage.codecs.texts import pack_texts, unpack_texts

_MASKED: Final = ("IntegerArray", "FloatingArray", "BooleanArray")


def take_column(column: Any) -> dict[str, Any]:
    """Take the array of a series or index apart."""
    import numpy as np

    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return {"kind": "numpy", "data": np.asarray(column)}
    array = column.array
    kind = type(array).__name__
    taken = _TAKE.get(kind)
    if taken is None or type(array).__module__.partition(".")[0] != "pandas":
        raise Declined(f"a column of {dtype}")
    return {"kind": kind, **taken(array)}


def _take_categorical(array: Any) -> dict[str, Any]:
    return {
        "codes": array.codes,
        "categories": take_index(array.categories),
        "ordered": bool(array.ordered),
    }


def _take_times(array: Any) -> dict[str, Any]:
    zone = describe(array.dtype.tz)
    if zone is None:
        raise Declined(f"the time zone {array.dtype.tz!r} is not of the standard library")
    return {"since": array.asi8, "unit": array.dtype.unit, "zone": zone}


def _take_periods(array: Any) -> dict[str, Any]:
    return {"ordinals": array.asi8, "freq": period_frequency(array)}


def _take_intervals(array: Any) -> dict[str, Any]:
    left, right = take_index(array.left), take_index(array.right)
    return {"left": left, "right": right, "closed": array.closed}


def _take_masked(array: Any) -> dict[str, Any]:
    base = array.dtype.numpy_dtype
    return {"data": array.to_numpy(base, na_value=base.type(0)), "mask": array.isna()}


def _take_strings(array: Any) -> dict[str, Any]:
    packed = pack_texts(list(array))
    if packed is None:
        raise Declined("text with gaps of an unknown kind")
    nan = array.dtype.na_value is not _na()
    return {"packed": packed, "storage": array.dtype.storage, "nan": nan}


def _take_sparse(array: Any) -> dict[str, Any]:
    import numpy as np

    index = array.sp_index.to_int_index()
    return {
        "data": np.asarray(array.sp_values),
        "places": np.asarray(index.indices),
        "length": int(index.length),
        "blocks": array.kind == "block",
        "fill": array.fill_value,
    }


def _take_arrow(array: Any) -> dict[str, Any]:
    return {"arrow": array.__arrow_array__()}


_TAKE: Final = {
    "Categorical": _take_categorical,
    "DatetimeArray": _take_times,
    "PeriodArray": _take_periods,
    "IntervalArray": _take_intervals,
    **dict.fromkeys(_MASKED, _take_masked),
    **dict.fromkeys(("StringArray", "ArrowStringArray"), _take_strings),
    **dict.fromkeys(("ArrowStringArrayNumpySemantics", "StringArrayNumpySemantics"), _take_strings),
    "SparseArray": _take_sparse,
    "ArrowExtensionArray": _take_arrow,
}


def _na() -> Any:
    import pandas as pd

    return pd.NA


def frequency(index: Any) -> str | None:
    """Give the frequency of an index as text, if the text says all of it."""
    from pandas.tseries.frequencies import to_offset

    if index.freq is None:
        return None
    text = str(index.freqstr)
    if to_offset(text) != index.freq:  # custom business days have holidays
        raise Declined(f"the frequency {text} says not all of itself")
    return text


def period_frequency(value: Any) -> str:
    """Give the frequency of periods as text, which is spelt otherwise."""
    import pandas as pd

    text = str(value.freqstr)
    if pd.PeriodDtype(text) != pd.PeriodDtype(value.freq):
        raise Declined(f"the frequency {text} says not all of itself")
    return text


def array_of(parts: Any, kinds: str = "") -> Any:
    """Check that a part is an exact array, of a kind of dtype if given."""
    import numpy as np

    if type(parts) is not np.ndarray or (kinds and parts.dtype.kind not in kinds):
        raise TypeError("a column is made of other parts")
    return parts


def make_column(parts: dict[str, Any]) -> Any:
    """Put an array together: numpy's or pandas' own."""
    kind = parts["kind"]
    if kind == "numpy":
        return array_of(parts["data"])
    if kind in _MASKED:
        return _pandas_array(kind)(array_of(parts["data"]), array_of(parts["mask"], "b"))
    return _MAKE[kind](parts)


def _pandas_array(kind: str) -> Any:
    import pandas as pd

    return getattr(pd.arrays, kind)


def _make_categorical(parts: dict[str, Any]) -> Any:
    import pandas as pd

    dtype = pd.CategoricalDtype(make_index(parts["categories"]), parts["ordered"] is True)
    return pd.Categorical.from_codes(array_of(parts["codes"], "i"), dtype=dtype)


def _make_times(parts: dict[str, Any]) -> Any:
    import pandas as pd

    if parts["unit"] not in {"s", "ms", "us", "ns"}:
        raise ValueError("no such unit of time")
    zone = restore(parts["zone"])
    plain = array_of(parts["since"], "i").view(f"M8[{parts['unit']}]")
    return pd.DatetimeIndex(plain).tz_localize("UTC").tz_convert(zone).array


def _make_periods(parts: dict[str, Any]) -> Any:
    import pandas as pd

    ordinals = array_of(parts["ordinals"], "i")
    return pd.PeriodIndex.from_ordinals(ordinals, freq=parts["freq"]).array


def _make_intervals(parts: dict[str, Any]) -> Any:
    left, right = make_index(parts["left"]), make_index(parts["right"])
    return _pandas_array("IntervalArray").from_arrays(left, right, closed=parts["closed"])


def _make_strings(parts: dict[str, Any]) -> Any:
    import numpy as np
    import pandas as pd

    if parts["storage"] not in {"python", "pyarrow", "pyarrow_numpy"}:
        raise ValueError("no such storage of text")
    nan = {"na_value": np.nan} if parts["nan"] is True and "_" not in parts["storage"] else {}
    return pd.array(unpack_texts(parts["packed"]), dtype=pd.StringDtype(parts["storage"], **nan))


def _make_sparse(parts: dict[str, Any]) -> Any:
    from pandas._libs.sparse import IntIndex

    data, places = array_of(parts["data"]), array_of(parts["places"], "i")
    index = IntIndex(parts["length"], places, check_integrity=True)
    if len(data) != index.npoints:
        raise ValueError("a sparse column has other places than values")
    kind = "block" if parts["blocks"] is True else "integer"
    cls = _pandas_array("SparseArray")
    if hasattr(cls, "from_indices"):  # from pandas 3 on; before, the constructor took the index
        return cls.from_indices(data, places, parts["length"], fill_value=parts["fill"], kind=kind)
    index = index.to_block_index() if kind == "block" else index
    return cls(data, sparse_index=index, fill_value=parts["fill"], kind=kind)


def _make_arrow(parts: dict[str, Any]) -> Any:
    return _pandas_array("ArrowExtensionArray")(parts["arrow"])


_MAKE: Final = {
    "Categorical": _make_categorical,
    "DatetimeArray": _make_times,
    "PeriodArray": _make_periods,
    "IntervalArray": _make_intervals,
    **dict.fromkeys(("StringArray", "ArrowStringArray"), _make_strings),
    **dict.fromkeys(("ArrowStringArrayNumpySemantics", "StringArrayNumpySemantics"), _make_strings),
    "SparseArray": _make_sparse,
    "ArrowExtensionArray": _make_arrow,
}


def take_index(index: Any) -> dict[str, Any]:
    """Take an index apart."""
    import pandas as pd

    kind = type(index)
    if kind is pd.RangeIndex:
        span = range(index.start, index.stop, index.step)
        return {"kind": "RangeIndex", "range": span, "name": index.name}
    if kind is pd.MultiIndex:
        return {
            "kind": "MultiIndex",
            "levels": [take_index(level) for level in index.levels],
            "codes": list(map(_plain_codes, index.codes)),
            "names": list(index.names),
            "sorted": index.sortorder,
        }
    if kind is not getattr(pd, kind.__name__, None):
        raise Declined(f"an index of {kind.__name__}")
    dated = kind in {pd.DatetimeIndex, pd.TimedeltaIndex}
    freq = frequency(index) if dated else None
    column = take_column(index)
    return {"kind": kind.__name__, "column": column, "name": index.name, "freq": freq}


def _plain_codes(codes: Any) -> Any:
    import numpy as np

    return np.asarray(codes)


def make_index(parts: dict[str, Any]) -> Any:
    """Put an index together."""
    import numpy as np
    import pandas as pd

    kind = parts["kind"]
    if kind == "RangeIndex":
        return pd.RangeIndex(parts["range"], name=parts["name"])
    if kind == "MultiIndex":
        return pd.MultiIndex(
            levels=[make_index(level) for level in parts["levels"]],
            codes=[array_of(codes, "i") for codes in parts["codes"]],
            names=parts["names"],
            sortorder=parts["sorted"],
            verify_integrity=True,
        )
    column = make_column(parts["column"])
    more = {"dtype": column.dtype} if kind == "Index" else {}
    if kind in {"DatetimeIndex", "TimedeltaIndex"}:
        more = {"freq": parts["freq"]}
    if kind not in _INDEXES:
        raise ValueError(f"there is no index of the kind {str(kind)[:40]!r}")
    if isinstance(column, np.ndarray) and column.ndim != 1:
        raise ValueError("an index has one dimension")
    made = getattr(pd, kind)(column, name=parts["name"], copy=False, **more)
    if type(made).__name__ != kind:
        raise ValueError(f"the parts make a {type(made).__name__}")
    return made


_INDEXES: Final = frozenset(
    f"{kind}Index" for kind in ("", "Datetime", "Timedelta", "Period", "Interval", "Categorical")
)
