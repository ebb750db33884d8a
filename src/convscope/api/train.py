"""Train a network and leave a run folder."""

from __future__ import annotations

import inspect
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convscope.api.callbacks import Callbacks
from convscope.api.environment import describe_environment
from convscope.api.evaluate import evaluate_predictions
from convscope.api.load_data import load_data
from convscope.api.notebook_progress import default_display
from convscope.api.open import write_page
from convscope.api.prepare import Plan, prepare
from convscope.api.run import PICTURES_FOLDER, Run
from convscope.data.dataset import Dataset, LoadedData
from convscope.errors import DivergedError, OptionError, RunError
from convscope.evaluation.predict import Predictions, at_temperature, predict
from convscope.evaluation.temperature import fit_temperature
from convscope.model.model_file import Model, save_model, weights_sha256
from convscope.model.presets import spec_text
from convscope.model.reference import REFERENCE_FILE, write_reference
from convscope.training.checkpoint import (
    Checkpoint,
    CheckpointManager,
    delete_checkpoints,
    latest_checkpoint,
    lock_run,
)
from convscope.training.config import load_config
from convscope.training.option import option_fields
from convscope.training.options import TrainOptions, resolve
from convscope.training.resume_check import check_same
from convscope.training.run import MODEL_FILE, RunRecord, check_empty, new_folder, save_run

if TYPE_CHECKING:
    from convscope.training.fit import Fitted


def train(
    data: Any = None,
    *,
    out: str | Path | None = None,
    resume: str | Path | None = None,
    config: str | Path | None = None,
    callbacks: Callbacks | None = None,
    **options: Any,
) -> Run:
    """Train a network from scratch, evaluate it, and leave a run folder.

    Args:
        data: A dataset by name, a path, arrays, or what `load_data` returned; None takes MNIST.
        out: The run folder, new or empty, used exactly as given; None makes one below ``runs/``.
        resume: The folder of an interrupted training: continue from its last checkpoint. It ends with the weights
            that it would have had without the interruption. Options that are not given stay as they were.
        config: A ``config.toml`` of an earlier run; options given here override it.
        callbacks: Called while it works; None shows a progress bar in a notebook or a terminal.
        **options: The fields of `TrainOptions`, such as ``model="quick"`` or ``epochs=5``.

    Returns:
        The trained network. ``run.outcome`` is ``interrupted`` if ``callbacks.is_stopped`` ended the training.

    Raises:
        DataError: The data cannot be used.
        SpecError: The network does not fit the data.
        OptionError: An option is unknown or out of range.
        RunError: The folder is not empty or cannot be written; or there is nothing to resume, another process trains
            there, or data or options differ from those of the interrupted training.
        MissingExtraError: TensorFlow is not installed.
        DivergedError: The loss stopped being finite; the last weights with finite outputs are in the run folder.

    Example:
        >>> run = train(epochs=1, out="runs/first")  # doctest: +SKIP
        >>> run.test.accuracy.rate > 0.98  # doctest: +SKIP
        True
    """
    if callbacks is None:
        with default_display() as display:
            return train(data, out=out, resume=resume, config=config, callbacks=display.callbacks, **options)
    if resume is not None and (out or config):
        raise OptionError("--resume continues in its own folder with its own options. Received: --out or --config.")
    found = _find(Path(resume), callbacks) if resume is not None else None
    given = {name: value for name, value in options.items() if value is not None}
    loaded = None if data is None or isinstance(data, str | Path) else _in_memory(data, given)
    if data is not None:
        given["data"] = loaded.origin if loaded else str(data)
    began_with = options_of_checkpoint(Path(resume or ""), found) if found else None
    chosen = resolve(_options(given, config, began_with))
    return _train(chosen, loaded, found, out if found is None else resume, callbacks)


