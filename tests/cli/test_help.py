"""What a newcomer types first: help, the version, and slips of the fingers."""

import subprocess
import sys
from pathlib import Path

import pytest

from convscope import __version__
from convscope.cli.app import COMMANDS
from convscope.training.options import TrainOptions


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_says_what_it_does_and_shows_an_example(command: str, tmp_path: Path, convscope) -> None:
    done = convscope(command, "--help", cwd=tmp_path)
    purpose, example = COMMANDS[command]
    assert done.returncode == 0 and done.stderr == ""
    words = " ".join(done.stdout.split())
    assert f"Usage: convscope {command}" in words
    assert purpose in words
    assert f"Example: convscope {command} {example}" in words
    assert "--json" in words


@pytest.mark.parametrize("command", COMMANDS)
def test_every_parameter_of_a_command_has_words_in_its_help(command: str, tmp_path: Path, convscope) -> None:
    done = convscope(command, "--help", cwd=tmp_path, COLUMNS="200")
    options = [line for line in done.stdout.splitlines() if line.startswith("│") and "--" in line]
    assert options
    for line in options:
        assert len(line.strip("│ ").split("  ", 1)) == 2, f"no words for {line}"


def test_train_offers_every_training_option(tmp_path: Path, convscope) -> None:
    words = convscope("train", "--help", cwd=tmp_path).stdout
    for name in TrainOptions.__dataclass_fields__:
        assert f"--{name.replace('_', '-')}" in words


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]], ids=["nothing", "--help", "-h"])
def test_help_lists_every_command_and_the_first_steps(arguments: list[str], tmp_path: Path, convscope) -> None:
    done = convscope(*arguments, cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    for command, (purpose, _) in COMMANDS.items():
        assert f"│ {command}" in done.stdout and purpose.split(",")[0].split(":")[0] in done.stdout
    assert "First steps:  convscope train" in done.stdout


def test_the_version_is_one_line(tmp_path: Path, convscope) -> None:
    done = convscope("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["trian"], 'Did you mean "train"'),
        (["train", "--epoch", "3"], "Did you mean --epochs"),
        (["evaluate", "--part", "tests"], '"test"'),
        (["predict"], "PICTURES"),
        (["summary", "--colour"], "--colour"),
        (["train", "mnist", "mnist"], "mnist"),
    ],
    ids=["command", "option", "choice", "nothing given", "unknown", "too much"],
)
def test_a_slip_gives_a_line_or_two_with_a_suggestion(
    arguments: list[str], word: str, tmp_path: Path, convscope
) -> None:
    done = convscope(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0].startswith("convscope: ") and len(lines) <= 2
    assert word in done.stderr and "Traceback" not in done.stderr
    assert "convscope --help" in done.stderr


def test_the_program_is_installed_by_its_name(tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "convscope"
    done = subprocess.run([program, "--version"], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == f"{__version__}\n"


def test_nothing_is_coloured_where_there_is_no_terminal(tmp_path: Path, convscope) -> None:
    for arguments in (["--help"], ["data"], ["summary"]):
        assert "\x1b" not in convscope(*arguments, cwd=tmp_path).stdout


def test_the_words_are_utf_8_even_where_the_locale_is_poor(tmp_path: Path, convscope) -> None:
    done = convscope("summary", "classic", cwd=tmp_path, LC_ALL="C", LANG="C")
    assert done.returncode == 0 and "26×26×64" in done.stdout, done.stderr
