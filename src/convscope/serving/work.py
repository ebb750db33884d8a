"""One image on its way through a server: read, computed with others, delivered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from convscope.api.prediction_stream import ClassifiedImage, ReadImage
from convscope.data.image_input import ImageInput
from convscope.serving.network import Network
from convscope.serving.request_error import RequestError


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
    read: ReadImage | None = field(default=None, repr=False)

    def get_pixels(self, on_size: Callable[[int], object]) -> None:
        """Decode and preprocess the image.

        Args:
            on_size: Called with a file's number of pixels before they are decompressed; it may raise an error.
        """
        try:
            classifier = self.network.classifier(self.top, self.split)
            read = classifier.read(self.image, on_size=on_size)
        except Exception as error:
            self.answer = error
        else:
            if read.skipped:
                self.answer = classifier.without_answer(read)
            else:
                self.read = read

    def deliver(self) -> None:
        """Give the answer to the request; in the event loop."""
        settle(self.future, self.answer)


def check_pixels(area: int, most: int) -> None:
    """Refuse an image that is too large.

    Raises:
        RequestError: 413.
    """
    if area > most:
        raise RequestError(413, f"Expected an image of at most {most:,} pixels. Received: {area:,}.")


def by_network(works: Sequence[Work]) -> Iterable[list[Work]]:
    """Those that could be read, each group with one network."""
    groups: dict[Network, list[Work]] = {}
    for work in works:
        if work.read is not None:
            groups.setdefault(work.network, []).append(work)
    return groups.values()


def compute(group: Sequence[Work], on_batch: Callable[[int], None]) -> None:
    """Compute what someone still waits for; called with `network.ONE_AT_A_TIME`.

    Args:
        group: Images of one network, which could be read.
        on_batch: Called with their number.
    """
    wanted = [work for work in group if not work.gone]  # clients may have gone while it was waited for
    if wanted:
        on_batch(len(wanted))
        _compute(wanted[0].network, wanted)


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


def settle(future: asyncio.Future, answer: object) -> None:
    """Set a result or an error, unless nobody waits for it any more."""
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
