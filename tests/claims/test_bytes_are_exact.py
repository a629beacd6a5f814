"""What is stored comes back bit for bit, or is refused; never nearly the same."""

from __future__ import annotations

import datetime
import decimal
import json
import math
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dumbo.errors import UnidentifiableError, ValueLostError
from dumbo.identity import value_digest
from dumbo.records import Stored
from dumbo.storage import Objects, Store, Values
from dumbo.storage.base import BLOCK_BYTES


def digest(value: object) -> str:
    """Digest of a value; empty for what is worth nothing but its effect."""
    try:
        return value_digest(value)
    except UnidentifiableError:
        return ""


@pytest.fixture
def values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Values:
    monkeypatch.setenv("DUMBO_KEY_DIR", str(tmp_path / "keys"))
    return Values(Objects(tmp_path / "store"))


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def read_only() -> np.ndarray:
    array = np.arange(3)
    array.flags.writeable = False
    return array


NAN = np.array([0x7FF8DEAD00000001, 0xFFF0000000000003], "u8").view("f8")

ARRAYS: dict[str, Callable[[], Any]] = {
    "f8": lambda: rng().random((4, 5)),
    "f2": lambda: rng().random((4, 5)).astype("f2"),
    "bool": lambda: np.array([True, False]),
    "c16": lambda: rng().random(4) + 1j,
    "long double": lambda: rng().random(4).astype(np.longdouble),
    "complex long double": lambda: rng().random(4).astype(np.clongdouble),
    "big-endian": lambda: rng().random(4).astype(">f8"),
    "fortran": lambda: np.asfortranarray(rng().random((4, 5))),
    "permuted": lambda: rng().random((4, 5, 6)).transpose(1, 2, 0),
    "0-d": lambda: np.array(3.5),
    "empty": lambda: np.empty((0, 3)),
    "empty fortran": lambda: np.asfortranarray(np.empty((3, 0))),
    "gaps": lambda: rng().random((8, 8))[::2, ::3],
    "negative stride": lambda: np.arange(5)[::-1],
    "zero stride": lambda: np.broadcast_to(np.arange(3), (1000, 3)),
    "struct": lambda: np.array([(1, 2.5, b"ab")], [("a", "i4"), ("b", "f8"), ("c", "S4")]),
    "struct nested": lambda: np.zeros(2, [("p", [("x", "f4"), ("y", "f4", (2,))]), ("n", "U3")]),
    "struct aligned": lambda: np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    "struct titles": lambda: np.zeros(2, np.dtype([(("Title", "a"), "i4"), ("b", "i2")])),
    "struct overlapping": lambda: np.zeros(
        2, np.dtype({"names": ["a", "b"], "formats": ["i4", "i2"], "offsets": [0, 2]})
    ),
    "text": lambda: np.array(["é", "abc", "\ud800"]),
    "bytes": lambda: np.array([b"a\0b", b"c"]),
    "datetime ns": lambda: np.array(["2020-01-01", "NaT"], "M8[ns]"),
    "datetime D": lambda: np.array(["2020-01-01"], "M8[D]"),
    "datetime 25s": lambda: np.array([1, 2], "M8[25s]"),
    "timedelta": lambda: np.array([1, 2], "m8[us]"),
    "void": lambda: np.array([b"abcd"], "V4"),
    "NaN payload": lambda: NAN,
    "negative zero": lambda: np.array([-0.0, 0.0]),
    "complex negative zero": lambda: np.full(10, complex(-0.0, -0.0)),
    "read-only": read_only,
    "large": lambda: rng().random((300, 300)),
    "large fortran": lambda: np.asfortranarray(rng().random((300, 200))),
    "large permuted": lambda: rng().random((30, 40, 50)).transpose(2, 0, 1),
    "large gaps": lambda: rng().random((400, 400))[::2, ::3],
    "large big-endian": lambda: rng().random(9000).astype(">f8"),
    "large struct": lambda: np.zeros(5000, [("a", "i4"), ("b", "f8"), ("c", "S4")]),
    "large text": lambda: np.array(["é", "abc"] * 5000),
    "large bool": lambda: rng().random(90_000) > 0.5,
    "large datetime": lambda: np.arange(9000).astype("M8[ns]"),
    "large long double": lambda: rng().random(9000).astype(np.longdouble),
    "large zero stride": lambda: np.broadcast_to(np.arange(300.0), (200, 300)),
    "one long row with gaps": lambda: np.zeros((2, BLOCK_BYTES // 2), "i2")[:1, ::2],
    "rows above a block with gaps": lambda: rng().random((3, BLOCK_BYTES // 4))[:, ::2],
    # Declined by the array codec; pickle keeps them.
    "object": lambda: np.array([1, "x", None], object),
    "text of any width": lambda: np.array(["é", "a" * 50], np.dtypes.StringDType()),
    "masked": lambda: np.ma.masked_array([1.0, 2, 3], mask=[False, True, False], fill_value=9.0),
    "matrix": lambda: np.ones((2, 2)).view(np.matrix),
    "recarray": lambda: np.zeros(2, [("a", "i4"), ("b", "f8")]).view(np.recarray),
    "record dtype": lambda: np.zeros(2, np.dtype((np.record, [("a", "i4")]))),
    "dtype metadata": lambda: np.zeros(2, np.dtype("f8", metadata={"u": "m"})),
    "field metadata": lambda: np.zeros(2, [("a", np.dtype("f8", metadata={"u": "m"}))]),
    "struct with objects": lambda: np.zeros(2, [("a", "O"), ("b", "f8")]),
    "sub-array with objects": lambda: np.zeros(2, [("a", "O", (2,))]),
    # numpy's scalars.
    "f4 scalar": lambda: np.float32(1.5),
    "i8 scalar": lambda: np.int64(-3),
    "bool scalar": lambda: np.bool_(True),
    "datetime scalar": lambda: np.datetime64("2020-01-01", "D"),
    "NaN scalar": lambda: NAN[0],
    "long double scalar": lambda: np.longdouble("0.1"),
    "text scalar": lambda: np.str_("a\0"),
    "bytes scalar": lambda: np.bytes_(b"a\0"),
    "struct scalar": lambda: np.zeros(1, [("a", "i4")])[0],
}


def differences(a: Any, b: Any) -> list[str]:
    found = []
    if type(a) is not type(b):
        found.append(f"type {type(a)} became {type(b)}")
    x, y = np.asanyarray(a), np.asanyarray(b)
    if x.dtype != y.dtype or x.dtype.str != y.dtype.str or x.dtype.type is not y.dtype.type:
        found.append(f"dtype {x.dtype} became {y.dtype}")
    if x.dtype.isalignedstruct != y.dtype.isalignedstruct:
        found.append("alignment")
    if x.dtype.fields and dict(x.dtype.fields) != dict(y.dtype.fields or {}):
        found.append("field offsets or titles")
    if x.shape != y.shape:
        return [*found, f"shape {x.shape} became {y.shape}"]
    dense = not any(s <= 0 for s in x.strides) and x.base is None
    if dense and (x.flags.c_contiguous, x.flags.f_contiguous) != (
        y.flags.c_contiguous,
        y.flags.f_contiguous,
    ):
        found.append("order")
    if isinstance(a, str | bytes):
        return found if a == b else [*found, "text"]
    if x.dtype.hasobject or x.dtype.kind == "T":
        return found if repr(x.tolist()) == repr(y.tolist()) else [*found, "items"]
    if x.dtype.char in "gG":  # six of sixteen bytes are padding, which nobody keeps
        return found if digest(a) == digest(b) else [*found, "bits"]
    same = np.ascontiguousarray(x).tobytes() == np.ascontiguousarray(y).tobytes()
    return found if same else [*found, "bits"]


@pytest.mark.parametrize("make", ARRAYS.values(), ids=ARRAYS.keys())
def test_an_array_comes_back_bit_for_bit(values: Values, make: Callable[[], Any]) -> None:
    array = make()
    stored = values.store(array)
    found: Any = values.load(stored)
    assert differences(array, found) == []
    assert stored.digest in {digest(array), ""}
    inside: Any = values.load(values.store([array]))
    assert differences(array, inside[0]) == []


def test_masks_fill_values_and_metadata_survive(values: Values) -> None:
    found: Any = values.load(values.store(ARRAYS["masked"]()))
    assert (found.mask.tolist(), found.fill_value) == ([False, True, False], 9.0)


def test_orders_of_more_than_two_axes_survive(values: Values) -> None:
    for name in ("permuted", "large permuted"):
        array = ARRAYS[name]()
        found: Any = values.load(values.store(array))
        assert found.strides == array.strides


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float8_e5m2", "int4", "uint4"])
@pytest.mark.parametrize("length", [5, 40_000])
def test_small_floats_come_back_bit_for_bit(values: Values, name: str, length: int) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="an optional library")
    array = (np.arange(length) % 7).astype(getattr(ml_dtypes, name))
    stored = values.store(array)
    assert stored.codec == "array/1"
    assert differences(array, values.load(stored)) == []
    assert differences(array[0], values.load(values.store(array[0]))) == []


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


SCALARS: list[Any] = [
    *(None, True, False, 0, 1, -1, 255, -256, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**5000),
    *(0.0, -0.0, 1.5, math.inf, -math.inf, 5e-324, 1.7976931348623157e308, 0.1),
    *(struct.unpack("<d", struct.pack("<Q", 0x7FF8DEAD00000001))[0], math.nan),
    *(1j, complex(-0.0, math.nan), "", "é", "\0", "\ud800", "\ud83d\ude00", "😀", "x" * 2000),
    *(b"", b"\0", b"x" * 2000, bytearray(b"ab"), bytearray()),
]


def exact(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if type(a) is float:
        return bits(a) == bits(b)
    if type(a) is complex:
        return bits(a.real) + bits(a.imag) == bits(b.real) + bits(b.imag)
    return bool(a == b)


@pytest.mark.parametrize("value", SCALARS, ids=lambda v: type(v).__name__)
def test_a_scalar_comes_back_exactly(values: Values, value: Any) -> None:
    assert exact(values.load(values.store(value)), value)
    for wrapped in ([value], (value,), {"k": value}, [[value]]):
        found: Any = values.load(values.store(wrapped))
        inner = next(iter(found.values())) if isinstance(found, dict) else found[0]
        assert exact(inner[0] if isinstance(inner, list) else inner, value)


@pytest.mark.parametrize(
    "value",
    [decimal.Decimal("1.10"), datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), range(5), 1 < 2],
    ids=str,
)
def test_other_objects_come_back_equal(values: Values, value: Any) -> None:
    assert exact(values.load(values.store(value)), value)


def test_a_flipped_byte_is_found_never_returned(tmp_path: Path) -> None:
    array = np.arange(100_000.0)
    with Store(tmp_path / "s") as store:
        for value in (array, np.asfortranarray(array.reshape(100, -1)), "x" * 100_000):
            stored = store.values.store(value)
            path = store.objects.open_object(stored.object)
            time.sleep(0.02)  # outlast the clock of the file system
            raw = bytearray(path.read_bytes())
            raw[50_000] ^= 0x10
            path.write_bytes(raw)
            with pytest.raises(ValueLostError, match="altered"):
                store.values.load(stored)


def test_a_short_file_is_found_never_read_as_zeros(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        stored = store.values.store(np.arange(100_000.0))
        path = store.objects.open_object(stored.object)
        path.write_bytes(path.read_bytes()[:-8])
        with pytest.raises(ValueLostError, match="bytes"):
            store.values.load(stored)
        path.unlink()
        with pytest.raises(ValueLostError):
            store.values.load(stored)


def test_a_value_that_is_deleted_while_open_keeps_its_bytes(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        stored = store.values.store(np.arange(100_000.0))
        found: Any = store.values.load(stored)
        store.objects.delete(stored.object)
        assert found[99_999] == 99_999.0


def test_writing_needs_no_memory_beside_the_array(values: Values) -> None:
    import tracemalloc

    contiguous = np.zeros(6 * BLOCK_BYTES, "u1")
    gaps = np.zeros((12 * 64, 2 * BLOCK_BYTES // 128), "u1")[:, ::2]
    for array in (contiguous, gaps, np.asfortranarray(contiguous.reshape(-1, 4096))):
        values.store(array[:1])  # imports and tables
        tracemalloc.start()
        values.store(array)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 64 * 2**20 / 2


def combinations() -> dict[str, Any]:
    """Every dtype in every order, with and without gaps, read-only and empty."""
    layouts: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "C": lambda a: a,
        "F": np.asfortranarray,
        "turned": lambda a: a.transpose(2, 0, 1),
        "gaps": lambda a: a[::2, :, ::-1],
        "spread": lambda a: np.broadcast_to(a[:1], a.shape),
        "empty": lambda a: a[:, :0],
        "0-d": lambda a: a[1, 1, 1].reshape(()),
    }
    made: dict[str, Any] = {}
    for kind in [
        "?",
        "i1",
        ">i2",
        "u4",
        ">i8",
        "f2",
        ">f4",
        "f8",
        "c8",
        ">c16",
        "S3",
        ">U2",
        "M8[us]",
        ">m8[3s]",
        "V5",
    ]:
        dtype = np.dtype(kind)
        raw = rng().integers(0, 2, 60 * dtype.itemsize, "u1").tobytes()
        array = np.frombuffer(raw, dtype).reshape(3, 4, 5)
        made |= {f"{kind} {name}": layout(array) for name, layout in layouts.items()}
    return made


CHILD = """
import importlib.util, json, sys, warnings
from pathlib import Path
warnings.simplefilter("error")
spec = importlib.util.spec_from_file_location("cases", sys.argv[1])
cases = importlib.util.module_from_spec(spec)
sys.modules["cases"] = cases
spec.loader.exec_module(cases)
cases.open_all(Path(sys.argv[2]), json.loads(sys.stdin.read()))
"""


def everything() -> dict[str, Any]:
    found = {name: make() for name, make in ARRAYS.items()} | combinations()
    return found | {f"scalar {i}": value for i, value in enumerate(SCALARS)}


def open_all(folder: Path, rows: dict[str, Any]) -> None:
    """Open every value by its row alone; runs in a process that has stored nothing."""
    opened = Values(Objects(folder))
    for name, value in everything().items():
        codec, meta, nbytes, content, inline, object_name = rows[name]
        raw = None if inline is None else bytes.fromhex(inline)
        found = opened.load(Stored(codec, meta, nbytes, content, raw, object_name))
        if name.startswith("scalar"):
            assert exact(found, value), name
        else:
            assert differences(value, found) == [], name
        assert content in {digest(value), ""}, name


def test_everything_comes_back_in_a_fresh_process(values: Values) -> None:
    rows = {}
    for name, value in everything().items():
        stored = values.store(value)
        inline = None if stored.inline is None else stored.inline.hex()
        facts = [stored.codec, dict(stored.meta), stored.nbytes, stored.digest, inline]
        rows[name] = [*facts, stored.object]
    assert len(rows) > 150
    done = subprocess.run(
        [sys.executable, "-c", CHILD, __file__, str(values.objects.folder)],
        input=json.dumps(rows),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
