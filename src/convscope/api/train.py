"""Train a network and leave a run folder."""

from __future__ import annotations

import contextlib
import inspect
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from convscope import decisions
from convscope.api.ancestor import Ancestor, descend
from convscope.api.callbacks import Callbacks
from convscope.api.cluster import connect_workers, with_shards
from convscope.api.cross_validation import cross_validation_of
from convscope.api.environment import describe_environment
from convscope.api.evaluate import evaluate_predictions, measured_reliability
from convscope.api.limited_time import with_epochs_for_time
from convscope.api.load_data import load_data, load_with
from convscope.api.measured_precision import with_precision
from convscope.api.notebook_progress import default_display
from convscope.api.open import write_page_if_small
from convscope.api.prepare import LOADED_OPTIONS, Plan, loading_keywords, prepare
from convscope.api.run import PICTURES_FOLDER, Run, load_run
from convscope.api.run_data import loading_options, path_from_run, places, source_of_run
from convscope.api.threads import with_threads
from convscope.data.cache_file import CACHE_FOLDER, remove_caches
from convscope.data.dataset import Dataset, LoadedData, image_hashes
from convscope.data.load_options import Caching
from convscope.data.readers import READERS
from convscope.distributed.cluster import Cluster
from convscope.errors import DataError, DivergedError, OptionError, RunError
from convscope.evaluation.fit_reliability import fit_reliability
from convscope.evaluation.out_of_distribution import rejection_decision
from convscope.evaluation.predict import Predictions, predict
from convscope.evaluation.reliability import reliability_of
from convscope.evaluation.temperature import temperature_interval
from convscope.model.model_file import Model, save_model, weights_sha256
from convscope.model.presets import load_spec, spec_text
from convscope.model.reference import REFERENCE_FILE, write_reference
from convscope.model.spec_parser import from_json as spec_from_json
from convscope.training.checkpoint import (
    Checkpoint,
    CheckpointManager,
    delete_checkpoints,
    latest_checkpoint,
    lock_run,
)
from convscope.training.config import load_config
from convscope.training.moments import MOMENTS_FILE, write_moments
from convscope.training.option import DATA, option_fields
from convscope.training.options import AUTO, TrainOptions
from convscope.training.resume_check import check_same
from convscope.training.run import (
    MODEL_FILE,
    PATH_FROM_RUN,
    RunRecord,
    check_empty,
    new_folder,
    save_run,
    save_training_hashes,
)

if TYPE_CHECKING:
    from convscope.training.fit import Fitted


