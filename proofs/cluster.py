"""Train on several workers, end some of them at random moments, resume on another number, and compare the weights.

    python proofs/cluster.py [--seconds 600] [--kinds seeds,equal,kill,stop,cut,slow]

``seeds`` trains `quick` on 3,000 images of MNIST with many seeds, in 4 shards, on 1, 2 and 4 workers that stay
connected. The others run whole commands: ``equal`` trains with 4 shards on 1, 2 and 4 workers. ``kill`` and ``stop``
send SIGKILL or SIGSTOP to one of two workers, ``cut`` takes the link between two network namespaces down (Linux,
root). The other worker must end within 30 seconds with one line, and the training, resumed on 1, 2 or 4 workers, with
the weights and the history of an uninterrupted one. ``slow`` trains on two workers whose link delays packets. Counts
of kinds that are not run stay as they are.

Writes docs/figures/reliability-cluster.json.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from interruption import NETWORK

from convscope.distributed.processes import free_addresses

EPOCHS = 150
OPTIONS = ("--data", "data.npz", "--model", "net.txt", "--epochs", str(EPOCHS), "--batch-size", "32", "--shift", "1")
OPTIONS += ("--rotate", "5", "--average", "0.5", "--shards", "4")
COUNTS = (1, 2, 4)
LIMIT = 30.0
"""Seconds within which the other workers must have ended."""

SLOW_LINK = ("tbf", "rate", "1mbit", "burst", "16kbit", "latency", "400ms")
"""Of `tc`: packets wait where more come than 1 Mbit/s."""

MAX_WAIT = 3.0
"""Seconds between the first checkpoint and the fault."""

TIMEOUT = 1800


@dataclass
class Outcome:
    """Counts of one kind of fault; the names are those in docs/figures."""

    trainings: int = 0
    identical: int = 0
    in_time: int = 0
    one_line: int = 0
    delayed: int = 0
    seconds_to_end: list[float] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)


def start(
    folder: Path, words: tuple[str, ...], addresses: tuple[str, ...], prefixes: tuple[tuple[str, ...], ...] = ()
) -> list[subprocess.Popen[str]]:
    """Start the workers of a training; one alone gets no addresses."""
    workers = []
    for rank in range(len(addresses)):
        more = ("--workers", ",".join(addresses), "--rank", str(rank)) if len(addresses) > 1 else ()
        prefix = prefixes[rank] if prefixes else ()
        more += ("--trusted-network",) if prefix else ()
        workers.append(
            subprocess.Popen(
                [*prefix, sys.executable, "-m", "convscope", "train", *words, *more], cwd=folder, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            )
        )  # fmt: skip
    return workers


def finish(workers: list[subprocess.Popen[str]]) -> str:
    """Wait for all workers; the first error, or nothing."""
    errors = []
    try:
        for one in workers:
            _, error = one.communicate(timeout=TIMEOUT)
            if one.returncode:
                errors.append(f"exit {one.returncode}: {error[-300:]}")
    except subprocess.TimeoutExpired:
        errors.append(f"not ended after {TIMEOUT} s")
    finally:
        for one in workers:
            one.kill()
    return errors[0] if errors else ""


def outcome_of(folder: Path, run: str) -> str:
    """One hash of weights and history of a finished training."""
    record = json.loads((folder / run / "run.json").read_text(encoding="utf-8"))
    return hashlib.sha256(json.dumps([record["weights_sha256"], record["history"]]).encode()).hexdigest()


def train(folder: Path, run: str, count: int, *, resume: bool = False) -> str:
    """Train to the end on so many workers; the outcome, or an error."""
    words = ("--resume", run) if resume else (*OPTIONS, "--out", run)
    trouble = finish(start(folder, words, free_addresses(count)))
    return trouble or outcome_of(folder, run)


@contextlib.contextmanager
def namespaces() -> Iterator[tuple[str, str]]:
    """Two network namespaces, joined by one link: the commands in them see no other network."""
    names = tuple(f"cs{os.getpid() % 10_000}{side}" for side in "ab")
    links = tuple(f"v{name}" for name in names)

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    try:
        for name in names:
            ip("netns", "add", name)
        ip("link", "add", links[0], "type", "veth", "peer", "name", links[1])
        for number, (name, link) in enumerate(zip(names, links, strict=True), start=1):
            ip("link", "set", link, "netns", name)
            ip("-n", name, "addr", "add", f"10.77.0.{number}/24", "dev", link)
            ip("-n", name, "link", "set", link, "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield names[0], names[1]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def train_with_seeds(outcome: Outcome, *, seeds: int, seconds: float) -> None:
    """Train with each seed on 1, 2 and 4 connected workers, as long as there is time; the hashes must be equal."""
    began, rows = time.monotonic(), []
    script = str(Path(__file__).with_name("cluster_worker.py"))
    with tempfile.TemporaryDirectory() as folder:
        groups = []
        for count in COUNTS:
            addresses = free_addresses(count)
            for rank in range(count):
                out = Path(folder, f"{count}-{rank}")
                with out.open("w") as file:
                    words = [sys.executable, script, ",".join(addresses), str(rank), str(seeds)]
                    groups.append((out, subprocess.Popen(words, stdout=file, stderr=subprocess.DEVNULL)))
        try:
            while time.monotonic() - began < seconds and any(one.poll() is None for _, one in groups):
                time.sleep(2)
        finally:
            for _, one in groups:
                one.kill()
                one.wait()
        for out, one in groups:
            if one.returncode not in (0, -signal.SIGKILL):
                outcome.trouble.append(f"seeds, worker {out.name}: exit {one.returncode}")
            rows.append([line for line in out.read_text().splitlines() if len(line) == 64])
    for hashes in zip(*rows, strict=False):
        outcome.trainings += 1
        outcome.identical += len(set(hashes)) == 1
    if outcome.identical != outcome.trainings or not outcome.trainings:
        outcome.trouble.append(f"seeds: {outcome.identical} of {outcome.trainings}")


def train_slowly(folder: Path, run: str, outcome: Outcome) -> str:
    """Train on two workers with a slow link; the outcome, or an error. Counts how often a packet had to wait."""
    with namespaces() as names:
        for name in names:
            subprocess.run(["tc", "-n", name, "qdisc", "add", "dev", f"v{name}", "root", *SLOW_LINK], check=True)
        prefixes = tuple(("ip", "netns", "exec", name) for name in names)
        addresses = ("10.77.0.1:4000", "10.77.0.2:4000")
        trouble = finish(start(folder, (*OPTIONS, "--out", run), addresses, prefixes))
        for name in names:
            words = ["tc", "-n", name, "-s", "-j", "qdisc", "show", "dev", f"v{name}"]
            told = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
            outcome.delayed += sum(one["overlimits"] for one in told)
    return trouble or outcome_of(folder, run)


def wait_for_checkpoint(folder: Path, run: str, workers: list[subprocess.Popen[str]]) -> bool:
    """Wait until the training has taken steps."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline and all(one.poll() is None for one in workers):
        steps = [int(one.stem.partition("-")[2]) for one in (folder / run / "checkpoints").glob("step-*")]
        if max(steps, default=0) > 0:
            return True
        time.sleep(0.1)
    return False


