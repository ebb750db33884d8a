"""The outermost layer: request ids, access, the form of errors, security headers, metrics and logs."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route, Router

from convscope.serving.access import Access
from convscope.serving.native import ENCODER
from convscope.serving.request_error import RequestError
from convscope.serving.service import WHOLE_BODY, Service
from convscope.serving.time_limit import TimeLimit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
SPARE_SECONDS = 5.0
"""Beyond the limits for the body and for the answer: for a client that reads its answer slowly."""

SECURITY_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]
WORDS = {404: "There is no such address.", 405: "This address does not take that method."}
ACCESS_HEADERS = (b"host", b"origin", b"authorization")
CORS_METHODS = b"GET, POST"
CORS_HEADERS = b"authorization, content-type, x-request-id, inference-header-content-length"


class Gate:
    """ASGI application around the routes. Addresses without parameters are looked up; the router searches for others.

    Args:
        router: The routes.
        service: Of the server.
        access: Which requests are answered.
    """

    def __init__(self, router: Router, service: Service, access: Access) -> None:
        self._router = router
        self._fixed = {
            (method, route.path): route
            for route in router.routes
            if isinstance(route, Route) and not route.param_convertors
            for method in route.methods or ()
        }
        self._service = service
        self._access = access
        self._time = TimeLimit(service.limits.body_seconds + service.limits.seconds + SPARE_SECONDS)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._router(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send, self._access)
        try:
            with self._time.start():
                await self._answer(exchange)
        except TimeoutError:
            await exchange.refuse(RequestError(504, "The request took too long."))
        except asyncio.CancelledError:  # the server ends, and its time for that is over
            await exchange.refuse(RequestError(503, "The server ends."))
        finally:
            self._service.bodies_bytes -= scope["state"].pop("body_bytes", 0)
            self._record(exchange)
            exchange.let_go()

    async def _answer(self, exchange: Exchange) -> None:
        try:
            _check_head(exchange, self._service.limits.header_bytes)
            self._access.check(exchange.scope["method"], exchange.scope["path"], exchange.headers)
            if exchange.scope["method"] == "OPTIONS" and exchange.is_from_named_origin:
                await exchange.preflight()
            else:
                await self._dispatch(exchange)
        except RequestError as error:
            await exchange.refuse(error)
        except HTTPException as error:
            words = WORDS.get(error.status_code, "The request cannot be answered.")
            headers = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
            await exchange.refuse(RequestError(error.status_code, words, headers=headers))
        except ClientDisconnect:
            exchange.status = exchange.status or 499
        except Exception as error:
            self._service.log.error(
                "internal_error", request_id=exchange.request_id, error=type(error).__name__,
                where=traceback.format_tb(error.__traceback__)[-1].strip().splitlines()[0],
            )  # fmt: skip
            await exchange.refuse(RequestError(500, "Internal error.", hint=f"Request {exchange.request_id}."))

    async def _dispatch(self, exchange: Exchange) -> None:
        scope = exchange.scope
        route = self._fixed.get((scope["method"], scope["path"])) if not scope.get("root_path") else None
        if route is None:
            await self._router(scope, exchange.receive, exchange.send)
            return
        scope["route"] = route
        response = await route.endpoint(Request(scope, exchange.receive))
        await response(scope, exchange.receive, exchange.send)

    def _record(self, exchange: Exchange) -> None:
        seconds = time.perf_counter() - exchange.began
        route = exchange.route
        self._service.metrics.answered_request(route, exchange.status, seconds)
        self._service.log.info(
            "request", request_id=exchange.request_id, method=exchange.scope["method"][:16], route=route,
            status=exchange.status, milliseconds=round(seconds * 1000, 2), images=exchange.images,
        )  # fmt: skip


def _check_head(exchange: Exchange, most: int) -> None:
    """Refuse another version of HTTP, large headers, and several values where one decides on access."""
    scope = exchange.scope
    if scope["http_version"] not in ("1.0", "1.1"):
        raise RequestError(505, "Expected HTTP/1.1.")
    size = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    if size + sum(len(name) + len(value) + 4 for name, value in scope["headers"]) > most:
        raise RequestError(431, f"Expected at most {most:,} bytes of address and headers.")
    if len(exchange.headers) < len(scope["headers"]):
        names = [name for name, _ in scope["headers"]]
        for name in ACCESS_HEADERS:
            if names.count(name) > 1:
                raise RequestError(400, f"Expected one {name.decode().title()} header.")


class Exchange:
    """One request and its answer.

    Attributes:
        headers: The first value of each, as in Starlette's.
        status: Of the answer; 0 before there is one, 499 if the client has gone.
    """

    def __init__(self, scope: Message, receive: Receive, send: Send, access: Access) -> None:
        self.scope = scope
        self.began = time.perf_counter()
        self.headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))
        self.status = 0
        given = self.headers.get(b"x-request-id", b"")
        self.request_id = given.decode() if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        state = scope.setdefault("state", {})
        state["headers"], state["whole_body"] = self.headers, self.whole_body
        self._receive = receive
        self._send = send
        self._access = access
        has_length = self.headers.get(b"content-length", b"0") != b"0"
        self._has_body = has_length or b"transfer-encoding" in self.headers

    @property
    def route(self) -> str:
        """The pattern of the route, so that no client can make up new ones; ``other`` if there is none."""
        route = self.scope.get("route")
        return getattr(route, "path", "other")

    @property
    def images(self) -> int:
        """Number of images that were classified."""
        return self.scope["state"].get("images", 0)

    @property
    def is_from_named_origin(self) -> bool:
        """Whether a page of another site asks that may read the answers."""
        return bool(self._access.cors_headers(self.headers.get(b"origin")))

    def whole_body(self) -> bytes | None:
        """The body if the server says that all of it has arrived; else `receive` gives its parts."""
        take = self.scope.get("extensions", {}).get(WHOLE_BODY)
        body = take() if take else None
        if body is not None:
            self._has_body = False
        return body

    def let_go(self) -> None:
        """End the reference cycles, so that the body is freed now and not by a garbage collection."""
        self.scope["state"].pop("whole_body", None)
        self.scope.get("extensions", {}).pop(WHOLE_BODY, None)

    async def receive(self) -> Message:
        """Note when the body ends."""
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            self._has_body = False
        return message

    async def send(self, message: Message) -> None:
        """Add the headers that every answer has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ()), *SECURITY_HEADERS, (b"x-request-id", self.request_id.encode())]
            headers += self._access.cors_headers(self.headers.get(b"origin"))
            if self._has_body:  # what was not read must not be read as the next request
                headers.append((b"connection", b"close"))
            message["headers"] = headers
        await self._send(message)

    async def refuse(self, error: RequestError) -> None:
        """Answer with an error, unless an answer has begun."""
        if self.status:
            return
        content = ENCODER.encode(
            {"error": error.message, "hint": error.hint} if error.hint else {"error": error.message}
        )
        extra = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
        await self._respond(error.status, content, [(b"content-type", b"application/json"), *extra])

    async def preflight(self) -> None:
        """Answer a browser that asks whether a page of a named origin may ask."""
        allowed = [(b"access-control-allow-methods", CORS_METHODS), (b"access-control-allow-headers", CORS_HEADERS)]
        await self._respond(204, b"", allowed)

    async def _respond(self, status: int, content: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        length = [] if status == 204 else [(b"content-length", str(len(content)).encode())]
        await self.send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
        await self.send({"type": "http.response.body", "body": content})
