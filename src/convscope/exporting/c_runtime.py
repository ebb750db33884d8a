"""A C file opened by the compiler of this machine: compiled with all warnings as errors, and run on images."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from convscope.arrays import Pixels
from convscope.errors import MissingExtraError, RunError
from convscope.exporting.c_score import DECLARED
from convscope.exporting.exporter import Runtime

FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-O2")
SECONDS = 600.0

MAIN = r"""
#include <stdio.h>
void convscope_logits(const unsigned char *image, float *logits);
void convscope_predict(const unsigned char *image, float *probabilities);
{declared}
extern const int convscope_classes;
static unsigned char image[{pixels}];
static float logits[{classes}], probabilities[{classes}];
int main(void) {{
  while (fread(image, 1, sizeof image, stdin) == sizeof image) {{
    convscope_logits(image, logits);
    {predict}
    fwrite(probabilities, sizeof(float), (size_t)convscope_classes, stdout);
    fwrite(logits, sizeof(float), (size_t)convscope_classes, stdout);
    {write}
  }}
  return 0;
}}
"""


WITH_SCORE = {
    "declared": DECLARED,
    "predict": "const float score = convscope_predict_with_score(image, probabilities);",
    "write": "fwrite(&score, sizeof score, 1, stdout);",
}
WITHOUT_SCORE = {"declared": "", "predict": "convscope_predict(image, probabilities);", "write": ""}


def compiler() -> str:
    """The C compiler: ``$CC``, ``cc``, ``gcc`` or ``clang``.

    Raises:
        MissingExtraError: There is none.
    """
    for name in (os.environ.get("CC", ""), "cc", "gcc", "clang"):
        if name and (found := shutil.which(name)):
            return found
    raise MissingExtraError(
        "An export to C is compiled and compared before it is published. Received: no C compiler.",
        hint="Install gcc or clang, or name one in the environment variable CC.",
    )


def check_c() -> None:
    """Check that there is a C compiler.

    Raises:
        MissingExtraError: There is none.
    """
    compiler()


def open_c(path: Path, shape: tuple[int, int, int], classes: int, *, flags: Sequence[str] = FLAGS) -> Runtime:
    """Compile a C file with a small program around it.

    Args:
        path: The C file.
        shape: Of an image.
        classes: How many the network has.
        flags: Of the compiler.

    Raises:
        MissingExtraError: There is no compiler.
        RunError: It refuses the file.
    """
    found, pixels = compiler(), int(np.prod(shape))
    folder = tempfile.TemporaryDirectory(prefix="convscope-c-")
    main, program = Path(folder.name) / "main.c", Path(folder.name) / "program"
    has_score = DECLARED in path.read_text(encoding="utf-8")
    main.write_text(MAIN.format(pixels=pixels, classes=classes, **(WITH_SCORE if has_score else WITHOUT_SCORE)))
    done = subprocess.run(
        [found, *flags, str(path), str(main), "-o", str(program), "-lm"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    if done.returncode:
        raise RunError(f"The C compiler refused the export: {(done.stderr.splitlines() or ['no message'])[0][:200]}.")

    def run(images: Pixels) -> tuple[np.ndarray, ...]:
        given = np.ascontiguousarray(images).tobytes()
        try:
            answered = subprocess.run([str(program)], input=given, capture_output=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise RunError(
                f"The compiled export must classify {len(images):,} images within {SECONDS:g} s. Received: no answer.",
                hint="Export to onnx, which is faster, or try again on a machine that is less busy.",
            ) from None
        if answered.returncode:
            raise RunError(f"The compiled export failed: {answered.stderr.decode(errors='replace')[:200]!r}.")
        rows = np.frombuffer(answered.stdout, np.float32).reshape(len(images), 2 * classes + has_score)
        found = rows[:, :classes], rows[:, classes : 2 * classes]
        return (*found, rows[:, -1]) if has_score else found

    version = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=SECONDS).stdout
    return Runtime((version.splitlines() or [found])[0], run, folder.cleanup)
