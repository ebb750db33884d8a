"""What can go wrong, as a tree. Each error is one line for a person; no traceback reaches anybody for bad input.

    ConvscopeError                  exit 1   anything we know how to name
    ├── DataError                            a picture, a file or a folder that is not usable data
    ├── SpecError                            a description of a network that does not fit together
    ├── ModelFileError                        a model file that is damaged, hostile or newer than we are
    ├── RunError                             a run folder that cannot be written, read or found
    ├── DivergedError                        the training loss stopped being a finite number
    ├── MissingExtraError                    the command needs an optional dependency
    └── OptionError                 exit 2   an option outside its range, or two that contradict each other

A message says what was expected, then ``Received: x=…``, then what to do next.
"""

from __future__ import annotations


def printable(text: str) -> str:
    r"""A text that every terminal, page and file can take: what is not printable becomes an escape.

    Example:
        >>> printable("caf\u00e9 \x1b[1m")
        'café \\x1b[1m'
    """
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


class ConvscopeError(Exception):
    """The root: everything that convscope raises on purpose.

    Args:
        message: What was expected and what was received, one line; what it names of a file may hold anything, so that
            both texts are made `printable`.
        hint: What to do next; shown on a line of its own.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(printable(message))
        self.hint = printable(hint)

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message} {self.hint}" if self.hint else message


class DataError(ConvscopeError):
    """A picture, a file or a folder is not usable data; the message names the file."""


class SpecError(ConvscopeError):
    """A network description does not fit together; the message names the layer."""


class ModelFileError(ConvscopeError):
    """A model file is damaged, hostile, or written by a newer convscope."""


class RunError(ConvscopeError):
    """A run folder cannot be written, read or found."""


class DivergedError(ConvscopeError):
    """The training loss is no longer finite; the last good weights were kept."""


class MissingExtraError(ConvscopeError):
    """A command needs an optional dependency that is not installed."""


class OptionError(ConvscopeError):
    """An option is outside its range, or contradicts another."""

    exit_code = 2
