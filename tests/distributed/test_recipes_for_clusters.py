"""The recipes of docs/sweep.md for Ray Data and Spark, run as they are written."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import run_convscope
from test_ray import FENCE, has_fence

DOCS = Path(__file__).parent.parent.parent / "docs" / "sweep.md"
PARTS, IMAGES = 8, 100


def recipe(module: str) -> str:
    """The Python program of the page that imports the module."""
    programs = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = (one for one in programs if f"import {module}" in one or f"from {module}" in one)
    return found


@pytest.mark.long
@pytest.mark.skipif(not has_fence, reason="Linux, root, ip and unshare")
@pytest.mark.parametrize("module", ["ray", "pyspark"])
def test_the_tables_of_the_parts_join_to_the_table_of_one_call(module: str, short_run, tmp_path: Path) -> None:
    if importlib.util.find_spec(module) is None or (module == "pyspark" and not shutil.which("java")):
        pytest.skip(f"{module} is not installed")
    shutil.copytree(short_run, tmp_path / "runs" / "photos")
    (tmp_path / "photos").mkdir()
    (tmp_path / "parts").mkdir()
    rng = np.random.default_rng(0)
    for number in range(IMAGES):
        Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8)).save(tmp_path / "photos" / f"{number:03d}.png")
    (tmp_path / "recipe.py").write_text(recipe(module), encoding="utf-8")
    environment = os.environ | {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_HOSTNAME": "localhost"}
    done = subprocess.run(
        [*FENCE, sys.executable, "recipe.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == str(IMAGES)
    whole = run_convscope("predict", "photos", "--run", "runs/photos", "--out", "whole.csv", cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    parts = sorted((tmp_path / "parts").glob("*.csv"))
    assert len(parts) == PARTS
    assert b"".join(path.read_bytes() for path in parts) == (tmp_path / "whole.csv").read_bytes()
