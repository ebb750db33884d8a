"""``convscope data check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from convscope import decisions
from convscope.cli.output import Output, console, say, say_json, table

if TYPE_CHECKING:
    from convscope.api.check_data import CheckResult

SHOWN = 8
"""Findings of a kind, and files of a finding, that are printed; --json and the page have all."""

SHOWN_CLASSES = 50


def check(
    source: str | None = None,
    *,
    run: Path | None = None,
    out: Path | None = None,
    parts: Literal["auto", "none"] = "auto",
    engine: Literal["auto", "numpy", "onnx", "litert"] = "auto",
    output: Output = Output(),  # noqa: B008
) -> int:
    """Check a dataset for problems: duplicates, wrong labels, unreadable files, and more.

    Parameters
    ----------
    source
        Dataset name, or a path. Default: the data that the run of --run was trained on.
    run
        A run folder. Also find labels that are likely wrong, by cross-validation: the run's network is trained four
        more times, each time without a quarter of the images, and predicts their labels.
    out
        Also write an HTML page with thumbnails, one file.
    parts
        Which folders are parts: by their structure and names (auto), or none: the outer folders are the classes.
    engine
        With --run, what predicts the labels: NumPy, ONNX Runtime or LiteRT. auto is NumPy for few images, else a
        runtime if one is installed.
    """
    from convscope.api.check_data import check_data
    from convscope.api.progress import ProgressDisplay
    from convscope.cli.signals import StoppableTraining

    with ProgressDisplay(quiet=output.quiet) as display, StoppableTraining(display) as training:
        result = check_data(source, run=run, out=out, parts=parts, engine=engine, callbacks=training.callbacks)
    if output.json:
        say_json(_json(result))
    else:
        _print(result)
    if result.page:
        output.detail(f"page {result.page.resolve()}")
    return 0


def _json(result: CheckResult) -> dict[str, Any]:
    from dataclasses import asdict

    report = result.report
    return {
        "source": report.scan.source,
        "kind": report.scan.kind,
        "images": len(report.scan.records),
        "class_counts": report.class_counts,
        "counts": report.counts,
        "decisions": decisions.to_json(report.scan.decisions),
        "findings": [asdict(finding) for finding in report.findings],
        "is_compared": report.is_compared,
        "cross_validated_accuracy": result.labels.accuracy if result.labels else None,
        "page": str(result.page) if result.page else None,
    }


def _print(result: CheckResult) -> None:
    from convscope.data.data_checks import KINDS

    report, labels = result.report, result.labels
    scan = report.scan
    say(f"{scan.source} ({scan.kind}): {len(scan.records):,} images in {len(report.class_counts)} classes")
    for decision in scan.decisions:
        say(str(decision))
    if labels:
        say(f"cross-validated accuracy on the training part: {labels.accuracy:.2%}")
    if not report.is_compared:
        say("too many images for pairwise comparison: only exact duplicates were searched")
    if not report.findings:
        say("No problems found.")
    for kind, count in report.counts.items():
        say(f"\n{KINDS[kind].title}: {count:,}")
        say(f"  {KINDS[kind].advice}")
        found = [finding for finding in report.findings if finding.kind == kind]
        for finding in found[:SHOWN]:
            files = ", ".join(finding.files[:SHOWN]) + (", …" if len(finding.files) > SHOWN else "")
            say(f"    {files + ': ' if files else ''}{finding.words}")
        if count > SHOWN:
            say(f"    … and {count - SHOWN:,} more: --json or --out check.html lists them all")
    counts = list(report.class_counts.items())[:SHOWN_CLASSES]
    rows = [[name, f"{n['train']:,}", f"{n['test']:,}"] for name, n in counts]
    say()
    console().print(table({"class": "left", "train": "right", "test": "right"}, rows))
    if result.page:
        say(f"\npage        {result.page}: one HTML file, with thumbnails")
