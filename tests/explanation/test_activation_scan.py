"""One pass over many images keeps what the whole forward pass gives."""

from __future__ import annotations

import numpy as np
import pytest
from harness import random_weights

from convscope.arrays import to_images
from convscope.explanation.activation_scan import feature_layer, scan_activations
from convscope.model.forward import forward
from convscope.model.spec_parser import parse

LINES = """
Conv2D(5, 3, activation="relu")
MaxPooling2D(2)
DepthwiseConv2D(2, activation="tanh")
Flatten()
Dense(7, activation="relu")
Dense(num_classes, activation="softmax")
"""


def test_features_logits_and_maxima_are_those_of_the_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = parse(LINES, input_shape=(12, 9, 3), num_classes=4)
    weights = random_weights(spec, seed=2)
    pixels = np.random.default_rng(0).integers(0, 256, (11, 12, 9, 3)).astype(np.uint8)
    whole = forward(spec, weights, to_images(pixels)).by_name
    monkeypatch.setattr("convscope.explanation.activation_scan.chunk_size", lambda spec: 4)
    found = scan_activations(spec, weights, pixels)
    assert found.feature_layer == "dense" and set(found.peaks) == {"conv2d", "depthwise_conv2d"}
    assert found.features == pytest.approx(whole["dense"].output, abs=1e-5)
    assert found.logits == pytest.approx(whole["dense_1"].pre_activation, abs=1e-5)
    for name, peaks in found.peaks.items():
        output = whole[name].output
        for image in range(11):
            for channel in range(output.shape[-1]):
                one = output[image, :, :, channel]
                row, column = divmod(int(peaks.positions[image, channel]), one.shape[1])
                assert one[row, column] == pytest.approx(one.max(), abs=1e-6)
                assert peaks.values[image, channel] == pytest.approx(one.max(), abs=1e-6)


@pytest.mark.parametrize(
    ("lines", "layer"),
    [
        ("Flatten()\nDense(num_classes, activation='softmax')", "flatten"),
        ("Conv2D(num_classes, 3)\nGlobalAveragePooling2D()\nSoftmax()", "global_average_pooling2d"),
        ("Flatten()\nDense(5)\nDense(num_classes)\nSoftmax()", "dense"),
    ],
)
def test_the_feature_layer_is_what_the_classifier_reads(lines: str, layer: str) -> None:
    assert feature_layer(parse(lines, input_shape=(6, 6, 1), num_classes=3)) == layer
