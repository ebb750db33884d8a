"""The dataset as a value: what is selected keeps its labels, its names and its known errors."""

from __future__ import annotations

import numpy as np
import pytest

from convscope.data.dataset import Dataset
from convscope.data.mnist import load_part
from convscope.data.splits import stratified_split


def made(n: int = 12, wrong: tuple[int, ...] = (2, 5, 6)) -> Dataset:
    pixels = np.arange(n, dtype=np.uint8).reshape(n, 1, 1, 1)
    names = tuple(f"{index}.png" for index in range(n))
    return Dataset(pixels, np.arange(n) % 2, ("a", "b"), "example", names=names, known_wrong=wrong)


@pytest.mark.parametrize(
    ("indices", "known_wrong"),
    [
        ([0, 1, 2, 3], (2,)),
        ([5, 6, 7], (0, 1)),
        ([7, 6, 3, 5, 2], (1, 3, 4)),
        ([6, 6, 0], (0, 1)),
        ([0, 1, 3], ()),
        ([], ()),
    ],
)
def test_known_errors_move_with_their_images(indices: list[int], known_wrong: tuple[int, ...]) -> None:
    taken = made().take(np.array(indices, np.int64))
    assert taken.known_wrong == known_wrong
    assert taken.pixels.ravel().tolist() == indices and taken.names == tuple(f"{index}.png" for index in indices)
    assert taken.labels.tolist() == [index % 2 for index in indices]


def test_the_known_errors_of_mnist_are_the_same_images_after_a_split() -> None:
    test = load_part("test")
    parts = stratified_split(test, fraction=0.3, seed=1)
    found = sorted(part.pixels[index].tobytes() for part in parts for index in part.known_wrong)
    assert found == sorted(test.pixels[index].tobytes() for index in test.known_wrong) and len(found) == 15
