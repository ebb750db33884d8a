"""What happens seldom to files of models: limits, files that change, systems that lack something."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from keras_files import models, repack, save, weights_of, with_config

from convscope.errors import ModelFileError
from convscope.model import hdf5
from convscope.model.files import read_small, replace_file
from convscope.model.keras_file import read_keras
from convscope.model.model_file import load_model
from convscope.model.safetensors_io import encode, open_file, plain


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return save(models()["the tutorial's"](), tmp_path_factory.mktemp("keras") / "m.keras").read_bytes()


def test_a_path_with_a_null_is_no_model() -> None:
    with pytest.raises(ModelFileError, match="null byte"):
        load_model("a\0b")


def test_a_file_above_its_limit_is_not_written() -> None:
    with pytest.raises(ModelFileError, match="at most 100 bytes"):
        encode("{}", {"w": np.zeros(40, np.float32)}, max_bytes=100)


def test_keys_that_are_no_texts_are_not_plain() -> None:
    with pytest.raises(ModelFileError, match="plain JSON"):
        plain({1: 2}, "provenance")


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"".join(encode("{}", {"w": np.zeros(40, np.float32)})))
    real = os.fstat

    def larger(descriptor: int) -> os.stat_result:
        about = list(real(descriptor))
        about[6] += 1
        return os.stat_result(about)

    monkeypatch.setattr(os, "fstat", larger)
    with pytest.raises(ModelFileError, match="changed while it was read"):
        open_file(path)


def test_where_folders_cannot_be_synchronised_files_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m"
    monkeypatch.setattr(os, "name", "nt")
    replace_file(path, [b"content"])
    monkeypatch.undo()
    assert path.read_bytes() == b"content"


@pytest.mark.parametrize("name", ["folder", "nothing"])
def test_what_is_no_file_is_no_keras_model(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelFileError, match=name):
        read_keras(tmp_path / name)


def test_a_model_of_nothing_but_an_input_is_refused(content: bytes, tmp_path: Path) -> None:
    def empty(config: dict) -> None:
        del config["config"]["layers"][1:]

    (tmp_path / "m.keras").write_bytes(with_config(content, empty))
    with pytest.raises(ModelFileError, match="no layer"):
        read_keras(tmp_path / "m.keras")


def test_weights_that_state_another_length_than_their_shape_are_refused(content: bytes, tmp_path: Path) -> None:
    weights = bytearray(weights_of(content))
    place = weights.index((4 * 3 * 3 * 4).to_bytes(8, "little"))
    weights[place : place + 8] = (4 * 3 * 3 * 4 + 4).to_bytes(8, "little")
    (tmp_path / "m.keras").write_bytes(repack(content, weights=bytes(weights)))
    with pytest.raises(ModelFileError, match="148 bytes instead of 144"):
        read_keras(tmp_path / "m.keras")


def test_weights_with_more_nodes_than_there_may_be_are_refused(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hdf5, "MAX_NODES", 20)
    (tmp_path / "m.keras").write_bytes(content)
    with pytest.raises(ModelFileError, match="more than 20 nodes"):
        read_keras(tmp_path / "m.keras")


def test_a_name_as_long_as_a_name_may_be_is_written(tmp_path: Path) -> None:
    for name in ("x" * 251 + ".png", "\U0001f600" * 62 + ".png"):
        replace_file(tmp_path / name, [b"content"])
        assert (tmp_path / name).read_bytes() == b"content"
    assert len(list(tmp_path.iterdir())) == 2


def test_only_an_ordinary_file_is_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileExistsError, match="Not an ordinary file"):
        replace_file(tmp_path / "pipe", [b"content"])
    with pytest.raises(IsADirectoryError):
        replace_file(tmp_path, [b"content"])
    assert (tmp_path / "pipe").is_fifo() and len(list(tmp_path.iterdir())) == 1


def test_a_small_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"12345")
    assert read_small(tmp_path / "f", 5) == b"12345"
    with pytest.raises(ModelFileError, match="more than 4 bytes"):
        read_small(tmp_path / "f", 4)
