import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.api.explain import ImageExplanation, explain
from convscope.api.predict import predict
from convscope.data.dataset import Skipped
from convscope.data.mnist import load_part
from convscope.errors import DataError, OptionError, RunError
from convscope.explanation.saliency import EXPLAINERS
from convscope.model.forward import forward
from convscope.model.model_file import Model, load_model, save_model
from convscope.model.spec_parser import parse


@pytest.fixture(scope="module")
def seven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("digit") / "seven.png"
    Image.fromarray(load_part("test").pixels[0, :, :, 0]).save(path)
    return path


@pytest.fixture(scope="module")
def explained(short_run: Path, seven: Path) -> ImageExplanation:
    (one,) = explain(seven, run=short_run)
    assert isinstance(one, ImageExplanation)
    return one


def test_a_picture_is_explained_by_every_method(explained: ImageExplanation) -> None:
    assert list(explained.explanation.maps) == list(EXPLAINERS) and explained.explanation.skipped == {}
    assert explained.choices[0].name == "7" and explained.explanation.target == 7
    assert {one.attribution.target for one in explained.explanation.maps.values()} == {7}


def test_what_it_says_is_what_predict_says(explained: ImageExplanation, short_run: Path, seven: Path) -> None:
    (same,) = predict(seven, run=short_run, top=10, engine="numpy")
    assert explained.choices == same.choices
    assert np.array_equal(explained.explanation.pixels, same.seen)
    assert explained.probabilities.tolist() == pytest.approx(
        [{c.name: c.probability for c in same.choices}[str(digit)] for digit in range(10)]
    )


def test_a_digit_of_the_test_split_can_be_named(short_run: Path, explained: ImageExplanation) -> None:
    (one,) = explain("mnist:0", run=short_run, method="gradient")
    assert np.array_equal(one.explanation.pixels, explained.explanation.pixels)
    with pytest.raises(DataError, match=r"mnist:0 to mnist:9999\. Received: mnist:10000"):
        explain("mnist:10000", run=short_run)


def test_the_arrays_hold_every_layer_every_weight_and_every_map(explained: ImageExplanation, short_run: Path) -> None:
    model, arrays = load_model(short_run / "model.safetensors"), explained.explanation.arrays()
    seen = forward(model.spec, model.weights, explained.explanation.pixels[None] / np.float32(255))
    for layer in seen.layers:
        assert np.allclose(arrays[f"activation/{layer.name}"], layer.output[0], atol=1e-6)
    for name, weight in model.weights.items():
        assert np.array_equal(arrays[f"weight/{name}"], weight)
    for name in EXPLAINERS:
        assert arrays[f"map/{name}"].shape == arrays[f"map_without_training/{name}"].shape == (28, 28, 1)
        assert arrays[f"deletion/{name}"].shape == arrays["deletion_shares"].shape == (21,)
    assert arrays["deletion_in_random_orders"].shape == (20, 21)


def test_the_array_file_is_read_back_whole(explained: ImageExplanation, tmp_path: Path) -> None:
    path = explained.save_arrays(tmp_path / "all.npz")
    with np.load(path, allow_pickle=False) as stored:
        arrays = explained.explanation.arrays()
        assert set(stored.files) == set(arrays)
        for name, value in arrays.items():
            assert np.array_equal(stored[name], value), name
    assert [one.name for one in tmp_path.iterdir()] == ["all.npz"]
    with pytest.raises(RunError, match="cannot be written"):
        explained.save_arrays(tmp_path / "nowhere" / "all.npz")


def test_the_json_is_plain(explained: ImageExplanation) -> None:
    told = json.loads(json.dumps(explained.to_json(), allow_nan=False))
    assert told["target"] == "7" and len(told["logits"]) == 10 and len(told["layers"]) == 10
    for method in EXPLAINERS:
        worth = told["maps"][method]["sanity_checks"]
        assert set(worth) == {"deletion", "random_weights", "matters", "learned", "verdict"}


def test_another_class_can_be_asked_for(short_run: Path) -> None:
    (one,) = explain("mnist:0", run=short_run, method=["grad_cam", "gradient"], target="2")
    assert one.explanation.target == 2 and one.choices[0].name == "7"
    assert list(one.explanation.maps) == ["gradient", "grad_cam"], "in the order of EXPLAINERS"


def test_a_seed_decides_everything(short_run: Path) -> None:
    told = [
        [one.to_json() for one in explain("mnist:1", run=short_run, method="smoothgrad", seed=seed)]
        for seed in (4, 4, 5)
    ]
    assert told[0] == told[1] != told[2]


def test_a_folder_means_its_pictures_and_what_cannot_be_read_is_told(
    short_run: Path, seven: Path, tmp_path: Path
) -> None:
    (tmp_path / "b.png").write_bytes(seven.read_bytes())
    (tmp_path / "a.png").write_text("no picture")
    (tmp_path / "c.txt").write_text("not asked for")
    bad, good = explain(tmp_path, run=short_run, method="gradient")
    assert isinstance(bad, Skipped) and bad.file.endswith("a.png") and bad.reason
    assert isinstance(good, ImageExplanation) and good.name.endswith("b.png")


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        ({"method": "gradcam"}, OptionError, "Did you mean grad_cam"),
        ({"method": []}, OptionError, "Received: none"),
        ({"target": "seven"}, OptionError, "one of the classes 0, 1, 2"),
        ({"seed": -1}, OptionError, "seed must be a whole number of 0 or more"),
        ({"images": []}, DataError, "at least one image"),
    ],
)
def test_what_cannot_be_is_refused_at_once(words: dict, error: type, says: str, short_run: Path) -> None:
    with pytest.raises(error, match=says):
        explain(**({"images": "mnist:0", "run": short_run} | words))


def test_a_network_without_convolutions_is_explained_without_grad_cam(tmp_path: Path) -> None:
    spec = parse("Flatten()\nDense(num_classes, activation='softmax')", input_shape=(28, 28, 1), num_classes=3)
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in spec.weight_shapes().items()}
    contract = {"height": 28, "width": 28, "channels": 1, "fit": "mnist", "polarity": "auto", "background": 255}
    save_model(Model(spec, weights, ("a", "b", "c"), preprocessing=contract), tmp_path / "model.safetensors")
    (one,) = explain("mnist:0", run=tmp_path)
    assert set(one.explanation.maps) == set(EXPLAINERS) - {"grad_cam"}
    assert list(one.explanation.skipped) == ["grad_cam"]
    assert "needs a convolution" in one.explanation.skipped["grad_cam"]
