"""What lies beside an exported network: labels, the contract of its input, example images, and how to use it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from importlib import resources
from typing import Any

from convscope.evaluation.temperature import temperature_of
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
        "outputs": {"probabilities": "calibrated, each row sums to 1", "logits": "before the temperature"},
        "preprocessing": dict(model.preprocessing),
        "temperature": temperature_of(model.calibration),
        "weights_sha256": weights_sha256(model.weights),
    }


def metadata(content: Mapping[str, Any]) -> dict[str, str]:
    """The contract as the texts that go into every file."""
    return {
        f"convscope.{name}": value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in content.items()
    }


def snippets(model: Model) -> dict[str, str]:
    """Ten lines each of Python, JavaScript and C that classify one image of the network's input size."""
    h, w, c = model.spec.input_shape
    sizes = {"height": h, "width": w, "channels": c, "pixels": math.prod(model.spec.input_shape)}
    values = sizes | {"classes": model.spec.num_classes, "mode": "L" if c == 1 else "RGB"}
    folder = resources.files("convscope.exporting") / "snippets"
    found = {}
    for name in ("python", "javascript", "c"):
        text = (folder / f"{name}.txt").read_text(encoding="utf-8")
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
    blocks = [
        f"## {title}\n\n```{language}\n{code[key].rstrip()}\n```"
        for title, language, key, file in (
            ("Python, with onnxruntime", "python", "python", "model.onnx"),
            ("Browsers, with ONNX Runtime Web", "javascript", "javascript", "model.onnx"),
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
                "| file | what it is |\n|---|---|\n"
                + "\n".join(f"| `{name}` | {about} |" for name, about in files.items()),
                *blocks,
            ]
        )
        + "\n"
    )
