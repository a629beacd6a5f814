"""Results that few libraries expect are given to their caller, kept or not."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dumbo as d
from dumbo import dumbo
from dumbo.errors import StoreWarning


@pytest.fixture(autouse=True)
def session(tmp_path: Path) -> Iterator[Any]:
    with d.open(tmp_path / "store") as opened, d.using(opened):
        yield opened


@pytest.mark.parametrize("depth", [500, 5000])
def test_a_value_that_is_nested_deeply_is_given(depth: int) -> None:
    @dumbo(keep="always")
    def deep() -> Any:
        return functools.reduce(lambda inner, _: [inner], range(depth), [1])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StoreWarning)
        found: Any = d.unwrap(deep())
    for _ in range(depth):
        found = found[0]
    assert found[0] == 1


@pytest.mark.parametrize("keep", ["always", "memory", "never", "auto"])
@pytest.mark.parametrize("kind", ["sparse", "in a list", "lazy", "nested"])
@pytest.mark.filterwarnings("ignore")  # torch's own, about prototypes
def test_tensors_that_do_not_say_what_others_do_are_given(kind: str, keep: str) -> None:
    torch = pytest.importorskip("torch")
    made = {
        "sparse": lambda: torch.eye(50).to_sparse(),
        "in a list": lambda: [torch.eye(50).to_sparse()],
        "lazy": lambda: torch.nn.LazyLinear(3),
        "nested": lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
    }[kind]

    @dumbo(keep=keep)
    def odd() -> Any:
        return made()

    for _ in range(2):
        found: Any = d.unwrap(odd())
        if kind == "lazy":
            assert found.weight.dtype is torch.float32
        elif kind == "nested":
            assert [part.numel() for part in found.unbind()] == [2, 3]
        else:
            sparse = found[0] if kind == "in a list" else found
            assert torch.equal(sparse.to_dense(), torch.eye(50))


def test_integers_that_numpy_has_not_are_kept_and_told_apart() -> None:
    pl = pytest.importorskip("polars")

    @dumbo(keep="always")
    def wide(n: int) -> Any:
        return pl.DataFrame({"a": pl.Series([1, n, 3], dtype=pl.Int128)})

    @dumbo(keep="always")
    def added(x: Any) -> int:
        return int(x["a"].sum())

    assert [added(wide(n)) for n in (2, 1 << 100)] == [6, 4 + (1 << 100)]
    assert wide.record(2).stored is not None
    assert wide.record(2).digest != wide.record(1 << 100).digest
    frame = pl.DataFrame({"a": pl.Series([1, 2, 3], dtype=pl.Int128)})
    assert added.cid(frame) != added.cid(frame.cast(pl.Int64))


@pytest.mark.skipif(os.name != "posix", reason="a colon names a drive there")
def test_a_time_of_day_is_a_name(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "12:30.log").write_text("done")

    @dumbo(keep="always")
    def logs() -> Any:
        return d.Directory(tmp_path / "run")

    assert list(logs().files) == ["12:30.log"]
    assert logs.record().stored is not None
