"""What TensorFlow leaves for other engines to be held against."""

import numpy as np
import pytest

from convscope.errors import ModelFileError
from convscope.model.model_file import Model, save_model
from convscope.model.presets import load_spec
from convscope.model.reference import REFERENCE_FILE, numpy_reference, read_reference, write_reference


def _quick(tmp_path):
    from convscope.model.build import build, compute_reference, get_weights

    spec = load_spec("quick", input_shape=(28, 28, 1), num_classes=10)
    model = build(spec, seed=3, output="logits")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1)).astype(np.uint8)
    write_reference(compute_reference(model, pixels.astype(np.float32) / 255), tmp_path / REFERENCE_FILE)
    return spec, get_weights(model), pixels


def test_tensorflow_and_numpy_agree_on_every_layer(tmp_path):
    spec, weights, pixels = _quick(tmp_path)
    theirs, ours = read_reference(tmp_path / REFERENCE_FILE, spec), numpy_reference(spec, weights, pixels)
    assert theirs.engine.startswith("TensorFlow")
    assert set(theirs.samples) == {row.name for row in spec.table()[:-1]} == set(ours.samples)
    for name, values in theirs.samples.items():
        # float32 sums of up to 600 products in another order
        np.testing.assert_allclose(values, ours.samples[name], atol=1e-4 * max(1, np.abs(values).max()), err_msg=name)
    np.testing.assert_allclose(theirs.logits, ours.logits, atol=1e-4)


def test_a_proof_of_another_network_is_refused(tmp_path):
    _quick(tmp_path)
    other = load_spec("classic", input_shape=(28, 28, 1), num_classes=10)
    with pytest.raises(ModelFileError, match=REFERENCE_FILE):
        read_reference(tmp_path / REFERENCE_FILE, other)


def test_a_model_file_is_no_proof_and_a_missing_one_is_said(tmp_path):
    spec, weights, _ = _quick(tmp_path)
    save_model(Model(spec, weights, tuple("0123456789")), tmp_path / "model.safetensors")
    with pytest.raises(ModelFileError, match="must name the engine"):
        read_reference(tmp_path / "model.safetensors", spec)
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_reference(tmp_path / "nowhere", spec)
