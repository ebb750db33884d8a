"""Values of an ONNX graph that can be calculated with, so that a formula reads as in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from convscope.exporting.onnx_graph import Graph

Operand: TypeAlias = "Value | float | list[int] | np.ndarray"

TRUE = np.bool_


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor in a graph. Numbers beside it in a formula become constants of its type.

    Attributes:
        graph: Where the nodes are added.
        name: Of the tensor.
        dtype: Of its elements.
    """

    graph: Graph
    name: str
    dtype: type[np.generic]

    def op(self, kind: str, *others: Operand, dtype: type[np.generic] | None = None, **attributes: Any) -> Value:
        """The result of an operation whose first input this is; of the same type, unless stated."""
        given = [self.name, *(self.like(other).name for other in others)]
        return Value(self.graph, self.graph.op(kind, *given, **attributes), dtype or self.dtype)

    def like(self, other: Operand) -> Value:
        """Another operand: lists are int64, as ONNX's shapes and axes are, and numbers have the type of this value."""
        if isinstance(other, Value):
            return other
        array = np.array(other, np.int64) if isinstance(other, list) else np.asarray(other)
        array = array.astype(self.dtype) if np.isscalar(other) else array
        return Value(self.graph, self.graph.constant(array), array.dtype.type)

    def to(self, dtype: type[np.generic]) -> Value:
        """The value in another type; fractions are truncated."""
        from onnx import helper

        return self.op("Cast", to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), dtype=dtype)

    def __add__(self, other: Operand) -> Value:
        return self.op("Add", other)

    def __sub__(self, other: Operand) -> Value:
        return self.op("Sub", other)

    def __rsub__(self, other: Operand) -> Value:
        return self.like(other).op("Sub", self)

    def __mul__(self, other: Operand) -> Value:
        return self.op("Mul", other)

    def __truediv__(self, other: Operand) -> Value:
        """Of integers that are not negative, the quotient without its remainder, as in ONNX."""
        return self.op("Div", other)

    def __gt__(self, other: Operand) -> Value:
        return self.op("Greater", other, dtype=TRUE)

    def __ge__(self, other: Operand) -> Value:
        return self.op("GreaterOrEqual", other, dtype=TRUE)

    def equals(self, other: Operand) -> Value:
        """Where both are equal."""
        return self.op("Equal", other, dtype=TRUE)

    def where(self, chosen: Value, other: Operand) -> Value:
        """One value where this one is true, the other elsewhere."""
        return self.op("Where", chosen, chosen.like(other), dtype=chosen.dtype)

    def reshaped(self, *sides: int | Value) -> Value:
        """The same elements in another shape; 0 keeps a side, and one may be -1."""
        known = [side for side in sides if isinstance(side, int)]
        if len(known) == len(sides):
            return self.op("Reshape", known)
        parts = [side if isinstance(side, Value) else self.like([side]) for side in sides]
        return self.op("Reshape", parts[0].op("Concat", *parts[1:], axis=0))

    def side(self, axis: int) -> Value:
        """The size along an axis: int64 ``(1,)``."""
        return self.op("Shape", start=axis, end=axis + 1, dtype=np.int64)

    def cut(self, axis: int, start: Value | int, stop: Value | int) -> Value:
        """From ``start`` to before ``stop`` along an axis; both are int64 ``(1,)``."""
        bounds = [one if isinstance(one, Value) else self.like([one]) for one in (start, stop)]
        return self.op("Slice", *bounds, [axis])

    def counted(self) -> Value:
        """0, 1, … up to before this value, which is an integer ``(1,)``."""
        last = self.op("Squeeze", [0])
        return Value(self.graph, self.graph.op("Range", last.like(0).name, last.name, last.like(1).name), self.dtype)

    def branch(self, yes: Callable[[Graph], Value], no: Callable[[Graph], Value]) -> Value:
        """What one of two branches computes: the first if this value is true. Both give tensors of one type.

        Args:
            yes: Adds the nodes of a branch to the graph that it is given.
            no: The other branch.
        """
        from onnx import helper

        made, results = {}, []
        for attribute, add in (("then_branch", yes), ("else_branch", no)):
            inner = self.graph.branch(f"{attribute}_{self.name}")
            results.append(result := add(inner))
            kind = helper.np_dtype_to_tensor_dtype(np.dtype(result.dtype))
            given = [helper.make_tensor_value_info(result.name, kind, None)]
            made[attribute] = helper.make_graph(inner.nodes, result.name, [], given)
        return Value(self.graph, self.graph.op("If", self.name, **made), results[0].dtype)

    def inside(self, graph: Graph) -> Value:
        """This value as a branch sees it."""
        return Value(graph, self.name, self.dtype)
