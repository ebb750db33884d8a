"""What all values have in common: a dataclass cannot be changed once it is made."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator


def modules(package: str) -> list[str]:
    """The modules of a package and of those in it, by full name."""
    path = importlib.import_module(package).__path__
    return [module.name for module in pkgutil.walk_packages(path, f"{package}.") if not module.ispkg]


def check_frozen(name: str) -> None:
    """Every dataclass that a module defines, nested ones included, refuses to be changed."""
    for value in _classes(importlib.import_module(name), name):
        if dataclasses.is_dataclass(value):
            assert value.__dataclass_params__.frozen, f"{name}: {value.__qualname__} can be changed"


def _classes(owner: object, module: str) -> Iterator[type]:
    for value in list(vars(owner).values()):
        if inspect.isclass(value) and value.__module__ == module:
            yield value
            yield from _classes(value, module)
