"""numpy's other values: masked arrays, text of any width, objects, records, matrices, dtypes.

Law: kept is what an exact ndarray holds plus what makes the class: mask, fill value and hardness of
a mask, the class of a matrix, record array or structured scalar. Arrays come back read-only, as all
arrays do.

Arrays of objects are kept if every object is text, None, NaN, a number or a value of the standard
table; others are left to pickle, which keeps what their items share. Other subclasses are declined.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dumbo.storage.codecs.dtypes import describe, restore
from dumbo.storage.codecs.parts import Declined, PartsCodec, Taken
from dumbo.storage.codecs.survey import SMALL_TEXT, is_plain
from dumbo.storage.codecs.texts import pack_texts, unpack_texts

if TYPE_CHECKING:
    import numpy as np

    from dumbo.storage.codecs.blocks import Array


class NumpyPartsCodec(PartsCodec):
    """Values of numpy that are not exact arrays or plain scalars."""

    name = "numpy-parts/1"

    def take(self, value: Any) -> Taken:
        """Take by class, the exact one."""
        import numpy as np

        kind = type(value)
        if isinstance(value, np.dtype):
            return Taken({"kind": "dtype", "format": _described(value)}, lazy=False)
        if isinstance(value, np.generic):
            return _take_scalar(value)
        facts = _facts(value)
        if kind is np.ma.MaskedArray:
            return Taken(_take_masked(value), facts)
        if kind in {np.ndarray, np.memmap} and value.dtype.kind == "T":
            return Taken(_take_text(value), facts, lazy=False)
        if kind in {np.ndarray, np.memmap} and value.dtype.char == "O":
            return Taken(_take_objects(value), facts, lazy=False)
        if kind is np.matrix or kind is np.recarray or kind is np.ndarray:
            return Taken(_take_dressed(value), facts)
        raise Declined(f"numpy's {kind.__name__} is of no known class")

    def make(self, parts: dict[str, Any]) -> object:
        """Put together by kind."""
        import numpy as np

        kind = parts["kind"]
        if kind == "dtype":
            return restore(parts["format"])
        if kind == "text":
            return _made_text(parts)
        if kind == "objects":
            return _made_objects(parts)
        data = parts["data"]
        if type(data) is not np.ndarray:
            raise TypeError("the data are no array")
        if kind == "masked":
            return _made_masked(data, parts)
        if parts["record"]:
            data = data.view(_as_record(data.dtype))
        if kind == "scalar":
            (item,) = data.reshape(1)  # of no dimensions, so it has exactly one
            return item.copy()
        return data.view({"matrix": np.matrix, "recarray": np.recarray, "array": np.ndarray}[kind])


def _facts(value: Array) -> dict[str, object]:
    facts: dict[str, object] = {
        "shape": list(value.shape),
        "dtype": str(value.dtype),
        "ndim": value.ndim,
    }
    return facts | ({"len": value.shape[0]} if value.ndim else {})


def _described(dtype: np.dtype[Any]) -> object:
    description = describe(dtype)
    if description is None:
        raise Declined(f"the dtype {dtype} is kept by nobody exactly")
    return description


def _plain_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The structured dtype without the class of its items."""
    import numpy as np

    return np.dtype((np.void, dtype)) if dtype.type is np.record else dtype


def _as_record(dtype: np.dtype[Any]) -> np.dtype[Any]:
    import numpy as np

    return np.dtype((np.record, dtype))


def _take_scalar(value: Any) -> Taken:
    import numpy as np

    if type(value) not in {np.void, np.record}:
        raise Declined("only numpy's structured and raw scalars")
    data: Array = np.asarray(value)
    plain = _plain_dtype(data.dtype)
    _described(plain)
    record = type(value) is np.record
    if record and _as_record(plain) != data.dtype:
        raise Declined("a record of another kind")
    parts = {"kind": "scalar", "data": data.view(plain), "record": record}
    return Taken(parts, {"shape": [], "dtype": str(data.dtype), "ndim": 0}, lazy=False)


def _take_dressed(value: Any) -> dict[str, Any]:
    """A matrix or record array, or an exact array of records."""
    import numpy as np

    kinds = {np.matrix: "matrix", np.recarray: "recarray", np.ndarray: "array"}
    record = value.dtype.type is np.record
    state = getattr(value, "__dict__", {})
    if (type(value) is np.ndarray and not record) or {**state, "_getitem": False} != {
        "_getitem": False  # a flag that a matrix keeps while it is indexed
    }:
        raise Declined("an exact array of a dtype that is kept by nobody, or with attributes")
    data: Array = np.ndarray.view(value, np.ndarray)
    plain = _plain_dtype(value.dtype)
    _described(plain)
    if record and _as_record(plain) != value.dtype:
        raise Declined("a record of another kind")
    return {"kind": kinds[type(value)], "data": data.view(plain), "record": record}


