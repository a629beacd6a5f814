"""scipy: sparse arrays and matrices.

Law: a sparse array is its format, shape and entries; duplicates are summed and indices sorted
first, on a copy, and the width of the index type does not enter.
"""

from __future__ import annotations

from typing import Any, Final

from dumbo.identity.arrays import parts_of_blocks
from dumbo.identity.function_id import type_id
from dumbo.identity.parts import Parts
from dumbo.identity.values import register_value

_COMPRESSED: Final = ("csr", "csc")
_AT_ONCE: Final = 1 << 18


def _sparse(value: Any) -> Parts:
    if value.format in _COMPRESSED:
        whole = value
        if not whole.has_canonical_format:
            whole = value.copy()
            whole.sum_duplicates()
        parts = [_wide(whole.indptr), _wide(whole.indices), whole.data]
    else:
        whole = value.tocoo()
        if not whole.has_canonical_format:
            whole = value.tocoo(copy=True)
            whole.sum_duplicates()
        parts = [*map(_wide, whole.coords), whole.data]
    tag = type_id(type(value))
    return Parts(tag, [tuple(map(int, value.shape)), *parts])


def _wide(index: Any) -> Any:
    import numpy as np

    pieces = (index[at : at + _AT_ONCE] for at in range(0, len(index), _AT_ONCE))
    wide = (piece.astype("<i8", copy=False) for piece in pieces)
    return parts_of_blocks(np.dtype("<i8"), index.shape, wide)


for _name in ("scipy.sparse._base:_spbase", "scipy.sparse:_spbase"):
    register_value(_name, _sparse)
