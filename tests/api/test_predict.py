import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.api.explain import explain
from convscope.api.image_prediction import UNKNOWN
from convscope.api.open import page
from convscope.api.predict import predict
from convscope.data.mnist import load_part
from convscope.errors import DataError, ModelFileError, RunError
from convscope.evaluation.predict import predict as predict_pixels
from convscope.model.model_file import load_model, save_model
from convscope.training.run_folder import MODEL_FILE


@pytest.fixture(scope="module")
def seven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("digit") / "seven.png"
    Image.fromarray(load_part("test").pixels[0, :, :, 0]).save(path)
    return path


def test_a_picture_gives_choices_in_falling_order_and_what_was_seen(short_run: Path, seven: Path) -> None:
    (one,) = predict(seven, run=short_run)
    assert one.name == str(seven) and one.choices[0].name == "7" and len(one.choices) == 3
    chances = [choice.probability for choice in one.choices]
    assert chances == sorted(chances, reverse=True)
    assert one.seen.shape == (28, 28, 1) and one.seen.dtype == np.uint8
    assert np.array_equal(one.seen, load_part("test").pixels[0]), "the network's own pictures are left as they are"


def test_runners_up_are_as_many_as_wanted(short_run: Path, seven: Path) -> None:
    assert len(predict(seven, run=short_run, top=1)[0].choices) == 1
    everyone = predict(seven, run=short_run, top=99)[0].choices
    assert sum(choice.probability for choice in everyone) == pytest.approx(1, abs=1e-5) and len(everyone) == 10


def test_black_on_white_reads_like_white_on_black(short_run: Path, seven: Path, tmp_path: Path) -> None:
    with Image.open(seven) as picture:
        Image.fromarray(255 - np.asarray(picture.resize((112, 112)))).save(tmp_path / "paper.png")
    assert predict(tmp_path / "paper.png", run=short_run)[0].choices[0].name == "7"


