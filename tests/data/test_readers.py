"""One table of bad inputs for all readers, what each says, and the bounds on memory."""

from __future__ import annotations

import gzip
import resource
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from convscope.data.formats.mnist import preprocessing_for
from convscope.data.load_options import LoadOptions
from convscope.data.readers import READERS, describe_sources, detect, load, load_all, load_test
from convscope.errors import DataError, OptionError
from data.makers import digits, idx_bytes, npy_bytes, npy_lie, png, write_idx, write_pictures, write_zip

IMAGES, LABELS = digits(20)
Y = npy_bytes(LABELS)


def idx_folder(images=IMAGES, labels=LABELS, **files):
    def make(path: Path) -> Path:
        write_idx(path, images, labels)
        for name, data in files.items():
            name = name.replace("_", "-")
            (path / name).unlink(missing_ok=True)
            if data is not None:
                (path / name).write_bytes(data)
        return path

    return make


def npz(members: dict[str, bytes]):
    def make(path: Path) -> Path:
        write_zip(path / "d.npz", members)
        return path / "d.npz"

    return make


def arrays(**values: np.ndarray):
    return npz({f"{key}.npy": npy_bytes(value) for key, value in values.items()})


def file(name: str, data: bytes):
    def make(path: Path) -> Path:
        (path / name).write_bytes(data)
        return path / name

    return make


def tree(classes: dict[str, int], **files: bytes):
    def make(path: Path) -> Path:
        root = path / "d"
        root.mkdir()
        write_pictures(root, classes)
        for name, data in files.items():
            (root / name).write_bytes(data)
        return root

    return make


def unreadable(path: Path) -> Path:
    (path / "d").mkdir()
    return path / "d" / ("x" * 300)


def header(*sizes: int, code: int = 8) -> bytes:
    return struct.pack(">HBB", 0, code, len(sizes)) + struct.pack(f">{len(sizes)}I", *sizes)