def train(
    data: Any = None,
    *,
    out: str | Path | None = None,
    resume: str | Path | None = None,
    from_run: Run | str | Path | None = None,
    config: str | Path | None = None,
    callbacks: Callbacks | None = None,
    cluster: Cluster | None = None,
    **options: Any,
) -> Run:
    """Train a network, evaluate it, and leave a run folder.

    Args:
        data: A dataset by name, a path, arrays, or what `load_data` returned; None takes MNIST.
        out: The run folder, new or empty, used exactly as given; None makes one below ``runs/``.
        resume: The folder of an interrupted training: continue from its last checkpoint. It ends with the weights
            that it would have had without the interruption. Options that are not given stay as they were.
        from_run: A finished run to start from: its network, weights and options, and its data if none are given. The
            result is a new run whose record names the earlier one; ``epochs`` are trained in addition. Outputs are
            matched by class name; with other classes the last layer is new. ``freeze`` keeps the first layers as they
            are.
        config: A ``config.toml`` of an earlier run; options given here override it.
        callbacks: Called while it works; None shows a progress bar in a notebook or a terminal.
        cluster: The workers of a training on several processes or machines, and which of them this one is. Only the
            first writes a run folder; the process of another one ends with this call.
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
        SystemExit: With code 0, on a worker other than the first, when its part is done.

    Example:
        >>> run = train(epochs=1, out="runs/first")  # doctest: +SKIP
        >>> run.test.accuracy.rate > 0.98  # doctest: +SKIP
        True
    """
    if callbacks is None:
        with default_display() as display:
            how = {"out": out, "resume": resume, "from_run": from_run, "config": config}
            return train(data, **how, callbacks=display.callbacks, cluster=cluster, **options)
    if resume is not None and (out or config or from_run):
        raise OptionError(
            "--resume continues in its own folder with its own options. Received: --out, --config or --from."
        )
    given = {name: value for name, value in options.items() if value is not None}
    if "time" in given and "epochs" in given:
        raise OptionError(
            f"time decides the number of epochs. Received: time={given['time']!r} and epochs={given['epochs']}."
        )
    if resume is not None:
        return _resume(Path(resume), data, given, callbacks, cluster)
    if cluster and cluster.rank:  # the first worker has the run folder
        out = Path(tempfile.gettempdir()) / f"convscope-worker-{os.getpid()}"
    if from_run is not None:
        return _train_on(load_run(from_run), data, out, given, config, callbacks, cluster)
    if given.get("freeze"):
        raise OptionError(
            f"freeze keeps the weights of an earlier run. Received: freeze={given['freeze']} without --from."
        )
    loaded = None if data is None or isinstance(data, str | Path) else _in_memory(data, given)
    if data is not None:
        given["data"] = loaded.origin if loaded else str(data)
    chosen = _options(given, config, None)
    if chosen.model != AUTO:
        spec_text(chosen.model)  # reading data may take minutes: an unknown network is refused first
    if out is not None:
        check_empty(Path(out))
    place = _place(out, chosen)
    plan = prepare(chosen, callbacks.begin, loaded, caching=_caching(chosen.cache, place, callbacks))
    return _train(plan, None, place if (place / CACHE_FOLDER).is_dir() else out, callbacks, cluster)


def _place(out: str | Path | None, options: TrainOptions) -> Path:
    """The run folder, if a cache makes it necessary before the network is known."""
    if out is not None:
        return Path(out)
    name = f"{datetime.now():%Y%m%d-%H%M%S}-{Path(options.model).stem}"
    names = (name, *(f"{name}-{number}" for number in range(2, 1000)))
    return next(place for one in names if not (place := Path("runs") / one).exists())


def _caching(cache: str | None, folder: Path, callbacks: Callbacks) -> Caching:
    """A cache in the folder that was named; else, for data larger than `MEMORY_BYTES`, in the run folder."""
    told: dict[str, Any] = {"on_images": callbacks.images, "is_stopped": callbacks.is_stopped}
    if cache:
        return Caching(Path(cache), **told)
    return Caching(folder / CACHE_FOLDER, MEMORY_BYTES, is_kept=False, **told)


MEMORY_BYTES = 10**9
"""Images of at most so many bytes, decoded, are kept in memory."""


def _resume(folder: Path, data: Any, given: dict[str, Any], callbacks: Callbacks, cluster: Cluster | None) -> Run:
    """Continue an interrupted training; its data and its network file may have moved since."""
    found = _find(folder, callbacks)
    began_with = options_of_checkpoint(folder, found)
    caching = _caching(given.get("cache", began_with.cache), folder, callbacks)
    if data is None or isinstance(data, str | Path):
        loaded = _moved_data(folder, found, began_with, data, caching)
        given |= {"data": str(data)} if data is not None and loaded is None else {}
    else:
        loaded = _in_memory(data, given)
        given["data"] = loaded.origin
    options = _options(given, None, began_with)
    # A network file that is still there may have been changed, which is refused; one that moved is not needed.
    is_moved = options.model == began_with.model and not Path(options.model).is_file()
    is_known = found.identity.get("network") is not None and (is_moved or "ancestor" in found.identity)
    spec = spec_from_json(found.identity["network"]) if is_known else None
    plan = prepare(options, callbacks.begin, loaded, spec, caching=caching)
    plan = replace(plan, created=_created(found))
    if spec and isinstance(earlier := found.identity.get("ancestor"), dict):
        plan = replace(plan, ancestor=Ancestor(spec, {}, earlier))
    known = {"options": asdict(began_with)}  # options that are new since have their defaults
    check_same({**found.identity, **known}, plan.identity)
    return _train(plan, found, folder, callbacks, cluster)


