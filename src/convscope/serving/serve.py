"""Serve runs, as a function. Light until it is called: `serve` decides on threads and shared counters first."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from convscope.errors import MissingExtraError
from convscope.serving.access import Access, make_access
from convscope.serving.limits import Limits
from convscope.serving.workers import run_workers, shared_counters

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from convscope.serving.store import Store

INSTALL = "pip install 'convscope[serve]'"

OnStart = Callable[[tuple[str, ...], str], None]
"""Called with the names of the networks and the address."""


def serve(
    *runs: str | Path,
    name: Sequence[str] = (),
    host: str = "127.0.0.1",
    port: int = 8000,
    token_file: str | Path | None = None,
    allow_host: Sequence[str] = (),
    allow_origin: Sequence[str] = (),
    workers: int = 1,
    reject: str | float | None = "auto",
    engine: str = "auto",
    max_body: float = 20.0,
    max_images: int = 64,
    max_pixels: float = 25.0,
    queue: int = 512,
    connections: int = 1_000,
    timeout: float = 30.0,
    receive_timeout: float = 30.0,
    batch_size: int = 16,
    batch_wait: float = 2.0,
    drain: float = 0.0,
    grace: float = 5.0,
    quiet: bool = False,
    on_start: OnStart = lambda names, address: None,
) -> None:
    """Serve runs over HTTP, until SIGTERM or Ctrl-C; called in the main thread.

    Args:
        *runs: Runs, or folders of versions of a run; none takes the newest run below ``runs/``.
        name: Names of the networks, one for each run; without them, the names of the folders.
        host: Address to listen on; one that other machines can reach needs ``token_file``.
        port: Port to listen on; 0 takes a free one.
        token_file: File with the token that requests have to carry.
        allow_host: Other names of this server in the Host header.
        allow_origin: Origins of pages of other sites that may read the answers.
        workers: Number of processes.
        reject: As in `Run.predict`.
        engine: As in `Run.predict`; ``"auto"`` is a runtime that is installed, else NumPy.
        max_body: Megabytes of a request.
        max_images: Images of a request.
        max_pixels: Megapixels of an image.
        queue: Images that wait or are being classified.
        connections: Open connections.
        timeout: Seconds from the end of a request to its answer.
        receive_timeout: Seconds in which a request has to arrive.
        batch_size: Images that are computed at once.
        batch_wait: Milliseconds that an image waits for others whose requests are being received.
        drain: Seconds from SIGTERM until no more connections are accepted.
        grace: Seconds for the requests in progress after that.
        quiet: Log warnings and errors only.
        on_start: Called with the names of the networks and the address, before the first request.

    Raises:
        ConvscopeError: A run cannot be served.
        OptionError: An option is out of range, or the address cannot be used.
        MissingExtraError: A package is not installed.
    """
    limits = Limits(
        body_bytes=round(max_body * 1e6),
        images=max_images,
        pixels=round(max_pixels * 1e6),
        queue=queue,
        connections=connections,
        header_seconds=min(10.0, receive_timeout),
        body_seconds=receive_timeout,
        seconds=timeout,
        batch=batch_size,
        batch_seconds=batch_wait / 1000,
        drain_seconds=drain,
        shutdown_seconds=grace,
    )
    token = Path(token_file) if token_file else None
    access = make_access(host, token_file=token, hosts=tuple(allow_host), origins=tuple(allow_origin))
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # requests are read on all cores at once
    with shared_counters(workers):
        try:
            from convscope.serving.application import load_store
        except ModuleNotFoundError as error:
            raise _missing(error) from None
        store = load_store(runs, name, limits, reject, engine)
        _listen(store, access, limits, (host, port), workers=workers, quiet=quiet, on_start=on_start)


def _listen(
    store: Store,
    access: Access,
    limits: Limits,
    address: tuple[str, int],
    *,
    workers: int,
    quiet: bool,
    on_start: OnStart,
) -> None:
    from convscope.serving.application import make_application
    from convscope.serving.logs import Log
    from convscope.serving.server import address_of, bind, run

    with bind(*address) as listening, _short_collections():
        on_start(store.names, address_of(listening))

        def work() -> None:
            run(make_application(store, access, limits, Log(quiet=quiet)), listening, limits, workers=workers)

        if workers == 1:
            work()
        else:
            run_workers(work, workers)


@contextlib.contextmanager
def _short_collections() -> Iterator[None]:
    """Leave what was loaded out of garbage collections: going through it takes 30 ms, in which requests wait."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def application(
    *runs: str | Path, name: Sequence[str] = (), reject: str | float | None = "auto", quiet: bool = False
) -> Starlette:
    """An ASGI application that answers as `serve` does, with its default limits; for ASGI servers and Ray Serve.

    It answers requests whose Host header names this machine.

    Args:
        *runs: As in `serve`.
        name: As in `serve`.
        reject: As in `Run.predict`.
        quiet: As in `serve`.

    Raises:
        ConvscopeError: A run cannot be served.
        MissingExtraError: A package is not installed.
    """
    try:
        from convscope.serving.application import load_store, make_application
        from convscope.serving.logs import Log
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    limits = Limits()
    return make_application(load_store(runs, name, limits, reject), Access(), limits, Log(quiet=quiet))


def _missing(error: ModuleNotFoundError) -> Exception:
    if (error.name or "").partition(".")[0] == "convscope":
        return error
    return MissingExtraError(f"serve needs the package {error.name}.", hint=f"Install it: {INSTALL}")
