"""JPEG files decoded as drafts: what changes, by how much, and that every reader of one network does the same."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from convscope.data import jpeg as jpeg_decoder
from convscope.data.decode import decode
from convscope.data.image_input import collect_images
from convscope.data.load_options import Caching
from convscope.data.preprocess import Preprocessing
from convscope.data.readers import load, load_all
from convscope.errors import DataError, OptionError

DRAFT = Preprocessing(32, 32, 3, decoding="draft")


def photo(height: int = 256, width: int = 256, seed: int = 0) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def jpeg(image: Image.Image, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90, **options)
    return file.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index in range(12):
        place = tmp_path / "photos" / "ab"[index % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{index}.jpg").write_bytes(jpeg(photo(seed=index)))
    return tmp_path / "photos"


@pytest.mark.parametrize(
    ("size", "fit", "factor"),
    [
        ((256, 256), "pad", 4),
        ((255, 255), "pad", 2),
        ((127, 127), "pad", 1),
        ((512, 64), "pad", 8),  # the long side decides how much the image is reduced
        ((512, 64), "crop", 1),  # the short one does
        ((512, 64), "stretch", 1),
        ((9000, 9000), "stretch", 8),
    ],
)
def test_a_draft_keeps_at_least_twice_the_size(size, fit, factor):
    assert Preprocessing(32, 32, 3, fit=fit, decoding="draft").draft_factor(*size) == factor
    assert Preprocessing(32, 32, 3, fit=fit).draft_factor(*size) == 1


def test_a_draft_has_the_pixels_of_pillows_draft():
    data = jpeg(photo())
    theirs = Image.open(io.BytesIO(data))
    theirs.draft("RGB", (64, 64))
    assert (decode(data, "photo", draft=DRAFT.draft_factor).pixels == np.asarray(theirs)).all()


def test_the_network_sees_almost_the_same():
    for seed in range(5):
        data = jpeg(photo(300, 400, seed))
        exact = DRAFT.apply(decode(data, "photo").pixels).astype(int)
        draft = DRAFT.apply(decode(data, "photo", draft=DRAFT.draft_factor).pixels)
        difference = np.abs(exact - draft)
        assert difference.max() > 0  # it was a draft
        assert difference.mean() < 2 and difference.max() <= 8


def test_a_photo_on_its_side_is_reduced_by_its_upright_size():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = jpeg(photo(512, 64), exif=exif)
    sizes = []
    decode(data, "photo", draft=lambda height, width: sizes.append((height, width)) or 1)
    assert sizes == [(64, 512)]


def test_other_formats_are_decoded_in_full():
    file = io.BytesIO()
    photo().save(file, "PNG")
    assert decode(file.getvalue(), "photo", draft=DRAFT.draft_factor).pixels.shape == (256, 256, 3)


def test_dataset_cache_and_single_images_are_decoded_in_the_same_way(folder, tmp_path):
    exact = load(folder, size=(32, 32))
    draft = load(folder, size=(32, 32), decoding="draft")
    assert not (draft.train.pixels == exact.train.pixels).all()
    assert draft.preprocessing == Preprocessing(32, 32, 3, decoding="draft")
    assert [str(one) for one in draft.decisions if one.what == "decoding"] == [
        "decoding: draft (12 of 12 images are reduced while JPEG is decoded; change with --decoding)"
    ]
    cache = Caching(tmp_path / "cache")
    assert (load(folder, size=(32, 32), decoding="draft", caching=cache).train.pixels[:] == draft.train.pixels).all()
    assert (load(folder, size=(32, 32), caching=cache).train.pixels[:] == exact.train.pixels).all()
    assert len(list(cache.folder.iterdir())) == 2
    everything = load_all(folder, size=(32, 32), decoding="draft")[0]
    contract = draft.preprocessing
    for index, name in enumerate(everything.names):
        (one,) = collect_images(folder / name, most=1)
        assert (contract.apply(one.decode(draft=contract.draft_factor)) == everything.pixels[index]).all()


def test_a_contract_without_decoding_is_exact_and_is_written_as_before():
    exact = Preprocessing(8, 8, 1)
    assert "decoding" not in exact.to_json()
    assert Preprocessing.from_json(exact.to_json()) == exact
    assert DRAFT.to_json()["decoding"] == "draft"
    assert Preprocessing.from_json(DRAFT.to_json()) == DRAFT
    with pytest.raises(DataError, match="decoding to be one of exact, draft, fast"):
        Preprocessing.from_json({**exact.to_json(), "decoding": "coarse"})


def test_an_unknown_decoding_is_refused(folder):
    with pytest.raises(OptionError, match="one of exact, draft, fast for decoding"):
        load(folder, decoding="coarse")


def test_fast_keeps_at_least_the_size_and_is_the_same_everywhere(folder, tmp_path):
    contract = Preprocessing(32, 32, 3, decoding="fast")
    assert [contract.draft_factor(side, side) for side in (256, 255, 128, 63)] == [8, 4, 4, 1]
    data = load(folder, size=(32, 32), decoding="fast")
    assert data.preprocessing == contract
    assert "decoding: fast (12 of 12 images" in " ".join(str(one) for one in data.decisions)
    caching = Caching(tmp_path / "cache")
    assert (load(folder, size=(32, 32), decoding="fast", caching=caching).train.pixels[:] == data.train.pixels).all()


def jpegs() -> dict[str, bytes]:
    """JPEG files of all kinds, and damaged ones."""
    rng = np.random.default_rng(2)
    exif = Image.Exif()
    exif[0x0112] = 6
    rough = Image.fromarray(rng.integers(0, 256, (131, 203, 3), np.uint8))
    found = {f"{h}×{w}": jpeg(photo(h, w)) for h, w in ((256, 256), (255, 301), (64, 65), (63, 64), (9, 300), (1, 1))}
    found |= {f"subsampling {kind}": jpeg(rough, subsampling=kind) for kind in (0, 1, 2)}
    found |= {
        "gray": jpeg(photo().convert("L")),
        "progressive": jpeg(rough, progressive=True),
        "gray in three channels": jpeg(photo().convert("L").convert("RGB")),
        "CMYK": jpeg(photo().convert("CMYK")),
        "on its side": jpeg(photo(200, 300), exif=exif),
        "red, green, blue kept": jpeg(rough, keep_rgb=True),
        "restart markers": jpeg(rough, restart_marker_rows=1),
    }
    whole = found["255×301"]
    found |= {
        "truncated": whole[:-200],
        "without its end": whole[:-2],
        "bytes behind the end": whole + b"0" * 50,
        "changed bytes": whole[:900] + bytes(20) + whole[920:],
        "header only": whole[:300],
    }
    return found


@pytest.mark.parametrize("decoding", ["exact", "draft", "fast"])
def test_simplejpeg_gives_the_pixels_and_errors_of_pillow(decoding, monkeypatch):
    simplejpeg = pytest.importorskip("simplejpeg")
    draft = Preprocessing(32, 32, 3, decoding=decoding).draft_factor
    decoded = []

    def results() -> dict[str, object]:
        found = {}
        for name, data in jpegs().items():
            try:
                one = decode(data, name, draft=draft)
                found[name] = (one.pixels.shape, one.pixels.tobytes(), one.mode, one.orientation)
            except DataError as error:
                found[name] = str(error)
        return found

    counting = SimpleNamespace(
        decode_jpeg_header=simplejpeg.decode_jpeg_header,
        decode_jpeg=lambda *given, **how: decoded.append(1) or simplejpeg.decode_jpeg(*given, **how),
    )
    monkeypatch.setattr(jpeg_decoder, "_simplejpeg", lambda: counting)
    fast = results()
    assert len(decoded) >= 10  # it was not left to Pillow
    monkeypatch.setattr(jpeg_decoder, "_simplejpeg", lambda: None)
    assert fast == results()
