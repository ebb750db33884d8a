"""What the routes of all protocols share: the networks, the queue, and the answers to images."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request

from convscope.api.prediction_stream import ClassifiedImage
from convscope.serving.batching import Batching
from convscope.serving.bodies import Images, header, read_body, too_large
from convscope.serving.limits import Limits
from convscope.serving.logs import Log
from convscope.serving.metrics import Metrics
from convscope.serving.network import Network
from convscope.serving.request_error import RequestError
from convscope.serving.store import Store

T = TypeVar("T")

GONE = "convscope.gone"
"""Of the extensions of a request: a list of functions that our protocol calls when the client goes. Other servers have
no such list; there a task waits for the end of the connection."""

WHOLE_BODY = "convscope.whole_body"
"""Of the extensions, as GONE: gives the body if all of it has arrived."""

IN_PROGRESS = "convscope.in_progress"
"""Of the extensions, as GONE: the tasks of all requests in progress."""

LARGE_BODY = 100_000
"""A larger body is taken apart in a thread."""


@dataclass(eq=False)
class Service:
    """One server process.

    Attributes:
        store: The networks.
        batching: The queue.
        limits: Of requests.
        metrics: The counters.
        log: The log.
        ready: Whether it takes requests; False while it ends.
        bodies_bytes: Bytes of the bodies in memory.
    """

    store: Store
    batching: Batching
    limits: Limits
    metrics: Metrics
    log: Log
    ready: bool = False
    bodies_bytes: int = 0

    async def body(self, request: Request) -> bytes:
        """The body of a request; `release` it afterwards.

        Raises:
            RequestError: As `bodies.read_body`. 429: the queue is full. 503: too many bodies are in memory.
        """
        self.batching.check_room()
        given = header(request, b"content-length") or ""
        length = int(given) if given.isdecimal() else self.limits.body_bytes
        if given and length > self.limits.body_bytes:
            raise too_large(self.limits)
        if self.bodies_bytes + length > self.limits.bodies_bytes:
            raise RequestError(503, "The server is busy.", hint="Try again later.", headers={"Retry-After": "1"})
        self.bodies_bytes += length
        request.scope["state"]["body_bytes"] = length
        self.batching.arriving += 1
        try:
            return await read_body(request, self.limits)
        finally:
            self.batching.arriving -= 1

    def release(self, request: Request) -> None:
        """Forget the size of a request's body."""
        self.bodies_bytes -= request.scope["state"].pop("body_bytes", 0)

    async def parsed(self, body: bytes, function: Callable[[], T]) -> T:
        """Call a function that takes a body apart, in a thread if it is large."""
        return await asyncio.to_thread(function) if len(body) > LARGE_BODY else function()

    async def classify(
        self, request: Request, network: Network, images: Images, *, top: int = 3, split: bool = False
    ) -> list[ClassifiedImage]:
        """Classify the images of a request, unless its client goes.

        Raises:
            RequestError: 400: the client has gone. 429: the queue is full. 504: it takes too long.
        """
        answers = None
        if len(request.scope.get("extensions", {}).get(IN_PROGRESS, ())) == 1:
            answers = self.batching.classify_at_once(network, images, top=top, split=split)
        if answers is None:
            answers = await _unless_gone(request, self.batching.classify(network, images, top=top, split=split))
        self.metrics.answered(network, answers)
        request.scope["state"]["images"] = len(answers)
        return answers


async def _unless_gone(request: Request, work) -> list[ClassifiedImage]:
    """The result of a coroutine, which is canceled when the client closes the connection."""
    task = asyncio.current_task()
    is_gone = False

    def give_up() -> None:
        nonlocal is_gone
        if task:
            is_gone = True
            task.cancel()

    stop_watching = _watch(request, give_up)
    try:
        return await work
    except asyncio.CancelledError:
        if task and is_gone and not task.uncancel():
            raise ClientDisconnect from None
        raise
    finally:
        stop_watching()


def _watch(request: Request, give_up: Callable[[], None]) -> Callable[[], object]:
    """Call a function when the client goes; what is returned ends that."""
    told = request.scope.get("extensions", {}).get(GONE)
    if told is not None:
        told.append(give_up)
        return told.clear
    watch = asyncio.ensure_future(request.receive())
    watch.add_done_callback(lambda done: None if done.cancelled() else give_up())
    return watch.cancel
