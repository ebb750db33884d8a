"""A server process and a plain HTTP client, for the tests of `serve`."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Served:
    """``convscope serve`` as a process on a free port of this machine."""

    def __init__(self, *words: object, cwd: Path) -> None:
        self.log_path = cwd / f"serve-{time.monotonic_ns()}.log"
        self._log = self.log_path.open("w")
        command = [sys.executable, "-m", "convscope", "serve", *map(str, words), "--port", "0"]
        self.process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=self._log, text=True)
        assert self.process.stdout
        lines = [self.process.stdout.readline(), self.process.stdout.readline()]
        found = [word for line in lines for word in line.split() if word.startswith("http://")]
        assert found, self.log_path.read_text()
        self.address = urlsplit(found[0])
        self.port = self.address.port or 0
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                if self.get("/health").status == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.log_path.read_text())

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, named, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, body: bytes, kind: str = "application/octet-stream", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, body, {"Content-Type": kind, **named})

    def post_json(self, path: str, value: object) -> Answer:
        return self.post(path, json.dumps(value).encode(), "application/json")

    def raw(self, *parts: bytes, pause: float = 0.0, timeout: float = 20.0, close: bool = False) -> bytes:
        """Send bytes as they are, and return what comes back until the server closes or falls silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            received = b""
            try:
                for index, part in enumerate(parts):
                    if index:
                        time.sleep(pause)
                    connection.sendall(part)
                if close:
                    connection.shutdown(socket.SHUT_WR)
                while chunk := connection.recv(65_536):
                    received += chunk
                    if is_whole(received):
                        break
            except (ConnectionResetError, BrokenPipeError):
                pass
            return received

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log_path.read_text().splitlines()]

    @property
    def memory_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it; the exit code."""
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        try:
            return self.process.wait(30)
        finally:
            self.process.kill()
            self._log.close()
            if self.process.stdout:
                self.process.stdout.close()


def is_whole(received: bytes) -> bool:
    """Whether these bytes are a whole answer."""
    head, separator, body = received.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(separator and lengths) and len(body) >= int(lengths[0].split(b":")[1])


def form(files: list[tuple[str, bytes]], field: str = "file") -> tuple[bytes, str]:
    """A body of files as multipart/form-data, and its type."""
    parts = []
    for name, data in files:
        head = f'--limit\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
        parts.append(head.encode() + data + b"\r\n")
    return b"".join(parts) + b"--limit--\r\n", "multipart/form-data; boundary=limit"
