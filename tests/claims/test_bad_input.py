"""Bad input: a clear error of the tree, or a warning and the plain result; nothing is lost."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

import dumbo
from dumbo import session as sessions
from dumbo.testing import event_log


def store_folder(tmp_path: Path) -> Path:
    return tmp_path / "default-store"


def test_an_argument_without_a_name_is_refused_before_the_call() -> None:
    ran = []

    @dumbo.dumbo
    def use(lock: object) -> int:
        ran.append(1)
        return 1

    with pytest.raises(dumbo.UnidentifiableError, match=r"lock.*external.*ignore|lock"):
        use([threading.Lock()])
    assert not ran


def test_an_argument_that_does_not_fit_is_pythons_own_error() -> None:
    @dumbo.dumbo
    def add(a: int, b: int = 1) -> int:
        return a + b

    with pytest.raises(TypeError, match=r"add\(\) got an unexpected keyword argument 'c'"):
        add(1, c=2)  # type: ignore[call-arg]  # the error under test


def test_an_exception_passes_through_and_nothing_is_kept() -> None:
    calls = []
    error = ValueError("mine")

    @dumbo.dumbo(keep="always")
    def fails(x: int) -> int:
        calls.append(x)
        raise error

    with event_log() as log:
        for _ in range(2):
            with pytest.raises(ValueError, match="mine") as caught:
                fails(1)
            assert caught.value is error
    assert calls == [1, 1]
    assert [event.kind.value for event in log] == ["failed", "failed"]
    assert not fails.is_cached(1)


def test_an_exception_leaves_no_frame_behind() -> None:
    @dumbo.dumbo(keep="always")
    def inner(x: int) -> int:
        raise KeyError(x)

    @dumbo.dumbo(keep="always")
    def outer(x: int) -> int:
        try:
            inner(x)
        except KeyError:
            return -x
        return x

    assert outer(3) == -3
    assert dumbo.inputs(outer(3)) == ()


def test_a_generator_as_result_is_refused_with_the_remedy() -> None:
    @dumbo.dumbo
    def numbers(n: int) -> Any:
        return (i for i in range(n))

    with pytest.raises(dumbo.UncacheableError, match=r"numbers\(n=3\).*list or tuple"):
        numbers(3)


def test_a_store_that_is_a_file_gives_a_warning_and_the_plain_result(tmp_path: Path) -> None:
    store_folder(tmp_path).write_text("not a folder")

    @dumbo.dumbo(keep="always")
    def double(x: int) -> int:
        return 2 * x

    with pytest.warns(dumbo.StoreWarning, match="DUMBO_DIR"):
        assert double(4) == 8
    assert double(4) == 8
    assert store_folder(tmp_path).read_text() == "not a folder"


def test_opening_a_file_as_a_store_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    with pytest.raises(dumbo.StoreUnavailableError, match="file"):
        dumbo.open(tmp_path / "file")


def test_a_folder_of_something_else_is_never_taken_for_a_store(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_text("precious")
    with pytest.raises(dumbo.StoreUnavailableError, match="photos"):
        dumbo.open(tmp_path / "photos")
    assert [p.name for p in (tmp_path / "photos").iterdir()] == ["a.jpg"]


def kept_store(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    with dumbo.open(folder) as session, dumbo.using(session):
        dumbo.dumbo(keep="always")(abs)(-3)
    return folder / "catalog.sqlite"


def test_a_newer_store_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    catalog = kept_store(tmp_path)
    with sqlite3.connect(catalog) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(dumbo.StoreFormatError, match=r"newer|999"):
        dumbo.open(catalog.parent)
    with sqlite3.connect(catalog) as connection:
        assert connection.execute("SELECT count(*) FROM record").fetchone() == (1,)
    connection.close()


def test_a_corrupt_catalog_is_refused_and_calls_still_give_their_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = kept_store(tmp_path)
    garbage = b"this is no database at all" * 1000
    for leftover in catalog.parent.glob("catalog.sqlite-*"):
        leftover.unlink()
    catalog.write_bytes(garbage)
    with pytest.raises(dumbo.CorruptStoreError, match="catalog"):
        dumbo.open(catalog.parent)
    monkeypatch.setenv("DUMBO_DIR", str(catalog.parent))
    with pytest.warns(dumbo.StoreWarning, match="catalog"):
        assert dumbo.call(pow, 2, 5) == 32
    assert catalog.read_bytes() == garbage


def test_a_store_that_breaks_under_way_gives_a_warning_and_the_plain_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @dumbo.dumbo(keep="always")
    def square(x: int) -> int:
        return x * x

    assert square(2) == 4
    session = sessions.current()

    def broken(*_: object) -> Any:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(session.store.catalog, "add", broken)
    with pytest.warns(dumbo.StoreWarning, match=r"square\(x=3\).*disk I/O error"):
        assert square(3) == 9
    with event_log() as log:
        assert square(3) == 9
        assert square(2) == 4
    assert log.executed == []


def test_a_lost_object_is_a_miss_with_a_warning(tmp_path: Path) -> None:
    folder = tmp_path / "lost"

    @dumbo.dumbo(keep="always")
    def text(n: int) -> str:
        return "x" * n

    with dumbo.open(folder) as session, dumbo.using(session):
        assert len(text(100_000)) == 100_000
    for file in (folder / "objects").rglob("*"):
        if file.is_file():
            file.unlink()
    with dumbo.open(folder) as session, dumbo.using(session), event_log() as log:
        with pytest.warns(dumbo.StoreWarning, match=r"text\(n=100000\)"):
            assert text(100_000) == "x" * 100_000
        assert log.executed == ["text(n=100000)"]


@pytest.mark.parametrize("damage", ["short", "flipped"])
def test_a_damaged_object_is_a_miss_with_a_warning(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "damaged"

    @dumbo.dumbo(keep="always")
    def text(n: int) -> str:
        return "x" * n

    with dumbo.open(folder) as session, dumbo.using(session):
        assert len(text(100_000)) == 100_000
    (file,) = [f for f in (folder / "objects").rglob("*") if f.is_file()]
    data = bytearray(file.read_bytes())
    if damage == "short":
        del data[-1000:]
    else:
        data[5000] ^= 1
    file.chmod(0o600)
    file.write_bytes(data)
    with dumbo.open(folder) as session, dumbo.using(session), event_log() as log:
        with pytest.warns(dumbo.StoreWarning, match=r"text\(n=100000\)"):
            assert text(100_000) == "x" * 100_000
        assert log.executed == ["text(n=100000)"]


def test_what_is_no_result_cannot_be_asked_about() -> None:
    with pytest.raises(dumbo.NotCachedError, match=r"\[1, 2\]|list"):
        dumbo.why([1, 2])
    with pytest.raises(dumbo.NotCachedError, match=r"dumbo\.tags"):
        dumbo.tagged("nothing")
    assert dumbo.cid(3) is None


def test_options_that_cannot_be_meant_are_refused_at_decoration() -> None:
    def f(x: int) -> int:
        return x

    with pytest.raises(dumbo.ConfigurationError, match=r"'sometimes' is not one of 'auto'"):
        dumbo.dumbo(keep="sometimes")(f)
    with pytest.raises(dumbo.ConfigurationError, match="verbose"):
        dumbo.dumbo(ignore=("verbose",))(f)
    with pytest.raises(dumbo.ConfigurationError, match="several names"):
        dumbo.dumbo(ignore="x")(f)
    with pytest.raises(dumbo.ConfigurationError, match="no policy"):
        dumbo.dumbo(stale=True)(f)  # type: ignore[call-overload]  # the error under test
    with pytest.raises(dumbo.ConfigurationError, match="methods"):
        dumbo.dumbo(int)
    with pytest.raises(dumbo.ConfigurationError, match="no setting 'colour'"):
        dumbo.open(colour="red")
    with pytest.raises(dumbo.ConfigurationError, match="memoized function"):
        dumbo.depends_on(env="HOME")
    with pytest.raises(dumbo.ConfigurationError, match="direct= and indirect="):
        dumbo.policy()


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    graph = dumbo.graph(dumbo.dumbo(keep="always")(abs)(-1))
    with pytest.raises(dumbo.MissingLibraryError, match=r"dot.*mermaid"):
        graph.svg()
