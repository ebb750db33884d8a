"""npz: NumPy's own files come back, keys as people write them, headers checked before a byte is believed."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from convscope.data.formats.npz import read_header
from convscope.data.readers import load
from convscope.errors import DataError
from data.makers import digits, npy_bytes, npy_lie, write_zip

QUICK = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(
    images=hnp.arrays(np.uint8, st.tuples(st.integers(4, 9), st.integers(1, 6), st.integers(4, 6))),
    compressed=st.booleans(),
    order=st.sampled_from("CF"),
)
@QUICK
def test_what_numpy_saves_comes_back(images, compressed, order, tmp_path):
    labels = np.arange(len(images)) % 2
    save = np.savez_compressed if compressed else np.savez
    save(tmp_path / "d.npz", x_train=np.asarray(images, order=order), y_train=labels)
    data = load(tmp_path / "d.npz", test_fraction=0)
    assert (data.train.pixels[..., 0] == images).all()
    assert data.train.labels.tolist() == labels.tolist()


@pytest.mark.parametrize(
    "keys",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("images", "labels", "", ""),
        ("x", "y", "", ""),
    ],
)
def test_the_usual_keys_are_understood(keys, tmp_path):
    images, labels = digits(20)
    arrays = dict(zip(keys, (images, labels, images[:4], labels[:4]), strict=True))
    arrays.pop("", None)
    np.savez(tmp_path / "d.npz", **arrays)
    data = load(tmp_path / "d.npz")
    assert data.kind == "npz"
    assert data.test is not None
    assert len(data.train) + len(data.test) == (24 if keys[2] else 20)


def test_a_validation_part_joins_the_training_part(tmp_path):
    images, labels = digits(20)
    np.savez(
        tmp_path / "d.npz",
        train_images=images[:10],
        train_labels=labels[:10, None],
        val_images=images[10:],
        val_labels=labels[10:, None],
    )
    assert (load(tmp_path / "d.npz", test_fraction=0).train.pixels[..., 0] == images).all()


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((20, 5, 6), (5, 6, 1)), ((20, 5, 6, 3), (5, 6, 3)), ((20, 3, 5, 6), (5, 6, 3)), ((20, 36), (6, 6, 1))],
)
def test_the_usual_shapes_are_understood(shape, expected, tmp_path):
    np.savez(tmp_path / "d.npz", x=np.zeros(shape, np.uint8), y=np.arange(20) % 2)
    assert load(tmp_path / "d.npz", test_fraction=0).train.image_shape == expected


def test_channels_first_are_put_last(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (8, 3, 4, 5), np.uint8)
    np.savez(tmp_path / "d.npz", x=images, y=np.arange(8) % 2)
    assert (load(tmp_path / "d.npz", test_fraction=0).train.pixels == np.moveaxis(images, 1, -1)).all()


def test_fractions_from_zero_to_one_are_scaled(tmp_path):
    images = np.tile(np.array([0, 0.5, 1, 0.1]), (8, 1, 1))
    for dtype in (np.float32, np.float64, ">f4"):
        np.savez(tmp_path / "d.npz", x=images.astype(dtype), y=np.arange(8) % 2)
        pixels = load(tmp_path / "d.npz", test_fraction=0).train.pixels
        assert pixels[0, 0, :, 0].tolist() == [0, 128, 255, 26]


@pytest.mark.parametrize("dtype", ["int64", ">i2", "uint16", "bool"])
def test_other_whole_numbers_in_range_are_taken(dtype, tmp_path):
    np.savez(tmp_path / "d.npz", x=np.tile(np.array([0, 7], dtype), (8, 2, 1)), y=np.arange(8.0) % 2)
    pixels = load(tmp_path / "d.npz", test_fraction=0).train.pixels
    assert pixels.max() == (255 if dtype == "bool" else 7)


def test_labels_may_be_texts(tmp_path):
    images, labels = digits()
    words = np.array(["item 10", "item 2"])[labels]
    np.savez(tmp_path / "d.npz", x_train=images, y_train=words, x_test=images[:4], y_test=words[:4, None])
    loaded = load(tmp_path / "d.npz")
    assert loaded.train.class_names == ("item 2", "item 10")  # natural order
    assert (loaded.train.labels == 1 - labels).all() and loaded.test.labels.tolist() == (1 - labels[:4]).tolist()
    np.savez(tmp_path / "d.npz", x=images, y=words, class_names=np.array(["item 10", "item 2", "unused"]))
    assert load(tmp_path / "d.npz", test_fraction=0).train.class_names == ("item 10", "item 2")


def test_text_labels_that_do_not_fit_are_refused_by_name(tmp_path):
    images, labels = digits()
    words = np.array(["cat", "dog"])[labels]
    other = np.where(np.arange(len(words)) == 3, "owl", words)
    for arrays, message in (
        ({"x": images, "y": words, "class_names": np.array(["cat", "owl"])}, "label 'dog'"),
        ({"x_train": images, "y_train": words, "x_test": images, "y_test": other}, "none in class 'owl'"),
        ({"x": images, "y": np.where(words == "cat", "", words)}, "with an empty text"),
        ({"x": images, "y": words[:-1]}, "'y' has 19"),
        ({"x": images, "y": np.full(len(images), "cat")}, "only class 'cat'"),
        ({"x": images, "y": np.where(words == "cat", "\x1b[1m", words)}, "printable characters"),
    ):
        np.savez(tmp_path / "d.npz", **arrays)
        with pytest.raises(DataError, match=re.escape(message)):
            load(tmp_path / "d.npz")


def test_class_names_come_along(tmp_path):
    images, labels = digits(20)
    np.savez(tmp_path / "d.npz", x=images, y=labels, class_names=np.array(["cat", "dög"]))
    assert load(tmp_path / "d.npz").train.class_names == ("cat", "dög")


def test_truncation_anywhere_is_refused_by_name(tmp_path):
    np.savez_compressed(tmp_path / "d.npz", x=digits(20)[0], y=digits(20)[1])
    whole = (tmp_path / "d.npz").read_bytes()
    for length in range(0, len(whole), 37):
        (tmp_path / "cut.npz").write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"cut\.npz"):
            load(tmp_path / "cut.npz")


def test_flipped_bytes_are_refused_or_harmless(tmp_path):
    np.savez_compressed(tmp_path / "d.npz", x=digits(20)[0], y=digits(20)[1])
    whole = (tmp_path / "d.npz").read_bytes()
    rng = np.random.default_rng(0)
    for position in rng.integers(0, len(whole), 150):
        damaged = bytearray(whole)
        damaged[position] ^= int(rng.integers(1, 256))
        (tmp_path / "flip.npz").write_bytes(damaged)
        try:
            load(tmp_path / "flip.npz")
        except DataError as error:
            assert "flip.npz" in str(error)
            assert "\n" not in str(error)


def test_nothing_is_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    trap = npy_bytes(np.array([Trap()], object))
    (tmp_path / "sprung").unlink(missing_ok=True)
    write_zip(tmp_path / "d.npz", {"x.npy": trap, "y.npy": npy_bytes(np.arange(1))})
    with pytest.raises(DataError, match="would execute code when opened"):
        load(tmp_path / "d.npz")
    assert not (tmp_path / "sprung").exists()


@given(
    hnp.arrays(
        st.sampled_from([np.dtype(name) for name in ("u1", "<i8", ">f4", "f8", "?", "U3")]),
        hnp.array_shapes(min_dims=0, max_side=4),
    )
)
@settings(max_examples=25, deadline=None)
def test_headers_are_read_as_numpy_wrote_them(array):
    stream = io.BytesIO(npy_bytes(array))
    header = read_header(stream, "h")
    assert (header.dtype, header.shape, header.length) == (array.dtype, array.shape, stream.tell())


@pytest.mark.parametrize(
    ("descr", "shape", "words"),
    [
        ("'|O'", "(3,)", "would execute code"),
        ("'<M8[s]'", "(3,)", "numbers or text"),
        ("[('a', 'u1')]", "(3,)", "other types"),
        ("'V8'", "(3,)", "numbers or text"),
        ("'<c8'", "(3,)", "numbers or text"),
        ("'m8[3ms/0]'", "(3,)", "numbers or text"),  # numpy.dtype of it ends the process
        ("'nonsense'", "(3,)", "numbers or text"),
        ("'|u1'", "(-1,)", "other types"),
        ("'|u1'", "(2.0,)", "other types"),
        ("'|u1'", "(True,)", "other types"),
        ("'|u1'", "[3]", "other types"),
        ("'|u1'", f"({2**64},)", "other types"),
        ("'|u1'", "(" + "1," * 40 + ")", "other types"),
        ("'|u1'", "__import__('os').getcwd()", "NumPy header"),
        ("'|u1'", "(3,), 'extra': 1", "other keys"),
        ("'<U0'", "(3,)", "numbers or text"),
    ],
)
def test_a_header_that_is_not_plain_is_refused(descr, shape, words):
    with pytest.raises(DataError, match=words):
        read_header(io.BytesIO(npy_lie(descr, shape)), "array 'x'")
