"""Load a dataset that is already in memory: arrays with labels, or a table of paths and labels."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from convscope.data.build_dataset import Part, assemble, to_labels
from convscope.data.dataset import LoadedData
from convscope.data.decode import MAX_FILE_BYTES
from convscope.data.files import read_regular, stamp
from convscope.data.image_folder import load_images
from convscope.data.image_tree import ImageFile, ImageTree, LabeledFile, class_name
from convscope.data.label_columns import FILE_COLUMNS, LABEL_COLUMNS
from convscope.data.load_options import LoadOptions
from convscope.data.natural_order import natural_key
from convscope.data.pixel_values import as_batch, as_pixels
from convscope.data.tf_dataset import arrays_of, is_tf_dataset
from convscope.errors import DataError

PATH_COLUMNS = FILE_COLUMNS[:-3]
"""Columns that hold paths; an id or a name is not one."""

HINT = (
    "Pass (images, labels), ((x_train, y_train), (x_test, y_test)), a tf.data.Dataset, or a table with columns path "
    "and label."
)


def load(source: Any, options: LoadOptions) -> LoadedData:
    """Load a dataset from memory.

    - ``(images, labels)``: images as `pixel_values.as_batch` and `pixel_values.as_pixels` accept them, or a list of
      arrays of one shape; labels as integers or texts, one per image. A test part is held out.
    - ``((x_train, y_train), (x_test, y_test))``, as ``keras.datasets`` returns it.
    - A data frame (anything with ``columns`` and ``to_dict``) or a dict of columns: ``path``, ``file``, ``filename`` or
      ``image``, and ``label``, ``class`` or ``target``.
    - A list of ``(path, label)``.
    - A ``tf.data.Dataset`` of images and labels, in batches or not, or a pair of them: training and test part.

    Raises:
        DataError: None of these, values that are ambiguous, or see `build_dataset.assemble`.

    Example:
        >>> images, labels = np.zeros((4, 8, 8), np.uint8), ["cat", "dog", "cat", "dog"]
        >>> load((images, labels), LoadOptions(test_fraction=0)).train
        Dataset(4 images 8×8×1, 2 classes, arrays in memory)
    """
    if hasattr(source, "columns") and hasattr(source, "to_dict"):
        return _load_table(source.to_dict("list"), options)
    if isinstance(source, Mapping):
        return _load_table(source, options)
    parts = source if isinstance(source, tuple | list) and len(source) == 2 else (source,)
    if all(is_tf_dataset(part) for part in parts):
        return _load_tf_datasets(parts, options)
    if isinstance(source, tuple) and len(source) == 2:
        if all(_is_pair(part) and _is_array(part[0]) for part in source):
            return _load_arrays(source[0], source[1], options)
        if _is_array(source[0]):
            return _load_arrays(source, None, options)
    if isinstance(source, Sequence) and source and all(_is_labeled_path(entry) for entry in source):
        return _load_paths([fspath(path) for path, _ in source], [label for _, label in source], options)
    raise DataError(
        f"Expected the name of a dataset, a path, arrays, or a table. Received: source={_described(source)}.", hint=HINT
    )


def _is_pair(value: object) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2


def _is_array(value: object) -> bool:
    """Whether a value is an array or tensor, or a list of them."""
    if isinstance(value, list | tuple):
        return bool(value) and all(hasattr(item, "__array__") for item in value)
    return hasattr(value, "__array__")


def _is_labeled_path(entry: object) -> bool:
    return isinstance(entry, tuple | list) and len(entry) == 2 and isinstance(entry[0], str | PathLike)


def _described(value: object) -> str:
    if isinstance(value, list | tuple):
        kinds = ", ".join(type(item).__name__ for item in value[:4])
        return f"{type(value).__name__} of {len(value)} ({kinds}{', …' if len(value) > 4 else ''})"
    return type(value).__name__


def _load_arrays(train: Sequence[Any], test: Sequence[Any] | None, options: LoadOptions) -> LoadedData:
    """Load pairs of images and labels. Text labels are numbered in natural order of the training part's names."""
    names = _names_in(train[1])
    training_part = _part(train[0], train[1], names, "the training images" if test else "the images")
    test_part = _part(test[0], test[1], names, "the test images") if test else None
    mapping = dict(enumerate(names)) if names else None
    return assemble("arrays", "arrays in memory", training_part, test_part, options=options, class_names=mapping)


def _load_tf_datasets(parts: Sequence[Any], options: LoadOptions) -> LoadedData:
    """Load one dataset of TensorFlow, or the training and the test part."""
    read = [_part(*arrays_of(part, name), (), name) for part, name in zip(parts, TF_PARTS, strict=False)]
    names = getattr(parts[0], "class_names", None)  # of image_dataset_from_directory
    mapping = dict(enumerate(map(str, names))) if isinstance(names, list | tuple) else None
    test = read[1] if len(read) > 1 else None
    return assemble("arrays", "a tf.data.Dataset", read[0], test, options=options, class_names=mapping)


