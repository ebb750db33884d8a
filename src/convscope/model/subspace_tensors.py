"""The subspace of the features in a model file: its tensors, which are never trusted when read. Light."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32, Int8

from convscope.errors import ModelFileError
from convscope.model.features import Subspace, feature_count, most_directions, whole_directions
from convscope.model.spec import Spec
from convscope.model.window import Shape

CENTER, STEPS, DIRECTIONS = "subspace/center", "subspace/steps", "subspace/directions"


def subspace_shapes(spec: Spec, directions: object, *, is_rounded: bool) -> dict[str, Shape]:
    """The tensors of the subspace, whose sizes follow from the network and the number of directions.

    Raises:
        ModelFileError: The network cannot have so many directions.
    """
    features = feature_count(spec)
    most = most_directions(features, rounded=is_rounded) if features else 0
    if type(directions) is not int or not 0 <= directions <= most:
        raise ModelFileError(f"its directions must be a number from 0 to {most}. Received: {ascii(directions)[:60]}.")
    steps = {STEPS: (directions,)} if is_rounded else {}
    return {CENTER: (features,), **steps, DIRECTIONS: (features, directions)} if directions else {}


def whole_of(subspace: Subspace | None) -> tuple[Int8[np.ndarray, "f d"], Float32[np.ndarray, " d"]] | None:
    """The directions in 8 bits and their steps; None if they are not rounded to these."""
    return None if subspace is None else whole_directions(subspace.directions.astype(np.float32))


def subspace_tensors(subspace: Subspace) -> dict[str, np.ndarray]:
    """The tensors to write: directions in 8 bits with their steps, or in float16 if they are not rounded."""
    found = whole_of(subspace)
    if found is None:
        return {CENTER: subspace.center, DIRECTIONS: subspace.directions}
    return {CENTER: subspace.center, STEPS: found[1], DIRECTIONS: found[0]}


def read_subspace(tensors: Mapping[str, np.ndarray]) -> Subspace:
    """The subspace of tensors that have the shapes of `subspace_shapes`.

    Raises:
        ModelFileError: The directions are not as `subspace_tensors` writes them.
    """
    directions, steps = tensors[DIRECTIONS], tensors.get(STEPS)
    if steps is None:
        return Subspace(tensors[CENTER], directions)
    with np.errstate(over="ignore"):
        found = Subspace(tensors[CENTER], (directions * steps).astype(np.float16))
        whole = whole_of(found) if np.isfinite(found.directions).all() else None
    if whole is None or not (np.array_equal(whole[0], directions) and np.array_equal(whole[1], steps)):
        raise ModelFileError(
            "its directions must be multiples of their steps, with the smallest steps that 8 bits allow."
        )
    return found


def check_subspace(spec: Spec, subspace: Subspace) -> None:
    """Refuse a subspace that does not fit a network.

    Raises:
        ModelFileError: It has other shapes, or numbers that directions cannot have.
    """
    shapes = subspace_shapes(spec, subspace.directions.shape[-1], is_rounded=whole_of(subspace) is not None)
    center, directions = subspace.center, subspace.directions
    if center.shape != shapes.get(CENTER) or directions.shape != shapes.get(DIRECTIONS):
        raise ModelFileError(f"The subspace does not fit the network. Received: {directions.shape}, {center.shape}.")
    if not (np.isfinite(center).all() and np.isfinite(directions).all() and np.abs(directions).max() <= 1):
        raise ModelFileError("The directions of the subspace must be numbers from -1 to 1, around a finite center.")
