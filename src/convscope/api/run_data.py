"""The data of a run: found again, compared with the record, split as in the training."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from convscope.api.callbacks import Callbacks
from convscope.api.load_data import load_data
from convscope.api.prepare import loading_keywords
from convscope.api.run import Run
from convscope.data.class_order import match_classes
from convscope.data.dataset import IN_MEMORY, Dataset, LoadedData
from convscope.data.grouping import split
from convscope.data.image_folder import is_skippable
from convscope.data.image_tree import sort_tree
from convscope.data.preprocess import BACKGROUNDS
from convscope.data.readers import READERS, detect, load_test
from convscope.errors import DataError
from convscope.training.run import PATH_FROM_RUN, UNKNOWN_DATA, RunRecord

PARTS = ("test", "validation", "train")


def part_of_run(run: Run, part: str, *, source: Any = None, callbacks: Callbacks | None = None) -> Dataset:
    """One part of the data that a run was trained on: the same images, classes in the order of the network's outputs.

    Args:
        run: The run.
        part: ``test``, ``validation`` or ``train``.
        source: Where the data are; None looks where they were, from the working folder and from the run folder.
        callbacks: As in `load_data`.

    Raises:
        DataError: The data cannot be found or read, have no such part, or are no longer those of the training.
    """
    problem: DataError | None = None
    for place in _places(run) if source is None else [source]:
        try:
            loaded = _load_part(run, part, place, callbacks)
            return match_classes(run.model.class_names, _split(run.record, part, loaded)).dataset
        except DataError as error:
            problem = problem or error
    raise problem or _not_found(run)


def may_be_own(run: Run, source: str | Path) -> bool:
    """Whether files could be the data of a training, by the number of files of each class; none is read.

    A training skips few unreadable files (`image_folder.is_skippable`), so data with far more files are other data.
    """
    recorded = run.record.data.get("class_counts")
    try:
        reader = READERS[detect(source)]
        if not isinstance(recorded, dict) or not recorded or not reader.open_images or run.record.options.class_names:
            return True
        with reader.open_images(Path(source)) as tree:
            found = sort_tree(tree, parts=run.record.options.parts)
    except DataError:
        return True  # said when they are read
    counts = Counter(one.class_name for one in (*found.train, *found.test))
    if counts.keys() != recorded.keys() or any(counts[name] < images for name, images in recorded.items()):
        return False
    return is_skippable(counts.total() - sum(recorded.values()), counts.total() + len(found.tree.skipped))


def loading_options(run: Run) -> dict[str, Any]:
    """The keywords of `load_data` with which the data of a run were read."""
    h, w, c = run.model.spec.input_shape
    options = run.record.options
    seed = int(str(run.record.data.get("split_seed", options.seed)))
    level = run.model.preprocessing.get("background", BACKGROUNDS["white"])  # decided for the data of the training
    background = next((name for name, known in BACKGROUNDS.items() if known == level), "white")
    how = loading_keywords(options) | {"seed": seed, "background": background}
    return {"size": (h, w), "channels": c} | how


def _cache_of(run: Run) -> str | None:
    """The folder of the cache that the run was trained from, if it is still there."""
    cache = run.record.options.cache
    return cache if cache and Path(cache).is_dir() else None


def source_of_run(run: Run) -> str:
    """Where the data of a run are now: a name or a path.

    Raises:
        DataError: They were in memory, are unknown, or are not found.
    """
    for place in _places(run):
        if isinstance(place, str):
            return place
    raise _not_found(run)


def path_from_run(data: str, folder: Path) -> str | None:
    """The path of a dataset relative to a run folder, for its record; None if it is not a path."""
    if data in (IN_MEMORY, UNKNOWN_DATA) or (data in READERS and READERS[data].is_built_in):
        return None
    with contextlib.suppress(OSError, ValueError):  # another drive has no relative path
        return Path(os.path.relpath(data, folder)).as_posix()
    return None


def places(name: str, folder: Path, from_folder: object) -> Iterator[str]:
    """Where data may be that were recorded as ``name``: what exists, the most likely place first.

    Args:
        name: A dataset by name, or a path as it was given, which may be relative to another working folder.
        folder: The run folder.
        from_folder: The path relative to the run folder, if it was recorded.
    """
    if name in (IN_MEMORY, UNKNOWN_DATA):
        return
    if name in READERS and READERS[name].is_built_in:
        yield name
        return
    beside = [folder / from_folder] if isinstance(from_folder, str) else []
    seen: set[Path] = set()
    for path in (Path(name), *beside):
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            resolved = path.resolve(strict=True)
            if resolved not in seen:
                seen.add(resolved)
                yield str(path)


def _places(run: Run) -> Iterator[LoadedData | str]:
    if run.data is not None:
        yield run.data
    yield from places(run.record.options.data, run.folder, run.record.data.get(PATH_FROM_RUN))


def _not_found(run: Run) -> DataError:
    name = run.record.options.data
    if name == UNKNOWN_DATA:
        return DataError(
            "Expected labeled data: this network was imported without any. Received: none.",
            hint="Name some: convscope evaluate RUN DATA",
        )
    if name == IN_MEMORY:
        return DataError(
            "Expected labeled data: this network was trained on arrays that were in memory. Received: none.",
            hint="Give the data: run.evaluate(data), or convscope evaluate RUN DATA",
        )
    relative = run.record.data.get(PATH_FROM_RUN)
    beside = f", nor at {relative} from the run folder" if isinstance(relative, str) else ""
    return DataError(
        f"Expected the data of this run, {name!r}. Received: nothing of that name in the working folder{beside}.",
        hint="Pass their path: convscope evaluate RUN DATA",
        file=name,
        reason="not found",
    )


def _load_part(run: Run, part: str, source: Any, callbacks: Callbacks | None) -> Dataset:
    """The test part, or the training part before validation data are split off; the same images as in the training."""
    how, loaded = loading_options(run), None
    if not isinstance(source, LoadedData) and part == "test" and source in READERS and READERS[source].load_test:
        dataset = load_test(source, **how)
    else:
        given = isinstance(source, LoadedData)
        loaded = source if given else load_data(source, cache=_cache_of(run), callbacks=callbacks, **how)
        dataset = loaded.test if part == "test" else loaded.train
    if dataset is None:
        raise DataError(f"Expected a test part. Received: {source}, without one.")
    if dataset.image_shape != run.model.spec.input_shape:
        raise DataError(
            f"Expected images of the network's input shape {run.model.spec.input_shape}. Received: "
            f"{dataset.image_shape} from {dataset.source}."
        )
    recorded = run.record.data.get("test_fingerprint" if part == "test" else "train_fingerprint")
    if recorded is not None and dataset.fingerprint() != recorded:
        raise _changed(run.record, loaded or load_data(source, cache=_cache_of(run), **how))
    return dataset


def _split(record: RunRecord, part: str, dataset: Dataset) -> Dataset:
    if part == "test":
        return dataset
    fraction, seed = record.options.validation_fraction, record.options.seed
    training, validation = split(dataset, fraction=fraction, seed=seed, group=record.options.group)
    return validation if part == "validation" else training


def _changed(record: RunRecord, loaded: LoadedData) -> DataError:
    name = loaded.train.source
    return DataError(
        f"The data are no longer those of the training. Expected {name} with {_recorded(record)}. "
        f"Received: {_difference(record, loaded)}.",
        hint="Restore them; or measure all images that are there now: convscope evaluate RUN DATA",
        file=record.options.data,
        reason="changed since the training",
    )


def _recorded(record: RunRecord) -> str:
    data = record.data
    training = sum(int(str(data.get(part) or 0)) for part in ("train", "validation"))
    return f"{training:,} training and {int(str(data.get('test') or 0)):,} test images"


def _difference(record: RunRecord, loaded: LoadedData) -> str:
    """What changed: the classes, the number of images of a class, or only the images."""
    now = loaded.class_counts
    before = record.data.get("class_counts")
    if not isinstance(before, dict) or not before:
        return f"{len(loaded.train):,} training and {len(loaded.test) if loaded.test else 0:,} test images"
    changes = [
        f"class {name}: {before.get(name, 0)} images before, {now.get(name, 0)} now"
        for name in dict.fromkeys([*before, *now])
        if before.get(name, 0) != now.get(name, 0)
    ]
    more = f"; and {len(changes) - 3} more" if len(changes) > 3 else ""
    return "; ".join(changes[:3]) + more if changes else "as many images of each class, but not the same ones"
