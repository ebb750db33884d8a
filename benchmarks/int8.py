"""What quantizing costs: bytes and accuracy of the int8 files of the presets, beside those of the float files.

    python benchmarks/int8.py [--runs FOLDER] [--presets quick,classic,accurate]

FOLDER has finished runs on MNIST, each in a folder named as its preset; others are trained first, with seed 0 and their
full recipes. The accuracy is measured on the 10,000 test images by `export --int8` itself. The memory for the tensors
of LiteRT files is computed from the files (tensor_memory.py). Writes docs/figures/int8.json, where presets that were
not measured stay.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from record import FIGURES, write
from tensor_memory import tensor_bytes

import convscope as cs

FORMATS = ("onnx", "litert")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--presets", default="quick,classic,accurate")
    chosen = parser.parse_args()
    path = FIGURES / "int8.json"
    rows = json.loads(path.read_text())["rows"] if path.is_file() else []
    with tempfile.TemporaryDirectory() as name:
        for preset in chosen.presets.split(","):
            folder = (chosen.runs or Path(name)).resolve() / preset
            run = cs.load_run(folder) if folder.is_dir() else cs.train("mnist", model=preset, seed=0, out=folder)
            rows = [row for row in rows if row["preset"] != preset] + measure(preset, run, Path(name))
            write("int8", {"rows": rows})


def measure(preset: str, run: cs.Run, folder: Path) -> list[dict]:
    """One row for each format."""
    exported = run.export(to=FORMATS, out=folder / f"{preset}-files", int8=True, max_loss=100)
    options = json.loads((run.folder / "run.json").read_text())["options"]
    rows = []
    for exact, small in zip(exported.files[::2], exported.files[1::2], strict=True):
        assert small.accuracy is not None
        row = {"preset": preset, "format": exact.format, "seed": options["seed"], "epochs": options["epochs"]}
        row |= {"bytes": exact.size_bytes, "int8_bytes": small.size_bytes, "runtime": exact.comparison.runtime}
        if small.format == "litert":
            row |= {"int8_tensor_bytes": tensor_bytes(small.path), "int8_tensor_bytes_of_classes": classes(small.path)}
        rows.append(row | small.accuracy.to_json())
        print(f"{preset} {exact.format}: {small.accuracy}")
    return rows


def classes(path: Path) -> int:
    """The memory without the score for unknown images, which is the last output."""
    return tensor_bytes(path, outputs=2)


if __name__ == "__main__":
    main()
