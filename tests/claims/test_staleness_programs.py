"""Random programs under random edits: values are always true, and only what changed runs again.

Law: each step of each program is a fresh process; what it gives is what the program gives without a
memory, and what it executes is what the model of ``program_model`` executes, and no more than that
but for calls of several versions whose callees had to run to show that one of them holds.
"""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from heldout_driver import Processes
from program_model import Model, Program, edited, plain, program

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="starts processes by fork")


def walk(folder: Path, seeds: range, steps: int) -> tuple[list[str], int]:
    """Take every program through its edits; what was wrong, and after how many something ran."""
    draws = {seed: random.Random(-seed - 1) for seed in seeds}
    past = {seed: [program(seed)] for seed in seeds}
    models = {seed: Model() for seed in seeds}
    done = dict.fromkeys(seeds, "recorded")
    wrong: list[str] = []
    changed = 0
    with Processes(folder, real=True, libraries=("numpy",)) as processes:
        for step in range(steps):
            for seed in seeds:
                if step > 1:  # the second step is the control: the same again
                    done[seed], after = edited(past[seed][-1], past[seed][:-1], draws[seed])
                    past[seed].append(after)
                _write(processes.tree / f"program_{seed}", past[seed][-1].files())
            jobs = [{"name": f"program_{s}", "environment": {}, "live": False} for s in seeds]
            for name, what in processes.run(jobs).items():
                seed = int(name.removeprefix("program_"))
                where = f"program {seed}, step {step} ({done[seed]})"
                wrong += _differences(where, what, models[seed], past[seed][-1])
                changed += step > 1 and bool(what["calls"])
    return wrong, changed


def _write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in {"__init__.py": "", **files}.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def _differences(where: str, what: Any, model: Model, now: Program) -> list[str]:
    if what["error"]:
        return [f"{where}: {what['error']}"]
    true, modelled = plain(now), model.run(now)
    assert true == modelled, f"{where}: the model itself is wrong"
    if what["value"] != true:
        return [f"{where}: gave {what['value']}, true is {true}; {what['log']}"]
    ran, ought = Counter(what["calls"]), Counter(model.executed)
    missing, needless = dict(ought - ran), dict(ran - ought)
    if missing or needless.keys() - model.older:
        return [f"{where}: executed needlessly {needless}, not {missing}; {what['log']}"]
    return []


def test_values_are_true_and_only_what_changed_runs(tmp_path: Path) -> None:
    wrong, changed = walk(tmp_path / "walk", range(40), 8)
    assert not wrong, f"{len(wrong)} wrong steps\n" + "\n".join(wrong[:5])
    assert 40 * 6 / 4 < changed < 40 * 6  # the edits are of both sorts


@pytest.mark.slow
def test_values_are_true_and_only_what_changed_runs_at_length(tmp_path: Path) -> None:
    wrong, changed = walk(tmp_path / "walk", range(1000, 1200), 24)
    assert not wrong, f"{len(wrong)} wrong steps\n" + "\n".join(wrong[:5])
    assert 200 * 22 / 4 < changed < 200 * 22
