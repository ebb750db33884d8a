"""What a training ran on: versions and processor, so that its seconds and its weights mean something later."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from convscope import __version__

PACKAGES = ("keras", "tensorflow", "tensorflow-cpu", "numpy", "pillow", "simplejpeg")


def describe_environment() -> dict[str, object]:
    """Versions, processor and cores; nothing that names a person or a place.

    Example:
        >>> describe_environment()["cores"] >= 1
        True
    """
    return {
        "convscope": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    if sys.platform == "linux":
        try:
            lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        except OSError:
            lines = []
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
