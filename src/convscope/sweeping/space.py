"""The parameters of a sweep: which training options take which values. Light."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convscope.errors import OptionError
from convscope.training.option import DATA, OptionField, check_names, option_fields
from convscope.training.options import TrainOptions

REFUSED = {
    "data": "The dataset is the first argument of a sweep.",
    "time": "The speed of a machine would decide the result; use epochs, or --time for the whole sweep.",
    "folds": "A sweep compares networks on one validation split.",
    "freeze": "A sweep starts from random weights.",
    "threads": "All trials of a process have the same; use --threads.",
    "shards": "Each trial is one training in one process; train the chosen recipe with shards.",
    "seed": "Use --seed for one seed, or --seeds for several.",
}
"""Options of `train` that a sweep does not take, each with the reason."""

MAX_VALUES = 1000
RANGE = ".."
LOG = ":log"


@dataclass(frozen=True)
class Parameter:
    """One option and the values that it takes.

    Attributes:
        name: A field of `TrainOptions`.
        values: The values to choose from; empty for a range.
        low: The smallest value of a range.
        high: The largest value of a range.
        is_log: Whether values of the range are drawn uniformly on a logarithmic scale.
        is_integer: Whether the range holds whole numbers only.
    """

    name: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    is_log: bool = False
    is_integer: bool = False

    @property
    def count(self) -> float:
        """Number of different values; infinite for a range of real numbers."""
        if self.values:
            return len(self.values)
        return self.high - self.low + 1 if self.is_integer else math.inf

    @property
    def text(self) -> str:
        """As on the command line.

        Example:
            >>> parse_parameter("learning_rate", "1e-3..3e-2:log").text
            'learning_rate=0.001..0.03:log'
        """
        if self.values:
            return f"{self.name}={','.join(map(_value_text, self.values))}"
        return f"{self.name}={self.low:.10g}{RANGE}{self.high:.10g}{LOG if self.is_log else ''}"

    @property
    def candidates(self) -> Sequence[Any]:
        """All values of a finite parameter, in order."""
        return self.values or range(int(self.low), int(self.high) + 1)


def _value_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Space:
    """All parameters of a sweep.

    Attributes:
        parameters: Those with more than one value, in the order given.
        fixed: Options with one value.
    """

    parameters: tuple[Parameter, ...]
    fixed: dict[str, Any]

    @property
    def count(self) -> float:
        """Number of combinations; infinite with a range of real numbers."""
        return math.prod(one.count for one in self.parameters)

    def combinations(self) -> list[dict[str, Any]]:
        """All combinations of a finite space, in the order of the parameters."""
        names = [one.name for one in self.parameters]
        return [
            dict(zip(names, row, strict=True))
            for row in itertools.product(*(one.candidates for one in self.parameters))
        ]


def parse_space(parameters: Mapping[str, Any] | Iterable[str] | None) -> Space:
    """Read the parameters of a sweep.

    Args:
        parameters: Texts ``name=values``, or a mapping from names to values. Values are a range ``1e-3..3e-2``, which
            may end in ``:log``, a list ``1,2,4``, or one value, which is fixed. In a mapping, a list or a tuple too.

    Raises:
        OptionError: A name is not an option of `train`, is refused in a sweep or given twice; or a value is out of
            range.

    Example:
        >>> space = parse_space(["epochs=1,2", "model=quick"])
        >>> space.parameters[0].values, space.fixed
        ((1.0, 2.0), {'model': 'quick'})
    """
    found: dict[str, Parameter] = {}
    for name, values in _pairs(parameters or ()):
        if name in found:
            raise OptionError(f"Expected each parameter once. Received: {name} twice.")
        found[name] = parse_parameter(name, values)
    fixed = {name: one.values[0] for name, one in found.items() if len(one.values) == 1}
    varied = tuple(one for name, one in found.items() if name not in fixed)
    for one in varied:
        if _field(one.name).option.group == DATA and one.name != "model":
            raise OptionError(
                f"All trials of a sweep read the same images. Received: {one.text}.",
                hint=f"Give {one.name} one value, or make a sweep for each.",
            )
    TrainOptions.from_mapping(fixed)  # what depends on the form of a text, such as size
    return Space(varied, fixed)


def _pairs(parameters: Mapping[str, Any] | Iterable[str]) -> Iterable[tuple[str, Any]]:
    if isinstance(parameters, Mapping):
        return list(parameters.items())
    if isinstance(parameters, str):
        parameters = parameters.split()
    pairs = []
    for word in parameters:
        name, sign, values = str(word).partition("=")
        if not sign or not name or not values:
            raise OptionError(
                f"Expected parameters such as epochs=1,2,4 or learning_rate=1e-3..3e-2:log. Received: {str(word)[:80]}."
            )
        pairs.append((name.lstrip("-").replace("-", "_"), values))
    return pairs


def _field(name: str) -> OptionField:
    check_names([name], TrainOptions)
    return next(one for one in option_fields(TrainOptions) if one.name == name)


def parse_parameter(name: str, values: Any) -> Parameter:
    """Read one parameter; see `parse_space`.

    Raises:
        OptionError: See `parse_space`.
    """
    field = _field(name)
    if name in REFUSED:
        raise OptionError(f"A sweep does not take {name}. Received: {name}={str(values)[:60]}.", hint=REFUSED[name])
    if isinstance(values, str) and RANGE in values and field.kind in (int, float):
        return _range(field, values)
    items = values.split(",") if isinstance(values, str) else values if isinstance(values, list | tuple) else [values]
    if field.name == "class_names" and isinstance(values, str):
        items = [values]  # its own commas
    if not 1 <= len(items) <= MAX_VALUES:
        raise OptionError(f"Expected from 1 to {MAX_VALUES} values of {name}. Received: {len(items)}.")
    checked = tuple(field.check(_typed(field, item)) for item in items)
    for item in checked:
        TrainOptions.from_mapping({name: item})
    if len(set(checked)) < len(checked):
        raise OptionError(f"Expected different values of {name}. Received: {name}={str(values)[:60]}.")
    return Parameter(name, checked)


def _range(field: OptionField, text: str) -> Parameter:
    body, is_log = text.removesuffix(LOG), text.endswith(LOG)
    low, high = (field.check(_typed(field, end)) for end in _two(field, body, text))
    if not isinstance(low, int | float) or not isinstance(high, int | float) or not low < high:
        raise OptionError(f"Expected a range whose first number is the smaller. Received: {field.name}={text[:60]}.")
    if is_log and low <= 0:
        raise OptionError(f"A logarithmic range begins above 0. Received: {field.name}={text[:60]}.")
    return Parameter(field.name, (), float(low), float(high), is_log, field.kind is int)


def _two(field: OptionField, body: str, text: str) -> list[str]:
    ends = body.split(RANGE)
    if len(ends) != 2 or not all(ends):
        raise OptionError(f"Expected a range such as 1e-3..3e-2 or 1e-3..3e-2:log. Received: {field.name}={text[:60]}.")
    return ends


def _typed(field: OptionField, item: Any) -> Any:
    """A text as the option's type; what is not of that type stays a text, which the check refuses."""
    if not isinstance(item, str) or field.kind is str:
        return item
    text = item.strip()
    if field.kind is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return int(text) if field.kind is int else float(text)
    except ValueError:
        return text
