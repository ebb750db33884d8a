"""Pictures that are no digit, through the three doors: `predict`, the page and the server give none of them a class."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from conftest import PageResult
from PIL import Image
from serving.client import Served

from convscope.api.predict import predict
from convscope.data import mnist

UNKNOWN = "Unlike anything it was trained on"


def pictures() -> dict[str, tuple[np.ndarray, str]]:
    """Each picture with the answer that it should get."""
    rows, columns = np.mgrid[:28, :28]
    inside = (abs(rows - 13.5) < 10) & (abs(columns - 13.5) < 10)
    digits = 255 - mnist.load_part("test").pixels[:2, :, :, 0]
    noise = np.random.default_rng(0).integers(0, 256, (28, 28))
    return {
        "black": (np.zeros((28, 28)), "nothing"),
        "stripes": (np.where(inside & ((rows + columns) % 4 < 2), 255, 0), "unknown"),
        "white": (np.full((200, 100), 255), "nothing"),
        "two digits": (np.kron(np.hstack(list(digits)), np.ones((5, 5))), "several"),
        "gray": (np.full((28, 28), 90), "nothing"),
        "gradient": (np.linspace(0, 255, 64)[None].repeat(64, axis=0), "nothing"),
        "noise": (noise, "nothing"),
    }


def shown(page: PageResult) -> str:
    """What the page answers, in the words of `predict`."""
    if "2 digits found" in page.tab.evaluate("document.body.innerText"):
        return "several"
    said = page.text(".prediction-class")
    return {"No ink found": "nothing", UNKNOWN: "unknown"}.get(said, said)


def test_no_door_gives_a_class_to_what_is_none(
    show: Callable[..., PageResult], short_run: Path, tmp_path: Path
) -> None:
    files = {}
    for name, (pixels, _) in pictures().items():
        file = io.BytesIO()
        Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
        files[name] = tmp_path / f"{name}.png"
        files[name].write_bytes(file.getvalue())
    expected = {name: answer for name, (_, answer) in pictures().items()}

    said = {name: predict(path, run=short_run)[0] for name, path in files.items()}
    assert {name: one.answer for name, one in said.items()} == expected
    assert {name for name, one in said.items() if one.class_name is not None} == {"two digits"}
    assert said["two digits"].warnings == ("2 digits found",)

    server = Served(short_run, cwd=tmp_path)
    try:
        for name, path in files.items():
            answer = server.post("/predict", path.read_bytes()).json["images"][0]
            assert {**answer, "name": ""} == {**json.loads(json.dumps(said[name].to_json())), "name": ""}, name
        values = [path.read_bytes() for path in files.values()]
        data = b"".join(len(one).to_bytes(4, "little") + one for one in values)
        tensor = {"name": "image", "shape": [len(values)], "datatype": "BYTES"}
        asked = {"inputs": [tensor | {"parameters": {"binary_data_size": len(data)}}]}
        header = json.dumps(asked).encode()
        sent = server.post("/v2/models/run/infer", header + data, inference_header_content_length=str(len(header)))
        outputs = {one["name"]: one["data"] for one in sent.json["outputs"]}
        assert dict(zip(files, outputs["answer"], strict=True)) == expected
        assert outputs["known"] == [one.is_known for one in said.values()]
        stripes = list(files).index("stripes")
        assert outputs["score"][stripes] == said["stripes"].score and outputs["score"][0] == 1e9
        assert outputs["score_rank"][stripes] == np.float32(said["stripes"].score_rank)
    finally:
        server.stop()

    page = show(short_run / "page.html")
    for name, path in files.items():
        page.tab.set_input_files("#file", path)
        try:
            page.wait(ANSWERED[expected[name]])
        except Exception as error:
            raise AssertionError((name, shown(page))) from error
        page.tab.get_by_role("button", name="Clear (x)").click()
        page.wait("document.querySelector('.prediction-class').textContent === '–'")
    assert page.errors == []


ANSWERED = {
    "nothing": "document.querySelector('.prediction-class').textContent === 'No ink found'",
    "unknown": f"document.querySelector('.prediction-class').textContent === '{UNKNOWN}'",
    "several": "document.body.innerText.includes('2 digits found')",
}
"""What is true in the page when it has answered."""
