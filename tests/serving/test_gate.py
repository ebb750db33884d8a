"""The outermost layer of the server, without a process of its own."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from convscope.serving.access import Access
from convscope.serving.application import load_store, make_application
from convscope.serving.limits import Limits
from convscope.serving.logs import Log
from convscope.serving.protocol import Protocol
from convscope.serving.server import bind

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def config(short_run: Path) -> Config:
    limits = Limits()
    made = Config(
        make_application(load_store([short_run], [], limits), Access(), limits, Log(quiet=True)),
        http=type("Limited", (Protocol,), {"limits": limits}),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    made.load()
    return made


def cycles() -> int:
    return sum(isinstance(one, RequestResponseCycle) for one in gc.get_objects())


def request(path: str, *headers: str) -> bytes:
    body = b"x" * 1000
    lines = [f"POST {path} HTTP/1.1", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_what_was_sent_with_a_refused_request_is_freed_without_a_garbage_collection(config) -> None:
    """What was loaded before serving is left out of collections, so that these are rare."""
    refused = {
        404: request("/nothing", "Host: localhost"),
        403: request("/predict", "Host: example.org"),
        415: request("/predict", "Host: localhost", "Content-Type: text/html"),
    }
    state = ServerState()

    async def ask(address: tuple, sent: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        return head

    async def act() -> None:
        with bind("127.0.0.1", 0) as listening:
            server = await asyncio.get_running_loop().create_server(
                lambda: config.http_protocol_class(config=config, server_state=state, app_state={}), sock=listening
            )
            async with server:
                for _ in range(5):
                    for status, sent in refused.items():
                        head = await ask(listening.getsockname(), sent)
                        assert head.startswith(b"HTTP/1.1 %d " % status), head
                while state.connections:
                    await asyncio.sleep(0.01)

    gc.collect()
    before = cycles()
    gc.disable()
    try:
        asyncio.run(act())
        assert cycles() == before
    finally:
        gc.enable()


@pytest.mark.parametrize("name", [b"host", b"origin", b"authorization"])
def test_a_request_with_two_values_that_decide_on_access_is_refused_under_any_server(config, name: bytes) -> None:
    sent: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.request"}

    async def send(message) -> None:
        sent.append(message)

    values = {b"host": b"localhost", b"origin": b"http://localhost", b"authorization": b"Bearer a"}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": "/classes",
        "query_string": b"",
        "headers": [*values.items(), (name, b"example.org")],
    }
    asyncio.run(config.loaded_app(scope, receive, send))
    assert sent[0]["status"] == 400
    sent.clear()
    asyncio.run(config.loaded_app(scope | {"headers": list(values.items())}, receive, send))
    assert sent[0]["status"] == 200
