"""The program ``convscope``: its commands, its exit codes, and its last line of defense."""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from cyclopts import App, CycloptsError, Group, Parameter

from convscope import __version__
from convscope.api.notes import note
from convscope.cli.output import Output
from convscope.errors import ConvscopeError


@dataclass(frozen=True)
class Command:
    """A command as ``convscope --help`` lists it.

    Attributes:
        group: What a person wants to do.
        purpose: One sentence.
        example: Arguments that show how it is used.
        home: Module and function below `convscope.cli`; imported when the command runs.
    """

    group: str
    purpose: str
    example: str
    home: str


COMMANDS = {
    "train": Command(
        "Train",
        "Train a network from scratch and evaluate it.",
        "my-photos --model quick --epochs 5 --size 32",
        "train:train",
    ),
    "sweep": Command(
        "Train",
        "Train many networks, choose the best recipe by validation, and confirm it with other seeds.",
        "my-photos learning_rate=1e-3..3e-2:log epochs=5,10,20 --trials 40 --time 30m",
        "sweep:sweep",
    ),
    "evaluate": Command(
        "Look inside",
        "Evaluate a trained network: accuracy, confusion matrix, calibration.",
        "runs/20260101-120000-quick --out figures",
        "evaluate:evaluate",
    ),
    "explain": Command(
        "Look inside",
        "Explain predictions by attribution maps, with sanity checks.",
        "photo.jpg --out why.png",
        "explain:explain",
    ),
    "open": Command(
        "Look inside",
        "Write a trained network as one HTML page that works offline, and open it.",
        "runs/20260101-120000-quick --out network.html",
        "open:open",
    ),
    "summary": Command(
        "Look inside",
        "Show the layers of a network: shapes, parameters, multiply-adds, receptive field.",
        "classic --out classic.png",
        "summary:summary",
    ),
    "conv": Command(
        "Look inside",
        "Show a convolution or pooling step by step, with all numbers.",
        "--padding same --strides 2 --out window.gif",
        "conv:conv",
    ),
    "predict": Command("Use", "Classify images.", "photo.jpg --out seen.png", "predict:predict"),
    "export": Command(
        "Use",
        "Export a trained network to files that run elsewhere, compared before they are published.",
        "runs/20260101-120000-quick --to onnx,litert,c",
        "export:export",
    ),
    "serve": Command(
        "Use",
        "Serve trained networks over HTTP, with the answers of predict.",
        "runs/20260101-120000-quick --port 8000",
        "serve:serve",
    ),
    "data": Command("Data", "List the supported datasets and formats, or describe a dataset.", "my-photos", "data:app"),
    "runs": Command("Manage", "List, compare or remove runs.", "20260101-120000-quick first", "runs:runs"),
    "import": Command(
        "Manage",
        "Import a Keras model into a run, without executing code from the file.",
        "model.keras --data mnist",
        "import_model:import_model",
    ),
}
"""Written here, so that ``--help`` imports no command."""

GROUPS = ("Train", "Look inside", "Use", "Data", "Manage", "Other")
"""What a person wants to do: the headings of ``convscope --help``."""

EXIT_CODES = {
    0: "Success.",
    1: "The input cannot be used: data, images, a model or a run are missing, damaged or do not fit; some images were "
    "skipped; a file cannot be written; the training diverged.",
    2: "Wrong usage: an unknown command or option, or a value that is out of range or none of the choices, such as an "
    "unknown model preset.",
    70: "Internal error: a bug in convscope.",
    130: "Stopped by Ctrl-C.",
    143: "Stopped by SIGTERM.",
}
"""Code to meaning: the table of docs/cli.md."""

INTERRUPTED = 130
INTERNAL_ERROR = 70

EPILOGUE = (
    "First steps:  convscope train   then   convscope predict your-digit.png\n\n"
    "Exit codes:  0 success, 1 unusable input, 2 wrong usage, 70 internal error, 130 Ctrl-C, 143 SIGTERM"
)

RENAMED = {
    "--show": "--out",
    "--pictures": "--out",
    "--with": "--run",
    "--input": "--input-shape",
    "--classes": "--num-classes",
}
"""Options of 0.1 and what they are called now."""

MIN_COLUMNS = 20
"""The narrowest terminal that help is laid out for."""


