"""A tf.data.Dataset is read as the arrays that it was made of."""

from __future__ import annotations

import numpy as np
import pytest

from convscope.data.readers import load
from convscope.errors import DataError
from data.makers import write_pictures

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.slow

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), np.uint8)
LABELS = np.arange(12) % 3


@pytest.mark.parametrize("batch", [0, 5])
@pytest.mark.parametrize("values", [PIXELS, PIXELS[..., 0], PIXELS / np.float32(255)])
def test_images_and_labels_are_those_of_the_arrays(batch, values):
    dataset = tf.data.Dataset.from_tensor_slices((values, LABELS))
    data = load(dataset.batch(batch) if batch else dataset, test_fraction=0)
    arrays = load((values, LABELS), test_fraction=0)
    assert data.train.fingerprint() == arrays.train.fingerprint()
    named = load(dataset, test_fraction=0, class_names=("a", "b", "c"))
    assert named.train.class_names == ("a", "b", "c")


def test_a_pair_of_datasets_is_training_and_test_part():
    dataset = tf.data.Dataset.from_tensor_slices((PIXELS, LABELS)).batch(4)
    data = load((dataset, dataset.take(1)))
    assert data.test is not None and (len(data.train), len(data.test)) == (12, 4)


def test_keras_folders_bring_their_class_names(tmp_path):
    write_pictures(tmp_path, {"cat": 4, "dog": 4}, colour=True)
    dataset = tf.keras.utils.image_dataset_from_directory(tmp_path, image_size=(8, 8), batch_size=3, verbose=False)
    data = load(dataset, test_fraction=0)
    assert data.class_counts == {"cat": 4, "dog": 4}
    resized = tf.keras.utils.image_dataset_from_directory(tmp_path, image_size=(5, 6), batch_size=3, verbose=False)
    assert load(resized, test_fraction=0).train.image_shape == (5, 6, 3)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (lambda: tf.data.Dataset.from_tensor_slices(PIXELS), "Expected pairs of images and labels"),
        (lambda: tf.data.Dataset.from_tensor_slices((PIXELS, LABELS)).repeat(), "repeated forever"),
        (lambda: tf.data.Dataset.from_tensor_slices((PIXELS, LABELS)).take(0), "Received: none"),
        (lambda: tf.data.Dataset.from_tensor_slices((PIXELS, np.eye(3)[LABELS])).batch(3), "labels.argmax"),
    ],
)
def test_another_dataset_is_refused(dataset, message):
    with pytest.raises(DataError, match=message):
        load(dataset())
