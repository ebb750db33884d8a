"""Coverage-guided fuzzing of every reader: any input must be read or refused with an error of convscope.

    python proofs/fuzz.py [--seconds 120] [--target model]

Structure-aware: hashes, lengths and checksums around the fuzzed part are recomputed, so that the code behind those
checks is reached. Each target runs in its own process. Writes docs/figures/reliability-fuzz.json.

atheris is in the dependency group `prove`.
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

TARGETS = ("model", "checkpoint", "run", "keras", "h5", "network", "idx", "npz", "csv", "picture", "zip")
RAM_DISK = Path("/dev/shm")
"""Used for the files, if there is one."""

WORDS = (
    "'descr': '",
    "|u1",
    "<U3",
    "m8[",
    "/0]",
    "Conv2D(",
    "padding='same'",
    "num_classes",
    "schema_version",
    "IDAT",
    "PLTE",
)
"""The dictionary of the fuzzer."""

Check = Callable[[bytes], None]


def _values(provider: Any) -> Any:
    """An arbitrary JSON value."""
    numbers = [0, 1, -1, 2**31, 2**63, 10**19, 0.5, -1.0, 1e308, True, False, None]
    texts = ["", "a", "Conv2D", "Dense", "softmax", "relu", "same", "valid", "../x", "\u0000", "\ud83d"]
    pool: list[Any] = [*numbers, *texts, [], [1], [3, 3], [[[]]], {}, {"layer": "Conv2D"}]
    return pool[provider.ConsumeIntInRange(0, len(pool) - 1)]


def _mutate(value: Any, provider: Any, depth: int = 0) -> Any:
    """The value with one element replaced, removed, or duplicated."""
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

    from convscope.errors import ModelFileError
    from convscope.model import model_file

    path = folder / "m.safetensors"
    model_file.save_model(small_model(), path)
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
        with contextlib.suppress(ModelFileError):
            model_file.load_model(path)

    return check, [b"\0" + whole, b"\1" + header["__metadata__"]["spec"].encode(), b"\2" + whole[8 : 8 + length]]


def checkpoint_target(folder: Path) -> tuple[Check, list[bytes]]:
    import atheris
    import numpy as np

    from convscope.errors import RunError
    from convscope.model.safetensors_io import encode, open_file
    from convscope.training import checkpoint

    state = {"weight/0": np.ones((2, 3), np.float32), "second/0": np.zeros((), np.float32)}
    kept = checkpoint.Checkpoint(3, state, np.ones(3, np.float32), {2: (0.5, 0.75)}, 1.5, {"options": {"seed": 0}})
    path = checkpoint.save_checkpoint(kept, folder)
    whole, text = path.read_bytes(), open_file(path).text

    def check(data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        if provider.ConsumeBool():
            path.write_bytes(provider.ConsumeBytes(len(data)))
        else:
            changed = json.loads(text)
            for _ in range(provider.ConsumeIntInRange(1, 3)):
                changed = _mutate(changed, provider)
            tensors = {"losses": kept.losses, **state}
            path.write_bytes(b"".join(encode(json.dumps(changed), tensors)))
        with contextlib.suppress(RunError):
            checkpoint.load_checkpoint(path)

    return check, [b"\1" + whole, b"\0" * 40]


def run_target(folder: Path) -> tuple[Check, list[bytes]]:
    """A run folder, opened as a page."""
    import atheris

    from convscope.api.open import open_run
    from convscope.errors import ConvscopeError
    from convscope.training.run_folder import RUN_FILE

    sample = Path(os.environ["CONVSCOPE_FUZZ_SAMPLE"]).parent / "run"
    shutil.copytree(sample, folder, dirs_exist_ok=True)
    text = (folder / RUN_FILE).read_text("utf-8")
    record = json.loads(text)

    def check(data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        if provider.ConsumeProbability() < 0.1:
            (folder / RUN_FILE).write_bytes(provider.ConsumeBytes(len(data)))
        else:
            changed = record
            for _ in range(provider.ConsumeIntInRange(1, 3)):
                changed = _mutate(changed, provider)
            (folder / RUN_FILE).write_text(json.dumps(changed), "utf-8")
        with contextlib.suppress(ConvscopeError):
            open_run(folder, out=folder / "page.html")

    return check, [b"\0" * 40, text.encode()[:4000]]


def network_target(folder: Path) -> tuple[Check, list[bytes]]:
    """A network as text, one layer per line."""
    from convscope.errors import SpecError
    from convscope.model.presets import PRESETS, load_spec

    path = folder / "net.txt"

    def check(data: bytes) -> None:
        path.write_bytes(data)
        with contextlib.suppress(SpecError):
            load_spec(str(path), input_shape=(12, 12, 1), num_classes=3)

    return check, [text.encode() for text in PRESETS.values()]


def keras_target(folder: Path) -> tuple[Check, list[bytes]]:
    import atheris

    from convscope.errors import ModelFileError
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
        with contextlib.suppress(ModelFileError):
            read_keras(path)

    return check, [b"\0" + sample[:4000], b"\1" + weights[:4000]]


def h5_target(folder: Path) -> tuple[Check, list[bytes]]:
    """A Keras model in one HDF5 file, with bytes of its structure changed, or another config of the same length."""
    import atheris

    from convscope.errors import ModelFileError
    from convscope.model.keras_file import read_keras

    with zipfile.ZipFile(Path(__file__).parent.parent / "tests" / "cases" / "keras-versions.zip") as archive:
        sample = archive.read("Keras-2.12/015.h5")
    start = sample.index(b'{"class_name"')
    end = sample.index(b"\0", start)
    config = json.loads(sample[start:end])
    path = folder / "m.h5"

    def check(data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        damaged = bytearray(sample)
        if provider.ConsumeBool():
            changed = config
            for _ in range(provider.ConsumeIntInRange(1, 3)):
                changed = _mutate(changed, provider)
            text = json.dumps(changed, separators=(",", ":")).encode()[: end - start]
            damaged[start:end] = text.ljust(end - start)
        else:
            for _ in range(provider.ConsumeIntInRange(1, 4)):
                place = provider.ConsumeIntInRange(0, len(damaged) - 1)
                new = provider.ConsumeBytes(provider.ConsumeIntInRange(1, 8))
                damaged[place : place + len(new)] = new
        path.write_bytes(bytes(damaged[: len(sample)]))
        with contextlib.suppress(ModelFileError):
            read_keras(path)

    return check, [b"\1" * 40, b"\0" * 40]


def data_target(kind: str, folder: Path) -> tuple[Check, list[bytes]]:
    """The readers of data, one file each."""
    import bad_inputs
    import numpy as np

    from convscope.data.readers import load
    from convscope.errors import DataError

    path = folder / f"d.{kind}"
    tables = [f"emnist-x-{bad_inputs.NAMES[0]}", f"emnist-x-{bad_inputs.NAMES[1]}", "emnist-x-mapping.txt"]
    pixels, labels = bad_inputs.digits()
    names = np.array(["cat", "dog"])
    table = b"label,p0,p1,p2,p3\n" + b"0,1,2,3,4\n1,5,6,7,8\n" * 3
    seeds = {
        "idx": [
            b"\0" + bad_inputs.IMAGES,
            b"\0" + bad_inputs.ZIPPED,
            b"\1" + bad_inputs.LABELS,
            b"\2" + b"0 65 97\n1 66 98\n",
        ],
        "npz": [
            bad_inputs.npz_file({"x": bad_inputs.npy(pixels), "y": bad_inputs.npy(labels)}),
            bad_inputs.npz_file(
                {"x": bad_inputs.npy(pixels[:4]), "y": bad_inputs.npy(labels[:4]), "class_names": bad_inputs.npy(names)}
            ),
        ],
        "csv": [table],
        "zip": [bad_inputs.zip_of(bad_inputs.pictures("a", "b", count=3))],
    }[kind]

    def check(data: bytes) -> None:
        if kind == "idx":  # the first byte selects one of the three files
            for name, good in zip(tables, (bad_inputs.IMAGES, bad_inputs.LABELS, b"0 65\n1 66\n"), strict=True):
                (folder / name).write_bytes(good)
            (folder / tables[data[0] % 3 if data else 0]).write_bytes(data[1:])
        else:
            path.write_bytes(with_checksums(data) if kind in ("npz", "zip") else data)
        with contextlib.suppress(DataError):
            load(folder if kind == "idx" else path)

    return check, seeds


def with_checksums(archive: bytes) -> bytes:
    """A zip archive with the checksums of its members recomputed."""
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
    import bad_inputs

    from convscope.data.decode import decode
    from convscope.errors import DataError

    def check(data: bytes) -> None:
        with contextlib.suppress(DataError):
            decode(with_png_checksums(data), "p")

    forms = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM")
    return check, [
        *(bad_inputs.drawn(form) for form in forms),
        bad_inputs.png_file(),
        bad_inputs.gif_file(),
        bad_inputs.bmp_file(),
    ]


def with_png_checksums(png: bytes) -> bytes:
    """A PNG with the checksums of its chunks recomputed."""
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
    """Run in a child process: atheris does not return."""
    import atheris

    with atheris.instrument_imports(include=["convscope"]):
        pass

    work = folder / "work"
    work.mkdir()
    makers = {
        "model": model_target,
        "checkpoint": checkpoint_target,
        "run": run_target,
        "keras": keras_target,
        "h5": h5_target,
        "network": network_target,
        "picture": picture_target,
    }
    check, seeds = makers[target](work) if target in makers else data_target(target, work)
    corpus = folder / "corpus"
    corpus.mkdir()
    for index, seed in enumerate(seeds):
        (corpus / str(index)).write_bytes(seed)
    count, counter = [0], folder / "count"

    def counted(data: bytes) -> None:
        count[0] += 1
        if count[0] % 1000 == 0:
            counter.write_text(str(count[0]))
        check(data)

    (folder / "words").write_text("".join(f'"{word}"\n' for word in WORDS))
    flags = [
        f"-dict={folder / 'words'}",
        f"-max_total_time={seconds}",
        "-timeout=20",
        "-rss_limit_mb=4000",
        "-max_len=8192",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *flags, f"-artifact_prefix={folder}/", str(corpus)], counted)
    atheris.Fuzz()


def prove(target: str, seconds: int, sample: Path) -> dict[str, Any]:
    """Fuzz one reader; returns the number of inputs, and the first one with an uncaught exception."""
    with tempfile.TemporaryDirectory(dir=RAM_DISK if RAM_DISK.is_dir() else None) as name:
        folder, started = Path(name), time.monotonic()
        done = subprocess.run(
            [sys.executable, __file__, "--inside", name, "--target", target, "--seconds", str(seconds)],
            env=os.environ | {"CONVSCOPE_FUZZ_SAMPLE": str(sample)},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds + 120,
        )
        counter = folder / "count"
        inputs = int(counter.read_text()) if counter.exists() else 0
        crashes = [path.read_bytes()[:200].hex() for path in folder.glob("*-*") if path.is_file()]
        shutil.rmtree(folder / "corpus", ignore_errors=True)
    trouble = done.stderr[-1500:] if done.returncode or crashes else ""
    return {
        "target": target,
        "measured": time.strftime("%Y-%m-%d"),
        "inputs": inputs,
        "seconds": round(time.monotonic() - started),
        "trouble": trouble,
        "crashes": crashes,
    }


def save_sample(path: Path) -> Path:
    """Write a Keras model, and next to it a run folder and its data."""
    import bad_inputs

    from convscope.api.train import train
    from convscope.model.build import build
    from convscope.model.spec_parser import parse
    from convscope.training.options import TrainOptions

    pixels, labels = bad_inputs.digits()
    data, net = path.with_name("d.npz"), path.with_name("net.txt")
    data.write_bytes(
        bad_inputs.npz_file({name: bad_inputs.npy(array) for name, array in (("x", pixels), ("y", labels))})
    )
    net.write_text("Flatten()\nDense(num_classes, activation='softmax')")
    train(TrainOptions(data=str(data), model=str(net), epochs=2.0), out=path.with_name("run"))
    text = "Conv2D(2, 3, activation='relu')\nBatchNormalization()\nFlatten()\nDense(num_classes, activation='softmax')"
    build(parse(text, input_shape=(6, 6, 1), num_classes=3)).save(path)
    return path


def known(but: str) -> list[dict[str, Any]]:
    """Read the figures of the other readers."""
    path = Path(__file__).parent.parent / "docs" / "figures" / "reliability-fuzz.json"
    found = json.loads(path.read_text(encoding="utf-8"))["targets"] if path.is_file() else []
    return [result for result in found if result["target"] != but]


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

    results = known(but=chosen.target) if chosen.target else []
    with tempfile.TemporaryDirectory() as folder:
        sample = save_sample(Path(folder) / "m.keras")
        for target in [chosen.target] if chosen.target else TARGETS:
            # Model files are exchanged most: they get half of the time.
            share = 6 if target == "model" and not chosen.target else 1
            results.append(prove(target, share * chosen.seconds, sample))
            print(results[-1], flush=True)
            results.sort(key=lambda result: TARGETS.index(result["target"]))
            troubles = sum(bool(result["trouble"]) for result in results)
            summary = {"inputs": sum(result["inputs"] for result in results), "troubles": troubles}
            write("reliability-fuzz", {"summary": summary, "targets": results})


if __name__ == "__main__":
    main()
