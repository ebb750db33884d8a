"""The README agrees with the program."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_first_two_commands_install_and_test() -> None:
    assert "    pip install '.[train]' && convscope train " in README
    assert "    ./scripts/test " in README
    assert (ROOT / "scripts" / "test").stat().st_mode & 0o111


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`convscope ([a-z]+)", README))))
def test_every_command_in_the_readme_exists(convscope, tmp_path: Path, command: str) -> None:
    assert convscope(command, "--help", cwd=tmp_path).returncode == 0


def test_the_spec_file_in_the_readme_is_a_network(convscope, tmp_path: Path) -> None:
    text = re.search(r"```text\n(Conv2D.*?)```", README, re.DOTALL)
    assert text
    (tmp_path / "own.txt").write_text(text[1])
    assert convscope("summary", "own.txt", cwd=tmp_path).returncode == 0


def test_every_link_of_the_readme_leads_to_a_file() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_tables_agree_with_the_measured_figures() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "tables.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
