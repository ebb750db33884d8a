"""Transposed digits and letters are recognized in every format, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from convscope.data import mnist
from convscope.data.orientation import MOST_IMAGES, decide_orientation, detect_orientation
from convscope.data.readers import load
from convscope.errors import OptionError
from data.makers import png, write_idx

TURNS = {
    "rotated": lambda images: np.rot90(images, 1, (1, 2)),
    "upside down": lambda images: images[:, ::-1, ::-1],
    "mirrored": lambda images: images[:, :, ::-1],
    "flipped": lambda images: images[:, ::-1],
    "upright": lambda images: images,
}


def digits(per_class: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Test images of MNIST, as many of each digit: uint8 (n, 28, 28), and their labels."""
    test, rng = mnist.load_part("test"), np.random.default_rng(seed)
    rows = [rng.choice(np.flatnonzero(test.labels == digit), per_class, replace=False) for digit in range(10)]
    index = rng.permutation(np.concatenate(rows))
    return test.pixels[index, :, :, 0], test.labels[index]


def drawn(characters: str, *, per_class: int = 6, seed: int = 0) -> np.ndarray:
    """Characters in fonts that no template is from, sheared and scaled at random."""
    rng, images = np.random.default_rng(seed), []
    for character in characters:
        for index in range(per_class):
            font = Path(matplotlib.get_data_path()) / "fonts/ttf" / ("cmti10.ttf" if index % 2 else "cmss10.ttf")
            image = Image.new("L", (64, 64))
            ImageDraw.Draw(image).text((18, 6), character, fill=255, font=ImageFont.truetype(font, 38))
            shear, (sx, sy) = rng.normal(0, 0.2), rng.uniform(0.8, 1.25, 2)
            matrix = (sx, shear, 32 * (1 - sx) - 32 * shear, 0, sy, 32 * (1 - sy))
            images.append(np.asarray(image.transform((64, 64), Image.Transform.AFFINE, matrix)))
    return np.stack(images)


def decided(images: np.ndarray, labels: np.ndarray, names: dict[int, str] | None = None, **options: str) -> bool:
    is_transposed, decision = decide_orientation(images[..., None], labels, names, **{"transpose": "auto"} | options)
    assert (decision is not None) == (is_transposed or options.get("transpose") == "no")
    return is_transposed


@pytest.mark.parametrize("per_class", [3, 5, 20])
@pytest.mark.parametrize("seed", range(4))
def test_transposed_digits_are_recognized_and_upright_ones_are_left(per_class: int, seed: int) -> None:
    images, labels = digits(per_class, seed)
    assert decided(images.transpose(0, 2, 1), labels)
    assert decided(255 - images.transpose(0, 2, 1), labels)  # dark ink on light
    for turn in TURNS.values():
        assert not decided(np.ascontiguousarray(turn(images)), labels)


def test_digits_under_other_labels_are_left(per_class: int = 5) -> None:
    """As in KMNIST and Fashion-MNIST: ten classes numbered 0 to 9 that are not these digits."""
    images, labels = digits(per_class)
    rng = np.random.default_rng(1)
    for _ in range(25):
        order = rng.permutation(10)
        if (order != np.arange(10)).sum() > 6:
            assert not decided(images, order[labels]) and not decided(images.transpose(0, 2, 1), order[labels])


def test_digits_of_which_half_are_transposed_are_left() -> None:
    images, labels = digits(20)
    mixed = np.where((np.arange(len(images)) % 2 == 0)[:, None, None], images, images.transpose(0, 2, 1))
    assert not decided(mixed, labels)
    assert detect_orientation(mixed[..., None], labels, None) == ("", "")


def test_noise_shapes_and_other_sizes_are_left() -> None:
    rng, labels = np.random.default_rng(0), np.arange(100) % 10
    smooth = np.asarray(Image.fromarray(rng.integers(0, 256, (100 * 4, 4), np.uint8)).resize((28, 2800)))
    for images in (
        rng.integers(0, 256, (100, 28, 28), np.uint8),
        smooth.reshape(100, 28, 28),
        np.zeros((100, 9, 9), np.uint8),
    ):
        assert not decided(images, labels)
    images, labels = digits(5)
    assert not decided(np.ascontiguousarray(images[:, :, 2:]), labels)  # not square


