"""What convscope makes of the files that `keras_models` wrote, against the predictions of the Keras that wrote them."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convscope.api.import_model import import_model
from convscope.errors import ModelFileError
from convscope.model.forward import logits

TOLERANCE = 1e-4
"""Of a probability: float32 sums in another order are 1e-6 apart, a wrong layer 1e-2."""

EQUAL, REFUSED, WRONG = "equal", "refused", "wrong"
_BY_NAME = re.compile(r"layer \d+ (of layer \d+ )?(\((\w+)\)|is '(\w+)')")


@dataclass(frozen=True)
class Comparison:
    """What became of one file.

    Attributes:
        file: Its name.
        ending: Its format: keras, keras_v3 or h5.
        odd: What the model has that convscope does not read; empty for a model of its vocabulary.
        outcome: `EQUAL`, `REFUSED` (by the name of the layer) or `WRONG`.
        reason: The message, or how far off the probabilities are.
    """

    file: str
    ending: str
    odd: str
    outcome: str
    reason: str


def compare_folder(folder: Path) -> tuple[str, list[Comparison], int]:
    """Every file of a folder.

    Returns:
        The version of Keras that wrote the files, one comparison for each file, and how many files it could not save.
    """
    index = json.loads((folder / "index.json").read_text())
    found = [compare(folder, model, ending) for model in index["models"] for ending in model["files"]]
    return index["keras"], found, sum(len(model["failed"]) for model in index["models"])


def compare(folder: Path, model: dict[str, Any], ending: str) -> Comparison:
    """One file."""
    path = folder / model["files"][ending]
    stored = np.load(folder / f"{model['name']}.npz")
    images, expected = stored["images"], probabilities(stored["expected"], model["end"])
    if images.ndim == 3:
        images = images[..., None]
    try:
        with tempfile.TemporaryDirectory() as out:
            imported = import_model(path, input_range=model["input_range"], out=Path(out) / "run").run.model
    except ModelFileError as error:
        named = _BY_NAME.search(str(error))
        return Comparison(path.name, ending, model["odd"], REFUSED if named else WRONG, str(error))
    ours = softmax(logits(imported.spec, imported.weights, images))
    off = float(np.abs(ours - expected).max()) if ours.shape == expected.shape else np.inf
    return Comparison(path.name, ending, model["odd"], EQUAL if off <= TOLERANCE else WRONG, f"{off:.1e}")


def probabilities(expected: np.ndarray, end: str) -> np.ndarray:
    """What the model predicts, as one probability for each class; one sigmoid is that of the second class."""
    if end.startswith("sigmoid") and expected.shape[1] == 1:
        return np.concatenate([1 - expected, expected], axis=1)
    return softmax(expected) if end == "logits" else expected


def softmax(rows: np.ndarray) -> np.ndarray:
    """In float64."""
    powers = np.exp(rows.astype(np.float64) - rows.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
