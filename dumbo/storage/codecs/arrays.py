"""numpy arrays and scalars: bits, byte order, axis order; lazily, as read-only maps.

Law: dtype, shape and order live in the row; the bytes are the array's own, in the order they
have in memory, so that nothing is converted and an opened array is a map of its file.

Accepted are exact ``numpy.ndarray`` (and ``numpy.memmap``, which comes back as an ndarray) of any
dtype that `dtypes.describe` can give exactly, and numpy's numeric and datetime scalars. Other
subclasses, object and variable-width text arrays are declined.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import xxhash

from dumbo.errors import ValueLostError
from dumbo.records import Stored
from dumbo.storage.array_files import is_compressed, map_array, publish_array
from dumbo.storage.base import INLINE_BYTES, Keeper, Keeps
from dumbo.storage.codecs.blocks import (
    blocks_of,
    checked_axes,
    checked_shape,
    in_memory_order,
    inverse,
    raw_bytes,
    sample_of,
    shard_of,
)
from dumbo.storage.codecs.dtypes import describe, restore, storage_type
from dumbo.storage.handles import ArrayHandle, ChunkedArray, MappedArray
from dumbo.storage.zarr_shard import ArrayLayout

if TYPE_CHECKING:
    from dumbo.storage.codecs.blocks import Array
    from dumbo.storage.codecs.dtypes import AnyDType


class ArrayCodec:
    """Exact arrays."""

    name = "array/1"
    keeps = frozenset({Keeps.BITS, Keeps.LAZY, Keeps.NO_CODE})

    def accepts(self, value: object) -> bool:
        """Whether dtype and class come back exactly."""
        import numpy as np

        return type(value) in {np.ndarray, np.memmap} and _texts(value.dtype)[0] is not None  # type: ignore[attr-defined] # one of the two, by the line's first half

    def store(self, value: Any, into: Keeper) -> Stored:
        """Put the bytes into the row, or publish them as a zarr array."""
        import numpy as np

        array = np.asarray(value)
        turned, axes = in_memory_order(array)
        meta = array_meta(array.dtype, array.shape, axes)
        if array.nbytes <= INLINE_BYTES:
            inline = turned.tobytes()
            digest = _digest(array, axes, xxhash.xxh3_128_digest(inline), into)
            return Stored(self.name, meta, len(inline), digest, inline)
        layout = layout_of(array.dtype, turned.shape, axes)
        published = publish_array(
            into.objects, blocks_of(turned), layout, lambda: sample_of(turned)
        )
        digest = _digest(array, axes, published.content, into)
        facts = {**meta, **published.facts}
        return Stored(self.name, facts, array.nbytes, digest, None, published.name)

    def load(self, stored: Stored, source: Keeper) -> object:
        """Map the bytes, or decode them; the array cannot be written."""
        facts = ArrayFacts.of(stored)
        if stored.object:
            return facts.array(raw_bytes(stored, facts.layout, source, "r"))
        return facts.array(source.fetch(stored))

    def handle(self, stored: Stored, source: Keeper) -> ArrayHandle:
        """Open an array that is an object, reading none of its data."""
        facts = ArrayFacts.of(stored)
        layout = facts.layout
        if not is_compressed(stored.meta):
            mapped, offset = map_array(source.objects, stored.object, stored.meta, layout)
            return MappedArray(mapped, facts.array(mapped.array(offset, layout.nbytes)))
        shard = shard_of(stored, layout, source)
        rows = replace(layout, compressed=True).inner_shape[0]
        return ChunkedArray(
            facts.shape,
            facts.dtype,
            axis=facts.axes[0] if facts.axes else 0,
            rows=rows,
            read=lambda number: facts.array(shard.chunk(number), rows),
            whole=lambda: facts.array(shard.whole()),
        )

    def objects_of(self, stored: Stored) -> tuple[str, ...]:
        """Name the one object, if there is one."""
        return (stored.object,) if stored.object else ()


@dataclass(frozen=True, slots=True)
class ArrayFacts:
    """What a row says of an array, checked.

    Attributes
    ----------
    dtype : numpy.dtype
    shape : tuple of int
    axes : tuple of int
        The axes in stored order; empty where that is their own.
    turned : tuple of int
        The extents in stored order.
    """

    dtype: AnyDType
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    turned: tuple[int, ...]

    @classmethod
    def of(cls, stored: Stored) -> ArrayFacts:
        """Read them; raises `ValueLostError` where they cannot be."""
        dtype = _restored(stored.meta.get("format"))
        shape = checked_shape(stored.meta.get("shape"), dtype.itemsize, stored.nbytes)
        axes = checked_axes(stored.meta.get("axes"), len(shape))
        return cls(dtype, shape, axes, tuple(shape[axis] for axis in axes) if axes else shape)

    @property
    def layout(self) -> ArrayLayout:
        """How the bytes lie in an object."""
        return layout_of(self.dtype, self.turned, self.axes)

    def array(self, buffer: Any, rows: int | None = None) -> Array:
        """Give stored bytes, all or those of some rows of the slowest axis, as an array."""
        import numpy as np

        extents = self.turned if rows is None else (rows, *self.turned[1:])
        array: Array = np.ndarray(extents, self.dtype, buffer=buffer)
        return array.transpose(inverse(self.axes)) if self.axes else array


class NumpyScalarCodec:
    """numpy's scalars, as the arrays without dimensions that they are.

    Text and bytes are kept as such: an array drops zeros at their end.
    """

    name = "numpy-scalar/1"
    keeps = frozenset({Keeps.BITS, Keeps.NO_CODE})

    def accepts(self, value: Any) -> bool:
        """Whether this scalar type is exactly its dtype's own."""
        import numpy as np

        if type(value) in {np.str_, np.bytes_}:
            return True
        if not isinstance(value, np.generic) or value.dtype.kind not in "biufcmMV":
            return False
        array: Array = np.asarray(value)
        plain = array.dtype.fields is None and array.dtype.type is not np.void
        back: Any = array[()]
        return plain and type(back) is type(value) and describe(array.dtype) is not None

    def store(self, value: Any, into: Keeper) -> Stored:
        """Put the bytes into the row."""
        import numpy as np

        if isinstance(value, str | bytes):
            return self._store_text(value, into)
        array = np.asarray(value)
        meta = array_meta(array.dtype, (), (), type_name=f"numpy:{type(value).__name__}")
        inline = b"".join(blocks_of(array))
        return Stored(self.name, meta, len(inline), into.digest(value), inline)

    def _store_text(self, value: str | bytes, into: Keeper) -> Stored:
        raw = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        meta = {"type": f"numpy:{type(value).__name__}", "len": len(value)}
        return into.keep(self.name, meta, (raw,), into.digest(value))

    def load(self, stored: Stored, source: Keeper) -> object:
        """Rebuild the scalar."""
        import numpy as np

        inline = source.fetch(stored)
        if stored.meta.get("type") == "numpy:bytes_":
            return np.bytes_(inline)
        if stored.meta.get("type") == "numpy:str_":
            return np.str_(text_from(inline))
        dtype = restore(stored.meta.get("format"))
        checked_shape(stored.meta.get("shape"), dtype.itemsize, len(inline))
        return np.ndarray((), dtype, buffer=inline)[()]

    def objects_of(self, stored: Stored) -> tuple[str, ...]:
        """Name the one object, if there is one: text can be long."""
        return (stored.object,) if stored.object else ()


