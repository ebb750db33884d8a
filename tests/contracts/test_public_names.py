"""The public surface is the stored list: names, the options of each function, and the commands that they belong to."""

import ast
import inspect
import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import convscope
from convscope.api.evaluate import EvaluateResult
from convscope.cli.app import COMMANDS
from convscope.training.options import TrainOptions

ROOT = Path(__file__).parents[2]
STORED = Path(__file__).parent / "public_names.json"

FUNCTIONS = {"data": "load_data", "data check": "check_data", "import": "import_model"}
"""Commands whose function has another name, since theirs is taken or says too little without the command line."""

ONLY_IN_A_TERMINAL = {"output", "no_numbers", "step", "npz", "yes", "augment", "watch", "port"}
"""How a result is printed, shown, served or confirmed."""

SAVED_BY_THE_RESULT = {"predict", "explain", "evaluate", "summary", "conv"}
"""Commands whose ``--out`` draws; in Python the result has ``save``, or shows itself."""


def surface() -> dict[str, list[str]]:
    """Each public name with its parameters, or for a class its public members."""
    found = {}
    for name in convscope.__all__:
        thing = getattr(convscope, name)
        if inspect.isfunction(thing):
            found[name] = list(inspect.signature(thing).parameters)
        else:
            found[name] = sorted(member for member in vars(thing) if not member.startswith("_"))
    methods = [name for name in found["Run"] if inspect.isfunction(getattr(convscope.Run, name))]
    return found | {
        f"Run.{name}": list(inspect.signature(getattr(convscope.Run, name)).parameters)[1:] for name in methods
    }


def test_the_public_surface_is_the_stored_one() -> None:
    """After a change on purpose: python tests/contracts/test_public_names.py > tests/contracts/public_names.json."""
    found = surface()
    found["errors"] = [name for name in found["errors"] if name.endswith("Error")]
    assert found == json.loads(STORED.read_text())


def test_dir_shows_the_public_names_and_nothing_else() -> None:
    assert [name for name in dir(convscope) if not name.startswith("__")] == convscope.__all__
    assert convscope.__all__ == sorted(convscope.__all__)


@pytest.mark.parametrize("name", [name for name in convscope.__all__ if name != "errors"])
def test_every_public_name_is_documented(name: str) -> None:
    thing = getattr(convscope, name)
    assert inspect.getdoc(thing) and thing.__module__.startswith("convscope.")


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'magic'"):
        _ = convscope.magic


@pytest.mark.slow
def test_a_type_checker_sees_every_name_and_no_other(tmp_path: Path) -> None:
    pytest.importorskip("pyright", reason="it comes with the check group")
    uses = "\n".join(f"convscope.{name}" for name in convscope.__all__)
    (tmp_path / "use.py").write_text(
        f"import convscope\n{uses}\nconvscope.nonsense()\nconvscope.load_run().predict(3)\n"
    )
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    errors = [one for one in json.loads(done.stdout)["generalDiagnostics"] if one["severity"] == "error"]
    assert [(one["range"]["start"]["line"], one["rule"]) for one in errors] == [
        (len(convscope.__all__) + 1, "reportAttributeAccessIssue")
    ]


def test_train_takes_every_training_option_by_its_name() -> None:
    parameters = inspect.signature(convscope.train).parameters
    assert set(TrainOptions.__dataclass_fields__) <= set(parameters)
    assert {one.kind for name, one in parameters.items() if name != "data"} == {inspect.Parameter.KEYWORD_ONLY}


def options_of(command: str) -> set[str]:
    inner = {"data": "data:data", "data check": "check_data:check"}
    module, name = (inner.get(command) or COMMANDS[command].home).split(":")
    return {*inspect.signature(getattr(import_module(f"convscope.cli.{module}"), name)).parameters}


@pytest.mark.parametrize("command", [*COMMANDS, "data check"])
def test_every_command_has_a_function_or_method_with_the_same_options(command: str) -> None:
    name = FUNCTIONS.get(command, command)
    is_method = name in vars(convscope.Run) and name not in convscope.__all__
    function = getattr(convscope.Run if is_method else convscope, name)
    known = {*inspect.signature(function).parameters} | ({"run"} if is_method else set())
    known |= {"out"} if command in SAVED_BY_THE_RESULT else set()
    if command == "predict":  # in Python, a table and sorted images are a method of their own
        known |= {*inspect.signature(convscope.Run.predict_folder).parameters}
    if command == "evaluate":  # stress and unknown are methods of the run, and the groups one of the result
        known |= {"unknown"} if hasattr(convscope.Run, "unknown_classes") else set()
        known |= {"stress"} & {*vars(convscope.Run)} | {*inspect.signature(EvaluateResult.by_group).parameters}
    assert options_of(command) - ONLY_IN_A_TERMINAL <= known


def code_blocks(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return "\n".join(re.findall(r"```(?:python|pycon)\n(.*?)```", text, re.DOTALL))


@pytest.mark.parametrize(
    "path",
    [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "notebooks").glob("*.ipynb"))],
    ids=lambda path: path.name,
)
def test_what_people_copy_uses_nothing_below_the_public_names(path: Path) -> None:
    code = re.sub(r"^(>>>|\.\.\.) ?", "", code_blocks(path), flags=re.MULTILINE)
    assert re.findall(r"(?:from|import)\s+convscope\.[\w.]+", code) == []
    names = {"convscope", "cs"}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
            assert node.attr in [*convscope.__all__, "__version__"], ast.unparse(node)
        if isinstance(node, ast.ImportFrom) and node.module == "convscope":
            assert {one.name for one in node.names} <= set(convscope.__all__)


if __name__ == "__main__":
    found = surface()
    found["errors"] = [name for name in found["errors"] if name.endswith("Error")]
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
