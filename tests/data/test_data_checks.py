"""The data checks report what is wrong, and nothing else."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from convscope.data.data_checks import KINDS, DataReport, check_dataset
from convscope.data.near_duplicates import SIMILAR, correlating, fingerprint, near_duplicate_pairs
from convscope.data.pixels import to_grey
from convscope.data.scan import scan
from convscope.errors import DataError


def picture(seed: int, *, h: int = 40, w: int = 50) -> Image.Image:
    """A smooth landscape of its own, with the grain of a photo."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8)).resize((w, h), Image.Resampling.BICUBIC)
    grain = rng.normal(0, 6, (h, w, 3))
    return Image.fromarray((np.asarray(coarse) + grain).clip(0, 255).astype(np.uint8))


def store(folder: Path, label: str, seeds: range, *, part: str = "", **size: int) -> list[Path]:
    place = folder / part / label
    place.mkdir(parents=True, exist_ok=True)
    paths = [place / f"{seed}.png" for seed in seeds]
    for seed, path in zip(seeds, paths, strict=True):
        picture(seed, **size).save(path)
    return paths


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """Two classes of 25 pictures, all different."""
    store(tmp_path / "d", "cat", range(25))
    store(tmp_path / "d", "dog", range(100, 125))
    return tmp_path / "d"


def found(source: Path) -> dict[str, list[tuple[str, ...]]]:
    report = check_dataset(scan(source))
    result: dict[str, list[tuple[str, ...]]] = {}
    for finding in report.findings:
        result.setdefault(finding.kind, []).append(finding.files)
    return result


def test_good_data_have_no_finding(good: Path) -> None:
    report = check_dataset(scan(good))
    assert report.findings == () and report.counts == {}
    assert report.class_counts == {"cat": {"train": 25, "test": 0}, "dog": {"train": 25, "test": 0}}


def as_jpeg(path: Path, seed: int) -> None:
    picture(seed).save(path, "JPEG", quality=75)


def sixteen_bit(path: Path) -> None:
    Image.fromarray(np.linspace(0, 4000, 1200).reshape(30, 40).astype(np.uint16)).save(path)


