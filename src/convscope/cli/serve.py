"""``convscope serve``. NumPy is imported late, after this has decided on its threads."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group, Parameter
from cyclopts.validators import Number

from convscope.cli.output import Output, say, say_json
from convscope.errors import MissingExtraError

if TYPE_CHECKING:
    from convscope.serving.access import Access
    from convscope.serving.limits import Limits

LIMITS = Group("Limits", sort_key=5)
INSTALL = "pip install 'convscope[serve]'"


def _limit(text: str, lowest: float = 1) -> Parameter:
    return Parameter(group=LIMITS, help=text, validator=Number(gte=lowest))


def serve(
    *runs: Path,
    name: Annotated[tuple[str, ...], Parameter(show_default=False)] = (),
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65_535))] = 8000,
    token_file: Path | None = None,
    allow_host: Annotated[tuple[str, ...], Parameter(show_default=False)] = (),
    allow_origin: Annotated[tuple[str, ...], Parameter(show_default=False)] = (),
    workers: Annotated[int, Parameter(validator=Number(gte=1, lte=64))] = 1,
    reject: Literal["auto", "0.1%", "1%", "5%", "off"] = "auto",
    max_body: Annotated[float, _limit("Megabytes of a request.", 0.001)] = 20.0,
    max_images: Annotated[int, _limit("Images of a request.")] = 64,
    max_pixels: Annotated[float, _limit("Megapixels of an image.", 0.001)] = 25.0,
    queue: Annotated[int, _limit("Images that wait or are being classified.")] = 512,
    connections: Annotated[int, _limit("Open connections.")] = 1_000,
    timeout: Annotated[float, _limit("Seconds from the end of a request to its answer.", 0.01)] = 30.0,
    receive_timeout: Annotated[float, _limit("Seconds in which a request has to arrive.", 0.01)] = 30.0,
    batch_size: Annotated[int, _limit("Images that are computed at once.")] = 16,
    batch_wait: Annotated[
        float, _limit("Milliseconds that an image waits for others whose requests are being received.", 0)
    ] = 2.0,
    drain: Annotated[float, _limit("Seconds from SIGTERM until no more connections are accepted.", 0)] = 0.0,
    grace: Annotated[float, _limit("Seconds for the requests in progress after that.")] = 5.0,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Serve trained networks over HTTP, with the answers of predict.

    Parameters
    ----------
    runs
        Run folders, or folders with versions of a run in folders named 1, 2, …. Default: the newest run below runs/.
        A run that changes is read again.
    name
        Name of a network in addresses, one for each run. Default: the name of its folder.
    host
        Address to listen on. One that other machines can reach needs --token-file.
    port
        Port to listen on; 0 takes a free one.
    token_file
        File with the token that requests have to carry as Authorization: Bearer TOKEN.
    allow_host
        Another name of this server in the Host header of requests.
    allow_origin
        Origin of pages of another site that may read the answers, such as https://example.org.
    workers
        Number of processes.
    reject
        As in predict.
    """
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # requests are read on all cores at once
    from convscope.serving.access import make_access
    from convscope.serving.limits import Limits
    from convscope.serving.workers import shared_counters

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
    access = make_access(host, token_file=token_file, hosts=allow_host, origins=allow_origin)
    with shared_counters(workers):
        return _serve(_Served(runs, name, reject), (host, port), access, limits, workers, output)


@dataclass(frozen=True)
class _Served:
    runs: tuple[Path, ...]
    names: tuple[str, ...]
    reject: str


def _serve(
    served: _Served, address: tuple[str, int], access: Access, limits: Limits, workers: int, output: Output
) -> int:
    try:
        from convscope.serving.application import load_store, make_application
        from convscope.serving.logs import Log
        from convscope.serving.server import address_of, bind, run
        from convscope.serving.workers import run_workers
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "convscope":
            raise
        raise MissingExtraError(f"serve needs the package {error.name}.", hint=f"Install it: {INSTALL}") from None
    store = load_store(served.runs, served.names, limits, served.reject)
    with bind(*address) as listening:
        if output.json:
            say_json({"networks": list(store.names), "address": address_of(listening)})
        else:
            say(f"serving     {', '.join(store.names)}")
            say(f"address     {address_of(listening)} until Ctrl-C")
        sys.stdout.flush()

        def work() -> None:
            run(make_application(store, access, limits, Log(quiet=output.quiet)), listening, limits)

        if workers == 1:
            work()
        else:
            run_workers(work, workers)
    return 0
