"""Training time until the test accuracy first reaches 99.0 %: two published recipes and `quick`, in one run.

    python benchmarks/peers.py --torch path/of/a/python/with/torch

The baselines stop at the first epoch with a test accuracy of 99.0 %. This favors them, because nothing is averaged.
`quick` is measured over several seeds, before and after the baselines, and its mean accuracy must be 99.0 %. Writes
docs/figures/peers.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from record import FIGURES, write

from convscope.data.readers import load

HERE = Path(__file__).parent


def run(python: str, script: str, *arguments: object) -> dict:
    done = subprocess.run([python, HERE / script, *map(str, arguments)], capture_output=True, text=True, check=True)
    print(done.stdout, end="", flush=True)
    return json.loads(done.stdout.splitlines()[-1])


def quick(seeds: int) -> list[dict]:
    subprocess.run([sys.executable, HERE / "seeds.py", "quick", str(seeds), "--name", "peers-quick"], check=True)
    path = FIGURES / "peers-quick.json"
    runs = json.loads(path.read_text())["runs"]
    path.unlink()
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch", help="a Python in which torch is installed")
    parser.add_argument("--seeds", type=int, default=5)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        mnist = load("mnist")
        parts = {"train": mnist.train, "test": mnist.test}
        arrays = {f"x_{name}": part.pixels[..., 0] for name, part in parts.items()}
        np.savez(f"{folder}/mnist.npz", **arrays, **{f"y_{name}": part.labels for name, part in parts.items()})
        runs = quick(chosen.seeds)
        peers = {"keras": run(sys.executable, "peer_keras.py", f"{folder}/mnist.npz")}
        if chosen.torch:
            peers["torch"] = run(chosen.torch, "peer_torch.py", f"{folder}/mnist.npz")
        runs += quick(chosen.seeds)
    seconds = statistics.median(row["seconds"]["total"] for row in runs)
    summary = {"quick_seconds": seconds, "quick_accuracy": statistics.mean(row["accuracy"] for row in runs)}
    for name, peer in peers.items():
        summary |= {f"{name}_seconds": peer["seconds"], f"{name}_over_quick": peer["seconds"] / seconds}
    write("peers", {"summary": summary, "quick": runs, "peers": peers})


if __name__ == "__main__":
    main()
