"""IDX: what goes in comes out, names as the data sets are published, every lie refused."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from convscope.data.formats.idx import read_idx
from convscope.data.readers import load
from convscope.errors import DataError
from data.makers import CODES, digits, idx_bytes, write_idx

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ARRAYS = st.sampled_from(sorted(CODES)).flatmap(
    lambda name: hnp.arrays(np.dtype(name), hnp.array_shapes(max_dims=4, max_side=5))
)


@given(array=ARRAYS, zipped=st.booleans())
@QUICK
def test_any_idx_file_round_trips(array, zipped, tmp_path):
    data = idx_bytes(array)
    (tmp_path / "f").write_bytes(gzip.compress(data) if zipped else data)
    found = read_idx(tmp_path / "f")
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


@given(array=ARRAYS, zipped=st.booleans(), data=st.data())
@QUICK
def test_truncation_anywhere_is_refused_by_name(array, zipped, data, tmp_path):
    whole = gzip.compress(idx_bytes(array)) if zipped else idx_bytes(array)
    cut = data.draw(st.integers(0, len(whole) - 1))
    (tmp_path / "cut").write_bytes(whole[:cut])
    with pytest.raises(DataError, match=r"file=.*cut"):
        read_idx(tmp_path / "cut")


@given(array=ARRAYS, extra=st.binary(min_size=1, max_size=5), zipped=st.booleans())
@QUICK
def test_trailing_bytes_are_refused(array, extra, zipped, tmp_path):
    whole = idx_bytes(array) + extra
    (tmp_path / "long").write_bytes(gzip.compress(whole) if zipped else whole)
    with pytest.raises(DataError, match="more than that"):
        read_idx(tmp_path / "long")


@given(raw=st.binary(max_size=60))
@QUICK
def test_any_bytes_give_an_array_or_one_line(raw, tmp_path):
    (tmp_path / "any").write_bytes(b"\0\0\x08" + raw)
    try:
        read_idx(tmp_path / "any")
    except DataError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("zipped", [False, True])
def test_a_folder_as_downloaded_is_read(zipped, tmp_path):
    images, labels = digits(20)
    write_idx(tmp_path, images, labels, zipped=zipped)
    write_idx(tmp_path, images[:6], labels[:6], part="t10k", zipped=zipped)
    data = load(tmp_path)
    assert data.kind == "idx"
    assert (data.train.pixels[..., 0] == images).all()
    assert data.train.labels.tolist() == labels.tolist()
    assert data.test is not None
    assert (data.test.pixels[..., 0] == images[:6]).all()
    assert (data.preprocessing.fit, data.preprocessing.polarity) == ("pad", "as_is")


def test_dots_in_the_names_and_plain_files_called_gz_are_read(tmp_path):
    images, labels = digits()
    (tmp_path / "train-images.idx3-ubyte").write_bytes(idx_bytes(images))
    (tmp_path / "train-labels.idx1-ubyte.gz").write_bytes(idx_bytes(labels))
    assert len(load(tmp_path, test_fraction=0).train) == 20


def test_a_plain_file_next_to_its_gz_is_read_once(tmp_path):
    images, labels = digits()
    write_idx(tmp_path, images, labels)
    write_idx(tmp_path, images, labels, zipped=True)
    assert len(load(tmp_path, test_fraction=0).train) == 20


def test_emnist_is_put_upright_and_named_by_its_mapping(tmp_path):
    images, labels = digits(20)
    for what, array in (("images-idx3", images.transpose(0, 2, 1)), ("labels-idx1", labels + 1)):
        (tmp_path / f"emnist-letters-train-{what}-ubyte.gz").write_bytes(gzip.compress(idx_bytes(array)))
    (tmp_path / "emnist-letters-mapping.txt").write_text("1 65 97\n2 66 98\n")
    data = load(tmp_path, test_fraction=0)
    assert (data.train.pixels[..., 0] == images).all()
    assert data.train.class_names == ("Aa", "Bb")


def test_without_a_test_pair_each_class_gives_its_share(tmp_path):
    images, labels = digits(40)
    write_idx(tmp_path, images, labels)
    data = load(tmp_path, test_fraction=0.25, seed=3)
    assert data.test is not None
    assert (data.train.class_counts, data.test.class_counts) == ((15, 15), (5, 5))
    again = load(tmp_path, test_fraction=0.25, seed=3).test
    other = load(tmp_path, test_fraction=0.25, seed=4).test
    assert again is not None and again.fingerprint() == data.test.fingerprint()
    assert other is not None and other.fingerprint() != data.test.fingerprint()


def test_gaps_between_labels_do_not_become_classes(tmp_path):
    images, labels = digits(20)
    write_idx(tmp_path, images, labels * 7 + 2)
    data = load(tmp_path, test_fraction=0)
    assert data.train.class_names == ("2", "9")
    assert data.train.labels.tolist() == labels.tolist()


def test_size_and_channels_are_brought_to_what_is_asked(tmp_path):
    write_idx(tmp_path, *digits(20))
    data = load(tmp_path, size=(5, 7), channels=3, test_fraction=0)
    assert data.train.image_shape == (5, 7, 3)
    contract = data.preprocessing
    assert (contract.height, contract.width, contract.channels) == (5, 7, 3)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ((2**32 - 1,), "at most"),
        ((2**31, 2**31, 2**31), "at most"),
        ((60_000, 28, 28), "Expected 47,040,000 bytes"),
        ((0,), "more than that"),
        ((3, 2), "Expected 6 bytes"),
    ],
)
def test_a_header_that_lies_about_size_is_refused(sizes, words, tmp_path):
    header = struct.pack(">HBB", 0, 8, len(sizes)) + struct.pack(f">{len(sizes)}I", *sizes)
    for name, data in (("plain", header + b"12345"), ("gz", gzip.compress(header + b"12345"))):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match=words):
            read_idx(tmp_path / name)
