"""A LiteRT file opened by LiteRT."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
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
            "An export to LiteRT is opened by the package ai-edge-litert before it is published. Received: no such "
            "package.",
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
        self._opened: dict[int, Any] = {}
        self._last: Any = None

    def run(self, images: Pixels) -> dict[str, np.ndarray]:
        """The outputs by name, for at least one image."""
        parts = []
        for start in range(0, len(images), CHUNK):
            chunk = np.ascontiguousarray(images[start : start + CHUNK])
            parts.append(self._for(len(chunk))(images=chunk))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def value(self, index: int) -> np.ndarray:
        """A value of the last chunk that was run."""
        return np.asarray(self._last.get_tensor(index))

    def _for(self, count: int) -> Any:
        """What runs a number of images: one for single images, one for whole chunks, one for all other numbers."""
        slot = count if count in (1, CHUNK) else 0
        if slot not in self._opened:
            opened = _open(*self._how)
            self._opened[slot] = (opened, opened.get_signature_runner())
        self._last, runner = self._opened[slot]
        return runner


def _open(content: bytes, keeps_all: bool, threads: int) -> Any:
    from ai_edge_litert.interpreter import Interpreter as LiteRT

    _announce()
    with warnings.catch_warnings():  # that keeping all values takes memory
        warnings.simplefilter("ignore", UserWarning)
        return LiteRT(model_content=content, num_threads=threads, experimental_preserve_all_tensors=keeps_all)


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
