"""The preprocessing inside an ONNX file gives the pixels of `Preprocessing.apply`, bit for bit."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from harness import random_weights
from PIL import Image

from convscope.api.export import export
from convscope.api.run import load_run
from convscope.data.mnist import load_part
from convscope.data.preprocess import Preprocessing
from convscope.data.resample import resample
from convscope.errors import OptionError, RunError
from convscope.evaluation.predict import predict
from convscope.exporting.contract import UNKNOWN, snippets
from convscope.exporting.contract import contract as contract_of
from convscope.exporting.onnx_graph import IR_VERSION, OPSET, Graph
from convscope.exporting.onnx_runtime import open_onnx, open_session
from convscope.exporting.photo import PHOTO_SHAPE, add_preprocessing, check_photo
from convscope.exporting.photo_model import COUNT, compare_photos, mixed_pictures, photo_bytes
from convscope.model.model_file import Model
from convscope.model.spec_parser import parse

SIZES = ((1, 1), (2, 2), (1, 50), (60, 1), (2, 300), (3, 2), (21, 33), (40, 7), (90, 120), (300, 411), (700, 260))
CASES = [
    ("stretch", "as_is", 1), ("stretch", "auto", 3), ("pad", "as_is", 3), ("pad", "invert", 3), ("pad", "auto", 1),
    ("crop", "as_is", 1), ("crop", "auto", 3), ("crop", "invert", 1),
]  # fmt: skip


def model_of(contract: Preprocessing) -> Model:
    shape = (contract.height, contract.width, contract.channels)
    spec = parse("Flatten()\nDense(3, activation='softmax')", input_shape=shape, num_classes=3)
    return Model(spec, random_weights(spec, seed=0), ("a", "b", "c"), contract.to_json(), {"temperature": 1.7})


def preprocessing_in_onnx(contract: Preprocessing):
    """The preprocessing alone, as ONNX Runtime computes it, for a batch of images of one size."""
    from onnx import TensorProto, helper

    graph = Graph()
    name = add_preprocessing(graph, contract)
    given = helper.make_tensor_value_info("images", TensorProto.UINT8, PHOTO_SHAPE)
    found = helper.make_tensor_value_info(name, TensorProto.UINT8, None)
    made = helper.make_model(
        helper.make_graph(graph.nodes, "preprocessing", [given], [found], graph.initializers),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    session = open_session(made.SerializeToString())
    return lambda images: session.run([name], {"images": images})[0]


def pictures(rng: np.random.Generator, size: tuple[int, int], channels: int) -> list[np.ndarray]:
    """Noise, one color, and paper with ink, which the polarity depends on."""
    noise = rng.integers(0, 256, (*size, channels)).astype(np.uint8)
    paper = (noise // 64 * 8 + 200).astype(np.uint8)
    paper[size[0] // 3 : size[0] // 2 + 1, size[1] // 3 : size[1] // 2 + 1] = 40
    return [noise, np.full_like(noise, 128), paper, 255 - paper]


@pytest.mark.parametrize(("fit", "polarity", "channels"), CASES)
def test_the_pixels_are_those_of_the_preprocessing(fit: str, polarity: str, channels: int) -> None:
    contract = Preprocessing(24, 17, channels, fit=fit, polarity=polarity, background=90)
    rng, run = np.random.default_rng(0), preprocessing_in_onnx(contract)
    for index, size in enumerate(SIZES):
        batch = np.stack(pictures(rng, size, 1 + index % 4))
        np.testing.assert_array_equal(run(batch), np.stack([contract.apply(one) for one in batch]), err_msg=str(size))


def test_a_photo_of_many_megapixels_and_a_network_of_one_pixel() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (1500, 2100, 3)).astype(np.uint8)
    for contract in (Preprocessing(1, 1, 1), Preprocessing(32, 40, 3, fit="crop")):
        np.testing.assert_array_equal(preprocessing_in_onnx(contract)(photo[None])[0], contract.apply(photo))


def test_a_file_with_another_preprocessing_is_an_error(tmp_path: Path) -> None:
    model = model_of(Preprocessing(12, 16, 3))
    images = mixed_pictures(np.random.default_rng(0).integers(0, 256, (5, 12, 16, 3), np.uint8))
    shapes = {one.shape for one in images}
    assert len(images) == COUNT >= 100 and len(shapes) > 90 and {shape[2] for shape in shapes} == {1, 2, 3, 4}
    assert any(min(h / 12, w / 16) >= 8 for h, w, _ in shapes) and any(h < 12 and w < 16 for h, w, _ in shapes)
    for fit, is_right in (("pad", True), ("stretch", False)):
        path = tmp_path / f"{fit}.onnx"
        path.write_bytes(photo_bytes(replace(model, preprocessing=Preprocessing(12, 16, 3, fit=fit).to_json()), {}))
        runtime = open_onnx(path, (12, 16, 3), 3)
        if is_right:
            assert compare_photos(runtime, model, images).same_class == COUNT
        else:
            with pytest.raises(RunError, match="must give the same probabilities"):
                compare_photos(runtime, model, images)


def test_preprocessing_that_searches_for_ink_is_refused_and_nothing_is_written(
    short_run, convscope, tmp_path: Path
) -> None:
    done = convscope("export", str(short_run), "--photo", "--out", "out", cwd=tmp_path)
    assert done.returncode == 2 and not list(tmp_path.iterdir())
    (line, hint) = done.stderr.strip().splitlines()
    assert "stretch, pad or crop. Received: photo=True with the fit 'mnist', which searches for ink" in line, line
    assert "without --photo" in hint
    with pytest.raises(OptionError, match=r"Expected onnx among the formats of photo=True\. Received: to='c'"):
        export(short_run, to="c", photo=True, out=tmp_path / "out")
    with pytest.raises(OptionError, match="a network without a preprocessing"):
        check_photo({})


STUB = """
import { classifyPhoto } from "./classify.mjs";
globalThis.OffscreenCanvas = class {
  constructor(width, height) { this.size = 4 * width * height; }
  getContext() { return { drawImage() {}, getImageData: () => ({ data: new Uint8ClampedArray(this.size).fill(9) }) }; }
};
const ort = { Tensor: class { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } } };
const answers = (score) => ({ run: async ({ images }) => {
  if (String(images.dims) !== "1,3,5,4" || images.data.length !== 60 || images.data[0] !== 9) throw new Error("input");
  return { probabilities: { data: [0.2, 0.7, 0.1] }, score: { data: [score] } };
} });
for (const score of [SCORES]) {
  const found = await classifyPhoto(ort, answers(score), ["a", "b", "c"], { width: 5, height: 3 });
  console.log(found.known, found.name, found.probability);
}
"""


def test_the_code_of_the_readme_says_which_images_are_unknown(short_run, tmp_path: Path) -> None:
    contract = Preprocessing(28, 28, 1, polarity="invert")
    model = replace(load_run(short_run).model, preprocessing=contract.to_json())
    digit = resample(255 - load_part("test").pixels[0], 100, 130)
    stripes = np.repeat(np.indices((90, 120)).sum(axis=0)[..., None] % 16 * 17, 3, axis=-1).astype(np.uint8)
    for name, picture in (("digit.png", digit[..., 0]), ("stripes.png", stripes)):
        Image.fromarray(picture).save(tmp_path / name)
    prepared = np.stack([contract.apply(digit), contract.apply(stripes)])
    expected, (content, code) = predict(model, prepared), (contract_of(model, {}), snippets(model))
    threshold = content["score"]["threshold"]
    assert expected.scores[0] <= threshold < expected.scores[1]
    (tmp_path / "model-photo.onnx").write_bytes(photo_bytes(model, {}))
    (tmp_path / "labels.txt").write_text("\n".join(model.class_names))
    (tmp_path / "convscope.json").write_text(json.dumps(content))
    (tmp_path / "classify.py").write_text(code["python_photo"])
    words = [sys.executable, "classify.py", "digit.png", "stripes.png"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    known, unknown = done.stdout.splitlines()
    assert known.startswith("digit.png 7 0.") and unknown.startswith(f"stripes.png {UNKNOWN} 0.")
    (tmp_path / "classify.mjs").write_text(code["javascript_photo"])
    scores = f"{threshold - 0.001}, {threshold + 0.001}"
    (tmp_path / "stub.mjs").write_text(STUB.replace("SCORES", scores))
    done = subprocess.run(["node", "stub.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["true b 0.7", "false b 0.7"]
