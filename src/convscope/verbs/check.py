"""Look a data set through before, or after, it is trained on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from convscope.data.dataset import Dataset, folds
from convscope.data.doctor import Checkup, Finding, examine_all
from convscope.data.readers import load
from convscope.data.sights import Tell, look
from convscope.errors import DataError, OptionError, RunError
from convscope.evaluate.labels import Suspect, suspects
from convscope.evaluate.predict import Predictions, predict
from convscope.model.artifact import Model, read
from convscope.model.spec import Spec
from convscope.report.checkup_page import checkup_page
from convscope.train.options import TrainOptions, resolve
from convscope.train.run import MODEL_FILE, UNKNOWN_DATA, find_run, load_run, write_text
from convscope.verbs.spare import spare
from convscope.verbs.train import Listener

FOLDS = 4
"""Networks that are trained to judge the labels, each without a quarter of the pictures."""


@dataclass(frozen=True)
class Judged:
    """Label errors by cross-validation.

    Attributes:
        train: Disputed labels of the training part, the surest first; positions in it.
        test: The same of the test part, judged by the mean of all networks, none of which saw it.
        accuracy: The share of the training part whose label the network that never saw it names.
    """

    train: tuple[Suspect, ...]
    test: tuple[Suspect, ...]
    accuracy: float


@dataclass(frozen=True)
class Checked:
    """What was found.

    Attributes:
        checkup: All findings.
        judged: What networks think of the labels; None where nobody asked.
        page: The HTML file; None where nobody asked.
    """

    checkup: Checkup
    judged: Judged | None = field(default=None, repr=False)
    page: Path | None = None


def check(
    source: str | Path | None = None,
    *,
    run: str | Path | None = None,
    out: str | Path | None = None,
    listener: Listener | None = None,
    tell: Tell = lambda done, total: None,
) -> Checked:
    """Look a data set through for what spoils a training, or the figures after it.

    Args:
        source: A data set by name, or a path; None takes what the run was trained with.
        run: A run's folder: its network is trained `FOLDS` times more, as it was, each time without a part of the
            pictures, and says which labels of that part are likely wrong.
        out: An HTML page to write, with thumbnails.
        listener: Told of the trainings.
        tell: Told how many pictures have been looked at.

    Raises:
        DataError: There is no such data set, or nothing in it could be looked at.
        OptionError: Neither data nor run.
        RunError, ArtifactError: There is no such run, or its files are damaged.
        MissingExtraError: With a run: TensorFlow is not installed.
    """
    if source is None and run is None:
        raise OptionError(
            "Expected a data set, or --with RUN. Received: neither.", hint="Try: convscope data check mnist"
        )
    folder = find_run(run) if run is not None else None
    record = load_run(folder) if folder else None
    source = source if source is not None else record.options.data if record else ""
    if record and source == UNKNOWN_DATA:
        raise DataError("Expected data: this network was imported without any. Received: none.", hint="Name some.")
    spare(out, source, folder)
    listener = listener or Listener()
    listener.begin("looking at pictures")
    seen = look(source, tell)
    judged, findings = None, ()
    if folder and record:
        model, options = read(folder / MODEL_FILE), record.options
        h, w, c = model.spec.input_shape
        loaded = load(source, size=(h, w), channels=c, test_fraction=options.test_fraction, seed=options.seed)
        if loaded.train.class_names != model.class_names:
            raise DataError(
                f"The network tells apart {', '.join(model.class_names[:12])}. Received: data with the classes "
                f"{', '.join(loaded.train.class_names[:12])}."
            )
        judged = judge(model.spec, options, loaded.train, loaded.test, listener=listener)
        findings = _findings(judged, loaded.train, loaded.test)
    listener.begin("comparing pictures")
    checkup = examine_all(seen, findings)
    if out is None:
        return Checked(checkup, judged)
    write_text(Path(out), checkup_page(checkup))
    return Checked(checkup, judged, Path(out))


def judge(
    spec: Spec, options: TrainOptions, train: Dataset, test: Dataset | None, *, listener: Listener | None = None
) -> Judged:
    """Train a network on all folds but one, ask it about that one, and take turns.

    Args:
        spec: The network.
        options: How to train it.
        train: All pictures that may be trained on.
        test: Pictures that none of the networks sees; may be None.
        listener: Told of the trainings.

    Raises:
        DataError: A class has fewer pictures than there are folds.
        RunError: Somebody stopped it, or a training diverged.
        MissingExtraError: TensorFlow is not installed.
    """
    listener = listener or Listener()
    options = resolve(options)
    listener.begin("starting TensorFlow")
    from convscope.train.fit import fit

    own = np.empty((len(train), train.num_classes), np.float32)
    others = np.zeros((len(test) if test else 0, train.num_classes), np.float32)
    parts = folds(train, FOLDS, seed=options.seed)
    for number, place in enumerate(parts):
        listener.begin(f"fold {number + 1} of {FOLDS}")
        listener.begin("training")
        rest = np.setdiff1d(np.arange(len(train)), place)
        held_out = train.take(place)
        told = {"on_progress": listener.progress, "is_stopped": listener.is_stopped}
        fitted = fit(spec, train.take(rest), held_out, options, **told)
        if fitted.outcome != "finished":
            raise RunError(f"Expected {FOLDS} whole trainings. Received: one that was {fitted.outcome}.")
        listener.begin("asking it about the rest")
        model = Model(spec, fitted.weights, train.class_names)
        own[place] = _probabilities(model, held_out)
        if test:
            others += _probabilities(model, test) / FOLDS
    accuracy = float((own.argmax(axis=1) == train.labels).mean())
    return Judged(suspects(own, train.labels), suspects(others, test.labels) if test else (), accuracy)


def _probabilities(model: Model, dataset: Dataset) -> np.ndarray:
    predictions: Predictions = predict(model, dataset.pixels)
    return predictions.probabilities


def _findings(judged: Judged, train: Dataset, test: Dataset | None) -> tuple[Finding, ...]:
    findings = []
    for part, found, dataset in (("train", judged.train, train), ("test", judged.test, test or train)):
        for suspect in found:
            name = dataset.names[suspect.index] if dataset.names else f"{part}/{suspect.index}"
            label, suggested = dataset.class_names[suspect.label], dataset.class_names[suspect.suggested]
            known = ", known to be wrong" if suspect.index in dataset.known_wrong else ""
            words = f"labelled {label}, looks like {suggested} (margin {suspect.margin:.2f}{known})"
            kind = "label_error" if suspect.is_likely else "label_doubt"
            findings.append((suspect.margin, Finding(kind, words, (name,))))
    return tuple(finding for _, finding in sorted(findings, key=lambda pair: -pair[0]))
