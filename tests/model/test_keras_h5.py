"""An .h5 model, as Keras 2 and 3 save it, is read as safely as a .keras archive; other files are refused by name."""

from __future__ import annotations

import io
import json
import re
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from test_keras_file import AUDIT, LAMBDA

from convscope.api.import_model import import_model
from convscope.errors import ModelFileError
from convscope.model.keras_file import read_keras

PACKED = Path(__file__).parents[1] / "cases" / "keras-versions.zip"
KERNEL = "model_weights/dense/dense/kernel:0"


@pytest.fixture(scope="module")
def content() -> bytes:
    """Flatten, Dense, Dropout, Dense of images without a channel axis, saved by Keras 2.12."""
    with zipfile.ZipFile(PACKED) as archive:
        return archive.read("Keras-2.12/015.h5")


def changed(content: bytes, change: Callable[[Any], None]) -> bytes:
    stream = io.BytesIO(content)
    with h5py.File(stream, "a") as file:
        change(file)
    return stream.getvalue()


def config_of(file: Any) -> dict[str, Any]:
    return json.loads(file.attrs["model_config"])


def config(change: Callable[[dict[str, Any]], None]) -> Callable[[Any], None]:
    def edit(file: Any) -> None:
        described = config_of(file)
        change(described)
        file.attrs["model_config"] = json.dumps(described)

    return edit


def layer(number: int, **changes: Any) -> Callable[[Any], None]:
    return config(lambda described: described["config"]["layers"][number].update(changes))


def attribute(name: str, value: Any, path: str = "/") -> Callable[[Any], None]:
    def edit(file: Any) -> None:
        del file[path].attrs[name]
        if value is not None:
            file[path].attrs[name] = value

    return edit


def dataset(*arguments: Any, **how: Any) -> Callable[[Any], None]:
    def edit(file: Any) -> None:
        del file[KERNEL]
        file.create_dataset(KERNEL, *arguments, **how)

    return edit


def link(make: Callable[[], Any]) -> Callable[[Any], None]:
    def edit(file: Any) -> None:
        del file[KERNEL]
        file[KERNEL] = make()

    return edit


def virtual(file: Any) -> None:
    shape = file[KERNEL].shape
    del file[KERNEL]
    layout = h5py.VirtualLayout(shape, "f4")
    layout[...] = h5py.VirtualSource("secret.h5", "x", shape)
    file.create_virtual_dataset(KERNEL, layout)


def not_a_number(file: Any) -> None:
    file[KERNEL][0, 0] = np.nan


