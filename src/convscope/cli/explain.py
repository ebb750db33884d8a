"""``convscope explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from convscope.api.notes import note
from convscope.cli.drawing import start_drawing
from convscope.cli.images import check_images, file_stem, is_several, output_file, report_skipped
from convscope.cli.output import Output, say, say_json
from convscope.errors import DataError, printable

if TYPE_CHECKING:
    from convscope.api.explain import ImageExplanation


def explain(
    *images: Annotated[str, Parameter(required=True)],
    run: Path | None = None,
    method: str = "all",
    target: str | None = None,
    out: Path | None = None,
    npz: Path | None = None,
    seed: int = 0,
    recursive: Annotated[bool, Parameter(negative=())] = False,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Explain predictions by attribution maps, with sanity checks.

    Parameters
    ----------
    images
        Image files, or folders of them; mnist:7 is image 7 (from 0) of MNIST's test split.
    run
        The run folder. Default: the newest below runs/.
    method
        all, or some of gradient, smoothgrad, integrated_gradients, grad_cam, occlusion, separated by commas.
    target
        The class to explain. Default: the predicted class.
    out
        Also draw everything as a PNG; for several images, a folder of PNGs.
    npz
        Also write all arrays into this .npz file; for several images, a folder of them.
    seed
        Random seed.
    recursive
        Also read the images in subfolders of a folder.
    """
    from convscope.api.explain import ImageExplanation
    from convscope.api.explain import explain as explain_images
    from convscope.api.progress import ProgressDisplay
    from convscope.data.image_input import images_below
    from convscope.training.run_folder import find_run

    folder = find_run(run)
    several = is_several(images)
    check_images(images, folder, *(() if several else (out, npz)))
    values, skipped = [], []
    with ProgressDisplay(quiet=output.quiet) as display:
        how: dict[str, Any] = {"method": method, "target": target, "seed": seed, "recursive": recursive}
        found = explain_images(list(images), run=folder, **how, on_step=display.step)
        for index, one in enumerate(found):
            if not isinstance(one, ImageExplanation):
                skipped.append(one)
                continue
            if out or npz:
                display.step(one.name, "writing")
            name = f"{index:04d}-{file_stem(one.name)}"
            figure = arrays = None
            if out:
                start_drawing()
                figure = one.save(output_file(out, f"{name}.png", several=several))
            if npz:
                arrays = one.save_arrays(output_file(npz, f"{name}.npz", several=several))
            display.clear()
            values.append(one.to_json() | {"figure": figure and str(figure), "arrays": arrays and str(arrays)})
            if not output.json:
                _print(one, [path for path in (figure, arrays) if path])
    if not values:
        raise DataError(skipped[0].reason)
    output.detail(f"run folder {folder.resolve()}")
    if output.json:
        say_json({"images": values, "skipped": [{"name": one.file, "reason": one.reason} for one in skipped]})
    elif not out:
        output.hint(f"To draw it: --out {'why' if several else 'why.png'}")
    for line in () if recursive else images_below(list(images)):
        note(f"convscope: {line}")
    return report_skipped(skipped)


def _print(one: ImageExplanation, written: list[Path]) -> None:
    from convscope.explanation.saliency import EXPLAINERS

    explanation, (first, *others) = one.explanation, one.choices
    rest = ", ".join(f"{choice.name} {choice.probability:.1%}" for choice in others[:2])
    say(f"{printable(one.name)}: {first.name} ({first.probability:.1%}; then {rest})")
    if one.warnings:
        say(f"Note: {'; '.join(one.warnings)}.")
    target = explanation.network.class_names[explanation.target]
    say(f"Explained: the logit of {target}, {explanation.logit:.2f}.")
    for method, found in explanation.maps.items():
        attribution, checks = found.attribution, found.sanity_checks
        deletion, other = checks.deletion, checks.parameter_randomization
        say(f"\n{EXPLAINERS[method].title}: {EXPLAINERS[method].description}")
        low, high = float(attribution.flat.min()), float(attribution.flat.max())
        say(f"    values                        {low:+.3g} to {high:+.3g} {attribution.unit}")
        if "gap" in attribution.facts:
            say(
                f"    sum                           {attribution.total:.3f} of {attribution.difference:.3f} logits "
                "above the baseline"
            )
        area = f"area {deletion.area:.2f}, {deletion.random_area:.2f} in random order"
        beaten = f"below {deletion.random_orders_beaten} of {len(deletion.random)} random orders"
        say(f"    deletion test                 {area}: {beaten}")
        rank = f"rank correlation {other.mean_signed:.2f}, of the magnitudes {other.mean_magnitude:.2f}"
        say(f"    parameter-randomization test  {rank.replace('-0.00', '0.00')}")
        say(f"    {checks.verdict}")
    for method, reason in explanation.skipped.items():
        say(f"\n{EXPLAINERS[method].title}: skipped. {reason}")
    for path in ["", *map(str, written)]:
        say(path)
