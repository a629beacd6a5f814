"""Many small projects run in fresh processes: the program they run, and what starts it.

Law: libraries are imported once and the process is forked before dumbo is, so that a run costs no
more than dumbo itself; a run ends as an interpreter ends. One run takes many projects, each a
package of its own, and says of each what it gave and what happened.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import Any

Seen = dict[str, Any]

# Requests come as lines of JSON; a job is {"name", "environment", "live"}.
PROGRAM = """
import importlib, json, os, sys, traceback, warnings

for name in sys.argv[1:]:
    importlib.import_module(name)


def watched(do):
    import dumbo

    with dumbo.events() as log:
        try:
            value, error = dumbo.unwrap(do(), deep=True), None
        except Exception:
            value, error = None, traceback.format_exc()
    seen = {"value": value, "error": error, "executed": [], "hit": [], "stale": [], "calls": []}
    for event in log:
        if event.kind.value in seen:
            seen[event.kind.value].append(str(event.cid).partition("#")[0].rpartition(":")[2])
        if event.kind.value == "executed":
            seen["calls"].append(event.call)
    seen["why"] = str(dumbo.why()) if seen["stale"] else ""
    seen["log"] = [str(event) for event in log]
    return seen


def live(name):
    main = importlib.import_module(name + ".main")
    edits = importlib.import_module(name + ".edits")
    yield "record", watched(main.run)
    yield "control", watched(main.run)
    edits.edit()
    yield "edit", watched(main.run)
    yield "again", watched(main.run)
    if hasattr(edits, "undo"):
        edits.undo()
        yield "undo", watched(main.run)


def answer(job):
    os.environ.update(job["environment"])
    if not job["live"]:
        return watched(lambda: importlib.import_module(job["name"] + ".main").run())
    seen = {}
    try:
        seen.update(live(job["name"]))
    except Exception:
        seen["error"] = traceback.format_exc()
    return seen


def serve(folder, path, jobs, out):
    os.chdir(folder)
    os.environ["DUMBO_DIR"] = os.path.join(folder, "store")
    sys.path[:0] = path
    warnings.simplefilter("error")
    results = {job["name"]: answer(job) for job in jobs}
    with open(out, "w") as file:
        json.dump(results, file, default=repr)


for line in sys.stdin:
    child = os.fork()
    if not child:
        serve(**json.loads(line))
        sys.exit()  # an ordinary end: what happens at exit is part of the run
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

# A `dumbo` that remembers nothing: what it lets run is the truth.
NOTHING = """
import contextlib

class _Dumbo:
    def __call__(self, function=None, **options):
        return function if function is not None else (lambda plain: self(plain))

    def __getattr__(self, name):
        return globals()[name]

def call(function, *args, **kwargs):
    return function(*args, **kwargs)

def external(name, value):
    return value

def depends_on(**what):
    pass

def refresh():
    pass

def unwrap(value, deep=False):
    return value

def events():
    return contextlib.nullcontext([])

dumbo = _Dumbo()
"""


class Start(Enum):
    """How the main program is given to the interpreter."""

    FILE = "file"
    TEXT = "text"

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("program.py",) if self is Start.FILE else ("-c", PROGRAM)


class Processes:
    """Starts fresh processes over the projects of one folder; a context manager.

    Parameters
    ----------
    folder : Path
        Has the projects in ``tree/`` and gets the store.
    real : bool
        With dumbo, or with a `dumbo` that remembers nothing.
    libraries : tuple of str
        What to import once, for all.
    start : Start
        How the main program is given to the interpreter.
    """

    def __init__(
        self,
        folder: Path,
        *,
        real: bool,
        libraries: tuple[str, ...] = (),
        start: Start = Start.FILE,
    ) -> None:
        self.folder = folder
        self.tree = folder / "tree"
        self.tree.mkdir(parents=True)
        (folder / "pyproject.toml").write_text('[tool.dumbo]\nkeep = "always"\n')
        nothing = folder / "nothing" / "dumbo"
        nothing.mkdir(parents=True)
        (nothing / "__init__.py").write_text(NOTHING)
        self.path = [str(self.tree)] if real else [str(self.tree), str(nothing.parent)]
        (folder / "program.py").write_text(PROGRAM)
        self.errors = (folder / "errors.txt").open("w+")
        self.server = subprocess.Popen(
            [sys.executable, *start.arguments, *libraries],
            cwd=folder,
            # One thread each: a process that has several must not be forked.
            env={
                **os.environ,
                "PYTHONDONTWRITEBYTECODE": "1",
                "OPENBLAS_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *error: object) -> None:
        self.server.communicate(timeout=60)
        self.errors.close()

    def run(self, jobs: list[dict[str, Any]]) -> Seen:
        """Run the jobs in one fresh process; what each gave, by name."""
        assert self.server.stdin
        assert self.server.stdout
        out = self.folder / "seen.json"
        request = {"folder": str(self.folder), "path": self.path, "jobs": jobs, "out": str(out)}
        self.server.stdin.write(json.dumps(request) + "\n")
        self.server.stdin.flush()
        ended = self.server.stdout.readline().strip()
        assert ended == "0", (ended, (self.folder / "errors.txt").read_text()[-4000:])
        seen: Seen = json.loads(out.read_text())
        return seen
