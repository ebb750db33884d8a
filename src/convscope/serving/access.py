"""Who may ask: the Host and Origin headers, and the token."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from pathlib import Path

from convscope.errors import OptionError
from convscope.model.files import read_small
from convscope.serving.request_error import RequestError

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
OPEN_PATHS = ("/health", "/v2/health/live", "/v2/health/ready")
"""Answered without a token and for any Host: probes of an orchestrator have neither. They reveal readiness only."""

TOKEN = re.compile(rb"[!-~]{16,512}")
MAX_TOKEN_BYTES = 4_096


@dataclass(frozen=True)
class Access:
    """Which requests are answered.

    Attributes:
        hosts: Names in the Host header, without a port; None for any, which only a server with a token may have.
        origins: Of pages of other sites that may read the answers, such as ``https://example.org``.
        token: That requests have to carry; None for none.
    """

    hosts: tuple[str, ...] | None = LOOPBACK
    origins: tuple[str, ...] = ()
    token: bytes | None = None

    def check(self, method: str, path: str, headers: dict[bytes, bytes]) -> None:
        """Refuse a request that may not be answered.

        Raises:
            RequestError: 401: no token. 403: another Host or Origin.
        """
        if path in OPEN_PATHS:
            return
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if self.hosts is not None and _without_port(host) not in self.hosts:
            raise RequestError(403, "This server does not answer for that host.", hint="Start it with --allow-host.")
        origin = headers.get(b"origin")
        if origin is not None and not self._is_allowed(origin.decode("latin-1"), host):
            raise RequestError(403, "Pages of other sites may not ask.", hint="Start it with --allow-origin.")
        if method == "OPTIONS":  # browsers send the question before a request without its token
            return
        if self.token is not None and not _has_token(headers.get(b"authorization", b""), self.token):
            raise RequestError(
                401,
                "Expected the server's token.",
                hint="Send it as Authorization: Bearer TOKEN.",
                headers={"WWW-Authenticate": "Bearer"},
            )

    def _is_allowed(self, origin: str, host: str) -> bool:
        return origin in self.origins or origin.lower() in (f"http://{host}", f"https://{host}")

    def cors_headers(self, origin: bytes | None) -> list[tuple[bytes, bytes]]:
        """The headers that let a page of a named origin read the answer."""
        if origin is None or origin.decode("latin-1") not in self.origins:
            return []
        return [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]


def _without_port(host: str) -> str:
    return re.sub(r":[0-9]{1,5}$", "", host)


def _has_token(value: bytes, token: bytes) -> bool:
    scheme, _, given = value.partition(b" ")
    return scheme.lower() == b"bearer" and hmac.compare_digest(given.strip(), token)


def read_token(path: Path) -> bytes:
    """The token in a file.

    Raises:
        OptionError: There is none of 16 to 512 printable characters.
    """
    try:
        content = read_small(path, MAX_TOKEN_BYTES).strip()
    except Exception:
        raise OptionError(f"Expected a readable file with a token. Received: --token-file {path}.") from None
    if not TOKEN.fullmatch(content):
        raise OptionError(
            f"Expected a token of 16 to 512 printable characters without spaces. Received: --token-file {path}.",
            hint="Make one: openssl rand -hex 32",
        )
    return content


def make_access(
    host: str, *, token_file: Path | None, hosts: tuple[str, ...] = (), origins: tuple[str, ...] = ()
) -> Access:
    """The access rules of a server that listens on an address.

    Args:
        host: The address.
        token_file: With the token; needed for an address that other machines can reach.
        hosts: Other names in the Host header.
        origins: Of pages of other sites.

    Raises:
        OptionError: Other machines can reach the address, and there is no token; or an origin is not one.
    """
    local = host in ("127.0.0.1", "localhost", "::1")
    if not local and token_file is None:
        raise OptionError(
            f"Expected a token for a server that other machines can reach. Received: --host {host}.",
            hint="Add --token-file FILE, or leave --host out to serve this machine only.",
        )
    for origin in origins:
        if not re.fullmatch(r"https?://[a-z0-9.\-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?", origin):
            raise OptionError(f"Expected an origin such as https://example.org. Received: --allow-origin {origin}.")
    named = tuple(name.lower() for name in hosts)
    allowed = (*LOOPBACK, *named) if local or named else None
    return Access(allowed, origins, read_token(token_file) if token_file else None)
