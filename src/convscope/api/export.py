"""Export a trained network to files that run elsewhere, each opened by its own runtime and compared first."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from convscope import __version__
from convscope.api.export_folder import write_beside
from convscope.api.export_images import Int8Images, compared_images, int8_images
from convscope.api.exported import Export, ExportedFile
from convscope.api.run import Run, load_run
from convscope.arrays import Labels, Pixels
from convscope.errors import OptionError, RunError
from convscope.exporting.companion import ExportedRun
from convscope.exporting.companions import COMPANIONS
from convscope.exporting.compare import Comparison, compare, differences
from convscope.exporting.contract import CONTRACT_FILE, contract, metadata, photo_contract
from convscope.exporting.exporter import Exporter, Runtime
from convscope.exporting.formats import EXPORTERS
from convscope.exporting.int8_accuracy import MAX_LOSS, classes, loss, quantized_table
from convscope.exporting.photo import PHOTO_FILE, check_photo
from convscope.exporting.photo_model import compare_photos, mixed_pictures, photo_bytes
from convscope.exporting.score import OUTPUT
from convscope.model.model_file import Model

FOLDER = "export"


def export(
    run: Run | str | Path | None = None,
    *,
    to: str | Sequence[str] = "onnx",
    out: str | Path | None = None,
    int8: bool = False,
    photo: bool = False,
    max_loss: float = MAX_LOSS,
) -> Export:
    """Export a network to one or more formats.

    The input of each file is the image as uint8; scaling and calibration are inside. Each file is opened by its own
    runtime and compared with convscope on the test images before it is published; beside it lie ``labels.txt``, the
    contract ``convscope.json``, ``proof.json`` with the comparison, two example images and a README.

    Args:
        run: A run or its folder; None takes the newest below ``runs/``.
        to: Formats, as a sequence or with commas between them: ``onnx``, ``litert``, ``c``, ``keras``, ``saved_model``;
            and what lies beside files for a place: ``hub`` (model card), ``mlflow``, ``container``.
        out: The folder; None takes ``export`` in the run folder. An earlier export in it is replaced.
        int8: Whether to write a quantized file beside each file of ONNX and LiteRT, calibrated on training images.
        photo: Whether to write a second ONNX file, ``model-photo.onnx``, whose input is an image of any size: the
            preprocessing of the network is inside. MNIST's framing of digits cannot be.
        max_loss: Percentage points of accuracy on the test split that a quantized file may lose.

    Returns:
        What was written.

    Raises:
        OptionError: There is no such format, none that can be quantized, the preprocessing cannot be part of a file, or
            the folder holds other files.
        MissingExtraError: A runtime is not installed.
        SpecError: The network cannot be expressed in the format.
        RunError: A file differs beyond the tolerance, loses too much accuracy, or cannot be written. Nothing is
            published.
    """
    formats = _formats(to)
    files_of = _needed(formats)
    _check_int8(files_of, int8, max_loss)
    for name in files_of:
        EXPORTERS[name].check()
    run = load_run(run)
    if photo:
        _check_photo(files_of, run.model)
    folder = Path(out) if out is not None else run.folder / FOLDER
    _check_folder(folder, run)
    model = run.model
    pixels, source = compared_images(run)
    quantizing = int8_images(run) if int8 else None
    content = contract(model, _about(run))
    draft = _draft_of(folder)
    try:
        draft.chmod(0o755)
        job = _Job(model, content, pixels, quantizing, max_loss, draft)
        files = [file for name in files_of for file in _export_one(name, job)] + ([_photo(job)] if photo else [])
        if quantized := {one.path.name: one.score for one in files if one.score is not None}:
            content[OUTPUT] |= {"quantized": quantized}
        write_beside(draft, model, content, files, pixels, source)
        exported = ExportedRun(run.folder, run.record, model, content)
        for name in formats:
            if name in COMPANIONS:
                COMPANIONS[name].write(draft, exported)
        if folder.exists():
            shutil.rmtree(folder)
        draft.rename(folder)
    except OSError as error:
        raise RunError(f"The export could not be written ({error.strerror}).", hint="Free some disk space.") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Export(folder, tuple(replace(one, path=folder / one.path.name) for one in files), source)


def _formats(to: str | Sequence[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(one.strip() for one in (to.split(",") if isinstance(to, str) else to)))
    known = EXPORTERS | COMPANIONS
    if not names or not set(names) <= set(known):
        raise OptionError(f"Expected formats out of {', '.join(known)}. Received: to={to!r}.")
    return names


def _needed(formats: Sequence[str]) -> tuple[str, ...]:
    """The formats that files are written for: those asked for, and those that a companion needs."""
    needed = [name for one in formats if one in COMPANIONS for name in COMPANIONS[one].needs]
    return tuple(dict.fromkeys([*(name for name in formats if name in EXPORTERS), *needed]))


def _check_int8(formats: Sequence[str], int8: bool, max_loss: float) -> None:
    possible = [name for name, exporter in EXPORTERS.items() if exporter.write_int8]
    if int8 and not set(formats) & set(possible):
        raise OptionError(
            f"Expected a format that can be quantized: {' or '.join(possible)}. Received: int8=True with "
            f"to={','.join(formats)!r}."
        )
    if not 0 <= max_loss <= 100:
        raise OptionError(f"max_loss must be from 0 to 100 percentage points. Received: max_loss={max_loss!r}.")


def _check_photo(formats: Sequence[str], model: Model) -> None:
    if "onnx" not in formats:
        raise OptionError(
            f"Expected onnx among the formats of photo=True. Received: to={','.join(formats)!r}.",
            hint="Add it: --to onnx --photo",
        )
    check_photo(model.preprocessing)


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


def _draft_of(folder: Path) -> Path:
    """A new folder beside the one to export to."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise RunError(
            f"Expected a folder that can be written to. Received: {folder} ({error.strerror}).",
            hint="Name another folder: --out exported",
        ) from None