def _train(
    options: TrainOptions,
    loaded: LoadedData | None,
    found: Checkpoint | None,
    out: str | Path | None,
    callbacks: Callbacks,
) -> Run:
    spec_text(options.model)  # reading data may take minutes: an unknown network is refused first
    if out is not None and not found:
        check_empty(Path(out))
    plan = prepare(options, callbacks.begin, loaded)
    for decision in plan.loaded.decisions:
        callbacks.decided(decision)
    if found:
        folder, is_new = Path(out or ""), False
        plan = replace(plan, created=_created(found))
        check_same(found.identity, plan.identity)
    else:
        is_new = out is None or not Path(out).exists()
        folder = new_folder(out, name=f"{plan.created:%Y%m%d-%H%M%S}-{plan.spec.name}")
    callbacks.begin("starting TensorFlow")
    began = time.perf_counter()
    try:
        from convscope.training.fit import fit
    except BaseException:  # TensorFlow is missing, or Ctrl-C was pressed: no empty folder stays behind
        if is_new:
            folder.rmdir()
        raise
    plan.seconds["start"] = time.perf_counter() - began
    with lock_run(folder):
        callbacks.begin("training")
        checkpoints = CheckpointManager(folder, plan.identity, found)
        hooks = {"on_progress": callbacks.progress, "is_stopped": callbacks.is_stopped}
        fitted = fit(plan.spec, plan.training, plan.validation, plan.options, checkpoints=checkpoints, **hooks)
        run = _conclude(plan, fitted, folder, callbacks)
        if fitted.outcome != "interrupted":
            delete_checkpoints(folder)
    if fitted.outcome == "diverged":
        raise DivergedError(
            f"The loss is no longer a finite number. Received: loss=nan at step {fitted.steps + 1}. "
            f"The last weights with finite outputs are in {folder}.",
            hint="Try a smaller --learning-rate.",
        )
    return run


def _signature() -> inspect.Signature:
    """The signature of `train` with every training option, for ``help`` and for editors."""
    own = inspect.signature(train)
    named = [one for one in own.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    options = [
        inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=one.kind | None)
        for one in option_fields(TrainOptions)
        if one.name != "data"
    ]
    return own.replace(parameters=[*named, *options])


train.__signature__ = _signature()  # type: ignore[attr-defined]


def _in_memory(data: Any, given: Mapping[str, Any]) -> LoadedData:
    """The dataset behind arrays or a table of paths; what `load_data` returned is taken as it is."""
    if isinstance(data, LoadedData):
        for name in ("size", "test_fraction"):
            if name in given:
                raise OptionError(
                    f"{name} belongs to load_data when the data are loaded already. Received: {name}={given[name]!r}."
                )
        return data
    how = {name: given[name] for name in ("size", "test_fraction", "seed") if name in given}
    return load_data(data, **how)


def _options(given: Mapping[str, Any], config: str | Path | None, began_with: TrainOptions | None) -> TrainOptions:
    values = (load_config(config) if config else {}) | dict(given)
    values = asdict(began_with) | values if began_with else values
    try:
        return TrainOptions.from_mapping(values)
    except OptionError as error:
        if not config:
            raise
        raise OptionError(error.message, hint=f"It is from {config} or the command line.") from None


def options_of_checkpoint(folder: Path, found: Checkpoint | None = None) -> TrainOptions:
    """The options of an interrupted training, resolved.

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
        raise RunError(
            "The checkpoint does not contain the start time of its training.", hint="Start a new training."
        ) from None


def _find(folder: Path, callbacks: Callbacks) -> Checkpoint:
    if not folder.is_dir():
        raise RunError(f"Expected the folder of a run. Received: {folder}.", hint="Folders of runs lie below runs/.")
    found = latest_checkpoint(folder)
    for words in found.damaged:
        callbacks.begin(f"{words} Resuming from the previous one, step {found.checkpoint.step:,}")
    return found.checkpoint


def _conclude(plan: Plan, fitted: Fitted, folder: Path, callbacks: Callbacks) -> Run:
    """Write model and record, and measure a training that came to its end."""
    seconds = plan.seconds | {"train": fitted.seconds["total"]}
    model = _model(plan, fitted)
    raw = predict(model, plan.validation.pixels) if fitted.outcome == "finished" else None
    if raw:
        model = replace(model, calibration={"temperature": fit_temperature(raw.logits, plan.validation.labels)})
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
        },
        environment=describe_environment(),
        history=fitted.history,
        seconds=seconds,
        weights_sha256=weights_sha256(model.weights),
    )
    save_run(record, folder)
    write_reference(fitted.proof, folder / REFERENCE_FILE)
    run = Run(folder, record=record, data=plan.loaded)
    if not raw:  # interrupted or diverged: the test split stays unread
        return run
    return _finish(run, (plan.validation, at_temperature(raw, model)), callbacks)


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
    draw_run(run.folder / PICTURES_FOLDER, run.record.history, test_figures or figures, shown, predicted)
    seconds = {"evaluate": measured - began, "draw": time.perf_counter() - measured}
    record = replace(
        run.record,
        seconds=run.record.seconds | seconds,
        validation=figures.to_json(),
        test=test_figures.to_json() if test_figures else None,
    )
    save_run(record, run.folder)
    done = Run(run.folder, record=record, data=run.data)
    write_page(done, None, shown, test_figures or figures, "test" if test_figures else "validation")
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
