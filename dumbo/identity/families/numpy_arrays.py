"""numpy: arrays, scalars, dtypes, random generators, ufuncs.

Law: an array is its dtype, shape and logical content; a memory map is the array it maps.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from dumbo.identity.arrays import array_parts, content_hash, dtype_text, remembered_hash
from dumbo.identity.function_id import type_id
from dumbo.identity.parts import Listed, OpaqueValue, Parts
from dumbo.identity.values import register_value

_PLAIN = {"numpy:ndarray", "numpy:memmap"}
_AT_ONCE = 4096


def _array(value: Any) -> Parts:
    own = type_id(type(value))
    parts = _content(value)
    if own in _PLAIN:
        return parts
    # A subclass may carry more (units, names) and behave otherwise: its state counts too.
    return Parts(own, [parts, vars(value) if type(value).__dictoffset__ else None], ["", ""])


def _content(value: Any) -> Parts:
    import numpy as np

    dtype = value.dtype
    if dtype.hasobject or dtype.kind == "T":
        plain = np.ndarray.view(value, np.ndarray)
        items = Listed(plain.size, lambda: _items(plain))
        return Parts("array", [dtype_text(dtype), value.shape, items], ["", "", ""])
    return array_parts(dtype_text(dtype), value.shape, remembered_hash(value))


def _items(plain: Any) -> Iterator[Any]:
    # The flat iterator of numpy cannot read text longer than 15 bytes out of a StringDType.
    flat = plain.reshape(-1) if plain.dtype.kind == "T" else plain.flat
    for start in range(0, plain.size, _AT_ONCE):
        yield from flat[start : start + _AT_ONCE].tolist()


def _mask(value: Any) -> Any:
    import numpy as np

    if np.ma.getmask(value) is not np.ma.nomask:
        return np.ma.getmaskarray(value)
    return np.broadcast_to(np.zeros((), np.ma.make_mask_descr(value.dtype)), value.shape)


def _masked(value: Any) -> Parts:
    import numpy as np

    parts = [
        _content(np.ma.getdata(value)),
        _content(_mask(value)),
        value.fill_value,
        value.hardmask,
    ]
    return Parts(type_id(type(value)), parts, ["", "", "", ""])


def _scalar(value: Any) -> Parts:
    import numpy as np

    dtype = value.dtype
    if dtype.char not in "gG" and dtype.kind in "biufcSU":
        return Parts("numpy scalar", [dtype_text(dtype), value.item()])
    if dtype.hasobject:
        return Parts("numpy scalar", [dtype_text(dtype), value.tolist()])
    return Parts("numpy scalar", [dtype_text(dtype), content_hash(np.asarray(value))])


def _dtype(value: Any) -> Parts:
    return Parts("numpy dtype", [dtype_text(value), dict(value.metadata or {})])


def _generator(value: Any) -> Parts:
    return Parts(type_id(type(value)), [value.bit_generator], [".bit_generator"])


def _bit_generator(value: Any) -> Parts:
    return Parts(type_id(type(value)), [value.state], [".state"])


def _random_state(value: Any) -> Parts:
    return Parts(type_id(type(value)), [value.get_state(legacy=False)], [".state"])


def _ufunc(value: Any) -> Parts:
    name = value.__name__
    for home in ("numpy", "scipy.special"):
        module = sys.modules.get(home)
        if module is not None and getattr(module, name, None) is value:
            return Parts("ufunc", [home, name])
    raise OpaqueValue(f"the ufunc {name!r} is not one of numpy's or scipy's by that name")


for _name, _tokenizer in {
    "numpy:ndarray": _array,
    "numpy.ma:MaskedArray": _masked,
    "numpy.ma.core:MaskedArray": _masked,
    "numpy:generic": _scalar,
    "numpy:dtype": _dtype,
    "numpy.random._generator:Generator": _generator,
    "numpy.random.bit_generator:BitGenerator": _bit_generator,
    "numpy.random.mtrand:RandomState": _random_state,
    "numpy:ufunc": _ufunc,
}.items():
    register_value(_name, _tokenizer)
