"""An ONNX graph that grows node by node."""

from __future__ import annotations

from typing import Any

import numpy as np


class Graph:
    """Nodes and constants of a graph, with names that are made as they are added.

    Attributes:
        nodes: In order.
        initializers: The constants.
        prefix: What the names of added nodes begin with.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.prefix = ""

    def constant(self, value: np.ndarray | np.generic) -> str:
        """Add a constant; returns its name."""
        from onnx import numpy_helper

        name = f"constant_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name))
        return name

    def op(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node; returns the name of its output."""
        from onnx import helper

        name = output or f"{self.prefix}{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name
