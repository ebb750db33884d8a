"""Dynamic batching: requests wait in one bounded queue, threads read some of them and compute them together.

The event loop never decodes an image. A thread takes what waits, up to a batch, reads each image, computes all of them
at once, and returns all answers to the loop in one call. An image that cannot be read is answered alone, and work whose
client has gone, or whose time is over, is dropped.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from convscope.api.prediction_stream import ClassifiedImage
from convscope.data.image_input import ImageInput
from convscope.serving.limits import Limits
from convscope.serving.network import ONE_AT_A_TIME, Network
from convscope.serving.request_error import RequestError, too_busy

MOST_THREADS = 4
SMALL_BYTES = 65_536
"""Images of a batch have at most so many bytes together, so that a small one does not wait for a large photo."""


def nothing() -> None:
    """Stands for nothing taken from the queue."""


@dataclass(eq=False)
class Work:
    """One image on its way.

    Attributes:
        network: What classifies it.
        image: Where its pixels come from.
        size_bytes: Of the image as it was sent.
        top: Number of classes.
        split: Whether to classify each digit by itself.
        future: Of the answer; only the event loop touches it.
        gone: Set when nobody waits for the answer.
        answer: What was found, or why not.
    """

    network: Network
    image: ImageInput
    size_bytes: int
    top: int
    split: bool
    future: asyncio.Future[ClassifiedImage]
    gone: bool = False
    answer: ClassifiedImage | Exception | None = None
    read: ClassifiedImage | None = field(default=None, repr=False)


class Batching:
    """The queue and its threads.

    Args:
        limits: Length of the queue, size of a batch, and how long a batch waits.
        on_batch: Called in a thread with the number of images of each batch.
    """

    def __init__(self, limits: Limits, *, on_batch: Callable[[int], None] = lambda size: None) -> None:
        self.arriving = 0
        """Requests whose bodies are being received."""
        self.unfinished = 0
        """Images that wait or are being classified."""
        self._limits = limits
        self._on_batch = on_batch
        self._queue: queue.SimpleQueue[Work | Callable[[], None] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._new: list[Work] = []

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
            async with asyncio.timeout(self._limits.seconds):
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
        for work in works:
            _read(work, self._limits.pixels)
        groups: dict[Network, list[Work]] = {}
        for work in works:
            if work.read is not None and not work.gone:
                groups.setdefault(work.network, []).append(work)
        for network, group in groups.items():
            with ONE_AT_A_TIME:
                wanted = [work for work in group if not work.gone]  # clients may have gone while it was waited for
                if wanted:
                    self._on_batch(len(wanted))
                    _compute(network, wanted)
        if works:
            _deliver(works)


def _read(work: Work, pixels: int) -> None:
    def check(area: int) -> None:
        if area > pixels:
            raise RequestError(413, f"Expected an image of at most {pixels:,} pixels. Received: {area:,}.")

    try:
        read = work.network.classifier(work.top, work.split).read(work.image, on_size=check)
    except Exception as error:
        work.answer = error
    else:
        if read.skipped:
            work.answer = read
        else:
            work.read = read


def _compute(network: Network, group: list[Work]) -> None:
    read = [work.read for work in group if work.read is not None]
    try:
        found = network.compute(read)
        for work, image, predictions in zip(group, read, found, strict=True):
            work.answer = network.classifier(work.top, work.split).answer([image], predictions)[0]
    except Exception as error:  # one image must not fail the others
        if len(group) == 1:
            group[0].answer = error
            return
        for work in group:
            _compute(network, [work])


def _call(function: Callable[[], object], future: asyncio.Future, loop: asyncio.AbstractEventLoop) -> None:
    if future.cancelled():
        return
    try:
        answer: object = function()
    except Exception as error:
        answer = error
    _on_loop(loop, lambda: _set(future, answer))


def _deliver(works: list[Work]) -> None:
    _on_loop(works[0].future.get_loop(), lambda: [_set(work.future, work.answer) for work in works])


def _on_loop(loop: asyncio.AbstractEventLoop, function: Callable[[], object]) -> None:
    try:
        loop.call_soon_threadsafe(function)
    except RuntimeError:  # the server has ended
        return


def _set(future: asyncio.Future, answer: object) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
