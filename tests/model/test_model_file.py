import hashlib
import json
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from harness import random_spec, random_weights
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, load_file

from convscope.errors import ModelFileError
from convscope.model import model_file, safetensors_io
from convscope.model.forward import logits
from convscope.model.model_file import Model, load_model, save_model, weights_sha256
from convscope.model.presets import PRESETS, load_spec
from convscope.model.spec import Spec
from convscope.model.spec_parser import parse

SECONDS = 1.0
"""The longest that any hostile file may keep us."""

TEXT = """
Conv2D(2, 3, strides=2, activation="relu")
BatchNormalization()
Flatten()
Dense(num_classes, activation="softmax")
"""


def small_model(seed: int = 0, **changes: object) -> Model:
    spec = parse(TEXT, input_shape=(6, 5, 1), num_classes=3, name="small")
    parts = {
        "spec": spec,
        "weights": random_weights(spec, seed=seed),
        "class_names": ("ant", "bée", "猫"),
        "preprocessing": {"mode": "grey", "size": [6, 5]},
        "calibration": {"temperature": 1.25},
        "provenance": {"seed": 0, "finished": True, "note": None},
    }
    return Model(**(parts | changes))


def assert_same(one: Model, other: Model) -> None:
    for name in ("spec", "class_names", "preprocessing", "calibration", "provenance"):
        assert getattr(one, name) == getattr(other, name), name
    assert list(one.weights) == list(other.weights)
    for name, weight in one.weights.items():
        assert other.weights[name].dtype == np.float32
        assert other.weights[name].shape == weight.shape
        assert other.weights[name].tobytes() == weight.tobytes(), name


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A sound model file."""
    path = tmp_path_factory.mktemp("sound") / "model.safetensors"
    save_model(small_model(), path)
    return path.read_bytes()


class File:
    """A model file taken apart, so that one thing about it can be falsified and all the rest kept right."""

    def __init__(self, content: bytes) -> None:
        length = int.from_bytes(content[:8], "little")
        self.header: dict = json.loads(content[8 : 8 + length])
        self.spec: dict = json.loads(self.header["__metadata__"]["spec"])
        self.stated: str = self.header["__metadata__"]["sha256"]
        self.payload = bytearray(content[8 + length :])

    def place(self, name: str) -> slice:
        return slice(*self.header[name]["data_offsets"])

    def tensor(self, name: str) -> np.ndarray:
        """A view into the payload: writing to it changes the file."""
        return np.frombuffer(self.payload, "<f4")[self.place(name).start // 4 : self.place(name).stop // 4]

    def rehash(self) -> None:
        names = [name for name in self.header if not name.startswith(("__", "self_test"))]
        weights = {name: self.tensor(name).reshape(self.header[name]["shape"]) for name in names}
        self.spec["weights_sha256"] = weights_sha256(weights)

    def content(self) -> bytes:
        """The file put together again, with the hash of its content made right unless somebody falsified it."""
        metadata = self.header.get("__metadata__")
        if isinstance(metadata, dict) and "spec" in metadata:
            metadata["spec"] = json.dumps(self.spec)
            if metadata.get("sha256") == self.stated:
                metadata["sha256"] = self.digest()
        return raw(json.dumps(self.header).encode(), bytes(self.payload))

    def digest(self) -> str:
        return hashlib.sha256(self.header["__metadata__"]["spec"].encode() + self.payload).hexdigest()


def raw(header: bytes, payload: bytes = b"", *, length: int | None = None) -> bytes:
    return (len(header) if length is None else length).to_bytes(8, "little") + header + payload


def test_the_file_taken_apart_and_put_together_again_is_sound(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(File(content).content())
    assert_same(load_model(tmp_path / "m"), small_model())


# --- what is written comes back ---------------------------------------------------------------------------------


def test_a_model_comes_back_bit_for_bit(tmp_path: Path) -> None:
    model = small_model()
    model.weights["conv2d/bias"][:] = [-0.0, 1e-45]  # a negative zero and a subnormal number
    save_model(model, tmp_path / "m.safetensors")
    assert_same(load_model(tmp_path / "m.safetensors"), model)


@pytest.mark.parametrize("seed", range(20))
def test_a_random_network_comes_back_and_computes_the_same(seed: int, tmp_path: Path) -> None:
    spec = random_spec(np.random.default_rng(seed))
    names = tuple(f"class {index}" for index in range(spec.num_classes))
    model = Model(spec, random_weights(spec, seed=seed), names)
    save_model(model, tmp_path / "m")
    back = load_model(tmp_path / "m")
    assert_same(back, model)
    images = np.random.default_rng(seed).random((2, *spec.input_shape), np.float32)
    assert np.array_equal(logits(spec, back.weights, images), logits(spec, model.weights, images))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)

PRINTABLE = st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), min_size=1, max_size=9)


@settings(max_examples=60, deadline=None)
@given(plain=st.dictionaries(st.text(), JSON, max_size=3), names=st.lists(PRINTABLE, min_size=3, max_size=3))
def test_any_plain_values_and_any_class_names_come_back(tmp_path_factory, plain: dict, names: list[str]) -> None:
    path = tmp_path_factory.mktemp("plain") / "m"
    model = small_model(class_names=tuple(names), preprocessing=plain, provenance={"deep": plain})
    save_model(model, path)
    assert_same(load_model(path), model)


def test_the_same_model_gives_the_same_bytes(content: bytes, tmp_path: Path) -> None:
    save_model(small_model(), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == content


def test_writing_over_an_old_model_replaces_it(tmp_path: Path) -> None:
    save_model(small_model(seed=1), tmp_path / "m")
    save_model(small_model(seed=2), tmp_path / "m")
    assert_same(load_model(tmp_path / "m"), small_model(seed=2))
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_weights_in_another_memory_order_are_written_in_rows(tmp_path: Path) -> None:
    model = small_model()
    weights = {name: np.asfortranarray(weight) for name, weight in model.weights.items()}
    save_model(small_model(weights=weights), tmp_path / "m")
    assert_same(load_model(tmp_path / "m"), model)


def test_the_weights_that_are_read_cannot_be_changed_by_mistake(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(ValueError, match="read-only"):
        load_model(tmp_path / "m").weights["dense/bias"][:] = 1


def test_the_safetensors_package_opens_the_file_with_equal_tensors(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").write_bytes(content)
    tensors, model = load_file(tmp_path / "m.safetensors"), small_model()
    assert set(tensors) == set(model.weights) | {"self_test/images", "self_test/logits"}
    for name, weight in model.weights.items():
        assert tensors[name].dtype == np.float32
        assert np.array_equal(tensors[name], weight)
    again = logits(model.spec, model.weights, tensors["self_test/images"])
    np.testing.assert_allclose(tensors["self_test/logits"], again, atol=1e-5)  # the same float32 sums


def test_the_payload_starts_at_a_multiple_of_eight_bytes(content: bytes) -> None:
    assert int.from_bytes(content[:8], "little") % 8 == 0


def test_the_hash_changes_with_a_name_a_shape_and_a_bit() -> None:
    value = np.zeros((2, 3), np.float32)
    tiny = value.copy()
    tiny[1, 1] = 1e-45
    variants = [{"a": value}, {"b": value}, {"a": value.reshape(3, 2)}, {"a": tiny}, {"a": -value}]
    assert len({weights_sha256(weights) for weights in variants}) == len(variants)


def test_the_hash_does_not_depend_on_the_order_of_the_weights() -> None:
    weights = small_model().weights
    assert weights_sha256(dict(reversed(weights.items()))) == weights_sha256(weights)


# --- damage by chance -------------------------------------------------------------------------------------------


def refused_or_same(content: bytes, path: Path) -> bool:
    """Whether a damaged file was refused, properly; a file that is read must be the same model."""
    path.write_bytes(content)
    try:
        model = load_model(path)
    except ModelFileError as error:
        assert_one_line(error, path)
        return True
    assert_same(model, small_model())
    return False


def assert_one_line(error: ModelFileError, path: Path) -> None:
    message = str(error)
    assert str(path) in message
    assert len(message.splitlines()) == 1
    assert len(message) < 700
    assert error.__cause__ is None


def test_a_file_cut_off_anywhere_is_refused(content: bytes, tmp_path: Path) -> None:
    for length in {*range(40), *range(40, len(content), 13), *range(len(content) - 20, len(content))}:
        assert refused_or_same(content[:length], tmp_path / "m"), length


def test_a_file_with_one_wrong_byte_is_refused_or_the_same_model(content: bytes, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    refused = 0
    for place in [*range(8), *rng.integers(len(content), size=450)]:
        damaged = bytearray(content)
        damaged[place] ^= int(rng.integers(1, 256))
        refused += refused_or_same(bytes(damaged), tmp_path / "m")
    assert refused >= 440, "only white space, or another way to write the same JSON, may go unnoticed"


@settings(max_examples=150, deadline=None)
@given(junk=st.binary(max_size=200))
def test_random_bytes_are_refused(tmp_path_factory, junk: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "junk"
    assert refused_or_same(junk, path)
    assert refused_or_same(raw(junk + b" " * 8), path)


# --- damage on purpose ------------------------------------------------------------------------------------------

Hostile = Callable[[File], bytes | None]
HOSTILE: dict[str, tuple[Hostile, str]] = {}
"""Name of the attack -> what it does to a sound file, and what is said; an attack gives bytes, or changes the file."""


def hostile(said: str) -> Callable[[Hostile], Hostile]:
    def add(attack: Hostile) -> Hostile:
        HOSTILE[attack.__name__] = (attack, said)
        return attack

    return add


def with_header(change: Callable[[str], str]) -> Hostile:
    """Attack the header as text: for what a JSON writer would never write."""

    def attack(file: File) -> bytes:
        file.content()
        before = json.dumps(file.header)
        after = change(before)
        assert after != before
        return raw(after.encode("utf-8", "surrogatepass"), bytes(file.payload))

    return attack


def with_spec(change: Callable[[str], str]) -> Hostile:
    """The same inside the spec."""

    def attack(file: File) -> bytes:
        text = json.dumps(file.spec)
        after = change(text)
        assert after != text
        file.header["__metadata__"]["spec"] = after
        file.header["__metadata__"]["sha256"] = file.digest()
        return raw(json.dumps(file.header).encode(), bytes(file.payload))

    return attack


def put(*keys: object, value: object) -> Hostile:
    """Set one value of the spec."""

    def attack(file: File) -> None:
        target = file.spec
        for key in keys[:-1]:
            target = target[key]
        target[keys[-1]] = value

    return attack


def put_header(*keys: object, value: object) -> Hostile:
    def attack(file: File) -> None:
        target = file.header
        for key in keys[:-1]:
            target = target[key]
        target[keys[-1]] = value

    return attack


def drop(*keys: str) -> Hostile:
    def attack(file: File) -> None:
        target = file.header if keys[0] == "header" else file.spec
        for key in keys[1:-1]:
            target = target[key]
        del target[keys[-1]]

    return attack


LAYERS = ("network", "layers")
KERNEL = "conv2d/kernel"
TABLE: dict[str, tuple[Hostile, str]] = {
    # the eight bytes of the header's length
    "header length zero": (lambda file: raw(b"", bytes(file.payload)), "cannot be 0 bytes"),
    "header length one": (lambda file: raw(b"{}", bytes(file.payload), length=1), "cannot be 1 bytes"),
    "header length of 16 exabytes": (lambda file: raw(b"{}", bytes(99), length=2**64 - 1), "cannot be 18,446,744"),
    "header length beyond the file": (lambda file: raw(b"{}" * 9, length=19), "cannot be 19 bytes"),
    "header length over the limit": (lambda file: raw(b" " * 1_000_001), "cannot be 1,000,001 bytes"),
    "header length one too short": (
        lambda file: raw(
            json.dumps(file.header).encode(), bytes(file.payload), length=len(json.dumps(file.header)) - 1
        ),
        "not JSON",
    ),
    "header length that swallows the payload": (
        lambda file: raw(json.dumps(file.header).encode() + bytes(file.payload)),
        "not (JSON|UTF-8)",
    ),
    # the header as text
    "not UTF-8": (lambda file: raw(b'{"\xff\xfe": 1}' + b" " * 8), "not UTF-8"),
    "overlong UTF-8": (lambda file: raw(b'{"\xc0\xaf": 1}' + b" " * 8), "not UTF-8"),
    "raw surrogate": (with_header(lambda text: text.replace("conv2d/bias", "\ud800")), "not UTF-8"),
    "UTF-16": (lambda file: raw(json.dumps(file.header).encode("utf-16-le")), "not (JSON|a JSON object)"),
    "byte order mark": (with_header(lambda text: "\ufeff" + text), "not (JSON|a JSON object)"),
    "leading space": (with_header(lambda text: " " + text), "not a JSON object"),
    "header is a list": (lambda file: raw(b"[" + json.dumps(file.header).encode() + b"]"), "not a JSON object"),
    "header is a text": (lambda file: raw(b'"0123456789012345"'), "not a JSON object"),
    "header is empty": (lambda file: raw(b"{}              "), "description is missing"),
    "header with something behind it": (with_header(lambda text: text + "{}"), "not JSON"),
    "header with a trailing comma": (with_header(lambda text: text[:-1] + ",}"), "not JSON"),
    "header with a null byte behind it": (with_header(lambda text: text + "\0"), "not JSON"),
    "tensor twice": (with_header(lambda text: text[:-1] + ', "conv2d/bias": {}}'), "key twice"),
    "metadata twice": (with_header(lambda text: text[:-1] + ', "__metadata__": {}}'), "key twice"),
    "dtype twice": (with_header(lambda text: text.replace('"dtype"', '"dtype": "F64", "dtype"', 1)), "key twice"),
    "NaN as a shape": (with_header(lambda text: text.replace("[3, 3, 1, 2]", "[NaN, 3, 1, 2]")), "not finite"),
    "infinity as an offset": (with_header(lambda text: text.replace("[0, 72]", "[0, Infinity]")), "not finite"),
    "minus infinity as an offset": (with_header(lambda text: text.replace("[0, 72]", "[-Infinity, 72]")), "not finite"),
    "a hundred thousand brackets": (lambda file: raw(b'{"a":' + b"[" * 100_000), "nested more than"),
    "brackets open and close": (lambda file: raw(b'{"a":' + b"[" * 400 + b"]" * 400 + b"}"), "nested more than"),
    "a whole number of 500,000 digits": (lambda file: raw(b'{"a":' + b"9" * 500_000 + b"}"), "500000 digits"),
    "a number over every float": (
        with_header(lambda text: text.replace("[0, 72]", "[0, 1e999]")),
        "header has a number that is not fin",
    ),
    # the metadata
    "no metadata": (drop("header", "__metadata__"), "description is missing"),
    "metadata is a list": (put_header("__metadata__", value=[]), "description is missing"),
    "another format": (put_header("__metadata__", "format", value="pt"), "not a model of convscope"),
    "no format": (drop("header", "__metadata__", "format"), "description is missing"),
    "unknown key in the metadata": (
        put_header("__metadata__", "more", value="x"),
        "metadata must have exactly|description is missing",
    ),
    "spec is no text": (
        lambda file: raw(json.dumps(file.header | {"__metadata__": {"format": "convscope", "spec": 1}}).encode()),
        "its description is missing",
    ),
    "spec is no JSON": (with_spec(lambda text: text[:-1]), "spec is not JSON"),
    "spec is a list": (with_spec(lambda text: f"[{text}]"), "exactly the keys"),
    "spec is null": (with_spec(lambda text: "null"), "exactly the keys"),
    "spec is empty": (with_spec(lambda text: ""), "not JSON"),
    "NaN in the spec": (
        with_spec(lambda text: text.replace("1.25", "NaN")),
        "spec has a number that is not finite",
    ),
    "a key twice in the spec": (with_spec(lambda text: text[:-1] + ', "network": {}}'), "spec has a key twice"),
    "the spec nested deep": (put("provenance", value=json.loads("[" * 50 + "]" * 50)), "spec is nested more"),
    "a huge number in the spec": (put("provenance", value={"seed": 10**4000}), "spec has a whole number of 4001"),
    # the schema
    "newer schema": (put("schema_version", value=5), r"newer convscope \(schema 5\). Upgrade"),
    "the schema of reliability": (put("schema_version", value=3), "exactly the keys"),
    "reliability in an old schema": (put("reliability", value={"rejection": {}}), "exactly the keys"),
    "the schema of a graph": (put("schema_version", value=2), "schema version must be 1. Received: 2"),
    "schema zero": (put("schema_version", value=0), "exactly the keys"),
    "schema is true": (put("schema_version", value=True), "exactly the keys"),
    "schema is a text": (put("schema_version", value="1"), "exactly the keys"),
    "schema is a fraction": (put("schema_version", value=1.0), "exactly the keys"),
    "no schema": (drop("spec", "schema_version"), "exactly the keys"),
    "unknown key in the spec": (put("code", value="import os"), "exactly the keys"),
    "missing key in the spec": (drop("spec", "calibration"), "exactly the keys"),
    # the network
    "network is null": (put("network", value=None), "a network must have exactly"),
    "unknown key in the network": (put("network", "optimizer", value="sgd"), "a network must have exactly"),
    "unknown key in a layer": (put(*LAYERS, 0, "hook", value="os.system"), r"layer 1 \(Conv2D\) must have exactly"),
    "missing key in a layer": (drop("spec", "network", "layers"), "a network must have exactly"),
    "layer is a text": (put(*LAYERS, 0, value="Conv2D"), "layer 1: expected an object"),
    "unknown layer": (put(*LAYERS, 0, "layer", value="Lambda"), "Unknown layer. Received: 'Lambda'"),
    "layer kind is a list": (put(*LAYERS, 0, "layer", value=["Conv2D"]), "Unknown layer"),
    "layer kind is very long": (put(*LAYERS, 0, "layer", value="Conv2D" * 100_00), "Unknown layer"),
    "no layers": (put(*LAYERS, value=[]), "1 to 200 layers"),
    "a thousand layers": (put(*LAYERS, value=[{"layer": "ReLU"}] * 1000), "at most 200"),
    "filters is a text": (put(*LAYERS, 0, "filters", value="2"), "filters must be a whole number"),
    "filters is true": (put(*LAYERS, 0, "filters", value=True), "filters must be a whole number"),
    "filters is negative": (put(*LAYERS, 0, "filters", value=-2), "filters must be a whole number"),
    "filters is a fraction": (put(*LAYERS, 0, "filters", value=2.0), "filters must be a whole number"),
    "filters is very long": (put(*LAYERS, 0, "filters", value="9" * 100_000), "filters must be a whole number"),
    "kernel of three sides": (put(*LAYERS, 0, "kernel_size", value=[3, 3, 3]), "kernel_size must be one or two"),
    "kernel as an object": (put(*LAYERS, 0, "kernel_size", value={"h": 3}), "kernel_size must be one or two"),
    "kernel that does not fit": (put(*LAYERS, 0, "kernel_size", value=[7, 7]), "does not fit"),
    "unknown activation": (put(*LAYERS, 0, "activation", value="exec"), "activation must be one of"),
    "activation is a list": (put(*LAYERS, 0, "activation", value=["relu"]), "activation must be one of"),
    "images of a billion pixels": (put("network", "input_shape", value=[10**9, 10**9, 1]), "1 to 1024 pixels"),
    "images of minus one row": (put("network", "input_shape", value=[-1, 5, 1]), "1 to 1024 pixels"),
    "images of texts": (put("network", "input_shape", value=["6", "5", "1"]), "Images must be|whole number"),
    "images of null": (put("network", "input_shape", value=[None, 5, 1]), "Images must be|whole number"),
    "images with list channels": (put("network", "input_shape", value=[6, 5, [1]]), "Images must"),
    "images of two numbers": (put("network", "input_shape", value=[6, 5]), "input_shape must be three"),
    "images of true": (put("network", "input_shape", value=[6, 5, True]), "Images must be"),
    "network's name is a number": (put("network", "name", value=1), "name must be a text"),
    "network's name is very long": (put("network", "name", value="x" * 201), "at most 200 printable"),
    "no softmax": (put(*LAYERS, 3, "activation", value="relu"), "The last layer must give one probability"),
    # the rest of the spec
    "one class name too few": (put("class_names", value=["a", "b"]), "one class name for each of 3"),
    "one class name too many": (put("class_names", value=list("abcd")), "one class name for each of 3"),
    "class names as one text": (put("class_names", value="abc"), "class names"),
    "a class name that is a number": (put("class_names", value=["a", "b", 3]), "[Cc]lass names"),
    "an empty class name": (put("class_names", value=["a", "b", ""]), "Class names must be texts"),
    "a very long class name": (put("class_names", value=["a", "b", "c" * 201]), "Class names must be texts"),
    "preprocessing is a list": (put("preprocessing", value=[]), "preprocessing.* (must|have)"),
    "calibration is a number": (put("calibration", value=1), "calibration.* (must|have)"),
    "provenance is null": (put("provenance", value=None), "provenance.* (must|have)"),
    "hash of something else": (put("weights_sha256", value="0" * 64), "checksum mismatch"),
    "hash is null": (put("weights_sha256", value=None), "checksum mismatch"),
    # the tensors
    "half floats": (put_header(KERNEL, "dtype", value="F16"), "conv2d/kernel must be"),
    "integers": (put_header(KERNEL, "dtype", value="I32"), "conv2d/kernel must be"),
    "dtype is null": (put_header(KERNEL, "dtype", value=None), "conv2d/kernel must be"),
    "shape turned": (put_header(KERNEL, "shape", value=[2, 1, 3, 3]), "conv2d/kernel must be"),
    "shape of fractions": (put_header(KERNEL, "shape", value=[3.0, 3, 1, 2]), "conv2d/kernel must be"),
    "shape with true for 1": (put_header(KERNEL, "shape", value=[3, 3, True, 2]), "conv2d/kernel must be"),
    "shape is a text": (put_header(KERNEL, "shape", value="3312"), "conv2d/kernel must be"),
    "tensor is a list": (put_header(KERNEL, value=[]), "conv2d/kernel must be"),
    "tensor is null": (put_header(KERNEL, value=None), "conv2d/kernel must be"),
    "unknown key in a tensor": (put_header(KERNEL, "url", value="http://x"), "conv2d/kernel must be"),
    "missing key in a tensor": (drop("header", KERNEL, "shape"), "conv2d/kernel must be"),
    "tensor of a very long text": (put_header(KERNEL, "dtype", value="F" * 100_000), "conv2d/kernel must be"),
    "offsets too short": (put_header(KERNEL, "data_offsets", value=[0, 68]), "conv2d/kernel must be"),
    "offsets turned": (put_header(KERNEL, "data_offsets", value=[72, 0]), "conv2d/kernel must be"),
    "negative offsets": (put_header(KERNEL, "data_offsets", value=[-72, 0]), "conv2d/kernel must be"),
    "offsets that are fractions": (put_header(KERNEL, "data_offsets", value=[0.0, 72.0]), "conv2d/kernel must be"),
    "offsets of false": (put_header(KERNEL, "data_offsets", value=[False, 72]), "conv2d/kernel must be"),
    "one offset": (put_header(KERNEL, "data_offsets", value=[0]), "conv2d/kernel must be"),
    "overlapping tensors": (put_header("conv2d/bias", "data_offsets", value=[64, 72]), "conv2d/bias must be"),
    "offset of an exabyte": (put_header(KERNEL, "data_offsets", value=[10**17, 10**17 + 72]), "conv2d/kernel must be"),
    "missing tensor": (drop("header", "conv2d/bias"), "not those that its network implies.*conv2d/bias"),
    "missing self-test": (drop("header", "self_test/logits"), "not those that its network implies"),
    "no tensors": (lambda file: [file.header.pop(name) for name in list(file.header)[1:]] and None, "not those"),
    "hash of other content": (put_header("__metadata__", "sha256", value="0" * 64), "checksum mismatch"),
    "hash of no content": (
        drop("header", "__metadata__", "sha256"),
        "metadata must have exactly|description is missing",
    ),
    "hash of the content is null": (put_header("__metadata__", "sha256", value=None), "checksum mismatch"),
    "class name that clears the screen": (put("class_names", value=["a", "b", "\x1b[2J"]), "printable"),
    "class name that ends the line": (put("class_names", value=["a", "b", "c\nd"]), "printable"),
    "network's name that clears the screen": (put("network", "name", value="\x1b[2J"), "printable"),
    "half a surrogate pair in the spec": (put("provenance", value={"source": "\ud800"}), "not Unicode"),
    "extra tensor": (put_header("pickle", value={"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}), "not those"),
    "extra tensor with a path for a name": (put_header("../" * 9000, value={}), "not those that its network implies"),
    "extra tensor with a new line in its name": (put_header("a\nb\x1b[2J", value={}), "not those"),
}


@hostile("tensor conv2d/bias must be")
def tensors_in_another_order(file: File) -> None:
    one, two = file.header["conv2d/bias"], file.header["batch_normalization/gamma"]
    one["data_offsets"], two["data_offsets"] = two["data_offsets"], one["data_offsets"]


@hostile("must be")
def hole_in_the_payload(file: File) -> None:
    start = file.place("dense/kernel").start
    file.payload[start:start] = bytes(8)
    for entry in file.header.values():
        if entry.get("data_offsets", [0])[0] >= start:
            entry["data_offsets"] = [offset + 8 for offset in entry["data_offsets"]]


@hostile("4 bytes behind its last tensor")
def four_bytes_behind_the_last_tensor(file: File) -> None:
    file.payload += bytes(4)


@hostile("in the middle of the tensor self_test/logits")
def payload_one_byte_short(file: File) -> None:
    del file.payload[-1]


@hostile("in the middle of the tensor conv2d/kernel")
def payload_missing(file: File) -> None:
    file.payload.clear()


@hostile("checksum mismatch")
def another_weight(file: File) -> None:
    file.tensor(KERNEL)[0] += 1


@hostile("self-test fails: the logits differ by")
def another_weight_with_the_right_hash(file: File) -> None:
    file.tensor("dense/bias")[0] += 1
    file.rehash()


@hostile("self-test fails")
def self_test_with_other_logits(file: File) -> None:
    file.tensor("self_test/logits")[2] += 0.1


@hostile("not in .0, 1.")
def self_test_with_images_out_of_range(file: File) -> None:
    file.tensor("self_test/images")[7] = 1.5


@hostile("self_test/images has a value that is not a finite number")
def self_test_with_an_image_that_is_not_a_number(file: File) -> None:
    file.tensor("self_test/images")[7] = np.nan


@hostile("self_test/logits has a value that is not a finite number")
def self_test_with_infinite_logits(file: File) -> None:
    file.tensor("self_test/logits")[:] = np.inf


@hostile("conv2d/kernel has a value that is not a finite number")
def weight_that_is_not_a_number(file: File) -> None:
    file.tensor(KERNEL)[3] = np.nan
    file.rehash()


@hostile("conv2d/bias has a value that is not a finite number")
def infinite_weight(file: File) -> None:
    file.tensor("conv2d/bias")[0] = -np.inf
    file.rehash()


@hostile("self-test fails")
def weights_so_large_that_the_logits_are_not_numbers(file: File) -> None:
    file.tensor("dense/kernel")[:] = 3e38
    file.tensor(KERNEL)[:] = 3e38
    file.rehash()


@hostile("self-test fails")
def negative_moving_variance(file: File) -> None:
    file.tensor("batch_normalization/moving_variance")[:] = -4
    file.rehash()


@hostile("at most 50,000,000 parameters")
def network_with_a_billion_parameters(file: File) -> None:
    wide = {"layer": "Dense", "units": 4096, "activation": "relu", "use_bias": True}
    layers = file.spec["network"]["layers"]
    wide |= {"kernel_initializer": "glorot_uniform"}
    file.spec["network"]["layers"] = [*layers[:3], *[wide] * 60, layers[3]]


@hostile("more than 100,000,000 numbers")
def network_with_a_huge_activation(file: File) -> None:
    file.spec["network"]["input_shape"] = [1024, 1024, 1]
    file.spec["network"]["layers"][0] |= {"filters": 4096, "strides": [1, 1]}


@hostile("not those that its network implies|must be")
def network_that_is_larger_than_its_weights(file: File) -> None:
    file.spec["network"]["layers"][3]["units"] = 1000
    file.spec["class_names"] = [str(index) for index in range(1000)]


@hostile("one class name for each of 1001|must be")
def more_classes_than_there_may_be(file: File) -> None:
    file.spec["network"]["layers"][3]["units"] = 1001
    file.spec["class_names"] = [str(index) for index in range(1001)]


@hostile("one image may cost")
def network_that_takes_a_minute(file: File) -> None:
    file.spec["network"]["input_shape"] = [1024, 1024, 1]
    file.spec["network"]["layers"][0] |= {"kernel_size": [500, 500], "strides": [2, 2]}


@hostile("one image may cost|does not fit")
def pooling_over_windows_of_millions_of_pixels(file: File) -> None:
    file.spec["network"]["input_shape"] = [1024, 1024, 3]
    pool = {"layer": "MaxPooling2D", "pool_size": [1000, 1000], "strides": [1, 1], "padding": "same"}
    file.spec["network"]["layers"][:1] = [pool] * 150


@hostile("self-test fails")
def another_activation(file: File) -> None:
    file.spec["network"]["layers"][0]["activation"] = "tanh"


HOSTILE |= TABLE


def refused(path: Path, said: str) -> ModelFileError:
    start = time.perf_counter()
    with pytest.raises(ModelFileError, match=said) as caught:
        load_model(path)
    assert time.perf_counter() - start < SECONDS
    assert_one_line(caught.value, path)
    return caught.value


def test_there_are_many_hostile_files() -> None:
    assert len(HOSTILE) >= 100


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_one_line(name: str, content: bytes, tmp_path: Path) -> None:
    file, (attack, said) = File(content), HOSTILE[name]
    changed = attack(file)
    path = tmp_path / "model.safetensors"
    path.write_bytes(file.content() if changed is None else changed)
    refused(path, said)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m").touch()
    refused(tmp_path / "m", "16 to 512,000,000 bytes. Received: 0")


def test_a_file_of_a_terabyte_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "m").open("wb") as file:
        file.truncate(10**12)  # sparse: it takes no room
    refused(tmp_path / "m", "Received: 1,000,000,000,000")


def test_a_sparse_tail_of_sixty_megabytes_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(content)
    os.truncate(tmp_path / "m", 60_000_000)
    refused(tmp_path / "m", "checksum mismatch")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none", r"cannot be read \(No such file or directory\)")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, r"not a regular file|Is a directory")


def test_a_file_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m").touch()
    refused(tmp_path / "m" / "n", "Not a directory")


def test_a_path_that_is_too_long_is_refused() -> None:
    with pytest.raises(ModelFileError, match="File name too long"):
        load_model("x" * 5000)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    # a reader that does wait gets its writer after a while, so that the test fails instead of hanging
    writer = threading.Timer(2 * SECONDS, lambda: os.close(os.open(tmp_path / "pipe", os.O_RDWR)))
    writer.start()
    try:
        refused(tmp_path / "pipe", "not a regular file")
    finally:
        writer.cancel()


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero here")
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_link_to_a_device_is_refused(device: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(device)
    refused(tmp_path / "link", "not a regular file")


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    refused(tmp_path / "loop", "Too many levels of symbolic links")


def test_a_link_to_a_sound_file_is_read(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(content)
    (tmp_path / "link").symlink_to(tmp_path / "m")
    assert_same(load_model(tmp_path / "link"), small_model())


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(content)
    (tmp_path / "m").chmod(0)
    refused(tmp_path / "m", "Permission denied")


def test_a_safetensors_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save

    (tmp_path / "m").write_bytes(save({"weight": np.zeros(3, np.float32)}))
    refused(tmp_path / "m", "not a model of convscope")


def test_the_safetensors_package_also_opens_what_we_took_apart(content: bytes) -> None:
    assert np.array_equal(load(File(content).content())[KERNEL], small_model().weights[KERNEL])


AUDIT = """
import sys
from convscope.model.model_file import load_model
load_model({path!r})  # once, so that whatever Python loads late is loaded
seen = []
sys.addaudithook(lambda event, arguments: seen.append((event, arguments)))
load_model({path!r})
opened = [arguments[0] for event, arguments in seen if event == "open"]
assert [name for name in opened if isinstance(name, str)] == [{path!r}], opened
assert all(isinstance(name, (str, int)) for name in opened), opened
names = {{event for event, _ in seen}}
forbidden = ("import", "exec", "compile", "marshal.loads", "pickle.find_class", "subprocess.Popen", "os.system",
             "socket.connect", "ctypes.dlopen", "os.listdir", "os.remove", "os.rename", "os.mkdir")
