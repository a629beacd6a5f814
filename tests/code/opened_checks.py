"""Files a call reads and does not declare are noticed, and never make it stale."""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from types import ModuleType
from typing import Any

import pytest

from dumbo.code import Project, Tracker, declared, undeclared_files
from dumbo.code.opened import FEW
from dumbo.records import Depset, State

Writer = Callable[..., ModuleType]

WORK = """
import os, sqlite3, threading
def read(path):
    with open(path) as file: return file.read()
def low(path): return os.read(os.open(path, os.O_RDONLY), 9)
def write(path):
    with open(path, "w") as file: file.write("1")
def base(path): sqlite3.connect(path).close()
def many(paths): return [read(path) for path in paths]
def thread(path):
    t = threading.Thread(target=read, args=(path,)); t.start(); t.join()
def moved(path):
    os.chdir(os.path.dirname(path))
    return read(os.path.basename(path))
def fail(path): read(path); raise KeyError(path)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with data, which is the working folder."""
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "data").mkdir()
    for name in ("a.txt", "b.txt"):
        (tmp_path / "data" / name).write_text("1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def record(tracker: Tracker, function: Any, *args: Any, named: Any = ()) -> Depset:
    with tracker.recording(function) as recording:
        function(*args)
    return tracker.depset(function, recording, named)


@pytest.mark.parametrize("how", ["read", "low", "base", "thread", "moved"])
def test_a_file_that_is_read_is_named(here: Path, write: Writer, how: str) -> None:
    work = write(opn_work=WORK)
    path = here / "data" / ("d.db" if how == "base" else "a.txt")
    sqlite3.connect(here / "data" / "d.db").close()
    (here / "data" / "d.db").touch()
    tracker = Tracker(Project(), watch_files=True)
    depset = record(tracker, getattr(work, how), str(path))
    assert undeclared_files(depset) == (str(path),)
    path.write_text("22")
    tracker.refresh()
    assert tracker.verify(depset, getattr(work, how)).state is State.FRESH


def test_what_is_no_content_of_the_project_is_not_named(here: Path, write: Writer) -> None:
    work = write(opn_work=WORK)
    tracker = Tracker(Project(), watch_files=True)
    (here / ".hidden").mkdir()
    (here / "kept" / "objects").mkdir(parents=True)
    (here / "kept" / "catalog.sqlite").write_text("")
    places = [".hidden/a", "kept/objects/a", "a.py", "kept/catalog.sqlite"]
    for name in places:
        (here / name).write_text("1")
    depset = record(tracker, work.many, [*(str(here / name) for name in places), os.devnull])
    assert undeclared_files(depset) == ()
    assert undeclared_files(record(tracker, work.write, "data/new.txt")) == ()


def test_what_is_declared_is_not_named(here: Path, write: Writer) -> None:
    work = write(opn_work=WORK)
    tracker = Tracker(Project(), watch_files=True)
    for named in (
        declared(file="data/a.txt"),
        declared(folder="data"),
        declared(glob="data/*.txt"),
    ):
        assert undeclared_files(record(tracker, work.read, "data/a.txt", named=named)) == ()
    named = declared(file="data/b.txt")
    found = undeclared_files(record(tracker, work.read, "data/a.txt", named=named))
    assert [Path(path).name for path in found] == ["a.txt"]


def test_a_function_is_told_of_once(
    here: Path, write: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    work = write(opn_work=WORK)
    tracker = Tracker(Project(), watch_files=True)
    with caplog.at_level(logging.INFO, "dumbo"):
        for name in ("data/a.txt", "data/a.txt", "data/b.txt"):
            record(tracker, work.read, name)
    (told,) = [r.getMessage() for r in caplog.records if r.name == "dumbo"]
    assert "a.txt" in told
    assert "depends_on(file=...)" in told


def test_many_files_are_not_all_kept(here: Path, write: Writer) -> None:
    work = write(opn_work=WORK)
    paths = [f"data/{i}.txt" for i in range(FEW + 5)]
    for path in paths:
        Path(path).write_text("1")
    tracker = Tracker(Project(), watch_files=True)
    with tracker.recording(work.many) as recording:
        work.many(paths)
    assert len(recording.files) == FEW
    found = [undeclared_files(record(tracker, work.read, path)) for path in paths]
    assert sum(map(len, found)) == 4


def test_a_file_belongs_to_the_call_that_reads_it(here: Path, write: Writer) -> None:
    work = write(opn_work=WORK)
    tracker = Tracker(Project(), watch_files=True)
    with tracker.recording(work.many) as parent:
        with tracker.recording(work.read) as child:
            work.read("data/a.txt")
        work.read("data/b.txt")
    assert {Path(p).name for p in child.files} == {"a.txt"}
    assert {Path(p).name for p in parent.files} == {"b.txt"}
    failing = pytest.raises(KeyError)
    with tracker.recording(work.many) as parent, failing, tracker.recording(work.fail):
        work.fail("data/a.txt")
    assert {Path(p).name for p in parent.files} == {"a.txt"}


def test_a_working_folder_that_is_gone_does_no_harm(
    here: Path, write: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = write(opn_work=WORK)
    tracker = Tracker(Project(), watch_files=True)
    gone = here / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with tracker.recording(work.read), pytest.raises(FileNotFoundError):
        work.read("a.txt")


def test_opening_costs_next_to_nothing(here: Path, write: Writer) -> None:
    work = write(opn_work=WORK)
    tracker = Tracker(Project(), watch_files=True)
    hook = "compile"

    def seconds(event: str, *args: object) -> float:
        start = perf_counter()
        for _ in range(2000):
            sys.audit(event, *args)
        return (perf_counter() - start) / 2000

    with tracker.recording(work.read):
        pairs = [(seconds(hook, "a", "b"), seconds("open", "data/a.txt", "r", 0)) for _ in range(9)]
    base, cost = median(a for a, _ in pairs), median(b for _, b in pairs)
    assert cost < 20 * base + 10e-6
