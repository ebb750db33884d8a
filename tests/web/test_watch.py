"""The page that follows a training: served to this machine only, from the files of the run folder."""

from __future__ import annotations

import base64
import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import bundle_of, make_data, make_model, write_page

from convscope.api.watch import make_server, training_state, watch
from convscope.errors import RunError
from convscope.model.spec_parser import parse
from convscope.training.checkpoint import FOLDER, Checkpoint, delete_checkpoints, save_checkpoint
from convscope.training.moments import MOMENTS_FILE, MomentRecorder, write_moments

LINES = """
Conv2D(5, 3, use_bias=False)
BatchNormalization()
ReLU()
Flatten()
Dense(num_classes, activation="softmax")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "run" / FOLDER).mkdir(parents=True)
    return tmp_path / "run"


def model():
    return make_model(parse(LINES, input_shape=(8, 8, 1), num_classes=3))


def take_steps(folder: Path, step: int) -> dict[str, np.ndarray]:
    """Write what a training has in its folder after some of its 40 steps; its loss is 1/1, 1/2, 1/3, …"""
    made = model()
    trainable = [value for name, value in made.weights.items() if "moving" not in name]
    state = {f"weight/{index}": value * np.float32(step) for index, value in enumerate(trainable)}
    losses = (1 / np.arange(1, step + 1)).astype(np.float32)
    measured = {10: (0.5, 0.75)} if step >= 10 else {}
    save_checkpoint(Checkpoint(step, state, losses, measured, 1.0, {"network": made.spec.to_json()}), folder / FOLDER)
    recorder = MomentRecorder(40, 20)
    recorder.record(0, made.weights)
    write_moments(recorder.moments(), folder / FOLDER / MOMENTS_FILE)
    return dict(made.weights)


@pytest.fixture
def served(folder: Path) -> Iterator[str]:
    server = make_server(folder)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def answer(host: str, path: str, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.request("GET", path, headers=headers)
    found = connection.getresponse()
    text = found.read().decode()
    connection.close()
    return found.status, text


def test_the_state_is_that_of_the_last_checkpoint(folder: Path) -> None:
    assert training_state(folder)["outcome"] == "waiting"
    weights = take_steps(folder, 12)
    state = json.loads(json.dumps(training_state(folder)))
    assert (state["outcome"], state["step"], state["total_steps"]) == ("training", 12, 40)
    assert [row["epoch"] for row in state["history"]] == pytest.approx([step / 20 for step in range(1, 13)])
    assert [row["loss"] for row in state["history"]] == pytest.approx([1 / step for step in range(1, 13)])
    assert [row["validation_accuracy"] for row in state["history"] if row["validation_accuracy"]] == [0.75]
    kernel = state["kernel"]["weights"]["conv2d/kernel"]
    shown = np.frombuffer(base64.b64decode(kernel["base64"]), "<f4").reshape(kernel["shape"])
    assert np.array_equal(shown, weights["conv2d/kernel"] * 12)


def test_a_damaged_checkpoint_is_waited_out(folder: Path) -> None:
    take_steps(folder, 5)
    assert training_state(folder)["step"] == 5
    next((folder / FOLDER).glob("step-*")).write_bytes(b"half")
    assert training_state(folder)["outcome"] == "waiting"


def test_only_this_machine_is_answered_and_only_known_paths(served: str) -> None:
    assert answer(served, "/")[0] == 200 and answer(served, "/state.json")[0] == 200
    assert answer(served, "/state.json", Host="evil.example")[0] == 403
    assert answer(served, "/state.json", Host=f"evil.example:{served.split(':')[1]}")[0] == 403
    for path in ("/run.json", "/../model.safetensors", "/page.html", "//etc/passwd"):
        assert answer(served, path)[0] == 404, path


def test_the_page_follows_the_training_and_becomes_the_page_of_the_run(tabs, folder: Path, served: str) -> None:
    with tabs.lent() as open_tab:
        tab = open_tab()
        errors: list[str] = []
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(f"http://{served}/")
        assert "Waiting" in tab.locator("[role=status]").inner_text()
        take_steps(folder, 6)
        tab.wait_for_selector("text=Step 6 of 40")
        assert tab.locator(".kernel canvas").count() == 5 and tab.locator(".evaluation-chart").count() >= 1
        take_steps(folder, 20)
        tab.wait_for_selector("text=Step 20 of 40, validation accuracy 75.0 %")
        made = model()
        write_page(bundle_of(made, make_data(made)), folder / "page.html")
        (folder / "run.json").write_text("{}")
        delete_checkpoints(folder)
        tab.wait_for_selector(".self-test[data-passed=true]")
        assert tab.url.endswith("/page.html") and errors == []


def test_what_cannot_be_watched_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="Expected a run below runs/"):
        watch(browser=False)
    with pytest.raises(RunError, match="Expected the folder of a run"):
        watch("nowhere", browser=False)
    with pytest.raises(RunError, match="Expected a free port"):
        make_server(tmp_path, int(served.split(":")[1]))
