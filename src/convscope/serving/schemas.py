"""Requests and answers as types: requests are checked by them, and OpenAPI is written from them. Light."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Text = Annotated[str, Meta(max_length=256)]


class ImagesRequest(Struct, forbid_unknown_fields=True):
    """Images as base64: the bytes of their files."""

    images: Annotated[list[bytes], Meta(min_length=1, description="Files (PNG, JPEG, …), base64.")]


class Choice(Struct):
    """A class and its probability."""

    name: str
    probability: Annotated[float, Meta(ge=0, le=1)]


class Explanation(Struct):
    """An attribution map."""

    method: str
    target: str
    map: Annotated[list[list[float]], Meta(description="Of the network's input: rows of values, in logits.")]


class Prediction(Struct):
    """The prediction for one image, as `convscope predict --json` prints it."""

    name: str
    digit: int | None
    answer: Literal["class", "unknown", "nothing", "several"]
    ink_found: bool | None
    known: bool
    score: float | None
    score_rank: float | None
    closest: list[Choice]
    set: list[str] | None
    nearest: Annotated[list[dict[str, Any]], Meta(max_length=0)]
    choices: list[Choice]
    warnings: list[str]
    preprocessing: dict[str, Any]
    explanation: Explanation | msgspec.UnsetType = msgspec.UNSET


class SkippedImage(Struct):
    """An image that could not be read."""

    name: str
    reason: str


class NetworkName(Struct):
    """Which network answered."""

    name: str
    version: int


class PredictAnswer(Struct):
    """The predictions for the images of a request."""

    network: NetworkName
    images: list[Prediction]
    notes: list[str]
    skipped: list[SkippedImage]


class Classes(Struct):
    """The classes of a network, in the order of its outputs."""

    network: NetworkName
    classes: list[str]


class NetworkMetadata(Struct):
    """A network that is served."""

    name: str
    version: int
    input_shape: list[int]
    classes: list[str]
    preprocessing: dict[str, Any]
    temperature: float
    rejects_unknown: bool
    weights_sha256: str


class Metadata(Struct):
    """The networks that are served; the first is the default."""

    networks: list[NetworkMetadata]


class Health(Struct):
    """Whether the server takes requests."""

    status: str


class ErrorAnswer(Struct):
    """Why a request was refused."""

    error: str
    hint: str = ""


class Instances(Struct):
    """TensorFlow Serving: images as nested lists, or as ``{"b64": …}``; ``instances`` by row, ``inputs`` by column."""

    signature_name: Text = ""
    instances: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    inputs: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class TensorParameters(Struct):
    """Open Inference Protocol: the parameters of a tensor that are understood."""

    binary_data_size: Annotated[int, Meta(ge=0)] | None = None
    binary_data: bool | None = None
    classification: int | None = None


class InputTensor(Struct):
    """Open Inference Protocol: an input."""

    name: Text
    shape: Annotated[list[Annotated[int, Meta(ge=0, le=100_000_000)]], Meta(min_length=1, max_length=4)]
    datatype: Text
    parameters: TensorParameters = msgspec.field(default_factory=TensorParameters)
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class OutputTensor(Struct):
    """Open Inference Protocol: an output that is asked for."""

    name: Text
    parameters: TensorParameters = msgspec.field(default_factory=TensorParameters)


class InferParameters(Struct):
    """Open Inference Protocol: the parameters of a request that are understood."""

    binary_data_output: bool | None = None


class InferRequest(Struct):
    """Open Inference Protocol: a request."""

    inputs: Annotated[list[InputTensor], Meta(min_length=1, max_length=1)]
    outputs: Annotated[list[OutputTensor], Meta(max_length=8)] = []
    id: Text = ""
    parameters: InferParameters = msgspec.field(default_factory=InferParameters)


class AnswerTensor(Struct, omit_defaults=True):
    """Open Inference Protocol: an output."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any] | msgspec.UnsetType = msgspec.UNSET
    parameters: dict[str, int] | msgspec.UnsetType = msgspec.UNSET


class InferAnswer(Struct, omit_defaults=True):
    """Open Inference Protocol: an answer."""

    model_name: str
    model_version: str
    outputs: list[AnswerTensor]
    id: str = ""
