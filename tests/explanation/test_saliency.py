"""Attribution maps: their exact values on networks where these are known, and what all methods guarantee."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from harness import check_explainer, random_images, random_spec, random_weights

from convscope.arrays import to_images
from convscope.data.mnist import load_part
from convscope.errors import DataError, OptionError, SpecError
from convscope.explanation import explainers, saliency
from convscope.explanation.attribution_target import CONTRIBUTION, SENSITIVITY, baseline
from convscope.explanation.explainers.grad_cam import grad_cam
from convscope.explanation.explainers.gradient import gradient
from convscope.explanation.explainers.integrated_gradients import integrated_gradients
from convscope.explanation.explainers.occlusion import occlusion
from convscope.explanation.explainers.smoothgrad import smoothgrad
from convscope.explanation.saliency import EXPLAINERS
from convscope.model.model_file import Model, load_model, weights_sha256
from convscope.model.spec_parser import parse
from convscope.report.bundle import network_json

ROOT = Path(__file__).parents[2]
INK = {"fit": "mnist"}


def model_of(lines: list[str], weights: dict[str, object], *, shape: tuple[int, int, int], **more: object) -> Model:
    classes = int(np.shape(weights["dense/kernel"])[1])
    spec = parse("\n".join(lines), input_shape=shape, num_classes=classes)
    arrays = {name: np.array(value, np.float32) for name, value in weights.items()}
    return Model(spec, arrays, tuple("abcdefghij"[:classes]), **more)


def linear(kernel: list[list[float]], *, shape: tuple[int, int, int], **more: object) -> Model:
    lines = ["Flatten()", "Dense(num_classes, activation='softmax')"]
    return model_of(lines, {"dense/kernel": kernel, "dense/bias": [7.0, 8.0]}, shape=shape, **more)


LINEAR = linear([[1, 0], [2, 0], [-3, 0], [4, 0], [0, 0], [6, 1]], shape=(3, 2, 1), preprocessing=INK)
PICTURE = np.array([1, 0.5, 0.25, 1, 0.75, 0.5], np.float32).reshape(3, 2, 1)
"""The network and the picture of tests/web/gradient.test.js."""

NETWORK = """
Conv2D(4, 3, activation="relu", padding="same")
BatchNormalization()
MaxPooling2D(2)
Conv2D(5, 3, strides=2, padding="same")
ReLU()
Flatten()
Dense(num_classes, activation="softmax")
"""


@pytest.fixture(scope="module")
def small() -> Model:
    spec = parse(NETWORK, input_shape=(9, 12, 3), num_classes=4)
    return Model(spec, random_weights(spec, seed=5), ("a", "b", "c", "d"))


@pytest.fixture(scope="module")
def trained(short_run: Path) -> Model:
    return load_model(short_run / "model.safetensors")


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return to_images(load_part("test").pixels[:100])


@pytest.mark.parametrize("name", EXPLAINERS)
def test_every_explainer_satisfies_the_contract_on_a_small_network(name: str, small: Model) -> None:
    (image,) = random_images(small.spec, 1, seed=1)
    for target in (0, 3):
        check_explainer(name, small, image, target=target)


@pytest.mark.parametrize("name", EXPLAINERS)
def test_every_explainer_satisfies_the_contract_on_a_trained_network(
    name: str, trained: Model, digits: np.ndarray
) -> None:
    before = weights_sha256(trained.weights)
    check_explainer(name, trained, digits[0], target=7)
    assert weights_sha256(trained.weights) == before


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", EXPLAINERS)
def test_every_explainer_satisfies_the_contract_on_any_network(name: str, seed: int) -> None:
    spec = random_spec(np.random.default_rng(100 + seed))
    network = Model(spec, random_weights(spec, seed=seed), tuple("abcdefghij"[: spec.num_classes]))
    (image,) = random_images(spec, 1, seed=seed)
    try:
        check_explainer(name, network, image, target=1)
    except SpecError as error:
        assert name == "grad_cam" and "more than one output position" in str(error)


@pytest.mark.parametrize("name", EXPLAINERS)
def test_without_a_target_the_predicted_class_is_explained(name: str, small: Model) -> None:
    (image,) = random_images(small.spec, 1, seed=2)
    attribution = EXPLAINERS[name](small, image)
    others = [EXPLAINERS[name](small, image, target=k) for k in range(4)]
    assert attribution.logit == max(other.logit for other in others)
    assert np.array_equal(attribution.values, others[attribution.target].values)
    assert not np.array_equal(others[0].values, others[1].values)


@pytest.mark.parametrize("name", EXPLAINERS)
def test_a_class_that_is_not_there_and_an_image_of_another_shape_are_refused(name: str, small: Model) -> None:
    (image,) = random_images(small.spec, 1, seed=2)
    for target in (-1, 4):
        with pytest.raises(OptionError, match=rf"class from 0 to 3\. Received: target={target}"):
            EXPLAINERS[name](small, image, target=target)
    with pytest.raises(DataError, match=r"Received: \(9, 11, 3\)"):
        EXPLAINERS[name](small, image[:, :11])


@pytest.mark.parametrize("name", EXPLAINERS)
def test_maps_are_of_the_logit_and_not_of_the_softmax(name: str, small: Model) -> None:
    """Adding the same to every logit changes no probability; scaling all logits by 2 must double every map."""
    (image,) = random_images(small.spec, 1, seed=3)
    doubled = {key: value * (2 if key.startswith("dense/") else 1) for key, value in small.weights.items()}
    one = EXPLAINERS[name](small, image, target=1)
    two = EXPLAINERS[name](
        replace(small, weights={k: v.astype(np.float32) for k, v in doubled.items()}), image, target=1
    )
    assert two.values == pytest.approx(2 * one.values, rel=0.02, abs=0.02 * one.reach)


def test_on_a_linear_network_every_map_is_known() -> None:
    kernel = np.array([1, 2, -3, 4, 0, 6], np.float32).reshape(3, 2, 1)
    own = (kernel * PICTURE).ravel()
    assert np.array_equal(gradient(LINEAR, PICTURE, target=0).values, kernel)
    assert smoothgrad(LINEAR, PICTURE, target=0).values == pytest.approx(kernel, abs=1e-6)
    shared = integrated_gradients(LINEAR, PICTURE, target=0)
    assert shared.values.ravel() == pytest.approx(own, abs=1e-6)
    assert (shared.baseline_logit, shared.logit, shared.facts["steps"]) == (7.0, pytest.approx(7 + own.sum()), 16)
    assert occlusion(LINEAR, PICTURE, target=0, patch=1).values.ravel() == pytest.approx(own, abs=1e-5)


def test_the_baseline_of_photos_is_gray() -> None:
    photos = replace(LINEAR, preprocessing={"fit": "pad"})
    assert (baseline(LINEAR), baseline(photos)) == (0.0, 0.5)
    own = (np.array([1, 2, -3, 4, 0, 6]) * (PICTURE.ravel() - 0.5)).tolist()
    assert integrated_gradients(photos, PICTURE, target=0).values.ravel() == pytest.approx(own, abs=1e-6)
    assert occlusion(photos, PICTURE, target=0, patch=1).values.ravel() == pytest.approx(own, abs=1e-5)


def test_a_pixel_s_drop_is_the_mean_over_every_patch_that_covers_it() -> None:
    attribution = occlusion(LINEAR, PICTURE, target=0, patch=2, stride=1)
    # rows × columns of contributions: 1 1 / -0.75 4 / 0 3; the four patches over the first pixel hold 1, 2, 0.25, 5.25
    assert attribution.values[0, 0, 0] == pytest.approx((1 + 2 + 0.25 + 5.25) / 4, abs=1e-5)
    for patch, stride in ((0, 1), (2, 3), (2, 0)):
        with pytest.raises(OptionError, match=rf"Received: patch={patch}, stride={stride}"):
            occlusion(LINEAR, PICTURE, target=0, patch=patch, stride=stride)


def test_smoothgrad_without_noise_is_the_gradient(small: Model) -> None:
    (image,) = random_images(small.spec, 1, seed=4)
    quiet = smoothgrad(small, image, target=0, noise=0.0, samples=3)
    assert quiet.values == pytest.approx(gradient(small, image, target=0).values, abs=1e-6)
    assert not np.array_equal(smoothgrad(small, image, target=0).values, quiet.values)


def test_smoothgrad_follows_its_seed_and_the_others_do_not(small: Model) -> None:
    (image,) = random_images(small.spec, 1, seed=4)
    for name, explain in EXPLAINERS.items():
        same = np.array_equal(explain(small, image, seed=1).values, explain(small, image, seed=2).values)
        assert same == (name != "smoothgrad"), name
    for words in ({"noise": -0.1}, {"noise": float("nan")}, {"samples": 0}):
        with pytest.raises(OptionError, match="noise must be 0 or more"):
            smoothgrad(small, image, **words)


def test_smoothgrad_on_a_parabola_is_the_mean_of_its_slopes() -> None:
    """SiLU far from zero is not straight: its mean slope under noise is computed here by a sum over the noise."""
    lines = ["Flatten()", "Dense(1, activation='silu', use_bias=False)", "Dense(2, activation='softmax')"]
    weights = {"dense/kernel": [[1.0], [0.0]], "dense_1/kernel": [[1.0, 0.0]], "dense_1/bias": [0.0, 0.0]}
    spec = parse("\n".join(lines), input_shape=(1, 2, 1), num_classes=2)
    network = Model(spec, {name: np.array(value, np.float32) for name, value in weights.items()}, ("a", "b"))
    image = np.array([0.5, 0.0], np.float32).reshape(1, 2, 1)
    attribution = smoothgrad(network, image, target=0, noise=2.0, samples=20_000)  # of a range of 0.5: deviation 1
    places = np.linspace(-7, 7, 4001)
    density = np.exp(-(places**2) / 2) / np.exp(-(places**2) / 2).sum()
    share = 1 / (1 + np.exp(-(0.5 + places)))
    expected = (density * share * (1 + (0.5 + places) * (1 - share))).sum()
    assert attribution.values.ravel() == pytest.approx([expected, 0], abs=0.01)
    assert attribution.facts == {"samples": 20_000, "noise": 1.0}


def test_grad_cam_by_hand() -> None:
    """Two maps of 2×2: the pixels themselves, and what they lack to 0.25."""
    lines = ["Conv2D(2, 1, activation='relu')", "Flatten()", "Dense(num_classes, activation='softmax', use_bias=False)"]
    to_first, to_second = [1.0, 2.0, 3.0, 6.0], [8.0, -4.0, 40.0, 80.0]
    kernel = [[value, 0.0] for pair in zip(to_first, to_second, strict=True) for value in pair]
    weights = {"conv2d/kernel": [[[[1.0, -1.0]]]], "conv2d/bias": [0.0, 0.25], "dense/kernel": kernel}
    network = model_of(lines, weights, shape=(2, 2, 1))
    image = np.array([[0.1, 0.2], [0.3, 0.4]], np.float32)[..., None]
    attribution = grad_cam(network, image, target=0)
    # the mean weights are 3 and 31; the second map is 0.15, 0.05, 0, 0: its gradient is taken behind the ReLU
    expected = [3 * 0.1 + 31 * 0.15, 3 * 0.2 + 31 * 0.05, 3 * 0.3, 3 * 0.4]
    assert attribution.values.ravel() == pytest.approx(expected, abs=1e-5)
    assert attribution.facts["layer"] == "conv2d" and attribution.facts["places"] == [2, 2]
    other = grad_cam(
        replace(network, weights=network.weights | {"dense/kernel": -network.weights["dense/kernel"]}), image, target=0
    )
    assert other.values.ravel() == pytest.approx([-value for value in expected], abs=1e-5), "the sign is kept"


def test_before_a_global_average_the_places_of_grad_cam_sum_to_the_logit() -> None:
    """There Grad-CAM is CAM (Zhou et al., 2016): the logit without its bias, distributed over the positions."""
    lines = ["Conv2D(6, 3, activation='relu')", "GlobalAveragePooling2D()", "Dense(3, activation='softmax')"]
    spec = parse("\n".join(lines), input_shape=(9, 8, 1), num_classes=3)
    network = Model(spec, random_weights(spec, seed=2), ("a", "b", "c"))
    (image,) = random_images(spec, 1, seed=2)
    for target in range(3):
        attribution = grad_cam(network, image, target=target)
        bias = float(network.weights["dense/bias"][target])
        assert np.sum(attribution.facts["coarse"]) == pytest.approx(attribution.logit - bias, abs=1e-5)


def test_grad_cam_puts_each_number_where_it_looks() -> None:
    """A 3×3 kernel with strides 2 over 7 pixels looks at pixels 1, 3 and 5; between them lie straight lines."""
    lines = ["Conv2D(1, 3, strides=2, use_bias=False)", "Flatten()", "Dense(2, activation='softmax', use_bias=False)"]
    centre = np.zeros((3, 3, 1, 1))
    centre[1, 1] = 1
    network = model_of(lines, {"conv2d/kernel": centre, "dense/kernel": [[1.0, 0.0]] * 9}, shape=(7, 7, 1))
    image = np.zeros((7, 7, 1), np.float32)
    image[3, 5] = 0.8
    found = grad_cam(network, image, target=0).values[..., 0]
    assert found[3].tolist() == pytest.approx([0, 0, 0, 0, 0.4, 0.8, 0.8], abs=1e-6)
    assert found[:, 5].tolist() == pytest.approx([0, 0, 0.4, 0.8, 0.4, 0, 0], abs=1e-6)


def test_grad_cam_takes_the_last_maps_with_their_own_normalization_and_activation(small: Model) -> None:
    (image,) = random_images(small.spec, 1, seed=4)
    assert grad_cam(small, image).facts["layer"] == "re_lu"
    dropped = parse(
        NETWORK.replace("ReLU()", "Dropout(0.5)\nReLU()\nDropout(0.2)"), input_shape=(9, 12, 3), num_classes=4
    )
    assert grad_cam(Model(dropped, small.weights, small.class_names), image).facts["layer"] == "re_lu"
    pooled = parse(NETWORK.replace("strides=2,", "strides=(9, 9),"), input_shape=(9, 12, 3), num_classes=4)
    network = Model(pooled, random_weights(pooled, seed=5), ("a", "b", "c", "d"))
    assert grad_cam(network, image).facts["layer"] == "batch_normalization", "one place says nothing about where"


def test_grad_cam_without_a_convolution_is_refused() -> None:
    with pytest.raises(SpecError, match="needs a convolution with more than one output position"):
        grad_cam(LINEAR, PICTURE)


def test_integrated_gradients_are_complete_on_a_few_digits(trained: Model, digits: np.ndarray) -> None:
    for image in digits[:8]:
        attribution = integrated_gradients(trained, image)
        difference = attribution.difference
        assert abs(attribution.total - difference) <= 0.01 * abs(difference), attribution.facts
        assert attribution.facts["gap"] == pytest.approx(abs(attribution.total - difference), abs=1e-4)


@pytest.mark.long
def test_integrated_gradients_are_complete_on_a_hundred_digits(trained: Model, digits: np.ndarray) -> None:
    maps = [integrated_gradients(trained, image) for image in digits]
    gaps = [abs(one.total - one.difference) / abs(one.difference) for one in maps if abs(one.difference) >= 0.1]
    assert len(gaps) >= 95 and max(gaps) <= 0.01


def test_integrated_gradients_follow_a_bend_that_equal_steps_miss() -> None:
    """A ReLU that wakes at the last thousandth of the way, steep: 300 equal steps would be off by a third or so."""
    lines = ["Flatten()", "Dense(1, activation='relu')", "Dense(2, activation='softmax')"]
    spec = parse("\n".join(lines), input_shape=(1, 1, 1), num_classes=2)
    weights = {
        "dense/kernel": [[1000.0]],
        "dense/bias": [-998.7],
        "dense_1/kernel": [[1.0, 0.0]],
        "dense_1/bias": [0, 0],
    }
    arrays = {name: np.array(value, np.float32) for name, value in weights.items()}
    network = Model(spec, arrays, ("a", "b"), preprocessing=INK)
    attribution = integrated_gradients(network, np.ones((1, 1, 1), np.float32), target=0)
    assert attribution.difference == pytest.approx(1.3, abs=1e-3)
    assert attribution.total == pytest.approx(1.3, rel=0.01) and attribution.facts["steps"] < 100


def test_the_map_of_the_baseline_image_is_zero(trained: Model) -> None:
    attribution = integrated_gradients(trained, np.zeros((28, 28, 1), np.float32))
    assert attribution.total == 0 and abs(attribution.difference) < 1e-5 and attribution.facts["relative_gap"] < 1e-4


def test_a_network_whose_numbers_are_too_large_does_not_hang() -> None:
    weights = {name: np.full_like(value, 3e38) for name, value in LINEAR.weights.items()}
    assert not np.isfinite(integrated_gradients(replace(LINEAR, weights=weights), PICTURE, target=0).logit)


def test_units_and_words_are_there_for_every_method(small: Model) -> None:
    (image,) = random_images(small.spec, 1, seed=4)
    assert all(one.title and one.description and one.name == name for name, one in EXPLAINERS.items())
    units = {name: explain(small, image).unit for name, explain in EXPLAINERS.items()}
    assert {name for name, unit in units.items() if unit == SENSITIVITY} == {"gradient", "smoothgrad"}
    assert set(units.values()) == {SENSITIVITY, CONTRIBUTION}
    for explain in EXPLAINERS.values():
        about = explain.explain.__doc__
        assert "Source:" in about and "we " in about.lower(), "the paper, and how we differ"


def test_the_page_covers_and_derives_the_same(small: Model, trained: Model, digits: np.ndarray, tmp_path: Path) -> None:
    (photo,) = random_images(small.spec, 1, seed=6)
    cases = []
    for network, image, target in ((small, photo, 2), (trained, digits[0], 7), (trained, digits[3], 8)):
        side = occlusion(network, image, target=target).facts
        cases.append(
            {
                "network": network_json(network.spec),
                "weights": {
                    name: {"shape": value.shape, "numbers": value.ravel().tolist()}
                    for name, value in network.weights.items()
                },
                "image": {"shape": image.shape, "numbers": image.ravel().tolist()},
                "target": target,
                "options": {"patch": side["patch"], "stride": side["stride"], "fill": baseline(network)},
            }
        )
        (tmp_path / "cases.json").write_text(json.dumps(cases))
    subprocess.run(
        ["node", "tests/web/run_occlusion.js", tmp_path / "cases.json", tmp_path / "results.json"],
        cwd=ROOT,
        check=True,
        timeout=120,
    )
    answers = json.loads((tmp_path / "results.json").read_text())
    asked = ((small, photo, 2), (trained, digits[0], 7), (trained, digits[3], 8))
    for (network, image, target), answer in zip(asked, answers, strict=True):
        drop = occlusion(network, image, target=target)
        assert np.array(answer["drop"]) == pytest.approx(drop.values.ravel(), abs=1e-4 * drop.reach + 1e-5)
        slope = gradient(network, image, target=target).values.ravel()
        assert np.array(answer["gradient"]) == pytest.approx(slope, abs=1e-4 * float(np.abs(slope).max()))


def test_the_page_s_own_patch_is_ours() -> None:
    """web/view/attribution.js: a seventh of the shorter side, at least 2, and strides of half a patch."""
    text = (ROOT / "src/convscope/web/view/attribution.js").read_text()
    assert "Math.max(2, Math.round(Math.min(shape[0], shape[1]) / 7))" in text
    assert "stride: Math.ceil(side / 2)" in text and 'fit === "mnist" ? 0 : 0.5' in text


NEW = """
from convscope.explanation.attribution import Attribution
from convscope.explanation.attribution_target import SENSITIVITY, attribution_target
from convscope.explanation.explainer import Explainer


def explain(network, image, *, target=None, seed=0):
    values, target = attribution_target(network, image, target)
    return Attribution(image * 2, "doubled", SENSITIVITY, target, float(values[target]))


EXPLAINER = Explainer(name="doubled", title="Doubled", description="the image, twice", order=9, explain=explain)
"""


def test_a_new_method_is_one_new_file(small: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "doubled.py").write_text(NEW)
    monkeypatch.setattr(explainers, "__path__", [*explainers.__path__, str(tmp_path)])
    found = saliency._find_explainers()
    monkeypatch.delitem(sys.modules, f"{explainers.__name__}.doubled")
    assert list(found) == [*EXPLAINERS, "doubled"]
    (image,) = random_images(small.spec, 1, seed=4)
    assert np.array_equal(found["doubled"](small, image).values, image * 2)
