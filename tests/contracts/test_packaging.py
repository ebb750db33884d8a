"""The source distribution and the wheel: their contents, and the wheel installed in a new environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from PIL import Image

import convscope
from convscope.data.mnist import load_part

ROOT = Path(__file__).parents[2]
MAX_MNIST_BYTES = 10_000_000


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


def dependencies(name: str, found: dict[str, list[str]] | None = None) -> dict[str, list[str]]:
    """The packages that `pip install NAME` without extras installs, each with its top-level files and folders."""
    found = {} if found is None else found
    for line in distribution(name).requires or []:
        requirement, _, marker = line.partition(";")
        package = re.match(r"[\w.-]+", requirement.strip())[0].lower()
        if package in found or "extra" in marker:
            continue
        try:
            files = distribution(package).files or []
        except PackageNotFoundError:  # for another platform or an older Python
            continue
        found[package] = sorted({file.parts[0] for file in files if file.parts[0] not in ("..", "__pycache__")})
        dependencies(package, found)
    return found


@pytest.fixture(scope="module")
def installed(archives: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel and its declared dependencies, which it shares with this one."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=60)
    (site,) = folder.glob("lib/python*/site-packages")
    for package, names in dependencies("convscope").items():
        for name in names:
            original = Path(distribution(package).locate_file(name))
            if not (site / name).exists():
                (site / name).symlink_to(original, target_is_directory=original.is_dir())
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "--disable-pip-version-check", "-q"]
    done = subprocess.run(
        [*pip, "install", "--no-index", "--no-deps", archives[1]], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return folder


def run(installed: Path, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [installed / "bin" / "convscope", *map(str, arguments)],
        cwd=cwd, env=clean, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_the_wheel_has_the_package_its_data_and_its_licenses_and_nothing_else(archives: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(archives[1]) as wheel:
        sizes = {entry.filename: entry.compress_size for entry in wheel.infolist()}
    source = ROOT / "src"
    files = [path for path in (source / "convscope").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    expected = {path.relative_to(source).as_posix() for path in files}
    extra = {name for name in sizes if name not in expected}
    assert expected - set(sizes) == set()
    assert {"convscope/py.typed", "convscope/web/index.html", "convscope/data/mnist/index.json"} <= set(sizes)
    assert all(re.match(r"convscope-[^/]+\.dist-info/", name) for name in extra), extra
    assert {name.rpartition("/")[2] for name in extra} >= {"LICENSE", "LICENSE.md", "METADATA", "entry_points.txt"}
    assert sum(size for name, size in sizes.items() if "/mnist/" in name) <= MAX_MNIST_BYTES


def test_the_source_distribution_has_what_a_packager_needs(archives: tuple[Path, Path]) -> None:
    with tarfile.open(archives[0]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    needed = {"LICENSE", "README.md", "pyproject.toml", "src/convscope/py.typed", "tests/conftest.py", "docs/index.md"}
    assert needed <= names
    assert not {name for name in names if "__pycache__" in name or name.startswith((".venv", "node_modules", "runs/"))}


def test_the_version_is_the_same_everywhere(archives: tuple[Path, Path], installed: Path, tmp_path: Path) -> None:
    assert archives[1].name.startswith(f"convscope-{convscope.__version__}-")
    assert archives[0].name == f"convscope-{convscope.__version__}.tar.gz"
    done = run(installed, "--version", cwd=tmp_path)
    assert (done.returncode, done.stdout.strip().split()[-1]) == (0, convscope.__version__), done.stderr


def test_the_installed_wheel_works_without_tensorflow(installed: Path, short_run: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [installed / "bin" / "python", "-I", "-c", "import tensorflow"], capture_output=True, cwd=tmp_path
    )
    assert done.returncode != 0, "this environment must not have TensorFlow"
    Image.fromarray(load_part("test").pixels[0, :, :, 0]).save(tmp_path / "seven.png")
    summary = run(installed, "summary", "quick", cwd=tmp_path)
    assert summary.returncode == 0 and "Conv2D" in summary.stdout, summary.stderr
    predicted = run(installed, "predict", "seven.png", "--run", short_run, cwd=tmp_path)
    assert predicted.returncode == 0 and predicted.stdout.startswith("seven.png: 7"), predicted.stderr
    code = "import convscope; print(convscope.__file__)"
    where = subprocess.run(
        [installed / "bin" / "python", "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(where.stdout.strip()).is_relative_to(installed), "the installed package, not the checkout"
