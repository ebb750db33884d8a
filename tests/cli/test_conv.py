"""``convscope conv``."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convscope.data.mnist import load_part


def test_the_tutorial_s_window_is_the_default(tmp_path: Path, convscope) -> None:
    done = convscope("conv", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
    first = done.stdout.splitlines()[0]
    assert first == "input (1, 9, 9) · output (1, 7, 7) · K (3, 3) · P (0, 0) · S (1, 1) · D (1, 1) · G 1"
    assert "⌊(9 + 0 + 0 − 1×(3 − 1) − 1) / 1⌋ + 1 = 7" in done.stdout
    assert list(tmp_path.iterdir()) == [], "nothing is written unasked"


def test_json_holds_every_number(tmp_path: Path, convscope) -> None:
    words = [
        "--size",
        "5x6",
        "--padding",
        "1x2",
        "--strides",
        "2",
        "--channels",
        "2",
        "--filters",
        "4",
        "--groups",
        "2",
    ]
    told = json.loads(convscope("conv", *words, "--json", cwd=tmp_path).stdout)
    pixels, kernel = np.array(told["input"]), np.array(told["kernel"])
    padded = np.pad(pixels, ((1, 1), (2, 2), (0, 0)))
    output = np.array(told["output"])
    assert output.shape == (3, 4, 4) == tuple(told["output_shape"])
    for row, column, f in np.ndindex(*output.shape):
        window = padded[2 * row : 2 * row + 3, 2 * column : 2 * column + 3, f // 2]
        assert output[row, column, f] == (window * kernel[:, :, 0, f]).sum()


def test_a_digit_of_the_test_set_and_numbers_by_hand(tmp_path: Path, convscope) -> None:
    words = ["--input", "mnist:3", "--kernel", "1 0 -1; 2 0 -2; 1 0 -1"]
    told = json.loads(convscope("conv", *words, "--json", cwd=tmp_path).stdout)
    assert np.array_equal(np.array(told["input"]), load_part("test").pixels[3])
    assert np.array(told["kernel"])[:, :, 0, 0].tolist() == [[1, 0, -1], [2, 0, -2], [1, 0, -1]]


def test_one_kernel_of_numbers_serves_every_channel_and_two_make_two_filters(tmp_path: Path, convscope) -> None:
    words = ["--input", "1 2; 3 4 | 10 20; 30 40", "--kernel", "1 1; 1 1 / 1 0; 0 0", "--json"]
    told = json.loads(convscope("conv", *words, cwd=tmp_path).stdout)
    assert told["output"] == [[[110, 11]]]


def test_a_small_picture_file_can_be_the_input(tmp_path: Path, convscope) -> None:
    Image.fromarray(np.arange(30, dtype=np.uint8).reshape(5, 6)).save(tmp_path / "small.png")
    told = json.loads(convscope("conv", "--input", "small.png", "--pool", "max", "--json", cwd=tmp_path).stdout)
    assert told["input_shape"] == [5, 6, 1] and told["output"][0][0] == [7]


def test_every_step_is_written_out(tmp_path: Path, convscope) -> None:
    done = convscope("conv", "--input", "1 2 3 4; 5 6 7 8", "--pool", "max", "--step", cwd=tmp_path)
    assert "step 2 of 2: output row 0, column 1\n 1  2 [3][4]\n 5  6 [7][8]\nmax(3, 4, 7, 8) = 8\n" in done.stdout


@pytest.mark.parametrize("ending", ["gif", "svg", "png", "html"])
def test_out_writes_what_its_ending_says(ending: str, tmp_path: Path, convscope) -> None:
    done = convscope("conv", "--out", f"window.{ending}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"\nwindow.{ending}\n")
    assert [file.name for file in tmp_path.iterdir()] == [f"window.{ending}"]
    start = (tmp_path / f"window.{ending}").read_bytes()[:15].lower()
    assert start.startswith({"gif": b"gif89a", "svg": b"<svg", "png": b"\x89png", "html": b"<!doctype html>"}[ending])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--size", "2"], "K: a kernel of 3 rows needs 3, and the input has 2."),
        (["--size", "0"], "size must be one or two whole numbers from 1 to 512. Received: (0, 0)."),
        (["--size", "nine"], "size must be an integer such as 3, or two such as 3x5. Received: size='nine'."),
        (["--padding", "full"], "padding must be valid, same, or an integer"),
        (["--strides", "-1"], "strides must be an integer"),
        (["--groups", "0"], "groups (G) must be a whole number from 1 to 64. Received: 0."),
        (["--groups", "2"], "G: 2 groups must divide the channels (1) and the filters (1)."),
        (["--pool", "min"], 'Choose from: "max", "average".'),
        (["--pool", "max", "--kernel", "1 2; 3 4"], "Pooling has no weights."),
        (["--input", "mnist:10000"], "Expected mnist:0 to mnist:9999. Received: mnist:10000."),
        (["--input", "nobody.png"], "Expected random, mnist:N, numbers such as '1 2; 3 4', or a picture file."),
        (["--input", "1 2; 3"], "Expected numbers, rows ended by ';'"),
        (["--input", "1e999"], "Received: an infinite number or NaN."),
        (["--kernel", "a b"], "Expected numbers, rows ended by ';'"),
        (["--kernel", "1 2 / 1"], "All filters must have the same rows, columns and channels."),
        (["--out", "window.bmp"], "The picture must end in .gif, .svg, .png, .html. Received: window.bmp."),
        (["--out", "missing/window.gif"], "cannot be written"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_ends_in_one_clear_line(words: list[str], told: str, tmp_path: Path, convscope) -> None:
    done = convscope("conv", *words, cwd=tmp_path)
    assert done.returncode in (1, 2) and told in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) <= 2
    assert list(tmp_path.iterdir()) == []


def test_in_a_notebook_a_slide_draws_itself() -> None:
    import convscope

    html = convscope.conv(size=4)._repr_html_()
    assert html.count('class="passes"') == 4 and "<title" in html and "<script" not in html
