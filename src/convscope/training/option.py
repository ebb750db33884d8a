"""What an option is: its help text, range, choices and group, written next to its dataclass field.

Validation, the command line, ``config.toml``, the record of a run and the reference page all read `option_fields`, so
that a new option is one new field. Light.
"""

import dataclasses
import difflib
import functools
from collections.abc import Collection, Iterable
from dataclasses import MISSING, dataclass
from pathlib import PurePath
from types import NoneType
from typing import get_args, get_type_hints

from convscope.arrays import is_number
from convscope.errors import OptionError

DATA = "Data and model"
OPTIMIZATION = "Optimization"
AUGMENTATION = "Augmentation"
GROUPS = (DATA, OPTIMIZATION, AUGMENTATION)
"""Headings of the help, in order."""


@dataclass(frozen=True)
class Option:
    """What a field means; it stands in the field's `Annotated` type.

    Attributes:
        help: One sentence, with the unit.
        group: The heading of the help under which it is listed.
        low: The smallest number allowed; required for numbers.
        high: The largest number allowed.
        choices: The words allowed; empty for any text.
    """

    help: str
    group: str = OPTIMIZATION
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class OptionField:
    """A field of an options class with everything that is known about it.

    Attributes:
        name: As a keyword, in ``config.toml`` and in ``run.json``.
        kind: ``float``, ``int``, ``bool`` or ``str``.
        default: None if the recipe of the network decides, or if None has a special meaning.
        option: Help, range, choices and group.
        is_number_or_text: Whether a text option also takes an integer.
    """

    name: str
    kind: type
    default: object
    option: Option
    is_number_or_text: bool = False

    @property
    def flag(self) -> str:
        """The option on the command line.

        Example:
            >>> OptionField("batch_size", int, None, Option("Batch size.", low=1, high=9)).flag
            '--batch-size'
        """
        return "--" + self.name.replace("_", "-")

    @property
    def help_text(self) -> str:
        """Its meaning, its range or choices, and the default where it is not the recipe's."""
        option, text = self.option, self.option.help
        if self.kind in (int, float):
            text = f"{text.removesuffix('.')} ({option.low:.10g} to {option.high:.10g})."
        elif option.choices:
            text = f"{text.removesuffix('.')} ({', '.join(option.choices)})."
        if self.default is None:
            return text
        default = f"{self.default:.4g}" if isinstance(self.default, float) else self.default
        return f"{text} Default: {default}."

    @property
    def expected(self) -> str:
        """What a value must be, to follow "must be"."""
        option = self.option
        if self.kind is bool:
            return "true or false"
        if self.kind is str:
            return f"one of {', '.join(option.choices)}" if option.choices else "a name or a path"
        return f"{'an integer' if self.kind is int else 'a number'} from {option.low:.10g} to {option.high:.10g}"

    def check(self, value: object) -> object:
        """The value in its own type.

        Raises:
            OptionError: It is of another kind, out of its range, or none of the choices.
        """
        if value is None and self.default is None:
            return None
        if self.kind is bool:
            good = type(value) is bool
        elif self.kind is str:
            value = str(value) if isinstance(value, PurePath) else value
            good = (isinstance(value, str) and bool(value)) or (type(value) is int and self.is_number_or_text)
            good = good and value in (self.option.choices or (value,))
        else:
            good = is_number(value, self.option.low, self.option.high) and (self.kind is float or type(value) is int)
        if not good:
            hint = did_you_mean(value, self.option.choices) if isinstance(value, str) else ""
            raise OptionError(f"{self.name} must be {self.expected}. Received: {self.name}={value!r}.", hint=hint)
        return float(value) if self.kind is float else value  # type: ignore[arg-type]


@functools.cache
def option_fields(owner: type) -> tuple[OptionField, ...]:
    """The options of a dataclass, in the order of their groups.

    Args:
        owner: A dataclass whose fields are all ``Annotated[type, Option(...)]``.
    """
    hints = get_type_hints(owner, include_extras=True)
    found = []
    for field in dataclasses.fields(owner):
        inner, option = get_args(hints[field.name])
        kinds = set(get_args(inner) or (inner,)) - {NoneType}
        kind = str if str in kinds else kinds.pop()  # a number or text: the owner of the field parses it
        default = None if field.default is MISSING else field.default
        found.append(OptionField(field.name, kind, default, option, {int, str} <= kinds))
    return tuple(sorted(found, key=lambda one: GROUPS.index(one.option.group)))


def check_fields(options: object) -> None:
    """Validate every field of a frozen options object, and store each value in its own type.

    Raises:
        OptionError: A value is not allowed.
    """
    for field in option_fields(type(options)):
        object.__setattr__(options, field.name, field.check(getattr(options, field.name)))


def check_names(names: Iterable[str], owner: type, *, source: str = "") -> None:
    """Refuse names that are no options.

    Args:
        names: What was given.
        owner: The dataclass of the options.
        source: The file they come from, for the message.

    Raises:
        OptionError: One is unknown; the hint names the nearest.

    Example:
        >>> from convscope.training.options import TrainOptions
        >>> check_names(["epohcs"], TrainOptions)
        Traceback (most recent call last):
            ...
        convscope.errors.OptionError: Unknown option. Received: epohcs. Did you mean epochs?
    """
    known = [field.name for field in option_fields(owner)]
    unknown = sorted(set(names) - set(known))
    if unknown:
        hint = did_you_mean(unknown[0], known) or f"The options are {', '.join(known)}."
        where = f"{source}: unknown option" if source else "Unknown option"
        raise OptionError(f"{where}. Received: {', '.join(unknown)[:100]}.", hint=hint)


def did_you_mean(word: str, known: Collection[str]) -> str:
    """A suggestion for a misspelt word; empty without a near one.

    Example:
        >>> did_you_mean("adma", ("adam", "sgd"))
        'Did you mean adam?'
    """
    near = difflib.get_close_matches(word[:60], known, n=1)
    return f"Did you mean {near[0]}?" if near else ""
