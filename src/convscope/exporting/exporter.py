"""What a format is: how a file is written, and how its own runtime opens it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convscope.arrays import Pixels
from convscope.exporting.score import OUTPUT
from convscope.model.model_file import Model

FEWEST_COMPARED = 20

OUTPUTS = ("probabilities", "logits", OUTPUT)
"""What files have, in the order of `Runtime.run`; the last one only where the network has a score."""


@dataclass(frozen=True)
class Runtime:
    """A file as its runtime opened it.

    Attributes:
        name: Name and version of the runtime.
        run: Takes uint8 ``(n, h, w, c)``; returns probabilities and logits, float32 ``(n, classes)``, and scores,
            float32 ``(n,)``, if the file has them.
        close: Frees what it holds.
    """

    name: str
    run: Callable[[Pixels], tuple[np.ndarray, ...]]
    close: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Exporter:
    """A format.

    Attributes:
        title: One line for people.
        file_name: Of the file that is written.
        check: Raises MissingExtraError if the format cannot be written or opened here; cheap.
        write: The bytes of the file for a model, with texts that go into it; None if `put` writes it.
        open: Opens the file in its own runtime, for images of a shape and a number of classes.
        write_int8: The bytes of a quantized file, calibrated on training images; None if the format has no such file.
        put: Writes the file, or a folder, where a library does that by itself.
        budget: Multiply-adds that a comparison may take; large networks are compared on fewer images.
    """

    title: str
    file_name: str
    check: Callable[[], None]
    write: Callable[[Model, Mapping[str, str]], bytes] | None
    open: Callable[[Path, tuple[int, int, int], int], Runtime]
    write_int8: Callable[[Model, Mapping[str, str], Pixels], bytes] | None = None
    put: Callable[[Model, Mapping[str, str], Path], None] | None = None
    budget: float = 1e12

    def save(self, model: Model, metadata: Mapping[str, str], path: Path) -> None:
        """Write the file or folder."""
        if self.write is not None:
            path.write_bytes(self.write(model, metadata))
        elif self.put is not None:
            self.put(model, metadata, path)

    @property
    def int8_file_name(self) -> str:
        """Of the quantized file."""
        name = Path(self.file_name)
        return f"{name.stem}-int8{name.suffix}"

    def compared(self, model: Model, available: int) -> int:
        """How many of the available images a file is compared on."""
        return min(available, max(FEWEST_COMPARED, int(self.budget / max(model.spec.multiply_adds, 1))))
