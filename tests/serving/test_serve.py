"""`serve` through HTTP: its answers are those of `predict`, in every protocol."""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from convscope.api.run import Run
from convscope.data.mnist import load_part
from convscope.explanation.explainers.occlusion import occlusion
from serving.client import form, is_whole

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def expected(run: Run, pictures: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """What `predict` answers to each file, alone."""
    folder = tmp_path_factory.mktemp("pictures")
    found = {}
    for name, data in pictures.items():
        (folder / name).write_bytes(data)
        if name != "broken.png":
            found[name] = plain(run.predict(folder / name)[0].to_json())
    return found


def plain(value: Any) -> dict[str, Any]:
    """As JSON, without the name."""
    return {key: entry for key, entry in json.loads(json.dumps(value)).items() if key != "name"}


def first(answer: Any) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    return plain(answer.json["images"][0])


def test_a_served_answer_is_that_of_predict_bit_for_bit(served, pictures, expected) -> None:
    for name, wanted in expected.items():
        assert first(served.post("/predict", pictures[name])) == wanted, name
    outcomes = {name: (one["known"], one["ink_found"]) for name, one in expected.items()}
    assert outcomes["stripes.png"] == (False, True) and outcomes["blank.png"] == (False, False), "all outcomes occur"


def test_answers_do_not_depend_on_what_else_is_asked_at_the_same_time(served, pictures, expected) -> None:
    names = [name for name in pictures for _ in range(12)]
    np.random.default_rng(1).shuffle(names)
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda name: served.post("/predict", pictures[name]), names))
    for name, answer in zip(names, answers, strict=True):
        if name == "broken.png":
            assert answer.status == 422
        else:
            assert first(answer) == expected[name], name
    sizes = re.findall(rb'convscope_batch_images_bucket\{le="(\S+)"\} (\S+)', served.get("/metrics").body)
    single, total = (float(dict(sizes)[key]) for key in (b"1.0", b"+Inf"))
    assert single < total, "some of them were computed together"


def test_bodies_of_all_kinds_give_the_same_answer(served, pictures, expected) -> None:
    names = ["digit-0.png", "two.jpg", "digit-3.png"]
    body, kind = form([(name, pictures[name]) for name in names])
    answer = served.post("/predict", body, kind).json
    assert [one["name"] for one in answer["images"]] == names
    assert [plain(one) for one in answer["images"]] == [expected[name] for name in names]
    encoded = [base64.b64encode(pictures[name]).decode() for name in names]
    answer = served.post_json("/predict", {"images": encoded}).json
    assert [plain(one) for one in answer["images"]] == [expected[name] for name in names]
    for kind in ("image/png", "application/x-www-form-urlencoded"):
        assert first(served.post("/predict", pictures["digit-0.png"], kind)) == expected["digit-0.png"]
    assert answer["network"] == {"name": "digits", "version": 2}


def test_an_offer_of_another_protocol_costs_nothing_and_the_connection_goes_on(served, pictures) -> None:
    """What `curl --http2` and Java's client send first, over one connection."""
    offer = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQA"}
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    chunks = (pictures["digit-0.png"][at : at + 50] for at in range(0, len(pictures["digit-0.png"]), 50))
    for body, headers in ((pictures["digit-0.png"], offer), (chunks, offer), (pictures["digit-0.png"], {})):
        connection.request("POST", "/predict", body, {"Content-Type": "image/png", **headers})
        answer = connection.getresponse()
        assert json.loads(answer.read())["images"][0]["choices"][0]["name"] == "7"
    connection.close()


