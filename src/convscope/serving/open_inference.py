"""The Open Inference Protocol, version 2, over HTTP, with the extension for binary tensors.

Source:
    KServe, "Open Inference Protocol (V2)", and Triton's "Binary Tensor Data Extension". Images are tensors (UINT8 from
    0 to 255, FP32 from 0 to 1) of any size, or files as elements of a BYTES tensor (base64 in JSON).
"""

from __future__ import annotations

import binascii
import math
from functools import partial
from typing import Any

import msgspec
import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from convscope.api.image_prediction import ImagePrediction
from convscope.data.image_input import image_from_bytes
from convscope.exporting.score import BLANK_SCORE
from convscope.serving.bodies import Images, check_count, decode_json, images_of_array
from convscope.serving.limits import Limits
from convscope.serving.native import ENCODER, json_response
from convscope.serving.network import Network
from convscope.serving.request_error import RequestError
from convscope.serving.schemas import AnswerTensor, InferAnswer, InferRequest, InputTensor
from convscope.serving.service import Service
from convscope.serving.tensorflow_serving import probabilities

INPUT = "image"
DTYPES = {"UINT8": np.dtype("u1"), "FP32": np.dtype("<f4")}
OUTPUTS = {
    "probabilities": "FP32",
    "logits": "FP32",
    "class": "BYTES",
    "answer": "BYTES",
    "known": "BOOL",
    "score": "FP32",
    "score_rank": "FP32",
}
WIDE = ("probabilities", "logits")
"""Outputs with a number for each class; the others have one value for each image."""
LENGTH_HEADER = "inference-header-content-length"
EXTENSIONS = ["binary_tensor_data"]


def routes(service: Service) -> list[Route]:
    """The routes of a service."""
    made = [
        Route("/v2", partial(server, service), methods=["GET"]),
        Route("/v2/health/live", partial(live, service), methods=["GET"]),
        Route("/v2/health/ready", partial(ready, service), methods=["GET"]),
    ]
    for path in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
        made += [
            Route(path, partial(metadata, service), methods=["GET"]),
            Route(f"{path}/ready", partial(model_ready, service), methods=["GET"]),
            Route(f"{path}/infer", partial(infer, service), methods=["POST"]),
        ]
    return made


def _network(service: Service, request: Request) -> Network:
    return service.store.get(request.path_params["name"], request.path_params.get("version", ""))


async def server(service: Service, request: Request) -> Response:
    """What the server is."""
    return json_response({"name": "convscope", "version": "2", "extensions": EXTENSIONS})


async def live(service: Service, request: Request) -> Response:
    """The process answers."""
    return json_response({"live": True})


async def ready(service: Service, request: Request) -> Response:
    """Whether the server takes requests."""
    return json_response({"ready": service.ready}, 200 if service.ready else 503)


async def model_ready(service: Service, request: Request) -> Response:
    """Whether a network is served."""
    network = _network(service, request)
    return json_response({"name": network.name, "ready": service.ready}, 200 if service.ready else 503)


async def metadata(service: Service, request: Request) -> Response:
    """The tensors of a network."""
    network = _network(service, request)
    shape, k = list(network.model.spec.input_shape), len(network.classes)
    return json_response(
        {
            "name": network.name,
            "versions": [str(one.version) for one in service.store.versions(network.name)],
            "platform": "convscope",
            "inputs": [{"name": INPUT, "datatype": "UINT8", "shape": [-1, *shape]}],
            "outputs": [
                {"name": name, "datatype": kind, "shape": [-1, k] if name in WIDE else [-1]}
                for name, kind in OUTPUTS.items()
            ],
        }
    )


async def infer(service: Service, request: Request) -> Response:
    """Classify the images of a tensor."""
    network = _network(service, request)
    body = await service.body(request)
    header = request.headers.get(LENGTH_HEADER)
    asked, images = await service.parsed(body, partial(_images, body, header, service.limits))
    answers = await service.classify(request, network, images, top=1)
    for answer in answers:
        if answer.skipped:
            raise RequestError(400, answer.skipped.reason)
    values = {
        "probabilities": probabilities(network, answers),
        "logits": np.concatenate([one.logits for one in answers]),
        **_texts_and_scores(network, [one.predictions[0] for one in answers]),
    }
    return _response(network, asked, values)


def _texts_and_scores(network: Network, found: list[ImagePrediction]) -> dict[str, Any]:
    """The outputs with one value for each image; without a score, the highest one where nothing is to be seen."""
    unseen = BLANK_SCORE if network.model.subspace is not None else 0.0
    scores = [unseen if one.score is None else one.score for one in found]
    ranks = [float(unseen > 0) if one.score_rank is None else one.score_rank for one in found]
    return {
        "class": [one.class_name or "" for one in found],
        "answer": [one.answer for one in found],
        "known": np.array([one.is_known for one in found]),
        "score": np.array(scores, np.float32),
        "score_rank": np.array(ranks, np.float32),
    }


