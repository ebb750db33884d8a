"""CSV: the standard library writes, we read; every wrong cell has a line and a column."""

from __future__ import annotations

import csv
import gzip
import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from convscope.data.csv_lines import MAX_LINE
from convscope.data.formats import csv_format
from convscope.data.readers import load
from convscope.errors import DataError
from data.makers import digits

QUICK = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def csv_text(images: np.ndarray, labels: np.ndarray, *, header: bool = True, **options) -> str:
    file = io.StringIO(newline="")
    writer = csv.writer(file, **options)
    flat = images.reshape(len(images), -1)
    if header:
        writer.writerow(["label", *(f"pixel{i}" for i in range(flat.shape[1]))])
    for label, row in zip(labels, flat, strict=True):
        writer.writerow([int(label), *row.tolist()])
    return file.getvalue()


@given(
    images=hnp.arrays(np.uint8, st.integers(4, 6).map(lambda side: (8, side, side))),
    header=st.booleans(),
    delimiter=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    line=st.sampled_from(["\n", "\r\n"]),
    start=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    end=st.sampled_from([b"", b"\n\n"]),
)
@QUICK
def test_what_the_csv_module_writes_comes_back(images, header, delimiter, quoting, line, start, end, tmp_path):
    labels = np.arange(8) % 2
    text = csv_text(images, labels, header=header, delimiter=delimiter, quoting=quoting, lineterminator=line)
    (tmp_path / "d.csv").write_bytes(start + text.encode() + end)
    data = load(tmp_path / "d.csv", test_fraction=0)
    assert (data.train.pixels[..., 0] == images).all()
    assert data.train.labels.tolist() == labels.tolist()


def test_a_label_column_elsewhere_rgb_and_gz_are_read(tmp_path):
    images, labels = digits(8, 3, 3)
    flat = images.reshape(8, 27)
    lines = [",".join([*(f"p{i}" for i in range(27)), "Label"])]
    lines += [",".join(map(str, [*row, label])) for row, label in zip(flat, labels, strict=True)]
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    data = load(tmp_path / "d.csv.gz", test_fraction=0)
    assert (data.train.pixels == images).all()
    assert data.train.labels.tolist() == labels.tolist()


def test_more_lines_than_one_batch_keep_their_order(tmp_path):
    images, labels = digits(csv_format.LINES_PER_BATCH * 2 + 3, 2)
    (tmp_path / "d.csv").write_text(csv_text(images, labels))
    assert (load(tmp_path / "d.csv", test_fraction=0).train.pixels[..., 0] == images).all()


def test_a_folder_with_train_and_test_is_read(tmp_path):
    images, labels = digits(20)
    (tmp_path / "mnist_train.csv").write_text(csv_text(images, labels))
    (tmp_path / "mnist_test.csv").write_text(csv_text(images[:4], labels[:4]))
    data = load(tmp_path)
    assert data.test is not None
    assert (len(data.train), len(data.test), data.kind, data.skipped) == (20, 4, "csv", ())


def test_kaggles_test_file_without_labels_is_explained(tmp_path):
    images, labels = digits(20)
    (tmp_path / "train.csv").write_text(csv_text(images, labels))
    unlabelled = "\n".join(line.partition(",")[2] for line in csv_text(images, labels).splitlines())
    (tmp_path / "test.csv").write_text(unlabelled)
    data = load(tmp_path)
    assert data.test is not None
    assert len(data.train) + len(data.test) == 20
    assert [(entry.file, "no label column" in entry.reason) for entry in data.skipped] == [("test.csv", True)]
    with pytest.raises(DataError, match="Pass the training file"):
        load(tmp_path / "test.csv")


GOOD = "label,p0,p1,p2,p3\n0,1,2,3,4\n1,1,2,3,4\n0,5,6,7,8\n1,5,6,7,8\n"


def bad(line: int, text: str) -> bytes:
    lines = GOOD.splitlines()
    lines[line - 1] = text
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (bad(3, "1,1,2,3"), "line 3, 4 columns"),
        (bad(3, "1,1,2,3,4,5"), "line 3, 6 columns"),
        (bad(4, "0,5,6,256,8"), "line 4, column 4: '256'"),
        (bad(4, "0,5,-6,7,8"), "line 4, column 3: '-6'"),
        (bad(2, "0,1,nan,3,4"), "line 2, column 3: 'nan'"),
        (bad(2, "0,1,inf,3,4"), "line 2, column 3: 'inf'"),
        (bad(2, "0,1,,3,4"), "line 2, column 3: ''"),
        (bad(2, "0,0.5,2,3,4"), "line 2, column 2: '0.5'"),
        (bad(2, "zero,1,2,3,4"), "line 2, column 1: 'zero'"),
        (bad(2, "-1,1,2,3,4"), "line 2, column 1: '-1'"),
        (bad(2, "99999999999,1,2,3,4"), "line 2, column 1"),
        (bad(2, "=cmd(),1,2,3,4"), "line 2, column 1"),
        (bad(2, '0,"1,2,3,4'), "line 2"),
        (bad(2, "0,1,2,3,\u0664"), "line 2, column 5"),
        (bad(3, "0,1,2,3,\x00"), "a zero byte in line 3"),
        (b"label,p0,p1,p2,p3,p4\n0,1,2,3,4,5\n", "side·side pixels"),
        (b"label,p0,p1,p2,p3\n", "lines of pixels after the header. Received"),
        (b"\n\n\n", "no lines"),
        (GOOD.encode("utf-16"), "UTF-16"),
        (b"label,p0,p1,p2,p3\n0,1,2,3,4\n1,\xff\n", "line 3, byte 3"),
        (b"a,b,c,d\n0,1,2,3\n", "label column"),
        (b"0" * (MAX_LINE + 1), "lines of at most"),
        (gzip.compress(GOOD.encode(), mtime=0)[:-9], "damaged"),
    ],
)
def test_a_wrong_table_is_named_with_the_place(raw, words, tmp_path):
    (tmp_path / "bad.csv").write_bytes(raw)
    with pytest.raises(DataError) as caught:
        load(tmp_path / "bad.csv")
    assert words in str(caught.value)
    assert "bad.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("names", [["train.csv", "train2.csv"], ["train.csv", "test.csv", "test2.csv"]])
def test_two_tables_for_one_part_are_refused(names, tmp_path):
    for name in names:
        (tmp_path / name).write_text(GOOD)
    with pytest.raises(DataError, match="Expected one t"):
        load(tmp_path)
