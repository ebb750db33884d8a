"""The same digit asked of other servers, one after the other on the same machine: benchmarks/serve.py --peers.

FastAPI with Keras's `predict`, LitServe and BentoML with batches in ONNX Runtime, each in the form that its
documentation shows, without the framing and the rejection that ours computes. They are installed into
build/serve-peers.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / "build" / "serve-peers"
SERVERS = Path(__file__).resolve().parent / "peer_servers"
PACKAGES = ["fastapi", "uvicorn[standard]", "keras", "tensorflow-cpu", "litserve", "bentoml", "onnxruntime", "pillow"]
OURS = "convscope"
NAMES = {"fastapi_keras": "FastAPI + Keras predict", "litserve_onnx": "LitServe", "bentoml_onnx": "BentoML"}
START_SECONDS = 180
LUA = """
local file = io.open("{path}", "rb"); wrk.body = file:read("*a"); file:close()
wrk.method = "POST"; wrk.headers["Content-Type"] = "{kind}"
"""

Measure = Callable[[str, Path, int, int], dict[str, float]]
"""Of an address, the file whose Lua script asks, the number of connections, and the server's process."""


def install() -> dict[str, str]:
    """The versions of the peers; they are installed at the first time."""
    python = VENV / "bin" / "python"
    if not (VENV / "installed").is_file():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        (VENV / "installed").touch()
    listed = subprocess.run([str(python), "-m", "pip", "list", "--format", "json"], capture_output=True, check=True)
    wanted = {"fastapi", "uvicorn", "keras", "tensorflow-cpu", "tensorflow_cpu", "litserve", "bentoml", "onnxruntime"}
    return {one["name"]: one["version"] for one in json.loads(listed.stdout) if one["name"].lower() in wanted}


def export(run: Path, folder: Path, environment: dict[str, str]) -> None:
    """Write the files that the peers load."""
    words = [sys.executable, "-m", "convscope", "export", str(run), "--to", "onnx,keras", "--out", str(folder)]
    subprocess.run(words, env=environment, check=True, stdout=subprocess.DEVNULL)


def questions(digit: Path, folder: Path) -> dict[str, Path]:
    """The digit as each peer takes it, with the script for wrk."""
    encoded = json.dumps({"image": base64.b64encode(digit.read_bytes()).decode()}).encode()
    head = (
        b'--limit\r\nContent-Disposition: form-data; name="images"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    )
    forms = {
        "fastapi_keras": (digit.read_bytes(), "image/png"),
        "litserve_onnx": (encoded, "application/json"),
        "bentoml_onnx": (head + digit.read_bytes() + b"\r\n--limit--\r\n", "multipart/form-data; boundary=limit"),
    }
    found = {}
    for name, (body, kind) in forms.items():
        found[name] = folder / name
        found[name].write_bytes(body)
        (folder / f"{name}.lua").write_text(LUA.format(path=found[name], kind=kind))
        (folder / f"{name}.type").write_text(kind)
    return found


class Peer:
    """A server of another project."""

    def __init__(self, name: str, exported: Path, port: int, question: Path) -> None:
        self.address = f"http://127.0.0.1:{port}/"
        model = exported / ("model.keras" if name == "fastapi_keras" else "model.onnx")
        words = [str(VENV / "bin" / "python"), f"{name}.py", str(model), str(port)]
        if name == "bentoml_onnx":
            words = [str(VENV / "bin" / "bentoml"), "serve", f"{name}:Digits", "-p", str(port)]
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        self._process = subprocess.Popen(
            words,
            cwd=SERVERS,
            env=environment | {"MODEL": str(model), "BENTOML_DO_NOT_TRACK": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + START_SECONDS
        while not self._answers(question):
            if time.monotonic() > until or self._process.poll() is not None:
                self.stop()
                raise SystemExit(f"{name} does not answer")
            time.sleep(0.5)

    def _answers(self, question: Path) -> bool:
        kind = question.with_name(f"{question.name}.type").read_text()
        asked = urllib.request.Request(f"{self.address}predict", question.read_bytes(), {"Content-Type": kind})
        try:
            return urllib.request.urlopen(asked, timeout=30).status == 200
        except OSError:
            return False

    @property
    def leader(self) -> int:
        """The process that was started."""
        return self._process.pid

    @property
    def megabytes(self) -> float:
        """Memory of all its processes; what they share is counted once."""
        return sum(proportional_megabytes(process) for process in group(self._process.pid))

    def stop(self) -> None:
        """End all its processes."""
        all_ = group(self._process.pid)
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in all_:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, number)
            time.sleep(2)
        self._process.wait(10)


def group(leader: int) -> list[int]:
    """A process and all that it started."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(path.parent.name)] = int(fields[1])
    found = [leader] if leader in parents else []
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def cpu_seconds(leader: int) -> float:
    """Used so far by a process and all that it started."""
    used = 0
    for process in group(leader):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        used += int(fields[11]) + int(fields[12])
    return used / os.sysconf("SC_CLK_TCK")


def proportional_megabytes(process: int) -> float:
    """Memory of a process, with its fraction of what it shares."""
    try:
        return int(re.findall(r"^Pss:\s+(\d+)", Path(f"/proc/{process}/smaps_rollup").read_text(), re.M)[0]) / 1024
    except (OSError, IndexError):
        return 0.0


def measure_peers(
    run: Path, digit: Path, folder: Path, *, connections: list[int], measure: Measure, environment: dict[str, str]
) -> list[dict]:
    """Requests a second and memory of each peer.

    Args:
        run: Whose network they serve.
        digit: The image.
        folder: For files.
        connections: Numbers of connections.
        measure: Of an address.
        environment: In which convscope runs.
    """
    export(run, folder / "exported", environment)
    rows = []
    for port, (name, question) in enumerate(questions(digit, folder).items(), start=9_871):
        peer = Peer(name, folder / "exported", port, question)
        try:
            for count in connections:
                row = measure(peer.address, question, count, peer.leader)
                rows.append({"server": NAMES[name], "connections": count, "megabytes": peer.megabytes} | row)
        finally:
            peer.stop()
    return rows
