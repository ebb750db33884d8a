"""One network as it is served: read an image, compute a batch, answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from convscope.api.answer_rules import AUTO, AnswerRules, answer_rules
from convscope.api.prediction_stream import Classifier, ReadImage
from convscope.api.run import PAGE_FILE, Run
from convscope.arrays import to_images
from convscope.data.preprocess import Preprocessing
from convscope.errors import ModelFileError, RunError
from convscope.evaluation.predict import Predictions
from convscope.explanation.explainers.occlusion import occlusion
from convscope.model.files import read_small
from convscope.model.model_file import Model, weights_sha256
from convscope.serving.engine import Engine, engine_of
from convscope.training.run_folder import MODEL_FILE

MAX_PAGE_BYTES = 30_000_000
ONE_AT_A_TIME = threading.Lock()
"""Networks are computed one batch at a time: matrix products with one thread each, the other cores read images."""

WARM_UPS = 5
FAST_SECONDS = 0.003

FileState = tuple[int, int, int]
"""Of a file: time of the last change, size, number."""


class Network:
    """A network in memory, warmed up.

    Args:
        name: As in addresses.
        version: From 1.
        folder: The run.
        reject: As in `api.predict.predict`.
        batch: The largest batch.
        engine: What computes, by name as for `engine.engine_of`, or itself.

    Attributes:
        model: From the run's model file.
        state: Of this file before it was read.
        sha256: Of the weights.
        page: The run's page; None if it has none.
        is_fast: Whether one image takes no longer than to hand it to a thread.

    Raises:
        RunError, ModelFileError, DataError, OptionError, MissingExtraError: The run cannot be served.
    """

    def __init__(
        self,
        name: str,
        version: int,
        folder: Path,
        *,
        reject: str | float | None = AUTO,
        batch: int = 16,
        engine: str | Engine = "auto",
    ) -> None:
        self.name = name
        self.version = version
        self.folder = folder
        self.state = file_state(folder)
        run = Run(folder)
        self.model: Model = run.model
        self.preprocessing: Preprocessing = run.preprocessing
        self.rules: AnswerRules = answer_rules(self.model, reject=reject)
        self.sha256 = weights_sha256(self.model.weights)
        self.page = _page(folder)
        self._engine = engine_of(engine, self.model, batch=batch) if isinstance(engine, str) else engine
        # Without a reference to itself, a replaced network is freed at once.
        self._classifiers = lru_cache(64)(partial(_classifier, self.model, self.preprocessing, self.rules))
        self.is_fast = self.warm_up() <= FAST_SECONDS

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the probabilities."""
        return self.model.class_names

    def classifier(self, top: int, split: bool) -> Classifier:
        """What reads and answers images, with so many classes each."""
        return self._classifiers(min(top, len(self.classes)), split)

    def compute(self, read: Sequence[ReadImage]) -> list[Predictions]:
        """The predictions for the inputs of some images, all of which could be read; called with `ONE_AT_A_TIME`."""
        return self._engine([np.stack([one.seen for one in image.inputs]) for image in read])

    def page_that_asks(self, address: bytes) -> bytes:
        """The page of the run, told to compare its answers with those of this server. Older pages do not know how.

        Args:
            address: Of ``POST /predict``, as an HTML attribute.
        """
        meta = b'<meta name="convscope-server" content="' + address + b'">\n'
        may_ask = (self.page or b"").replace(b"default-src 'none';", b"default-src 'none'; connect-src 'self';", 1)
        return may_ask.replace(b"<meta ", meta + b"<meta ", 1)

    @property
    def input_pixels(self) -> int:
        """Rows times columns of the network's input."""
        rows, columns, _ = self.model.spec.input_shape
        return rows * columns

    def warm_up(self) -> float:
        """Compute, so that the first request does not wait for it; the seconds that one image takes."""
        seconds = []
        with ONE_AT_A_TIME:
            for _ in range(WARM_UPS):
                began = time.thread_time()
                self._engine([np.zeros((1, *self.model.spec.input_shape), np.uint8)])
                seconds.append(time.thread_time() - began)
        return min(seconds)

    def occlusion_map(self, seen: np.ndarray, class_name: str) -> list[list[float]]:
        """How far the logit of a class falls when a patch over each pixel is covered."""
        target = self.classes.index(class_name)
        found = occlusion(self.model, to_images(seen[None])[0], target=target)
        return [[float(value) for value in row] for row in found.flat]


def _classifier(model: Model, preprocessing: Preprocessing, rules: AnswerRules, top: int, split: bool) -> Classifier:
    return Classifier(model, preprocessing, top=top, split=split, rules=rules)


def file_state(folder: Path) -> FileState:
    """The state of a run's model file.

    Raises:
        RunError: There is none.
    """
    try:
        found = (folder / MODEL_FILE).stat()
    except OSError:
        raise RunError(f"Expected a run with {MODEL_FILE}. Received: {folder}.") from None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _page(folder: Path) -> bytes | None:
    try:
        return read_small(folder / PAGE_FILE, MAX_PAGE_BYTES)
    except (ModelFileError, OSError):
        return None
