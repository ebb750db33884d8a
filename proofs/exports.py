"""Random networks and the presets, exported to every format: each file gives the same probabilities in its own runtime.

    python proofs/exports.py [--count 200] [--only litert]

``photo`` is the ONNX file with the preprocessing inside, with random preprocessings, on images of other sizes.

C is compiled with all warnings as errors, for random networks also with the sanitizers for addresses and undefined
behavior. Random networks use every layer, option and activation; presets have random weights and are compared on 1,000
images. Writes docs/figures/reliability-exports.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

from harness import random_spec, random_weights  # noqa: E402
from record import FIGURES, write  # noqa: E402

from convscope.data.preprocess import FITS, POLARITIES, Preprocessing  # noqa: E402
from convscope.errors import ConvscopeError  # noqa: E402
from convscope.exporting.c_runtime import FLAGS, open_c  # noqa: E402
from convscope.exporting.compare import Comparison, compare  # noqa: E402
from convscope.exporting.formats import EXPORTERS  # noqa: E402
from convscope.exporting.onnx_runtime import open_onnx  # noqa: E402
from convscope.exporting.photo import PHOTO_FILE  # noqa: E402
from convscope.exporting.photo_model import compare_photos, mixed_pictures, photo_bytes  # noqa: E402
from convscope.model.model_file import Model  # noqa: E402
from convscope.model.presets import PRESETS, load_spec  # noqa: E402

SANITIZED = (*FLAGS, "-fsanitize=address,undefined", "-fno-sanitize-recover")
FIRST_SEED = 10_000
"""The tests use the seeds below it."""

FORMATS = ("onnx", "litert", "c", "photo")
"""Those that convscope writes itself."""

RANDOM_IMAGES, PRESET_IMAGES = 8, 1000


def networks(count: int) -> list[tuple[str, Model, int]]:
    """Name, network and number of images."""
    found = []
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        found.append((f"random {seed}", random_spec(np.random.default_rng(seed)), seed, RANDOM_IMAGES))
    for name in PRESETS:
        found.append((name, load_spec(name, input_shape=(28, 28, 1), num_classes=10), 0, PRESET_IMAGES))
    return [
        (
            name,
            Model(
                spec,
                random_weights(spec, seed=seed),
                tuple(f"class {k}" for k in range(spec.num_classes)),
                calibration={"temperature": 1.7},
            ),
            images,
        )
        for name, spec, seed, images in found
    ]


def compared(name: str, title: str, model: Model, images: int, folder: Path) -> Comparison:
    """Export a network, open the file, and compare it."""
    pixels = np.random.default_rng(0).integers(0, 256, (images, *model.spec.input_shape), np.uint8)
    if name == "photo":
        model = replace(model, preprocessing=random_preprocessing(title, model.spec.input_shape).to_json())
        (path := folder / PHOTO_FILE).write_bytes(photo_bytes(model, {}))
        opened = open_onnx(path, model.spec.input_shape, model.spec.num_classes)
        return compare_photos(opened, model, mixed_pictures(pixels))
    exporter = EXPORTERS[name]
    exporter.save(model, {}, path := folder / exporter.file_name)
    # presets are large and compared on many images, which sanitizers would slow down tenfold
    is_sanitized = name == "c" and title.startswith("random")
    opener = partial(open_c, flags=SANITIZED) if is_sanitized else exporter.open
    runtime = opener(path, model.spec.input_shape, model.spec.num_classes)
    try:
        return compare(runtime, model, pixels)
    finally:
        runtime.close()


def random_preprocessing(title: str, shape: tuple[int, int, int]) -> Preprocessing:
    """Any preprocessing that ONNX can express, always the same for a network."""
    rng = np.random.default_rng(sum(title.encode()))
    fit, polarity = rng.choice(list(FITS)), rng.choice(POLARITIES)
    return Preprocessing(*shape, fit=str(fit), polarity=str(polarity), background=int(rng.integers(256)))


def main() -> int:
    """Export everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--only", choices=FORMATS, help="this format; the others keep their figures")
    chosen = parser.parse_args()
    recorded = FIGURES / "reliability-exports.json"
    figures: dict[str, dict] = json.loads(recorded.read_text())["formats"] if chosen.only else {}
    for name in FORMATS if chosen.only is None else [chosen.only]:
        row = {"networks": 0, "images": 0, "same_class": 0, "largest_difference": 0.0, "failed": []}
        for title, model, images in networks(chosen.count):
            try:
                with tempfile.TemporaryDirectory() as folder:
                    found = compared(name, title, model, images, Path(folder))
            except ConvscopeError as error:
                row["failed"].append(f"{title}: {error}")
                continue
            row["networks"] += 1
            row["images"] += found.images
            row["same_class"] += found.same_class
            row["largest_difference"] = max(row["largest_difference"], found.largest_difference)
            row["runtime"] = found.runtime
        figures[name] = row
        print(name, row, flush=True)
    summary = {"random": chosen.count, "presets": len(PRESETS)}
    for name, row in figures.items():
        summary[name] = {key: value for key, value in row.items() if key != "failed"} | {"failed": len(row["failed"])}
    write("reliability-exports", {"formats": figures, "summary": summary})
    return int(any(row["failed"] for row in figures.values()))


if __name__ == "__main__":
    sys.exit(main())
