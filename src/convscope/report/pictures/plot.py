"""A figure that displays itself in a notebook with its alt text."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from html import escape
from pathlib import Path

from matplotlib.figure import Figure

from convscope.report.pictures.canvas import save

DPI = 70


@dataclass(frozen=True, eq=False)
class Plot:
    """A matplotlib figure that displays itself in a notebook.

    Attributes:
        figure: The figure; its label is the alt text.
    """

    figure: Figure

    def save(self, path: str | Path) -> Path:
        """Write it as PNG.

        Raises:
            RunError: The file cannot be written.
        """
        return save(self.figure, Path(path))

    def _repr_html_(self) -> str:
        file = io.BytesIO()
        self.figure.savefig(file, format="png", dpi=DPI)
        source = base64.b64encode(file.getvalue()).decode("ascii")
        alt = escape(str(self.figure.get_label()))
        return f'<img alt="{alt}" style="max-width:100%" src="data:image/png;base64,{source}">'
