"""Invalid inputs by name, each with a single defect, for every kind of data source.

A case is a function that gets an empty folder and returns the path that a user would pass. The files are written byte
by byte, so that everything but the one defect is valid.
"""

from __future__ import annotations

import functools
import gzip
import io
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Make = Callable[[Path], Path]
CASES: dict[str, dict[str, Make]] = {
    "idx": {}, "gzip": {}, "image": {}, "npz": {}, "csv": {}, "folder": {}, "zip": {}
}  # fmt: skip
"""For each kind of source, the cases by name; `all_cases` fills them."""


def add_case(source: str, name: str, make: Make) -> None:
    if name in CASES[source]:
        raise ValueError(f"{source}: {name} twice")
    CASES[source][name] = make


def digits(n: int = 20, side: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(seed).integers(0, 256, (n, side, side), np.uint8), (np.arange(n) % 2).astype(np.uint8)


# --- IDX ---------------------------------------------------------------------------------------------------------

CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}
NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def idx(array: np.ndarray, *, sizes: tuple[int, ...] | None = None) -> bytes:
    sizes = array.shape if sizes is None else sizes
    code = CODES[array.dtype.str[1:]]
    return (
        struct.pack(f">HBB{len(sizes)}I", 0, code, len(sizes), *sizes)
        + array.astype(array.dtype.newbyteorder(">")).tobytes()
    )


IMAGES, LABELS = (idx(array) for array in digits())


def idx_folder(images: bytes | None = IMAGES, labels: bytes | None = LABELS, **others: bytes) -> Make:
    def make(folder: Path) -> Path:
        for name, content in (dict(zip(NAMES, (images, labels), strict=False)) | others).items():
            if content is not None:
                (folder / name.replace("_", "-")).write_bytes(content)
        return folder

    return make


def shaped(array: np.ndarray, *sizes: int) -> bytes:
    return idx(array, sizes=sizes)