assert not names & set(forbidden), names
print(sorted(names))
"""


def test_reading_opens_one_file_and_imports_and_executes_nothing(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", AUDIT.format(path=str(path))], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    assert "open" in done.stdout


# --- writing ----------------------------------------------------------------------------------------------------


def fail(*arguments: object, **options: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", ["fsync", "replace", "open"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(step: str, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "m"
    save_model(small_model(seed=1), path)
    before = path.read_bytes()
    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, step)), fail)
    with pytest.raises(ModelFileError, match=r"\(No space left on device\).*Free some disk space") as caught:
        save_model(small_model(seed=2), path)
    monkeypatch.undo()
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["m"]


def test_a_keyboard_interrupt_while_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch) -> None:
    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    save_model(small_model(seed=1), tmp_path / "m")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_model(small_model(seed=2), tmp_path / "m")
    monkeypatch.undo()
    assert_same(load_model(tmp_path / "m"), small_model(seed=1))
    assert [entry.name for entry in tmp_path.iterdir()] == ["m"]


def test_the_new_file_is_on_the_disk_before_it_takes_the_old_ones_name(tmp_path: Path, monkeypatch) -> None:
    steps, fsync, replace = [], os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (steps.append("fsync"), fsync(descriptor))[1])
    monkeypatch.setattr(Path, "replace", lambda path, target: (steps.append("replace"), replace(path, target))[1])
    save_model(small_model(), tmp_path / "m")
    assert steps[:2] == ["fsync", "replace"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ModelFileError, match=r"could not be written \(Permission denied\)"):
            save_model(small_model(), tmp_path / "m")
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"could not be written \(No such file or directory\)"):
        save_model(small_model(), tmp_path / "none" / "m")


def test_a_folder_in_the_place_of_the_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    with pytest.raises(ModelFileError, match=r"could not be written \(Is a directory\)"):
        save_model(small_model(), tmp_path / "m")
    assert [entry.name for entry in tmp_path.iterdir()] == ["m"]


def changed_weights(name: str, value: np.ndarray | None) -> dict[str, np.ndarray]:
    weights = dict(small_model().weights)
    if value is None:
        del weights[name]
    else:
        weights[name] = value
    return weights


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("dense/bias", None, "dense/bias"),
        ("extra/bias", np.zeros(1, np.float32), "extra/bias"),
        (
            "dense/bias",
            np.zeros(4, np.float32),
            r"dense/bias must be .*of shape \(3,\).*\(4,\)",
        ),
        ("dense/bias", np.array([0, np.nan, 0], np.float32), "dense/bias has a value that is not a finite"),
        ("dense/bias", np.array([0, np.inf, 0], np.float32), "dense/bias has a value that is not a finite"),
        ("dense/bias", np.zeros(3, np.float64), "dense/bias must be float32"),
    ],
)
def test_wrong_weights_are_not_written(name: str, value, said: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=said):
        save_model(small_model(weights=changed_weights(name, value)), tmp_path / "m")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "key, value",
    [
        ("provenance", {"loss": float("nan")}),
        ("provenance", {"loss": float("inf")}),
        ("provenance", {"when": object()}),
        ("provenance", {"seed": 10**30}),
        ("preprocessing", json.loads('{"a":' + "[" * 30 + "]" * 30 + "}")),
        ("calibration", {"long": "x" * 1_000_001}),
    ],
    ids=["nan", "infinity", "object", "huge number", "deep", "long"],
)
def test_whatever_is_written_can_be_read_and_what_could_not_be_read_is_not_written(key, value, tmp_path: Path) -> None:
    try:
        save_model(small_model(**{key: value}), tmp_path / "m")
    except ModelFileError:
        assert not list(tmp_path.iterdir())
    else:
        assert getattr(load_model(tmp_path / "m"), key) == value


def test_half_a_surrogate_pair_is_written_as_a_question_mark(tmp_path: Path) -> None:
    save_model(small_model(provenance={"source": "caf\udce9.zip"}), tmp_path / "m")
    assert load_model(tmp_path / "m").provenance == {"source": "caf?.zip"}


@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", ""), ("a", "b", "c" * 201), ("a", "b", "c\x1b[2J")])
def test_class_names_that_do_not_fit_the_network_are_refused(names: tuple) -> None:
    with pytest.raises(ModelFileError, match=r"[Cc]lass name"):
        small_model(class_names=names)


def test_a_network_whose_logits_leave_float32_is_not_written(tmp_path: Path) -> None:
    weights = {name: np.full_like(weight, 3e38) for name, weight in small_model().weights.items()}
    with pytest.raises(ModelFileError, match="finite"):
        save_model(small_model(weights=weights), tmp_path / "m")
    assert not list(tmp_path.iterdir())


def images_in_range(spec: Spec) -> np.ndarray:
    return np.random.default_rng(5).random((2, *spec.input_shape), np.float32)


def test_self_test_images_of_ones_own_lie_in_the_file(tmp_path: Path) -> None:
    model = small_model()
    save_model(model, tmp_path / "m", self_test=images_in_range(model.spec))
    assert_same(load_model(tmp_path / "m"), model)
    assert np.array_equal(load_file(tmp_path / "m")["self_test/images"], images_in_range(model.spec))


def test_one_self_test_image_is_not_enough(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"2 self-test images with finite logits\. Received: 1"):
        save_model(small_model(), tmp_path / "m", self_test=images_in_range(small_model().spec)[:1])


def test_a_network_too_big_for_any_reader_is_not_written(tmp_path: Path) -> None:
    text = "Conv2D(64, 9, padding='same')\n" * 3 + "GlobalAveragePooling2D()\nDense(num_classes, activation='softmax')"
    spec = parse(text, input_shape=(1024, 1024, 3), num_classes=2)
    weights = {name: np.zeros(shape, np.float32) for name, shape in spec.weight_shapes().items()}
    with pytest.raises(ModelFileError, match=r"too big for a model file.*smaller pictures"):
        save_model(Model(spec, weights, ("a", "b")), tmp_path / "m")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("input_shape", [(28, 28, 1), (224, 224, 3)], ids=["28", "224"])
def test_each_preset_is_small_enough_for_a_model_file(name: str, input_shape: tuple[int, int, int]) -> None:
    model_file.check_size(load_spec(name, input_shape=input_shape, num_classes=10))


def test_the_longest_header_that_is_written_is_read(tmp_path: Path) -> None:
    free = safetensors_io.MAX_HEADER_BYTES - 4000
    save_model(small_model(provenance={"log": "x" * free}), tmp_path / "m")
    assert struct.unpack("<Q", (tmp_path / "m").read_bytes()[:8])[0] <= safetensors_io.MAX_HEADER_BYTES
    assert len(load_model(tmp_path / "m").provenance["log"]) == free
