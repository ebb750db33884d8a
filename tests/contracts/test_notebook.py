"""The lesson: it runs, its stored outputs are whole, and every picture in it has words."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="it comes with the test group")
nbclient = pytest.importorskip("nbclient", reason="it comes with the test group")

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "convolutional_neural_networks.ipynb"


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


def shown(notebook) -> list[str]:
    """The HTML that the cells show."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return ["".join(output["data"]["text/html"]) for output in outputs if "text/html" in output.get("data", {})]


@pytest.mark.long
def test_the_lesson_runs_from_top_to_bottom() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts" / "notebook"], capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-2000:]
    assert re.fullmatch(r"\d+ s\n", done.stdout)


def test_it_is_stored_with_its_outputs_in_order_and_without_errors(notebook) -> None:
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    kinds = {output.output_type for cell in code for output in cell.outputs}
    assert "error" not in kinds and len(shown(notebook)) >= 15
    assert NOTEBOOK.stat().st_size < 3_000_000


def test_every_picture_has_words(notebook) -> None:
    class Reader(HTMLParser):
        pictures = 0

        def handle_starttag(self, tag: str, attributes: list) -> None:
            words = {"img": "alt", "svg": "aria-label", "iframe": "title"}.get(tag)
            if words:
                self.pictures += 1
                assert len(dict(attributes).get(words, "")) > 10, (tag, attributes)

    reader = Reader()
    for text in shown(notebook):
        reader.feed(text)
    assert reader.pictures > 12
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert not any(kind.startswith("image/") for kind in output.get("data", {})), "a picture without words"


def test_it_tells_nothing_of_the_machine_it_ran_on(notebook) -> None:
    text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", "".join(shown(notebook)))
    assert not re.search(r"/(home|root|tmp|Users|work)/", text)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr", output.text[:200]
            plain = "".join(output.get("data", {}).get("text/plain", "")) + output.get("text", "")
            assert not re.search(r"/(home|root|tmp|Users|work)/", plain)


def test_each_of_the_five_experiments_can_be_answered(notebook) -> None:
    asking = [cell.source for cell in notebook.cells if cell.source.startswith("answer = None")]
    assert len(asking) == 5 and all(re.search(r"check\(\s*answer,", source) for source in asking)
    code = next(cell.source for cell in notebook.cells if cell.source.startswith("def check("))
    said: list[str] = []
    scope: dict = {"print": said.append}
    exec(compile(code, "check", "exec"), scope)
    for answer in (None, 10, 11):
        scope["check"](answer, 10, "because")
    assert said[0] == "Not answered yet." and said[1].startswith("Right: 10.") and said[2].startswith("Not 11.")


@pytest.mark.long
def test_four_lines_train_a_network_and_show_a_prediction_and_an_explanation(tmp_path: Path) -> None:
    block = re.search(
        r"```python\n(import convscope as cs\n.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL
    )
    assert block
    lines = [line for line in block[1].splitlines() if line.strip()]
    assert len(lines) == 4
    text = "\n".join(lines).replace('"photo.jpg"', '"mnist:0"').replace('model="quick"', 'model="quick", epochs=0.05')
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(line) for line in text.splitlines()])
    nbclient.NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    prediction, explanation = (
        ["".join(one["data"].get("text/html", "")) for one in cell.outputs if "data" in one]
        for cell in notebook.cells[2:]
    )
    assert "<img alt=" in prediction[-1] and "mnist:0" in prediction[-1]
    assert "Integrated gradients" in explanation[-1] and explanation[-1].count("<img") > 5
