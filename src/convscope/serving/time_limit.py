"""The same time limit for many requests, with one timer for all of them. Light.

`asyncio.timeout` makes a timer for each, and most of these are canceled: that takes longer than all else that a small
request waits for in the event loop.
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class TimeLimit:
    """Cancels what takes longer than so many seconds.

    Args:
        seconds: For each use.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: dict[Running, float] = {}  # in the order in which they end
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> Running:
        """A context in which the task may spend the time; it raises TimeoutError as `asyncio.timeout` does."""
        return Running(self)

    def add(self, one: Running) -> None:
        """Watch a task; called as its context is entered."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._timer = loop, None
            self._running.clear()
        self._running[one] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(self._running[one], self._on_time)

    def remove(self, one: Running) -> None:
        """Watch a task no longer; called as its context is left."""
        self._running.pop(one, None)

    def _on_time(self) -> None:
        assert self._loop
        self._timer = None
        now = self._loop.time()
        for one, end in list(self._running.items()):
            if end > now:
                self._timer = self._loop.call_at(end, self._on_time)
                return
            del self._running[one]
            one.expire()


class Running:
    """One use of a limit."""

    __slots__ = ("_before", "_is_over", "_limit", "_task")

    def __init__(self, limit: TimeLimit) -> None:
        self._limit = limit
        self._is_over = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task
        self._task, self._before = task, task.cancelling()
        self._limit.add(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._limit.remove(self)
        if self._is_over and self._task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        """The time is over."""
        self._is_over = True
        self._task.cancel()
