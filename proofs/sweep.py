"""Kill sweeps again and again, join them again, and compare the results with a sweep that nothing interrupted.

    python proofs/sweep.py 50 --seconds 900

`kill -9` hits the program, one of its workers, or all of them, at random moments. After each kill the journal must hold
every trial that it held before, unchanged, and none twice; at the end all trials must equal those of the uninterrupted
sweep, weights included. Writes docs/figures/reliability-sweep.json.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

TRIALS = 20
KILLS_EACH = 8
MAX_WAIT = 2.0
"""Seconds after the first trial that ends."""

TIMEOUT = 300
NETWORK = """Flatten()
Dense(num_classes, activation="softmax")
"""
PARAMETERS = ("learning_rate=1e-4..1e-1:log", "epochs=2..6", "optimizer=adam,sgd", "model=net.txt", "batch_size=32")


@dataclass
class Outcome:
    """Counts; the names are those in docs/figures."""

    kills: int = 0
    program: int = 0
    worker: int = 0
    everything: int = 0
    sweeps: int = 0
    identical: int = 0
    trials: int = 0
    lost: int = 0
    twice: int = 0
    trouble: list[str] = field(default_factory=list)


def prepare(folder: Path) -> None:
    """Write data and a network, small enough that a trial takes about a second."""
    rng = np.random.default_rng(0)
    labels = np.arange(600) % 3
    pixels = rng.integers(0, 130, (600, 14, 14), np.uint8)
    for index, label in enumerate(labels):
        pixels[index, 4 * label : 4 * label + 4] += 60
    np.savez(folder / "data.npz", x_train=pixels, y_train=labels, x_test=pixels[:60], y_test=labels[:60])
    (folder / "net.txt").write_text(NETWORK, encoding="utf-8")


def start(folder: Path, out: str, trials: int, processes: int) -> subprocess.Popen[str]:
    """Begin or join a sweep."""
    words = ("sweep", "data.npz", *PARAMETERS, "--trials", trials, "--out", out, "--confirm", 0, "--json", "--quiet")
    return subprocess.Popen(
        [sys.executable, "-m", "convscope", *map(str, words), "--processes", str(processes)],
        cwd=folder, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finished(journal: Path) -> list[dict]:
    """The trials in a journal, read from its lines and not by convscope."""
    if not journal.is_file():
        return []
    found = []
    for line in journal.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):  # the last one may be half-written after a kill
            attributes = json.loads(line).get("user_attrs") or json.loads(line).get("user_attr") or {}
            if "trial" in attributes:
                found.append(attributes["trial"])
    return found


def comparable(trials: list[dict]) -> list[dict]:
    """Everything but the times."""
    rows = [{key: value for key, value in one.items() if key != "seconds"} for one in trials]
    return sorted(rows, key=lambda one: one["number"])


def workers_of(pid: int) -> list[int]:
    """The processes that a process has started."""
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def kill_once(process: subprocess.Popen[str], journal: Path, rng: random.Random, outcome: Outcome) -> None:
    """Wait for a trial to end, then kill something a little later."""
    before, end = len(finished(journal)), time.monotonic() + 60
    while process.poll() is None and len(finished(journal)) == before and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(rng.random() * MAX_WAIT)
    if process.poll() is not None:
        return
    workers = workers_of(process.pid)
    what = rng.choice(("program", "worker", "everything"))
    victims = {"program": [process.pid], "worker": workers[:1], "everything": [process.pid, *workers]}[what]
    for pid in victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    outcome.kills += 1
    setattr(outcome, what, getattr(outcome, what) + 1)
    if what == "worker":  # the others go on; the program ends with them
        process.terminate()
    process.communicate(timeout=TIMEOUT)


def check(before: list[dict], journal: Path, outcome: Outcome) -> None:
    """Every trial that was there is there, unchanged, and none is there twice."""
    after = finished(journal)
    outcome.lost += sum(one not in after for one in before)
    outcome.twice += sum(count - 1 for count in Counter(one["number"] for one in after).values())


def one_sweep(folder: Path, out: str, seed: int, kills: int, expected: list[dict], outcome: Outcome) -> None:
    """Kill one sweep several times, then let it end."""
    rng, journal = random.Random(seed), folder / out / "journal.log"
    for _ in range(kills):
        before = finished(journal)
        if len(before) == len(expected):
            break
        kill_once(start(folder, out, len(expected), 2), journal, rng, outcome)
        check(before, journal, outcome)
    before = finished(journal)
    process = start(folder, out, len(expected), 2)
    _, error = process.communicate(timeout=TIMEOUT)
    if process.returncode:
        outcome.trouble.append(f"exit {process.returncode}: {error[-300:]}")
    check(before, journal, outcome)
    ended = comparable(finished(journal))
    outcome.sweeps += 1
    outcome.trials += len(ended)
    outcome.identical += ended == expected
    if ended != expected:
        outcome.trouble.append(f"{out}, seed {seed}: {len(ended)} trials differ from those without kills")


def prove(kills: int, seconds: float, *, seed: int = 0, trials: int = TRIALS, each: int = KILLS_EACH) -> Outcome:
    """Kill sweeps until there were so many kills, or the time is over."""
    outcome, began = Outcome(), time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        process = start(folder, "whole", trials, 1)  # with another number of processes than those that are killed
        _, error = process.communicate(timeout=TIMEOUT)
        if process.returncode:
            raise SystemExit(error)
        expected = comparable(finished(folder / "whole" / "journal.log"))
        while outcome.kills < kills and not outcome.trouble and time.monotonic() - began < seconds:
            number = outcome.sweeps
            one_sweep(folder, f"sweep{number}", seed + number, min(each, kills - outcome.kills), expected, outcome)
            print(f"{outcome.kills} kills, {outcome.identical} of {outcome.sweeps} sweeps identical", flush=True)
    return outcome


def main() -> None:
    sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
    from record import write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kills", type=int, nargs="?", default=50)
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    began = time.monotonic()
    found = asdict(prove(chosen.kills, chosen.seconds, seed=chosen.seed))
    trouble = found.pop("trouble")
    write("reliability-sweep", {"summary": found | {"seconds": round(time.monotonic() - began)}, "trouble": trouble})
    if trouble or found["lost"] or found["twice"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
