"""Train on several workers, end some of them at random moments, resume on another number, and compare the weights.

    python proofs/cluster.py [--kinds seeds,equal,kill,stop,cut,slow] [--most 100] [--seconds 7200] [--log FILE]

``seeds`` trains `quick` on 3,000 images of MNIST with many seeds, in 4 shards, on 1, 2 and 4 workers that stay
connected. The others train a small network with `convscope train`: ``equal`` with 4 shards on 2 or 4 workers. ``kill``
and ``stop`` send SIGKILL or SIGSTOP to one of two workers, ``cut`` takes the link between two network namespaces down
(Linux, root). This happens after a checkpoint drawn at random. The other worker must end within 30 seconds with one
line, and the training, resumed on 1, 2 or 4 workers, with the weights and the history of an uninterrupted one.
``slow`` trains on two workers whose link delays packets.

The workers are forked from a process that has imported TensorFlow (see forked.py), draw no pictures and write no page.
The uninterrupted training, one repetition of ``equal`` in 50 and, with ``--commands``, all others are commands of
their own. With ``--log``, another call continues. Counts of kinds that are not run stay as they are.

Writes docs/figures/reliability-cluster.json.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import itertools
import json
import os
import random
import re
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import forked
from interruption import prepare

EPOCHS = 60


def options(epochs: int) -> tuple[str, ...]:
    """Of a training of so many epochs."""
    words = ("--data", "data.npz", "--model", "net.txt", "--epochs", str(epochs), "--batch-size", "32", "--shift", "1")
    return (*words, "--rotate", "5", "--average", "0.5", "--shards", "4")


OPTIONS = options(EPOCHS)
COUNTS = (1, 2, 4)
STEPS = 6
"""Of an epoch."""

LIMIT = 30.0
"""Seconds within which the other workers must have ended."""

SLOW_LINK = ("tbf", "rate", "1mbit", "burst", "16kbit", "latency", "400ms")
"""Of `tc`: packets wait where more come than 1 Mbit/s."""

LAST_EPOCH = 50
"""The last one after whose checkpoint a fault may come."""

MAX_WAIT = 0.2
"""Seconds between that checkpoint and the fault."""

AGAIN = 5
"""How often a repetition is repeated whose training was finished before the fault."""

ANEW = 50
"""One of so many repetitions of ``equal`` is of commands of their own."""

FIRST_PORT, PORTS = 14_000, 2_000
"""Below the ports that the system gives away, and how many each lane takes in turn."""

TIMEOUT = 1800
GRACE = 30.0
"""Seconds that a lane has at the deadline to end its workers and to remove its network namespaces."""

RECORD = 8
"""Bytes of a job's number."""

Row = dict[str, Any]
"""One repetition, as in the log."""

Worker = subprocess.Popen[str] | forked.Forked


