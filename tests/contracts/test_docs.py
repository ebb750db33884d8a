"""The pages are held to the program: links, generated parts, terms, and every command as it is written."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from PIL import Image

from convscope.cli.app import COMMANDS
from convscope.data.mnist import load_part
from convscope.explanation.saliency import EXPLAINERS
from convscope.model.checks import ACTIVATIONS
from convscope.model.layers import LAYERS
from convscope.training.options import OPTIMIZERS, TrainOptions

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
WALK = ("index", "train", "see", "understand", "images", "measured")
"""The pages in the order in which a newcomer walks them; later commands use what earlier ones made."""

WORDS_OF_THE_PAGE = (
    "accuracy", "class", "confusion matrix", "epoch", "filter", "interval",
    "learning rate", "logit", "loss", "padding", "precision", "recall", "receptive field", "stride", "temperature",
    "validation split", "bias", "kernel", "window", "activation", "parameter", "occlusion", "gradient",
    "seed", "probability", "preprocessing", "label", "pixel", "channel", "weight",
)  # fmt: skip
"""Terms that somebody meets in the HTML page; each must really be there, so that the list does not rot."""


def glossary() -> set[str]:
    return {
        term.lower() for term in re.findall(r"^- \*\*(.+?)\*\*: ", (DOCS / "glossary.md").read_text(), re.MULTILINE)
    }


def test_sphinx_finds_no_dead_link_and_nothing_else_to_warn_of(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="it comes with the check group")
    build = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    done = subprocess.run([*build, DOCS, tmp_path / "site"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="https?://(?!(www\.sphinx-doc\.org|pradyunsg\.me|github\.com))', html)
    copy = shutil.copytree(DOCS, tmp_path / "docs")
    with (copy / "see.md").open("a", encoding="utf-8") as page:
        page.write("\n[nowhere](images.md#nowhere)\n")
    done = subprocess.run([*build, copy, tmp_path / "other"], capture_output=True, text=True)
    assert done.returncode != 0 and "nowhere" in done.stderr, "a dead link would be told"


@pytest.mark.parametrize("script", ["scripts/cli_reference", "benchmarks/tutorial_checked.py"])
def test_what_is_generated_is_fresh(script: str) -> None:
    done = subprocess.run([sys.executable, ROOT / script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_command_has_its_place_in_the_reference() -> None:
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert re.findall(r"^## convscope (\w+)$", text, re.MULTILINE) == list(COMMANDS)


def test_every_picture_has_words_and_every_page_is_reached() -> None:
    toctree = re.search(r"```\{toctree\}(.*?)```", (DOCS / "index.md").read_text(), re.DOTALL)[1].split()
    assert {f"{name}.md" for name in toctree if name != ":hidden:"} | {"index.md"} == {
        p.name for p in DOCS.glob("*.md")
    }
    for page in DOCS.glob("*.md"):
        for words, target in re.findall(r"!\[(.*?)\]\((.*?)\)", page.read_text(encoding="utf-8")):
            assert len(words) > 20 and (DOCS / target).is_file(), (page.name, target)


def test_the_glossary_has_every_term() -> None:
    terms = glossary()
    ours = {*LAYERS, *ACTIVATIONS, *OPTIMIZERS, *(name.replace("_", " ") for name in EXPLAINERS), *WORDS_OF_THE_PAGE}
    missing = {term for term in ours if term.lower() not in terms and term.lower().replace(" ", "-") not in terms}
    assert missing == set()


def test_the_glossary_tells_what_each_option_of_a_training_does() -> None:
    text = (DOCS / "glossary.md").read_text(encoding="utf-8").lower()
    left_out = {
        "data",
        "model",
        "muon_learning_rate",
        "validation_fraction",
        "test_fraction",
        "size",
        "epochs",
        "optimizer",
    }
    for option in fields(TrainOptions):
        if option.name not in left_out:
            words = option.name.replace("_", " ").removesuffix("en")
            assert words in text or option.name in text or words.replace("warmup", "warm-up") in text, option.name


@pytest.mark.parametrize("word", WORDS_OF_THE_PAGE)
def test_the_words_of_the_page_are_really_there(word: str) -> None:
    sources = (ROOT / "src" / "convscope" / "web").rglob("*.js")
    assert any(word in source.read_text(encoding="utf-8").lower().replace("_", " ") for source in sources)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, shapes_folder: Path) -> Path:
    """A folder with what the pages speak of: pictures of one's own, and a digit."""
    folder = tmp_path_factory.mktemp("walk")
    shutil.copytree(shapes_folder, folder / "my-photos")
    shutil.copy(next((folder / "my-photos").rglob("*.png")), folder / "photo.png")
    Image.fromarray(255 - load_part("test").pixels[0, :, :, 0]).resize((280, 280)).save(folder / "digit.png")
    text = re.search(r"```text\n(Conv2D.*?)```", (DOCS / "train.md").read_text(encoding="utf-8"), re.DOTALL)
    (folder / "mine.txt").write_text(text[1])
    return folder


def test_every_command_of_the_pages_runs_as_it_is_written(place: Path, convscope) -> None:
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


def test_the_output_in_the_pages_is_what_is_printed(tmp_path: Path, convscope) -> None:
    shown = re.search(r"```text\n(input .*?)```", (DOCS / "understand.md").read_text(encoding="utf-8"), re.DOTALL)[1]
    assert convscope("conv", cwd=tmp_path).stdout.startswith(shown)
