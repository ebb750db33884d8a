"""Check a dataset for problems."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import numpy as np

from convscope.api.callbacks import Callbacks
from convscope.api.check_output_path import check_output_path
from convscope.api.load_data import load_data
from convscope.api.notebook_progress import default_display
from convscope.api.prepare import loading_keywords
from convscope.api.run import Run, load_run
from convscope.api.run_data import source_of_run
from convscope.data.class_order import listed, match_classes
from convscope.data.data_check import Finding
from convscope.data.data_checks import KINDS, DataReport, check_dataset
from convscope.data.dataset import Dataset
from convscope.data.processes import usable_cores
from convscope.data.scan import ScanResult, scan
from convscope.data.splits import folds
from convscope.errors import DataError, OptionError, RunError
from convscope.evaluation.label_issues import LabelIssue, label_issues
from convscope.exporting.engines import AUTO, open_engine
from convscope.markup import table
from convscope.model.model_file import Model, load_model
from convscope.model.spec import Spec
from convscope.report.data_report_page import data_report_page
from convscope.training.options import TrainOptions, resolve
from convscope.training.run_folder import MODEL_FILE, write_text

FOLDS = 4
"""Folds of the cross-validation. Each network is trained on three quarters of the images."""


@dataclass(frozen=True)
class LabelCheck:
    """Label issues found by cross-validation.

    Attributes:
        train: Issues in the training part, the most likely label errors first.
        test: Issues in the test part, by the mean prediction of all networks.
        accuracy: The cross-validated accuracy on the training part.
    """

    train: tuple[LabelIssue, ...]
    test: tuple[LabelIssue, ...]
    accuracy: float


@dataclass(frozen=True)
class CheckResult:
    """The result of `check_data`.

    Attributes:
        report: All findings.
        labels: The label check; None without a run.
        page: The HTML file; None if none was requested.
    """

    report: DataReport
    labels: LabelCheck | None = field(default=None, repr=False)
    page: Path | None = None

    def _repr_html_(self) -> str:
        rows = [
            (escape(KINDS[kind].title), f"{count:,}", escape(KINDS[kind].advice))
            for kind, count in self.report.counts.items()
        ]
        scan = self.report.scan
        caption = f"{scan.source}: {len(scan.records):,} images, " + ("problems found" if rows else "no problems found")
        return table(("problem", "findings", "what to do"), rows, caption=caption)


def check_data(
    source: str | Path | None = None,
    *,
    run: Run | str | Path | None = None,
    out: str | Path | None = None,
    parts: str = "auto",
    engine: str = AUTO,
    callbacks: Callbacks | None = None,
) -> CheckResult:
    """Check a dataset for problems: duplicates, leaks, conflicting labels, unreadable files, and more.

    Args:
        source: The name or path of a dataset; None takes the data that the run was trained on.
        run: A run or its folder. Its network is trained `FOLDS` more times with the same options, each time without
            one fold of the images, to find likely label errors in that fold.
        out: HTML page to write, with thumbnails.
        parts: As in `load_data`; with a run and without a dataset, as in the training.
        engine: What predicts the labels, as for `api.predict.predict`.
        callbacks: Called while it works; None shows progress in a notebook or a terminal.

    Raises:
        DataError: The dataset does not exist, has no images, or does not have the classes of the run.
        OptionError: Neither a dataset nor a run was given, or the page would overwrite an input.
        RunError, ModelFileError: The run does not exist, its files are damaged, or the check was stopped.
        MissingExtraError: With a run: TensorFlow is not installed.

    Example:
        >>> check_data("photos", out="check.html").report.counts  # doctest: +SKIP
        {'duplicate': 3, 'blank': 1}
    """
    if source is None and run is None:
        raise OptionError("Expected a dataset or --run RUN. Received: neither.", hint="Try: convscope data check mnist")
    if callbacks is None:
        with default_display() as display:
            return check_data(source, run=run, out=out, parts=parts, engine=engine, callbacks=display.callbacks)
    folder = load_run(run).folder if run is not None else None
    record = load_run(folder).record if folder else None
    source = source if source is not None else source_of_run(load_run(folder))
    check_output_path(out, source, folder)
    parts = record.options.parts if record and source == record.options.data else parts
    scanned = _scan(source, callbacks, parts)
    labels, findings = None, ()
    if folder and record:
        model, options = load_model(folder / MODEL_FILE), record.options
        h, w, c = model.spec.input_shape
        how = loading_keywords(options) | {"size": (h, w), "channels": c, "parts": parts}
        loaded = load_data(source, **how)
        train, test = (
            match_classes(model.class_names, part).dataset if part else None for part in (loaded.train, loaded.test)
        )
        if train is None or set(loaded.train.class_names) != set(model.class_names):
            raise DataError(
                f"Expected the network's classes {listed(model.class_names)}. Received: data with the classes "
                f"{listed(loaded.train.class_names)}.",
                hint="Check them without --run, or use data with the same classes.",
            )
        labels = check_labels(model.spec, options, train, test, engine=engine, callbacks=callbacks)
        findings = _findings(labels, train, test)
    callbacks.begin("comparing images")
    report = check_dataset(scanned, findings)
    if out is None:
        return CheckResult(report, labels)
    write_text(Path(out), data_report_page(report))
    return CheckResult(report, labels, Path(out))


def _scan(source: str | Path, callbacks: Callbacks, parts: str) -> ScanResult:
    def on_progress(done: int, total: int) -> None:
        callbacks.images(done, total)
        if callbacks.is_stopped():
            raise RunError(f"Stopped after {done:,} of {total:,} images.")

    callbacks.begin("scanning images")
    return scan(source, on_progress, parts=parts)


def check_labels(
    spec: Spec,
    options: TrainOptions,
    train: Dataset,
    test: Dataset | None,
    *,
    engine: str = AUTO,
    callbacks: Callbacks | None = None,
) -> LabelCheck:
    """Find label issues by cross-validation: train on all folds but one, predict that one, and repeat for each.

    Args:
        spec: The network.
        options: How to train it.
        train: The images to cross-validate.
        test: Images that no network is trained on; may be None.
        engine: What predicts.
        callbacks: Called while it works.

    Raises:
        DataError: A class has fewer images than there are folds.
        RunError: A training was stopped or diverged.
        MissingExtraError: TensorFlow is not installed.
    """
    callbacks = callbacks or Callbacks()
    options = resolve(options)
    callbacks.begin("starting TensorFlow")
    from convscope.training.fit import fit

    train_probabilities = np.empty((len(train), train.num_classes), np.float32)
    test_probabilities = np.zeros((len(test) if test else 0, train.num_classes), np.float32)
    for number, fold in enumerate(folds(train, FOLDS, seed=options.seed)):
        callbacks.begin(f"fold {number + 1} of {FOLDS}")
        callbacks.begin("training")
        rest = np.setdiff1d(np.arange(len(train)), fold)
        held_out = train.take(fold)
        fitted = fit(
            spec,
            train.take(rest),
            held_out,
            options,
            on_progress=callbacks.progress,
            is_stopped=callbacks.is_stopped,
        )
        if fitted.outcome != "finished":
            raise RunError(f"Expected {FOLDS} finished trainings. Received: one that was {fitted.outcome}.")
        callbacks.begin("predicting the fold")
        model = Model(spec, fitted.weights, train.class_names)
        images = len(held_out) + (len(test) if test else 0)
        opened = open_engine(engine, model, images=images, threads=usable_cores())
        train_probabilities[fold] = opened.predict(held_out.pixels).probabilities
        if test:
            test_probabilities += opened.predict(test.pixels).probabilities / FOLDS
    accuracy = float((train_probabilities.argmax(axis=1) == train.labels).mean())
    test_issues = label_issues(test_probabilities, test.labels) if test else ()
    return LabelCheck(label_issues(train_probabilities, train.labels), test_issues, accuracy)


def _findings(checked: LabelCheck, train: Dataset, test: Dataset | None) -> tuple[Finding, ...]:
    findings = []
    for part, issues, dataset in (("train", checked.train, train), ("test", checked.test, test or train)):
        for issue in issues:
            name = dataset.names[issue.index] if dataset.names else f"{part}/{issue.index}"
            label, suggested = dataset.class_names[issue.label], dataset.class_names[issue.suggested]
            known = ", known to be wrong" if issue.index in dataset.known_wrong else ""
            words = f"labeled {label}, predicted {suggested} (margin {issue.margin:.2f}{known})"
            kind = "label_error" if issue.is_likely else "label_doubt"
            findings.append((issue.margin, Finding(kind, words, (name,))))
    return tuple(finding for _, finding in sorted(findings, key=lambda pair: -pair[0]))