def _moved_data(
    folder: Path, found: Checkpoint, options: TrainOptions, data: str | Path | None, caching: Caching
) -> LoadedData | None:
    """The data of an interrupted training, recognized by their fingerprints; None if they are found nowhere."""
    recorded = found.identity.get("data")
    if not isinstance(recorded, dict) or options.data in READERS:
        return None
    where = [str(data)] if data is not None else places(options.data, folder, found.identity.get(PATH_FROM_RUN))
    for place in where:
        with contextlib.suppress(DataError):
            loaded = load_with(place, size=options.size, caching=caching, **loading_keywords(options))
            if loaded.train.fingerprint() == recorded.get("train_fingerprint"):
                return loaded
    return None


KEPT_OPTIONS = tuple(
    field for field in option_fields(TrainOptions) if field.option.group == DATA and field.name != "model"
)
"""The options of an earlier run that do not belong to the recipe of its network."""


def _train_on(
    run: Run,
    data: Any,
    out: str | Path | None,
    given: dict[str, Any],
    config: str | Path | None,
    callbacks: Callbacks,
    cluster: Cluster | None,
) -> Run:
    """Start from the weights of an earlier run."""
    if out is not None:
        check_empty(Path(out))
    own_network = "model" not in given
    shape = {name: value for name, value in loading_options(run).items() if name in ("size", "channels")}
    if "size" in given:
        raise OptionError(f"--from takes images in the size of its network. Received: size={given['size']}.")
    split = {name: given[name] for name in (*LOADED_OPTIONS, "seed") if name in given}
    own = ("class_names",) if data is not None else ()  # the labels of other data are not those of the run
    recorded = {name: value for name, value in loading_options(run).items() if name not in (*shape, *split, *own)}
    where = data if data is not None else run.data or source_of_run(run)
    place = _place(out, run.record.options)
    caching = _caching(given.get("cache"), place, callbacks)
    loaded = where if isinstance(where, LoadedData) else load_with(where, caching=caching, **shape, **recorded, **split)
    given["data"] = loaded.origin or run.record.options.data
    before = replace(run.record.options, precision=AUTO, threads=None)  # this may be another machine
    if not own_network:  # the recipe of the network it had says nothing about another one
        before = TrainOptions(**{field.name: getattr(before, field.name) for field in KEPT_OPTIONS})
    if "time" in given:
        before = replace(before, epochs=None)
    chosen = _options({"seed": recorded.get("seed", 0)} | given, config, before)
    shown = loaded.train
    spec = (
        None if own_network else load_spec(chosen.model, input_shape=shown.image_shape, num_classes=shown.num_classes)
    )
    ancestor = descend(run, shown, spec=spec)
    plan = replace(prepare(chosen, callbacks.begin, loaded, ancestor.spec), ancestor=ancestor)
    return _train(plan, None, place if (place / CACHE_FOLDER).is_dir() else out, callbacks, cluster)


