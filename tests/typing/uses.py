"""Checked by mypy, never run: what the decorator gives has the types of what it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_type

import dumbo as package
from dumbo import CID, DumboFunction, Explanation, Record, Staleness, dumbo


@dumbo
def plain(x: int, scale: float = 1.0) -> list[float]:
    return [x * scale]


@dumbo(keep="always", ignore=("x",))
def with_options(x: int) -> dict[str, int]:
    return {"x": x}


class Model:
    @dumbo
    def score(self, x: int) -> float:
        return float(x)

    @staticmethod
    @dumbo
    def grown(x: int) -> int:
        return x + 1


@dataclass
class Fit:
    loss: float
    steps: list[int]


@dumbo(keep="always", returns="native")
def fitted(rate: float) -> Fit:
    return Fit(rate, [])


@dumbo
def measured(rate: float) -> tuple[dict[str, float], int]:
    return {"loss": rate}, 1


@dumbo
async def fetched(x: int) -> str:
    return str(x)


async def uses_of_async() -> None:
    assert_type(await fetched(1), str)


assert_type(plain(1), list[float])
assert_type(plain(1, scale=2.0), list[float])
assert_type(with_options(1), dict[str, int])
assert_type(plain.cid(1), CID)
assert_type(plain.is_stale(1), Staleness)
assert_type(plain.why(1), Explanation)
assert_type(plain.record(1), Record)
assert_type(plain.recompute(1), list[float])
assert_type(package.unwrap(plain(1)), list[float])
assert_type(package.cid(plain(1)), CID | None)
assert_type(dumbo.call(max, 1, 2), int)
assert_type(package.external("n", 3), int)

# Carriers and their items are seen as the plain values they stand for.
found, count = measured(0.5)
assert_type(found["loss"], float)
assert_type(count, int)
assert_type(plain(1)[0], float)
assert_type(fitted(0.5).loss, float)
assert_type(fitted(0.5).steps, list[int])
assert_type(Model().score(1), float)
assert_type(Model.grown(1), int)

plain("1")  # type: ignore[arg-type]  # an int is wanted
plain(1, 2, 3)  # type: ignore[call-arg]  # there are two parameters

kept: DumboFunction[[int], dict[str, int]] = with_options