NAMES = "model_weights/dense"
HOSTILE: dict[str, tuple[Callable[[Any], None], str]] = {
    "a Lambda with code": (layer(1, **LAMBDA), "layer 2 is 'Lambda'"),
    "any module and function": (layer(1, module="os", class_name="system", config={"a": "touch marker"}), "'system'"),
    "a class of the author's with a known name": (layer(1, registered_name="evil>Dense", module="evil"), "of 'evil'"),
    "a config that is not JSON": (attribute("model_config", "{"), "is not JSON"),
    "a config that is nested without end": (attribute("model_config", "[" * 50_000 + "]" * 50_000), "nested"),
    "a config that is a number": (attribute("model_config", 7), "not text"),
    "a config that is not UTF-8": (attribute("model_config", np.bytes_(b"\xff\xfe")), "not UTF-8"),
    "a config of a megabyte": (attribute("model_config", '"' + "x" * 1_000_000 + '"'), "not text of at most"),
    "two configs": (attribute("model_config", ["{}", "{}"]), "no Keras model"),
    "weights alone": (attribute("model_config", None), "no Keras model"),
    "Keras 1": (attribute("keras_version", "1.2.2"), "saved by Keras 1.2.2; files of Keras 2 and 3 are read"),
    "a Keras of the future": (attribute("keras_version", "4.0.0"), "saved by Keras 4.0.0"),
    "a version that is none": (attribute("keras_version", "two"), "saved by Keras two"),
    "no version": (attribute("keras_version", None), "not state which Keras"),
    "Theano, whose kernels are turned around": (attribute("backend", "theano"), "on 'theano'"),
    "no weights": (lambda file: file.pop("model_weights"), "it has no weights"),
    "no weights of a layer": (lambda file: file.pop(NAMES), "lack model_weights/dense"),
    "no names of weights": (attribute("weight_names", None, NAMES), "Received: none"),
    "names of other weights": (attribute("weight_names", ["dense/a:0", "dense/b:0"], NAMES), "dense/a:0, dense/b:0"),
    "a name twice": (
        attribute("weight_names", ["dense/kernel:0"] * 3 + ["dense/bias:0"], NAMES), "Expected the weight"),
    "names that climb": (
        attribute("weight_names", ["../../secret/kernel:0", "dense/bias:0"], NAMES), "lack model_weights/dense/.."),
    "six thousand names": (attribute("weight_names", np.array([b"x"] * 6000), NAMES), "more than 5,000"),
    "names that are numbers": (attribute("weight_names", [1, 2], NAMES), "not text"),
    "numbers in another file": (dataset((100, 6), "f4", external=[("secret.bin", 0, 2400)]), "another file"),
    "a virtual dataset": (virtual, "virtual"),
    "a link to another file": (link(lambda: h5py.ExternalLink("secret.h5", "/x")), "no group"),
    "a link inside the file": (link(lambda: h5py.SoftLink("/model_weights/dense_1")), "link"),
    "a shape of petabytes": (dataset((2**40, 2**10), "f4", chunks=(1, 1)), "must have the shape"),
    "numbers in chunks": (lambda file: dataset(file[KERNEL].shape, "f4", chunks=True)(file), "in chunks"),
    "packed numbers": (
        lambda file: dataset(file[KERNEL].shape, "f4", chunks=True, compression="gzip")(file), "packed"),
    "doubles": (lambda file: dataset(file[KERNEL].shape, "f8")(file), "not float32"),
    "another shape": (dataset((3, 3), "f4"), "must have the shape"),
    "not a number": (not_a_number, "not a finite number"),
}  # fmt: skip


def assert_refused(hostile: bytes, words: str, folder: Path) -> None:
    path = folder / "m.h5"
    path.write_bytes(hostile)
    began = time.monotonic()
    tracemalloc.start()
    with pytest.raises(ModelFileError) as caught:
        import_model(path, out=folder / "run")
    grown = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert re.search(re.escape(words), str(caught.value)), str(caught.value)
    assert "m.h5" in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 700
    assert time.monotonic() - began < 5 and grown < 200_000_000
    assert [entry.name for entry in folder.iterdir()] == ["m.h5"], "a refused file leaves nothing behind"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_h5_file_is_refused_in_one_line(name: str, content: bytes, tmp_path: Path) -> None:
    change, words = HOSTILE[name]
    assert_refused(changed(content, change), words, tmp_path)


def test_texts_of_fixed_length_are_read_too(content: bytes, tmp_path: Path) -> None:
    """Old versions of h5py write them so."""

    def edit(file: Any) -> None:
        for name in ("model_config", "keras_version", "backend"):
            file.attrs[name] = np.bytes_(file.attrs[name])
        for group in file["model_weights"].values():
            names = [name.encode() if isinstance(name, str) else name for name in group.attrs["weight_names"]]
            group.attrs["weight_names"] = np.array(names, dtype="S")

    for name, data in {"a.h5": content, "b.h5": changed(content, edit)}.items():
        (tmp_path / name).write_bytes(data)
    ours, theirs = (read_keras(tmp_path / name) for name in ("a.h5", "b.h5"))
    assert ours.spec == theirs.spec and ours.sha256 != theirs.sha256
    assert all(np.array_equal(ours.weights[name], theirs.weights[name]) for name in ours.weights)


def test_random_damage_is_refused_or_harmless(content: bytes, tmp_path: Path) -> None:
    rng, outcomes = np.random.default_rng(0), set()
    path = tmp_path / "m.h5"
    for _ in range(600):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), rng.integers(1, 4)):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(bytes(damaged))
        try:
            outcomes.add(read_keras(path).spec.num_classes)
        except ModelFileError:
            outcomes.add("refused")
    assert outcomes == {3, "refused"}


