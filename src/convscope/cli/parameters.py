"""The options of a training as parameters of the command line, made from the fields that declare them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import Annotated, Literal

from cyclopts import Group, Parameter

from convscope.training.option import GROUPS, OptionField, option_fields

HEADINGS = {name: Group(name, sort_key=index + 1) for index, name in enumerate(GROUPS)}


def with_options(function: Callable, owner: type, *, skipped: Collection[str] = ()) -> Callable:
    """Give a function that takes ``**options`` one keyword for each option, each None unless it is given.

    Args:
        function: A command; its own parameters come first.
        owner: A dataclass of options.
        skipped: Options that the function declares itself.
    """
    own = inspect.signature(function, eval_str=True)
    given = [one for one in own.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    made = [_parameter(field) for field in option_fields(owner) if field.name not in skipped]
    function.__signature__ = inspect.Signature([*given, *made])  # type: ignore[attr-defined]
    return function


def _parameter(field: OptionField) -> inspect.Parameter:
    kind = Literal[field.option.choices] if field.option.choices else field.kind  # type: ignore[valid-type]
    help_text = field.option.help if field.option.choices else field.help_text
    about = Parameter(
        help=help_text,
        group=HEADINGS[field.option.group],
        negative=f"--no-{field.name.replace('_', '-')}" if field.kind is bool else (),
    )
    annotation = Annotated[kind | None, about]  # type: ignore[operator]
    return inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
