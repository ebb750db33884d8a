"""What a newcomer types first: help, the version, misspelt words, and the options that every command has."""

import inspect
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest

from convscope import __version__
from convscope.cli.app import COMMANDS, EXIT_CODES, GROUPS, RENAMED
from convscope.cli.parameters import with_options
from convscope.training.option import OPTIMIZATION, Option, option_fields
from convscope.training.options import TrainOptions


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_has_its_purpose_an_example_and_what_every_command_takes(
    command: str, tmp_path: Path, convscope
) -> None:
    done = convscope(command, "--help", cwd=tmp_path)
    about = COMMANDS[command]
    assert done.returncode == 0 and done.stderr == ""
    words = " ".join(done.stdout.split())
    assert f"Usage: convscope {command}" in words
    assert about.purpose in words
    assert f"Example: convscope {command} {about.example}" in words
    for option in ("--json", "--quiet", "--verbose"):
        assert option in words


@pytest.mark.parametrize("command", COMMANDS)
def test_every_parameter_of_a_command_has_help(command: str, tmp_path: Path, convscope) -> None:
    done = convscope(command, "--help", cwd=tmp_path, COLUMNS="200")
    options = [line for line in done.stdout.splitlines() if line.startswith("│") and "--" in line]
    assert options
    for line in options:
        assert len(line.strip("│ ").split("  ", 1)) == 2, f"no help for {line}"


def test_train_offers_every_training_option_with_its_help(tmp_path: Path, convscope) -> None:
    lines = convscope("train", "--help", cwd=tmp_path, COLUMNS="300").stdout.splitlines()
    for field in option_fields(TrainOptions):
        (line,) = (line for line in lines if re.match(rf"│ (\w+ )?{field.flag} ", line))
        if field.name != "data":  # the positional argument has help of its own
            assert field.option.help.removesuffix(".") in line
        assert all(choice in line for choice in field.option.choices)


@dataclass(frozen=True)
class MoreOptions(TrainOptions):
    """The options, and one more."""

    momentum: Annotated[float | None, Option("Momentum.", OPTIMIZATION, 0, 0.99)] = None


def test_a_new_field_is_a_new_option_of_the_command_line() -> None:
    def command(data: str = "", **options: Any) -> None:
        """A command."""

    parameters = inspect.signature(with_options(command, MoreOptions, skipped=("data",))).parameters
    assert set(parameters) == {field.name for field in option_fields(MoreOptions)}
    kind, about = parameters["momentum"].annotation.__args__[0], parameters["momentum"].annotation.__metadata__[0]
    assert kind == float | None and about.help == "Momentum (0 to 0.99)."


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]], ids=["nothing", "--help", "-h"])
def test_help_groups_the_commands_and_has_first_steps_and_exit_codes(
    arguments: list[str], tmp_path: Path, convscope
) -> None:
    done = convscope(*arguments, cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    heads = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("╭")]
    assert [" ".join(head[:-1]) for head in heads] == list(GROUPS)
    for name, command in COMMANDS.items():
        panel = done.stdout.partition(f"╭─ {command.group} ")[2].partition("╰")[0]
        assert f"│ {name} " in panel
    assert "First steps:  convscope train" in done.stdout
    assert all(str(code) in done.stdout.partition("Exit codes:")[2] for code in (0, 1, 2, 70)), EXIT_CODES


def test_the_version_is_one_line(tmp_path: Path, convscope) -> None:
    done = convscope("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["trian"], 'Did you mean "train"'),
        (["train", "--epoch", "3"], "Did you mean --epochs"),
        (["train", "--optimizer", "adma"], "adam"),
        (["evaluate", "--part", "tests"], '"test"'),
        (["predict"], "IMAGES"),
        (["summary", "--colour"], "--colour"),
        (["train", "mnist", "mnist"], "mnist"),
    ],
    ids=["command", "option", "choice of an option", "choice", "nothing given", "unknown", "too much"],
)
def test_a_misspelt_word_gives_a_line_or_two_with_a_suggestion(
    arguments: list[str], word: str, tmp_path: Path, convscope
) -> None:
    done = convscope(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0].startswith("convscope: ") and len(lines) <= 2
    assert word in done.stderr and "Traceback" not in done.stderr
    assert "convscope --help" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ("predict a.png --show b.png", "--out"),
        ("evaluate --pictures figures", "--out"),
        ("data check --with run", "--run"),
        ("summary --classes 4", "--num-classes"),
    ],
)
def test_a_renamed_option_is_refused_with_its_new_name(arguments: str, name: str, tmp_path: Path, convscope) -> None:
    done = convscope(*arguments.split(), cwd=tmp_path)
    assert done.returncode == 2 and f"is {name}." in done.stderr and name in RENAMED.values()


