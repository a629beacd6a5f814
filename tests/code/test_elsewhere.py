"""Judging where the module is neither loaded nor to be found along ``sys.path``."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dumbo.code import Project, Tracker, modules
from dumbo.code.packages import Packages
from dumbo.code.source_index import index_source
from dumbo.code.values import short_text
from dumbo.records import Depset, State

Writer = Callable[..., Any]
TASTE = """
import functools, math
from dumbo import dumbo
import els_help
from els_help import scaled, Model as M
RATE = 0.1
NAMES = ["a", "b"]
TABLE = [i for i in range(3)]
def step(w): return RATE * 2 * w
@functools.lru_cache
def cached(x): return x + 1
@dumbo(keep="always")
def other(x): return x
def train(x):
    kept = other(x) + len(NAMES) + M(1).go(4) + els_help.SCALE + cached(2) + TABLE[0]
    return sum([step(1)]) + len([x]) + scaled(x) + math.sqrt(4) + kept
"""
HELP = """
SCALE = 3
def scaled(x): return x * SCALE
class Model:
    rate = 2
    def __init__(self, w): self.w = w
    def go(self, x): return x * self.rate + self.w
"""


@pytest.fixture
def elsewhere(
    write: Writer, tracker: Tracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Depset]:
    """Record a call of ``train``, and leave: unload its modules, and their folder."""

    def leave() -> Depset:
        work = write(els_help=HELP, els_taste=TASTE)
        with tracker.recording(work.train) as recording:
            work.train(1)
        depset = tracker.depset(work.train, recording)
        for name in ("els_help", "els_taste"):
            del sys.modules[name]
        monkeypatch.setattr(sys, "path", [p for p in sys.path if p != str(tmp_path)])
        return depset

    return leave


def test_unchanged_code_is_fresh_from_any_folder(elsewhere: Callable[[], Depset]) -> None:
    depset = elsewhere()
    verdict = Tracker(Project()).verify(depset)
    assert verdict.reasons == ()


@pytest.mark.parametrize(
    ("file", "before", "after", "subject", "values"),
    [
        ("els_taste", "RATE = 0.1", "RATE = 0.01", "els_taste.RATE", ("0.1", "0.01")),
        ("els_help", "SCALE = 3", "SCALE = 30", "els_help.SCALE", ("3", "30")),
        ("els_taste", '"b"]', '"c"]', "els_taste.NAMES", ("['a', 'b']", "['a', 'c']")),
    ],
)
def test_a_changed_literal_is_named_with_both_values(
    elsewhere: Callable[[], Depset],
    tmp_path: Path,
    file: str,
    before: str,
    after: str,
    subject: str,
    values: tuple[str, str],
) -> None:
    depset = elsewhere()
    place = tmp_path / f"{file}.py"
    place.write_text(place.read_text().replace(before, after))
    verdict = Tracker(Project()).verify(depset)
    assert [(r.subject, r.before, r.after) for r in verdict.reasons] == [(subject, *values)]


def test_an_edit_beside_leaves_what_the_text_determines(
    elsewhere: Callable[[], Depset], tmp_path: Path
) -> None:
    depset = elsewhere()
    place = tmp_path / "els_taste.py"
    place.write_text(place.read_text() + "\ndef unrelated(): return 1\n")
    verdict = Tracker(Project()).verify(depset)
    assert [reason.subject for reason in verdict.reasons] == ["els_taste.TABLE"]
    assert verdict.state is State.UNKNOWN


def test_a_module_that_is_called_like_an_installed_one(
    write: Writer, tracker: Tracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = write(wave="N = 3\ndef f(x): return x * N\n")
    with tracker.recording(work.f) as recording:
        work.f(1)
    depset = tracker.depset(work.f, recording)
    del sys.modules["wave"]
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p != str(tmp_path)])
    assert Tracker(Project()).verify(depset).reasons == ()


def test_a_file_written_just_before_it_is_imported_can_be_judged(
    write: Writer, tracker: Tracker, tmp_path: Path
) -> None:
    time.sleep(0.01)
    text = "import dumbo\nN = 3\n@dumbo.dumbo\ndef g(x): return x\n"
    text += "def h(x): return abs(x)\ndef f(x): return h(x) * N\n"
    script = f"""
        import pickle, sys
        from pathlib import Path
        from dumbo.code import Project, Tracker
        Path("els_now.py").write_text({text!r})
        sys.path.insert(0, {str(tmp_path)!r})
        import els_now
        tracker = Tracker(Project())
        with tracker.recording(els_now.f) as recording:
            els_now.f(1)
        Path("depset").write_bytes(pickle.dumps(tracker.depset(els_now.f, recording)))
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=tmp_path, check=True)

    depset = pickle.loads((tmp_path / "depset").read_bytes())
    assert Tracker(Project()).verify(depset).reasons == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("@d\ndef f(): ...", "by d"),
        ("@d.e(keep='x')\ndef f(): ...", "by d.e"),
        ("@d(name='x')\ndef f(): ...", ""),
        ("@d(**o)\ndef f(): ...", ""),
        ("@d(1)\ndef f(): ...", ""),
        ("@c\n@d\ndef f(): ...", ""),
        ("@d\nclass f: ...", ""),
        ("class f: ...", "class"),
        ("f, g = 1, 2", ""),
        ("f: int", ""),
        ("f = 1", "v:int 1"),
        ("f = 1\nf = 2", ""),
    ],
)
def test_what_the_text_says_of_a_name(text: str, value: str) -> None:
    assert index_source(text).bindings["f"].value == value


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "0.5"), (True, "True"), (None, "None"), (b"a", "b'a'"), (1j, "1j")]
)
def test_scalars_are_shown(value: object, text: str) -> None:
    assert short_text(value) == text
    assert short_text([value]) == f"[{text}]"


def test_a_program_called_like_a_module_it_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    main, other = ModuleType("__main__"), ModuleType("els_tool")
    main.__file__, other.__file__ = "/bin/els_tool", "/lib/els_tool.py"
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert modules.loaded("els_tool") is main
    monkeypatch.setitem(sys.modules, "els_tool", other)
    assert modules.loaded("els_tool") is other
    main.__file__ = "/lib/els_tool.py"
    assert modules.loaded("els_tool") is main


def test_the_name_of_a_package_that_is_being_developed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "els_pack").mkdir()
    (tmp_path / "els_pack" / "__init__.py").write_text("")
    (tmp_path / "els_pack.egg-info").mkdir()
    (tmp_path / "els_pack.egg-info" / "PKG-INFO").write_text("Version: 0.1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert Packages().version("els_pack") == "els_pack==0.1"
