"""Classify any number of images in bounded memory: read and preprocessed by several threads, returned in order.

Decoding, resampling and the matrix products release Python's lock, so that a few threads are enough for a few cores;
for more, see `table_entry`. Peak memory depends on the number of threads, not on that of the images.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from convscope.api.answer_rules import AnswerRules
from convscope.api.image_prediction import ImagePrediction, NetworkInput
from convscope.api.run import Run
from convscope.arrays import Logits
from convscope.data.dataset import Skipped
from convscope.data.image_input import ImageInput
from convscope.data.parallel import CHUNK, CHUNKS_WAITING, MOST_THREADS, in_order
from convscope.data.preprocess import Preprocessing
from convscope.data.processes import usable_cores
from convscope.errors import DataError
from convscope.evaluation.predict import Predictions
from convscope.evaluation.predict import predict as predict_pixels
from convscope.exporting.engines import Engine
from convscope.model.model_file import Model

LARGE_PIXELS = 4_000_000
_LARGE = threading.BoundedSemaphore(2)
"""A photo of 12 megapixels takes some 100 MB while it is decoded; more than two of them wait."""


@dataclass(frozen=True, eq=False)
class ReadImage:
    """One image, decoded and preprocessed.

    Attributes:
        source: The image as it was listed.
        inputs: One entry; with ``split``, one for each digit; none if it could not be read.
        skipped: Why it could not be read; None if it was.
        note: What is to be reported about the file; empty for most.
    """

    source: ImageInput
    inputs: tuple[NetworkInput, ...]
    skipped: Skipped | None = None
    note: str = ""


@dataclass(frozen=True, eq=False)
class ClassifiedImage:
    """One image of the stream.

    Attributes:
        source: The image as it was listed.
        predictions: One entry; with ``split``, one for each digit; none if it could not be read.
        logits: float32, one row for each prediction.
        skipped: Why it could not be read; None if it was.
        note: What is to be reported about the file; empty for most.
    """

    source: ImageInput
    predictions: tuple[ImagePrediction, ...]
    logits: Logits
    skipped: Skipped | None = None
    note: str = ""


def classify_stream(
    inputs: Sequence[ImageInput],
    run: Run,
    *,
    top: int,
    split: bool,
    rules: AnswerRules = AnswerRules(),  # noqa: B008
    engine: Engine | None = None,
    chunk: int | None = None,
) -> Iterator[ClassifiedImage]:
    """Classify images in the order given, while the next ones are read.

    Args:
        inputs: From `collect_images`.
        run: The network.
        top: Number of classes for each image.
        split: Whether to classify each digit of an image by itself.
        rules: When there is no class.
        engine: What computes; None takes NumPy.
        chunk: Images that are classified at a time; None takes fewer than `data.parallel.CHUNK` where that keeps all
            threads busy. Sums of floats are rounded differently in batches of other sizes.

    Raises:
        ModelFileError: The logits overflow, or the preprocessing does not fit the network.
    """
    classifier = Classifier(run.model, run.preprocessing, top=top, split=split, rules=rules)
    classifier.engine = engine
    threads = min(MOST_THREADS, usable_cores()) if len(inputs) > 1 else 1
    size = chunk or max(1, min(CHUNK, -(-len(inputs) // threads)))
    if len(inputs) <= size:
        yield from classifier.classify(inputs)
        return
    chunks = (inputs[start : start + size] for start in range(0, len(inputs), size))
    with ThreadPoolExecutor(threads, thread_name_prefix="convscope") as pool:
        try:
            for found in in_order(partial(pool.submit, classifier.classify), chunks, waiting=threads * CHUNKS_WAITING):
                yield from found
        finally:  # also when the caller stops early or Ctrl-C is pressed: at most one image for each thread is finished
            classifier.stopped.set()
            pool.shutdown(cancel_futures=True)


class Classifier:
    """Reads, preprocesses and classifies images; may be used by several threads at once.

    Args:
        model: The network.
        preprocessing: Of the network.
        top: Number of classes for each image.
        split: Whether to classify each digit of an image by itself.
        rules: When there is no class.
    """

    def __init__(
        self, model: Model, preprocessing: Preprocessing, *, top: int, split: bool, rules: AnswerRules
    ) -> None:
        self.stopped = threading.Event()
        self.engine: Engine | None = None
        self._model = model
        self._preprocessing = preprocessing
        self._top = top
        self._split = split
        self._rules = rules

    def classify(self, chunk: Sequence[ImageInput]) -> list[ClassifiedImage]:
        """The chunk in order; incomplete once `stopped` is set."""
        read = [self.read(one) for one in chunk if not self.stopped.is_set()]
        inputs = [one.seen for image in read for one in image.inputs]
        if not inputs:
            return [self.without_answer(image) for image in read]
        pixels = np.stack(inputs)
        return self.answer(read, self.engine.predict(pixels) if self.engine else predict_pixels(self._model, pixels))

    def read(self, one: ImageInput, *, on_size: Callable[[int], object] = lambda area: None) -> ReadImage:
        """Decode and preprocess an image.

        Args:
            one: The image.
            on_size: Called with a file's number of pixels before they are decompressed; it may raise an error.
        """
        waits = False

        def before(area: int) -> None:
            nonlocal waits
            on_size(area)
            if area > LARGE_PIXELS:
                waits = _LARGE.acquire()

        try:
            picture = one.decode(draft=self._preprocessing.draft_factor, before=before)
            framing = self._preprocessing.frame(picture)
        except DataError as error:
            return ReadImage(one, (), Skipped(one.name, str(error)))
        finally:
            if waits:
                _LARGE.release()
        if self._split and len(framing.digits) > 1:
            numbered = enumerate(framing.digits, start=1)
            found = tuple(NetworkInput(seen, framing.report, digit) for digit, seen in numbered)
        else:
            found = (NetworkInput(framing.pixels, framing.report),)
        return ReadImage(one, found, note=one.note)

    def without_answer(self, read: ReadImage) -> ClassifiedImage:
        """An image that could not be read."""
        nothing = np.zeros((0, self._model.spec.num_classes), np.float32)
        return ClassifiedImage(read.source, (), nothing, read.skipped, read.note)

    def answer(self, read: Sequence[ReadImage], predictions: Predictions) -> list[ClassifiedImage]:
        """The classes of images from `read`.

        Args:
            read: The images.
            predictions: One row for each of their inputs, in order.
        """
        blank = [one.report.blank for image in read for one in image.inputs]
        if any(blank):  # without ink, all classes are equally likely
            predictions = replace(
                predictions, logits=np.where(np.array(blank)[:, None], np.float32(0), predictions.logits)
            )
        scores = None if predictions.scores is None else predictions.scores.tolist()
        sets = self._rules.class_sets(predictions)
        answered, at = [], 0
        for image in read:
            found = tuple(
                self._rules.answer(
                    image.source,
                    one,
                    predictions.top(index, self._top),
                    score=scores[index] if scores else None,
                    class_set=sets[index] if sets else None,
                )
                for index, one in enumerate(image.inputs, start=at)
            )
            logits = predictions.logits[at : at + len(found)]
            answered.append(ClassifiedImage(image.source, found, logits, image.skipped, image.note))
            at += len(found)
        return answered
