"""Draw without writing anything into the home folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path


def start_drawing() -> None:
    """Import matplotlib with a temporary folder for its settings and font list.

    It decides on that folder when it is imported, creates it, and caches a list of the fonts there. An existing list is
    copied, because building one takes seconds where there are many fonts. A MPLCONFIGDIR that is set is respected. Only
    the program does this: in a notebook, matplotlib is configured by its user.
    """
    if "matplotlib" in sys.modules or os.environ.get("MPLCONFIGDIR"):
        return
    with tempfile.TemporaryDirectory(prefix="convscope-") as folder:
        with contextlib.suppress(OSError, RuntimeError):  # no home folder, or an unreadable one
            cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "matplotlib"
            for fonts in cache.glob("fontlist-*.json"):
                shutil.copy(fonts, folder)
        os.environ["MPLCONFIGDIR"] = folder
        try:
            import convscope.report.pictures.canvas  # noqa: F401
        finally:
            del os.environ["MPLCONFIGDIR"]
