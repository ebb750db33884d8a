"""Light modules and commands import neither TensorFlow nor matplotlib."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import json, sys
{code}
print(json.dumps(sorted(m for m in sys.modules if m.split(".")[0] in {{"tensorflow", "keras", "matplotlib"}})))
"""


def loaded_by(code: str, cwd: Path) -> list[str]:
    done = subprocess.run([sys.executable, "-c", PROBE.format(code=code)], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "module",
    [
        "convscope",
        "convscope.cli",
        "convscope.data.readers",
        "convscope.model.forward",
        "convscope.model.model_file",
        "convscope.evaluation.predict",
        "convscope.api.evaluate",
        "convscope.api.predict",
        "convscope.api.summary",
        "convscope.api.train",
        "convscope.training.run",
        "convscope.training.run_folder",
    ],
)
def test_importing_a_light_module_loads_neither_tensorflow_nor_matplotlib(module: str, tmp_path: Path) -> None:
    assert loaded_by(f"import {module}", tmp_path) == []


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["data"], ["summary", "classic"], ["predict"]])
def test_a_light_command_loads_neither(arguments: list[str], tmp_path: Path) -> None:
    assert loaded_by(f"from convscope.cli import main\nmain({arguments!r})", tmp_path) == []


def test_predicting_and_evaluating_load_neither(short_run: Path, tmp_path: Path) -> None:
    assert (
        loaded_by(f"from convscope.cli import main\nassert main(['evaluate', {str(short_run)!r}]) == 0", tmp_path) == []
    )


def test_train_without_tensorflow_names_the_extra_to_install(tmp_path: Path) -> None:
    code = "sys.modules['tensorflow'] = None\nfrom convscope.cli import main\nassert main(['train']) == 1"
    done = subprocess.run([sys.executable, "-c", PROBE.format(code=code)], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "convscope[train]" in done.stderr and "Traceback" not in done.stderr
