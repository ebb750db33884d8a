"""Optimizers as fused graph operations. Heavy: imports TensorFlow, runs inside the compiled loop.

`keras.optimizers.Adam` runs a dozen small operations for each update, and `keras.optimizers.Muon` leaves convolution
kernels to AdamW, which is slow for a network with steps of ten milliseconds (docs/speed.md). The update rules are those
of Keras: the tests compare `adam` and `sgd` with `keras.optimizers` step by step.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from convscope.training.options import TrainOptions

ADAM_BETAS = {"adam": (0.9, 0.999), "muon": (0.8, 0.95)}
ADAM_EPSILON = 1e-7
SGD_MOMENTUM = 0.9
MUON_MOMENTUM = 0.7
NEWTON_SCHULZ_STEPS = 3


class Optimizer:
    """An update rule for a list of variables, with its slots.

    Args:
        variables: The trainable variables.
        scale_invariant: For each variable, whether it is a scale-invariant kernel (see `scale_invariance`): `muon`
            updates those and leaves the others to Adam.
        options: ``optimizer``, ``learning_rate``, ``muon_learning_rate``, ``weight_decay``.
    """

    def __init__(
        self, variables: Sequence[tf.Variable], scale_invariant: Sequence[bool], options: TrainOptions
    ) -> None:
        self._rule = options.optimizer or "adam"
        self._decay = options.weight_decay or 0.0
        self._muon_ratio = (options.muon_learning_rate or 0.0) / (options.learning_rate or 1.0)
        self._variables = list(variables)
        self._uses_muon = [self._rule == "muon" and flag for flag in scale_invariant]
        self.first_moments = [tf.Variable(tf.zeros_like(v), trainable=False) for v in variables]
        has_second_moment = self._rule != "sgd"
        self.second_moments = [
            tf.Variable(tf.zeros(v.shape if has_second_moment else []), trainable=False) for v in variables
        ]

    def apply(self, gradients: Sequence[tf.Tensor], *, step: tf.Tensor, rate: tf.Tensor) -> None:
        """Update every variable.

        Args:
            gradients: One for each variable, in order.
            step: int32 scalar, counted from 0.
            rate: float32 scalar, the learning rate of this step.
        """
        power = tf.cast(step, tf.float32) + 1
        powers = [tf.pow(beta, power) for beta in ADAM_BETAS.get(self._rule, ())]
        for i, (variable, gradient) in enumerate(zip(self._variables, gradients, strict=True)):
            if self._uses_muon[i]:
                self._muon(variable, self.first_moments[i], gradient, rate * self._muon_ratio)
                continue
            if self._decay and len(variable.shape) > 1:
                variable.assign_sub(variable * (rate * self._decay))
            if self._rule == "sgd":
                tf.raw_ops.ResourceApplyKerasMomentum(
                    var=variable.handle,
                    accum=self.first_moments[i].handle,
                    lr=rate,
                    grad=gradient,
                    momentum=SGD_MOMENTUM,
                    use_nesterov=True,
                )
            else:
                self._adam(variable, self.first_moments[i], self.second_moments[i], gradient, powers=powers, rate=rate)

    def _adam(
        self,
        variable: tf.Variable,
        m: tf.Variable,
        v: tf.Variable,
        gradient: tf.Tensor,
        *,
        powers: Sequence[tf.Tensor],
        rate: tf.Tensor,
    ) -> None:
        beta_1, beta_2 = ADAM_BETAS[self._rule]
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=m.handle,
            v=v.handle,
            beta1_power=powers[0],
            beta2_power=powers[1],
            lr=rate,
            beta1=beta_1,
            beta2=beta_2,
            epsilon=ADAM_EPSILON,
            grad=gradient,
        )

    def _muon(self, variable: tf.Variable, m: tf.Variable, gradient: tf.Tensor, rate: tf.Tensor) -> None:
        outputs = variable.shape[-1]
        m.assign(m * MUON_MOMENTUM + gradient)
        update = orthogonalize(tf.reshape(gradient + MUON_MOMENTUM * m, [-1, outputs]))
        # The length of the kernel has no effect on the output; at a constant length the learning rate is relative.
        length = tf.norm(variable) + 1e-7
        variable.assign(variable * (outputs**0.5 / length) - tf.reshape(update, variable.shape) * rate)


def orthogonalize(matrix: tf.Tensor, steps: int = NEWTON_SCHULZ_STEPS) -> tf.Tensor:
    """Orthogonalize a matrix approximately, by Newton-Schulz iteration.

    Args:
        matrix: float32 ``(rows, columns)``.
        steps: Number of iterations.

    Returns:
        float32 ``(rows, columns)``, with singular values near 1.

    Source:
        Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024, with its quintic coefficients.
    """
    wide = matrix.shape[0] < matrix.shape[1]
    x = matrix / (tf.norm(matrix) + 1e-7)
    for _ in range(steps):
        gram = tf.matmul(x, x, transpose_a=not wide, transpose_b=wide)
        polynomial = -4.7750 * gram + 2.0315 * tf.matmul(gram, gram)
        x = 3.4445 * x + (tf.matmul(polynomial, x) if wide else tf.matmul(x, polynomial))
    return x
