"""Let the k-th open, write, fsync, rename, unlink, mkdir or rmdir of a training fail, for every k.

    python proofs/faults.py [--every 1] [--continue]

Each operation fails with EIO and with ENOSPC, once and permanently. Then the disk works again, and the training is
resumed as the error message says, or started again if there is no checkpoint. The result must equal that of an
undisturbed training. Writes docs/figures/reliability-faults.json.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import io
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from disk import failing, watched
from interruption import NETWORK, OPTIONS, is_begun, outcome_of, prepare
from trainer import record_states

from convscope.cli.app import main as convscope
from convscope.training import checkpoint
from convscope.training import loop as training_loop

CODES = (errno.EIO, errno.ENOSPC)
WAYS = tuple(itertools.product(CODES, (False, True)))
"""How an operation fails: with which error, and whether all later operations fail too."""

SHORT = (
    *OPTIONS[: OPTIONS.index("--epochs")],
    "--epochs",
    "1",
    "--batch-size",
    "96",
    *OPTIONS[OPTIONS.index("--shift") :],
)
"""Two steps: a checkpoint before the first, one in the middle of the epoch, and one at the end."""

MAX_OPERATIONS = 1000
"""Upper bound of the operations of one training."""


@dataclass
class Outcome:
    """Counts over trainings with a disk fault; the names are those in docs/figures."""

    operations: int = 0
    faults: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)
    told: int = 0
    unharmed: int = 0
    resumed: int = 0
    again: int = 0
    trouble: list[str] = field(default_factory=list)


@contextlib.contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Work in a folder, with a checkpoint after each call of the graph and few steps per call."""
    before, often, calls = Path.cwd(), checkpoint.SECONDS_BETWEEN, training_loop.SECONDS_PER_CALL
    real_write = checkpoint.save_checkpoint
    record_states()
    os.chdir(folder)
    checkpoint.SECONDS_BETWEEN = training_loop.SECONDS_PER_CALL = 0.0
    try:
        yield
    finally:
        os.chdir(before)
        checkpoint.save_checkpoint = real_write
        checkpoint.SECONDS_BETWEEN, training_loop.SECONDS_PER_CALL = often, calls


def command(*words: str) -> tuple[int, str]:
    """Run one command in this process; returns exit code and stderr."""
    error = io.StringIO()
    with contextlib.redirect_stderr(error), contextlib.redirect_stdout(io.StringIO()):
        code = convscope(list(words))
    return code, error.getvalue()


def one_fault(k: int, code: int, for_good: bool, expected: str, outcomes: Outcome) -> bool:
    """Train with a fault, then without. Returns whether the training was long enough to meet the fault."""
    shutil.rmtree("run", ignore_errors=True)
    Path("run.state").unlink(missing_ok=True)
    with watched(failing(k, code, for_good)) as seen:
        exit_code, error = command("train", *SHORT, "--out", "run")
    if len(seen) < k:
        return False
    name = seen[k - 1].name
    where = f"{name} {k}, {errno.errorcode[code]}, {'permanently' if for_good else 'once'}"
    outcomes.faults += 1
    outcomes.by_kind[name] = outcomes.by_kind.get(name, 0) + 1
    complaints = [line for line in error.splitlines() if line.startswith("convscope: ")]
    if "Traceback" in error or "internal error" in error or "defect" in error or len(complaints) != int(exit_code != 0):
        outcomes.trouble.append(f"{where}: exit {exit_code}: {error[-300:]}")
    outcomes.told += exit_code != 0
    here = Path()
    if is_begun(here, "run"):
        outcomes.resumed += 1
        code_after, error = command("train", "--resume", "run", "--json")
    elif exit_code:
        outcomes.again += 1
        shutil.rmtree("run", ignore_errors=True)
        code_after, error = command("train", *SHORT, "--out", "run")
    else:
        outcomes.unharmed += 1
        code_after = 0
    if code_after or outcome_of(here, "run") != expected:
        outcomes.trouble.append(f"{where}: afterwards exit {code_after}: {error[-300:]}")
    return True


def prove(
    folder: Path,
    *,
    every: int = 1,
    ways: Sequence[tuple[int, bool]] = WAYS,
    outcomes: Outcome | None = None,
    report: Callable[[Outcome], object] = print,
) -> Outcome:
    """Let each operation fail in turn, until a training meets no fault; `outcomes` has the counts of an earlier run."""
    outcomes = outcomes or Outcome()
    first = 1 + every * (outcomes.faults // len(ways))
    prepare(folder)
    (folder / "net.txt").write_text(NETWORK, encoding="utf-8")
    with working_in(folder):
        with watched() as seen:
            code, error = command("train", *SHORT, "--out", "whole")
        if code:
            raise SystemExit(error)
        expected = outcome_of(folder, "whole")
        outcomes.operations = len(seen)
        for k in range(first, MAX_OPERATIONS, every):
            if not all(one_fault(k, code, for_good, expected, outcomes) for code, for_good in ways):
                outcomes.operations = min(outcomes.operations, k - 1)  # the first training in a process has one more
                break
            report(outcomes)
    return outcomes


def known() -> Outcome:
    """Read the counts of an interrupted run of this script."""
    path = Path(__file__).parent.parent / "docs" / "figures" / "reliability-faults.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    summary = {key: value for key, value in record["summary"].items() if key not in ("troubles", "seconds")}
    return Outcome(**summary, trouble=record["trouble"])


def main() -> None:
    sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
    from record import write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument(
        "--continue", dest="is_continued", action="store_true", help="after the last operation in the figures"
    )
    chosen = parser.parse_args()
    before = known() if chosen.is_continued else Outcome()
    began = time.monotonic()

    def report(outcomes: Outcome) -> None:
        summary = {key: value for key, value in asdict(outcomes).items() if key != "trouble"}
        summary |= {"troubles": len(outcomes.trouble), "seconds": round(time.monotonic() - began)}
        write("reliability-faults", {"summary": summary, "trouble": outcomes.trouble[:50]})

    with tempfile.TemporaryDirectory() as folder:
        report(prove(Path(folder), every=chosen.every, outcomes=before, report=report))


if __name__ == "__main__":
    main()
