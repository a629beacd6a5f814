"""One phase of the change table, for all its cases: a process that forks once per case.

Run as ``python change_driver.py PHASE FOLDER CASES``. Each case has a folder with its project in
``p`` and foreign code in ``site-packages``; what a phase finds goes to ``PHASE.json`` beside them.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import traceback
from importlib.util import find_spec
from pathlib import Path
from typing import Any

BLIND = "blind-"
Stamp = tuple[int, int, int, int]


class FileStore:
    """Source indexes in one file, as a session's catalog would keep them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, tuple[Stamp, bytes]] = {}
        if path.exists():
            self.rows = pickle.loads(path.read_bytes())

    def get_source(self, path: str) -> tuple[Stamp, bytes] | None:
        return self.rows.get(path)

    def put_source(self, path: str, stamp: Stamp, blob: bytes) -> None:
        self.rows[path] = (stamp, blob)
        self.path.write_bytes(pickle.dumps(self.rows))


def run(phase: str, case: dict[str, Any], folder: Path) -> dict[str, Any]:
    from dumbo.code import Tracker, declared, note_callable
    from dumbo.code.project import Project

    os.chdir(folder / "p")
    sys.path[:0] = [str(folder / "p"), str(folder / "site-packages")]
    sys.dont_write_bytecode = True
    tracker = Tracker(Project(), FileStore(folder / "sources.pickle"))
    if phase == "check":
        exec(case["pre"], {})
    if case["loaded"] or phase == "record":
        import proj  # type: ignore[import-not-found] # the case's own module

        function = eval(case["function"], dict(vars(proj)))
    else:
        function = None
    spell = case["declared"]
    if phase != "record":
        depset = pickle.loads((folder / "depset.pickle").read_bytes())
        again = eval(spell, {"declared": declared}) if case["again"] else ()
        if "callable" in spell and case["loaded"]:  # as the decorator of a loaded function does
            eval(spell, {"declared": lambda **named: note_callable(named["callable"])})
        return answer(tracker, depset, function, again)
    argument = eval(case["arg"], dict(vars(proj)))
    exec(case["prime"], dict(vars(proj)))
    with tracker.recording(function) as recording:
        result = function(argument)
    depset = tracker.depset(function, recording, eval(spell, {"declared": declared}))
    (folder / "depset.pickle").write_bytes(pickle.dumps(depset))
    found = answer(tracker, depset, function, ()) | {"result": repr(result)}
    if case["now"]:
        found |= in_process(tracker, depset, function, case["now"], vars(proj))
    return found


def in_process(
    tracker: Any, depset: Any, function: Any, now: str, names: dict[str, Any]
) -> dict[str, Any]:
    """Change something in the process that recorded, and ask guards and verdict."""
    guards = tracker.guards(function, depset)
    before = guards is not None and guards()
    exec(now, names)
    after = guards is not None and guards()
    tracker.refresh()
    return {"guards": [before, after], "now": answer(tracker, depset, function, ())}


def answer(tracker: Any, depset: Any, function: Any, again: Any) -> dict[str, Any]:
    verdict = tracker.verify(depset, function, again)
    return {
        "state": str(verdict.state),
        "reasons": [[str(r.kind), r.subject, r.after] for r in verdict.reasons],
        "depset": [[*d.key, d.fingerprint] for d in depset.members],
        "parsed": tracker.sources.parsed,
    }


def applies(case: dict[str, Any]) -> bool:
    version = list(sys.version_info[:2])
    there = not case["needs"] or find_spec(case["needs"]) is not None
    return version >= case["since"] and version != case["unless"] and there


def child(phase: str, case: dict[str, Any], folder: Path) -> None:
    try:
        found = run(phase, case, folder)
    except BaseException:  # noqa: BLE001 - whatever happened is the finding
        found = {"error": traceback.format_exc()}
    (folder / f"{phase}.json").write_text(json.dumps(found))


def main(phase: str, folder: Path, cases: list[dict[str, Any]]) -> None:
    from dumbo.code.imports import TIMES

    if phase.startswith(BLIND):
        # As if every file were edited after it was imported: what is loaded must be looked at.
        TIMES.started = 0
        sys.meta_path.remove(TIMES)
    phase = phase.removeprefix(BLIND)
    for case in cases:
        if not applies(case):
            continue
        pid = os.fork()
        if not pid:
            child(phase, case, folder / case["slug"])
            os._exit(0)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text()))
