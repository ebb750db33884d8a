"""Time of whole commands, including start-up, and of loading MNIST.

    python benchmarks/cold.py

Medians of several runs in fresh processes. Writes docs/figures/cold.json.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from record import write

from convscope.data.mnist import load_part, load_parts

RUNS = 7


def seconds(command: list[str], folder: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    program = [str(Path(sys.executable).with_name("convscope"))]
    with tempfile.TemporaryDirectory() as folder:
        Image.fromarray(255 - load_part("test").pixels[0, :, :, 0]).resize((280, 280)).save(f"{folder}/digit.png")
        trainings = [seconds([*program, "train", "--out", f"run{turn}"], folder) for turn in range(3)]
        commands = {
            "help": ["--help"],
            "predict": ["predict", "digit.png", "--run", "run0"],
            "summary": ["summary", "classic"],
            "evaluate": ["evaluate", "run0"],
        }
        times = {name: [seconds([*program, *words], folder) for _ in range(RUNS)] for name, words in commands.items()}
    loads = []
    for _ in range(RUNS):
        began = time.perf_counter()
        load_parts("train", "test")
        loads.append(time.perf_counter() - began)
    times |= {"train": trainings, "load_mnist": loads}
    summary = {f"{name}_seconds": statistics.median(values) for name, values in times.items()}
    write("cold", {"summary": summary, "runs": times})


if __name__ == "__main__":
    main()
