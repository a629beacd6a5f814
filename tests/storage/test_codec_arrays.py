"""numpy's odd values, scipy's sparse arrays and torch's odd tensors, as their parts."""

from __future__ import annotations

import collections
import datetime as dt
import json
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dumbo.errors import ValueLostError
from dumbo.identity import value_digest as digest
from dumbo.records import Stored
from dumbo.storage import Pickles, Values
from dumbo.storage.codecs.texts import pack_texts, unpack_texts
from dumbo.testing import CodecTests

TEXT = np.dtypes.StringDType
RECORD = np.dtype([("a", "i4"), ("b", ">f8")], align=True)


def masked(**facts: Any) -> Any:
    return np.ma.masked_array(np.arange(6.0).reshape(2, 3), [[0, 1, 0], [1, 0, 0]], **facts)


def records() -> Any:
    return np.array([(1, 2.5), (3, -0.0)], RECORD)


NUMPY: dict[str, Any] = {
    "masked": masked(fill_value=9.0),
    "hard mask": masked(hard_mask=True),
    "no mask": np.ma.masked_array([1, 2]),
    "masked records": np.ma.masked_array(records(), [(0, 1), (1, 0)]),
    "masked dates": np.ma.masked_array(np.array(["2020", "NaT"], "M8[D]"), [0, 1]),
    "empty masked": np.ma.masked_array(np.empty((0, 3))),
    "large masked": np.ma.masked_array(np.arange(300_000.0), np.arange(300_000) % 7 == 0),
    "text": np.array(["é", "b" * 30, ""], TEXT()),
    "text with NaN": np.array(["a", np.nan], TEXT(na_object=np.nan)),
    "text with None": np.array([["a", None], ["b", "c"]], TEXT(na_object=None, coerce=False)),
    "objects": np.array([1, "x", None, (2, b"y"), dt.date(2020, 1, 1), 2.5], object),
    "object text": np.array(["a", None, float("nan"), "\ud800"], object),
    "object Fortran": np.asfortranarray(np.array([["a", "b"], ["c", "d"]], object)),
    "no objects": np.empty((2, 0), object),
    "no dimension": np.array("only", object),
    "matrix": np.ones((2, 2)).view(np.matrix),
    "recarray": records().view(np.recarray),
    "records": records().view((np.record, RECORD)),
    "a structured scalar": records()[1],
    "a record": records().view(np.recarray)[0],
    "void": np.void(b"\0ab"),
    "dtype": RECORD,
    "a big-endian dtype": np.dtype(">M8[25s]"),
}


class TestNumpyParts(CodecTests):
    codec = "numpy-parts/1"

    def values(self) -> list[Any]:
        return list(NUMPY.values())


@pytest.mark.parametrize("value", NUMPY.values(), ids=NUMPY.keys())
def test_numpy_needs_no_pickle(values: Values, value: Any) -> None:
    strict = Values(values.objects, Pickles.NEVER)
    stored = strict.store({"a": value})
    found: Any = strict.load(stored)
    assert type(found["a"]) is type(value)
    assert strict.item(stored, "a").digest == digest(value) == digest(found["a"])


def test_what_makes_a_mask_is_kept(values: Values) -> None:
    found: Any = values.load(values.store(NUMPY["hard mask"]))
    assert (found.hardmask, found.baseclass) == (True, np.ndarray)
    assert values.load(values.store(NUMPY["no mask"])).mask is np.ma.nomask  # type: ignore[attr-defined] # a masked array
    found = values.load(values.store(NUMPY["masked records"]))
    assert found.mask.tolist() == [(False, True), (True, False)]
    assert found.fill_value == NUMPY["masked records"].fill_value


def test_text_keeps_what_stands_for_missing_text(values: Values) -> None:
    for name in ("text", "text with NaN", "text with None"):
        found: Any = values.load(values.store(NUMPY[name]))
        assert found.dtype == NUMPY[name].dtype
        assert found.dtype.coerce == NUMPY[name].dtype.coerce
    odd = np.array(["a"], TEXT(na_object="missing"))
    assert values.store(odd).codec == "pickle/1"


