"""The life of a server: who may ask, changed runs, several processes, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convscope.model.model_file import load_model, save_model
from convscope.serving.server import bind
from serving.client import Served
from serving.conftest import png

pytestmark = pytest.mark.slow

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def folder(short_run: Path, tmp_path: Path) -> Path:
    shutil.copytree(short_run, tmp_path / "digits")
    return tmp_path


def first_class(server: Served, picture: bytes) -> str:
    answer = server.post("/predict", picture)
    assert answer.status == 200, answer.body
    return answer.json["images"][0]["choices"][0]["name"]


def test_only_a_token_opens_a_server_that_has_one(folder, pictures) -> None:
    (folder / "token").write_text(TOKEN + "\n")
    server = Served("digits", "--token-file", "token", "--allow-origin", "https://example.org", cwd=folder)
    try:
        picture = pictures["digit-0.png"]
        assert server.post("/predict", picture).status == 401
        for wrong in (
            f"Bearer {TOKEN}x",
            f"Bearer {TOKEN[:-1]}",
            f"Basic {TOKEN}",
            TOKEN,
            "Bearer",
            f"Bearer {'é' * 9}",
        ):
            refused = server.post("/predict", picture, authorization=wrong.encode().decode("latin-1"))
            assert refused.status == 401 and refused.headers["www-authenticate"] == "Bearer"
        assert server.post("/predict", picture, authorization=f"Bearer {TOKEN}").status == 200
        assert server.get("/metrics").status == 401 and server.get("/v2/health/ready").status == 200
        ours = {"origin": "https://example.org"}
        asked = server.ask("OPTIONS", "/predict", headers=ours)
        assert asked.status == 204 and "authorization" in asked.headers["access-control-allow-headers"]
        answer = server.post("/predict", picture, authorization=f"Bearer {TOKEN}", **ours)
        assert answer.headers["access-control-allow-origin"] == "https://example.org"
        assert server.post("/predict", picture, authorization=f"Bearer {TOKEN}", origin="https://a.org").status == 403
        assert TOKEN not in server.log_path.read_text()
    finally:
        server.stop()


def test_a_server_that_other_machines_can_reach_needs_a_token(folder, convscope) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1"):
        done = convscope("serve", "digits", "--host", host, cwd=folder)
        assert done.returncode == 2 and "Expected a token" in done.stderr and "--token-file" in done.stderr
    (folder / "short").write_text("short")
    done = convscope("serve", "digits", "--token-file", "short", cwd=folder)
    assert done.returncode == 2 and "16 to 512" in done.stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = convscope("serve", "digits", "--port", taken.getsockname()[1], cwd=folder)
        assert done.returncode == 2 and "Expected an address and a free port" in done.stderr
    done = convscope("serve", "nothing", cwd=folder)
    assert done.returncode == 1 and "Expected the folder of a run" in done.stderr and "Traceback" not in done.stderr
    done = convscope("serve", "digits", "digits", cwd=folder)
    assert done.returncode == 2 and "Give each run a --name" in done.stderr


def test_a_changed_run_takes_over_without_a_lost_request_and_a_damaged_one_does_not(folder, pictures) -> None:
    path, picture = folder / "digits" / "model.safetensors", pictures["digit-0.png"]
    model = load_model(path)
    server = Served("digits", cwd=folder)
    answers: list[str] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            answers.append(first_class(server, picture))

    def until(event: str) -> None:
        end = time.monotonic() + 30
        while not [line for line in server.log if line["event"] == "reload" and line["outcome"] == event]:
            assert time.monotonic() < end
            time.sleep(0.1)

    try:
        with ThreadPoolExecutor(2) as pool:
            asking = [pool.submit(ask) for _ in range(2)]
            save_model(replace(model, class_names=tuple(reversed(model.class_names))), path)
            until("served")
            assert first_class(server, picture) == "2", "7 from the other end"
            damaged = path.read_bytes()[:-1000]
            path.with_name("new").write_bytes(damaged)
            path.with_name("new").replace(path)
            until("refused")
            assert first_class(server, picture) == "2", "the old one stays"
            done.set()
            for one in asking:
                one.result()
        assert set(answers) <= {"7", "2"} and "".join(answers).find("72") != -1
        assert b'convscope_reloads_total{network="digits",outcome="refused"} 1.0' in server.get("/metrics").body
        assert server.get("/health").status == 200
        assert len([line for line in server.log if line["event"] == "reload"]) == 2, "refused once, not each second"
    finally:
        done.set()
        assert server.stop() == 0


def test_a_new_version_is_served_when_its_folder_appears(folder, short_run, pictures) -> None:
    (folder / "all").mkdir()
    (folder / "digits").rename(folder / "all" / "1")
    server = Served("all", "--quiet", "--connections", "3", cwd=folder)
    try:
        assert server.get("/metadata").json["networks"][0]["version"] == 1
        shutil.copytree(short_run, folder / "all" / ".10")
        (folder / "all" / ".10").rename(folder / "all" / "10")
        end = time.monotonic() + 30
        while server.post("/predict", pictures["digit-0.png"]).json["network"]["version"] != 10:
            assert time.monotonic() < end
            time.sleep(0.1)
        assert server.post("/predict?version=1", pictures["digit-0.png"]).status == 200
        assert server.log == [], "quiet"
        held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(3)]
        refused = server.raw(b"")
        assert refused.startswith(b"HTTP/1.1 503 ") and b'{"error":"The server is busy."}' in refused
        for one in held:
            one.close()
    finally:
        server.stop()


def test_sigterm_turns_readiness_off_and_answers_what_has_begun(folder) -> None:
    rng = np.random.default_rng(0)
    sheet = np.full((480, 640), 240, np.uint8)
    sheet[100:380, 300:330] = 30
    photos = [png(sheet - rng.integers(0, 9, sheet.shape).astype(np.uint8), "JPEG") for _ in range(4)]
    server = Served("digits", "--drain", "0.7", "--grace", "20", cwd=folder)
    with ThreadPoolExecutor(24) as pool:
        asked = [pool.submit(server.post, "/predict", photos[index % 4]) for index in range(24)]
        end = time.monotonic() + 30
        while b"convscope_queue_images 0.0" in server.get("/metrics").body:
            assert time.monotonic() < end
        os.kill(server.process.pid, signal.SIGTERM)
        time.sleep(0.2)
        assert server.get("/health").status == 503 and server.get("/v2/health/ready").status == 503
        statuses = [one.result().status for one in asked]
        assert statuses == [200] * 24
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 15
    with pytest.raises(OSError):
        server.get("/health")


def test_several_processes_share_the_port_and_their_counts_and_end_together(folder, pictures) -> None:
    server = Served("digits", "--workers", "2", cwd=folder)
    try:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        assert len(children) == 2
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: server.post("/predict", pictures["digit-0.png"]).json, range(40)))
        assert b'convscope_images_total{network="digits",outcome="answered"} 40.0' in server.get("/metrics").body
        for child in children:  # the second one is replaced just before the end: the new process must end, too
            os.kill(int(child), signal.SIGKILL)
            end = time.monotonic() + 20
            while len(Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()) < 2:
                assert time.monotonic() < end
                time.sleep(0.02)
            if child == children[0]:
                assert first_class(server, pictures["digit-0.png"]) == "7"
    finally:
        assert server.stop() == 0


def test_a_garbage_collection_looks_at_nothing_that_was_loaded_before_serving(short_run) -> None:
    """Else the third generation is tens of thousands of objects, and a collection of it a pause of 30 ms."""
    script = (
        "import gc, sys, convscope as cs\n"
        "def look(names, address):\n"
        "    print(len(gc.get_objects()), gc.get_freeze_count())\n"
        "    raise SystemExit\n"
        "cs.serve(sys.argv[1], port=0, on_start=look)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(short_run)], capture_output=True, text=True, check=True)
    looked_at, left_out = map(int, done.stdout.split())
    assert looked_at < 5_000 < left_out


def test_no_process_lowers_the_number_of_connections_that_wait() -> None:
    async def connect(listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        async with await loop.create_server(asyncio.Protocol, sock=listening, backlog=2):
            with contextlib.ExitStack() as stack:
                for _ in range(10):  # the loop accepts none meanwhile
                    stack.enter_context(socket.create_connection(listening.getsockname(), timeout=1))

    with bind("127.0.0.1", 0) as listening:
        asyncio.run(connect(listening))


def test_connections_wait_while_all_processes_are_busy_and_each_accepts_some(folder, pictures) -> None:
    """Of two processes, one goes on first, and has not accepted all connections when it sends its first answer."""
    body = pictures["digit-0.png"]
    request = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    server = Served("digits", "--workers", "2", cwd=folder)
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    try:

        def is_socket(one: Path) -> bool:
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                return str(one.readlink()).startswith("socket:")
            return False

        def sockets() -> list[int]:
            return [sum(map(is_socket, Path(f"/proc/{child}/fd").iterdir())) for child in children]

        with contextlib.ExitStack() as stack:
            for child in children:
                os.kill(int(child), signal.SIGSTOP)
            before, connections = sockets(), []
            for _ in range(64):
                one = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=5))
                one.sendall(request)
                connections.append(one)
            os.kill(int(children[0]), signal.SIGCONT)
            assert select.select(connections, [], [], 20)[0]
            os.kill(int(children[1]), signal.SIGCONT)
            until = time.monotonic() + 20
            accepted = [0, 0]
            while sum(accepted) < 60 and time.monotonic() < until:
                time.sleep(0.05)
                accepted = [now - then for now, then in zip(sockets(), before, strict=True)]
        assert sum(accepted) >= 60 and min(accepted) >= 5, accepted  # one or two may be other sockets
    finally:
        for child in children:
            os.kill(int(child), signal.SIGCONT)
        server.stop()


def test_small_answers_are_sent_at_once() -> None:
    """Otherwise each answer waits for the acknowledgment of its headers, some 40 ms."""

    async def nodelay() -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        class Asked(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                accepted = transport.get_extra_info("socket")
                found.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                transport.close()

        with bind("127.0.0.1", 0) as listening:
            server = await asyncio.get_running_loop().create_server(Asked, sock=listening)
            async with server:
                _, writer = await asyncio.open_connection(*listening.getsockname())
                writer.close()
                return await asyncio.wait_for(found, 10)

    assert asyncio.run(nodelay())
