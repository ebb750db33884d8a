"""The shape table of a network."""

from __future__ import annotations

from pathlib import Path

from convscope.errors import OptionError
from convscope.model.model_file import load_model
from convscope.model.presets import load_spec
from convscope.model.spec import Spec
from convscope.training.run import MODEL_FILE


def summary(model: str, *, input_shape: tuple[int, int, int] | None = None, num_classes: int | None = None) -> Spec:
    """The network behind a preset, a spec file, or a run, with its shapes worked out by arithmetic.

    Args:
        model: A preset, the path of a spec file, or the folder of a run.
        input_shape: Rows, columns, channels; None means MNIST's 28×28×1. A run has its own.
        num_classes: None means 10. A run has its own.

    Raises:
        SpecError: There is no such network, or it does not fit the input.
        ModelFileError: The run's model file is damaged.
        OptionError: Fewer than two classes, or an input for a run, which has its own.

    Example:
        >>> summary("classic").parameters
        258826
    """
    if num_classes is not None and num_classes < 2:
        raise OptionError(f"classes must be a whole number of 2 or more. Received: classes={num_classes}.")
    file = Path(model) / MODEL_FILE if Path(model).is_dir() else Path(model)
    if file.name == MODEL_FILE and file.is_file():
        if input_shape or num_classes:
            raise OptionError(f"A trained network has its own input and classes. Received: {model}.")
        return load_model(file).spec
    return load_spec(model, input_shape=input_shape or (28, 28, 1), num_classes=num_classes or 10)
