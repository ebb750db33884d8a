"""List, compare and remove runs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, overload

from convscope.api.compare_runs import RunComparison, compare_runs
from convscope.api.list_runs import RUNS, RunList, list_runs
from convscope.api.remove_runs import remove_runs
from convscope.api.run import Run
from convscope.errors import OptionError


@overload
def runs(*, folder: str | Path = RUNS) -> RunList: ...
@overload
def runs(first: str | Path | Run, second: str | Path | Run, /, *, folder: str | Path = RUNS) -> RunComparison: ...
@overload
def runs(*names: str | Path, remove: Literal[True], folder: str | Path = RUNS) -> tuple[Path, ...]: ...


def runs(
    *names: str | Path | Run, remove: bool = False, folder: str | Path = RUNS
) -> RunList | RunComparison | tuple[Path, ...]:
    """List the runs in a folder, compare two of them, or remove some.

    Args:
        names: None to list the runs, newest first; two to compare them: runs, run folders, or names in ``folder``.
        remove: Remove the named runs instead; all or none, if one is refused.
        folder: Where the run folders are.

    Returns:
        A `RunList`, a `RunComparison`, or the folders that were removed.

    Raises:
        OptionError: Another number of names.
        RunError: A name is not a run, or its files are damaged. To remove: it holds files that convscope did not write,
            it is being trained, or it cannot be removed.

    Example:
        >>> runs(folder="nowhere")
        RunList(runs=(), skipped=())
    """
    if remove:
        return remove_runs(*names, folder=folder)
    if not names:
        return list_runs(folder)
    if len(names) != 2:
        raise OptionError(
            f"Expected two runs to compare, or none to list them all. Received: {len(names)}.",
            hint="To remove one: convscope runs --remove NAME",
        )
    return compare_runs(*names, folder=folder)
