"""``convscope import``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from convscope import decisions
from convscope.cli.output import Output, say, say_json

if TYPE_CHECKING:
    from convscope.api.import_model import ImportResult

SHOWN_CLASSES = 12


def import_model(
    file: Path,
    *,
    out: Path | None = None,
    data: str | None = None,
    class_names: str | None = None,
    input_range: str | None = None,
    fit: Literal["stretch", "pad", "crop", "mnist"] | None = None,
    polarity: Literal["as_is", "invert", "auto"] | None = None,
    transpose: Literal["auto", "yes", "no"] = "auto",
    output: Output = Output(),  # noqa: B008
) -> int:
    """Import a Keras model into a run, without executing code from the file.

    Parameters
    ----------
    file
        A Sequential or functional model that Keras 2 or 3 saved as .keras or .h5.
    out
        The run folder, new or empty. Default: a new one below runs/.
    data
        Dataset name, or a path, with the classes of the network: class names and preprocessing are taken from it, and
        the network is evaluated on its test part.
    class_names
        The classes in the order of the outputs, separated by commas. Default: those of the data as Keras sorts them, or
        0,1,2,…
    input_range
        Input value range the model was trained on. Default: 0..255 if the model begins with Rescaling, or
        with Normalization of such values, else 0..1.
    fit
        How other images are brought to the input size. Default: the data's, or pad.
    polarity
        Invert intensities. Default: the data's, or as_is.
    transpose
        Exchange rows and columns of the data's images; no for a network that was trained on transposed images.
    """
    from convscope.api.import_model import import_model as read_model

    names = [name.strip() for name in class_names.split(",")] if class_names else None
    result = read_model(
        file,
        data=data,
        class_names=names,
        input_range=input_range,
        fit=fit,
        polarity=polarity,
        transpose=transpose,
        out=out,
    )
    output.detail(f"run folder {result.run.folder.resolve()}")
    if output.json:
        _print_json(result)
        return 0
    _print(result)
    folder = result.run.folder
    lines = [
        "",
        "Next:",
        f"  convscope open {folder}",
        f"  convscope predict your-photo.png --run {folder} --out seen.png",
    ]
    output.hint("\n".join(lines if result.evaluation else [*lines, f"  convscope evaluate {folder} YOUR-DATA"]))
    return 0


def _print_json(result: ImportResult) -> None:
    model = result.run.model
    say_json(
        {
            "folder": str(result.run.folder),
            "network": model.spec.to_json(),
            "parameters": model.spec.parameters,
            "class_names": list(model.class_names),
            "keras_version": result.file.keras_version,
            "input_range": result.input_range,
            "preprocessing": asdict(result.preprocessing),
            "assumed": list(result.assumed),
            "decisions": decisions.to_json(result.decisions),
            "better_order": asdict(result.better_order) if result.better_order else None,
            "skipped_layers": list(result.file.idle),
            "is_logits": result.file.is_logits,
            "is_sigmoid": result.file.is_sigmoid,
            "evaluation": result.evaluation.to_json() if result.evaluation else None,
        }
    )


def _print(result: ImportResult) -> None:
    from convscope.cli.results import evaluation_lines

    model, preprocessing = result.run.model, result.preprocessing
    h, w, c = model.spec.input_shape
    say(f"network     {len(model.spec.layers)} layers, {model.spec.parameters:,} parameters, saved by Keras "
        f"{result.file.keras_version}; no code of the file was executed")  # fmt: skip
    if result.file.idle:
        say(f"skipped     {', '.join(result.file.idle)}: active in training only")
    if result.file.is_logits:
        say("softmax     added: the last layer returned logits")
    say(f"images      {h}×{w}, {'grayscale' if c == 1 else 'RGB'}; input value range {result.input_range}")
    say(f"preprocess  other images: fit {preprocessing.fit}, polarity {preprocessing.polarity}")
    names = ", ".join(model.class_names[:SHOWN_CLASSES])
    say(f"classes     {names}{', …' if len(model.class_names) > SHOWN_CLASSES else ''}")
    for decision in result.decisions:
        say(f"decided     {decision}")
    if result.assumed:
        options = ", ".join("--" + name.replace("_", "-") for name in result.assumed)
        say(f"assumed     not stated in the file; set these, or predictions may be wrong: {options}")
        if "polarity" in result.assumed and (h, w, c) == (28, 28, 1):
            say("            (digits trained on MNIST: --data mnist, or --fit mnist --polarity auto)")
    if result.evaluation:
        say("\n".join(evaluation_lines(result.evaluation, "the test split")))
    if result.better_order:
        say(f"warning     {result.better_order}")
    say(f"run         {result.run.folder}")
