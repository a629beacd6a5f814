"""A forked child goes on where its parent stood, whatever its other threads were doing."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

PREPARE = """
import os, sys, threading, time, warnings
import dumbo as d
from dumbo import dumbo
warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads, which is the point

@dumbo(keep="always")
def f(x):
    return list(range(x))

@dumbo(keep="always")
def slow(x):
    time.sleep(0.002)
    return f(x) + [x]

def child(work):
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = 0 if work() else 2
        finally:
            os._exit(status)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return "hangs"
"""


def test_a_child_finds_what_its_parent_kept(project: Any) -> None:
    done = project.run(
        PREPARE
        + """
f(5)
def work():
    with d.events() as log:
        fine = f(5) == list(range(5)) and f(6) == list(range(6))
    return fine and [e.call for e in log if e.kind == "executed"] == ["f(x=6)"]
value = [child(work), len(f(6))]
"""
    )
    assert done.value == [0, 6]
    assert done.executed == ["f(x=5)"], "what the child kept is a hit in the parent"


def test_children_of_a_process_with_busy_threads_do_not_hang(project: Any) -> None:
    done = project.run(
        PREPARE
        + """
stop = threading.Event()
def busy(k):
    n = 0
    while not stop.is_set():
        n += 1
        slow(k * 100_000 + n % 50), d.refresh() if n % 7 == 0 else None
threads = [threading.Thread(target=busy, args=(k,)) for k in range(3)]
for t in threads: t.start()
time.sleep(0.05)
def work():
    return slow(3)[-1] == 3 and f(4)[-1] == 3 and not d.is_stale(f(4))
value = [child(work) for _ in range(12)]
stop.set()
for t in threads: t.join()
""",
        warnings="ignore",
    )
    assert done.value == [0] * 12


def test_a_fork_inside_a_memoized_call_does_not_spoil_it(project: Any) -> None:
    done = project.run(
        PREPARE
        + """
@dumbo(keep="always")
def forks(x):
    status = child(lambda: f(x)[-1] == x - 1)
    return [status, len(f(x + 1))]
first = list(forks(5))
value = [first, list(forks(5)), sorted(e.source.split("#")[0] for e in d.record(forks(5)).edges)]
"""
    )
    module = "" if sys.version_info < (3, 11) else done.value[2][0]
    assert done.value[:2] == [[0, 6], [0, 6]]
    assert module.endswith(":f")
