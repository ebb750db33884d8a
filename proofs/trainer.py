"""``convscope train`` that keeps a checkpoint every 50 ms, and may die inside the writing of one.

    python proofs/trainer.py DIE_AT train --out RUN …

DIE_AT is 0, or which operation of the disk kills the process with SIGKILL: before it, after it, or in
the middle, by turns.
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
    """Do all operations but the last of a checkpoint: it is left out, half done, or done and nobody hears of it."""

    def decide(number: int, name: str, act: Act, halve: Act) -> Any:
        if number < last:
            return act()
        (lambda: None, act, halve)[last % 3]()
        os.kill(os.getpid(), signal.SIGKILL)

    return decide


def note_state(kept: checkpoint.Checkpoint, run: Path) -> None:
    """Leave beside the run's folder one hash of all that a checkpoint holds: optimizer, averages, losses."""
    digest = hashlib.sha256(repr((kept.step, sorted(kept.measured.items()))).encode())
    for name, value in sorted({**kept.state, "": kept.losses}.items()):
        digest.update(f"{name} {value.shape}".encode() + value.tobytes())
    with open(f"{run}.state", "w") as file:  # noqa: PTH123  # Path.open may be watched
        file.write(digest.hexdigest())


def remember_state() -> None:
    """Note the state of each checkpoint, since training removes them when it is over.

    It is noted before the checkpoint is written: a process that dies between the two takes the step again.
    """
    real_write = checkpoint.save_checkpoint

    def write(kept: checkpoint.Checkpoint, folder: Path) -> Path:
        note_state(kept, folder.parent)
        return real_write(kept, folder)

    checkpoint.save_checkpoint = write


def die_in_a_checkpoint(last: int) -> None:
    """Count only what checkpoints write, and die there."""
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
    remember_state()
    if int(sys.argv[1]):
        die_in_a_checkpoint(int(sys.argv[1]))
    program(sys.argv[2:])
