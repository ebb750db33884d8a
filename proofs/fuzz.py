"""Coverage-guided fuzzing of every reader: whatever the bytes, a reader reads or refuses, and nothing else.

    python proofs/fuzz.py [--seconds 120] [--target model]

Structure-aware: hashes, lengths and checksums around the fuzzed part are written anew, so that the checks behind them
are reached. Each target runs in a process of its own. Writes docs/figures/reliability-fuzz.json.

atheris, which brings the coverage, is in the dependency group `prove`.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

TARGETS = ("model", "keras", "idx", "npz", "csv", "picture", "zip")
FAST = Path("/dev/shm")
"""Memory that looks like a disk, where there is some: readers open files."""

Check = Callable[[bytes], None]


def _values(provider: Any) -> Any:
    """A JSON value that somebody might put where another belongs."""
    numbers = [0, 1, -1, 2**31, 2**63, 10**19, 0.5, -1.0, 1e308, True, False, None]
    texts = ["", "a", "Conv2D", "Dense", "softmax", "relu", "same", "valid", "../x", "\u0000", "\ud83d"]
    pool: list[Any] = [*numbers, *texts, [], [1], [3, 3], [[[]]], {}, {"layer": "Conv2D"}]
    return pool[provider.ConsumeIntInRange(0, len(pool) - 1)]


def _mutate(value: Any, provider: Any, depth: int = 0) -> Any:
    """The value with one place changed: replaced, removed, or doubled."""
    inside = value and isinstance(value, dict | list) and depth < 8 and provider.ConsumeProbability() > 0.15
    if not inside:
        return provider.ConsumeIntInRange(-9, 99) if provider.ConsumeBool() else _values(provider)
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[provider.ConsumeIntInRange(0, len(keys) - 1)]
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    way = provider.ConsumeIntInRange(0, 9)
    if way == 0:
        del copy[key]
    elif way == 1 and isinstance(copy, list):
        copy.insert(key, copy[key])
    elif way == 1:
        copy["another"] = copy[key]
    else:
        copy[key] = _mutate(copy[key], provider, depth + 1)
    return copy


def model_target(folder: Path) -> tuple[Check, list[bytes]]:
    import atheris
    from model_file import small_model

    from convscope.errors import ArtifactError
    from convscope.model import artifact

    path = folder / "m.safetensors"
    artifact.write(small_model(), path)
    whole = path.read_bytes()
    length = struct.unpack("<Q", whole[:8])[0]
    header, payload = json.loads(whole[8 : 8 + length]), whole[8 + length :]
    spec = json.loads(header["__metadata__"]["spec"])

    def pack(text: str, tensors: dict[str, Any], numbers: bytes) -> bytes:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass") + numbers).hexdigest()
        encoded = json.dumps(
            {"__metadata__": {"format": "convscope", "sha256": digest, "spec": text}} | tensors
        ).encode()
        return struct.pack("<Q", len(encoded)) + encoded + numbers

    tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}

    def check(data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        way = provider.ConsumeIntInRange(0, 4)
        if way == 0:
            content = provider.ConsumeBytes(len(data))
        elif way == 1:
            text = provider.ConsumeBytes(len(data)).decode("utf-8", "replace")
            content = pack(text, tensors, payload)
        elif way == 2:
            encoded = provider.ConsumeBytes(len(data))
            content = struct.pack("<Q", len(encoded)) + encoded + payload
        else:
            changed, places = spec, tensors
            for _ in range(provider.ConsumeIntInRange(0, 3)):
                if way == 3:
                    changed = _mutate(changed, provider)
                else:
                    places = _mutate(places, provider)
            extra = provider.ConsumeBytes(provider.ConsumeIntInRange(0, 8))
            content = pack(json.dumps(changed), places if isinstance(places, dict) else {}, payload + extra)
        path.write_bytes(content)
        with contextlib.suppress(ArtifactError):
            artifact.read(path)

    return check, [b"\0" + whole, b"\1" + header["__metadata__"]["spec"].encode(), b"\2" + whole[8 : 8 + length]]


def keras_target(folder: Path) -> tuple[Check, list[bytes]]:
    import atheris

    from convscope.errors import ArtifactError
    from convscope.model.keras_file import read_keras

    sample = Path(os.environ["CONVSCOPE_FUZZ_SAMPLE"]).read_bytes()
    with zipfile.ZipFile(io.BytesIO(sample)) as archive:
        config, metadata = json.loads(archive.read("config.json")), archive.read("metadata.json")
        weights = archive.read("model.weights.h5")
    path = folder / "m.keras"

    def pack(described: bytes, numbers: bytes) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("metadata.json", metadata)
            archive.writestr("config.json", described)
            archive.writestr("model.weights.h5", numbers)

    def check(data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        way = provider.ConsumeIntInRange(0, 3)
        if way == 0:
            path.write_bytes(provider.ConsumeBytes(len(data)))
        elif way == 1:
            pack(json.dumps(config).encode(), provider.ConsumeBytes(len(data)))
        elif way == 2:
            damaged = bytearray(weights)
            for _ in range(provider.ConsumeIntInRange(1, 4)):
                place = provider.ConsumeIntInRange(0, len(damaged) - 1)
                new = provider.ConsumeBytes(provider.ConsumeIntInRange(1, 8))
                damaged[place : place + len(new)] = new
            pack(json.dumps(config).encode(), bytes(damaged))
        else:
            changed = config
            for _ in range(provider.ConsumeIntInRange(1, 3)):
                changed = _mutate(changed, provider)
            pack(json.dumps(changed).encode(), weights)
        with contextlib.suppress(ArtifactError):
            read_keras(path)

    return check, [b"\0" + sample[:4000], b"\1" + weights[:4000]]


def data_target(kind: str, folder: Path) -> tuple[Check, list[bytes]]:
    """The readers of data: one file each, as it comes."""
    import doors

    from convscope.data.readers import load
    from convscope.errors import DataError

    name = {"idx": doors.NAMES[0], "npz": "d.npz", "csv": "d.csv", "zip": "d.zip"}[kind]
    path = folder / name
    if kind == "idx":
        (folder / doors.NAMES[1]).write_bytes(doors.LABELS)
    pixels, labels = doors.digits()
    table = b"label,a,b,c,d\n" + b"0,1,2,3,4\n1,5,6,7,8\n" * 3
    seeds = {
        "idx": [doors.IMAGES, doors.ZIPPED],
        "npz": [doors.npz_file({"x": doors.npy(pixels), "y": doors.npy(labels)})],
        "csv": [table],
        "zip": [doors.zip_of(doors.pictures("a", "b", count=3))],
    }[kind]

    def check(data: bytes) -> None:
        path.write_bytes(mended(data) if kind in ("npz", "zip") else data)
        with contextlib.suppress(DataError):
            load(folder if kind == "idx" else path)

    return check, seeds


def mended(archive: bytes) -> bytes:
    """A zip archive whose stored members have the checksums of what they hold, so that this is read."""
    content = bytearray(archive)
    for found in re.finditer(re.escape(b"PK\1\2"), archive):
        entry = archive[found.start() : found.start() + 46]
        if len(entry) < 46:
            continue
        size, name_length, offset = (
            struct.unpack("<I", entry[20:24])[0],
            *struct.unpack("<H", entry[28:30]),
            struct.unpack("<I", entry[42:46])[0],
        )
        begin = offset + 30 + name_length
        checksum = struct.pack("<I", zlib.crc32(archive[begin : begin + size]))
        content[found.start() + 16 : found.start() + 20] = checksum
        if offset + 18 <= len(content):
            content[offset + 14 : offset + 18] = checksum
    return bytes(content[: len(archive)])


def picture_target(folder: Path) -> tuple[Check, list[bytes]]:
    import doors

    from convscope.data.decode import decode
    from convscope.errors import DataError

    def check(data: bytes) -> None:
        with contextlib.suppress(DataError):
            decode(checked(data), "p")

    forms = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM")
    return check, [*(doors.drawn(form) for form in forms), doors.png_file(), doors.gif_file(), doors.bmp_file()]


def checked(png: bytes) -> bytes:
    """A PNG with the checksums of its chunks written anew."""
    if not png.startswith(b"\x89PNG\r\n\x1a\n"):
        return png
    content, place = bytearray(png), 8
    while place + 12 <= len(png):
        length = struct.unpack(">I", png[place : place + 4])[0]
        end = place + 8 + length
        if end + 4 > len(png):
            break
        content[end : end + 4] = struct.pack(">I", zlib.crc32(png[place + 4 : end]))
        place = end + 4
    return bytes(content)


def _fuzz(target: str, seconds: int, folder: Path) -> None:
    """In a process of its own: atheris never comes back."""
    import atheris

    with atheris.instrument_imports(include=["convscope"]):
        import convscope.data.readers
        import convscope.model.artifact
        import convscope.model.keras_file  # noqa: F401

    work = folder / "work"
    work.mkdir()
    makers = {"model": model_target, "keras": keras_target, "picture": picture_target}
    check, seeds = makers[target](work) if target in makers else data_target(target, work)
    corpus = folder / "corpus"
    corpus.mkdir()
    for index, seed in enumerate(seeds):
        (corpus / str(index)).write_bytes(seed)
    count, tally = [0], folder / "count"

    def counted(data: bytes) -> None:
        count[0] += 1
        if count[0] % 1000 == 0:
            tally.write_text(str(count[0]))
        check(data)

    flags = [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=4000", "-max_len=8192", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *flags, f"-artifact_prefix={folder}/", str(corpus)], counted)
    atheris.Fuzz()


def prove(target: str, seconds: int, sample: Path) -> dict[str, Any]:
    """Fuzz one reader; how many inputs it had, and the first that it did not survive."""
    with tempfile.TemporaryDirectory(dir=FAST if FAST.is_dir() else None) as name:
        folder, began = Path(name), time.monotonic()
        done = subprocess.run(
            [sys.executable, __file__, "--inside", name, "--target", target, "--seconds", str(seconds)],
            env=os.environ | {"CONVSCOPE_FUZZ_SAMPLE": str(sample)},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds + 120,
        )
        tally = folder / "count"
        inputs = int(tally.read_text()) if tally.exists() else 0
        crashes = [path.read_bytes()[:200].hex() for path in folder.glob("*-*") if path.is_file()]
        shutil.rmtree(folder / "corpus", ignore_errors=True)
    trouble = done.stderr[-1500:] if done.returncode or crashes else ""
    return {
        "target": target,
        "inputs": inputs,
        "seconds": round(time.monotonic() - began),
        "trouble": trouble,
        "crashes": crashes,
    }


def save_sample(path: Path) -> Path:
    """A Keras model as Keras writes it."""
    from convscope.model.build import build
    from convscope.model.notation import parse

    text = "Conv2D(2, 3, activation='relu')\nBatchNormalization()\nFlatten()\nDense(num_classes, activation='softmax')"
    build(parse(text, input_shape=(6, 6, 1), num_classes=3)).save(path)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--target", choices=TARGETS)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.inside:
        return _fuzz(chosen.target, chosen.seconds, chosen.inside)
    sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
    from record import write

    results = []
    with tempfile.TemporaryDirectory() as folder:
        sample = save_sample(Path(folder) / "m.keras")
        for target in [chosen.target] if chosen.target else TARGETS:
            # The model file is what strangers hand round: it gets half of the time.
            share = 6 if target == "model" and not chosen.target else 1
            results.append(prove(target, share * chosen.seconds, sample))
            print(results[-1], flush=True)
            troubles = sum(bool(result["trouble"]) for result in results)
            summary = {"inputs": sum(result["inputs"] for result in results), "troubles": troubles}
            write("reliability-fuzz", {"summary": summary, "targets": results})


if __name__ == "__main__":
    main()
