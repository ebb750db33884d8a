"""The Keras code that rebuilds a network: text that runs as printed. Light."""

from __future__ import annotations

from convscope.model.spec import INPUT, Row, Spec
from convscope.model.spec_parser import keras_call


def keras_source(spec: Spec) -> str:
    """A Python program that builds this network in Keras and prints its summary.

    Layer names, shapes and parameters are those of the shape table; the weights are new.

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
    head = ["import keras", "from keras import layers", ""]
    body = _sequential(spec) if spec.is_line else _functional(spec)
    return "\n".join([*head, *body, "model.summary()"])


def _sequential(spec: Spec) -> list[str]:
    lines = [f"        layers.{_named(row)}," for row in spec.table()]
    return ["model = keras.Sequential(", "    [", f"        keras.Input({spec.input_shape}),", *lines, "    ]", ")"]


def _functional(spec: Spec) -> list[str]:
    """One line for each layer; variables have the names of the layers, but for those that the program needs."""
    rows = spec.table()
    variables = {row.name: f"{row.name}_" if row.name in _TAKEN else row.name for row in rows} | {INPUT: "inputs"}
    lines = [f"inputs = keras.Input({spec.input_shape}, name={INPUT!r})"]
    for row in rows:
        given = ", ".join(variables[name] for name in row.inputs)
        given = f"[{given}]" if len(row.inputs) > 1 else given
        lines.append(f"{variables[row.name]} = layers.{_named(row)}({given})")
    return [*lines, f"model = keras.Model(inputs, {variables[rows[-1].name]})"]


_TAKEN = ("keras", "layers", "inputs", "model")


def _named(row: Row) -> str:
    call = keras_call(row.layer)
    comma = "" if call.endswith("()") else ", "
    return f"{call[:-1]}{comma}name={row.name!r})"
