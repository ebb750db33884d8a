"""The Keras code that rebuilds a network: text that runs as printed. Cool."""

from __future__ import annotations

from convscope.model.spec import Spec
from convscope.model.spec_parser import keras_call


def keras_source(spec: Spec) -> str:
    """A Python program that builds exactly this network in Keras and prints its summary.

    Layer names, shapes and parameters are those of the shape table; the weights are fresh.

    Example:
        >>> from convscope.model.presets import load_spec
        >>> print(keras_source(load_spec("classic", input_shape=(28, 28, 1), num_classes=10)))
        import keras
        from keras import layers
        <BLANKLINE>
        model = keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                layers.Conv2D(64, 3, activation='relu', name='conv2d'),
                layers.Conv2D(128, 3, activation='relu', name='conv2d_1'),
                layers.MaxPooling2D(2, name='max_pooling2d'),
                layers.Dropout(0.33, name='dropout'),
                layers.Flatten(name='flatten'),
                layers.Dense(10, activation='softmax', name='dense'),
            ]
        )
        model.summary()
    """
    lines = [f"        layers.{_named(keras_call(row.layer), row.name)}," for row in spec.table()]
    return "\n".join(
        [
            "import keras",
            "from keras import layers",
            "",
            "model = keras.Sequential(",
            "    [",
            f"        keras.Input({spec.input_shape}),",
            *lines,
            "    ]",
            ")",
            "model.summary()",
        ]
    )


def _named(call: str, name: str) -> str:
    comma = "" if call.endswith("()") else ", "
    return f"{call[:-1]}{comma}name={name!r})"
