"""``convscope open`` as a person runs it."""

import json
from pathlib import Path

from program import before_all


def test_it_writes_the_page_and_says_where(convscope, short_run: Path, tmp_path: Path):
    done = convscope("open", short_run, "--out", "network.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "network.html" in done.stdout and "works offline" in done.stdout
    assert (tmp_path / "network.html").stat().st_size > 100_000
    assert [path.name for path in tmp_path.iterdir()] == ["network.html"]


def test_json_says_the_same_as_values(convscope, short_run: Path, tmp_path: Path):
    done = convscope("open", short_run, "--out", "network.html", "--json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert told["path"] == "network.html"
    assert told["size_bytes"] == (tmp_path / "network.html").stat().st_size
    assert told["reference"].startswith("TensorFlow") and told["missing"] == ""


def test_it_needs_no_tensorflow(convscope, short_run: Path, tmp_path: Path):
    for name in ("tensorflow", "keras"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('not here')")
    done = convscope("open", short_run, "--out", "network.html", cwd=tmp_path, PYTHONPATH=before_all(tmp_path))
    assert done.returncode == 0, done.stderr


def test_no_run_is_one_clear_line(convscope, tmp_path: Path):
    done = convscope("open", "nowhere", cwd=tmp_path)
    assert done.returncode == 1
    assert "Received: nowhere" in done.stderr and "Traceback" not in done.stderr
