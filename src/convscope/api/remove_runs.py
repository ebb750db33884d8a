"""Remove run folders, and nothing else."""

from __future__ import annotations

from pathlib import Path

from convscope.api.list_runs import RUNS, checkpoint_files, run_folder
from convscope.api.run import PAGE_FILE, PICTURES_FOLDER, Run
from convscope.data.cache_file import CACHE_FOLDER, is_cache_folder, remove_caches
from convscope.errors import OptionError, RunError
from convscope.model.reference import REFERENCE_FILE
from convscope.training.checkpoint import FOLDER as CHECKPOINTS
from convscope.training.checkpoint import delete_checkpoints, lock_run
from convscope.training.moments import MOMENTS_FILE
from convscope.training.run_folder import CONFIG_FILE, HASHES_FILE, MODEL_FILE, RUN_FILE

WRITTEN = {MODEL_FILE, CONFIG_FILE, REFERENCE_FILE, PAGE_FILE, RUN_FILE, HASHES_FILE, MOMENTS_FILE}
"""The files of a run folder; beside them there are figures, checkpoints and caches."""


def remove_runs(*names: str | Path | Run, folder: str | Path = RUNS) -> tuple[Path, ...]:
    """Remove run folders, all or none if one is refused.

    Args:
        names: Run folders, or names in ``folder``.
        folder: Where names are looked up.

    Returns:
        The folders that were removed.

    Raises:
        OptionError: No run is named.
        RunError: One is not a run, holds files that convscope did not write, is being trained, or cannot be removed.
    """
    places = check_removable(*names, folder=folder)
    for place in places:
        with lock_run(place):
            try:
                for path in _content(place):
                    path.unlink()
                remove_caches(place / CACHE_FOLDER)
                delete_checkpoints(place)
            except OSError as error:
                raise RunError(f"{place} could not be removed ({error.strerror}).") from None
        try:
            if (place / PICTURES_FOLDER).is_dir():
                (place / PICTURES_FOLDER).rmdir()
            place.rmdir()
        except OSError as error:
            raise RunError(f"{place} could not be removed ({error.strerror}).") from None
    return places


def check_removable(*names: str | Path | Run, folder: str | Path = RUNS) -> tuple[Path, ...]:
    """The folders that `remove_runs` would remove.

    Raises:
        OptionError, RunError: As `remove_runs`.
    """
    if not names:
        raise OptionError("Expected the runs to remove. Received: none.", hint="convscope runs lists them.")
    places = tuple(dict.fromkeys(run_folder(name, folder) for name in names))
    for place in places:
        if place.is_symlink():
            raise RunError(f"Expected a run folder. Received: {place}, which is a link.")
        whole = (place / RUN_FILE).is_file() and (place / MODEL_FILE).is_file()
        caches = place / CACHE_FOLDER
        if not whole and not checkpoint_files(place) and not (caches.exists() and is_cache_folder(caches)):
            raise RunError(f"Expected a run folder, with {RUN_FILE} and {MODEL_FILE}. Received: {place}.")
        own = {*_content(place)}
        foreign = [path for path in sorted(place.rglob("*")) if not _is_known(path, place, own)]
        if foreign:
            raise RunError(
                f"Expected only files that convscope wrote in {place}. Received: {foreign[0].relative_to(place)}"
                f"{f' and {len(foreign) - 1} more' if len(foreign) > 1 else ''}.",
                hint="Move them elsewhere, or remove the folder yourself.",
            )
        _check_not_training(place)
    return places


def _check_not_training(place: Path) -> None:
    try:
        with lock_run(place):
            pass
    except RunError as error:  # without its hint, which is for a training
        raise RunError(Exception.__str__(error)) from None


def _content(place: Path) -> list[Path]:
    """The files of a run without its checkpoints; the record last, so that an interrupted removal can be repeated."""
    figures = sorted((place / PICTURES_FOLDER).glob("*.png"))
    found = [path for path in [*figures, *(place / name for name in sorted(WRITTEN))] if path.is_file()]
    return sorted(found, key=lambda path: path.name == RUN_FILE)


def _is_known(path: Path, place: Path, own: set[Path]) -> bool:
    if path.is_symlink():
        return False
    if (caches := place / CACHE_FOLDER) in (path, *path.parents):
        return is_cache_folder(caches)
    if path.is_dir():
        return path in (place / PICTURES_FOLDER, place / CHECKPOINTS)
    return path in own or path.parent == place / CHECKPOINTS
