"""Routes of convscope itself: predict, classes, metadata, health, metrics, and the pages of the runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from convscope.api.prediction_stream import ClassifiedImage
from convscope.evaluation.temperature import temperature_of
from convscope.serving import schemas
from convscope.serving.bodies import images_of
from convscope.serving.metrics import CONTENT_TYPE
from convscope.serving.network import Network
from convscope.serving.openapi import openapi
from convscope.serving.request_error import RequestError
from convscope.serving.service import Service

ENCODER = msgspec.json.Encoder()
OPTIONS = ("top", "split", "explain", "network", "version")
DEFAULTS = {"top": "3", "split": "false", "explain": ""}
METHODS = ("occlusion",)
MAX_EXPLAINED = 4
"""Images of a request that are explained: each takes as long as a hundred predictions."""


def json_response(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A value as JSON."""
    return Response(ENCODER.encode(value), status, headers, "application/json")


class Answer:
    """A value as JSON with status 200: the same as `json_response`, in less time.

    Args:
        value: What msgspec can encode.
    """

    def __init__(self, value: object) -> None:
        self._content = ENCODER.encode(value)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, as an ASGI application."""
        length = str(len(self._content)).encode()
        headers = [(b"content-length", length), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._content})


def network_name(network: Network) -> schemas.NetworkName:
    """Which network answered."""
    return schemas.NetworkName(network.name, network.version)


def routes(service: Service) -> list[Route]:
    """The routes of a service."""
    own: dict[str, Callable] = {
        "/": index,
        "/runs/{name}": page,
        "/classes": classes,
        "/metadata": metadata,
        "/health": health,
        "/metrics": metrics,
        "/openapi.json": description,
    }
    made = [Route(path, partial(function, service), methods=["GET"]) for path, function in own.items()]
    return [Route("/predict", partial(predict, service), methods=["POST"]), *made]


async def predict(service: Service, request: Request) -> Answer:
    """Classify the images of the body."""
    top, split, explained = _options(request.query_params if request.scope["query_string"] else {})
    network = _network(service, request)
    body = await service.body(request)
    images = await images_of(request, body, service.limits)
    if explained and len(images) > MAX_EXPLAINED:
        raise RequestError(413, f"Expected at most {MAX_EXPLAINED} images to explain. Received: {len(images)}.")
    answers = await service.classify(request, network, images, top=top, split=split)
    skipped = [one.skipped for one in answers if one.skipped]
    if len(skipped) == len(answers):
        raise RequestError(422, skipped[0].reason)
    found = [entry for one in answers for entry in await _entries(service, network, one, explained)]
    return Answer(
        {
            "network": {"name": network.name, "version": network.version},
            "images": found,
            "notes": [one.note for one in answers if one.note],
            "skipped": [{"name": one.file, "reason": one.reason} for one in skipped],
        }
    )


async def _entries(service: Service, network: Network, answer: ClassifiedImage, explained: str) -> list[dict[str, Any]]:
    entries = []
    for one in answer.predictions:
        entry = one.to_json()
        target = (one.choices or one.closest)[:1]
        if explained and target:
            values = await service.batching.compute(partial(network.occlusion_map, one.seen, target[0].name))
            entry["explanation"] = {"method": explained, "target": target[0].name, "map": values}
        entries.append(entry)
    return entries


def _options(given: Mapping[str, str]) -> tuple[int, bool, str]:
    for key in given:
        if key not in OPTIONS:
            raise RequestError(400, f"Expected the options {', '.join(OPTIONS)}. Received: {key[:40]!r}.")
    top, split, explained = (given.get(name, default) for name, default in DEFAULTS.items())
    if not (top.isascii() and top.isdecimal() and 1 <= int(top[:9]) <= 1000):
        raise RequestError(400, f"Expected top as a number from 1 to 1000. Received: {top[:40]!r}.")
    if split not in ("true", "false"):
        raise RequestError(400, f"Expected split as true or false. Received: {split[:40]!r}.")
    if explained and explained not in METHODS:
        raise RequestError(400, f"Expected explain as one of {', '.join(METHODS)}. Received: {explained[:40]!r}.")
    return int(top), split == "true", explained


def _network(service: Service, request: Request) -> Network:
    if not request.scope["query_string"]:
        return service.store.get()
    return service.store.get(request.query_params.get("network", ""), request.query_params.get("version", ""))


async def classes(service: Service, request: Request) -> Response:
    """The classes of a network."""
    network = _network(service, request)
    return json_response(schemas.Classes(network_name(network), list(network.classes)))


async def metadata(service: Service, request: Request) -> Response:
    """What is served."""
    found = [described(one) for name in service.store.names for one in service.store.versions(name)]
    return json_response(schemas.Metadata(found))


def described(network: Network) -> schemas.NetworkMetadata:
    """A network as plain values."""
    return schemas.NetworkMetadata(
        name=network.name,
        version=network.version,
        input_shape=list(network.model.spec.input_shape),
        classes=list(network.classes),
        preprocessing=dict(network.preprocessing.to_json()),
        temperature=float(temperature_of(network.model.calibration)),
        rejects_unknown=network.rules.threshold is not None,
        weights_sha256=network.sha256,
    )


async def health(service: Service, request: Request) -> Response:
    """200 if the server takes requests, 503 if it starts or ends."""
    return json_response({"status": "ready" if service.ready else "stopping"}, 200 if service.ready else 503)


async def metrics(service: Service, request: Request) -> Response:
    """The counters in Prometheus's text format."""
    return Response(service.metrics.text(), media_type=CONTENT_TYPE)


async def description(service: Service, request: Request) -> Response:
    """The routes in OpenAPI 3.1."""
    return json_response(openapi())


async def index(service: Service, request: Request) -> Response:
    """The page of the run; with several, a list of them."""
    names = service.store.names
    if len(names) == 1:
        return _page(service.store.get(names[0]), "")
    items = "".join(f'<li><a href="runs/{escape(name)}">{escape(name)}</a></li>' for name in names)
    return HTMLResponse(_document("Networks", f"<ul>{items}</ul>"))


async def page(service: Service, request: Request) -> Response:
    """The page of one run."""
    if len(service.store.names) == 1 and request.path_params["name"] == service.store.names[0]:
        return RedirectResponse("/", 307)
    return _page(service.store.get(request.path_params["name"]), "../")


def _page(network: Network, to_root: str) -> Response:
    if network.page is not None:
        address = f"{to_root}predict?network={network.name}&amp;top=1".encode()
        return Response(network.page_that_asks(address), media_type="text/html; charset=utf-8")
    listed = ", ".join(escape(name) for name in network.classes[:50])
    text = f"<p>Classes: {listed}</p><p>This run has no page. POST an image to /predict.</p>"
    return HTMLResponse(_document(network.name, text))


def _document(title: str, content: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f'<body style="font-family: sans-serif; margin: 2rem"><h1>{escape(title)}</h1>{content}</body></html>'
    )
