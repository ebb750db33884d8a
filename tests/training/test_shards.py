"""A training in shards: the same bits on any number of workers, and the step of the whole batch where both agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from samples import bars, network, options, plain

from convscope.data.dataset import Dataset
from convscope.data.mapped_pixels import MappedPixels, PixelFile
from convscope.data.splits import epoch_order
from convscope.errors import OptionError
from convscope.model.build import build, get_weights
from convscope.model.spec_parser import parse
from convscope.model.tensorflow import tf
from convscope.training.batches import batches_of
from convscope.training.fit import fit
from convscope.training.shards import Alone, mean_of_shards, tree_sum
from convscope.training.share import share_of

WITHOUT = "Conv2D(4, 3)\nFlatten()\nDense(num_classes, activation='softmax')"


class OnPaper:
    """One of several workers: it notes what it sends, and is told what all of them sent."""

    def __init__(self, rank: int, count: int, sent: dict[int, tf.Tensor]) -> None:
        self.rank, self.count, self.sent = rank, count, sent

    def gather(self, rows: tf.Tensor) -> tf.Tensor:
        self.sent[self.rank] = rows
        return tf.concat([self.sent.get(rank, tf.zeros_like(rows)) for rank in range(self.count)], axis=0)


@pytest.mark.parametrize("shards", [1, 2, 4, 6, 8, 12])
def test_the_mean_over_the_shards_is_the_same_bits_on_any_number_of_workers(shards: int) -> None:
    rows = tf.constant(np.random.default_rng(0).normal(size=(shards, 500)) * 1e3, tf.float32)
    alone = mean_of_shards(list(rows), share_of(shards, 24 * shards), Alone()).numpy()
    np.testing.assert_allclose(alone, rows.numpy().mean(axis=0), rtol=1e-3, atol=1e-3)
    for workers in [count for count in range(1, shards + 1) if shards % count == 0]:
        sent: dict[int, tf.Tensor] = {}
        for _ in range(2):  # all have sent theirs before the second time
            means = []
            for rank in range(workers):
                share = share_of(shards, 24 * shards, rank=rank, workers=workers)
                own = list(rows[share.first : share.first + share.count])
                means.append(mean_of_shards(own, share, OnPaper(rank, workers, sent)).numpy())
        assert {mean.tobytes() for mean in means} == {alone.tobytes()}


@pytest.mark.parametrize("place", ["memory", "file"])
def test_the_workers_parts_of_a_batch_are_the_batch(place: str, tmp_path) -> None:
    data, chosen = bars(90), options(batch_size=24)
    if place == "file":
        (tmp_path / "pixels").write_bytes(data.pixels.tobytes())
        pixels = MappedPixels(PixelFile(tmp_path / "pixels", data.pixels.shape), np.arange(90))
        data = replace(data, pixels=pixels)

    def batch(part: slice, step: int) -> tuple[np.ndarray, np.ndarray]:
        source = batches_of(data, chosen, part)
        found = source.batch(tuple(source.inputs(step, 1)), tf.constant(step), tf.constant(step))
        source.close()
        return tuple(one.numpy() for one in found)

    for step in (0, 4):
        parts = [batch(share_of(6, 24, rank=rank, workers=3).images, step) for rank in range(3)]
        whole = batch(slice(None), step)
        for joined, expected in zip(map(np.concatenate, zip(*parts, strict=True)), whole, strict=True):
            np.testing.assert_array_equal(joined, expected)


def test_every_shard_has_a_dropout_mask_of_its_own() -> None:
    """Four shards of one image of ones each: an input is unused only if all four masks drop it."""
    ones = Dataset(np.full((4, 40, 40, 1), 255, np.uint8), np.zeros(4, np.int64), ("a", "b"), source="ones")
    text = "Flatten()\nDropout(0.5)\nDense(num_classes, activation='softmax')"
    spec = parse(text, input_shape=(40, 40, 1), num_classes=2)
    chosen = plain(epochs=1.0, batch_size=4, learning_rate=0.1, shards=4)
    trained = fit(spec, ones, ones, chosen).weights["dense/kernel"]
    before = get_weights(build(spec, seed=0))["dense/kernel"]
    assert 0.04 < (trained == before).all(axis=1).mean() < 0.09, "a sixteenth"


def test_without_batch_statistics_and_dropout_the_shards_make_the_step_of_the_whole_batch() -> None:
    chosen = {"epochs": 2.0, "learning_rate": 0.05, "shift": 2, "rotate": 8.0, "label_smoothing": 0.1}
    whole, parts = (
        fit(network(WITHOUT), bars(100), bars(20, seed=1), plain(**chosen, shards=shards)) for shards in (1, 4)
    )
    assert [row.loss for row in parts.history] == pytest.approx([row.loss for row in whole.history], rel=1e-4)
    for name, value in whole.weights.items():
        np.testing.assert_allclose(parts.weights[name], value, rtol=1e-3, atol=1e-5, err_msg=name)


def test_moving_averages_follow_the_mean_of_the_shards_statistics() -> None:
    """Weights that stand still: each step moves the averages towards the mean of four means."""
    text = "Flatten()\nBatchNormalization(momentum=0.5)\nDense(num_classes, activation='softmax')"
    data = bars(20)
    fitted = fit(network(text), data, bars(10, seed=1), plain(epochs=1.0, learning_rate=1e-8, shards=4))
    shards = data.pixels[epoch_order(20, seed=0, epoch=0)].reshape(4, 5, -1).astype(np.float32) / 255
    mean, variance = shards.mean(axis=(0, 1)), shards.var(axis=1, ddof=1).mean(axis=0)
    np.testing.assert_allclose(fitted.weights["batch_normalization/moving_mean"], mean / 2, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(fitted.weights["batch_normalization/moving_variance"], (1 + variance) / 2, rtol=1e-4)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_rows_are_added_as_the_leaves_of_a_tree(n: int) -> None:
    rows = np.random.default_rng(0).normal(size=(n, 1000)).astype(np.float32) * 1e3

    def expected(part: np.ndarray) -> np.ndarray:
        while len(part) > 1:
            pairs = [part[i] + part[i + 1] for i in range(0, len(part) - 1, 2)]
            part = np.stack([*pairs, *part[len(part) - len(part) % 2 :]])
        return part[0]

    compiled = tf.function(tree_sum, autograph=False)(tf.constant(rows)).numpy()
    assert compiled.tobytes() == expected(rows).tobytes()


def test_shards_must_divide_the_batch() -> None:
    with pytest.raises(OptionError, match=r"divides the batch size. Received: shards=3, batch_size=20"):
        fit(network(WITHOUT), bars(40), bars(10, seed=1), plain(shards=3))
