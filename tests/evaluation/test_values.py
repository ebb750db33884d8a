"""The values of evaluation cannot be changed once they are made."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil

import pytest

import convscope.evaluation

MODULES = [f"convscope.evaluation.{module.name}" for module in pkgutil.iter_modules(convscope.evaluation.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_every_dataclass_is_frozen(name: str) -> None:
    module = importlib.import_module(name)
    own = [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == name]
    for value in filter(dataclasses.is_dataclass, own):
        with pytest.raises(dataclasses.FrozenInstanceError):
            object.__new__(value).anything = 1
