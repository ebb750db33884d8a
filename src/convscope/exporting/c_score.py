"""The score for unknown images in the C file."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from convscope.exporting.c_layers import c_number
from convscope.exporting.score import BLANK_SCORE, ScoreParts

DECLARED = "float convscope_predict_with_score(const unsigned char *image, float *probabilities);"
"""What a file with a score declares, beside the constant ``convscope_threshold``."""

AVERAGE_CELLS = """\
static void average_cells(const float *x, float *y, int h, int w, int c, int rows, int columns) {
  for (int i = 0; i < rows; i++) for (int j = 0; j < columns; j++) for (int k = 0; k < c; k++) {
    const int top = i * h / rows, bottom = (i + 1) * h / rows, left = j * w / columns, right = (j + 1) * w / columns;
    float sum = 0.0f;
    for (int r = top; r < bottom; r++) for (int s = left; s < right; s++) sum += x[(r * w + s) * c + k];
    y[(i * columns + j) * c + k] = sum / (float)((bottom - top) * (right - left));
  }
}
"""

RESIDUAL = """\
static float distance_to_subspace(const float *x, const float *center, const <type> *directions,
                                  const float *steps, int n, int d) {
  float squares = 0.0f;
  for (int k = 0; k < d; k++) along[k] = 0.0f;
  for (int i = 0; i < n; i++) {
    const float value = x[i] - center[i];
    squares += value * value;
    for (int k = 0; k < d; k++) along[k] += value * (float)directions[i * d + k];
  }
  for (int k = 0; k < d; k++) {
    if (steps) along[k] *= steps[k];
    squares -= along[k] * along[k];
  }
  return squares > 0.0f ? sqrtf(squares) : 0.0f;
}
"""


VARIATION = """\
static float total_variation(const unsigned char *image, int h, int w, int c) {
  const int row = w * c;
  unsigned long sum = 0;
  for (int i = 0; i < h; i++) for (int j = 0; j < row; j++) {
    const unsigned char *at = image + i * row + j;
    if (i + 1 < h) sum += (unsigned long)(at[row] > at[0] ? at[row] - at[0] : at[0] - at[row]);
    if (j + c < row) sum += (unsigned long)(at[c] > at[0] ? at[c] - at[0] : at[0] - at[c]);
  }
  return (float)sum / 255.0f;
}
"""


def score_functions(parts: ScoreParts) -> str:
    """The functions that the score needs."""
    residual = RESIDUAL.replace("<type>", "float" if parts.steps is None else "signed char")
    needed = [residual] if parts.averages is None else [AVERAGE_CELLS, residual]
    return "\n".join([*needed, VARIATION] if parts.variation else needed)


def score_state(parts: ScoreParts) -> str:
    """The static variables of the score."""
    features, directions = parts.directions.shape
    cells = "" if parts.averages is None else f"static float cells[{features}];\n"
    return f"{cells}static float along[{directions}];\nstatic float residual;\n"


def score_calls(parts: ScoreParts, features: str, array: Callable[[str, np.ndarray], str]) -> list[str]:
    """The lines before the last layer with weights.

    Args:
        parts: What the score is computed from.
        features: Where the features are, in C.
        array: Defines a constant array and returns its name.
    """
    center, directions = array("score_center", parts.center), array("score_directions", parts.directions)
    count, wide = parts.directions.shape
    steps = "0" if parts.steps is None else array("score_steps", parts.steps)
    lines = []
    if parts.averages is not None:
        sizes = (*parts.grid, len(parts.averages[0]), len(parts.averages[1]))
        lines.append(f"  average_cells({features}, cells, {', '.join(map(str, sizes))});")
        features = "cells"
    return [*lines, f"  residual = distance_to_subspace({features}, {center}, {directions}, {steps}, {count}, {wide});"]


def score_function(parts: ScoreParts, input_shape: tuple[int, int, int]) -> list[str]:
    """The lines of ``convscope_predict_with_score``.

    Args:
        parts: What the score is computed from.
        input_shape: Of an image.
    """
    term, largest = "expf(probabilities[i] - largest)", "largest + logf(sum)"
    if parts.centers_logits:
        term, largest = "probabilities[i]", "largest - sum / (float)convscope_classes"
    blank, excess = [], []
    if parts.variation:
        share = c_number(parts.variation.weight / parts.variation.largest)
        sizes = ", ".join(map(str, input_shape))
        excess = [
            f"  const float excess = {share} * total_variation(image, {sizes}) - {c_number(parts.variation.weight)};",
            "  if (excess > 0.0f) residual += excess;",
        ]
    if parts.rejects_blank:
        size, channels = math.prod(input_shape), input_shape[2]
        blank = [
            f"  int i = {channels};",
            f"  while (i < {size} && image[i] == image[i % {channels}]) i++;",
            f"  if (i == {size}) score = {c_number(BLANK_SCORE)}; /* one intensity: nothing is seen */",
        ]
    return [
        DECLARED.replace(";", " {"),
        "  convscope_logits(image, probabilities);",
        "  float largest = probabilities[0], sum = 0.0f;",
        "  for (int i = 1; i < convscope_classes; i++) if (probabilities[i] > largest) largest = probabilities[i];",
        f"  for (int i = 0; i < convscope_classes; i++) sum += {term};",
        *excess,
        f"  float score = {c_number(parts.scale)} * residual - ({largest});",
        *blank,
        "  calibrate(probabilities);",
        "  return score;",
        "}",
        "",
    ]