def test_objects_that_may_share_are_left_to_pickle(values: Values) -> None:
    part = [1]
    shared = np.array([None, part, part], object)
    itself = np.empty(1, object)
    itself[0] = itself
    for array in (shared, itself, np.array([np.arange(3), None], object)):
        assert values.store(array).codec == "pickle/1"
    found: Any = values.load(values.store([shared, part]))
    assert found[0][1] is found[0][2] is found[1]
    noted = masked()
    noted._optinfo = {"note": "mine"}
    assert values.store(noted).codec == "pickle/1"
    assert values.store(np.dtype("f8", metadata={"a": 1})).codec == "pickle/1"


def test_packed_text_is_exact_or_declined() -> None:
    items = ["", "é\ud800", None, float("nan"), "x" * 5000]
    back = unpack_texts(pack_texts(items))
    assert repr(back) == repr(items)
    odd = np.array([0x7FF8DEAD00000001], "u8").view("f8").tolist()[0]
    for item in (odd, b"x", 1, ["a"]):
        assert pack_texts(["a", item]) is None


i8, u1 = np.dtype("<i8"), np.dtype("u1")


@pytest.mark.parametrize(
    ("ends", "raw", "kinds"),
    [
        (np.array([2, 1], i8), np.zeros(1, u1), None),
        (np.array([-1, 1], i8), np.zeros(1, u1), None),
        (np.array([1], i8), np.zeros(2, u1), None),
        (np.array([1], "<i4"), np.zeros(1, u1), None),
        (np.array([[1]], i8), np.zeros(1, u1), None),
        (np.array([1], i8), np.full(1, 255, u1), None),
        (np.array([1], i8), np.zeros(1, u1), np.ones(2, u1)),
        (np.array([1], i8), np.zeros(1, u1), np.full(1, 9, u1)),
        ([1], np.zeros(1, u1), None),
    ],
)
def test_packed_text_that_lies_is_refused(ends: Any, raw: Any, kinds: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        unpack_texts({"ends": ends, "bytes": raw, "kinds": kinds})


def lying(stored: Stored, **changes: str) -> Stored:
    """A manifest in which one text was replaced by another."""
    raw = stored.inline
    assert raw is not None
    size = int.from_bytes(raw[:8], "little")
    header, tail = raw[8 : 8 + size].decode(), raw[8 + size :]
    for before, after in changes.items():
        assert before in header
        header = header.replace(before, after)
    json.loads(header)
    made = len(header.encode()).to_bytes(8, "little") + header.encode() + tail
    return replace(
        stored, inline=made, nbytes=len(made), meta={**stored.meta, "manifest": len(made)}
    )


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("masked", '"masked"', '"eval"'),
        ("masked", '"masked"', '["list",[],null]'),
        ("matrix", '"matrix"', '"scalar"'),
        ("objects", '["list",[6],null]', '["list",[1000000000],null]'),
        ("objects", '["list",[6],null]', '["list",[-6],null]'),
        ("dtype", '"i4"', '"O"'),
        ("text", '["list",[3],null]', '["list",[2],null]'),
    ],
)
def test_parts_that_lie_are_a_lost_value(
    values: Values, name: str, before: str, after: str
) -> None:
    stored = values.store(NUMPY[name])
    if before == '"i4"':
        before = '"<i4"'
        after = '"|O"'
    with pytest.raises(ValueLostError):
        values.load(lying(stored, **{before: after}))


# scipy

FORMATS = ["csr", "csc", "bsr", "coo", "dia", "lil", "dok"]


