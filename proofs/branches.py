"""Branch coverage of the readers, the model file and the checkpoints by their tests.

    python proofs/branches.py

Processes that the tests start are included. Writes docs/figures/reliability-branches.json.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
MODULES = {
    "data": "build_dataset data_check data_checks decode files image_folder image_input in_memory near_duplicates "
    "pillow_pixels pixel_values png reader readers scan formats/* checks/*",
    "model": "model_file safetensors_io files hdf5 hdf5_attributes "
    "keras_config keras_file keras_graph keras_layers keras_other_formats keras_weights",
    "training": "checkpoint lock",
}
SETTINGS = """[run]
branch = true
parallel = true
data_file = {data}
patch = subprocess, fork, _exit
include =
  {files}
"""
TESTS = (
    "tests/data",
    "tests/model/test_model_file.py",
    "tests/model/test_model_file_fuzz.py",
    "tests/model/test_keras_config.py",
    "tests/model/test_keras_file.py",
    "tests/model/test_keras_h5.py",
    "tests/model/test_keras_versions.py",
    "tests/model/test_model_edges.py",
    "tests/training/test_checkpoint.py",
)


def modules() -> list[str]:
    """The files that are measured.

    Raises:
        FileNotFoundError: A module of the list does not exist.
    """
    files = []
    for package, names in MODULES.items():
        for name in names.split():
            found = sorted(ROOT.glob(f"src/convscope/{package}/{name}.py"))
            if not found:
                raise FileNotFoundError(f"{package}/{name}.py")
            files += [str(path.relative_to(ROOT)) for path in found if path.name != "__init__.py"]
    return files


def main() -> int:
    sys.path.append(str(ROOT / "benchmarks"))
    from record import write

    files = modules()
    with tempfile.TemporaryDirectory() as folder:
        settings, data = Path(folder) / "coveragerc", Path(folder) / "data"
        settings.write_text(SETTINGS.format(data=data, files="\n  ".join(str(ROOT / file) for file in files)), "utf-8")
        run = [sys.executable, "-m", "coverage", "run", f"--rcfile={settings}"]
        tests = ["-m", "pytest", "-q", "-o", "addopts=", "-m", "not long", *TESTS]
        done = subprocess.run([*run, *tests], cwd=ROOT, capture_output=True, text=True)
        print(done.stdout[-300:])
        report = Path(folder) / "report.json"
        for words in (["combine"], ["json", "-o", str(report)]):
            command = [sys.executable, "-m", "coverage", words[0], f"--rcfile={settings}", *words[1:]]
            subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        found = json.loads(report.read_text(encoding="utf-8"))
    by_module = {}
    for path, entry in sorted(found["files"].items()):
        totals = entry["summary"]
        by_module[path.removeprefix("src/convscope/")] = {
            "branches": totals["num_branches"],
            "covered": totals["covered_branches"],
            "missing_lines": entry["missing_lines"],
            "missing_branches": entry["missing_branches"],
        }
        if entry["missing_lines"] or entry["missing_branches"]:
            print(path, entry["missing_lines"], entry["missing_branches"])
    branches = sum(module["branches"] for module in by_module.values())
    covered = sum(module["covered"] for module in by_module.values())
    summary = {
        "modules": len(by_module),
        "branches": branches,
        "covered": covered,
        "share": covered / branches,
        "missing_lines": sum(len(module["missing_lines"]) for module in by_module.values()),
    }
    write("reliability-branches", {"summary": summary, "by_module": by_module})
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