@pytest.mark.parametrize("command", ["predict", "explain"])
def test_a_run_given_as_an_image_is_refused_with_the_option(command: str, tmp_path: Path, convscope, short_run) -> None:
    done = convscope(command, short_run, "mnist:3", "--run", short_run, cwd=tmp_path)
    assert done.returncode == 2 and f"--run {short_run}" in done.stderr


def test_the_program_is_installed_by_its_name(tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "convscope"
    done = subprocess.run([program, "--version"], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == f"{__version__}\n"


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}], ids=["plain", "NO_COLOR"])
def test_results_have_no_color_where_there_is_no_terminal(environment: dict, tmp_path: Path, convscope) -> None:
    for arguments in (["data"], ["summary"], ["--help"]):
        assert "\x1b" not in convscope(*arguments, cwd=tmp_path, **environment).stdout


def test_forced_color_changes_neither_json_nor_words(tmp_path: Path, convscope) -> None:
    plain, forced = (convscope("summary", cwd=tmp_path, **more) for more in ({}, {"FORCE_COLOR": "1"}))
    assert re.sub(r"\x1b\[[0-9;]*m", "", forced.stdout).split() == plain.stdout.split()
    assert "\x1b" not in convscope("summary", "--json", cwd=tmp_path, FORCE_COLOR="1").stdout


def test_the_words_are_utf_8_even_where_the_locale_is_poor(tmp_path: Path, convscope) -> None:
    done = convscope("summary", "classic", cwd=tmp_path, LC_ALL="C", LANG="C")
    assert done.returncode == 0 and "26×26×64" in done.stdout, done.stderr


def test_quiet_and_verbose_exclude_each_other(tmp_path: Path, convscope) -> None:
    done = convscope("data", "--quiet", "--verbose", cwd=tmp_path)
    assert done.returncode == 2 and "--quiet or --verbose" in done.stderr and done.stdout == ""


def test_verbose_adds_versions_and_times_on_stderr_only(tmp_path: Path, convscope) -> None:
    plain, detailed = (convscope("data", *more, cwd=tmp_path) for more in ([], ["--verbose"]))
    assert detailed.stdout == plain.stdout and plain.stderr == ""
    assert f"convscope {__version__}, Python 3." in detailed.stderr and "numpy " in detailed.stderr
    assert detailed.stderr.splitlines()[-1].endswith(" s")


def test_an_internal_error_is_one_line_and_with_verbose_a_traceback(tmp_path: Path, monkeypatch, capfd) -> None:
    from convscope.cli.app import main
    from convscope.data import readers

    def broken() -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(readers, "describe_sources", broken)
    assert main(["data"]) == 70
    told = capfd.readouterr().err
    assert told.startswith("convscope: internal error: ZeroDivisionError: a bug\n") and "Traceback" not in told
    assert "--verbose" in told
    assert main(["data", "--verbose"]) == 70
    told = capfd.readouterr().err
    assert "Traceback" in told and "in broken" in told and "internal error: ZeroDivisionError: a bug" in told


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_installed_into_the_home_folder(shell: str, tmp_path: Path, convscope) -> None:
    home = {"HOME": str(tmp_path), "ZSH": "", "ZSH_CUSTOM": "", "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": ""}
    done = convscope("--install-completion", "--shell", shell, cwd=tmp_path, **home)
    assert done.returncode == 0, done.stderr
    path = Path(done.stdout.split()[1])
    script = path.read_text(encoding="utf-8")
    assert path.is_relative_to(tmp_path)
    for word in ("train", "explain", "epochs", "label-smoothing", "muon", "run", "quiet"):
        assert word in script
    startup = {"bash": ".bashrc", "zsh": ".zshrc"}
    if shell in startup:
        assert (
            str(path) in (tmp_path / startup[shell]).read_text()
            or path.parent.name in (tmp_path / startup[shell]).read_text()
        )


def test_the_bash_completion_completes_commands_and_options(tmp_path: Path, convscope) -> None:
    assert convscope("--install-completion", "--shell", "bash", cwd=tmp_path, HOME=str(tmp_path)).returncode == 0
    (script,) = (path for path in tmp_path.rglob("convscope*") if path.is_file())
    ask = f"""
    source {script}
    COMP_WORDS=(convscope train --opt); COMP_CWORD=2
    function_name=$(complete -p convscope | sed 's/.*-F \\([^ ]*\\).*/\\1/')
    $function_name
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, cwd=tmp_path)
    assert "--optimizer" in done.stdout, (done.stdout, done.stderr)
