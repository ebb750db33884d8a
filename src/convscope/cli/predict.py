"""``convscope predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from convscope.cli.drawing import start_drawing
from convscope.cli.output import say, say_json, tell
from convscope.errors import RunError, printable


def predict(
    *pictures: Annotated[Path, Parameter(required=True)],
    run: Path | None = None,
    show: Path | None = None,
    json: bool = False,
) -> int:
    """Say what is on a picture: the class, its probability, the runners-up.

    Example: convscope predict photo.jpg --show seen.png

    Parameters
    ----------
    pictures
        Picture files, or folders of them.
    run
        The run folder. Default: the newest below runs/.
    show
        Also draw what the network really sees beside the picture, into this PNG (for several pictures: a folder).
    json
        Print the result as JSON.
    """
    from convscope.api.check_output_path import check_output_path
    from convscope.api.predict import predict as predict_pictures
    from convscope.training.run import find_run

    several = len(pictures) > 1 or any(picture.is_dir() for picture in pictures)
    if show and not several:
        check_output_path(show, find_run(run), *pictures)
    predicted = predict_pictures(pictures, run=run)
    drawn = _draw(predicted, show) if show else []
    if json:
        say_json(
            {
                "pictures": [
                    {"file": one.name, "choices": [{"name": c.name, "probability": c.probability} for c in one.choices]}
                    for one in predicted.images
                ],
                "unreadable": [{"file": one.file, "reason": one.reason} for one in predicted.skipped],
                "drawn": [str(path) for path in drawn],
            }
        )
    else:
        for one in predicted.images:
            first, *others = one.choices
            rest = ", ".join(f"{choice.name} {choice.probability:.1%}" for choice in others)
            say(f"{printable(one.name)}: {first.name} ({first.probability:.1%}; then {rest})")
    for one in predicted.skipped:
        tell(f"convscope: left out: {one.reason}")
    return 1 if predicted.skipped else 0


def _draw(predicted, show: Path) -> list[Path]:

    start_drawing()
    from convscope.report.pictures.canvas import save
    from convscope.report.pictures.prediction_figure import prediction_figure

    several = len(predicted.images) > 1
    try:
        (show if several else show.parent).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{show} cannot be written ({error.strerror}).") from None
    files = []
    for index, one in enumerate(predicted.images):
        figure = prediction_figure(
            one.original,
            one.seen,
            class_names=predicted.predictions.class_names,
            probabilities=predicted.predictions.probabilities[index],
            name=Path(one.name).name,
        )
        files.append(save(figure, show / f"{index:04d}-{Path(one.name).stem}.png" if several else show))
    return files
