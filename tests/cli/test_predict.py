"""``convscope predict``."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import before_all

from convscope.data.mnist import load_part


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one MNIST test picture of each of four digits: 7, 2, 1, 0, as PNG, JPEG, BMP and GIF."""
    folder = tmp_path_factory.mktemp("digits")
    pixels = load_part("test").pixels[:4, :, :, 0]
    for index, (picture, suffix) in enumerate(zip(pixels, ("png", "jpg", "bmp", "gif"), strict=True)):
        Image.fromarray(np.kron(picture, np.ones((4, 4), np.uint8))).save(folder / f"{index}.{suffix}")
    (folder / "notes.txt").write_text("not a picture, and nobody asked")
    return folder


def test_one_picture_gives_one_line_with_the_runners_up(short_run: Path, digits: Path, convscope) -> None:
    done = convscope("predict", "0.png", "--run", short_run, cwd=digits)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith("0.png: 7 (") and done.stdout.count("%") == 3 and done.stdout.count("\n") == 1


def test_several_pictures_come_in_the_order_given(short_run: Path, digits: Path, convscope) -> None:
    done = convscope("predict", "3.gif", "0.png", "--run", short_run, cwd=digits)
    assert [line.split(" (")[0] for line in done.stdout.splitlines()] == ["3.gif: 0", "0.png: 7"]


