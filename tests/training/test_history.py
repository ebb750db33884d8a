"""The history of a training, from a loop whose numbers are known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from convscope.data.dataset import Dataset
from convscope.training.history import HISTORY_ROWS, VALIDATION_BATCH, HistoryRecorder, Progress


def loop(total_steps: int, steps_per_epoch: int) -> SimpleNamespace:
    """Step i has learning rate i / 10; the logits of an image are 0 and its mean intensity times 4."""
    return SimpleNamespace(
        total_steps=total_steps,
        steps_per_epoch=steps_per_epoch,
        rates=np.arange(total_steps, dtype=np.float32) / 10,
        logits=lambda images: np.stack([np.zeros(len(images)), 4 * images.mean(axis=(1, 2, 3))], 1).astype(np.float32),
    )


def images(n: int, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    pixels = np.repeat(rng.integers(0, 256, (n, 1, 1, 1)), 4, axis=1).astype(np.uint8)
    return Dataset(pixels, rng.integers(0, 2, n).astype(np.int64), ("a", "b"), source="made up")


def recorder(total_steps: int, steps_per_epoch: int, n: int = 3) -> tuple[HistoryRecorder, list[Progress]]:
    reports: list[Progress] = []
    return HistoryRecorder(loop(total_steps, steps_per_epoch), images(n), reports.append), reports


@pytest.mark.parametrize("n", [1, VALIDATION_BATCH, VALIDATION_BATCH + 1, 2 * VALIDATION_BATCH + 203])
def test_validation_loss_and_accuracy_are_means_over_all_images_whatever_the_batches(n: int) -> None:
    made, _ = recorder(10, 5, n)
    made.validate(7)
    data = images(n)
    loss, right = 0.0, 0
    for pixels, label in zip(data.pixels, data.labels, strict=True):
        score = 4 * pixels.mean() / 255
        loss += np.log(1 + np.exp(score)) - label * score  # the cross-entropy of two logits, 0 and the score
        right += (score > 0) == label
    assert made.measured == {7: (pytest.approx(loss / n, rel=1e-5), pytest.approx(right / n))}


def test_large_logits_have_a_finite_validation_loss() -> None:
    wild = loop(4, 2)
    wild.logits = lambda images: np.tile(np.array([[1e4, -1e4]], np.float32), (len(images), 1))
    data = images(40)
    made = HistoryRecorder(wild, data, lambda progress: None)
    made.validate(1)
    assert made.measured[1] == (pytest.approx(2e4 * data.labels.mean()), pytest.approx(1 - data.labels.mean()))


def test_rows_are_means_between_fixed_steps_with_the_rate_of_their_last_step() -> None:
    made, _ = recorder(250, 100)  # 250 // 60: a row every 4 steps; validation at half, 125
    made.record(125, np.arange(125.0))
    made.record(250, np.arange(125.0, 250.0))
    made.validate(250)
    rows = made.history()
    ends = sorted({*range(4, 251, 4), 125, 250})
    assert [row.epoch for row in rows] == pytest.approx([end / 100 for end in ends])
    assert [row.learning_rate for row in rows] == pytest.approx([(end - 1) / 10 for end in ends])
    assert [row.loss for row in rows] == pytest.approx(
        [np.arange(begin, end).mean() for begin, end in zip([0, *ends], ends, strict=False)]
    )
    assert [row.epoch for row in rows if row.validation_loss is not None] == [1.25, 2.5]
    assert len(rows) <= HISTORY_ROWS + 4


def test_the_rows_do_not_depend_on_the_calls() -> None:
    once, _ = recorder(130, 13)
    often, _ = recorder(130, 13)
    losses = np.random.default_rng(0).random(130)
    for end in range(13, 131, 13):
        once.record(end, losses[end - 13 : end])
    for step in range(130):
        often.record(step + 1, losses[step : step + 1])
    assert once.history() == often.history() and once.losses == often.losses == losses.tolist()


def test_a_training_of_fewer_steps_than_rows_has_a_row_for_each() -> None:
    made, _ = recorder(3, 3)
    made.record(1, np.array([4.0]))
    made.record(2, np.array([2.0]))
    assert [(row.epoch, row.loss) for row in made.history()] == [
        (pytest.approx(1 / 3), 4.0),
        (pytest.approx(2 / 3), 2.0),
    ]


@pytest.mark.parametrize(("steps", "rows"), [(60, 60), (119, 119), (120, 60), (600, 60), (659, 66)])
def test_there_are_about_sixty_rows(steps: int, rows: int) -> None:
    made, _ = recorder(steps, steps)
    made.losses = [1.0] * steps
    assert len(made.history()) == rows


def test_without_a_step_there_is_no_row() -> None:
    assert recorder(3, 3)[0].history() == ()


@pytest.mark.parametrize(
    ("total_steps", "steps_per_epoch", "ends"),
    [
        (40, 10, [10, 20, 30, 40]),  # four epochs: after each
        (39, 10, [19, 38, 39]),  # fewer: at the half, and at the end
        (1, 10, [1]),
        (8, 1, [1, 2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_validation_comes_after_each_epoch_or_at_the_half(
    total_steps: int, steps_per_epoch: int, ends: list[int]
) -> None:
    made, _ = recorder(total_steps, steps_per_epoch)
    steps, step = [], 0
    while step < total_steps:
        step = made.next_validation(step)
        steps.append(step)
    assert steps == ends
    for step in range(1, total_steps + 1):
        made.record(step, np.array([1.0]))
    assert sorted(made.measured) == [end for end in ends if end < total_steps], "the last comes with the final weights"


def test_progress_has_the_mean_loss_of_the_call_and_the_last_validation() -> None:
    made, reports = recorder(20, 5)
    made.record(3, np.array([3.0, 2.0, 4.0]))
    made.record(5, np.array([1.0, 0.5]))
    assert reports[0] == Progress(3, 20, 0.6, 3.0, None)
    assert reports[1] == Progress(5, 20, 1.0, 0.75, made.measured[5][1])
    for end in (10, 15, 20):
        made.record(end, np.full(5, 0.25))
    assert [progress.step for progress in reports] == [3, 5, 10, 15], "the last comes after the last validation"
    made.validate(20)
    made.report()
    assert reports[-1] == Progress(20, 20, 4.0, 0.25, made.measured[20][1])


def test_a_recorder_that_is_restored_goes_on_where_the_other_stopped() -> None:
    whole, _ = recorder(20, 5)
    first, _ = recorder(20, 5)
    second, reports = recorder(20, 5)
    losses = np.linspace(2, 1, 20)
    for end in (5, 10, 15, 20):
        (first if end <= 10 else second).record(end, losses[end - 5 : end])
        whole.record(end, losses[end - 5 : end])
        if end == 10:
            second.restore(np.array(first.losses, np.float64), first.measured)
            second.report()
            assert reports == [Progress(10, 20, 2.0, first.losses[-1], first.measured[10][1])]
    assert second.history() == whole.history() and second.measured == whole.measured


def test_restoring_nothing_leaves_a_recorder_new() -> None:
    made, reports = recorder(20, 5)
    made.restore(np.array([]), {})
    made.report()
    assert (
        made.losses == []
        and made.measured == {}
        and np.isnan(reports[0].loss)
        and reports[0].validation_accuracy is None
    )
