"""How often the promises to hold for images like the held-out ones held on the test images.

    python benchmarks/guarantees.py [20]

Trains `quick` with seeds 0 to n - 1. From its own validation images, each network promises of images like these that at
most 1 % are rejected, that sets of classes hold the true one for 99 %, and that answers from a stated probability on
are right for 99.5 %. Writes docs/figures/guarantees.json.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

from record import write

from convscope.api.callbacks import Callbacks
from convscope.api.train import train

COVERED = (0.986, 0.993)
"""The band for the coverage of sets that promise 99 %."""


def measured(seed: int, folder: Path) -> dict[str, float]:
    """What one network promised, and what it gave."""
    found: dict[str, Any] = train("mnist", model="quick", seed=seed, out=folder, callbacks=Callbacks()).record.to_json()
    reliability = found["reliability"]
    sets = next(one for one in reliability["sets"] if (one["method"], one["coverage"]) == ("lac", 0.99))
    selective = reliability["selective"]
    return {
        "seed": seed,
        "accuracy": found["test"]["accuracy"]["rate"],
        "rejected": reliability["rejection"]["rejected"]["rate"],
        "covered": sets["covered"]["rate"],
        "classes in a set": sets["mean_size"],
        "answered": selective["answered"]["rate"],
        "answered correctly": selective["correct"]["rate"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seeds", type=int, nargs="?", default=20)
    chosen = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(chosen.seeds):
            rows.append(measured(seed, Path(folder) / str(seed)))
            print(rows[-1], flush=True)
    summary = {
        "seeds": len(rows),
        "rejected at most 1 %": sum(row["rejected"] <= 0.01 for row in rows),
        "most rejected": max(row["rejected"] for row in rows),
        "covered within the band": sum(COVERED[0] <= row["covered"] <= COVERED[1] for row in rows),
        "covered, lowest": min(row["covered"] for row in rows),
        "covered, highest": max(row["covered"] for row in rows),
        "answered": statistics.mean(row["answered"] for row in rows),
        "answered, fewest": min(row["answered"] for row in rows),
        "answered correctly, at least 99.5 %": sum(row["answered correctly"] >= 0.995 for row in rows),
        "answered correctly, lowest": min(row["answered correctly"] for row in rows),
    }
    write("guarantees", {"n": 10_000, "band": COVERED, "summary": summary, "runs": rows})
    print(summary)


if __name__ == "__main__":
    main()
