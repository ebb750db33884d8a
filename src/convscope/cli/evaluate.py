"""``convscope evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from convscope import decisions
from convscope.cli.drawing import start_drawing
from convscope.cli.output import Output, console, say, say_json, table

if TYPE_CHECKING:
    from convscope.api.evaluate import EvaluateResult
    from convscope.api.groups import GroupAccuracies
    from convscope.api.stress import StressResult
    from convscope.api.unknown_classes import UnknownClasses

MAX_MATRIX_CLASSES = 12
MISTAKES = 10
GROUPS = 30


def evaluate(
    run: Path | None = None,
    data: str | None = None,
    *,
    part: Literal["test", "validation", "train"] | None = None,
    out: Path | None = None,
    reject: Literal["auto", "0.1%", "1%", "5%", "off"] = "auto",
    stress: Annotated[bool, Parameter(negative=())] = False,
    group: str | None = None,
    engine: Literal["auto", "numpy", "onnx", "litert"] = "auto",
    unknown: Annotated[bool, Parameter(negative=())] = False,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Evaluate a trained network: accuracy, confusion matrix, calibration.

    Parameters
    ----------
    run
        The run folder. Default: the newest below runs/.
    data
        Dataset name, or a path: all its images are measured, matched to the network by class name. Default: the data
        of the training, split as they were.
    part
        Split of the data of the training. Default: test.
    out
        Also draw confusion matrix, predictions, mistakes and reliability diagram into this folder.
    reject
        Fraction of images like those of the training that may be rejected as unlike anything the network was trained
        on. auto is 1%, 5% if so few held-out images cannot promise 1%, else only images of a single intensity.
    stress
        Also evaluate at most 500 of the images with 20 corruptions at five strengths each.
    group
        Also give the accuracy of each group of images: a column of their table, folder, or a regular expression in
        whose first parentheses the group stands, such as "(writer[0-9]+)".
    engine
        What computes: NumPy, ONNX Runtime or LiteRT. auto is NumPy for few images, else a runtime if one is installed;
        it is compared with NumPy first.
    unknown
        Also train the network again for each class without its images, at most ten times, and count how many images
        of the class are then rejected.
    """
    from convscope.api.evaluate import evaluate as run_evaluation
    from convscope.api.progress import ProgressDisplay

    with ProgressDisplay(quiet=output.quiet or output.json) as display:
        display.phase = "reading"
        result = run_evaluation(run, data, part=part, reject=reject, engine=engine, callbacks=display.callbacks)
    stressed = _stressed(result, data, part, reject) if stress else None
    groups = result.by_group(group) if group else None
    without = _unknown(result, output) if unknown else None
    figures: tuple[Path, ...] = ()
    if out:
        start_drawing()
        from convscope.api.pictures import draw_evaluation

        figures = draw_evaluation(out, result.evaluation, result.dataset, result.predictions)
        if stressed:
            from convscope.api.pictures import draw_corruptions

            figures = (*figures, draw_corruptions(out, stressed.example, seed=stressed.seed))
    output.detail(f"run folder {result.folder.resolve()}")
    if output.json:
        head = {
            "folder": str(result.folder),
            "part": result.part,
            "figures": [str(path) for path in figures],
            "source": result.dataset.source,
            "decisions": decisions.to_json(result.decisions),
            "notes": list(result.notes),
            "unknown_classes": result.unknown_classes or {},
            "trained_on": result.trained_on,
            "reliability": result.reliability and result.reliability.to_json(),
            "stress": stressed and stressed.to_json(),
            "groups": groups and groups.to_json(),
            "engine": result.engine and result.engine.chosen,
            "unknown": without and without.to_json(),
        }
        say_json(head | {"evaluation": result.evaluation.to_json()})
    else:
        _print(result)
        if groups:
            _print_groups(groups)
        if stressed:
            _print_stress(stressed)
        if without:
            _print_unknown(without)
        if figures:
            say(f"\nfigures     {', '.join(path.name for path in figures)} in {out}")
    return 0


