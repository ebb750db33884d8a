"""``convscope serve``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Group, Parameter
from cyclopts.validators import Number

from convscope.cli.output import Output, say, say_json

LIMITS = Group("Limits", sort_key=5)


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
    engine: Literal["auto", "numpy", "onnx", "litert"] = "auto",
    max_body: Annotated[float, _limit("Megabytes of a request.", 0.001)] = 20.0,
    max_images: Annotated[int, _limit("Images of a request.")] = 64,
    max_pixels: Annotated[float, _limit("Megapixels of an image.", 0.001)] = 25.0,
    queue: Annotated[int, _limit("Images that wait or are being classified.")] = 512,
    connections: Annotated[int, _limit("Open connections.")] = 1_000,
    timeout: Annotated[float, _limit("Seconds from the end of a request to its answer.", 0.01)] = 30.0,
    receive_timeout: Annotated[float, _limit("Seconds in which a request has to arrive.", 0.01)] = 30.0,
    batch_size: Annotated[int, _limit("Images that NumPy computes at once.")] = 16,
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
    engine
        As in predict: NumPy, ONNX Runtime or LiteRT. auto is a runtime if one is installed, else NumPy.
    """
    from convscope.serving.serve import serve as serve_runs

    def started(names: tuple[str, ...], address: str) -> None:
        if output.json:
            say_json({"networks": list(names), "address": address})
        else:
            say(f"serving     {', '.join(names)}")
            say(f"address     {address} until Ctrl-C")
        sys.stdout.flush()

    serve_runs(
        *runs,
        name=name,
        host=host,
        port=port,
        token_file=token_file,
        allow_host=allow_host,
        allow_origin=allow_origin,
        workers=workers,
        reject=reject,
        engine=engine,
        max_body=max_body,
        max_images=max_images,
        max_pixels=max_pixels,
        queue=queue,
        connections=connections,
        timeout=timeout,
        receive_timeout=receive_timeout,
        batch_size=batch_size,
        batch_wait=batch_wait,
        drain=drain,
        grace=grace,
        quiet=output.quiet,
        on_start=started,
    )
    return 0
