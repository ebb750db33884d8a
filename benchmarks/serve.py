"""Requests a second, latency and memory of `convscope serve`, by load generators that others wrote: wrk and h2load.

    python benchmarks/serve.py [--run RUN] [--seconds 5] [--connections 1,8,64] [--peers] [--soak 600]

Without --run, a `quick` is trained. wrk sends a digit of MNIST (28×28, PNG) as the raw body, and a drawn photo of a
digit (640×480, JPEG); h2load then asks at 80 % of the largest rate, for the 99th percentile, over connections that
begin one after the other, so that their requests do not arrive all at once. The CPU time of the server for each request
depends less on what else the machine does. --peers asks the same digit of other servers
(serve_peers.py); --soak is minutes of load with changes and broken clients (serve_soak.py); both without the rest.
Writes docs/figures/serve.json, where the parts that were not measured stay.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from record import FIGURES, write
from serve_peers import OURS, cpu_seconds, group, install, measure_peers, proportional_megabytes
from serve_soak import soak

from convscope.data.mnist import load_part

SRC = Path(__file__).resolve().parent.parent / "src"
STARTS = 3
ENGINE = "LiteRT" if importlib.util.find_spec("ai_edge_litert") else "NumPy"
"""What `auto` takes."""
SCRIPT = """
local file = io.open("{path}", "rb"); wrk.body = file:read("*a"); file:close()
wrk.method = "POST"; wrk.headers["Content-Type"] = "{kind}"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", default="1,8,64")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--soak", type=int, default=0)
    chosen = parser.parse_args()
    for program in ("wrk", "h2load"):
        if not shutil.which(program):
            raise SystemExit(f"{program} is missing: apt-get install wrk nghttp2-client")
    connections = [int(one) for one in chosen.connections.split(",")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = chosen.run.resolve() if chosen.run else train(folder)
        files = draw(folder)
        found = {}
        if chosen.soak:
            found["soak"] = soak(lambda one: Server(one, folder), run, files["digit"], folder, seconds=chosen.soak)
            found["soak"]["seconds"] = chosen.soak
        elif not chosen.peers:
            found = measure_ours(run, folder, files, connections, chosen.seconds)
        if chosen.peers:
            found["peers"] = compare(run, folder, files["digit"], connections, chosen.seconds)
    kept = json.loads((FIGURES / "serve.json").read_text()) if (FIGURES / "serve.json").is_file() else {}
    parts = {name: kept[name] for name in ("summary", "loads", "peers", "soak") if name in kept}
    for part in found.values():
        if isinstance(part, dict):
            part["engine"] = ENGINE
    write("serve", parts | found)


def measure_ours(
    run: Path, folder: Path, files: dict[str, Path], connections: list[int], seconds: int
) -> dict[str, object]:
    starts = [Server(run, folder) for _ in range(STARTS)]
    for server in starts[1:]:
        server.stop()
    rows, summary = measure(starts[0], files, connections, seconds)
    summary["start_to_ready_seconds"] = statistics.median(one.ready_seconds for one in starts)
    summary["start_cpu_seconds"] = statistics.median(one.ready_cpu_seconds for one in starts)
    summary["peak_megabytes"] = starts[0].peak_megabytes
    starts[0].stop()
    several = Server(run, folder, "--workers", str(os.cpu_count()))
    for picture, prefix in (("digit", "workers"), ("photo", "workers_photo")):
        for count in connections:
            wrk(several.address, files[picture], count, 1)
            row = {"picture": picture, "connections": count, "workers": os.cpu_count()}
            rows.append(row | wrk(several.address, files[picture], count, seconds))
            summary[f"{prefix}_per_second_{count}"] = rows[-1]["per_second"]
    summary["workers_megabytes"] = several.megabytes
    several.stop()
    return {"summary": summary | {"seconds": seconds, "load_average": os.getloadavg()[0]}, "loads": rows}


def compare(run: Path, folder: Path, digit: Path, connections: list[int], seconds: int) -> dict[str, object]:
    """Ours before and after the others."""
    versions = install()

    def ask(address: str, path: Path, count: int, leader: int) -> dict[str, float]:
        wrk(address, path, count, 1)
        before = cpu_seconds(leader)
        row = wrk(address, path, count, seconds)
        used = cpu_seconds(leader) - before
        return row | {"cpu_milliseconds": 1000 * used / row["requests"] if row["requests"] else 0.0}

    def ours() -> list[dict]:
        server = Server(run, folder)
        rows = []
        for count in connections:
            row = ask(server.address, digit, count, server.leader)
            rows.append({"server": OURS, "connections": count, "megabytes": server.megabytes} | row)
        server.stop()
        return rows

    before = ours()
    others = measure_peers(run, digit, folder, connections=connections, measure=ask, environment=environment())
    rows = [*before, *others, *ours()]
    return {"versions": versions, "rows": rows, "seconds": seconds, "load_average": os.getloadavg()[0]}


def train(folder: Path) -> Path:
    command = [sys.executable, "-m", "convscope", "train", "--out", "run", "--quiet"]
    subprocess.run(command, cwd=folder, env=environment(), check=True, stdout=subprocess.DEVNULL)
    return folder / "run"


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [str(SRC), os.environ.get("PYTHONPATH")]))}


