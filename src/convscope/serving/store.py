"""The networks of a server by name and version, and how a changed run takes the place of the old one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from convscope.errors import ConvscopeError, OptionError, RunError, printable
from convscope.serving.network import FileState, Network, file_state
from convscope.serving.request_error import RequestError
from convscope.training.run_folder import MODEL_FILE, find_run

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
VERSION = re.compile(r"[1-9][0-9]{0,17}")
MOST_VERSIONS = 100

Load = Callable[[str, int, Path], Network]


@dataclass(frozen=True)
class Change:
    """What a look at the files found.

    Attributes:
        name: Of the network.
        version: Of the network.
        refused: Why the new file is not served; empty if it is.
    """

    name: str
    version: int
    refused: str = ""


class Store:
    """Networks by name and version.

    A folder is a run, or holds runs in folders named by their versions (``1``, ``2``, …), as for TensorFlow Serving.
    The newest version answers requests that name none.

    Args:
        folders: Of each name.
        load: Reads a run.

    Raises:
        ConvscopeError: A run cannot be served.
    """

    def __init__(self, folders: dict[str, Path], load: Load) -> None:
        self._folders = folders
        self._load = load
        self._refused: dict[tuple[str, int], FileState] = {}
        self._networks = {
            name: {version: load(name, version, path) for version, path in versions_of(folder).items()}
            for name, folder in folders.items()
        }

    @property
    def names(self) -> tuple[str, ...]:
        """In the order given; the first is the default."""
        return tuple(self._networks)

    def versions(self, name: str) -> tuple[Network, ...]:
        """All versions of a network, newest first.

        Raises:
            RequestError: 404.
        """
        if name not in self._networks:
            raise RequestError(404, f"There is no network {printable(name)[:64]!r}.", hint="See /metadata.")
        found = self._networks[name]
        return tuple(found[version] for version in sorted(found, reverse=True))

    def get(self, name: str = "", version: str = "") -> Network:
        """A network; without a name the first, without a version the newest.

        Raises:
            RequestError: 404.
        """
        versions = self.versions(name or self.names[0])
        if not version:
            return versions[0]
        for one in versions:
            if str(one.version) == version:
                return one
        raise RequestError(404, f"There is no version {printable(version)[:20]!r} of this network.")

    def refresh(self) -> list[Change]:
        """Read what has changed on the disk. A run that cannot be read is reported once, and the old one stays.

        Requests in progress keep the network that they began with.
        """
        changes = []
        for name, folder in self._folders.items():
            try:
                found = versions_of(folder)
            except ConvscopeError:  # being replaced, or gone: what is in memory stays
                continue
            for version, path in found.items():
                changes += self._refresh_one(name, version, path)
            gone = self._networks[name].keys() - found.keys()
            if gone:
                self._networks[name] = {
                    version: one for version, one in self._networks[name].items() if version not in gone
                }
        return changes

    def _refresh_one(self, name: str, version: int, path: Path) -> list[Change]:
        old = self._networks[name].get(version)
        try:
            state = file_state(path)
            if (old and state == old.state) or state == self._refused.get((name, version)):
                return []
            new = self._load(name, version, path)
        except (ConvscopeError, OSError, MemoryError) as error:
            try:
                self._refused[name, version] = file_state(path)
            except RunError:
                return []
            return [Change(name, version, printable(str(error))[:300] or type(error).__name__)]
        self._networks[name] = self._networks[name] | {version: new}
        return [Change(name, version)]


def versions_of(folder: Path) -> dict[int, Path]:
    """The runs in a folder by version: the folder itself as version 1, or its folders that are named by a number.

    Raises:
        RunError: There is no run.
    """
    if (folder / MODEL_FILE).is_file():
        return {1: folder}
    found = {
        int(path.name): path
        for path in sorted(folder.glob("*"))
        if VERSION.fullmatch(path.name) and (path / MODEL_FILE).is_file()
    }
    if not found:
        raise RunError(
            f"Expected a run, or a folder with runs named 1, 2, …. Received: {folder}.",
            hint="See what there is in runs/, or train one: convscope train",
        )
    return dict(sorted(found.items())[-MOST_VERSIONS:])


def named_folders(runs: Sequence[str | Path], names: Sequence[str] = ()) -> dict[str, Path]:
    """The folders of a server by name.

    Args:
        runs: Runs, or folders of versions; none takes the newest run below ``runs/``.
        names: One for each; without them, the names of the folders.

    Raises:
        RunError: There is no run.
        OptionError: A name is given twice, is not a name, or there are more names than runs.
    """
    folders = [_folder(run) for run in runs] or [find_run(None)]
    if names and len(names) != len(folders):
        raise OptionError(f"Expected one --name for each run. Received: {len(names)} for {len(folders)}.")
    chosen = list(names) or [_name_of(folder) for folder in folders]
    for name in chosen:
        if not NAME.fullmatch(name):
            raise OptionError(
                f"Expected a name of at most 64 letters, digits, dots, hyphens and underscores. Received: {name!r}."
            )
        if chosen.count(name) > 1:
            raise OptionError(f"Expected different names. Received: {name} twice.", hint="Give each run a --name.")
    return dict(zip(chosen, folders, strict=True))


def _folder(run: str | Path) -> Path:
    folder = Path(run)
    if folder.is_dir() and not (folder / MODEL_FILE).is_file():
        versions_of(folder)
        return folder
    return find_run(folder)


def _name_of(folder: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-._")[:64]
    return name or "network"
