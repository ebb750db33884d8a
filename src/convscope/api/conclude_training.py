"""Measure a training that has ended, and complete its run folder."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from convscope import decisions
from convscope.api.callbacks import Callbacks
from convscope.api.environment import describe_environment
from convscope.api.evaluate import evaluate_predictions, measured_reliability
from convscope.api.open import write_page_if_small
from convscope.api.prepare import Plan
from convscope.api.run import PICTURES_FOLDER, Run
from convscope.data.dataset import Dataset, image_hashes
from convscope.data.readers import READERS
from convscope.evaluation.fit_reliability import fit_reliability
from convscope.evaluation.out_of_distribution import rejection_decision
from convscope.evaluation.predict import Predictions, predict
from convscope.evaluation.reliability import reliability_of
from convscope.evaluation.temperature import temperature_interval
from convscope.model.model_file import Model, save_model, weights_sha256
from convscope.model.reference import REFERENCE_FILE, write_reference
from convscope.training.moments import MOMENTS_FILE, write_moments
from convscope.training.run import RunRecord
from convscope.training.run_folder import MODEL_FILE, save_run, save_training_hashes

if TYPE_CHECKING:
    from convscope.training.fit import Fitted


def conclude(plan: Plan, fitted: Fitted, folder: Path, callbacks: Callbacks, validated: dict[str, Any] | None) -> Run:
    """Write model and record, and measure a training that came to its end."""
    seconds = plan.seconds | {"train": fitted.seconds["total"]}
    model = _model(plan, fitted)
    on_validation, interval = None, None
    if fitted.outcome == "finished":
        began = time.perf_counter()
        validation = plan.validation
        model, on_validation = fit_reliability(model, plan.training.pixels, validation.pixels, validation.labels)
        interval = temperature_interval(
            on_validation.logits * np.float32(model.calibration["temperature"]), validation.labels
        )
        seconds["calibrate"] = time.perf_counter() - began
        if rejection := reliability_of(model).rejection:
            plan.data["decisions"] = [*plan.data["decisions"], *decisions.to_json([rejection_decision(rejection)])]
    save_model(model, folder / MODEL_FILE)
    record = RunRecord(
        name=folder.name,
        created=plan.created.isoformat(timespec="seconds"),
        outcome=fitted.outcome,
        options=plan.options,
        data=plan.data,
        network={
            "name": plan.spec.name,
            "parameters": plan.spec.parameters,
            "multiply_adds": plan.spec.multiply_adds,
            **({"ancestor": plan.ancestor.record} if plan.ancestor else {}),
        },
        environment=describe_environment(),
        history=fitted.history,
        seconds=seconds,
        weights_sha256=weights_sha256(model.weights),
        stopped_early=_stopped_early(fitted),
        cross_validation=validated,
        reliability={"temperature": model.calibration["temperature"], "temperature_interval": interval}
        if interval
        else None,
    )
    save_run(record, folder)
    if plan.loaded.kind not in READERS or not READERS[plan.loaded.kind].is_built_in:
        save_training_hashes(image_hashes(plan.training.pixels), folder)
    write_reference(fitted.proof, folder / REFERENCE_FILE)
    if fitted.moments:
        write_moments(fitted.moments, folder / MOMENTS_FILE)
    run = Run(folder, record=record, data=plan.loaded)
    if not on_validation:  # interrupted or diverged: the test split stays unread
        return run
    return _finish(run, (plan.validation, on_validation), callbacks)


def _stopped_early(fitted: Fitted) -> dict[str, float] | None:
    if fitted.best_epoch is None:
        return None
    return {"epoch": fitted.history[-1].epoch, "best_epoch": fitted.best_epoch}


def _finish(run: Run, validated: tuple[Dataset, Predictions], callbacks: Callbacks) -> Run:
    """Measure both splits, draw the figures, write the page, and complete the record."""
    began = time.perf_counter()
    callbacks.begin("evaluating")
    validation, on_validation = validated
    test = run.data.test if run.data else None
    on_test = predict(run.model, test.pixels) if test else None
    figures = evaluate_predictions(on_validation, validation)
    test_figures = evaluate_predictions(on_test, test) if test and on_test else None
    callbacks.begin("drawing")
    measured = time.perf_counter()
    from convscope.api.pictures import draw_run

    shown, predicted = (test, on_test) if test and on_test else (validation, on_validation)
    draw_run(
        run.folder / PICTURES_FOLDER,
        run.record.history,
        test_figures or figures,
        shown,
        predicted,
        stopped_early=run.record.stopped_early,
        cross_validation=run.cross_validation,
    )
    seconds = {"evaluate": measured - began, "draw": time.perf_counter() - measured}
    reliability = measured_reliability(run.model, predicted, shown, run.record.reliability or {})
    record = replace(
        run.record,
        reliability=reliability,
        seconds=run.record.seconds | seconds,
        validation=figures.to_json(),
        test=test_figures.to_json() if test_figures else None,
    )
    save_run(record, run.folder)
    done = Run(run.folder, record=record, data=run.data)
    write_page_if_small(done, shown, test_figures or figures, "test" if test_figures else "validation")
    return done


def _model(plan: Plan, fitted: Fitted) -> Model:
    from convscope import __version__

    return Model(
        spec=plan.spec,
        weights=fitted.weights,
        class_names=plan.loaded.train.class_names,
        preprocessing=plan.loaded.preprocessing.to_json(),
        calibration={},
        provenance={
            "convscope": __version__,
            "created": plan.created.isoformat(timespec="seconds"),
            "data": plan.loaded.train.source,
            "seed": plan.options.seed,
            "steps": fitted.steps,
            "outcome": fitted.outcome,
        },
    )
