"""Training from a memory-mapped file: the same bits as from memory, also after an interruption."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from samples import IDENTITY, bars, digest, network, options

from convscope.data.dataset import Dataset
from convscope.data.mapped_pixels import MappedPixels, PixelFile
from convscope.data.splits import stratified_split
from convscope.training import batches, checkpoint
from convscope.training import loop as training_loop
from convscope.training.checkpoint import CheckpointManager, latest_checkpoint
from convscope.training.fit import fit


def mapped(data: Dataset, path: Path) -> Dataset:
    """The same dataset, its pixels in a file in another order."""
    order = np.random.default_rng(5).permutation(len(data))
    path.write_bytes(data.pixels[order].tobytes())
    pixels = MappedPixels(PixelFile(path, data.pixels.shape), np.argsort(order))
    return replace(data, pixels=pixels)


@pytest.mark.parametrize("call_bytes", [1, 4100, 1 << 26])
def test_the_weights_are_those_of_a_training_in_memory_bit_for_bit(
    call_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "CALL_BYTES", call_bytes)
    data, wanted = bars(230), options(epochs=3.0, mixup=0.2, rotate=5.0, class_weight="balanced", whiten=True)
    results = []
    for dataset in (data, mapped(data, tmp_path / "pixels")):
        training, validation = stratified_split(dataset, fraction=0.2, seed=0)
        fitted = fit(network(), training, validation, wanted)
        results.append((digest(fitted.weights), fitted.history, fitted.proof.logits.tobytes()))
    assert results[0] == results[1]


def test_an_interrupted_training_from_a_file_ends_with_the_weights_of_one_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(training_loop, "SECONDS_PER_CALL", 0.0)
    data, validation, wanted = bars(130), bars(40, seed=1), options(epochs=3.0, average=0.5)
    whole = fit(network(), data, validation, wanted)
    stored, found, stops = mapped(data, tmp_path / "pixels"), None, []
    while True:
        calls: list = []
        manager = CheckpointManager(tmp_path, IDENTITY, found)
        fitted = fit(
            network(), stored, validation, wanted,
            checkpoints=manager, on_progress=calls.append, is_stopped=lambda calls=calls: len(calls) >= 4,
        )  # fmt: skip
        if fitted.outcome == "finished":
            break
        found = latest_checkpoint(tmp_path).checkpoint
        stops.append(found.step)
    assert len(stops) >= 2 and any(step % 6 for step in stops), "also in the middle of an epoch"
    assert digest(fitted.weights) == digest(whole.weights)


def test_no_more_images_are_read_ahead_than_a_few_calls_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "CALL_BYTES", 2 * 20 * 100)
    stored = mapped(bars(400), tmp_path / "pixels")
    source = batches.MappedBatches(stored, options())
    source.inputs(0, 2)
    assert source.most_steps == 2 and sorted(source._ahead) == [2, 3]
    source.close()
