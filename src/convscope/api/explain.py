"""Say what a network does with a picture, and why."""

from __future__ import annotations

import difflib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convscope.api.contract import preprocessing_of
from convscope.api.predict import picture_names
from convscope.data import mnist
from convscope.data.dataset import Skipped
from convscope.data.decode import decode_file
from convscope.data.preprocess import AnyPicture
from convscope.errors import DataError, OptionError, RunError
from convscope.evaluation.predict import Choice, predict
from convscope.explanation.explanation import Explanation, explain_picture
from convscope.explanation.saliency import EXPLAINERS
from convscope.model.files import replace_file
from convscope.model.model_file import load_model
from convscope.training.run import MODEL_FILE, find_run

MAX_PICTURES = 1000


@dataclass(frozen=True, eq=False)
class ExplainedPicture:
    """What a network does with one picture.

    Attributes:
        file: As the person gave it.
        choices: All classes, the likeliest first, with the probabilities of `predict`.
        probabilities: The same in label order.
        original: The upright picture, uint8 ``(h, w, c)``.
        explanation: The layers and the maps.
    """

    file: str
    choices: tuple[Choice, ...]
    probabilities: np.ndarray
    original: AnyPicture
    explanation: Explanation

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        choices = [{"name": choice.name, "probability": choice.probability} for choice in self.choices]
        return {"file": self.file, "choices": choices} | self.explanation.to_json()


def explain(
    run: str | Path | None,
    pictures: Iterable[str | Path],
    *,
    methods: Sequence[str] = tuple(EXPLAINERS),
    target: str | None = None,
    seed: int = 0,
    on_step: Callable[[str, str], None] = lambda picture, step: None,
) -> Iterator[ExplainedPicture | Skipped]:
    """Explain pictures, one after the other: each takes a second or more.

    Args:
        run: The run's folder; None takes the newest below ``runs/``.
        pictures: Picture files, folders of them, and ``mnist:7`` for digit 7 (from 0) of MNIST's test split.
        methods: Keys of `EXPLAINERS`.
        target: The name of the class to explain; None takes the one that the network names.
        seed: Of everything random.
        on_step: Called with the picture and a few words before each piece of work.

    Returns:
        An iterator: for each picture what there is to say, or why it cannot be read.

    Raises:
        RunError, ModelFileError: There is no such run, or its model file is damaged.
        OptionError: There is no such method, class or digit, or the seed is negative.
        DataError: There are no pictures, or too many.
    """
    _check_methods(methods)
    if seed < 0:
        raise OptionError(f"seed must be 0 or more. Received: seed={seed}.")
    model = load_model(find_run(run) / MODEL_FILE)
    contract = preprocessing_of(model)
    index = None if target is None else _class(target, model.class_names)
    names = picture_names(pictures, most=MAX_PICTURES)
    if not names:
        raise DataError("Expected at least one picture. Received: none.")

    def each() -> Iterator[ExplainedPicture | Skipped]:
        for name in names:
            try:
                original = _open(name)
                seen = contract.apply(original)
            except DataError as error:
                yield Skipped(name, str(error))
                continue
            explanation = explain_picture(
                model,
                seen,
                methods=methods,
                target=index,
                seed=seed,
                on_step=lambda step, name=name: on_step(name, step),
            )
            said = predict(model, seen[None])
            choices = said.top(0, model.spec.num_classes)
            yield ExplainedPicture(name, choices, said.probabilities[0], original, explanation)

    return each()


def save_arrays(explained: ExplainedPicture, path: str | Path) -> Path:
    """Write all numbers of an explanation as ``.npz``: input, activations, weights, maps, curves.

    Raises:
        RunError: The file cannot be written; nothing is left of it then.
    """
    path = Path(path)
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **explained.explanation.arrays())
    try:
        replace_file(path, [content.getvalue()])
    except OSError as error:
        raise RunError(f"{path} cannot be written ({error.strerror}).") from None
    return path


def _check_methods(methods: Sequence[str]) -> None:
    if not methods:
        raise OptionError(f"Expected all, or some of {', '.join(EXPLAINERS)}. Received: nothing.")
    for name in methods:
        if name not in EXPLAINERS:
            near = difflib.get_close_matches(name, EXPLAINERS, n=1)
            hint = f"Did you mean {near[0]}?" if near else ""
            raise OptionError(f"Expected all, or some of {', '.join(EXPLAINERS)}. Received: {name[:60]!r}.", hint=hint)


def _class(name: str, class_names: Sequence[str]) -> int:
    if name not in class_names:
        near = difflib.get_close_matches(name, class_names, n=1)
        known = ", ".join(class_names[:12]) + (", …" if len(class_names) > 12 else "")
        raise OptionError(
            f"target must be one of the classes {known}. Received: {name[:60]!r}.",
            hint=f"Did you mean {near[0]}?" if near else "",
        )
    return list(class_names).index(name)


def _open(name: str) -> AnyPicture:
    numbered = None if Path(name).exists() else mnist.digit(name)
    return decode_file(Path(name)) if numbered is None else numbered
