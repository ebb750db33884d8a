"""Post-training quantization of an ONNX model by ONNX Runtime: weights and most values as int8."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from convscope.arrays import Pixels
from convscope.exporting.onnx_model import onnx_proto
from convscope.exporting.onnx_score import PREFIX
from convscope.exporting.score import score_parts
from convscope.model.model_file import Model

CHUNK = 64
QUANTIZED = [
    "Add",
    "AveragePool",
    "Concat",
    "Conv",
    "Flatten",
    "Gemm",
    "GlobalAveragePool",
    "MaxPool",
    "Relu",
    "Reshape",
]
"""Operations that are computed in int8; all others stay in float32."""


def onnx_int8_bytes(model: Model, metadata: Mapping[str, str], calibration: Pixels) -> bytes:
    """The network as a quantized ONNX file; inputs and outputs are those of `onnx_model.onnx_bytes`.

    Weights have a scale for each output channel, values a range from the calibration images, and the operations in
    between are written as QuantizeLinear and DequantizeLinear, which runtimes fuse. The score for unknown images is
    computed in float32 from the quantized network's features and logits.

    Args:
        model: The network.
        metadata: Texts that the file holds.
        calibration: Training images, uint8 ``(n, h, w, c)``.

    Raises:
        MissingExtraError: The package onnx is not installed.
        SpecError: A layer has no counterpart in ONNX.
    """
    made = onnx_proto(model, metadata, score_parts(model))
    exact = [node.name for node in made.graph.node if node.name.startswith(PREFIX)]
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Images(CalibrationDataReader):
        def __init__(self) -> None:
            self.chunks = iter(range(0, len(calibration), CHUNK))

        def get_next(self) -> Any:
            start = next(self.chunks, None)
            return None if start is None else {"images": np.ascontiguousarray(calibration[start : start + CHUNK])}

    logger = logging.getLogger()
    before = logger.disabled
    logger.disabled = True  # it advises to fold batch normalization first, which is done
    try:
        with tempfile.TemporaryDirectory(prefix="convscope-onnx-") as folder:
            path = Path(folder) / "int8.onnx"
            quantize_static(
                made,
                path,
                Images(),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=QUANTIZED,
                nodes_to_exclude=exact,
                per_channel=True,
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
                extra_options={"QuantizeBias": True},
            )
            return path.read_bytes()
    finally:
        logger.disabled = before
