"""The documentation agrees with the program: links, generated parts, terms, the API reference, and every command."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import convscope
from convscope.cli.app import COMMANDS
from convscope.data.mnist import load_part
from convscope.explanation.saliency import EXPLAINERS
from convscope.model.checks import ACTIVATIONS
from convscope.model.layers import LAYERS
from convscope.training.options import OPTIMIZERS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
WALK = ("index", "train", "see", "understand", "images", "measured")
"""The pages in reading order; later commands use files written by earlier ones."""

WORDS_OF_THE_PAGE = (
    "accuracy", "class", "confusion matrix", "epoch", "filter", "interval",
    "learning rate", "logit", "loss", "padding", "precision", "recall", "receptive field", "stride", "temperature",
    "validation", "bias", "kernel", "window", "activation", "parameter", "occlusion", "gradient",
    "seed", "probability", "preprocessing", "label", "pixel", "channel", "weight",
)  # fmt: skip
"""Terms used in the HTML page; a test checks that each still occurs there."""


def glossary() -> set[str]:
    return {
        term.lower() for term in re.findall(r"^- \*\*(.+?)\*\*: ", (DOCS / "glossary.md").read_text(), re.MULTILINE)
    }


def test_sphinx_builds_without_warnings_and_reports_dead_links(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="it comes with the check group")
    build = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    copy = shutil.copytree(DOCS, tmp_path / "docs")
    done = subprocess.run([*build, copy, tmp_path / "site"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="https?://(?!(www\.sphinx-doc\.org|pradyunsg\.me|github\.com))', html)
    reference = (tmp_path / "site" / "api.html").read_text(encoding="utf-8")
    assert [name for name in convscope.__all__ if f'"convscope.{name}' not in reference] == []
    assert "Fraction of final steps to average weights over" in reference, "the options of train have their help texts"
    with (copy / "see.md").open("a", encoding="utf-8") as page:
        page.write("\n[nowhere](images.md#nowhere)\n")
    done = subprocess.run([*build, copy, tmp_path / "site"], capture_output=True, text=True)  # reads one page again
    assert done.returncode != 0 and "nowhere" in done.stderr, "a dead link is reported"


@pytest.mark.parametrize("script", ["scripts/cli_reference", "scripts/keras_files", "benchmarks/tutorial_checked.py"])
def test_generated_pages_are_up_to_date(script: str) -> None:
    done = subprocess.run([sys.executable, ROOT / script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_command_is_in_the_reference() -> None:
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert re.findall(r"^## convscope (\w+)$", text, re.MULTILINE) == list(COMMANDS)


def test_every_figure_has_alt_text_and_every_page_is_in_the_toctree() -> None:
    toctree = re.search(r"```\{toctree\}(.*?)```", (DOCS / "index.md").read_text(), re.DOTALL)[1].split()
    assert {f"{name}.md" for name in toctree if name != ":hidden:"} | {"index.md"} == {
        p.name for p in DOCS.glob("*.md")
    }
    for page in DOCS.glob("*.md"):
        for alt, target in re.findall(r"!\[(.*?)\]\((.*?)\)", page.read_text(encoding="utf-8")):
            assert len(alt) > 20 and (DOCS / target).is_file(), (page.name, target)


def test_the_glossary_has_every_term() -> None:
    terms = glossary()
    ours = {
        *LAYERS,
        *ACTIVATIONS,
        *OPTIMIZERS,
        *(explainer.title for explainer in EXPLAINERS.values()),
        *WORDS_OF_THE_PAGE,
    }
    missing = {term for term in ours if term.lower() not in terms and term.lower().replace(" ", "-") not in terms}
    assert missing == set()


@pytest.mark.parametrize("word", WORDS_OF_THE_PAGE)
def test_the_terms_of_the_page_occur_in_it(word: str) -> None:
    sources = (ROOT / "src" / "convscope" / "web").rglob("*.js")
    assert any(word in source.read_text(encoding="utf-8").lower().replace("_", " ") for source in sources)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, shapes_folder: Path) -> Path:
    """A folder with the files that the pages use: a folder of images, an image, a digit, and a network."""
    folder = tmp_path_factory.mktemp("walk")
    shutil.copytree(shapes_folder, folder / "my-photos")
    shutil.copy(next((folder / "my-photos").rglob("*.png")), folder / "photo.png")
    digit = Image.fromarray(255 - load_part("test").pixels[0, :, :, 0]).resize((280, 280))
    digit.save(folder / "digit.png")
    digit.save(folder / "page.jpg")
    (folder / "photos").mkdir()
    for path in sorted((folder / "my-photos").rglob("*-0[0-2].png")):
        shutil.copy(path, folder / "photos")
    text = re.search(r"```text\n(Conv2D.*?)```", (DOCS / "train.md").read_text(encoding="utf-8"), re.DOTALL)
    (folder / "mine.txt").write_text(text[1])
    return folder


@pytest.mark.long
def test_every_command_in_the_pages_runs(place: Path, convscope) -> None:
    ran = 0
    for name in WALK:
        for block in re.findall(r"```sh\n(.*?)```", (DOCS / f"{name}.md").read_text(encoding="utf-8"), re.DOTALL):
            for line in block.strip().splitlines():
                program, *words = shlex.split(line)
                assert program == "convscope"
                done = convscope(*words, cwd=place)
                assert done.returncode == 0, f"{name}.md: {line}\n{done.stderr}"
                ran += 1
    assert ran > 15
    for made in ("network.html", "window.svg", "edges.png", "pooling.gif", "play.html", "why.png", "seen.png"):
        assert (place / made).stat().st_size > 1000, made


def test_the_output_shown_in_the_pages_is_what_is_printed(tmp_path: Path, convscope) -> None:
    shown = re.search(r"```text\n(input .*?)```", (DOCS / "understand.md").read_text(encoding="utf-8"), re.DOTALL)[1]
    assert convscope("conv", cwd=tmp_path).stdout.startswith(shown)
