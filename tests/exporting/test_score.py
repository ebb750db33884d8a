"""Exported files give the score of `predict` for unknown images, and the same answer whether an image is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from harness import random_spec, random_weights

from convscope.errors import RunError
from convscope.evaluation.fit_reliability import fit_reliability
from convscope.evaluation.out_of_distribution import is_constant, set_thresholds
from convscope.evaluation.predict import predict
from convscope.evaluation.reliability import reliability_of
from convscope.exporting.c_runtime import open_c
from convscope.exporting.compare import SCORE_TOLERANCE, compare, relative_differences
from convscope.exporting.exporter import Runtime
from convscope.exporting.formats import EXPORTERS
from convscope.exporting.score import BLANK_SCORE, expected_scores, score_table
from convscope.model.features import averaged, averages, feature_grid
from convscope.model.model_file import Model
from convscope.model.spec_parser import parse

SANITIZED = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover")

NETWORKS = {
    "few features": 'Conv2D(4, 3, strides=3, activation="relu")\nFlatten()\nDense(8)\nReLU()',
    "rounded directions": 'Conv2D(8, 3, strides=2, activation="relu")\nDropout(0.2)\nFlatten()',
    "features averaged over a grid": 'Conv2D(24, 3, activation="relu")\nFlatten()',
    "maps as features": "Conv2D(6, 3)\nBatchNormalization()\nReLU()\nConv2D(5, 3)\nGlobalAveragePooling2D()",
}


def images_of(spec, n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, *spec.input_shape), np.uint8)


def model_of(spec, seed: int = 0) -> Model:
    names = tuple(f"class {index}" for index in range(spec.num_classes))
    plain = Model(spec, random_weights(spec, seed=seed), names)
    labels = np.random.default_rng(seed).integers(0, spec.num_classes, 350)
    return fit_reliability(plain, images_of(spec, 200, seed + 1), images_of(spec, 350, seed + 2), labels)[0]


def network(name: str, channels: int = 1) -> Model:
    text = NETWORKS[name] + '\nDense(num_classes, activation="softmax")'
    return model_of(parse(text, input_shape=(17, 14, channels), num_classes=4))


def as_of_older_versions(model: Model) -> Model:
    """The network with the score that files of version 0.2 have."""
    found = reliability_of(model)
    assert found.rejection is not None
    older = replace(
        model,
        reliability=replace(found, rejection=replace(found.rejection, centers_logits=False, variation=None)).to_json(),
    )
    held_out = predict(older, images_of(model.spec, 350, 2)).scores
    rejection = set_thresholds(held_out, scale=found.rejection.scale, rejects_blank=True)
    rejection = replace(rejection, centers_logits=False)
    return replace(older, reliability=replace(found, rejection=rejection).to_json())


def pictures_of(model: Model) -> np.ndarray:
    """Noise, as the network has seen it; black and white squares, coarse and fine; and pictures of one intensity."""
    noise = images_of(model.spec, 20, 9)
    flat = [np.full_like(noise[0], value) for value in (0, 77, 255)]
    almost = noise[0] * 0 + 200
    almost[3, 2, 0] += 1
    squares = np.kron(noise[:, ::4, ::4] // 128 * 255, np.ones((1, 4, 4, 1), np.uint8))
    rows, columns = np.indices(noise.shape[1:3])
    fine = np.broadcast_to(((rows + columns) % 2 * 255).astype(np.uint8)[..., None], noise.shape[1:])
    half = np.where((rows < 9)[..., None], noise[0], fine)
    return np.concatenate([noise, squares[:, : noise.shape[1], : noise.shape[2]], [*flat, almost, fine, half]])


def opened(name: str, model: Model, folder: Path, **how) -> Runtime:
    exporter = EXPORTERS[name]
    path = folder / exporter.file_name
    exporter.save(model, {}, path)
    return (open_c if how else exporter.open)(path, model.spec.input_shape, model.spec.num_classes, **how)


@pytest.mark.parametrize(
    ("name", "centers_logits"), [*((name, True) for name in NETWORKS), ("rounded directions", False)]
)
@pytest.mark.parametrize("format_name", ["onnx", "litert", "c"])
def test_a_file_gives_the_scores_of_predict_and_a_picture_of_one_intensity_is_unknown(
    format_name: str, name: str, centers_logits: bool, tmp_path: Path
) -> None:
    model = network(name, channels=3)
    model = model if centers_logits else as_of_older_versions(model)
    pixels = pictures_of(model)
    runtime = opened(format_name, model, tmp_path, **({"flags": SANITIZED} if format_name == "c" else {}))
    _, logits, scores = runtime.run(pixels)
    runtime.close()
    predictions, flat = predict(model, pixels), is_constant(pixels)
    assert scores.dtype == np.float32 and scores.shape == (len(pixels),)
    assert flat.sum() == 3 and (scores[flat] == BLANK_SCORE).all()
    assert relative_differences(model, scores[~flat], predictions.scores[~flat]).max() < SCORE_TOLERANCE
    rejection = reliability_of(model).rejection
    assert rejection is not None and rejection.rejects_blank
    assert (rejection.variation is not None) == centers_logits
    assert rejection.variation is None or (rejection.variation.excess(pixels[-2:]) > 0).all()
    known = scores <= score_table(rejection)["threshold"]
    expected = (predictions.scores <= rejection.threshold(0.01)) & ~flat
    assert known.tolist() == expected.tolist() and known[:20].mean() > 0.8 and not known[:40].all()
    np.testing.assert_allclose(logits, predict(replace(model, calibration={}), pixels).logits, rtol=1e-4, atol=1e-4)


def test_the_networks_have_rounded_and_exact_directions_and_averaged_features() -> None:
    models = {name: network(name) for name in NETWORKS}
    sizes = {name: one.subspace.directions.shape for name, one in models.items() if one.subspace}
    assert sizes["few features"] == (8, 4) and sizes["features averaged over a grid"][0] == 24 * 25
    grid = feature_grid(models["features averaged over a grid"].spec)
    assert grid == (15, 12, 24)
    values = np.random.default_rng(0).normal(size=(3, *grid)).astype(np.float32)
    rows, columns = averages(grid)  # type: ignore[misc]
    by_matrices = np.einsum("rh,cw,nhwk->nrck", rows, columns, values).reshape(3, -1)
    np.testing.assert_allclose(by_matrices, averaged(values, grid), atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_files_of_random_networks_agree_about_scores(seed: int, tmp_path: Path) -> None:
    model = model_of(random_spec(np.random.default_rng(300 + seed)), seed)
    if model.subspace is None:
        pytest.skip("its features do not vary")
    for name in ("onnx", "litert"):
        found = compare(opened(name, model, tmp_path), model, images_of(model.spec, 6, 5))
        assert found.same_known == 6 and found.largest_score_difference is not None


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "centers_logits"), [*((name, True) for name in NETWORKS), ("rounded directions", False)]
)
def test_keras_and_tensorflow_agree_about_scores(name: str, centers_logits: bool, tmp_path: Path) -> None:
    model = network(name) if centers_logits else as_of_older_versions(network(name))
    pixels = pictures_of(model)
    for format_name in ("keras", "saved_model"):
        runtime = opened(format_name, model, tmp_path)
        assert compare(runtime, model, pixels).same_known == len(pixels)
        runtime.close()


def test_a_file_with_another_score_is_an_error() -> None:
    model = network("few features")
    pixels = images_of(model.spec, 10, 9)

    def answers(images: np.ndarray, change: float) -> tuple[np.ndarray, ...]:
        found = predict(model, images)
        return found.probabilities, found.logits, (expected_scores(model, images, found) + change).astype(np.float32)

    assert compare(Runtime("x", lambda images: answers(images, 0.0)), model, pixels).same_known == 10
    with pytest.raises(RunError, match=r"same scores for unknown images, to 0\.002 of their range\. Received: a diff"):
        compare(Runtime("x", lambda images: answers(images, 0.1)), model, pixels)
    with pytest.raises(RunError, match="other scores"):
        compare(Runtime("x", lambda images: answers(images, np.nan)), model, pixels)


@pytest.mark.long
@pytest.mark.parametrize("format_name", ["onnx", "litert"])
def test_a_quantized_file_has_scores_of_its_own_near_those_of_the_network(format_name: str, tmp_path: Path) -> None:
    model = network("rounded directions")
    exporter = EXPORTERS[format_name]
    path = tmp_path / exporter.int8_file_name
    assert exporter.write_int8 is not None
    path.write_bytes(exporter.write_int8(model, {}, images_of(model.spec, 128, 4)))
    runtime = exporter.open(path, model.spec.input_shape, model.spec.num_classes)
    pixels = np.concatenate([images_of(model.spec, 300, 9), np.full((2, *model.spec.input_shape), 60, np.uint8)])
    scores = runtime.run(pixels)[2]
    expected = expected_scores(model, pixels, predict(model, pixels))
    differences = relative_differences(model, scores, expected)
    assert (scores[-2:] == BLANK_SCORE).all() and 1e-5 < differences.max() < 0.2
    mine = set_thresholds(scores[:-2], scale=1.0, rejects_blank=True).threshold(0.05)
    assert mine == pytest.approx(float(np.sort(expected[:-2])[-10]), rel=0.1)
