"""Data larger than memory: decoding into the cache, and training from it, beside training from memory.

    python benchmarks/cache.py [--images 20000] [--steps 40]

Generated JPEGs of 256×256 are read at 128×128. Each part runs in a process of its own, so that its peak memory is its
own. Beside the cache, TensorFlow's ``tf.io.decode_jpeg`` with ``tf.image.resize`` and a plain Pillow loop decode the
same files. CPU seconds are those of the process, of all its threads. Writes docs/figures/cache.json.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIDE, SIZE, BATCH = 256, 128, 64
DECODED_BY_OTHERS = 2000
"""Images that the two others decode; the rate per image does not depend on it."""


def generate(root: Path, images: int) -> None:
    """Write JPEGs of smooth noise with a bar, four classes."""
    rng = np.random.default_rng(0)
    for label in range(4):
        (root / f"class{label}").mkdir(parents=True)
    for index in range(images):
        label = index % 4
        noise = Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8)).resize(
            (SIDE, SIDE), Image.Resampling.BICUBIC
        )
        picture = np.asarray(noise).copy()
        begin = int(rng.integers(0, SIDE * 7 // 8))
        bar = (slice(begin, begin + SIDE // 8), slice(None))
        picture[bar if label < 2 else bar[::-1]][..., label % 2] = 255
        Image.fromarray(picture).save(root / f"class{label}" / f"{index}.jpg", quality=90)


def decode_cache(root: Path, cache: Path) -> dict[str, float]:
    """Decode into a new cache."""
    from convscope.data.load_options import Caching
    from convscope.data.readers import load

    def run() -> int:
        return len(load(root, size=(SIZE, SIZE), test_fraction=0, caching=Caching(cache)).train)

    return _measured(run)


def decode_pillow(root: Path) -> dict[str, float]:
    """Decode one after another, as a plain script would."""

    def run() -> int:
        files = _files(root)
        for path in files:
            np.asarray(Image.open(path).convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR))
        return len(files)

    return _measured(run)


def decode_tensorflow(root: Path) -> dict[str, float]:
    """Decode in a parallel ``tf.data`` pipeline."""
    from convscope.model.tensorflow import tf

    def read(path: Any) -> Any:
        return tf.image.resize(tf.io.decode_jpeg(tf.io.read_file(path), channels=3), (SIZE, SIZE), antialias=True)

    files = [str(path) for path in _files(root)]
    pipeline = tf.data.Dataset.from_tensor_slices(files).map(read, num_parallel_calls=tf.data.AUTOTUNE).batch(64)
    return _measured(lambda: sum(len(batch) for batch in pipeline))


def train(root: Path, cache: Path | None, steps: int) -> dict[str, float]:
    """Train `compact`; from memory without a cache."""
    from convscope.model.tensorflow import tf

    tf.zeros(1)
    started = _peak()
    loop = _loop(root, cache)
    loaded = _peak()
    measured = _measured(lambda: sum(len(loop.steps_from(step, 4)) for step in range(2, 2 + steps, 4)) * BATCH)
    loop.close()
    return measured | {"megabytes_of_tensorflow": started, "peak_megabytes_after_loading": loaded}


def train_alternately(root: Path, cache: Path, steps: int) -> dict[str, float]:
    """Train from both in one process, a few steps each in turn: other work of the machine slows both alike."""
    loops = {"cache": _loop(root, cache), "memory": _loop(root, None)}
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    for step in range(2, 2 + steps, 4):
        for name, loop in loops.items():
            began = time.perf_counter()
            loop.steps_from(step, 4)
            seconds[name].append(time.perf_counter() - began)
    for loop in loops.values():
        loop.close()
    rates = {name: 4 * BATCH / statistics.median(values) for name, values in seconds.items()}
    ratios = [two / one for one, two in zip(seconds["cache"], seconds["memory"], strict=True)]
    return {f"images_per_second_from_{name}": rate for name, rate in rates.items()} | {
        "median_ratio": statistics.median(ratios),
        "turns": len(ratios),
    }


def _loop(root: Path, cache: Path | None) -> Any:
    from convscope.data.load_options import Caching
    from convscope.data.readers import load
    from convscope.model.presets import load_spec
    from convscope.training.loop import TrainingLoop
    from convscope.training.options import TrainOptions, resolve

    data = load(root, size=(SIZE, SIZE), test_fraction=0, caching=Caching(cache)).train
    spec = load_spec("compact", input_shape=data.image_shape, num_classes=data.num_classes)
    options = resolve(TrainOptions(model="compact", batch_size=BATCH, epochs=100.0, whiten=False))
    loop = TrainingLoop(spec, data, options, {})
    loop.trace()
    loop.steps_from(0, 2)
    return loop


def _files(root: Path) -> list[Path]:
    return sorted(root.glob("*/*.jpg"))[:DECODED_BY_OTHERS]


def _measured(work: Any) -> dict[str, float]:
    began, cpu = time.perf_counter(), time.process_time()
    images = work()
    seconds, spent = time.perf_counter() - began, time.process_time() - cpu
    return {
        "images": images,
        "images_per_second": images / seconds,
        "cpu_milliseconds_per_image": spent / images * 1000,
        "peak_megabytes": _peak(),
    }


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        root, cache = given.folder / "images", given.folder / "cache"
        parts = {
            "decode into the cache": lambda: decode_cache(root, cache),
            "open the cache": lambda: decode_cache(root, cache),
            "Pillow, one thread": lambda: decode_pillow(root),
            "tf.io.decode_jpeg": lambda: decode_tensorflow(root),
            "train from the cache": lambda: train(root, cache, given.steps),
            "train from memory": lambda: train(root, None, given.steps),
            "train from both, in turn": lambda: train_alternately(root, cache, given.steps),
        }
        print(json.dumps(parts[given.part]()))
        return
    from record import write

    names = ("decode into the cache", "Pillow, one thread", "tf.io.decode_jpeg", "open the cache")
    names += ("train from the cache", "train from memory", "train from both, in turn")
    figures: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as place:
        generate(Path(place) / "images", given.images)
        for name in names:
            command = [sys.executable, __file__, "--part", name, "--folder", place, "--steps", str(given.steps)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            figures.setdefault(name, []).append(json.loads(done.stdout.splitlines()[-1]))
            print(name, figures[name][-1], flush=True)
    write("cache", {"images": given.images, "side": SIDE, "size": SIZE, "steps": given.steps, "parts": figures})


if __name__ == "__main__":
    main()
