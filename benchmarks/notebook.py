"""Run time of the lesson notebook, including kernel start and training.

    python benchmarks/notebook.py

Writes docs/figures/notebook.json.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
from pathlib import Path

from record import write

RUNS = 3
SCRIPT = Path(__file__).parent.parent / "scripts" / "notebook"


def main() -> None:
    seconds = []
    for _ in range(RUNS):
        done = subprocess.run([sys.executable, SCRIPT], check=True, capture_output=True, text=True)
        seconds.append(float(re.fullmatch(r"(\d+) s\n", done.stdout)[1]))
    summary = {"n": RUNS, "seconds_median": statistics.median(seconds), "seconds_max": max(seconds)}
    write("notebook", {"summary": summary, "runs": seconds})


if __name__ == "__main__":
    main()
