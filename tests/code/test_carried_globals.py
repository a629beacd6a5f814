"""Results of memoized calls that globals hold count by what they are, not by their CID alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from dumbo.code.values import agree, fingerprint_of


@dataclass
class Row:
    version: int
    digest: str = ""


class Result:
    """Like a carrier, as far as code tracking asks it."""

    def __init__(self, version: int, digest: str = "", value: Any = None) -> None:
        self.row, self.value = Row(version, digest), value

    def __dumbo_carrier__(self) -> str:
        return "m:f#" + "0" * 32

    @property
    def __dumbo_record__(self) -> Row:
        return self.row

    @property
    def __dumbo_loaded__(self) -> bool:
        return self.value is not None

    def __dumbo_node__(self) -> Any:
        return self


def same(one: Any, two: Any) -> bool:
    before, after = fingerprint_of(one), fingerprint_of(two)
    assert before is not None
    assert after is not None
    return agree(before, after)


@pytest.mark.parametrize("wrap", [lambda r: r, lambda r: [r], lambda r: {"a": (1, r)}])
def test_a_result_is_the_same_while_its_digest_is(wrap: Any) -> None:
    assert same(wrap(Result(1, "d")), wrap(Result(2, "d")))
    assert not same(wrap(Result(1, "d")), wrap(Result(2, "e")))


@pytest.mark.parametrize("wrap", [lambda r: r, lambda r: [r]])
def test_a_result_that_gained_a_digest_is_still_the_same(wrap: Any) -> None:
    assert same(wrap(Result(3)), wrap(Result(3, "d")))
    assert not same(wrap(Result(3)), wrap(Result(4, "d")))


def test_a_result_that_was_not_kept_counts_by_its_value() -> None:
    assert same(Result(-1, value=[1]), Result(-7, value=[1]))
    assert not same(Result(-1, value=[1]), Result(-1, value=[2]))


def test_of_a_result_nothing_is_known_of_nothing_is_said() -> None:
    assert not same(Result(-1), Result(-1, "d"))


def test_plain_values_are_never_mixed_up_with_results() -> None:
    assert not agree("v:'cid:x@1|d|'", "v:'cid:x@2|d|'")
    assert not same([Result(1, "d")], [1])
    assert not same([Result(1, "d")], [Result(1, "d"), Result(1, "d")])
