"""The words in which a measurement is told."""

from __future__ import annotations

from typing import Any

from convscope.api.run import Run
from convscope.evaluation.metrics import Evaluation

PAIRS = 3


def train_text(trained: Run) -> str:
    """The verdict on a training, and what to do next."""
    run, folder = trained.record, trained.folder
    seconds = run.seconds
    lines = []
    measured = trained.test or trained.validation
    if measured:
        lines += evaluation_lines(measured, "test" if trained.test else "validation")
    else:
        lines.append("Stopped early; what was learned until then is kept, and the test split stays unread.")
        lines.append(f"go on with  convscope train --resume {trained.folder}")
        known = [row.validation_accuracy for row in run.history if row.validation_accuracy is not None]
        lines.append(f"accuracy    {f'{known[-1]:.2%}' if known else 'not yet measured'} on the validation split")
    lines.append(f"time        {seconds['train']:.1f} s of training, {sum(seconds.values()):.1f} s in all")
    skipped = run.data["skipped"]
    if isinstance(skipped, list) and skipped:
        lines.append(f"left out    {len(skipped)} files that could not be read:")
        lines += [f"            {item['file']}: {item['reason']}" for item in skipped]
    lines.append(f"run         {folder}")
    if trained.figures:
        lines.append(f"pictures    {', '.join(path.name for path in trained.figures)} in {folder / 'pictures'}")
    if trained.page_path:
        lines.append(f"page        {trained.page_path}: see through it, offline, on any device")
    lines += [
        "",
        "Next:",
        f"  convscope open {folder}",
        f"  convscope predict --run {folder} your-picture.png --show seen.png",
        f"  convscope evaluate {folder}{'' if trained.test else ' --part validation'}",
        f"  convscope summary {folder}",
    ]
    return "\n".join(lines)


def train_json(trained: Run) -> dict[str, Any]:
    """The same as values."""
    return {
        "folder": str(trained.folder),
        "pictures": [str(path) for path in trained.figures],
        "page": str(trained.page_path) if trained.page_path else None,
        "run": trained.record.to_json(),
    }


def evaluation_lines(evaluation: Evaluation, part: str) -> list[str]:
    """Accuracy with its interval, without known label errors too, the most confused pairs, and calibration."""
    lines = [f"accuracy    {evaluation.accuracy} on the {part} split"]
    clean = evaluation.accuracy_without_known_wrong
    if clean is not None:
        lines.append(f"            {clean} without the {evaluation.n - clean.n} labels known to be wrong")
    pairs = evaluation.most_confused(PAIRS)
    for index, pair in enumerate(pairs):
        head = "confused    " if index == 0 else "            "
        rank = "" if pair.distinguishable else ", not distinguishable from the other pairs"
        lines.append(f"{head}{pair.first_name} and {pair.second_name}: {pair.errors} of {pair.n:,} ({pair.rate}{rank})")
    calibration = evaluation.calibration
    lines.append(
        f"calibration ECE {calibration.ece_equal_width * 100:.2f} %, NLL {calibration.nll:.4f}, "
        f"Brier {calibration.brier:.4f}"
    )
    return lines
