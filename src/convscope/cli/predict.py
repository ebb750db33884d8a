"""``convscope predict``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from convscope.api.notes import note
from convscope.cli.output import Output, say, say_json
from convscope.errors import OptionError, printable

if TYPE_CHECKING:
    from convscope.api.nearest_images import NearestImage
    from convscope.api.predict import ImagePredictions

SKIPPED_SHOWN = 20
"""Unreadable images that are named on stderr if a table has them all."""

SIMILAR_DRAWN = 8


def predict(
    *images: Annotated[str, Parameter(required=True)],
    run: Path | None = None,
    top: int = 3,
    split: bool = False,
    out: Path | None = None,
    copy_to: Path | None = None,
    recursive: Annotated[bool, Parameter(negative=())] = False,
    shard: str | None = None,
    processes: int | None = None,
    reject: Literal["auto", "0.1%", "1%", "5%", "off"] = "auto",
    coverage: Literal["90%", "95%", "99%", "99.9%"] | None = None,
    by_class: Annotated[bool, Parameter(negative=())] = False,
    sets: Literal["lac", "raps"] = "lac",
    nearest: int = 0,
    engine: Literal["auto", "numpy", "onnx", "litert"] = "auto",
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
        A table with a row for each image, if it ends in .csv, .jsonl or .parquet; the same command continues an
        unfinished one. Else draw each image beside what the network sees, as a PNG; for several images, a folder of
        PNGs.
    copy_to
        Sort the images into this folder, one folder for each predicted class: hard links where possible, else
        copies.
    recursive
        Also read the images in subfolders of a folder.
    shard
        Classify one part of the images into the table: 2/8 is the second of eight. The tables of all parts, one after
        another, are the table of the whole.
    processes
        How many processes classify, with --out or --copy-to. Default: one on each core, at most 16, if there are more
        than three cores and 2,000 images; else 1, with threads.
    reject
        Fraction of images like those of the training that may be rejected as unlike anything the network was trained
        on. auto is 1%, 5% if so few held-out images cannot promise 1%, else only images of a single intensity.
    coverage
        Also print the set of classes that contains the true one for at least this fraction of images like the
        held-out ones.
    by_class
        Promise the coverage for each class.
    sets
        How sets are made: lac, the smallest ones, or raps, larger where the network is unsure.
    nearest
        Number of training images to name and draw for each image, the most similar first. The data of the training are
        read again.
    engine
        What computes: NumPy, ONNX Runtime or LiteRT. auto is a runtime if one is installed, which is compared with
        NumPy first, else NumPy; for a table, NumPy if it takes a few seconds.
    """
    from convscope.api.predict_folder import is_table
    from convscope.cli.images import check_images, is_several
    from convscope.training.run_folder import find_run

    folder = find_run(run)
    to_table = out is not None and is_table(out)
    check_images(images, folder, out if to_table or not is_several(images) else None)
    how = {"run": folder, "top": top, "split": split, "recursive": recursive, "reject": reject}
    how["engine"] = engine
    if to_table or copy_to:
        if coverage or by_class or nearest:
            raise OptionError(
                "Sets of classes and similar images are printed, not written into tables or folders. Received: "
                "--coverage, --by-class or --nearest with --out or --copy-to.",
                hint="Use --json.",
            )
        if out and not to_table:
            raise OptionError(
                f"Expected a table (.csv, .jsonl, .parquet) with --copy-to. Received: --out {out}.",
                hint="Draw the images in a second call.",
            )
        return _to_files(images, out, copy_to, how | {"shard": shard, "processes": processes}, output)
    for name, value in (("shard", shard), ("processes", processes)):
        if value is not None:
            raise OptionError(f"{name} is for tables. Received: --{name} {value} without --out or --copy-to.")
    sets_of = {"coverage": coverage, "by_class": by_class, "sets": sets, "nearest": nearest}
    return _show(images, out, how | sets_of, output)


def _show(images: tuple[str, ...], out: Path | None, how: dict, output: Output) -> int:
    """One line for each image, and figures."""
    from convscope.api.predict import predict as classify
    from convscope.cli.images import report_skipped

    result = classify(list(images), **how)
    figures = _draw(result, out, several=len(result.images) > 1) if out else []
    output.detail(f"run folder {how['run'].resolve()}")
    output.detail(str(result.engine))
    if output.json:
        say_json(
            {
                "images": [one.to_json() for one in result.images],
                "notes": list(result.notes),
                "skipped": [{"name": one.file, "reason": one.reason} for one in result.skipped],
                "figures": [str(path) for path in figures],
                "engine": result.engine and result.engine.chosen,
            }
        )
    else:
        for one in result.images:
            say(printable(str(one)))
            if one.nearest:
                say(printable(f"  most similar training images: {', '.join(map(_nearest, one.nearest))}"))
        if any(one.digit is None and one.report.digits > 1 for one in result.images):
            output.hint("To classify each digit: --split")
    for line in result.notes:
        note(f"convscope: {line}")
    return report_skipped(result.skipped)


def _nearest(one: NearestImage) -> str:
    return f"{one.class_name} ({one.name or f'image {one.index:,}'})"


def _to_files(images: tuple[str, ...], out: Path | None, copy_to: Path | None, how: dict, output: Output) -> int:
    """A table, and images sorted by class."""
    from convscope.api.predict_folder import predict_folder
    from convscope.api.progress import ProgressDisplay
    from convscope.cli.images import report_skipped

    with ProgressDisplay(quiet=output.quiet or output.json) as display:
        display.phase = "predicting"
        try:
            result = predict_folder(list(images), out=out, copy_to=copy_to, **how, callbacks=display.callbacks)
        except KeyboardInterrupt:
            display.clear()
            if out:
                note(f"convscope: {out} holds what was done; the same command continues.")
            raise
    output.detail(f"run folder {how['run'].resolve()}")
    output.detail(str(result.engine))
    if output.json:
        say_json(result.to_json())
    else:
        for line in str(result).splitlines():
            say(printable(line))
    for line in result.notes:
        note(f"convscope: {line}")
    return report_skipped(result.skipped, most=SKIPPED_SHOWN if out else sys.maxsize)


def _draw(result: ImagePredictions, out: Path, *, several: bool) -> list[Path]:
    from convscope.cli.drawing import start_drawing
    from convscope.cli.images import file_stem, output_file

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
            is_known=one.is_known,
            similar=[(near.pixels, near.class_name) for near in one.nearest[:SIMILAR_DRAWN]],
        )
        files.append(save(figure, output_file(out, f"{index:04d}-{file_stem(one.name)}.png", several=several)))
    return files
