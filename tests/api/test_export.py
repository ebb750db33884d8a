"""`export` through the public door: what lies in the folder, and that nothing is published that differs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from serving.client import Served

import convscope
from convscope.api.export import export
from convscope.data import mnist
from convscope.errors import MissingExtraError, OptionError, RunError
from convscope.exporting import formats
from convscope.exporting.exporter import Runtime
from convscope.model.model_file import load_model

pytestmark = pytest.mark.slow

ORT = Path(__file__).parents[2] / "node_modules" / "onnxruntime-web" / "dist"


@pytest.fixture(scope="module")
def exported(short_run, tmp_path_factory):
    return export(short_run, to="onnx,litert,c,hub,mlflow,container", out=tmp_path_factory.mktemp("export") / "out")


def test_the_folder_has_the_files_the_contract_and_the_comparison(exported) -> None:
    assert sorted(path.name for path in exported.folder.iterdir()) == [
        "README.md", "confusion_matrix.png", "container", "convscope.json", "example_0.png", "example_1.png",
        "labels.txt", "mlflow", "model.c", "model.onnx", "model.tflite", "proof.json",
    ]  # fmt: skip
    contract = json.loads((exported.folder / "convscope.json").read_text())
    assert contract["input"]["shape"] == ["n", 28, 28, 1] and contract["class_names"] == [str(i) for i in range(10)]
    assert (exported.folder / "labels.txt").read_text() == "".join(f"{i}\n" for i in range(10))
    proof = json.loads((exported.folder / "proof.json").read_text())
    for one in proof["files"]:
        assert one["images"] >= 1000 and one["same_class"] == one["images"] and one["largest_difference"] <= 1e-5
        assert one["same_known"] == one["images"] and one["largest_score_difference"] < 1e-4
    assert [one.format for one in exported.files] == ["onnx", "litert", "c"]


def foreign_pictures() -> dict[str, np.ndarray]:
    """Pictures that are no digits, and one with two."""
    rows, columns = np.mgrid[:28, :28]
    inside = (abs(rows - 13.5) < 10) & (abs(columns - 13.5) < 10)
    digits = mnist.load_part("test").pixels[:2, :, :, 0]
    return {
        "black": np.zeros((28, 28), np.uint8),
        "white": np.full((28, 28), 255, np.uint8),
        "gray": np.full((40, 60), 90, np.uint8),
        "gradient": (rows * 9).astype(np.uint8),
        "stripes": np.where(inside & ((rows + columns) % 4 < 2), 255, 0).astype(np.uint8),
        "two digits": np.concatenate([255 - digits[0], 255 - digits[1]], axis=1),
    }


def test_files_say_of_the_same_pictures_as_predict_that_they_are_known(exported, short_run) -> None:
    run = convscope.load_run(short_run)
    digits = mnist.load_part("test").pixels[:300, :, :, 0]
    predictions = run.predict([*foreign_pictures().values(), *digits])
    answers = [one.answer for one in predictions]
    assert answers[:6] == ["nothing", "nothing", "nothing", "nothing", "unknown", "several"]
    seen = np.stack([one.seen for one in predictions])
    known = [one.is_known for one in predictions]
    assert known[:6] == [False, False, False, False, False, True] and sum(known) > 280
    threshold = json.loads((exported.folder / "convscope.json").read_text())["score"]["threshold"]
    for file in exported.files:
        runtime = formats.EXPORTERS[file.format].open(exported.folder / file.path.name, (28, 28, 1), 10)
        scores = runtime.run(seen)[2]
        runtime.close()
        single = np.array([one.answer != "several" for one in predictions])  # which is said instead
        assert ((scores <= threshold) == known)[single].all()
        expected = np.array([np.nan if one.score is None else one.score for one in predictions])
        np.testing.assert_allclose(scores[~np.isnan(expected)], expected[~np.isnan(expected)], atol=1e-3, rtol=1e-4)


def test_the_examples_have_the_outputs_that_the_contract_states(exported, short_run) -> None:
    run = convscope.load_run(short_run)
    for example in json.loads((exported.folder / "convscope.json").read_text())["examples"]:
        pixels = np.asarray(Image.open(exported.folder / example["file"]))
        from convscope.evaluation.predict import predict

        found = predict(run.model, pixels[None, :, :, None])
        np.testing.assert_allclose(found.probabilities[0], example["probabilities"], atol=1e-6)
        assert found.scores is not None and found.scores[0] == pytest.approx(example["score"], abs=1e-4)


def code(folder: Path, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    assert found
    return found[1]


def test_the_python_of_the_readme_runs_without_convscope(exported) -> None:
    text = "import sys\nsys.modules['convscope'] = None\n" + code(exported.folder, "python")
    done = subprocess.run([sys.executable, "-c", text], cwd=exported.folder, capture_output=True, text=True, check=True)
    expected = json.loads((exported.folder / "convscope.json").read_text())["examples"][0]
    name, probability = done.stdout.split()
    assert name == expected["class"] and float(probability) == pytest.approx(max(expected["probabilities"]), abs=1e-5)


def test_the_code_of_the_readme_says_that_noise_is_unknown(exported, tmp_path: Path) -> None:
    folder = shutil.copytree(exported.folder, tmp_path / "copy")
    noise = np.random.default_rng(4).integers(0, 256, (28, 28)).astype(np.uint8)
    Image.fromarray(noise).save(folder / "example_0.png")
    text = code(folder, "python")
    done = subprocess.run([sys.executable, "-c", text], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("unlike anything it was trained on ")
    (folder / "main.c").write_text(code(folder, "c"))
    subprocess.run(["cc", "main.c", "model.c", "-o", "program", "-lm"], cwd=folder, check=True)
    done = subprocess.run([folder / "program"], input=noise.tobytes(), capture_output=True, check=True)
    assert done.stdout.startswith(b"unlike anything it was trained on ")


TOKEN = "not-a-secret-of-anything"

IN_NODE = """
import { readFileSync } from "node:fs";
import * as ort from "ORT/ort.node.min.mjs";
CODE
const names = readFileSync("labels.txt", "utf8").trimEnd().split("\\n");
for (const gray of JSON.parse(readFileSync("pictures.json", "utf8"))) {
  const rgba = Uint8ClampedArray.from(gray.flatMap((level) => [level, level, level, 255]));
  console.log(JSON.stringify(await classify(ort, readFileSync("model.onnx"), names, rgba)));
}
process.exit(0);
"""


@pytest.mark.skipif(not (ORT.is_dir() and shutil.which("node")), reason="needs node and onnxruntime-web")
def test_the_javascript_of_the_readme_says_of_the_same_pictures_as_predict_that_they_are_known(
    exported, short_run, tmp_path: Path
) -> None:
    folder = shutil.copytree(exported.folder, tmp_path / "copy")
    digit = mnist.load_part("test").pixels[0, :, :, 0]
    predictions = convscope.load_run(short_run).predict([digit, *foreign_pictures().values()][:-1])
    seen = [one.seen.ravel().tolist() for one in predictions]
    (folder / "pictures.json").write_text(json.dumps(seen))
    (folder / "main.mjs").write_text(IN_NODE.replace("ORT", ORT.as_uri()).replace("CODE", code(folder, "javascript")))
    done = subprocess.run(["node", "main.mjs"], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    known = [one["known"] for one in found]
    assert known == [one.is_known for one in predictions] == [True, False, False, False, False, False]
    assert found[0]["name"] == predictions[0].class_name == "7"
    assert found[0]["probability"] == pytest.approx(predictions[0].probability, abs=1e-5)


def test_the_c_of_the_readme_compiles_and_gives_the_same_answer(exported, tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(code(exported.folder, "c"))
    program = tmp_path / "program"
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["cc", *flags, tmp_path / "main.c", exported.folder / "model.c", "-o", program, "-lm"], check=True)
    pixels = np.asarray(Image.open(exported.folder / "example_0.png")).tobytes()
    done = subprocess.run([program], input=pixels, capture_output=True, check=True)
    expected = json.loads((exported.folder / "convscope.json").read_text())["examples"][0]
    name, probability = done.stdout.decode().split()
    assert name == expected["class"] and float(probability) == pytest.approx(max(expected["probabilities"]), abs=1e-4)


def test_a_file_that_differs_is_not_published_and_an_earlier_export_stays(
    short_run, tmp_path: Path, monkeypatch
) -> None:
    out = tmp_path / "out"
    export(short_run, out=out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    onnx = formats.EXPORTERS["onnx"]

    def wrong(path, shape, classes):
        runtime = onnx.open(path, shape, classes)
        return Runtime("wrong", lambda images: (runtime.run(images)[0][:, ::-1], runtime.run(images)[1]))

    changed = type(onnx)(onnx.title, onnx.file_name, onnx.check, onnx.write, wrong)
    monkeypatch.setitem(formats.EXPORTERS, "onnx", changed)
    with pytest.raises(RunError, match="must give the same probabilities"):
        export(short_run, out=out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_bad_requests_are_refused_by_name(short_run, tmp_path: Path) -> None:
    with pytest.raises(
        OptionError,
        match=r"formats out of onnx, litert, c, keras, .*, container\. Received: to='onnx,tflite'",
    ):
        export(short_run, to="onnx,tflite", out=tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    for folder in (tmp_path / "mine", Path(short_run)):
        with pytest.raises(OptionError, match="which holds other files"):
            export(short_run, out=folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionError, match="which is a file"):
        export(short_run, out=tmp_path / "file")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious" and not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_named_and_a_container_alone_shows_no_table(
    short_run, convscope, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    done = convscope("export", str(short_run), "--to", "container", "--out", "file/out", cwd=tmp_path)
    message, hint = done.stderr.splitlines()
    assert done.returncode == 1 and "that can be written to. Received: file/out (" in message and "--out" in hint
    done = convscope("export", str(short_run), "--to", "container", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.splitlines() == ["folder      out: see README.md there"]


def test_a_missing_runtime_names_the_install_line(short_run, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="Received: no onnx and no onnxruntime") as caught:
        export(short_run, out=tmp_path / "out")
    assert "pip install 'convscope[onnx]'" in caught.value.hint
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(MissingExtraError, match="no C compiler"):
        export(short_run, to="c", out=tmp_path / "out")


def test_the_command_prints_a_table_and_the_same_as_json(short_run, tmp_path: Path, convscope) -> None:
    done = convscope("export", str(short_run), "--out", "out", cwd=tmp_path)
    assert done.returncode == 0 and "model.onnx" in done.stdout and "ONNX Runtime" in done.stdout
    done = convscope("export", str(short_run), "--out", "out", "--json", cwd=tmp_path)
    (one,) = json.loads(done.stdout)["files"]
    assert one["file"] == "model.onnx" and one["same_class"] == one["images"]


def test_quantized_files_are_smaller_and_as_accurate_and_their_accuracy_is_recorded(short_run, tmp_path: Path) -> None:
    made = export(short_run, to="onnx,litert", out=tmp_path / "out", int8=True, max_loss=0.5)
    names = [one.path.name for one in made.files]
    assert names == ["model.onnx", "model-int8.onnx", "model.tflite", "model-int8.tflite"]
    subspace = load_model(short_run / "model.safetensors").subspace
    score = subspace.directions.size + subspace.center.nbytes  # the score stays as it is: 8-bit directions, and a mean
    for exact, quantized in (made.files[:2], made.files[2:]):
        assert exact.accuracy is None and quantized.accuracy is not None
        assert quantized.size_bytes - score < 0.4 * (exact.size_bytes - score)
        assert quantized.accuracy.n == 10_000 and quantized.accuracy.difference > -0.005
        # it is a quantized file indeed: the probabilities differ, the classes hardly
        assert quantized.comparison.largest_difference > 1e-4
        assert quantized.comparison.same_class > 0.98 * quantized.comparison.images
    thresholds = json.loads((made.folder / "convscope.json").read_text())["score"]["quantized"]
    assert thresholds.keys() == {"model-int8.onnx", "model-int8.tflite"}
    for one in made.files[1::2]:
        runtime = formats.EXPORTERS[one.format].open(one.path, (28, 28, 1), 10)
        rejected = runtime.run(mnist.load_part("test").pixels)[2] > thresholds[one.path.name]["threshold"]
        assert 0 < rejected.mean() < 0.015
    proof = json.loads((made.folder / "proof.json").read_text())
    assert [one.get("accuracy", {}).get("n") for one in proof["files"]] == [None, 10_000, None, 10_000]
    assert all("points" in line and "10,000" in line for line in made.accuracies)


def test_a_quantized_file_that_loses_accuracy_is_refused(short_run, tmp_path: Path, monkeypatch) -> None:
    exporter = formats.EXPORTERS["litert"]

    def spoiled(model, metadata, images):
        return exporter.write_int8(model, metadata, images // 8)  # ranges that are too small: values are clipped

    changed = replace(exporter, write_int8=spoiled)
    monkeypatch.setitem(formats.EXPORTERS, "litert", changed)
    with pytest.raises(RunError, match=r"model-int8\.tflite may lose at most 0\.1 points of accuracy\. Received: -"):
        export(short_run, to="litert", out=tmp_path / "out", int8=True)
    assert not list(tmp_path.iterdir())
    with pytest.raises(OptionError, match=r"that can be quantized: onnx or litert\. Received: int8=True with to='c'"):
        export(short_run, to="c", out=tmp_path / "out", int8=True)
    with pytest.raises(OptionError, match="max_loss must be from 0 to 100"):
        export(short_run, out=tmp_path / "out", max_loss=-1)


def test_the_model_card_has_metadata_figures_with_intervals_and_limits(exported, short_run) -> None:
    _, front, body = (exported.folder / "README.md").read_text().split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in front.splitlines() if not line.startswith("#"))
    (entry,) = json.loads(fields["model-index"])
    (result,) = entry["results"]
    accuracy = json.loads((Path(short_run) / "run.json").read_text())["test"]["accuracy"]
    assert json.loads(fields["pipeline_tag"]) == "image-classification"
    assert result["metrics"][0]["value"] == accuracy["rate"] and result["dataset"]["split"] == "test"
    for heading in ("Intended use", "Data", "Metrics", "Unknown images", "Limits", "Files and use"):
        assert f"\n## {heading}\n" in body
    assert f"n={accuracy['n']:,})" in body and "![Confusion matrix" in body and "### C\n" in body
    contract = json.loads((exported.folder / "convscope.json").read_text())
    assert f"Up to {contract['score']['threshold']:.4g} the image is known" in body and "was not measured" in body


def test_the_folder_for_mlflow_has_a_loader_that_gives_the_probabilities(exported, short_run) -> None:
    description = json.loads((exported.folder / "mlflow" / "MLmodel").read_text())  # JSON is YAML
    flavor = description["flavors"]["python_function"]
    assert json.loads(description["signature"]["inputs"])[0]["tensor-spec"]["shape"] == [-1, 28, 28, 1]
    text = (exported.folder / "mlflow" / flavor["code"] / f"{flavor['loader_module']}.py").read_text()
    assert "import convscope" not in text and "from convscope" not in text
    loader: dict = {}
    exec(text, loader)
    from convscope.evaluation.predict import predict

    pixels = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1), np.uint8)
    found = loader["_load_pyfunc"](str(exported.folder / "mlflow" / flavor["data"])).predict({"images": pixels})
    expected = predict(convscope.load_run(short_run).model, pixels).probabilities
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-5)
    outputs = {one["name"]: one["tensor-spec"] for one in json.loads(description["signature"]["outputs"])}
    assert outputs.keys() == found.keys() == {"probabilities", "logits", "score", "known"}
    scores = predict(convscope.load_run(short_run).model, pixels).scores
    np.testing.assert_allclose(found["score"], scores, rtol=1e-4, atol=1e-3)
    assert found["known"].dtype == bool and not found["known"].any()  # it is noise


def test_the_container_serves_the_run_without_root_and_checks_its_health(exported, short_run, tmp_path: Path) -> None:
    folder = exported.folder / "container"
    text = (folder / "Containerfile").read_text().replace("\\\n", "")
    said = dict(re.findall(r"^(USER|RUN|CMD|HEALTHCHECK) (.*)$", text, re.MULTILINE))
    assert said["USER"] == "10001" and f"'convscope[serve]=={convscope.__version__}'" in said["RUN"]
    copied = dict(re.findall(r"^COPY (\S+) (\S+)$", text, re.MULTILINE))
    assert all((folder / source).is_dir() for source in copied)
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    here = {path: str(folder / source) for source, path in copied.items()} | {"/run/secrets/token": "token"}
    program, _, *words = json.loads(said["CMD"])
    assert program == "convscope" and words[1:5] == ["--host", "0.0.0.0", "--port", "8000"]
    del words[3:5]  # any port here
    server = Served(*(here.get(f"{word}/", here.get(word, word)) for word in words), cwd=tmp_path)
    try:
        python, *code = json.loads(said["HEALTHCHECK"].partition("CMD ")[2])
        check = [sys.executable, *(one.replace(":8000/", f":{server.port}/") for one in code)]
        assert python == "python" and check != [sys.executable, *code]
        assert subprocess.run(check, timeout=30).returncode == 0
        image = {"body": (exported.folder / "example_0.png").read_bytes()}
        assert server.ask("POST", "/predict", **image).status == 401
        allowed = server.ask("POST", "/predict", **image, headers={"Authorization": f"Bearer {TOKEN}"})
        assert allowed.status == 200 and allowed.json["images"][0]["answer"] == "class"
    finally:
        server.stop()
    assert subprocess.run(check, timeout=30, stderr=subprocess.DEVNULL).returncode != 0
    assert convscope.load_run(folder / "run").model.class_names == convscope.load_run(short_run).model.class_names


@pytest.mark.long
def test_keras_and_tensorflow_load_their_files_and_agree(short_run, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    made = export(short_run, to="keras,saved_model", out=tmp_path / "out")
    assert [one.path.name for one in made.files] == ["model.keras", "saved_model"]
    assert all(one.comparison.same_class == one.comparison.images > 1000 for one in made.files)
    assert not list((tmp_path / "temporary").iterdir())
