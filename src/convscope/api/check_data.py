"""Look a data set through before, or after, it is trained on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from convscope.api.callbacks import Callbacks
from convscope.api.check_output_path import check_output_path
from convscope.data.data_checks import DataReport, Finding, check_dataset
from convscope.data.dataset import Dataset, folds
from convscope.data.readers import load
from convscope.data.scan import OnProgress, scan
from convscope.errors import DataError, OptionError, RunError
from convscope.evaluation.labels import LabelIssue, label_issues
from convscope.evaluation.predict import Predictions, predict
from convscope.model.model_file import Model, load_model
from convscope.model.spec import Spec
from convscope.report.data_report_page import data_report_page
from convscope.training.options import TrainOptions, resolve
from convscope.training.run import MODEL_FILE, UNKNOWN_DATA, find_run, load_run, write_text

FOLDS = 4
"""Networks that are trained to judge the labels, each without a quarter of the pictures."""


@dataclass(frozen=True)
class LabelCheck:
    """Label errors by cross-validation.

    Attributes:
        train: Disputed labels of the training part, the surest first; positions in it.
        test: The same of the test part, judged by the mean of all networks, none of which saw it.
        accuracy: The share of the training part whose label the network that never saw it names.
    """

    train: tuple[LabelIssue, ...]
    test: tuple[LabelIssue, ...]
    accuracy: float


@dataclass(frozen=True)
class CheckResult:
    """What was found.

    Attributes:
        report: All findings.
        judged: What networks think of the labels; None where nobody asked.
        page: The HTML file; None where nobody asked.
    """

    report: DataReport
    judged: LabelCheck | None = field(default=None, repr=False)
    page: Path | None = None


def check_data(
    source: str | Path | None = None,
    *,
    run: str | Path | None = None,
    out: str | Path | None = None,
    callbacks: Callbacks | None = None,
    tell: OnProgress = lambda done, total: None,
) -> CheckResult:
    """Look a data set through for what spoils a training, or the figures after it.

    Args:
        source: A data set by name, or a path; None takes what the run was trained with.
        run: A run's folder: its network is trained `FOLDS` times more, as it was, each time without a part of the
            pictures, and says which labels of that part are likely wrong.
        out: An HTML page to write, with thumbnails.
        callbacks: Told of the trainings.
        tell: Told how many pictures have been looked at.

    Raises:
        DataError: There is no such data set, or nothing in it could be looked at.
        OptionError: Neither data nor run.
        RunError, ModelFileError: There is no such run, or its files are damaged.
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
    check_output_path(out, source, folder)
    callbacks = callbacks or Callbacks()
    callbacks.begin("looking at pictures")
    seen = scan(source, tell)
    judged, findings = None, ()
    if folder and record:
        model, options = load_model(folder / MODEL_FILE), record.options
        h, w, c = model.spec.input_shape
        loaded = load(source, size=(h, w), channels=c, test_fraction=options.test_fraction, seed=options.seed)
        if loaded.train.class_names != model.class_names:
            raise DataError(
                f"The network tells apart {', '.join(model.class_names[:12])}. Received: data with the classes "
                f"{', '.join(loaded.train.class_names[:12])}."
            )
        judged = check_labels(model.spec, options, loaded.train, loaded.test, callbacks=callbacks)
        findings = _findings(judged, loaded.train, loaded.test)
    callbacks.begin("comparing pictures")
    report = check_dataset(seen, findings)
    if out is None:
        return CheckResult(report, judged)
    write_text(Path(out), data_report_page(report))
    return CheckResult(report, judged, Path(out))


def check_labels(
    spec: Spec, options: TrainOptions, train: Dataset, test: Dataset | None, *, callbacks: Callbacks | None = None
) -> LabelCheck:
    """Train a network on all folds but one, ask it about that one, and take turns.

    Args:
        spec: The network.
        options: How to train it.
        train: All pictures that may be trained on.
        test: Pictures that none of the networks sees; may be None.
        callbacks: Told of the trainings.

    Raises:
        DataError: A class has fewer pictures than there are folds.
        RunError: Somebody stopped it, or a training diverged.
        MissingExtraError: TensorFlow is not installed.
    """
    callbacks = callbacks or Callbacks()
    options = resolve(options)
    callbacks.begin("starting TensorFlow")
    from convscope.training.fit import fit

    own = np.empty((len(train), train.num_classes), np.float32)
    others = np.zeros((len(test) if test else 0, train.num_classes), np.float32)
    parts = folds(train, FOLDS, seed=options.seed)
    for number, place in enumerate(parts):
        callbacks.begin(f"fold {number + 1} of {FOLDS}")
        callbacks.begin("training")
        rest = np.setdiff1d(np.arange(len(train)), place)
        held_out = train.take(place)
        told = {"on_progress": callbacks.progress, "is_stopped": callbacks.is_stopped}
        fitted = fit(spec, train.take(rest), held_out, options, **told)
        if fitted.outcome != "finished":
            raise RunError(f"Expected {FOLDS} whole trainings. Received: one that was {fitted.outcome}.")
        callbacks.begin("asking it about the rest")
        model = Model(spec, fitted.weights, train.class_names)
        own[place] = _probabilities(model, held_out)
        if test:
            others += _probabilities(model, test) / FOLDS
    accuracy = float((own.argmax(axis=1) == train.labels).mean())
    return LabelCheck(label_issues(own, train.labels), label_issues(others, test.labels) if test else (), accuracy)


def _probabilities(model: Model, dataset: Dataset) -> np.ndarray:
    predictions: Predictions = predict(model, dataset.pixels)
    return predictions.probabilities


def _findings(judged: LabelCheck, train: Dataset, test: Dataset | None) -> tuple[Finding, ...]:
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
