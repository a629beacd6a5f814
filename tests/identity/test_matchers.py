"""Matchers: what an argument enters as."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dumbo.errors import ConfigurationError, UnidentifiableError
from dumbo.identity import CallShape, close, file, files, ignore, key, new_default
from dumbo.identity.matchers import Matcher


def f(a: Any, b: Any = 1) -> None: ...


def cid(value: Any, matcher: Matcher) -> str:
    return CallShape.of(f, match={"a": matcher}).identify((value,), {}).cid


@pytest.mark.parametrize(
    ("matcher", "one", "other", "same"),
    [
        (close(rel=1e-2), 1.0, 1.001, True),
        (close(rel=1e-2), 1.0, 1.1, False),
        (close(rel=1e-2), 1.0, -1.0, False),
        (close(rel=1e-2), 0.0, -0.0, True),
        (close(rel=1e-2), 0.0, 1e-300, False),
        (close(rel=1e-2), 1, 1.0, True),
        (close(rel=1e-2), 1, True, False),
        (close(rel=1e-2), 10**400, 10**400 + 1, False),
        (close(abs=0.5), 1.0, 1.2, True),
        (close(abs=0.5), 1.0, 1.3, False),
        (close(abs=0.5), 1e308, 1e308, True),
        (close(abs=1e-300), 1e300, 1e301, False),
        (close(rel=1e-2, abs=1e-3), 1e-4, -5e-4, True),
        (close(rel=1e-2, abs=1e-3), 1.0, 1.001, True),
        (close(rel=1e-2), float("nan"), float("nan"), True),
        (close(rel=1e-2), float("inf"), -float("inf"), False),
        (close(rel=1e-2), 1 + 1j, 1.001 + 1j, True),
        (close(rel=1e-2), 1 + 1j, (1.0, 1.0), False),
        (close(rel=1e-2), {"a": [1.0, (2.0,)]}, {"a": [1.001, (2.001,)]}, True),
        (close(rel=1e-2), [1.0], (1.0,), False),
        (close(rel=1e-2), "a", "a", True),
        (close(rel=1e-2), "a", "b", False),
        (close(rel=1e-2), np.array([1.0, 0.0, np.nan]), np.array([1.001, -0.0, np.nan]), True),
        (close(rel=1e-2), np.array([1.0, -1.0]), np.array([1.0, 1.0]), False),
        (close(abs=0.5), np.array([[1.0, -2.0]]), np.array([[1.1, -2.1]]), True),
        (close(abs=0.5), np.array([1.0]), np.array([[1.0]]), False),
        (close(abs=0.5), np.float64(1.0), np.float64(1.1), True),
        (close(abs=0.5), np.array(["a"]), np.array(["b"]), False),
        (ignore, 1, "x", True),
        (key(len), [1, 2], "ab", True),
        (key(len), [1, 2], [1], False),
        (close(rel=1e-2), 1.0, ("rel", True, 0), False),
    ],
)
def test_what_matches(matcher: Matcher, one: Any, other: Any, same: bool) -> None:
    assert (cid(one, matcher) == cid(other, matcher)) is same


def test_buckets_do_not_depend_on_order() -> None:
    values = [1 + k / 1000 for k in range(50)]
    there = [cid(v, close(abs=0.01)) for v in values]
    back = [cid(v, close(abs=0.01)) for v in reversed(values)]
    assert there == back[::-1]
    assert 4 <= len(set(there)) <= 7


def test_widths_that_cannot_be_meant() -> None:
    for widths in ({}, {"rel": -1.0}, {"abs": float("inf")}, {"rel": float("nan")}):
        with pytest.raises(ConfigurationError, match="close"):
            close(**widths)
    with pytest.raises(ConfigurationError, match="not callable"):
        key(3)  # type: ignore[arg-type]  # what is tested


def test_too_deep_for_buckets_is_said() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(UnidentifiableError, match="100 levels"):
        cid(value, close(rel=1))


def test_the_identity_says_which_matcher_accepted() -> None:
    shape = CallShape.of(f, match={"a": close(rel=0.1, abs=1.0), "b": key(str.lower)})
    assert shape.identify((1.0, "X"), {}).matched == (
        "a by close(rel=0.1, abs=1.0)",
        "b by key(lower)",
    )
    shape = CallShape.of(f, match={"a": file()}, ignore="b")
    assert shape.identify((__file__,), {}).matched == ("a by file()", "b by ignore")
    assert CallShape.of(f).identify((1,), {}).matched == ()


def test_files_go_by_content(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"x" * 3_000_000)
    two.write_bytes(b"x" * 3_000_000)
    matcher = file()
    before = cid(one, matcher)
    assert before == cid(str(two), matcher) == cid(os.fsencode(two), matcher)
    with one.open("r+b") as stream:
        stream.seek(2_999_999)
        stream.write(b"y")
    assert cid(one, matcher) != before


def test_an_untouched_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"x")
    reads: list[str] = []
    plain = files._file_digest

    def counted(path: str) -> str:
        reads.append(path)
        return plain(path)

    monkeypatch.setattr(files, "_file_digest", counted)
    matcher = file()
    cid(path, matcher)
    cid(path, matcher)
    assert len(reads) == 2, "a file changed just now proves nothing by its stamp"
    later = time.time_ns() + 10 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: later)
    cid(path, matcher)
    cid(path, matcher)
    assert len(reads) == 3
    os.utime(path, ns=(1, 1))
    cid(path, matcher)
    assert len(reads) == 4, "ctime moved"


@pytest.mark.parametrize("value", ["/nowhere/at/all", 3.5, "a\0b", "/"])
def test_what_is_no_file_is_refused(value: Any) -> None:
    with pytest.raises(UnidentifiableError, match="argument 'a' matched by file"):
        cid(value, file())


def test_a_new_default_keeps_old_results() -> None:
    def old(a: int) -> None: ...

    def new(a: int, mode: str = new_default("fast"), n: Any = new_default([1])) -> None: ...

    before = CallShape.of(old, name="m:f").identify((1,), {})
    shape = CallShape.of(new, name="m:f")
    now = shape.identify((1,), {})
    assert now.cid == before.cid
    assert now.bound.arguments == {"a": 1, "mode": "fast", "n": [1]}
    assert now.text == "f(a=1, mode='fast', n=[1])"
    assert shape.identify((1, "fast"), {"n": [1]}).cid == before.cid
    assert shape.identify((1, "slow"), {}).cid != before.cid
    assert shape.identify((1,), {"n": [2]}).cid != shape.identify((1, "slow"), {}).cid