def idx_cases() -> None:
    for length in range(16):
        add_case("idx", f"images cut after byte {length} of their header", idx_folder(IMAGES[:length]))
    for length in range(8):
        add_case("idx", f"labels cut after byte {length} of their header", idx_folder(labels=LABELS[:length]))
    for what, good in (("images", IMAGES), ("labels", LABELS)):
        for name, bad in {
            "first byte not zero": b"\1" + good[1:],
            "second byte not zero": good[:1] + b"\1" + good[2:],
            "no such type": good[:2] + b"\x0a" + good[3:],
            "type zero": good[:2] + b"\0" + good[3:],
            "type 255": good[:2] + b"\xff" + good[3:],
            "no axis": good[:3] + b"\0" + good[4:],
            "255 axes": good[:3] + b"\xff" + good[4:],
            "one byte short": good[:-1],
            "half the bytes": good[: len(good) // 2],
            "one byte too many": good + b"\0",
            "twice the bytes": good + good,
            "none counted": good[:4] + bytes(4) + good[8:],
            "one more counted": good[:4] + struct.pack(">I", 21) + good[8:],
            "four billion counted": good[:4] + b"\xff" * 4 + good[8:],
        }.items():
            add_case("idx", f"{what}: {name}", idx_folder(**{what: bad}))
    pixels, labels = digits()
    for name, bad in {
        "no rows": shaped(pixels, 20, 0, 8),
        "two billion rows": shaped(pixels, 20, 2**31, 8),
        "sizes whose product overflows 64 bits": shaped(pixels, 2**32 - 1, 2**32 - 1, 2**32 - 1),
        "none, of four billion rows": shaped(pixels[:0], 0, 2**32 - 1, 2**32 - 1),
        "as one long row": shaped(pixels, 1280),
        "as a table": shaped(pixels, 20, 64),
        "brightness not a number": idx(np.full((20, 8, 8), np.nan, "f4")),
        "brightness without end": idx(np.full((20, 8, 8), np.inf, "f4")),
        "fractions up to 300": idx(np.linspace(0, 300, 1280).astype("f4").reshape(20, 8, 8)),
        "negative fractions": idx(np.linspace(-1, 1, 1280).astype("f8").reshape(20, 8, 8)),
        "whole numbers up to 999": idx(np.arange(1280, dtype="i2").reshape(20, 8, 8)),
        "negative whole numbers": idx((pixels.astype("i2") - 128).astype("i1")),
    }.items():
        add_case("idx", f"images: {name}", idx_folder(bad))
    for name, bad in {
        "fractions": idx((np.arange(20) / 3).astype("f4")),
        "not a number": idx(np.full(20, np.nan, "f4")),
        "negative": idx((np.arange(20) % 2 - 1).astype("i1")),
        "two for each picture": idx(np.zeros((20, 2), np.uint8)),
        "all one class": idx(np.zeros(20, np.uint8)),
        "one picture of a class": idx((np.arange(20) == 7).astype(np.uint8)),
        "no file": None,
        "the images again": IMAGES,
    }.items():
        add_case("idx", f"labels: {name}", idx_folder(labels=bad))
    tests = {NAMES[2]: idx(pixels[:6]), NAMES[3]: idx(labels[:6])}
    for name, changes in {
        "no file of images": {NAMES[0]: None},
        "two files of images": {"train-images.idx3-ubyte": IMAGES},
        "test labels without test images": {NAMES[3]: tests[NAMES[3]]},
        "test images of another size": tests | {NAMES[2]: idx(digits(6, 9)[0])},
        "a test label that has no training images": tests | {NAMES[3]: idx(labels[:6] + 5)},
        "fewer test labels than test images": tests | {NAMES[3]: idx(labels[:5])},
        "a test part and no training part": tests | {NAMES[0]: None, NAMES[1]: None},
    }.items():
        add_case("idx", name, idx_folder(**changes))

    for name, line in {
        "a code of 5,000 digits": "1 " + "9" * 5000,
        "a label of 5,000 digits": "9" * 5000 + " 66",
        "a code beyond the last character": "1 1114112",
        "a code of half a character": "1 55296",
        "a code that ends a line": "1 10",
        "a negative label": "-1 66",
        "a label without a code": "1",
        "a line of 20,000 words": "1" + " 66" * 20_000 + " x",
    }.items():
        files = {
            name.replace("train", "emnist-x-train"): content
            for name, content in zip(NAMES, (IMAGES, LABELS), strict=False)
        }
        mapping = {"emnist-x-mapping.txt": f"0 65\n{line}\n".encode()}
        add_case("idx", f"EMNIST's names with {name}", idx_folder(None, None, **files, **mapping))

    def instead(of: str, do: Callable[[Path], object]) -> Make:
        def make(folder: Path) -> Path:
            idx_folder()(folder)
            (folder / of).unlink()
            do(folder / of)
            return folder

        return make

    for what, name in (("images", NAMES[0]), ("labels", NAMES[1])):
        add_case("idx", f"{what}: a folder of that name", instead(name, lambda path: path.mkdir()))
        add_case("idx", f"{what}: a pipe of that name", instead(name, lambda path: os.mkfifo(path)))
        add_case("idx", f"{what}: a broken link", instead(name, lambda path: path.symlink_to("gone")))


# --- gzip --------------------------------------------------------------------------------------------------------

ZIPPED = gzip.compress(IMAGES, mtime=0)


def gz_cases() -> None:
    def packed(content: bytes) -> Make:
        def make(folder: Path) -> Path:
            (folder / f"{NAMES[0]}.gz").write_bytes(content)
            (folder / f"{NAMES[1]}.gz").write_bytes(gzip.compress(LABELS))
            return folder

        return make

    places = {2: "magic", 3: "method", 4: "flags", 8: "time", 10: "header", 11: "first byte", len(ZIPPED) // 2: "half"}
    for length, name in places.items():
        add_case("gzip", f"truncated after the {name}", packed(ZIPPED[:length]))
    for back, name in ((8, "checksum"), (4, "length"), (1, "last byte")):
        add_case("gzip", f"without its {name}", packed(ZIPPED[:-back]))
    middle = len(ZIPPED) // 2
    for name, bad in {
        "a bit turned": ZIPPED[:middle] + bytes([ZIPPED[middle] ^ 16]) + ZIPPED[middle + 1 :],
        "a wrong checksum": ZIPPED[:-8] + bytes(4) + ZIPPED[-4:],
        "a wrong length": ZIPPED[:-4] + b"\xff" * 4,
        "another method": ZIPPED[:2] + b"\7" + ZIPPED[3:],
        "an extra field without end": ZIPPED[:3] + b"\4" + ZIPPED[4:10] + b"\xff\xff",
        "a name without end": ZIPPED[:3] + b"\x08" + ZIPPED[4:10] + b"a" * 5000,
        "something behind the end": ZIPPED + b"garbage",
        "gzip in gzip": gzip.compress(ZIPPED),
        "nothing packed": gzip.compress(b""),
        "a gigabyte of zeros behind the images": gzip.compress(IMAGES + bytes(50_000_000), 9),
        "a header that promises four billion images": gzip.compress(IMAGES[:4] + b"\xff" * 4 + IMAGES[8:]),
    }.items():
        add_case("gzip", name, packed(bad))
    table = gzip.compress(b"label,pixel0\n" + b"0,1\n1,2\n" * 50)
    for name, bad in {
        "a truncated table": table[: len(table) // 2],
        "a table with a wrong checksum": table[:-8] + bytes(4) + table[-4:],
        "a table of one endless line": gzip.compress(b"0," * 40_000_000, 9),
    }.items():
        add_case("gzip", name, one_file("table.csv.gz", bad))


def one_file(name: str, content: bytes) -> Make:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


# --- pictures ----------------------------------------------------------------------------------------------------


def drawn(form: str, mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    Image.fromarray(pixels).convert(mode).save(file, form, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes, *, crc: int | None = None, length: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data) if length is None else length) + kind + data + struct.pack(">I", checksum)


def png_file(
    w: int = 4,
    h: int = 4,
    depth: int = 8,
    colour: int = 0,
    method: int = 0,
    weave: int = 0,
    *,
    body: bytes | None = None,
) -> bytes:
    data = b"".join(b"\0" + bytes(w) for _ in range(h)) if body is None else body
    head = struct.pack(">IIBBBBB", w, h, depth, colour, method, 0, weave)
    packed = zlib.compress(data) if body is None or not body.startswith(b"raw:") else body[4:]
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def png_parts(*parts: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


HEAD = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0))
DATA, END = chunk(b"IDAT", zlib.compress(bytes(20))), chunk(b"IEND", b"")


def bmp_file(
    *, w: int = 4, h: int = 4, bits: int = 24, packing: int = 0, offset: int = 54, size: int = 40, colours: int = 0
) -> bytes:
    head = struct.pack("<IiiHHIIiiII", size, w, h, 1, bits, packing, 48, 0, 0, colours, 0)
    return struct.pack("<2sIHHI", b"BM", 102, 0, 0, offset) + head + bytes(48)


def gif_file(
    *, w: int = 4, h: int = 4, block: bytes = b",", code: int = 2, left: int = 0, data: bytes = b"\x02\x84\x51\0"
) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", w, h, 0x80, 0, 0) + bytes(6)
    return head + block + struct.pack("<HHHHB", left, 0, w, h, 0) + bytes([code]) + data + b";"


def image_cases() -> None:
    goods = {
        "PNG": drawn("PNG"), "JPEG": drawn("JPEG", quality=90), "BMP": drawn("BMP"), "GIF": drawn("GIF"),
        "WebP": drawn("WEBP", quality=80), "lossless WebP": drawn("WEBP", lossless=True), "PPM": drawn("PPM"),
    }  # fmt: skip
    for form, good in goods.items():
        for length, words in ((1, "one byte"), (4, "its magic"), (20, "20 bytes"), (len(good) // 2, "half")):
            add_case("image", f"{form} truncated after {words}", one_file("p", good[:length]))
    bombs = {
        "PNG of 60,000×60,000": png_file(body=b"", w=60_000, h=60_000),
        "PNG of two billion rows": png_file(body=b"", w=4, h=2**31 - 1),
        "BMP of 60,000×60,000": bmp_file(w=60_000, h=60_000),
        "BMP of minus two billion rows": bmp_file(h=-(2**31) + 1),
        "GIF of 65,535×65,535": gif_file(w=65_535, h=65_535),
        "PPM of 99,999×99,999": b"P6 99999 99999 255 " + bytes(99),
        "PPM whose width has 30 digits": b"P6 " + b"9" * 30 + b" 4 255 " + bytes(99),
        "PPM in words of 50,000×50,000": b"P3 50000 50000 255 1 2 3",
        "WebP of 16,384×16,384": webp(struct.pack("<I", 16_383 | 16_383 << 14)),
        "JPEG of 65,535×65,535": resized_jpeg(goods["JPEG"], 65_535, 65_535),
    }
    for name, bad in bombs.items():
        add_case("image", f"a bomb: {name}", one_file("p", bad))
    for name, bad in {
        "no columns": png_file(w=0), "no rows": png_file(h=0), "3 bits": png_file(depth=3),
        "16 bits of palette": png_file(depth=16, colour=3), "colours of kind 5": png_file(colour=5),
        "an interlacing of kind 7": png_file(weave=7),
        "a palette without colours": png_file(colour=3),
        "a wrong checksum of the header": png_parts(chunk(b"IHDR", HEAD[8:21], crc=1), DATA, END),
        "a wrong checksum of the data": png_parts(HEAD, chunk(b"IDAT", DATA[8:-4], crc=1), END),
        "no header": png_parts(DATA, END), "no data": png_parts(HEAD, END),
        "the header at the end": png_parts(DATA, END, HEAD),
        "a header of 12 bytes": png_parts(chunk(b"IHDR", HEAD[8:20]), DATA, END),
        "a chunk of four billion bytes": png_parts(HEAD, chunk(b"IDAT", b"x", length=2**32 - 1)),
        "a chunk without a name": png_parts(HEAD, chunk(b"\0\0\0\0", b"x"), DATA, END),
        "data that do not unpack": png_file(body=b"raw:notzlib"),
        "too few data": png_file(body=b"\0abcd"),
        "a row filter of kind 9": png_file(body=(b"\x09" + bytes(4)) * 4),
        "a text chunk of 100 MB packed": png_parts(
            HEAD, chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(100_000_000), 9)), DATA, END),
        "a profile of 100 MB packed": png_parts(
            HEAD, chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(100_000_000), 9)), DATA, END),
    }.items():  # fmt: skip
        add_case("image", f"PNG with {name}", one_file("p.png", bad))
    jpeg = goods["JPEG"]
    frame, table, huffman, scan = (jpeg.index(mark) for mark in (b"\xff\xc0", b"\xff\xdb", b"\xff\xc4", b"\xff\xda"))
    for name, bad in {
        "no frame": jpeg[:frame] + jpeg[huffman:],
        "no quantisation tables": jpeg[:table] + jpeg[frame:],
        "no columns": resized_jpeg(jpeg, 0, 30),
        "no component": jpeg[: frame + 9] + b"\0" + jpeg[frame + 10 :],
        "five components": jpeg[: frame + 9] + b"\5" + jpeg[frame + 10 :],
        "12 bits": jpeg[: frame + 4] + b"\x0c" + jpeg[frame + 5 :],
        "a sampling of zero": jpeg[: frame + 11] + b"\0" + jpeg[frame + 12 :],
        "lossless coding": jpeg[:frame] + b"\xff\xc3" + jpeg[frame + 2 :],
        "differential coding": jpeg[:frame] + b"\xff\xc5" + jpeg[frame + 2 :],
        "a segment of no length": jpeg[: table + 2] + b"\0\0" + jpeg[table + 4 :],
        "a segment beyond the end": jpeg[: huffman + 2] + b"\xff\xff" + jpeg[huffman + 4 : huffman + 40],
        "a scan of tables that are not there": jpeg[: scan + 6] + b"\x33" + jpeg[scan + 7 :],
        "no scan": jpeg[:scan],
        "nothing but its end": b"\xff\xd8\xff\xd9",
    }.items():
        add_case("image", f"JPEG with {name}", one_file("p.jpg", bad))
    for name, bad in {
        "7 bits": bmp_file(bits=7), "a header of 3 bytes": bmp_file(size=3), "an unknown packing": bmp_file(packing=99),
        "pixels beyond the end": bmp_file(offset=10**6), "no columns": bmp_file(w=0),
        "two billion colours": bmp_file(bits=8, colours=2**31), "a packing that needs 8 bits": bmp_file(packing=1),
        "negative columns": bmp_file(w=-4),
    }.items():  # fmt: skip
        add_case("image", f"BMP with {name}", one_file("p.bmp", bad))
    for name, bad in {
        "no picture": b"GIF89a" + struct.pack("<HHBBB", 4, 4, 0, 0, 0) + b";",
        "a code of 13 bits": gif_file(code=13),
        "a code of no bits": gif_file(code=0),
        "a code of 255 bits": gif_file(code=255),
        "an unknown block": gif_file(block=b"?"),
        "no data": gif_file(data=b"\0"),
    }.items():
        add_case("image", f"GIF with {name}", one_file("p.gif", bad))
    soft = goods["WebP"]
    for name, bad in {
        "an unknown chunk": soft[:12] + b"XXXX" + soft[16:],
        "a chunk beyond the end": soft[:16] + b"\xff" * 4 + soft[20:],
        "a damaged frame": soft[:23] + b"\0\0\0" + soft[26:],
        "no chunk": soft[:12],
        "a damaged lossless frame": goods["lossless WebP"][:20] + b"\0" + goods["lossless WebP"][21:],
    }.items():
        add_case("image", f"WebP with {name}", one_file("p.webp", bad))
    for name, bad in {
        "no brightest level": b"P5 4 4 0 " + bytes(16), "a level of 70,000": b"P5 4 4 70000 " + bytes(32),
        "sizes in letters": b"P5 four 4 255 " + bytes(16), "no columns": b"P5 0 4 255 ", "negative rows": b"P5 4 -4 255 ",
        "letters for pixels": b"P2 2 2 255 a b c d", "fewer pixels than its header says": b"P2 9 9 255 1 2 3",
        "a pixel above the brightest level": b"P2 2 1 9 1 99",
        "a number of 1,000 digits": b"P2 2 1 255 1 " + b"9" * 1000,
        "floats that are not numbers": b"Pf\n2 1\n-1.0\n" + np.array([np.nan, 0], "<f4").tobytes(),
        "floats up to 300": b"Pf\n2 1\n-1.0\n" + np.array([300, 0], "<f4").tobytes(),
        "a scale of zero": b"Pf\n2 1\n0\n" + bytes(8), "a scale in letters": b"Pf\n2 1\nx\n" + bytes(8),
    }.items():  # fmt: skip
        add_case("image", f"PNM with {name}", one_file("p.pnm", bad))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("p.png", goods["PNG"])
    for name, bad in {
        "nothing": b"", "a space": b" ", "a text": b"a digit", "a page": b"<!doctype html><title>404</title>",
        "an SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        "a PDF": b"%PDF-1.7\n1 0 obj\n", "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
        "an icon": drawn("ICO"), "a PCX": drawn("PCX"), "a Targa": drawn("TGA"),
        "a DDS": drawn("DDS"), "an archive": archive.getvalue(), "a pickle": pickle.dumps({"pixels": [1, 2]}),
        "an array": b"\x93NUMPY\1\0" + b"v\0" + b" " * 118, "a program": b"\x7fELF" + bytes(200),
        "a film": b"\0\0\0\x20ftypisom" + bytes(99), "an iPhone's HEIC": b"\0\0\0\x18ftypheic" + bytes(99),
        "an XBM": b"#define p_width 8\n#define p_height 1\nstatic char p_bits[] = {0x01};", "zeros": bytes(5000),
        "ones": b"\xff" * 5000, "noise": np.random.default_rng(0).bytes(5000),
        "more than 20 MB": goods["PNG"] + bytes(20_000_000),
    }.items():  # fmt: skip
        add_case("image", f"{name} for a picture", one_file("p.png", bad))

    def at(do: Callable[[Path], object]) -> Make:
        def make(folder: Path) -> Path:
            do(folder / "p.png")
            return folder / "p.png"

        return make

    add_case("image", "a folder for a picture", at(lambda path: path.mkdir()))
    add_case("image", "a pipe for a picture", at(lambda path: os.mkfifo(path)))
    add_case("image", "a broken link", at(lambda path: path.symlink_to("gone")))
    add_case("image", "a link to itself", at(lambda path: path.symlink_to("p.png")))
    add_case("image", "a picture that is not there", at(lambda path: None))
    add_case("image", "a device for a picture", lambda folder: Path("/dev/zero"))
    add_case("image", "a name with a null in it", lambda folder: folder / "a\0b.png")
    add_case("image", "a name of 5,000 letters", lambda folder: folder / ("p" * 5000))


