"""``convscope data check``."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress

from convscope.cli.output import console, say, say_json, table

if TYPE_CHECKING:
    from convscope.api.check_data import CheckResult

SHOWN = 8
"""Findings of a kind, and files of a finding, that are printed; --json and the page have all."""


def check(
    source: str | None = None,
    *,
    run: Annotated[Path | None, Parameter(name="--with")] = None,
    out: Path | None = None,
    json: bool = False,
) -> int:
    """Look a data set through for what spoils a training: copies, wrong labels, unreadable files, and more.

    Example: convscope data check my-photos --out check.html

    Parameters
    ----------
    source
        A data set by name, or a path. Default: what the run of --with was trained with.
    run
        A run folder. Its network is trained four times more, each time without a quarter of the pictures, and names
        the labels of that quarter that are likely wrong.
    out
        Also write an HTML page with thumbnails, one file.
    json
        Print the result as JSON.
    """
    from convscope.api.check_data import check_data as look_through
    from convscope.cli.progress import ProgressDisplay

    looking = Progress(console=Console(file=sys.stderr), transient=True, disable=json or not sys.stderr.isatty())
    task = looking.add_task("looking", total=None)

    def tell(done: int, total: int) -> None:
        if done % 100 == 0 or done == total:
            looking.update(task, completed=done, total=total)
        if done == total:
            looking.stop()

    with ProgressDisplay(quiet=json) as watch:
        looking.start()
        try:
            checked = look_through(source, run=run, out=out, callbacks=replace(watch.callbacks, images=tell))
        finally:
            looking.stop()
    if json:
        say_json(_json(checked))
    else:
        _print(checked)
    return 0


def _json(checked: CheckResult) -> dict[str, Any]:
    from dataclasses import asdict

    report = checked.report
    return {
        "source": report.scan.source,
        "kind": report.scan.kind,
        "pictures": len(report.scan.records),
        "class_counts": report.class_counts,
        "counts": report.counts,
        "findings": [asdict(finding) for finding in report.findings],
        "is_compared": report.is_compared,
        "cross_validated_accuracy": checked.labels.accuracy if checked.labels else None,
        "page": str(checked.page) if checked.page else None,
    }


def _print(checked: CheckResult) -> None:
    from convscope.data.data_checks import KINDS

    report, judged = checked.report, checked.labels
    seen = report.scan
    say(f"{seen.source} ({seen.kind}): {len(seen.records):,} pictures in {len(report.class_counts)} classes")
    if judged:
        say(f"networks that never saw a picture name its label in {judged.accuracy:.2%} of the training part")
    if not report.is_compared:
        say("too many pictures to compare each with each: only exact copies were looked for")
    if not report.findings:
        say("Nothing found.")
    for kind, count in report.counts.items():
        say(f"\n{KINDS[kind].title}: {count:,}")
        say(f"  {KINDS[kind].advice}")
        found = [finding for finding in report.findings if finding.kind == kind]
        for finding in found[:SHOWN]:
            files = ", ".join(finding.files[:SHOWN]) + (", …" if len(finding.files) > SHOWN else "")
            say(f"    {files + ': ' if files else ''}{finding.words}")
        if count > SHOWN:
            say(f"    … and {count - SHOWN:,} more: --json or --out check.html lists them all")
    rows = [[name, f"{n['train']:,}", f"{n['test']:,}"] for name, n in list(report.class_counts.items())[:50]]
    say()
    console().print(table({"class": "left", "train": "right", "test": "right"}, rows))
    if checked.page:
        say(f"\npage        {checked.page}: one file, with thumbnails")
