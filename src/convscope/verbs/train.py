"""Train a network and leave a run folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from convscope.data.dataset import Dataset, LoadedData
from convscope.errors import DivergedError, OptionError, RunError
from convscope.evaluate.metrics import Evaluation, measure
from convscope.evaluate.predict import Predictions, at_temperature, predict
from convscope.evaluate.temperature import fit_temperature
from convscope.model.artifact import Model, weights_sha256, write
from convscope.model.presets import spec_text
from convscope.model.proof import PROOF_FILE, write_proof
from convscope.train.checkpoint import Checkpoint, Keeper, forget, hold, newest
from convscope.train.identity import check_same
from convscope.train.options import TrainOptions, resolve
from convscope.train.run import MODEL_FILE, Run, check_empty, new_folder, save
from convscope.verbs.environment import describe_environment
from convscope.verbs.open import write_page
from convscope.verbs.plan import Plan, prepare

if TYPE_CHECKING:
    from convscope.train.fit import Fitted
    from convscope.train.recorder import Progress


@dataclass(frozen=True)
class Trained:
    """What a training leaves behind.

    Attributes:
        run: The record.
        folder: Where the record, the model and the pictures lie.
        validation: Measured on the split that choices are made by; None when the training was cut short.
        test: Measured once, at the end; None without a test part, or when the training was cut short.
        pictures: The PNG files; none when the training was cut short.
        page: The HTML page; None when the training was cut short.
    """

    run: Run
    folder: Path
    validation: Evaluation | None
    test: Evaluation | None
    pictures: tuple[Path, ...]
    page: Path | None = None


@dataclass(frozen=True)
class Listener:
    """Who is told while it works: what begins now, and how the training stands."""

    begin: Callable[[str], None] = lambda phase: None
    progress: Callable[[Progress], None] = lambda progress: None
    is_stopped: Callable[[], bool] = lambda: False


def train(
    options: TrainOptions | None = None,
    *,
    out: str | Path | None = None,
    resume: str | Path | None = None,
    listener: Listener | None = None,
) -> Trained:
    """Train a network from scratch on a data set, say how good it is, and leave a run folder.

    Args:
        options: What to train on what, and how; None trains `quick` on MNIST, or what ``resume`` began with.
        out: The run's folder, used exactly as given; None makes one below ``runs/``.
        resume: The folder of a training that was cut off; it goes on from its newest whole checkpoint and ends as if
            it had never stopped.
        listener: Told what happens meanwhile.

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
    listener = listener or Listener()
    found = _find(Path(resume), listener) if resume is not None else None
    options = resolve(options or (began_with(Path(resume or ""), found) if found else TrainOptions()))
    spec_text(options.model)  # reading data may take minutes: a word that is no network is said before
    if out is not None:
        check_empty(Path(out))
    plan = prepare(options, listener.begin)
    if found:
        folder, is_new = Path(resume or ""), False
        plan = replace(plan, created=_created(found))
        check_same(found.identity, plan.identity)
    else:
        is_new = out is None or not Path(out).exists()
        folder = new_folder(out, name=f"{plan.created:%Y%m%d-%H%M%S}-{plan.spec.name}")
    listener.begin("starting TensorFlow")
    began = time.perf_counter()
    try:
        from convscope.train.fit import fit
    except BaseException:  # TensorFlow is missing, or somebody pressed Ctrl-C: no empty folder stays behind
        if is_new:
            folder.rmdir()
        raise
    plan.seconds["start"] = time.perf_counter() - began
    with hold(folder):
        listener.begin("training")
        keeper = Keeper(folder, plan.identity, found)
        told = {"on_progress": listener.progress, "is_stopped": listener.is_stopped}
        fitted = fit(plan.spec, plan.training, plan.validation, options, keeper=keeper, **told)
        trained = _conclude(plan, fitted, folder, listener)
        if fitted.outcome != "interrupted":
            forget(folder)
    if fitted.outcome == "diverged":
        raise DivergedError(
            f"The loss is no longer a finite number. Received: loss=nan at step {fitted.steps + 1}. "
            f"The last good weights are in {folder}.",
            hint="Try a smaller --learning-rate.",
        )
    return trained


def began_with(folder: Path, found: Checkpoint | None = None) -> TrainOptions:
    """The options of a training that was cut off, resolved.

    Raises:
        RunError: The folder holds no whole checkpoint, or one whose options this convscope does not know.
    """
    found = found or newest(folder).checkpoint
    try:
        return TrainOptions(**found.identity["options"])
    except (TypeError, KeyError, OptionError) as error:
        raise RunError(f"The checkpoint in {folder} does not have the expected options ({error}).") from None


def _created(found: Checkpoint) -> datetime:
    try:
        return datetime.fromisoformat(found.identity["created"])
    except (TypeError, KeyError, ValueError):
        raise RunError("The checkpoint does not say when its training began.", hint="Train anew.") from None


def _find(folder: Path, listener: Listener) -> Checkpoint:
    if not folder.is_dir():
        raise RunError(f"Expected the folder of a run. Received: {folder}.", hint="Folders of runs lie below runs/.")
    found = newest(folder)
    for words in found.damaged:
        listener.begin(f"{words} Going on from the one before it, step {found.checkpoint.step:,}")
    return found.checkpoint


def _conclude(plan: Plan, fitted: Fitted, folder: Path, listener: Listener) -> Trained:
    """Write model and record, and measure a training that came to its end."""
    seconds = plan.seconds | {"train": fitted.seconds["total"]}
    model = _model(plan, fitted)
    raw = predict(model, plan.validation.pixels) if fitted.outcome == "finished" else None
    if raw:
        model = replace(model, calibration={"temperature": fit_temperature(raw.logits, plan.validation.labels)})
    write(model, folder / MODEL_FILE)
    run = Run(
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
    save(run, folder)
    write_proof(fitted.proof, folder / PROOF_FILE)
    if not raw:  # interrupted or diverged
        # Somebody waits for the prompt and will train again: nothing is measured, the test split stays unread.
        return Trained(run, folder, None, None, ())
    return _finish(run, folder, model, plan.loaded, (plan.validation, at_temperature(raw, model)), listener)


def _finish(
    run: Run,
    folder: Path,
    model: Model,
    loaded: LoadedData,
    validated: tuple[Dataset, Predictions],
    listener: Listener,
) -> Trained:
    began = time.perf_counter()
    listener.begin("measuring")
    validation, on_it = validated
    on_validation = _measure(on_it, validation)
    test = loaded.test
    predictions = predict(model, test.pixels) if test else None
    on_test = _measure(predictions, test) if test and predictions else None
    listener.begin("drawing")
    measured = time.perf_counter()
    from convscope.verbs.pictures import draw_run

    shown, predicted = (test, predictions) if test and predictions else (validation, on_it)
    pictures = draw_run(folder / "pictures", run.history, on_test or on_validation, shown, predicted)
    seconds = run.seconds | {"evaluate": measured - began, "draw": time.perf_counter() - measured}
    run = replace(
        run,
        seconds=seconds,
        validation=on_validation.to_json(),
        test=on_test.to_json() if on_test else None,
    )
    save(run, folder)
    opened = write_page(folder, None, model, run, shown, on_test or on_validation, "test" if on_test else "validation")
    return Trained(run, folder, on_validation, on_test, pictures, opened.path)


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
