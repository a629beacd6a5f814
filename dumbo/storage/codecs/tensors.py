"""torch tensors: bits, dtype, order of axes, requires_grad, Parameter, device.

Law: an opened tensor is a copy-on-write map of its file: writing to it never reaches the store,
and never the read-only pages that would end the process.

A view is stored without the rest of its storage; conjugate and negative views are resolved; a
tensor that was computed under autograd comes back as a leaf that asks for gradients. Sparse,
quantised, nested and meta tensors, other subclasses and tensors with attributes of their own are
declined. A tensor of a device that is absent here comes back on the CPU, and the log says so.

torch is never imported for a value of another library: the table asks this codec only when the
value at hand, or its row, is a tensor.
"""

from __future__ import annotations

import importlib.util
import logging
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from dumbo.errors import MissingLibraryError, ValueLostError
from dumbo.records import Stored
from dumbo.storage.array_files import publish_array
from dumbo.storage.base import BLOCK_BYTES, INLINE_BYTES, Buffer, Keeper, Keeps
from dumbo.storage.codecs.blocks import (
    checked_axes,
    checked_shape,
    inverse,
    raw_bytes,
    sample_of,
    stored_axes,
)
from dumbo.storage.zarr_shard import ITEMSIZES, ArrayLayout

if TYPE_CHECKING:
    import torch

_log: Final = logging.getLogger("dumbo")
_DTYPE: Final = re.compile(r"(bool|u?int\d+|b?float[\w]*|complex\d+)")


class TensorCodec:
    """Exact dense tensors and parameters."""

    name = "tensor/1"
    keeps = frozenset({Keeps.BITS, Keeps.LAZY, Keeps.NO_CODE})

    def accepts(self, value: Any) -> bool:
        """Whether the tensor is dense, has bytes, and is of no other class."""
        return is_exact(value)

    def store(self, value: torch.Tensor, into: Keeper) -> Stored:
        """Put the bytes into the row, or publish them as a zarr array."""
        tensor = value.detach().resolve_conj().resolve_neg()
        turned, axes = _in_memory_order(tensor)
        meta = _meta(value, axes)
        nbytes = tensor.numel() * tensor.element_size()
        if nbytes <= INLINE_BYTES:
            inline = b"".join(_blocks(turned))
            return Stored(self.name, meta, nbytes, into.digest(value), inline)
        layout = _layout(name_of(value.dtype), value.element_size(), tuple(turned.shape), axes)
        published = publish_array(into.objects, _blocks(turned), layout, _sampler(turned))
        digest = into.digest(value) if axes else _digest(value, published.content)
        facts = {**meta, **published.facts}
        return Stored(self.name, facts, nbytes, digest, None, published.name)

    def load(self, stored: Stored, source: Keeper) -> object:
        """Map the bytes copy-on-write."""
        torch = _torch()
        dtype = dtype_named(stored.meta.get("dtype"))
        size = torch.empty((), dtype=dtype).element_size()
        shape = checked_shape(stored.meta.get("shape"), size, stored.nbytes)
        axes = checked_axes(stored.meta.get("axes"), len(shape))
        turned = tuple(shape[axis] for axis in axes) if axes else shape
        buffer = raw_bytes(stored, _layout(name_of(dtype), size, turned, axes), source, "c")
        if stored.nbytes == 0:
            tensor = torch.empty(turned, dtype=dtype)
        elif stored.object:
            tensor = torch.from_numpy(buffer).view(dtype).reshape(turned)
        else:
            tensor = torch.frombuffer(buffer, dtype=dtype).reshape(turned)
        return _dressed(tensor.permute(inverse(axes)) if axes else tensor, stored)

    def objects_of(self, stored: Stored) -> tuple[str, ...]:
        """Name the one object, if there is one."""
        return (stored.object,) if stored.object else ()


def is_exact(value: Any) -> bool:
    """Whether a value is a tensor or parameter that its bytes and its row say all of."""
    import torch

    if type(value) not in {torch.Tensor, torch.nn.Parameter} or value.layout != torch.strided:
        return False
    odd = value.is_quantized or value.is_nested or value.device.type == "meta"
    return not (odd or vars(value)) and _DTYPE.fullmatch(name_of(value.dtype)) is not None


