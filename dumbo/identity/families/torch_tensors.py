"""torch: tensors, modules, generators, and the small types around them.

Law: a dense tensor is its dtype, shape, device type, content and whether it asks for gradients;
a module is what distinguishes it from an empty one. torch is found in ``sys.modules``: a value of
its types cannot exist without it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Final

from xxhash import xxh3_128

from dumbo.identity.arrays import tensor_parts
from dumbo.identity.copying import blocks_of, regions_of
from dumbo.identity.function_id import type_id
from dumbo.identity.parts import OpaqueValue, Parts
from dumbo.identity.values import register_value

BLOCK: Final = 4 * 1024 * 1024
"""Bytes brought into plain form at once, where a tensor is not read in place."""

_PLAIN: Final = ("torch:Tensor", "torch.nn.parameter:Parameter", "torch.nn.parameter:Buffer")


def _tensor(value: Any) -> Parts:
    try:
        parts = _tensor_parts(value)
    except (RuntimeError, NotImplementedError) as error:
        raise OpaqueValue(f"the bytes of this tensor cannot be read ({error})") from error
    own = type_id(type(value))
    return parts if own in _PLAIN else Parts(own, [parts, vars(value)], ["", ""])


def _tensor_parts(value: Any) -> Parts:
    torch: Any = sys.modules["torch"]
    plain = value.detach()
    if value.layout is not torch.strided:
        return _sparse_parts(plain, value.requires_grad)
    if value.device.type == "meta":
        raise OpaqueValue("a tensor on the meta device has no content")
    if torch._is_functional_tensor(value):  # noqa: SLF001 - torch has no public way to ask
        raise OpaqueValue("a functional tensor is a stand-in without memory of its own")
    if value.is_quantized:
        scheme = plain.dequantize(), str(value.qscheme())
        return Parts("quantized", [str(value.dtype), plain.int_repr(), *scheme])
    content = tensor_hash(plain)
    return tensor_parts(
        str(value.dtype),
        tuple(value.shape),
        value.device.type,
        content,
        requires_grad=value.requires_grad,
    )


def _sparse_parts(plain: Any, requires_grad: bool) -> Parts:
    torch: Any = sys.modules["torch"]
    layout = plain.layout
    if layout is torch.sparse_coo:
        whole = plain.coalesce()
        indices = [whole.indices()]
    elif layout in (torch.sparse_csr, torch.sparse_bsr):
        whole = plain
        indices = [plain.crow_indices(), plain.col_indices()]
    elif layout in (torch.sparse_csc, torch.sparse_bsc):
        whole = plain
        indices = [plain.ccol_indices(), plain.row_indices()]
    else:
        raise OpaqueValue(f"a tensor of layout {layout} has no canonical content")
    return Parts(
        "sparse tensor", [str(layout), tuple(plain.shape), *indices, whole.values(), requires_grad]
    )


def tensor_hash(plain: Any) -> bytes:
    """xxh3_128 of the logical C-order bytes of a dense, detached tensor, in blocks off the CPU."""
    state = xxh3_128()
    for block in _plain_blocks(plain):
        for piece in blocks_of(_as_array(block)):
            state.update(piece)
    return bytes(state.digest())


def _as_array(tensor: Any) -> Any:
    """The same memory as a numpy array; what numpy has no name for, as integers of that size."""
    torch: Any = sys.modules["torch"]
    if tensor.dtype in (torch.complex64, torch.complex128):
        return tensor.numpy()
    if tensor.dtype.is_complex:
        return torch.view_as_real(tensor).numpy()
    sizes = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    return tensor.view(sizes[tensor.element_size()]).numpy()


def _plain_blocks(tensor: Any) -> Iterator[Any]:
    """The tensor as it is, if its memory can be read; else parts of it that can."""
    if tensor.device.type == "cpu" and not (tensor.is_conj() or tensor.is_neg()):
        yield tensor
        return
    items = max(BLOCK // tensor.element_size(), 1)
    for part in regions_of(tensor, items) if tensor.numel() > items else (tensor,):
        yield part.resolve_conj().resolve_neg().cpu()


def _module(value: Any) -> Parts:
    torch: Any = sys.modules["torch"]
    empty = vars(torch.nn.Module())
    state = {}
    for name, held in vars(value).items():
        if name in empty and type(held) is type(empty[name]) and _is_bare(held, empty[name]):
            continue
        # Hooks are numbered by a counter of the process: what they are counts, not the numbers.
        state[name] = list(held.values()) if name.endswith("_hooks") and held else held
    return Parts.of_fields(type_id(type(value)), state, type(value))


def _is_bare(held: Any, empty: Any) -> bool:
    if type(empty) is bool or empty is None:
        return held is empty
    return not held


def _torch_generator(value: Any) -> Parts:
    return Parts("torch generator", [value.device.type, value.get_state()])


def _by_text(value: Any) -> Parts:
    return Parts(type_id(type(value)), [str(value)])


def _size(value: Any) -> Parts:
    return Parts("torch:Size", [tuple(value)], [""])


for _name, _tokenizer in {
    "torch:Tensor": _tensor,
    "torch.nn.modules.module:Module": _module,
    "torch._C:Generator": _torch_generator,
    "torch:Generator": _torch_generator,
    "torch:dtype": _by_text,
    "torch:device": _by_text,
    "torch:layout": _by_text,
    "torch:memory_format": _by_text,
    "torch:Size": _size,
}.items():
    register_value(_name, _tokenizer)
