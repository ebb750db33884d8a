"""``convscope train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from convscope.cli.output import Output, say, say_json
from convscope.cli.parameters import HEADINGS, with_options
from convscope.training.option import DATA
from convscope.training.options import TrainOptions

RUN = Group("Run", sort_key=0)


def train(
    data: Annotated[str | None, Parameter(group=HEADINGS[DATA])] = None,
    *,
    out: Annotated[Path | None, Parameter(group=RUN)] = None,
    resume: Annotated[Path | None, Parameter(group=RUN)] = None,
    from_run: Annotated[Path | None, Parameter(name="--from", group=RUN)] = None,
    config: Annotated[Path | None, Parameter(group=RUN)] = None,
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
    from convscope.api.progress import ProgressDisplay
    from convscope.api.train import train as run_training
    from convscope.cli.results import train_hints, train_json, train_text
    from convscope.cli.signals import StoppableTraining

    with ProgressDisplay(quiet=output.quiet) as display, StoppableTraining(display) as training:
        run = run_training(
            data, out=out, resume=resume, from_run=from_run, config=config, callbacks=training.callbacks, **options
        )
    if output.json:
        say_json(train_json(run))
    else:
        say(train_text(run))
        output.hint(train_hints(run))
    output.detail(f"run folder {run.folder.resolve()}")
    return 128 + training.signal if training.signal else 0


with_options(train, TrainOptions, skipped=("data",))
