"""Matching data to the outputs of a network by class name, and the orders in which programs sort classes."""

from __future__ import annotations

import numpy as np
import pytest

from convscope.data.class_order import better_order, keras_order, known_orders, match_classes
from convscope.data.dataset import Dataset, image_hashes
from convscope.data.in_memory import load
from convscope.data.load_options import LoadOptions
from convscope.errors import DataError


def dataset(labels: list[int], names: tuple[str, ...]) -> Dataset:
    pixels = np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1)
    return Dataset(pixels, np.array(labels, np.int64), names, source="example")


@pytest.mark.parametrize("order", [("b", "c", "a"), ("c", "b", "a"), ("a", "b", "c")])
def test_each_image_keeps_the_name_of_its_class(order: tuple[str, ...]) -> None:
    data = dataset([0, 1, 2, 1], ("a", "b", "c"))
    matched = match_classes(order, data)
    assert matched.dataset.class_names == order
    assert [order[label] for label in matched.dataset.labels] == ["a", "b", "c", "b"]
    assert not matched.missing and not matched.unknown
    assert (matched.decision is None) == (order == data.class_names)


def test_missing_and_unknown_classes_are_said_and_unknown_ones_are_left_out() -> None:
    matched = match_classes(("b", "x", "a"), dataset([0, 1, 2, 2], ("a", "b", "yak")))
    assert matched.dataset.pixels.ravel().tolist() == [0, 1]
    assert matched.dataset.labels.tolist() == [2, 0]
    assert matched.missing == ("x",) and matched.unknown == {"yak": 2}
    assert matched.notes == (
        "No image of: x.",
        "Not measured, because the network does not have these classes: yak (2 images).",
    )


def test_names_in_another_unicode_form_are_the_same() -> None:
    matched = match_classes(("cafe\u0301", "tea"), dataset([0, 1], ("tea", "caf\u00e9")))
    assert matched.dataset.labels.tolist() == [1, 0]


def test_case_is_ignored_only_if_no_name_matches_otherwise_and_this_is_said() -> None:
    folded = match_classes(("Cat", "Dog"), dataset([0, 1], ("dog", "cat")))
    assert folded.dataset.labels.tolist() == [1, 0]
    assert folded.decision and "ignoring case" in folded.decision.chosen
    assert match_classes(("Cat", "dog"), dataset([0, 1], ("dog", "cat"))).unknown == {"cat": 1}


@pytest.mark.parametrize("names", [("x", "y"), ("0", "1")])
def test_data_without_a_class_of_the_network_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match=r"Expected the network's classes a, b. Received: data with the classes"):
        match_classes(("a", "b"), dataset([0, 1], names))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["c1", "c2", "c10"], {"string": ("c1", "c10", "c2"), "natural": ("c1", "c2", "c10")}),
        (["B", "a"], {"string": ("B", "a"), "natural": ("a", "B")}),
        (["9", "10"], {"string": ("10", "9"), "natural": ("9", "10")}),
        (["a", "b"], {"string": ("a", "b")}),
        (["010", "9"], {"string": ("010", "9"), "natural": ("9", "010"), }),
    ],
)  # fmt: skip
def test_known_orders(names: list[str], expected: dict[str, tuple[str, ...]]) -> None:
    assert known_orders(names) == expected


def test_keras_sorts_texts_as_strings_and_keeps_numbers() -> None:
    pixels = np.zeros((24, 2, 2), np.uint8)
    texts = load((pixels, [f"c{n}" for n in range(1, 13)] * 2), LoadOptions(test_fraction=0))
    numbers = load((pixels, list(range(1, 13)) * 2), LoadOptions(test_fraction=0))
    assert keras_order(texts).class_names == tuple(sorted(f"c{n}" for n in range(1, 13)))
    assert keras_order(numbers).class_names == tuple(str(n) for n in range(1, 13))


def test_a_far_better_order_is_found_and_a_slightly_better_one_is_not() -> None:
    names = ("c1", "c2", "c10")
    data = dataset([0, 1, 2] * 20, names)
    as_strings = np.array([0, 2, 1])  # the output of c1, c2, c10 in a network whose classes are c1, c10, c2
    better = better_order(as_strings[data.labels], data)
    assert better and (better.name, better.class_names, better.accuracy) == ("string", ("c1", "c10", "c2"), 1.0)
    assert "--class-names c1,c10,c2" in str(better)
    assert better_order(data.labels, data) is None
    assert better_order(np.array([0, 2, 1] + [0, 1, 2] * 9 + [0, 2, 1] * 10), data) is None


def test_equal_images_have_equal_hashes_and_others_do_not() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 2, (200, 2, 2, 1)).astype(np.uint8)
    hashes = image_hashes(pixels)
    same = (pixels[:, None] == pixels[None]).all(axis=(2, 3, 4))
    assert ((hashes[:, None] == hashes[None]) == same).all()
    assert not set(hashes.tolist()) & set(image_hashes(pixels.reshape(200, 4, 1, 1)).tolist())
