"""Export a trained network to files that run elsewhere, each opened by its own runtime and compared first."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from convscope import __version__
from convscope.api.run import Run, load_run
from convscope.api.run_data import part_of_run
from convscope.arrays import Pixels
from convscope.errors import DataError, OptionError, RunError
from convscope.evaluation.predict import predict
from convscope.exporting.compare import TOLERANCE, Comparison, compare
from convscope.exporting.contract import CONTRACT_FILE, contract, metadata, readme
from convscope.exporting.formats import EXPORTERS
from convscope.markup import table
from convscope.model.model_file import Model, self_test_images
from convscope.model.reference import REFERENCE_FILE, read_reference

COMPARED = 1000
"""Test images that each file is compared on."""

EXAMPLES = 2
RANDOM_IMAGES = 32
FOLDER = "export"
PROOF_FILE = "proof.json"


@dataclass(frozen=True)
class ExportedFile:
    """A file that was written and compared.

    Attributes:
        format: A key of `exporting.formats.EXPORTERS`.
        path: The file.
        size_bytes: Of the file.
        sha256: Of its bytes, in hex.
        comparison: How it answers in its own runtime, beside convscope.
    """

    format: str
    path: Path
    size_bytes: int
    sha256: str
    comparison: Comparison

    def row(self) -> tuple[str, ...]:
        """The file as a row of the table that is printed."""
        one = self.comparison
        return (
            self.path.name,
            f"{self.size_bytes:,}",
            one.runtime,
            f"{one.images:,}",
            f"{one.largest_difference:.1g}",
            f"{one.same_class:,} of {one.images:,}",
        )


COLUMNS = ("file", "bytes", "opened by", "images", "largest difference", "same class")


@dataclass(frozen=True)
class Export:
    """The files of an export.

    Attributes:
        folder: Where they are.
        files: One for each format.
        images: Where the compared images came from.
    """

    folder: Path
    files: tuple[ExportedFile, ...]
    images: str

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "folder": str(self.folder),
            "tolerance": TOLERANCE,
            "images": self.images,
            "files": [
                {"format": one.format, "file": one.path.name, "size_bytes": one.size_bytes, "sha256": one.sha256}
                | one.comparison.to_json()
                for one in self.files
            ],
        }

    def _repr_html_(self) -> str:
        return table(
            COLUMNS, [[escape(cell) for cell in one.row()] for one in self.files], caption=f"Exported to {self.folder}"
        )


def export(
    run: Run | str | Path | None = None, *, to: str | Sequence[str] = "onnx", out: str | Path | None = None
) -> Export:
    """Export a network to one or more formats.

    The input of each file is the image as uint8; scaling and calibration are inside. Each file is opened by its own
    runtime and compared with convscope on the test images before it is published; beside it lie ``labels.txt``, the
    contract ``convscope.json``, ``proof.json`` with the comparison, two example images and a README.

    Args:
        run: A run or its folder; None takes the newest below ``runs/``.
        to: Formats: ``onnx``, ``litert`` or ``c``; several as a sequence, or with commas between them.
        out: The folder; None takes ``export`` in the run folder. An earlier export in it is replaced.

    Returns:
        What was written.

    Raises:
        OptionError: There is no such format, or the folder holds other files.
        MissingExtraError: A runtime is not installed.
        SpecError: The network cannot be expressed in the format.
        RunError: A file differs beyond the tolerance, or cannot be written. Nothing is published.
    """
    formats = _formats(to)
    for name in formats:
        EXPORTERS[name].check()
    run = load_run(run)
    folder = Path(out) if out is not None else run.folder / FOLDER
    _check_folder(folder, run)
    model = run.model
    pixels, source = _images(run)
    about = {
        "run": run.name,
        "data": str(run.record.data.get("source", run.record.options.data)),
        "convscope": __version__,
    }
    content = contract(model, about | _license(run))
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        draft.chmod(0o755)
        files = [_export_one(name, model, content, pixels, draft) for name in formats]
        _write_beside(draft, model, content, files, pixels, source)
        if folder.exists():
            shutil.rmtree(folder)
        draft.rename(folder)
    except OSError as error:
        raise RunError(f"The export could not be written ({error.strerror}).", hint="Free some disk space.") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    published = tuple(
        ExportedFile(one.format, folder / one.path.name, one.size_bytes, one.sha256, one.comparison) for one in files
    )
    return Export(folder, published, source)


def _formats(to: str | Sequence[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(one.strip() for one in (to.split(",") if isinstance(to, str) else to)))
    unknown = [name for name in names if name not in EXPORTERS]
    if unknown or not names:
        raise OptionError(f"Expected formats out of {', '.join(EXPORTERS)}. Received: to={to!r}.")
    return names


def _check_folder(folder: Path, run: Run) -> None:
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"Expected a folder to export to. Received: {folder}, which is a file.")
    is_empty = not folder.is_dir() or not any(folder.iterdir())
    is_run = folder.is_dir() and folder.resolve() == run.folder.resolve()
    if is_run or not (is_empty or (folder / CONTRACT_FILE).is_file()):
        raise OptionError(
            f"Expected an empty folder, or an earlier export to replace. Received: {folder}, which holds other files.",
            hint="Name another folder: --out exported",
        )


def _images(run: Run) -> tuple[Pixels, str]:
    """The images that files are compared on, and where they are from."""
    model = run.model
    shape = model.spec.input_shape
    given = [np.rint(self_test_images(model.spec) * 255).astype(np.uint8)]
    given.append(np.random.default_rng(0).integers(0, 256, (RANDOM_IMAGES, *shape), np.uint8))
    if (run.folder / REFERENCE_FILE).exists():
        reference = read_reference(run.folder / REFERENCE_FILE, model.spec)
        given.append(np.rint(reference.images * 255).astype(np.uint8))
    part = "test" if run.test else "validation"
    try:
        dataset = part_of_run(run, part)
        chosen = np.arange(min(len(dataset), COMPARED))
        given.insert(0, np.asarray(dataset.pixels[chosen]))
        source = f"{len(chosen):,} {part} images, and {sum(map(len, given[1:]))} of waves and noise"
    except DataError as error:
        source = f"waves and noise, because the data could not be read: {error}"
    return np.concatenate(given), source


def _license(run: Run) -> dict[str, str]:
    if run.record.options.data == "mnist":
        return {"data_license": "MNIST by Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0"}
    return {}


def _export_one(name: str, model: Model, content: Mapping[str, Any], pixels: Pixels, folder: Path) -> ExportedFile:
    exporter = EXPORTERS[name]
    path = folder / exporter.file_name
    written = exporter.write(model, metadata(content))
    path.write_bytes(written)
    runtime = exporter.open(path, model.spec.input_shape, model.spec.num_classes)
    try:
        comparison = compare(runtime, model, pixels[: exporter.compared(model, len(pixels))])
    finally:
        runtime.close()
    return ExportedFile(name, path, len(written), hashlib.sha256(written).hexdigest(), comparison)


def _write_beside(
    folder: Path,
    model: Model,
    content: Mapping[str, Any],
    files: Sequence[ExportedFile],
    pixels: Pixels,
    source: str,
) -> None:
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in model.class_names), encoding="utf-8")
    examples = []
    for index, probabilities in enumerate(predict(model, pixels[:EXAMPLES]).probabilities):
        name, shown = f"example_{index}.png", pixels[index]
        Image.fromarray(shown[..., 0] if shown.shape[-1] == 1 else shown).save(folder / name)
        best = int(probabilities.argmax())
        examples.append({"file": name, "class": model.class_names[best], "probabilities": probabilities.tolist()})
    about = {one.path.name: EXPORTERS[one.format].title for one in files} | {
        "labels.txt": "the class names, in the order of the outputs",
        CONTRACT_FILE: "the contract: input, preprocessing, classes, temperature, hash of the weights",
        PROOF_FILE: "how each file was compared with convscope",
        "example_0.png": "images whose expected outputs are in convscope.json",
    }
    hashes = {one.path.name: one.sha256 for one in files}
    _write_json(folder / CONTRACT_FILE, dict(content) | {"files": hashes, "examples": examples})
    proof = Export(folder, tuple(files), source).to_json()
    proof.pop("folder")
    _write_json(folder / PROOF_FILE, proof)
    (folder / "README.md").write_text(readme(model, content, about), encoding="utf-8")


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
