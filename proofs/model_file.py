"""Change every byte of a small model file, and truncate it everywhere: it must be refused, or give the same model.

    python proofs/model_file.py [--values 255] [--json]

Writes docs/figures/reliability-model-file.json, unless --json prints the results instead.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from convscope.data.preprocess import Preprocessing
from convscope.errors import ModelFileError
from convscope.model.model_file import Model, load_model, save_model
from convscope.model.spec_parser import parse

NETWORK = "Conv2D(2, 3, activation='relu')\nMaxPooling2D(2)\nFlatten()\nDense(num_classes, activation='softmax')"


@dataclass
class Outcome:
    """Counts over damaged files; the names are those in docs/figures."""

    size_bytes: int = 0
    changes: int = 0
    truncations: int = 0
    refused: int = 0
    identical: int = 0
    trouble: list[str] = field(default_factory=list)


def small_model() -> Model:
    """Three classes of 6×6 images, weights from a fixed seed."""
    spec = parse(NETWORK, input_shape=(6, 6, 1), num_classes=3)
    rng = np.random.default_rng(0)
    weights = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in spec.weight_shapes().items()}
    return Model(spec, weights, ("a", "b", "c"), Preprocessing(6, 6, 1).to_json(), {"temperature": 1.5}, {"seed": 0})


def same(one: Model, other: Model) -> bool:
    """Whether two models are equal, including their metadata."""
    plain = ("spec", "class_names", "preprocessing", "calibration", "provenance")
    if any(getattr(one, name) != getattr(other, name) for name in plain):
        return False
    return all(one.weights[name].tobytes() == other.weights[name].tobytes() for name in one.weights)


def prove(folder: Path, values: int) -> Outcome:
    """Try `values` other values for each byte (255 are all), and every truncation."""
    path = folder / "model.safetensors"
    model = small_model()
    save_model(model, path)
    content = path.read_bytes()
    outcomes = Outcome(size_bytes=len(content))

    def attempt(damaged: bytes, words: str) -> None:
        path.write_bytes(damaged)
        try:
            equal = same(load_model(path), model)
        except ModelFileError:
            outcomes.refused += 1
            return
        except Exception as error:
            outcomes.trouble.append(f"{words}: {type(error).__name__}: {error}")
            return
        outcomes.identical += equal
        if not equal:
            outcomes.trouble.append(f"{words}: read as another model")

    steps = sorted({1 + index * 255 // values for index in range(values)})
    for place, byte in enumerate(content):
        for step in steps:
            attempt(content[:place] + bytes([(byte + step) % 256]) + content[place + 1 :], f"byte {place} + {step}")
            outcomes.changes += 1
    for length in range(len(content)):
        attempt(content[:length], f"cut to {length} bytes")
        outcomes.truncations += 1
    return outcomes


def main() -> None:
    sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
    from record import write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", type=int, default=255)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        outcomes = prove(Path(folder), chosen.values)
    if chosen.json:
        print(json.dumps(asdict(outcomes)))
        return
    summary = {key: value for key, value in asdict(outcomes).items() if key != "trouble"}
    summary |= {"troubles": len(outcomes.trouble), "seconds": round(time.monotonic() - started)}
    write("reliability-model-file", {"summary": summary, "trouble": outcomes.trouble[:100]})


if __name__ == "__main__":
    main()
