"""``convscope runs``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from convscope.api.notes import note
from convscope.cli.output import Output, console, say, say_json, size_in_words, table
from convscope.errors import OptionError

if TYPE_CHECKING:
    from convscope.api.compare_runs import RunComparison
    from convscope.api.list_runs import RunList


def runs(
    *names: str,
    remove: bool = False,
    yes: bool = False,
    folder: Path = Path("runs"),
    output: Output = Output(),  # noqa: B008
) -> int:
    """List, compare or remove runs.

    Without arguments, list the runs, newest first. With two runs, compare them: what differs, and the difference of
    their accuracies on the same test images, with a 95 % interval for paired data.

    Parameters
    ----------
    names
        Two runs to compare, or any number to remove: run folders, or names of folders below --folder.
    remove
        Remove the named runs. Only run folders are removed, and none that is being trained.
    yes
        Do not ask before removing.
    folder
        The folder that holds the runs.
    """
    if remove:
        return _remove(names, folder, output, yes=yes)
    from convscope.api.list_runs import RunList
    from convscope.api.runs import runs as find_runs

    found = find_runs(*names, folder=folder)  # type: ignore[call-overload]  # a wrong number is refused there
    if output.json:
        say_json(found.to_json())
    elif isinstance(found, RunList):
        _print_list(found, folder, output)
    else:
        _print_comparison(found)
    return 0


def _print_list(found: RunList, folder: Path, output: Output) -> None:
    from convscope.api.list_runs import RUN_COLUMNS, run_row

    if not found.runs:
        say(f"No runs in {folder}.")
        output.hint("Train a network: convscope train")
    else:
        sides = dict.fromkeys(RUN_COLUMNS, "left") | {"size": "right"}
        console().print(table(sides, [list(run_row(one)) for one in found]))
    for one in found.skipped:
        note(f"convscope: skipped: {one.file}: {one.reason}")
    for one in found:
        output.detail(f"{one.folder.resolve()}")


def _print_comparison(comparison: RunComparison) -> None:
    names = (comparison.first.folder.name, comparison.second.folder.name)
    columns = {"": "left", names[0]: "left", names[1] + (" (2)" if names[0] == names[1] else ""): "left"}
    console().print(table(columns, [list(row) for row in comparison.rows()]))
    say()
    say(comparison.verdict())


def _remove(names: tuple[str, ...], folder: Path, output: Output, *, yes: bool) -> int:
    from convscope.api.remove_runs import check_removable, remove_runs

    places = check_removable(*names, folder=folder)
    size = sum(path.stat().st_size for place in places for path in place.rglob("*") if path.is_file())
    if not yes and not _confirm(f"Remove {', '.join(map(str, places))} ({size_in_words(size)})?"):
        note("convscope: nothing was removed.")
        return 1
    removed = remove_runs(*places)
    if output.json:
        say_json({"removed": [str(place) for place in removed], "size_bytes": size})
    else:
        say(f"removed     {', '.join(map(str, removed))} ({size_in_words(size)})")
    return 0


def _confirm(question: str) -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise OptionError("Removing runs needs a confirmation.", hint="Without a terminal, add --yes.")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
