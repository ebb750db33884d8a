"""Explain predictions: the activations of every layer, and attribution maps with their sanity checks."""

from __future__ import annotations

import difflib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from convscope.api.run import Run, load_run
from convscope.data.dataset import Skipped
from convscope.data.image_input import ImageInput, collect_images
from convscope.data.pixels import AnyPicture, opaque
from convscope.data.preprocess import Preprocessing
from convscope.errors import DataError, OptionError, RunError
from convscope.evaluation.predict import Choice, predict
from convscope.explanation.explanation import Explanation, explain_picture
from convscope.explanation.saliency import EXPLAINERS
from convscope.markup import image, table
from convscope.model.files import replace_file
from convscope.model.model_file import Model

MAX_IMAGES = 1000
SHOWN_SIDE = 140
"""Screen pixels of the longer side of an image in a notebook."""


@dataclass(frozen=True, eq=False)
class ImageExplanation:
    """The explanation of the prediction for one image. Shows itself in a notebook.

    Attributes:
        name: The path as given, or a number for an array.
        choices: All classes, most likely first, with the probabilities of `predict`.
        probabilities: The same in class order.
        original: The upright image without transparency, uint8 ``(h, w, c)``.
        explanation: The activations and the attribution maps.
        warnings: What to know about the result, such as several digits.
    """

    name: str
    choices: tuple[Choice, ...]
    probabilities: np.ndarray
    original: AnyPicture
    explanation: Explanation
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Plain values; the arrays themselves are written by `save_arrays`."""
        choices = [{"name": choice.name, "probability": choice.probability} for choice in self.choices]
        return {"name": self.name, "choices": choices, "warnings": list(self.warnings)} | self.explanation.to_json()

    def save_arrays(self, path: str | Path) -> Path:
        """Write all arrays as ``.npz``: input, activations, weights, maps, deletion curves.

        Raises:
            RunError: The file cannot be written; nothing is left of it.
        """
        path = Path(path)
        content = io.BytesIO()
        np.savez_compressed(content, allow_pickle=False, **self.explanation.arrays())
        try:
            replace_file(path, [content.getvalue()])
        except OSError as error:
            raise RunError(f"{path} cannot be written ({error.strerror}).") from None
        return path

    def save(self, path: str | Path) -> Path:
        """Draw everything as one PNG.

        Raises:
            RunError: The file cannot be written.
        """
        from convscope.report.pictures.canvas import save
        from convscope.report.pictures.explanation import explanation

        figure = explanation(
            self.explanation, original=self.original, probabilities=self.probabilities, name=Path(self.name).name
        )
        return save(figure, Path(path))

    def _repr_html_(self) -> str:
        seen = self.explanation.pixels
        scale = max(1, SHOWN_SIDE // max(seen.shape[:2]))
        first = self.choices[0]
        target = self.explanation.network.class_names[self.explanation.target]
        rows = [
            (
                escape(EXPLAINERS[method].title),
                one.attribution._repr_html_(),
                escape(one.sanity_checks.verdict),
            )
            for method, one in self.explanation.maps.items()
        ]
        rows += [
            (escape(EXPLAINERS[method].title), "skipped", escape(reason))
            for method, reason in self.explanation.skipped.items()
        ]
        picture = image(seen, alt=f"{self.name} as the network sees it", scale=scale)
        caption = f"{self.name}: {first.name} ({first.probability:.1%}); attributions for the logit of {target}"
        return picture + table(("method", "attribution", "sanity checks"), rows, caption=caption)


@dataclass(frozen=True, eq=False)
class ImageExplanations(Sequence["ImageExplanation | Skipped"]):
    """The explanations of some images: a sequence that shows itself in a notebook.

    Attributes:
        images: One `ImageExplanation` for each image, or why it was skipped.
    """

    images: tuple[ImageExplanation | Skipped, ...]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Any) -> Any:
        return self.images[index]

    def _repr_html_(self) -> str:
        return "".join(
            f"<p>Skipped: {escape(one.reason)}</p>" if isinstance(one, Skipped) else one._repr_html_()
            for one in self.images
        )


def explain(
    images: Any,
    *,
    run: Run | str | Path | None = None,
    method: str | Sequence[str] = "all",
    target: str | int | None = None,
    seed: int = 0,
    recursive: bool = False,
    on_step: Callable[[str, str], None] | None = None,
) -> Iterator[ImageExplanation | Skipped]:
    """Explain images one after the other; each takes a second or more.

    Args:
        images: As in `api.predict.predict`.
        run: A run or its folder; None takes the newest below ``runs/``.
        method: ``"all"``, or some of `EXPLAINERS`: a list, or names with commas between them.
        target: The name or the index of the class to explain; None takes the predicted one.
        seed: Random seed.
        recursive: Whether to read the images in subfolders of a folder too.
        on_step: Called with the image's name and a few words before each piece of work.

    Returns:
        An iterator: for each image its explanation, or why it was skipped.

    Raises:
        RunError, ModelFileError: There is no such run, or its model file is damaged.
        OptionError: There is no such method, class or image, or the seed is negative.
        DataError: There are no images, or too many.
    """
    methods = _methods(method)
    if type(seed) is not int or seed < 0:
        raise OptionError(f"seed must be a whole number of 0 or more. Received: seed={seed!r}.")
    run = load_run(run)
    model, preprocessing = run.model, run.preprocessing
    how = {"methods": methods, "target": None if target is None else _class(target, model.class_names), "seed": seed}
    found = collect_images(images, most=MAX_IMAGES, recursive=recursive)
    if not found:
        raise DataError("Expected at least one image. Received: none.")

    return (_explain_one(one, model, preprocessing, on_step=on_step, **how) for one in found)


def _explain_one(
    given: ImageInput,
    model: Model,
    preprocessing: Preprocessing,
    *,
    on_step: Callable[[str, str], None] | None,
    **how: Any,
) -> ImageExplanation | Skipped:
    try:
        original = given.decode(draft=preprocessing.draft_factor)
        framing = preprocessing.frame(original)
    except DataError as error:
        return Skipped(given.name, str(error))
    if framing.report.blank:
        reason = "; ".join(framing.report.warnings)
        return Skipped(given.name, f"Expected an image with ink to explain. Received: {given.name}, {reason}.")
    tell = (lambda step: on_step(given.name, step)) if on_step else (lambda step: None)
    explanation = explain_picture(model, framing.pixels, on_step=tell, **how)
    predicted = predict(model, framing.pixels[None])
    choices = predicted.top(0, model.spec.num_classes)
    return ImageExplanation(
        given.name, choices, predicted.probabilities[0], opaque(original), explanation, framing.report.warnings
    )


def _methods(method: str | Sequence[str]) -> list[str]:
    expected = f"method must be all, or some of {', '.join(EXPLAINERS)}."
    if not isinstance(method, str | Sequence):
        raise OptionError(f"{expected} Received: method={method!r}.")
    names = [name.strip() for name in method.split(",")] if isinstance(method, str) else list(map(str, method))
    if names == ["all"]:
        return list(EXPLAINERS)
    if not names:
        raise OptionError(f"{expected} Received: none.")
    for name in names:
        if name not in EXPLAINERS:
            near = difflib.get_close_matches(name, EXPLAINERS, n=1)
            raise OptionError(f"{expected} Received: {name[:60]!r}.", hint=f"Did you mean {near[0]}?" if near else "")
    return names


def _class(target: str | int, class_names: Sequence[str]) -> int:
    if type(target) is int and 0 <= target < len(class_names):
        return target
    name = str(target)
    if name not in class_names:
        near = difflib.get_close_matches(name, class_names, n=1)
        known = ", ".join(class_names[:12]) + (", …" if len(class_names) > 12 else "")
        raise OptionError(
            f"target must be one of the classes {known}. Received: {name[:60]!r}.",
            hint=f"Did you mean {near[0]}?" if near else "",
        )
    return list(class_names).index(name)
