"""A Keras model file is read without Keras: what it says is computed, what it wants is not done."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_files import models, repack, save, weights_of, with_config, with_h5

from convscope.api.import_model import import_model
from convscope.errors import ModelFileError
from convscope.model.forward import logits
from convscope.model.keras_file import read_keras

NAMES = (
    "the tutorial's",
    "pixels rescaled",
    "pixels to -1..1, padded",
    "rescaled twice",
    "logits",
    "softmax as a layer",
    "softmax as an activation",
    "batch normalisation",
    "depthwise and separable",
    "groups and dilation",
    "idle layers",
    "rescaled in the middle",
    "the newer kinds",
    "no channel, flattened",
    "no channel, reshaped",
    "augmentation as a model",
    "models in a model",
    "one sigmoid",
    "branches side by side",
    "a functional line",
    "a shortcut",
    "a shortcut from the image",
    "a rescaled image with a shortcut",
    "ten of a kind",
)


@pytest.mark.parametrize("name", NAMES)
def test_it_computes_what_keras_computes(name: str, tmp_path: Path) -> None:
    model = models()[name]()
    path = save(model, tmp_path / "m.keras")
    imported = import_model(path, out=tmp_path / "run")
    pixels = np.random.default_rng(1).integers(0, 256, (5, *model.input_shape[1:]), np.uint8)
    low, high = (float(end) for end in imported.input_range.split(".."))
    wanted = model.predict(low + (high - low) * pixels.astype(np.float32) / 255, verbose=0)
    if name in ("logits", "no channel, flattened"):
        wanted = np.exp(wanted) / np.exp(wanted).sum(axis=1, keepdims=True)
    if name == "one sigmoid":
        wanted = np.concatenate([1 - wanted, wanted], axis=1)
    spec = imported.run.model.spec
    images = pixels.reshape(5, *spec.input_shape).astype(np.float32) / 255
    ours = logits(spec, imported.run.model.weights, images)
    ours = np.exp(ours - ours.max(axis=1, keepdims=True))
    np.testing.assert_allclose(ours / ours.sum(axis=1, keepdims=True), wanted, atol=1e-5)


def test_the_list_of_models_is_whole() -> None:
    assert tuple(models()) == NAMES


@pytest.mark.parametrize("input_range", ["0..255", "-1..1", "1..0", "-0.4242..2.8215"])
def test_the_range_that_a_person_gives_is_what_the_network_sees(input_range: str, tmp_path: Path) -> None:
    model = models()["the tutorial's"]()
    path = save(model, tmp_path / "m.keras")
    imported = import_model(path, input_range=input_range, out=tmp_path / "run")
    images = np.random.default_rng(2).random((3, 12, 12, 1)).astype(np.float32)
    low, high = (float(end) for end in input_range.split(".."))
    wanted = model.predict(low + (high - low) * images, verbose=0)
    ours = np.exp(logits(imported.run.model.spec, imported.run.model.weights, images).astype(np.float64))
    np.testing.assert_allclose(ours / ours.sum(axis=1, keepdims=True), wanted, atol=1e-4)


def test_layers_that_are_active_in_training_only_are_named(tmp_path: Path) -> None:
    found = read_keras(save(models()["idle layers"](), tmp_path / "m.keras"))
    assert found.idle == ("RandomFlip", "SpatialDropout2D", "GaussianNoise")


# --- files that lie ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return save(models()["pixels rescaled"](), tmp_path_factory.mktemp("keras") / "m.keras").read_bytes()


def layer(number: int, **changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][number] |= changes

    return change


def argument(number: int, **changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][number]["config"] |= changes

    return change


def put(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda config: config.update(changes)


MARKER = "import pathlib; pathlib.Path('marker').write_text('run')"
LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "registered_name": None}
LAMBDA |= {"config": {"name": "l", "function": {"class_name": "__lambda__", "config": {"code": MARKER}}}}


def nest(config: dict[str, Any], depth: int) -> None:
    """A Sequential model around one layer, and one around that, and so on."""
    entry = config["config"]["layers"][2]
    for _ in range(depth):
        inner = {"name": "s", "layers": [entry]}
        entry = {"module": "keras", "class_name": "Sequential", "registered_name": None, "config": inner}
    config["config"]["layers"][2] = entry


CONFIGS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "a Lambda with code (CVE-2024-3660)": (layer(2, **LAMBDA), "layer 3 is 'Lambda'"),
    "any module and function (CVE-2025-1550)": (
        layer(2, module="os", class_name="system", config={"args": ["touch marker"]}), "layer 3 is 'system' of 'os'"),
    "Keras's own functions as gadgets (CVE-2025-8747)": (
        layer(2, module="keras.utils", class_name="get_file", config={"origin": "file:marker"}), "'get_file'"),
    "unsafe deserialisation turned on (CVE-2025-9906)": (
        layer(2, module="keras.config", class_name="enable_unsafe_deserialization", config={}), "layer 3"),
    "a SavedModel of the author's (CVE-2026-1462)": (
        layer(2, class_name="TFSMLayer", config={"filepath": "marker"}), "'TFSMLayer'"),
    "a pickled torch module": (layer(2, class_name="TorchModuleWrapper", config={"module": "gASV"}), "'TorchModule"),
    "a class of the author's with a known name": (
        layer(2, registered_name="evil>Conv2D", module="evil"), "layer 3 is 'Conv2D' of 'evil'"),
    "a known name registered by somebody": (layer(2, registered_name="evil>Conv2D"), "layer 3"),
    "a model without layers inside the model": (
        layer(2, module="keras", class_name="Sequential"), "layer 3 must have a list"),
    "a functional model inside the model": (layer(2, module="keras", class_name="Functional"), "'Functional'"),
    "a model inside itself, six deep": (lambda config: nest(config, 6), "nested more than 12 deep"),
    "five hundred layers": (
        lambda config: config["config"]["layers"].extend([config["config"]["layers"][2]] * 500), "must have a list"),
    "a line that claims to be a graph": (put(class_name="Functional"), "one input"),
    "a class that is a number": (put(class_name=7), "Expected a Sequential or functional model"),
    "a list where the model should be": (put(config=[]), "must have a list"),
    "no layers": (lambda config: config["config"].update(layers=[]), "must have a list"),
    "ten thousand layers": (lambda config: config["config"]["layers"].extend([{}] * 10_000), "must have a list"),
    "a layer that is a text": (lambda config: config["config"]["layers"].insert(2, "Conv2D"), "layer 3"),
    "a layer without arguments": (layer(2, config=None), "layer 3"),
    "a layer that we do not have": (layer(2, class_name="LSTM"), "layer 3 is 'LSTM'"),
    "channels first": (argument(2, data_format="channels_first"), "data_format='channels_first'"),
    "an unknown argument": (argument(2, run="me"), "the argument 'run'"),
    "an activation of the author's": (
        argument(2, activation={"module": "builtins", "class_name": "function", "config": "eval"}), "activation"),
    "an activation that we do not have": (argument(2, activation="glu"), "activation"),
    "a negative kernel": (argument(2, kernel_size=[-3, 3]), "kernel_size"),
    "a kernel of texts": (argument(2, kernel_size=["3", "3"]), "kernel_size"),
    "no kernel": (lambda config: config["config"]["layers"][2]["config"].pop("kernel_size"), "lacks kernel_size"),
    "a billion filters": (argument(2, filters=10**9), "layer"),
    "filters as a truth value": (argument(2, filters=True), "filters"),
    "low-rank weights": (argument(4, lora_rank=4), "lora_rank"),
    "a quantised layer": (argument(4, quantization_config={"mode": "int8"}), "quantization_config"),
    "a ReLU up to 5": (
        layer(3, class_name="ReLU", config={"max_value": 5, "negative_slope": 0.0, "threshold": 0.0}), "max_value=5"),
    "a ReLU from 1": (
        layer(3, class_name="ReLU", config={"max_value": 6, "negative_slope": 0.0, "threshold": 1.0}), "max_value=6"),
    "an ELU of another kind": (layer(3, class_name="ELU", config={"alpha": 0.5}), "alpha=0.5"),
    "a flag where zero is meant": (
        layer(3, class_name="ReLU", config={"negative_slope": False}), "negative_slope=False"),
    "a scale of texts": (argument(1, scale="1/255"), "scale must be a number"),
    "an endless scale": (argument(1, scale=1e300), "scale must be a number"),
    "no input shape": (
        lambda config: (
            config["config"].pop("build_input_shape"), config.pop("build_config"),
            argument(0, batch_shape=None)(config)),
        "fixed size",
    ),
    "an input of any size": (argument(0, batch_shape=[None, None, None, 1]), "fixed size"),
    "an input of a million rows": (argument(0, batch_shape=[None, 10**6, 12, 1]), "1 to 1024"),
    "several sigmoids": (argument(4, activation="sigmoid"), "3 sigmoids"),
    "one number": (argument(4, units=1, activation="linear"), "a regression, or a logit"),
    "units that the weights do not have": (argument(4, units=4), "must have the shape"),
    "a bias that the weights do not have": (argument(2, use_bias=False), "Expected 1 weight arrays"),
}  # fmt: skip


def tensors(index: int) -> Callable[[dict[str, Any]], list[Any]]:
    return lambda config: config["config"]["layers"][index]["inbound_nodes"][0]["args"]


def history(index: int, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(config: dict[str, Any]) -> None:
        (given,) = tensors(index)(config)
        (given[0] if isinstance(given, list) else given)["config"]["keras_history"] = value

    return change


def called(index: int, **options: Any) -> Callable[[dict[str, Any]], None]:
    return lambda config: config["config"]["layers"][index]["inbound_nodes"][0]["kwargs"].update(options)


def described(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda config: config["config"].update(changes)


# 0 input, 1 conv2d, 2 add, 3 flatten, 4 dense
GRAPHS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "a layer that takes itself": (history(2, ["add", 0, 0]), "does not come before it"),
    "a circle": (history(1, ["add", 0, 0]), "layer 2 takes the output of a layer that does not come before it"),
    "a layer that there is not": (history(1, ["nobody", 0, 0]), "does not come before it"),
    "a layer that stands for the image": (history(1, ["input", 0, 0]), "does not come before it"),
    "the second output of a layer": (history(2, ["conv2d", 0, 1]), "layer 3 must be called once"),
    "the second call of a layer": (history(2, ["conv2d", 1, 0]), "layer 3 must be called once"),
    "a history of texts": (history(2, "add"), "layer 3 must be called once"),
    "a history of lists": (history(2, [["conv2d"], 0, 0]), "layer 3 must be called once"),
    "a layer that is called twice": (
        lambda config: config["config"]["layers"][1]["inbound_nodes"].append({"args": []}), "called once"),
    "a layer that is never called": (
        lambda config: config["config"]["layers"][1]["inbound_nodes"].clear(), "layer 2 must be called once"),
    "a call with code": (called(1, hook="os.system"), "layer 2 must be called once"),
    "a call that trains": (called(1, training=True), "layer 2 must be called once"),
    "a call on a number": (lambda config: tensors(2)(config).__setitem__(0, 7), "layer 3 must be called once"),
    "a call on a million tensors": (
        lambda config: tensors(2)(config)[0].extend(tensors(2)(config)[0][:1] * 1000), "layer 3 must be called once"),
    "two inputs": (lambda config: config["config"]["layers"].insert(1, config["config"]["layers"][0]), "one input"),
    "an input that is not listed": (described(input_layers=["conv2d", 0, 0]), "one input"),
    "two outputs": (described(output_layers=[["dense", 0, 0], ["add", 0, 0]]), "one output"),
    "an output in the middle": (described(output_layers=["add", 0, 0]), "one output"),
    "no outputs": (described(output_layers=[]), "one output"),
    "outputs as a text": (described(output_layers="dense"), "one output"),
    "a name that is a list": (layer(1, name=["conv2d"]), "has no name"),
    "two layers of one name": (layer(1, name="add"), "must have different names|does not come before"),
    "a branch without a use": (history(3, ["conv2d", 0, 0]), "must be used"),
    "shapes that do not add": (argument(1, filters=2), "two or more inputs of one shape"),
    "a layer that we do not have": (layer(2, class_name="Dot"), "layer 3 is 'Dot'"),
    "a Lambda in a branch": (layer(1, **LAMBDA), "layer 2 is 'Lambda'"),
    "a model inside the model": (layer(1, module="keras", class_name="Functional"), "layer 2 is 'Functional'"),
}  # fmt: skip


def member(archive: bytes, name: str, value: bytes) -> bytes:
    out = io.BytesIO(archive)
    with zipfile.ZipFile(out, "a") as added:
        added.writestr(name, value)
    return out.getvalue()


def symbolic(file: Any) -> None:
    import h5py

    del file["layers/conv2d/vars/0"]
    file["layers/conv2d/vars/0"] = h5py.SoftLink("/layers/dense/vars/0")


def elsewhere(file: Any) -> None:
    import h5py

    del file["layers/conv2d/vars/0"]
    file["layers/conv2d/vars/0"] = h5py.ExternalLink("secret.h5", "/x")


def external(file: Any) -> None:
    del file["layers/conv2d/vars/0"]
    file.create_dataset("layers/conv2d/vars/0", (3, 3, 1, 3), "f4", external=[("secret.bin", 0, 108)])


def virtual(file: Any) -> None:
    import h5py

    del file["layers/conv2d/vars/0"]
    layout = h5py.VirtualLayout((3, 3, 1, 3), "f4")
    layout[...] = h5py.VirtualSource("secret.h5", "x", (3, 3, 1, 3))
    file.create_virtual_dataset("layers/conv2d/vars/0", layout)


def other(path: str, shape: tuple[int, ...], dtype: str = "f4", **how: Any) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        del file[path]
        file.create_dataset(path, shape, dtype, **how)

    return change


def number(path: str, value: float) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        file[path][0] = value

    return change


KERNEL = "layers/conv2d/vars/0"
H5: dict[str, tuple[Callable[[Any], None], str]] = {
    "numbers in another file (CVE-2026-1669)": (external, "another file"),
    "a virtual dataset": (virtual, "virtual"),
    "a link to another file": (elsewhere, "no group"),
    "a link inside the file": (symbolic, "link"),
    "a shape of petabytes (CVE-2026-0897)": (other(KERNEL, (2**40, 2**10), chunks=(1, 1)), "must have the shape"),
    "numbers in chunks": (other(KERNEL, (3, 3, 1, 3), chunks=(3, 3, 1, 3)), "in chunks"),
    "packed numbers": (other(KERNEL, (3, 3, 1, 3), chunks=(3, 3, 1, 3), compression="gzip"), "packed"),
    "doubles": (other(KERNEL, (3, 3, 1, 3), "f8"), "not float32"),
    "whole numbers": (other(KERNEL, (3, 3, 1, 3), "i4"), "not float32"),
    "big-endian numbers": (other(KERNEL, (3, 3, 1, 3), ">f4"), "not float32"),
    "another shape of the same size": (other(KERNEL, (3, 1, 3, 3)), "must have the shape"),
    "one axis more": (other(KERNEL, (3, 3, 1, 3, 1)), "must have the shape"),
    "numbers that were never written": (other(KERNEL, (3, 3, 1, 3)), "point to byte"),
    "a group where numbers should be": (
        lambda file: (file.pop(KERNEL), file.create_group(KERNEL)), "not a dataset"),
    "no weights of a layer": (lambda file: file.pop("layers/dense"), "lack layers/dense"),
    "a weight too many": (
        lambda file: file.create_dataset("layers/dense/vars/2", (3,), "f4", data=[1, 2, 3]), "Expected 2 weight"),
    "not a number": (number("layers/dense/vars/1", np.nan), "not a finite number"),
    "infinity": (number("layers/dense/vars/1", np.inf), "not a finite number"),
}  # fmt: skip

ARCHIVES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "an empty file": (lambda content: b"", "not a whole zip archive"),
    "a text": (lambda content: b"model", "not a whole zip archive"),
    "a pickle": (lambda content: b"\x80\x04cos\nsystem\n(S'touch marker'\ntR.", "is a pickle"),
    "half an archive": (lambda content: content[: len(content) // 2], "not a whole zip archive"),
    "weights alone": (weights_of, "weights without the network"),
    "no config": (lambda content: repack(content, config=None), "lacks config.json"),
    "no weights": (lambda content: repack(content, weights=None), "lacks model.weights.h5"),
    "no metadata": (lambda content: repack(content, metadata=None), "lacks metadata.json"),
    "metadata that are a list": (lambda content: repack(content, metadata=b"[]"), "which Keras"),
    "a config that is not JSON": (lambda content: repack(content, config=b"{"), "is not JSON"),
    "a config that is not UTF-8": (lambda content: repack(content, config=b"\xff\xfe"), "not UTF-8"),
    "a config of 100 MB in 100 kB": (
        lambda content: repack(content, config=b" " * 100_000_000, form=zipfile.ZIP_DEFLATED), "more than"),
    "a config that is nested without end": (
        lambda content: repack(content, config=b"[" * 100_000 + b"]" * 100_000), "nested"),
    "a key twice": (lambda content: repack(content, config=b'{"a":1,"a":2}'), "a key twice"),
    "weights that are a text": (lambda content: repack(content, weights=b"weights"), "not an HDF5 file"),
    "weights of a newer format": (
        lambda content: repack(content, weights=weights_of(content)[:8] + b"\3" + weights_of(content)[9:]),
        "another version"),
    "weights cut off": (lambda content: repack(content, weights=weights_of(content)[:-1]), "not one whole"),
    "weights with something behind": (lambda content: repack(content, weights=weights_of(content) + b"x"), "not one"),
    "two configs": (lambda content: member(content, "config.json", b"{}"), "twice"),
    "a thousand members": (
        lambda content: repack(content, **{f"../x{index}": b"" for index in range(1000)}), "members"),
}  # fmt: skip


def assert_refused(hostile: bytes, words: str, folder: Path) -> None:
    path = folder / "m.keras"
    path.write_bytes(hostile)
    began = time.monotonic()
    tracemalloc.start()
    with pytest.raises(ModelFileError) as caught:
        import_model(path, out=folder / "run")
    grown = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert re.search(words if "|" in words else re.escape(words), str(caught.value)), str(caught.value)
    said = str(caught.value).replace(str(folder), "")
    assert "m.keras" in said and "\n" not in said and len(said) < 500
    assert time.monotonic() - began < 5 and grown < 200_000_000
    assert [entry.name for entry in folder.iterdir()] == ["m.keras"], "a refused file leaves nothing behind"


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ARCHIVES)
def test_a_hostile_archive_is_refused_in_one_line(name: str, content: bytes, tmp_path: Path) -> None:
    make, words = ARCHIVES[name]
    assert_refused(make(content), words, tmp_path)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_hostile_config_is_refused_in_one_line_and_does_nothing(name: str, content: bytes, tmp_path: Path) -> None:
    change, words = CONFIGS[name]
    assert_refused(with_config(content, change), words, tmp_path)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    from convscope.model.tensorflow import keras

    keras.backend.clear_session()  # the layers have the names that the cases below use
    model = models()["a shortcut from the image"]()
    return save(model, tmp_path_factory.mktemp("graph") / "m.keras").read_bytes()


@pytest.mark.parametrize("name", GRAPHS)
def test_a_hostile_graph_is_refused_in_one_line(name: str, graph: bytes, tmp_path: Path) -> None:
    change, words = GRAPHS[name]
    assert_refused(with_config(graph, change), words, tmp_path)


def test_a_shortcut_is_read_as_a_graph(graph: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.keras").write_bytes(graph)
    found = read_keras(tmp_path / "m.keras")
    assert [(row.name, row.inputs) for row in found.spec.table()[:3]] == [
        ("conv2d", ("input",)),
        ("add", ("conv2d", "input")),
        ("flatten", ("add",)),
    ]


@pytest.mark.parametrize("name", H5)
def test_hostile_weights_are_refused_in_one_line(name: str, content: bytes, tmp_path: Path) -> None:
    change, words = H5[name]
    assert_refused(with_h5(content, change), words, tmp_path)


def test_members_that_nobody_asked_for_are_not_looked_at(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    path.write_bytes(repack(content, **{"../../marker": b"x", "assets/vocabulary.txt": b"x"}))
    assert read_keras(path).spec.num_classes == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.keras"]


def test_random_damage_is_refused_or_harmless(content: bytes, tmp_path: Path) -> None:
    """Bytes of the weights' structure, not only of their numbers: the archive's own checksum is written anew."""
    rng = np.random.default_rng(0)
    weights, outcomes = weights_of(content), set()
    path = tmp_path / "m.keras"
    for _ in range(600):
        damaged = bytearray(weights)
        for place in rng.integers(0, len(weights), rng.integers(1, 4)):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(repack(content, weights=bytes(damaged)))
        try:
            outcomes.add(read_keras(path).spec.num_classes)
        except ModelFileError:
            outcomes.add("refused")
    assert outcomes == {3, "refused"}


def test_a_tree_that_goes_in_circles_ends(content: bytes, tmp_path: Path) -> None:
    weights = bytearray(weights_of(content))
    node = weights.index(b"TREE")
    weights[node + 5] = 3
    weights[node + 6 : node + 8] = (2000).to_bytes(2, "little")
    for index in range(200):
        start = node + 32 + 16 * index
        weights[start : start + 8] = node.to_bytes(8, "little")
    assert_refused(repack(content, weights=bytes(weights)), "", tmp_path)


AUDIT = """
import sys
from convscope.model.keras_file import read_keras
read_keras({path!r})  # once, so that whatever Python loads late is loaded
seen = []
sys.addaudithook(lambda event, arguments: seen.append((event, arguments)))
read_keras({path!r})
opened = [arguments[0] for event, arguments in seen if event == "open"]
assert opened == [{path!r}], opened
names = {{event for event, _ in seen}}
forbidden = ("import", "exec", "compile", "marshal.loads", "pickle.find_class", "subprocess.Popen", "os.system",
             "socket.connect", "ctypes.dlopen", "os.listdir", "os.remove", "os.rename", "os.mkdir")
