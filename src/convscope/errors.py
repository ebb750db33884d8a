"""The exceptions that convscope raises for bad input. Each prints as one line; no traceback reaches the user.

    ConvscopeError                  exit 1   base class
    ├── DataError                            an image, a file or a folder is not usable data
    ├── SpecError                            a network description is invalid
    ├── ModelFileError                       a model file is damaged, malicious, or written by a newer version
    ├── RunError                             a run folder cannot be written, read or found
    ├── DivergedError                        the training loss became infinite or NaN
    ├── MissingExtraError                    an optional dependency is not installed
    └── OptionError                 exit 2   an option is out of range, or two options contradict each other

A message states what was expected, then ``Received: x=…``, then what to do next. Code that needs one of these parts
reads the attributes ``file``, ``reason`` and ``hint``; the message is for people and is never parsed.
"""

from __future__ import annotations

from typing import Self


def printable(text: str) -> str:
    r"""Escape the characters that cannot be printed, so that any terminal, page or file can take the text.

    Example:
        >>> printable("caf\u00e9 \x1b[1m")
        'café \\x1b[1m'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


class ConvscopeError(Exception):
    """Base class of all errors that convscope raises on purpose.

    All texts are made `printable`, because they may quote the contents of a file.

    Args:
        message: What was expected and what was received, on one line.
        hint: What to do next, shown on its own line.
        file: The file, folder or archive member at fault; empty where there is none.
        reason: What is wrong with it, without its name; empty where the message says it all.

    Attributes:
        message: The first line alone, without the hint.
        hint: See above.
        file: See above.
        reason: See above; the message where no reason was given.

    Example:
        >>> error = DataError.about_file("Expected an image", "a.png", "0 bytes", hint="Remove it.")
        >>> str(error)
        'Expected an image. Received: file=a.png, 0 bytes. Remove it.'
        >>> error.file, error.reason, error.hint
        ('a.png', '0 bytes', 'Remove it.')
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", file: str = "", reason: str = "") -> None:
        super().__init__(printable(message))
        self.message = printable(message)
        self.hint = printable(hint)
        self.file = printable(file)
        self.reason = printable(reason) or self.message

    @classmethod
    def about_file(cls, expected: str, file: object, reason: str, *, hint: str = "") -> Self:
        """Build an error about one file, whose message and attributes agree.

        Args:
            expected: ``"Expected …"``, without a period.
            file: Its path or name, as the user knows it.
            reason: What is wrong with it, without a period.
            hint: What to do next.
        """
        return cls(f"{expected}. Received: file={file}, {reason}.", hint=hint, file=str(file), reason=reason)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class DataError(ConvscopeError):
    """An image, a file or a folder is not usable data; the message names the file."""


class SpecError(ConvscopeError):
    """A network description is invalid; the message names the layer."""


class ModelFileError(ConvscopeError):
    """A model file is damaged, malicious, or written by a newer version of convscope."""


class RunError(ConvscopeError):
    """A run folder cannot be written, read or found."""


class DivergedError(ConvscopeError):
    """The training loss became infinite or NaN; the last weights with finite outputs were saved."""


class MissingExtraError(ConvscopeError):
    """An optional dependency is not installed."""


class OptionError(ConvscopeError):
    """An option is out of range, or two options contradict each other."""

    exit_code = 2
