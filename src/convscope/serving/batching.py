"""Dynamic batching: requests wait in one bounded queue, threads read some of them and compute them together.

A thread takes what waits, up to a batch, reads each image, computes all of them at once, and returns all answers to the
event loop in one call. An image that cannot be read is answered alone, and work whose client has gone, or whose time is
over, is dropped.
Small images need no thread: see `direct`.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence

from convscope.api.prediction_stream import ClassifiedImage
from convscope.data.image_input import ImageInput
from convscope.serving.direct import answer_at_once, answer_directly
from convscope.serving.limits import Limits
from convscope.serving.network import ONE_AT_A_TIME, Network
from convscope.serving.request_error import RequestError, too_busy
from convscope.serving.time_limit import TimeLimit
from convscope.serving.work import Work, by_network, check_pixels, compute, settle

MOST_THREADS = 4
SMALL_BYTES = 65_536
"""Images of a batch have at most so many bytes together, so that a small one does not wait for a large photo."""


def nothing() -> None:
    """Stands for nothing taken from the queue."""


class Batching:
    """The queue and its threads.

    Args:
        limits: Length of the queue, size of a batch, and how long a batch waits.
        on_batch: Called with the number of images of each batch.
        direct: Whether the event loop classifies small images itself, with networks that are fast.
    """

    def __init__(
        self, limits: Limits, *, on_batch: Callable[[int], None] = lambda size: None, direct: bool = False
    ) -> None:
        self.arriving = 0
        """Requests whose bodies are being received."""
        self.unfinished = 0
        """Images that wait or are being classified."""
        self._limits = limits
        self._on_batch = on_batch
        self._direct = direct
        # Not SimpleQueue: when its `get` wakes up behind the end of a short timeout, it waits without an end.
        self._queue: queue.Queue[Work | Callable[[], None] | None] = queue.Queue()
        self._threads: list[threading.Thread] = []
        self._new: list[Work] = []
        self._time = TimeLimit(limits.seconds)

    def start(self) -> None:
        """Start the threads."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        for index in range(max(2, min(MOST_THREADS, cores))):
            thread = threading.Thread(target=self._run, name=f"convscope-{index}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End the threads after what they are doing."""
        for _ in self._threads:
            self._queue.put(None)
        self._threads.clear()

    def check_room(self, count: int = 1) -> None:
        """Refuse images beyond the length of the queue.

        Raises:
            RequestError: 429.
        """
        if self.unfinished + count > self._limits.queue:
            raise too_busy()

    async def classify(
        self, network: Network, images: Sequence[tuple[ImageInput, int]], *, top: int, split: bool = False
    ) -> list[ClassifiedImage]:
        """Classify the images of one request, in order.

        Args:
            network: What classifies them.
            images: Each with its size in bytes.
            top: Number of classes.
            split: Whether to classify each digit by itself.

        Raises:
            RequestError: 429: the queue is full. 504: it takes too long.
        """
        self.check_room(len(images))
        loop = asyncio.get_running_loop()
        works = [Work(network, image, size, top, split, loop.create_future()) for image, size in images]
        self.unfinished += len(works)
        for work in works:
            work.future.add_done_callback(self._finished)
        if not self._new:
            loop.call_soon(self._hand_over)
        self._new += works
        return await self._all([work.future for work in works], works)

    def classify_at_once(
        self, network: Network, images: Sequence[tuple[ImageInput, int]], *, top: int, split: bool = False
    ) -> list[ClassifiedImage] | None:
        """Classify one small image while nothing waits; None if it has to wait as in `classify`.

        Args:
            network: As in `classify`.
            images: As in `classify`.
            top: As in `classify`.
            split: As in `classify`.
        """
        if not self._direct or self.unfinished or len(images) != 1:
            return None
        image, size = images[0]
        work = Work(network, image, size, top, split, asyncio.get_running_loop().create_future())
        if not answer_at_once(work, self._on_batch):
            return None
        work.deliver()
        return [work.future.result()]

    async def compute(self, function: Callable[[], object]) -> object:
        """Call a function in one of the threads; it counts like an image.

        Raises:
            RequestError: 429: the queue is full. 504: it takes too long.
        """
        self.check_room()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[object] = loop.create_future()
        self.unfinished += 1
        future.add_done_callback(self._finished)
        self._queue.put(lambda: _call(function, future, loop))
        return (await self._all([future], []))[0]

    async def _all(self, futures: Sequence[asyncio.Future], works: Sequence[Work]) -> list:
        try:
            with self._time.start():
                return [await future for future in futures]
        except TimeoutError:
            raise RequestError(504, "The answer took too long.", hint="Send fewer or smaller images.") from None
        finally:
            for work in works:
                work.gone = True
            for future in futures:
                future.cancel()

    def _hand_over(self) -> None:
        """Queue what has come in this turn of the loop; a thread that is woken for each would compete with the loop."""
        new, self._new = self._new, []
        if self._direct:
            try:
                new, self._new = answer_directly(new, self._limits, self._on_batch)
            except Exception as error:  # else they would wait until their time is over
                for work in new:
                    settle(work.future, error)
                return
            if self._new:
                asyncio.get_running_loop().call_soon(self._hand_over)
        for work in new:
            self._queue.put(work)

    def _finished(self, future: asyncio.Future) -> None:
        self.unfinished -= 1

    def _run(self) -> None:
        work = self._queue.get()
        while work is not None:
            if isinstance(work, Work):
                works, other = self._take(work)
                self._answer([one for one in works if not one.gone])
            else:
                work()
                other = nothing
            work = self._queue.get() if other is nothing else other

    def _take(self, first: Work) -> tuple[list[Work], Callable[[], None] | None]:
        """Up to a batch of what waits, and what was taken from the queue but is not an image."""
        works, size = [first], first.size_bytes
        until = time.monotonic() + self._limits.batch_seconds
        while len(works) < self._limits.batch and size < SMALL_BYTES:
            left = until - time.monotonic() if self.arriving else 0.0
            try:
                work = self._queue.get(timeout=left) if left > 0 else self._queue.get_nowait()
            except queue.Empty:
                break
            if not isinstance(work, Work):
                return works, work
            works.append(work)
            size += work.size_bytes
        return works, nothing

    def _answer(self, works: list[Work]) -> None:
        try:
            for work in works:
                work.get_pixels(lambda area: check_pixels(area, self._limits.pixels))
            for group in by_network(works):
                with ONE_AT_A_TIME:
                    compute(group, self._on_batch)
        except Exception as error:  # the thread goes on, and nobody waits until the time is over
            for work in works:
                work.answer = work.answer or error
        if works:
            _on_loop(works[0].future.get_loop(), lambda: [work.deliver() for work in works])


def _call(function: Callable[[], object], future: asyncio.Future, loop: asyncio.AbstractEventLoop) -> None:
    if future.cancelled():
        return
    try:
        answer: object = function()
    except Exception as error:
        answer = error
    _on_loop(loop, lambda: settle(future, answer))


def _on_loop(loop: asyncio.AbstractEventLoop, function: Callable[[], object]) -> None:
    try:
        loop.call_soon_threadsafe(function)
    except RuntimeError:  # the server has ended
        return