def _make_app() -> App:
    groups = {name: Group(name, sort_key=index) for index, name in enumerate(GROUPS)}
    made = App(
        name="convscope",
        help="Train a convolutional network from scratch, see through it, hand it over.",
        help_epilogue=EPILOGUE,
        version=__version__,
        default_parameter=Parameter(negative=()),
        help_format="plaintext",
        group_commands=groups["Other"],
    )
    for name, command in COMMANDS.items():
        about = {"name": name, "help": command.purpose, "group": groups[command.group]}
        if not command.home.endswith(":app"):  # a command with commands of its own says this itself
            about["help_epilogue"] = f"Example:  convscope {name} {command.example}"
        made.command(f"convscope.cli.{command.home}", **about)
    made.command(
        "convscope.cli.completion:install_completion",
        name="--install-completion",
        help="Install tab completion for bash, zsh or fish.",
    )
    return made


app = _make_app()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Without the program's name; None takes those of the process.

    Returns:
        A key of `EXIT_CODES`.
    """
    began, output = time.perf_counter(), Output()
    try:
        command, bound, *_ = app.parse_args(
            list(arguments) if arguments is not None else None, exit_on_error=False, print_error=False
        )
        output = _output_of(bound)
        result = command(*bound.args, **bound.kwargs)
        sys.stdout.flush()  # here, where a full disk or a closed pipe is still handled below
        if output.verbose:
            _tell_environment(time.perf_counter() - began)
        return result if isinstance(result, int) else 0
    except CycloptsError as error:
        cause = error.__cause__
        if isinstance(cause, ConvscopeError):  # two options that exclude each other
            return _complain(cause, hint=cause.hint, code=cause.exit_code)
        return _complain(_sentence(error), hint=_renamed(error) or "See convscope --help.", code=2)
    except ConvscopeError as error:
        return _complain(error, hint=error.hint, code=error.exit_code)
    except KeyboardInterrupt:
        return _complain("interrupted.", code=INTERRUPTED)
    except BrokenPipeError:  # the reader of the output has gone, as in `convscope data | head`
        _discard_stdout()
        return 0
    except OSError as error:
        _discard_stdout()
        return _complain(f"{error.filename or 'a file'}: {error.strerror or error}.", code=1)
    except MemoryError:
        return _complain("not enough memory.", hint="Use fewer or smaller images.", code=1)
    except Exception as error:
        return _internal_error(error, output)


def program(arguments: Sequence[str] | None = None) -> NoReturn:
    """`main` as a process: it ends with the exit code.

    TensorFlow takes most of a second to shut down. Every file is written and closed by then, so the process ends
    without it.
    """
    _prepare_process()
    code = main(arguments)
    if "tensorflow" in sys.modules:
        with contextlib.suppress(OSError, ValueError):  # a closed stream
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _output_of(bound: inspect.BoundArguments) -> Output:
    return next((value for value in bound.arguments.values() if isinstance(value, Output)), Output())


def _tell_environment(seconds: float) -> None:
    from convscope.api.environment import describe_environment

    found = describe_environment()
    packages = found["packages"]
    versions = (
        ", ".join(f"{name} {version}" for name, version in packages.items()) if isinstance(packages, dict) else ""
    )
    note(f"convscope {found['convscope']}, Python {found['python']}, {versions}")
    note(f"{found['system']}, {found['processor']}, {found['cores']} cores")
    note(f"{seconds:.2f} s")


def _internal_error(error: Exception, output: Output) -> int:
    what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    hint = "Please report it, with the output of --verbose."
    if output.verbose:
        import traceback

        for line in "".join(traceback.format_exception(error)).splitlines():
            note(line)
        hint = "Please report it, with the traceback above."
    return _complain(f"internal error: {what}", hint=hint, code=INTERNAL_ERROR)


def _prepare_process() -> None:
    """Open the standard streams if they are closed, and set what a command relies on."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:  # closed by the parent process: the next file that is opened would get its number
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character that the terminal or file cannot take becomes an escape
            stream.reconfigure(errors="backslashreplace")
    os.environ["MPLBACKEND"] = "agg"  # no window is ever opened; another value might not be importable
    if shutil.get_terminal_size().columns < MIN_COLUMNS:
        os.environ["COLUMNS"] = str(MIN_COLUMNS)


def _discard_stdout() -> None:
    """Nothing more can be written there; without this, Python would try once more at exit, and complain."""
    with contextlib.suppress(io.UnsupportedOperation, AttributeError):  # a stdout that is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _sentence(error: CycloptsError) -> str:
    return " ".join(str(error).split())


def _renamed(error: CycloptsError) -> str:
    token = getattr(error, "token", None)
    word = getattr(token, "keyword", None) or getattr(token, "value", "")
    return f"Since 0.2.0, {word} is {RENAMED[word]}." if word in RENAMED else ""


def _complain(error: ConvscopeError | str, *, hint: str = "", code: int) -> int:
    message = error if isinstance(error, str) else Exception.__str__(error)
    note(f"convscope: {message}")
    if hint:
        note(f"           {hint}")
    return code
