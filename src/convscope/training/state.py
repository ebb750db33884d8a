"""Everything that the steps of a training change, and the copies that are kept of it. Heavy: imports TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from convscope.errors import RunError
from convscope.model.tensorflow import keras, tf
from convscope.training.optimizer import Optimizer


class State:
    """The variables of the network and the optimizer, with averaged weights and the best weights so far."""

    def __init__(self, model: keras.Model, optimizer: Optimizer, *, has_average: bool, has_best: bool) -> None:
        self._optimizer = optimizer
        self._weights = [variable.value for variable in model.trainable_variables]
        self._moving_statistics = [v.value for v in model.non_trainable_variables if "seed" not in v.path]
        everything = [*self._weights, *self._moving_statistics]
        self._averages = [(v, tf.Variable(v, trainable=False)) for v in (everything if has_average else [])]
        self._best = [(v, tf.Variable(v, trainable=False)) for v in (everything if has_best else [])]

    @property
    def has_best(self) -> bool:
        """Whether it keeps the best weights."""
        return bool(self._best)

    def snapshot(self) -> dict[str, np.ndarray]:
        """Copy all of it, for a checkpoint."""
        return {name: variable.numpy() for name, variable in self._named().items()}

    def restore(self, saved: Mapping[str, np.ndarray]) -> None:
        """Restore the result of `snapshot`.

        Raises:
            RunError: It is the state of another network or optimizer.
        """
        variables = self._named()
        expected = {name: tuple(variable.shape) for name, variable in variables.items()}
        received = {name: value.shape for name, value in saved.items()}
        if expected != received:
            different = sorted(n for n in {*expected, *received} if expected.get(n) != received.get(n))
            raise RunError(
                f"The checkpoint belongs to another network or optimizer. Received: {', '.join(different[:3])}."
            )
        for name, variable in variables.items():
            variable.assign(saved[name])

    def values(self) -> list[np.ndarray]:
        """Copy the network and its averages."""
        return [variable.numpy() for variable in self._of_network()]

    def assign(self, values: list[np.ndarray]) -> None:
        """Restore the result of `values`."""
        for variable, value in zip(self._of_network(), values, strict=True):
            variable.assign(value)

    def is_finite(self) -> bool:
        """Whether all weights and moving statistics are finite."""
        return all(bool(tf.reduce_all(tf.math.is_finite(v))) for v in [*self._weights, *self._moving_statistics])

    def average(self, step: tf.Tensor, begin: int) -> None:
        """Add the weights after a step to the averages; up to step ``begin``, these are the weights themselves."""
        weight = 1 / tf.cast(tf.maximum(step - begin, 0) + 1, tf.float32)
        for variable, average in self._averages:
            average.assign_add((variable - average) * weight)

    def take_average(self) -> None:
        """The averages become the weights, if there are any."""
        for variable, average in self._averages:
            variable.assign(average)

    def remember_best(self) -> None:
        """Keep the weights as the best ones."""
        for variable, best in self._best:
            best.assign(variable)

    def take_best(self) -> None:
        """The best weights become the weights."""
        for variable, best in self._best:
            variable.assign(best)

    def _of_network(self) -> list[tf.Variable]:
        return [*self._weights, *self._moving_statistics, *(average for _, average in self._averages)]

    def _named(self) -> dict[str, tf.Variable]:
        kinds = {  # the names in checkpoint files
            "weight": self._weights,
            "moving": self._moving_statistics,
            "average": [average for _, average in self._averages],
            "best": [best for _, best in self._best],
            "momentum": self._optimizer.first_moments,
            "second": self._optimizer.second_moments,
        }
        return {f"{kind}/{index}": v for kind, variables in kinds.items() for index, v in enumerate(variables)}
