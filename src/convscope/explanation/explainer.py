"""The interface of an attribution method. Each module of ``explainers/`` defines one, named ``EXPLAINER``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from convscope.explanation.attribution import Attribution
from convscope.explanation.attribution_target import Image
from convscope.model.model_file import Model


@runtime_checkable
class Method(Protocol):
    """The signature of the function that computes a map. Further arguments, if any, have defaults."""

    def __call__(self, network: Model, image: Image, *, target: int | None = None, seed: int = 0) -> Attribution:
        """Compute the map of one image; ``target`` None explains the predicted class."""
        ...


@dataclass(frozen=True)
class Explainer:
    """An attribution method: how it is computed, and how it is called.

    Attributes:
        name: The name on the command line and in files.
        title: The name for people.
        description: What the map shows, in a few words; "the score" is the logit.
        order: Position in lists.
        explain: Computes the map.
    """

    name: str
    title: str
    description: str
    order: int
    explain: Method = field(repr=False)

    def __call__(self, network: Model, image: Image, *, target: int | None = None, seed: int = 0) -> Attribution:
        """Compute the map of one image; ``target`` None explains the predicted class."""
        return self.explain(network, image, target=target, seed=seed)