X = "train_images_idx3_ubyte"
L = "train_labels_idx1_ubyte"
BAD = {
    # nothing there, or something else
    "no such path": (lambda path: path / "nothing", "not found"),
    "a name too long": (unreadable, "not found"),
    "a zero byte in the path": (lambda path: Path(f"{path}/a\0b"), "not found"),
    "an empty folder": (lambda path: path, "Expected one folder per class"),
    "an empty file": (file("d.csv", b""), "0 bytes"),
    "one picture": (file("one.png", png(IMAGES[0])), "convscope predict"),
    "one idx file": (file("train-images-idx3-ubyte", idx_bytes(IMAGES)), "Pass the folder"),
    "a pickle": (file("d.pkl", b"\x80\x04\x95"), "Expected a folder, a zip"),
    "hdf5": (file("d.h5", b"\x89HDF\r\n\x1a\n"), "Expected a folder, a zip"),
    "parquet": (file("d.parquet", b"PAR1 stuff"), "arquet file"),
    "a tar": (file("d.tar.gz", gzip.compress(b"tar")), "Expected an undamaged tar archive"),
    # IDX
    "idx: empty images": (idx_folder(**{X: b""}), "0 bytes"),
    "idx: not idx": (idx_folder(**{X: b"PNG and so on"}), "Expected an IDX file"),
    "idx: wrong type": (idx_folder(**{X: b"\0\0\x07\x03" + bytes(12)}), "Expected an IDX file"),
    "idx: no axes": (idx_folder(**{X: b"\0\0\x08\x00"}), "Expected an IDX file"),
    "idx: five axes": (idx_folder(**{X: b"\0\0\x08\x05" + bytes(20)}), "Expected an IDX file"),
    "idx: two bytes": (idx_folder(**{X: b"\0\0"}), "Expected an IDX file"),
    "idx: header cut off": (idx_folder(**{X: header(20, 8, 8)[:9]}), "truncated"),
    "idx: no pixels": (idx_folder(**{X: header(20, 8, 8)}), "Expected 1,280 bytes"),
    "idx: one byte short": (idx_folder(**{X: idx_bytes(IMAGES)[:-1]}), "1,279"),
    "idx: one byte long": (idx_folder(**{X: idx_bytes(IMAGES) + b"x"}), "more than that"),
    "idx: four gigabytes announced": (idx_folder(**{X: header(2**32 - 1)}), "at most"),
    "idx: product beyond 64 bits": (idx_folder(**{X: header(*[2**32 - 1] * 4)}), "at most"),
    "idx: damaged gzip": (idx_folder(**{X: gzip.compress(idx_bytes(IMAGES))[:-30]}), "damaged gzip"),
    "idx: wrong checksum": (idx_folder(**{X: gzip.compress(idx_bytes(IMAGES))[:-8] + bytes(8)}), "damaged gzip"),
    "idx: junk after gzip": (idx_folder(**{X: gzip.compress(idx_bytes(IMAGES)) + b"junk"}), "damaged gzip"),
    "idx: labels as images": (idx_folder(**{X: idx_bytes(LABELS)}), "count×rows×columns"),
    "idx: images as labels": (idx_folder(**{L: idx_bytes(IMAGES)}), "one label per image"),
    "idx: counts differ": (idx_folder(labels=LABELS[:19]), "20 images"),
    "idx: no labels file": (idx_folder(**{L: None}), "no train labels"),
    "idx: no pictures": (idx_folder(IMAGES[:0], LABELS[:0]), "Received: none"),
    "idx: pictures of no size": (idx_folder(np.zeros((20, 0, 8), np.uint8)), "1 to 1024"),
    "idx: pictures too large": (idx_folder(np.zeros((20, 1, 1025), np.uint8)), "1 to 1024"),
    "idx: one class": (idx_folder(labels=LABELS * 0), "at least 2 classes"),
    "idx: one picture of a class": (idx_folder(labels=(np.arange(20) == 3).astype(np.uint8)), "at least 2 training"),
    "idx: negative labels": (idx_folder(labels=(LABELS - 1).astype(np.int8)), "0 or more"),
    "idx: labels with a fraction": (idx_folder(labels=(LABELS / 2).astype(np.float32)), "as integers"),
    "idx: NaN pixels": (idx_folder(images=np.full((20, 2, 2), np.nan, np.float32)), "finite pixels"),
    "idx: bad mapping": (
        lambda path: (
            [
                (path / f"emnist-x-train-{what}").write_bytes(data)
                for what, data in (("images-idx3-ubyte", idx_bytes(IMAGES)), ("labels-idx1-ubyte", idx_bytes(LABELS)))
            ]
            and ((path / "emnist-x-mapping.txt").write_text("0 zero"), path)[1]
        ),
        "printable character codes in line 1",
    ),
    "idx: two data sets": (
        lambda path: (write_idx(path, IMAGES, LABELS), write_idx(path, IMAGES, LABELS, part="emnist-a-train"), path)[2],
        "one dataset",
    ),
    "idx: test label never seen": (
        lambda path: (write_idx(path, IMAGES, LABELS), write_idx(path, IMAGES, LABELS + 1, part="t10k"), path)[2],
        "label 2 at position 1",
    ),
    "idx: test of another size": (
        lambda path: (write_idx(path, IMAGES, LABELS), write_idx(path, IMAGES[:, 1:], LABELS, part="test"), path)[2],
        "the same shape",
    ),
    # npz
    "npz: not a zip": (file("d.npz", b"not a zip at all"), "Expected an .npz archive"),
    "npz: no arrays": (npz({}), "arrays: none"),
    "npz: other keys": (arrays(a=IMAGES, b=LABELS), "arrays: a, b"),
    "npz: no labels": (arrays(x=IMAGES), "no 'y'"),
    "npz: counts differ": (arrays(x=IMAGES, y=LABELS[1:]), "one label per image"),
    "npz: objects": (arrays(x=np.array([None] * 20), y=LABELS), "would execute code"),
    "npz: object labels": (arrays(x=IMAGES, y=np.array(["a", None] * 10)), "would execute code"),
    "npz: a label without text": (arrays(x=IMAGES, y=np.array(["a", ""] * 10)), "with an empty text"),
    "npz: one-hot labels": (arrays(x=IMAGES, y=np.eye(2)[LABELS]), "argmax"),
    "npz: NaN": (arrays(x=np.full((20, 2, 2), np.nan), y=LABELS), "finite pixels"),
    "npz: infinity": (arrays(x=np.full((20, 2, 2), np.inf), y=LABELS), "finite pixels"),
    "npz: fractions above one": (arrays(x=IMAGES / 100, y=LABELS), "0..1"),
    "npz: centred fractions": (arrays(x=IMAGES / 255 - 0.5, y=LABELS), "0..1"),
    "npz: above 255": (arrays(x=IMAGES.astype(int) + 100, y=LABELS), "from 0 to 255"),
    "npz: negative": (arrays(x=IMAGES.astype(int) - 1, y=LABELS), "from 0 to 255"),
    "npz: complex": (arrays(x=IMAGES.astype(complex), y=LABELS), "numbers or text"),
    "npz: one axis": (arrays(x=np.zeros(20, np.uint8), y=LABELS), "(n, h, w)"),
    "npz: five channels": (arrays(x=np.zeros((20, 4, 4, 5), np.uint8), y=LABELS), "(n, h, w)"),
    "npz: not square": (arrays(x=np.zeros((20, 7), np.uint8), y=LABELS), "(n, h, w)"),
    "npz: label 1.5": (arrays(x=IMAGES, y=LABELS * 1.5), "as integers"),
    "npz: label NaN": (arrays(x=IMAGES, y=np.where(LABELS, np.nan, 1)), "as integers"),
    "npz: label -1": (arrays(x=IMAGES, y=LABELS.astype(int) - 1), "0 or more"),
    "npz: huge label": (arrays(x=IMAGES, y=LABELS.astype(np.uint64) * 2**40), "0 or more"),
    "npz: one class": (arrays(x=IMAGES, y=LABELS * 0), "at least 2 classes"),
    "npz: class of a name empty": (arrays(x=IMAGES, y=LABELS, class_names=np.array(list("abc"))), "none in class 'c'"),
    "npz: label without a name": (arrays(x=IMAGES, y=LABELS * 2, class_names=np.array(list("abc"))), "class 'b'"),
    "npz: names twice": (arrays(x=IMAGES, y=LABELS, class_names=np.array(["a", "a"])), "distinct texts"),
    "npz: 70 gigabytes announced": (npz({"x.npy": npy_lie("'<f8'", "(65536, 131072)"), "y.npy": Y}), "at most"),
    "npz: one gigabyte announced": (npz({"x.npy": npy_lie("'|u1'", "(1073741824,)"), "y.npy": Y}), "0 bytes"),
    "npz: more than announced": (npz({"x.npy": npy_lie("'|u1'", "(2,)", b"123"), "y.npy": Y}), "3 bytes"),
    "npz: not an array": (npz({"x.npy": b"hello", "y.npy": Y}), "NumPy array"),
    "npz: header of 4 gigabytes": (npz({"x.npy": b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "y.npy": Y}), "at most 10,000"),
    "npz: deep header": (npz({"x.npy": npy_lie("'|u1'", "(" * 4000), "y.npy": Y}), "NumPy header"),
    "npz: member twice": (
        lambda path: [
            zipfile.ZipFile(path / "d.npz", "w").close(),
            [
                (archive := zipfile.ZipFile(path / "d.npz", "a")).writestr(name, Y) or archive.close()
                for name in ("x.npy", "X.npy")
            ],
            path / "d.npz",
        ][2],
        "each array once",
    ),
    # folders and archives
    "folder: pictures without classes": (tree({".": 5}), "no folders"),
    "folder: one class": (tree({"a": 5}), "at least 2 classes"),
    "folder: one class under train": (tree({"train/a": 5}), "at least 2 classes"),
    "folder: empty class": (tree({"a": 5, "b": 5, "c": 0}), "none in class 'c'"),
    "folder: one picture in a class": (tree({"a": 5, "b": 1}), "1 in class 'b'"),
    "folder: only test": (tree({"test/a": 5, "test/b": 5}), "Expected a train folder"),
    "folder: class only in test": (tree({"train/a": 5, "train/b": 5, "test/c": 1}), "class 'c'"),
    "folder: train is empty": (tree({"train": 0, "test/a": 5}), "class 'a'"),
    "folder: escape in a class name": (tree({"a": 5, "b\x1b[31m": 5}), "b\\x1b[31m"),
    "zip: not a zip": (file("d.zip", b"not a zip at all"), "Expected a zip archive"),
    "zip: empty": (lambda path: (write_zip(path / "d.zip", {}), path / "d.zip")[1], "0 images and no folders"),
    "zip: only evil": (
        lambda path: (write_zip(path / "d.zip", {"../a/1.png": png(IMAGES[0])}), path / "d.zip")[1],
        "Expected one folder per class",
    ),
    "zip: a csv inside": (
        lambda path: (write_zip(path / "d.zip", {"train.csv": b"label,a\n"}), path / "d.zip")[1],
        "Expected one folder per class",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_input_ends_in_one_clear_line(name, tmp_path):
    make, words = BAD[name]
    with pytest.raises(DataError) as caught:
        load(make(tmp_path))
    message = str(caught.value)
    assert words in message
    assert "Expected" in message
    assert "Received: " in message
    assert "\n" not in message
    assert message.isprintable()


@pytest.mark.parametrize(
    "options",
    [
        {"size": (0, 5)},
        {"size": (5, 1025)},
        {"channels": 2},
        {"test_fraction": 1.0},
        {"test_fraction": -0.1},
        {"test_fraction": float("nan")},
    ],
    ids=str,
)
def test_an_option_out_of_range_is_refused_with_exit_code_2(options, tmp_path):
    with pytest.raises(OptionError, match="Received: ") as caught:
        load(tmp_path, **options)
    assert caught.value.exit_code == 2


def test_each_form_is_recognized_by_its_content(tmp_path):
    write_idx(tmp_path / "idx", IMAGES, LABELS)
    write_pictures(tmp_path / "folder", {"a": 2, "b": 2})
    arrays(x=IMAGES, y=LABELS)(tmp_path)
    (tmp_path / "d.npz").rename(tmp_path / "arrays.zip")
    write_zip(tmp_path / "pictures.npz", {"a/1.png": png(IMAGES[0])})
    (tmp_path / "t.csv").write_text("label,a\n")
    assert detect("mnist") == "mnist"
    assert detect(tmp_path / "idx") == "idx"
    assert detect(tmp_path / "folder") == "folder"
    assert detect(tmp_path / "arrays.zip") == "npz"
    assert detect(tmp_path / "pictures.npz") == "zip"
    assert detect(tmp_path / "t.csv") == "csv"


def test_mnist_by_name_is_the_box_and_by_path_a_folder(tmp_path, monkeypatch):
    write_pictures(tmp_path / "mnist", {"a": 2, "b": 2})
    monkeypatch.chdir(tmp_path)
    assert detect("mnist") == "mnist"
    assert detect("./mnist") == "folder"


def test_what_is_described_is_what_can_be_read():
    assert [source.kind for source in describe_sources()] == list(READERS)
    assert all(source.form and source.contents for source in describe_sources())


def test_the_test_part_alone_is_the_same_as_with_the_rest(tmp_path):
    arrays(x=IMAGES, y=LABELS)(tmp_path)
    both = load(tmp_path / "d.npz", seed=4)
    assert both.test is not None
    assert load_test(tmp_path / "d.npz", seed=4).fingerprint() == both.test.fingerprint()
    with pytest.raises(DataError, match="Expected a test part"):
        load_test(tmp_path / "d.npz", test_fraction=0)


def test_mnist_can_be_resampled_and_in_color():
    test = load_test("mnist", size=(14, 14), channels=3)
    assert test.image_shape == (14, 14, 3)
    assert (test.pixels[..., 0] == test.pixels[..., 2]).all()
    assert preprocessing_for(LoadOptions(size=(14, 14))).fit == "mnist"


# --- bounds: a child process with little memory ------------------------------------------------------------


def _bomb_idx(path: Path) -> Path:
    path.mkdir()
    zeros = gzip.compress(bytes(1 << 20)) * 600  # 600 MB of zeros behind a header for 600 kB
    head = gzip.compress(header(1000, 20, 30))
    (path / "train-images-idx3-ubyte.gz").write_bytes(head + zeros)
    (path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS))
    return path


def _liar_idx(path: Path) -> Path:
    path.mkdir()
    (path / "train-images-idx3-ubyte").write_bytes(header(2**31 - 1) + b"short")
    (path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS))
    return path


