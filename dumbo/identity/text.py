"""Short texts of values, for the call in ``train(lr=0.1, seed=0)``.

Law: bounded in time and length, and harmless: no ``__repr__`` of a type dumbo does not know is
called, no lazy carrier is opened, nothing raises.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Final

from dumbo.identity.carriers import carrier_cid, decorated_id

WIDTH: Final = 60
_MAX_ITEMS: Final = 8
_MAX_DEPTH: Final = 3
_BRACKETS: Final[dict[type, str]] = {list: "[]", tuple: "()", set: "{}", frozenset: "{}"}
_SHAPED: Final = frozenset(
    {"numpy:ndarray", "torch:Tensor", "pandas:DataFrame", "pandas:Series",
     "pandas.core.frame:DataFrame", "pandas.core.series:Series", "polars.dataframe.frame:DataFrame",
     "polars.series.series:Series", "scipy.sparse._base:_spbase"}
)  # fmt: skip
_SAFE_REPR: Final = frozenset(
    {"datetime:date", "datetime:datetime", "datetime:time", "datetime:timedelta", "decimal:Decimal",
     "fractions:Fraction", "uuid:UUID", "builtins:range"}
)  # fmt: skip


def short(value: Any, depth: int = 0) -> str:
    """Text of a value, at most 60 characters.

    Examples
    --------
    >>> import numpy as np
    >>> short(np.zeros((3, 4), "f4")), short([1, "a"]), short("x" * 100)[-4:]
    ('ndarray(3, 4) float32', "[1, 'a']", 'xxx…')
    """
    text = _text(value, depth)
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def _text(value: Any, depth: int) -> str:
    kind = type(value)
    if kind in (bool, float, complex) or value is None or value is ...:
        return repr(value)
    if kind is int:
        return repr(value) if value.bit_length() < 256 else f"int of {value.bit_length()} bits"
    if kind is str or kind is bytes:
        return repr(value) if len(value) <= WIDTH else repr(value[:WIDTH])[:-1]
    if kind in _BRACKETS:
        return _container(value, _BRACKETS[kind], depth)
    if kind is dict:
        return _dict(value, depth)
    return _foreign(value, kind)


def _container(value: Iterable[Any], brackets: str, depth: int) -> str:
    items: list[str] = []
    for item in value:
        if len(items) == _MAX_ITEMS or depth >= _MAX_DEPTH:
            items.append("…")
            break
        items.append(short(item, depth + 1))
    comma = "," if brackets == "()" and len(items) == 1 else ""
    return f"{brackets[0]}{', '.join(items)}{comma}{brackets[1]}"


def _dict(value: dict[Any, Any], depth: int) -> str:
    items: list[str] = []
    for key, item in value.items():
        if len(items) == _MAX_ITEMS or depth >= _MAX_DEPTH:
            items.append("…")
            break
        items.append(f"{short(key, depth + 1)}: {short(item, depth + 1)}")
    return "{" + ", ".join(items) + "}"


def _foreign(value: Any, kind: type) -> str:
    cid = carrier_cid(value)
    if cid is not None:
        return cid.short
    known = decorated_id(value)
    if known is not None:
        return known.qualname
    if kind in (FunctionType, BuiltinFunctionType) or issubclass(kind, type):
        return str(value.__qualname__)
    if kind is ModuleType:
        return str(value.__name__)
    for base in kind.__mro__:
        text = _by_name(value, kind, f"{base.__module__}:{base.__qualname__}")
        if text:
            return text
    return f"{kind.__name__}(…)"


def _by_name(value: Any, kind: type, name: str) -> str:
    if name in _SHAPED:
        shape = ", ".join(str(int(n)) for n in value.shape)
        dtype = str(getattr(value, "dtype", "")).removeprefix("torch.")
        return f"{kind.__name__}({shape}) {dtype}".rstrip()
    if name == "numpy:generic":
        return f"{kind.__name__}({value})"
    if name in _SAFE_REPR and name == f"{kind.__module__}:{kind.__qualname__}":
        return repr(value)
    if name in ("pathlib:PurePath", "pathlib._local:PurePath"):
        return repr(str(value))
    if name == "enum:Enum":
        return f"{kind.__name__}.{value._name_}"
    return ""