def _train(
    plan: Plan, found: Checkpoint | None, out: str | Path | None, callbacks: Callbacks, cluster: Cluster | None
) -> Run:
    plan.data["decisions"] = decisions.to_json(plan.decisions)
    plan = with_shards(plan, cluster, callbacks, is_resumed=found is not None)
    if cluster and cluster.rank:
        _follow(plan, found, out, callbacks, cluster)
    if found:
        folder, is_new = Path(out or ""), False
    else:
        is_new = out is None or not Path(out).exists()
        folder = new_folder(out, name=f"{plan.created:%Y%m%d-%H%M%S}-{plan.spec.name}")
    if relative := path_from_run(plan.loaded.origin or plan.options.data, folder):
        plan.data[PATH_FROM_RUN] = relative
    callbacks.data(plan.loaded)
    for decision in plan.decisions:
        if decision not in plan.loaded.decisions:
            callbacks.decided(decision)
    callbacks.begin("starting TensorFlow")
    began = time.perf_counter()
    try:
        from convscope.training.fit import fit

        plan = with_threads(plan)
        plan.seconds["start"] = time.perf_counter() - began
        workers = connect_workers(plan, found, cluster, callbacks) if cluster else None
        plan = with_epochs_for_time(with_precision(plan, callbacks), callbacks)
        validated = cross_validation_of(plan, folder, callbacks, is_resumed=found is not None)
    except BaseException:  # TensorFlow is missing, or Ctrl-C was pressed: no empty folder stays behind
        if is_new:
            with contextlib.suppress(OSError):  # one with a cache stays: the same command continues with it
                folder.rmdir()
        raise
    with lock_run(folder):
        callbacks.begin("training")
        checkpoints = CheckpointManager(folder, plan.identity, found)
        hooks: dict[str, Any] = {"on_progress": callbacks.progress, "is_stopped": callbacks.is_stopped}
        hooks |= {"initial": plan.ancestor.weights} if plan.ancestor else {}
        hooks |= {"workers": workers}
        fitted = fit(plan.spec, plan.training, plan.validation, plan.options, checkpoints=checkpoints, **hooks)
        run = _conclude(plan, fitted, folder, callbacks, validated)
        if fitted.outcome != "interrupted":
            delete_checkpoints(folder)
            remove_caches(folder / CACHE_FOLDER)
    if fitted.outcome == "diverged":
        raise DivergedError(
            f"The loss is no longer a finite number. Received: loss=nan at step {fitted.steps + 1}. "
            f"The last weights with finite outputs are in {folder}.",
            hint="Try a smaller --learning-rate.",
        )
    return run


def _follow(
    plan: Plan, found: Checkpoint | None, out: str | Path | None, callbacks: Callbacks, cluster: Cluster
) -> NoReturn:
    """Compute the shards of a worker that writes nothing."""
    callbacks.begin("starting TensorFlow")
    from convscope.training.fit import fit

    plan = with_threads(plan)
    workers = connect_workers(plan, found, cluster, callbacks)
    callbacks.begin("training")
    hooks: dict[str, Any] = {"on_progress": callbacks.progress, "is_stopped": callbacks.is_stopped}
    hooks |= {"initial": plan.ancestor.weights} if plan.ancestor else {}
    fitted = fit(
        plan.spec, plan.training, plan.validation, plan.options,
        checkpoints=CheckpointManager(resume_from=found), workers=workers, **hooks,
    )  # fmt: skip
    if out is not None and found is None:
        remove_caches(Path(out) / CACHE_FOLDER)
        with contextlib.suppress(OSError):
            Path(out).rmdir()
    if fitted.outcome == "interrupted" and not callbacks.is_stopped():
        raise RunError("The training was stopped on another worker.", hint="Continue with --resume on all workers.")
    raise SystemExit(0 if fitted.outcome == "finished" else 1)


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
        for name in ("size", "cache", *LOADED_OPTIONS):
            if name in given:
                raise OptionError(
                    f"{name} belongs to load_data when the data are loaded already. Received: {name}={given[name]!r}."
                )
        return data
    how = {name: given[name] for name in ("size", "seed", "cache", *LOADED_OPTIONS) if name in given}
    if given.get("folds"):  # every image is tested by cross-validation, so none is held out
        how["test_fraction"] = 0
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
        return TrainOptions.from_record(found.identity["options"])
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


def _conclude(plan: Plan, fitted: Fitted, folder: Path, callbacks: Callbacks, validated: dict[str, Any] | None) -> Run:
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
    draw_run(run.folder / PICTURES_FOLDER, run.record.history, test_figures or figures, shown, predicted)
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