def fault(folder: Path, run: str, kind: str, rng: random.Random, expected: str, outcome: Outcome) -> None:
    """End or isolate one of two workers, see how the other ends, and resume."""
    with namespaces() if kind == "cut" else contextlib.nullcontext() as names:
        addresses = ("10.77.0.1:4000", "10.77.0.2:4000") if names else free_addresses(2)
        prefixes = tuple(("ip", "netns", "exec", name) for name in names) if names else ()
        workers = start(folder, (*OPTIONS, "--out", run), addresses, prefixes)
        try:
            if not wait_for_checkpoint(folder, run, workers):
                outcome.trouble.append(f"{run}: no checkpoint. {finish(workers)}")
                return
            time.sleep(rng.random() * MAX_WAIT)
            victim = rng.randrange(2)
            if names:
                subprocess.run(["ip", "-n", names[0], "link", "set", f"v{names[0]}", "down"], check=True)
            else:
                workers[victim].send_signal(signal.SIGKILL if kind == "kill" else signal.SIGSTOP)
            began = time.monotonic()
            for other in [0, 1] if names else [1 - victim]:
                _, error = workers[other].communicate(timeout=TIMEOUT)
                seconds = time.monotonic() - began
                lines = [line for line in error.splitlines() if line.startswith("convscope: ")]
                if workers[other].returncode == 0:
                    continue  # the training was finished before the fault
                outcome.seconds_to_end.append(round(seconds, 1))
                outcome.in_time += seconds <= LIMIT
                outcome.one_line += len(lines) == 1 and "Traceback" not in error
                if len(lines) != 1 or seconds > LIMIT:
                    outcome.trouble.append(f"{run}: {seconds:.1f} s, {error[-300:]}")
        finally:
            for one in workers:
                one.kill()
                one.communicate()
    outcome.trainings += 1
    is_done = not (folder / run / "checkpoints").is_dir()
    ended = outcome_of(folder, run) if is_done else train(folder, run, rng.choice(COUNTS), resume=True)
    outcome.identical += ended == expected
    if ended != expected:
        outcome.trouble.append(f"{run}: {ended}")


