"""numpy dtypes as JSON, exactly or not at all.

Law: `describe` gives a description only if `restore` of it is the same dtype in every respect:
byte order, offsets, padding, titles, alignment flag, no metadata. What it declines goes elsewhere.

numpy is imported by whoever has an array at hand; here it is only ever looked up.
"""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from dumbo.errors import MissingLibraryError, ValueLostError

if TYPE_CHECKING:
    import numpy as np

    AnyDType: TypeAlias = np.dtype[Any]

_PLAIN: Final = re.compile(r"[<>|][biufcSUVmM]\d+(\[\d*[A-Za-z]+\])?")
_EXTRA: Final = re.compile(r"(bfloat16|float[468]_\w+|u?int[24])")
_EXTRA_MODULE: Final = "ml_dtypes"
_LONG: Final = "gG"
_FOREIGN: Final = 2


def describe(dtype: AnyDType) -> object:
    """Describe `dtype` as JSON, or return None if no description is exact.

    Examples
    --------
    >>> import numpy as np
    >>> describe(np.dtype(">f8"))
    '>f8'
    >>> describe(np.dtype(object)) is None
    True
    """
    description = _describe(dtype)
    if description is None or not _same(restore(description), dtype):
        return None
    return description


def _describe(dtype: AnyDType) -> object:
    if dtype.hasobject or dtype.metadata:
        return None
    if dtype.subdtype is not None:
        return _described("sub", _describe(dtype.subdtype[0]), list(dtype.subdtype[1]))
    if dtype.fields is not None:
        return _describe_fields(dtype)
    # Other libraries give their dtypes letters that numpy's own have too.
    foreign = dtype.isbuiltin == _FOREIGN
    if foreign or dtype.char not in _CHARS:
        name = str(dtype.name)
        return ["extra", name] if _EXTRA.fullmatch(name) else None
    if dtype.char in _LONG:
        return ["long", dtype.str, _mantissa()]
    return dtype.str if _PLAIN.fullmatch(dtype.str) else None


_CHARS: Final = frozenset("?bBhHiIlLqQefdgFDGSUVMm")


def _described(kind: str, part: object, *rest: object) -> object:
    return None if part is None else [kind, part, *rest]


def _describe_fields(dtype: AnyDType) -> object:
    fields: Any = dtype.fields
    entries = [fields[name] for name in dtype.names or ()]
    formats = [_describe(entry[0]) for entry in entries]
    if None in formats:
        return None
    # The arguments of numpy's own description of a structure.
    description: dict[str, object] = {
        "names": list(dtype.names or ()),
        "formats": formats,
        "offsets": [entry[1] for entry in entries],
        "itemsize": dtype.itemsize,
    }
    if any(len(entry) > 2 for entry in entries):
        description["titles"] = [entry[2] if len(entry) > 2 else None for entry in entries]
    return ["struct", description, dtype.isalignedstruct]


def restore(description: object) -> AnyDType:
    """Rebuild a dtype; the description is not trusted.

    Raises
    ------
    ValueLostError
        It describes nothing that can be, or a long double of another machine.
    MissingLibraryError
        The dtype belongs to ml_dtypes, which is absent.
    """
    try:
        return _restore(description)
    except (TypeError, ValueError, KeyError, IndexError, RecursionError) as error:
        raise ValueLostError(
            f"an array cannot be opened: its row gives the dtype {str(description)[:80]!r}, which "
            "is none; recompute the value or restore the catalog"
        ) from error


def _restore(description: object) -> AnyDType:
    import numpy as np

    if isinstance(description, str):
        if not _PLAIN.fullmatch(description):
            raise ValueError(description)
        return np.dtype(description)
    if not isinstance(description, list):
        raise TypeError(description)
    kind, *rest = description
    if kind == "struct":
        return _restore_fields(rest[0], rest[1] is True)
    if kind == "sub":
        return np.dtype((_restore(rest[0]), tuple(map(int, rest[1]))))
    if kind == "long":
        return _restore_long(rest[0], rest[1])
    return _restore_extra(str(rest[0]))


def _restore_fields(description: dict[str, Any], aligned: bool) -> AnyDType:
    import numpy as np

    parts: Any = {**description, "formats": [_restore(part) for part in description["formats"]]}
    dtype: AnyDType = np.dtype(parts, align=aligned)
    return dtype


def _restore_long(text: str, mantissa: int) -> AnyDType:
    import numpy as np

    dtype = np.dtype(text)
    if dtype.char not in _LONG or mantissa != _mantissa():
        raise ValueLostError(
            "an array of long doubles cannot be opened: it was written on a machine whose long "
            "double differs; open it there and store it as float64"
        )
    return dtype


def _restore_extra(name: str) -> AnyDType:
    import numpy as np

    if not _EXTRA.fullmatch(name):
        raise ValueError(name)
    try:
        ml_dtypes = importlib.import_module(_EXTRA_MODULE)
    except ImportError as error:
        raise MissingLibraryError(
            f"an array of {name} cannot be opened: its dtype comes from ml_dtypes, which is "
            "absent; pip install ml_dtypes"
        ) from error
    dtype: AnyDType = np.dtype(vars(ml_dtypes)[name])
    return dtype


def _mantissa() -> int:
    import numpy as np

    return int(np.finfo(np.longdouble).nmant)


def _same(a: AnyDType, b: AnyDType) -> bool:
    """Equality in every respect: numpy's own ignores the alignment flag and some titles."""
    if a != b or a.str != b.str or a.itemsize != b.itemsize or a.type is not b.type:
        return False
    if a.isalignedstruct != b.isalignedstruct or a.names != b.names:
        return False
    return a.names is None or dict(a.fields or {}) == dict(b.fields or {})


def storage_type(dtype: AnyDType) -> tuple[str, int]:
    """Name zarr's data type for the bits of one item, and how many of them make an item.

    Examples
    --------
    >>> import numpy as np
    >>> storage_type(np.dtype("f8")), storage_type(np.dtype("M8[D]")), storage_type(np.dtype("U3"))
    (('float64', 1), ('int64', 1), ('uint8', 12))
    """
    if dtype.kind in "biufc" and dtype.char in _CHARS and dtype.char not in _LONG:
        return dtype.name, 1
    if dtype.kind in "mM":
        return "int64", 1
    if _EXTRA.fullmatch(dtype.name) and dtype.itemsize in {1, 2, 4, 8}:
        return f"uint{8 * dtype.itemsize}", 1
    return "uint8", dtype.itemsize
