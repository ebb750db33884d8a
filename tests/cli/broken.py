"""Files and folders that are wrong in one way each, and what a person would type to run into them."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import shutil
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

Arguments = list[object]


@dataclass(frozen=True)
class Place:
    """Where a case happens: an empty working folder, and good things to break copies of."""

    folder: Path
    run: Path
    shapes: Path

    def copy_run(self) -> Path:
        copy = self.folder / "copy"
        copy.mkdir()
        for name in ("model.safetensors", "run.json", "config.toml"):
            shutil.copyfile(self.run / name, copy / name)
        return copy

    def good_data(self) -> Path:
        """Forty little pictures of noise: read in no time."""
        pixels = np.random.default_rng(0).integers(0, 256, (40, 28, 28), np.uint8)
        np.savez(self.folder / "good.npz", images=pixels, labels=np.arange(40) % 4)
        return self.folder / "good.npz"

    def write(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


@dataclass(frozen=True)
class Case:
    """One wrong thing.

    Attributes:
        make: Prepares the folder and gives what to type.
        says: Words that the message must have.
        code: The exit code.
    """

    make: Callable[[Place], Arguments]
    says: tuple[str, ...]
    code: int = 1


CASES: dict[str, Case] = {}


def case(*says: str, code: int = 1) -> Callable[[Callable[[Place], Arguments]], Callable[[Place], Arguments]]:
    def enter(make: Callable[[Place], Arguments]) -> Callable[[Place], Arguments]:
        CASES[make.__name__.replace("_", " ")] = Case(make, says, code)
        return make

    return enter


def png_bytes(*, h: int = 12, w: int = 9) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.arange(h * w, dtype=np.uint8).reshape(h, w)).save(file, "PNG")
    return file.getvalue()


def png_that_claims(w: int, h: int) -> bytes:
    """A PNG whose header has the size and whose data is a few bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def idx(magic: bytes, shape: tuple[int, ...], content: bytes) -> bytes:
    return magic + struct.pack(f">{len(shape)}I", *shape) + content


IMAGES, LABELS = b"\0\0\x08\x03", b"\0\0\x08\x01"


# What is trained on.


@case("whiten needs a network that begins with a Conv2D", code=2)
def whitening_where_there_is_no_convolution(place: Place) -> Arguments:
    place.write("mine.txt", "Flatten()\nDense(num_classes, activation='softmax')\n")
    return ["train", place.good_data(), "--model", "mine.txt", "--whiten", "--out", "run"]


@case("printable characters", r"'b\n'")
def an_npz_with_a_class_whose_name_ends_the_line(place: Place) -> Arguments:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 28, 28), np.uint8)
    np.savez(place.folder / "data.npz", x=pixels, y=np.arange(40) % 2, class_names=np.array(["a", "b\n"]))
    return ["train", place.folder / "data.npz"]


@case("quik", "Did you mean quick", code=2)
def an_unknown_preset(place: Place) -> Arguments:
    return ["train", place.good_data(), "--model", "quik"]


@case("layer 3", "5×5", "4×4")
def a_spec_that_does_not_fit(place: Place) -> Arguments:
    lines = ["AveragePooling2D(6)", "ReLU()", "Conv2D(8, 5)", "Flatten()", "Dense(num_classes, activation='softmax')"]
    place.write("mine.txt", "\n".join(lines))
    return ["train", place.good_data(), "--model", "mine.txt"]


@case("line 1", "Cnov2D", "Did you mean Conv2D")
def a_spec_with_a_slip_of_the_pen(place: Place) -> Arguments:
    place.write("mine.txt", "Cnov2D(8, 3)\nFlatten()\nDense(num_classes, activation='softmax')\n")
    return ["train", place.good_data(), "--model", "mine.txt"]


@case("line 1", "Expected a layer")
def a_spec_that_is_a_program(place: Place) -> Arguments:
    place.write("mine.txt", "__import__('pathlib').Path('owned').touch() or Flatten()\n")
    return ["train", place.good_data(), "--model", "mine.txt"]


@case("mine.txt", "text")
def a_binary_spec_file(place: Place) -> Arguments:
    place.write("mine.txt", bytes(range(256)))
    return ["train", place.good_data(), "--model", "mine.txt"]


@case("nowhere", "not found")
def data_that_is_missing(place: Place) -> Arguments:
    return ["train", "nowhere"]


@case("void")
def an_empty_folder(place: Place) -> Arguments:
    (place.folder / "void").mkdir()
    return ["train", "void"]


@case("2 classes", "bar")
def one_class_only(place: Place) -> Arguments:
    shutil.copytree(place.shapes / "bar", place.folder / "photos" / "bar")
    return ["train", "photos"]


