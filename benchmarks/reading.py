"""CPU time and peak memory of reading JPEG files, beside a plain Pillow loop and TensorFlow's reader.

    python benchmarks/reading.py [--images 2000] [--rounds 3] [--folder photos]

Photos of 256×256 are brought to 64×64 and to 224×224: by convscope (each decoding), by Pillow in a plain
loop, and by ``tf.io.decode_jpeg`` with ``tf.image.resize`` in a parallel ``tf.data`` pipeline. Each reads the same
files in a process of its own, in turn. CPU time is that of all its threads, without imports. Without ``--folder``, the
files are generated. Writes docs/figures/reading.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from cache import _measured, generate
from PIL import Image

SIZES = (64, 224)


def read_convscope(files: list[Path], size: int, decoding: str) -> int:
    """Read all files as `convscope train` does."""
    from convscope.data.decode_images import decode_images
    from convscope.data.formats.folder import image_file
    from convscope.data.image_tree import ImageTree
    from convscope.data.load_options import LoadOptions

    listed = [image_file((path.parent.name, path.name), path) for path in files]
    tree = ImageTree("folder", "photos", tuple(listed), frozenset())
    return len(decode_images(listed, tree, LoadOptions((size, size), 3, decoding=decoding)).pixels)


def read_pillow(files: list[Path], size: int) -> int:
    """Read all files as a plain script would."""
    return len(
        [np.asarray(Image.open(path).convert("RGB").resize((size, size), Image.Resampling.BILINEAR)) for path in files]
    )


def read_tensorflow(files: list[Path], size: int) -> int:
    """Read all files in a parallel pipeline."""
    from convscope.model.tensorflow import tf

    def read(path: object) -> object:
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return tf.image.resize(image, (size, size), antialias=True)

    pipeline = tf.data.Dataset.from_tensor_slices([str(path) for path in files])
    return sum(len(batch) for batch in pipeline.map(read, num_parallel_calls=tf.data.AUTOTUNE).batch(64))


PARTS = {
    "convscope, exact": lambda files, size: read_convscope(files, size, "exact"),
    "convscope, draft": lambda files, size: read_convscope(files, size, "draft"),
    "convscope, fast": lambda files, size: read_convscope(files, size, "fast"),
    "Pillow, one thread": read_pillow,
    "tf.io.decode_jpeg": read_tensorflow,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--part", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        name, size = given.part
        files = sorted(given.folder.rglob("*.jpg"))
        files = files[:: max(1, len(files) // given.images)][: given.images]
        PARTS[name](files[:50], int(size))  # imports what it needs
        print(json.dumps(_measured(lambda: PARTS[name](files, int(size)))))
        return
    from record import write

    runs: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = given.folder or Path(place) / "images"
        if not given.folder:
            generate(folder, given.images)
        for _ in range(given.rounds):
            for size in SIZES:
                for name in PARTS:
                    command = [sys.executable, __file__, "--folder", str(folder), "--images", str(given.images)]
                    done = subprocess.run(
                        [*command, "--part", name, str(size)], capture_output=True, text=True, check=True
                    )
                    runs.setdefault(f"{name}, {size}", []).append(json.loads(done.stdout.splitlines()[-1]))
                    print(name, size, runs[f"{name}, {size}"][-1], flush=True)
    names = ("cpu_milliseconds_per_image", "peak_megabytes")
    medians = {
        key: {name: statistics.median(run[name] for run in found) for name in names} for key, found in runs.items()
    }
    kind = "photos" if given.folder else "generated"
    write("reading", {"images": given.images, "rounds": given.rounds, "kind": kind, "medians": medians, "runs": runs})


if __name__ == "__main__":
    main()
