import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from harness import (
    check_engine,
    check_gradient,
    check_keras_config,
    check_spec,
    networks_of,
    random_spec,
    random_weights,
)

from convscope.errors import OptionError
from convscope.model.build import build, get_weights, set_weights
from convscope.model.checks import ACTIVATIONS, INITIALIZERS
from convscope.model.layers import LAYERS
from convscope.model.layers.batch_normalization import BatchNormalization
from convscope.model.layers.conv2d import Conv2D
from convscope.model.layers.dense import Dense
from convscope.model.layers.flatten import Flatten
from convscope.model.layers.global_average_pooling2d import GlobalAveragePooling2D
from convscope.model.layers.layer import Layer
from convscope.model.layers.separable_conv2d import SeparableConv2D
from convscope.model.layers.softmax import Softmax
from convscope.model.presets import PRESETS, load_spec
from convscope.model.spec import Spec
from convscope.model.spec_parser import parse
from convscope.model.tensorflow import install_hint, keras, quiet, tf

SPECS = 48

SMALL = """
Conv2D(4, 3, activation="relu")
DepthwiseConv2D(3)
SeparableConv2D(5, 2)
BatchNormalization()
Flatten()
Dense(num_classes, activation="softmax")
"""


def small(text: str = SMALL) -> Spec:
    return parse(text, input_shape=(9, 8, 1), num_classes=3)


def softmax_after(layer: Layer) -> Spec:
    """One layer that looks at three channels of 9 x 8 pixels, and an ending."""
    ending = (Flatten(), Dense(2, activation="softmax"))
    return Spec(input_shape=(9, 8, 3), layers=(layer, *ending))


@pytest.mark.parametrize("seed", range(SPECS))
def test_keras_and_numpy_agree_on_a_random_network(seed: int) -> None:
    spec = random_spec(np.random.default_rng(seed))
    check_spec(spec)
    check_engine(spec, seed)


@pytest.mark.parametrize("kind", LAYERS)
def test_every_kind_is_keras_s_layer_of_that_name(kind: str) -> None:
    """Shapes, parameters, activations, gradients and configs of the examples that the kind offers."""
    for example in LAYERS[kind].examples():
        for spec in networks_of(example):
            check_spec(spec)
            check_engine(spec, seed=2)
            check_gradient(spec, seed=2)
            check_keras_config(spec)


def test_the_random_networks_cover_every_layer_and_option() -> None:
    rows = [row for seed in range(SPECS) for row in random_spec(np.random.default_rng(seed)).table()]
    windows = [row.layer.window for row in rows if row.layer.window]
    drawn = [row.layer for row in rows]
    assert {row.kind for row in rows} == set(LAYERS)
    assert {getattr(layer, "activation", "linear") for layer in drawn} == set(ACTIVATIONS)
    assert {window.padding for window in windows} == {"valid", "same"}
    assert any(max(window.dilation_rate) > 1 and window.padding == "same" for window in windows)
    assert any(window.strides[0] != window.strides[1] for window in windows)
    assert any(window.kernel_size[0] < window.strides[0] for window in windows), "a stride that skips pixels"
    assert any(getattr(layer, "groups", 1) > 1 and layer.filters > layer.groups for layer in drawn)
    assert any(getattr(layer, "depth_multiplier", 1) > 1 for layer in drawn)
    assert {(layer.center, layer.scale) for layer in drawn if isinstance(layer, BatchNormalization)} == {
        (center, scale) for center in (True, False) for scale in (True, False)
    }


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("input_shape", [(28, 28, 1), (32, 30, 3)], ids=["grey", "colour"])
def test_keras_and_numpy_agree_on_each_preset(name: str, input_shape: tuple[int, int, int]) -> None:
    spec = load_spec(name, input_shape=input_shape, num_classes=10)
    check_spec(spec)
    check_engine(spec, seed=0)


@pytest.mark.parametrize("activation", ACTIVATIONS[:-1])
def test_keras_and_numpy_agree_on_each_activation(activation: str) -> None:
    check_engine(softmax_after(Conv2D(4, 3, activation=activation)), seed=1)


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides, dilation_rate", [(1, 1), ((3, 2), 1), (1, (2, 3)), (4, 1)])
def test_keras_and_numpy_agree_on_each_way_to_slide(groups, padding, strides, dilation_rate) -> None:
    conv = Conv2D(6, (2, 3), strides=strides, padding=padding, dilation_rate=dilation_rate, groups=groups)
    check_spec(softmax_after(conv))
    check_engine(softmax_after(conv), seed=2)