def _liar_npz(path: Path) -> Path:
    path.mkdir()
    return npz({"x.npy": npy_lie("'|u1'", "(2000000, 32, 32)"), "y.npy": Y})(path)


def _bomb_png(path: Path) -> Path:
    path.mkdir()
    write_pictures(path, {"a": 2, "b": 2})

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    body = chunk(b"IHDR", struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)) + chunk(b"IDAT", b"\x78\x9c")
    for number in range(4):
        (path / "a" / f"bomb{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def _long_line(path: Path) -> Path:
    path.mkdir()
    (path / "d.csv.gz").write_bytes(gzip.compress(b"0,") + gzip.compress(b"0" * (1 << 20)) * 600)
    return path / "d.csv.gz"


def _zip_bomb(path: Path) -> Path:
    path.mkdir()
    with zipfile.ZipFile(path / "d.zip", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a/1.png", "w") as member:
        for _ in range(300):
            member.write(bytes(1 << 20))
    return path / "d.zip"


BOMBS = [_bomb_idx, _liar_idx, _liar_npz, _bomb_png, _long_line, _zip_bomb]

CHILD = """
import resource, sys
from convscope.data.readers import load
from convscope.errors import DataError
import numpy.linalg, PIL.PngImagePlugin
for line in open("/proc/self/status"):
    if line.startswith("VmSize"):
        start = int(line.split()[1]) * 1024
for source in sys.argv[1:]:
    resource.setrlimit(resource.RLIMIT_AS, (start + 300_000_000,) * 2)
    try:
        load(source)
        print("LOADED")
    except DataError as error:
        print(error)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads its size from /proc")
def test_lies_and_bombs_are_refused_within_300_megabytes(tmp_path):
    assert resource.RLIMIT_AS
    sources = [str(make(tmp_path / make.__name__)) for make in BOMBS]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *sources], capture_output=True, text=True, timeout=60, check=False
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr == ""
    assert len(lines) == len(BOMBS)
    for line, words in zip(
        lines,
        ("more than that", "2,147,483,647", "0 bytes", "more than 25,000,000", "lines of at most", "20,000,000"),
        strict=True,
    ):
        assert words in line


@pytest.mark.parametrize(
    "function, name",
    [
        *((function, name) for function in (load, load_all, load_test) for name in ("whole", "sise")),
        *((load_all, name) for name in ("test_fraction", "seed", "group")),
        (load_test, "caching"),
    ],
)
def test_a_keyword_that_a_function_does_not_have_is_a_type_error_that_names_both(function, name: str) -> None:
    with pytest.raises(TypeError, match=rf"^{function.__name__}\(\) got an unexpected keyword argument '{name}'$"):
        function("mnist", **{name: 1})