class Lane:
    """Repetitions one after another; some lanes run at once.

    Args:
        folder: With the data and the network; its runs go there.
        number: Which lane this is, from 0: each takes ports of its own.
        is_forked: Whether the workers are forked from this process; otherwise each is a command of its own.
    """

    def __init__(self, folder: Path, number: int = 0, *, is_forked: bool = False) -> None:
        self.folder, self.number, self.is_forked = folder, number, is_forked
        first = FIRST_PORT + PORTS * number
        self._ports = itertools.cycle(range(first, first + PORTS))

    def addresses(self, count: int) -> tuple[str, ...]:
        """Addresses of this machine with ports that are free now."""
        free = (port for port in self._ports if _is_free(port))
        return tuple(f"127.0.0.1:{port}" for port in itertools.islice(free, count))

    def start(self, words: Sequence[str], addresses: Sequence[str], namespaces: Sequence[str] = ()) -> list[Worker]:
        """Start the workers of a training; one alone gets no addresses."""
        workers: list[Worker] = []
        for rank, namespace in zip(range(len(addresses)), namespaces or itertools.repeat(""), strict=False):
            more = ("--workers", ",".join(addresses), "--rank", str(rank)) if len(addresses) > 1 else ()
            more += ("--trusted-network",) if namespace else ()
            command = ("train", *words, *more)
            workers.append(
                forked.fork(command, self.folder, namespace)
                if self.is_forked
                else _command(command, self.folder, namespace)
            )
        return workers

    def train(self, run: str, count: int, *, resume: bool = False) -> str:
        """Train to the end on so many workers; the outcome, or an error."""
        words = ("--resume", run) if resume else (*OPTIONS, "--out", run)
        trouble = finish(self.start(words, self.addresses(count)))
        try:
            return trouble or outcome_of(self.folder, run)
        except (OSError, ValueError, KeyError) as error:
            return f"exit 0, and no outcome: {error!r}"

    def equal(self, number: int, expected: str) -> Row:
        """Train on 2 or 4 workers without a fault."""
        count, run = COUNTS[1 + number % 2], f"equal{number}"
        lane = self if number % ANEW else Lane(self.folder, self.number)
        ended = lane.train(run, count)
        trouble = "" if ended == expected else f"{run}, {count} workers: {ended}"
        return {"workers": count, "commands": not lane.is_forked, "identical": ended == expected, "trouble": trouble}

    def slow(self, number: int, expected: str) -> Row:
        """Train on two workers with a slow link; counts how often a packet had to wait."""
        run, delayed = f"slow{number}", 0
        with namespaces() as names:
            for name in names:
                subprocess.run(["tc", "-n", name, "qdisc", "add", "dev", f"v{name}", "root", *SLOW_LINK], check=True)
            trouble = finish(self.start((*OPTIONS, "--out", run), LINKED, names))
            for name in names:
                words = ["tc", "-n", name, "-s", "-j", "qdisc", "show", "dev", f"v{name}"]
                told = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
                delayed += sum(one["overlimits"] for one in told)
        ended = trouble or outcome_of(self.folder, run)
        trouble = "" if ended == expected else f"{run}: {ended}"
        return {"delayed": delayed, "identical": ended == expected, "trouble": trouble}

    def fault(self, kind: str, number: int, expected: str, seed: int) -> Row:
        """End or isolate one of two workers, see how the other ends, and resume."""
        rng, ended = random.Random(f"{seed} {kind} {number}"), {}
        for attempt in range(AGAIN):
            run = f"{kind}{number}-{attempt}"
            with namespaces() if kind == "cut" else contextlib.nullcontext(()) as names:
                workers = self.start((*OPTIONS, "--out", run), LINKED if names else self.addresses(2), names)
                try:
                    ended = self._fail(run, workers, names, kind, rng)
                finally:
                    for one in workers:
                        one.kill()
                        one.communicate()
            if ended["trouble"] or ended["seconds"]:
                break
        count = rng.choice(COUNTS)
        if not (self.folder / run).is_dir():
            return ended | {"resumed_on": 0, "identical": False}
        is_done = not (self.folder / run / "checkpoints").is_dir()
        outcome = outcome_of(self.folder, run) if is_done else self.train(run, count, resume=True)
        if outcome != expected:
            ended["trouble"] = f"{run}: {outcome} {ended['trouble']}"
        return ended | {"resumed_on": count, "identical": outcome == expected}

    def _fail(self, run: str, workers: Sequence[Worker], names: Sequence[str], kind: str, rng: random.Random) -> Row:
        """Wait for the moment, let it happen, and watch the others end."""
        found: Row = {"seconds": [], "one_line": [], "step": None, "trouble": ""}
        epoch, wait, victim = rng.randrange(LAST_EPOCH + 1), rng.random() * MAX_WAIT, rng.randrange(2)
        if not wait_for_checkpoint(self.folder, run, workers, epoch):
            codes = [one.poll() for one in workers]
            if any(codes):
                found["trouble"] = f"{run}: no checkpoint. {finish(workers)}"
            elif codes == [None, None]:
                found["trouble"] = f"{run}: no checkpoint within {TIMEOUT} s"
            return found
        time.sleep(wait)
        found["step"] = last_step(self.folder, run)
        if names:
            subprocess.run(["ip", "-n", names[0], "link", "set", f"v{names[0]}", "down"], check=True)
        else:
            workers[victim].send_signal(signal.SIGKILL if kind == "kill" else signal.SIGSTOP)
        began = time.monotonic()
        for other in [0, 1] if names else [1 - victim]:
            _, error = workers[other].communicate(timeout=TIMEOUT)
            if workers[other].returncode == 0:
                continue  # the training was finished before the fault
            seconds = time.monotonic() - began
            lines = [line for line in error.splitlines() if line.startswith("convscope: ")]
            found["seconds"].append(round(seconds, 1))
            found["one_line"].append(len(lines) == 1 and "Traceback" not in error)
            if not found["one_line"][-1] or seconds > LIMIT or workers[other].returncode != 1:
                found["trouble"] += f"{run}: {workers[other].returncode} after {seconds:.1f} s, {error[-300:]}"
        return found


