"""The figures of an evaluation and of a training, as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convscope.api.run import Run
from convscope.data.class_order import listed
from convscope.evaluation.calibration import Calibration
from convscope.evaluation.evaluation import Evaluation
from convscope.evaluation.intervals import Proportion

PAIRS = 3
SHOWN_SETS = ("lac", 0.99)
"""Method and coverage of the sets that are printed."""


def train_text(run: Run) -> str:
    """The result of a training."""
    record, folder = run.record, run.folder
    seconds = record.seconds
    lines = []
    measured = record.measured
    if measured and measured[0] == "cross_validation":
        figures = measured[1]
        where = f"all images, by {figures['folds']}-fold cross-validation"
        lines += evaluation_lines(Evaluation.from_json(figures), where, is_cross_validated=True)
        lines.append(f"folds       {', '.join(f'{value:.1%}' for value in figures['fold_accuracies'])}")
        lines.append("            the network itself is trained on all images but those held out for validation")
    elif measured:
        lines += evaluation_lines(Evaluation.from_json(measured[1]), f"the {measured[0]} split")
        lines += reliability_lines(record.reliability)
    else:
        lines.append("Stopped early. The weights so far are saved; the test split was not used.")
        lines.append(f"resume      convscope train --resume {folder}")
        known = [row.validation_accuracy for row in record.history if row.validation_accuracy is not None]
        lines.append(f"accuracy    {f'{known[-1]:.2%}' if known else 'not yet measured'} on the validation split")
    if record.stopped_early:
        best, last = record.stopped_early["best_epoch"], record.stopped_early["epoch"]
        lines.append(f"stopped     after {last:g} epochs; the weights are those of epoch {best:g}, the best validation")
    lines.append(f"time        {seconds['train']:.1f} s of training, {sum(seconds.values()):.1f} s in total")
    skipped = record.data["skipped"]
    if isinstance(skipped, list) and skipped:
        lines.append(f"skipped     {len(skipped)} unreadable files:")
        lines += [f"            {item['file']}: {item['reason']}" for item in skipped]
    lines.append(f"run         {folder}")
    if run.figures:
        lines.append(f"figures     {', '.join(path.name for path in run.figures)} in {run.figures[0].parent}")
    if run.page_path:
        lines.append(f"page        {run.page_path}: one HTML file, works offline")
    elif measured:
        lines.append("page        none, because the network is too large for one; convscope open states its size")
    return "\n".join(lines)


def train_hints(run: Run) -> str:
    """The commands to continue with."""
    return "\n".join(
        [
            "",
            "Next:",
            f"  convscope open {run.folder}",
            f"  convscope predict your-photo.png --run {run.folder} --out seen.png",
            f"  convscope evaluate {run.folder}{'' if run.test else ' --part validation'}",
            f"  convscope summary {run.folder}",
        ]
    )


def train_json(run: Run) -> dict[str, Any]:
    """The result of a training as values."""
    return {
        "folder": str(run.folder),
        "figures": [str(path) for path in run.figures],
        "page": str(run.page_path) if run.page_path else None,
        "run": run.record.to_json(),
    }


def evaluation_lines(evaluation: Evaluation, measured_on: str, *, is_cross_validated: bool = False) -> list[str]:
    """Accuracy with its interval, also without known label errors, the most confused pairs, and calibration."""
    lines = [f"accuracy    {evaluation.accuracy} on {measured_on}"]
    clean = evaluation.accuracy_without_known_wrong
    if clean is not None:
        lines.append(f"            {clean} without the {evaluation.n - clean.n} labels known to be wrong")
    if evaluation.is_imbalanced:
        lines.append(
            f"            balanced accuracy {evaluation.balanced_accuracy:.1%}, macro F1 {evaluation.macro_f1:.3f}"
        )
    missed = [one.name for one in evaluation.classes if one.support and not one.correct]
    if missed:
        lines.append(f"            classes without a correct prediction: {listed(missed)}")
    if not evaluation.is_better_than_largest_class:
        lines += _largest_class_lines(evaluation, is_cross_validated=is_cross_validated)
    pairs = evaluation.most_confused(PAIRS)
    for index, pair in enumerate(pairs):
        head = "confused    " if index == 0 else "            "
        rank = (
            "" if pair.distinguishable or not evaluation.ranks_pairs else ", not distinguishable from the other pairs"
        )
        lines.append(f"{head}{pair.first_name} and {pair.second_name}: {pair.errors} of {pair.n:,} ({pair.rate}{rank})")
    calibration = evaluation.calibration
    lines.append(
        f"calibration ECE {calibration.ece_equal_width * 100:.2f} %{_chance(calibration)}, NLL {calibration.nll:.4f}, "
        f"Brier {calibration.brier:.4f}"
    )
    return lines


def _largest_class_lines(evaluation: Evaluation, *, is_cross_validated: bool) -> list[str]:
    """That the accuracy is not above the largest class's share, or only by chance, and what to do."""
    largest = evaluation.largest_class
    fraction = largest.support / evaluation.n
    always = f"always predicting {largest.name}, the largest class ({fraction:.1%})"
    if evaluation.accuracy.rate <= fraction:
        return [
            f"warning     no better than {always}",
            "            train longer (--epochs), on more images, or check them: convscope data check DATA",
        ]
    otherwise = "" if is_cross_validated else ", or by cross-validation (train --folds 5)"
    return [
        f"warning     not certainly better than {always}: the interval includes it",
        f"            measure on more images{otherwise}",
    ]


def _chance(calibration: Calibration) -> str:
    if calibration.expected_ece is None:
        return ""
    _, low, high = calibration.expected_ece
    return f" ({low * 100:.2f} to {high * 100:.2f} if perfectly calibrated)"


def reliability_lines(reliability: Mapping[str, Any] | None) -> list[str]:
    """What is rejected, and how often the network is right where it is confident."""
    lines = []
    if reliability and (rejection := reliability.get("rejection")):
        rejected = Proportion.from_json(rejection["rejected"])
        lines.append(f"rejected    {rejected} as unlike the training images; change with --reject")
    if reliability and (unknown := reliability.get("unknown_classes")):
        lines.append(
            f"unknown     {unknown['mean']:.1%} of the images of a class that it does not know are rejected "
            f"({unknown['low']:.1%} to {unknown['high']:.1%}, {len(unknown['classes'])} classes excluded in turn)"
        )
    if reliability and (selective := reliability.get("selective")) and selective["correct"]:
        answered, correct = (Proportion.from_json(selective[key]) for key in ("answered", "correct"))
        share, threshold = f"{answered.rate * 100:.1f} %", f"{selective['threshold'] * 100:.1f} %"
        lines.append(f"confident   {share} of the images have a probability of at least {threshold};")
        promised = f"at least {selective['target'] * 100:.1f} % was promised"
        lines.append(f"            {correct} of those are correct; {promised} for images like the held-out ones")
    for one in (reliability or {}).get("sets", ()):
        if (one["method"], one["coverage"]) == SHOWN_SETS:
            covered, size = Proportion.from_json(one["covered"]), f"{one['mean_size']:.2f} classes on average"
            lines.append(f"sets        {covered} contain the true class with --coverage {one['coverage']:.0%}; {size}")
    return lines