def _images(body: bytes, header: str | None, limits: Limits) -> tuple[InferRequest, Images]:
    length = len(body)
    if header is not None:
        if not (header.isascii() and header.isdecimal() and len(header) < 12 and int(header) <= len(body)):
            raise RequestError(400, "Expected Inference-Header-Content-Length within the body.")
        length = int(header)
    asked = decode_json(body[:length], InferRequest)
    for output in asked.outputs:
        if output.name not in OUTPUTS:
            raise RequestError(400, f"Expected the outputs {', '.join(OUTPUTS)}. Received: {output.name[:60]!r}.")
        if output.parameters.classification:
            raise RequestError(400, "Expected no classification parameter.", hint="Ask for the output class.")
    tensor, rest = asked.inputs[0], memoryview(body)[length:]
    if tensor.name != INPUT:
        raise RequestError(400, f"Expected the input {INPUT}. Received: {tensor.name[:60]!r}.")
    size = tensor.parameters.binary_data_size
    if (size is None) == (tensor.data is msgspec.UNSET) or (size or 0) != len(rest):
        raise RequestError(400, "Expected the data of the input either in the JSON or after it, of the stated size.")
    if tensor.datatype == "BYTES":
        return asked, _files(tensor, rest, limits)
    return asked, images_of_array(_array(tensor, rest, limits), limits)


def _array(tensor: InputTensor, rest: memoryview, limits: Limits) -> np.ndarray:
    if tensor.datatype not in DTYPES:
        raise RequestError(400, f"Expected UINT8, FP32 or BYTES. Received: {tensor.datatype[:20]!r}.")
    dtype, count = DTYPES[tensor.datatype], math.prod(tensor.shape)
    if len(tensor.shape) not in (3, 4) or not count:
        raise RequestError(400, f"Expected the shape (n, h, w) or (n, h, w, c). Received: {tensor.shape}.")
    if count > limits.body_bytes:
        raise RequestError(413, f"Expected at most {limits.body_bytes:,} values. Received: {count:,}.")
    if tensor.data is msgspec.UNSET:
        if len(rest) != count * dtype.itemsize:
            raise RequestError(400, f"Expected {count * dtype.itemsize:,} bytes of data. Received: {len(rest):,}.")
        values = np.frombuffer(rest, dtype)
    else:
        values = _from_json(tensor, dtype)
        if values.size != count:
            raise RequestError(400, f"Expected {count:,} values. Received: {values.size:,}.")
    shaped = values.reshape(tensor.shape)
    return shaped if len(tensor.shape) == 4 else shaped[..., None]


def _from_json(tensor: InputTensor, dtype: np.dtype) -> np.ndarray:
    try:
        values = np.array(decode_json(tensor.data, Any))  # type: ignore[arg-type]
    except ValueError:
        values = np.array(None)
    if values.dtype.kind not in ("iuf" if dtype.kind == "f" else "iu"):
        raise RequestError(400, f"Expected numbers of type {tensor.datatype}, flat or nested with equal rows.")
    if dtype.kind == "u" and (values.min(initial=0) < 0 or values.max(initial=0) > 255):
        raise RequestError(400, "Expected values from 0 to 255.")
    return values.astype(dtype)


def _files(tensor: InputTensor, rest: memoryview, limits: Limits) -> Images:
    count = math.prod(tensor.shape)
    if not count:
        raise RequestError(400, "Expected at least one image.")
    check_count(count, limits)
    found = _elements(rest) if tensor.data is msgspec.UNSET else _texts(tensor)
    if len(found) != count:
        raise RequestError(400, f"Expected {count} elements. Received: {len(found)}.")
    return [(image_from_bytes(data, f"image {index}"), len(data)) for index, data in enumerate(found)]


def _elements(rest: memoryview) -> list[bytes]:
    found, at = [], 0
    while at < len(rest):
        size = int.from_bytes(rest[at : at + 4], "little")
        if at + 4 + size > len(rest) or len(found) > 10_000:
            raise RequestError(400, "Expected elements of a length (4 bytes, little-endian) and so many bytes.")
        found.append(bytes(rest[at + 4 : at + 4 + size]))
        at += 4 + size
    return found


def _texts(tensor: InputTensor) -> list[bytes]:
    value = decode_json(tensor.data, Any)  # type: ignore[arg-type]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise RequestError(400, "Expected the elements as a list of base64 texts.")
    try:
        return [binascii.a2b_base64(one.encode("ascii"), strict_mode=True) for one in value]
    except (ValueError, UnicodeEncodeError):
        raise RequestError(400, "Expected the elements as base64.") from None


def _response(network: Network, asked: InferRequest, values: dict[str, Any]) -> Response:
    by_name = {one.name: one.parameters.binary_data for one in asked.outputs} or dict.fromkeys(OUTPUTS)
    tensors, blobs = [], []
    for name, binary in by_name.items():
        value = values[name]
        shape = list(value.shape) if isinstance(value, np.ndarray) else [len(value)]
        tensor = AnswerTensor(name, OUTPUTS[name], shape)
        if binary if binary is not None else bool(asked.parameters.binary_data_output):
            blobs.append(_as_bytes(value))
            tensor.parameters = {"binary_data_size": len(blobs[-1])}
        else:
            tensor.data = value.ravel().tolist() if isinstance(value, np.ndarray) else list(value)
        tensors.append(tensor)
    answer = ENCODER.encode(InferAnswer(network.name, str(network.version), tensors, asked.id))
    if not blobs:
        return Response(answer, media_type="application/json")
    headers = {LENGTH_HEADER: str(len(answer))}
    return Response(b"".join([answer, *blobs]), 200, headers, "application/octet-stream")


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, np.ndarray):
        return value.astype("?" if value.dtype == bool else "<f4").tobytes()
    return b"".join(len(one.encode()).to_bytes(4, "little") + one.encode() for one in value)