LINKED = ("10.77.0.1:4000", "10.77.0.2:4000")
"""Addresses in the two network namespaces."""


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return True
    return False


def _command(command: Sequence[str], folder: Path, namespace: str) -> subprocess.Popen[str]:
    prefix = ("ip", "netns", "exec", namespace) if namespace else ()
    return subprocess.Popen(
        [*prefix, sys.executable, "-m", "convscope", *command], cwd=folder, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(workers: Sequence[Worker]) -> str:
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


@contextlib.contextmanager
def namespaces() -> Iterator[tuple[str, ...]]:
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
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def last_step(folder: Path, run: str) -> int:
    """The step of the last checkpoint; -1 before the first."""
    files = (folder / run / "checkpoints").glob("step-*")
    return max((int(one.stem.partition("-")[2]) for one in files), default=-1)


def wait_for_checkpoint(folder: Path, run: str, workers: Sequence[Worker], epoch: int = 1) -> bool:
    """Wait for the checkpoint after an epoch; whether it came. An epoch has `STEPS` steps."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline and all(one.poll() is None for one in workers):
        if last_step(folder, run) >= STEPS * epoch:
            return True
        time.sleep(0.02)
    return False


def train_with_seeds(seeds: Sequence[int], *, seconds: float) -> list[Row]:
    """Train with each seed on 1, 2 and 4 connected workers, as long as there is time; the hashes must be equal."""
    began, found = time.monotonic(), []
    script = str(Path(__file__).with_name("cluster_worker.py"))
    with tempfile.TemporaryDirectory() as folder:
        groups, lane = [], Lane(Path(folder))
        for count in COUNTS:
            addresses = lane.addresses(count)
            for rank in range(count):
                out = Path(folder, f"{count}-{rank}")
                with out.open("w") as file:
                    words = [sys.executable, script, ",".join(addresses), str(rank), str(seeds[0]), str(len(seeds))]
                    groups.append((out, subprocess.Popen(words, stdout=file, stderr=subprocess.DEVNULL)))
        try:
            while time.monotonic() - began < seconds and any(one.poll() is None for _, one in groups):
                time.sleep(2)
        finally:
            for _, one in groups:
                one.kill()
                one.wait()
        codes = {out.name: one.returncode for out, one in groups}
        rows = [[line for line in out.read_text().splitlines() if len(line) == 64] for out, _ in groups]
    ended = {name: code for name, code in codes.items() if code not in (0, -signal.SIGKILL)}
    for seed, hashes in zip(seeds, zip(*rows, strict=False), strict=False):
        is_same = len(set(hashes)) == 1
        found.append({"kind": "seeds", "number": seed, "identical": is_same, "trouble": "" if is_same else "seeds"})
    if ended or not found:
        found.append({"kind": "seeds", "number": -1, "identical": False, "trouble": f"seeds: exit codes {ended}"})
    return found


def _repeat(lane: Lane, jobs: Sequence[tuple[str, int]], files: tuple[int, int], expected: str, seed: int) -> None:
    """In a lane: take one job after another from a file, and write a row for each to the other."""
    tempfile.tempdir = str(lane.folder)  # what killed workers leave goes with the folder
    while record := os.read(files[0], RECORD):
        kind, number = jobs[int(record)]
        began = time.monotonic()
        try:
            if kind in ("equal", "slow"):
                row = lane.equal(number, expected) if kind == "equal" else lane.slow(number, expected)
            else:
                row = lane.fault(kind, number, expected, seed)
        except Exception as error:  # whatever it is, the repetition counts as one that failed
            row = {"identical": False, "trouble": f"{kind}{number}: {error!r}"}
        row |= {"kind": kind, "number": number, "took": round(time.monotonic() - began, 1)}
        os.write(files[1], (json.dumps(row) + "\n").encode())


def prove(
    jobs: Sequence[tuple[str, int]], *, seconds: float = 7200, at_once: int = 3, seed: int = 0, commands: bool = False
) -> Iterator[Row]:
    """Do the jobs in a few lanes, until all are done or the time is over; a row for each as it ends."""
    if not commands:
        forked.import_everything()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        expected = Lane(folder).train("whole", 1)
        if not re.fullmatch("[0-9a-f]{64}", expected):
            raise SystemExit("The uninterrupted training failed: " + " ".join(expected.split()))
        (folder / "jobs").write_bytes(b"".join(f"{index:0{RECORD}d}".encode() for index in range(len(jobs))))
        # The lanes share its position, as of a pipe; but a pipe holds no more than 8,192 jobs.
        jobs_out, (rows_out, rows_in) = os.open(folder / "jobs", os.O_RDONLY), os.pipe()
        pids = []
        for number in range(at_once):
            lane = Lane(folder, number, is_forked=not commands)
            pids.append(forked.fork_function(_repeat, lane, jobs, (jobs_out, rows_in), expected, seed))
        os.close(rows_in)
        try:
            yield from _rows(rows_out, seconds)
        finally:
            _end(pids)
            os.close(jobs_out)
            os.close(rows_out)


def _end(pids: Sequence[int]) -> None:
    """End the lanes: SIGTERM first, SIGKILL for those that have not ended in time."""
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    left, deadline = list(pids), time.monotonic() + GRACE
    while (left := [pid for pid in left if not os.waitpid(pid, os.WNOHANG)[0]]) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _rows(pipe: int, seconds: float) -> Iterator[Row]:
    deadline, rest = time.monotonic() + seconds, b""
    while select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
        if not (read := os.read(pipe, 65_536)):
            return
        *lines, rest = (rest + read).split(b"\n")
        yield from map(json.loads, lines)


def summary(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """Counts and times by kind."""
    found: dict[str, dict[str, Any]] = {}
    for kind in ("seeds", "equal", "kill", "stop", "cut", "slow"):
        of_kind = [row for row in rows if row["kind"] == kind]
        if not of_kind:
            continue
        one = found[kind] = {"trainings": len(of_kind), "identical": sum(row["identical"] for row in of_kind)}
        if kind == "equal":
            one["commands"] = sum(row.get("commands", False) for row in of_kind)
        if kind == "slow":
            one["times_delayed"] = sum(row.get("delayed", 0) for row in of_kind)
        if times := [seconds for row in of_kind for seconds in row.get("seconds", ())]:
            steps = [row["step"] for row in of_kind if row.get("seconds")]
            one |= {
                "ended": len(times),
                "in_time": sum(seconds <= LIMIT for seconds in times),
                "one_line": sum(is_one for row in of_kind for is_one in row.get("one_line", ())),
                "seconds_median": statistics.median(times),
                "seconds_worst": max(times),
                "steps": [min(steps), statistics.median(steps), max(steps)],
            }
    return found


def main() -> None:
    sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
    from record import FIGURES, write

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", default="seeds,equal,kill,stop,cut,slow")
    parser.add_argument("--most", type=int, default=100, help="repetitions of each kind")
    parser.add_argument("--seconds", type=float, default=7200, help="of all kinds together")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    parser.add_argument("--at-once", type=int, default=3, help="repetitions at the same time")
    parser.add_argument("--commands", action="store_true", help="fork no worker")
    parser.add_argument("--log", type=Path, help="a line for each repetition; another call continues")
    chosen = parser.parse_args()
    kinds = chosen.kinds.split(",")
    path = FIGURES / "reliability-cluster.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"summary": {}, "trouble": []}
    log = chosen.log if chosen.log and chosen.log.is_file() else None
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log else []

    def report(row: Row) -> None:
        rows.append(row)
        if chosen.log:
            with chosen.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        found = summary(rows)
        trouble = [one for one in known["trouble"] if not one.startswith(tuple(found))]  # each begins with its kind
        trouble += [row["trouble"] for row in rows if row["trouble"]]
        write("reliability-cluster", {"summary": known["summary"] | found, "trouble": trouble})
        print(row, {kind: f"{one['identical']} of {one['trainings']}" for kind, one in found.items()}, flush=True)

    _prove_all(kinds, rows, report, chosen)


def _prove_all(kinds: list[str], rows: list[Row], report: Callable[[Row], None], chosen: argparse.Namespace) -> None:
    """What is missing in the rows; the seeds first."""
    began, done = time.monotonic(), {(row["kind"], row["number"]) for row in rows}
    seeds = [number for number in range(chosen.most) if ("seeds", number) not in done]
    if "seeds" in kinds and seeds:
        share = chosen.seconds / len(kinds)
        for row in train_with_seeds(seeds, seconds=share):
            report(row)
    jobs = [(kind, number) for number in range(chosen.most) for kind in kinds if kind != "seeds"]
    jobs = [job for job in jobs if job not in done]
    if jobs:
        left = chosen.seconds - (time.monotonic() - began)
        for row in prove(jobs, seconds=left, at_once=chosen.at_once, seed=chosen.seed, commands=chosen.commands):
            report(row)


if __name__ == "__main__":
    main()
