"""The explanation of a prediction: the input, attribution maps with their sanity checks, and every layer."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from convscope.data.pixels import AnyPicture
from convscope.explanation.attribution import to_pixels
from convscope.explanation.explanation import CheckedAttribution, Explanation
from convscope.explanation.saliency import EXPLAINERS
from convscope.explanation.sanity_checks import SanityChecks
from convscope.report.pictures.canvas import (
    DPI,
    FAINT,
    INK,
    MARGIN,
    NOTE,
    QUIET,
    RIGHT,
    TITLE_SIZE,
    WIDTH,
    WRONG,
    drawing_area,
    picture,
    sheet,
)
from convscope.report.pictures.featuremaps import draw_layers, layers_height, scale_bar
from convscope.report.pictures.gallery import show_image
from convscope.report.pictures.text_layout import drawable, percent, text_width, wrap

_SIDE = 2.0
_MAP = 1.42
_APART = 0.32
_ROW = 2.26
_HEAD = 0.42
_SEEN = _SIDE + 0.62
_CHART = MARGIN + 2 * _MAP + 1.02
_CHART_WIDTH = 1.95
_WORDS = _CHART + _CHART_WIDTH + 0.3
_LINE = 0.168


@picture
def explanation(
    explained: Explanation, *, original: AnyPicture, probabilities: Float32[np.ndarray, " k"], name: str = ""
) -> Figure:
    """Draw the input and the prediction, the attribution maps with their sanity checks, and the output of each layer.

    Args:
        explained: The explanation.
        original: uint8, 0..255, shape ``(h, w, c)``: the image before preprocessing, upright.
        probabilities: One per class, in label order, sum 1.
        name: Name of the image, for its caption.
    """
    names = explained.network.class_names
    first = int(np.argmax(probabilities))
    predicted = drawable(names[first], index=first, width=4.0, size=TITLE_SIZE, bold=True)
    target = drawable(names[explained.target], index=explained.target, width=2.5, size=10.0)
    figure, body_top = sheet(
        f"Prediction: {predicted} ({percent(float(probabilities[first]))})",
        subtitle=(
            f"The maps explain the logit of {target}, its score before the softmax: {explained.logit:.2f}. "
            "Orange supports it, blue with dots counts against it; scales are centered at zero."
        ),
        body=_SEEN + _HEAD + _ROW * len(explained.maps) + 0.2 * len(explained.skipped) + layers_height(explained) + 0.1,
        description=_in_words(explained, name),
    )
    axes = drawing_area(figure, body_top)
    _draw_seen(axes, explained, original, probabilities, name)
    y = _SEEN
    for x, words in (
        (MARGIN, "attribution"),
        (MARGIN + _MAP + _APART, "random weights"),
        (_CHART - 0.4, "deletion test"),
        (_WORDS, "method and verdict"),
    ):
        axes.text(x, y + 0.12, words, size=9, color=QUIET, va="center")
    axes.plot([MARGIN, WIDTH - MARGIN], [y + 0.27, y + 0.27], color=FAINT, linewidth=1)
    y += _HEAD
    for method, found in explained.maps.items():
        _draw_map(figure, axes, explained, method, found, y)
        y += _ROW
    for method, reason in explained.skipped.items():
        axes.text(MARGIN, y + 0.02, f"{EXPLAINERS[method].title} skipped. {reason}", size=9, va="center")
        y += 0.2
    draw_layers(axes, explained, y)
    return figure


def _in_words(explained: Explanation, name: str) -> str:
    verdicts = "; ".join(
        f"{EXPLAINERS[method].title}: {found.sanity_checks.verdict.rstrip('.')}"
        for method, found in explained.maps.items()
    )
    return f"The image {name or 'before preprocessing'}, its attribution maps, and every layer. {verdicts}."


def _draw_seen(
    axes: Axes, explained: Explanation, original: AnyPicture, probabilities: Float32[np.ndarray, " k"], name: str
) -> None:
    h, w = original.shape[:2]
    what = drawable(name, width=0.95, size=8.5) if name else "image"
    seen, names = explained.pixels, explained.network.class_names
    for x, image, caption in (
        (MARGIN, original, f"{what}, {w:,}×{h:,} pixels"),
        (MARGIN + _SIDE + 0.3, seen, f"network input, {seen.shape[1]}×{seen.shape[0]}"),
    ):
        show_image(axes, image, x=x, y=0.0, side=_SIDE, frame=FAINT)
        axes.text(x + _SIDE / 2, _SIDE + 0.17, caption, size=8.5, color=QUIET, ha="center", va="center")
    x = MARGIN + 2 * (_SIDE + 0.3) + 0.1
    width = WIDTH - MARGIN - x
    order = np.argsort(-np.asarray(probabilities), kind="stable")[:10]
    step = _SIDE / max(len(order), 5)
    labels = [drawable(names[i], index=int(i), width=1.4, size=8.5, bold=row == 0) for row, i in enumerate(order)]
    left = x + 0.15 + max(text_width(label, size=8.5, bold=True) for label in labels)
    for row, i in enumerate(order):
        y = (row + 0.5) * step
        style = {"size": 8.5, "va": "center", "weight": "bold" if row == 0 else "normal"}
        axes.text(x, y, labels[row], **style)
        axes.text(x + width, y, signed(float(explained.activations.logits[0, i])), color=QUIET, ha="right", **style)
        axes.text(x + width - 0.62, y, percent(float(probabilities[i])), color=QUIET, ha="right", **style)
        long = x + width - 1.35 - left
        axes.add_patch(Rectangle((left, y - 0.04), long, 0.08, color=FAINT, linewidth=0))
        color = RIGHT if row == 0 else INK
        axes.add_patch(Rectangle((left, y - 0.04), long * float(probabilities[i]), 0.08, color=color, linewidth=0))
    caption = "class, probability, logit"
    rest = len(probabilities) - len(order)
    axes.text(
        x, _SIDE + 0.17, f"{caption}; {rest} more classes" if rest else caption, size=8.5, color=QUIET, va="center"
    )


def _draw_map(
    figure: Figure, axes: Axes, explained: Explanation, method: str, found: CheckedAttribution, y: float
) -> None:
    attribution, sanity_checks = found.attribution, found.sanity_checks
    for x, shown in (
        (MARGIN, attribution),
        (MARGIN + _MAP + _APART, sanity_checks.parameter_randomization.attribution),
    ):
        _show_map(axes, explained, shown.flat, x, y)
        scale_bar(axes, x, y + _MAP + 0.1, _MAP, shown.reach)
    axes.text(
        MARGIN + _MAP + _APART / 2, y + _MAP + 0.35, attribution.unit, size=7.5, color=QUIET, ha="center", va="center"
    )
    _draw_deletion_curve(figure, axes, sanity_checks, y)
    width = WIDTH - MARGIN - _WORDS
    axes.text(_WORDS, y + 0.08, EXPLAINERS[method].title, size=10.5, weight="bold", va="center")
    fall, other = sanity_checks.deletion, sanity_checks.parameter_randomization
    alike = f"{signed(other.mean_signed)}, of magnitudes {signed(other.mean_magnitude)}"
    blocks = [
        (EXPLAINERS[method].description.capitalize() + ".", QUIET, "normal"),
        *([(_sum_in_words(found), QUIET, "normal")] if "gap" in attribution.facts else []),
        *([(_places_in_words(found), QUIET, "normal")] if "places" in attribution.facts else []),
        (f"Deletion test: lower than {fall.random_orders_beaten} of {len(fall.random)} random orders.", INK, "normal"),
        (f"Parameter randomization: rank correlation {alike}.", INK, "normal"),
    ]
    sign, color = _sign(sanity_checks)
    blocks.append((f"{sign} {sanity_checks.verdict}", color, "bold"))
    line = y + 0.3
    for text, ink, weight in blocks:
        for words in wrap(text, width=width, size=8.5, bold=weight == "bold"):
            axes.text(_WORDS, line, words, size=8.5, color=ink, weight=weight, va="center")
            line += _LINE
        line += 0.035


def signed(value: float) -> str:
    """A number with its sign and two decimals; zero has no sign.

    Example:
        >>> signed(-0.001), signed(0.5), signed(-1.0)
        ('0.00', '+0.50', '−1.00')
    """
    text = f"{value:+.2f}".replace("-", "−")
    return "0.00" if float(f"{value:.2f}") == 0 else text


def _sign(sanity_checks: SanityChecks) -> tuple[str, str]:
    if sanity_checks.matters and sanity_checks.learned:
        return "✓", RIGHT
    return ("≈", NOTE) if sanity_checks.matters else ("✗", WRONG)


def _sum_in_words(found: CheckedAttribution) -> str:
    attribution = found.attribution
    return f"Sums to {attribution.total:.2f} of {attribution.difference:.2f} logits.".replace("-", "−")


def _places_in_words(found: CheckedAttribution) -> str:
    rows, columns = np.shape(found.attribution.facts["coarse"])
    return f"{rows}×{columns} numbers of {found.attribution.facts['layer']}."


def _show_map(axes: Axes, explained: Explanation, values: np.ndarray, x: float, y: float) -> None:
    """A map in a square, with the outline of the digit if the image is one."""
    h, w = values.shape
    side = _MAP / max(h, w)
    left, top = x + (_MAP - w * side) / 2, y + (_MAP - h * side) / 2
    cell = max(1, round(2 * side * DPI))
    extent = (left, left + w * side, top + h * side, top)
    axes.imshow(to_pixels(values, cell=cell), extent=extent, aspect="auto", interpolation="antialiased", zorder=2)
    axes.add_patch(Rectangle((left, top), w * side, h * side, fill=False, edgecolor=FAINT, linewidth=1.0, zorder=4))
    gray = explained.pixels.mean(axis=2)
    if explained.network.preprocessing.get("fit") == "mnist" and min(h, w) > 1 and np.ptp(gray) > 0:
        across, down = left + (np.arange(w) + 0.5) * side, top + (np.arange(h) + 0.5) * side
        middle = (float(gray.min()) + float(gray.max())) / 2
        axes.contour(across, down, gray, levels=[middle], colors=INK, linewidths=0.7, alpha=0.55, zorder=3)


def _draw_deletion_curve(figure: Figure, axes: Axes, sanity_checks: SanityChecks, y: float) -> None:
    """The deletion curve, over the range of random orders."""
    fall = sanity_checks.deletion
    width, height = figure.get_figwidth(), figure.get_figheight()
    body = axes.get_ylim()[0]
    top = y + 0.02
    chart = figure.add_axes(
        (_CHART / width, (body - top - _MAP + 0.02) / height, _CHART_WIDTH / width, (_MAP - 0.04) / height)
    )
    percents = 100 * fall.fractions
    chart.fill_between(percents, fall.random.min(axis=0), fall.random.max(axis=0), color=FAINT, linewidth=0)
    chart.plot(percents, fall.random.mean(axis=0), color=QUIET, linewidth=1.2, linestyle=(0, (3, 2)))
    chart.plot(percents, fall.logit, color=INK, linewidth=1.8)
    chart.set_xlim(0, 100)
    chart.set_xticks([0, 50, 100], ["0", "50", "100 %"])
    chart.tick_params(labelsize=7.5, length=0, pad=2)
    chart.locator_params(axis="y", nbins=4)
    axes.text(
        _CHART + _CHART_WIDTH / 2,
        y + _MAP + 0.35,
        f"of {fall.pixels:,} pixels removed. Solid: this map;",
        size=7.5,
        color=QUIET,
        ha="center",
        va="center",
    )
    axes.text(
        _CHART + _CHART_WIDTH / 2,
        y + _MAP + 0.48,
        "gray: random orders; dashed: their mean",
        size=7.5,
        color=QUIET,
        ha="center",
        va="center",
    )
