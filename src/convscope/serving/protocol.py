"""HTTP/1.1 as uvicorn and httptools read it, with limits before there is a request."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from convscope.serving.limits import Limits
from convscope.serving.native import ENCODER
from convscope.serving.service import GONE, IN_PROGRESS, WHOLE_BODY

WORDS = {
    400: "Expected HTTP/1.1.",
    405: "This address does not take that method.",
    408: "The headers took too long.",
    431: "The headers are too large.",
    501: "Expected a body with Content-Length, or in chunks.",
    503: "The server is busy.",
    505: "Expected HTTP/1.1.",
}
OTHER_VERSION = ("Invalid HTTP version", "Pause on PRI/Upgrade")
"""What the parser says of another version of HTTP."""

METHOD = re.compile(rb"[A-Z]{1,32} /")
"""The start of a request with a method that the parser does not know."""


class HeadError(Exception):
    """The headers are not those of a request that can be answered.

    Args:
        status: Of the answer.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Protocol(HttpToolsProtocol):
    """One connection.

    The parser has no limits: it keeps a header until it is complete. `_unread` counts what was received since it last
    gave something away, so that neither headers nor what follows the last chunk of a body can grow.
    """

    limits: Limits
    _timer: asyncio.TimerHandle | None = None
    _unread = 0
    _has_head = False
    _goes_on = False

    def connection_made(self, transport: Any) -> None:
        """Refuse too many connections."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._refuse(503)
        else:
            self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request in progress."""
        self._stop_timer()
        super().connection_lost(exc)
        if self.cycle and not self.cycle.response_complete:
            scope: Any = self.cycle.scope
            for function in scope["extensions"][GONE]:
                function()

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived."""
        if self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        before = self.cycle
        is_new = self._timer is None and (before is None or before.response_complete)
        self._unread += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError as error:
            self._refuse(_status_of(error, data))
            return
        if self._unread > self.limits.header_bytes:
            self._refuse(431)
        elif self.cycle is not before:
            self._stop_timer()
        elif is_new:
            self._wait_for_headers()

    def _parse(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                # The offer of another protocol is not taken. The parser has stopped behind the headers.
                self.parser = httptools.HttpRequestParser(self)
                if self._goes_on:
                    self.parser.feed_data(_head_of_body(self.headers))
                    self._goes_on = False
                data = data[upgrade.args[0] :]

    def on_message_begin(self) -> None:
        """A request begins."""
        if not self._goes_on:
            super().on_message_begin()
            self._has_head = False
            self.scope["extensions"] = {GONE: [], IN_PROGRESS: self.tasks}  # type: ignore[typeddict-unknown-key]

    def on_header(self, name: bytes, value: bytes) -> None:
        """A whole header."""
        if not self._has_head:  # what follows the last chunk of a body is no header
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """All headers: refuse a request that cannot be answered."""
        if self._has_head:
            return
        self._has_head = True
        self._unread = 0
        names = [name for name, _ in self.headers]
        if self.parser.get_method() == b"CONNECT":
            raise HeadError(405)
        if names.count(b"host") != 1 and (self.parser.get_http_version() == "1.1" or b"host" in names):
            raise HeadError(400)
        if any(name == b"transfer-encoding" and value.lower() != b"chunked" for name, value in self.headers):
            raise HeadError(501)
        super().on_headers_complete()
        cycle = self.cycle
        cycle.scope["extensions"][WHOLE_BODY] = partial(_take_body, cycle)  # type: ignore[typeddict-unknown-key]
        if cycle.scope["method"] != "HEAD":
            cycle.transport = _WholeAnswer(cycle.transport)  # type: ignore[assignment]

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of the body."""
        self._unread = 0
        if self.parser.should_upgrade() and _has_body(self.headers):
            self._goes_on = True
        else:
            super().on_message_complete()

    def _wait_for_headers(self) -> None:
        self._timer = self.loop.call_later(self.limits.header_seconds, self._refuse, 408)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: int) -> None:
        """Answer without a request, and close; a request in progress is given up."""
        self._stop_timer()
        if self.transport.is_closing():
            return
        cycle = self.cycle
        if cycle and cycle.response_started and not cycle.response_complete:
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
        if cycle:
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()


class _WholeAnswer:
    """Sends the head of an answer together with the first part of its body, where uvicorn sends two packets."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        """Keep the head; send all else."""
        if self._head is None and not data.startswith(b"HTTP/1.1 100 "):
            self._head = data
        else:
            self._transport.write((self._head or b"") + data)
            self._head = b"" if self._head else self._head

    def is_closing(self) -> bool:
        """As that of the transport."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Send a head without a body, and close."""
        if self._head:
            self.write(b"")
        self._transport.close()


def _take_body(cycle: RequestResponseCycle) -> bytes | None:
    """The body of a request; None if it has not arrived yet, or if something of it was read."""
    if cycle.more_body or cycle.disconnected or cycle.response_started or cycle.waiting_for_100_continue:
        return None
    body = bytes(cycle.body)
    cycle.body = bytearray()
    cycle.flow.resume_reading()  # else nobody would notice that the client goes
    return body


def _status_of(error: httptools.HttpParserError, data: bytes) -> int:
    if isinstance(error.__context__, HeadError):
        return error.__context__.status
    if isinstance(error, httptools.HttpParserInvalidMethodError):
        return 405 if METHOD.match(data) else 400
    return 505 if str(error) in OTHER_VERSION else 400


def _has_body(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in headers)


def _head_of_body(headers: list[tuple[bytes, bytes]]) -> bytes:
    """A request with no more headers than a parser needs for the body."""
    lines = [name + b": " + value for name, value in headers if name in (b"transfer-encoding", b"content-length")]
    return b"\r\n".join([b"POST / HTTP/1.1", *lines, b"", b""])
