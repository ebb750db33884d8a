"""Train many networks, choose the best recipe, and measure how good it is."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from convscope.api.callbacks import Callbacks
from convscope.api.notebook_progress import default_display
from convscope.api.sweep_result import SweepResult
from convscope.errors import ConvscopeError, MissingExtraError, OptionError, RunError
from convscope.model.presets import spec_text
from convscope.sweeping.definition import Definition, check_same
from convscope.sweeping.space import Parameter, Space, parse_space
from convscope.training.duration import parse_time
from convscope.training.options import AUTO

JOURNAL_FILE = "journal.log"
FOLDER = "sweeps"
MAX_PROCESSES = 256
DEFAULT_TRIALS = 40


def sweep(
    data: str | Path | None = None,
    parameters: Mapping[str, Any] | Iterable[str] | None = None,
    *,
    trials: int | None = None,
    seeds: int | None = None,
    time: str | None = None,
    out: str | Path | None = None,
    journal: str | Path | None = None,
    processes: int | None = None,
    threads: int = 1,
    concurrency: int = 8,
    sampler: str = "tpe",
    pruner: str = "median",
    confirm: int = 3,
    seed: int = 0,
    callbacks: Callbacks | None = None,
) -> SweepResult:
    """Train many networks, choose the recipe with the best validation accuracy, and confirm it.

    Trials are repeatable: trial n depends on the seed, on n, and on the results of trials 0 to n - concurrency. The
    number of processes and machines, their speed, and interruptions change nothing.

    Args:
        data: A dataset by name, or a path; None takes MNIST. Every process reads it.
        parameters: Options of `train` and their values, as a mapping or as texts ``name=values``. Values are a range
            such as ``"1e-3..3e-2"``, which may end in ``:log``, a list such as ``"1,2,4"`` or ``[1, 2, 4]``, or one
            value for all trials.
        trials: Number of trials; 40 by default. If there are no more combinations than that, each is tried once.
        seeds: Train one recipe with so many seeds instead: mean, standard deviation and interval of its accuracy.
        time: Begin no trial after this time, such as ``30m``, and stop those that run; confirming comes on top.
        out: The folder of the sweep; None makes one below ``sweeps/``. One that exists is continued.
        journal: The journal to join; None takes ``journal.log`` in ``out``. Any number of processes and machines join
            a sweep by naming the same journal on a shared disk.
        processes: Number of worker processes; None takes one for each ``threads`` cores.
        threads: Threads of each training. They are part of the recipe: other numbers give slightly other weights.
        concurrency: The most trials at the same time on all machines together.
        sampler: ``tpe`` proposes values like those of the best trials; ``random`` draws them.
        pruner: ``median`` stops a trial that is below the median of earlier ones at a quarter, a half or three
            quarters of its steps; ``asha`` one that is not among the best third; ``none`` stops none.
        confirm: Number of other seeds that the best recipe is trained again with.
        seed: Random seed of splits, trainings and proposals.
        callbacks: Called while it works; None shows a progress bar in a notebook or a terminal.

    Returns:
        The trials, the best of them, and the accuracy of its recipe with other seeds. The validation accuracy of the
        best of many trials is optimistic; that of the other seeds is not. The test split is read at the end, for the
        chosen recipe only.

    Raises:
        OptionError: A parameter or an option is unknown or out of range.
        DataError: The data cannot be used.
        SpecError: A network is unknown.
        RunError: The sweep began with other options or other data; no trial could be trained; or files cannot be
            written.
        MissingExtraError: Optuna or TensorFlow is not installed.

    Example:
        >>> found = sweep("mnist", {"learning_rate": "1e-3..3e-2:log", "epochs": [1, 2]}, trials=8)  # doctest: +SKIP
        >>> found.best.params  # doctest: +SKIP
        {'learning_rate': 0.0121, 'epochs': 2.0}
    """
    if callbacks is None:
        with default_display() as display:
            how = {"trials": trials, "seeds": seeds, "time": time, "out": out, "journal": journal}
            how |= {"processes": processes, "threads": threads, "concurrency": concurrency, "sampler": sampler}
            how |= {"pruner": pruner, "confirm": confirm, "seed": seed}
            return sweep(data, parameters, **how, callbacks=display.callbacks)  # type: ignore[arg-type]
    if trials is not None and seeds is not None:
        raise OptionError(f"Expected trials or seeds, not both. Received: trials={trials} and seeds={seeds}.")
    space = parse_space(parameters)
    definition = Definition(
        data=_source(data),
        parameters=_texts(space),
        trials=seeds if seeds is not None else DEFAULT_TRIALS if trials is None else trials,
        is_seeds=seeds is not None,
        sampler=sampler,
        pruner=pruner,
        confirm=confirm if seeds is None else 0,
        concurrency=concurrency,
        threads=threads,
        seed=seed,
    )
    seconds = parse_time(time) if time is not None else None
    _check_networks(space)
    workers = _processes(processes, definition)
    require_optuna()
    folder, path = _places(out, journal)
    return _run(definition, folder, path, seconds, workers, callbacks)


def _run(
    definition: Definition, folder: Path, path: Path, seconds: float | None, workers: int, callbacks: Callbacks
) -> SweepResult:
    from convscope.api.sweep_processes import run_workers
    from convscope.api.sweep_report import write_report
    from convscope.api.sweep_worker import WorkerCall, is_over
    from convscope.sweeping.journal import Journal

    is_new = not path.exists()
    made = Journal(path)
    if (recorded := made.definition) is not None:
        check_same(recorded, definition)
    made.join(definition)
    if not is_over(made, definition, folder):
        call = WorkerCall(definition.data, str(path.absolute()), str(folder.absolute()), seconds)
        callbacks.begin(_words(definition, workers))
        try:
            events = run_workers(made, definition, call, processes=workers, on_progress=callbacks.trials)
        except ConvscopeError:
            if is_new and not made.trials():  # data that cannot be read: a corrected command begins anew
                made.remove()
                with contextlib.suppress(OSError):
                    folder.rmdir()
                    if folder.parent == Path(FOLDER):
                        folder.parent.rmdir()
            raise
        if any(event["kind"] == "winner" and not event["is_same"] for event in events):
            callbacks.begin("The weights of the winner differ from those of its trial: another kind of machine")
    callbacks.begin("drawing")
    return write_report(made, definition, folder)


def _words(definition: Definition, workers: int) -> str:
    processes = f"{workers} process{'es' if workers > 1 else ''} of {definition.threads} thread"
    processes += "s" if definition.threads > 1 else ""
    if definition.is_seeds:
        return f"training with {definition.trials} seeds in {processes}"
    how = "all combinations" if definition.is_grid else f"{definition.sampler} sampler, {definition.pruner} pruner"
    return f"training {definition.total} trials ({how}) in {processes}"


def _source(data: object) -> str:
    if data is None:
        return "mnist"
    if not isinstance(data, str | Path):
        raise OptionError(
            f"A sweep reads its data in several processes. Expected a name or a path. Received: {type(data).__name__}.",
            hint="Save arrays with numpy.savez and pass the path of the .npz file.",
        )
    return str(data)


def _texts(space: Space) -> tuple[str, ...]:
    fixed = [Parameter(name, (value,)) for name, value in space.fixed.items()]
    return tuple(one.text for one in (*space.parameters, *fixed))


def _check_networks(space: Space) -> None:
    """An unknown network is refused before anything is trained."""
    values = next((one.values for one in space.parameters if one.name == "model"), ())
    for model in (*values, *filter(None, [space.fixed.get("model")])):
        if model != AUTO:
            spec_text(model)


def _processes(given: int | None, definition: Definition) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if given is None:
        fitting = max(cores // definition.threads, 1)
        return min(fitting, definition.total, definition.concurrency)
    if type(given) is not int or not 1 <= given <= MAX_PROCESSES:
        raise OptionError(f"processes must be an integer from 1 to {MAX_PROCESSES}. Received: processes={given!r}.")
    return given


def require_optuna() -> None:
    """Check that Optuna is installed, without importing it.

    Raises:
        MissingExtraError: It is not.
    """
    if importlib.util.find_spec("optuna") is None:
        raise MissingExtraError("A sweep needs Optuna.", hint="Run: pip install 'convscope[sweep]'")


def _places(out: str | Path | None, journal: str | Path | None) -> tuple[Path, Path]:
    """The folder of the sweep, and its journal."""
    if out is not None:
        folder = Path(out)
    elif journal is not None:
        folder = Path(journal).with_name(f"{Path(journal).stem}-sweep")
    else:
        name = f"{datetime.now():%Y%m%d-%H%M%S}"
        names = (name, *(f"{name}-{number}" for number in range(2, 1000)))
        folder = next(place for one in names if not (place := Path(FOLDER) / one).exists())
    path = Path(journal) if journal is not None else folder / JOURNAL_FILE
    known = folder / JOURNAL_FILE
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not _is_sweep(folder, path, known))):
        raise RunError(
            f"Expected a new or empty folder, or that of a sweep. Received: {folder}.", hint="Use another --out."
        )
    return folder, path


def _is_sweep(folder: Path, path: Path, known: Path) -> bool:
    from convscope.api.sweep_report import RESULT_FILE

    return known.is_file() or (folder / RESULT_FILE).is_file() or path.is_file()
