"""scipy's sparse arrays and matrices, in every format, as the arrays they are made of.

Law: data, indices and their widths come back as they are, duplicates and order of indices
included; what scipy remembers about them (sorted, canonical) it finds out again. Indices are
checked against the shape when a value is opened, because scipy's compiled code trusts them.

Formats csr, csc, bsr, coo, dia are mapped; lil and dok, which are made of Python objects, are
rebuilt. Subclasses and values with attributes of their own are declined.
"""

from __future__ import annotations

from typing import Any, Final

from dumbo.storage.codecs.parts import Declined, PartsCodec, Taken

_ARRAYS: Final = {
    "csr": ("data", "indices", "indptr"),
    "csc": ("data", "indices", "indptr"),
    "bsr": ("data", "indices", "indptr"),
    "dia": ("data", "offsets"),
}
_OWN: Final = frozenset(
    {
        "_shape",
        "data",
        "indices",
        "indptr",
        "offsets",
        "coords",
        "rows",
        "_dict",
        "dtype",
        "maxprint",
    }
    | {"_has_sorted_indices", "_has_canonical_format", "has_canonical_format", "_maxprint"}
)


class SparseCodec(PartsCodec):
    """Sparse arrays."""

    name = "sparse/1"

    def take(self, value: Any) -> Taken:
        """Take by format."""
        kind, name = type(value).__name__, str(value.format)
        if type(value) is not _classes().get(kind) or set(vars(value)) - _OWN:
            raise Declined("a subclass, or one with attributes of its own")
        shape = [int(n) for n in value.shape]
        parts = {"class": kind, "shape": shape, **_taken(value, name)}
        facts = {"shape": shape, "dtype": str(value.dtype), "ndim": len(shape)}
        return Taken(parts, facts, lazy=name in _ARRAYS or name == "coo")

    def make(self, parts: dict[str, Any]) -> object:
        """Put together by format."""
        cls = _classes()[parts["class"]]
        shape = tuple(parts["shape"])
        if not all(type(n) is int and n >= 0 for n in shape):
            raise ValueError(f"no sparse array has the shape {str(shape)[:80]}")
        name = parts["class"].partition("_")[0]
        if name in _ARRAYS:
            return _made_compressed(cls, shape, name, parts)
        made = {"coo": _made_coo, "lil": _made_lil, "dok": _made_dok}[name]
        return made(cls, shape, parts)


def _classes() -> dict[str, Any]:
    import scipy.sparse as sp

    return {
        f"{name}_{kind}": getattr(sp, f"{name}_{kind}")
        for name in ("csr", "csc", "bsr", "coo", "dia", "lil", "dok")
        for kind in ("array", "matrix")
    }


def _taken(value: Any, name: str) -> dict[str, Any]:
    import numpy as np

    if name in _ARRAYS:
        return {part: getattr(value, part) for part in _ARRAYS[name]}
    if name == "coo":
        tidy = bool(value.has_canonical_format)
        return {"data": value.data, "coords": list(value.coords), "tidy": tidy}
    if name == "lil":
        counts = np.array([len(row) for row in value.rows], "i8")
        rows = [place for row in value.rows for place in row]
        items = [item for row in value.data for item in row]
        if {len(row) for row in value.data} and list(map(len, value.data)) != counts.tolist():
            raise Declined("rows and data of a lil array disagree")
        return {"counts": counts, "places": rows, "items": items, "dtype": value.dtype}
    keys = list(value.keys())
    return {"places": keys, "items": list(value.values()), "dtype": value.dtype}


def _check_arrays(arrays: list[Any]) -> None:
    import numpy as np

    if not all(type(array) is np.ndarray and array.dtype.kind in "biufc" for array in arrays):
        raise TypeError("the parts of a sparse array are no arrays of numbers")


def _check_indices(*indices: Any) -> None:
    if not all(array.dtype.kind == "i" and array.dtype.itemsize in {4, 8} for array in indices):
        raise TypeError("indices of a sparse array are no integers")