@pytest.mark.parametrize("start", [0, 1])
def test_transposed_letters_are_recognized_by_number_and_by_name(start: int) -> None:
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    images, labels = drawn(alphabet), np.repeat(np.arange(26), 6) + start
    names = {index + start: letter.upper() + letter for index, letter in enumerate(alphabet)}
    assert decided(images.transpose(0, 2, 1), labels) and not decided(images, labels)
    assert decided(images.transpose(0, 2, 1), labels, names) and not decided(images, labels, names)
    words = {index + start: f"class {index}" for index in range(26)}
    assert not decided(images.transpose(0, 2, 1), labels, words)
    assert not decided(images.transpose(0, 2, 1), np.roll(labels, 60))


def test_the_name_emnist_decides_where_the_images_cannot() -> None:
    images, labels = digits(5)
    few = labels < 3
    assert decided(images[few].transpose(0, 2, 1), labels[few], file_name="emnist-byclass-train.csv")
    is_transposed, decision = decide_orientation(
        images[..., None], labels, None, transpose="auto", file_name="my-emnist.npz"
    )
    assert not is_transposed and decision is not None and "upright" in decision.because


def test_few_images_are_looked_at() -> None:
    images, labels = digits(400)
    seen = np.zeros(len(images), bool)

    class Counted(np.ndarray):
        def __getitem__(self, key):  # counts the images that are read
            if isinstance(key, tuple) and isinstance(key[0], np.integer):
                seen[key[0]] = True
            return np.asarray(self)[key]

    assert detect_orientation(images[..., None].view(Counted), labels, None)[0] == "upright"
    assert 0 < seen.sum() <= MOST_IMAGES


def test_every_format_is_put_upright_and_reports_it(tmp_path: Path) -> None:
    images, labels = digits(5)
    turned = np.ascontiguousarray(images.transpose(0, 2, 1))
    rows = [",".join(map(str, [label, *image.ravel()])) for image, label in zip(turned, labels, strict=True)]
    (tmp_path / "digits.csv").write_text("\n".join(rows))
    np.savez(tmp_path / "digits.npz", x=turned, y=labels)
    write_idx(tmp_path / "idx", turned, labels.astype(np.uint8))
    for index, (image, label) in enumerate(zip(turned, labels, strict=True)):
        (tmp_path / "folder" / str(label)).mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / str(label) / f"{index}.png").write_bytes(png(image))
    upright = load((images, labels), test_fraction=0).train
    for source in (*(tmp_path / name for name in ("digits.csv", "digits.npz", "idx", "folder")), (turned, labels)):
        data = load(source, test_fraction=0)
        assert sorted(map(bytes, data.train.pixels)) == sorted(map(bytes, upright.pixels))
        (decision,) = (one for one in data.decisions if one.what == "orientation")
        assert (decision.chosen, decision.option) == ("transposed back", "--transpose")
        assert (load(source, test_fraction=0, transpose="no").train.pixels != data.train.pixels).any()
    assert not any(one.what == "orientation" for one in load((images, labels)).decisions)


def test_both_parts_are_put_upright(tmp_path: Path) -> None:
    images, labels = digits(5)
    turned = images.transpose(0, 2, 1)
    np.savez(tmp_path / "d.npz", x_train=turned, y_train=labels, x_test=turned[:7], y_test=labels[:7])
    data = load(tmp_path / "d.npz")
    assert data.test is not None and (data.test.pixels[..., 0] == images[:7]).all()


def test_the_option_decides_for_any_images(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 6, 9, 3), np.uint8)
    data = load((pixels, np.arange(20) % 2), transpose="yes", test_fraction=0)
    assert (data.train.pixels == pixels.transpose(0, 2, 1, 3)).all()
    with pytest.raises(OptionError, match="Expected one of auto, yes, no for transpose"):
        load((pixels, np.arange(20) % 2), transpose="maybe")


def test_mnist_itself_is_left_as_it_is() -> None:
    test = mnist.load_part("test")
    assert detect_orientation(test.pixels, test.labels, None) == ("upright", "digits")
