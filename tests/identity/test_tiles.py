"""Copies into C order give the same items whichever way is taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dumbo.identity import tiles


def filled(shape: tuple[int, ...], dtype: str) -> Any:
    return (np.arange(np.prod(shape)) % 251).astype(dtype).reshape(shape)


def unaligned(dtype: str) -> Any:
    raw = np.zeros(600 * 700 * np.dtype(dtype).itemsize + 1, "u1")[1:]
    array = raw.view(dtype).reshape(600, 700)
    array[...] = filled((600, 700), dtype)
    return array.T


CASES: dict[str, Any] = {
    "with the grain": lambda: filled((300, 400), "f8")[:, ::2],
    "units and a rest": lambda: filled((5000, 1032), "u1")[:, :1024].T[:1021],
    "units, crowded": lambda: filled((1024, 1024), "f4").T,
    "rows, crowded": lambda: filled((1024, 1024), "f8").T,
    "rows, crowded and narrow": lambda: filled((4096, 1024), "c16")[:, :9].T,
    "rows": lambda: filled((3000, 1001), "f8").T,
    "not aligned": lambda: unaligned("f4"),
    "few in the last axis": lambda: filled((6, 90_000), "u2").T,
    "three axes": lambda: filled((500, 30, 40), "u1").T,
    "turned round": lambda: filled((900, 800), "u1").T[::-1, ::-1],
}


@pytest.mark.parametrize("kind", CASES)
def test_every_way_gives_the_same_items(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = CASES[kind]()
    for near in (0, tiles._NEAR):
        monkeypatch.setattr(tiles, "_NEAR", near)
        target = np.full(source.shape, 77, source.dtype)
        tiles.copy(target, source)
        assert np.array_equal(target, source)


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        ("units and a rest", "_copy_units"),
        ("units, crowded", "_copy_units"),
        ("rows, crowded", "_copy_rows"),
        ("not aligned", "_copy_rows"),
        ("units and a rest", "_copy_rows"),
    ],
)
def test_the_way_that_is_meant_is_taken(
    kind: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    plain = getattr(tiles, way)

    def noted(target: Any, source: Any, near: Any) -> None:
        taken.append(source.size)
        plain(target, source, near)

    monkeypatch.setattr(tiles, "_NEAR", 0)
    monkeypatch.setattr(tiles, way, noted)
    source = CASES[kind]()
    tiles.copy(np.empty(source.shape, source.dtype), source)
    assert taken
