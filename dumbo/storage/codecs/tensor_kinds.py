"""torch's other values: sparse tensors, sizes, dtypes, devices.

Law: a sparse tensor is its index and value tensors, its layout and shape, whether it is coalesced
and whether it asks for gradients; indices are checked when it is opened, because torch does not
check them when it uses them.

Quantised, nested and meta tensors, subclasses and tensors with attributes are left to pickle.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

from dumbo.storage.codecs.parts import Declined, PartsCodec, Taken
from dumbo.storage.codecs.tensors import dtype_named, name_of

if TYPE_CHECKING:
    import torch

_INDICES: Final = {
    "sparse_csr": ("crow_indices", "col_indices"),
    "sparse_bsr": ("crow_indices", "col_indices"),
    "sparse_csc": ("ccol_indices", "row_indices"),
    "sparse_bsc": ("ccol_indices", "row_indices"),
}


class TensorPartsCodec(PartsCodec):
    """Values of torch that are not dense tensors."""

    name = "tensor-parts/1"
    damage = (RuntimeError,)

    def take(self, value: Any) -> Taken:
        """Take by class, the exact one."""
        import torch

        if type(value) is torch.Size:
            parts = {"kind": "size", "extents": list(value)}
            return Taken(parts, {"len": len(value)}, lazy=False)
        if isinstance(value, torch.dtype):
            return Taken({"kind": "dtype", "name": name_of(value)}, lazy=False)
        if isinstance(value, torch.device):
            parts = {"kind": "device", "type": value.type, "index": value.index}
            return Taken(parts, lazy=False)
        if type(value) is not torch.Tensor or vars(value) or value.device.type == "meta":
            raise Declined("a tensor of another class, or with attributes")
        facts = {
            "shape": list(value.shape),
            "dtype": name_of(value.dtype),
            "ndim": value.ndim,
            "device": str(value.device),
            "requires_grad": value.requires_grad,
            "len": value.shape[0],
        }
        return Taken(_take_sparse(value), facts)

    def make(self, parts: dict[str, Any]) -> object:
        """Put together by kind."""
        import torch

        kind = parts["kind"]
        if kind == "size":
            return torch.Size(parts["extents"])
        if kind == "dtype":
            return dtype_named(parts["name"])
        if kind == "device":
            return torch.device(parts["type"], parts["index"])
        with warnings.catch_warnings():
            # torch calls its compressed layouts a beta; the user knew when making the tensor.
            warnings.simplefilter("ignore", UserWarning)
            made = _made_sparse(kind, parts)
        return made.requires_grad_(parts["grad"] is True)


def _take_sparse(value: torch.Tensor) -> dict[str, Any]:
    import torch

    layout = str(value.layout).removeprefix("torch.")
    plain = value.detach()
    parts: dict[str, Any] = {
        "kind": layout,
        "shape": list(value.shape),
        "grad": value.requires_grad,
    }
    if value.layout is torch.sparse_coo:
        # Without the underscore they are refused for a tensor that is not coalesced.
        indices, values = plain._indices(), plain._values()  # noqa: SLF001
        return {**parts, "indices": indices, "values": values, "sorted": plain.is_coalesced()}
    if layout not in _INDICES:
        raise Declined(f"a tensor of the layout {layout}")
    outer, inner = (getattr(plain, name)() for name in _INDICES[layout])
    return {**parts, "outer": outer, "inner": inner, "values": plain.values()}


def _made_sparse(kind: str, parts: dict[str, Any]) -> torch.Tensor:
    import torch

    names = ("indices", "values") if kind == "sparse_coo" else ("outer", "inner", "values")
    tensors = [parts[name] for name in names]
    if not all(type(tensor) is torch.Tensor for tensor in tensors):
        raise TypeError("the parts of a sparse tensor are no tensors")
    shape = parts["shape"]
    if kind == "sparse_coo":
        indices, values = tensors
        made: torch.Tensor = torch.sparse_coo_tensor(
            indices, values, shape, check_invariants=True, is_coalesced=parts["sorted"] is True
        )
        return made
    if kind not in _INDICES:
        raise ValueError(f"no tensor has the layout {kind!r}")
    layout = getattr(torch, kind)
    return torch.sparse_compressed_tensor(*tensors, shape, layout=layout, check_invariants=True)
