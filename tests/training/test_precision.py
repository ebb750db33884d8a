"""Training in bfloat16: float32 weights, the same bits for the same seed, resumed to the bit, and only with AMX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from samples import EVERY_KIND, IDENTITY, EveryStep, bars, digest, network, options

import convscope as cs
from convscope.api import measured_precision
from convscope.api.measured_precision import has_amx
from convscope.data.dataset import Dataset
from convscope.errors import OptionError
from convscope.evaluation.predict import predict
from convscope.model.build import build
from convscope.model.model_file import Model
from convscope.training import loop as training_loop
from convscope.training.checkpoint import Checkpoint, CheckpointManager
from convscope.training.fit import Fitted, fit
from convscope.training.loop import TrainingLoop
from convscope.training.options import TrainOptions

NORMALIZED = """
Conv2D(4, 3, use_bias=False)
BatchNormalization(momentum=0.7)
ReLU()
Flatten()
Dense(num_classes, activation="softmax")
"""


def train(text: str = NORMALIZED, *, checkpoints: CheckpointManager | None = None, **changes: object) -> Fitted:
    chosen = options(**({"precision": "bfloat16", "epochs": 2.0} | changes))
    return fit(network(text), bars(200), bars(60, seed=1), chosen, checkpoints=checkpoints)


def test_bfloat16_learns_and_its_weights_are_float32_with_all_their_bits() -> None:
    fitted = train(epochs=8.0, learning_rate=0.01)
    assert fitted.history[-1].validation_accuracy > 0.9
    assert {value.dtype for value in fitted.weights.values()} == {np.dtype(np.float32)}
    kernel = fitted.weights["dense/kernel"]
    rounded = (kernel.view(np.uint32) >> 16 << 16).view(np.float32)
    assert (rounded != kernel).mean() > 0.9


def test_a_step_in_bfloat16_differs_from_float32_by_its_rounding() -> None:
    """One step of plain SGD: gradients agree to a few times the rounding error, and not to the bit."""
    how = {"epochs": 0.1, "optimizer": "sgd", "shift": 0, "average": 0.0, "warmup": 0.0}
    start = build(network(NORMALIZED), seed=0).get_weights()
    half, full = (train(precision=name, **how) for name in ("bfloat16", "float32"))
    for before, one, two in zip(start, half.weights.values(), full.weights.values(), strict=True):
        moved = np.abs(two - before).max()
        if moved:
            assert np.abs(one - two).max() < 0.1 * moved + 1e-6
    assert digest(half.weights) != digest(full.weights)


def test_the_same_seed_gives_the_same_bits_in_bfloat16() -> None:
    assert digest(train().weights) == digest(train().weights)


def test_a_training_in_bfloat16_resumes_to_the_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_loop, "SECONDS_PER_CALL", 0.0)
    every = EveryStep()
    whole = train(checkpoints=every)
    step = sorted(every.snapshots)[len(every.snapshots) // 2]
    losses = np.zeros(step, np.float32)
    saved = Checkpoint(step, every.snapshots[step], losses, {}, 1.0, IDENTITY)
    assert digest(train(checkpoints=CheckpointManager(resume_from=saved)).weights) == digest(whole.weights)


def test_validation_and_proof_are_those_of_the_float32_network() -> None:
    fitted, spec = train(EVERY_KIND), network(EVERY_KIND)
    validation = bars(60, seed=1)
    ours = predict(Model(spec, fitted.weights, validation.class_names), validation.pixels).logits
    n = len(fitted.proof.images)
    np.testing.assert_allclose(ours[:n], fitted.proof.logits, atol=1e-4, rtol=1e-4)
    accuracy = (ours.argmax(axis=1) == validation.labels).mean()
    assert fitted.history[-1].validation_accuracy == pytest.approx(accuracy)


def test_the_last_layer_and_layers_before_the_first_convolution_multiply_in_float32() -> None:
    spec = network('Rescaling(2.0)\nConv2D(4, 3)\nFlatten()\nDense(num_classes, activation="softmax")')
    model = build(spec, precision="bfloat16")
    assert [layer.compute_dtype for layer in model.layers] == ["float32", "bfloat16", "bfloat16", "float32"]
    assert {layer.variable_dtype for layer in model.layers} == {"float32"}


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(OptionError, match="precision must be one of auto, float32, bfloat16"):
        TrainOptions(precision="float16")
    with pytest.raises(OptionError, match="precision must be one of float32, bfloat16"):
        build(network(), precision="auto")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("flags\t\t: fpu avx512f amx_bf16 avx512_fp16 amx_tile\n", True),
        ("flags\t\t: fpu avx512f avx512_bf16\n", False),
        ("model name\t: an amx_bf16 processor\nflags\t: fpu\n", False),
    ],
)
def test_amx_is_found_among_the_flags_of_the_processor(text: str, found: bool, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(text, encoding="ascii")
    assert has_amx(tmp_path / "cpuinfo") is found
    assert not has_amx(tmp_path / "none")


def arrays() -> tuple[np.ndarray, np.ndarray]:
    data: Dataset = bars(300)
    return data.pixels, data.labels


@pytest.fixture
def run_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Train a small network on a machine with these flags, whichever machine this is."""
    spec = tmp_path / "net.txt"
    spec.write_text('Conv2D(4, 3, activation="relu")\nFlatten()\nDense(num_classes, activation="softmax")\n')

    def run(flags: str, **given: object) -> cs.Run:
        (tmp_path / "cpuinfo").write_text(f"flags\t: {flags}\n", encoding="ascii")
        monkeypatch.setattr(measured_precision, "CPU_FLAGS", tmp_path / "cpuinfo")
        monkeypatch.setattr(measured_precision, "LONG_TRAINING", 0.0)
        folder = tmp_path / f"run{len(list(tmp_path.glob('run*')))}"
        return cs.train(arrays(), epochs=2, batch_size=20, out=folder, **({"model": str(spec)} | given))

    return run


def test_without_amx_auto_is_float32_and_nothing_is_measured(run_with) -> None:
    record = run_with("fpu avx512_bf16").record
    assert record.options.precision == "float32"
    assert not [row for row in record.data["decisions"] if row["what"] == "precision"]
    assert "measure" not in record.seconds


def test_with_amx_auto_measures_both_and_records_what_it_chose(run_with) -> None:
    record = run_with("fpu amx_bf16").record
    (row,) = (row for row in record.data["decisions"] if row["what"] == "precision")
    assert row["chosen"] == record.options.precision in ("float32", "bfloat16")
    assert "ms a step in float32" in row["because"] and "ms a step in bfloat16" in row["because"]
    assert row["option"] == "--precision"


def test_a_run_in_bfloat16_records_it_and_a_run_from_it_decides_anew(run_with) -> None:
    first = run_with("fpu", precision="bfloat16")
    assert first.record.options.precision == "bfloat16"
    assert cs.load_run(first.folder).record.options.precision == "bfloat16"
    second = run_with("fpu", from_run=first, model=None)
    assert second.record.options.precision == "float32"


def test_validation_during_training_sees_the_weights_of_the_moment() -> None:
    loop = TrainingLoop(network(NORMALIZED), bars(200), options(precision="bfloat16"))
    images = bars(20, seed=1).pixels.astype(np.float32) / 255
    before = loop.logits(images)
    loop.trace()
    loop.steps_from(0, 5)
    assert not np.allclose(loop.logits(images), before, atol=1e-3)
