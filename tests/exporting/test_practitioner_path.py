"""The path of docs/export.md, as it is written there: from photos to Python, a browser, C and a server.

The files that are exported run where convscope cannot be imported.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from serving.client import Served

import convscope as cs

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SECTION = re.search(
    r"## From a folder of photos to a browser\n(.*?)\n## ", (ROOT / "docs" / "export.md").read_text("utf-8"), re.DOTALL
)[1]
CLASSES = ("bar", "disc", "pole")
SANITIZED = "-Wall -Wextra -Werror -fsanitize=address,undefined -fno-sanitize-recover"


def commands(first_word: str) -> list[str]:
    """The command lines of the section that begin with a word."""
    return re.findall(rf"^    ({first_word}\b.*)$", SECTION, re.MULTILINE)


def draw_photo(label: int, rng: np.random.Generator) -> np.ndarray:
    """A noisy RGB photo of any size of a horizontal bar, a disc or a vertical bar."""
    h, w = (int(side) for side in rng.integers(60, 161, 2))
    rows, columns = np.mgrid[:h, :w]
    y, x, size = h * rng.uniform(0.3, 0.7), w * rng.uniform(0.3, 0.7), min(h, w)
    shapes = (
        abs(rows - y) < size / 9,
        (rows - y) ** 2 + (columns - x) ** 2 < (size / 4) ** 2,
        abs(columns - x) < size / 9,
    )
    picture = rng.integers(0, 60, (h, w, 3)).astype(np.uint8)
    picture[shapes[label]] = (230, 120 + 40 * label, 40)
    return picture


def make_photos(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for label, name in enumerate(CLASSES):
        (folder / "photos" / name).mkdir(parents=True)
        for index in range(30):
            Image.fromarray(draw_photo(label, rng)).save(folder / "photos" / name / f"{index:02d}.jpg", quality=90)
    Image.fromarray(draw_photo(1, np.random.default_rng(77))).save(folder / "new.png")


@dataclass(frozen=True)
class Walked:
    """The folder of the section after its commands of convscope, and the answer of `predict`."""

    folder: Path
    environment: dict[str, str]
    probabilities: dict[str, float]

    @property
    def exported(self) -> Path:
        return self.folder / "exported"

    @property
    def name(self) -> str:
        return max(self.probabilities, key=self.probabilities.__getitem__)

    def save(self, heading: str, name: str) -> None:
        """Save code of the README of the export, as the section says."""
        text = (self.exported / "README.md").read_text("utf-8")
        (self.exported / name).write_text(re.search(rf"## {heading}\n\n```\w+\n(.*?)```", text, re.DOTALL)[1], "utf-8")

    def shell(self, command: str) -> str:
        """Run a command line in the folder of the export, without convscope."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.exported, env=self.environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def walked(once, convscope, tmp_path_factory) -> Walked:
    answers = []

    def walk(folder: Path) -> None:
        make_photos(folder)
        for line in commands("convscope")[:3]:
            words = shlex.split(line)[1:]
            short = ["--epochs", "10"] if words[0] == "train" else ["--json"]
            done = convscope(*words, *short, cwd=folder)
            assert done.returncode == 0, done.stderr
            answers.append(done.stdout)
        (folder / "answer.json").write_text(answers[1])

    folder = once("photos", walk)
    (hidden := tmp_path_factory.mktemp("hidden") / "convscope.py").write_text(
        "raise ImportError('not for an export')\n"
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(hidden.parent)}
    (image,) = json.loads((folder / "answer.json").read_text())["images"]
    return Walked(folder, environment, {one["name"]: one["probability"] for one in image["choices"]})


def test_a_script_without_convscope_answers_as_predict_does(walked: Walked) -> None:
    assert set(walked.probabilities) == set(CLASSES) and walked.name == "disc"
    walked.save("Python, images of any size", "classify.py")
    (proof,) = (
        one
        for one in json.loads((walked.exported / "proof.json").read_text())["files"]
        if one["file"] == "model-photo.onnx"
    )
    assert proof["images"] == proof["same_class"] >= 100 and proof["largest_difference"] <= 1e-5
    (line,) = commands("python classify.py")
    path, name, probability = walked.shell(line).split()
    assert (path, name) == ("../new.png", walked.name)
    assert float(probability) == pytest.approx(walked.probabilities[name], abs=1e-5)


