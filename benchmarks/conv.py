"""``convscope conv``: agreement with TensorFlow over random shapes, and run time.

    python benchmarks/conv.py --cases 5000

The cases are drawn as in the tests, with another seed. Writes docs/figures/conv.json.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from record import write

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from harness import check_sliding_window, random_sliding_window

RUNS = 11
SEED = 2026


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=5000)
    chosen = parser.parse_args()
    times = waits()
    rng, kinds, differing = np.random.default_rng(SEED), Counter(), []
    for _ in range(chosen.cases):
        made = random_sliding_window(rng)
        kinds[made.operation] += 1
        try:
            check_sliding_window(made)
        except AssertionError as error:
            differing.append(made.caption)
            print(error)
    summary = {f"{name}_seconds": statistics.median(values) for name, values in times.items()}
    summary |= {"cases": chosen.cases, "equal": chosen.cases - len(differing)}
    write("conv", {"summary": summary, "seed": SEED, "operations": dict(kinds), "differing": differing, "runs": times})


def waits() -> dict[str, list[float]]:
    """Time of whole commands in new processes, including start-up."""
    program = str(Path(sys.executable).with_name("convscope"))
    with tempfile.TemporaryDirectory() as folder:
        commands = {"printed": []} | {kind: ["--out", f"window.{kind}"] for kind in ("gif", "svg", "png", "html")}
        return {
            name: [seconds([program, "conv", *words], folder) for _ in range(RUNS)] for name, words in commands.items()
        }


def seconds(command: list[str], folder: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