def test_head_and_body_of_an_answer_are_one_packet_and_a_head_alone_is_sent_too(served, pictures) -> None:
    data = pictures["digit-0.png"]
    post = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(data) + data
    expecting = post.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n", 1)
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
        for _ in range(20):
            connection.sendall(post)
            assert is_whole(connection.recv(65_536))
        connection.sendall(b"HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(65_536).endswith(b"\r\n\r\n")
        connection.sendall(expecting)
        first = connection.recv(65_536)
        assert first.startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert is_whole(first.partition(b"\r\n\r\n")[2] or connection.recv(65_536))


def test_requests_that_follow_each_other_without_waiting_are_answered_in_order(served, pictures) -> None:
    data = pictures["digit-0.png"]
    one = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(data) + data
    last = b"GET /classes HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
        connection.sendall(one * 3 + last)
        received = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert received.count(b"HTTP/1.1 200 OK") == 4 and received.count(b'"choices":[{"name":"7"') == 3
    assert received.rindex(b'"classes"') > received.rindex(b'"choices"')


def test_an_unreadable_file_is_skipped_and_the_others_are_answered(served, pictures, expected) -> None:
    body, kind = form([("a/../../b.png", pictures["digit-0.png"]), ("broken.png", pictures["broken.png"])])
    answer = served.post("/predict", body, kind).json
    assert answer["images"][0]["name"] == "b.png" and plain(answer["images"][0]) == expected["digit-0.png"]
    assert [one["name"] for one in answer["skipped"]] == ["broken.png"]
    assert "damaged" in answer["skipped"][0]["reason"] and "/" not in answer["skipped"][0]["reason"].split("file=")[1]


def test_top_split_and_explain_are_those_of_the_library(served, pictures, run, tmp_path) -> None:
    (tmp_path / "two.jpg").write_bytes(pictures["two.jpg"])
    digits = served.post("/predict?split=true&top=10", pictures["two.jpg"]).json["images"]
    wanted = [plain(one.to_json()) for one in run.predict(tmp_path / "two.jpg", split=True, top=10)]
    assert [plain(one) for one in digits] == wanted and [one["digit"] for one in digits] == [1, 2]
    explained = served.post("/predict?explain=occlusion", pictures["digit-0.png"]).json["images"][0]["explanation"]
    pixels = load_part("test").pixels[0].astype(np.float32) * np.float32(1 / 255)
    target = run.model.class_names.index(explained["target"])
    np.testing.assert_array_equal(explained["map"], occlusion(run.model, pixels, target=target).flat.tolist())


def test_networks_are_chosen_by_name_and_version(served, pictures) -> None:
    for query, wanted in (
        ("", ("digits", 2)),
        ("?version=1", ("digits", 1)),
        ("?network=short", ("short", 1)),
        ("?network=digits&version=2", ("digits", 2)),
    ):
        answer = served.post(f"/predict{query}", pictures["digit-0.png"]).json["network"]
        assert (answer["name"], answer["version"]) == wanted
    assert served.post("/predict?network=no", pictures["digit-0.png"]).status == 404
    assert served.post("/predict?version=3", pictures["digit-0.png"]).status == 404


def test_classes_metadata_and_the_page_are_those_of_the_run(served, run, short_run) -> None:
    assert served.get("/classes").json["classes"] == list(run.model.class_names)
    networks = served.get("/metadata").json["networks"]
    assert [(one["name"], one["version"]) for one in networks] == [("digits", 2), ("digits", 1), ("short", 1)]
    assert networks[0]["preprocessing"] == dict(run.model.preprocessing)
    assert networks[0]["weights_sha256"] == run.record.weights_sha256
    page = served.get("/runs/short").body
    assert page.count(b'<meta name="convscope-server" content="../predict?network=short&amp;top=1">\n') == 1
    plain = re.sub(rb'<meta name="convscope-server"[^>]*>\n', b"", page).replace(b" connect-src 'self';", b"", 1)
    assert plain == (short_run / "page.html").read_bytes()
    assert b'href="runs/digits"' in served.get("/").body


def test_a_tensorflow_serving_client_gets_the_probabilities_of_predict(served, run, pictures) -> None:
    pixels = load_part("test").pixels[:5]
    wanted = np.concatenate([run.predict(one).probabilities for one in pixels])
    for instances in (
        pixels.tolist(),
        pixels[..., 0].tolist(),
        [{"image": one.tolist()} for one in pixels],
        (pixels / 255).tolist(),
        [{"b64": base64.b64encode(pictures[f"digit-{index}.png"]).decode()} for index in range(5)],
    ):
        answer = served.post_json("/v1/models/digits:predict", {"instances": instances}).json
        np.testing.assert_array_equal(np.array(answer["predictions"], np.float32), wanted)
    answer = served.post_json("/v1/models/digits/versions/1:predict", {"inputs": {"image": pixels.tolist()}}).json
    np.testing.assert_array_equal(np.array(answer["outputs"], np.float32), wanted)
    status = served.get("/v1/models/digits").json["model_version_status"]
    assert [(one["version"], one["state"]) for one in status] == [("2", "AVAILABLE"), ("1", "AVAILABLE")]
    signature = served.get("/v1/models/digits/metadata").json["metadata"]["signature_def"]["signature_def"]
    sizes = [one["size"] for one in signature["serving_default"]["inputs"]["image"]["tensor_shape"]["dim"]]
    assert sizes == ["-1", "28", "28", "1"]
    refused = served.post_json("/v1/models/nothing:predict", {"instances": [[[0]]]})
    assert refused.status == 404 and list(refused.json) == ["error", "hint"]


def infer_request(tensor: dict[str, Any], outputs: list | None = None) -> dict[str, Any]:
    return {"id": "x1", "inputs": [{"name": "image", **tensor}]} | ({"outputs": outputs} if outputs else {})


def test_the_open_inference_protocol_gives_the_same_in_json(served, run, pictures) -> None:
    pixels = load_part("test").pixels[:3]
    wanted = [run.predict(one) for one in pixels]
    for tensor in (
        {"shape": [3, 28, 28, 1], "datatype": "UINT8", "data": pixels.ravel().tolist()},
        {"shape": [3, 28, 28], "datatype": "UINT8", "data": pixels[..., 0].tolist()},
        {"shape": [3, 28, 28, 1], "datatype": "FP32", "data": (pixels / 255).tolist()},
        {"shape": [3], "datatype": "BYTES",
         "data": [base64.b64encode(pictures[f"digit-{index}.png"]).decode() for index in range(3)]},
    ):  # fmt: skip
        answer = served.post_json("/v2/models/digits/infer", infer_request(tensor)).json
        outputs = {one["name"]: one for one in answer["outputs"]}
        assert (answer["model_name"], answer["model_version"], answer["id"]) == ("digits", "2", "x1")
        assert outputs["class"]["data"] == [one[0].class_name for one in wanted]
        probabilities = np.array(outputs["probabilities"]["data"], np.float32).reshape(
            outputs["probabilities"]["shape"]
        )
        np.testing.assert_array_equal(probabilities, np.concatenate([one.probabilities for one in wanted]))


def test_the_open_inference_protocol_gives_the_same_in_binary(served, run, pictures) -> None:
    files = [pictures["digit-0.png"], pictures["two.jpg"]]
    data = b"".join(len(one).to_bytes(4, "little") + one for one in files)
    tensor = {"shape": [2, 1], "datatype": "BYTES", "parameters": {"binary_data_size": len(data)}}
    outputs = [{"name": "logits", "parameters": {"binary_data": True}}, {"name": "class"}]
    header = json.dumps(infer_request(tensor, outputs)).encode()
    answer = served.post(
        "/v2/models/digits/versions/1/infer", header + data, inference_header_content_length=str(len(header))
    )
    length = int(answer.headers["inference-header-content-length"])
    described = json.loads(answer.body[:length])["outputs"]
    assert described[0]["parameters"]["binary_data_size"] == len(answer.body) - length == 80
    logits = np.frombuffer(answer.body[length:], "<f4").reshape(2, 10)
    wanted = run.predict(load_part("test").pixels[0]).predictions.logits
    np.testing.assert_array_equal(logits[:1], wanted)
    assert described[1]["data"][0] == "7"


def test_tritonclient_works_unchanged(served, run, pictures) -> None:
    triton = pytest.importorskip("tritonclient.http", reason="it needs gevent; install tritonclient[http]")
    client = triton.InferenceServerClient(f"127.0.0.1:{served.port}")
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("digits", "2")
    assert client.get_model_metadata("digits")["inputs"][0]["datatype"] == "UINT8"
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    pixels = load_part("test").pixels[:2]
    wanted = np.concatenate([run.predict(one).probabilities for one in pixels])
    for dtype, values in (("UINT8", pixels), ("FP32", (pixels / 255).astype(np.float32))):
        for binary in (True, False):
            sent = triton.InferInput("image", list(values.shape), dtype)
            sent.set_data_from_numpy(values, binary_data=binary)
            asked = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("probabilities", "class")]
            answer = client.infer("digits", [sent], outputs=asked)
            np.testing.assert_array_equal(answer.as_numpy("probabilities"), wanted)
    sent = triton.InferInput("image", [1], "BYTES")
    sent.set_data_from_numpy(np.array([pictures["digit-0.png"]], object))
    assert client.infer("digits", [sent]).as_numpy("class")[0] in (b"7", "7")
    with pytest.raises(Exception, match="There is no network"):
        client.get_model_metadata("nothing")
    client.close()