def test_no_picture_at_all_is_an_error(short_run: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least one image"):
        predict([], run=short_run)
    (tmp_path / "void").mkdir()
    with pytest.raises(DataError, match="folder with images"):
        predict(tmp_path / "void", run=short_run)


def test_unreadable_pictures_are_listed_and_the_rest_predicted(short_run: Path, seven: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("bad")
    predicted = predict([tmp_path / "bad.png", seven], run=short_run)
    assert [one.name for one in predicted] == [str(seven)] and len(predicted.predictions) == 1
    assert [one.file for one in predicted.skipped] == [str(tmp_path / "bad.png")]


def test_when_every_picture_is_unreadable_the_first_reason_is_told(short_run: Path, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_text("bad")
    with pytest.raises(DataError, match=r"a\.png"):
        predict(tmp_path, run=short_run)


def test_the_newest_run_is_meant_when_none_is_named(
    short_run: Path, seven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, time in (("b-old", 1_000_000), ("a-new", 2_000_000)):
        shutil.copytree(short_run, tmp_path / "runs" / name)
        os.utime(tmp_path / "runs" / name / "run.json", (time, time))
    monkeypatch.chdir(tmp_path)
    Path("runs/b-old/model.safetensors").write_text("nobody should open this")
    assert predict(seven)[0].choices[0].name == "7"
    shutil.rmtree("runs")
    with pytest.raises(RunError, match="Expected a run below runs/"):
        predict(seven)


def changed(run: Path, folder: Path, **changes: object) -> Path:
    """A run's model, with something else in its file."""
    copy = shutil.copytree(run, folder / "changed")
    save_model(replace(load_model(run / MODEL_FILE), **changes), copy / MODEL_FILE)
    return copy


@pytest.mark.parametrize("contract", [{}, {"height": 16}])
def test_preprocessing_that_does_not_fit_the_network_is_refused_by_all(
    contract: dict, short_run: Path, seven: Path, tmp_path: Path
) -> None:
    stored = dict(load_model(short_run / MODEL_FILE).preprocessing)
    run = changed(short_run, tmp_path, preprocessing=contract and stored | contract)
    for ask in (lambda: predict(seven, run=run), lambda: list(explain(seven, run=run)), lambda: page(run)):
        with pytest.raises((ModelFileError, DataError), match="preprocessing"):
            ask()


def test_a_network_whose_numbers_leave_float32_is_refused_not_answered_with_nan(
    short_run: Path, seven: Path, tmp_path: Path
) -> None:
    weights = dict(load_model(short_run / MODEL_FILE).weights)
    bias = next(name for name in reversed(weights) if name.endswith("kernel"))
    weights[bias] = np.where(np.arange(weights[bias].size).reshape(weights[bias].shape) % 2, -3e38, 3e38).astype("f4")
    model = replace(load_model(short_run / MODEL_FILE), weights=weights)
    pixels = np.full((1, 28, 28, 1), 255, np.uint8)
    with pytest.raises(ModelFileError, match="Expected finite logits"):
        predict_pixels(model, pixels)


def white_ink_on_black(*labels: int) -> np.ndarray:
    """Digits of MNIST's test split side by side, enlarged."""
    test = load_part("test")
    first = [int(np.flatnonzero(test.labels == label)[0]) for label in labels]
    return np.hstack([np.kron(test.pixels[index, ..., 0], np.ones((4, 4), np.uint8)) for index in first])


def test_an_image_without_ink_gets_no_class_and_equal_probabilities(short_run: Path) -> None:
    found = predict([np.full((90, 80), 250, np.uint8), white_ink_on_black(7)], run=short_run)
    blank, seven = found
    assert (blank.class_name, blank.probability, blank.choices) == (None, None, ())
    assert str(blank) == "image 0: no ink found" and blank.warnings == ("no ink found",)
    assert blank.to_json()["ink_found"] is False and seven.to_json()["ink_found"] is True
    assert found.probabilities[0] == pytest.approx(0.1) and seven.class_name == "7"
    assert "no ink found" in found._repr_html_()


def test_several_digits_are_said_and_read_one_by_one_when_split(short_run: Path) -> None:
    image = white_ink_on_black(7, 2, 1)
    (together,) = predict(image, run=short_run)
    assert together.report.digits == 3 and together.warnings == ("3 digits found",)
    assert str(together).endswith("[3 digits found]")
    alone = predict([image, white_ink_on_black(0)], run=short_run, split=True)
    assert [(one.class_name, one.digit) for one in alone] == [("7", 1), ("2", 2), ("1", 3), ("0", None)]
    assert len(alone.probabilities) == 4 and str(alone[1]).startswith("image 0, digit 2: 2 (")


def test_light_ink_on_a_transparent_ground_is_read_and_shown(short_run: Path, tmp_path: Path) -> None:
    ink = white_ink_on_black(7)
    Image.fromarray(np.dstack([np.full((*ink.shape, 3), 255, np.uint8), ink])).save(tmp_path / "ink.png")
    (one,) = predict(tmp_path / "ink.png", run=short_run)
    assert one.class_name == "7" and one.original.shape[-1] in (1, 3) and one.original.min() == 0


def test_an_image_without_ink_is_not_explained(short_run: Path) -> None:
    blank, seven = explain([np.zeros((50, 50), np.uint8), white_ink_on_black(7)], run=short_run, method="gradient")
    assert "Received: image 0, no ink found." in blank.reason
    assert seven.to_json()["warnings"] == []


def test_a_network_of_other_images_gives_a_blank_image_a_class_only_without_rejection(
    short_run: Path, tmp_path: Path
) -> None:
    stored = dict(load_model(short_run / MODEL_FILE).preprocessing)
    run = changed(short_run, tmp_path, preprocessing=stored | {"fit": "pad"})
    (one,) = predict(np.full((40, 40), 9, np.uint8), run=run)
    assert one.class_name is None and not one.is_known
    assert one.warnings == (UNKNOWN, "blank image: all pixels are equal")
    (one,) = predict(np.full((40, 40), 9, np.uint8), run=run, reject="off")
    assert one.class_name is not None and one.warnings == ("blank image: all pixels are equal",)
    assert one.to_json()["ink_found"] is None
