"""The story of the example: run, killed, resumed, asked for more, edited; never computed twice.

Every run is a process of its own on a copy of ``examples/batchbald_variance.py``; what happened
is read from the events that it wrote as they happened.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import pytest

NEEDED = ("torch", "sklearn", "matplotlib", "tqdm")
pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(
        any(find_spec(name) is None for name in NEEDED),
        reason=f"the example needs {', '.join(NEEDED)}",
    ),
]
needs_sigkill = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="this platform has no SIGKILL"
)

EXAMPLES = Path(__file__).parents[2] / "examples"
TRIALS = 3
SMALL = ["--epochs", "6", "--k", "20", "--m", "200", "--points", "300"]
SIZES = 5  # of the batch: 0, 1, 3, 5 and 9 points
TENSORS_FROM = {"load_data", "train_model", "predict", "batchbald_scores"}
BELOW_SCORES = {"summarise": 2 * SIZES, "order_kept": 2, "figure": 1}
SCORES_AND_BELOW = {"batchbald_scores": 2 * SIZES * TRIALS, **BELOW_SCORES}
PREDICTION_AND_BELOW = {
    "predict": 2 + 2 * TRIALS,
    "accuracy": 1,
    "greedy_batch": 1,
    **SCORES_AND_BELOW,
}
EVERYTHING = {"load_data": 1, "train_model": 1, **PREDICTION_AND_BELOW}


@dataclass(frozen=True, slots=True)
class Run:
    """What one process left behind."""

    events: list[dict[str, str]]
    numbers: bytes
    picture: bytes

    def cids(self, kind: str) -> list[str]:
        return [event["cid"] for event in self.events if event["kind"] == kind]

    def counts(self, kind: str) -> Counter[str]:
        """How many events of that kind, by function; items count for their container's function."""
        return Counter(re.split("[:#]", cid)[1] for cid in self.cids(kind))


def read_events(path: Path) -> list[dict[str, str]]:
    # A kill can cut the last line short.
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


@dataclass(frozen=True, slots=True)
class Project:
    """A copy of the example, a store, and a place for what the runs write."""

    source: Path
    store: Path
    out: Path

    @property
    def script(self) -> Path:
        return self.source / "batchbald_variance.py"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONDONTWRITEBYTECODE": "1",
            "DUMBO_DIR": str(self.store),
            "DUMBO_KEY_DIR": str(self.out / "keys"),
        }

    def options(self, *more: str) -> list[str]:
        self.out.mkdir(exist_ok=True)
        events = self.out / "events.jsonl"
        events.unlink(missing_ok=True)
        given = ["--trials", str(TRIALS), *SMALL, "--out", str(self.out), "--events", str(events)]
        return [*given, *more]  # the last of an option repeated counts

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.source,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=150,
        )

    def check(self, *arguments: str) -> str:
        done = self.python(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def left(self) -> Run:
        return Run(
            read_events(self.out / "events.jsonl"),
            (self.out / "batchbald_variance.json").read_bytes(),
            (self.out / "batchbald_variance.png").read_bytes(),
        )

    def run(self, *more: str) -> Run:
        self.check(str(self.script), *self.options(*more))
        return self.left()

    @contextmanager
    def edited(self, text: str) -> Iterator[None]:
        before = self.script.read_text(encoding="utf-8")
        assert text != before
        self.script.write_text(text, encoding="utf-8")
        try:
            yield
        finally:
            self.script.write_text(before, encoding="utf-8")

    def with_change(self, old: str, new: str) -> str:
        text = self.script.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in the example"
        return text.replace(old, new)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Run]:
    """A project after its first run. Nobody runs in its store again, each test has a copy."""
    folder = tmp_path_factory.mktemp("story")
    source = folder / "source"
    source.mkdir()
    for path in EXAMPLES.glob("batchbald_*.py"):
        shutil.copy(path, source)
    # So small a configuration has calls too cheap to be worth keeping; the full one does not.
    (source / "pyproject.toml").write_text('[tool.dumbo]\nkeep = "always"\n', encoding="utf-8")
    project = Project(source, folder / "store", folder / "out")
    return project, project.run()


@pytest.fixture
def project(first: tuple[Project, Run], tmp_path: Path) -> Project:
    """The project after its first run, with a store of its own to go on with."""
    store = shutil.copytree(first[0].store, tmp_path / "store")
    return replace(first[0], store=store, out=tmp_path / "out")


# ---------------------------------------------------------------- 1. cold, then warm


def test_cold_run_executes_every_call_once(first: tuple[Project, Run]) -> None:
    run = first[1]
    assert run.counts("executed") == EVERYTHING
    assert len(set(run.cids("executed"))) == len(run.cids("executed"))
    assert run.counts("hit") == {}


