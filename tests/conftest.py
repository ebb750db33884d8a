"""What several test files share: the program, small datasets on disk, one short training, and the lanes."""

from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # before NumPy and TensorFlow start: one core for each worker
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")

import fcntl
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image
from program import run_convscope, stop_servers

# Machines are shared: how long one example takes says nothing about the code.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")

if "PYTEST_XDIST_WORKER" in os.environ:
    # Every worker needs it. Imported inside one of the modules that jaxtyping instruments, it would be compiled anew,
    # because jaxtyping changes the name of all cached bytecode meanwhile: three times the time.
    before = dict(os.environ)
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "KERAS_HOME": "/dev/null/keras"}
    import keras  # noqa: F401

    os.environ.clear()  # the processes that tests start set these themselves
    os.environ.update(before)

SLOW_FIXTURES = {"convscope", "short_run", "browser", "show"}
"""A test that needs one of these runs the program, trains a network or starts a browser."""

SLOW_FILES = {
    "test_bad_folder_proof.py", "test_bad_input_proof.py", "test_hostile_proof.py", "test_model_file_proof.py",
    "test_model_file_fuzz.py", "test_faults.py", "test_interruption.py", "test_power_loss.py", "test_checkpoint.py",
    "test_fit.py", "test_train.py", "test_bad_input.py", "test_signals.py", "test_notebook.py", "test_packaging.py",
    "test_light_import.py", "test_docs.py", "test_forward_twin.py", "test_preprocess_twin.py", "test_node.py",
    "test_step_oracles.py", "test_resume.py", "test_moments.py", "test_run.py", "test_explanation.py",
    "test_recipe.py", "test_run_data.py", "test_mapped_batches.py", "test_cache.py", "test_data_options.py",
    "test_photo_conditions.py", "test_shards.py", "test_workers.py", "test_keras_versions.py", "test_predict_folder.py",
    "test_sweep.py",
}  # fmt: skip
"""Files that train networks, start processes, or run short versions of the experiments in proofs/."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what does not belong into the fast lane as slow; parallel workers get those files first."""
    for item in items:
        if SLOW_FIXTURES & set(getattr(item, "fixturenames", ())) or item.path.name in SLOW_FILES:
            item.add_marker(pytest.mark.slow)
    if "PYTEST_XDIST_WORKER" in os.environ:
        slow_files = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow_files)


@pytest.fixture(scope="session", autouse=True)
def servers() -> Iterator[None]:
    """The processes behind `run_convscope` end with the tests."""
    yield
    stop_servers()


@pytest.fixture(scope="session")
def convscope():
    return run_convscope


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Make a folder once for all workers, and give each worker a copy of its own."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def made(name: str, make: Callable[[Path], object]) -> Path:
        original = shared / f"once-{name}"
        with (shared / f"once-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not original.is_dir():
                draft = shared / f"once-{name}.draft"
                shutil.rmtree(draft, ignore_errors=True)
                draft.mkdir()
                make(draft)
                draft.rename(original)
        return shutil.copytree(original, tmp_path_factory.mktemp(name) / name)

    return made


@pytest.fixture(scope="session")
def short_run(once) -> Path:
    """A run folder of `quick`, trained on the real MNIST for a fifth of an epoch."""

    def train(folder: Path) -> None:
        done = run_convscope("train", "--epochs", "0.2", "--out", "run", cwd=folder)
        assert done.returncode == 0, done.stderr

    return once("short", train) / "run"


def draw_shape(label: int, rng: np.random.Generator, *, h: int = 24, w: int = 32) -> np.ndarray:
    """A noisy RGB picture of a horizontal bar, a vertical bar or a disc."""
    picture = rng.integers(0, 60, size=(h, w, 3)).astype(np.uint8)
    y, x = rng.integers(6, h - 6), rng.integers(6, w - 6)
    rows, columns = np.mgrid[:h, :w]
    shapes = (abs(rows - y) < 2, abs(columns - x) < 2, (rows - y) ** 2 + (columns - x) ** 2 < 30)
    picture[shapes[label]] = (230, 120 + 40 * label, 40)
    return picture


@pytest.fixture(scope="session")
def shapes_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of small RGB pictures, one sub-folder each."""
    folder, rng = tmp_path_factory.mktemp("data") / "shapes", np.random.default_rng(0)
    for label, name in enumerate(("bar", "pole", "disc")):
        (folder / name).mkdir(parents=True)
        for index in range(40):
            Image.fromarray(draw_shape(label, rng)).save(folder / name / f"{name}-{index:02d}.png")
    return folder
