"""Work on many items in threads, a few at a time, with the results in order. Light."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

MOST_THREADS = 8
CHUNK = 16
"""Items that one thread works on at a time."""

CHUNKS_WAITING = 2
"""Chunks for each thread that are being worked on or wait to be taken: their number bounds the memory."""


def in_threads(work: Callable[[T], R], items: Iterable[T], *, at_once: int = CHUNK) -> Generator[R, None, None]:
    """The result of each item, in order, while threads work on the next ones.

    When the caller stops, also by an exception or Ctrl-C, each thread finishes the item at hand. Close the iterator to
    be sure that this happens at once: ``with contextlib.closing(in_threads(…)) as results``.

    Args:
        work: Called from several threads. What it raises is raised here, in order.
        items: They are taken as they are needed.
        at_once: How many of them one thread works on at a time.

    Example:
        >>> list(in_threads(len, ["a", "bcd", ""]))
        [1, 3, 0]
    """
    stopped = threading.Event()

    def work_on(chunk: list[T]) -> list[R]:
        return [work(item) for item in chunk if not stopped.is_set()]

    threads = max(1, min(MOST_THREADS, os.cpu_count() or 1))
    iterator = iter(items)
    chunks = iter(lambda: list(islice(iterator, at_once)), [])
    with ThreadPoolExecutor(threads, thread_name_prefix="convscope") as pool:
        try:
            for found in in_order(pool, work_on, chunks, waiting=threads * CHUNKS_WAITING):
                yield from found
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)


def in_order(pool: Executor, work: Callable[[T], R], items: Iterable[T], *, waiting: int) -> Generator[R, None, None]:
    """The result of each item, in order, while a pool works on the next ones.

    Args:
        pool: Of threads or processes.
        work: What it calls with each item.
        items: They are taken as they are needed.
        waiting: How many items are being worked on or wait to be taken, which bounds the memory.
    """
    started: deque[Future[R]] = deque()
    for item in items:
        started.append(pool.submit(work, item))
        if len(started) >= waiting:
            yield started.popleft().result()
    while started:
        yield started.popleft().result()
