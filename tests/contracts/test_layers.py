"""The architecture: which package may import which, that modules are documented, and what no module may do."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import convscope
from convscope.data.readers import READERS
from convscope.model.layers import LAYERS
from convscope.model.presets import PRESETS

ROOT = Path(__file__).parents[2]
PACKAGE = Path(convscope.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

EXECUTES_DATA = {
    "calls": {"eval", "exec", "compile", "__import__"},
    "imports": {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml"},
    "attributes": {"load_model", "load_weights", "model_from_json", "from_config", "deserialize"},
}


def name_of(module: Path) -> str:
    return str(module.relative_to(PACKAGE)).replace(os.sep, "/")


def lint_imports(folder: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [program, "--config", folder / "pyproject.toml", "--cache-dir", cache],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def copy_with(line: str, module: str, folder: Path) -> Path:
    """A copy of the package with one more line at the end of one module."""
    shutil.copytree(PACKAGE, folder / "convscope", ignore=shutil.ignore_patterns("*.xz", "__pycache__"))
    shutil.copyfile(ROOT / "pyproject.toml", folder / "pyproject.toml")
    path = folder / "convscope" / module
    path.write_text(path.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    return folder


def test_packages_import_only_downwards(tmp_path: Path) -> None:
    pytest.importorskip("importlinter", reason="it comes with the check group")
    done = lint_imports(copy_with("", "errors.py", tmp_path), tmp_path / "cache")
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout and "Packages import only downwards" in done.stdout


@pytest.mark.parametrize(
    ("module", "line", "message"),
    [
        ("arithmetic.py", "import convscope.cli.app", "convscope.arithmetic is not allowed to import convscope.cli"),
        ("evaluation/metrics.py", "import convscope.training.run", "convscope.evaluation is not allowed to import"),
        ("model/forward.py", "import tensorflow", "convscope.model.forward is not allowed to import tensorflow"),
        ("data/formats/idx.py", "import matplotlib", "convscope.data is not allowed to import matplotlib"),
    ],
    ids=["upwards", "a sibling", "TensorFlow in a light module", "matplotlib outside report.pictures"],
)
def test_a_wrong_import_would_be_reported(module: str, line: str, message: str, tmp_path: Path) -> None:
    pytest.importorskip("importlinter", reason="it comes with the check group")
    done = lint_imports(copy_with(line, module, tmp_path), tmp_path / "cache")
    assert done.returncode == 1 and message in done.stdout, done.stdout


HEAVY = {
    "convscope.distributed.workers",
    "convscope.model.tensorflow",
    "convscope.model.build",
    "convscope.training.fit",
    "convscope.training.loop",
    "convscope.training.gradients",
    "convscope.training.state",
    "convscope.training.augment",
    "convscope.training.batches",
    "convscope.training.optimizer",
    "convscope.training.patch_whitening",
    "convscope.training.shards",
}


def test_every_light_module_is_listed_in_the_import_contract() -> None:
    """Otherwise a new module could import Keras unnoticed."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (guarded,) = (one["source_modules"] for one in contracts if one["name"].startswith("Only heavy modules"))
    for module in MODULES:
        dotted = "convscope." + name_of(module).removesuffix(".py").replace("/", ".")
        if module.stem.startswith("__") or dotted in HEAVY or dotted.startswith("convscope.api."):
            continue
        assert any(f"{dotted}.".startswith(f"{name}.") for name in guarded), f"{dotted} is not in the contract"


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_every_module_has_a_docstring(module: Path) -> None:
    text = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
    assert text and len(text) > 15 and text[0].isupper() | text.startswith("``"), text


def executed_data(tree: ast.AST) -> list[str]:
    """Every way in this module to execute data: `eval` and the like, pickles, and loaders that run code."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            found += [name for name in names if name.split(".")[0] in EXECUTES_DATA["imports"]]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found += [node.func.id] if node.func.id in EXECUTES_DATA["calls"] else []
        elif isinstance(node, ast.Attribute):
            found += [node.attr] if node.attr in EXECUTES_DATA["attributes"] else []
        if isinstance(node, ast.Call) and not ast.unparse(node.func).endswith(
            ".install_completion"
        ):  # its shell is a name
            pairs = [(one.arg, ast.unparse(one.value)) for one in node.keywords]
            found += [
                f"{name}={value}" for name, value in pairs if name in ("allow_pickle", "shell") and value != "False"
            ]
    return found


PICKLES = {"data/processes.py"}
"""They read what another process of the same program has written into a pipe that no other has; never a file."""


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_no_module_executes_data(module: Path) -> None:
    found = executed_data(ast.parse(module.read_text(encoding="utf-8")))
    assert set(found) <= ({"pickle"} if name_of(module) in PICKLES else set())


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from yaml import load",
        "eval(text)",
        "exec(text)",
        "keras.models.load_model(path)",
        "np.load(path, allow_pickle=True)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_executing_data_would_be_detected(line: str) -> None:
    assert executed_data(ast.parse(line))


def test_arrays_are_always_loaded_with_allow_pickle_false() -> None:
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "np.load",
                "numpy.load",
                "np.lib.format.read_array",
            ):
                assert "allow_pickle=False" in ast.unparse(node), f"{name_of(module)}: {ast.unparse(node)}"


def text_of_the_tests() -> str:
    files = [path for path in (ROOT / "tests").rglob("*") if path.suffix in (".py", ".json")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files if path != Path(__file__))


@pytest.mark.parametrize("name", [*READERS, *PRESETS, *LAYERS])
def test_every_reader_preset_and_layer_is_named_in_some_test(name: str) -> None:
    quoted = rf"""["']{re.escape(name)}["'( ]""" if name in READERS or name in PRESETS else rf"\b{re.escape(name)}\b"
    assert re.search(quoted, text_of_the_tests()), f"no test names {name}"
