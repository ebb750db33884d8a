"""Draw without leaving anything in the person's home."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path


def start_drawing() -> None:
    """Import what draws, so that matplotlib finds its folder for settings and fonts in a temporary place.

    It decides on that folder while it is imported, makes it, and keeps a list of the fonts there. A list that it made
    for the person before is taken along, as making one takes seconds where there are many fonts. Who sets MPLCONFIGDIR
    has decided. Only the program does this: in a notebook matplotlib belongs to the person.
    """
    if "matplotlib" in sys.modules or os.environ.get("MPLCONFIGDIR"):
        return
    with tempfile.TemporaryDirectory(prefix="convscope-") as folder:
        with contextlib.suppress(OSError, RuntimeError):  # no home, or one that cannot be read
            cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "matplotlib"
            for fonts in cache.glob("fontlist-*.json"):
                shutil.copy(fonts, folder)
        os.environ["MPLCONFIGDIR"] = folder
        try:
            import convscope.report.pictures.canvas  # noqa: F401
        finally:
            del os.environ["MPLCONFIGDIR"]