def sparse_cases() -> list[Any]:
    sp = pytest.importorskip("scipy.sparse", reason="an optional library")
    dense = np.zeros((4, 6))
    dense[[0, 1, 3], [2, 0, 5]] = [1.5, -0.0, 3.0]
    made = [getattr(sp, f"{f}_{kind}")(dense) for f in FORMATS for kind in ("array", "matrix")]
    wide = sp.csr_array(dense)
    wide.indices, wide.indptr = wide.indices.astype("i8"), wide.indptr.astype("i8")
    doubled = sp.coo_array(([1.0, 2.0], ([0, 0], [1, 1])), shape=(2, 2))
    unsorted = sp.csr_array(([1.0, 2.0], [1, 0], [0, 2]), shape=(1, 2))
    big = sp.csr_array(np.random.default_rng(0).random((500, 500)))
    empty = [sp.csr_array((0, 5)), sp.coo_array((3, 0)), sp.csc_array((2, 3), dtype="c8")]
    return [*made, wide, doubled, unsorted, *empty, sp.coo_array(np.arange(4)), big]


def same_sparse(a: Any, b: Any) -> bool:
    names = ("data", "indices", "indptr", "offsets", "rows")
    mine, theirs = ([getattr(x, n) for n in names if hasattr(x, n)] for x in (a, b))
    coordinates = [list(x.coords) if x.format == "coo" else [] for x in (a, b)]
    if a.format == "dok":
        mine, theirs = ([np.array(list(x.items()), object)] for x in (a, b))
    pairs = [*zip(mine, theirs, strict=True), *zip(*coordinates, strict=True)]
    facts = [(type(x), x.shape, x.dtype) for x in (a, b)]
    return facts[0] == facts[1] and all(
        x.dtype == y.dtype and repr(x.tolist()) == repr(y.tolist()) for x, y in pairs
    )


class TestSparse(CodecTests):
    codec = "sparse/1"

    def values(self) -> list[Any]:
        return sparse_cases()

    def same(self, a: Any, b: Any) -> bool:
        return same_sparse(a, b)


def test_a_sparse_subclass_is_left_to_pickle(values: Values) -> None:
    sp = pytest.importorskip("scipy.sparse", reason="an optional library")
    noted = sp.csr_array(np.eye(2))
    noted.note = "mine"
    assert values.store(noted).codec == "pickle/1"


@pytest.mark.parametrize("kind", ["csr", "csc", "bsr"])
@pytest.mark.parametrize(
    ("part", "lie"),
    [
        ("indices", [0, 99]),
        ("indices", [-1, 0]),
        ("indices", [0.0, 1.0]),
        ("indices", [0]),
        ("indptr", [0, 2, 1]),
        ("indptr", [0, 1, 9]),
        ("indptr", [1, 1, 2]),
        ("indptr", [0, 2]),
        ("shape", [2, 1]),
        ("shape", [10**12, 2]),
        ("shape", [-2, 2]),
        ("data", "text"),
        ("class", "eval"),
    ],
)
def test_indices_out_of_bounds_never_reach_scipy(
    values: Values, kind: str, part: str, lie: Any
) -> None:
    sp = pytest.importorskip("scipy.sparse", reason="an optional library")
    codec: Any = values.codec_named("sparse/1")
    parts = dict(codec.take(getattr(sp, f"{kind}_array")(np.eye(2))).parts)
    parts[part] = np.array(lie) if part in {"indices", "indptr"} else lie
    if (kind, lie) == ("csc", [10**12, 2]):
        return  # rows are not what csc is compressed along: such an array can be
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        codec.make(parts)


def test_coordinates_out_of_bounds_never_reach_scipy(values: Values) -> None:
    sp = pytest.importorskip("scipy.sparse", reason="an optional library")
    codec: Any = values.codec_named("sparse/1")
    for kind, name, lie in (
        ("coo", "coords", [np.array([0, 9]), np.array([0, 1])]),
        ("coo", "coords", [np.array([0, 1])]),
        ("coo", "coords", [np.array([0]), np.array([0, 1])]),
        ("dia", "offsets", np.array([0, 0])),
        ("dia", "offsets", np.array([[0]])),
        ("lil", "places", [0, 9]),
        ("lil", "counts", np.array([3, -1])),
        ("lil", "counts", np.array([1])),
        ("dok", "places", [(0, 0), (9, 9)]),
        ("dok", "places", [(0, 0), (1,)]),
    ):
        parts = {**codec.take(getattr(sp, f"{kind}_array")(np.eye(2))).parts, name: lie}
        with pytest.raises((ValueError, TypeError, KeyError, IndexError)):
            codec.make(parts)