def _torch() -> Any:
    if importlib.util.find_spec("torch") is None:
        raise MissingLibraryError(
            "a stored tensor cannot be opened: torch is absent; pip install torch"
        )
    import torch

    return torch


def name_of(dtype: torch.dtype) -> str:
    """The name of a dtype as an attribute of torch."""
    return str(dtype).removeprefix("torch.")


def dtype_named(name: object) -> torch.dtype:
    """Find a dtype by its name, which is not trusted."""
    torch = _torch()
    found = vars(torch).get(name) if isinstance(name, str) and _DTYPE.fullmatch(name) else None
    if not isinstance(found, torch.dtype):
        raise ValueLostError(
            f"a tensor cannot be opened: its row gives the dtype {str(name)[:80]!r}, which this "
            "torch does not have; recompute the value or use the torch that wrote it"
        )
    return found


def _meta(value: torch.Tensor, axes: tuple[int, ...]) -> dict[str, object]:
    import torch

    parameter = type(value) is torch.nn.Parameter
    meta: dict[str, object] = {
        "type": "torch.nn.parameter:Parameter" if parameter else "torch:Tensor",
        "shape": list(value.shape),
        "dtype": name_of(value.dtype),
        "ndim": value.ndim,
        "device": str(value.device),
        "requires_grad": value.requires_grad,
    }
    if value.ndim:
        meta["len"] = value.shape[0]
    if axes:
        meta["axes"] = list(axes)
    return meta


def _in_memory_order(tensor: torch.Tensor) -> tuple[torch.Tensor, tuple[int, ...]]:
    if tensor.is_contiguous():
        return tensor, ()
    axes = stored_axes(tensor.stride())
    turned = tensor.permute(axes)
    return (turned, axes) if turned.is_contiguous() else (tensor, ())


def _blocks(tensor: torch.Tensor) -> Iterator[Buffer]:
    """Iterate over the C-order bytes; other devices are copied over block by block."""
    import torch

    if tensor.numel() == 0:
        return
    if not tensor.is_contiguous():
        row = tensor.numel() * tensor.element_size() // tensor.shape[0]
        if row > BLOCK_BYTES:
            for part in tensor:
                yield from _blocks(part)
            return
        step = max(1, BLOCK_BYTES // row)
        for start in range(0, tensor.shape[0], step):
            yield from _blocks(tensor[start : start + step].contiguous())
        return
    flat = tensor.reshape(-1).view(torch.uint8)
    for start in range(0, flat.numel(), BLOCK_BYTES):
        yield memoryview(flat[start : start + BLOCK_BYTES].cpu().numpy())


def _sampler(tensor: torch.Tensor) -> Callable[[], bytes] | None:
    """What takes a sample of a tensor; None where that would cost a copy."""
    if not tensor.is_contiguous() or tensor.device.type != "cpu":
        return None
    import torch

    return lambda: sample_of(tensor.reshape(-1).view(torch.uint8).numpy())


def _layout(dtype: str, size: int, turned: tuple[int, ...], axes: tuple[int, ...]) -> ArrayLayout:
    """Lay a tensor out as zarr; what zarr cannot name is an integer of the same width."""
    name = dtype if dtype in ITEMSIZES else f"uint{8 * size}"
    attributes = {} if dtype == name else {"dtype": dtype}
    return ArrayLayout(turned, name, size, axes=axes, attributes=attributes)


def _digest(value: torch.Tensor, content: bytes) -> str:
    # Here, not above: opening a tensor must not wait for what only storing one needs.
    from dumbo.identity.arrays import tensor_digest

    return tensor_digest(
        str(value.dtype),
        tuple(value.shape),
        value.device.type,
        content,
        requires_grad=value.requires_grad,
    )


def _dressed(tensor: Any, stored: Stored) -> object:
    torch = _torch()
    device = str(stored.meta.get("device", "cpu"))
    if device != "cpu":
        if _present(device):
            tensor = tensor.to(device)
        else:
            _log.info("a tensor of the device %.40r is opened on the CPU: it is absent", device)
    grad = stored.meta.get("requires_grad") is True
    if stored.meta.get("type") == "torch.nn.parameter:Parameter":
        return torch.nn.Parameter(tensor, requires_grad=grad)
    return tensor.requires_grad_(grad)


def _present(device: str) -> bool:
    """Whether the device a row names is here; a row may name anything."""
    torch = _torch()
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        return False
    return True