def prove(
    kinds: tuple[str, ...], *, seconds: float = 600, most: int = 100, seed: int = 0, report=lambda outcomes: None
) -> dict[str, Outcome]:
    """Take the kinds in turn until the time is over or each was taken `most` times."""
    from interruption import prepare

    outcomes, rng, began = {kind: Outcome() for kind in kinds}, random.Random(seed), time.monotonic()
    if "seeds" in outcomes:
        train_with_seeds(outcomes["seeds"], seeds=most, seconds=seconds / len(kinds))
        report(outcomes)
    if kinds == ("seeds",):
        return outcomes
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        (folder / "net.txt").write_text(NETWORK, encoding="utf-8")
        expected = train(folder, "whole", 1)
        if expected.startswith("exit"):
            raise SystemExit(expected)
        for number in range(most):
            for kind, outcome in outcomes.items():
                if time.monotonic() - began > seconds or outcome.trouble or kind == "seeds":
                    continue
                run = f"{kind}{number}"
                if kind in ("equal", "slow"):
                    count = COUNTS[1 + number % 2] if kind == "equal" else 2
                    ended = train(folder, run, count) if kind == "equal" else train_slowly(folder, run, outcome)
                    outcome.trainings += 1
                    outcome.identical += ended == expected
                    if ended != expected:
                        outcome.trouble.append(f"{kind}, {count} workers: {ended}")
                else:
                    fault(folder, run, kind, rng, expected, outcome)
                report(outcomes)
    return outcomes


def summary(outcomes: dict[str, Outcome]) -> dict:
    """Counts and times by kind."""
    found = {}
    for kind, one in outcomes.items():
        found[kind] = {"trainings": one.trainings, "identical": one.identical}
        if one.delayed:
            found[kind]["times_delayed"] = one.delayed
        if one.seconds_to_end:
            found[kind] |= {
                "ended": len(one.seconds_to_end),
                "in_time": one.in_time,
                "one_line": one.one_line,
                "seconds_median": statistics.median(one.seconds_to_end),
                "seconds_worst": max(one.seconds_to_end),
            }
    return found


def main() -> None:
    sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
    from record import FIGURES, write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--most", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default="seeds,equal,kill,stop,cut,slow")
    chosen = parser.parse_args()

    def report(outcomes: dict[str, Outcome]) -> None:
        trouble = [words for one in outcomes.values() for words in one.trouble]
        write("reliability-cluster", {"summary": earlier | summary(outcomes), "trouble": trouble})
        print({kind: f"{one.identical} of {one.trainings}" for kind, one in outcomes.items()}, trouble, flush=True)

    kinds = tuple(chosen.kinds.split(","))
    path = FIGURES / "reliability-cluster.json"
    known = json.loads(path.read_text(encoding="utf-8"))["summary"] if path.is_file() else {}
    earlier = {kind: found for kind, found in known.items() if kind not in kinds}
    prove(kinds, seconds=chosen.seconds, most=chosen.most, seed=chosen.seed, report=report)


if __name__ == "__main__":
    main()
