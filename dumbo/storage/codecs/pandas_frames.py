"""pandas' frames, series, indexes and scalars, without pickle: as the arrays of their columns.

Law: index, column labels, dtypes, names, frequencies, time zones, categories and their order,
``attrs`` and flags come back as they were; neighbouring columns of one dtype are one array, mapped
when the frame is opened. How pandas groups columns inside is not kept.

Exact classes only. Columns of objects are kept if the objects are text, None, NaN, numbers or
values of the standard table; other frames are left to pickle.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from dumbo.storage.codecs.pandas_columns import (
    array_of,
    make_column,
    make_index,
    period_frequency,
    take_column,
    take_index,
)
from dumbo.storage.codecs.parts import Declined, PartsCodec, Taken
from dumbo.storage.codecs.standard import describe, restore

_EAGER: Final = frozenset({"StringArray", "ArrowStringArray", "SparseArray"})


class PandasCodec(PartsCodec):
    """Values of pandas."""

    name = "pandas/1"

    def take(self, value: Any) -> Taken:
        """Take by class, the exact one."""
        import pandas as pd

        kind = type(value)
        if kind is pd.DataFrame:
            return _take_frame(value)
        if kind is pd.Series:
            return _take_series(value)
        if isinstance(value, pd.Index):
            index = take_index(value)
            facts = {"shape": list(value.shape), "len": len(value), "ndim": 1}
            lazy = _is_lazy(index.get("column"))
            return Taken({"kind": "index", "index": index}, facts, lazy)
        if kind in {pd.Timestamp, pd.Timedelta, pd.Period, pd.Interval}:
            return _take_scalar(value)
        raise Declined(f"pandas' {kind.__name__} is of no known class")

    def make(self, parts: dict[str, Any]) -> object:
        """Put together by kind."""
        return _MAKE[parts["kind"]](parts)


def _take_frame(frame: Any) -> Taken:
    groups = list(_groups(frame))
    parts = {
        "kind": "frame",
        "index": take_index(frame.index),
        "columns": take_index(frame.columns),
        "groups": groups,
        **_around(frame),
    }
    facts = {"shape": list(frame.shape), "len": len(frame), "ndim": 2}
    return Taken(parts, facts, lazy=all(_is_lazy(group) for group in groups))


def _groups(frame: Any) -> Iterator[dict[str, Any]]:
    """Iterate over runs of columns of one dtype, as arrays of two dimensions, and other columns."""
    import numpy as np

    dtypes = list(frame.dtypes)
    start = 0
    while start < len(dtypes):
        dtype, stop = dtypes[start], start + 1
        if isinstance(dtype, np.dtype) and dtype.kind != "O":
            while stop < len(dtypes) and dtypes[stop] == dtype:
                stop += 1
            yield {"kind": "numpy", "data": frame.iloc[:, start:stop].to_numpy()}
        else:
            yield take_column(frame.iloc[:, start])
        start = stop


def _take_series(series: Any) -> Taken:
    column = take_column(series)
    parts = {
        "kind": "series",
        "index": take_index(series.index),
        "column": column,
        "name": series.name,
        **_around(series),
    }
    facts = {
        "shape": list(series.shape),
        "len": len(series),
        "ndim": 1,
        "dtype": str(series.dtype),
    }
    return Taken(parts, facts, lazy=_is_lazy(column))


def _around(value: Any) -> dict[str, Any]:
    return {"attrs": dict(value.attrs), "duplicates": bool(value.flags.allows_duplicate_labels)}


def _is_lazy(column: dict[str, Any] | None) -> bool:
    if column is None:
        return True
    return (
        column["kind"] not in _EAGER and str(getattr(column.get("data"), "dtype", "")) != "object"
    )


def _take_scalar(value: Any) -> Taken:
    import pandas as pd

    name = type(value).__name__
    if type(value) is pd.Interval:
        parts = {"kind": name, "left": value.left, "right": value.right, "closed": value.closed}
    elif type(value) is pd.Period:
        parts = {"kind": name, "ordinal": int(value.ordinal), "freq": period_frequency(value)}
    else:
        zone = getattr(value, "tzinfo", None)
        parts = {
            "kind": name,
            "since": int(value.asm8.view("i8")),
            "unit": value.unit,
            "zone": None if zone is None else describe(zone),
            "fold": getattr(value, "fold", 0),
        }
        if zone is not None and parts["zone"] is None:
            raise Declined(f"the time zone {zone!r} is not of the standard library")
    return Taken(parts, lazy=False)


def _make_frame(parts: dict[str, Any]) -> Any:
    import pandas as pd

    index, columns = make_index(parts["index"]), make_index(parts["columns"])
    pieces = [_piece(group) for group in parts["groups"]]
    if any(len(piece) != len(index) for piece in pieces):
        raise ValueError("columns and index differ in length")
    if sum(piece.shape[1] for piece in pieces) != len(columns):
        raise ValueError("there are not as many columns as labels")
    if not pieces:
        frame = pd.DataFrame(index=index, columns=columns)
    else:
        frame = pieces[0] if len(pieces) == 1 else pd.concat(pieces, axis=1, **_no_copy())
        frame.index, frame.columns = index, columns
    return _dressed(frame, parts)


def _piece(group: dict[str, Any]) -> Any:
    import pandas as pd

    if group["kind"] == "numpy" and array_of(group["data"]).ndim == 2:
        return pd.DataFrame(group["data"], copy=False)
    column = make_column(group)
    return pd.DataFrame({0: pd.Series(column, dtype=column.dtype, copy=False)}, copy=False)


def _no_copy() -> dict[str, bool]:
    """From pandas 3 on nothing is copied before it is written, and the option is gone."""
    import pandas as pd

    return {} if int(pd.__version__.partition(".")[0]) >= 3 else {"copy": False}


def _make_series(parts: dict[str, Any]) -> Any:
    import pandas as pd

    column, index = make_column(parts["column"]), make_index(parts["index"])
    if len(column) != len(index):
        raise ValueError("values and index differ in length")
    made = pd.Series(column, index=index, dtype=column.dtype, name=parts["name"], copy=False)
    return _dressed(made, parts)


def _dressed(made: Any, parts: dict[str, Any]) -> Any:
    made.attrs.update(parts["attrs"])
    if parts["duplicates"] is not True:
        made.flags.allows_duplicate_labels = False
    return made


def _make_time(parts: dict[str, Any]) -> Any:
    import numpy as np
    import pandas as pd

    if parts["unit"] not in {"s", "ms", "us", "ns"}:
        raise ValueError("no such unit of time")
    if parts["kind"] == "Timedelta":
        return pd.Timedelta(np.timedelta64(parts["since"], parts["unit"])).as_unit(parts["unit"])
    made = pd.Timestamp(np.datetime64(parts["since"], parts["unit"])).as_unit(parts["unit"])
    if parts["zone"] is not None:
        made = made.tz_localize("UTC").tz_convert(restore(parts["zone"]))
    return made if made.fold == parts["fold"] else made.replace(fold=parts["fold"])


def _make_period(parts: dict[str, Any]) -> Any:
    import pandas as pd

    return pd.Period(ordinal=parts["ordinal"], freq=parts["freq"])


def _make_interval(parts: dict[str, Any]) -> Any:
    import pandas as pd

    return pd.Interval(parts["left"], parts["right"], parts["closed"])


_MAKE: Final = {
    "frame": _make_frame,
    "series": _make_series,
    "index": lambda parts: make_index(parts["index"]),
    "Timestamp": _make_time,
    "Timedelta": _make_time,
    "Period": _make_period,
    "Interval": _make_interval,
}
