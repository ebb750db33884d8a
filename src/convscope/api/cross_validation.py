"""Measure a recipe by cross-validation, where a test split would be too small to say much."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from convscope.api.callbacks import Callbacks
from convscope.api.prepare import Plan
from convscope.data.grouping import fold_positions, split
from convscope.errors import ModelFileError, RunError
from convscope.evaluation.metrics import measure
from convscope.evaluation.predict import predict
from convscope.model.files import read_small
from convscope.model.model_file import Model
from convscope.model.safetensors_io import parse_json
from convscope.training.run_folder import MAX_RECORD_BYTES, write_text

FILE = "cross_validation.json"


def cross_validation_of(plan: Plan, folder: Path, callbacks: Callbacks, *, is_resumed: bool) -> dict[str, Any] | None:
    """With the option ``folds``: train once for each fold without it, and measure on it.

    Args:
        plan: The training; its data have no test part of their own.
        folder: The run folder, where the figures are kept for a training that is resumed.
        callbacks: Called while it works.
        is_resumed: Read the figures that were measured before the interruption.

    Returns:
        The evaluation of all images, each by the network that was trained without it, as in ``run.json``, with
        ``folds`` and the accuracy of each; None without the option.

    Raises:
        DataError: A class has fewer images than there are folds.
        RunError: A training was stopped or diverged.
    """
    if not plan.options.folds:
        return None
    if is_resumed:
        with contextlib.suppress(OSError, ModelFileError, UnicodeDecodeError):
            return parse_json(read_small(folder / FILE, MAX_RECORD_BYTES).decode(), "it", any_text=True)
    from convscope.training.fit import fit

    data, options = plan.loaded.train, plan.options
    logits = np.zeros((len(data), data.num_classes), np.float32)
    accuracies = []
    how: dict[str, Any] = {"seed": options.seed, "group": options.group}
    for number, fold in enumerate(fold_positions(data, options.folds, **how)):
        callbacks.begin(f"fold {number + 1} of {options.folds}")
        callbacks.begin("training")
        rest = data.take(np.setdiff1d(np.arange(len(data)), fold))
        training, validation = split(rest, fraction=options.validation_fraction, **how)
        hooks = {"on_progress": callbacks.progress, "is_stopped": callbacks.is_stopped}
        fitted = fit(plan.spec, training, validation, options, **hooks)
        if fitted.outcome != "finished":
            raise RunError(f"Expected {options.folds} finished trainings. Received: one that was {fitted.outcome}.")
        held_out = data.take(fold)
        logits[fold] = predict(Model(plan.spec, fitted.weights, data.class_names), held_out.pixels).logits
        accuracies.append(float((logits[fold].argmax(axis=1) == held_out.labels).mean()))
    evaluation = measure(logits, data.labels, class_names=data.class_names, known_wrong=data.known_wrong)
    result = evaluation.to_json() | {"folds": options.folds, "fold_accuracies": accuracies}
    write_text(folder / FILE, json.dumps(result) + "\n")
    return result
