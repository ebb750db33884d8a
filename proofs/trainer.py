"""``convscope train`` with a checkpoint every 50 ms, which can kill itself while writing one.

    python proofs/trainer.py DIE_AT train --out RUN …

DIE_AT is 0, or the number of the disk operation at which the process sends itself SIGKILL: before it, after it, or in
the middle, in turn.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

from disk import Act, Decide, watched

from convscope.cli.app import program
from convscope.training import checkpoint

SECONDS_BETWEEN = 0.05


def die_at(last: int) -> Decide:
    """Do all operations before the last; skip that one, do half of it, or do it, and then die."""

    def decide(number: int, name: str, act: Act, halve: Act) -> Any:
        if number < last:
            return act()
        (lambda: None, act, halve)[last % 3]()
        os.kill(os.getpid(), signal.SIGKILL)

    return decide


def record_state(saved: checkpoint.Checkpoint, run: Path) -> None:
    """Write a hash of the whole checkpoint next to the run's folder: optimizer state, averages, losses."""
    digest = hashlib.sha256(repr((saved.step, sorted(saved.measured.items()))).encode())
    for name, value in sorted({**saved.state, "": saved.losses}.items()):
        digest.update(f"{name} {value.shape}".encode() + value.tobytes())
    with open(f"{run}.state", "w") as file:  # noqa: PTH123  # Path.open may be watched
        file.write(digest.hexdigest())


def record_states() -> None:
    """Record the state of each checkpoint, since a finished training deletes them.

    It is recorded before the checkpoint is written: a process that dies in between repeats the step.
    """
    real_write = checkpoint.save_checkpoint

    def write(saved: checkpoint.Checkpoint, folder: Path) -> Path:
        record_state(saved, folder.parent)
        return real_write(saved, folder)

    checkpoint.save_checkpoint = write


def die_in_a_checkpoint(last: int) -> None:
    """Count only the operations of checkpoints, and die at one of them."""
    real_write, decide = checkpoint.save_checkpoint, die_at(last)

    def write(*words: Any) -> Any:
        with watched(lambda number, *rest: decide(done[0] + number, *rest)) as seen:
            path = real_write(*words)
        done[0] += len(seen)
        return path

    done = [0]
    checkpoint.save_checkpoint = write


if __name__ == "__main__":
    checkpoint.SECONDS_BETWEEN = SECONDS_BETWEEN
    record_states()
    if int(sys.argv[1]):
        die_in_a_checkpoint(int(sys.argv[1]))
    program(sys.argv[2:])
