"""Serve a page on this machine that follows a training while it runs."""

from __future__ import annotations

import json
import webbrowser
from collections.abc import Callable
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from convscope.api.run import PAGE_FILE
from convscope.errors import RunError
from convscope.model.spec import Spec
from convscope.model.spec_parser import from_json as spec_from_json
from convscope.report.array_json import array_json
from convscope.report.page import watch_page
from convscope.training.checkpoint import FOLDER, Checkpoint, files, latest_checkpoint
from convscope.training.moments import MOMENTS_FILE, read_kept
from convscope.training.run import HistoryRow
from convscope.training.run_folder import RUN_FILE

HOST = "127.0.0.1"
POINTS = 200
"""Points of the loss curve."""


def training_state(folder: Path) -> dict[str, Any]:
    """How far a training is, from the files of its run folder.

    Args:
        folder: The run folder; it may not exist yet.

    Returns:
        Plain values: ``outcome`` (``waiting`` before the first checkpoint, ``training``, or ``finished`` once the page
        of the run is written), and while it trains ``step``, ``total_steps`` (None if it is not known), ``history`` as
        in the record of a run, and ``kernel``, the filters of the first convolution.
    """
    try:
        if not files(folder / FOLDER):
            done = (folder / RUN_FILE).is_file() and (folder / PAGE_FILE).is_file()
            return {"outcome": "finished" if done else "waiting", "name": folder.name}
        checkpoint = latest_checkpoint(folder).checkpoint
        spec = spec_from_json(checkpoint.identity["network"])
    except (
        RunError,
        OSError,
        KeyError,
        TypeError,
    ):  # the files change while they are read: the next request finds more
        return {"outcome": "waiting", "name": folder.name}
    moments = read_kept(folder / FOLDER / MOMENTS_FILE, spec)
    per_epoch = moments.steps_per_epoch if moments else 1
    return {
        "outcome": "training",
        "name": folder.name,
        "step": checkpoint.step,
        "total_steps": moments.total_steps if moments else None,
        "history": [asdict(row) for row in _history(checkpoint, per_epoch)],
        "kernel": _first_kernel(checkpoint, spec),
    }


def _history(checkpoint: Checkpoint, steps_per_epoch: int) -> list[HistoryRow]:
    width = max(1, -(-checkpoint.step // POINTS))
    ends = sorted({*range(width, checkpoint.step + 1, width), *checkpoint.measured, checkpoint.step} - {0})
    rows, begin = [], 0
    for end in ends:
        loss, accuracy = checkpoint.measured.get(end, (None, None))
        mean = float(np.mean(checkpoint.losses[begin:end]))
        rows.append(HistoryRow(end / steps_per_epoch, mean, 0.0, loss, accuracy))
        begin = end
    return rows


def _first_kernel(checkpoint: Checkpoint, spec: Spec) -> dict[str, Any] | None:
    """The filters of the first convolution, from the trainable weights in their order."""
    trainable = [name for name in spec.weight_shapes() if "moving" not in name]
    for index, name in enumerate(trainable):
        value = checkpoint.state.get(f"weight/{index}")
        if value is not None and value.ndim == 4 and name.endswith("/kernel"):
            layer = name.rpartition("/")[0]
            row = next(row for row in spec.table() if row.name == layer)
            return {
                "name": layer,
                "input_shape": list(row.input_shape),
                "output_shape": list(row.output_shape),
                "weights": {name: array_json(value)},
            }
    return None


def watch(
    run: str | Path | None = None,
    *,
    port: int = 0,
    browser: bool = True,
    on_start: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve a page that follows a training, until Ctrl-C.

    The page is served only to this machine: the server listens on 127.0.0.1 and answers no request for another host.
    When the training has finished, the page becomes the page of the run.

    Args:
        run: The run folder; None takes the newest below ``runs/``.
        port: To listen on; 0 takes a free one.
        browser: Whether to show the page.
        on_start: Called with its address once the server listens.

    Raises:
        RunError: There is no such folder, or the port is in use.
    """
    server = make_server(_folder(run), port)
    address = f"http://{HOST}:{server.server_port}/"
    on_start(address)
    if browser:
        webbrowser.open(address)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


def make_server(folder: Path, port: int = 0) -> ThreadingHTTPServer:
    """A server for the page of a training.

    Raises:
        RunError: The port cannot be used.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = {f"{name}:{self.server.server_port}" for name in (HOST, "localhost")}  # type: ignore[attr-defined]
            if self.headers.get("Host") not in allowed:  # a page of another site that resolves its name to this machine
                self._answer(403, "text/plain", "This page is only for this machine.")
            elif self.path == "/":
                self._answer(200, "text/html", watch_page(folder.name))
            elif self.path == "/state.json":
                self._answer(200, "application/json", json.dumps(training_state(folder)))
            elif self.path == f"/{PAGE_FILE}" and (folder / PAGE_FILE).is_file():
                self._answer(200, "text/html", (folder / PAGE_FILE).read_text(encoding="utf-8"))
            else:
                self._answer(404, "text/plain", "There is no such page.")

        def _answer(self, status: int, kind: str, text: str) -> None:
            content = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Requests of the page, one each second, are not of interest."""

    try:
        return ThreadingHTTPServer((HOST, port), Handler)
    except (OSError, OverflowError) as error:
        raise RunError(f"Expected a free port. Received: port={port} ({error}).", hint="Use --port 0.") from None


def _folder(run: str | Path | None) -> Path:
    if run is not None:
        if not Path(run).is_dir():
            raise RunError(f"Expected the folder of a run. Received: {run}.", hint="Start the training first.")
        return Path(run)
    folders = sorted((path for path in Path("runs").glob("*") if path.is_dir()), key=lambda path: path.stat().st_mtime)
    if not folders:
        raise RunError("Expected a run below runs/. Received: none.", hint="Start a training first: convscope train")
    return folders[-1]
