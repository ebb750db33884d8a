"""Minutes of load on one server: benchmarks/serve.py --soak 600.

wrk asks over 64 connections and compares each answer, byte by byte, with those of the two runs that take turns: the
files are replaced every 10 seconds. Each twentieth body is no image. Answers that the server is busy (503) and that the
answer took too long (504) are counted apart; any other one is wrong. Meanwhile other clients send their requests byte
by byte, close the connection in the middle of a request or before the answer, or send what is not HTTP.
"""

from __future__ import annotations

import random
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from convscope.model.model_file import load_model, save_model

RELOAD_SECONDS = 10.0
MEMORY_SECONDS = 30.0
CONNECTIONS = 64
HOSTILE_EVERY = 20
LUA = r"""
local file = io.open("{digit}", "rb"); local good = file:read("*a"); file:close()
local first, second = {first}, {second}
local count, bad = 0, good:sub(1, 60)
local threads = {{}}
function setup(thread) table.insert(threads, thread) end
function init()
  right, refused, busy, late, wrong, hostile = 0, 0, 0, 0, 0, 0
  sample_of_busy, sample_of_late, sample_of_wrong = "", "", ""
end
function delay() return {delay} end
function request()
  count = count + 1
  local body = good
  if count % {every} == 0 then body = bad; hostile = hostile + 1 end
  return wrk.format("POST", "/predict", {{["Content-Type"] = "image/png"}}, body)
end
function response(status, headers, body)
  if status == 200 and (body == first or body == second) then right = right + 1
  elseif status == 422 then refused = refused + 1
  elseif status == 503 then busy = busy + 1; sample_of_busy = body
  elseif status == 504 then late = late + 1; sample_of_late = body
  else wrong = wrong + 1; sample_of_wrong = status .. " " .. body end
end
function done()
  for _, thread in ipairs(threads) do
    for _, name in ipairs({{"right", "refused", "busy", "late", "wrong", "hostile"}}) do
      print(name .. " " .. thread:get(name))
    end
    for _, name in ipairs({{"sample_of_busy", "sample_of_late", "sample_of_wrong"}}) do
      print(name .. " " .. thread:get(name))
    end
  end
end
"""


def soak(
    start: Callable[[Path], Any], run: Path, digit: Path, folder: Path, *, seconds: int, delay_milliseconds: int = 20
) -> dict[str, Any]:
    """What happened in so many seconds.

    Args:
        start: Starts a server of a run: with an address, a log, its memory, and an end.
        run: Of which a copy is served and changed.
        digit: The image.
        folder: For files.
        seconds: How long.
        delay_milliseconds: Between two requests of a connection.
    """
    served, other = folder / "soak" / "digits", folder / "other.safetensors"
    shutil.copytree(run, served)
    model = load_model(served / "model.safetensors")
    save_model(replace(model, class_names=tuple(reversed(model.class_names))), other)
    server = start(served)
    bodies = [answer(server.address, digit)]
    versions = [(served / "model.safetensors").read_bytes(), other.read_bytes()]
    exchange(served, versions[1])
    while (changed := answer(server.address, digit)) == bodies[0]:
        time.sleep(0.2)
    bodies.append(changed)
    script = folder / "soak.lua"
    quoted = [f"[==[{body.decode()}]==]" for body in bodies]
    script.write_text(
        LUA.format(digit=digit, first=quoted[0], second=quoted[1], every=HOSTILE_EVERY, delay=delay_milliseconds)
    )
    others = Others(server.address, digit.read_bytes())
    words = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "20s", "--latency", "-s", str(script)]
    load = subprocess.Popen([*words, server.address], stdout=subprocess.PIPE, text=True)
    memory, reloads = watch(server, load, served, versions)
    assert load.stdout
    text = load.stdout.read()
    sent = others.stop()
    found = read(text) | {"reloads": reloads, "other_clients": sent, "memory_megabytes": memory}
    found["reloads_in_the_log"] = server.log_text.count('"outcome":"served"')
    found["internal_errors"] = server.log_text.count('"internal_error"')
    server.stop()
    return found


def answer(address: str, digit: Path) -> bytes:
    asked = urllib.request.Request(f"{address}predict", digit.read_bytes(), {"Content-Type": "image/png"})
    return urllib.request.urlopen(asked, timeout=30).read()


def exchange(served: Path, content: bytes) -> None:
    """Replace the network's file at once."""
    new = served / "new"
    new.write_bytes(content)
    new.replace(served / "model.safetensors")


def watch(server: Any, load: subprocess.Popen, served: Path, versions: list[bytes]) -> tuple[list[float], int]:
    """Change the run until the load ends; the memory at each time, and the number of changes."""
    began, memory, reloads = time.monotonic(), [], 0
    while load.poll() is None:
        passed = time.monotonic() - began
        if passed >= len(memory) * MEMORY_SECONDS:
            memory.append(round(server.megabytes, 1))
        if passed >= (reloads + 1) * RELOAD_SECONDS:
            exchange(served, versions[reloads % 2])
            reloads += 1
        time.sleep(0.5)
    return memory, reloads


def read(text: str) -> dict[str, Any]:
    counts = dict(re.findall(r"^(right|refused|busy|late|wrong|hostile) (\d+)$", text, re.MULTILINE))
    samples = {name: sample[:300] for name, sample in re.findall(r"^(sample_of_\w+) (.*)", text, re.MULTILINE)}
    errors = re.findall(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    return {
        "right": int(counts["right"]),
        "busy": int(counts["busy"]),
        "late": int(counts["late"]),
        "wrong": int(counts["wrong"]),
        "hostile_sent": int(counts["hostile"]),
        "hostile_refused": int(counts["refused"]),
        "socket_errors": sum(map(int, errors[0])) if errors else 0,
        "per_second": float(re.findall(r"Requests/sec:\s+([\d.]+)", text)[0]),
        "p99": re.findall(r"99%\s+(\S+)", text)[0],
    } | samples


class Others:
    """Clients that are slow, go away, or send what is not HTTP; none of them may cost anybody an answer."""

    def __init__(self, address: str, digit: bytes) -> None:
        host, port = re.findall(r"//([^:/]+):(\d+)", address)[0]
        self._address = (host, int(port))
        head = f"POST /predict HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(digit)}\r\n\r\n".encode()
        self._request = head + digit
        self._sent: dict[str, int] = dict.fromkeys(("slow", "cut", "gone", "not_http"), 0)
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(name,), daemon=True) for name in self._sent]
        for thread in self._threads:
            thread.start()

    def stop(self) -> dict[str, int]:
        """How many of each there were."""
        self._end.set()
        for thread in self._threads:
            thread.join(30)
        return self._sent

    def _run(self, name: str) -> None:
        rng = random.Random(name)
        while not self._end.wait(0.05):
            try:
                with socket.create_connection(self._address, timeout=20) as connection:
                    self._act(name, connection, rng)
            except OSError:
                pass
            self._sent[name] += 1

    def _act(self, name: str, connection: socket.socket, rng: random.Random) -> None:
        if name == "slow":
            for at in range(0, len(self._request), 40):
                connection.sendall(self._request[at : at + 40])
                time.sleep(0.1)
            connection.recv(65_536)
        elif name == "cut":
            connection.sendall(self._request[: rng.randrange(1, len(self._request))])
        elif name == "gone":
            connection.sendall(self._request)
        else:
            connection.sendall(rng.randbytes(200) + b"\r\n\r\n")
            connection.recv(65_536)
