"""Digests of torch tensors, modules and small values: dtype, shape, device type, content."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import pytest
from xxhash import xxh3_128

from dumbo.errors import UnidentifiableError
from dumbo.identity import digest
from dumbo.identity.arrays import tensor_digest

torch: Any = pytest.importorskip("torch", reason="torch is not installed")


TORCH = [
    torch.float32,
    torch.float64,
    torch.bfloat16,
    torch.float16,
    torch.int8,
    torch.int64,
    torch.bool,
    torch.uint8,
    torch.complex64,
    torch.float8_e4m3fn,
]


@pytest.mark.parametrize("dtype", TORCH, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (4,), (3, 4)])
def test_tensors_are_dtype_shape_and_content(dtype: Any, shape: tuple[int, ...]) -> None:
    tensor = torch.ones(shape).to(dtype)
    raw = tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
    content = xxh3_128(raw).digest()
    expected = tensor_digest(str(dtype), shape, "cpu", content)
    assert digest(tensor) == digest(tensor.clone()) == expected
    if tensor.numel() > 1:
        changed = tensor.clone()
        changed.view(-1)[-1] = 0
        assert digest(changed) != expected


def test_strides_conjugation_and_aliases_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    family: Any = importlib.import_module("dumbo.identity.families.torch_tensors")

    base = torch.arange(600.0).reshape(20, 30)
    for block in (family.BLOCK, 64):
        monkeypatch.setattr(family, "BLOCK", block)
        for tensor in (base.T, base[::2, 1:], base.expand(3, 20, 30)):
            assert digest(tensor) == digest(tensor.contiguous())
        complexes = torch.complex(base, base)
        assert digest(complexes.conj()) == digest(complexes.conj().resolve_conj())
    assert digest(base) == digest(base.detach()) == digest(base[:])


def test_gradients_count_and_storage_can_say_so() -> None:
    tensor = torch.ones(2)
    content = xxh3_128(tensor.numpy().tobytes()).digest()
    asking = tensor.clone().requires_grad_()
    expected = tensor_digest("torch.float32", (2,), "cpu", content, requires_grad=True)
    assert digest(asking) == digest(torch.nn.Parameter(tensor)) == expected != digest(tensor)


def test_tensors_that_are_not_dense() -> None:
    eye = torch.eye(4)
    coo = torch.sparse_coo_tensor([[1, 0], [1, 0]], [1.0, 1.0], (4, 4), check_invariants=True)
    twice = torch.sparse_coo_tensor(
        [[0, 1, 1], [0, 1, 1]], [1.0, 0.5, 0.5], (4, 4), check_invariants=True
    )
    assert digest(coo) == digest(twice) != digest(eye.to_sparse())
    layouts = [eye, eye.to_sparse(), sparse_quietly(eye, "csr"), sparse_quietly(eye, "csc")]
    assert len({digest(t) for t in layouts}) == 4
    with pytest.raises(UnidentifiableError, match="meta"):
        digest(torch.ones(2, device="meta"))
    with pytest.raises(UnidentifiableError, match="layout"):
        digest(eye.to_mkldnn())


def sparse_quietly(tensor: Any, kind: str) -> Any:

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls this layout beta
        return getattr(tensor, f"to_sparse_{kind}")()


def test_tensors_whose_bytes_cannot_be_read_are_refused() -> None:
    class Closed(torch.Tensor):  # type: ignore[misc]  # torch is untyped here
        def detach(self) -> Any:
            raise RuntimeError("closed")

    with pytest.raises(UnidentifiableError, match="cannot be read"):
        digest(torch.ones(2).as_subclass(Closed))

    class Open(torch.Tensor):  # type: ignore[misc]  # torch is untyped here
        pass

    assert digest(torch.ones(2).as_subclass(Open)) != digest(torch.ones(2))


def net(seed: int, dropout: float = 0.5) -> Any:
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3), torch.nn.Dropout(dropout)
    )


def test_modules_are_type_state_and_settings() -> None:
    assert digest(net(0)) == digest(net(0)) != digest(net(1))
    assert digest(net(0).state_dict()) == digest(net(0).state_dict()) != digest(net(1).state_dict())
    assert digest(net(0)) != digest(net(0).eval())
    assert digest(net(0)) != digest(net(0, 0.1))
    hooked = []
    for _ in range(2):
        module = net(0)
        module.register_forward_hook(hook)
        hooked.append(digest(module))
    assert hooked[0] == hooked[1] != digest(net(0))


def hook(*args: Any) -> None: ...


def test_small_torch_values() -> None:
    generators = [torch.Generator().manual_seed(s) for s in (0, 0, 1)]
    assert digest(generators[0]) == digest(generators[1]) != digest(generators[2])
    values = [
        torch.float32,
        torch.float64,
        torch.device("cpu"),
        torch.Size([1]),
        torch.strided,
        torch.contiguous_format,
        (1,),
    ]
    assert len({digest(v) for v in values}) == len(values)


# Odd tensors. Each row: values that are the same, and one that is not.

EYE = torch.arange(12.0).reshape(3, 4)
PAIRS = torch.complex(EYE, EYE + 1)
SAME: dict[str, Any] = {
    "0-d": lambda: ([torch.tensor(1.0), EYE[0, 1]], torch.tensor([1.0])),
    "expanded": lambda: ([torch.ones(5), torch.ones(1).expand(5)], torch.ones(4)),
    "strided": lambda: ([EYE.T, EYE.T.contiguous(), EYE.T.clone()], EYE),
    "conj": lambda: ([PAIRS.conj(), PAIRS.conj().resolve_conj()], PAIRS),
    "conj, turned": lambda: ([PAIRS.conj().T, PAIRS.T.conj().contiguous()], PAIRS.conj()),
    "neg": lambda: ([PAIRS.conj().imag, -(EYE + 1)], EYE + 1),
    "bfloat16": lambda: ([EYE.bfloat16().T, EYE.T.bfloat16().clone()], EYE.T.half()),
    "float8": lambda: (
        [EYE.to(torch.float8_e5m2).T, EYE.T.contiguous().to(torch.float8_e5m2)],
        EYE.T.to(torch.float8_e4m3fn),
    ),
    "no items": lambda: ([torch.empty(0, 3), torch.empty(3, 0).T], torch.empty(3, 0)),
    "nan": lambda: ([torch.tensor([float("nan")])] * 2, torch.tensor([float("inf")])),
    "negative zero": lambda: ([torch.tensor([-0.0])] * 2, torch.tensor([0.0])),
    "coo": lambda: ([EYE.to_sparse(), EYE.to_sparse()], (EYE + 1).to_sparse()),
    "csr": lambda: ([sparse_quietly(EYE, "csr")] * 2, sparse_quietly(EYE + 1, "csr")),
    "half complex": lambda: (
        [torch.view_as_complex(torch.ones(3, 2).half())] * 2,
        torch.view_as_complex(torch.zeros(3, 2).half()),
    ),
}


@pytest.mark.parametrize("kind", SAME)
@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
def test_odd_tensors(kind: str) -> None:
    same, other = SAME[kind]()
    digests = {digest(value) for value in same}
    assert len(digests) == 1
    assert digest(other) not in digests


def test_tensors_against_the_grain_are_hashed_as_they_read() -> None:
    for dtype in (torch.uint8, torch.bfloat16, torch.float32, torch.complex128):
        whole = (torch.arange(1 << 20) % 251).to(dtype).reshape(1 << 10, 1 << 10)
        for tensor in (whole.T, whole[::2, ::3], whole.T.conj(), whole.T[:, 1:]):
            assert digest(tensor) == digest(tensor.contiguous().clone())


def test_stand_ins_for_tensors_are_refused() -> None:
    with pytest.raises(UnidentifiableError, match="functional"):
        digest(torch._to_functional_tensor(EYE))
    refused: list[str] = []

    def inside(tensor: Any) -> Any:
        with pytest.raises(UnidentifiableError, match="cannot be read") as caught:
            digest(tensor)
        refused.append(str(caught.value))
        return tensor.sum()

    torch.vmap(inside)(EYE)
    torch.func.grad(inside)(EYE)
    assert len(refused) == 2
