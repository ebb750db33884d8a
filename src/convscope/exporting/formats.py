"""The formats of an export; the keys are the command line's choices. A new format is a module and an entry here."""

from __future__ import annotations

from convscope.exporting.c_runtime import check_c, open_c
from convscope.exporting.c_source import c_bytes
from convscope.exporting.exporter import Exporter
from convscope.exporting.litert_int8 import litert_int8_bytes
from convscope.exporting.litert_model import litert_bytes
from convscope.exporting.litert_runtime import check_litert, open_litert
from convscope.exporting.onnx_int8 import onnx_int8_bytes
from convscope.exporting.onnx_model import onnx_bytes
from convscope.exporting.onnx_runtime import check_onnx, open_onnx

EXPORTERS = {
    "onnx": Exporter(
        "ONNX, for ONNX Runtime on servers, phones and in browsers",
        "model.onnx",
        check_onnx,
        onnx_bytes,
        open_onnx,
        onnx_int8_bytes,
    ),
    "litert": Exporter(
        "LiteRT, for phones and small devices",
        "model.tflite",
        check_litert,
        litert_bytes,
        open_litert,
        litert_int8_bytes,
    ),
    "c": Exporter("C99, one file without allocation", "model.c", check_c, c_bytes, open_c, budget=5e10),
}
"""Name to format."""
