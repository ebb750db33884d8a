"""Small images are classified by the event loop itself.

To hand an image to a thread and back takes longer than to classify one of MNIST's size, since Python runs one thread at
a time. So the loop does what takes no longer than that: images no larger than the network's input, with a network that
computes fast, and for some milliseconds at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from convscope.serving.limits import Limits
from convscope.serving.network import ONE_AT_A_TIME
from convscope.serving.work import Work, by_network, compute

MOST_BYTES = 8_192
"""Of an image as it was sent."""

MOST_SECONDS = 0.01
"""Of CPU time. When a batch has taken so long, threads do the rest."""


class LargerThanInput(Exception):  # noqa: N818 -- no error: the image is for a thread
    """The image is larger than the input of its network."""


def answer_directly(
    works: Sequence[Work], limits: Limits, on_batch: Callable[[int], None]
) -> tuple[list[Work], list[Work]]:
    """Answer a batch of small images.

    Args:
        works: What waits.
        limits: With the largest batch.
        on_batch: Called with the number of images that are computed together.

    Returns:
        What is for the threads, and what is left for the loop's next turn.
    """
    small: list[Work] = []
    others: list[Work] = []
    for work in works:
        (small if _is_small(work) else others).append(work)
    now, later = small[: limits.batch], small[limits.batch :]
    if not now:
        return others, []
    if not ONE_AT_A_TIME.acquire(blocking=False):
        return list(works), []
    try:
        done = _read(now, others)
        for group in by_network(done):
            compute(group, on_batch)
    finally:
        ONE_AT_A_TIME.release()
    for work in done:
        work.deliver()
    return others, later


def answer_at_once(work: Work, on_batch: Callable[[int], None]) -> bool:
    """Answer one image, unless it is not small or networks are being computed.

    Args:
        work: The image; it gets the answer.
        on_batch: As in `answer_directly`.
    """
    if not _is_small(work) or not ONE_AT_A_TIME.acquire(blocking=False):
        return False
    try:
        done = _read([work], [])
        for group in by_network(done):
            compute(group, on_batch)
    finally:
        ONE_AT_A_TIME.release()
    return bool(done)


def _is_small(work: Work) -> bool:
    return work.size_bytes <= MOST_BYTES and work.network.is_fast and not work.split and not work.gone


def _check(most: int, area: int) -> None:
    if area > most:
        raise LargerThanInput


def _read(works: Sequence[Work], others: list[Work]) -> list[Work]:
    done = []
    until = time.thread_time() + MOST_SECONDS
    for index, work in enumerate(works):
        if time.thread_time() > until:
            others += works[index:]
            break
        work.get_pixels(partial(_check, work.network.input_pixels))
        if isinstance(work.answer, LargerThanInput):
            work.answer = None
            others.append(work)
        else:
            done.append(work)
    return done
