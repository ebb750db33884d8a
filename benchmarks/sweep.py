"""Trials a minute of a sweep, against the same trainings one after another with as many threads as there are cores.

    python benchmarks/sweep.py --seeds 8 --rounds 2

The trainings are `quick` on MNIST with several seeds. ``one after another`` is a sweep with one process whose training
has all cores; ``commands`` is one `convscope train` for each seed, which also draws figures and writes a page. The ways
take turns. Writes docs/figures/sweep.json.
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--commands", action="store_true", help="also measure convscope train, once")
    chosen = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    recipe = ("sweep", "mnist", "model=quick", "--seeds", chosen.seeds, "--quiet")
    ways = {
        "sweep": ("--processes", cores, "--threads", 1),
        "one_after_another": ("--processes", 1, "--threads", cores),
    }
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(chosen.rounds):
            for name, how in ways.items():
                rows[name].append(timed(*recipe, *how, "--out", f"{name}-{turn}", cwd=folder))
                print(f"round {turn}: {name} {rows[name][-1]['seconds']:.1f} s", flush=True)
        if chosen.commands:
            each = [
                timed("train", "--model", "quick", "--seed", seed, "--out", f"run-{seed}", "-q", cwd=folder)
                for seed in range(chosen.seeds)
            ]
            rows["commands"] = [{key: sum(one[key] for one in each) for key in each[0]}]
            print(f"commands {rows['commands'][0]['seconds']:.1f} s", flush=True)
    seconds = {name: statistics.median(one["seconds"] for one in found) for name, found in rows.items()}
    cpu = {name: statistics.median(one["cpu_seconds"] for one in found) for name, found in rows.items()}
    summary = {f"{name}_trials_a_minute": 60 * chosen.seeds / value for name, value in seconds.items()}
    summary |= {f"{name}_cpu_seconds": value for name, value in cpu.items()}
    summary["sweep_over_one_after_another"] = seconds["one_after_another"] / seconds["sweep"]
    if chosen.commands:
        summary["sweep_over_commands"] = seconds["commands"] / seconds["sweep"]
    summary["trials"] = chosen.seeds
    summary["cpu_seconds_one_after_another_over_sweep"] = cpu["one_after_another"] / cpu["sweep"]
    write("sweep", {"summary": summary, "seeds": chosen.seeds, "load": os.getloadavg()[0], "rounds": rows})


if __name__ == "__main__":
    main()
