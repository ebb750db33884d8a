"""The layers of a network, by arithmetic alone."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from convscope.api.run import Run
from convscope.errors import OptionError
from convscope.markup import table
from convscope.model.model_file import load_model
from convscope.model.presets import load_spec
from convscope.model.spec import Row, Spec
from convscope.model.spec_parser import parse, spec_lines
from convscope.training.run_folder import MODEL_FILE


@dataclass(frozen=True)
class NetworkSummary:
    """The layers of a network: output shapes, parameters, multiply-adds, receptive field.

    Shows itself as a table in a notebook; ``print`` gives the same as text.

    Attributes:
        spec: The network.
    """

    spec: Spec

    @property
    def name(self) -> str:
        """The network's name."""
        return self.spec.name

    @property
    def layers(self) -> tuple[Row, ...]:
        """One row per layer: ``name``, ``output_shape``, ``parameters``, ``multiply_adds``, ``receptive_field``."""
        return self.spec.table()

    @property
    def parameters(self) -> int:
        """Of all layers, as Keras's ``count_params`` counts."""
        return self.spec.parameters

    @property
    def multiply_adds(self) -> int:
        """Of one forward pass for one image."""
        return self.spec.multiply_adds

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                line,
                "×".join(map(str, row.output_shape)),
                f"{row.parameters:,}",
                f"{row.multiply_adds:,}",
                "×".join(str(axis.size) for axis in row.receptive_field) if row.receptive_field else "all",
            )
            for line, row in zip(spec_lines(self.spec), self.layers, strict=True)
        ]

    def __str__(self) -> str:
        rows = [("layer", "output", "parameters", "multiply-adds", "receptive field"), *self._rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([*lines, f"{self.parameters:,} parameters, {self.multiply_adds:,} multiply-adds per image"])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = [tuple(map(escape, row)) for row in self._rows()]
        caption = f"{self.name}: {self.parameters:,} parameters, {self.multiply_adds:,} multiply-adds per image"
        return table(("layer", "output", "parameters", "multiply-adds", "receptive field"), rows, caption=caption)


def summary(
    model: str | Path | Run = "quick",
    *,
    input_shape: tuple[int, int, int] | None = None,
    num_classes: int | None = None,
) -> NetworkSummary:
    """Work out the shapes of a network.

    Args:
        model: A preset, the path of a spec file, the text of one (several lines), a run or its folder.
        input_shape: Rows, columns, channels; None takes MNIST's 28×28×1. A run has its own.
        num_classes: None takes 10. A run has its own.

    Raises:
        SpecError: There is no such network, or it does not fit the input.
        ModelFileError: The run's model file is damaged.
        OptionError: Fewer than two classes, or an input shape for a run, which has its own.

    Example:
        >>> summary("classic").parameters
        258826
    """
    if input_shape is not None and len(input_shape) != 3:
        raise OptionError(f"input_shape must be rows, columns and channels. Received: input_shape={input_shape}.")
    if num_classes is not None and (type(num_classes) is not int or num_classes < 2):
        raise OptionError(f"num_classes must be a whole number of 2 or more. Received: num_classes={num_classes!r}.")
    own = _spec_of_run(model)
    if own is not None:
        if input_shape or num_classes:
            raise OptionError(f"A trained network has its own input shape and classes. Received: {model}.")
        return NetworkSummary(own)
    how = {"input_shape": input_shape or (28, 28, 1), "num_classes": num_classes or 10}
    text = str(model)
    return NetworkSummary(parse(text, **how) if "\n" in text else load_spec(text, **how))


def _spec_of_run(model: str | Path | Run) -> Spec | None:
    if isinstance(model, Run):
        return model.model.spec
    if "\n" in str(model):
        return None
    file = Path(model) / MODEL_FILE if Path(model).is_dir() else Path(model)
    return load_model(file).spec if file.name == MODEL_FILE and file.is_file() else None
