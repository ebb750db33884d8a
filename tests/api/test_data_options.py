"""Size, fit and class names of a training: recorded, and used again wherever its data or other images are read."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image

from convscope.api.evaluate import evaluate
from convscope.api.load_data import load_data
from convscope.api.run import load_run
from convscope.api.train import train
from convscope.training.options import TrainOptions

pytestmark = pytest.mark.slow


def archive(path, count=40):
    labels = np.arange(count) % 2
    pixels = np.random.default_rng(0).integers(0, 90, (count, 12, 20), np.uint8) + (labels * 150)[:, None, None]
    np.savez(path, x_train=pixels.astype(np.uint8), y_train=labels + 3)
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("options")
    how = {"size": "12x16", "fit": "crop", "class_names": "dark, light", "epochs": 2, "batch_size": 8}
    return train(archive(folder / "d.npz"), out=folder / "run", **how)


def test_the_options_are_recorded_and_decided_aloud(run):
    record = load_run(run.folder).record
    assert (record.options.size, record.options.fit, record.options.class_names) == ("12x16", "crop", "dark, light")
    assert run.model.class_names == ("dark", "light")
    assert run.model.spec.input_shape == (12, 16, 1)
    told = [row["what"] for row in record.data["decisions"]]
    assert "fit" in told and "class names" in told


def test_the_data_of_the_run_and_other_data_are_read_in_the_same_way(run, tmp_path):
    own = evaluate(run)
    assert own.part == "test" and own.dataset.class_names == ("dark", "light")
    other = evaluate(run, archive(tmp_path / "other.npz", 24))
    assert len(other.dataset) == 24 and other.dataset.class_names == ("dark", "light")
    assert other.dataset.image_shape == (12, 16, 1)


def test_other_images_are_cropped_as_in_the_training(run, tmp_path):
    wide = np.zeros((12, 40), np.uint8)
    wide[:, 12:28] = 200
    Image.fromarray(wide).save(tmp_path / "wide.png")
    (one,) = run.predict(tmp_path / "wide.png")
    assert (one.seen == 200).all()


def test_data_loaded_before_the_training_bring_their_options(tmp_path):
    loaded = load_data(archive(tmp_path / "d.npz"), size=(12, 16), fit="stretch", class_names=["dark", "light"])
    trained = train(loaded, out=tmp_path / "run", epochs=1, batch_size=8)
    options = load_run(trained.folder).record.options
    assert (options.fit, options.class_names) == ("stretch", "dark,light")
    assert evaluate(load_run(trained.folder)).dataset.class_names == ("dark", "light")


@pytest.mark.parametrize(("given", "stored"), [(28, 28), ("28", 28), ("28x28", 28), ("32x512", "32x512"), (None, None)])
def test_a_size_is_recorded_as_a_number_where_one_is_enough(given, stored):
    options = TrainOptions(size=given)
    assert options.size == stored
    assert TrainOptions.from_mapping(asdict(options)) == options


@pytest.mark.long
def test_drafts_are_recorded_and_used_again_for_the_same_data_and_for_other_images(tmp_path):
    rng = np.random.default_rng(0)
    for index in range(40):
        folder = tmp_path / "photos" / "ab"[index % 2]
        folder.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
        coarse.resize((128, 128), Image.Resampling.BICUBIC).save(folder / f"{index}.jpg")
    how = {"size": 16, "decoding": "draft", "epochs": 1, "batch_size": 8, "model": "compact"}
    trained = load_run(train(tmp_path / "photos", out=tmp_path / "run", **how).folder)
    assert trained.record.options.decoding == "draft"
    assert trained.preprocessing.decoding == "draft"
    dataset = evaluate(trained).dataset  # its fingerprint is compared with the record
    path = tmp_path / "photos" / dataset.names[0]
    (one,) = trained.predict(path)
    assert (one.seen == dataset.pixels[0]).all()
    assert trained.explain(path) is not None


def test_other_data_and_images_have_the_background_of_the_training(tmp_path):
    def write(folder, level):
        for index in range(40):
            drawing = np.zeros((16, 16, 4), np.uint8)
            drawing[2 : 6 + 4 * (index % 2), 2:9] = (level, level, level - 9 if level else 9, 255)
            place = folder / "ab"[index % 2] / f"{index}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(drawing).save(place)
        return folder

    white, dark = write(tmp_path / "white", 255), write(tmp_path / "dark", 0)
    trained = load_run(train(white, out=tmp_path / "run", epochs=1, batch_size=8, model="compact").folder)
    assert trained.preprocessing.background == 0
    dataset = evaluate(trained).dataset  # its fingerprint is compared with the record
    (one,) = trained.predict(white / dataset.names[0])
    assert (one.seen == dataset.pixels[0]).all()
    other = evaluate(trained, dark).dataset  # alone, these would be laid on white
    assert (other.pixels[:, 0, 0] == 0).all()


def test_a_run_of_a_version_without_these_options_is_read_as_it_was(run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run.folder, folder)
    record = json.loads((folder / "run.json").read_text())
    del record["options"]["background"], record["options"]["decoding"]
    (folder / "run.json").write_text(json.dumps(record))
    old = load_run(folder)
    assert (old.record.options.background, old.record.options.decoding) == ("white", "exact")
    assert "decoding" not in old.model.preprocessing and old.preprocessing.decoding == "exact"
