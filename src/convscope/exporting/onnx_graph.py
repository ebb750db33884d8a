"""An ONNX graph that grows node by node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

OPSET = 17
IR_VERSION = 8
"""What runtimes of the last years read; the `onnx` package would write its newest."""


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

    def op(self, kind: str, *inputs: str, output: str | None = None, unused: int = 0, **attributes: Any) -> str:
        """Add a node; returns the name of its first output. It has ``unused`` others."""
        from onnx import helper

        name = output or f"{self.prefix}{kind.lower()}_{len(self.nodes)}"
        names = [name, *(f"{name}_{index}" for index in range(1, unused + 1))]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=name, **attributes))
        return name

    def model(self, name: str, shape: tuple[str | int, ...], outputs: Mapping[str, tuple[int, ...]]) -> Any:
        """The graph as an `onnx.ModelProto`, checked.

        Args:
            name: Of the graph.
            shape: Of the input ``images``, which is uint8; names stand for sizes that are known when it runs.
            outputs: Name to the shape for one image; they are float32.
        """
        import onnx

        helper, types = onnx.helper, onnx.TensorProto
        images = helper.make_tensor_value_info("images", types.UINT8, shape)
        given = [helper.make_tensor_value_info(name, types.FLOAT, ["n", *one]) for name, one in outputs.items()]
        made = helper.make_model(
            helper.make_graph(self.nodes, name, [images], given, self.initializers),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="convscope",
        )
        onnx.checker.check_model(made, full_check=True)
        return made

    def branch(self, name: str) -> Graph:
        """A graph for one of the branches of an operation: its constants are here, and its nodes see those of here."""
        inner = Graph()
        inner.initializers, inner.prefix = self.initializers, f"{self.prefix}{name}_"
        return inner