@pytest.fixture(scope="module")
def warm(first: tuple[Project, Run], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same run again, in a new process, that is told its store on the command line."""
    folder = tmp_path_factory.mktemp("warm")
    store = shutil.copytree(first[0].store, folder / "store")
    project = replace(first[0], store=folder / "unused", out=folder / "out")
    return project.run("--store", str(store))


def test_warm_run_executes_nothing_and_gives_the_same_bits(
    first: tuple[Project, Run], warm: Run
) -> None:
    assert warm.counts("executed") == {}
    assert set(warm.cids("hit")) == set(first[1].cids("executed"))
    assert warm.numbers == first[1].numbers
    assert warm.picture == first[1].picture


def test_warm_run_loads_no_tensor(warm: Run) -> None:
    loaded = warm.counts("loaded")
    assert not TENSORS_FROM & set(loaded), loaded


def test_imported_example_finds_what_the_script_kept_and_imports_nothing_it_does_not_need(
    project: Project,
) -> None:
    driver = """
import sys
import batchbald_variance as example
example.main(sys.argv[1:])
heavy = {name.partition(".")[0] for name in sys.modules} & {"matplotlib", "sklearn"}
assert not heavy, heavy
"""
    project.check("-c", driver, *project.options())
    assert project.left().counts("executed") == {}


def test_numbers_are_those_of_plain_python(first: tuple[Project, Run], project: Project) -> None:
    driver = """
import sys, types
plain = types.ModuleType("dumbo")
plain.dumbo = lambda function=None, **options: function or (lambda function: function)
sys.modules["dumbo"] = plain
import batchbald_variance as example
example.torch.set_num_threads(1)
plan = example.parse(sys.argv[1:])
findings, png = example.analyse(plan, example.Journal([], None))
(plan.out / "batchbald_variance.json").write_text(findings.json(), encoding="utf-8")
(plan.out / "batchbald_variance.png").write_bytes(png)
"""
    project.check("-c", driver, *project.options())
    plain = project.left()
    assert plain.events == []
    assert plain.numbers == first[1].numbers
    assert plain.picture == first[1].picture


# ---------------------------------------------------------------- 2. killed, asked for more


@needs_sigkill
def test_run_killed_between_trials_goes_on_with_exactly_the_missing_calls(
    first: tuple[Project, Run], project: Project
) -> None:
    driver = """
import os, signal, sys
import batchbald_variance as example

def killed_after_five(trials, **options):
    for trial in trials:
        if trial == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        yield trial

example.tqdm = killed_after_five
example.main(sys.argv[1:])
"""
    done = project.python("-c", driver, *project.options("--trials", "7"))
    assert done.returncode == -signal.SIGKILL, done.stderr
    killed = Run(read_events(project.out / "events.jsonl"), b"", b"")
    assert killed.counts("executed") == {"predict": 2 * 2, "batchbald_scores": 2 * 2 * SIZES}

    resumed = project.run("--trials", "7")
    two_trials = {"predict": 2 * 2, "batchbald_scores": 2 * 2 * SIZES}
    assert resumed.counts("executed") == {**two_trials, **BELOW_SCORES}
    assert not set(resumed.cids("executed")) & set(killed.cids("executed"))
    assert not set(resumed.cids("executed")) & set(first[1].cids("executed"))


@needs_sigkill
def test_run_killed_at_any_moment_repeats_no_call_that_had_returned(project: Project) -> None:
    many = ("--trials", "60")
    command = [sys.executable, str(project.script), *project.options(*many)]
    journal = project.out / "events.jsonl"
    with (project.out / "output.txt").open("w") as output:
        process = subprocess.Popen(
            command, cwd=project.source, env=project.environment, stdout=output, stderr=output
        )
        until = time.monotonic() + 60
        while len(Run(read_events(journal), b"", b"").cids("executed")) < 40:
            assert process.poll() is None, (project.out / "output.txt").read_text()
            assert time.monotonic() < until, "the run writes no events"
            time.sleep(0.01)
        process.kill()
    assert process.wait() == -signal.SIGKILL
    killed = Run(read_events(journal), b"", b"")

    resumed = project.run("--trials", "12")
    again = set(resumed.cids("executed")) & set(killed.cids("executed"))
    assert not again
    # Between a call's return and its line in the file there is at most one prediction and score.
    unwritten = set(resumed.cids("hit")) - set(killed.cids("hit")) - set(killed.cids("executed"))
    assert len(unwritten) <= 2, unwritten


def test_more_trials_execute_exactly_those(first: tuple[Project, Run], project: Project) -> None:
    more = project.run("--trials", str(TRIALS + 2))
    added = {"predict": 2 * 2, "batchbald_scores": 2 * 2 * SIZES}
    assert more.counts("executed") == {**added, **BELOW_SCORES}
    # The control of the warm run that loads no tensor: here some must be, and are seen.
    assert TENSORS_FROM & set(more.counts("loaded"))
    once = set(first[1].cids("executed"))
    assert not set(more.cids("executed")) & once
    reused = sum(EVERYTHING.values()) - sum(BELOW_SCORES.values())
    assert len(set(more.cids("hit")) & once) == reused


# ---------------------------------------------------------------- 3. edited

SUMMARY_EDIT = ('"offset": offset.std().item()', '"offset": offset.std(correction=0).item()')
EDITS = {
    "summarise": (*SUMMARY_EDIT, {"summarise": 2 * SIZES, "figure": 1}),
    "a method of the net": (
        "relu(functional.max_pool2d(h, 2))",
        "elu(functional.max_pool2d(h, 2))",
        {"train_model": 1, **PREDICTION_AND_BELOW},
    ),
    "a helper of the scores": (
        "return -(log_p.exp() * log_p).sum(-1).mean(-1).double()",
        "return -1.01 * (log_p.exp() * log_p).sum(-1).mean(-1).double()",
        {"greedy_batch": 1, **SCORES_AND_BELOW},
    ),
    "the global that says how many pairs to draw": (
        "PAIRS = 200_000",
        "PAIRS = 100_000",
        {"order_kept": 2},
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_edit_executes_what_uses_it_and_what_is_below(
    first: tuple[Project, Run], project: Project, edit: str
) -> None:
    old, new, expected = EDITS[edit]
    with project.edited(project.with_change(old, new)):
        run = project.run()
    assert run.counts("executed") == expected
    assert run.numbers != first[1].numbers


def test_undone_edit_executes_nothing(first: tuple[Project, Run], project: Project) -> None:
    with project.edited(project.with_change(*SUMMARY_EDIT)):
        assert project.run().counts("executed"), "the edit was not noticed"
    undone = project.run()
    assert undone.counts("executed") == {}
    assert undone.numbers == first[1].numbers


def test_other_m_executes_scores_and_below(first: tuple[Project, Run], project: Project) -> None:
    run = project.run("--m", "220")
    assert run.counts("executed") == SCORES_AND_BELOW
    assert not set(run.cids("executed")) & set(first[1].cids("executed"))


HARMLESS = {
    "comment": (
        "    mean = table.mean()\n",
        "    # Grand mean.\n    mean = table.mean()  # all\n",
    ),
    "docstring": (
        "Log class probabilities, [n, k, 10].\n\n        Parameters",
        "Logits.\n\n        Parameters",
    ),
    "annotation": (
        "k: int, seed: int, consistent: bool) -> Tensor:",
        "k: float, seed, consistent: bool):",
    ),
    "blank lines and line breaks": (
        "    generator = torch.Generator().manual_seed(seed)\n    net = Net()\n    optimizer =",
        "    generator = (\n\n    torch.Generator()\n    .manual_seed(seed))\n\n\n"
        "    net = Net()\n    optimizer =",
    ),
}


@pytest.mark.parametrize("edit", HARMLESS)
def test_edit_that_changes_no_meaning_executes_nothing(
    first: tuple[Project, Run], project: Project, edit: str
) -> None:
    with project.edited(project.with_change(*HARMLESS[edit])):
        run = project.run()
    assert run.counts("executed") == {}
    assert run.numbers == first[1].numbers


def moved(text: str, name: str, before: str) -> str:
    """The source with one top-level function put in front of another."""
    lines = text.splitlines(keepends=True)
    nodes = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    source, target = nodes[name], nodes[before]
    assert target.end_lineno is not None
    assert source.end_lineno is not None
    assert target.end_lineno < source.lineno
    body = lines[source.lineno - 1 : source.end_lineno]
    del lines[source.lineno - 1 : source.end_lineno]
    lines[target.lineno - 1 : target.lineno - 1] = [*body, "\n", "\n"]
    return "".join(lines)


def test_moved_function_executes_nothing(first: tuple[Project, Run], project: Project) -> None:
    text = project.script.read_text(encoding="utf-8")
    with project.edited(moved(text, "conditional_entropies", before="draw_masks")):
        run = project.run()
    assert run.counts("executed") == {}
    assert run.numbers == first[1].numbers


# ---------------------------------------------------------------- 4. why

ASK = """
import batchbald_variance
from dumbo import dumbo
print(dumbo.why(dumbo.tagged("figure")))
"""


@pytest.mark.parametrize("ask", [["-m", "dumbo", "why", "figure"], ["-c", ASK]], ids=["cli", "api"])
def test_why_of_the_figure_names_the_edited_function_and_shows_the_diff(
    project: Project, ask: list[str]
) -> None:
    assert "changed" not in project.check(*ask), "the control: nothing was edited yet"
    with project.edited(project.with_change(*SUMMARY_EDIT)):
        answer = project.check(*ask)
    assert "summarise changed" in answer
    lines = answer.splitlines()
    assert any(line.lstrip().startswith("-") and "offset.std()" in line for line in lines), answer
    assert any(
        line.lstrip().startswith("+") and "offset.std(correction=0)" in line for line in lines
    ), answer