@case("pole")
def a_class_with_one_image(place: Place) -> Arguments:
    shutil.copytree(place.shapes, place.folder / "photos")
    for path in sorted((place.folder / "photos" / "pole").iterdir())[1:]:
        path.unlink()
    return ["train", "photos"]


@case("pole")
def an_empty_class(place: Place) -> Arguments:
    shutil.copytree(place.shapes, place.folder / "photos")
    shutil.rmtree(place.folder / "photos" / "pole")
    (place.folder / "photos" / "pole").mkdir()
    return ["train", "photos"]


@case("photos", "readable")
def a_folder_with_too_many_unreadable_images(place: Place) -> Arguments:
    shutil.copytree(place.shapes, place.folder / "photos")
    for path in sorted((place.folder / "photos" / "pole").iterdir())[:30]:
        path.write_bytes(path.read_bytes()[:60])
    return ["train", "photos"]


@case("train-images-idx3-ubyte")
def an_idx_header_that_lies_about_its_size(place: Place) -> Arguments:
    place.write("digits/train-images-idx3-ubyte", idx(IMAGES, (60_000, 28, 28), bytes(5000)))
    place.write("digits/train-labels-idx1-ubyte", idx(LABELS, (60_000,), bytes(60_000)))
    return ["train", "digits"]


@case("train-images-idx3-ubyte")
def an_idx_header_that_asks_for_all_memory(place: Place) -> Arguments:
    place.write("digits/train-images-idx3-ubyte", idx(IMAGES, (2**32 - 1,) * 3, bytes(5000)))
    place.write("digits/train-labels-idx1-ubyte", idx(LABELS, (2**32 - 1,), bytes(100)))
    return ["train", "digits"]


