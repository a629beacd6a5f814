"""Tensors: bits, order, gradients, and maps that can be written without harm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dumbo.errors import ValueLostError
from dumbo.identity import value_digest as digest
from dumbo.records import Stored
from dumbo.storage import Values
from dumbo.storage.base import BLOCK_BYTES

torch = pytest.importorskip("torch", reason="an optional library")
pytestmark = pytest.mark.torch


def filled(dtype: Any, *shape: int) -> Any:
    size = torch.empty((), dtype=dtype).element_size()
    count = 1
    for extent in shape:
        count *= extent
    raw = torch.randint(0, 2 if dtype is torch.bool else 256, (count * size,), dtype=torch.uint8)
    return raw.view(dtype).reshape(shape)


def raw(tensor: Any) -> bytes:
    plain = tensor.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
    return bytes(plain.view(torch.uint8).numpy().tobytes())


def same(a: Any, b: Any) -> bool:
    if type(a) is not type(b) or a.dtype != b.dtype or a.shape != b.shape:
        return False
    return bool(a.requires_grad == b.requires_grad and raw(a) == raw(b))


NAMES = ["bool", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float16", "float32", "float64"]
NAMES += ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
NAMES += ["complex32", "complex64", "complex128"]
DTYPES = [getattr(torch, name) for name in NAMES if hasattr(torch, name)]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (0, 3), (3, 5), (300, 200)], ids=str)
@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental:UserWarning")
def test_every_dtype_comes_back_bit_for_bit(
    values: Values, dtype: Any, shape: tuple[int, ...]
) -> None:
    tensor = filled(dtype, *shape)
    stored = values.store(tensor)
    assert stored.codec == "tensor/1"
    assert stored.digest == digest(tensor)
    assert same(values.load(stored), tensor)
    assert stored.meta["dtype"] == str(dtype).removeprefix("torch.")
    assert stored.nbytes == tensor.numel() * tensor.element_size()


LAYOUTS = {
    "transposed": lambda t: t.t(),
    "permuted": lambda t: t.reshape(20, 10, 100, 3).permute(2, 0, 3, 1),
    "channels last": lambda t: t.reshape(2, 3, 100, 100).to(memory_format=torch.channels_last),
    "strided": lambda t: t[::2, ::3],
    "expanded": lambda t: t[:1].expand(50, -1),
    "view of a part": lambda t: t[:2],
    "one element": lambda t: t[0, 0],
    "negative": lambda t: torch.view_as_complex(t.reshape(-1, 2)).conj().imag,
}


@pytest.mark.parametrize("make", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_every_layout_comes_back_with_its_order_and_without_its_storage(
    values: Values, make: Any
) -> None:
    tensor = make(torch.arange(60_000, dtype=torch.float32).reshape(200, 300))
    stored = values.store(tensor)
    found: Any = values.load(stored)
    assert same(found, tensor)
    assert stored.digest == digest(tensor) == digest(found)
    assert stored.nbytes == tensor.numel() * 4
    if tensor.numel() == 60_000 and not tensor.is_neg():
        assert found.stride() == tensor.stride()


def test_conjugates_are_resolved(values: Values) -> None:
    tensor = torch.tensor([1 + 2j, 3 - 4j]).conj()
    found: Any = values.load(values.store(tensor))
    assert found.tolist() == [1 - 2j, 3 + 4j]


@pytest.mark.parametrize("shape", [(3,), (200, 200)])
def test_gradients_and_parameters_are_kept(values: Values, shape: tuple[int, ...]) -> None:
    leaf = torch.ones(shape, requires_grad=True)
    made = leaf * 2
    for tensor in (leaf, made, torch.nn.Parameter(torch.ones(shape), requires_grad=False)):
        stored = values.store(tensor)
        found: Any = values.load(stored)
        assert same(found, tensor)
        assert stored.meta["requires_grad"] is tensor.requires_grad
        assert found.is_leaf
    parameter = values.store(torch.nn.Parameter(torch.ones(shape)))
    assert parameter.meta["type"] == "torch.nn.parameter:Parameter"
    assert values.store(leaf).meta["type"] == "torch:Tensor"


def test_writing_to_an_opened_tensor_never_reaches_the_store(values: Values) -> None:
    for tensor in (torch.zeros(3), torch.zeros(50_000)):
        stored = values.store(tensor)
        found: Any = values.load(stored)
        found += 1
        found[0] = 7
        assert same(values.load(stored), tensor)
        values.check(stored)


def test_a_block_that_is_one_row_is_taken_apart(values: Values) -> None:
    wide = torch.zeros((2, 2, BLOCK_BYTES), dtype=torch.uint8)[:, ::2, ::2]
    wide[1, 0, 5] = 3
    found: Any = values.load(values.store(wide))
    assert torch.equal(found, wide)


def test_odd_tensors_fall_through_and_still_come_back(values: Values) -> None:
    Tagged: Any = type("Tagged", (torch.Tensor,), {})
    labelled = torch.ones(2)
    labelled.note = "mine"
    for odd in (labelled, torch.ones(2, device="meta")):
        stored = values.store(odd)
        assert stored.codec == "pickle/1"
        found: Any = values.load(stored)
        assert found.shape == odd.shape
    found = values.load(values.store(labelled))
    assert found.note == "mine"
    assert values._codecs.codec_for(torch.ones(2).as_subclass(Tagged)).name == "pickle/1"


def test_tensors_in_containers_are_items(values: Values) -> None:
    weights = {"w": torch.ones(300, 300), "b": torch.zeros(3), "step": 4}
    stored = values.store(weights)
    assert values.item(stored, "w").meta["shape"] == [300, 300]
    assert values.load(values.item(stored, "step")) == 4
    found: Any = values.load(stored)
    assert same(found["w"], weights["w"])


def test_a_device_that_is_absent_gives_a_tensor_on_the_cpu(
    values: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    note = lambda text, *args: notes.append(text % args)
    monkeypatch.setattr("dumbo.storage.codecs.tensors._log.info", note)
    stored = values.store(torch.ones(3))
    for device in ("cuda:99", "nonsense", "cpu:0"):
        found: Any = values.load(replace(stored, meta={**stored.meta, "device": device}))
        assert found.device.type == "cpu"
        assert found.tolist() == [1, 1, 1]
    assert [note.partition("'")[2].partition("'")[0] for note in notes] == ["cuda:99", "nonsense"]


@pytest.mark.parametrize(
    "facts",
    [
        {"dtype": "nn"},
        {"dtype": "load"},
        {"dtype": "float3"},
        {"dtype": None},
        {"dtype": "float64"},
        {"shape": [4]},
        {"shape": None},
        {"axes": [3]},
    ],
    ids=str,
)
def test_a_row_that_lies_about_a_tensor_is_a_lost_value(
    values: Values, facts: dict[str, object]
) -> None:
    for tensor in (torch.ones(3), torch.ones(30_000)):
        stored = values.store(tensor)
        with pytest.raises(ValueLostError):
            values.load(replace(stored, meta={**stored.meta, **facts}))
    short = Stored(stored.codec, {**stored.meta, "shape": [3]}, 12, "", b"12345678")
    with pytest.raises(ValueLostError):
        values.load(short)
