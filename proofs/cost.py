"""The cost of checkpoints: the fraction of the training time spent on them, measured during the training.

    python proofs/cost.py [--runs 5]

Full trainings of `quick` on MNIST with different seeds. Writes docs/figures/reliability-cost.json.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from convscope.api.train import train
from convscope.training.checkpoint import CheckpointManager
from convscope.training.options import TrainOptions


def main() -> None:
    sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
    from record import write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    spent: list[float] = []
    save = CheckpointManager.save

    def timed(*words: Any) -> None:
        started = time.perf_counter()
        save(*words)
        spent.append(time.perf_counter() - started)

    CheckpointManager.save = timed  # type: ignore[method-assign]
    runs = []
    for seed in range(parser.parse_args().runs):
        spent.clear()
        with tempfile.TemporaryDirectory() as folder:
            trained = train(TrainOptions(seed=seed), out=folder)
        seconds = trained.run.seconds["train"]
        runs.append({"seed": seed, "train_seconds": seconds, "checkpoints": len(spent), "spent_seconds": sum(spent)})
        print(runs[-1], flush=True)
    shares = [run["spent_seconds"] / run["train_seconds"] for run in runs]
    summary = {"n": len(runs), "share_median": statistics.median(shares), "share_worst": max(shares)}
    write("reliability-cost", {"summary": summary, "runs": runs})


if __name__ == "__main__":
    main()