def _about(run: Run) -> dict[str, str]:
    """Where the network comes from, for the contract."""
    data = str(run.record.data.get("source", run.record.options.data))
    return {"run": run.name, "data": data, "convscope": __version__} | _license(run)


def _license(run: Run) -> dict[str, str]:
    if run.record.options.data == "mnist":
        return {"data_license": "MNIST by Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0"}
    return {}


@dataclass(frozen=True, eq=False)
class _Job:
    """What every format of an export is made from."""

    model: Model
    content: Mapping[str, Any]
    pixels: Pixels
    quantizing: Int8Images | None
    max_loss: float
    folder: Path


def _export_one(name: str, job: _Job) -> list[ExportedFile]:
    """The file of a format, and its quantized file if there is to be one."""
    exporter, texts = EXPORTERS[name], metadata(job.content)
    shown = job.pixels[: exporter.compared(job.model, len(job.pixels))]
    path = job.folder / exporter.file_name
    exporter.save(job.model, texts, path)
    with _opened(exporter, job, path) as runtime:
        files = [_file(name, path, compare(runtime, job.model, shown))]
        if exporter.write_int8 is None or job.quantizing is None:
            return files
        exact = classes(runtime, job.quantizing.test)
    return [*files, _export_int8(name, job, shown, exact)]


def _export_int8(name: str, job: _Job, shown: Pixels, exact: Labels) -> ExportedFile:
    """The quantized file of a format, with thresholds of its own."""
    exporter, quantizing = EXPORTERS[name], job.quantizing
    assert exporter.write_int8 is not None and quantizing is not None
    path, table = job.folder / exporter.int8_file_name, None
    if OUTPUT in job.content and quantizing.validation is not None:
        path.write_bytes(exporter.write_int8(job.model, {}, quantizing.calibration))
        with _opened(exporter, job, path) as runtime:
            table = quantized_table(runtime, job.model, quantizing.validation)
    texts = metadata(dict(job.content) | ({} if table is None else {OUTPUT: table}))
    path.write_bytes(exporter.write_int8(job.model, texts, quantizing.calibration))
    with _opened(exporter, job, path) as runtime:
        found = differences(runtime, job.model, shown, table=table)
        test = quantizing.test
        lost = loss(test.labels, exact, classes(runtime, test), file=path.name, max_loss=job.max_loss)
    return replace(_file(name, path, found), accuracy=lost, score=table)


def _photo(job: _Job) -> ExportedFile:
    """The ONNX file whose input is an image of any size."""
    path = job.folder / PHOTO_FILE
    path.write_bytes(photo_bytes(job.model, metadata(photo_contract(job.content))))
    with _opened(EXPORTERS["onnx"], job, path) as runtime:
        return _file("onnx", path, compare_photos(runtime, job.model, mixed_pictures(job.pixels)))


@contextmanager
def _opened(exporter: Exporter, job: _Job, path: Path) -> Iterator[Runtime]:
    """A file opened in its own runtime."""
    runtime = exporter.open(path, job.model.spec.input_shape, job.model.spec.num_classes)
    try:
        yield runtime
    finally:
        runtime.close()


def _file(name: str, path: Path, comparison: Comparison) -> ExportedFile:
    """The size and hash of a file, or of all files of a folder in the order of their names."""
    parts = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    digest, size = hashlib.sha256(), 0
    for part in parts:
        content = part.read_bytes()
        digest.update(content)
        size += len(content)
    return ExportedFile(name, path, size, digest.hexdigest(), comparison)
