"""Work on many items in threads or processes, a few at a time, with the results in order. Light."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Generic, TypeVar

from convscope.data.processes import ProcessEndedError, ProcessPool, can_be_sent, process_count, usable_cores

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

    threads = min(MOST_THREADS, usable_cores())
    iterator = iter(items)
    chunks = iter(lambda: list(islice(iterator, at_once)), [])
    with ThreadPoolExecutor(threads, thread_name_prefix="convscope") as pool:
        try:
            for found in in_order(partial(pool.submit, work_on), chunks, waiting=threads * CHUNKS_WAITING):
                yield from found
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)


def in_parallel(
    work: Callable[[T], R], items: Sequence[T], *, can_send_items: bool, at_once: int = CHUNK
) -> Generator[R, None, None]:
    """As `in_threads`, but in processes where there are many items and more than a few cores.

    If a process ends early, threads do the rest.

    Args:
        work: As for `in_threads`. What cannot be sent to another process is done in threads.
        items: As for `in_threads`.
        can_send_items: Whether each item can be sent to another process.
        at_once: How many of them one process works on at a time.
    """
    processes, done = process_count(None, len(items)), 0
    if processes > 1 and can_send_items and can_be_sent(work):
        try:
            for found in in_processes(Each(work), items, processes=processes, at_once=at_once):
                yield found
                done += 1
        except ProcessEndedError:
            pass
    if done < len(items):
        yield from in_threads(work, items[done:], at_once=at_once)


@dataclass(frozen=True)
class Each(Generic[T, R]):
    """A function applied to each item of a chunk."""

    work: Callable[[T], R]

    def __call__(self, chunk: Sequence[T]) -> list[R]:
        """The result of each item."""
        return [self.work(item) for item in chunk]


def in_processes(
    work: Callable[[Sequence[T]], Sequence[R]], items: Sequence[T], *, processes: int, at_once: int = CHUNK
) -> Generator[R, None, None]:
    """The result of each item, in order, while processes work on the next ones.

    When the caller stops, the processes are ended. Close the iterator to be sure that this happens at once.

    Args:
        work: From a chunk of items to their results; it is sent to each process.
        items: They are sent as they are needed.
        processes: Their number.
        at_once: Items of a chunk.

    Raises:
        ProcessEndedError: A process ended by itself.
    """
    starts = range(0, len(items), at_once)
    if not starts:
        return
    chunks = (items[start : start + at_once] for start in starts)
    with closing(ProcessPool(work, min(processes, len(starts)))) as pool:
        for found in in_order(pool.submit, chunks, waiting=processes * CHUNKS_WAITING):
            yield from found


def in_order(submit: Callable[[T], Future[R]], items: Iterable[T], *, waiting: int) -> Generator[R, None, None]:
    """The result of each item, in order, while a pool works on the next ones.

    Args:
        submit: Gives an item to the pool.
        items: They are taken as they are needed.
        waiting: How many items are being worked on or wait to be taken, which bounds the memory.
    """
    started: deque[Future[R]] = deque()
    for item in items:
        started.append(submit(item))
        if len(started) >= waiting:
            yield started.popleft().result()
    while started:
        yield started.popleft().result()
