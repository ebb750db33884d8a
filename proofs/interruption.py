"""Trainings that are cut off, again and again, and what they end as.

    python proofs/interruption.py kill 1000 | SIGINT 100 | SIGTERM 100

Each training goes on after each cut until it has had `CUTS`, then to its end; its weights, its history and its
optimizer's state must be those of the training that nobody cut. Dropout, batch normalisation, augmentation, weight
averaging and a schedule are on. Writes docs/figures/reliability-*.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

TRAINER = Path(__file__).parent / "trainer.py"
CUTS = 10
SHARE_INSIDE = 0.5
LONGEST_WAIT = 0.5
"""Seconds after the first sign of a training step."""
LAST_OPERATION = 110
"""A checkpoint has some 33 operations of the disk: death comes in one of the first few checkpoints."""
PATIENCE = 120
NETWORK = """Conv2D(4, 5, strides=3, use_bias=False)
BatchNormalization()
ReLU()
Dropout(0.4)
Flatten()
Dense(num_classes, activation="softmax")
"""
WORDS = ("--data", "data.npz", "--model", "net.txt", "--epochs", "300", "--batch-size", "32", "--shift", "1")
WORDS += ("--rotate", "5", "--average", "0.5", "--json")
EXITS = {"SIGINT": 130, "SIGTERM": 143}


@dataclass
class Found:
    """What happened to some trainings."""

    cuts: int = 0
    inside: int = 0
    trainings: int = 0
    identical: int = 0
    exits_wrong: int = 0
    seconds_to_exit: list[float] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)


def prepare(folder: Path) -> None:
    """Data and network, small enough that a process is mostly its own start."""
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 3
    pixels = rng.integers(0, 90, (240, 14, 14), np.uint8)
    for index, label in enumerate(labels):
        pixels[index, 4 * label : 4 * label + 4] += 120
    np.savez(folder / "data.npz", x_train=pixels, y_train=labels, x_test=pixels[:60], y_test=labels[:60])
    (folder / "net.txt").write_text(NETWORK, encoding="utf-8")


def is_begun(folder: Path, run: str) -> bool:
    """Whether there is a checkpoint to go on from."""
    return any((folder / run / "checkpoints").glob("step-*"))


def start(folder: Path, run: str, *, die_at: int = 0) -> subprocess.Popen[str]:
    """A trainer in a process of its own; it goes on where the run has begun."""
    words = ("--resume", run, "--json") if is_begun(folder, run) else (*WORDS, "--out", run)
    return subprocess.Popen(
        [sys.executable, str(TRAINER), str(die_at), "train", *words],
        cwd=folder, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def outcome(folder: Path, run: str) -> str:
    """Train to the end; one string for the weights and the history."""
    if is_begun(folder, run) or not (folder / run / "run.json").is_file():
        process = start(folder, run)
        _, error = process.communicate(timeout=PATIENCE)
        if process.returncode:
            return f"exit {process.returncode}: {error[-300:]}"
    return outcome_of(folder, run)


def outcome_of(folder: Path, run: str) -> str:
    """One string for the weights, the history and the optimizer's state of a training that has come to its end."""
    record = json.loads((folder / run / "run.json").read_text(encoding="utf-8"))
    state = (folder / f"{run}.state").read_text(encoding="utf-8")
    whole = json.dumps([record["weights_sha256"], record["history"], state])
    return hashlib.sha256(whole.encode()).hexdigest()


def cut_by_kill(folder: Path, run: str, rng: random.Random, found: Found) -> None:
    """SIGKILL: from inside a checkpoint's writing, or at a random moment from outside."""
    inside = rng.random() < SHARE_INSIDE
    process = start(folder, run, die_at=rng.randint(1, LAST_OPERATION) if inside else 0)
    if not inside:
        _wait_for_steps(process)
        time.sleep(rng.random() * LONGEST_WAIT)
        process.kill()
    _, error = process.communicate(timeout=PATIENCE)
    if process.returncode == -signal.SIGKILL:
        found.cuts += 1
        found.inside += inside
    elif process.returncode:
        found.trouble.append(f"exit {process.returncode}: {error[-300:]}")


def cut_by_signal(folder: Path, run: str, rng: random.Random, found: Found, name: str) -> None:
    """SIGINT or SIGTERM at a random moment: it must end by itself, soon, with the exit status of the signal."""
    process = start(folder, run)
    _wait_for_steps(process)
    time.sleep(rng.random() * LONGEST_WAIT)
    began = time.monotonic()
    process.send_signal(signal.Signals[name])
    _, error = process.communicate(timeout=PATIENCE)
    if process.returncode == 0:
        return
    found.cuts += 1
    found.seconds_to_exit.append(round(time.monotonic() - began, 3))
    if process.returncode != EXITS[name]:
        found.exits_wrong += 1
        found.trouble.append(f"exit {process.returncode}: {error[-300:]}")


def one_training(folder: Path, run: str, seed: int, kind: str, wanted: str, cuts: int) -> Found:
    """Cut one training off `cuts` times, then let it end."""
    rng, found = random.Random(seed), Found(trainings=1)
    while found.cuts < cuts and not (folder / run / "run.json").is_file():
        before = found.cuts
        if kind == "kill":
            cut_by_kill(folder, run, rng, found)
        else:
            cut_by_signal(folder, run, rng, found, kind)
        if found.cuts == before:
            break
    ended = outcome(folder, run)
    found.identical = int(ended == wanted)
    if ended != wanted:
        found.trouble.append(f"{run}, seed {seed}: {ended}")
    return found


def prove(
    kind: str, cuts: int, *, seed: int = 0, at_once: int = 2, each: int = CUTS, report: Callable[[Found], None] = print
) -> Found:
    """Cut trainings off until there were as many cuts as asked for; `report` hears of all so far, again and again."""
    total = Found()
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(at_once) as pool:
        folder = Path(name)
        prepare(folder)
        wanted = outcome(folder, "whole")
        if wanted.startswith("exit"):
            raise SystemExit(wanted)
        number = 0
        while total.cuts < cuts and not total.trouble:
            count = min(at_once, -(-(cuts - total.cuts) // each))
            seeds = range(seed + number, seed + number + count)
            number += count
            for found in pool.map(lambda s: one_training(folder, f"run{s}", s, kind, wanted, min(each, cuts)), seeds):
                for key, value in asdict(found).items():
                    setattr(total, key, getattr(total, key) + value)
            report(total)
    return total


def _wait_for_steps(process: subprocess.Popen[str]) -> None:
    for line in process.stderr or ():
        if line.startswith("step "):
            return


def main() -> None:
    sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
    from record import write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["kill", *EXITS])
    parser.add_argument("cuts", type=int)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    began = time.monotonic()

    def report(found: Found) -> None:
        summary = {key: value for key, value in asdict(found).items() if key not in ("seconds_to_exit", "trouble")}
        if times := found.seconds_to_exit:
            summary |= {"exit_seconds_median": statistics.median(times), "exit_seconds_worst": max(times)}
        summary["seconds"] = round(time.monotonic() - began)
        write(f"reliability-{chosen.kind.lower()}", {"summary": summary, "trouble": found.trouble})
        print(f"{chosen.kind}: {found.cuts} cuts, {found.identical} of {found.trainings} identical", flush=True)

    prove(chosen.kind, chosen.cuts, seed=chosen.seed, report=report)


if __name__ == "__main__":
    main()
