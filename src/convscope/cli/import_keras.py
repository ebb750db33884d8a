"""``convscope import``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from convscope.cli.output import say, say_json


def import_keras(
    file: Path,
    *,
    out: Path | None = None,
    data: str | None = None,
    class_names: str | None = None,
    input_range: str | None = None,
    fit: Literal["stretch", "pad", "crop", "mnist"] | None = None,
    polarity: Literal["as_is", "invert", "auto"] | None = None,
    json: bool = False,
) -> int:
    """Read a model that Keras saved, without executing anything of it, into a run of its own.

    Example: convscope import model.keras --data mnist

    Parameters
    ----------
    file
        A Sequential model, saved by Keras 3 as .keras.
    out
        The run folder, new or empty. Default: a new one below runs/.
    data
        A data set by name, or a path, with the network's classes in its order: names and preprocessing come from it,
        and the network is measured on its test part.
    class_names
        The classes in the order of the outputs, with commas between them. Default: the data's, or 0,1,2,…
    input_range
        What black and white were in training. Default: 0..255 where the model begins with Rescaling, else 0..1.
    fit
        How other pictures are brought to the network's size. Default: the data's, or pad.
    polarity
        Whether dark and light are exchanged. Default: the data's, or as_is.
    json
        Print the result as JSON.
    """
    from dataclasses import asdict

    from convscope.api.import_model import import_model
    from convscope.cli.results import evaluation_lines

    names = [name.strip() for name in class_names.split(",")] if class_names else None
    imported = import_model(
        file, data=data, class_names=names, input_range=input_range, fit=fit, polarity=polarity, out=out
    )
    model, contract, folder = imported.run.model, imported.preprocessing, imported.run.folder
    if json:
        said = {
            "folder": str(folder),
            "network": model.spec.to_json(),
            "parameters": model.spec.parameters,
            "class_names": list(model.class_names),
            "keras_version": imported.file.keras_version,
            "input_range": imported.input_range,
            "preprocessing": asdict(contract),
            "assumed": list(imported.assumed),
            "left_out": list(imported.file.idle),
            "is_logits": imported.file.is_logits,
            "evaluation": imported.evaluation.to_json() if imported.evaluation else None,
        }
        say_json(said)
        return 0
    h, w, c = model.spec.input_shape
    say(f"network     {len(model.spec.layers)} layers, {model.spec.parameters:,} parameters, of Keras "
        f"{imported.file.keras_version}; nothing of the file was executed")  # fmt: skip
    if imported.file.idle:
        say(f"left out    {', '.join(imported.file.idle)}: active in training only")
    if imported.file.is_logits:
        say("softmax     added: the last layer gave logits")
    colours = "grey" if c == 1 else "RGB"
    say(f"images      {h}×{w}, {colours}; black and white are {imported.input_range} to the network")
    say(f"preparing   other pictures: fit {contract.fit}, polarity {contract.polarity}")
    say(f"classes     {', '.join(model.class_names[:12])}{', …' if len(model.class_names) > 12 else ''}")
    if imported.assumed:
        options = ", ".join("--" + name.replace("_", "-") for name in imported.assumed)
        say(f"assumed     what the file does not say; set what you know, or answers are wrong: {options}")
        if "polarity" in imported.assumed and (h, w, c) == (28, 28, 1):
            say("            (digits trained on MNIST: --data mnist, or --fit mnist --polarity auto)")
    if imported.evaluation:
        say("\n".join(evaluation_lines(imported.evaluation, "test")))
    say(f"run         {folder}")
    say(f"\nNext:\n  convscope open {folder}")
    say(f"  convscope predict --run {folder} your-picture.png --show seen.png")
    if not imported.evaluation:
        say(f"  convscope evaluate {folder} YOUR-DATA")
    return 0
