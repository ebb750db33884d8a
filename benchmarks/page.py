"""The page in headless Chromium: size, first paint, forward pass, difference from TensorFlow.

    python benchmarks/page.py

Trains `quick` as it is and `classic` for one epoch, opens their pages from disk, and writes docs/figures/page.json.
"""

from __future__ import annotations

import base64
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, sync_playwright
from record import write

from convscope.arrays import to_images
from convscope.data.mnist import load_part
from convscope.model.build import build, set_weights
from convscope.model.model_file import load_model

OPENINGS = 7
IMAGES = 1000
CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
CHROMIUM += ["--disable-component-update", "--disable-sync"]

FORWARD = """async ([text, shape]) => {
  const { read_bundle, unpack_all } = load_module("#web/core/bundle.js");
  const { prepare } = load_module("#web/core/forward.js");
  const bundle = read_bundle(document.getElementById("bundle").textContent);
  const engine = prepare(bundle.network, unpack_all(bundle.weights));
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const pixels = new Float32Array(bytes.buffer);
  const size = shape[1] * shape[2] * shape[3];
  const logits = [], times = [];
  for (let n = 0; n < shape[0]; n++) {
    const image = { shape: shape.slice(1), data: pixels.slice(n * size, (n + 1) * size) };
    const began = performance.now();
    const seen = engine.run(image);
    times.push(performance.now() - began);
    logits.push([...seen.logits]);
  }
  return { logits, times };
}"""


def measure(browser: Browser, folder: Path, run: str) -> dict[str, float]:
    program = [str(Path(sys.executable).with_name("convscope")), "open", run, "--no-browser"]
    writes = []
    for _ in range(OPENINGS):
        began = time.perf_counter()
        subprocess.run(program, cwd=folder, check=True, capture_output=True)
        writes.append(time.perf_counter() - began)
    file = folder / run / "page.html"
    first, proven, requests = [], [], []
    for _ in range(OPENINGS):
        tab = browser.new_context().new_page()
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(file.as_uri())
        tab.wait_for_selector(".self-test[data-passed=true]")
        painted = tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        first.append(max(painted, float(tab.evaluate("document.documentElement.dataset.drawn"))))
        proven.append(float(tab.evaluate("document.documentElement.dataset.proven")))
        tab.close()
    tab = browser.new_page()
    tab.goto(file.as_uri())
    model = load_model(folder / run / "model.safetensors")
    images = to_images(load_part("test").pixels[:IMAGES])
    sent = [base64.b64encode(images.tobytes()).decode(), list(images.shape)]
    answer = tab.evaluate(FORWARD, sent)
    tab.close()
    keras_model = build(model.spec, output="logits")
    set_weights(keras_model, model.weights)
    theirs = keras_model.predict(images, batch_size=100, verbose=0)
    ours = np.array(answer["logits"])
    return {
        "size_mb": file.stat().st_size / 1e6,
        "open_seconds": statistics.median(writes),
        "first_picture_ms": statistics.median(first),
        "proof_ms": statistics.median(proven),
        "forward_ms": statistics.median(answer["times"]),
        "largest_difference": float(np.abs(ours - theirs).max()),
        "other_class": int((ours.argmax(axis=1) != theirs.argmax(axis=1)).sum()),
        "requests_beyond_the_file": sum(not url.startswith(("file:", "data:", "blob:")) for url in requests),
    }


def main() -> None:
    program = str(Path(sys.executable).with_name("convscope"))
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        folder, summary = Path(name), {}
        for preset, epochs in (("quick", "1"), ("classic", "1")):
            train = [program, "train", "--model", preset, "--epochs", epochs, "--out", preset]
            subprocess.run(train, cwd=folder, check=True, capture_output=True)
            figures = measure(browser, folder, preset)
            summary |= {f"{preset}_{figure}": value for figure, value in figures.items()}
        version = browser.version
        browser.close()
    write("page", {"chromium": version, "openings": OPENINGS, "images": IMAGES, "summary": summary})


if __name__ == "__main__":
    main()
