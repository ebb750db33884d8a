"""What `predict` answers for pictures unlike those of the training, through the public functions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convscope.api.image_prediction import UNKNOWN
from convscope.api.predict import predict
from convscope.api.predict_folder import predict_folder
from convscope.api.run import Run
from convscope.api.run_data import part_of_run
from convscope.arrays import to_images
from convscope.data import mnist
from convscope.data.preprocess import Preprocessing
from convscope.errors import ModelFileError, OptionError
from convscope.evaluation.fit_reliability import fit_reliability
from convscope.evaluation.out_of_distribution import rank_for
from convscope.evaluation.predict import predict as predict_pixels
from convscope.evaluation.reliability import reliability_of
from convscope.model.features import logits_and_features
from convscope.model.model_file import Model, load_model, save_model
from convscope.model.spec_parser import parse
from convscope.training.run_folder import MODEL_FILE


def stripes(n: int, seed: int, *, angles: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Noisy pictures of horizontal (0) or vertical (1) stripes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, angles, n)
    rows, columns = np.mgrid[:12, :12]
    phase = rng.uniform(0, 6, n)[:, None, None]
    wave = np.sin(np.where(labels[:, None, None] == 0, rows, columns) * 1.3 + phase)
    pixels = 127 + 70 * wave + rng.normal(0, 12, (n, 12, 12))
    return np.clip(pixels, 0, 255).astype(np.uint8)[..., None], labels


@pytest.fixture(scope="module")
def stripes_model() -> Model:
    """A network with random weights: its features are those of stripes all the same."""
    layers = ['Conv2D(8, 3, activation="relu")', 'Conv2D(4, 3, activation="relu")', "Flatten()"]
    spec = parse(
        "\n".join([*layers, 'Dense(num_classes, activation="softmax")']), input_shape=(12, 12, 1), num_classes=2
    )
    rng = np.random.default_rng(0)
    weights = {name: (rng.normal(size=shape) * 0.4).astype(np.float32) for name, shape in spec.weight_shapes().items()}
    model = Model(
        spec,
        weights,
        ("rows", "columns"),
        preprocessing=Preprocessing(12, 12, 1, fit="pad", polarity="as_is").to_json(),
    )
    training, _ = stripes(900, 1)
    validation, labels = stripes(700, 2)
    return fit_reliability(model, training, validation, labels)[0]


@pytest.fixture
def run(stripes_model: Model, tmp_path: Path) -> Run:
    (tmp_path / "run").mkdir()
    save_model(stripes_model, tmp_path / "run" / MODEL_FILE)
    return Run(tmp_path / "run")


def test_pictures_unlike_the_training_have_no_class(run: Run) -> None:
    rng = np.random.default_rng(5)
    noise = list(rng.integers(0, 256, (40, 12, 12)).astype(np.uint8))
    found = predict(noise, run=run)
    assert sum(not one.is_known for one in found) > 30
    one = next(one for one in found if not one.is_known)
    assert one.class_name is None and one.choices == () and one.closest
    assert UNKNOWN in str(one)
    shown = one.to_json()
    assert (shown["known"], shown["choices"]) == (False, []) and shown["score_rank"] > 0.98


def test_at_most_the_level_of_familiar_pictures_is_rejected(run: Run) -> None:
    pixels, _ = stripes(3_000, 9)
    scores = predict_pixels(run.model, pixels).scores
    rejection = reliability_of(run.model).rejection
    assert scores is not None and rejection is not None
    for level in (0.01, 0.05):
        assert (scores > rejection.threshold(level)).mean() < level + 3 * np.sqrt(level / 3_000)
    assert (scores > rejection.threshold(0.05)).mean() > 0.01


def test_the_threshold_is_the_promised_rank_of_the_held_out_scores(run: Run) -> None:
    validation, _ = stripes(700, 2)
    scores = np.sort(predict_pixels(run.model, validation).scores)[::-1]  # type: ignore[arg-type]
    assert reliability_of(run.model).rejection.threshold(0.01) == pytest.approx(float(scores[rank_for(700, 0.01) - 1]))  # type: ignore[union-attr]


def test_noise_in_a_black_frame_is_no_digit(short_run: Path) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (40, 20, 20)).astype(np.uint8)
    found = predict(list(np.pad(noise, ((0, 0), (4, 4), (4, 4)))), run=short_run)
    assert not any(one.is_known and one.answer == "class" for one in found)


def test_nothing_is_rejected_without_rejection(run: Run) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (12, 12)).astype(np.uint8)
    for picture in (noise, np.full((12, 12), 80, np.uint8)):
        (one,) = predict(picture, run=run, reject="off")
        assert one.is_known and one.class_name is not None


def test_a_picture_of_one_intensity_is_rejected_unless_the_training_had_some(
    stripes_model: Model, tmp_path: Path
) -> None:
    training, _ = stripes(300, 1)
    training[7] = 80
    validation, labels = stripes(300, 2)
    plain = replace(stripes_model, calibration={}, reliability={}, subspace=None)
    model = fit_reliability(plain, training, validation, labels)[0]
    assert reliability_of(model).rejection.rejects_blank is False  # type: ignore[union-attr]
    assert reliability_of(stripes_model).rejection.rejects_blank is True  # type: ignore[union-attr]


def test_a_level_that_so_few_images_cannot_promise_is_refused(stripes_model: Model, tmp_path: Path) -> None:
    validation, labels = stripes(100, 2)
    plain = replace(stripes_model, calibration={}, reliability={}, subspace=None)
    save_model(fit_reliability(plain, stripes(300, 1)[0], validation, labels)[0], tmp_path / MODEL_FILE)
    with pytest.raises(OptionError, match=r"100 held-out images cannot promise that at most 1\.0%"):
        predict(validation[0], run=tmp_path, reject="1%")
    assert len(predict(validation[0], run=tmp_path)) == 1  # 5 % can be promised
    with pytest.raises(OptionError, match=r"needs 999 held-out images\. Received: 100"):
        predict(validation[0], run=tmp_path, coverage="99.9%")


def test_a_model_of_an_older_version_answers_as_before(stripes_model: Model, tmp_path: Path) -> None:
    save_model(replace(stripes_model, reliability={}, subspace=None), tmp_path / MODEL_FILE)
    (one,) = predict(np.zeros((12, 12), np.uint8), run=tmp_path)
    assert one.is_known and one.class_name is not None and one.score is None
    with pytest.raises(OptionError, match="a network without one"):
        predict(np.zeros((12, 12), np.uint8), run=tmp_path, reject="1%")
    with pytest.raises(OptionError, match="a network without any"):
        predict(np.zeros((12, 12), np.uint8), run=tmp_path, coverage="90%")


def test_the_set_contains_the_class_and_its_coverage_holds(run: Run) -> None:
    pixels, labels = stripes(400, 11)
    found = predict(list(pixels[..., 0]), run=run, coverage="90%", reject="off")
    inside = [run.model.class_names[label] in (one.class_set or ()) for one, label in zip(found, labels, strict=True)]
    assert np.mean(inside) > 0.9 - 3 * np.sqrt(0.09 / 400 + 0.09 / 700)
    assert all(one.class_name in (one.class_set or ()) for one in found)
    assert " set {" in str(found[0])


def test_a_table_says_which_images_are_rejected(run: Run, tmp_path: Path) -> None:
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.fromarray(stripes(1, 3)[0][0, ..., 0]).save(folder / "familiar.png")
    Image.fromarray(np.random.default_rng(5).integers(0, 256, (12, 12)).astype(np.uint8)).save(folder / "noise.png")
    done = predict_folder(str(folder), run=run, out=tmp_path / "t.jsonl")
    rows = {Path(row["file"]).name: row for row in map(json.loads, (tmp_path / "t.jsonl").read_text().splitlines())}
    assert rows["noise.png"]["prediction"] is None and UNKNOWN in rows["noise.png"]["note"]
    assert rows["familiar.png"]["prediction"] is not None
    assert done.without_prediction == 1


@pytest.mark.parametrize(
    "reliability",
    [{"rejection": {}}, {"x": {}}, {"conformal": []}, {"selective": {"target": 2}}, {"rejection": None}],
)
def test_a_model_file_with_other_values_is_refused_in_one_line(
    stripes_model: Model, tmp_path: Path, reliability: dict
) -> None:
    save_model(replace(stripes_model, reliability=reliability), tmp_path / MODEL_FILE)
    with pytest.raises(ModelFileError):
        predict(np.zeros((12, 12), np.uint8), run=tmp_path)


def test_a_subspace_without_thresholds_is_refused(stripes_model: Model, tmp_path: Path) -> None:
    rest = {name: value for name, value in stripes_model.reliability.items() if name != "rejection"}
    save_model(replace(stripes_model, reliability=rest), tmp_path / MODEL_FILE)
    with pytest.raises(ModelFileError, match="or neither of them"):
        predict(np.zeros((12, 12), np.uint8), run=tmp_path)


def test_what_training_stores_takes_at_most_80_kilobytes(short_run: Path, tmp_path: Path) -> None:
    model = load_model(short_run / MODEL_FILE)
    assert model.subspace is not None
    save_model(replace(model, reliability={}, subspace=None), tmp_path / "without")
    assert (short_run / MODEL_FILE).stat().st_size - (tmp_path / "without").stat().st_size <= 80_000


def test_foreign_pictures_are_no_digits_and_test_digits_are(short_run: Path) -> None:
    """The network of a fifth of an epoch, with pictures whose answer is plain."""
    digits = mnist.load_part("test").pixels[:300, ..., 0]
    found = predict(list(digits), run=short_run)
    assert sum(not one.is_known for one in found) <= 9
    checkers = [((np.indices((28, 28)) // side).sum(axis=0) % 2 * 255).astype(np.uint8) for side in (3, 4, 5)]
    blank = [np.zeros((28, 28), np.uint8), np.full((28, 28), 255, np.uint8)]
    noise = list(np.random.default_rng(0).integers(0, 256, (3, 28, 28)).astype(np.uint8))
    answers = predict([*checkers, *blank, *noise], run=short_run)
    assert [one.class_name for one in answers[3:]] == [None] * 5


def test_sets_by_raps_are_larger_where_the_network_is_unsure_and_cover(short_run: Path) -> None:
    test = mnist.load_part("test")
    options = {"run": short_run, "coverage": "99%", "reject": "off"}
    found = predict(list(test.pixels[:400, ..., 0]), **options, sets="raps")
    inside = [str(label) in (one.class_set or ()) for one, label in zip(found, test.labels, strict=False)]
    assert np.mean(inside) > 0.99 - 3 * np.sqrt(0.0099 / 400)
    smaller = predict(list(test.pixels[:400, ..., 0]), **options)
    assert [one.class_set for one in found] != [one.class_set for one in smaller]
    with pytest.raises(OptionError, match=r"sets must be one of lac, raps\. Received: sets='aps'"):
        predict(test.pixels[0, ..., 0], **options, sets="aps")


def test_an_answer_is_a_class_nothing_several_or_unknown(short_run: Path) -> None:
    digit = mnist.load_part("test").pixels[0, ..., 0]
    two = np.zeros((40, 90), np.uint8)
    two[6:34, 5:33], two[6:34, 57:85] = digit, digit
    checkers = ((np.indices((28, 28)) // 4).sum(axis=0) % 2 * 255).astype(np.uint8)
    found = predict([digit, np.zeros((28, 28), np.uint8), two, checkers], run=short_run, reject="5%")
    assert [one.answer for one in found][:3] == ["class", "nothing", "several"]
    assert [one.to_json()["answer"] for one in found] == [one.answer for one in found]
    assert found[3].answer != "class"


def test_the_nearest_training_images_are_those_with_the_nearest_features(short_run: Path) -> None:
    """The oracle is a loop over distances along the subspace's directions."""
    run = Run(short_run)
    data = part_of_run(run, "train")
    chosen = np.unique(np.linspace(0, len(data) - 1, 5_000).astype(int))
    asked = np.asarray(data.pixels[chosen[17]])
    found = predict(asked[..., 0], run=run, nearest=3)[0]
    assert found.nearest[0].distance == pytest.approx(0, abs=1e-2) and found.nearest[0].index == chosen[17]
    assert np.array_equal(found.nearest[0].pixels, asked)
    features = [
        logits_and_features(run.model.spec, run.model.weights, to_images(np.asarray(pixels)))[1]
        for pixels in (data.pixels[chosen[:2_500]], data.pixels[chosen[2_500:]], asked[None])
    ]
    directions = run.model.subspace.directions.astype(np.float64)  # type: ignore[union-attr]
    differences = (np.concatenate(features[:2]) - features[2]).astype(np.float64) @ directions
    distances = np.sqrt((differences**2).sum(axis=1))
    assert [one.distance for one in found.nearest] == pytest.approx(sorted(distances.tolist())[:3], rel=1e-3, abs=1e-2)
    assert [one.class_name for one in found.nearest] == [str(data.labels[one.index]) for one in found.nearest]
    shown = found.to_json()["nearest"]
    assert shown[0]["index"] == chosen[17] and set(shown[0]) == {"index", "name", "class", "distance"}  # type: ignore[index]
    with pytest.raises(OptionError, match=r"nearest must be a whole number from 0 to 20\. Received: nearest=-1"):
        predict(asked[..., 0], run=run, nearest=-1)
