"""What TensorFlow leaves for other engines to be held against."""

import numpy as np
import pytest

from convscope.errors import ArtifactError
from convscope.model.artifact import Model, write
from convscope.model.presets import load_spec
from convscope.model.proof import PROOF_FILE, numpy_proof, read_proof, write_proof


def _quick(tmp_path):
    from convscope.model.build import build, get_weights, prove

    spec = load_spec("quick", input_shape=(28, 28, 1), num_classes=10)
    model = build(spec, seed=3, output="logits")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1)).astype(np.uint8)
    write_proof(prove(model, pixels.astype(np.float32) / 255), tmp_path / PROOF_FILE)
    return spec, get_weights(model), pixels


def test_tensorflow_and_numpy_agree_on_every_layer(tmp_path):
    spec, weights, pixels = _quick(tmp_path)
    theirs, ours = read_proof(tmp_path / PROOF_FILE, spec), numpy_proof(spec, weights, pixels)
    assert theirs.engine.startswith("TensorFlow")
    assert set(theirs.samples) == {row.name for row in spec.table()[:-1]} == set(ours.samples)
    for name, values in theirs.samples.items():
        # float32 sums of up to 600 products in another order
        np.testing.assert_allclose(values, ours.samples[name], atol=1e-4 * max(1, np.abs(values).max()), err_msg=name)
    np.testing.assert_allclose(theirs.logits, ours.logits, atol=1e-4)


def test_a_proof_of_another_network_is_refused(tmp_path):
    _quick(tmp_path)
    other = load_spec("classic", input_shape=(28, 28, 1), num_classes=10)
    with pytest.raises(ArtifactError, match=PROOF_FILE):
        read_proof(tmp_path / PROOF_FILE, other)


def test_a_model_file_is_no_proof_and_a_missing_one_is_said(tmp_path):
    spec, weights, _ = _quick(tmp_path)
    write(Model(spec, weights, tuple("0123456789")), tmp_path / "model.safetensors")
    with pytest.raises(ArtifactError, match="must name the engine"):
        read_proof(tmp_path / "model.safetensors", spec)
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_proof(tmp_path / "nowhere", spec)
