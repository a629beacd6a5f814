"""The memory tier: bounded in bytes, least recently used out first."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from dumbo._typing import MISSING
from dumbo.storage import Memory


def test_the_least_recently_used_leaves_first_and_is_told() -> None:
    gone: list[tuple[str, object, int]] = []
    memory = Memory(100, lambda *told: gone.append(told))
    for key in "abc":
        memory.put(key, key.upper(), 30)
    assert memory.get("a") == "A"
    memory.put("d", "D", 30)
    assert gone == [("b", "B", 30)]
    assert (memory.nbytes, len(memory), "b" in memory, "a" in memory) == (90, 3, False, True)
    assert list(memory.values()) == ["C", "A", "D"]
    assert memory.get("b") is MISSING


def test_a_value_larger_than_the_tier_is_not_taken_and_pushes_nothing_out() -> None:
    memory = Memory(100)
    memory.put("a", 1, 60)
    assert not memory.put("big", 2, 101)
    assert memory.get("a") == 1
    assert not memory.put("a", 3, 101), "what it would replace is not true any more"
    assert memory.get("a") is MISSING
    assert memory.nbytes == 0


def test_replacing_counts_once_and_none_is_a_value() -> None:
    memory = Memory(100)
    memory.put("a", None, 60)
    memory.put("a", None, 70)
    assert memory.nbytes == 70
    assert memory.get("a") is None


def test_what_is_dropped_or_cleared_is_not_evicted() -> None:
    gone: list[str] = []
    memory = Memory(100, lambda key, value, nbytes: gone.append(key))
    memory.put("a", 1, 10)
    memory.put("b", 2, 10)
    assert memory.drop("a")
    assert not memory.drop("a")
    memory.clear()
    assert (gone, len(memory), memory.nbytes) == ([], 0, 0)


def test_listeners_and_dying_values_may_come_back() -> None:
    memory = Memory(100)

    class Returning:
        def __del__(self) -> None:
            memory.drop("other")

    def told(key: str, value: object, nbytes: int) -> None:
        memory.put("seen", key, 1)

    memory._evicted = told
    memory.put("a", Returning(), 60)
    memory.put("b", 1, 60)
    assert memory.get("seen") == "a"


def test_threads_do_not_break_the_account() -> None:
    memory = Memory(1000)

    def work(name: int) -> None:
        for i in range(300):
            memory.put(f"{name}-{i % 7}", i, 40)
            memory.get(f"{name}-{(i + 3) % 7}")
            memory.drop(f"{name}-{(i + 5) % 7}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert memory.nbytes == 40 * len(memory) <= 1000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_a_lock_of_its_parent() -> None:
    memory = Memory(max_bytes=100)
    memory.put("a", 1, 1)
    with memory._lock:
        pid = os.fork()
        if pid == 0:
            signal.alarm(20)
            os._exit(0 if memory.get("a") == 1 and memory.values() == [1] else 1)
    assert os.waitpid(pid, 0)[1] == 0