# torch


def torch_cases() -> list[Any]:
    torch = pytest.importorskip("torch", reason="an optional library")
    dense = torch.zeros(6, 6)
    dense[0, 1], dense[5, 5] = 1.5, -2.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls compressed layouts a beta
        made = [
            dense.to_sparse(),
            dense.to_sparse().requires_grad_(),
            dense.to_sparse_csr(),
            dense.to_sparse_csc(),
            dense.to_sparse_bsr((2, 3)),
            dense.to_sparse_bsc((3, 2)),
            torch.sparse_coo_tensor([[0, 0]], [1.0, 2.0], (3,)),
            torch.sparse_coo_tensor([[0, 1]], torch.ones(2, 3, dtype=torch.bfloat16), (3, 3)),
        ]
    return [*made, torch.Size([2, 3]), torch.bfloat16, torch.device("cuda", 1), torch.device("cpu")]


def same_torch(a: Any, b: Any) -> bool:
    torch = pytest.importorskip("torch", reason="an optional library")
    if type(a) is not torch.Tensor:
        return bool(type(a) is type(b) and a == b)
    facts = [(x.layout, x.dtype, x.shape, x.requires_grad) for x in (a, b)]
    if a.layout is torch.sparse_coo:
        facts = [(*f, x.is_coalesced()) for f, x in zip(facts, (a, b), strict=True)]  # type: ignore[misc] # one fact more
        return facts[0] == facts[1] and all(
            torch.equal(getattr(a, n)(), getattr(b, n)()) for n in ("_indices", "_values")
        )
    return facts[0] == facts[1] and bool(torch.equal(a.to_dense(), b.to_dense()))


@pytest.mark.torch
class TestTensorParts(CodecTests):
    codec = "tensor-parts/1"

    def values(self) -> list[Any]:
        return torch_cases()

    def same(self, a: Any, b: Any) -> bool:
        return same_torch(a, b)


@pytest.mark.torch
def test_sparse_indices_are_checked_before_torch_uses_them(values: Values) -> None:
    torch = pytest.importorskip("torch", reason="an optional library")
    codec: Any = values.codec_named("tensor-parts/1")
    coo, _, csr, *_ = torch_cases()
    for tensor, name, lie in (
        (coo, "indices", torch.tensor([[0, 99], [0, 0]])),
        (coo, "shape", [1, 1]),
        (coo, "values", 5),
        (csr, "inner", torch.tensor([99, 0])),
        (csr, "outer", torch.tensor([0, 9, 0, 0, 0, 0, 2])),
        (csr, "kind", "strided"),
    ):
        parts = {**codec.take(tensor).parts, name: lie}
        stored = replace(values.store(coo), inline=None)
        with pytest.raises((RuntimeError, TypeError, ValueError)):
            codec.make(parts)
        assert stored.codec == "tensor-parts/1"


@pytest.mark.torch
def test_a_state_dict_is_a_container_of_tensors(values: Values) -> None:
    torch = pytest.importorskip("torch", reason="an optional library")
    net = torch.nn.Sequential(torch.nn.Linear(200, 200), torch.nn.BatchNorm1d(200))
    strict = Values(values.objects, Pickles.NEVER)
    stored = strict.store(net.state_dict())
    assert stored.codec == "container/1"
    found: Any = strict.load(stored)
    assert type(found) is collections.OrderedDict
    assert found._metadata == net.state_dict()._metadata
    assert torch.nn.Sequential(
        torch.nn.Linear(200, 200), torch.nn.BatchNorm1d(200)
    ).load_state_dict(found)
    assert strict.item(stored, "0.weight").meta["shape"] == [200, 200]
