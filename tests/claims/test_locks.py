"""No code of the user runs under a lock of dumbo's."""

from __future__ import annotations

import threading

import dumbo

started, asked = threading.Event(), threading.Event()
blocking = [False]


@dumbo.dumbo(keep="always")
def source(x: int) -> int:
    if x == 2:
        started.set()
        asked.wait(5)
    return x


def version() -> int:
    if not blocking[0]:
        return 1
    asked.set()
    return int(source(2)) - 1


@dumbo.dumbo(keep="always", depends_on=[version])
def user(x: int) -> int:
    return x


def test_a_declared_callable_may_wait_for_a_memoized_call_of_another_thread() -> None:
    user(1)
    blocking[0] = True
    computing = threading.Thread(target=source, args=(2,), daemon=True)
    computing.start()
    assert started.wait(5)
    dumbo.refresh()
    asking = threading.Thread(target=user, args=(1,), daemon=True)
    asking.start()
    for thread in (computing, asking):
        thread.join(20)
        assert not thread.is_alive(), "a deadlock"
