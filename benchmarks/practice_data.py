"""Make the practice datasets from published packages: folders of images under build/practice.

    python benchmarks/practice_data.py

They are development inputs only and are not part of convscope. Packages come with apt-get and npm:

- ``fashion``: Debian's dataset-fashion-mnist (MIT), as published: 60,000 training and 10,000 test images of 28×28.
- ``emoji``: emoji-datasource-{apple,google,twitter,facebook} 16.0.0: one class for each category of symbols, 64×64.
  The test part has other symbols (one in five, by hash), in all four styles.
- ``flags``: 100 flags of three styles, rotated, scaled, moved, darkened, with noise, on random backgrounds, 64×64.
- ``stamps``: Debian's tuxpaint-stamps-default: one class for each theme, one in five (by hash of the name)
  in the test part.
- ``photos``: 20 wallpapers of Debian's plasma-workspace-wallpapers and mate-backgrounds: crops of 256×256. The test
  crops come from the right 30 % of each wallpaper, the training crops from the rest; they do not overlap.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parent.parent / "build" / "practice"
DEBIAN = ("dataset-fashion-mnist", "tuxpaint-stamps-default", "plasma-workspace-wallpapers", "mate-backgrounds")
STYLES = ("apple", "google", "twitter", "facebook")
PLASMA = (
    "Autumn", "EveningGlow", "FallenLeaf", "BytheWater", "Kite", "Path", "summer_1am", "OneStandsOut", "ColdRipple",
    "DarkestHour", "PastelHills", "Grey",
)  # fmt: skip
SIDE = 256


def fetch(folder: Path) -> None:
    """Unpack the packages below a folder; nothing is installed."""
    subprocess.run(["apt-get", "download", *DEBIAN], cwd=folder, check=True)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, folder / "debian"], check=True)
    for style in STYLES:
        subprocess.run(["npm", "pack", "--silent", f"emoji-datasource-{style}@16.0.0"], cwd=folder, check=True)
        (folder / style).mkdir()
        (archive,) = folder.glob(f"emoji-datasource-{style}-*.tgz")
        subprocess.run(["tar", "xzf", archive, "-C", folder / style], check=True)


def is_test(name: str) -> bool:
    """One name in five, by hash."""
    return int(hashlib.md5(name.encode()).hexdigest(), 16) % 5 == 0


def emoji_image(packages: Path, style: str, name: str) -> Path:
    """The 64×64 image of a symbol in a style."""
    return packages / style / "package" / "img" / style / "64" / name


def make_emoji(packages: Path, symbols: list[dict]) -> None:
    """One class for each category."""
    for symbol in symbols:
        if symbol["category"] == "Component":
            continue
        part = "test" if is_test(symbol["unified"]) else "train"
        folder = ROOT / "emoji" / part / symbol["category"].replace(" & ", "-").lower()
        folder.mkdir(parents=True, exist_ok=True)
        for style in STYLES:
            source = emoji_image(packages, style, symbol["image"])
            if symbol.get(f"has_img_{style}") and source.exists():
                shutil.copy(source, folder / f"{style}-{symbol['image']}")


def distorted(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A flag as a bad photo shows it."""
    ground = Image.fromarray(np.full((64, 64, 3), rng.integers(0, 256, 3), np.uint8))
    turned = image.convert("RGBA").rotate(float(rng.uniform(-25, 25)), resample=Image.Resampling.BICUBIC)
    turned = turned.resize((int(64 * rng.uniform(0.6, 1.1)), int(64 * rng.uniform(0.6, 1.1))))
    ground.paste(turned, (int(rng.uniform(-8, 20)), int(rng.uniform(-8, 20))), turned)
    noisy = np.asarray(ground) * rng.uniform(0.5, 1.2) + rng.normal(0, rng.uniform(0, 25), (64, 64, 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def make_flags(packages: Path, symbols: list[dict]) -> None:
    """100 classes of 24 training and 8 test images."""
    flags = [one for one in symbols if one["category"] == "Flags" and one["short_name"].startswith("flag-")]
    flags = [one for one in flags if all(one[f"has_img_{style}"] for style in STYLES[:3])]
    for flag in sorted(flags, key=lambda one: one["unified"])[:100]:
        for part, count in (("train", 24), ("test", 8)):
            folder = ROOT / "flags" / part / flag["short_name"]
            folder.mkdir(parents=True, exist_ok=True)
            for index in range(count):
                rng = np.random.default_rng([int(flag["sort_order"]), part == "test", index])
                image = Image.open(emoji_image(packages, STYLES[index % 3], flag["image"]))
                distorted(image, rng).save(folder / f"{index}.png")


def make_stamps(packages: Path) -> None:
    """One class for each theme of at least ten stamps."""
    stamps = packages / "debian" / "usr" / "share" / "tuxpaint" / "stamps"
    for path in sorted(stamps.rglob("*.png")):
        if path.stem.endswith(("_mirror", "_flip")):
            continue
        folder = ROOT / "stamps" / ("test" if is_test(path.name) else "train") / path.relative_to(stamps).parts[0]
        folder.mkdir(parents=True, exist_ok=True)
        image = Image.open(path).convert("RGBA")
        image.thumbnail((SIDE, SIDE))
        image.save(folder / path.name)
    for folder in (ROOT / "stamps" / "train").iterdir():
        if len(list(folder.iterdir())) < 10:
            shutil.rmtree(folder)
            shutil.rmtree(ROOT / "stamps" / "test" / folder.name, ignore_errors=True)


def make_photos(packages: Path) -> None:
    """20 classes of 160 training and 40 test crops."""
    share = packages / "debian" / "usr" / "share"
    folders = [share / "wallpapers" / name / "contents" / "images" for name in PLASMA]
    paths = [max(folder.iterdir(), key=lambda path: path.stat().st_size) for folder in folders]
    named = list(zip(PLASMA, paths, strict=True))
    named += [(path.stem, path) for path in sorted((share / "backgrounds" / "mate" / "nature").glob("*.jpg"))]
    for name, path in named[:20]:
        image = Image.open(path).convert("RGB")
        w, h = image.size
        side = min(SIDE * max(1, min(w, h) // 768), min(w, h) // 2)
        for part, count, low, high in (("train", 160, 0, int(w * 0.7) - side), ("test", 40, int(w * 0.7), w - side)):
            folder = ROOT / "photos" / part / name
            folder.mkdir(parents=True, exist_ok=True)
            for index in range(count):
                rng = np.random.default_rng([len(name), w, index, part == "test"])
                x, y = int(rng.integers(low, max(high, low + 1))), int(rng.integers(0, h - side))
                crop = image.crop((x, y, x + side, y + side)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
                crop.save(folder / f"{index}.jpg", quality=90)


def main() -> int:
    """Make all of them, once."""
    if ROOT.exists():
        print(f"{ROOT} is there already")
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        packages = Path(temporary)
        fetch(packages)
        symbols = json.loads((packages / "apple" / "package" / "emoji.json").read_text(encoding="utf-8"))
        make_emoji(packages, symbols)
        make_flags(packages, symbols)
        make_stamps(packages)
        make_photos(packages)
        (ROOT / "fashion").mkdir()
        for path in packages.rglob("*-ubyte.gz"):
            shutil.copy(path, ROOT / "fashion")
    return 0


if __name__ == "__main__":
    sys.exit(main())
