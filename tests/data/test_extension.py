"""A new data format and a new data check are one new file each, and nothing else changes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import convscope

PACKAGE = Path(convscope.__file__).parent

FORMAT = '''
"""A text file with one image per line: the label, then the pixels as digits."""
import numpy as np
from convscope.data.build_dataset import Part, assemble
from convscope.data.reader import Reader

def load(path, options):
    rows = path.read_text().split()
    side = int(len(rows[0][1:]) ** 0.5)
    pixels = np.array([[int(digit) * 25 for digit in row[1:]] for row in rows], np.uint8)
    labels = np.array([int(row[0]) for row in rows], np.int64)
    return assemble("digits", path.name, Part(pixels.reshape(-1, side, side, 1), labels), None, options=options)

READER = Reader("digits", "a .digits file", "digits for pixels", 60, lambda one: one.name.endswith(".digits"), load)
'''

CHECK = '''
"""Classes with short names."""
from convscope.data.data_check import DataCheck, Finding, Kind

def find(scan, *, length=2):
    for name in sorted({record.class_name for record in scan.records}):
        if len(name) < length:
            yield Finding("short_name", f"class {name}")

CHECK = DataCheck({"short_name": Kind("Short class names", "Give classes longer names.", 200, is_serious=False)}, find)
'''

USE = """
import json, sys
from pathlib import Path
from convscope.api.check_data import check_data
from convscope.data.readers import describe_sources, load
loaded = load("d.digits", test_fraction=0)
report = check_data("d.digits", out="page.html").report
print(json.dumps({
    "kind": loaded.kind, "pixels": loaded.train.pixels[1].ravel().tolist(), "scanned": report.scan.kind,
    "sources": [source.form for source in describe_sources()], "counts": report.counts,
    "last": report.findings[-1].words, "page": Path("page.html").read_text(),
}))
"""


@pytest.fixture
def extended(tmp_path: Path) -> Path:
    """The package in another folder, with the two new files."""
    copy = tmp_path / "lib" / "convscope"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("*.xz", "__pycache__"))
    (copy / "data" / "formats" / "digits.py").write_text(FORMAT)
    (copy / "data" / "checks" / "short_names.py").write_text(CHECK)
    return tmp_path


def test_one_new_file_each_is_loaded_listed_checked_and_shown(extended: Path) -> None:
    (extended / "d.digits").write_text("00123 10456 07890 11111 02222 13333")
    done = subprocess.run(
        [sys.executable, "-c", USE],
        cwd=extended,
        env=os.environ | {"PYTHONPATH": str(extended / "lib")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["kind"] == told["scanned"] == "digits" and told["pixels"] == [0, 100, 125, 150]
    assert told["sources"][-1] == "a .digits file"
    assert told["counts"]["short_name"] == 2 and told["last"] == "class 1"
    assert "Short class names" in told["page"] and "Give classes longer names." in told["page"]