def draw(folder: Path) -> dict[str, Path]:
    """A digit as it is in MNIST, and the same one as a photo: thick dark ink on uneven paper, with noise."""
    digit = Image.fromarray(load_part("test").pixels[0, :, :, 0])
    digit.save(folder / "digit.png")
    ink = np.asarray(digit.resize((280, 280), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(2)), float)
    rows, columns = np.mgrid[:480, :640]
    paper = 215 - rows / 24 - columns / 32 + np.random.default_rng(0).normal(0, 4, (480, 640))
    paper[100:380, 180:460] -= ink * 0.65
    photo = np.repeat(np.clip(paper, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    Image.fromarray(photo).save(folder / "photo.jpg", quality=85)
    for name, kind in (("digit.png", "image/png"), ("photo.jpg", "image/jpeg")):
        (folder / f"{name}.lua").write_text(SCRIPT.format(path=folder / name, kind=kind))
    return {"digit": folder / "digit.png", "photo": folder / "photo.jpg"}


class Server:
    """`convscope serve` on a free port, with its log in a file."""

    def __init__(self, run: Path, folder: Path, *options: str) -> None:
        began = time.perf_counter()
        self._log = (folder / f"log-{time.monotonic_ns()}").open("w")
        command = [sys.executable, "-m", "convscope", "serve", str(run), "--port", "0", *options]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=environment(),
            start_new_session=True,
        )
        assert self._process.stdout
        lines = self._process.stdout.readline() + self._process.stdout.readline()
        self.address = re.findall(r"http://\S+", lines)[0]
        urllib.request.urlopen(f"{self.address}health").read()
        self.ready_seconds = time.perf_counter() - began
        self.ready_cpu_seconds = self.cpu_seconds

    @property
    def cpu_seconds(self) -> float:
        """Used so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def leader(self) -> int:
        """The process that was started."""
        return self._process.pid

    @property
    def megabytes(self) -> float:
        """Memory of all its processes; what they share is counted once."""
        return sum(proportional_megabytes(one) for one in group(self._process.pid))

    @property
    def log_text(self) -> str:
        """Its log so far."""
        return Path(self._log.name).read_text()

    @property
    def peak_megabytes(self) -> float:
        """The most memory so far."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024

    def stop(self) -> None:
        """End it."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
        self._log.close()


def measure(
    server: Server, files: dict[str, Path], connections: list[int], seconds: int
) -> tuple[list[dict], dict[str, float]]:
    rows, summary = [], {}
    for name, path in files.items():
        wrk(server.address, path, 1, 1)  # the first requests
        for count in connections:
            before = server.cpu_seconds
            row = {"picture": name, "connections": count} | wrk(server.address, path, count, seconds)
            row["cpu_milliseconds"] = 1000 * (server.cpu_seconds - before) / max(1, row["requests"])
            rows.append(row)
            summary[f"{name}_per_second_{count}"] = row["per_second"]
            summary[f"{name}_cpu_milliseconds_{count}"] = row["cpu_milliseconds"]
    fastest = max(row["per_second"] for row in rows if row["picture"] == "digit")
    log = files["digit"].with_name("h2load.log")
    row = h2load(server.address, files["digit"], max(connections), 0.8 * fastest, seconds, log)
    rows.append({"picture": "digit", "connections": max(connections), "asked_per_second": 0.8 * fastest} | row)
    summary["p99_milliseconds_at_80_percent"] = row["p99_milliseconds"]
    if any(row["failed"] for row in rows):
        raise SystemExit(f"requests failed: {rows}")
    return rows, summary


def wrk(address: str, path: Path, connections: int, seconds: int) -> dict[str, float]:
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", f"{path}.lua"]
    text = subprocess.run([*words, f"{address}predict"], capture_output=True, text=True, check=True).stdout
    failed = re.findall(r"Non-2xx or 3xx responses: (\d+)", text)
    return {
        "requests": int(re.findall(r"(\d+) requests in", text)[0]),
        "per_second": float(re.findall(r"Requests/sec:\s+([\d.]+)", text)[0]),
        "p99_milliseconds": milliseconds(re.findall(r"99%\s+([\d.]+)(us|ms|s)", text)[0]),
        "failed": int(failed[0]) if failed else 0,
    }


def milliseconds(found: tuple[str, str]) -> float:
    return float(found[0]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[1]]


def h2load(address: str, path: Path, connections: int, rate: float, seconds: int, log: Path) -> dict[str, float]:
    """Ask at a given rate, over connections that begin 1 ms apart; until all of them ask, nothing is counted."""
    words = ["h2load", "--h1", f"--clients={connections}", "--rate=1", "--rate-period=1ms"]
    words += [f"--requests={round(rate * seconds)}", f"--rps={rate / connections:.3f}", f"--data={path}"]
    words += ["--header=content-type: image/png", f"--log-file={log}", f"{address}predict"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    begins, statuses, took = np.loadtxt(log, dtype=np.int64, unpack=True)  # microseconds
    counted = begins >= begins.min() + 1_000 * connections
    span = (begins[counted].max() - begins[counted].min()) / 1e6
    return {
        "requests": int(counted.sum()),
        "per_second": float(counted.sum() / span),
        "p99_milliseconds": float(np.percentile(took[counted], 99) / 1000),
        "failed": int((statuses != 200).sum()),
    }


if __name__ == "__main__":
    main()