def _take_masked(value: Any) -> dict[str, Any]:
    import numpy as np

    state = vars(value)
    if value.baseclass is not np.ndarray or state.get("_optinfo"):
        raise Declined("a masked array of another class, or with notes of its own")
    _described(value.dtype)
    fill = state.get("_fill_value")
    return {
        "kind": "masked",
        "data": np.ma.getdata(value),
        "mask": None if value.mask is np.ma.nomask else np.ma.getmask(value),
        "fill": None if fill is None else np.asarray(fill),
        "hard": bool(value.hardmask),
    }


def _made_masked(data: Array, parts: dict[str, Any]) -> object:
    import numpy as np

    mask: Any = parts["mask"]
    fill: Any = parts["fill"]
    if mask is not None:
        wanted = np.ma.make_mask_descr(data.dtype)
        if type(mask) is not np.ndarray or (mask.shape, mask.dtype) != (data.shape, wanted):
            raise ValueError("the mask is not one of this array")
    if fill is not None and (not isinstance(fill, np.ndarray) or fill.shape != ()):
        raise ValueError("the fill value is not one")
    filled_by: Any = None if fill is None else fill[()]
    return np.ma.MaskedArray(
        data,
        mask=np.ma.nomask if mask is None else mask,
        fill_value=filled_by,
        hard_mask=parts["hard"] is True,
        copy=False,
    )


def _take_text(value: Array) -> dict[str, Any]:
    dtype: Any = value.dtype
    if hasattr(dtype, "na_object") and isinstance(dtype.na_object, str):
        raise Declined("text that stands for missing text cannot be told from text")
    missing = _missing_of(dtype)
    packed = pack_texts(value.ravel().tolist())
    if packed is None:
        raise Declined("what stands for missing text is of no known kind")
    return {
        "kind": "text",
        "packed": packed,
        "missing": missing,
        "coerce": bool(dtype.coerce),
        **_order(value),
    }


def _missing_of(dtype: Any) -> dict[str, Any] | None:
    """What stands for missing text, packed; None if nothing does."""
    return pack_texts([dtype.na_object]) if hasattr(dtype, "na_object") else None


def _made_text(parts: dict[str, Any]) -> Array:
    import numpy as np

    more: dict[str, Any] = {}
    if parts["missing"] is not None:
        (more["na_object"],) = unpack_texts(parts["missing"])
    dtype = np.dtypes.StringDType(coerce=parts["coerce"] is True, **more)
    items = unpack_texts(parts["packed"])
    return _shaped(np.array(items, dtype), parts)


def _take_objects(value: Array) -> dict[str, Any]:
    items = value.ravel().tolist()
    packed = pack_texts(items)
    if packed is None and not all(map(_is_closed, items)):
        raise Declined("objects that may share parts with others")
    found = {"items": items} if packed is None else {"packed": packed}
    return {"kind": "objects", **found, **_order(value)}


def _is_closed(item: Any) -> bool:
    """Whether an object can share nothing with another; tuples may repeat such."""
    if type(item) in {str, bytes} and len(item) > SMALL_TEXT:
        return True
    return type(item) is not bytearray and is_plain(item)


def _made_objects(parts: dict[str, Any]) -> Array:
    import numpy as np

    items = parts["items"] if "items" in parts else unpack_texts(parts["packed"])
    if type(items) is not list:
        raise TypeError("the items are no list")
    array = np.empty(len(items), object)
    for place, item in enumerate(items):  # one by one: numpy would look into tuples
        array[place] = item
    return _shaped(array, parts)


def _order(value: Array) -> dict[str, Any]:
    fortran = value.flags.f_contiguous and not value.flags.c_contiguous
    return {"shape": list(value.shape), "fortran": fortran}


def _shaped(array: Array, parts: dict[str, Any]) -> Array:
    import numpy as np

    shape = tuple(parts["shape"])
    if not all(type(n) is int and n >= 0 for n in shape) or math.prod(shape) != array.size:
        raise ValueError(f"{array.size} items have not the shape {str(shape)[:80]}")
    array = array.reshape(shape)
    array = np.asfortranarray(array) if parts["fortran"] is True else array
    array.flags.writeable = False
    return array
