"""Each pixel mode to exact pixels; orientation against Pillow's own; damage named."""

from __future__ import annotations

import contextlib
import io
import struct
import sys
import threading
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageOps, features

from convscope.data import image_plugins, png
from convscope.data.decode import decode, decode_file, image_size
from convscope.errors import DataError

RNG = np.random.default_rng(5)
GREY = RNG.integers(0, 256, (3, 4), np.uint8)
RGB = RNG.integers(0, 256, (3, 4, 3), np.uint8)


def pixels_of(data: bytes, name: str, **options: int) -> np.ndarray:
    return decode(data, name, **options).pixels


def saved(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(width: int, height: int, depth: int, colour: int, rows: bytes, extra: bytes = b"") -> bytes:
    """A PNG put together by hand; ``rows`` without filter bytes."""
    stride = len(rows) // height
    lines = b"".join(b"\0" + rows[y * stride : (y + 1) * stride] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_each_exif_orientation_equals_pillows_transpose(orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    smooth = np.asarray(Image.fromarray(RGB).resize((24, 16), Image.Resampling.BICUBIC))
    data = saved(Image.fromarray(smooth), kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert (pixels_of(data, "photo") == expected).all()
    assert image_size(data, "photo") == expected.shape[:2]


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, [[1, 2, 3], [4, 5, 6]]),
        (2, [[3, 2, 1], [6, 5, 4]]),
        (3, [[6, 5, 4], [3, 2, 1]]),
        (4, [[4, 5, 6], [1, 2, 3]]),
        (5, [[1, 4], [2, 5], [3, 6]]),
        (6, [[4, 1], [5, 2], [6, 3]]),
        (7, [[6, 3], [5, 2], [4, 1]]),
        (8, [[3, 6], [2, 5], [1, 4]]),
    ],
)
def test_each_exif_orientation_equals_the_table_made_by_hand(orientation, expected):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(Image.fromarray(np.array([[1, 2, 3], [4, 5, 6]], np.uint8)), exif=exif)
    assert pixels_of(data, "photo")[..., 0].tolist() == expected


def test_a_senseless_orientation_changes_nothing():
    exif = Image.Exif()
    exif[0x0112] = 77
    assert (pixels_of(saved(Image.fromarray(GREY), exif=exif), "photo")[..., 0] == GREY).all()


def test_damaged_exif_does_not_stop_a_good_image():
    data = saved(Image.fromarray(GREY), exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff")
    assert (pixels_of(data, "photo")[..., 0] == GREY).all()


def test_grayscale_and_rgb_come_back_as_they_are():
    assert (pixels_of(saved(Image.fromarray(GREY)), "g")[..., 0] == GREY).all()
    assert (pixels_of(saved(Image.fromarray(RGB)), "c") == RGB).all()
    assert (pixels_of(saved(Image.fromarray(RGB), "BMP"), "c") == RGB).all()
    assert (pixels_of(saved(Image.fromarray(RGB), "PPM"), "c") == RGB).all()
    assert (pixels_of(saved(Image.fromarray(RGB), "WEBP", lossless=True), "c") == RGB).all()


def test_rgb_with_equal_channels_is_grayscale():
    assert pixels_of(saved(Image.fromarray(np.repeat(GREY[..., None], 3, -1))), "g").shape == (3, 4, 1)


def test_one_bit_becomes_black_and_white():
    bits = np.array([[True, False, True], [False, False, True]])
    assert pixels_of(saved(Image.fromarray(bits)), "b")[..., 0].tolist() == [[255, 0, 255], [0, 0, 255]]


@pytest.mark.parametrize(("depth", "packed", "values"), [(2, 0b00011011, [0, 85, 170, 255]), (4, 0x0F, [0, 255])])
def test_two_and_four_bit_grayscale_fill_the_whole_range(depth, packed, values):
    data = raw_png(len(values), 1, depth, 0, bytes([packed]))
    assert pixels_of(data, "bits")[0, :, 0].tolist() == values


def test_sixteen_bit_grayscale_is_scaled_by_the_range_it_uses():
    full = np.array([[0, 257, 32896, 65535]], np.uint16)
    assert pixels_of(saved(Image.fromarray(full)), "16")[0, :, 0].tolist() == [0, 1, 128, 255]
    twelve = np.array([[0, 16, 2048, 4095]], np.uint16)
    assert pixels_of(saved(Image.fromarray(twelve)), "12")[0, :, 0].tolist() == [0, 1, 128, 255]
    eight = np.array([[0, 7, 255]], np.uint16)
    assert pixels_of(saved(Image.fromarray(eight)), "8")[0, :, 0].tolist() == [0, 7, 255]


def test_sixteen_bit_pgm_is_scaled():
    data = b"P5 3 1 65535\n" + struct.pack(">3H", 0, 32896, 65535)
    assert pixels_of(data, "pgm")[0, :, 0].tolist() == [0, 128, 255]


def test_sixteen_bit_rgb_keeps_the_high_byte():
    rows = struct.pack(">6H", 0, 0x8000, 0xFFFF, 0x1234, 0, 0xFF00)
    assert pixels_of(raw_png(2, 1, 16, 2, rows), "rgb48").tolist() == [[[0, 128, 255], [18, 0, 255]]]


def test_alpha_is_laid_on_white_unless_stated():
    pixels = np.array([[[0, 0, 0, 255], [0, 0, 0, 0], [10, 20, 30, 128]]], np.uint8)
    data = saved(Image.fromarray(pixels, "RGBA"))
    assert pixels_of(data, "a").tolist() == [[[0, 0, 0], [255, 255, 255], [132, 137, 142]]]
    assert pixels_of(data, "a", background=0).tolist() == [[[0, 0, 0], [0, 0, 0], [5, 10, 15]]]


def test_grayscale_with_alpha_is_laid_on_white():
    data = saved(Image.fromarray(np.array([[[0, 255], [0, 0], [100, 51]]], np.uint8), "LA"))
    assert pixels_of(data, "la")[0, :, 0].tolist() == [0, 255, 224]


def test_a_palette_becomes_its_colors():
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([2, 1, 0])
    assert pixels_of(saved(image), "p").tolist() == [[[0, 0, 255], [0, 255, 0], [255, 0, 0]]]


def test_a_transparent_palette_entry_is_white():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 0, 0, 0])
    image.putdata([0, 1])
    for kind in ("PNG", "GIF"):
        assert pixels_of(saved(image, kind, transparency=1), "p").tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_a_trns_chunk_counts_for_grayscale_rgb_and_sixteen_bit():
    grey = raw_png(2, 1, 8, 0, bytes([7, 8]), chunk(b"tRNS", struct.pack(">H", 8)))
    assert pixels_of(grey, "g")[0, :, 0].tolist() == [7, 255]
    colour = raw_png(2, 1, 8, 2, bytes([1, 2, 3, 4, 5, 6]), chunk(b"tRNS", struct.pack(">3H", 4, 5, 6)))
    assert pixels_of(colour, "c").tolist() == [[[1, 2, 3], [255, 255, 255]]]
    wide = raw_png(2, 1, 16, 0, struct.pack(">2H", 65535, 0), chunk(b"tRNS", struct.pack(">H", 0)))
    assert pixels_of(wide, "w", background=9)[0, :, 0].tolist() == [255, 9]


