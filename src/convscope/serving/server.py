"""Run the application with uvicorn: one process or several, ended by SIGTERM without dropping a request."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time

from starlette.applications import Starlette
from uvicorn import Config, Server

from convscope.errors import OptionError
from convscope.serving.limits import Limits
from convscope.serving.protocol import Protocol
from convscope.serving.service import Service

BACKLOG = 1024
ACCEPTED_AT_ONCE = 2
"""Connections that one of several processes accepts at a time: else the first one to wake up takes all that wait."""

KEEP_ALIVE_SECONDS = 30


class _Listening(socket.socket):
    """A socket where `BACKLOG` connections wait.

    asyncio has one number for those that it accepts at a time and those that wait, and each process would set it anew
    for all that share the socket.
    """

    def listen(self, backlog: int = BACKLOG, /) -> None:
        super().listen(BACKLOG)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        OptionError: The address cannot be used.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        # With the protocol named, asyncio sends small answers at once; else each waits 40 ms for an acknowledgment.
        made = _Listening(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name == "posix":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen()
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


def run(app: Starlette, listening: socket.socket, limits: Limits, *, workers: int = 1) -> None:
    """Serve until SIGTERM or Ctrl-C; requests in progress are answered first, within the limits.

    Args:
        app: Of `application.make_application`.
        listening: From `bind`.
        limits: Of requests.
        workers: The number of processes that listen on the socket.
    """
    service: Service = app.state.service
    for name in ("python_multipart", "asyncio", "uvicorn"):  # they would write parts of requests beside our log
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    config = Config(
        app,
        loop="asyncio",  # uvloop accepts one connection in a turn: under load, new clients wait for seconds
        http=type("Protocol", (Protocol,), {"limits": limits}),
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG if workers == 1 else ACCEPTED_AT_ONCE,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(limits.shutdown_seconds)),
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
