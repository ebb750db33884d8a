"""``convscope predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from convscope.api.notes import note
from convscope.cli.drawing import start_drawing
from convscope.cli.images import check_images, file_stem, is_several, output_file, report_skipped
from convscope.cli.output import Output, say, say_json
from convscope.errors import printable

if TYPE_CHECKING:
    from convscope.api.predict import ImagePredictions


def predict(
    *images: Annotated[str, Parameter(required=True)],
    run: Path | None = None,
    top: int = 3,
    split: bool = False,
    out: Path | None = None,
    recursive: Annotated[bool, Parameter(negative=())] = False,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Classify images.

    Parameters
    ----------
    images
        Image files, or folders of them; mnist:7 is image 7 (from 0) of MNIST's test split.
    run
        The run folder. Default: the newest below runs/.
    top
        Number of classes to show for each image.
    split
        Classify each digit of an image, left to right, if there are several.
    out
        Also draw each image beside what the network sees, as a PNG; for several images, a folder of PNGs.
    recursive
        Also read the images in subfolders of a folder.
    """
    from convscope.api.predict import predict as classify
    from convscope.training.run import find_run

    folder = find_run(run)
    several = is_several(images)
    check_images(images, folder, None if several else out)
    result = classify(list(images), run=folder, top=top, split=split, recursive=recursive)
    figures = _draw(result, out, several=len(result.images) > 1) if out else []
    output.detail(f"run folder {folder.resolve()}")
    if output.json:
        say_json(
            {
                "images": [one.to_json() for one in result.images],
                "notes": list(result.notes),
                "skipped": [{"name": one.file, "reason": one.reason} for one in result.skipped],
                "figures": [str(path) for path in figures],
            }
        )
    else:
        for one in result.images:
            say(printable(str(one)))
        if any(one.digit is None and one.report.digits > 1 for one in result.images):
            output.hint("To classify each digit: --split")
    for line in result.notes:
        note(f"convscope: {line}")
    return report_skipped(result.skipped)


def _draw(result: ImagePredictions, out: Path, *, several: bool) -> list[Path]:
    start_drawing()
    from convscope.report.pictures.canvas import save
    from convscope.report.pictures.prediction_figure import prediction_figure

    files = []
    for index, one in enumerate(result.images):
        figure = prediction_figure(
            one.original,
            one.seen,
            class_names=result.class_names,
            probabilities=result.probabilities[index],
            name=Path(one.name).name,
            warnings=one.warnings,
            blank=one.report.blank,
        )
        files.append(save(figure, output_file(out, f"{index:04d}-{file_stem(one.name)}.png", several=several)))
    return files
