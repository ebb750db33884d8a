"""Peak memory and CPU time for very many JPEG files: decoded into a cache, described by `data`, and classified.

    python benchmarks/large.py --folder photos [--images 200000] [--images-224 50000] [--predict 50000]

The files are hard links to those of the folder, which are read again and again: what is measured is the processor and
the memory, not the disk. Each part is a whole process. Writes docs/figures/large.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from cache import _measured
from predict_folder import SRC, measure

SIZE, CLASSES = 64, 20


def link(photos: list[Path], root: Path, count: int) -> None:
    """Link files into class folders."""
    for index in range(count):
        place = root / f"{index % CLASSES:02}" / f"{index:06}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        os.link(photos[index * 7 % len(photos)], place)


def decode(root: Path, cache: Path, size: int) -> None:
    """Decode all images into a cache."""
    from convscope.data.load_options import Caching
    from convscope.data.readers import load

    how = {"size": (size, size), "test_fraction": 0, "caching": Caching(cache)}
    print(json.dumps(_measured(lambda: len(load(root, **how).train))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--images", type=int, default=200_000)
    parser.add_argument("--images-224", type=int, default=50_000, help="decoded to 224×224 as well: 150 kB each")
    parser.add_argument("--predict", type=int, default=50_000)
    parser.add_argument("--decode", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.decode:
        root, cache, size = given.decode
        decode(Path(root), Path(cache), int(size))
        return
    from record import write

    photos = sorted(given.folder.rglob("*.jpg"))
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(dir=given.folder.parent) as name:  # hard links do not cross file systems
        place = Path(name)
        link(photos, place / "few", given.predict)
        train = ["train", str(given.folder.resolve()), "--model", "quick", "--size", str(SIZE), "--epochs", "0.2"]
        measure([*train, "--out", "run", "--quiet"], place, SRC)
        found = measure(["predict", "few", "--recursive", "--run", "run", "--out", "t.csv", "--quiet"], place, SRC)
        figures["predict"] = _per_image(found, given.predict)
        print("predict", figures["predict"], flush=True)
        link(photos, place / "many", given.images)
        link(photos, place / "large", given.images_224)
        for name, size in (("many", SIZE), ("large", 224)):
            part = f"decode into the cache at {size}"
            figures[part] = _decoded(given.folder, place / name, size)
            print(part, figures[part], flush=True)
        found = measure(["data", "many", "--size", str(SIZE), "--quiet"], place, SRC)
        figures["data"] = _per_image(found, given.images)
        print("data", figures["data"], flush=True)
    write("large", {"images": given.images, "predicted": given.predict, "size": SIZE, "parts": figures})


def _decoded(folder: Path, images: Path, size: int) -> dict[str, float]:
    """Decode in a process of its own; the cache is removed."""
    cache = images.with_name(f"{images.name}-cache")
    command = [sys.executable, __file__, "--folder", str(folder), "--decode", str(images), str(cache), str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    shutil.rmtree(cache)
    return json.loads(done.stdout.splitlines()[-1])


def _per_image(found: dict[str, float], images: int) -> dict[str, float]:
    return {
        "images": images,
        "images_per_second": images / found["seconds"],
        "cpu_milliseconds_per_image": 1000 * found["cpu_seconds"] / images,
        "peak_megabytes": found["peak_megabytes"],
    }


if __name__ == "__main__":
    main()
