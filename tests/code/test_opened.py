"""Files a call reads and does not declare: in a process apart, as a hook cannot be taken out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dumbo.code import Project, Tracker

HERE = Path(__file__).parent
UNASKED = """
import sys
added = []
sys.addaudithook(lambda event, args: added.append(event) if event == "sys.addaudithook" else None)
added.clear()
from dumbo.code import Project, Tracker
tracker = Tracker(Project())
with tracker.recording(None):
    open(sys.argv[1]).close()
print(added)
"""


def test_the_checks_hold_in_a_process_of_their_own() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "opened_checks.py"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


def test_nothing_is_hooked_where_nobody_asks() -> None:
    root = str(HERE.parent.parent)
    command = [sys.executable, "-c", UNASKED, __file__]
    done = subprocess.run(command, env={"PYTHONPATH": root}, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
    tracker = Tracker(Project())
    with tracker.recording(None) as recording, open(__file__):
        pass
    assert recording.files == set()