def test_c_without_undefined_behavior_answers_as_predict_does(walked: Walked, tmp_path: Path) -> None:
    walked.save("C", "main.c")
    (build,), (ask,) = commands("cc"), commands("python -c")
    walked.shell(f"{build} {SANITIZED}")
    expected = json.loads((walked.exported / "convscope.json").read_text())["examples"][0]
    name, probability = walked.shell(ask).split()
    assert name == expected["class"] and float(probability) == pytest.approx(max(expected["probabilities"]), abs=1e-4)
    prepared = cs.load_run(walked.folder / "runs" / "photos").preprocessing.apply(
        np.asarray(Image.open(walked.folder / "new.png"))
    )
    (walked.exported / "prepared.bin").write_bytes(prepared.tobytes())
    name, probability = walked.shell("./classify < prepared.bin").split()
    assert name == walked.name and float(probability) == pytest.approx(walked.probabilities[name], abs=1e-4)


@pytest.fixture(scope="module")
def server(walked: Walked) -> Iterator[Served]:
    (line,) = commands("convscope serve")
    served = Served(*shlex.split(line)[2:], cwd=walked.folder)
    yield served
    served.stop()


def test_curl_and_a_client_of_tensorflow_serving_get_the_answer_of_predict(walked: Walked, server: Served) -> None:
    if shutil.which("curl"):
        (line,) = commands("curl")
        words = line.replace("localhost:8000", f"localhost:{server.port}").split()
        done = subprocess.run([*words, "-s"], cwd=walked.folder, capture_output=True, text=True, timeout=60)
        (image,) = json.loads(done.stdout)["images"]
        assert {one["name"]: one["probability"] for one in image["choices"]} == walked.probabilities
    text = re.search(
        r"```python\n(import json, urllib.*?)```", (ROOT / "docs" / "serve.md").read_text("utf-8"), re.DOTALL
    )[1]
    text = text.replace("localhost:8000", f"localhost:{server.port}").replace("models/first", "models/photos")
    names: dict = {"pixels": np.asarray(Image.open(walked.folder / "new.png"))[None]}
    exec(compile(text, "serve.md", "exec"), names)
    found = dict(zip(CLASSES, names["probabilities"][0], strict=True))
    assert found == pytest.approx(walked.probabilities, abs=1e-7)


@pytest.mark.long
def test_chromium_answers_as_predict_does_by_onnx_runtime_web_and_in_the_page_of_the_run(
    walked: Walked, tmp_path: Path
) -> None:
    from playwright.sync_api import sync_playwright

    installed = ROOT / "node_modules"
    assert (installed / "onnxruntime-web").is_dir(), "run scripts/setup"
    assert commands("npm") == ["npm install onnxruntime-web"]
    (walked.exported / "node_modules").symlink_to(installed)
    walked.save("Browsers, images of any size", "classify.js")
    (walked.exported / "index.html").write_text(re.search(r"```html\n(.*?)```", SECTION, re.DOTALL)[1], "utf-8")
    (line,) = commands("python -m http.server")
    words = ["python", "-u", *shlex.split(line.replace("8080", "0"))[1:]]
    with subprocess.Popen(
        words, cwd=walked.exported, env=walked.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as files:
        try:
            address = re.search(r"http://[\d.:]+", files.stdout.readline())[0]
            with sync_playwright() as driver:
                chromium = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
                tab = chromium.new_page()
                tab.goto(address)
                tab.wait_for_load_state("networkidle")
                tab.set_input_files("input", walked.folder / "new.png")
                tab.wait_for_function("document.querySelector('output').textContent")
                name, probability = tab.locator("output").inner_text().split()
                assert name == walked.name
                assert float(probability) == pytest.approx(walked.probabilities[name], abs=1e-5)
                tab.goto((walked.folder / "runs" / "photos" / "page.html").as_uri())
                tab.wait_for_selector(".self-test[data-passed]")
                tab.set_input_files("#file", walked.folder / "new.png")
                tab.wait_for_url(re.compile("picture="))
                assert tab.locator(".prediction-class").first.inner_text() == walked.name
                shown = tab.locator(".prediction-probability").first.inner_text()
                assert float(shown.split()[0]) == pytest.approx(100 * walked.probabilities[walked.name], abs=0.1)
                chromium.close()
        finally:
            files.terminate()