def webp(sizes: bytes) -> bytes:
    body = b"VP8L" + struct.pack("<I", 5 + 11) + b"\x2f" + sizes + bytes(11)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def resized_jpeg(jpeg: bytes, w: int, h: int) -> bytes:
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", h, w) + jpeg[at + 4 :]


# --- npz ---------------------------------------------------------------------------------------------------------


def npy(array: np.ndarray, *, pickled: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=pickled)
    return file.getvalue()


def npy_raw(header: bytes, data: bytes = bytes(1280), version: int = 1) -> bytes:
    return b"\x93NUMPY" + bytes([version, 0]) + len(header).to_bytes(2 if version == 1 else 4, "little") + header + data


class Owned:
    """Unpickling this would leave a folder called owned."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("owned",)


def npz_file(members: dict[str, bytes], *, packing: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def npz_cases() -> None:
    pixels, labels = digits()
    x, y = npy(pixels), npy(labels)

    def given(name: str, **members: bytes) -> None:
        add_case("npz", name, one_file("d.npz", npz_file({"x": x, "y": y} | members)))

    given("objects for pixels", x=npy(np.array([Owned()] * 20, object), pickled=True))
    given("objects for labels", y=npy(np.array([Owned()] * 20, object), pickled=True))
    for name, header in {
        "code": b"{'descr': __import__('os').mkdir('owned'), 'fortran_order': False, 'shape': (20, 8, 8)}",
        "a list": b"['|u1', False, (20, 8, 8)]", "nothing": b"", "no shape": b"{'descr': '|u1', 'fortran_order': False}",
        "a key too many": b"{'descr': '|u1', 'fortran_order': False, 'shape': (20, 8, 8), 'run': 1}",
        "a negative size": b"{'descr': '|u1', 'fortran_order': False, 'shape': (-20, 8, 8)}",
        "a size of petabytes": b"{'descr': '|u1', 'fortran_order': False, 'shape': (2000000000, 2000, 2000)}",
        "no picture of petabytes": b"{'descr': '|u1', 'fortran_order': False, 'shape': (0, 2000000000, 2000000000)}",
        "a size in letters": b"{'descr': '|u1', 'fortran_order': False, 'shape': ('20', 8, 8)}",
        "a size that is true": b"{'descr': '|u1', 'fortran_order': False, 'shape': (True, 8, 8)}",
        "an order of neither kind": b"{'descr': '|u1', 'fortran_order': 2, 'shape': (20, 8, 8)}",
        "a type that is none": b"{'descr': '|q9', 'fortran_order': False, 'shape': (20, 8, 8)}",
        "a record type": b"{'descr': [('a', '|u1'), ('b', '|O')], 'fortran_order': False, 'shape': (20, 8, 8)}",
        "a unit of time divided by zero": b"{'descr': 'm8[3ms/0]', 'fortran_order': False, 'shape': (20, 8, 8)}",
        "bytes without meaning": b"{'descr': '|V1', 'fortran_order': False, 'shape': (20, 8, 8)}",
        "brackets without end": b"(" * 5000, "a byte that is no text": b"\xff\xfe{}",
    }.items():  # fmt: skip
        given(f"a header that is {name}" if name in ("code", "a list", "nothing") else f"a header with {name}",
              x=npy_raw(header))  # fmt: skip
    given("a header of a version to come", x=npy_raw(x[10:128], version=9))
    given("a header of four gigabytes by its length field", x=b"\x93NUMPY\2\0\xff\xff\xff\xff" + bytes(99))
    for name, content in {
        "truncated in their header": x[:40], "one byte short": x[:-1], "one byte too many": x + b"\0", "a text": b"pixels",
        "five axes": npy(np.zeros((20, 2, 2, 2, 3), np.uint8)), "one axis": npy(np.zeros(20, np.uint8)),
        "two channels": npy(np.zeros((20, 8, 8, 2), np.uint8)), "no picture": npy(np.zeros((0, 8, 8), np.uint8)),
        "no rows": npy(np.zeros((20, 0, 8), np.uint8)), "2,000 rows": npy(np.zeros((20, 2000, 2), np.uint8)),
        "one fewer than labels": npy(pixels[:19]), "not numbers": npy(np.full((20, 8, 8), np.nan, "f4")),
        "without end": npy(np.full((20, 8, 8), np.inf, "f4")), "from -1 to 1": npy(np.linspace(-1, 1, 1280).reshape(20, 8, 8)),
        "fractions up to 255": npy(pixels.astype("f4") + 0.5), "whole numbers up to 999": npy(np.arange(1280).reshape(20, 8, 8)),
        "negative": npy(-pixels.astype("i4")), "complex": npy(pixels.astype("c8")), "texts": npy(pixels.astype("U3")),
        "dates": npy(pixels.astype("M8[D]")),
    }.items():  # fmt: skip
        given(f"pixels that are {name}", x=content)
    for name, content in {
        "fractions": npy(labels + 0.5), "not numbers": npy(np.full(20, np.nan)), "negative": npy(labels.astype("i4") - 1),
        "beyond 2³¹": npy(labels.astype("i8") + 2**40), "one-hot": npy(np.eye(2)[labels]),
        "all the same": npy(np.zeros(20, "i8")), "of a class with one picture": npy((np.arange(20) == 3).astype("i8")),
        "of one picture each": npy(np.arange(20)),
    }.items():  # fmt: skip
        given(f"labels that are {name}", y=content)
    for what, lie in {
        "that ends a line": "a\n", "that moves the cursor": "\x1b[2J", "of 300 characters": "a" * 300,
        "that is empty": "", "that is half a character": "\ud800",
    }.items():  # fmt: skip
        given(f"a name of a class {what}", class_names=npy(np.array([lie, "b"])))
    beyond = npy(np.array(["a", "b"]))
    given("a name of a class that is no character", class_names=beyond[:-4] + b"\xff" * 4)
    given("a million names of classes", class_names=npy(np.arange(10**6).astype("U7")))
    given("names of classes that are numbers", class_names=npy(np.arange(2)))
    given("one name of a class too few", class_names=npy(np.array(["a"])))
    given("a name of a class twice", class_names=npy(np.array(["a", "a"])))
    given("test pictures without labels", x_test=x, y_test=npy(labels[:3]))
    for name, members in {
        "no labels": {"x": x},
        "no pixels": {"y": y},
        "unknown names": {"a": x, "b": y},
        "nothing": {},
        "test pictures of another size": {"x_train": x, "y_train": y, "x_test": npy(digits(20, 9)[0]), "y_test": y},
        "test labels of another class": {"x_train": x, "y_train": y, "x_test": x, "y_test": npy(labels + 7)},
    }.items():
        add_case("npz", f"an archive with {name}", one_file("d.npz", npz_file(members)))
    whole = npz_file({"x": x, "y": y})
    for name, content in {
        "cut in half": whole[: len(whole) // 2],
        "without its directory": whole[: whole.index(b"PK\1\2")],
        "with a wrong checksum": whole.replace(struct.pack("<I", zlib.crc32(x)), bytes(4)),
        "that is marked as encrypted": whole.replace(b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\1\0"),
        "packed by an unknown method": whole.replace(b"PK\1\2\x14\3\x14\0\0\0\0\0", b"PK\1\2\x14\3\x14\0\0\0\x63\0"),
        "of a gigabyte in a megabyte": npz_file(
            {"x": npy_raw(x[10:128], bytes(300_000_000)), "y": y}, packing=zipfile.ZIP_DEFLATED
        ),
    }.items():
        add_case("npz", f"an archive {name}", one_file("d.npz", content))


# --- CSV ---------------------------------------------------------------------------------------------------------


def csv_cases() -> None:
    head = b"label," + b",".join(b"pixel%d" % index for index in range(4)) + b"\n"
    rows = [b"%d,%d,20,30,40\n" % (index % 2, index) for index in range(20)]
    good = head + b"".join(rows)

    def given(name: str, content: bytes, file: str = "d.csv") -> None:
        add_case("csv", name, one_file(file, content))

    for name, row in {
        "letters for a pixel": b"0,a,2,3,4", "nothing for a pixel": b"0,,2,3,4", "a fraction for a pixel": b"0,1.5,2,3,4",
        "a negative pixel": b"0,-1,2,3,4", "a pixel of 256": b"0,256,2,3,4", "a pixel of 1e3": b"0,1e3,2,3,4",
        "a pixel that is not a number": b"0,nan,2,3,4", "an endless pixel": b"0,inf,2,3,4", "a column too few": b"0,1,2,3",
        "a column too many": b"0,1,2,3,4,5", "a comma at the end": b"0,1,2,3,4,", "semicolons": b"0;1;2;3;4",
        "tabs": b"0\t1\t2\t3\t4", "a hexadecimal pixel": b"0,0x10,2,3,4", "an underscore": b"0,1_0,2,3,4",
        "Arabic digits": "0,٣,2,3,4".encode(), "wide digits": "0,３,2,3,4".encode(), "a null": b"0,\0,2,3,4",
        "a byte that is no text": b"0,\xff,2,3,4", "a quote without end": b'0,"1,2,3,4', "a label in letters": b"cat,1,2,3,4",
        "a label with a fraction": b"0.5,1,2,3,4", "a negative label": b"-1,1,2,3,4", "no label": b",1,2,3,4",
        "a label of 30 digits": b"9" * 30 + b",1,2,3,4", "a pixel of 1,000 digits": b"0," + b"1" * 1000 + b",2,3,4",
        "a label of a class with one picture": b"7,1,2,3,4", "the header again": head.strip(), "a comment": b"# end",
        "half a line": b"0,1", "two minus signs": b"0,--1,2,3,4", "a formula": b"0,=1+1,2,3,4",
    }.items():  # fmt: skip
        given(f"a line with {name}", good + row + b"\n")
    for name, content in {
        "a header and nothing else": head, "a space and nothing else": b" \n", "empty lines and nothing else": b"\n" * 50,
        "a column of labels and nothing else": b"label\n0\n1\n" * 5, "one line": head + rows[0], "one class": head + rows[0] * 9,
        "no column of labels": b"a,b,c,d,e\n" + b"".join(rows), "two columns of labels": head.replace(b"pixel0", b"label") + rows[0],
        "five pixels a picture and no square": b"label," + b",".join(b"p%d" % i for i in range(5)) + b"\n" + b"0,1,2,3,4,5\n" * 9,
        "text in UTF-16": good.decode().encode("utf-16"), "text in UTF-32": good.decode().encode("utf-32"),
        "a page": b"<!doctype html><title>Sign in</title>" * 9, "JSON": b'{"label": 0, "pixels": [1, 2, 3, 4]}',
        "an archive": npz_file({"x": npy(digits()[0])}), "a picture": drawn("PNG"), "noise": np.random.default_rng(1).bytes(9999),
        "one endless line": b"0," * 4_000_000, "a million columns": b",".join([b"1"] * 1_000_000) + b"\n",
        "an endless name of a column": b"label," + b"p" * 4_000_000 + b"\n0,1\n", "nulls": bytes(5000),
    }.items():  # fmt: skip
        given(name, content)

    def folder_of(**files: bytes) -> Make:
        def make(folder: Path) -> Path:
            for name, content in files.items():
                (folder / f"{name}.csv").write_bytes(content)
            return folder

        return make

    add_case("csv", "two tables for training", folder_of(train=good, train2=good))
    add_case("csv", "a test table with other columns", folder_of(train=good, test=b"label,p0\n0,1\n1,2\n"))
    add_case(
        "csv",
        "a test table with a class that has no training images",
        folder_of(train=good, test=head + b"9,1,2,3,4\n"),
    )
    add_case("csv", "a test table with letters", folder_of(train=good, test=head + b"0,a,2,3,4\n"))


# --- folders and archives of pictures ----------------------------------------------------------------------------

Tree = dict[str, bytes | None]


def pictures(*labels: str, count: int = 6) -> Tree:
    """Different pictures of noise; None stands for an empty folder."""
    rng = np.random.default_rng(0)
    tree: Tree = {}
    for label in labels:
        for index in range(count):
            file = io.BytesIO()
            Image.fromarray(rng.integers(0, 256, (9, 9), np.uint8)).save(file, "PNG")
            tree[f"{label}/{index}.png"] = file.getvalue()
    return tree


def tree_cases() -> None:
    good = pictures("cat", "dog")
    bad = dict.fromkeys((f"cat/x{index}.png" for index in range(9)), b"no picture")
    trees: dict[str, Tree] = {
        "nothing in it": {}, "pictures and no classes": {name.split("/")[1]: data for name, data in good.items()},
        "one class": pictures("cat"), "a class with one picture": good | {"owl/0.png": good["cat/0.png"]},
        "an empty class": good | {"owl/": None}, "only empty classes": {"cat/": None, "dog/": None},
        "too many files that are no pictures": good | bad, "nothing but files that are no pictures": {
            f"{label}/{index}.png": b"no" for label in ("cat", "dog") for index in range(6)},
        "a class without a readable picture": good | {f"owl/{index}.png": b"no" for index in range(2)},
        "a test part and no training part": {f"test/{name}": data for name, data in good.items()},
        "an empty training part": {f"test/{name}": data for name, data in good.items()} | {"train/": None},
        "a test class that has no training images": {f"train/{name}": data for name, data in good.items()}
        | {"test/owl/0.png": good["cat/0.png"]},
        "an empty class in the training part": {f"train/{name}": data for name, data in good.items()} | {"train/owl/": None},
        "a class whose name is a control character": good | {f"\7/{index}.png": good["cat/0.png"] for index in range(3)},
        "more than 1,000 classes": {f"{label}/{index}.png": good["cat/0.png"] for label in range(1001) for index in range(2)},
    }  # fmt: skip
    for name, tree in trees.items():

        def make_tree(folder: Path, tree: Tree = tree) -> Path:
            for path, content in tree.items():
                place = folder / path
                (place if content is None else place.parent).mkdir(parents=True, exist_ok=True)
                if content is not None:
                    place.write_bytes(content)
            return folder

        add_case("folder", name, make_tree)
        add_case("zip", name, one_file("d.zip", zip_of(tree)))
    whole = zip_of(good)
    directory = whole.index(b"PK\1\2")
    for name, content in {
        "cut in half": whole[: len(whole) // 2], "without its directory": whole[:directory], "nothing but its end": whole[-22:],
        "with a directory that points beyond the end": whole[:-6] + b"\xff\xff\xff\x7f" + whole[-2:],
        "with a directory of noise": whole[:directory] + bytes(len(whole) - directory - 22) + whole[-22:],
        "of encrypted members": flagged(whole, 1), "packed by an unknown method": methods(whole, 99),
        "whose members lead out of it": zip_of({f"../{name}": data for name, data in good.items()}),
        "whose members begin at the root": zip_of({f"/{name}": data for name, data in good.items()}),
        "whose members name a drive": zip_of({f"C:/{name}": data for name, data in good.items()}),
        "with wrong checksums": checksums(whole), "whose members are marked as empty": whole[:directory] + sizes(whole[directory:]),
        "of hidden files only": zip_of({f"cat/.{index}.png": b"x" for index in range(9)}),
        "of an archive": zip_of({"d.zip": whole}), "of a picture of 100 MB packed": zip_of(
            {f"{label}/{index}.png": bytes(30_000_000) for label in "ab" for index in range(2)}, packing=zipfile.ZIP_DEFLATED),
        "that is a text": b"PK\3\4 this is not an archive",
    }.items():  # fmt: skip
        add_case("zip", name, one_file("d.zip", content))

    def with_links(folder: Path) -> Path:
        for label in ("cat", "dog"):
            (folder / label).mkdir()
            for index in range(6):
                (folder / label / f"{index}.png").symlink_to("/etc/hostname")
        return folder

    def with_pipes(folder: Path) -> Path:
        for label in ("cat", "dog"):
            (folder / label).mkdir()
            for index in range(6):
                os.mkfifo(folder / label / f"{index}.png")
        return folder

    def in_a_circle(folder: Path) -> Path:
        (folder / "cat").symlink_to(folder)
        return folder

    add_case("folder", "links that lead out of it", with_links)
    add_case("folder", "pipes for pictures", with_pipes)
    add_case("folder", "a link to itself for a class", in_a_circle)
    add_case("folder", "no such folder", lambda folder: folder / "nowhere")
    add_case("folder", "a name with a null in it", lambda folder: folder / "a\0b")
    add_case("folder", "a name of 5,000 letters", lambda folder: folder / ("d" * 5000))


def zip_of(tree: Tree, *, packing: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, content in tree.items():
            archive.writestr(zipfile.ZipInfo(name), content or b"", packing)
    return file.getvalue()


def each_entry(archive: bytes, offset: int, content: bytes) -> bytes:
    """Write over a field of every entry of the directory."""
    result, start = bytearray(archive), 0
    while (start := archive.find(b"PK\1\2", start)) >= 0:
        result[start + offset : start + offset + len(content)] = content
        start += 4
    return bytes(result)


def flagged(archive: bytes, flags: int) -> bytes:
    return each_entry(archive, 8, struct.pack("<H", flags))


def methods(archive: bytes, method: int) -> bytes:
    return each_entry(archive, 10, struct.pack("<H", method))


def checksums(archive: bytes) -> bytes:
    return each_entry(archive, 16, b"\1\2\3\4")


def sizes(directory: bytes) -> bytes:
    return each_entry(directory, 20, bytes(8))


@functools.cache
def all_cases() -> dict[str, dict[str, Make]]:
    """Fill `CASES`, and return them. Some are gigabytes packed into a few bytes, which takes seconds to pack."""
    for fill in (idx_cases, gz_cases, image_cases, npz_cases, csv_cases, tree_cases):
        fill()
    return CASES