def test_a_softmax_as_the_only_layer_over_channels_is_a_network() -> None:
    spec = Spec(input_shape=(5, 5, 3), layers=(GlobalAveragePooling2D(), Softmax()))
    check_spec(spec)
    check_engine(spec, seed=0)


def test_the_same_seed_gives_the_same_initial_weights_and_another_seed_others() -> None:
    one, same, other = (get_weights(build(small(), seed=seed)) for seed in (7, 7, 8))
    for name, weight in one.items():
        assert np.array_equal(weight, same[name]), name
        assert np.array_equal(weight, other[name]) != name.endswith("kernel"), name


def test_a_layer_keeps_its_initial_weights_when_a_later_one_changes() -> None:
    longer = SMALL.replace("BatchNormalization()", "BatchNormalization()\nReLU()").replace("5, 2", "6, 2")
    before, after = get_weights(build(small(), seed=3)), get_weights(build(small(longer), seed=3))
    assert np.array_equal(before["conv2d/kernel"], after["conv2d/kernel"])
    assert np.array_equal(before["depthwise_conv2d/kernel"], after["depthwise_conv2d/kernel"])


def test_two_layers_of_the_same_shape_start_with_different_weights() -> None:
    text = "Flatten()\nDense(72)\nDense(72)\nDense(num_classes, activation='softmax')"
    weights = get_weights(build(small(text)))
    assert not np.array_equal(weights["dense/kernel"], weights["dense_1/kernel"])


def test_the_two_kernels_of_a_separable_convolution_are_drawn_apart() -> None:
    spec = softmax_after(SeparableConv2D(9, (1, 1), depth_multiplier=3))
    weights = get_weights(build(spec))
    one, two = (weights[f"separable_conv2d/{half}_kernel"].ravel() for half in ("depthwise", "pointwise"))
    assert abs(one[: len(one)] / one[0] - two[: len(one)] / two[0]).max() > 0.01


def test_building_neither_reads_nor_changes_the_global_random_state() -> None:
    def build_after(global_seed: int) -> tuple[np.ndarray, float, float]:
        keras.utils.set_random_seed(global_seed)
        kernel = get_weights(build(small(), seed=5))["conv2d/kernel"]
        return kernel, float(np.random.random()), float(tf.random.uniform(()))

    keras.utils.set_random_seed(1)
    untouched = float(np.random.random()), float(tf.random.uniform(()))
    first, second = build_after(1), build_after(2)
    assert np.array_equal(first[0], second[0])
    assert first[1:] == untouched


@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_an_initializer_has_the_spread_that_its_papers_give_it(initializer: str) -> None:
    spec = softmax_after(Conv2D(64, 9, padding="same", kernel_initializer=initializer))
    kernel = get_weights(build(spec))["conv2d/kernel"]
    inputs, outputs = 9 * 9 * 3, 9 * 9 * 64
    family, distribution = initializer.split("_")
    variance = {"glorot": 2 / (inputs + outputs), "he": 2 / inputs, "lecun": 1 / inputs}[family]
    # 15,552 draws: the standard deviation of their standard deviation is 0.6 %, five of them are 3 %
    assert kernel.std() == pytest.approx(variance**0.5, rel=0.03)
    edge = np.abs(kernel).max() / variance**0.5
    assert edge == pytest.approx(3**0.5, rel=0.01) if distribution == "uniform" else edge > 2


def test_biases_start_at_zero_and_batch_normalization_does_nothing_yet() -> None:
    weights = get_weights(build(small()))
    assert not any(weights[name].any() for name in weights if name.endswith(("bias", "beta", "moving_mean")))
    assert all((weights[name] == 1).all() for name in weights if name.endswith(("gamma", "moving_variance")))


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(OptionError, match=f"Received: seed={seed}"):
        build(small(), seed=seed)


def test_the_largest_seed_is_accepted() -> None:
    assert build(small(), seed=2**63 - 1).count_params() == small().parameters


def test_an_output_of_another_name_is_refused() -> None:
    with pytest.raises(OptionError, match=r"probabilities, logits.*Received: output='logit'"):
        build(small(), output="logit")


@pytest.mark.parametrize("ending", ["Dense(3, activation='softmax')", "Dense(3)\nSoftmax()"])
def test_the_softmax_of_the_logits_model_is_the_probabilities_model(ending: str) -> None:
    spec = small(f"Flatten()\n{ending}")
    images = np.random.default_rng(0).random((4, 9, 8, 1), np.float32)
    whole, without = build(spec, seed=1), build(spec, seed=1, output="logits")
    assert [layer.name for layer in whole.layers] == [layer.name for layer in without.layers]
    # one softmax in float32: a few units in the last place of numbers below 1
    np.testing.assert_allclose(tf.nn.softmax(without(images)), whole(images), atol=1e-6)
    assert np.asarray(without(images)).sum(axis=1) != pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", ["my net.v2", "ünï/cödé", "", "9 to 5", "a" * 200])
