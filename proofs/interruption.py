"""Interrupt trainings again and again, resume them, and compare the results with an uninterrupted training.

    python proofs/interruption.py kill 1000 | SIGINT 100 | SIGTERM 100

Each training is resumed after each interruption until it has had `INTERRUPTIONS`, then trained to its end. Weights,
history and optimizer state must equal those of the uninterrupted training. Dropout, batch normalization, augmentation,
weight averaging and a schedule are on. Writes docs/figures/reliability-*.json.
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
INTERRUPTIONS = 10
FRACTION_INSIDE = 0.5
"""Fraction of the kills at a disk operation of a checkpoint."""

MAX_WAIT = 0.5
"""Seconds after the first training step."""

LAST_OPERATION = 110
"""A checkpoint has about 33 disk operations, so the process dies in one of the first checkpoints."""

TIMEOUT = 120
NETWORK = """Conv2D(4, 5, strides=3, use_bias=False)
BatchNormalization()
ReLU()
Dropout(0.4)
Flatten()
Dense(num_classes, activation="softmax")
"""
OPTIONS = ("--data", "data.npz", "--model", "net.txt", "--epochs", "300", "--batch-size", "32", "--shift", "1")
OPTIONS += ("--rotate", "5", "--average", "0.5", "--json")
EXITS = {"SIGINT": 130, "SIGTERM": 143}


@dataclass
class Outcome:
    """Counts over some trainings; the names are those in docs/figures."""

    cuts: int = 0
    inside: int = 0
    trainings: int = 0
    identical: int = 0
    exits_wrong: int = 0
    seconds_to_exit: list[float] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)


def prepare(folder: Path) -> None:
    """Write data and a network, small enough that a process spends most of its time starting."""
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 3
    pixels = rng.integers(0, 90, (240, 14, 14), np.uint8)
    for index, label in enumerate(labels):
        pixels[index, 4 * label : 4 * label + 4] += 120
    np.savez(folder / "data.npz", x_train=pixels, y_train=labels, x_test=pixels[:60], y_test=labels[:60])
    (folder / "net.txt").write_text(NETWORK, encoding="utf-8")


def is_begun(folder: Path, run: str) -> bool:
    """Whether there is a checkpoint to resume from."""
    return any((folder / run / "checkpoints").glob("step-*"))


def start(folder: Path, run: str, *, die_at: int = 0) -> subprocess.Popen[str]:
    """Start `trainer.py` in a process; it resumes the run if there is a checkpoint."""
    arguments = ("--resume", run, "--json") if is_begun(folder, run) else (*OPTIONS, "--out", run)
    return subprocess.Popen(
        [sys.executable, str(TRAINER), str(die_at), "train", *arguments],
        cwd=folder, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def outcome(folder: Path, run: str) -> str:
    """Train to the end, and return `outcome_of` the run."""
    if is_begun(folder, run) or not (folder / run / "run.json").is_file():
        process = start(folder, run)
        _, error = process.communicate(timeout=TIMEOUT)
        if process.returncode:
            return f"exit {process.returncode}: {error[-300:]}"
    return outcome_of(folder, run)


def outcome_of(folder: Path, run: str) -> str:
    """One hash of weights, history and optimizer state of a finished training."""
    record = json.loads((folder / run / "run.json").read_text(encoding="utf-8"))
    state = (folder / f"{run}.state").read_text(encoding="utf-8")
    whole = json.dumps([record["weights_sha256"], record["history"], state])
    return hashlib.sha256(whole.encode()).hexdigest()


def interrupt_by_kill(folder: Path, run: str, rng: random.Random, outcomes: Outcome) -> None:
    """SIGKILL: at a disk operation of a checkpoint, or at a random moment."""
    inside = rng.random() < FRACTION_INSIDE
    process = start(folder, run, die_at=rng.randint(1, LAST_OPERATION) if inside else 0)
    if not inside:
        _wait_for_steps(process)
        time.sleep(rng.random() * MAX_WAIT)
        process.kill()
    _, error = process.communicate(timeout=TIMEOUT)
    if process.returncode == -signal.SIGKILL:
        outcomes.cuts += 1
        outcomes.inside += inside
    elif process.returncode:
        outcomes.trouble.append(f"exit {process.returncode}: {error[-300:]}")


def interrupt_by_signal(folder: Path, run: str, rng: random.Random, outcomes: Outcome, name: str) -> None:
    """SIGINT or SIGTERM at a random moment: the process must end soon, with the exit status of the signal."""
    process = start(folder, run)
    _wait_for_steps(process)
    time.sleep(rng.random() * MAX_WAIT)
    started = time.monotonic()
    process.send_signal(signal.Signals[name])
    _, error = process.communicate(timeout=TIMEOUT)
    if process.returncode == 0:
        return
    outcomes.cuts += 1
    outcomes.seconds_to_exit.append(round(time.monotonic() - started, 3))
    if process.returncode != EXITS[name]:
        outcomes.exits_wrong += 1
        outcomes.trouble.append(f"exit {process.returncode}: {error[-300:]}")


def one_training(folder: Path, run: str, seed: int, kind: str, expected: str, cuts: int) -> Outcome:
    """Interrupt one training `cuts` times, then let it finish."""
    rng, outcomes = random.Random(seed), Outcome(trainings=1)
    while outcomes.cuts < cuts and not (folder / run / "run.json").is_file():
        before = outcomes.cuts
        if kind == "kill":
            interrupt_by_kill(folder, run, rng, outcomes)
        else:
            interrupt_by_signal(folder, run, rng, outcomes, kind)
        if outcomes.cuts == before:
            break
    ended = outcome(folder, run)
    outcomes.identical = int(ended == expected)
    if ended != expected:
        outcomes.trouble.append(f"{run}, seed {seed}: {ended}")
    return outcomes


def prove(
    kind: str,
    cuts: int,
    *,
    seed: int = 0,
    at_once: int = 2,
    each: int = INTERRUPTIONS,
    report: Callable[[Outcome], None] = print,
) -> Outcome:
    """Interrupt trainings until there are `cuts` interruptions; `report` gets the counts so far after each round."""
    total = Outcome()
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(at_once) as pool:
        folder = Path(name)
        prepare(folder)
        expected = outcome(folder, "whole")
        if expected.startswith("exit"):
            raise SystemExit(expected)
        number = 0
        while total.cuts < cuts and not total.trouble:
            count = min(at_once, -(-(cuts - total.cuts) // each))
            seeds = range(seed + number, seed + number + count)
            number += count
            for outcomes in pool.map(
                lambda s: one_training(folder, f"run{s}", s, kind, expected, min(each, cuts)), seeds
            ):
                for key, value in asdict(outcomes).items():
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

    def report(outcomes: Outcome) -> None:
        summary = {key: value for key, value in asdict(outcomes).items() if key not in ("seconds_to_exit", "trouble")}
        if times := outcomes.seconds_to_exit:
            summary |= {"exit_seconds_median": statistics.median(times), "exit_seconds_worst": max(times)}
        summary["seconds"] = round(time.monotonic() - began)
        write(f"reliability-{chosen.kind.lower()}", {"summary": summary, "trouble": outcomes.trouble})
        print(
            f"{chosen.kind}: {outcomes.cuts} interruptions, {outcomes.identical} of {outcomes.trainings} identical",
            flush=True,
        )

    prove(chosen.kind, chosen.cuts, seed=chosen.seed, report=report)


if __name__ == "__main__":
    main()
