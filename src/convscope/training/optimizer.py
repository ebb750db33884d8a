"""Weight updates as single graph operations. Heavy: runs inside the compiled loop.

`keras.optimizers.Adam` performs each update in a dozen small operations, and `keras.optimizers.Muon` leaves
convolution kernels to AdamW; with ten milliseconds per step both matter (docs/speed.md). The update rules
are those of Keras: a test compares `adam` and `sgd` with `keras.optimizers` step by step.
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
    """One rule for a list of variables, with its slots.

    Args:
        variables: What is trained.
        scale_free: For each variable, whether it is a kernel whose length changes nothing, because batch normalization
            cancels it: `muon` takes those and leaves the others to Adam.
        options: ``optimizer``, ``learning_rate``, ``muon_learning_rate``, ``weight_decay``.
    """

    def __init__(self, variables: Sequence[tf.Variable], scale_free: Sequence[bool], options: TrainOptions) -> None:
        self._rule = options.optimizer or "adam"
        self._decay = options.weight_decay or 0.0
        self._muon_ratio = (options.muon_learning_rate or 0.0) / (options.learning_rate or 1.0)
        self._variables = list(variables)
        self._by_muon = [self._rule == "muon" and flag for flag in scale_free]
        self.momenta = [tf.Variable(tf.zeros_like(v), trainable=False) for v in variables]
        slots = 0 if self._rule == "sgd" else 1
        self.seconds = [tf.Variable(tf.zeros(v.shape if slots else []), trainable=False) for v in variables]

    def apply(self, gradients: Sequence[tf.Tensor], *, step: tf.Tensor, rate: tf.Tensor) -> None:
        """Change every variable once.

        Args:
            gradients: One for each variable, in order.
            step: int32 scalar, counted from 0.
            rate: float32 scalar, the learning rate of this step.
        """
        for i, (variable, gradient) in enumerate(zip(self._variables, gradients, strict=True)):
            if self._by_muon[i]:
                self._muon(variable, self.momenta[i], gradient, rate * self._muon_ratio)
                continue
            if self._decay and len(variable.shape) > 1:
                variable.assign_sub(variable * (rate * self._decay))
            if self._rule == "sgd":
                tf.raw_ops.ResourceApplyKerasMomentum(
                    var=variable.handle,
                    accum=self.momenta[i].handle,
                    lr=rate,
                    grad=gradient,
                    momentum=SGD_MOMENTUM,
                    use_nesterov=True,
                )
            else:
                self._adam(variable, self.momenta[i], self.seconds[i], gradient, step=step, rate=rate)

    def _adam(
        self,
        variable: tf.Variable,
        m: tf.Variable,
        v: tf.Variable,
        gradient: tf.Tensor,
        *,
        step: tf.Tensor,
        rate: tf.Tensor,
    ) -> None:
        beta_1, beta_2 = ADAM_BETAS[self._rule]
        power = tf.cast(step, tf.float32) + 1
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=m.handle,
            v=v.handle,
            beta1_power=tf.pow(beta_1, power),
            beta2_power=tf.pow(beta_2, power),
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
        # Batch normalisation undoes the length of the kernel: holding it at one value makes the rate a relative one.
        length = tf.norm(variable) + 1e-7
        variable.assign(variable * (outputs**0.5 / length) - tf.reshape(update, variable.shape) * rate)


def orthogonalize(matrix: tf.Tensor, steps: int = NEWTON_SCHULZ_STEPS) -> tf.Tensor:
    """Some Newton-Schulz steps towards the nearest matrix whose singular values are all one.

    Args:
        matrix: float32 ``(rows, columns)``.
        steps: How many.

    Returns:
        float32 ``(rows, columns)``; after three steps the singular values lie around one, not on it, which is enough.

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
