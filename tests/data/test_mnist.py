"""MNIST in the box: whole, small, quick, and the xz tool agrees."""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import json
import lzma
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from convscope.data import mnist
from convscope.data.readers import load, load_test
from convscope.errors import DataError

SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
PACKER = Path(__file__).resolve().parents[2] / "scripts" / "pack_mnist"


def test_the_xz_tool_unpacks_each_file_to_the_published_bytes():
    for name, sha256 in SHA256.items():
        path = mnist.FOLDER / f"{name}.xz"
        if shutil.which("xz"):
            raw = subprocess.run(["xz", "--decompress", "--stdout", path], capture_output=True, check=True).stdout
        else:
            raw = lzma.decompress(path.read_bytes())
        assert hashlib.sha256(raw).hexdigest() == sha256


def test_the_box_takes_at_most_ten_megabytes():
    assert sum(path.stat().st_size for path in mnist.FOLDER.iterdir() if path.is_file()) <= 10_000_000


def test_pixels_and_labels_are_those_of_the_idx_files():
    test = mnist.load_part("test")
    images = lzma.decompress((mnist.FOLDER / "t10k-images-idx3-ubyte.xz").read_bytes())
    labels = lzma.decompress((mnist.FOLDER / "t10k-labels-idx1-ubyte.xz").read_bytes())
    assert test.pixels.tobytes() == images[16:]
    assert test.labels.tolist() == list(labels[8:])


def test_both_parts_have_the_published_counts():
    data = load("mnist")
    assert data.train.class_counts == (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)
    assert data.test is not None
    assert data.test.class_counts == (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    assert (data.kind, data.preprocessing.fit, data.preprocessing.polarity) == ("mnist", "mnist", "auto")


def test_the_test_part_alone_leaves_the_training_files_untouched(monkeypatch):
    touched = []
    read = mnist._read
    monkeypatch.setattr(mnist, "_read", lambda name: touched.append(name) or read(name))
    assert len(load_test("mnist")) == 10_000
    assert not [name for name in touched if "train" in name]


def test_the_fifteen_wrong_labels_are_those_of_the_paper():
    test = mnist.load_part("test")
    assert test.known_wrong == (
        *(947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729),
    )
    table = json.loads((mnist.FOLDER / "wrong_test_labels.json").read_text())
    assert len(table["relabelled"]) == 10
    assert len(table["no_agreement"]) == 5
    for position, entry in {**table["relabelled"], **table["no_agreement"]}.items():
        assert test.labels[int(position)] == entry["label"]
        assert entry.get("majority") != entry["label"]
    assert mnist.load_part("train").known_wrong == ()


def test_the_label_files_name_their_authors_next_to_the_data():
    text = (mnist.FOLDER / "LICENSE.md").read_text()
    for words in ("Yann LeCun", "Corinna Cortes", "Christopher J.C. Burges", "Share"):
        assert words in text


def _copy_box(monkeypatch, tmp_path: Path) -> Path:
    for path in mnist.FOLDER.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    monkeypatch.setattr(mnist, "FOLDER", tmp_path)
    return tmp_path


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "missing", "other"])
def test_a_damaged_box_is_named(damage, monkeypatch, tmp_path):
    path = _copy_box(monkeypatch, tmp_path) / "t10k-labels-idx1-ubyte.xz"
    raw = bytearray(path.read_bytes())
    if damage == "flip":
        raw[len(raw) // 2] ^= 1
    elif damage == "cut":
        del raw[-100:]
    elif damage == "empty":
        raw.clear()
    elif damage == "other":
        other = lzma.decompress(bytes(raw))
        raw = bytearray(lzma.compress(other[:-1] + bytes([other[-1] ^ 1])))
        index = json.loads((tmp_path / "index.json").read_text())
        index["t10k-labels-idx1-ubyte"]["streams"][0]["packed_bytes"] = len(raw)
        (tmp_path / "index.json").write_text(json.dumps(index))
    path.write_bytes(raw)
    if damage == "missing":
        path.unlink()
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte\.xz.*Reinstall"):
        mnist.load_part("test")


def test_a_part_that_is_not_there_is_refused():
    with pytest.raises(DataError, match=r"Expected part 'train' or 'test'\. Received: part='validation'"):
        mnist.load_part("validation")


def test_the_packer_cuts_into_streams_that_join_to_the_original():
    loader = importlib.machinery.SourceFileLoader("pack_mnist", str(PACKER))
    spec = importlib.util.spec_from_loader("pack_mnist", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    raw = np.random.default_rng(0).integers(0, 9, 10_001, np.uint8).tobytes()
    packed, streams = module.pack(raw, 4)
    assert lzma.decompress(packed) == raw
    assert [stream["raw_bytes"] for stream in streams] == [2501, 2501, 2501, 2498]
    assert {name: entry[0] for name, entry in module.FILES.items()} == SHA256


def test_the_packer_refuses_other_files(tmp_path):
    for name in SHA256:
        (tmp_path / name).write_bytes(b"other")
    done = subprocess.run(
        ["python3", str(PACKER), str(tmp_path), "--out", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "expected train-images-idx3-ubyte with SHA-256" in done.stderr
    assert not list(tmp_path.glob("*.xz"))
