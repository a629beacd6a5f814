"""Checked by mypy, never run: what the decorator gives has the types of what it takes."""

from __future__ import annotations

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

plain("1")  # type: ignore[arg-type]  # an int is wanted
plain(1, 2, 3)  # type: ignore[call-arg]  # there are two parameters

kept: DumboFunction[[int], dict[str, int]] = with_options
