"""What is read is not written over."""

from __future__ import annotations

import contextlib
from pathlib import Path

from convscope.errors import OptionError
from convscope.model.reference import REFERENCE_FILE
from convscope.training.run_folder import CONFIG_FILE, MODEL_FILE, RUN_FILE


def check_output_path(out: str | Path | None, *read: str | Path | None) -> None:
    """Refuse an output that is one of the inputs, or another output.

    Args:
        out: The file that will be written; None writes nothing.
        read: Files and folders; of a folder, the files of a run in it are meant. None is nothing.

    Raises:
        OptionError: They are the same.
    """
    for path in map(Path, filter(None, read)):
        for file in (path, *(path / name for name in (MODEL_FILE, RUN_FILE, CONFIG_FILE, REFERENCE_FILE))):
            if out is not None and _same(Path(out), file):
                raise OptionError(
                    f"Expected an output that is neither an input nor another output. Received: {out}.",
                    hint="Name another file.",
                )


def _same(one: Path, other: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):
        if other.is_dir():
            return False
        return one.absolute() == other.absolute() or one.samefile(other)
    return False
