"""Content digests of arrays and tensors, shared with whoever streams their bytes elsewhere.

Law: the digest of an array is a function of dtype, shape and the xxh3_128 of its logical C-order
bytes; strides, order and owner do not enter. What lies in one piece is read in place; any other is
copied piece by piece. Storage, which sees the same bytes while writing, gets the same digest from
`array_digest`.

Two kinds of bytes carry no value and are left out: padding between the fields of a structured
dtype, and the unused bytes of a long double.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from weakref import ref

from xxhash import xxh3_128

from dumbo.identity.canonical import digest
from dumbo.identity.copying import blocks_of
from dumbo.identity.parts import Parts

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
    DType: TypeAlias = np.dtype[Any]

_MEMORIZE_ABOVE: Final = 4096
_frozen: dict[int, tuple[ref[Any], bytes, bytes]] = {}
_PIECE: Final = 256
_PIECES: Final = 64


def array_parts(dtype: str, shape: tuple[int, ...], content: bytes) -> Parts:
    """Parts of an array whose content is already hashed."""
    return Parts("array", [dtype, tuple(shape), content])


def array_digest(dtype_text: str, shape: tuple[int, ...], content: bytes) -> str:
    """Digest of an array from its `dtype_text`, shape and the xxh3_128 of its C-order bytes.

    Parameters
    ----------
    dtype_text : str
        As `dtype_text` gives it.
    shape : tuple of int
    content : bytes
        16 bytes: big-endian xxh3_128 (``.digest()``) of the logical C-order bytes.

    Examples
    --------
    >>> import numpy as np
    >>> from dumbo.identity import digest
    >>> a = np.arange(6.0).reshape(2, 3)
    >>> array_digest("<f8", (2, 3), xxh3_128(a.tobytes()).digest()) == digest(a)
    True
    """
    return digest(array_parts(dtype_text, shape, content))


def tensor_parts(
    dtype: str, shape: tuple[int, ...], device: str, content: bytes, *, requires_grad: bool
) -> Parts:
    """Parts of a tensor whose content is already hashed."""
    grad = ("requires_grad",) if requires_grad else ()
    return Parts("tensor", [dtype, tuple(shape), device, content, *grad])


def tensor_digest(
    dtype_text: str,
    shape: tuple[int, ...],
    device_type: str,
    content: bytes,
    *,
    requires_grad: bool = False,
) -> str:
    """Digest of a dense tensor from ``str(dtype)``, shape, device type and content hash.

    Examples
    --------
    >>> len(tensor_digest("torch.float32", (0,), "cpu", xxh3_128(b"").digest()))
    40
    """
    return digest(
        tensor_parts(dtype_text, shape, device_type, content, requires_grad=requires_grad)
    )


def dtype_text(dtype: DType) -> str:
    """Canonical text of a dtype: byte order, sizes, field names, offsets and titles.

    Examples
    --------
    >>> import numpy as np
    >>> dtype_text(np.dtype("f8")), dtype_text(np.dtype([("x", ">i2"), ("y", "f4", (3,))]))
    ('<f8', '{x@0:>i2,y@2:(3,)<f4;14}')
    """
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return f"{shape}{dtype_text(base)}"
    if dtype.fields is None:
        own = dtype.type.__module__ == "numpy"
        return dtype.str if own else f"{dtype.type.__module__}:{dtype.name}"
    fields = ",".join(_field_text(name, *dtype.fields[name]) for name in dtype.names or ())
    return f"{{{fields};{dtype.itemsize}}}"


def _field_text(name: str, dtype: DType, offset: int, title: object = None) -> str:
    shown = repr(name) if set(name) & set("@:,;{}'\\") else name
    return f"{shown}@{offset}:{dtype_text(dtype)}" + (f"!{title!r}" if title is not None else "")


def content_hash(array: Array) -> bytes:
    """xxh3_128 of the logical C-order bytes of an array without object items.

    Needs at most 17 MiB beside the array, whatever its layout.

    Examples
    --------
    >>> import numpy as np
    >>> a = np.arange(12).reshape(3, 4)
    >>> content_hash(a) == content_hash(np.asfortranarray(a)) == xxh3_128(a.tobytes()).digest()
    True
    """
    state = xxh3_128()
    for leaf in _leaves(array):
        for block in blocks_of(leaf):
            state.update(block)
    return bytes(state.digest())


def parts_of_blocks(dtype: DType, shape: tuple[int, ...], blocks: Iterable[Array]) -> Parts:
    """Parts of the array that `blocks` are, one after the other; each is let go of before the next.

    Examples
    --------
    >>> import numpy as np
    >>> whole = np.arange(6)
    >>> parts_of_blocks(whole.dtype, (6,), [whole[:4], whole[4:]]) == array_parts(
    ...     dtype_text(whole.dtype), (6,), content_hash(whole)
    ... )
    True
    """
    state = xxh3_128()
    for block in blocks:
        for piece in blocks_of(block):
            state.update(piece)
    return array_parts(dtype_text(dtype), shape, state.digest())


def has_valueless_bytes(dtype: DType) -> bool:
    """Whether items hold bytes without value, so that the raw bytes are not what is hashed."""
    if dtype.subdtype is not None:
        return has_valueless_bytes(dtype.subdtype[0])
    if dtype.fields is None:
        # 2: another library's dtype, which may have one of these letters for something else.
        return dtype.char in "gG" and dtype.isbuiltin != 2
    inner = [dtype.fields[name][:2] for name in dtype.names or ()]
    reached = 0
    for field, offset in sorted(inner, key=lambda each: each[1]):
        if offset > reached:
            return True
        reached = max(reached, offset + field.itemsize)
    return reached < dtype.itemsize or any(has_valueless_bytes(field) for field, _ in inner)


def _leaves(array: Array) -> Iterator[Array]:
    """The array itself, or its fields one after the other where there are bytes between them."""
    if not has_valueless_bytes(array.dtype):
        yield array
    elif array.dtype.names is not None:
        for name in array.dtype.names:
            yield from _leaves(array[name])
    else:
        yield from _long_double_leaves(array)


def _long_double_leaves(array: Array) -> Iterator[Array]:
    import numpy as np

    if array.dtype.char == "G":
        yield from _long_double_leaves(array.real)
        yield from _long_double_leaves(array.imag)
        return
    size = array.dtype.itemsize
    used = 10 if np.finfo(np.longdouble).nmant == 63 else size
    raw = np.ndarray.view(array, np.ndarray).view(f"V{size}")
    yield raw.getfield(f"V{used}", 0 if array.dtype.isnative else size - used)


def _flat_bytes(block: Array) -> memoryview:
    import numpy as np

    # A plain view first: a subclass may give `reshape` and `view` another meaning.
    plain = np.ndarray.view(block, np.ndarray)
    return plain.reshape(-1).view(np.uint8).data


def remembered_hash(array: Array) -> bytes:
    """`content_hash`, kept with the object while its buffer cannot change.

    That is: the array and every base down to the owner of the memory are read-only. An owner can be
    thawed, edited and frozen again, and a view taken before it was frozen still writes: therefore
    16 KiB spread over the content are compared at every use. An edit that falls between them all
    is not seen.
    """
    if array.nbytes < _MEMORIZE_ABOVE or not _is_frozen(array):
        return content_hash(array)
    key = id(array)
    known = _frozen.get(key)
    sample = _sample(array)
    if known is not None and known[0]() is array and known[2] == sample:
        return known[1]
    content = content_hash(array)
    _frozen[key] = (ref(array, lambda _: _frozen.pop(key, None)), content, sample)
    return content


def _sample(array: Array) -> bytes:
    """Bytes from first to last, in evenly spread pieces; what is not contiguous is given whole."""
    if not (array.flags.c_contiguous or array.flags.f_contiguous):
        return content_hash(array)
    flat = _flat_bytes(array if array.flags.c_contiguous else array.T)
    stride = max((len(flat) - _PIECE) // (_PIECES - 1), 1)
    starts = range(0, stride * _PIECES, stride)
    pieces = xxh3_128()
    for at in starts:
        pieces.update(flat[at : at + _PIECE])
    return bytes(pieces.digest())


def _is_frozen(array: Array) -> bool:
    import mmap

    import numpy as np

    owner: Any = array
    while isinstance(owner, np.ndarray):
        if owner.flags.writeable:
            return False
        owner = owner.base
    if owner is None or type(owner) is bytes:
        return True
    if type(owner) is mmap.mmap or type(owner) is memoryview:
        return memoryview(owner).readonly
    return False