assert not names & set(forbidden), names
assert not {{"h5py", "keras", "tensorflow"}} & set(sys.modules), "read without them"
"""


def test_reading_opens_one_file_and_imports_and_executes_nothing(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    path.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", AUDIT.format(path=str(path))], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr


# --- as a person runs it ----------------------------------------------------------------------------------------


def test_what_is_imported_is_opened_explained_evaluated_and_predicted_with(
    content: bytes, convscope: Callable[..., Any], tmp_path: Path
) -> None:
    from PIL import Image

    (tmp_path / "m.keras").write_bytes(content)
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "d.npz", images=rng.integers(0, 256, (60, 12, 12), np.uint8), labels=np.arange(60) % 3)
    Image.fromarray(rng.integers(0, 256, (30, 20), np.uint8)).save(tmp_path / "p.png")
    done = convscope("import", "m.keras", "--data", "d.npz", "--out", "run", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["assumed"] == ["input_range"] and told["input_range"] == "0..255"
    assert told["evaluation"]["accuracy"]["n"] == 9
    for words in (
        ("open", "run"),
        ("explain", "p.png", "--run", "run"),
        ("evaluate", "run"),
        ("predict", "--run", "run", "p.png"),
    ):
        done = convscope(*words, cwd=tmp_path)
        assert done.returncode == 0, (words, done.stderr)
    assert (tmp_path / "run" / "page.html").stat().st_size > 100_000


def test_without_data_it_says_what_it_assumes_and_what_to_evaluate_on(
    content: bytes, convscope: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "m.keras").write_bytes(content)
    done = convscope(
        "import", "m.keras", "--class-names", "cat, dog, owl", "--fit", "crop", "--out", "run", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "cat, dog, owl" in done.stdout and "fit crop" in done.stdout
    assert "--input-range, --polarity" in done.stdout
    done = convscope("evaluate", "run", cwd=tmp_path)
    assert done.returncode == 1 and "imported without any" in done.stderr
    done = convscope("open", "run", cwd=tmp_path)
    assert done.returncode == 0 and (tmp_path / "run" / "page.html").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--class-names", "a,b"), "3 different class names"),
        (("--class-names", "a,b,b"), "3 different class names"),
        (("--input-range", "white"), "LOW..HIGH"),
        (("--input-range", "1..1"), "LOW..HIGH"),
        (("--input-range", "1e-320..0"), "pictures that differ after rescaling"),
        (("--input-range", "0..1e300"), "LOW..HIGH"),
        (("--data", "mnist"), "3 different class names"),
    ],
)
def test_an_option_that_does_not_fit_is_one_clear_line(
    words: tuple[str, ...], says: str, content: bytes, convscope: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "m.keras").write_bytes(content)
    done = convscope("import", "m.keras", "--out", "run", *words, cwd=tmp_path)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()
