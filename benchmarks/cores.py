"""How reading a dataset, `convscope predict FOLDER` and `convscope serve --workers` gain from the cores of one machine.

    python benchmarks/cores.py prepare FOLDER             # trains the network; needs TensorFlow
    python benchmarks/cores.py measure FOLDER [--cores 1,2,4,8,16]

15,000 JPEG files of 256×256 are read and resized to 64×64, as for a training, and classified into a table, on the first
cores of the machine only. `serve` has as many processes as cores, which it may choose; wrk asks the digit of serve.py
over 8 connections for each process, on the same machine, so that beyond half of the cores the load takes what the
processes need. Writes docs/figures/cores.json.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from predict_folder import INPUT, SRC, draw_images, measure
from record import write
from serve import ENGINE, Server, draw, environment, wrk

DRAWN, COPIES = 1_000, 15
ROUNDS = 2
READ = """
import sys, time, convscope
began = time.perf_counter()
convscope.load_data(sys.argv[1], size=64)
print(time.perf_counter() - began)
"""


def prepare(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    draw_images(folder, 1)
    measure(["train", "labeled", "--size", str(INPUT), "--epochs", "1", "--out", "photos"], folder, SRC)
    measure(["train", "--out", "digits", "--quiet"], folder, SRC)
    for name in ("images", "labeled"):
        shutil.rmtree(folder / name)


def draw_many(folder: Path) -> None:
    for name in ("images", "labeled", "many"):
        shutil.rmtree(folder / name, ignore_errors=True)
    draw_images(folder, DRAWN)
    for copy in range(COPIES):
        target = folder / "many" / str(copy)
        target.mkdir(parents=True)
        for file in sorted((folder / "images").iterdir())[:DRAWN]:
            os.link(file, target / file.name)


def read_rows(folder: Path, cores: list[int]) -> list[dict[str, float]]:
    rows = []
    for count in cores:
        words = ["taskset", "-c", f"0-{count - 1}", sys.executable, "-c", READ, str(folder / "many")]
        found = [
            subprocess.run(words, env=environment(), check=True, capture_output=True, text=True).stdout
            for _ in range(ROUNDS)
        ]
        row = {"cores": count, "images_per_second": DRAWN * COPIES / statistics.median(map(float, found))}
        print("read", row, flush=True)
        rows.append(row)
    return rows


def predict_rows(folder: Path, cores: list[int]) -> list[dict[str, float]]:
    command = [sys.executable, "-m", "convscope", "predict", "many", "--recursive", "--run", "photos", "--quiet"]
    rows = []
    for count in cores:
        seconds = []
        for turn in range(ROUNDS):
            (folder / f"{count}-{turn}.csv").unlink(missing_ok=True)
            words = ["taskset", "-c", f"0-{count - 1}", *command, "--out", f"{count}-{turn}.csv"]
            began = time.perf_counter()
            subprocess.run(words, cwd=folder, env=environment(), check=True, stdout=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - began)
        row = {"cores": count, "images_per_second": DRAWN * COPIES / statistics.median(seconds)}
        print("predict", row, flush=True)
        rows.append(row)
    return rows


def serve_rows(folder: Path, cores: list[int]) -> list[dict[str, float]]:
    digit = draw(folder)["digit"]
    rows = []
    for count in cores:
        server = Server(folder / "digits", folder, "--workers", str(count))
        wrk(server.address, digit, 8 * count, 2)
        row = {"workers": count} | wrk(server.address, digit, 8 * count, 5) | {"megabytes": server.megabytes}
        server.stop()
        print("serve", row, flush=True)
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("prepare", "measure"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cores", default="1,2,4,8,16")
    chosen = parser.parse_args()
    folder = chosen.folder.resolve()
    if chosen.step == "prepare":
        prepare(folder)
        return
    cores = [int(one) for one in chosen.cores.split(",") if int(one) <= (os.cpu_count() or 1)]
    draw_many(folder)
    found = {
        "serve": serve_rows(folder, cores),
        "read": read_rows(folder, cores),
        "predict": predict_rows(folder, cores),
    }
    most = {f"{name}_gain": value for name, value in gains(found).items()}
    summary = most | {"cores": os.cpu_count() or 1, "images": DRAWN * COPIES, "rounds": ROUNDS}
    write("cores", {"summary": summary, "engine": ENGINE} | found)


def gains(found: dict[str, list[dict[str, float]]]) -> dict[str, float]:
    """How many times faster the best number of cores is than one."""
    names = {"serve": "per_second", "read": "images_per_second", "predict": "images_per_second"}
    rates = {name: [row[key] for row in found[name]] for name, key in names.items()}
    return {name: max(some) / some[0] for name, some in rates.items()}


if __name__ == "__main__":
    main()