def test_a_one_bit_png_with_trns_is_laid_on_white():
    data = raw_png(2, 1, 1, 0, bytes([0b10000000]), chunk(b"tRNS", struct.pack(">H", 0)))
    assert pixels_of(data, "b")[0, :, 0].tolist() == [255, 255]


def test_cmyk_becomes_rgb():
    data = saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=95)
    picture = pixels_of(data, "cmyk")
    assert picture.shape == (8, 8, 3)
    assert np.abs(picture.astype(int) - [255, 0, 0]).max() <= 6  # JPEG is lossy


def test_only_the_first_frame_counts():
    frames = [Image.fromarray(np.full((2, 2), level, np.uint8)) for level in (10, 200)]
    for kind in ("GIF", "PNG", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {}
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert (pixels_of(data, "moving") == 10).all()


def test_interlaced_and_tiny_and_long_images_are_read():
    assert pixels_of(saved(Image.fromarray(GREY[:1, :1])), "dot").shape == (1, 1, 1)
    assert pixels_of(saved(Image.fromarray(np.zeros((1, 10_000), np.uint8))), "line").shape == (1, 10_000, 1)


def test_the_size_of_a_png_comes_from_its_header_unless_it_may_be_turned():
    turned = Image.Exif()
    turned[0x0112] = 6
    image = np.random.default_rng(0).integers(0, 256, (30, 50), np.uint8)
    upright, on_its_side = (saved(Image.fromarray(image), **how) for how in ({}, {"exif": turned}))
    assert image_size(upright[:200], "cut off") == (30, 50)
    assert image_size(on_its_side, "turned") == decode(on_its_side, "turned").pixels.shape[:2] == (50, 30)


def test_the_name_does_not_decide_the_format(tmp_path):
    (tmp_path / "really-a-png.jpg").write_bytes(saved(Image.fromarray(GREY)))
    assert (decode_file(tmp_path / "really-a-png.jpg")[..., 0] == GREY).all()


PICTURES = {
    "png": saved(Image.fromarray(np.asarray(RNG.integers(0, 256, (20, 20, 3), np.uint8)))),
    "jpg": saved(Image.fromarray(np.asarray(RNG.integers(0, 256, (20, 20, 3), np.uint8))), "JPEG"),
    "gif": saved(Image.fromarray(np.asarray(RNG.integers(0, 256, (20, 20), np.uint8))), "GIF"),
    "bmp": saved(Image.fromarray(np.asarray(RNG.integers(0, 256, (20, 20, 3), np.uint8))), "BMP"),
    "webp": saved(Image.fromarray(np.asarray(RNG.integers(0, 256, (20, 20, 3), np.uint8))), "WEBP"),
    "tiff": saved(Image.fromarray(np.asarray(RNG.integers(0, 256, (20, 20, 3), np.uint8))), "TIFF"),
    "tiff, lzw": saved(
        Image.fromarray(np.asarray(RNG.integers(0, 256, (20, 20, 3), np.uint8))), "TIFF", compression="tiff_lzw"
    ),
    "ppm": saved(Image.fromarray(np.asarray(RNG.integers(0, 256, (20, 20, 3), np.uint8))), "PPM"),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_image_truncated_anywhere_is_refused_by_name(kind):
    data = PICTURES[kind]
    for length in range(0, int(len(data) * 0.9), max(1, len(data) // 40)):
        with pytest.raises(DataError, match=r"Received: file=half, "):
            pixels_of(data[:length], "half")


@pytest.mark.parametrize("kind", PICTURES)
def test_flipped_bytes_give_a_image_or_one_clear_line(kind):
    data = PICTURES[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for position in RNG.integers(0, min(len(data), 400), 150):
            damaged = bytearray(data)
            damaged[position] ^= int(RNG.integers(1, 256))
            try:
                picture = pixels_of(bytes(damaged), "flipped")
            except DataError as error:
                assert "file=flipped" in str(error)
                assert "\n" not in str(error)
            else:
                assert picture.shape[-1] in (1, 3)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes"),
        (b"GIF89a", "damaged"),
        (b"hello world, this is text", "not an image, or damaged"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image, or damaged"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image, or damaged"),
        (b"\xff\x0a" + bytes(50), "JPEG XL is not supported. Convert it to JPEG or PNG, for example with djxl"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(50), "JPEG 2000 is not supported"),
        (b"8BPS\0\1" + bytes(50), "Photoshop is not supported"),
        (saved(Image.fromarray(GREY), "ICO"), "not an image, or damaged"),
        (b"\0" * 20_000_001, "more than 20,000,000"),
        (raw_png(30_000, 30_000, 8, 0, b"\0" * 30_000), "more than 25,000,000"),
        (raw_png(9_000, 9_000, 8, 0, b"\0" * 9_000), "9000×9000 pixels, more than 25,000,000"),
        (raw_png(5_001, 5_000, 8, 0, b"\0" * 5_000), "5001×5000 pixels, more than 25,000,000"),
        (b"P5 0 0 255\n", "file=case"),
        (b"P5 3 1 255\n\0", "damaged or truncated"),
    ],
)
def test_what_is_not_a_usable_image_is_refused_in_one_line(data, words):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError) as caught:
            pixels_of(data, "case")
    assert words in str(caught.value)
    assert "Expected an image (PNG, JPEG, TIFF, BMP, GIF, WebP, AVIF or PNM). Received: file=case" in str(caught.value)
    assert "\n" not in str(caught.value)


FIRST, SECOND = saved(Image.fromarray(GREY)), saved(Image.fromarray(RGB))


def test_overlapping_threads_leave_the_warning_filters_as_they_were(monkeypatch):
    """The second thread begins before the first ends, and ends after it: each must not restore the other's filters."""
    second_began, first_ended = threading.Event(), threading.Event()
    check, actions = png.check, []

    def in_turn(data: bytes) -> None:
        if data == FIRST:
            assert second_began.wait(10)
        else:
            second_began.set()
            assert first_ended.wait(10)
            actions.append(warnings.filters[0][0])
        check(data)

    monkeypatch.setattr(png, "check", in_turn)
    before = list(warnings.filters)
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.submit(pixels_of, FIRST, "first"), pool.submit(pixels_of, SECOND, "second")
        assert one.result().shape == (3, 4, 1)
        first_ended.set()
        assert other.result().shape == (3, 4, 3)
    assert actions == ["ignore"], "the thread that goes on is still undisturbed"
    assert warnings.filters == before


def test_how_a_file_stores_its_image_is_reported():
    exif = Image.Exif()
    exif[0x0112] = 6
    found = decode(saved(Image.fromarray(RGB), "JPEG", exif=exif), "photo")
    assert (found.format, found.mode, found.orientation, found.frames) == ("JPEG", "RGB", 6, 1)
    frames = [Image.fromarray(np.full((4, 4), level, np.uint8)) for level in (1, 99)]
    moving = decode(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]), "film")
    assert (moving.format, moving.frames) == ("GIF", 2)


