"""Check that every hostile model file of the tests is refused in one line, in little time and memory, without effects.

    python proofs/hostile.py [--json]

The attacks are those of tests/model: on convscope's own format, and on Keras files with each published vulnerability as
a harmless marker. Python's audit events show whether a reader opens another file, imports, executes code, or connects.
Writes docs/figures/reliability-hostile.json, unless --json prints the results instead.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path += [str(ROOT / "tests"), str(ROOT / "tests" / "model"), str(ROOT / "benchmarks")]

import test_keras_file as keras  # noqa: E402
import test_keras_h5 as h5  # noqa: E402
import test_model_file as own  # noqa: E402
from keras_files import with_config, with_h5  # noqa: E402
from sandbox import one_line, read_in_sandbox, summary  # noqa: E402

from convscope.errors import ModelFileError  # noqa: E402
from convscope.model import model_file  # noqa: E402
from convscope.model.keras_file import read_keras  # noqa: E402

SECONDS, MEGABYTES = 1.0, 200.0
SAMPLE = (
    "from pathlib import Path; from keras_files import models, save; save(models()['pixels rescaled'](), Path({!r}))"
)


def own_files(content: bytes) -> dict[str, bytes]:
    """Files of convscope's own format, each with one thing falsified."""
    made = {}
    for name, (attack, _) in own.HOSTILE.items():
        file = own.File(content)
        changed = attack(file)
        made[name.replace("_", " ")] = file.content() if changed is None else changed
    return made


def keras_files(content: bytes) -> dict[str, bytes]:
    """Keras files, each with one thing falsified."""
    made = {name: make(content) for name, (make, _) in keras.ARCHIVES.items()}
    made |= {name: with_config(content, change) for name, (change, _) in keras.CONFIGS.items()}
    return made | {name: with_h5(content, change) for name, (change, _) in keras.H5.items()}


def h5_files() -> dict[str, bytes]:
    """Keras models in one HDF5 file, each with one thing falsified."""
    with zipfile.ZipFile(h5.PACKED) as archive:
        content = archive.read("Keras-2.12/015.h5")
    return {name: h5.changed(content, change) for name, (change, _) in h5.HOSTILE.items()}


def valid_files(folder: Path) -> tuple[bytes, bytes]:
    """Valid files of both formats; Keras writes its own in another process."""
    model_file.save_model(own.small_model(), folder / "m.safetensors")
    path = [str(ROOT / "tests" / "model"), *sys.path]
    code = f"import sys; sys.path[:0] = {path!r}; {SAMPLE.format(str(folder / 'm.keras'))}"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    for name, read in (("m.safetensors", model_file.load_model), ("m.keras", read_keras)):
        read(folder / name)  # so that lazy imports are not watched
        refusal(read)(folder / "gone")
    return (folder / "m.safetensors").read_bytes(), (folder / "m.keras").read_bytes()


def refusal(read: Callable[[Path], object]) -> Callable[[Path], str]:
    def refused(path: Path) -> str:
        try:
            read(path)
        except ModelFileError as error:
            return str(error)
        return ""

    return refused


def writing(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def prove() -> list[dict[str, Any]]:
    """Read every hostile file."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns while a name is written twice
        own_content, keras_content = valid_files(Path(folder))
        cases = [("own", "m.safetensors", model_file.load_model, *case) for case in own_files(own_content).items()]
        cases += [("keras", "m.keras", read_keras, *case) for case in keras_files(keras_content).items()]
        cases += [("h5", "m.h5", read_keras, *case) for case in h5_files().items()]
    limits = {"seconds": SECONDS, "megabytes": MEGABYTES, "unclear": one_line, "watched": True}
    return [
        {"kind": kind, "name": name, **read_in_sandbox(writing(file, content), refusal(read), **limits)}
        for kind, file, read, name, content in cases
    ]


def main() -> None:
    from record import write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    results = prove()
    if parser.parse_args().json:
        print(json.dumps(results))
        return
    by_kind = Counter(result["kind"] for result in results)
    write("reliability-hostile", {"summary": summary(results), "by_kind": by_kind, "results": results})


if __name__ == "__main__":
    main()
