"""``convscope train``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from convscope.cli.output import Output, say, say_json
from convscope.cli.parameters import HEADINGS, with_options
from convscope.training.option import DATA
from convscope.training.options import TrainOptions

RUN = Group("Run", sort_key=0)
WORKERS = Group("Several workers", sort_key=8)


@Parameter(name="*", group=WORKERS)
@dataclass(frozen=True)
class WorkerOptions:
    """The options of a training on several processes or machines."""

    processes: Annotated[
        int | None, Parameter(help="Train with this many processes on this machine, with the same weights as one.")
    ] = None
    workers: Annotated[
        str | None,
        Parameter(
            help="The addresses of all workers, host:port, separated by commas; every worker gets the same list. "
            "Without it, TF_CONFIG is read. With --ray, their number."
        ),
    ] = None
    rank: Annotated[
        int | None, Parameter(help="Which of the workers this is, from 0; the first writes the run folder.")
    ] = None
    ray: Annotated[
        str | None,
        Parameter(
            help="Let Ray start the workers, and start them again after a failure: auto, host:port of its cluster, or "
            "local for one on this machine. Needs the extra ray."
        ),
    ] = None
    connect_timeout: Annotated[
        str, Parameter(help="How long workers wait for each other, such as 90s, 5m or 1h.", show_default=True)
    ] = "5m"
    trusted_network: Annotated[
        bool,
        Parameter(
            help="Allow workers on other machines. Whoever reaches their ports can control them: see docs/scale.md.",
            show_default=False,
        ),
    ] = False


def train(
    data: Annotated[str | None, Parameter(group=HEADINGS[DATA])] = None,
    *,
    out: Annotated[Path | None, Parameter(group=RUN)] = None,
    resume: Annotated[Path | None, Parameter(group=RUN)] = None,
    from_run: Annotated[Path | None, Parameter(name="--from", group=RUN)] = None,
    config: Annotated[Path | None, Parameter(group=RUN)] = None,
    cluster: WorkerOptions = WorkerOptions(),
    output: Output = Output(),  # noqa: B008
    **options: Any,
) -> int:
    """Train a network from scratch and evaluate it.

    Parameters
    ----------
    data
        Dataset name, or the path of images, IDX files, an .npz or a CSV file: see convscope data. Default: mnist.
    out
        The run folder, new or empty. Default: runs/<date>-<time>-<model>.
    resume
        The run folder of an interrupted training: resume from its last checkpoint, with the same result as without the
        interruption.
    from_run
        A finished run to start from: its network, weights, options and data, unless others are given. The epochs are
        trained in addition, and the result is a new run.
    config
        A config.toml of an earlier run; options given here override it.
    """
    from convscope.cli.workers import cluster_of, run_on_ray, start_processes

    where = {"out": out, "resume": resume, "from": from_run, "config": config}
    if cluster.ray is not None:
        return run_on_ray(cluster, data, where | {"options": options}, output)
    if cluster.processes is not None:
        return start_processes(cluster, [data] if data else [], where | options, output)
    found = cluster_of(cluster)
    from convscope.api.progress import ProgressDisplay
    from convscope.api.train import train as run_training
    from convscope.cli.results import train_hints, train_json, train_text
    from convscope.cli.signals import StoppableTraining

    is_quiet = output.quiet or (found is not None and found.rank > 0)
    with ProgressDisplay(quiet=is_quiet) as display, StoppableTraining(display) as training:
        how = {"out": out, "resume": resume, "from_run": from_run, "config": config, "cluster": found}
        try:
            run = run_training(data, **how, callbacks=training.callbacks, **options)
        except SystemExit as done:  # a worker other than the first
            return 128 + training.signal if training.signal else int(done.code or 0)
    if output.json:
        say_json(train_json(run))
    else:
        say(train_text(run))
        output.hint(train_hints(run))
    output.detail(f"run folder {run.folder.resolve()}")
    if found and run.record.outcome == "interrupted" and not training.signal:
        return 1  # another worker was stopped
    return 128 + training.signal if training.signal else 0


with_options(train, TrainOptions, skipped=("data",))
