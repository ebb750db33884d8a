"""What is read of Keras files, by format, version and layer: docs/keras_files.md is generated from this list. Light."""

from __future__ import annotations

from dataclasses import dataclass

from convscope.model.checks import ACTIVATIONS
from convscope.model.layers import LAYERS

VERSIONS = (2, 3)
"""The major versions of Keras whose files are read."""

BACKENDS = ("tensorflow", "jax", "torch", "numpy", "openvino")
"""The backends of these files; Theano turned the kernels of convolutions around."""


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        name: What it is called.
        written_by: The versions that write it, and how.
        content: What is inside.
    """

    name: str
    written_by: str
    content: str


FORMATS = (
    Format("`.keras`", "Keras 3, and Keras 2.15 (TensorFlow 2.15)", "a zip archive, weights below `layers/`"),
    Format(
        "`.keras`",
        "Keras 2.13 and 2.14; Keras 2.12 with `save_format='keras_v3'`",
        "a zip archive, weights below `_layer_checkpoint_dependencies/`",
    ),
    Format("`.keras`", "Keras 2.12 (TensorFlow 2.12) otherwise", "HDF5, as `.h5`"),
    Format("`.h5`, `.hdf5`", "Keras 2 and 3", "HDF5: the config as an attribute, weights below `model_weights/`"),
)

LAYER_NOTES = {
    "Add": "inputs of one shape",
    "BatchNormalization": "over the channels",
    "Concatenate": "over the channels",
    "Conv2D": "channels last",
    "Dense": "after Flatten or global pooling",
    "ELU": "`alpha=1`; it becomes `Activation('elu')`",
    "Flatten": "also of images without a channel axis",
    "GlobalAveragePooling2D": "`keepdims=False`",
    "GlobalMaxPooling2D": "`keepdims=False`",
    "Identity": "skipped",
    "LayerNormalization": "over the channels",
    "LeakyReLU": "`alpha` of Keras 2 is `negative_slope`",
    "Normalization": "over the channels; mean and variance become arguments",
    "ReLU": "`max_value=6` becomes `Activation('relu6')`, a `negative_slope` becomes `LeakyReLU`; `threshold=0`",
    "Rescaling": "one number each; before all other layers it becomes the input value range",
    "Reshape": "to rows, columns and channels, or to one vector; `Reshape((28, 28, 1))` of a 28×28 image is skipped",
    "Sequential": "as a layer: its layers are read in its place",
    "Softmax": "over the classes",
}
"""Which arguments of a layer are read; a kind that is not here is read with all arguments of its convscope layer."""

KINDS = tuple(sorted({*LAYERS, *LAYER_NOTES}))
"""Every layer that computes something and is read."""

IDLE = (
    "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout", "ActivityRegularization", "RandomFlip",
    "RandomRotation", "RandomTranslation", "RandomZoom", "RandomShear", "RandomBrightness", "RandomContrast",
    "RandomHue", "RandomSaturation", "RandomSharpness", "RandomColorJitter", "RandomGaussianBlur", "RandomErasing",
    "RandomPerspective",
)  # fmt: skip
"""Layers that are active in training only; they are skipped, which changes no prediction."""

ACTIVATION_NAMES = {name: name for name in ACTIVATIONS} | {"swish": "silu", "hard_swish": "hard_silu"}
"""Keras's names of the activations, and ours."""

CHANGED_ACTIVATIONS = {"hard_sigmoid": "it was max(0, min(1, 0.2 x + 0.5)), and is relu6(x + 3) / 6 in Keras 3"}
"""Activations of Keras 2 that are other functions in Keras 3, which are refused, and why."""

ENDINGS = (
    "`softmax`, as an activation or a layer",
    "logits: `Dense` without an activation; a softmax is added",
    "`Dense(1, activation='sigmoid')`: read as two classes with probabilities 1 − p and p",
)
"""How a model may end."""
