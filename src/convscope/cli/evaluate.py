"""``convscope evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from convscope.cli.drawing import start_drawing
from convscope.cli.output import console, say, say_json, table


def evaluate(
    run: Path | None = None,
    data: str | None = None,
    *,
    part: Literal["test", "validation", "train"] = "test",
    pictures: Path | None = None,
    json: bool = False,
) -> int:
    """Measure a trained network: accuracy with its interval, per class, what it confuses, how far to trust it.

    Example: convscope evaluate runs/20260101-120000-quick --pictures figures

    Parameters
    ----------
    run
        The run folder. Default: the newest below runs/.
    data
        A data set by name, or a path, with the network's own classes. Default: what the run was trained with.
    part
        test, or validation or train as they were split in the training.
    pictures
        Also draw confusion matrix, gallery, mistakes and reliability diagram into this folder.
    json
        Print the result as JSON.
    """
    from convscope.api.evaluate import evaluate as measure
    from convscope.cli.results import evaluation_lines

    measured = measure(run, data, part=part)
    evaluation = measured.evaluation
    drawn = ()
    if pictures:
        start_drawing()
        from convscope.api.pictures import draw_evaluation

        drawn = draw_evaluation(pictures, evaluation, measured.dataset, measured.predictions)
    if json:
        head = {"folder": str(measured.folder), "part": part, "pictures": [str(path) for path in drawn]}
        say_json(head | {"evaluation": evaluation.to_json()})
        return 0
    say(f"run         {measured.folder}")
    say(f"data        {measured.dataset.source}, {len(measured.dataset):,} images")
    say("\n".join(evaluation_lines(evaluation, part)) + "\n")
    rows = [
        [s.name, f"{s.support:,}", str(s.precision or "none named"), str(s.recall or "no image")]
        for s in evaluation.classes
    ]
    console().print(table({"class": "left", "images": "right", "precision": "left", "recall": "left"}, rows))
    if len(evaluation.class_names) <= 12:
        say("\nConfusion matrix: rows are the true class, columns what the network said.")
        names = [str(name)[:10] for name in evaluation.class_names]
        cells = [
            [name, *(str(n) if n else "·" for n in row)] for name, row in zip(names, evaluation.confusion, strict=True)
        ]
        console().print(table({"": "left"} | dict.fromkeys(names, "right"), cells))
    say("\nMost confident mistakes:" if evaluation.mistakes else "\nNo mistakes.")
    for mistake in evaluation.mistakes[:10]:
        name = f" ({measured.dataset.names[mistake.index]})" if measured.dataset.names else ""
        flag = "  label known to be wrong" if mistake.known_wrong else ""
        said, label = evaluation.class_names[mistake.predicted], evaluation.class_names[mistake.label]
        say(f"  image {mistake.index}{name}: says {said} with {mistake.probability:.1%}, label {label}{flag}")
    return 0
