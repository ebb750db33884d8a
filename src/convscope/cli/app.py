"""The program ``convscope``: its commands, its exit codes, and its last line of defence."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
from collections.abc import Sequence
from typing import NoReturn

from cyclopts import App, CycloptsError, Parameter

from convscope import __version__
from convscope.cli.output import tell
from convscope.errors import ConvscopeError

INTERRUPTED = 130
TERMINATED = 143
BUG = 70

app = App(
    name="convscope",
    help="Train a convolutional network from scratch, see through it, hand it over.",
    help_epilogue="First steps:  convscope train   then   convscope predict your-digit.png",
    version=__version__,
    default_parameter=Parameter(negative=()),
    help_format="plaintext",
)
COMMANDS = {
    "train": ("Train a network from scratch and say how good it is.", "my-photos --model quick --epochs 5 --size 32"),
    "evaluate": (
        "Measure a trained network: accuracy with its interval, what it confuses, how far to trust it.",
        "runs/20260101-120000-quick --pictures figures",
    ),
    "open": (
        "Write a trained network as one HTML file that works offline, and show it.",
        "runs/20260101-120000-quick --out network.html",
    ),
    "predict": ("Say what is on a picture.", "photo.jpg --show seen.png"),
    "explain": (
        "Show what a network does with a picture, and why, and how far to trust each answer.",
        "runs/20260101-120000-quick photo.jpg --out why.png",
    ),
    "import": (
        "Read a model that Keras saved, without executing it, into a run of its own.",
        "model.keras --data mnist",
    ),
    "summary": (
        "Draw a network's table: shapes, parameters, multiply-adds, receptive field.",
        "classic --out classic.png",
    ),
    "conv": (
        "Slide a window over pixels: convolution and pooling, number by number.",
        "--padding same --strides 2 --out window.gif",
    ),
    "data": ("List what can be trained on, or describe one data set.", "my-photos"),
}
"""Name to purpose and example; written here so that ``--help`` imports no command."""

NARROWEST = 20
"""Columns of a terminal that help can be laid out for."""

HOMES = {"import": "import_keras"}
"""Where a command's name is a word that Python keeps for itself."""

FAMILIES = ("data",)
"""Commands with commands of their own; their modules say so."""


def _example(verb: str, words: str) -> str:
    return f"Example:  convscope {verb} {words}"


for verb, (purpose, example) in COMMANDS.items():
    home = HOMES.get(verb, verb)
    if verb in FAMILIES:
        app.command(f"convscope.cli.{home}:commands", name=verb, help=purpose)
    else:
        app.command(f"convscope.cli.{home}:{home}", name=verb, help=purpose, help_epilogue=_example(verb, example))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Without the program's name; None takes the process's own.

    Returns:
        0 done, 1 an error that has a name, 2 wrong usage, 70 a defect of ours, 130 Ctrl-C, 143 SIGTERM.
    """
    try:
        result = app(
            list(arguments) if arguments is not None else None,
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
        sys.stdout.flush()  # here, where a full disk or a reader that has gone still has its answer below
        return result if isinstance(result, int) else 0
    except CycloptsError as error:
        return _complain(_sentence(error), hint="See convscope --help.", code=2)
    except ConvscopeError as error:
        return _complain(super(ConvscopeError, error).__str__(), hint=error.hint, code=error.exit_code)
    except KeyboardInterrupt:
        return _complain("interrupted.", code=INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has gone, as in `convscope data | head`; nobody is left to be told.
        _forget_stdout()
        return 0
    except OSError as error:
        _forget_stdout()
        return _complain(f"{error.filename or 'a file'}: {error.strerror or error}.", code=1)
    except MemoryError:
        return _complain("there is not enough memory for this.", hint="Use fewer or smaller images.", code=1)
    except Exception as error:
        if os.environ.get("CONVSCOPE_DEBUG"):
            raise
        what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return _complain(
            f"a defect of convscope, not of your input: {what}",
            hint="Please report it; CONVSCOPE_DEBUG=1 shows where it happened.",
            code=BUG,
        )


def program(arguments: Sequence[str] | None = None) -> NoReturn:
    """`main` as a process: it ends with the exit code.

    TensorFlow takes most of a second to take itself apart at exit. Every file is written and closed by then, so that
    this is left to the system, and whoever stopped a training has the prompt back.
    """
    _furnish()
    code = main(arguments)
    if "tensorflow" in sys.modules:
        with contextlib.suppress(OSError, ValueError):  # nobody is left to be told
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _furnish() -> None:
    """Make the process one in which nothing but the command itself can fail."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:  # closed by who started us: a file that is opened next would get its number
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character that the terminal or file cannot take becomes an escape
            stream.reconfigure(errors="backslashreplace")
    os.environ["MPLBACKEND"] = "agg"  # no window is ever opened; another word there could not be imported
    if shutil.get_terminal_size().columns < NARROWEST:
        os.environ["COLUMNS"] = str(NARROWEST)


def _forget_stdout() -> None:
    """Nothing more can be written there; Python would try once more at exit, and complain."""
    with contextlib.suppress(io.UnsupportedOperation, AttributeError):  # a stdout that is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _sentence(error: CycloptsError) -> str:
    return " ".join(str(error).split())


def _complain(message: str, *, hint: str = "", code: int) -> int:
    tell(f"convscope: {message}")
    if hint:
        tell(f"           {hint}")
    return code
