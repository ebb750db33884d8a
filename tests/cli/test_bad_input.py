"""Whatever is wrong with the input: one clear line, an exit code, and no seconds spent on TensorFlow."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from .broken import CASES, Place, png_bytes

NO_TENSORFLOW = 'raise SystemExit("tensorflow was imported")\n'


@pytest.fixture
def place(tmp_path: Path, short_run: Path, shapes_folder: Path) -> Place:
    (tmp_path / "here").mkdir()
    return Place(tmp_path / "here", short_run, shapes_folder)


def assert_one_clear_complaint(stderr: str, *, says: tuple[str, ...] = ()) -> None:
    lines = [line for line in stderr.splitlines() if not line.endswith("…")]
    assert lines and lines[0].startswith("convscope: ") and len(lines) <= 3, stderr
    assert "Traceback" not in stderr and "internal error" not in stderr, stderr
    assert max(map(len, lines)) < 500, stderr
    for word in says:
        assert word in stderr, f"{word!r} is not in {stderr!r}"


@pytest.mark.parametrize("name", CASES)
def test_bad_input_ends_in_one_clear_line_before_tensorflow_starts(name: str, place: Place, convscope) -> None:
    case = CASES[name]
    trap = place.folder.parent / "trap"
    trap.mkdir()
    (trap / "tensorflow.py").write_text(NO_TENSORFLOW)
    arguments = case.make(place)
    before = {path: path.stat().st_size for path in sorted(place.folder.rglob("*"))}
    began = time.monotonic()
    done = convscope(*arguments, cwd=place.folder, first_on_path=trap)
    assert time.monotonic() - began < 20
    assert done.returncode == case.code, done.stderr
    assert done.stdout == ""
    assert_one_clear_complaint(done.stderr, says=case.says)
    after = {path: path.stat().st_size for path in sorted(place.folder.rglob("*"))}
    assert after == before, "a refused command leaves things as they were"


def test_a_command_that_does_start_tensorflow_falls_into_the_trap(tmp_path: Path, convscope) -> None:
    (tmp_path / "tensorflow.py").write_text(NO_TENSORFLOW)
    done = convscope("train", "--epochs", "0.01", "--out", "run", cwd=tmp_path, first_on_path=tmp_path)
    assert done.returncode != 0 and not (tmp_path / "run" / "run.json").exists()


def test_a_full_disk_ends_in_one_clear_line_and_no_half_file(place: Place) -> None:
    def fill_the_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = subprocess.run(
        [sys.executable, "-B", "-m", "convscope", "train", "--epochs", "0.02", "--out", "run"],
        cwd=place.folder,
        preexec_fn=fill_the_disk,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1 and done.returncode != -signal.SIGXFSZ, done.stderr
    complaint = [line for line in done.stderr.splitlines() if line.startswith("convscope: ")]
    assert len(complaint) == 1 and ".safetensors" in complaint[0] and "File too large" in complaint[0]
    assert "Traceback" not in done.stderr
    assert list((place.folder / "run").iterdir()) == []


@pytest.mark.parametrize(("name", "form"), [("digit.png", "JPEG"), ("digit.jpg", "PNG"), ("digit.gif", "BMP")])
def test_a_picture_with_a_wrong_extension_is_read_by_its_content(name: str, form: str, place: Place, convscope) -> None:
    source = place.write("source.png", png_bytes(h=40, w=40))
    with Image.open(source) as picture:
        picture.save(place.folder / name, form)
    done = convscope("predict", "--run", place.run, name, cwd=place.folder)
    assert done.returncode == 0 and done.stdout.startswith(f"{name}: "), done.stderr


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m convscope data mnist | head -1; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        cwd=tmp_path,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[-1] == "0" and done.stderr == "", done


def test_a_standard_output_that_is_full_is_told(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "convscope", "data"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert_one_clear_complaint(done.stderr, says=("No space left",))