def test_an_error_carries_the_file_and_the_reason():
    with pytest.raises(DataError) as caught:
        decode(b"", "a, b.png")
    assert (caught.value.file, caught.value.reason) == ("a, b.png", "0 bytes")


def test_a_missing_file_a_folder_and_an_empty_file_are_named(tmp_path):
    (tmp_path / "empty.png").touch()
    for name in ("missing.png", "empty.png", "."):
        with pytest.raises(DataError, match="Received: file="):
            decode_file(tmp_path / name)


def test_a_pipe_does_not_hang(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match="regular file"):
        decode_file(tmp_path / "pipe.png")


@pytest.mark.parametrize(("size", "expected"), [((5_200, 5_000), (2500, 2600)), ((9_000, 11_000), (5500, 4500))])
def test_a_large_baseline_jpeg_is_read_at_half_its_size(size, expected):
    image = Image.new("RGB", (size[0] // 10, size[1] // 10), (200, 30, 40))
    image.paste((10, 200, 30), (0, 0, image.width // 2, image.height))
    data = saved(image.resize(size, Image.Resampling.NEAREST), "JPEG")
    assert image_size(data, "photo") == (size[1], size[0])
    pixels = pixels_of(data, "photo")
    assert pixels.shape[:2] == expected
    for column, color in ((0.25, (10, 200, 30)), (0.75, (200, 30, 40))):
        assert np.abs(pixels[expected[0] // 2, int(expected[1] * column)].astype(int) - color).max() <= 4


@pytest.mark.parametrize(("size", "how"), [((5_200, 5_000), {"progressive": True}), ((11_000, 9_100), {})])
def test_a_jpeg_too_large_even_for_that_is_refused_with_the_remedy(size, how):
    with pytest.raises(DataError, match=rf"{size[0]}×{size[1]} pixels, more than 25,000,000") as caught:
        pixels_of(saved(Image.new("L", size), "JPEG", **how), "photo")
    assert caught.value.hint == "Reduce it to at most 25 megapixels, or save it as a baseline JPEG of at most 100."


@pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF")
def test_avif_is_read_with_its_limits():
    pixels = pixels_of(saved(Image.new("RGB", (40, 30), (200, 30, 40)), "AVIF"), "photo")
    assert pixels.shape == (30, 40, 3)
    assert np.abs(pixels[5, 5].astype(int) - (200, 30, 40)).max() <= 6
    damaged = bytearray(saved(Image.new("RGB", (40, 30)), "AVIF"))
    damaged[len(damaged) // 2 :] = b""
    with pytest.raises(DataError, match="damaged"):
        pixels_of(bytes(damaged), "photo")


def heic(image: Image.Image) -> bytes:
    plugin = pytest.importorskip("pillow_heif")
    stored = io.BytesIO()
    plugin.from_pillow(image).save(stored, quality=90)
    return stored.getvalue()


def test_heic_is_read_with_its_package_and_refused_by_name_without(monkeypatch):
    data = heic(Image.new("RGB", (64, 48), (200, 30, 40)))
    pixels = pixels_of(data, "photo.jpg")
    assert pixels.shape == (48, 64, 3)
    assert np.abs(pixels[5, 5].astype(int) - (200, 30, 40)).max() <= 6
    assert image_size(data, "photo.heic") == (48, 64)
    with pytest.raises(DataError, match="damaged"):
        pixels_of(data[: len(data) // 2], "photo.heic")
    image_plugins.pillow_format.cache_clear()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(DataError, match="HEIC is not supported") as caught:
        pixels_of(data, "photo.heic")
    assert "pip install 'convscope[formats]'" in caught.value.hint
    image_plugins.pillow_format.cache_clear()


def test_a_damaged_heic_or_avif_never_ends_in_a_traceback():
    rng = np.random.default_rng(0)
    whole = [heic(Image.new("RGB", (64, 48), (200, 30, 40)))]
    whole += [saved(Image.new("RGB", (40, 30)), "AVIF")] if features.check("avif") else []
    for data in whole:
        for _ in range(60):
            damaged = bytearray(data[: int(rng.integers(20, len(data)))] if rng.random() < 0.3 else data)
            for place in rng.integers(12, len(damaged), 4):
                damaged[place] = rng.integers(0, 256)
            with contextlib.suppress(DataError):
                pixels_of(bytes(damaged), "case")
