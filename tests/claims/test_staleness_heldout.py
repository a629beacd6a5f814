"""What an edit changes runs again, and nothing else: projects written without a look at the code.

Law: every case is recorded, asked again unedited, edited, asked again, and undone, in fresh
processes (or in one, for edits of a running process); values are those of the same files with a
`dumbo` that remembers nothing.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from heldout_cases import EDITED, LIVE, Case
from heldout_driver import Processes, Seen, Start

# The version of the files that each process sees; the last two only for cases with a second edit.
PHASES = {"record": 0, "control": 0, "edit": 1, "again": 1, "undo": 0, "then": 2, "back": 1}
LIVE_PHASES = ("record", "control", "edit", "again", "undo")

# What dumbo does not do yet: cases that are right, with what is wrong instead.
MOVED = "a helper that moves to another module is another helper"
METHODS = "the order of methods in a class counts"
NOT_YET = {
    ("helper_moved_to_another_module", "edit"): MOVED,
    ("order_of_methods", "edit"): METHODS,
}


def phases(folder: Path, *, real: bool) -> Seen:
    """Run every case through its phases: ``seen[case][phase]``."""
    edited = [case for case in EDITED if case.missing is None]
    live = [case for case in LIVE if case.missing is None]
    found: Seen = {case.name: {} for case in edited}
    libraries = tuple(sorted({name for case in edited for name in case.words("needs")}))
    with Processes(folder / "edited", real=real, libraries=libraries) as processes:
        for phase, version in PHASES.items():
            cases = edited if phase in LIVE_PHASES else [case for case in edited if case.then]
            if real or phase in {"record", "edit", "then"}:
                for name, what in run(processes, cases, version, live=False).items():
                    found[name][phase] = what
    with Processes(folder / "live", real=real) as processes:
        return found | run(processes, live, 0, live=True)


def run(processes: Processes, cases: list[Case], version: int, *, live: bool) -> Seen:
    """Write one version of the cases' files, and run them all in one fresh process."""
    for case in cases:
        case.write(processes.tree, version)
    return processes.run(
        [{"name": c.name, "environment": c.environment(version), "live": live} for c in cases]
    )


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What every case did in every phase, and its true values: ``seen[kind][case][phase]``."""
    folder = tmp_path_factory.mktemp("heldout")
    with ThreadPoolExecutor(2) as pool:
        real = pool.submit(phases, folder / "real", real=True)
        true = pool.submit(phases, folder / "true", real=False)
        return {"real": real.result(), "true": true.result()}


def _ids() -> list[Any]:
    pairs = [(c, p) for c in EDITED for p in PHASES if c.then or p not in {"then", "back"}]
    pairs += [(c, p) for c in LIVE for p in LIVE_PHASES if p != "undo" or c.undoes]
    return [
        pytest.param(
            case,
            phase,
            id=f"{case.name}-{phase}",
            marks=[pytest.mark.xfail(strict=True, reason=NOT_YET[case.name, phase])]
            if (case.name, phase) in NOT_YET
            else [],
        )
        for case, phase in pairs
    ]


def truth(seen: Seen, case: Case, phase: str) -> Any:
    """Give the value that a program without a memory has."""
    found = seen["true"][case.name]
    same = {"control": "record", "again": "edit", "undo": "record", "back": "edit"}
    what = found[phase if phase in found else same[phase]]
    assert what["error"] is None, what["error"]
    return what["value"]


@pytest.mark.parametrize(("case", "phase"), _ids())
def test_runs_again_what_changed_and_nothing_else(seen: Seen, case: Case, phase: str) -> None:
    if case.missing:
        pytest.skip(f"needs {case.missing}")
    assert "error" not in seen["real"][case.name], seen["real"][case.name]["error"]
    what = seen["real"][case.name][phase]
    assert what["error"] is None, what["error"]
    assert what["value"] == truth(seen, case, phase)
    if phase in {"edit", "then"}:
        assert sorted(what["executed"]) == case.executes, what["log"]
        assert set(case.words("hits")) <= set(what["hit"]), what["log"]
        assert all(word in what["why"] for word in case.words("why")), what["why"]
    elif phase == "record":
        assert what["executed"], what["log"]
    else:
        assert what["executed"] == [], what["log"]
        assert what["hit"], what["log"]


@pytest.mark.parametrize("case", [*EDITED, *LIVE], ids=lambda case: case.name)
def test_the_case_means_something(seen: Seen, case: Case) -> None:
    """An edit that must be noticed changes a value, and a harmless one does not."""
    if case.missing:
        pytest.skip(f"needs {case.missing}")
    changed = truth(seen, case, "record") != truth(seen, case, "edit")
    assert changed is case.changes_value


def test_a_program_given_as_text_is_answered_too(tmp_path: Path) -> None:
    """``python -c`` gives the main program the same file name as code made from text has."""
    cases = [case for case in EDITED if case.missing is None and not case.words("needs")]
    with Processes(tmp_path / "text", real=True, start=Start.TEXT) as processes:
        run(processes, cases, 0, live=False)
        found = run(processes, cases, 0, live=False)
    ran = {name: what["log"] for name, what in found.items() if what["executed"]}
    assert not ran


def test_there_are_enough_cases() -> None:
    names = [case.name for case in (*EDITED, *LIVE)]
    assert len(names) == len(set(names)) >= 250
