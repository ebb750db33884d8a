"""Read the body of a request within the limits, and the images in it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from typing import TypeVar

import msgspec
import numpy as np
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from convscope.data.image_input import ImageInput, collect_images, image_from_bytes
from convscope.errors import DataError, printable
from convscope.serving.limits import Limits
from convscope.serving.request_error import RequestError
from convscope.serving.schemas import ImagesRequest

T = TypeVar("T")

Images = list[tuple[ImageInput, int]]
"""Each with its size in bytes."""

RAW = re.compile(r"image/[\w.+-]+|application/octet-stream|application/x-www-form-urlencoded|")
"""Types of a body that is one image; the last two are what curl sends, and what a client sends that names none."""

MAX_NAME = 200
MAX_BRACKETS = 400_000
"""Lists in a JSON body: each takes some 60 bytes of memory for two of the body."""

MAX_FIELDS = 16


def header(request: Request, name: bytes) -> str | None:
    """A header of a request that has come through `gate.Gate`: sooner found than in Starlette's list."""
    value = request.scope["state"]["headers"].get(name)
    return None if value is None else value.decode("latin-1")


async def read_body(request: Request, limits: Limits) -> bytes:
    """The body of a request.

    Raises:
        RequestError: 400: it ends early. 408: it takes too long. 411: no length. 413: it is too large. 415: compressed.
    """
    if (header(request, b"content-encoding") or "identity").lower() != "identity":
        raise RequestError(415, "Expected a body without Content-Encoding.", hint="Send it uncompressed.")
    if header(request, b"content-length") is None and header(request, b"transfer-encoding") is None:
        raise RequestError(411, "Expected a body with Content-Length.")
    whole = request.scope["state"]["whole_body"]()
    if whole is not None:
        if len(whole) > limits.body_bytes:
            raise too_large(limits)
        return whole
    parts, size = [], 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for part in request.stream():
                size += len(part)
                if size > limits.body_bytes:
                    raise too_large(limits)
                parts.append(part)
    except TimeoutError:
        raise RequestError(408, "The body took too long.") from None
    except ClientDisconnect:
        raise RequestError(400, "The body ended early.") from None
    return b"".join(parts)


def too_large(limits: Limits) -> RequestError:
    """The body is larger than the limit."""
    return RequestError(413, f"Expected a body of at most {limits.body_bytes:,} bytes.", hint="Send smaller images.")


async def images_of(request: Request, body: bytes, limits: Limits) -> Images:
    """The images of ``POST /predict``: the body itself, files of a form, or base64 in JSON.

    Raises:
        RequestError: 400: not readable as its type. 413: too many images. 415: another type.
    """
    kind = (header(request, b"content-type") or "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        files = await _form_files(request, body, limits)
    elif kind == "application/json":
        files = [("", data) for data in decode_json(body, ImagesRequest).images]
    elif RAW.fullmatch(kind):
        if not body:
            raise RequestError(400, "Expected an image. Received: an empty body.")
        files = [("", body)]
    else:
        raise RequestError(
            415,
            f"Expected an image, multipart/form-data or application/json. Received: {printable(kind)[:60]}.",
            hint="Set Content-Type to the type of the image, such as image/png.",
        )
    if not files:
        raise RequestError(400, "Expected at least one file in the form. Received: none.", hint="Name the field file.")
    check_count(len(files), limits)
    return [
        (image_from_bytes(data, (name and _name(name)) or f"image {index}"), len(data))
        for index, (name, data) in enumerate(files)
    ]


def check_count(count: int, limits: Limits) -> None:
    """Refuse too many images.

    Raises:
        RequestError: 413.
    """
    if count > limits.images:
        raise RequestError(413, f"Expected at most {limits.images} images in a request. Received: {count:,}.")


def images_of_array(values: np.ndarray, limits: Limits) -> Images:
    """The images of a tensor, read as `predict` reads an array.

    Raises:
        RequestError: 400: not images. 413: too many images, or too large ones.
    """
    if values.ndim == 4:
        check_count(len(values), limits)
    if values.dtype == object or values.dtype.kind not in "biuf":
        raise RequestError(400, "Expected an array of numbers with equal rows.")
    if values.size > limits.pixels * 4:
        raise RequestError(413, f"Expected at most {limits.pixels:,} pixels.")
    try:
        found = collect_images(values, most=limits.images)
    except DataError as error:
        raise RequestError(400, error.message, hint=error.hint) from None
    return [(one, values.nbytes // len(found)) for one in found]


def decode_json(body: bytes | msgspec.Raw, kind: type[T]) -> T:
    """A JSON body as a value of a type.

    Raises:
        RequestError: 400: not JSON, or other values.
    """
    content = bytes(body)
    if content.count(b"[") + content.count(b"{") > MAX_BRACKETS:
        raise RequestError(
            413, f"Expected at most {MAX_BRACKETS:,} lists in the JSON.", hint="Send an image as base64."
        )
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        words = "too deep" if isinstance(error, RecursionError) else str(error)[:200]
        raise RequestError(400, f"Expected JSON of the documented form. Received: {printable(words)}") from None


async def _form_files(request: Request, body: bytes, limits: Limits) -> list[tuple[str, bytes]]:
    async def parts() -> AsyncGenerator[bytes, None]:
        yield body

    parser = _InMemory(request.headers, parts(), max_files=limits.images, max_fields=MAX_FIELDS)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        status = 413 if "Too many" in error.message else 400
        raise RequestError(status, f"Expected a form of files. Received: {printable(error.message)[:120]}") from None
    except (KeyError, ValueError, UnicodeDecodeError, AssertionError):
        raise RequestError(400, "Expected a form of files. Received: a form that cannot be read.") from None
    files = []
    for _, value in form.multi_items():
        if not isinstance(value, UploadFile):
            raise RequestError(400, "Expected files in the form. Received: a field that is not a file.")
        files.append((value.filename or "", await value.read()))
    return files


class _InMemory(MultiPartParser):
    spool_max_size = 1 << 30  # the body is in memory already and has a limit: nothing is written to a disk


def _name(name: str) -> str:
    """The last part of a client's file name: it is repeated in the answer and opens nothing."""
    return printable(re.split(r"[/\\]", name)[-1])[:MAX_NAME]
