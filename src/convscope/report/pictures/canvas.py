"""The basis of all figures: colors, style, a sheet with a heading, and saving."""

from __future__ import annotations

import functools
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from convscope.errors import RunError
from convscope.model.files import replace_file
from convscope.report.pictures.text_layout import font_families, plain, wrap

INK = "#1f2933"
QUIET = "#5f6b7a"
FAINT = "#d5dae0"
PAPER = "#ffffff"
RIGHT = "#0072b2"
WRONG = "#b84a00"
NOTE = "#7a3e9d"
"""Dark variants of the colorblind-safe palette of Okabe and Ito (2008), with a contrast on white of at least 4.5:1."""

WIDTH = 10.0
"""Inches; 1400 pixels at `DPI`."""

DPI = 140
MARGIN = 0.35
TITLE_SIZE = 15.0
SUBTITLE_SIZE = 10.0
_LINE = 1.35 / 72

Picture = TypeVar("Picture", bound=Callable[..., Figure])


def _style() -> dict[str, object]:
    """The style of all figures, independent of the user's matplotlib settings."""
    return {
        "font.family": list(font_families()),
        "font.size": 10.0,
        # A `$` in a class name is a dollar sign, not the beginning of a formula.
        "text.parse_math": False,
        "text.usetex": False,
        "text.color": INK,
        "figure.facecolor": PAPER,
        "savefig.facecolor": PAPER,
        "axes.facecolor": PAPER,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": QUIET,
        "axes.labelsize": 10.0,
        "axes.titlesize": 10.0,
        "axes.titlelocation": "left",
        "axes.titlecolor": INK,
        "axes.titleweight": "bold",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.formatter.useoffset": False,
        "axes.formatter.use_mathtext": False,
        "grid.color": "#e9ecf0",
        "grid.linewidth": 0.8,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "xtick.labelcolor": QUIET,
        "ytick.labelcolor": QUIET,
        "lines.linewidth": 1.8,
        "lines.solid_capstyle": "round",
        "legend.frameon": False,
    }


def picture(draw: Picture) -> Picture:
    """Decorator: run a drawing function with the common style, and restore matplotlib's settings afterwards."""

    @functools.wraps(draw)
    def drawn(*args: object, **kwargs: object) -> Figure:
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(_style())
            return draw(*args, **kwargs)

    return drawn  # type: ignore[return-value]


def sheet(title: str, *, subtitle: str, body: float, description: str, width: float = WIDTH) -> tuple[Figure, float]:
    """Create a figure with a heading, and space below it.

    Args:
        title: The result, in one sentence.
        subtitle: How to read the figure; may be empty.
        body: Inches of height below the heading.
        description: A text description of the figure.
        width: Inches.

    Returns:
        The figure, and the top of the body below the heading, as a fraction of the figure's height.
    """
    title_lines = wrap(title, width=width - 2 * MARGIN, size=TITLE_SIZE, bold=True)
    subtitle_lines = wrap(subtitle, width=width - 2 * MARGIN, size=SUBTITLE_SIZE)
    heading = MARGIN + _LINE * (len(title_lines) * TITLE_SIZE + len(subtitle_lines) * SUBTITLE_SIZE) + 0.18
    height = heading + body
    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    y = height - MARGIN
    for lines, size, color, weight in (
        (title_lines, TITLE_SIZE, INK, "bold"),
        (subtitle_lines, SUBTITLE_SIZE, QUIET, "normal"),
    ):
        for line in lines:
            figure.text(MARGIN / width, y / height, line, size=size, color=color, weight=weight, va="top")
            y -= _LINE * size
    figure.set_label(f"{title}. {description}".replace("..", "."))
    return figure, body / height


def drawing_area(figure: Figure, body_top: float) -> Axes:
    """Axes over the whole body, in inches from its top left corner, y downwards."""
    axes = figure.add_axes((0.0, 0.0, 1.0, body_top))
    axes.set(xlim=(0.0, figure.get_figwidth()), ylim=(figure.get_figheight() * body_top, 0.0))
    axes.set_axis_off()
    return axes


def save(figure: Figure, path: Path, *, alt: str = "") -> Path:
    """Write a figure as PNG, about 1400 pixels wide, with its description in the file.

    Args:
        figure: The figure.
        path: The file to write; an existing file is replaced.
        alt: Text for the PNG's ``Description``; if empty, the description of the figure.

    Returns:
        The path.

    Raises:
        RunError: The file cannot be written. No partial file is left.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(Figure(figsize=(1, 1)), Path(folder) / "empty.png", alt="An empty figure.").name
        'empty.png'
    """
    buffer = io.BytesIO()
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcParams.update(_style())
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        # Without the Software entry, which names matplotlib's version, equal figures are equal files.
        metadata = {"Description": plain(alt or str(figure.get_label())), "Software": None}
        figure.savefig(buffer, format="png", dpi=DPI, metadata=metadata)
    try:
        replace_file(path, [buffer.getvalue()])
    except OSError as error:
        raise RunError(
            f"Expected a path where a figure can be written. Received: {path} ({error.strerror}).",
            hint="Choose another folder, or free some disk space.",
        ) from error
    return path


def luminance(color: tuple[float, ...]) -> float:
    """Relative luminance of an sRGB color with components in [0, 1]: 0 is black, 1 is white.

    Source:
        WCAG 2.2, "relative luminance".
    """
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def text_on(color: tuple[float, ...]) -> str:
    """Black or white, whichever has the higher contrast on a color: at least 4.58:1.

    Example:
        >>> text_on((1.0, 1.0, 0.8)), text_on((0.2, 0.1, 0.0))
        ('#000000', '#ffffff')
    """
    return "#000000" if luminance(color) > 0.1791 else "#ffffff"