def _made_compressed(cls: Any, shape: tuple[int, ...], name: str, parts: dict[str, Any]) -> object:
    arrays = [parts[part] for part in _ARRAYS[name]]
    _check_arrays(arrays)
    data, *indices = arrays
    _check_indices(*indices)
    if name == "dia":
        made = cls((0, 0), dtype=data.dtype) if len(shape) == 2 else cls((0,), dtype=data.dtype)
        made.data, made.offsets = data, indices[0]
        if (
            data.ndim != 2
            or indices[0].shape != (len(data),)
            or len(set(indices[0].tolist())) != len(data)
        ):
            raise ValueError("diagonals and offsets disagree")
        made._shape = shape  # noqa: SLF001 - the constructor would convert the offsets
        return made
    blocks = {"blocksize": data.shape[1:]} if name == "bsr" else {}
    if name == "bsr" and (data.ndim != 3 or len(shape) != 2 or not all(data.shape[1:])):
        raise ValueError("blocks of a bsr array are three-dimensional")
    # An empty one first: the constructor would narrow the indices.
    made = cls(_smallest(shape, blocks), dtype=data.dtype, **blocks)
    made.data, made.indices, made.indptr = data, indices[0], indices[1]
    made._shape = shape  # the constructor would make its indices at once
    _check_compressed(data, indices[0], indices[1], _in_blocks(shape, name, data))
    return made


def _in_blocks(shape: tuple[int, ...], name: str, data: Any) -> tuple[int, int]:
    """Number of compressed rows, and of places in each."""
    if len(shape) == 1:
        return 1, shape[0]
    rows, columns = shape if name != "csc" else shape[::-1]
    if name != "bsr":
        return rows, columns
    if rows % data.shape[1] or columns % data.shape[2]:
        raise ValueError("the blocks do not fill the array")
    return rows // data.shape[1], columns // data.shape[2]


def _check_compressed(data: Any, indices: Any, indptr: Any, extents: tuple[int, int]) -> None:
    """Check what scipy's own check does, which copies data that are mapped."""
    rows, columns = extents
    if indices.ndim != 1 or indptr.shape != (rows + 1,) or len(indices) != len(data):
        raise ValueError("indices and data disagree")
    if int(indptr[0]) != 0 or int(indptr[-1]) > len(indices) or (indptr[:-1] > indptr[1:]).any():
        raise ValueError("the rows of a sparse array are out of order")
    if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < columns:
        raise ValueError("an index lies outside the array")


def _smallest(shape: tuple[int, ...], blocks: dict[str, tuple[int, int]]) -> tuple[int, ...]:
    return blocks.get("blocksize") or (0,) * len(shape)


def _made_coo(cls: Any, shape: tuple[int, ...], parts: dict[str, Any]) -> object:
    data, coords = parts["data"], parts["coords"]
    _check_arrays([data, *coords])
    _check_indices(*coords)
    if len(coords) != len(shape) or any(
        axis.shape != data.shape or axis.ndim != 1 for axis in coords
    ):
        raise ValueError("coordinates and data disagree")
    for axis, extent in zip(coords, shape, strict=True):
        if len(axis) and not 0 <= int(axis.min()) <= int(axis.max()) < extent:
            raise ValueError("a coordinate lies outside the array")
    made = cls((1,) * len(shape), dtype=data.dtype)
    made.data, made.coords = data, tuple(coords)
    made._shape = shape  # the constructor would narrow the coordinates
    made.has_canonical_format = parts["tidy"] is True
    return made


def _made_lil(cls: Any, shape: tuple[int, ...], parts: dict[str, Any]) -> object:
    import numpy as np

    counts, places, items = parts["counts"], parts["places"], parts["items"]
    _check_arrays([counts])
    rows, columns = shape
    if counts.shape != (rows,) or int(counts.sum()) != len(places) or len(places) != len(items):
        raise ValueError("rows of a lil array disagree")
    if not all(type(place) is int and 0 <= place < columns for place in places):
        raise ValueError("a place lies outside the array")
    made = cls((0, 0), dtype=parts["dtype"])
    made.rows, made.data = np.empty(rows, object), np.empty(rows, object)
    made._shape = shape  # as checked above
    start = 0
    for row, count in enumerate(counts.tolist()):
        if count < 0:
            raise ValueError("a row of fewer than no items")
        made.rows[row], made.data[row] = places[start : start + count], items[start : start + count]
        start += count
    return made


def _made_dok(cls: Any, shape: tuple[int, ...], parts: dict[str, Any]) -> object:
    made = cls(shape, dtype=parts["dtype"])
    places, items = parts["places"], parts["items"]
    for place in places:
        spread = place if type(place) is tuple else (place,)
        inside = len(spread) == len(shape) and all(
            0 <= at < extent for at, extent in zip(spread, shape, strict=True)
        )
        if not inside:
            raise ValueError("a place lies outside the array")
    made._dict.update(zip(places, items, strict=True))  # item by item drops zeros
    return made
