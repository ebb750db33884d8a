"""One timer for the time limits of many requests, held to what `asyncio.timeout` does."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

import pytest

from convscope.serving.time_limit import TimeLimit


class Clock(asyncio.SelectorEventLoop):
    """An event loop that does not wait for the next timer: its time goes on to it."""

    def __init__(self) -> None:
        clock = self
        self.now = 0.0

        class Selector(selectors.DefaultSelector):
            def select(self, timeout: float | None = None) -> list:
                clock.now += timeout or 0.0
                return super().select(0)

        super().__init__(Selector())

    def time(self) -> float:
        return self.now


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=Clock) as runner:
        return runner.run(coroutine)


async def spend(limit: TimeLimit, seconds: float) -> str:
    try:
        with limit.start():
            await asyncio.sleep(seconds)
    except TimeoutError:
        return "too long"
    return "in time"


def test_each_task_has_its_own_time_though_others_began_before() -> None:
    async def act() -> list[str]:
        limit = TimeLimit(0.3)
        first = [asyncio.ensure_future(spend(limit, seconds)) for seconds in (30, 0.01, 30)]
        await asyncio.sleep(0.15)
        later = [asyncio.ensure_future(spend(limit, seconds)) for seconds in (0.01, 30)]
        await asyncio.wait(first)
        assert not later[1].done()
        return [await one for one in (*first, *later)]

    assert run(act()) == ["too long", "in time", "too long", "in time", "too long"]


def test_a_task_that_is_canceled_by_another_stays_canceled() -> None:
    async def act() -> None:
        task = asyncio.ensure_future(spend(TimeLimit(30), 30))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(act())


def test_a_limit_inside_another_one_ends_first() -> None:
    async def act() -> None:
        outer, inner = TimeLimit(30), TimeLimit(0.05)
        with outer.start():
            assert await spend(inner, 30) == "too long"
            await asyncio.sleep(0)  # the outer one goes on

    run(act())


def test_a_limit_serves_a_second_event_loop() -> None:
    limit = TimeLimit(0.05)
    for _ in range(2):
        assert run(spend(limit, 30)) == "too long"
