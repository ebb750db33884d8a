"""What lies beside the exported files: labels, contract, comparison, example images and README."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from convscope.api.exported import Export, ExportedFile
from convscope.arrays import Pixels
from convscope.evaluation.predict import predict
from convscope.exporting.contract import CONTRACT_FILE, readme
from convscope.exporting.formats import EXPORTERS
from convscope.exporting.photo import PHOTO_FILE
from convscope.exporting.score import OUTPUT, expected_scores
from convscope.model.model_file import Model

EXAMPLES = 2
PROOF_FILE = "proof.json"


def write_beside(
    folder: Path,
    model: Model,
    content: Mapping[str, Any],
    files: Sequence[ExportedFile],
    pixels: Pixels,
    source: str,
) -> None:
    """Write everything but the files themselves.

    Args:
        folder: The folder of the export.
        model: The network.
        content: The contract.
        files: The files, compared.
        pixels: uint8 ``(n, h, w, c)``; the first ones become the example images.
        source: Where the compared images came from.
    """
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in model.class_names), encoding="utf-8")
    examples = []
    predictions = predict(model, pixels[:EXAMPLES])
    scores = expected_scores(model, pixels[:EXAMPLES], predictions)
    for index, probabilities in enumerate(predictions.probabilities):
        name, shown = f"example_{index}.png", pixels[index]
        Image.fromarray(shown[..., 0] if shown.shape[-1] == 1 else shown).save(folder / name)
        best = int(probabilities.argmax())
        example = {"file": name, "class": model.class_names[best], "probabilities": probabilities.tolist()}
        examples.append(example | ({} if scores is None else {OUTPUT: float(scores[index])}))
    about = {one.path.name: _title(one) for one in files} | {
        "labels.txt": "the class names, in the order of the outputs",
        CONTRACT_FILE: "the contract: input, preprocessing, classes, temperature, thresholds, hash of the weights",
        PROOF_FILE: "how each file was compared with convscope",
        "example_0.png": "images whose expected outputs are in convscope.json",
    }
    hashes = {one.path.name: one.sha256 for one in files}
    _write_json(folder / CONTRACT_FILE, dict(content) | {"files": hashes, "examples": examples})
    proof = Export(folder, tuple(files), source).to_json()
    proof.pop("folder")
    _write_json(folder / PROOF_FILE, proof)
    (folder / "README.md").write_text(readme(model, content, about), encoding="utf-8")


def _title(file: ExportedFile) -> str:
    more = ", quantized to int8" if file.accuracy else ""
    return EXPORTERS[file.format].title + (", for images of any size" if file.path.name == PHOTO_FILE else more)


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
