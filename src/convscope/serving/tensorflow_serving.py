"""The REST API of TensorFlow Serving: predict by row and by column, status and metadata.

Source:
    TensorFlow Serving, "RESTful API" (tensorflow.org/tfx/serving/api_rest). An answer has one output, the calibrated
    probabilities. Images are read as `predict` reads arrays, of any size; ``{"b64": …}`` is the bytes of a file.
"""

from __future__ import annotations

import binascii
from functools import partial
from typing import Any

import msgspec
import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from convscope.data.image_input import image_from_bytes
from convscope.serving.bodies import Images, check_count, decode_json, images_of_array
from convscope.serving.limits import Limits
from convscope.serving.native import json_response
from convscope.serving.network import Network
from convscope.serving.request_error import RequestError
from convscope.serving.schemas import Instances
from convscope.serving.service import Service

SIGNATURE = "serving_default"
INPUT, OUTPUT = "image", "probabilities"


def routes(service: Service) -> list[Route]:
    """The routes of a service; a verb such as ``:predict`` is a part of the last segment."""
    made = []
    for path in ("/v1/models/{name}", "/v1/models/{name}/versions/{version}"):
        made += [
            Route(f"{path}:predict", partial(predict, service), methods=["POST"]),
            Route(f"{path}/metadata", partial(metadata, service), methods=["GET"]),
            Route(path, partial(status, service), methods=["GET"]),
        ]
    return made


def _network(service: Service, request: Request) -> Network:
    return service.store.get(request.path_params["name"], request.path_params.get("version", ""))


async def predict(service: Service, request: Request) -> Response:
    """Probabilities of each instance."""
    network = _network(service, request)
    body = await service.body(request)
    asked, images = await service.parsed(body, partial(_images, body, service.limits))
    answers = await service.classify(request, network, images, top=1)
    for answer in answers:
        if answer.skipped:
            raise RequestError(400, answer.skipped.reason)
    rows = [[float(value) for value in row] for row in probabilities(network, answers)]
    return json_response({"predictions" if asked.instances is not msgspec.UNSET else "outputs": rows})


def probabilities(network: Network, answers: list) -> np.ndarray:
    """The calibrated probabilities of some images, float32 ``(n, k)``, as `predict` gives them."""
    from convscope.evaluation.predict import Predictions

    return np.concatenate([Predictions(one.logits, network.classes).probabilities for one in answers])


def _images(body: bytes, limits: Limits) -> tuple[Instances, Images]:
    asked = decode_json(body, Instances)
    by_row, by_column = asked.instances, asked.inputs
    if (by_row is msgspec.UNSET) == (by_column is msgspec.UNSET):
        raise RequestError(400, "Expected either instances or inputs.")
    if asked.signature_name not in ("", SIGNATURE):
        raise RequestError(404, f"Expected the signature {SIGNATURE}. Received: {asked.signature_name[:60]!r}.")
    value = decode_json(by_row if by_row is not msgspec.UNSET else by_column, Any)  # type: ignore[arg-type]
    if isinstance(value, dict) and by_column is not msgspec.UNSET and value.keys() == {INPUT}:
        value = value[INPUT]
    if not isinstance(value, list) or not value:
        raise RequestError(400, "Expected a list with at least one image.")
    items = [one[INPUT] if isinstance(one, dict) and one.keys() == {INPUT} else one for one in value]
    if all(isinstance(one, dict) for one in items):
        check_count(len(items), limits)
        return asked, [_encoded(one, index) for index, one in enumerate(items)]
    try:
        values = np.array(items)
    except ValueError:  # rows of different lengths
        values = np.array(None)
    if values.ndim not in (3, 4):
        raise RequestError(
            400, f"Expected images as (n, h, w) or (n, h, w, c). Received: {values.ndim} dimensions.",
            hint='Send an image file as {"b64": "…"}.',
        )  # fmt: skip
    return asked, images_of_array(values[..., None] if values.ndim == 3 else values, limits)


def _encoded(value: dict[str, Any], index: int) -> tuple:
    data = value.get("b64")
    if value.keys() != {"b64"} or not isinstance(data, str):
        raise RequestError(400, 'Expected an image as {"b64": "…"}.')
    try:
        content = binascii.a2b_base64(data.encode("ascii"), strict_mode=True)
    except (ValueError, UnicodeEncodeError):
        raise RequestError(400, "Expected base64.") from None
    return image_from_bytes(content, f"image {index}"), len(content)


async def status(service: Service, request: Request) -> Response:
    """The state of each version, or of one."""
    name, version = request.path_params["name"], request.path_params.get("version", "")
    found = [service.store.get(name, version)] if version else service.store.versions(name)
    return json_response(
        {
            "model_version_status": [
                {
                    "version": str(one.version),
                    "state": "AVAILABLE",
                    "status": {"error_code": "OK", "error_message": ""},
                }
                for one in found
            ]
        }
    )


async def metadata(service: Service, request: Request) -> Response:
    """The signature of a network."""
    network = _network(service, request)
    signature = {
        "inputs": {INPUT: _tensor("DT_UINT8", [-1, *network.model.spec.input_shape])},
        "outputs": {OUTPUT: _tensor("DT_FLOAT", [-1, len(network.classes)])},
        "method_name": "tensorflow/serving/predict",
    }
    return json_response(
        {
            "model_spec": {"name": network.name, "signature_name": "", "version": str(network.version)},
            "metadata": {"signature_def": {"signature_def": {SIGNATURE: signature}}},
        }
    )


def _tensor(kind: str, shape: list[int]) -> dict[str, Any]:
    dimensions = [{"size": str(size), "name": ""} for size in shape]
    return {"dtype": kind, "tensor_shape": {"dim": dimensions, "unknown_rank": False}, "name": ""}
