"""The options of a training as a TOML file to read and edit: ``config.toml``. Light."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from convscope.errors import ModelFileError, OptionError
from convscope.model.files import read_small
from convscope.training.option import check_names
from convscope.training.options import TrainOptions
from convscope.training.preset_recipes import OFF, is_older_robust

MAX_CONFIG_BYTES = 1_000_000


def to_toml(values: Mapping[str, object]) -> str:
    r"""Flat values as TOML. None is skipped, because TOML has no null.

    A path that is not valid text is written with visible escapes, because TOML cannot hold its bytes.

    Example:
        >>> print(to_toml({"data": "mnist", "seed": 0, "out": None}), end="")
        data = "mnist"
        seed = 0
    """
    return "".join(f"{key} = {_toml_value(value)}\n" for key, value in values.items() if value is not None)


def _toml_value(value: object) -> str:
    if isinstance(value, str):
        value = value.encode("utf-8", "backslashreplace").decode()
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def load_config(path: str | Path) -> dict[str, object]:
    """The options in a ``config.toml``; augmentations that are newer than its training are off.

    Raises:
        OptionError: The file cannot be read, is not TOML, or has an unknown option.
    """
    try:
        values = tomllib.loads(read_small(Path(path), MAX_CONFIG_BYTES).decode("utf-8"))
    except OSError as error:
        raise OptionError(f"{path} cannot be read ({error.strerror}).") from None
    except ModelFileError as error:
        raise OptionError(f"{path} cannot be read: {error}") from None
    except RecursionError:
        raise OptionError(f"{path} is not TOML: it is nested too deeply") from None
    except ValueError as error:  # also for a number of 5,000 digits
        raise OptionError(f"{path} is not TOML: {error}") from None
    check_names(values, TrainOptions, source=str(path))
    return OFF | values if is_older_robust(values) else values
