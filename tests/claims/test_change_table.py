"""Every change that matters is noticed, no other is, and the reason is named: a table of edits.

Each case is recorded in one process, controlled with nothing edited in a second, edited, and
checked in a third, under every Python at hand that has what dumbo needs.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def _sibling(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


TABLE = _sibling("change_cases")
CASES = [*TABLE.CASES, *_sibling("change_language").MORE]


@functools.cache
def pythons() -> tuple[str, ...]:
    """This Python and any other supported one that has the libraries dumbo imports."""
    named = os.environ.get("DUMBO_TEST_PYTHONS", "").split(os.pathsep)
    found = [sys.executable, *(n for n in named if n)]
    found += [path for minor in (11, 12, 13) if (path := shutil.which(f"python3.{minor}"))]
    usable: dict[str, str] = {}
    for python in found:
        probe = "import sys, xxhash, numpy, wrapt; print(sys.version_info[:2])"
        got = subprocess.run([python, "-c", probe], capture_output=True, text=True)
        if got.returncode == 0 and got.stdout >= "(3, 11)":
            usable.setdefault(got.stdout, python)
    return tuple(usable.values())


def _phase(python: str, phase: str, folder: Path, cases: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [python, str(HERE / "change_driver.py"), phase, str(folder), str(cases)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr


def _write(folder: Path, case: Any) -> None:
    (folder / case.slug / "p").mkdir(parents=True)
    (folder / case.slug / "site-packages").mkdir()
    for name, text in case.files.items():
        place = folder / case.slug / "p" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


def _edit(folder: Path, case: Any) -> None:
    if case.edit is None:
        return
    name, old, new = case.edit
    place = folder / case.slug / "p" / name
    text = place.read_text()
    assert text.count(old), case.name
    place.write_text(text.replace(old, new, 1))


def run_table(python: str, folder: Path, mode: str = "") -> dict[str, dict[str, Any]]:
    """Everything the phases found, by case and phase."""
    cases = [*CASES, *TABLE.NOW]
    listing = folder / "cases.json"
    listing.write_text(json.dumps([case.row() for case in cases]))
    for case in cases:
        _write(folder, case)
    time.sleep(0.1)  # a file written a moment ago may change unseen, so its index is not kept
    _phase(python, mode + "record", folder, listing)
    edited = [case for case in cases if not case.now]
    listing.write_text(json.dumps([case.row() for case in edited]))
    _phase(python, mode + "control", folder, listing)
    for case in edited:
        _edit(folder, case)
    _phase(python, mode + "check", folder, listing)
    return {
        case.slug: {
            phase: json.loads(path.read_text())
            for phase in ("record", "control", "check")
            if (path := folder / case.slug / f"{phase}.json").exists()
        }
        for case in cases
    }


@pytest.fixture(scope="module", params=pythons(), ids=lambda p: Path(p).name)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return run_table(request.param, tmp_path_factory.mktemp("table"))


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return run_table(sys.executable, tmp_path_factory.mktemp("blind"), "blind-")


def _state(found: Any, case: Any, phase: str) -> str:
    if not found[case.slug]:
        pytest.skip("this Python has no use for the case")
    got = found[case.slug][phase]
    assert "error" not in got, got["error"]
    return str(got["state"])


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.slug)
def test_nothing_edited_is_fresh(found: Any, case: Any) -> None:
    assert _state(found, case, "record") == "fresh", found[case.slug]["record"]["reasons"]
    assert _state(found, case, "control") == "fresh", found[case.slug]["control"]["reasons"]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.slug)
def test_an_edit_is_judged_right(found: Any, case: Any) -> None:
    # A cell of the function itself is part of the identity of its calls, not of their truth.
    want = {"unseen": "fresh", "identity": "fresh"}.get(case.want, case.want)
    assert _state(found, case, "check") == want, found[case.slug]["check"]
    got = found[case.slug]["check"]
    if case.why and want == "stale":
        assert any(case.why in subject for _, subject, _ in got["reasons"]), got["reasons"]


@pytest.mark.parametrize("case", TABLE.NOW, ids=lambda c: c.slug)
def test_a_change_in_the_process_fails_a_guard(found: Any, case: Any) -> None:
    assert _state(found, case, "record") == "fresh"
    before, after = found[case.slug]["record"]["guards"]
    assert before
    now = found[case.slug]["record"]["now"]
    assert now["state"] == case.want, now
    if case.want == "stale":
        assert not after


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.slug)
def test_not_knowing_when_a_file_was_read_never_gives_a_wrong_verdict(
    blind: Any, case: Any
) -> None:
    for phase in ("record", "control"):
        assert _state(blind, case, phase) != "stale", blind[case.slug][phase]["reasons"]
    wrong = {"stale": "fresh", "unknown": "fresh"}.get(case.want, "stale")
    assert _state(blind, case, "check") != wrong, blind[case.slug]["check"]


def test_unchanged_files_are_not_parsed_again(found: Any) -> None:
    parsed = {slug: got["control"]["parsed"] for slug, got in found.items() if "control" in got}
    assert not any(parsed.values()), {slug: n for slug, n in parsed.items() if n}


def test_the_table_is_large_enough() -> None:
    assert len(CASES) >= 250
    names = [case.slug for case in (*CASES, *TABLE.NOW)]
    assert len(names) == len(set(names))
