"""``convscope --install-completion``."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from convscope.cli.output import Output, say, say_json
from convscope.errors import OptionError


def install_completion(
    *,
    shell: Annotated[
        Literal["bash", "zsh", "fish"] | None, Parameter(help="The shell. Default: the one that runs this command.")
    ] = None,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Install tab completion: write a completion script, and load it from .bashrc or .zshrc."""
    from cyclopts.completion.detect import ShellDetectionError

    from convscope.cli.app import app

    try:
        path = app.install_completion(shell=shell)
    except ShellDetectionError:
        raise OptionError(
            "The shell is not known.", hint="Name it: convscope --install-completion --shell bash, zsh or fish."
        ) from None
    if output.json:
        say_json({"path": str(path)})
    else:
        say(f"completion  {path}")
        output.hint("Start a new shell to use it.")
    return 0
