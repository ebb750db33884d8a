"""Attribution methods: maps of what the logit of a class depends on, never of the probability. No TensorFlow.

Each module of ``explainers/`` is one method; `EXPLAINERS` finds them by import, so a new method is one new file. No map
is the truth about the network; `sanity_checks` tests each.
"""

from __future__ import annotations

import importlib
import pkgutil

from convscope.explanation import explainers
from convscope.explanation.explainer import Explainer


def _find_explainers() -> dict[str, Explainer]:
    modules = pkgutil.iter_modules(explainers.__path__, f"{explainers.__name__}.")
    found: list[Explainer] = [importlib.import_module(module.name).EXPLAINER for module in modules]
    return {explainer.name: explainer for explainer in sorted(found, key=lambda explainer: explainer.order)}


EXPLAINERS: dict[str, Explainer] = _find_explainers()
"""The methods by name; the names are the choices of the command line."""
