"""Image formats by file extension and by content: the one list for datasets, `predict` and the data checks. Light."""

from __future__ import annotations

from pathlib import PurePath

SUFFIXES_OF: dict[str, tuple[str, ...]] = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "MPO": (".jpg", ".jpeg", ".mpo"),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif", ".avifs"),
    "HEIF": (".heic", ".heif", ".hif"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
}
"""The usual file extensions of each supported format, by Pillow's name for it."""

OPTIONAL = ("AVIF", "HEIF")
"""Formats that Pillow reads only with other packages or in some builds."""

SUFFIXES: tuple[str, ...] = tuple(
    dict.fromkeys(suffix for name, group in SUFFIXES_OF.items() if name not in OPTIONAL for suffix in group)
)
"""The file extensions of all formats that are always supported, in lower case."""

UNSUPPORTED: dict[str, str] = {
    **dict.fromkeys((".heic", ".heif", ".hif"), "HEIC"),
    **dict.fromkeys((".avif", ".avifs"), "AVIF"),
    **dict.fromkeys((".jp2", ".j2k", ".j2c", ".jpf", ".jpx", ".jpc"), "JPEG 2000"),
    ".jxl": "JPEG XL",
    **dict.fromkeys((".jxr", ".wdp", ".hdp"), "JPEG XR"),
    **dict.fromkeys((".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf"), "camera raw"),
    **dict.fromkeys((".psd", ".psb"), "Photoshop"),
    **dict.fromkeys((".ico", ".cur"), "ICO"),
    ".tga": "TGA",
    ".svg": "SVG",
    ".exr": "OpenEXR",
    ".hdr": "Radiance HDR",
    **dict.fromkeys((".dcm", ".dicom"), "DICOM"),
}
"""The file extensions of image formats that are not supported, or only with other packages (`image_plugins`), and the
name of each format."""

MAGIC_BYTES = 32
"""How many bytes from the beginning of a file `sniff` looks at."""

_STARTS = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"II\xbc\x01": "JPEG XR",
    b"8BPS": "Photoshop",
}
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"hei": "HEIC", b"hev": "HEIC", b"mif1": "HEIC", b"msf1": "HEIC"}


def sniff(start: bytes) -> str:
    r"""The image format that the first `MAGIC_BYTES` bytes of a file belong to, supported or not; empty for no image.

    Example:
        >>> sniff(b"\x89PNG\r\n"), sniff(b"\0\0\0\x18ftypheic"), sniff(b"{}")
        ('PNG', 'HEIC', '')
    """
    for magic, name in _STARTS.items():
        if start.startswith(magic):
            return name
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    if start[:2] == b"BM" and start[6:10] == bytes(4):
        return "BMP"
    if start[:1] == b"P" and start[1:2] in b"123456" and start[2:3].isspace():
        return "PPM"
    if start[4:8] == b"ftyp":
        return next((name for brand, name in _BRANDS.items() if start[8:].startswith(brand)), "")
    return ""


def suffix_of(name: str) -> str:
    """The file extension in lower case, with its dot; empty without one."""
    return PurePath(name).suffix.lower()


def has_image_suffix(name: str) -> bool:
    """Whether a file has the extension of an image format, supported or not.

    Example:
        >>> [has_image_suffix(name) for name in ("a.JPG", "b.heic", "c.json")]
        [True, True, False]
    """
    return suffix_of(name) in SUFFIXES or suffix_of(name) in UNSUPPORTED


def unsupported_format(name: str, start: bytes) -> str:
    """The image format of a file, by its content or else its extension, unless it is always supported; else empty.

    Example:
        >>> unsupported_format("scan.heic", b""), unsupported_format("a.png", b"8BPS"), unsupported_format("a.png", b"")
        ('HEIC', 'Photoshop', '')
    """
    found = sniff(start)
    if found and (found in OPTIONAL or found not in SUFFIXES_OF):
        return found
    if found and found != "TIFF":
        return ""
    named = UNSUPPORTED.get(suffix_of(name), "")
    # Camera raw files begin like TIFF; what Pillow would find in them is a thumbnail.
    return "" if found and named != "camera raw" else named
