"""Random models, saved by several versions of Keras: each file gives the same predictions, or is refused by name.

    python proofs/keras_versions.py [--count 60] [--folder FOLDER] [--only "Keras 2.12"] [--pack]

Each version has an environment of its own below the folder (by default in the temporary folder, 1.5 GB each), which
is made when it is not there. Writes docs/figures/reliability-keras-versions.json; with --pack, a few of the files into
tests/cases/keras-versions.zip, which the test suite reads.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests" / "model"), str(ROOT / "benchmarks")]

from keras_comparison import EQUAL, REFUSED, WRONG, compare_folder  # noqa: E402
from record import write  # noqa: E402

MAKER = ROOT / "tests" / "model" / "keras_models.py"
VERSIONS = {
    "Keras 2.12": ("tensorflow-cpu==2.12.*", "numpy<2"),
    "Keras 2.13": ("tensorflow-cpu==2.13.*", "numpy<2"),
    "Keras 2.14": ("tensorflow-cpu==2.14.*", "numpy<2"),
    "Keras 2.15": ("tensorflow-cpu==2.15.*", "numpy<2"),
    "Keras 3.0": ("tensorflow-cpu==2.16.*", "keras==3.0.*", "numpy<2"),
    "Keras 3.5": ("tensorflow-cpu==2.17.*", "keras==3.5.*", "numpy<2"),
    "Keras 3.10": ("tensorflow-cpu==2.19.*", "keras==3.10.*"),
    "Keras 3.15": (),
}
"""What is installed for each version; nothing for the one that convscope uses. TensorFlow 2.12 needs Python 3.11."""

OLDEST_PYTHON = "python3.11"

PACKED = ROOT / "tests" / "cases" / "keras-versions.zip"
PACKED_VERSIONS = ("Keras 2.12", "Keras 2.14", "Keras 2.15", "Keras 3.0", "Keras 3.5", "Keras 3.15")
PACKED_MODELS = ("006", "015", "018", "034", "035", "046")
"""Small ones: two models in a model, no channel, a branch, hard_sigmoid, statistics among the weights."""


def python_of(version: str, folder: Path) -> str:
    """The interpreter of a version; its environment is made if it is not there."""
    packages = VERSIONS[version]
    if not packages:
        return sys.executable
    place = folder / version.replace(" ", "-")
    python = place / "bin" / "python"
    if not (place / "made").exists():
        shutil.rmtree(place, ignore_errors=True)
        base = shutil.which(OLDEST_PYTHON) or sys.executable
        subprocess.run([base, "-m", "venv", place], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-cache-dir", *packages], check=True)
        (place / "made").touch()
    return str(python)


def prove(version: str, folder: Path, count: int) -> dict[str, Any]:
    """Save the models in one version, and compare each file."""
    models = folder / f"models-{version.replace(' ', '-')}"
    shutil.rmtree(models, ignore_errors=True)
    command = [python_of(version, folder), str(MAKER), str(models), "--count", str(count)]
    subprocess.run(command, check=True, capture_output=True, timeout=3600)
    keras, found, failed = compare_folder(models)
    outcomes = Counter(one.outcome for one in found)
    return {
        "version": version,
        "keras": keras,
        "models": count,
        "files": len(found),
        "not_saved": failed,
        "equal": outcomes[EQUAL],
        "refused": outcomes[REFUSED],
        "wrong": outcomes[WRONG],
        "refused_of_the_vocabulary": sum(one.outcome == REFUSED and not one.odd for one in found),
        "by_format": {
            ending: dict(Counter(one.outcome for one in found if one.ending == ending))
            for ending in sorted({one.ending for one in found})
        },
        "reasons": sorted({_short(one.reason) for one in found if one.outcome == REFUSED}),
        "wrong_files": [f"{one.file}: {one.reason}" for one in found if one.outcome == WRONG],
        "worst": max((float(one.reason) for one in found if one.outcome == EQUAL), default=0.0),
    }


def _short(reason: str) -> str:
    """The refusal without the file's path and the hint."""
    return reason.split(": ", 1)[1].split(". ")[0][:200]


def pack(folder: Path) -> None:
    """Some of the models of some versions, each with two images, as one archive."""
    with zipfile.ZipFile(PACKED, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for version in PACKED_VERSIONS:
            models = folder / f"models-{version.replace(' ', '-')}"
            index = json.loads((models / "index.json").read_text())
            index["models"] = [model for model in index["models"] if model["name"] in PACKED_MODELS]
            contents = {"index.json": json.dumps(index).encode()}
            for model in index["models"]:
                contents |= {name: (models / name).read_bytes() for name in model["files"].values()}
                stored, short = np.load(models / f"{model['name']}.npz"), io.BytesIO()
                np.savez(short, images=stored["images"][:2], expected=stored["expected"][:2])
                contents[f"{model['name']}.npz"] = short.getvalue()
            for name, content in contents.items():
                archive.writestr(zipfile.ZipInfo(f"{version.replace(' ', '-')}/{name}"), content, zipfile.ZIP_DEFLATED)


def main() -> int:
    """Every version, one after the other."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "convscope-keras-versions")
    parser.add_argument("--only", choices=VERSIONS)
    parser.add_argument("--pack", action="store_true")
    options = parser.parse_args()
    results = []
    for version in [options.only] if options.only else VERSIONS:
        results.append(prove(version, options.folder, options.count))
        print(json.dumps({key: value for key, value in results[-1].items() if key != "reasons"}))
    total = {key: sum(result[key] for result in results) for key in ("files", "equal", "refused", "wrong", "not_saved")}
    total |= {"models": options.count, "versions": len(results), "worst": max(result["worst"] for result in results)}
    total["refused_of_the_vocabulary"] = sum(result["refused_of_the_vocabulary"] for result in results)
    if not options.only:
        write("reliability-keras-versions", {"summary": total, "versions": results})
    if options.pack:
        pack(options.folder)
    return 1 if total["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
