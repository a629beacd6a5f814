"""Everything else: pickle protocol 5, large buffers beside the stream, signed.

Law: not one byte of a pickle is interpreted before its signature was checked against the user's
key. Live handles (generators, iterators, files, locks, sockets, modules) are refused when stored.

The signature covers the stream and every buffer. Loaded buffers are private to the value (large
ones are copy-on-write maps of the object) and can be written, as those of the original could.
Values are compared by `digest`, never by their pickles, which differ between equal values.
"""

from __future__ import annotations

import contextlib
import io
import mmap
import pickle
import sys
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Any, Final

from dumbo.errors import UncacheableError, UntrustedValueError, ValueLostError
from dumbo.records import Stored
from dumbo.storage.base import INLINE_BYTES, Buffer, Keeper, Keeps
from dumbo.storage.keys import is_signed, sign

_ALIGNED: Final = 64
"""Buffers of an object start at multiples of this, so that arrays mapped from them are aligned."""


class Pickles(StrEnum):
    """Whether values that only pickle can keep are kept and opened."""

    SIGNED = "signed"  # kept, and opened if this user's key signed them
    NEVER = "never"


LIVE: Final[tuple[type, ...]] = (
    types.GeneratorType,
    types.CoroutineType,
    types.AsyncGeneratorType,
    types.ModuleType,
    types.FrameType,
    types.TracebackType,
    io.IOBase,
    threading.Thread,
    type(threading.Lock()),
    type(threading.RLock()),
)
_LIVE_ELSEWHERE: Final = (("socket", "socket"), ("mmap", "mmap"), ("sqlite3", "Connection"))


def is_live(value: object) -> bool:
    """Whether a value is a handle whose state lies outside it."""
    kind = type(value)
    if issubclass(kind, LIVE) or issubclass(kind, Iterator):
        return True
    return any(
        module in sys.modules and issubclass(kind, vars(sys.modules[module])[name])
        for module, name in _LIVE_ELSEWHERE
    )


def is_plan(value: object) -> bool:
    """Whether a value says what to compute, and has not done it."""
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(value, polars.LazyFrame)


class PickleCodec:
    """Any object that pickle takes."""

    name = "pickle/1"
    keeps: frozenset[Keeps] = frozenset()

    def __init__(self, pickles: Pickles = Pickles.SIGNED) -> None:
        self.pickles = pickles

    def accepts(self, value: object) -> bool:  # noqa: ARG002 - the table asks all codecs alike
        """Accept all: this codec stands last, and refuses by an error that says why."""
        return True

    def check_storable(self, value: object) -> None:
        """Refuse live handles, and everything where pickle is forbidden.

        Raises
        ------
        UncacheableError
        """
        if is_plan(value):
            raise UncacheableError(
                f"a result of type {type_name(value)} cannot be kept: it is a plan, whose sources "
                "may change before it runs; return .collect() instead"
            )
        if is_live(value):
            raise UncacheableError(
                f"a result of type {type_name(value)} cannot be kept: it is a live handle, used "
                "up by its first reader; return its content (list(...), .read()) instead"
            )
        if self.pickles is Pickles.NEVER:
            raise UncacheableError(
                f"a result of type {type_name(value)} cannot be kept: only pickle can keep it, "
                "and pickle is forbidden here (allow_pickle=False); return arrays, containers or "
                "plain values, or allow it"
            )

    def check_loadable(self, stored: Stored) -> None:
        """Refuse to open where pickle is forbidden.

        Raises
        ------
        UntrustedValueError
        """
        if self.pickles is Pickles.NEVER:
            raise UntrustedValueError(
                f"a value of type {stored.meta.get('type')} is pickled, and pickle is forbidden "
                "here (allow_pickle=False); recompute it, or allow pickle for this store"
            )

    def unpickled(self, stored: Stored, signed: bool, load: Callable[[], object]) -> object:
        """Run `load` if the signature was right.

        Raises
        ------
        UntrustedValueError
            It was not.
        ValueLostError
            The class of the value is gone or has another form.
        """
        if not signed:
            raise UntrustedValueError(
                f"a value of type {stored.meta.get('type')} is pickled and was not signed with "
                "your key, so loading it could run another's code; recompute it, or copy the key "
                "of the user who made the store and set DUMBO_KEY_DIR, or make the call again"
            )
        try:
            return load()
        except Exception as error:
            raise ValueLostError(
                f"a value of type {stored.meta.get('type')} cannot be rebuilt: {error!r}; was its "
                "class renamed or moved, or its library changed? recompute the value"
            ) from error

    def store(self, value: object, into: Keeper) -> Stored:
        """Pickle, sign, and put the parts into the row or one plain object."""
        self.check_storable(value)
        parts = _pickled(value)
        meta = {
            "type": type_name(value),
            **facts(value),
            "lengths": [len(part) for part in parts],
            "mac": sign(parts),
        }
        if sum(map(len, parts)) > INLINE_BYTES:
            meta["aligned"] = _ALIGNED
        return into.keep(self.name, meta, _laid_out(parts, meta.get("aligned")), into.digest(value))

    def load(self, stored: Stored, source: Keeper) -> object:
        """Check the signature, then unpickle."""
        self.check_loadable(stored)
        step = _ALIGNED if stored.meta.get("aligned") == _ALIGNED else 1
        stream, *buffers = _parts(_private(stored, source), stored.meta.get("lengths"), step)
        # Out of the map before it is checked: what is interpreted is what was signed.
        stream = memoryview(bytes(stream))
        signed = is_signed((stream, *buffers), stored.meta.get("mac"))
        return self.unpickled(stored, signed, lambda: pickle.loads(stream, buffers=buffers))

    def objects_of(self, stored: Stored) -> tuple[str, ...]:
        """Name the one object, if there is one."""
        return (stored.object,) if stored.object else ()


