"""The layer vocabulary: one module for each kind, with everything that is known about it. Light.

A new kind is a new module here with one subclass of `layer.Layer`: `LAYERS` finds it, and every other part of the
package asks the layer. ``web/layers`` mirrors it in JavaScript.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC
from collections.abc import Iterable

from convscope.model.layers.layer import Layer


def kinds_of(classes: Iterable[type[Layer]]) -> dict[str, type[Layer]]:
    """Layer kinds by Keras's name.

    Raises:
        TypeError: A kind lacks what a layer must define.
    """
    found: dict[str, type[Layer]] = {}
    for kind in classes:
        missing = sorted(getattr(kind, "__abstractmethods__", ()))
        missing += [] if getattr(kind, "about", "") else ["about"]
        if missing:
            raise TypeError(f"The layer kind {kind.__name__} must define {', '.join(missing)}.")
        if kind.__name__ in found:
            raise TypeError(f"The layer kind {kind.__name__} is defined twice.")
        found[kind.__name__] = kind
    return found


def _discover() -> Iterable[type[Layer]]:
    """Every subclass of `Layer` that a module of this package defines; one that lists ABC as a base is no kind."""
    for name in sorted(module.name for module in pkgutil.iter_modules(__path__, f"{__name__}.")):
        for member in list(vars(importlib.import_module(name)).values()):
            is_layer = isinstance(member, type) and issubclass(member, Layer)
            if is_layer and member.__module__ == name and ABC not in member.__bases__:
                yield member


LAYERS: dict[str, type[Layer]] = kinds_of(_discover())
"""Every layer kind by Keras's name: the words of a spec file and of a model file."""
