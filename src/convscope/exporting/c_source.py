"""A network as one C99 file without allocation: compile it with ``-lm``, call ``convscope_predict``.

The maps keep the order of the spec, channels last. All values lie in one static buffer, whose parts are used again as
soon as no later layer needs them; layers that change each value on its own work in place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from convscope.errors import SpecError
from convscope.evaluation.reliability import reliability_of
from convscope.evaluation.temperature import temperature_of
from convscope.exporting.c_functions import FUNCTIONS
from convscope.exporting.c_layers import IN_PLACE, Source, c_number, write_layer
from convscope.exporting.c_memory import plan
from convscope.exporting.c_score import DECLARED, score_calls, score_function, score_functions, score_state
from convscope.exporting.folding import unfolded
from convscope.exporting.score import ScoreParts, score_parts, used_threshold
from convscope.model.model_file import Model
from convscope.model.spec import INPUT

MAX_PARAMETERS = 5_000_000
"""A larger network gives a source file that compilers take minutes for."""


def c_bytes(model: Model, metadata: Mapping[str, str]) -> bytes:
    """The network as a C99 source file.

    ``void convscope_logits(const unsigned char *image, float *logits)`` and ``convscope_predict`` with calibrated
    probabilities take the bytes of one image: rows, columns, channels. A network with a score for unknown images has
    ``float convscope_predict_with_score`` too, which does the same and returns the score, and ``convscope_threshold``.

    Args:
        model: The network.
        metadata: Texts for the comment at the top.

    Raises:
        SpecError: A layer has no counterpart, or the network has more than `MAX_PARAMETERS` parameters.
    """
    spec, rows = model.spec, model.spec.table()
    if spec.parameters > MAX_PARAMETERS:
        raise SpecError(
            f"Expected at most {MAX_PARAMETERS:,} parameters for C. Received: {spec.parameters:,}.",
            hint="Export to onnx.",
        )
    places, size = plan(rows, in_place=IN_PLACE)
    source = Source([], [], set())
    pixels = math.prod(spec.input_shape)
    source.calls.append(
        f"  for (int i = 0; i < {pixels}; i++) {_at(places[INPUT])}[i] = (float)image[i] * {c_number(1 / 255)};"
    )
    parts = score_parts(model)
    for step in unfolded(model):
        row = step.row
        if parts is not None and row.name == parts.row.name:
            source.calls += score_calls(parts, _at(places[row.inputs[0]]), source.array)
        write_layer(
            source, row, step.layer, step.weights, [_at(places[name]) for name in row.inputs], _at(places[row.name])
        )
    source.calls.append(f"  for (int i = 0; i < {spec.num_classes}; i++) logits[i] = {_at(places[rows[-1].name])}[i];")
    return _file(model, metadata, source, size, parts).encode()


def _at(place: int) -> str:
    return f"(values + {place})" if place else "values"


def _file(model: Model, metadata: Mapping[str, str], source: Source, size: int, parts: ScoreParts | None) -> str:
    h, w, c = model.spec.input_shape
    about = [f"{name}: {value}" for name, value in metadata.items()]
    names = ", ".join(_text(name) for name in model.class_names)
    needed = [FUNCTIONS[name] for name in FUNCTIONS if name in source.functions]
    needed += [score_functions(parts)] if parts else []
    return "\n".join(
        [
            "/* A convolutional network, written by convscope. C99; link with -lm. One static buffer: not reentrant.",
            *[f" * {_comment(line)}" for line in about],
            " */",
            "#include <math.h>",
            "",
            f"/* image: {h} rows x {w} columns x {c} channels, 0..255. Each function handles one image. */",
            "void convscope_logits(const unsigned char *image, float *logits);",
            "void convscope_predict(const unsigned char *image, float *probabilities);",
            *_score_head(model, parts),
            "",
            f"const int convscope_classes = {model.spec.num_classes};",
            f"const char *const convscope_class_names[{model.spec.num_classes}] = {{{names}}};",
            "",
            f"static float values[{size}];",
            score_state(parts) if parts else "",
            *source.arrays,
            *needed,
            "void convscope_logits(const unsigned char *image, float *logits) {",
            *source.calls,
            "}",
            "",
            "static void calibrate(float *probabilities) {",
            f"  const float temperature = {c_number(temperature_of(model.calibration))};",
            "  float largest = probabilities[0] / temperature, sum = 0.0f;",
            "  for (int i = 0; i < convscope_classes; i++) {",
            "    probabilities[i] /= temperature;",
            "    if (probabilities[i] > largest) largest = probabilities[i];",
            "  }",
            "  for (int i = 0; i < convscope_classes; i++) sum += probabilities[i] = expf(probabilities[i] - largest);",
            "  for (int i = 0; i < convscope_classes; i++) probabilities[i] /= sum;",
            "}",
            "",
            "void convscope_predict(const unsigned char *image, float *probabilities) {",
            "  convscope_logits(image, probabilities);",
            "  calibrate(probabilities);",
            "}",
            "",
            *(score_function(parts, model.spec.input_shape) if parts else []),
        ]
    )


def _score_head(model: Model, parts: ScoreParts | None) -> list[str]:
    rejection = reliability_of(model).rejection
    if parts is None or rejection is None:
        return []
    level = rejection.default_level
    threshold = used_threshold(rejection)
    promise = "no level can be promised" if level is None else f"of images like the held-out ones, {level:.0%} at most"
    return [
        f"/* returns the score for unknown images; above the threshold, an image is unknown ({promise}) */",
        DECLARED,
        f"const float convscope_threshold = {'INFINITY' if threshold is None else c_number(threshold)};",
    ]


def _text(value: str) -> str:
    """A string of C, every byte but letters and digits in octal, so that no escape or trigraph can arise."""
    return (
        '"' + "".join(chr(b) if chr(b).isascii() and chr(b).isalnum() else f"\\{b:03o}" for b in value.encode()) + '"'
    )


def _comment(value: str) -> str:
    """Text inside a comment: in ASCII, without what ends one or continues a line."""
    return (
        value.encode("ascii", "replace")
        .decode()
        .replace("*/", "* /")
        .replace("/*", "/ *")
        .replace("\\", "/")
        .replace("??", "? ?")
    )
