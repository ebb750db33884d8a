"""Decide which folders are parts (train, test) and which are classes. Light: works on paths alone.

Folders that hold the same sub-folders are parts, and which part follows from the name; a folder called train that holds
images is a class. Where neither is clear, `find_layout` refuses instead of guessing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from convscope.data.part_names import TEST, TRAIN, VALIDATION, is_part_name, part_of
from convscope.decisions import Decision
from convscope.errors import DataError, printable

Path = tuple[str, ...]

PARTS_OPTIONS = ("auto", "none")
"""Values of the option ``parts``: decide by structure, or take the outer folders as classes."""

UNEVEN = 1.5
"""Two parts usually differ in size by more than this factor, and each class by about the same."""

SHOWN = 4


@dataclass(frozen=True)
class Layout:
    """What the folders of a dataset are.

    Attributes:
        parts: Name of the part for each folder that is one; empty if the folders are classes.
        skips: For each part folder, how many folders lie between it and its classes.
        is_inside: Whether the parts are inside the class folders: cat/train, cat/test.
        decision: What was decided; None if there was nothing to decide.
    """

    parts: Mapping[str, str] = field(default_factory=dict)
    skips: Mapping[str, int] = field(default_factory=dict)
    is_inside: bool = False
    decision: Decision | None = None

    def place(self, path: Path) -> tuple[str, str] | None:
        """Part and class folder of a file; None if it belongs to no class."""
        if self.is_inside:
            return (part_of(path[1]), path[0]) if len(path) > 2 and part_of(path[1]) else None
        if not self.parts:
            return (TRAIN, path[0]) if len(path) > 1 else None
        depth = 1 + self.skips.get(path[0], 0)
        return (self.parts[path[0]], path[depth]) if path[0] in self.parts and len(path) > depth + 1 else None

    def class_of_folder(self, path: Path) -> tuple[str, str] | None:
        """Part and class of a folder that stands for a class; None for other folders."""
        if self.is_inside:
            return (TRAIN, path[0]) if len(path) == 1 else None
        depth = 1 + self.skips.get(path[0], 0) if self.parts else 0
        return self.place((*path, "")) if len(path) == depth + 1 else None


@dataclass(frozen=True)
class _Top:
    """One of the outermost folders: its sub-folders, and its images directly and by sub-folder."""

    name: str
    folders: frozenset[str]
    direct: int
    inside: Mapping[str, int]

    @property
    def part(self) -> str:
        return part_of(self.name)


def find_layout(
    folders: Collection[Path], files: Collection[Path], source: str, *, parts: str = "auto", whole: bool = False
) -> Layout:
    """Decide which folders are parts and which are classes.

    Args:
        folders: Paths of all folders, empty ones too.
        files: Paths of all image files.
        source: The name of the dataset, for messages.
        parts: One of `PARTS_OPTIONS`.
        whole: Whether a source with only a test part will do.

    Raises:
        DataError: The structure allows two readings, or there is only a test part.
    """
    tops = _tops(folders, files)
    named, others = [top for top in tops if top.part], [top for top in tops if not top.part]
    if parts == "none":
        names = listed(top.name for top in tops)
        return Layout(decision=Decision("parts", f"none; the classes are {names}", "as requested", "--parts auto"))
    if not any(top.folders for top in tops):
        return _classes(tops)
    if _is_inside(tops):
        return _inside(tops)
    if _are_parts(named, others, source):
        return _parts(named, folders, files, source, whole)
    if not named and _look_like_parts(tops):
        raise _unclear(tops, source, "have the same sub-folders, but no names of parts")
    return _classes(tops)


def is_wrapper(folders: Collection[Path], files: Collection[Path], *, parts: str = "auto") -> bool:
    """Whether everything lies in one folder that is neither a part nor a class, as archives often have it."""
    tops = {path[0] for path in folders}
    if len(tops) != 1 or any(len(path) <= 2 for path in files):
        return False
    (top,) = tops
    inner = {path[1] for path in folders if len(path) == 2}
    holds_parts = any(part_of(name) == TRAIN for name in inner) and any(len(path) == 3 for path in folders)
    return bool(inner) and (parts == "none" or not is_part_name(top) or holds_parts)


def _tops(folders: Collection[Path], files: Collection[Path]) -> list[_Top]:
    names = sorted({path[0] for path in folders})
    inner: dict[str, set[str]] = {name: set() for name in names}
    for path in folders:
        if len(path) == 2:
            inner[path[0]].add(path[1])
    direct = Counter(path[0] for path in files if len(path) == 2)
    inside = Counter(path[:2] for path in files if len(path) > 2)
    return [
        _Top(name, frozenset(inner[name]), direct[name], {sub: inside[name, sub] for sub in sorted(inner[name])})
        for name in names
    ]


def _is_inside(tops: list[_Top]) -> bool:
    """Whether each folder holds parts: cat/train, cat/test, dog/train, dog/test."""
    inner = {folder for top in tops for folder in top.folders}
    are_parts = all(is_part_name(folder) for folder in inner) and any(part_of(folder) == TRAIN for folder in inner)
    return are_parts and len(tops) > 1 and all(top.folders for top in tops) and not all(top.part for top in tops)


def _are_parts(named: list[_Top], others: list[_Top], source: str) -> bool:
    """Whether the folders whose names describe a part are parts.

    Raises:
        DataError: The structure allows two readings.
    """
    with_folders = [top for top in named if top.folders]
    if not with_folders:
        return False
    if not others:
        train = [top for top in named if top.part == TRAIN]
        if train and not any(top.folders for top in train) and any(top.direct for top in train):
            raise _unclear(named, source, "may be parts or classes: the training folder holds no class folders")
        return True
    alike = [top for top in others if any(_overlap(top.folders, one.folders) for one in with_folders)]
    if len(with_folders) > 1 and _share(with_folders):
        if len(alike) >= len(with_folders):
            raise _unclear([*named, *alike], source, "have the same sub-folders, but not all are named after a part")
        return True
    if alike:
        if len(named) + len(others) <= len(with_folders[0].folders):
            raise _unclear([*named, *alike], source, "have the same sub-folders, but not all are named after a part")
        return False
    holding = [top for top in others if top.direct or top.folders]
    if len(holding) == 1 and holding[0].folders:
        raise _unclear([*with_folders, *holding], source, "may be parts or classes")
    return len(holding) < 2  # a class with sub-folders and a single other class are less likely than a part


def _look_like_parts(tops: list[_Top]) -> bool:
    """Whether folders without telling names are more likely parts than classes with the same sub-folders by chance."""
    if len(tops) < 2 or not all(top.folders and not top.direct for top in tops):
        return False
    shared = frozenset.intersection(*(top.folders for top in tops))
    if len(shared) < 2 or len(shared) < 0.5 * len(frozenset.union(*(top.folders for top in tops))):
        return False
    if len(shared) >= 2 * len(tops):
        return True
    return len(shared) >= len(tops) and _is_split(tops, shared)


def _is_split(tops: list[_Top], shared: Iterable[str]) -> bool:
    """Whether the folders differ in size, and every sub-folder by about the same factor."""
    largest = max(tops, key=lambda top: sum(top.inside.values()))
    for top in tops:
        ratios = [largest.inside[folder] / max(top.inside[folder], 1) for folder in shared]
        if top is not largest and (min(ratios) < UNEVEN or max(ratios) > UNEVEN * min(ratios)):
            return False
    return True


def _share(tops: list[_Top]) -> bool:
    return any(_overlap(one.folders, two.folders) for one in tops for two in tops if one is not two) or any(
        len(top.folders) == 1 for top in tops
    )


def _overlap(one: frozenset[str], two: frozenset[str]) -> bool:
    return len(one & two) * 2 >= min(len(one), len(two)) > 0


def _classes(tops: list[_Top]) -> Layout:
    """The outermost folders are the classes; what their names or sub-folders might suggest otherwise is reported."""
    inner = sorted({folder for top in tops for folder in top.folders})
    part_like = [top.name for top in tops if is_part_name(top.name) and top.direct]
    reasons = []
    if part_like:
        holds = "holds" if len(part_like) == 1 else "hold"
        reasons.append(f"{listed(part_like)} {holds} images" + ("" if inner else " and no folders"))
    if inner:
        reasons.append(f"the folders inside ({listed(inner)}) belong to their class")
    if not reasons:
        return Layout()
    chosen = f"none; the classes are {listed(top.name for top in tops)}"
    return Layout(decision=Decision("parts", chosen, "; ".join(reasons), "rename the folders"))


def _inside(tops: list[_Top]) -> Layout:
    inner = sorted({folder for top in tops for folder in top.folders})
    chosen = f"{_roles({folder: part_of(folder) for folder in inner})}, inside each class"
    return Layout(
        is_inside=True, decision=Decision("parts", chosen, f"{listed(top.name for top in tops)} hold these folders")
    )


def _parts(named: list[_Top], folders: Collection[Path], files: Collection[Path], source: str, whole: bool) -> Layout:
    if not whole and not any(top.part == TRAIN for top in named):
        names = listed(top.name for top in named)
        raise DataError(
            f"Expected a train folder in {source}. Received: only {names}.",
            hint=f"To train on these images, pass the folder {printable(named[0].name)} itself.",
        )
    parts = {top.name: top.part for top in named}
    skips = _skips(named, folders, files)
    classes = [
        {path[1 + skips[path[0]]] for path in folders if path[0] == top.name and len(path) > 1 + skips[top.name]}
        for top in named
    ]
    full = [one for one in classes if one]
    if len(full) > 1:
        shared, how_many = sorted(set.intersection(*full)), "both" if len(full) == 2 else "all"
        because = f"{how_many} hold the folders {listed(shared)}" if shared else "by their names"
    else:
        because = f"{next(top.name for top in named if top.folders)} holds the class folders"
    return Layout(parts, skips, decision=Decision("parts", _roles(parts), because))


def _skips(named: list[_Top], folders: Collection[Path], files: Collection[Path]) -> dict[str, int]:
    """How many folders lie between each part and its classes: train/images/cat, seg_train/seg_train/sea."""
    skips = {top.name: 0 for top in named}
    common = {top.folders for top in named if top.folders}
    for top in named:
        here: Path = (top.name,)
        while True:
            inner = {path[len(here)] for path in folders if len(path) == len(here) + 1 and path[: len(here)] == here}
            if len(inner) != 1:
                break
            (only,) = inner
            below = (*here, only)
            is_wrapped = part_of(only) == top.part or (len(named) > 1 and common == {frozenset((only,))})
            levels = (len(here) + 1, len(below) + 1)
            has_files = any(len(path) in levels and path[: len(here)] == here for path in files)
            if has_files or not is_wrapped or not any(path[:-1] == below for path in folders):
                break
            here = below
        skips[top.name] = len(here) - 1
    return skips


def _roles(parts: Mapping[str, str]) -> str:
    words = {TRAIN: "the training part", VALIDATION: "validation (joins the training part)", TEST: "the test part"}
    groups = {part: [name for name in parts if parts[name] == part] for part in words}
    return ", ".join(
        f"{listed(names)} {'is' if len(names) == 1 else 'are'} {words[part]}" for part, names in groups.items() if names
    )


def _unclear(tops: Iterable[_Top], source: str, reason: str) -> DataError:
    return DataError(
        f"Expected folders of parts (train, test) or of classes in {source}. "
        f"Received: {listed(top.name for top in tops)}, which {reason}.",
        hint="Rename parts to train, validation and test. If these folders are the classes, pass --parts none.",
    )


def listed(names: Iterable[str], most: int = SHOWN) -> str:
    """Names on one line, the first few.

    Example:
        >>> listed("abcdef")
        'a, b, c, d, … (6)'
    """
    shown = [printable(name) for name in names]
    return ", ".join(shown[:most]) + (f", … ({len(shown)})" if len(shown) > most else "")