def test_openapi_describes_every_route_and_its_answers(served, pictures) -> None:
    described = served.get("/openapi.json").json
    assert set(described["paths"]) >= {"/predict", "/v1/models/{name}:predict", "/v2/models/{name}/infer", "/metrics"}
    prediction = described["components"]["schemas"]["Prediction"]
    answered = served.post("/predict", pictures["digit-0.png"]).json["images"][0]
    assert set(answered) == set(prediction["required"]) == set(prediction["properties"]) - {"explanation"}
    references = re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described))
    assert set(references) <= set(described["components"]["schemas"])


def test_metrics_count_outcomes_classes_and_unknown_images(served, pictures) -> None:
    def value(pattern: str) -> float:
        found = re.search(rf"^{pattern} (\S+)$", served.get("/metrics").body.decode(), re.MULTILINE)
        return float(found[1]) if found else 0.0

    names = {
        "digit-0.png": r'convscope_classes_total\{class="7",network="short"\}',
        "stripes.png": r'convscope_images_total\{network="short",outcome="unknown"\}',
        "blank.png": r'convscope_images_total\{network="short",outcome="no_ink"\}',
        "broken.png": r'convscope_images_total\{network="short",outcome="unreadable"\}',
    }
    for name, pattern in names.items():
        before = value(pattern)
        served.post("/predict?network=short", pictures[name])
        assert value(pattern) == before + 1, name
    assert 0 < value(r'convscope_unknown_fraction\{network="short"\}') < 1
    assert value("convscope_queue_images") == 0


def test_the_log_has_the_request_id_and_nothing_of_the_image(served, pictures) -> None:
    body, kind = form([("secret-name.png", pictures["digit-0.png"])])
    answer = served.post("/predict", body, kind, x_request_id="abc-1")
    assert answer.headers["x-request-id"] == "abc-1"
    assert len(served.post("/predict", body, kind, x_request_id="a b").headers["x-request-id"]) == 16
    lines = [line for line in served.log if line.get("request_id") == "abc-1"]
    assert len(lines) == 1 and lines[0]["route"] == "/predict" and lines[0]["status"] == 200 and lines[0]["images"] == 1
    assert "secret" not in served.log_path.read_text()
