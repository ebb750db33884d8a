"""Image formats that Pillow reads with an optional package, or only in some builds. Heavy: imports them."""

from __future__ import annotations

import functools

from PIL import features

INSTALL = "pip install 'convscope[formats]'"


@functools.cache
def pillow_format(name: str) -> str:
    """Pillow's name for a format that needs more than Pillow; empty if it cannot be read here.

    Args:
        name: As `image_formats.sniff` gives it.
    """
    if name == "AVIF":
        return "AVIF" if features.check("avif") else ""
    if name == "HEIC":
        try:
            import pillow_heif
        except ImportError:
            return ""
        pillow_heif.register_heif_opener(thumbnails=False)
        return "HEIF"
    return ""


def advice(name: str) -> str:
    """What to do about a format that cannot be read here."""
    if name == "HEIC":
        return f"Install the package that reads it ({INSTALL}), or convert it to JPEG or PNG."
    if name == "JPEG XL":  # pillow-jxl-plugin decodes all pixels before it tells their number: no limit would hold
        return "Convert it to JPEG or PNG, for example with djxl of libjxl: djxl photo.jxl photo.png"
    return "Convert it to JPEG or PNG."
