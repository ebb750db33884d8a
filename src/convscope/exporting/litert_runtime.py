"""A LiteRT file opened by LiteRT."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import threading
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from convscope.arrays import Pixels
from convscope.errors import MissingExtraError
from convscope.exporting.exporter import OUTPUTS, Runtime

PACKAGE = "ai_edge_litert"

CHUNK = 64
"""Images at a time: LiteRT keeps every value of a batch."""


def check_litert() -> None:
    """Check that LiteRT is installed, without importing it.

    Raises:
        MissingExtraError: It is not.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        raise MissingExtraError(
            "LiteRT needs the package ai-edge-litert. Received: no such package.",
            hint="Run: pip install 'convscope[litert]'.",
        )


class Interpreter:
    """A LiteRT file that takes any number of images; not for several threads at once."""

    def __init__(self, content: bytes, *, keeps_all: bool = False, threads: int = 1) -> None:
        """Open a file.

        Args:
            content: Its bytes.
            keeps_all: Whether `value` can read every value after a run, which is slower.
            threads: How many threads compute a chunk.
        """
        self._how = (content, keeps_all, threads)
        self._opened: dict[int, _Allocated] = {}
        self._last: _Allocated | None = None

    def run(self, images: Pixels) -> dict[str, np.ndarray]:
        """The outputs by name, for at least one image."""
        if len(images) <= CHUNK:
            return self._for(len(images)).run(images)
        chunks = (images[start : start + CHUNK] for start in range(0, len(images), CHUNK))
        parts = [self._for(len(chunk)).run(chunk) for chunk in chunks]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def value(self, index: int) -> np.ndarray:
        """A value of the last chunk that was run."""
        assert self._last is not None
        return np.asarray(self._last.opened.get_tensor(index))

    def _for(self, count: int) -> _Allocated:
        """What runs a number of images: one for single images, one for whole chunks, one for all other numbers."""
        slot = count if count in (1, CHUNK) else 0
        if slot not in self._opened:
            self._opened[slot] = _Allocated(_open(*self._how))
        self._last = self._opened[slot]
        return self._last


class _Allocated:
    """An interpreter with memory for a number of images, which changes with the images that it is given.

    The runner of a signature would allocate anew for each batch.
    """

    def __init__(self, opened: Any) -> None:
        runner = opened.get_signature_runner()
        self.opened = opened
        self._input = runner.get_input_details()["images"]["index"]
        self._outputs = {name: detail["index"] for name, detail in runner.get_output_details().items()}
        self._shape: tuple[int, ...] = ()

    def run(self, images: Pixels) -> dict[str, np.ndarray]:
        if images.shape != self._shape:
            self.opened.resize_tensor_input(self._input, images.shape)
            self.opened.allocate_tensors()
            self._shape = images.shape
        self.opened.set_tensor(self._input, np.ascontiguousarray(images))
        self.opened.invoke()
        return {name: self.opened.get_tensor(index) for name, index in self._outputs.items()}


def _open(content: bytes, keeps_all: bool, threads: int) -> Any:
    from ai_edge_litert.interpreter import Interpreter as LiteRT

    with _ANNOUNCING:
        _announce()
    with warnings.catch_warnings():  # that keeping all values takes memory
        warnings.simplefilter("ignore", UserWarning)
        return LiteRT(model_content=content, num_threads=threads, experimental_preserve_all_tensors=keeps_all)


_ANNOUNCING = threading.Lock()
"""stderr belongs to all threads."""


@functools.cache
def _announce() -> None:
    """Have LiteRT write the one line that it writes to stderr of every process, and drop it: no setting does."""
    from ai_edge_litert.interpreter import Interpreter as LiteRT

    from convscope.exporting.litert_file import Graph, Value

    graph = Graph()
    given = graph.add(Value("x", (1, 1)))
    graph.inputs["x"], graph.outputs["y"] = given, graph.op("RELU", given)
    with _no_stderr(), contextlib.suppress(ValueError, RuntimeError):
        LiteRT(model_content=graph.to_bytes(name="first", metadata={})).allocate_tensors()


@contextlib.contextmanager
def _no_stderr() -> Iterator[None]:
    try:
        kept = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def runtime_name() -> str:
    """Name and version."""
    return f"LiteRT {version('ai-edge-litert')}"


def open_litert(path: Path, shape: tuple[int, int, int], classes: int) -> Runtime:
    """Open a LiteRT file on the CPU, with one thread."""
    opened = Interpreter(path.read_bytes())

    def run(images: Pixels) -> tuple[np.ndarray, ...]:
        found = opened.run(images)
        return tuple(found[name] for name in OUTPUTS if name in found)

    return Runtime(runtime_name(), run)