def text_from(raw: bytes) -> str:
    """Decode text, lone surrogates included; raises `ValueLostError` if it is none."""
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise ValueLostError(
            f"a numpy text cannot be read: its bytes are none ({error}); recompute the value or "
            "restore the catalog"
        ) from error


def _digest(array: Array, axes: tuple[int, ...], content: bytes, into: Keeper) -> str:
    """Content digest of an array whose stored bytes have the hash `content`."""
    # Here, not above: opening an array must not wait for what only storing one needs.
    from dumbo.identity.arrays import array_digest, dtype_text, has_valueless_bytes

    if axes or has_valueless_bytes(array.dtype):
        return into.digest(array)  # what was written is not what is compared
    return array_digest(dtype_text(array.dtype), array.shape, content)


_NUMBERS: Final = frozenset("?bBhHiIlLqQefdFD")


def _texts(dtype: AnyDType) -> tuple[object, str]:
    """How a row describes a dtype, and how people do; of plain numbers known by heart."""
    # Other libraries use the same letters: the "e" and "L" of ml_dtypes are of one byte.
    if dtype.isbuiltin == 1 and dtype.char in _NUMBERS and dtype.metadata is None:
        return _number_texts(dtype.char)
    return describe(dtype), str(dtype)


@functools.cache
def _number_texts(char: str) -> tuple[object, str]:
    import numpy as np

    dtype = np.dtype(char)
    return describe(dtype), str(dtype)


def _restored(description: object) -> AnyDType:
    return _restored_text(description) if isinstance(description, str) else restore(description)


_restored_text = functools.lru_cache(256)(restore)


def array_meta(
    dtype: AnyDType, shape: tuple[int, ...], axes: tuple[int, ...], type_name: str = "numpy:ndarray"
) -> dict[str, object]:
    """Facts that answer for an array without its bytes."""
    description, text = _texts(dtype)
    meta: dict[str, object] = {
        "type": type_name,
        "shape": list(shape),
        "dtype": text,
        "ndim": len(shape),
        "format": description,
    }
    if shape:
        meta["len"] = shape[0]
    if axes:
        meta["axes"] = list(axes)
    return meta


def layout_of(dtype: AnyDType, turned: tuple[int, ...], axes: tuple[int, ...]) -> ArrayLayout:
    """Lay an array out as zarr: what zarr cannot name is bytes along one more axis."""
    data_type, items = storage_type(dtype)
    if items == 1:
        shape = turned
    else:
        shape, axes = (*turned, items), (*axes, len(turned)) if axes else ()
    return ArrayLayout(
        shape,
        data_type,
        dtype.itemsize // items,
        big_endian=dtype.str.startswith(">") and dtype.kind != "U",
        axes=axes,
        attributes={} if str(dtype) == data_type else {"dtype": str(dtype)},
    )
