"""Run the application with uvicorn: one process or several, ended by SIGTERM without dropping a request."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from http import HTTPStatus
from typing import Any

import h11
from starlette.applications import Starlette
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from convscope.errors import OptionError
from convscope.serving.limits import Limits
from convscope.serving.native import ENCODER
from convscope.serving.service import Service

BACKLOG = 1024
KEEP_ALIVE_SECONDS = 30
WORDS = {
    400: "Expected HTTP/1.1.",
    408: "The headers took too long.",
    431: "The headers are too large.",
    501: "Expected a body with Content-Length, or in chunks.",
    503: "The server is busy.",
}


def bind(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        OptionError: The address cannot be used.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        # With the protocol named, asyncio sends small answers at once; else each waits 40 ms for an acknowledgment.
        made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name == "posix":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        raise OptionError(
            f"Expected an address and a free port. Received: --host {host} --port {port} ({error}).",
            hint="--port 0 takes a free one.",
        ) from None
    made.setblocking(False)
    return made


def address_of(listening: socket.socket) -> str:
    """The address for a browser.

    Example:
        >>> with socket.socket() as one:
        ...     one.bind(("127.0.0.1", 0))
        ...     address_of(one).startswith("http://127.0.0.1:")
        True
    """
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def run(app: Starlette, listening: socket.socket, limits: Limits) -> None:
    """Serve until SIGTERM or Ctrl-C; requests in progress are answered first, within the limits."""
    service: Service = app.state.service
    for name in ("python_multipart", "asyncio", "uvicorn"):  # they would write parts of requests beside our log
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    config = Config(
        app,
        loop="asyncio",
        http=type("Protocol", (_Protocol,), {"limits": limits}),
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(limits.shutdown_seconds)),
        h11_max_incomplete_event_size=limits.header_bytes,
    )
    _Server(config, service).run(sockets=[listening])


class _Server(Server):
    """Readiness ends first, then the listening, then the requests in progress."""

    def __init__(self, config: Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self._stop_at: float | None = None

    def handle_exit(self, sig: int, frame: object) -> None:
        if self._stop_at is not None:
            self.force_exit = sig == signal.SIGINT
            self._stop_at = 0.0
            return
        self._service.ready = False
        self._stop_at = time.monotonic() + self._service.limits.drain_seconds
        self._service.log.info("stopping")

    async def on_tick(self, counter: int) -> bool:
        if self._stop_at is not None and time.monotonic() >= self._stop_at:
            self.should_exit = True
        return await super().on_tick(counter)


class _Protocol(H11Protocol):
    """Limits before there is a request: time and size of its headers, and the number of connections."""

    limits: Limits
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._refuse(503)
        else:
            self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        try:
            if self._timer is None and (before is None or before.response_complete):
                self._wait_for_headers()
            super().data_received(data)
        except Exception:  # bytes that come after an error; the request in progress, if there is one, is given up
            self.transport.abort()
            return
        if self.cycle is not before:
            self._stop_timer()

    def send_400_response(self, msg: str) -> None:
        error = sys.exc_info()[1]
        hint = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        self._refuse(hint if hint in WORDS else 400)

    def _wait_for_headers(self) -> None:
        self._timer = self.loop.call_later(self.limits.header_seconds, self._refuse, 408)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: int) -> None:
        """Answer without a request, and close."""
        self._stop_timer()
        if self.transport.is_closing():
            return
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE) or (self.cycle and self.cycle.response_started):
            self.transport.abort()
            return
        content = ENCODER.encode({"error": WORDS[status]})
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            "content-type: application/json",
            f"content-length: {len(content)}",
            "connection: close",
        ]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + content)
        if self.cycle:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()
