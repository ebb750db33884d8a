"""Each exported file answers like the NumPy engine, in its own runtime, whatever the network."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from harness import random_spec, random_weights

from convscope.errors import RunError, SpecError
from convscope.evaluation.predict import predict
from convscope.exporting.c_layers import IN_PLACE, WRITERS
from convscope.exporting.c_memory import plan
from convscope.exporting.c_runtime import FLAGS, open_c
from convscope.exporting.c_source import c_bytes
from convscope.exporting.compare import TOLERANCE, compare, differences
from convscope.exporting.exporter import Runtime
from convscope.exporting.formats import EXPORTERS
from convscope.exporting.litert_int8 import litert_int8_bytes
from convscope.exporting.litert_model import WRITERS as LITERT_WRITERS
from convscope.exporting.litert_model import litert_bytes
from convscope.exporting.onnx_model import WRITERS as ONNX_WRITERS
from convscope.exporting.onnx_model import onnx_bytes
from convscope.model.checks import ACTIVATIONS
from convscope.model.layers import LAYERS
from convscope.model.model_file import Model
from convscope.model.presets import PRESETS, load_spec
from convscope.model.spec_parser import parse

ROOT = Path(__file__).parents[2]
SANITIZED = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover")


def model_of(spec, seed: int = 0, **more) -> Model:
    names = tuple(f"class {index}" for index in range(spec.num_classes))
    return Model(spec, random_weights(spec, seed=seed), names, calibration={"temperature": 1.7}, **more)


def images_of(model: Model, n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, *model.spec.input_shape), np.uint8)


def opened(name: str, model: Model, folder: Path) -> Runtime:
    exporter = EXPORTERS[name]
    path = folder / exporter.file_name
    path.write_bytes(exporter.write(model, {"convscope.class_names": "[]"}))
    return exporter.open(path, model.spec.input_shape, model.spec.num_classes)


@pytest.mark.parametrize("format_name", ["litert", "onnx"])
@pytest.mark.parametrize("seed", range(40))
def test_runtimes_give_the_probabilities_of_random_networks(seed: int, format_name: str, tmp_path: Path) -> None:
    model = model_of(random_spec(np.random.default_rng(seed)), seed)
    found = compare(opened(format_name, model, tmp_path), model, images_of(model, 4, seed))
    assert (found.images, found.same_class) == (4, 4) and found.largest_difference <= TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_compiled_c_gives_the_probabilities_of_random_networks_without_undefined_behavior(
    seed: int, tmp_path: Path
) -> None:
    model = model_of(random_spec(np.random.default_rng(seed)), seed)
    path = tmp_path / "model.c"
    path.write_bytes(c_bytes(model, {}))
    runtime = open_c(path, model.spec.input_shape, model.spec.num_classes, flags=SANITIZED)
    try:
        assert compare(runtime, model, images_of(model, 4, seed)).same_class == 4
    finally:
        runtime.close()


@pytest.mark.parametrize("format_name", ["c", "litert", "onnx"])
def test_every_layer_and_activation_of_the_vocabulary_can_be_exported(format_name: str) -> None:
    writers = {"onnx": ONNX_WRITERS, "litert": LITERT_WRITERS, "c": WRITERS}[format_name]
    assert set(writers) == set(LAYERS)
    write = EXPORTERS[format_name].write
    for activation in ACTIVATIONS:
        if activation != "softmax":
            text = f'Flatten()\nDense(3, activation="{activation}")\nDense(num_classes, activation="softmax")'
            assert write(model_of(parse(text, input_shape=(2, 3, 1), num_classes=2)), {})


@pytest.mark.parametrize("format_name", ["litert", "onnx"])
@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_presets_answer_alike_in_their_runtime(preset: str, format_name: str, tmp_path: Path) -> None:
    model = model_of(load_spec(preset, input_shape=(28, 28, 3), num_classes=7))
    assert compare(opened(format_name, model, tmp_path), model, images_of(model, 20)).same_class == 20


@pytest.mark.slow
def test_presets_answer_alike_in_compiled_c(tmp_path: Path) -> None:
    for preset in ("quick", "compact"):
        model = model_of(load_spec(preset, input_shape=(28, 28, 1), num_classes=10))
        runtime = opened("c", model, tmp_path)
        assert compare(runtime, model, images_of(model, 20)).same_class == 20
        runtime.close()


@pytest.mark.parametrize("format_name", ["litert", "onnx"])
def test_one_image_and_many_are_the_same_and_none_of_another_size_is_taken(format_name: str, tmp_path: Path) -> None:
    model = model_of(load_spec("quick", input_shape=(28, 28, 1), num_classes=10))
    runtime, pixels = opened(format_name, model, tmp_path), images_of(model, 70)
    together = runtime.run(pixels)
    alone = [np.concatenate(part) for part in zip(*(runtime.run(one[None]) for one in pixels), strict=True)]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    with pytest.raises(Exception, match=r"dimension|failed to reshape"):
        runtime.run(pixels[:, :20])


def test_a_file_that_answers_otherwise_is_an_error() -> None:
    model = model_of(parse("Flatten()\nDense(2, activation='softmax')", input_shape=(2, 2, 1), num_classes=2))
    pixels = images_of(model, 6)
    right = predict(model, pixels).probabilities

    def run(images, change):
        return (predict(model, images).probabilities + change).astype(np.float32), right

    assert compare(Runtime("x", lambda images: run(images, 5e-7)), model, pixels).same_class == 6
    with pytest.raises(RunError, match=r"same probabilities, to 1e-05\. Received: a difference of 0\.0002"):
        compare(Runtime("x", lambda images: run(images, 2e-4)), model, pixels)
    with pytest.raises(RunError, match="gives other outputs"):
        compare(Runtime("x", lambda images: run(images, np.nan)), model, pixels)
    with pytest.raises(RunError, match="same class"):  # right in a batch, wrong alone
        compare(Runtime("x", lambda images: run(images, 0 if len(images) > 1 else 0.3)), model, pixels)


def test_names_of_classes_cannot_leave_their_string_or_comment(tmp_path: Path) -> None:
    spec = parse("Flatten()\nDense(2, activation='softmax')", input_shape=(1, 1, 1), num_classes=2)
    hostile = ('"; int x = 1; //', "??/ */ é \\")
    model = Model(spec, random_weights(spec, seed=0), hostile)
    path = tmp_path / "model.c"
    path.write_bytes(c_bytes(model, {"names": "*/ int broken; /* \\\n ??/"}))
    (main := tmp_path / "show.c").write_text(
        "#include <stdio.h>\nextern const char *const convscope_class_names[];\n"
        "int main(void) { puts(convscope_class_names[0]); puts(convscope_class_names[1]); return 0; }\n"
    )
    import subprocess

    from convscope.exporting.c_runtime import compiler

    subprocess.run([compiler(), *FLAGS, path, main, "-o", tmp_path / "show", "-lm"], check=True)
    shown = subprocess.run([tmp_path / "show"], capture_output=True, check=True).stdout.decode().splitlines()
    assert tuple(shown) == hostile


def test_a_network_too_large_for_c_names_the_other_format() -> None:
    text = "Flatten()\nDense(4000)\nDense(2, activation='softmax')"
    spec = parse(text, input_shape=(40, 40, 1), num_classes=2)
    weights = {name: np.zeros(shape, np.float32) for name, shape in spec.weight_shapes().items()}
    with pytest.raises(SpecError, match=r"at most 5,000,000 parameters for C\. Received: 6,4") as caught:
        c_bytes(Model(spec, weights, ("a", "b")), {})
    assert caught.value.hint == "Export to onnx."


@pytest.mark.parametrize("seed", range(60))
def test_no_value_that_is_still_needed_is_written_over(seed: int) -> None:
    rows = random_spec(np.random.default_rng(seed)).table()
    places, size = plan(rows, in_place=IN_PLACE)
    owner: dict[int, str] = {}
    shapes = {row.name: row.output_shape for row in rows} | {"input": rows[0].input_shapes[0]}

    def write(name: str) -> None:
        for number in range(places[name], places[name] + int(np.prod(shapes[name]))):
            owner[number] = name

    write("input")
    for row in rows:
        for name in row.inputs:
            held = {owner[number] for number in range(places[name], places[name] + int(np.prod(shapes[name])))}
            assert held == {name}, row
        write(row.name)
    assert size <= sum(int(np.prod(shape)) for shape in shapes.values()) and max(owner) == size - 1


def test_the_onnx_file_holds_the_texts_and_reads_by_old_runtimes() -> None:
    import onnx

    model = model_of(load_spec("quick", input_shape=(28, 28, 1), num_classes=10))
    loaded = onnx.load_from_string(onnx_bytes(model, {"convscope.class_names": '["é"]'}))
    assert (loaded.ir_version, loaded.opset_import[0].version) == (8, 17)
    assert {one.key: one.value for one in loaded.metadata_props} == {"convscope.class_names": '["é"]'}


def test_the_litert_file_is_what_the_schema_says_and_holds_texts_and_labels(tmp_path: Path) -> None:
    import zipfile

    from ai_edge_litert import schema_py_generated as schema

    model = model_of(load_spec("quick", input_shape=(28, 28, 1), num_classes=10))
    content = litert_bytes(model, {"convscope.class_names": '["é"]'})
    assert content[4:8] == b"TFL3"
    read = schema.ModelT.InitFromPackedBuf(content, 0)
    assert read.version == 3
    (text,) = read.metadata
    assert text.name == b"convscope.class_names" and bytes(read.buffers[text.buffer].data).decode() == '["é"]'
    (graph,) = read.subgraphs
    kinds = [read.operatorCodes[one.opcodeIndex].builtinCode for one in graph.operators]
    known = schema.BuiltinOperator
    assert kinds.count(known.CONV_2D) == 3 and known.RELU not in kinds  # batch normalization and ReLU are folded
    (given,) = graph.inputs
    assert graph.tensors[given].type == schema.TensorType.UINT8
    assert graph.tensors[given].shapeSignature.tolist() == [-1, 28, 28, 1]
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with zipfile.ZipFile(path) as archive:
        assert archive.read("labels.txt").decode().splitlines() == list(model.class_names)


@pytest.mark.parametrize("seed", range(8))
def test_quantized_random_networks_stay_near_the_network(seed: int, tmp_path: Path) -> None:
    model = model_of(random_spec(np.random.default_rng(seed)), seed)
    pixels = images_of(model, 70, seed)
    for name in ("onnx", "litert"):
        exporter = EXPORTERS[name]
        path = tmp_path / exporter.int8_file_name
        assert exporter.write_int8 is not None
        path.write_bytes(exporter.write_int8(model, {}, pixels))
        runtime = exporter.open(path, model.spec.input_shape, model.spec.num_classes)
        assert differences(runtime, model, pixels).largest_difference < 0.05


def test_the_quantized_litert_file_computes_convolutions_in_int8_with_a_scale_for_each_channel() -> None:
    from ai_edge_litert import schema_py_generated as schema

    model = model_of(load_spec("quick", input_shape=(28, 28, 1), num_classes=10))
    graph = schema.ModelT.InitFromPackedBuf(litert_int8_bytes(model, {}, images_of(model, 64)), 0).subgraphs[0]
    kernels = [one for one in graph.tensors if one.type == schema.TensorType.INT8 and one.shape is not None]
    scales = sorted(len(one.quantization.scale) for one in kernels if len(one.quantization.scale) > 1)
    assert scales == [10, 32, 32, 64]
    assert graph.tensors[graph.inputs[0]].type == schema.TensorType.UINT8
    assert [graph.tensors[index].type for index in graph.outputs] == [schema.TensorType.FLOAT32] * 2


def test_quick_in_c_fits_the_memory_of_a_small_device(tmp_path: Path) -> None:
    import subprocess

    model = model_of(load_spec("quick", input_shape=(28, 28, 1), num_classes=10))
    (tmp_path / "model.c").write_bytes(c_bytes(model, {}))
    subprocess.run(["gcc", "-std=c99", "-Os", "-c", "model.c"], cwd=tmp_path, check=True)
    shown = subprocess.run(["size", "model.o"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    text, data, zeros = (int(number) for number in shown.splitlines()[1].split()[:3])
    assert text + data < 256_000 and data + zeros < 64_000


def test_the_memory_for_tensors_of_a_litert_file_is_that_of_those_that_live_at_once(tmp_path: Path) -> None:
    """benchmarks/tensor_memory.py, beside a sum by hand: the largest is at the second convolution."""
    path = ROOT / "benchmarks" / "tensor_memory.py"
    described = importlib.util.spec_from_file_location("tensor_memory", path)
    assert described is not None and described.loader is not None
    measuring = importlib.util.module_from_spec(described)
    described.loader.exec_module(measuring)
    lines = (
        "Conv2D(3, 3, padding='same', activation='relu')",
        "Conv2D(5, 3, activation='relu')",
        "Flatten()",
        "Dense(num_classes, activation='softmax')",
    )
    model = model_of(parse("\n".join(lines), input_shape=(6, 8, 1), num_classes=4))
    file = tmp_path / "model.tflite"
    file.write_bytes(litert_bytes(model, {}))
    assert measuring.tensor_bytes(file) == 4 * (6 * 8 * 3 + 4 * 6 * 5)
    file.write_bytes(litert_int8_bytes(model, {}, images_of(model, 64)))
    assert measuring.tensor_bytes(file) == 6 * 8 * 3 + 4 * 6 * 5