@case("train-images-idx3-ubyte.gz")
def a_truncated_gz(place: Place) -> Arguments:
    noise = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)
    whole = gzip.compress(idx(IMAGES, (20, 28, 28), noise.tobytes()))
    place.write("digits/train-images-idx3-ubyte.gz", whole[: len(whole) // 2])
    place.write("digits/train-labels-idx1-ubyte.gz", gzip.compress(idx(LABELS, (20,), bytes([0, 1] * 10))))
    return ["train", "digits"]


@case("train-images-idx3-ubyte.gz")
def a_gzip_bomb(place: Place) -> Arguments:
    bomb = gzip.compress(idx(IMAGES, (20, 28, 28), bytes(200_000_000)), compresslevel=1)
    place.write("digits/train-images-idx3-ubyte.gz", bomb)
    place.write("digits/train-labels-idx1-ubyte.gz", gzip.compress(idx(LABELS, (20,), bytes([0, 1] * 10))))
    return ["train", "digits"]


class Intruder:
    """Unpickling this leaves a file called owned."""

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("owned"),)


@case("set.npz", "would execute code")
def an_npz_with_pickled_objects(place: Place) -> Arguments:
    pixels = np.empty(20, object)
    pixels[:] = [Intruder()] * 20
    assert b"touch" in pickle.dumps(pixels)
    np.savez(place.folder / "set.npz", images=pixels, labels=np.arange(20) % 2)
    return ["train", "set.npz"]


@case("set.npz", "nan")
def nan_pixels_in_an_npz(place: Place) -> Arguments:
    pixels = np.zeros((20, 8, 8), np.float32)
    pixels[7, 3, 2] = np.nan
    np.savez(place.folder / "set.npz", images=pixels, labels=np.arange(20) % 2)
    return ["train", "set.npz"]


@case("set.npz")
def a_truncated_npz(place: Place) -> Arguments:
    np.savez(place.folder / "set.npz", images=np.zeros((20, 8, 8), np.uint8), labels=np.arange(20) % 2)
    path = place.folder / "set.npz"
    path.write_bytes(path.read_bytes()[:900])
    return ["train", "set.npz"]


@case("set.npz", "labels", "-3")
def labels_out_of_range(place: Place) -> Arguments:
    labels = np.arange(20) % 2
    labels[4] = -3
    np.savez(place.folder / "set.npz", images=np.zeros((20, 8, 8), np.uint8), labels=labels)
    return ["train", "set.npz"]


@case("set.npz")
def a_test_label_that_nothing_was_learnt_about(place: Place) -> Arguments:
    pixels, labels = np.zeros((20, 8, 8), np.uint8), np.arange(20) % 2
    np.savez(place.folder / "set.npz", x_train=pixels, y_train=labels, x_test=pixels, y_test=labels + 8)
    return ["train", "set.npz"]


@case("table.csv", "line 4")
def a_ragged_csv(place: Place) -> Arguments:
    row = ",".join("0" for _ in range(16))
    head = "label," + ",".join(f"pixel{index}" for index in range(16))
    place.write("table.csv", "\n".join([head, f"0,{row}", f"1,{row}", f"0,{row},7", f"1,{row}"]) + "\n")
    return ["train", "table.csv"]


@case("single image")
def one_picture_as_a_data_set(place: Place) -> Arguments:
    place.write("digit.png", png_bytes())
    return ["train", "digit.png"]


# How it is trained.


@case("epochs", "nan", code=2)
def not_a_number_of_epochs(place: Place) -> Arguments:
    return ["train", "--epochs", "nan"]


@case("epochs", "-1", code=2)
def fewer_than_no_epochs(place: Place) -> Arguments:
    return ["train", "--epochs", "-1"]


@case("epochs", "abc", code=2)
def epochs_in_letters(place: Place) -> Arguments:
    return ["train", "--epochs", "abc"]


@case("batch_size", "0", code=2)
def an_empty_batch(place: Place) -> Arguments:
    return ["train", "--batch-size", "0"]


@case("seed", "-5", code=2)
def a_negative_seed(place: Place) -> Arguments:
    return ["train", "--seed", "-5"]


@case("optimizer", "adamw", code=2)
def an_unknown_optimizer(place: Place) -> Arguments:
    return ["train", "--optimizer", "adamw"]


@case("size", "0", code=2)
def pictures_without_a_side(place: Place) -> Arguments:
    return ["train", str(place.shapes), "--size", "0"]


@case("file/run")
def an_out_below_a_file(place: Place) -> Arguments:
    place.write("file", "x")
    return ["train", place.good_data(), "--out", "file/run"]


@case("/proc/runs")
def an_out_that_cannot_be_written(place: Place) -> Arguments:
    return ["train", place.good_data(), "--out", "/proc/runs"]


@case("full", "not empty")
def an_out_that_is_not_empty(place: Place) -> Arguments:
    place.write("full/diary.txt", "dear diary")
    return ["train", place.good_data(), "--out", "full"]


@case("config.toml", "No such file", code=2)
def a_config_that_is_missing(place: Place) -> Arguments:
    return ["train", "--config", "config.toml"]


@case("config.toml", "TOML", code=2)
def a_config_of_nonsense(place: Place) -> Arguments:
    place.write("config.toml", "]]] what\n")
    return ["train", "--config", "config.toml"]


@case("config.toml", "TOML", code=2)
def a_config_of_bytes(place: Place) -> Arguments:
    place.write("config.toml", bytes(range(256)))
    return ["train", "--config", "config.toml"]


@case("config.toml", "epoch_count", code=2)
def a_config_with_an_unknown_word(place: Place) -> Arguments:
    place.write("config.toml", 'epoch_count = 3\nmodel = "quick"\n')
    return ["train", "--config", "config.toml"]


@case("config.toml", "epochs", code=2)
def a_config_with_a_value_of_another_kind(place: Place) -> Arguments:
    place.write("config.toml", "epochs = [3]\n")
    return ["train", "--config", "config.toml"]


@case("deep.toml", "nested too deeply", code=2)
def a_config_without_a_bottom(place: Place) -> Arguments:
    place.write("deep.toml", "epochs = " + "[" * 50_000)
    return ["train", place.good_data(), "--config", "deep.toml", "--out", "run"]


@case("cannot be written", "too long")
def a_run_folder_in_two_thousand_others(place: Place) -> Arguments:
    return ["train", place.good_data(), "--out", "a/" * 2000 + "run"]


# What was trained.


@case("model.safetensors", "runs/x")
def a_run_without_a_model(place: Place) -> Arguments:
    place.write("runs/x/run.json", "{}")
    return ["evaluate", "runs/x"]


@case("run.json")
def a_run_without_a_record(place: Place) -> Arguments:
    (place.copy_run() / "run.json").unlink()
    return ["evaluate", "copy"]


@case("run.json", "not the record of a run")
def a_record_of_nonsense(place: Place) -> Arguments:
    (place.copy_run() / "run.json").write_text("[" * 100_000)
    return ["evaluate", "copy"]


@case("run.json", "newer")
def a_record_of_a_newer_program(place: Place) -> Arguments:
    file = place.copy_run() / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema_version": 99}))
    return ["evaluate", "copy"]


def _damaged(place: Place, change: Callable[[bytes], bytes]) -> Arguments:
    file = place.copy_run() / "model.safetensors"
    file.write_bytes(change(file.read_bytes()))
    place.write("digit.png", png_bytes())
    return ["predict", "--run", "copy", "digit.png"]


@case("model.safetensors")
def a_truncated_model(place: Place) -> Arguments:
    return _damaged(place, lambda content: content[:-1000])


@case("model.safetensors", "checksum mismatch")
def a_model_with_one_bit_flipped(place: Place) -> Arguments:
    return _damaged(place, lambda content: content[:-20_001] + bytes([content[-20_001] ^ 1]) + content[-20_000:])


@case("model.safetensors")
def a_text_as_a_model(place: Place) -> Arguments:
    return _damaged(place, lambda content: b"these are not the weights you are looking for")


@case("model.safetensors", "header")
def a_model_header_that_asks_for_all_memory(place: Place) -> Arguments:
    return _damaged(place, lambda content: (2**62).to_bytes(8, "little") + content[8:])


@case("model.safetensors", "nested")
def a_model_header_without_a_bottom(place: Place) -> Arguments:
    header = b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    return _damaged(place, lambda content: len(header).to_bytes(8, "little") + header + bytes(64))


@case("copy", "model.safetensors")
def a_summary_of_a_damaged_model(place: Place) -> Arguments:
    _damaged(place, lambda content: content[:100])
    return ["summary", "copy"]


@case("run.json", "data has no source")
def a_record_that_does_not_name_its_data(place: Place) -> Arguments:
    file = place.copy_run() / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"data": {}}))
    return ["open", "copy", "--out", "page.html", "--no-browser"]


