"""Why a request is refused: a status, what was expected, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping

from convscope.errors import ConvscopeError


class RequestError(ConvscopeError):
    """A request that is answered with an error.

    Args:
        status: The HTTP status.
        message: What was expected and what was received; no path, no internals.
        hint: What to do next.
        headers: Of the answer, such as Retry-After.
    """

    def __init__(self, status: int, message: str, *, hint: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.headers = dict(headers or {})


def too_busy(seconds: int = 1) -> RequestError:
    """The queue is full."""
    return RequestError(429, "The server is busy.", hint="Try again later.", headers={"Retry-After": str(seconds)})
