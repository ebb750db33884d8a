"""The README's words are held to the program."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_first_two_commands_are_the_ones_we_promise() -> None:
    assert "    pip install '.[train]' && convscope train " in README
    assert "    ./scripts/test " in README
    assert (ROOT / "scripts" / "test").stat().st_mode & 0o111


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`convscope ([a-z]+)", README))))
def test_every_command_that_the_readme_names_exists(convscope, tmp_path: Path, command: str) -> None:
    assert convscope(command, "--help", cwd=tmp_path).returncode == 0


def test_the_spec_file_in_the_readme_is_a_network(convscope, tmp_path: Path) -> None:
    text = re.search(r"```text\n(Conv2D.*?)```", README, re.DOTALL)
    assert text
    (tmp_path / "own.txt").write_text(text[1])
    assert convscope("summary", "own.txt", cwd=tmp_path).returncode == 0


def test_every_picture_and_page_that_the_readme_links_is_there() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_figures_in_the_pages_are_the_measured_ones() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "tables.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_wheel_holds_the_digits_and_works_outside_the_checkout(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", tmp_path, ROOT], check=True, capture_output=True)
    wheel = next(tmp_path.glob("convscope-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        digits = [entry for entry in archive.infolist() if "/mnist/" in entry.filename]
        assert sum(entry.compress_size for entry in digits) <= 10_000_000
        assert any(entry.filename.endswith("LICENSE.md") for entry in digits)
        archive.extractall(tmp_path / "site")
    code = "import convscope; print(convscope.__file__); print(convscope.load_data('mnist').test)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "site", capture_output=True, text=True)
    assert str(tmp_path / "site") in done.stdout and "10,000 images" in done.stdout, done.stderr