def test_damage_of_the_heap_of_texts_is_refused_or_harmless(content: bytes, tmp_path: Path) -> None:
    """The sizes and numbers of its objects, where a wrong one could read far, long or for ever."""
    rng, outcomes = np.random.default_rng(1), set()
    path = tmp_path / "m.h5"
    starts = [found.start() for found in re.finditer(b"GCOL", content)]
    assert starts
    values = (0, 1, 2**16, 2**31, 2**32 - 1, 2**63, 2**64 - 1, len(content), len(content) - 1)
    for _ in range(400):
        damaged = bytearray(content)
        start = starts[rng.integers(len(starts))]
        place = start + 8 * int(rng.integers(0, 40))
        damaged[place : place + 8] = struct.pack("<Q", values[rng.integers(len(values))])
        path.write_bytes(bytes(damaged))
        try:
            outcomes.add(read_keras(path).spec.num_classes)
        except ModelFileError:
            outcomes.add("refused")
    assert outcomes == {3, "refused"}


@pytest.mark.parametrize("cut", [0, 1, 8, 100, 2000, -1])
def test_a_file_cut_off_is_refused(cut: int, content: bytes, tmp_path: Path) -> None:
    assert_refused(content[:cut], "", tmp_path)


def test_reading_opens_one_file_and_imports_and_executes_nothing(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    path.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", AUDIT.format(path=str(path))], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr


def weights_of_keras_3(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("layers/dense/vars/0", (3, 3), "f4", data=np.ones((3, 3)))


def weights_of_keras_2(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = ["dense"]


def archive_with(*names: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, b"\x80\x02.")

    return make


def folder_with(*names: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.mkdir()
        for name in names:
            (path / name).write_bytes(b"")

    return make


OTHERS: dict[str, tuple[str, Callable[[Path], Any], str]] = {
    "weights of Keras 3": ("m.weights.h5", weights_of_keras_3, "weights without the network"),
    "weights of Keras 2": ("m.h5", weights_of_keras_2, "weights without the network"),
    "HDF5 of something else": ("m.h5", lambda path: h5py.File(path, "w").close(), "no Keras model"),
    "a SavedModel": ("m", folder_with("saved_model.pb"), "SavedModel folder"),
    "a run of ours": ("run", folder_with("model.safetensors"), "run folder of convscope"),
    "a folder": ("m", folder_with(), "it is a folder"),
    "TensorFlow Lite": ("m.bin", lambda path: path.write_bytes(b"\x1c\0\0\0TFL3\0\0\0\0"), "TensorFlow Lite"),
    "ONNX": ("m.onnx", lambda path: path.write_bytes(b"\x08\x07\x12\x07pytorch"), "ONNX"),
    "PyTorch": ("m.pt", archive_with("m/data.pkl", "m/version"), "PyTorch"),
    "PyTorch under another name": ("m.keras", archive_with("archive/data.pkl"), "PyTorch"),
    "PyTorch of old": ("m.pth", lambda path: path.write_bytes(b"\x80\x02\x8a\x0a"), "PyTorch"),
    "a pickle": ("m.pkl", lambda path: path.write_bytes(b"\x80\x04\x95"), "a pickle"),
    "a pickle under another name": ("m.h5", lambda path: path.write_bytes(b"\x80\x05\x95"), "a pickle"),
    "a frozen graph": ("m.pb", lambda path: path.write_bytes(b"\n\x0b"), "TensorFlow graph"),
    "an architecture": ("m.json", lambda path: path.write_text("{}"), "architecture without weights"),
    "safetensors": ("m.safetensors", lambda path: path.write_bytes(b"\x08\0\0\0\0\0\0\0{}      "), "safetensors"),
    "arrays": ("m.npz", lambda path: np.savez(path, a=np.ones(3)), "NumPy arrays"),
    "a text": ("m.h5", lambda path: path.write_text("model"), "not a whole zip archive"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_kind_of_file_is_named_with_the_way_out(name: str, tmp_path: Path) -> None:
    file, make, words = OTHERS[name]
    make(tmp_path / file)
    with pytest.raises(ModelFileError) as caught:
        read_keras(tmp_path / file)
    assert words in str(caught.value) and file in str(caught.value)
    assert caught.value.hint or words == "not a whole zip archive"
