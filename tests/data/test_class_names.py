"""The option class_names: numeric labels get names, in the order of the labels."""

from __future__ import annotations

import numpy as np
import pytest

from convscope.api.load_data import load_data
from convscope.data.readers import load_all
from convscope.errors import DataError, OptionError
from data.makers import write_pictures

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 8, 8), np.uint8)


def npz(path, labels, **more):
    np.savez(path, x_train=PIXELS[: len(labels)], y_train=np.array(labels), **more)
    return path


def test_names_follow_the_order_of_the_labels_not_of_their_occurrence(tmp_path):
    data = load_data(npz(tmp_path / "d.npz", [7, 2, 2, 7, 5, 5]), class_names="low, middle,high", test_fraction=0)
    assert data.train.class_names == ("low", "middle", "high")
    assert data.train.labels.tolist() == [2, 0, 0, 2, 1, 1]
    assert str(data.decisions[0]) == (
        "class names: 2 is low, 5 is middle, 7 is high (as requested; change with --class-names)"
    )


def test_folders_named_by_numbers_get_names_in_natural_order(tmp_path):
    write_pictures(tmp_path, {"10": 3, "9": 2})
    data = load_data(tmp_path, class_names=["nine", "ten"], test_fraction=0)
    assert data.class_counts == {"nine": 2, "ten": 3}


def test_mnist_gets_names(tmp_path):
    names = "zero,one,two,three,four,five,six,seven,eight,nine"
    assert load_data("mnist", class_names=names).test.class_names == tuple(names.split(","))


def test_another_number_of_names_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"each of the 3 labels of d\.npz \(0, 1, 4\)\. Received: 2 names"):
        load_data(npz(tmp_path / "d.npz", [0, 0, 1, 1, 4, 4]), class_names="a,b")


def test_data_with_names_of_their_own_are_not_renamed(tmp_path):
    write_pictures(tmp_path, {"cat": 2, "dog": 2})
    with pytest.raises(DataError, match="with classes that have names: cat, dog"):
        load_data(tmp_path, class_names="a,b")
    assert load_all(tmp_path, class_names=("a", "b"))[0].class_names == ("cat", "dog")


def test_data_to_measure_may_lack_a_class(tmp_path):
    path = npz(tmp_path / "d.npz", [2, 2, 0])
    assert load_all(path, class_names=("a", "b", "c"))[0].class_names == ("a", "c")
    with pytest.raises(DataError, match="Received: 3 names"):
        load_data(path, class_names="a,b,c")


@pytest.mark.parametrize("wrong", ["a,,b", "a,a", "", ",", "a,\x00", ["x" * 201, "b"], 5])
def test_names_that_cannot_be_class_names_are_refused(wrong, tmp_path):
    with pytest.raises(OptionError, match="Expected distinct class names"):
        load_data(npz(tmp_path / "d.npz", [0, 0, 1, 1]), class_names=wrong)
