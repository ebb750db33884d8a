"""What networks answer for pictures on which nothing is to be seen: one intensity, noise, gradients.

    python benchmarks/nothing_seen.py RUN … [--each 200]

Counts the answers through the door of `predict`. Writes docs/figures/nothing_seen.json.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from record import write

from convscope.api.run import load_run

SEED = 77
SIDE = 28


def pictures(n: int, rng: np.random.Generator) -> dict[str, list[np.ndarray]]:
    """Grayscale pictures by kind."""
    shape, ramp = (n, SIDE, SIDE), np.linspace(0, 255, SIDE)
    angles = rng.uniform(0, 2 * np.pi, n)[:, None, None]
    inner = rng.integers(0, 256, (n, 20, 20))
    found = {
        "one intensity": np.broadcast_to(rng.integers(0, 256, (n, 1, 1)), shape),
        "uniform noise": rng.integers(0, 256, shape),
        "normal noise": rng.normal(127, 40, shape),
        "a tenth of the pixels white": np.where(rng.random(shape) < 0.1, 255, 0),
        "noise in a black frame": np.pad(inner, ((0, 0), (4, 4), (4, 4))),
        "gradients": np.cos(angles) * ramp + np.sin(angles) * ramp[:, None],
    }
    return {kind: list(np.clip(values, 0, 255).astype(np.uint8)) for kind, values in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--each", type=int, default=200)
    chosen = parser.parse_args()
    kinds = pictures(chosen.each, np.random.default_rng(SEED))
    rows = []
    for path in chosen.runs:
        run = load_run(path)
        rows.append({kind: dict(Counter(one.answer for one in run.predict(made))) for kind, made in kinds.items()})
    summary: dict[str, float] = {"networks": len(rows)}
    for kind in kinds:
        rates = [row[kind].get("class", 0) / chosen.each for row in rows]
        summary |= {f"{kind}, lowest": min(rates), f"{kind}, highest": max(rates)}
    write("nothing_seen", {"each": chosen.each, "seed": SEED, "summary": summary, "runs": rows})


if __name__ == "__main__":
    main()
