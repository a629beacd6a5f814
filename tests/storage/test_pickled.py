"""Pickles: signed with the user's key, checked before a byte is interpreted."""

from __future__ import annotations

import os
import pickle
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dumbo.errors import (
    StoreUnavailableError,
    UncacheableError,
    UntrustedValueError,
    ValueLostError,
)
from dumbo.records import Stored
from dumbo.storage import Objects, Pickles, Values, keys
from dumbo.storage.codecs.pickled import facts


class Thing:
    def __init__(self, **parts: object) -> None:
        self.parts = parts


ran: list[str] = []


def explode(word: str) -> None:
    ran.append(word)


class Bomb:
    def __reduce__(self) -> Any:
        return (explode, ("boom",))


@pytest.fixture(autouse=True)
def fresh_keys() -> Iterator[None]:
    keys._key_in.cache_clear()
    ran.clear()
    yield
    keys._key_in.cache_clear()


def test_large_buffers_lie_beside_the_stream_and_come_back_writable(values: Values) -> None:
    array, frozen = np.arange(10_000.0), np.arange(10.0)
    frozen.flags.writeable = False
    stored = values.store(Thing(array=array, frozen=frozen))
    assert len(stored.meta["lengths"]) == 3  # type: ignore[arg-type] # a list
    found: Any = values.load(stored)
    assert np.array_equal(found.parts["array"], array)
    found.parts["array"][0] = 5.0
    assert not found.parts["frozen"].flags.writeable
    again: Any = values.load(stored)
    assert again.parts["array"][0] == 0.0


def test_nothing_runs_without_the_signature(values: Values) -> None:
    raw = pickle.dumps(Bomb(), 5)
    for mac in (None, "", 7, "00" * 32, "\ud800"):
        meta = {"type": "a:B", "lengths": [len(raw)], "mac": mac}
        with pytest.raises(UntrustedValueError, match="DUMBO_KEY_DIR"):
            values.load(Stored("pickle/1", meta, len(raw), "", raw))
    assert ran == []
    values.load(values.store(Bomb()))
    assert ran == ["boom"]


def test_one_changed_byte_or_boundary_breaks_the_signature(values: Values) -> None:
    stored = values.store(Thing(array=np.arange(20.0)))
    assert stored.inline is not None
    for position in (0, 40, len(stored.inline) - 1):
        raw = bytearray(stored.inline)
        raw[position] ^= 1
        with pytest.raises(UntrustedValueError):
            values.load(replace(stored, inline=bytes(raw)))
    lengths: Any = stored.meta["lengths"]
    first, second = lengths
    with pytest.raises(UntrustedValueError):
        values.load(replace(stored, meta={**stored.meta, "lengths": [first + 1, second - 1]}))


@pytest.mark.parametrize("lengths", [None, [], [5], ["x"], [-1, 1], 3])
def test_lengths_that_do_not_fit_are_a_lost_value(values: Values, lengths: object) -> None:
    stored = values.store(Thing())
    with pytest.raises(ValueLostError, match="disagree"):
        values.load(replace(stored, meta={**stored.meta, "lengths": lengths}))


def test_another_users_store_is_not_trusted_until_the_key_is_shared(
    values: Values, own_key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = values.store(Thing(a=1))
    monkeypatch.setenv("DUMBO_KEY_DIR", str(tmp_path / "other"))
    with pytest.raises(UntrustedValueError):
        values.load(stored)
    monkeypatch.setenv("DUMBO_KEY_DIR", str(own_key))
    found: Any = values.load(stored)
    assert found.parts == {"a": 1}


def test_pickle_can_be_forbidden(values: Values) -> None:
    stored = values.store(Thing())
    strict = Values(values.objects, Pickles.NEVER)
    with pytest.raises(UncacheableError, match="allow_pickle=False"):
        strict.store(Thing())
    with pytest.raises(UntrustedValueError, match="allow_pickle=False"):
        strict.load(stored)
    assert strict.load(strict.store({"a": np.arange(3), "b": [1]}))


def test_plain_values_need_no_key(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden() -> bytes:
        raise AssertionError("the key was asked for")

    monkeypatch.setattr(keys, "user_key", forbidden)
    values = Values(objects)
    for value in (1, "x", [1, {"a": np.arange(5)}], np.arange(10_000), np.float64(1)):
        values.load(values.store(value))


def test_a_class_that_is_gone_is_a_lost_value(
    values: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = values.store(Thing())
    monkeypatch.delattr(f"{__name__}.Thing")
    with pytest.raises(ValueLostError, match="renamed or moved"):
        values.load(stored)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_the_key_is_private_and_stays_the_same(own_key: Path) -> None:
    key = keys.user_key()
    keys._key_in.cache_clear()
    assert keys.user_key() == key
    assert len(key) == keys.KEY_BYTES
    assert stat.S_IMODE((own_key / "store.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(own_key.stat().st_mode) == 0o700
    assert [path.name for path in own_key.iterdir()] == ["store.key"]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_a_key_that_others_can_read_is_refused(own_key: Path) -> None:
    keys.user_key()
    (own_key / "store.key").chmod(0o644)
    keys._key_in.cache_clear()
    with pytest.raises(StoreUnavailableError, match="chmod 600"):
        keys.user_key()


def test_a_damaged_key_is_refused(own_key: Path) -> None:
    own_key.mkdir(mode=0o700)
    (own_key / "store.key").write_bytes(b"short")
    (own_key / "store.key").chmod(0o600)
    with pytest.raises(StoreUnavailableError, match="32 bytes"):
        keys.user_key()


def test_a_key_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DUMBO_KEY_DIR", str(tmp_path / "file"))
    with pytest.raises(StoreUnavailableError, match="set DUMBO_KEY_DIR"):
        keys.user_key()


def test_of_two_that_make_a_key_at_once_the_first_wins(own_key: Path) -> None:
    key = keys.user_key()
    keys._make(own_key / "store.key")
    keys._key_in.cache_clear()
    assert keys.user_key() == key
    assert len(list(own_key.iterdir())) == 1


def test_the_key_lies_in_the_users_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    import platformdirs

    monkeypatch.delenv("DUMBO_KEY_DIR")
    assert keys.key_folder() == Path(platformdirs.user_data_dir("dumbo", appauthor=False))


def test_unknown_classes_are_not_asked_for_facts() -> None:
    class Touchy:
        @property
        def shape(self) -> Any:
            raise AssertionError("asked")

        def __len__(self) -> int:
            raise AssertionError("asked")

    assert facts(Touchy()) == {}
    assert facts(np.ma.masked_array(1.0)) == {"shape": [], "ndim": 0, "dtype": "float64"}
