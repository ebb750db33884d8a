"""Load data by name, by path, or from memory. Heavy: reads files.

Each module of ``formats/`` is one format; `READERS` finds them by import, so a new format is one new file.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, Unpack

from convscope.data import formats, in_memory
from convscope.data.class_names import parse_class_names
from convscope.data.dataset import Dataset, LoadedData, Skipped
from convscope.data.files import check_regular, open_regular
from convscope.data.load_options import Caching, ImageKeywords, LoadKeywords, LoadOptions
from convscope.data.reader import Candidate, Reader
from convscope.decisions import Decision
from convscope.errors import DataError

MAX_FILE_BYTES = 2**36
NO_CACHE = Caching()


def _find_readers() -> dict[str, Reader]:
    found: list[Reader] = []
    for module in pkgutil.iter_modules(formats.__path__, f"{formats.__name__}."):
        found.append(importlib.import_module(module.name).READER)
    return {reader.name: reader for reader in sorted(found, key=lambda reader: reader.order)}


READERS: dict[str, Reader] = _find_readers()
"""The formats by name, in the order in which they are listed."""


def load(source: Any, *, caching: Caching = NO_CACHE, **options: Unpack[LoadKeywords]) -> LoadedData:
    """Load a dataset.

    Args:
        source: One of

            - ``"mnist"``, or the path of a folder or file in one of the formats that `describe_sources` lists; a path
              named mnist is written ``./mnist``;
            - arrays ``(images, labels)`` or, as in Keras, ``((x_train, y_train), (x_test, y_test))``;
            - a table of paths and labels: a data frame, a dict of columns, or a list of ``(path, label)``; see
              `in_memory.load`.
        caching: Where decoded images are kept.
        **options: As in `LoadOptions`; ``class_names`` may be any sequence.

    Returns:
        The training part, the test part, the preprocessing, and the files that were skipped.

    Raises:
        DataError: The data does not exist or is not usable; the message names the file.
        OptionError: An option is out of range.

    Example:
        >>> load("mnist").test
        Dataset(10,000 images 28×28×1, 10 classes, MNIST test)
    """
    return _load(source, _options("load", LoadKeywords, options, caching=caching))


def load_all(
    source: Any, *, caching: Caching = NO_CACHE, **options: Unpack[ImageKeywords]
) -> tuple[Dataset, tuple[Skipped, ...], tuple[Decision, ...]]:
    """Load every labeled image of a source as one dataset, whatever parts it has.

    A source with only a test part is enough, as are one class and one image per class.

    Args:
        source: As for `load`.
        caching: As for `load`.
        **options: As for `load`, without those of the split. With ``class_names``, classes may be missing, and data
            with names of their own keep them.

    Returns:
        The images with the classes that occur, the skipped files, and what was decided about the data.

    Raises:
        DataError, OptionError: See `load`.

    Example:
        >>> load_all("mnist")[0]
        Dataset(70,000 images 28×28×1, 10 classes, MNIST)
    """
    chosen = _options("load_all", ImageKeywords, options, caching=caching)
    loaded = _load(source, replace(chosen, test_fraction=0, whole=True))
    return loaded.train, loaded.skipped, loaded.decisions


def load_test(source: Any, **options: Unpack[LoadKeywords]) -> Dataset:
    """Load the test part alone, which is faster for MNIST. With the same options, it equals ``load(…).test``.

    Raises:
        DataError: See `load`; or there is no test part.

    Example:
        >>> load_test("mnist")
        Dataset(10,000 images 28×28×1, 10 classes, MNIST test)
    """
    chosen = _options("load_test", LoadKeywords, options)
    if isinstance(source, str | PathLike):
        reader = READERS[detect(source)]
        if reader.load_test:
            return reader.load_test(chosen)
    loaded = _load(source, chosen)
    if loaded.test is None:
        raise DataError(
            f"Expected a test part. Received: source={loaded.train.source}, without one, and test_fraction=0.",
            hint="Set a test fraction above 0.",
        )
    return loaded.test


def _options(
    function: str, keywords: type, given: ImageKeywords | LoadKeywords, *, caching: Caching = NO_CACHE
) -> LoadOptions:
    for name in given:
        if name not in keywords.__annotations__:
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")
    fields: dict[str, Any] = {**given, "class_names": parse_class_names(given.get("class_names"))}
    return LoadOptions(**fields, caching=caching)


def _load(source: Any, options: LoadOptions) -> LoadedData:
    if not isinstance(source, str | PathLike):
        loaded = in_memory.load(source, options)
    else:
        loaded = READERS[detect(source)].load(Path(source), options)
    if options.decoding == "exact":
        return loaded
    return replace(loaded, preprocessing=replace(loaded.preprocessing, decoding=options.decoding))


def detect(source: str | PathLike[str]) -> str:
    """The format of a dataset: a key of `READERS`.

    The content decides; the name counts only if the content is not conclusive (CSV). A folder is searched for IDX
    files, then for a training CSV, and is otherwise taken as a folder of images.

    Raises:
        DataError: Nothing is there, or it has none of the formats.
    """
    if source == "":  # such as a variable of the shell that is not set: a path of no characters is the working folder
        raise DataError(
            "Expected the name of a dataset or a path. Received: an empty text.",
            hint="For the working folder, pass a dot.",
        )
    if str(source) in READERS and READERS[str(source)].is_built_in:
        return str(source)
    candidate = _candidate(Path(source))
    paths = [reader for reader in READERS.values() if not reader.is_built_in]
    for reader in sorted(paths, key=lambda reader: reader.is_fallback):
        if reader.recognizes(candidate):
            return reader.name
    raise _unknown_format(candidate)


def _candidate(path: Path) -> Candidate:
    try:
        if path.is_dir():
            return Candidate(path, is_folder=True)
        exists = path.exists()
    except (OSError, ValueError):
        exists = False
    if not exists:
        names = ", ".join(reader.name for reader in READERS.values() if reader.is_built_in)
        raise DataError(
            f"Expected the name of a dataset ({names}) or a path. Received: source={str(path)[:300]!r}, not found.",
            hint="`convscope data` lists what can be loaded.",
            file=str(path)[:300],
            reason="not found",
        )
    check_regular(path, MAX_FILE_BYTES)
    with open_regular(path, MAX_FILE_BYTES) as file:
        return Candidate(path, is_folder=False, start=file.read(4))


def _unknown_format(candidate: Candidate) -> DataError:
    start = candidate.start
    hint = "`convscope data` lists what can be loaded."
    if start[:2] == b"\0\0" or "ubyte" in candidate.name:
        hint = "Pass the folder that holds the images and the labels, not one of the files."
    elif start[:3] in (b"\x89PN", b"\xff\xd8\xff", b"GIF", b"RIF") or start[:2] == b"BM":
        hint = "This is a single image; use `convscope predict` to classify it."
    return DataError.about_file(
        "Expected a folder, a zip archive, an .npz file or a CSV file",
        candidate.path,
        f"it starts with {start.hex(' ')}",
        hint=hint,
    )


@dataclass(frozen=True)
class Source:
    """One line of ``convscope data``."""

    kind: str
    form: str
    contents: str


def describe_sources() -> tuple[Source, ...]:
    """The formats that can be loaded, for display.

    Example:
        >>> [source.kind for source in describe_sources()]
        ['mnist', 'folder', 'zip', 'tar', 'webdataset', 'idx', 'cifar', 'npz', 'label_table', 'parquet', 'csv']
    """
    return tuple(Source(reader.name, reader.form, reader.contents) for reader in READERS.values())