def uncacheable(value: object, error: Exception) -> UncacheableError:
    """Say that pickle does not take a value."""
    return UncacheableError(
        f"a result of type {type_name(value)} cannot be kept: pickle says {error!r}; define "
        "its class or function at module level, give it __getstate__, or use keep='never'"
    )


def _pickled(value: object) -> list[memoryview]:
    buffers: list[pickle.PickleBuffer] = []
    try:
        stream = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
        return [memoryview(stream), *(buffer.raw() for buffer in buffers)]
    except Exception as error:
        raise uncacheable(value, error) from error


def _laid_out(parts: Sequence[memoryview], aligned: object) -> list[Buffer]:
    """Put zeros behind the parts, so that each starts at a multiple of the alignment."""
    if aligned is None:
        return list(parts)
    return [piece for part in parts for piece in (part, bytes(-len(part) % _ALIGNED))]


def _private(stored: Stored, source: Keeper) -> memoryview:
    """Bytes that may be written without harm: a copy of the row's, a map of an object's."""
    if not stored.object:
        return memoryview(bytearray(source.fetch(stored)))
    path = source.objects.open_object(stored.object, stored.nbytes)
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))


def _parts(view: memoryview, lengths: object, step: int) -> list[memoryview]:
    if (
        not isinstance(lengths, list | tuple)
        or not lengths
        or not all(type(n) is int and n >= 0 for n in lengths)
        or sum(-(-n // step) * step for n in lengths) != len(view)
    ):
        raise ValueLostError(
            "a pickled value cannot be read: its row and its bytes disagree on their length; "
            "recompute the value or restore the catalog"
        )
    parts = []
    for length in lengths:
        parts.append(view[:length])
        view = view[-(-length // step) * step :]
    return parts


def type_name(value: object) -> str:
    """``module:qualname`` of a value's class."""
    return f"{type(value).__module__}:{type(value).__qualname__}"


_KNOWN: Final = frozenset(
    {"builtins", "collections", "numpy", "pandas", "polars", "scipy", "torch"}
)


def facts(value: Any) -> dict[str, object]:
    """Shape, dtype and length of a value whose library is known to answer them cheaply."""
    if type(value).__module__.partition(".")[0] not in _KNOWN:
        return {}
    found: dict[str, object] = {}
    # Asked of the type first: a frame answers for columns of these names.
    shape = value.shape if hasattr(type(value), "shape") else None
    if isinstance(shape, tuple) and all(isinstance(n, int) for n in shape):
        found |= {"shape": list(shape), "ndim": len(shape)}
    if hasattr(type(value), "dtype"):
        found["dtype"] = str(value.dtype)
    if hasattr(type(value), "__len__"):
        # Arrays without dimensions and sparse ones have the method and no length.
        with contextlib.suppress(TypeError):
            found["len"] = len(value)
    return found
