"""What a request may cost: sizes, counts and times, each with the status that answers a request beyond it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from convscope.errors import OptionError


@dataclass(frozen=True)
class Limits:
    """The limits of a server.

    Attributes:
        body_bytes: Bytes of a request's body; 413.
        bodies_bytes: Bytes of all bodies in memory at once; 503.
        images: Images of one request; 413.
        pixels: Pixels of one image; 413.
        queue: Images that wait or are being classified; 429 with Retry-After.
        connections: Open connections; 503.
        header_bytes: Bytes of a request line with its headers; 431.
        header_seconds: Time for the request line and the headers; 408.
        body_seconds: Time for the body; 408.
        seconds: Time from the end of the body to the answer; 504.
        batch: Images that the network computes at once.
        batch_seconds: How long an image waits for others whose requests are being received.
        drain_seconds: Time from SIGTERM, which turns readiness off, until no more connections are accepted.
        shutdown_seconds: Time for the requests in progress after that; then they are answered with 503.

    Raises:
        OptionError: A limit is not a positive number; only the times of a batch and of draining may be 0.
    """

    body_bytes: int = 20_000_000
    bodies_bytes: int = 200_000_000
    images: int = 64
    pixels: int = 25_000_000
    queue: int = 512
    connections: int = 1_000
    header_bytes: int = 16_384
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    seconds: float = 30.0
    batch: int = 16
    batch_seconds: float = 0.002
    drain_seconds: float = 0.0
    shutdown_seconds: float = 5.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            lowest = 0 if field.name in ("batch_seconds", "drain_seconds") else 1e-3
            if not lowest <= value < 1e12:
                raise OptionError(f"Expected a limit above 0. Received: {field.name}={value!r}.")
