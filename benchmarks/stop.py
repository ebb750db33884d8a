"""Seconds from Ctrl-C to the prompt while images are read.

    python benchmarks/stop.py --folder photos [--times 10]

Each command is interrupted at random moments, after the first images have been read. Writes docs/figures/stop.json.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from large import link
from predict_folder import SRC, measure
from record import write

IMAGES = 60_000
COMMANDS = {
    "data": ["data", "many"],
    "data check": ["data", "check", "many"],
    "train": ["train", "many", "--out", "other", "--size", "64", "--cache", "cache"],
    "predict": ["predict", "many", "--recursive", "--run", "run", "--out", "t.csv"],
}


def stop(words: list[str], place: Path, after: float) -> float:
    """Start a command, interrupt it, and return the seconds until it has ended."""
    with subprocess.Popen(
        [sys.executable, "-m", "convscope", *words],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(SRC)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        time.sleep(after)
        if process.poll() is not None:
            raise SystemExit(f"convscope {' '.join(words)} ended before it was interrupted: {process.returncode}")
        began = time.perf_counter()
        process.send_signal(signal.SIGINT)
        code = process.wait(60)
        seconds = time.perf_counter() - began
    if code != 130:
        raise SystemExit(f"convscope {' '.join(words)}: status {code} after Ctrl-C")
    return seconds


def main() -> None:
    """Measure each command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="JPEG files in class folders")
    parser.add_argument("--times", type=int, default=10)
    given = parser.parse_args()
    rng = random.Random(0)
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(dir=given.folder.parent) as name:  # hard links do not cross file systems
        place = Path(name)
        link(sorted(given.folder.rglob("*.jpg")), place / "many", IMAGES)
        train = ["train", str(given.folder.resolve()), "--model", "quick", "--size", "64", "--epochs", "0.2"]
        measure([*train, "--out", "run", "--quiet"], place, SRC)
        for command, words in COMMANDS.items():
            seconds = [stop(words, place, rng.uniform(4, 10)) for _ in range(given.times)]
            found[command] = {"n": len(seconds), "median": statistics.median(seconds), "max": max(seconds)}
            print(command, found[command], flush=True)
    write("stop", {"images": IMAGES, "load_average": os.getloadavg()[1], "commands": found})


if __name__ == "__main__":
    main()
