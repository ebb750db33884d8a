"""Trials a minute of a sweep, against the same trainings one after another with as many threads as there are cores.

    python benchmarks/sweep.py --seeds 8 --rounds 1

The trainings are `quick` on MNIST with several seeds. ``commands`` is one `convscope train` after another, each with
all cores; it also draws figures and writes a page. ``one_process`` is a sweep with one process whose training has all
cores. The ways take turns. Writes docs/figures/sweep.json.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from record import write


def timed(*words: object, cwd: str) -> dict[str, float]:
    """Wall and processor seconds of one command with all its processes."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "convscope", *map(str, words)], cwd=cwd, check=True, capture_output=True)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"seconds": seconds, "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def commands(seeds: int, turn: int, cwd: str) -> dict[str, float]:
    """One command for each seed."""
    each = [
        timed("train", "--model", "quick", "--seed", seed, "--out", f"run-{turn}-{seed}", "-q", cwd=cwd)
        for seed in range(seeds)
    ]
    return {key: sum(one[key] for one in each) for key in each[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=1)
    chosen = parser.parse_args()
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    recipe = ("sweep", "mnist", "model=quick", "--seeds", chosen.seeds, "--quiet")
    ways = {
        "sweep": ("--processes", cores, "--threads", 1),
        "one_process": ("--processes", 1, "--threads", cores),
        "commands": (),
    }
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(chosen.rounds):
            for name, how in ways.items():
                measured = timed(*recipe, *how, "--out", f"{name}-{turn}", cwd=folder) if how else None
                rows[name].append(measured or commands(chosen.seeds, turn, folder))
                print(f"round {turn}: {name} {rows[name][-1]}", flush=True)
    seconds = {name: statistics.median(one["seconds"] for one in found) for name, found in rows.items()}
    cpu = {name: statistics.median(one["cpu_seconds"] for one in found) for name, found in rows.items()}
    summary: dict[str, float] = {"trials": chosen.seeds, "rounds": chosen.rounds}
    for name in ways:
        summary[f"{name}_trials_a_minute"] = 60 * chosen.seeds / seconds[name]
        summary[f"{name}_cpu_seconds"] = cpu[name]
    for name in ("one_process", "commands"):
        summary[f"sweep_over_{name}"] = seconds[name] / seconds["sweep"]
        summary[f"cpu_seconds_{name}_over_sweep"] = cpu[name] / cpu["sweep"]
    write("sweep", {"summary": summary, "cores": cores, "load_before": load, "rounds": rows})


if __name__ == "__main__":
    main()
