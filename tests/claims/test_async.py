"""Memoized ``async def`` functions: what a task used is its own."""

from __future__ import annotations

import asyncio

import dumbo
from dumbo.testing import event_log


@dumbo.dumbo(keep="always")
async def slowly(x: int) -> int:
    await asyncio.sleep(0.02)
    return x


@dumbo.dumbo(keep="always")
async def at_once(x: int) -> int:
    await asyncio.sleep(0.005)
    return x


@dumbo.dumbo(keep="always")
async def both(x: int) -> int:
    one, two = await asyncio.gather(slowly(x + 10), at_once(x + 20))
    return int(one + two)


def test_tasks_that_run_side_by_side_do_not_use_each_other() -> None:
    async def main() -> list[int]:
        return list(await asyncio.gather(slowly(1), at_once(2)))

    assert asyncio.run(main()) == [1, 2]
    assert dumbo.record(slowly.cid(1)).edges == ()
    assert dumbo.record(at_once.cid(2)).edges == ()


def test_tasks_that_a_memoized_call_starts_are_its_own() -> None:
    assert asyncio.run(both(1)) == 32
    edges = dumbo.record(both.cid(1)).edges
    assert {edge.source for edge in edges} == {slowly.cid(11), at_once.cid(21)}


def test_a_thread_of_a_memoized_coroutine_is_its_own() -> None:
    @dumbo.dumbo(name="tests:in_thread", keep="always")
    async def in_thread(x: int) -> int:
        return int(await asyncio.to_thread(plain, x))

    @dumbo.dumbo(name="tests:plain", keep="always")
    def plain(x: int) -> int:
        return x + 1

    assert asyncio.run(in_thread(1)) == 2
    assert [edge.source for edge in dumbo.record(in_thread.cid(1)).edges] == [plain.cid(1)]


def test_a_hit_is_awaited_like_a_run() -> None:
    asyncio.run(both(3))
    with event_log() as log:
        assert asyncio.run(both(3)) == 36
    assert log.executed == []
