"""A table of file names and labels (CSV, TSV or JSON lines) with the images next to it or in a folder beside it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from convscope.data.dataset import LoadedData, Skipped
from convscope.data.files import is_hidden, list_folder
from convscope.data.formats.folder import list_images
from convscope.data.image_folder import ALLOWED_FRACTION, ALLOWED_SKIPS, load_images
from convscope.data.image_formats import has_image_suffix
from convscope.data.image_tree import MAX_LISTED, ImageFile, ImageTree, LabeledFile, class_name
from convscope.data.label_rows import SUFFIXES, Row, find_layout, is_label_table, read_rows
from convscope.data.load_options import LoadOptions
from convscope.data.part_names import TEST, TRAIN, part_of
from convscope.data.reader import Candidate, Reader
from convscope.errors import DataError, printable

SAMPLE_ROWS = 500
"""Rows that are looked up to recognize a table."""

NOT_LABELS = ("submission",)
"""Words in the names of tables whose labels are placeholders, as in Kaggle's sample_submission.csv."""


class FileIndex:
    """The files of a folder by path, with and without file extension."""

    def __init__(self, tree: ImageTree) -> None:
        self.tree = tree
        self.by_path = {"/".join(file.path): file for file in tree.files}
        self.by_stem: dict[str, list[ImageFile]] = {}
        for path, file in self.by_path.items():
            if has_image_suffix(path):
                self.by_stem.setdefault(path.rpartition(".")[0], []).append(file)

    def find(self, name: str, base: str) -> ImageFile | None:
        """The file that a row names, below a folder; None if there is none, or if several have this stem."""
        path = f"{base}/{name}" if base else name
        if path in self.by_path:
            return self.by_path[path]
        same = self.by_stem.get(path, [])
        return same[0] if len(same) == 1 else None

    def base_of(self, rows: list[Row], first: str) -> tuple[str, int]:
        """The folder in which most rows name a file, and how many do; the folder of the table before those in it."""
        folders = sorted(
            {file.path[0] for file in self.tree.files if len(file.path) > 1}, key=lambda n: (n != first, n)
        )
        counts = {base: sum(self.find(row.file, base) is not None for row in rows) for base in ("", *folders)}
        best = max(counts, key=lambda base: counts[base])
        return best, counts[best]


def load(path: Path, options: LoadOptions) -> LoadedData:
    """Load a table of labels, or a folder with one. In a folder, tables named after train and test are the parts.

    Columns are found by name (`label_columns`), or, without a header, by a cell with the extension of an image. A name
    without extension, such as an id, matches the file with that stem. Missing files are skipped and listed.

    Raises:
        DataError: Too many missing files, a file with two labels, or see `image_folder.load_images`.
    """
    tables = _tables(path) if path.is_dir() else [path]
    groups: dict[str, list[Path]] = {}
    for table in tables:
        part = (part_of(table.stem) or part_of(table.parent.name)) if path.is_dir() else TRAIN
        groups.setdefault(TEST if part == TEST else TRAIN, []).append(table)
    if not path.is_dir() or len(groups) == 1:
        groups = {TRAIN: tables}
    if len(groups[TRAIN]) > 1 and not all(part_of(table.stem) or part_of(table.parent.name) for table in tables):
        raise DataError(
            f"Expected one table of labels. Received: folder={path}, {', '.join(table.name for table in tables)}.",
            hint="Pass one of them.",
        )
    parts: dict[str, list[LabeledFile]] = {TRAIN: [], TEST: []}
    skipped: list[Skipped] = []
    for part, paths in groups.items():
        for table in paths:
            labeled, missing = _labeled(table)
            parts[part] += labeled
            skipped += missing
    train, test = (parts[TRAIN] + parts[TEST], []) if options.whole else (parts[TRAIN], parts[TEST])
    tree = ImageTree(READER.name, printable(path.name or str(path)), (), frozenset())
    return load_images(train, test, tree, options=options, unlabeled=tuple(skipped))