@case("Expected a folder of runs", "model.safetensors")
def a_list_of_the_runs_in_a_file(place: Place) -> Arguments:
    return ["runs", "--folder", place.copy_run() / "model.safetensors"]


# What is predicted and evaluated.


@case("Expected a run", "convscope train")
def a_prediction_without_a_run(place: Place) -> Arguments:
    place.write("digit.png", png_bytes())
    return ["predict", "digit.png"]


@case("digit.png", "No such file")
def a_picture_that_is_not_there(place: Place) -> Arguments:
    return ["predict", "--run", place.run, "digit.png"]


@case("digit.png", "Expected an image")
def a_picture_that_is_not_a_picture(place: Place) -> Arguments:
    place.write("digit.png", "a thousand words")
    return ["predict", "--run", place.run, "digit.png"]


@case("digit.png")
def a_truncated_picture(place: Place) -> Arguments:
    whole = png_bytes(h=90, w=90)
    place.write("digit.png", whole[: len(whole) // 2])
    return ["predict", "--run", place.run, "digit.png"]


@case("digit.png", "pixels")
def a_decompression_bomb(place: Place) -> Arguments:
    place.write("digit.png", png_that_claims(60_000, 60_000))
    return ["predict", "--run", place.run, "digit.png"]


@case("void", "images")
def a_directory_without_pictures(place: Place) -> Arguments:
    (place.folder / "void").mkdir()
    return ["predict", "--run", place.run, "void"]


@case("/proc/seen.png")
def a_show_that_cannot_be_written(place: Place) -> Arguments:
    place.write("digit.png", png_bytes())
    return ["predict", "--run", place.run, "digit.png", "--out", "/proc/seen.png"]


@case("the network's classes", "disc")
def an_evaluation_on_other_classes(place: Place) -> Arguments:
    return ["evaluate", place.run, place.shapes]


@case("test part")
def an_evaluation_on_data_without_test(place: Place) -> Arguments:
    file = place.copy_run() / "run.json"
    record = json.loads(file.read_text())
    record["options"] |= {"data": str(place.shapes), "test_fraction": 0.0}
    file.write_text(json.dumps(record))
    return ["evaluate", "copy"]


@case("tset", "test", "validation", code=2)
def a_part_that_is_none(place: Place) -> Arguments:
    return ["evaluate", place.run, "--part", "tset"]


# What is summarised and described.


@case("input_shape", "28x28", code=2)
def an_input_without_channels(place: Place) -> Arguments:
    return ["summary", "classic", "--input-shape", "28x28"]


@case("classes", "0", code=2)
def a_summary_for_no_classes(place: Place) -> Arguments:
    return ["summary", "classic", "--classes", "0"]


@case("own input", code=2)
def a_summary_of_a_run_with_another_input(place: Place) -> Arguments:
    return ["summary", place.run, "--input-shape", "32x32x3"]


@case("size", "0", code=2)
def a_description_without_a_side(place: Place) -> Arguments:
    return ["data", "mnist", "--size", "0"]


@case("nowhere", "not found")
def a_description_of_nothing(place: Place) -> Arguments:
    return ["data", "nowhere"]


@case("Received: an empty text")
def a_variable_of_the_shell_that_is_not_set(place: Place) -> Arguments:
    """The working folder would be taken, whatever is in it."""
    return ["data", "check", ""]
