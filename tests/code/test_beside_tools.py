"""Recording beside debuggers, profilers and coverage: both see what they should, and stay."""

from __future__ import annotations

import bdb
import cProfile
import io
import pdb
import pstats
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dumbo.code import Tracker
from dumbo.records import Depset

Writer = Callable[..., ModuleType]

WORK = "def small(a):\n    return a + 1\ndef deep(a):\n    return small(a)\n"
ALL = {"tls_work.deep", "tls_work.small"}


def names(depset: Depset) -> set[str]:
    return {d.label for d in depset.members if d.kind.value == "code"}


def record(tracker: Tracker, function: Any, *args: Any) -> Depset:
    with tracker.recording(function) as recording:
        function(*args)
    return tracker.depset(function, recording)


@pytest.fixture
def work(write: Writer) -> Any:
    return write(tls_work=WORK)


def counted(profiler: cProfile.Profile) -> set[str]:
    stats: Any = pstats.Stats(profiler, stream=io.StringIO())
    return {name for (_, _, name) in stats.stats}


def test_a_profiler_that_was_there_first_keeps_counting(tracker: Tracker, work: Any) -> None:
    profiler = cProfile.Profile()
    profiler.enable()
    try:
        depset = record(tracker, work.deep, 1)
        work.deep(2)
    finally:
        profiler.disable()
    assert names(depset) == ALL
    assert {"deep", "small"} <= counted(profiler)


def test_a_profiler_begun_by_the_call_counts_and_ends(tracker: Tracker, work: Any) -> None:
    profiler = cProfile.Profile()
    with tracker.recording(work.deep) as recording:
        profiler.runcall(work.deep, 1)
    depset = tracker.depset(work.deep, recording)
    assert {"deep", "small"} <= counted(profiler)
    # Where there is one hook for all, the profiler took it; what it kept from being seen is said.
    assert names(depset) == ALL
    assert bool(recording.incomplete) is (sys.version_info < (3, 12))
    assert sys.getprofile() is None
    assert names(record(tracker, work.deep, 1)) == ALL


def test_a_debugger_stops_where_it_should_and_everything_is_seen(
    tracker: Tracker, work: Any
) -> None:
    class Stops(bdb.Bdb):
        lines: list[tuple[str, int]]

        def user_line(self, frame: Any) -> None:
            if frame.f_code.co_filename == work.__file__:
                self.lines.append((frame.f_code.co_name, frame.f_lineno))
            self.set_continue()

    found: list[Depset] = []
    debugger = Stops()
    debugger.lines = []
    earlier = sys.gettrace()
    debugger.set_break(work.__file__, 2)
    try:
        debugger.runcall(lambda: found.append(record(tracker, work.deep, 1)))
    finally:
        sys.settrace(earlier)
    assert debugger.lines == [("small", 2)]
    assert names(found[0]) == ALL


def test_a_session_of_pdb_goes_on(tracker: Tracker, work: Any) -> None:
    told = io.StringIO()
    debugger = pdb.Pdb(
        stdin=io.StringIO("step\nstep\nnext\ncontinue\n"), stdout=told, nosigint=True
    )
    earlier = sys.gettrace()
    try:
        with tracker.recording(work.deep) as recording:
            assert debugger.runcall(work.deep, 1) == 2
    finally:
        sys.settrace(earlier)
    assert names(tracker.depset(work.deep, recording)) == ALL
    assert "--Call--" in told.getvalue() or "deep" in told.getvalue()


COVERED = """
import sys
sys.path.insert(0, {folder!r})
from dumbo.code import Project, Tracker
import tls_covered
tracker = Tracker(Project())
def run(x):
    with tracker.recording(tls_covered.f) as recording:
        tls_covered.f(x)
    return tracker.depset(tls_covered.f, recording)
depsets = [run(1), run(-1)]
print(sorted(d.label for s in depsets for d in s.members if d.kind == "code"))
"""
LINES = """def f(x):
    if x > 0:
        return g(x)
    return h(x)
def g(x): return x
def h(x):
    return -x
def never():
    return 0
"""


@pytest.mark.parametrize("core", ["ctrace", "pytrace", "sysmon"])
def test_coverage_reports_the_same_lines(tmp_path: Path, core: str) -> None:
    pytest.importorskip("coverage")
    if core == "sysmon" and sys.version_info < (3, 12):
        pytest.skip("sys.monitoring begins with 3.12")
    (tmp_path / "tls_covered.py").write_text(LINES)
    (tmp_path / "main.py").write_text(COVERED.format(folder=str(tmp_path)))
    root = str(Path(__file__).parent.parent.parent)
    environment = {"PYTHONPATH": root, "COVERAGE_CORE": core, "PATH": ""}
    python = [sys.executable, "-W", "error", "-m", "coverage"]
    include = f"--include={tmp_path}/tls_covered.py"
    done = subprocess.run(
        [*python, "run", include, "main.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    named = ["tls_covered.f", "tls_covered.f", "tls_covered.g", "tls_covered.h"]
    assert done.stdout.strip() == str(named)
    report = subprocess.run(
        [*python, "report", "-m"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert report.stdout.split("\n")[2].split()[-1] == "9", report.stdout
