"""OpenAPI 3.1, written from the types in `schemas`."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from convscope.serving import schemas

REF = "#/components/schemas/{name}"
BINARY = {"type": "string", "format": "binary"}
TYPES = (
    schemas.ImagesRequest, schemas.PredictAnswer, schemas.Classes, schemas.Metadata, schemas.Health,
    schemas.ErrorAnswer, schemas.Instances, schemas.InferRequest, schemas.InferAnswer,
)  # fmt: skip
REFUSALS = {
    "400": "The request is not of the documented form.",
    "401": "The token is missing or wrong.",
    "403": "Another host or origin.",
    "404": "There is no such network or version.",
    "408": "The body took too long.",
    "411": "The length of the body is missing.",
    "413": "The body, an image, or the number of images is too large.",
    "415": "The body has another type, or is compressed.",
    "422": "The image cannot be read.",
    "429": "The queue is full; Retry-After states when to ask again.",
    "503": "The server ends, or has too much in memory.",
    "504": "The answer took too long.",
}


@cache
def openapi() -> dict[str, Any]:
    """The description of all routes."""
    _, components = msgspec.json.schema_components(TYPES, ref_template=REF)
    return {
        "openapi": "3.1.0",
        "info": {"title": "convscope serve", "version": "1"},
        "paths": {**_own(), **_tensorflow_serving(), **_open_inference()},
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _schema(kind: type) -> dict[str, Any]:
    return {"$ref": REF.format(name=kind.__name__)}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _operation(
    summary: str, answer: dict[str, Any], *, body: dict[str, Any] | None = None, parameters: list | None = None
) -> dict[str, Any]:
    error = _json(_schema(schemas.ErrorAnswer))
    statuses = REFUSALS if body else {key: REFUSALS[key] for key in ("400", "401", "403", "404", "503")}
    refused = {status: {"description": words, "content": error} for status, words in statuses.items()}
    made: dict[str, Any] = {
        "summary": summary,
        "responses": {"200": {"description": summary, "content": answer}} | refused,
    }
    if body:
        made["requestBody"] = {"required": True, "content": body}
    if parameters:
        made["parameters"] = parameters
    return made


def _query(name: str, schema: dict[str, Any], words: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": words}


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


WHICH = [
    _query("network", {"type": "string"}, "Name of the network. Default: the first."),
    _query("version", {"type": "string"}, "Version of the network. Default: the newest."),
]


def _own() -> dict[str, Any]:
    files = {"type": "object", "properties": {"file": {"type": "array", "items": BINARY}}, "required": ["file"]}
    body = {
        "application/octet-stream": {"schema": BINARY},
        "image/png": {"schema": BINARY},
        "image/jpeg": {"schema": BINARY},
        "multipart/form-data": {"schema": files},
        **_json(_schema(schemas.ImagesRequest)),
    }
    options = [
        _query("top", {"type": "integer", "minimum": 1, "maximum": 1000}, "Number of classes. Default: 3."),
        _query("split", {"type": "boolean"}, "Classify each digit of an image, left to right."),
        _query("explain", {"type": "string", "enum": ["occlusion"]}, "Also return an attribution map."),
        *WHICH,
    ]
    text, page = {"text/plain": {"schema": {"type": "string"}}}, {"text/html": {"schema": {"type": "string"}}}
    health = _operation("Whether the server takes requests.", _json(_schema(schemas.Health)))
    health["responses"]["503"] = {"description": REFUSALS["503"], "content": _json(_schema(schemas.Health))}
    return {
        "/predict": {
            "post": _operation("Classify images.", _json(_schema(schemas.PredictAnswer)), body=body, parameters=options)
        },
        "/classes": {"get": _operation("The classes of a network.", _json(_schema(schemas.Classes)), parameters=WHICH)},
        "/metadata": {"get": _operation("The networks that are served.", _json(_schema(schemas.Metadata)))},
        "/health": {"get": health},
        "/metrics": {"get": _operation("Counters in Prometheus's text format.", text)},
        "/openapi.json": {"get": _operation("This description.", _json({"type": "object"}))},
        "/": {"get": _operation("The page of the network.", page)},
    }


def _tensorflow_serving() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for version in ("", "/versions/{version}"):
        names = [_path(name) for name in ("name", "version")[: 2 if version else 1]]
        base = f"/v1/models/{{name}}{version}"
        plain = _json({"type": "object"})
        paths[base] = {"get": _operation("TensorFlow Serving: status.", plain, parameters=names)}
        paths[f"{base}/metadata"] = {"get": _operation("TensorFlow Serving: signature.", plain, parameters=names)}
        body = _json(_schema(schemas.Instances))
        paths[f"{base}:predict"] = {
            "post": _operation("TensorFlow Serving: predict.", plain, body=body, parameters=names)
        }
    return paths


def _open_inference() -> dict[str, Any]:
    plain = _json({"type": "object"})
    paths: dict[str, Any] = {
        "/v2": {"get": _operation("Open Inference Protocol: server metadata.", plain)},
        "/v2/health/live": {"get": _operation("Open Inference Protocol: the process answers.", plain)},
        "/v2/health/ready": {"get": _operation("Open Inference Protocol: the server takes requests.", plain)},
    }
    for version in ("", "/versions/{version}"):
        names = [_path(name) for name in ("name", "version")[: 2 if version else 1]]
        base = f"/v2/models/{{name}}{version}"
        paths[base] = {"get": _operation("Open Inference Protocol: model metadata.", plain, parameters=names)}
        paths[f"{base}/ready"] = {"get": _operation("Open Inference Protocol: ready.", plain, parameters=names)}
        body, answer = _json(_schema(schemas.InferRequest)), _json(_schema(schemas.InferAnswer))
        paths[f"{base}/infer"] = {
            "post": _operation("Open Inference Protocol: infer.", answer, body=body, parameters=names)
        }
    return paths