def _print(result: EvaluateResult) -> None:
    from convscope.cli.results import evaluation_lines, reliability_lines

    evaluation, dataset = result.evaluation, result.dataset
    say(f"run         {result.folder}")
    say(f"data        {dataset.source}, {len(dataset):,} images")
    for decision in (*result.decisions, *([result.engine] if result.engine else [])):
        say(f"decided     {decision}")
    for line in result.notes:
        say(f"note        {line}")
    lines = evaluation_lines(evaluation, result.measured_on)
    say("\n".join(lines + reliability_lines(result.reliability and result.reliability.to_json())) + "\n")
    rows = [
        [one.name, f"{one.support:,}", str(one.precision or "none predicted"), str(one.recall or "no image")]
        for one in evaluation.classes
    ]
    console().print(table({"class": "left", "images": "right", "precision": "left", "recall": "left"}, rows))
    if len(evaluation.class_names) <= MAX_MATRIX_CLASSES:
        say("\nConfusion matrix: rows are the true classes, columns the predicted ones.")
        names = [str(name)[:10] for name in evaluation.class_names]
        cells = [
            [name, *(str(n) if n else "·" for n in row)] for name, row in zip(names, evaluation.confusion, strict=True)
        ]
        console().print(table({"": "left"} | dict.fromkeys(names, "right"), cells))
    say("\nMost confident mistakes:" if evaluation.mistakes else "\nNo mistakes.")
    for mistake in evaluation.mistakes[:MISTAKES]:
        name = f" ({dataset.names[mistake.index]})" if dataset.names else ""
        flag = "  label known to be wrong" if mistake.known_wrong else ""
        predicted, label = evaluation.class_names[mistake.predicted], evaluation.class_names[mistake.label]
        say(f"  image {mistake.index}{name}: predicted {predicted} ({mistake.probability:.1%}), label {label}{flag}")


def _stressed(result: EvaluateResult, data: str | None, part: str | None, reject: str) -> StressResult:
    from convscope.api.stress import stress

    return stress(result.folder, data, part=part, reject=reject)


def _print_stress(stressed: StressResult) -> None:
    clean = stressed.clean.accuracy
    say(f"\nCorruptions: accuracy at five strengths, {stressed.images:,} images (without corruption {clean.rate:.1%}).")
    heads = ("corruption", "1", "2", "3", "4", "5", "confidence", "rejected", "sure but wrong")
    console().print(table({head: "right" if place else "left" for place, head in enumerate(heads)}, stressed.cells()))
    wrong = f"{stressed.mean_sure_but_wrong:.1%} not rejected, and wrong with a probability above 90 %"
    say(f"mean        accuracy {stressed.mean_accuracy:.1%}; {wrong}")


def _print_groups(groups: GroupAccuracies) -> None:
    say(f"\nAccuracy by group ({groups.source}):")
    rows = [[one.name, f"{one.accuracy.n:,}", str(one.accuracy)] for one in groups.rows[:GROUPS]]
    console().print(table({"group": "left", "images": "right", "accuracy": "left"}, rows))
    if len(groups.rows) > GROUPS:
        say(f"… and {len(groups.rows) - GROUPS:,} more groups: --json")
    say(f"mean        {groups.mean:.1%} over groups ({groups.low:.1%} to {groups.high:.1%}, {len(groups.rows)} groups)")
    if groups.shared:
        say(
            f"note        {groups.shared} of these {len(groups.rows)} groups are also in the training data: for new "
            "groups the accuracy can be lower. Train with --group"
        )


def _unknown(result: EvaluateResult, output: Output) -> UnknownClasses:
    from convscope.api.progress import ProgressDisplay
    from convscope.api.unknown_classes import unknown_classes

    with ProgressDisplay(quiet=output.quiet or output.json) as display:
        return unknown_classes(result.folder, callbacks=display.callbacks)


def _print_unknown(found: UnknownClasses) -> None:
    say("\nUnknown classes: for each, a network trained without it.")
    rows = [[one.name, f"{one.rejected.n:,}", str(one.rejected), str(one.known_rejected)] for one in found.rows]
    heads = {"excluded class": "left", "images": "right", "rejected": "left", "others rejected": "left"}
    console().print(table(heads, rows))
    say(
        f"mean        {found.mean:.1%} of an unknown class rejected ({found.low:.1%} to {found.high:.1%}, "
        f"{len(found.rows)} classes), and {found.known_rejected:.2%} of the known ones"
    )
