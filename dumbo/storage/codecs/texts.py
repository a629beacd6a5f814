"""Many texts as two arrays: UTF-8 bytes one after the other, and where each of them ends.

Law: what is missing keeps its kind (None, NaN, pandas.NA), text keeps lone surrogates; anything
else among the items and the packing is declined. numpy is imported by whoever has an array.
"""

from __future__ import annotations

import itertools
import math
import struct
import sys
from collections.abc import Sequence
from typing import Any, Final

_TEXT, _NONE, _NAN, _NA = range(4)
_QUIET_NAN: Final = struct.pack("<d", math.nan)


def pack_texts(items: Sequence[Any]) -> dict[str, Any] | None:
    """Pack texts and missing values into arrays, or return None if there is anything else.

    Examples
    --------
    >>> unpack_texts(pack_texts(["a", None, "bc"]))
    ['a', None, 'bc']
    """
    import numpy as np

    kinds = bytearray()
    texts: list[bytes] = []
    for item in items:
        kind = _TEXT if type(item) is str else _kind_of_missing(item)
        if kind is None:
            return None
        kinds.append(kind)
        texts.append(item.encode("utf-8", "surrogatepass") if kind == _TEXT else b"")
    ends = np.cumsum(np.fromiter(map(len, texts), "<i8", len(texts)), dtype="<i8")
    return {
        "ends": ends,
        "bytes": np.frombuffer(b"".join(texts), "u1"),
        "kinds": np.frombuffer(bytes(kinds), "u1") if any(kinds) else None,
    }


def _kind_of_missing(item: Any) -> int | None:
    if item is None:
        return _NONE
    if type(item) is float and struct.pack("<d", item) == _QUIET_NAN:
        return _NAN
    pandas = sys.modules.get("pandas")
    return _NA if pandas is not None and item is vars(pandas).get("NA") else None


def unpack_texts(packed: Any) -> list[Any]:
    """Undo `pack_texts`; the arrays are not trusted.

    Raises
    ------
    ValueError
        They do not fit each other.
    """
    import numpy as np

    ends, raw, kinds = packed["ends"], packed["bytes"], packed["kinds"]
    given = [(ends, "<i8"), (raw, "u1"), *([] if kinds is None else [(kinds, "u1")])]
    for array, dtype in given:
        if type(array) is not np.ndarray or array.dtype != dtype or array.ndim != 1:
            raise ValueError("packed text is made of other arrays")
    bounds = [0, *ends.tolist()]
    if any(a > b for a, b in itertools.pairwise(bounds)) or bounds[-1] != len(raw):
        raise ValueError("the ends of packed text are out of order")
    data = raw.tobytes()
    texts: list[Any] = [
        data[a:b].decode("utf-8", "surrogatepass") for a, b in itertools.pairwise(bounds)
    ]
    if kinds is not None:
        if len(kinds) != len(texts):
            raise ValueError("packed text has other gaps than texts")
        for place in np.flatnonzero(kinds).tolist():
            texts[place] = _missing(int(kinds[place]))
    return texts


def _missing(kind: int) -> Any:
    if kind == _NONE:
        return None
    if kind == _NAN:
        import numpy as np

        return np.nan
    if kind == _NA:
        import pandas as pd

        return pd.NA
    raise ValueError(f"there is no gap of kind {kind}")