def test_whatever_a_network_is_called_keras_accepts_it(name: str) -> None:
    spec = Spec(input_shape=(4, 4, 1), layers=(Flatten(), Dense(2, activation="softmax")), name=name)
    assert build(spec).count_params() == spec.parameters


def test_weights_go_in_and_come_out_unchanged() -> None:
    weights = random_weights(small(), seed=4)
    model = build(small())
    set_weights(model, weights)
    out = get_weights(model)
    assert list(out) == list(small().weight_shapes())
    assert all(out[name].dtype == np.float32 and np.array_equal(out[name], weights[name]) for name in weights)


def test_the_weights_that_came_out_are_a_copy() -> None:
    model = build(small())
    get_weights(model)["conv2d/kernel"][:] = 9
    assert not (get_weights(model)["conv2d/kernel"] == 9).any()


@pytest.mark.parametrize("damage", ["missing", "unknown", "shape"])
def test_weights_that_are_not_the_models_are_refused_by_name_and_change_nothing(damage: str) -> None:
    model, weights = build(small(), seed=1), random_weights(small(), seed=4)
    before = get_weights(model)
    if damage == "missing":
        del weights["dense/bias"]
    elif damage == "unknown":
        weights["dense/scale"] = weights["dense/bias"]
    else:
        weights["dense/bias"] = weights["dense/bias"][:-1]
    with pytest.raises(OptionError, match=r"Received: a difference in dense/(bias|scale)"):
        set_weights(model, weights)
    assert all(np.array_equal(weight, before[name]) for name, weight in get_weights(model).items())


def test_the_model_computes_in_float32_even_under_a_mixed_precision_policy() -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = build(small())
    finally:
        keras.config.set_dtype_policy(before)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "KERAS_"))}
    return subprocess.run(
        [sys.executable, "-c", code], env=clean | environment, capture_output=True, text=True, timeout=60
    )


def test_importing_tensorflow_through_our_door_prints_nothing_and_leaves_no_keras_folder(tmp_path: Path) -> None:
    done = run_python(
        "from convscope.model.tensorflow import keras, tf\n"
        "assert keras.config.backend() == 'tensorflow'\n"
        "assert float(keras.ops.sum(tf.ones(3))) == 3\n",
        HOME=str(tmp_path),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / ".keras").exists()


HIDDEN = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == {module!r} else real(name, package)
sys.meta_path.insert(0, Hide())
from convscope.errors import MissingExtraError
try:
    import convscope.model.{door}
except MissingExtraError as error:
    print(error)
"""


@pytest.mark.parametrize("door", ["tensorflow", "build"])
@pytest.mark.parametrize("module, name", [("tensorflow", "TensorFlow"), ("keras", "Keras")])
def test_a_missing_tensorflow_or_keras_is_one_line_that_says_what_to_install(module, name, door) -> None:
    done = run_python(HIDDEN.format(module=module, door=door))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"This needs {name}. Run: pip install 'convscope[train]'\n"


@pytest.mark.parametrize(
    ("system", "machine", "version", "words"),
    [
        ("Darwin", "x86_64", (3, 12), "no package for macOS on x86_64"),
        ("Windows", "ARM64", (3, 11), "no package for Windows on ARM64"),
        ("Linux", "riscv64", (3, 13), "no package for Linux on riscv64"),
        ("Linux", "x86_64", (3, 14), "no package for Python 3.14"),
        ("Linux", "aarch64", (3, 13), "pip install"),
        ("Windows", "AMD64", (3, 11), "pip install"),
        ("Darwin", "arm64", (3, 12), "pip install"),
    ],
)
def test_a_machine_without_a_package_of_tensorflow_is_named(system, machine, version, words) -> None:
    hint = install_hint(system, machine, version)
    assert words in hint and ("pip install" in hint) == (words == "pip install")


def test_another_keras_backend_is_refused_in_one_line() -> None:
    code = "from convscope.model.tensorflow import require_tensorflow as r"
    done = run_python(code, KERAS_BACKEND="jax")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        "MissingExtraError: This needs Keras on TensorFlow. Received: KERAS_BACKEND='jax'. "
        "Unset KERAS_BACKEND in a fresh process."
    )


def test_the_quiet_door_lets_stderr_through_when_something_fails(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet():
        os.write(2, b"hidden")
    with pytest.raises(KeyError), quiet():
        os.write(2, b"shown")
        raise KeyError
    os.write(2, b" and after")
    assert capfd.readouterr().err == "shown and after"
