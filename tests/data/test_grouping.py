"""Splits that keep the images of a group in one part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from convscope.api.load_data import load_data
from convscope.api.prepare import prepare
from convscope.api.progress import ProgressDisplay
from convscope.data.dataset import Dataset
from convscope.data.grouping import fold_positions, group_of, groups_of, split
from convscope.data.readers import load_test
from convscope.data.splits import stratified_split
from convscope.errors import DataError, OptionError
from convscope.training.options import TrainOptions


def made(groups: list[int], labels: list[int]) -> Dataset:
    names = tuple(
        f"w{group}/{'ab'[label]}/{index}.png" for index, (group, label) in enumerate(zip(groups, labels, strict=True))
    )
    return Dataset(
        np.zeros((len(names), 1, 1, 1), np.uint8), np.array(labels, np.int64), ("a", "b"), source="made", names=names
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 12), min_size=4, max_size=30), st.integers(0, 5), st.sampled_from([0.1, 0.2, 0.4]))
def test_no_group_is_on_both_sides_and_each_class_is_in_the_training_part(
    sizes: list[int], seed: int, fraction: float
) -> None:
    groups = [group for group, size in enumerate(sizes) for _ in range(2 * size)]
    data = made(groups, [index % 2 for index in range(len(groups))])
    training, held_out = split(data, fraction=fraction, seed=seed, group="folder")
    assert len(training) + len(held_out) == len(data) and len(held_out) > 0
    assert not set(groups_of_one(training)) & set(groups_of_one(held_out))
    assert set(training.labels.tolist()) == {0, 1}
    again = split(data, fraction=fraction, seed=seed, group="folder")[1]
    assert again.names == held_out.names


def groups_of_one(data: Dataset) -> list[str]:
    return [group_of(name, "folder", data.class_names) for name in data.names]


def test_many_groups_give_about_the_fraction_of_each_class() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 10).tolist()
    data = made(groups, rng.integers(0, 2, 600).tolist())
    for seed in range(5):
        _, held_out = split(data, fraction=0.2, seed=seed, group="folder")
        assert np.abs(held_out.class_counts - 0.2 * np.array(data.class_counts)).max() < 12


def test_without_a_group_the_split_is_the_stratified_one() -> None:
    data = made([0] * 20, [0, 1] * 10)
    assert split(data, fraction=0.3, seed=4)[1].names == stratified_split(data, fraction=0.3, seed=4)[1].names


def test_folds_keep_groups_whole_and_are_of_similar_size() -> None:
    data = made([group for group in range(13) for _ in range(6)], [index % 2 for index in range(78)])
    parts = fold_positions(data, 4, seed=1, group="w([0-9]+)")
    assert sorted(np.concatenate(parts).tolist()) == list(range(78))
    assert max(map(len, parts)) - min(map(len, parts)) <= 6
    groups = [{groups_of(data, "w([0-9]+)")[at] for at in part.tolist()} for part in parts]
    assert sum(map(len, groups)) == 13
    with pytest.raises(DataError, match=r"at least 20 groups, for 20 folds\. Received: 13"):
        fold_positions(data, 20, seed=1, group="folder")


def test_what_cannot_be_grouped_is_refused_in_one_line() -> None:
    with pytest.raises(DataError, match=r"each class in at least two groups.*class 'a' of made"):
        split(made([0, 0, 1, 1], [0, 0, 1, 1]), fraction=0.5, seed=0, group="folder")
    with pytest.raises(DataError, match=r"at least two groups\. Received: one, 'w0'"):
        split(made([0, 0], [0, 1]), fraction=0.5, seed=0, group="folder")
    with pytest.raises(OptionError, match=r"folder or a regular expression\. Received: group='\('"):
        TrainOptions(group="(")
    arrays = (np.zeros((8, 4, 4), np.uint8), np.arange(8) % 2)
    with pytest.raises(DataError, match="images from files, to group them"):
        load_data(arrays, group="folder")


def test_a_training_on_a_folder_has_each_writer_in_one_of_three_parts(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for writer in range(12):
        for label in ("cat", "dog"):
            (tmp_path / label).mkdir(exist_ok=True)
            for index in range(3):
                pixels = rng.integers(0, 256, (8, 8)).astype(np.uint8)
                Image.fromarray(pixels).save(tmp_path / label / f"writer{writer}-{index}.png")
    plan = prepare(TrainOptions(data=str(tmp_path), group="(writer[0-9]+)"), ProgressDisplay(quiet=True).begin)
    test = plan.loaded.test
    assert test is not None
    writers = [
        {group_of(name, "(writer[0-9]+)", ()) for name in part.names} for part in (plan.training, plan.validation, test)
    ]
    assert all(writers) and len(writers[0] | writers[1] | writers[2]) == 12 == sum(map(len, writers))
    assert any("whole groups by pattern (writer[0-9]+)" in str(one) for one in plan.decisions)


def test_the_test_part_alone_is_the_one_of_the_whole_data(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    for index in range(40):
        (tmp_path / "ab"[index % 2]).mkdir(exist_ok=True)
        pixels = rng.integers(0, 256, (6, 6)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "ab"[index % 2] / f"w{index // 4}_{index}.png")
    whole = load_data(tmp_path, group="w([0-9]+)_", seed=3).test
    assert whole is not None and load_test(tmp_path, group="w([0-9]+)_", seed=3).names == whole.names
    assert len({group_of(name, "w([0-9]+)_", ()) for name in whole.names}) * 4 == len(whole)
