"""``convscope sweep``."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group, Parameter

from convscope.api.notes import note
from convscope.cli.output import Output, console, say, say_json, table
from convscope.errors import printable
from convscope.training.option import option_fields
from convscope.training.options import TrainOptions

if TYPE_CHECKING:
    from convscope.api.sweep_result import SweepResult

SEARCH = Group("Search", sort_key=1)
PLACE = Group("Folder and processes", sort_key=2)


def sweep(
    data: str = "mnist",
    *parameters: str,
    trials: Annotated[int | None, Parameter(group=SEARCH)] = None,
    seeds: Annotated[int | None, Parameter(group=SEARCH)] = None,
    time: Annotated[str | None, Parameter(group=SEARCH)] = None,
    sampler: Annotated[Literal["tpe", "random"], Parameter(group=SEARCH)] = "tpe",
    pruner: Annotated[Literal["median", "asha", "none"], Parameter(group=SEARCH)] = "median",
    confirm: Annotated[int, Parameter(group=SEARCH)] = 3,
    seed: Annotated[int, Parameter(group=SEARCH)] = 0,
    out: Annotated[Path | None, Parameter(group=PLACE)] = None,
    journal: Annotated[Path | None, Parameter(group=PLACE)] = None,
    processes: Annotated[int | None, Parameter(group=PLACE)] = None,
    threads: Annotated[int, Parameter(group=PLACE)] = 1,
    concurrency: Annotated[int, Parameter(group=PLACE)] = 8,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Train many networks, choose the best recipe by validation, and confirm it with other seeds.

    The result does not depend on the number of processes and machines. The same command with the same --out continues
    a sweep that was interrupted.

    Parameters
    ----------
    data
        Dataset name or path: see convscope data.
    parameters
        Options of convscope train and their values: learning_rate=1e-3..3e-2:log is a range, epochs=1,2,4 a list,
        model=quick one value for all trials.
    trials
        Number of trials. Default: 40, or all combinations if there are no more than that.
    seeds
        Train one recipe with this many seeds instead: mean, standard deviation and interval of its accuracy.
    time
        End the search after this time, such as 30m; confirming comes on top.
    sampler
        How values are proposed.
    pruner
        Which trials are stopped early: those below the median of earlier ones, or not among the best third (asha).
    confirm
        Number of other seeds that the best recipe is trained again with.
    seed
        Random seed of splits, trainings and proposals.
    out
        The folder of the sweep. Default: sweeps/<date>-<time>.
    journal
        The journal to join: any number of processes and machines that name the same one share the work. Default:
        journal.log in the folder of the sweep.
    processes
        Number of processes on this machine. Default: one for each core.
    threads
        Threads of each training; part of the recipe.
    concurrency
        The most trials at the same time, on all machines together. A trial is proposed from the results of those
        at least this many before it.
    """
    from convscope.api.progress import ProgressDisplay
    from convscope.api.sweep import sweep as run_sweep
    from convscope.cli.drawing import start_drawing

    if is_parameter(data):
        data, parameters = "mnist", (data, *parameters)
    start_drawing()
    how = {"trials": trials, "seeds": seeds, "time": time, "out": out, "journal": journal, "processes": processes}
    how |= {"threads": threads, "concurrency": concurrency, "sampler": sampler, "pruner": pruner, "confirm": confirm}
    with ProgressDisplay(quiet=output.quiet) as display, _ending_by_sigterm():
        try:
            found = run_sweep(data, parameters, **how, seed=seed, callbacks=display.callbacks)  # type: ignore[arg-type]
        except (KeyboardInterrupt, SystemExit):
            display.clear()
            note("convscope: finished trials are kept; the same command with the same --out or --journal continues.")
            raise
    if output.json:
        say_json(found.to_json())
    else:
        _print(found, output)
    return 0


@contextlib.contextmanager
def _ending_by_sigterm() -> Iterator[None]:
    """End by SIGTERM as by Ctrl-C: after the workers."""

    def end(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def is_parameter(word: str) -> bool:
    """Whether a word is a parameter and not a dataset.

    Example:
        >>> is_parameter("epochs=1,2"), is_parameter("a=b/photos")
        (True, False)
    """
    name = word.partition("=")[0].replace("-", "_")
    return "=" in word and any(name == one.name for one in option_fields(TrainOptions))


def _print(found: SweepResult, output: Output) -> None:
    from convscope.api.sweep_result import SHOWN

    heads, rows = found.cells(most=SHOWN)
    sides = {head: "right" if head in ("trial", "validation", "test", "seconds") else "left" for head in heads}
    console().print(table(sides, [list(map(printable, row)) for row in rows]))
    if len(found.trials) > SHOWN:
        say(f"and {len(found.trials) - SHOWN} more in trials.csv")
    say()
    for line in str(found).splitlines():
        say(printable(line))
    if found.winner:
        output.hint(f"\nNext:\n  convscope open {found.winner.folder}\n  convscope evaluate {found.winner.folder}")