def turned(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(900).save(path, "JPEG", exif=exif)


def moving(path: Path) -> None:
    picture(901).save(path, save_all=True, append_images=[picture(902)])


Break = Callable[[Path], object]
BREAKS: dict[str, tuple[Break, dict[str, list[tuple[str, ...]]]]] = {
    "a cut file": (
        lambda d: (d / "cat/3.png").write_bytes((d / "cat/3.png").read_bytes()[:200]),
        {"unreadable": [("cat/3.png",)]}),
    "an empty file": (lambda d: (d / "cat/x.png").write_bytes(b""), {"unreadable": [("cat/x.png",)]}),
    "a text called PNG": (lambda d: (d / "dog/x.png").write_text("hello"), {"unreadable": [("dog/x.png",)]}),
    "a link that leads nowhere": (lambda d: (d / "cat/x.png").symlink_to("gone"), {"unreadable": [("cat/x.png",)]}),
    "a pipe": (lambda d: os.mkfifo(d / "cat/x.png"), {"unreadable": [("cat/x.png",)]}),
    "a file beside the classes": (lambda d: picture(7000).save(d / "x.png"), {"no_class": [("x.png",)]}),
    "a copy": (
        lambda d: picture(3).save(d / "cat/copy.png"), {"duplicate": [("cat/3.png", "cat/copy.png")]}),
    "a copy in another format": (
        lambda d: picture(3).save(d / "cat/copy.bmp"), {"duplicate": [("cat/3.png", "cat/copy.bmp")]}),
    "a copy under another label": (
        lambda d: picture(3).save(d / "dog/copy.png"), {"two_labels": [("cat/3.png", "dog/copy.png")]}),
    "a picture stored as JPEG again": (
        lambda d: as_jpeg(d / "cat/again.jpg", 3), {"near_duplicate": [("cat/3.png", "cat/again.jpg")]}),
    "a smaller picture under another label": (
        lambda d: picture(3).resize((25, 20), Image.Resampling.BOX).save(d / "dog/small.png"),
        {"two_labels": [("cat/3.png", "dog/small.png")]}),
    "a white picture": (
        lambda d: Image.new("L", (50, 40), 255).save(d / "cat/white.png"), {"blank": [("cat/white.png",)]}),
    "a JPEG called PNG": (
        lambda d: as_jpeg(d / "cat/x.png", 800), {"wrong_extension": [("cat/x.png",)]}),
    "a picture without extension": (
        lambda d: picture(801).save(d / "cat/x", "PNG"), {"wrong_extension": [("cat/x",)]}),
    "16 bits": (lambda d: sixteen_bit(d / "cat/deep.png"), {"odd_mode": [("cat/deep.png",)]}),
    "transparency": (
        lambda d: picture(802).convert("RGBA").save(d / "cat/clear.png"), {"odd_mode": [("cat/clear.png",)]}),
    "a press's colours": (
        lambda d: picture(803).convert("CMYK").save(d / "cat/press.jpg"), {"odd_mode": [("cat/press.jpg",)]}),
    "a turned photo": (lambda d: turned(d / "cat/photo.jpg"), {"turned": [("cat/photo.jpg",)]}),
    "a moving picture": (lambda d: moving(d / "cat/film.gif"), {"animated": [("cat/film.gif",)]}),
    "an empty class": (lambda d: (d / "owl").mkdir(), {"refused": [()], "missing_class": [()]}),
    "a sidecar file": (lambda d: (d / "cat/3.json").write_text("{}"), {"not_an_image": [("cat/3.json",)]}),
    "a format that is not supported": (
        lambda d: (d / "cat/x.heic").write_bytes(b"\0\0\0\x18ftypheic"), {"unreadable": [("cat/x.heic",)]}),
    "a class of few": (lambda d: store(d, "owl", range(300, 306)), {"tiny_class": [()]}),
    "a class of larger pictures": (
        lambda d: store(d, "owl", range(300, 325), h=80, w=100), {"size_tells": [()]}),
    "a class of wide pictures": (
        lambda d: store(d, "owl", range(300, 325), h=32, w=62), {"size_tells": [()]}),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_wrong_is_named_and_nothing_else(name: str, good: Path) -> None:
    spoil, wanted = BREAKS[name]
    spoil(good)
    assert found(good) == wanted


def test_every_kind_of_finding_that_a_folder_can_have_is_tried() -> None:
    from_elsewhere = {"label_error", "label_doubt", "across_parts"}
    assert {kind for _, wanted in BREAKS.values() for kind in wanted} | from_elsewhere == set(KINDS)


def test_a_image_in_both_parts_is_named(tmp_path: Path) -> None:
    for label, start in (("cat", 0), ("dog", 100)):
        store(tmp_path / "d", label, range(start, start + 25), part="train")
        store(tmp_path / "d", label, range(start + 50, start + 55), part="test")
    picture(4).save(tmp_path / "d/test/cat/copy.png")
    as_jpeg(tmp_path / "d/test/dog/again.jpg", 104)
    assert found(tmp_path / "d") == {
        "across_parts": [("train/cat/4.png", "test/cat/copy.png"), ("train/dog/104.png", "test/dog/again.jpg")]
    }


def test_a_class_that_only_the_test_part_has_is_named(tmp_path: Path) -> None:
    for label, start in (("cat", 0), ("dog", 100)):
        store(tmp_path / "d", label, range(start, start + 25), part="train")
    store(tmp_path / "d", "cat", range(50, 55), part="test")
    store(tmp_path / "d", "owl", range(60, 65), part="test")
    words = [finding.words for finding in check_dataset(scan(tmp_path / "d")).findings]
    assert words[0].startswith("Expected only classes that the training part has")
    assert words[1:] == [
        "class dog has no test images, so its accuracy is unknown",
        "class owl has 5 test images but no training images",
    ]


def test_an_archive_is_checked_like_a_folder(good: Path, tmp_path: Path) -> None:
    (good / "cat/x.png").write_text("no picture")
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        for path in sorted(good.rglob("*.png")):
            archive.write(path, path.relative_to(tmp_path))
    assert found(tmp_path / "d.zip") == {"unreadable": [("cat/x.png",)]}


def test_arrays_are_compared_too(tmp_path: Path) -> None:
    pixels = np.stack([np.asarray(picture(seed).convert("L")) for seed in range(60)])
    pixels[7], pixels[9] = pixels[2], 50
    np.savez(tmp_path / "d.npz", images=pixels, labels=np.arange(60) % 2)
    assert found(tmp_path / "d.npz") == {"two_labels": [("train/2", "train/7")], "blank": [("train/9",)]}


def test_mnist_itself_has_no_copies_in_its_test_part() -> None:
    from convscope.data.mnist import load_part

    fingerprints = [fingerprint(pixels) for pixels in load_part("test").pixels]
    assert near_duplicate_pairs(np.stack([each for each in fingerprints if each is not None])) == []


def test_pairs_are_those_that_comparing_each_with_each_finds() -> None:
    rng = np.random.default_rng(0)
    base = rng.integers(0, 256, (40, 16, 16, 1), np.uint8)
    stack = np.concatenate([base, (base * 0.9 + 9).astype(np.uint8), rng.integers(0, 256, (40, 16, 16, 1), np.uint8)])
    fingerprints = np.stack([fingerprint(pixels) for pixels in stack])
    vectors = correlating(fingerprints)
    close = vectors @ vectors.T >= SIMILAR
    slow = [(i, j) for i in range(120) for j in range(i + 1, 120) if close[i, j]]
    assert slow == [(i, i + 40) for i in range(40)]
    assert sorted(near_duplicate_pairs(fingerprints)) == slow


def test_a_shape_in_two_colors_of_one_brightness_is_two_images() -> None:
    def disc(colour: tuple[int, int, int]) -> np.ndarray:
        drawn = Image.new("RGB", (40, 40), (60, 60, 60))
        ImageDraw.Draw(drawn).ellipse((8, 8, 32, 32), fill=colour)
        return np.asarray(drawn)

    red, blue, stored = disc((220, 60, 60)), disc((60, 100, 255)), io.BytesIO()
    assert abs(int(to_grey(red)[20, 20, 0]) - int(to_grey(blue)[20, 20, 0])) <= 2
    Image.fromarray(red).save(stored, "JPEG", quality=75)
    again = np.asarray(Image.open(stored))
    assert near_duplicate_pairs(np.stack([fingerprint(each) for each in (red, blue, again)])) == [(0, 2)]


def test_more_images_than_can_be_compared_are_reported(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convscope.data.near_duplicates.MAX_COMPARED", 10)
    as_jpeg(good / "cat/again.jpg", 3)
    report: DataReport = check_dataset(scan(good))
    assert not report.is_compared and report.counts == {}


def test_nothing_to_look_at_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with pytest.raises(DataError, match="Expected one folder per class"):
        scan(tmp_path / "d")
    (tmp_path / "z.zip").write_bytes(b"PK\x05\x06" + io.BytesIO(b"x" * 10).getvalue())
    with pytest.raises(DataError, match=r"z\.zip"):
        scan(tmp_path / "z.zip")


def test_colored_paper_of_two_colors_is_two_images_and_a_brightened_photo_is_one(tmp_path: Path) -> None:
    shade = (np.mgrid[:40, :40][1] / 4)[..., None]
    paper = {"a/tan": (170, 157, 120), "b/yellow": (240, 199, 26), "a/gray": (90, 90, 90), "b/light": (180, 180, 180)}
    pictures = {name: (shade + color).astype(np.uint8) for name, color in paper.items()}
    coarse = Image.fromarray(np.random.default_rng(3).integers(0, 170, (6, 6, 3), np.uint8))
    photo = np.asarray(coarse.resize((40, 40), Image.Resampling.BICUBIC))
    pictures |= {"a/photo": photo, "b/brighter": photo + 40, "a/tan2": pictures["a/tan"] + 3}
    for name, pixels in pictures.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    found = [f for f in check_dataset(scan(tmp_path)).findings if f.kind in ("two_labels", "near_duplicate")]
    assert sorted(sorted(one.files) for one in found) == [
        ["a/photo.png", "b/brighter.png"],
        ["a/tan.png", "a/tan2.png"],
    ]


def test_a_white_drawing_on_transparency_is_said_to_vanish_on_white(tmp_path: Path) -> None:
    for name in ("a/1", "a/2", "b/1", "b/2"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        drawn = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
        ImageDraw.Draw(drawn).line((2, 2, 15, 17), fill=(255, 255, 255, 255) if name == "a/1" else (200, 10, 10, 255))
        drawn.save(tmp_path / f"{name}.png")
    (blank,) = [finding for finding in check_dataset(scan(tmp_path)).findings if finding.kind == "blank"]
    assert blank.files == ("a/1.png",)
    assert "on white, which is put behind transparent pixels" in blank.words
