"""What lies beside an exported network: labels, the contract of its input, example images, and how to use it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from importlib import resources
from typing import Any

from convscope.evaluation.out_of_distribution import UNKNOWN
from convscope.evaluation.reliability import reliability_of
from convscope.evaluation.temperature import temperature_of
from convscope.exporting.photo import PHOTO_FILE, PHOTO_SHAPE
from convscope.exporting.score import OUTPUT, score_table
from convscope.model.model_file import Model, weights_sha256

CONTRACT_FILE = "convscope.json"
SCHEMA_VERSION = 1


def contract(model: Model, about: Mapping[str, Any]) -> dict[str, Any]:
    """The content of ``convscope.json``.

    Args:
        model: The network.
        about: Where it came from: name of the run, its data, the version of convscope.
    """
    h, w, c = model.spec.input_shape
    rejection = reliability_of(model).rejection
    outputs = {"probabilities": "calibrated, each row sums to 1", "logits": "before the temperature"}
    if rejection is not None:
        outputs[OUTPUT] = "unfamiliarity of each image, compared with the training images"
    return {
        "schema_version": SCHEMA_VERSION,
        **about,
        "network": model.spec.name,
        "class_names": list(model.class_names),
        "input": {
            "name": "images",
            "dtype": "uint8",
            "shape": ["n", h, w, c],
            "range": [0, 255],
            "channels": "grayscale" if c == 1 else "RGB",
        },
        "outputs": outputs,
        "preprocessing": dict(model.preprocessing),
        "temperature": temperature_of(model.calibration),
        **({} if rejection is None else {OUTPUT: score_table(rejection)}),
        "weights_sha256": weights_sha256(model.weights),
    }


def photo_contract(content: Mapping[str, Any]) -> dict[str, Any]:
    """The contract of a file whose input is an image of any size.

    Args:
        content: As `contract` returned it.
    """
    channels = "grayscale or RGB, also with alpha"
    given = content["input"] | {"shape": list(PHOTO_SHAPE), "channels": channels}
    return dict(content) | {"input": given, "preprocessing_inside": True}


def metadata(content: Mapping[str, Any]) -> dict[str, str]:
    """The contract as the texts that go into every file."""
    return {
        f"convscope.{name}": value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in content.items()
    }


def snippets(model: Model) -> dict[str, str]:
    """Ten lines each of Python, JavaScript and C that classify one image of the network's input size or of any.

    Where the network has a score for unknown images, they compare it with the threshold too.
    """
    h, w, c = model.spec.input_shape
    rejection = reliability_of(model).rejection
    threshold = score_table(rejection)["threshold"] if rejection else None
    sizes = {"height": h, "width": w, "channels": c, "pixels": math.prod(model.spec.input_shape)}
    values = sizes | {"classes": model.spec.num_classes, "mode": "L" if c == 1 else "RGB"}
    values |= {"threshold": threshold, "unknown": UNKNOWN}
    folder = resources.files("convscope.exporting") / "snippets"
    found = {}
    for name in ("python", "javascript", "c", "python_photo", "javascript_photo"):
        file = f"{name}.txt" if threshold is None else f"{name}_score.txt"
        text = (folder / file).read_text(encoding="utf-8")
        for key, value in values.items():
            text = text.replace(f"<{key}>", str(value))
        found[name] = text
    return found


def readme(model: Model, content: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """The README of an export.

    Args:
        model: The network.
        content: As `contract` returned it.
        files: File name to one line about it.
    """
    h, w, c = model.spec.input_shape
    names, code = content["class_names"], snippets(model)
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    fit = model.preprocessing.get("fit")
    framing = (
        "MNIST's framing (the ink fitted into 20×20 and centered by mass in 28×28) is not part of the files: "
        "frame other digits first, as `convscope predict` does."
        if fit == "mnist"
        else f"Images of other sizes must be resized first (`{fit}` in convscope.json), as `convscope predict` does."
    )
    if PHOTO_FILE in files:
        framing += (
            f" `{PHOTO_FILE}` does this itself: its input is an image of any size, upright, with 1 to 4 channels "
            "(grayscale, RGB, either with alpha)."
        )
    blocks = [
        f"## {title}\n\n```{language}\n{code[key].rstrip()}\n```"
        for title, language, key, file in (
            ("Python, with onnxruntime", "python", "python", "model.onnx"),
            ("Python, images of any size", "python", "python_photo", PHOTO_FILE),
            ("Browsers, with ONNX Runtime Web", "javascript", "javascript", "model.onnx"),
            ("Browsers, images of any size", "javascript", "javascript_photo", PHOTO_FILE),
            ("C", "c", "c", "model.c"),
        )
        if file in files
    ]
    return (
        "\n\n".join(
            [
                f"# {content.get('run', model.spec.name)}",
                f"An image classifier for {len(names)} classes: {shown}.",
                f"The input is one or more {'grayscale' if c == 1 else 'RGB'} images of {h} rows and {w} columns as "
                f"bytes, 0 to 255, channels last. Scaling and calibration are inside the files. {framing}",
                *unknown_images(content),
                "| file | what it is |\n|---|---|\n"
                + "\n".join(f"| `{name}` | {about} |" for name, about in files.items()),
                *blocks,
            ]
        )
        + "\n"
    )


def unknown_images(content: Mapping[str, Any]) -> tuple[str, ...]:
    """The paragraph about unknown images; none if the network has no score."""
    table = content.get(OUTPUT)
    if table is None:
        return ()
    lines = [
        "The output `score` of each file measures how far an image is from the training images. "
        + (
            f"Up to {table['threshold']:.4g} the image is known; with a higher score it is {UNKNOWN}. Of images like "
            f"the {table['held_out_images']:,} held-out ones, at most {table['level']:.0%} have a higher score, with "
            f"{table['confidence']:.0%} confidence. How many other images have a higher score depends on how "
            f"much they resemble the classes. `score` in convscope.json has the thresholds of other levels."
            if table["level"] is not None
            else f"So few images were held out ({table['held_out_images']}) that no threshold can be promised."
        )
    ]
    if table["blank_score"] is not None:
        lines.append(f"An image of a single intensity, on which nothing is to be seen, has the score {BLANK_TEXT}.")
    if "quantized" in table:
        lines.append("Quantized files give other scores, and have thresholds of their own (`quantized`).")
    return (" ".join(lines),)


BLANK_TEXT = "10⁹"