def _labeled(path: Path) -> tuple[list[LabeledFile], list[Skipped]]:
    """The images that a table names, with their labels, and the files skipped."""
    layout = find_layout(path)
    rows = read_rows(path, layout) if layout else []
    if not rows:
        raise DataError.about_file("Expected file names and labels", path, "none")
    index = FileIndex(list_images(path.parent))
    base, _ = index.base_of(rows[:SAMPLE_ROWS], path.stem)
    labels: dict[tuple[str, ...], str] = {}
    labeled, missing = [], []
    for row in rows:
        file = index.find(row.file, base)
        if file is None:
            missing.append(row.file)
        elif labels.setdefault(file.path, row.label) != row.label:
            raise DataError.about_file(
                "Expected one label per image", path, f"{file.name} has {labels[file.path]!r} and {row.label!r}"
            )
        else:
            labeled.append(LabeledFile(class_name(row.label, path.name), replace(file, fields=row.fields)))
    _check_missing(path, missing, len(rows))
    unique = list({one.file.path: one for one in labeled}.values())
    return unique, [*_missing(path, missing), *_unlisted(path, index, base, labels)]


def _check_missing(path: Path, missing: list[str], total: int) -> None:
    if len(missing) < total and len(missing) <= max(ALLOWED_SKIPS, ALLOWED_FRACTION * total):
        return
    raise DataError.about_file(
        "Expected the images that the table names next to it or in a folder beside it",
        path,
        f"{len(missing):,} of {total:,} are not there: {', '.join(printable(name)[:60] for name in missing[:3])}",
        hint="Put the images beside the table, or into one folder per class and pass the folder that holds them.",
    )


def _missing(path: Path, missing: list[str]) -> list[Skipped]:
    if len(missing) <= MAX_LISTED:
        return [Skipped(printable(name), f"named in {path.name}, but not found") for name in missing]
    names = ", ".join(printable(name) for name in missing[:MAX_LISTED])
    return [Skipped(path.name, f"{len(missing):,} images that it names are not found: {names}, …", len(missing))]


def _unlisted(path: Path, index: FileIndex, base: str, known: dict[tuple[str, ...], str]) -> list[Skipped]:
    """Images in the folder of the listed images that the table does not name."""
    folders = {place[:-1] for place in known}
    others = [
        file
        for file in index.tree.files
        if file.path[:-1] in folders and file.path not in known and has_image_suffix(file.path[-1])
    ]
    if not others:
        return []
    return [Skipped(printable(base) or ".", f"{len(others):,} images that {path.name} does not name", len(others))]


def _tables(folder: Path) -> list[Path]:
    """Tables of labels in a folder, or else one level below, whose images are there and not sorted by class."""
    found = _tables_in(folder)
    if not found:
        inner = [Path(entry.path) for entry in list_folder(folder) if entry.is_dir(follow_symlinks=False)]
        found = [table for place in sorted(inner) for table in _tables_in(place)]
    return found


def _tables_in(folder: Path) -> list[Path]:
    names = sorted(entry.name for entry in list_folder(folder) if entry.is_file() and not is_hidden(entry.name))
    tables = [folder / name for name in names if name.lower().endswith(SUFFIXES)]
    tables = [table for table in tables if not any(word in table.name.lower() for word in NOT_LABELS)]
    tables = [table for table in tables if is_label_table(table)]
    if not tables:
        return []
    index = FileIndex(list_images(folder))
    return [table for table in tables if _is_next_to_images(table, index)]


def _is_next_to_images(table: Path, index: FileIndex) -> bool:
    """Whether most of the images that a table names are there, and not in folders of their class."""
    layout = find_layout(table)
    rows = read_rows(table, layout, SAMPLE_ROWS) if layout else []
    base, count = index.base_of(rows, table.stem)
    if 2 * count < len(rows) or not count:
        return False
    files = [file for row in rows if (file := index.find(row.file, base))]
    folders = Counter(file.path[:-1] for file in files)
    return sum(not path or not part_of(path[-1]) for path in folders) < 2


def _recognizes(candidate: Candidate) -> bool:
    if candidate.is_folder:
        return bool(_tables(candidate.path))
    return candidate.name.endswith(SUFFIXES) and not candidate.is_zip and is_label_table(candidate.path)


READER = Reader(
    name="label_table",
    form="a table of labels",
    contents="file,label in CSV, TSV or JSON lines, with the images beside it",
    order=45,
    recognizes=_recognizes,
    load=load,
)
