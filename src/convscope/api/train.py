"""Train a network and leave a run folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from convscope.api.environment import describe_environment
from convscope.api.open import write_page
from convscope.api.prepare import Plan, prepare
from convscope.data.dataset import Dataset, LoadedData
from convscope.errors import DivergedError, OptionError, RunError
from convscope.evaluation.metrics import Evaluation, measure
from convscope.evaluation.predict import Predictions, at_temperature, predict
from convscope.evaluation.temperature import fit_temperature
from convscope.model.model_file import Model, save_model, weights_sha256
from convscope.model.presets import spec_text
from convscope.model.reference import REFERENCE_FILE, write_reference
from convscope.training.checkpoint import Checkpoint, CheckpointManager, delete_checkpoints, latest_checkpoint, lock_run
from convscope.training.options import TrainOptions, resolve
from convscope.training.resume_check import check_same
from convscope.training.run import MODEL_FILE, RunRecord, check_empty, new_folder, save_run

if TYPE_CHECKING:
    from convscope.training.fit import Fitted
    from convscope.training.history import Progress


@dataclass(frozen=True)
class TrainResult:
    """What a training leaves behind.

    Attributes:
        run: The record.
        folder: Where the record, the model and the pictures lie.
        validation: Measured on the split that choices are made by; None when the training was cut short.
        test: Measured once, at the end; None without a test part, or when the training was cut short.
        pictures: The PNG files; none when the training was cut short.
        page: The HTML page; None when the training was cut short.
    """

    run: RunRecord
    folder: Path
    validation: Evaluation | None
    test: Evaluation | None
    pictures: tuple[Path, ...]
    page: Path | None = None


@dataclass(frozen=True)
class Callbacks:
    """Who is told while it works: what begins now, and how the training stands."""

    begin: Callable[[str], None] = lambda phase: None
    progress: Callable[[Progress], None] = lambda progress: None
    is_stopped: Callable[[], bool] = lambda: False


def train(
    options: TrainOptions | None = None,
    *,
    out: str | Path | None = None,
    resume: str | Path | None = None,
    callbacks: Callbacks | None = None,
) -> TrainResult:
    """Train a network from scratch on a data set, say how good it is, and leave a run folder.

    Args:
        options: What to train on what, and how; None trains `quick` on MNIST, or what ``resume`` began with.
        out: The run's folder, used exactly as given; None makes one below ``runs/``.
        resume: The folder of a training that was cut off; it goes on from its newest whole checkpoint and ends as if
            it had never stopped.
        callbacks: Told what happens meanwhile.

    Returns:
        The record, the folder, and the figures.

    Raises:
        DataError: The data cannot be used.
        SpecError: The network does not fit the data.
        RunError: The folder is not empty or cannot be written; or there is nothing to go on with, another process
            trains there, or data or options are not those that it began with.
        MissingExtraError: TensorFlow is not installed.
        DivergedError: The loss stopped being finite; the last good weights lie in the run folder.

    Example:
        >>> trained = train(TrainOptions(epochs=1), out="runs/first")  # doctest: +SKIP
        >>> trained.test.accuracy.rate > 0.98  # doctest: +SKIP
        True
    """
    callbacks = callbacks or Callbacks()
    found = _find(Path(resume), callbacks) if resume is not None else None
    options = resolve(options or (options_of_checkpoint(Path(resume or ""), found) if found else TrainOptions()))
    spec_text(options.model)  # reading data may take minutes: a word that is no network is said before
    if out is not None:
        check_empty(Path(out))
    plan = prepare(options, callbacks.begin)
    if found:
        folder, is_new = Path(resume or ""), False
        plan = replace(plan, created=_created(found))
        check_same(found.identity, plan.identity)
    else:
        is_new = out is None or not Path(out).exists()
        folder = new_folder(out, name=f"{plan.created:%Y%m%d-%H%M%S}-{plan.spec.name}")
    callbacks.begin("starting TensorFlow")
    began = time.perf_counter()
    try:
        from convscope.training.fit import fit
    except BaseException:  # TensorFlow is missing, or somebody pressed Ctrl-C: no empty folder stays behind
        if is_new:
            folder.rmdir()
        raise
    plan.seconds["start"] = time.perf_counter() - began
    with lock_run(folder):
        callbacks.begin("training")
        checkpoints = CheckpointManager(folder, plan.identity, found)
        told = {"on_progress": callbacks.progress, "is_stopped": callbacks.is_stopped}
        fitted = fit(plan.spec, plan.training, plan.validation, options, checkpoints=checkpoints, **told)
        trained = _conclude(plan, fitted, folder, callbacks)
        if fitted.outcome != "interrupted":
            delete_checkpoints(folder)
    if fitted.outcome == "diverged":
        raise DivergedError(
            f"The loss is no longer a finite number. Received: loss=nan at step {fitted.steps + 1}. "
            f"The last good weights are in {folder}.",
            hint="Try a smaller --learning-rate.",
        )
    return trained


def options_of_checkpoint(folder: Path, found: Checkpoint | None = None) -> TrainOptions:
    """The options of a training that was cut off, resolved.

    Raises:
        RunError: The folder holds no whole checkpoint, or one whose options this convscope does not know.
    """
    found = found or latest_checkpoint(folder).checkpoint
    try:
        return TrainOptions(**found.identity["options"])
    except (TypeError, KeyError, OptionError) as error:
        raise RunError(f"The checkpoint in {folder} does not have the expected options ({error}).") from None


def _created(found: Checkpoint) -> datetime:
    try:
        return datetime.fromisoformat(found.identity["created"])
    except (TypeError, KeyError, ValueError):
        raise RunError("The checkpoint does not say when its training began.", hint="Train anew.") from None


def _find(folder: Path, callbacks: Callbacks) -> Checkpoint:
    if not folder.is_dir():
        raise RunError(f"Expected the folder of a run. Received: {folder}.", hint="Folders of runs lie below runs/.")
    found = latest_checkpoint(folder)
    for words in found.damaged:
        callbacks.begin(f"{words} Going on from the one before it, step {found.checkpoint.step:,}")
    return found.checkpoint


def _conclude(plan: Plan, fitted: Fitted, folder: Path, callbacks: Callbacks) -> TrainResult:
    """Write model and record, and measure a training that came to its end."""
    seconds = plan.seconds | {"train": fitted.seconds["total"]}
    model = _model(plan, fitted)
    raw = predict(model, plan.validation.pixels) if fitted.outcome == "finished" else None
    if raw:
        model = replace(model, calibration={"temperature": fit_temperature(raw.logits, plan.validation.labels)})
    save_model(model, folder / MODEL_FILE)
    run = RunRecord(
        name=folder.name,
        created=plan.created.isoformat(timespec="seconds"),
        outcome=fitted.outcome,
        options=plan.options,
        data=plan.data,
        network={
            "name": plan.spec.name,
            "parameters": plan.spec.parameters,
            "multiply_adds": plan.spec.multiply_adds,
        },
        environment=describe_environment(),
        history=fitted.history,
        seconds=seconds,
        weights_sha256=weights_sha256(model.weights),
    )
    save_run(run, folder)
    write_reference(fitted.proof, folder / REFERENCE_FILE)
    if not raw:  # interrupted or diverged
        # Somebody waits for the prompt and will train again: nothing is measured, the test split stays unread.
        return TrainResult(run, folder, None, None, ())
    return _finish(run, folder, model, plan.loaded, (plan.validation, at_temperature(raw, model)), callbacks)


def _finish(
    run: RunRecord,
    folder: Path,
    model: Model,
    loaded: LoadedData,
    validated: tuple[Dataset, Predictions],
    callbacks: Callbacks,
) -> TrainResult:
    began = time.perf_counter()
    callbacks.begin("measuring")
    validation, on_it = validated
    on_validation = _measure(on_it, validation)
    test = loaded.test
    predictions = predict(model, test.pixels) if test else None
    on_test = _measure(predictions, test) if test and predictions else None
    callbacks.begin("drawing")
    measured = time.perf_counter()
    from convscope.api.pictures import draw_run

    shown, predicted = (test, predictions) if test and predictions else (validation, on_it)
    pictures = draw_run(folder / "pictures", run.history, on_test or on_validation, shown, predicted)
    seconds = run.seconds | {"evaluate": measured - began, "draw": time.perf_counter() - measured}
    run = replace(
        run,
        seconds=seconds,
        validation=on_validation.to_json(),
        test=on_test.to_json() if on_test else None,
    )
    save_run(run, folder)
    opened = write_page(folder, None, model, run, shown, on_test or on_validation, "test" if on_test else "validation")
    return TrainResult(run, folder, on_validation, on_test, pictures, opened.path)


def _measure(predictions: Predictions, dataset: Dataset) -> Evaluation:
    return measure(predictions.logits, dataset.labels, class_names=dataset.class_names, known_wrong=dataset.known_wrong)


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
