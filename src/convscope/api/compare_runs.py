"""Compare two runs: what differs, and whether the difference of their accuracies can be chance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path

import numpy as np

from convscope.api.list_runs import RUNS, RunEntry, read_entry, run_folder
from convscope.api.run import Run
from convscope.api.run_data import part_of_run
from convscope.data.class_order import match_classes
from convscope.data.dataset import Dataset
from convscope.errors import DataError, ModelFileError, RunError
from convscope.evaluation.paired import PairedDifference, compare_predictions
from convscope.evaluation.predict import predict
from convscope.markup import table
from convscope.training.run import MEASURED, RunRecord


@dataclass(frozen=True)
class RunComparison:
    """Two runs side by side.

    Attributes:
        first: One run.
        second: The other.
        options: The training options that differ: name to both values.
        network: The facts about data, network and versions that differ: name to both values.
        paired: The difference of the accuracies on the same test images; None if there are none.
        reason: Why there is no paired difference, or an empty text.
    """

    first: RunEntry
    second: RunEntry
    options: dict[str, tuple[object, object]]
    network: dict[str, tuple[object, object]]
    paired: PairedDifference | None
    reason: str = ""

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "runs": [self.first.to_json(), self.second.to_json()],
            "options": {name: list(pair) for name, pair in self.options.items()},
            "network": {name: list(pair) for name, pair in self.network.items()},
            "paired": self.paired.to_json() if self.paired else None,
            "reason": self.reason,
        }

    def rows(self) -> list[tuple[str, str, str]]:
        """What differs, and the accuracies, as the cells of a table."""
        rows = [(name, str(one), str(other)) for name, (one, other) in {**self.network, **self.options}.items()]
        accuracies = tuple(
            f"{one.accuracy} {MEASURED[one.part]}" if one.part else "not measured" for one in (self.first, self.second)
        )
        return [*rows, ("accuracy", *accuracies)]  # type: ignore[list-item]

    def verdict(self) -> str:
        """The paired difference in words."""
        if self.paired is None:
            return f"No paired comparison: {self.reason}"
        return (
            f"Paired difference of the test accuracies, {self.second.folder.name} minus {self.first.folder.name}: "
            f"{self.paired} (Newcombe's method 10; exact McNemar test)."
        )

    def _repr_html_(self) -> str:
        heads = ("", self.first.folder.name, self.second.folder.name)
        rows = [tuple(map(escape, row)) for row in self.rows()]
        return table(heads, rows, caption="What differs between two runs") + f"<p>{escape(self.verdict())}</p>"


def compare_runs(first: str | Path | Run, second: str | Path | Run, *, folder: str | Path = RUNS) -> RunComparison:
    """Compare two runs: what differs between them, and the difference of their accuracies on the same test images.

    Args:
        first: A run, its folder, or the name of one in ``folder``.
        second: The other.
        folder: Where names are looked up.

    Raises:
        RunError: There is no such run, or its files are damaged.
    """
    one, other = (read_entry(run_folder(run, folder)) for run in (first, second))
    paired, reason = None, ""
    try:
        paired = _paired(Run(one.folder, record=one.record), Run(other.folder, record=other.record))
    except (DataError, ModelFileError, RunError) as error:
        reason = str(error)
    options = _differences(asdict(one.record.options), asdict(other.record.options))
    return RunComparison(one, other, options, _differences(_facts(one.record), _facts(other.record)), paired, reason)


def _facts(record: RunRecord) -> dict[str, object]:
    epochs = record.history[-1].epoch if record.history else None
    return {
        "data source": record.data["source"],
        "training images": record.data.get("train"),
        "test images": record.data.get("test"),
        "network": record.network["name"],
        "parameters": record.network.get("parameters"),
        "epochs trained": epochs,
        "outcome": record.outcome,
        "seconds of training": round(record.seconds["train"], 1) if "train" in record.seconds else None,
        "convscope": record.environment.get("convscope"),
    }


def _differences(one: dict[str, object], other: dict[str, object]) -> dict[str, tuple[object, object]]:
    return {name: (one.get(name), other.get(name)) for name in one if one.get(name) != other.get(name)}


def _paired(first: Run, second: Run) -> PairedDifference:
    one, other = (part_of_run(run, "test") for run in (first, second))
    predicted = [predict(run.model, data.pixels).logits.argmax(axis=1) for run, data in ((first, one), (second, other))]
    if set(one.class_names) == set(other.class_names):  # an imported network may have its classes in another order
        numbers = np.array([one.class_names.index(name) for name in other.class_names])
        other, predicted[1] = match_classes(one.class_names, other).dataset, numbers[predicted[1]]
    _check_same_images(first, second, one, other)
    return compare_predictions(one.labels, *predicted)


def _check_same_images(first: Run, second: Run, one: Dataset, other: Dataset) -> None:
    """Refuse to pair predictions of different images.

    Images of one size have a fingerprint. If the networks take different sizes, names tell, and without names the same
    source, split in the same way.

    Raises:
        DataError: The test images are not the same.
    """
    same = one.class_names == other.class_names and one.labels.tolist() == other.labels.tolist()
    if one.image_shape == other.image_shape:
        same = same and one.fingerprint() == other.fingerprint()
    elif one.names or other.names:
        same = same and one.names == other.names and one.source == other.source
    else:
        split = [
            (run.record.options.data, run.record.options.test_fraction, run.record.options.seed)
            for run in (first, second)
        ]
        same = same and split[0] == split[1]
    if not same:
        raise DataError("the runs were tested on different images.")
