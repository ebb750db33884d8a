"""``convscope train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from convscope.cli.output import say, say_json
from convscope.cli.results import train_json, train_text


def train(
    data: str | None = None,
    *,
    model: str | None = None,
    out: Path | None = None,
    resume: Path | None = None,
    config: Path | None = None,
    epochs: float | None = None,
    batch_size: int | None = None,
    optimizer: str | None = None,
    learning_rate: float | None = None,
    muon_learning_rate: float | None = None,
    warmup: float | None = None,
    label_smoothing: float | None = None,
    weight_decay: float | None = None,
    average: float | None = None,
    shift: int | None = None,
    rotate: float | None = None,
    zoom: float | None = None,
    shear: float | None = None,
    whiten: Annotated[bool | None, Parameter(negative="--no-whiten")] = None,
    validation_fraction: float | None = None,
    test_fraction: float | None = None,
    size: int | None = None,
    seed: int | None = None,
    json: bool = False,
) -> int:
    """Train a network from scratch, say how good it is, and leave a run folder.

    Example: convscope train my-photos --model quick --epochs 5 --size 32

    Parameters
    ----------
    data
        A data set by name, or a path to pictures, IDX files, an .npz or a CSV: see convscope data. Default: mnist.
    model
        classic, quick or accurate, or the path of a text file with one Keras layer a line. Default: quick.
    out
        The run folder, used exactly as given; it must be new or empty. Default: runs/<date>-<time>-<model>.
    resume
        The run folder of a training that was cut off: go on from its last checkpoint, to the bit.
    config
        A config.toml of an earlier run; options given here override it.
    epochs
        How often each training image is seen.
    batch_size
        Images a step.
    optimizer
        adam, sgd or muon.
    learning_rate
        The peak of the one-cycle schedule.
    muon_learning_rate
        The same for the kernels that muon moves.
    warmup
        The share of the steps in which the learning rate rises.
    label_smoothing
        The share of each target spread over all classes.
    weight_decay
        Decoupled weight decay.
    average
        The share of the last steps whose weights are averaged.
    shift
        Random shifts, in pixels, each way.
    rotate
        Random rotations, in degrees, each way.
    zoom
        Random changes of size, as a share, each way.
    shear
        Random slants, in columns a row, each way.
    whiten
        Start the first convolution at the whitening of the pictures' patches, not at random.
    validation_fraction
        The share of the training images kept aside to choose by.
    test_fraction
        The share held out as test split where the data has none.
    size
        Side to which the pictures are resampled, in pixels.
    seed
        Decides the split, the initial weights, the order and the augmentation.
    json
        Print the result as JSON.
    """
    given = {name: value for name, value in locals().items() if name not in ("out", "resume", "config", "json")}
    from convscope.api.train import train as run_training
    from convscope.cli.progress import ProgressDisplay

    with ProgressDisplay() as display:
        trained = run_training(**given, out=out, resume=resume, config=config, callbacks=display.callbacks)
    if json:
        say_json(train_json(trained))
    else:
        say(train_text(trained))
    return 128 + display.signal if display.signal else 0
