"""The ASGI application of a server: any ASGI server runs it, Ray Serve too."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path

from starlette.applications import Starlette

from convscope.api.answer_rules import AUTO
from convscope.serving import native, open_inference, tensorflow_serving
from convscope.serving.access import Access
from convscope.serving.batching import Batching
from convscope.serving.gate import Gate
from convscope.serving.limits import Limits
from convscope.serving.logs import Log
from convscope.serving.metrics import Metrics
from convscope.serving.network import Network
from convscope.serving.service import Service
from convscope.serving.store import Store, named_folders

RELOAD_SECONDS = 1.0
"""How often the files of the runs are looked at."""

SWITCH_SECONDS = 0.001
"""After how long a thread lets another one run: a request waits for Python's lock no longer than that."""


def load_store(
    runs: Sequence[str | Path],
    names: Sequence[str],
    limits: Limits,
    reject: str | float | None = AUTO,
    engine: str = "auto",
) -> Store:
    """Read the runs, and warm them up.

    Raises:
        ConvscopeError: A run cannot be served.
    """
    return Store(named_folders(runs, names), partial(Network, reject=reject, batch=limits.batch, engine=engine))


def make_application(store: Store, access: Access, limits: Limits, log: Log) -> Starlette:
    """The application for networks in memory; its `state.service` is the service."""
    batching = Batching(limits, on_batch=lambda size: metrics.batches.observe(size), direct=True)
    metrics = Metrics(lambda: batching.unfinished)
    service = Service(store, batching, limits, metrics, log)
    routes = [*native.routes(service), *tensorflow_serving.routes(service), *open_inference.routes(service)]
    made = Starlette(routes=routes, lifespan=partial(_lifespan, service))
    made.router.redirect_slashes = False
    made.middleware_stack = Gate(made.router, service, access)  # Starlette's own would be five more calls
    made.state.service = service
    return made


@contextlib.asynccontextmanager
async def _lifespan(service: Service, app: Starlette) -> AsyncIterator[None]:
    sys.setswitchinterval(SWITCH_SECONDS)
    service.batching.start()
    _tell_networks(service)
    watching = asyncio.create_task(_watch(service))
    service.ready = True
    try:
        yield
    finally:
        service.ready = False
        watching.cancel()
        service.batching.stop()


def _tell_networks(service: Service) -> None:
    served = {(one.name, str(one.version)) for name in service.store.names for one in service.store.versions(name)}
    service.metrics.served_networks(served)


async def _watch(service: Service, sleep: Callable = asyncio.sleep) -> None:
    """Let changed runs take the place of the old ones."""
    while True:
        await sleep(RELOAD_SECONDS)
        try:
            changes = await asyncio.to_thread(service.store.refresh)
        except Exception as error:
            service.log.error("reload_failed", error=type(error).__name__)
            continue
        for change in changes:
            outcome = "refused" if change.refused else "served"
            service.metrics.reloads.labels(change.name, outcome).inc()
            write = service.log.warning if change.refused else service.log.info
            write("reload", network=change.name, version=change.version, outcome=outcome, reason=change.refused)
        if changes:
            _tell_networks(service)
