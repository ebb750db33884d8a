"""Requests that are wrong, too large, too slow or meant to harm: each gets its status, in bounded time and memory."""

from __future__ import annotations

import base64
import io
import json
import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from serving.client import Served, form

pytestmark = pytest.mark.slow

SECONDS = 10.0
"""For the slowest of them, which wait for a limit of one second, on a busy machine."""

MOST_BYTES = 50_000_000
INFER = "/v2/models/digits/infer"
PREDICT_V1 = "/v1/models/digits:predict"


def png_header(width: int, height: int, depth: int = 8, color: int = 0) -> bytes:
    """A PNG that claims a size, with next to no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def image(kind: str, size: tuple[int, int] = (28, 28)) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.zeros(size, np.uint8)).save(file, kind)
    return file.getvalue()


GOOD = image("PNG")
B64 = base64.b64encode(GOOD).decode()


def http(method: str, path: str, *headers: str, body: bytes = b"", host: str = "Host: localhost") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", *([host] if host else []), *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def post(path: str, body: bytes, *headers: str) -> bytes:
    return http("POST", path, f"Content-Length: {len(body)}", *headers, body=body)


def as_json(path: str, value: object) -> bytes:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return post(path, body, "Content-Type: application/json")


def tensor(shape: object, datatype: object = "UINT8", data: object = None, **more: object) -> dict:
    return {"inputs": [{"name": "image", "shape": shape, "datatype": datatype, "data": data, **more}]}


def binary(header: dict | bytes, data: bytes, length: object = None) -> bytes:
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return post(INFER, head + data, f"Inference-Header-Content-Length: {len(head) if length is None else length}")


def sized(datatype: str, shape: list, size: object) -> dict:
    return {"inputs": [{"name": "image", "shape": shape, "datatype": datatype,
                        "parameters": {"binary_data_size": size}}]}  # fmt: skip


def multipart(body: bytes, kind: str = "multipart/form-data; boundary=limit") -> bytes:
    return post("/predict", body, f"Content-Type: {kind}")


def part(head: str, data: bytes = GOOD) -> bytes:
    return b"--limit\r\n" + head.encode() + b"\r\n\r\n" + data + b"\r\n--limit--\r\n"


ONE = 'Content-Disposition: form-data; name="file"; filename="a.png"'
DEEP = b"[" * 5_000 + b"]" * 5_000

HOSTILE: dict[str, tuple[int, bytes]] = {
    # addresses and methods
    "unknown address": (404, http("GET", "/nothing")),
    "folder traversal": (404, http("GET", "/../../etc/passwd")),
    "encoded traversal": (404, http("GET", "/runs/..%2f..%2fetc%2fpasswd")),
    "double-encoded traversal": (404, http("GET", "/runs/%252e%252e%252fetc")),
    "traversal as a name": (404, http("GET", "/runs/..")),
    "traversal as a model": (404, http("GET", "/v1/models/..%2F..%2Fetc")),
    "a path as the network": (404, post("/predict?network=/etc/passwd", GOOD)),
    "a null byte in the address": (404, http("GET", "/runs/a%00b")),
    "bytes that are not UTF-8": (404, http("GET", "/runs/%ff%fe")),
    "a long address": (431, http("GET", "/" + "a" * 40_000)),
    "a long name": (404, http("GET", "/v2/models/" + "a" * 8_000)),
    "an offer of HTTP/2 and no image": (
        422, post("/predict", b"abc", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA")),
    "an address of another server": (403, http("GET", "http://example.org/", host="Host: example.org")),
    "a slash at the end": (404, http("GET", "/classes/")),
    "two slashes": (404, http("GET", "//classes")),
    "the docs of a framework": (404, http("GET", "/docs")),
    "a file of the run": (404, http("GET", "/runs/digits/model.safetensors")),
    "GET predict": (405, http("GET", "/predict")),
    "PUT predict": (405, http("PUT", "/predict", "Content-Length: 0")),
    "DELETE classes": (405, http("DELETE", "/classes")),
    "TRACE": (405, http("TRACE", "/classes")),
    "CONNECT": (405, http("CONNECT", "localhost:80")),
    "an unknown method": (405, http("BREW", "/classes")),
    "OPTIONS without an origin": (405, http("OPTIONS", "/predict")),
    "POST metadata": (405, http("POST", "/v2/models/digits", "Content-Length: 0")),
    "an unknown verb of TensorFlow Serving": (405, as_json("/v1/models/digits:classify", {"examples": []})),
    "a version of words": (404, as_json("/v1/models/digits/versions/new:predict", {"instances": []})),
    "a negative version": (404, http("GET", "/v2/models/digits/versions/-1")),
    "a huge version": (404, http("GET", "/v2/models/digits/versions/" + "9" * 300)),
    "a label of TensorFlow Serving": (404, http("GET", "/v1/models/digits/labels/stable")),
    "the repository of Triton": (404, as_json("/v2/repository/models/digits/load", {})),
    "shared memory of Triton": (404, as_json("/v2/systemsharedmemory/region/a/register", {"key": "/etc"})),
    # hosts, origins
    "no host": (400, http("GET", "/classes", host="")),
    "two hosts": (400, http("GET", "/classes", "Host: example.org")),
    "two origins": (400, post("/predict", GOOD, "Origin: http://localhost", "Origin: https://example.org")),
    "two tokens": (400, post("/predict", GOOD, "Authorization: Bearer a", "Authorization: Bearer b")),
    "a host of another site": (403, http("GET", "/classes", host="Host: example.org")),
    "a host that begins like this one": (403, http("GET", "/classes", host="Host: localhost.example.org")),
    "a host that ends like this one": (403, http("GET", "/classes", host="Host: notlocalhost")),
    "a host of digits": (403, http("GET", "/classes", host="Host: 2130706433")),
    "an empty host": (403, http("GET", "/classes", host="Host:")),
    "another origin": (403, post("/predict", GOOD, "Origin: https://example.org")),
    "the null origin": (403, post("/predict", GOOD, "Origin: null")),
    "an origin with this name inside": (403, post("/predict", GOOD, "Origin: http://localhost.example.org")),
    "preflight of another origin": (
        403, http("OPTIONS", "/predict", "Origin: https://example.org", "Access-Control-Request-Method: POST")),
    # HTTP itself
    "not HTTP": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100) + b"\r\n\r\n"),
    "HTTP/2": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "HTTP/9": (505, b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n"),
    "an empty line first": (400, b"\0\r\n\r\n"),
    "a header without a name": (400, http("GET", "/classes", ": value")),
    "a header with a space in its name": (400, http("GET", "/classes", "a b: c")),
    "a folded header name": (400, http("GET", "/classes", "Content-Length : 5")),
    "a null byte in a header": (400, http("GET", "/classes", "x: a\0b")),
    "a large header": (431, http("GET", "/classes", "x: " + "a" * 40_000)),
    "many headers": (431, http("GET", "/classes", *(f"x{n}: {n}" for n in range(5_000)))),
    "a header that does not end": (431, b"GET / HTTP/1.1\r\nHost: localhost\r\nx: " + b"a" * 40_000),
    "two equal lengths": (400, http("POST", "/predict", "Content-Length: 3", "Content-Length: 3", body=b"abc")),
    "a length and chunks": (400, http("POST", "/predict", "Content-Length: 3", "Transfer-Encoding: chunked")),
    "chunks in HTTP/1.0": (
        400, b"POST /predict HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "an address with spaces": (400, http("GET", "/classes /x")),
    "an asterisk": (404, http("OPTIONS", "*")),
    "two lengths": (400, http("POST", "/predict", "Content-Length: 3", "Content-Length: 4", body=b"abcd")),
    "a negative length": (400, http("POST", "/predict", "Content-Length: -1")),
    "a length of words": (400, http("POST", "/predict", "Content-Length: ten")),
    "a length with a plus": (400, http("POST", "/predict", "Content-Length: +3", body=b"abc")),
    "a length beyond any": (400, http("POST", "/predict", "Content-Length: " + "9" * 50)),
    "a length of gigabytes": (413, http("POST", "/predict", "Content-Length: 9999999999")),
    "an unknown transfer encoding": (501, http("POST", "/predict", "Transfer-Encoding: gzip, chunked")),
    "chunks that are not": (400, http("POST", "/predict", "Transfer-Encoding: chunked", body=b"zz\r\nabc\r\n")),
    "a negative chunk": (400, http("POST", "/predict", "Transfer-Encoding: chunked", body=b"-1\r\nabc\r\n0\r\n\r\n")),
    "no length": (411, http("POST", "/predict", "Content-Type: image/png")),
    "a websocket": (404, http("GET", "/ws", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")),
    # bodies of predict
    "an empty body": (400, post("/predict", b"")),
    "too many bytes": (413, post("/predict", bytes(400_000))),
    "too many bytes in chunks": (
        413, http("POST", "/predict", "Transfer-Encoding: chunked",
                  body=b"".join(b"8000\r\n" + bytes(0x8000) + b"\r\n" for _ in range(12)) + b"0\r\n\r\n")),
    "a compressed body": (415, post("/predict", zlib.compress(GOOD), "Content-Encoding: gzip")),
    "an unknown encoding": (415, post("/predict", GOOD, "Content-Encoding: br")),
    "another type": (415, post("/predict", b"<a/>", "Content-Type: text/html")),
    "two types": (415, post("/predict", GOOD, "Content-Type: text/html", "Content-Type: image/png")),
    "two encodings": (415, post("/predict", GOOD, "Content-Encoding: gzip", "Content-Encoding: identity")),
    "a type with a line of its own": (415, post("/predict", GOOD, "Content-Type: image/png,text/html")),
    "bytes that are no image": (422, post("/predict", b"GIF or not")),
    "half an image": (422, post("/predict", GOOD[: len(GOOD) // 2])),
    "an image with a wrong checksum": (422, post("/predict", GOOD.replace(b"IDAT", b"IDAU"))),
    "a PNG of 50,000×50,000": (422, post("/predict", png_header(50_000, 50_000))),
    "a PNG of 4,000×4,000": (413, post("/predict", png_header(4_000, 4_000))),
    "a PNG of 0×0": (422, post("/predict", png_header(0, 0))),
    "a PNG of 2³¹ columns": (422, post("/predict", png_header(2**31 - 1, 1))),
    "an image larger than the limit": (413, post("/predict", image("PNG", (1_000, 1_000)))),
    "a BMP with a wrong size": (422, post("/predict", b"BM" + bytes(12) + struct.pack("<Iii", 40, -5, -5) + bytes(60))),
    "an SVG": (422, post("/predict", b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>')),
    "a PDF": (422, post("/predict", b"%PDF-1.7\n1 0 obj")),
    "a PostScript file": (422, post("/predict", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc) run")),
    "a pickle": (422, post("/predict", b"\x80\x04\x95\x1d\x00\x00\x00cos\nsystem\n(S'id'\ntR.")),
    "a ZIP": (422, post("/predict", b"PK\x03\x04" + bytes(100))),
    "an address to fetch": (422, post("/predict", b"http://169.254.169.254/latest/meta-data")),
    "a path": (422, post("/predict", b"/etc/passwd")),
    "a number of MNIST": (422, post("/predict", b"mnist:7")),
    # options of predict
    "top of 0": (400, post("/predict?top=0", GOOD)),
    "a negative top": (400, post("/predict?top=-1", GOOD)),
    "top of words": (400, post("/predict?top=all", GOOD)),
    "a huge top": (400, post("/predict?top=" + "9" * 2_000, GOOD)),
    "digits of another script": (400, post("/predict?top=%D9%A3", GOOD)),
    "an unknown option": (400, post("/predict?run=/etc", GOOD)),
    "an unknown method of explanation": (400, post("/predict?explain=gradient", GOOD)),
    "split of words": (400, post("/predict?split=yes", GOOD)),
    # forms
    "a form without a boundary": (400, multipart(part(ONE), "multipart/form-data")),
    "a form with another boundary": (400, multipart(part(ONE), "multipart/form-data; boundary=other")),
    "an empty form": (400, multipart(b"--limit--\r\n")),
    "a form that ends early": (400, multipart(b"--limit\r\n" + ONE.encode())),
    "a form with a field": (400, multipart(part('Content-Disposition: form-data; name="file"', b"/etc/passwd"))),
    "a part without a name": (400, multipart(part("Content-Disposition: form-data"))),
    "a part without a disposition": (400, multipart(part("X: y"))),
    "a part with a large header": (400, multipart(part(ONE + "\r\nX: " + "a" * 100_000))),
    "too many files": (413, multipart(form([("a.png", GOOD)] * 9)[0])),
    "too many fields": (413, multipart(
        b'--limit\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n' * 99 + b"--limit--\r\n")),
    "a nested form": (422, multipart(part(ONE + "\r\nContent-Type: multipart/mixed; boundary=b", b"--b\r\n\r\n--b--"))),
    # JSON
    "JSON that is not": (400, as_json("/predict", b"{")),
    "JSON in UTF-16": (400, as_json("/predict", '{"images": []}'.encode("utf-16"))),
    "no images": (400, as_json("/predict", {"images": []})),
    "too many images": (413, as_json("/predict", {"images": [B64] * 9})),
    "a key that is not known": (400, as_json("/predict", {"images": [B64], "path": "/etc/passwd"})),
    "a list": (400, as_json("/predict", [B64])),
    "not base64": (400, as_json("/predict", {"images": ["%%%%"]})),
    "a path in base64's place": (400, as_json("/predict", {"images": ["file:///etc/passwd"]})),
    "a number in base64's place": (400, as_json("/predict", {"images": [7]})),
    "an empty image in JSON": (422, as_json("/predict", {"images": [""]})),
    "deep JSON": (400, as_json("/predict", DEEP)),
    "many lists": (413, as_json("/predict", b"[" * 100_000 + b",".join([b"[]"] * 90_000))),
    # TensorFlow Serving
    "no instances": (400, as_json(PREDICT_V1, {})),
    "instances and inputs": (400, as_json(PREDICT_V1, {"instances": [[[1]]], "inputs": [[[1]]]})),
    "empty instances": (400, as_json(PREDICT_V1, {"instances": []})),
    "an instance of a number": (400, as_json(PREDICT_V1, {"instances": [1]})),
    "ragged instances": (400, as_json(PREDICT_V1, {"instances": [[[0, 9], [1]]]})),
    "instances of texts": (400, as_json(PREDICT_V1, {"instances": [[["a"]]]})),
    "instances of null": (400, as_json(PREDICT_V1, {"instances": [[[None]]]})),
    "instances above 255": (400, as_json(PREDICT_V1, {"instances": [[[300]]]})),
    "negative instances": (400, as_json(PREDICT_V1, {"instances": [[[-5]]]})),
    "an infinite instance": (400, as_json(PREDICT_V1, b'{"instances": [[[1e999]]]}')),
    "NaN": (400, as_json(PREDICT_V1, b'{"instances": [[[NaN]]]}')),
    "integers beyond 64 bits": (400, as_json(PREDICT_V1, b'{"instances": [[[' + b"9" * 400 + b"]]]}")),
    "deep instances": (400, as_json(PREDICT_V1, b'{"instances": ' + DEEP + b"}")),
    "an instance with a path": (400, as_json(PREDICT_V1, {"instances": [{"file": "/etc/passwd"}]})),
    "an instance of two kinds": (400, as_json(PREDICT_V1, {"instances": [{"b64": B64}, [[1]]]})),
    "bad base64 in an instance": (400, as_json(PREDICT_V1, {"instances": [{"b64": "=="}]})),
    "a broken image in an instance": (400, as_json(PREDICT_V1, {"instances": [{"b64": B64[:40]}]})),
    "too many instances": (413, as_json(PREDICT_V1, {"instances": [{"b64": B64}] * 9})),
    "an unknown signature": (404, as_json(PREDICT_V1, {"signature_name": "x", "instances": [[[1]]]})),
    # Open Inference Protocol
    "no inputs": (400, as_json(INFER, {"inputs": []})),
    "two inputs": (400, as_json(INFER, {"inputs": tensor([1, 1, 1], data=[1])["inputs"] * 2})),
    "another input": (400, as_json(INFER, {"inputs": [{"name": "x", "shape": [1], "datatype": "BYTES", "data": []}]})),
    "no data": (400, as_json(INFER, {"inputs": [{"name": "image", "shape": [1, 2, 2], "datatype": "UINT8"}]})),
    "an unknown datatype": (400, as_json(INFER, tensor([1, 2, 2], "FP8", [0] * 4))),
    "a datatype of NumPy": (400, as_json(INFER, tensor([1, 2, 2], "object", [0] * 4))),
    "a negative shape": (400, as_json(INFER, tensor([-1, 2, 2], data=[0] * 4))),
    "an empty shape": (400, as_json(INFER, tensor([], data=[0]))),
    "a shape of zeros": (400, as_json(INFER, tensor([0, 2, 2], data=[]))),
    "a shape of fractions": (400, as_json(INFER, tensor([1, 2.5, 2], data=[0] * 5))),
    "a shape of terabytes": (413, as_json(INFER, tensor([10**8, 10**8, 10**8], data=[0]))),
    "another number of values": (400, as_json(INFER, tensor([1, 2, 2], data=[0] * 5))),
    "values above 255": (400, as_json(INFER, tensor([1, 2, 2], data=[256] * 4))),
    "fractions as UINT8": (400, as_json(INFER, tensor([1, 2, 2], data=[0.5] * 4))),
    "texts as values": (400, as_json(INFER, tensor([1, 2, 2], data=["a"] * 4))),
    "five dimensions": (400, as_json(INFER, tensor([1, 1, 1, 1, 1], data=[9]))),
    "a path as BYTES": (400, as_json(INFER, tensor([1], "BYTES", ["/etc/passwd"]))),
    "an unknown output": (400, as_json(INFER, tensor([1, 2, 2], data=[9] * 4) | {"outputs": [{"name": "weights"}]})),
    "a length header beyond the body": (400, binary(sized("UINT8", [1, 2, 2], 4), bytes(4), 10**6)),
    "a negative length header": (400, binary(sized("UINT8", [1, 2, 2], 4), bytes(4), -1)),
    "a length header of words": (400, binary(sized("UINT8", [1, 2, 2], 4), bytes(4), "all")),
    "a binary size that is too large": (400, binary(sized("UINT8", [1, 2, 2], 400), bytes(4))),
    "a negative binary size": (400, binary(sized("UINT8", [1, 2, 2], -4), bytes(4))),
    "too few bytes for the shape": (400, binary(sized("UINT8", [1, 200, 200], 4), bytes(4))),
    "infinite FP32": (400, binary(sized("FP32", [1, 2, 2], 16), struct.pack("<4f", *[float("inf")] * 4))),
    "NaN as FP32": (400, binary(sized("FP32", [1, 2, 2], 16), struct.pack("<4f", *[float("nan")] * 4))),
    "an element beyond the bytes": (400, binary(sized("BYTES", [1], 8), struct.pack("<I", 2**32 - 1) + bytes(4))),
    "elements without end": (400, binary(sized("BYTES", [1], 100_000), bytes(100_000))),
    "half a length of an element": (400, binary(sized("BYTES", [1], 2), bytes(2))),
    "shared memory as an input": (400, as_json(INFER, {"inputs": [{
        "name": "image", "shape": [1, 2, 2], "datatype": "UINT8",
        "parameters": {"shared_memory_region": "a", "shared_memory_byte_size": 4}}]})),
}  # fmt: skip
"""Name: the status, and what is sent."""


CHUNKED = http("POST", "/predict", "Transfer-Encoding: chunked")


def status_of(received: bytes) -> int:
    return int(received.split(b" ", 2)[1]) if received.startswith(b"HTTP/1.1 ") else 0


def test_there_are_150_hostile_requests() -> None:
    assert len(HOSTILE) + len(SLOW) >= 150


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_request_gets_its_status(name: str, served: Served) -> None:
    wanted, sent = HOSTILE[name]
    began = time.monotonic()
    received = served.raw(sent)
    assert status_of(received) == wanted, received[:500]
    assert time.monotonic() - began < SECONDS
    _, _, body = received.partition(b"\r\n\r\n")
    answer = json.loads(body)
    assert set(answer) <= {"error", "hint"} and 5 < len(answer["error"]) < 600
    for leak in (
        b"Traceback",
        b".py",
        b"/work",
        b"/tmp",
        b"/home",
        b"root:",
        b"uvicorn",
        b"starlette",
        b"numpy",
        b"msgspec",
    ):
        assert leak not in received.lower().replace(b"/etc/passwd", b""), leak


@dataclass(frozen=True)
class Slow:
    status: tuple[int, ...]
    ask: Callable[[Served], bytes]


SLOW: dict[str, Slow] = {
    "headers that never end": Slow((408,), lambda server: server.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n")),
    "headers byte by byte": Slow((0, 408), lambda server: server.raw(*[b"G", b"E", b"T", b" "] * 4, pause=0.15)),
    "nothing at all": Slow((408,), lambda server: server.raw(b"")),
    "a body that never comes": Slow((408,), lambda server: server.raw(http("POST", "/predict", "Content-Length: 100"))),
    "a body byte by byte": Slow(
        (0, 408), lambda server: server.raw(http("POST", "/predict", "Content-Length: 99"), *[b"a"] * 10, pause=0.2)
    ),
    "chunks without end": Slow((408,), lambda server: server.raw(CHUNKED, b"1\r\na\r\n", pause=0.1)),
    "a body that ends early": Slow(
        (0, 400, 408), lambda server: server.raw(http("POST", "/predict", "Content-Length: 9", body=b"abc"), close=True)
    ),
    "lines after the last chunk without end": Slow(
        (0, 431),
        lambda server: server.raw(CHUNKED, b"1\r\na\r\n0\r\n", *[b"x: " + b"y" * 9_000 + b"\r\n"] * 4, pause=0.05),
    ),
    "a line after the last chunk without end": Slow(
        (0, 431), lambda server: server.raw(CHUNKED, b"1\r\na\r\n0\r\nx: ", *[b"y" * 9_000] * 4, pause=0.05)
    ),
    "a client that goes": Slow((0,), lambda server: gone(server)),
    "a second request hidden in a body": Slow((404,), lambda server: server.raw(
        http("POST", "/nothing", "Content-Length: 40", body=http("GET", "/metrics")[:40]))),
}  # fmt: skip


def gone(server: Served) -> bytes:
    import socket

    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(post("/predict", GOOD))
    return b""


@pytest.mark.parametrize("name", SLOW)
def test_a_slow_or_broken_client_is_answered_in_time(name: str, served: Served) -> None:
    began = time.monotonic()
    received = SLOW[name].ask(served)
    assert status_of(received) in SLOW[name].status, received[:300]
    assert received.count(b"HTTP/1.1 ") <= 1 and time.monotonic() - began < SECONDS + 2


def test_all_of_them_at_once_cost_little_memory_and_stop_nobody(served: Served) -> None:
    from concurrent.futures import ThreadPoolExecutor

    assert served.post("/predict", GOOD).status == 200
    before = served.memory_bytes
    with ThreadPoolExecutor(16) as pool:
        answers = pool.map(lambda name: status_of(served.raw(HOSTILE[name][1])), HOSTILE)
        wrong = {name: status for name, status in zip(HOSTILE, answers, strict=True) if status != HOSTILE[name][0]}
    assert wrong == {}
    assert served.memory_bytes - before < MOST_BYTES
    assert served.post("/predict", GOOD).status == 200
    assert not [line for line in served.log if line["event"] == "internal_error"]