TF_PARTS = ("the dataset", "the test dataset")


def _names_in(labels: Any) -> tuple[str, ...]:
    """The class names of text labels; empty for numbers."""
    array = _label_array(labels)
    if array.dtype.kind not in "UO":
        return ()
    return tuple(sorted({_label_name(label) for label in array.ravel().tolist()}, key=natural_key))


def _label_array(labels: Any) -> np.ndarray:
    if isinstance(labels, list | tuple) and any(isinstance(label, str) for label in labels):
        return np.array(labels, object)  # as an array of texts, a missing label would become the text "nan"
    return np.asarray(labels)


def _part(images: Any, labels: Any, names: tuple[str, ...], name: str) -> Part:
    pixels, interpretation = as_pixels(as_batch(_stacked(images, name), name), name)
    array = _label_array(labels)
    if names and array.ndim == 1:
        numbers = {text: number for number, text in enumerate(names)}
        texts = [_label_name(label) for label in array.tolist()]
        for text in texts:
            if text not in numbers:
                raise DataError(f"Expected only labels that the training part has. Received: label={text!r} in {name}.")
        array = np.array([numbers[text] for text in texts], np.int64)
    numbered = to_labels(array, f"the labels of {name}")
    if len(numbered) != len(pixels):
        raise DataError(
            f"Expected one label per image in {name}. Received: {len(pixels)} images, {len(numbered)} labels."
        )
    return Part(np.ascontiguousarray(pixels), numbered, interpretation=interpretation)


def _stacked(images: Any, name: str) -> np.ndarray:
    if not isinstance(images, list | tuple):
        return np.asarray(images)
    arrays = [np.asarray(image) for image in images]
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        raise DataError(
            f"Expected arrays of one shape in {name}. Received: shapes {', '.join(map(str, shapes[:3]))}.",
            hint="Resize them, or pass a table of paths and labels.",
        )
    return np.stack(arrays)


def _load_table(columns: Mapping[str, Iterable[Any]], options: LoadOptions) -> LoadedData:
    found = {str(name).strip().lower(): name for name in columns}
    path = next((found[name] for name in PATH_COLUMNS if name in found), None)
    label = next((found[name] for name in LABEL_COLUMNS if name in found), None)
    if path is None or label is None:
        raise DataError(
            f"Expected a column of paths ({', '.join(PATH_COLUMNS)}) and one of labels ({', '.join(LABEL_COLUMNS)}). "
            f"Received: columns={', '.join(map(str, list(columns)[:12])) or 'none'}.",
            hint="Rename the columns.",
        )
    paths, labels = list(columns[path]), list(columns[label])
    if len(paths) != len(labels):
        raise DataError(f"Expected one label per path. Received: {len(paths)} paths, {len(labels)} labels.")
    wrong = next((index for index, entry in enumerate(paths) if not isinstance(entry, str | PathLike)), None)
    if wrong is not None:
        raise DataError(f"Expected paths in column {path!r}. Received: {paths[wrong]!r} in row {wrong}.")
    others = {str(name): list(columns[name]) for name in columns if name not in (path, label)}
    fields = [
        {name: "" if column[at] is None else str(column[at]) for name, column in others.items() if at < len(column)}
        for at in range(len(paths))
    ]
    return _load_paths([fspath(entry) for entry in paths], labels, options, fields)


def _load_paths(
    paths: Sequence[str], labels: Sequence[Any], options: LoadOptions, fields: Sequence[Mapping[str, str]] = ()
) -> LoadedData:
    """Load image files with the given labels; relative paths are relative to the working folder."""
    source = "a table of paths"
    files = [_image_file(path) for path in paths]
    if fields:
        files = [replace(file, fields=row) for file, row in zip(files, fields, strict=True)]
    labeled = [
        LabeledFile(class_name(_label_name(label), source), file) for label, file in zip(labels, files, strict=True)
    ]
    return load_images(labeled, (), ImageTree("table", source, tuple(files), frozenset()), options=options)


def _image_file(path: str) -> ImageFile:
    read = functools.partial(read_regular, Path(path), MAX_FILE_BYTES)
    return ImageFile((path,), read, stamp=functools.partial(stamp, Path(path)))


def _label_name(label: object) -> str:
    """A text label as it is, an integer label as its number.

    Raises:
        DataError: Missing (None, NaN), or of another type.
    """
    if isinstance(label, str):
        return label
    if isinstance(label, int | np.integer) and not isinstance(label, bool):
        return str(int(label))
    if isinstance(label, float | np.floating) and float(label).is_integer():
        return str(int(label))
    raise DataError(
        f"Expected labels as texts or integers. Received: label={label!r}.", hint="Remove rows without a label."
    )