def test_a_folder_means_its_pictures(short_run: Path, digits: Path, tmp_path: Path, convscope) -> None:
    shutil.copytree(short_run, tmp_path / "runs" / "newest")
    done = convscope("predict", digits, "--json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert [Path(entry["name"]).name for entry in told["images"]] == ["0.png", "1.jpg", "2.bmp", "3.gif"]
    assert [entry["choices"][0]["name"] for entry in told["images"]] == ["7", "2", "1", "0"]
    for entry in told["images"]:
        chances = [choice["probability"] for choice in entry["choices"]]
        assert chances == sorted(chances, reverse=True) and len(chances) == 3 and 0 < sum(chances) <= 1.0001
    assert told["skipped"] == [] and told["figures"] == []


def test_one_unreadable_picture_is_named_and_the_others_are_told(short_run: Path, digits: Path, convscope) -> None:
    done = convscope("predict", "0.png", "notes.txt", "gone.png", "2.bmp", "--run", short_run, cwd=digits)
    assert done.returncode == 1
    assert [line.split(" (")[0] for line in done.stdout.splitlines()] == ["0.png: 7", "2.bmp: 1"]
    lines = done.stderr.splitlines()
    assert len(lines) == 2 and all(line.startswith("convscope: skipped: ") for line in lines)
    assert "notes.txt" in lines[0] and "gone.png" in lines[1]


def test_skipped_images_are_in_the_json_too(short_run: Path, digits: Path, convscope) -> None:
    done = convscope("predict", "0.png", "notes.txt", "--run", short_run, "--json", cwd=digits)
    told = json.loads(done.stdout)
    assert done.returncode == 1 and len(told["images"]) == 1
    assert [entry["name"] for entry in told["skipped"]] == ["notes.txt"]


def test_out_draws_what_the_network_sees(short_run: Path, digits: Path, tmp_path: Path, convscope) -> None:
    (home := tmp_path / "home").mkdir()
    there = {"HOME": str(home), "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": "", "MPLCONFIGDIR": ""}
    one = convscope("predict", digits / "0.png", "--run", short_run, "--out", "new/seen.png", cwd=tmp_path, **there)
    assert one.returncode == 0, one.stderr
    assert list(home.iterdir()) == [], "matplotlib keeps out of the person's home"
    with Image.open(tmp_path / "new" / "seen.png") as picture:
        picture.load()
        assert "0.png" in picture.info["Description"] and "7" in picture.info["Description"]
    two = convscope("predict", digits / "0.png", digits / "1.jpg", "--run", short_run, "--out", "all", cwd=tmp_path)
    assert two.returncode == 0, two.stderr
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["0000-0.png", "0001-1.png"]


def test_a_file_whose_name_begins_with_a_dash_is_reached(
    short_run: Path, digits: Path, tmp_path: Path, convscope
) -> None:
    shutil.copyfile(digits / "0.png", tmp_path / "-0.png")
    for given in (["./-0.png"], ["--", "-0.png"]):
        done = convscope("predict", "--run", short_run, *given, cwd=tmp_path)
        assert done.returncode == 0 and ": 7 (" in done.stdout, (given, done.stderr)


def test_a_name_that_no_terminal_can_show_does_not_stop_it(short_run: Path, digits: Path, tmp_path: Path) -> None:
    name = b"caf\xe9.png"
    try:
        (tmp_path / os.fsdecode(name)).write_bytes((digits / "0.png").read_bytes())
    except OSError:
        pytest.skip("this file system wants UTF-8")
    for more in ([], [b"--json"]):
        done = subprocess.run(
            [sys.executable, b"-m", b"convscope", b"predict", name, b"--run", os.fsencode(short_run), *more],
            cwd=tmp_path,
            capture_output=True,
        )
        assert done.returncode == 0 and b"Traceback" not in done.stderr, done.stderr


def test_nothing_is_asked_of_tensorflow(short_run: Path, digits: Path, tmp_path: Path, convscope) -> None:
    """What makes an answer come soon; scripts/bench measures how soon."""
    (tmp_path / "tensorflow.py").write_text('raise SystemExit("tensorflow was imported")\n')
    done = convscope("predict", "0.png", "--run", short_run, cwd=digits, PYTHONPATH=before_all(tmp_path))
    assert done.returncode == 0, done.stderr


def test_a_blank_page_has_no_class_in_any_output(short_run: Path, tmp_path: Path, convscope) -> None:
    Image.new("RGB", (300, 300), (250, 250, 248)).save(tmp_path / "blank.png")
    done = convscope("predict", "blank.png", "--run", short_run, "--out", "seen.png", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "blank.png: no ink found\n")
    with Image.open(tmp_path / "seen.png") as figure:
        assert "no ink was found" in figure.info["Description"]
    told = json.loads(convscope("predict", "blank.png", "--run", short_run, "--json", cwd=tmp_path).stdout)
    assert told["images"][0]["ink_found"] is False and told["images"][0]["choices"] == []
    explained = convscope("explain", "blank.png", "--run", short_run, cwd=tmp_path)
    assert explained.returncode == 1 and "no ink found" in explained.stderr


def test_split_reads_each_digit_of_an_image(short_run: Path, tmp_path: Path, convscope) -> None:
    pixels = load_part("test").pixels[:3, :, :, 0]
    row = np.hstack([np.kron(one, np.ones((4, 4), np.uint8)) for one in pixels])
    Image.fromarray(row).save(tmp_path / "row.png")
    together = convscope("predict", "row.png", "--run", short_run, cwd=tmp_path)
    assert "[3 digits found]" in together.stdout and "--split" in together.stdout
    alone = convscope("predict", "row.png", "--split", "--run", short_run, "--out", "each", cwd=tmp_path)
    assert [line.split(" (")[0] for line in alone.stdout.splitlines()] == [
        f"row.png, digit {index}: {label}" for index, label in enumerate("721", start=1)
    ]
    assert len(list((tmp_path / "each").iterdir())) == 3


def test_a_table_has_a_row_for_each_image_and_is_summed_up(
    short_run: Path, digits: Path, tmp_path: Path, convscope
) -> None:
    shutil.copytree(digits, tmp_path / "digits")
    (tmp_path / "digits" / "4.png").write_bytes(b"broken")
    for said in ("5", "5, 5 of them in an earlier call"):
        done = convscope("predict", "digits", "--run", short_run, "--out", "new/all.csv", "--top", 1, cwd=tmp_path)
        assert done.returncode == 1, done.stderr
        assert done.stdout.splitlines()[0] == f"images      {said}" and "1 could not be read" in done.stdout
        assert done.stderr.count("skipped: ") == 1 and "4.png" in done.stderr
    lines = (tmp_path / "new" / "all.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "file,prediction,probability,note,error,model" and len(lines) == 6
    assert [line.split(",")[:2] for line in lines[1:]] == [
        ["digits/0.png", "7"], ["digits/1.jpg", "2"], ["digits/2.bmp", "1"], ["digits/3.gif", "0"],
        ["digits/4.png", ""],
    ]  # fmt: skip


def test_the_summary_of_a_table_as_json(short_run: Path, digits: Path, tmp_path: Path, convscope) -> None:
    done = convscope("predict", digits, "--run", short_run, "--out", tmp_path / "all.jsonl", "--json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert done.returncode == 0 and done.stderr == ""
    assert told["images"] == 4 and told["counts"] == {"7": 1, "2": 1, "1": 1, "0": 1} and told["skipped"] == []
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["prediction"] for row in rows] == ["7", "2", "1", "0"]


def test_images_are_sorted_into_class_folders_without_a_table(
    short_run: Path, digits: Path, tmp_path: Path, convscope
) -> None:
    done = convscope("predict", digits, "--run", short_run, "--copy-to", "sorted", cwd=tmp_path)
    assert done.returncode == 0 and "sorted      4" in done.stdout, done.stderr
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")) == [
        "sorted/0/3.gif", "sorted/1/2.bmp", "sorted/2/1.jpg", "sorted/7/0.png",
    ]  # fmt: skip


def test_a_table_that_cannot_be_continued_and_options_that_exclude_each_other_are_one_line(
    short_run: Path, digits: Path, tmp_path: Path, convscope
) -> None:
    (tmp_path / "mine.csv").write_text("name,age\n")
    wrong = (["--out", "mine.csv"], ["--out", "seen.png", "--copy-to", "sorted"], ["--copy-to", digits / "sorted"])
    for options in wrong:
        done = convscope("predict", digits, "--run", short_run, *options, cwd=tmp_path)
        assert done.returncode == 2 and done.stdout == "", options
        assert len(done.stderr.splitlines()) == 2 and "Received" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]
    assert (tmp_path / "mine.csv").read_text() == "name,age\n"


def test_ctrl_c_leaves_a_table_that_the_same_command_completes(short_run: Path, tmp_path: Path, convscope) -> None:
    folder, table = tmp_path / "large", tmp_path / "all.csv"
    folder.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (700, 700)).astype(np.uint8)).save(folder / "0.png")
    for index in range(1, 400):
        os.link(folder / "0.png", folder / f"{index}.png")
    command = ["predict", "large", "--run", str(short_run), "--out", "all.csv"]
    process = subprocess.Popen(
        [sys.executable, "-m", "convscope", *command], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    while not table.is_file() or table.read_bytes().count(b"\n") < 2:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130 and "Traceback" not in said
    assert "all.csv holds what was done; the same command continues." in said
    before = table.read_bytes()
    assert before.endswith(b"\n") and before.count(b"\n") < 400
    for file in folder.iterdir():
        if int(file.stem) > 40:
            file.unlink()  # the rest would take a while
    done = convscope(*command, cwd=tmp_path)
    assert done.returncode == 0 and table.read_bytes().startswith(before)
    names = [line.split(",")[0] for line in table.read_text(encoding="utf-8").splitlines()[1:]]
    assert len(names) == len(set(names)) >= 41
