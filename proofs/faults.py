"""A disk that fails at the k-th open, write, fsync, rename, unlink, mkdir or rmdir of a whole training, for every k.

    python proofs/faults.py [--every 1] [--go-on]

Each k fails with EIO and with ENOSPC, once and for good. Afterwards the disk is well again, and the same person types
what the program says: go on where there is something to go on with, else train again. What comes out must be the
training that nobody disturbed. Writes docs/figures/reliability-faults.json.
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
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from disk import failing, watched
from interruption import NETWORK, WORDS, is_begun, outcome_of, prepare
from trainer import remember_state

from convscope.cli.app import main as convscope
from convscope.training import checkpoint
from convscope.training import fit as fit_module

CODES = (errno.EIO, errno.ENOSPC)
SHORT = (*WORDS[: WORDS.index("--epochs")], "--epochs", "1", "--batch-size", "96", *WORDS[WORDS.index("--shift") :])
"""Two steps: a checkpoint before the first, one between them in the middle of the epoch, and one at the end."""

MOST = 1000
"""Operations that one training may have: the search for the last k ends here at the latest."""


@dataclass
class Found:
    """What became of trainings whose disk failed."""

    operations: int = 0
    faults: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)
    told: int = 0
    unharmed: int = 0
    resumed: int = 0
    again: int = 0
    trouble: list[str] = field(default_factory=list)


@contextlib.contextmanager
def at_home(folder: Path) -> Iterator[None]:
    """Work in a folder, with a checkpoint after each call of the graph and calls of few steps."""
    before, often, calls = Path.cwd(), checkpoint.SECONDS_BETWEEN, fit_module.SECONDS_PER_CALL
    real_write = checkpoint.save_checkpoint
    remember_state()
    os.chdir(folder)
    checkpoint.SECONDS_BETWEEN = fit_module.SECONDS_PER_CALL = 0.0
    try:
        yield
    finally:
        os.chdir(before)
        checkpoint.save_checkpoint = real_write
        checkpoint.SECONDS_BETWEEN, fit_module.SECONDS_PER_CALL = often, calls


def command(*words: str) -> tuple[int, str]:
    """One command in this process: its exit code and what it says on stderr."""
    error = io.StringIO()
    with contextlib.redirect_stderr(error), contextlib.redirect_stdout(io.StringIO()):
        code = convscope(list(words))
    return code, error.getvalue()


def one_fault(k: int, code: int, for_good: bool, wanted: str, found: Found) -> bool:
    """Train with a fault, then without; whether the training was long enough to meet it."""
    shutil.rmtree("run", ignore_errors=True)
    Path("run.state").unlink(missing_ok=True)
    with watched(failing(k, code, for_good)) as seen:
        exit_code, said = command("train", *SHORT, "--out", "run")
    if len(seen) < k:
        return False
    name = seen[k - 1].name
    where = f"{name} {k}, {errno.errorcode[code]}, {'for good' if for_good else 'once'}"
    found.faults += 1
    found.by_kind[name] = found.by_kind.get(name, 0) + 1
    complaints = [line for line in said.splitlines() if line.startswith("convscope: ")]
    if "Traceback" in said or "defect" in said or len(complaints) != int(exit_code != 0):
        found.trouble.append(f"{where}: exit {exit_code}: {said[-300:]}")
    found.told += exit_code != 0
    here = Path()
    if is_begun(here, "run"):
        found.resumed += 1
        code_after, said = command("train", "--resume", "run", "--json")
    elif exit_code:
        found.again += 1
        shutil.rmtree("run", ignore_errors=True)
        code_after, said = command("train", *SHORT, "--out", "run")
    else:
        found.unharmed += 1
        code_after = 0
    if code_after or outcome_of(here, "run") != wanted:
        found.trouble.append(f"{where}: afterwards exit {code_after}: {said[-300:]}")
    return True


def prove(
    folder: Path, *, every: int = 1, found: Found | None = None, report: Callable[[Found], object] = print
) -> Found:
    """Let each operation fail in turn, until a training meets no fault any more; `found` is from a run cut off."""
    found = found or Found()
    first = 1 + every * (found.faults // (2 * len(CODES)))
    prepare(folder)
    (folder / "net.txt").write_text(NETWORK, encoding="utf-8")
    with at_home(folder):
        with watched() as seen:
            code, said = command("train", *SHORT, "--out", "whole")
        if code:
            raise SystemExit(said)
        wanted = outcome_of(folder, "whole")
        found.operations = len(seen)
        for k in range(first, MOST, every):
            ways = itertools.product(CODES, (False, True))
            if not all(one_fault(k, code, for_good, wanted, found) for code, for_good in ways):
                found.operations = min(found.operations, k - 1)  # the first training of a process has one more
                break
            report(found)
    return found


def known() -> Found:
    """What a run that was cut off has written."""
    path = Path(__file__).parent.parent / "docs" / "figures" / "reliability-faults.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    summary = {key: value for key, value in record["summary"].items() if key not in ("troubles", "seconds")}
    return Found(**summary, trouble=record["trouble"])


def main() -> None:
    sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
    from record import write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--go-on", action="store_true", help="after the last operation that the figures know")
    chosen = parser.parse_args()
    before = known() if chosen.go_on else Found()
    began = time.monotonic()

    def report(found: Found) -> None:
        summary = {key: value for key, value in asdict(found).items() if key != "trouble"}
        summary |= {"troubles": len(found.trouble), "seconds": round(time.monotonic() - began)}
        write("reliability-faults", {"summary": summary, "trouble": found.trouble[:50]})

    with tempfile.TemporaryDirectory() as folder:
        report(prove(Path(folder), every=chosen.every, found=before, report=report))


if __name__ == "__main__":
    main()
