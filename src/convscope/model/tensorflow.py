"""The only import of TensorFlow and Keras: quiet, with a one-line error when they are missing. Heavy.

    from convscope.model.tensorflow import keras, tf

The import takes seconds, so only heavy modules do it, and those are imported inside functions. It runs no operation:
the number of threads and the connection to other workers must be set before the first one.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import logging
import os
import platform
import sys
import tempfile
from collections.abc import Iterator

from convscope.errors import MissingExtraError, OptionError

_BACKEND = "tensorflow"
_INSTALL = "Run: pip install 'convscope[train]'"

PACKAGES = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64"), ("Windows", "AMD64")}
"""The systems and processors, as `platform` names them, for which TensorFlow publishes packages."""

FIRST_PYTHON_WITHOUT = (3, 14)


def install_hint(system: str, machine: str, version: tuple[int, int]) -> str:
    """How to get TensorFlow on a machine, or why that is not possible.

    Args:
        system: As ``platform.system()``.
        machine: As ``platform.machine()``.
        version: Python's major and minor version.

    Example:
        >>> install_hint("Linux", "x86_64", (3, 11))
        "Run: pip install 'convscope[train]'"
    """
    where = None
    if (system, machine) not in PACKAGES:
        where = f"{'macOS' if system == 'Darwin' else system} on {machine}"
    elif version >= FIRST_PYTHON_WITHOUT:
        where = f"Python {version[0]}.{version[1]}"
    if where is None:
        return _INSTALL
    return (
        f"TensorFlow publishes no package for {where}, only for Linux (x86_64, aarch64), macOS (arm64) and Windows "
        f"(AMD64) with Python 3.11 to 3.13. Train there; everything but training works here."
    )


def _hint() -> str:
    return install_hint(platform.system(), platform.machine(), sys.version_info[:2])


def require_tensorflow(what: str = "This") -> None:
    """Check that TensorFlow and Keras are installed, without importing them.

    Args:
        what: The subject of the error message, such as ``"convscope train"``.

    Raises:
        MissingExtraError: TensorFlow or Keras is not installed, or another Keras backend was chosen.

    Example:
        >>> require_tensorflow("convscope train")
    """
    for module, name in (("tensorflow", "TensorFlow"), ("keras", "Keras")):
        if not _is_installed(module):
            raise MissingExtraError(f"{what} needs {name}.", hint=_hint())
    loaded = sys.modules.get("keras")
    backend = loaded.config.backend() if loaded else os.environ.get("KERAS_BACKEND") or _BACKEND
    if backend != _BACKEND:
        raise MissingExtraError(
            f"{what} needs Keras on TensorFlow. Received: KERAS_BACKEND={backend[:40]!r}.",
            hint="Unset KERAS_BACKEND in a fresh process.",
        )


def _is_installed(module: str) -> bool:
    if module in sys.modules:  # None there means that the import is blocked
        return sys.modules[module] is not None
    return importlib.util.find_spec(module) is not None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hold back what native code writes to stderr; an exception lets it through."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(saved, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)


@contextlib.contextmanager
def _without_keras_home() -> Iterator[None]:
    """Keep Keras from writing and reading ``~/.keras/keras.json``, through KERAS_HOME during the import."""
    if "keras" in sys.modules or "KERAS_HOME" in os.environ:
        yield
        return
    os.environ["KERAS_HOME"] = os.path.join(os.devnull, "keras")  # a folder that cannot be made  # noqa: PTH118
    try:
        yield
    finally:
        del os.environ["KERAS_HOME"]
        config = sys.modules.get("keras.src.backend.config")
        if config is not None:  # so that later downloads with Keras use its usual folder
            config._KERAS_DIR = os.path.join(os.path.expanduser("~"), ".keras")  # noqa: PTH111, PTH118


require_tensorflow()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", _BACKEND)
try:
    with quiet(), _without_keras_home():
        import keras
        import tensorflow as tf
except ImportError as error:  # installed, but not for this machine
    raise MissingExtraError(f"TensorFlow cannot be imported ({str(error)[:200]}).", hint=_hint()) from None


def _is_not_about_ours(record: logging.LogRecord) -> bool:
    """False for the warning that a function is traced again, if it is one of a training.

    Each training traces functions of its own: several in one process, such as folds, look like one.
    """
    text = str(record.msg)
    return "retracing" not in text or not any(name in text for name in ("TrainingLoop.", "Gradients."))


logging.getLogger("tensorflow").addFilter(_is_not_about_ours)


@functools.cache
def start_devices() -> None:
    """Run the first operation, quietly: it starts the devices, which prints lines."""
    with quiet():
        tf.constant(0.0) + 1.0


def set_threads(threads: int, default: int) -> None:
    """Set how many threads compute one operation, for the whole process.

    Args:
        threads: At least 1.
        default: What TensorFlow takes by itself.

    Raises:
        OptionError: TensorFlow computes with another number already, which it cannot change.

    Example:
        >>> from convscope.training.threads import default_threads
        >>> set_threads(threads_of_process(default_threads()), default_threads())
    """
    current = threads_of_process(default)
    if threads == current:
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    except RuntimeError:
        raise OptionError(
            f"TensorFlow computes with {current} thread{'s' * (current > 1)} an operation in this process and cannot "
            f"change that. Received: threads={threads}.",
            hint="Start a new process, or run: convscope train --threads.",
        ) from None


def threads_of_process(default: int) -> int:
    """How many threads compute one operation in this process.

    Args:
        default: What TensorFlow takes by itself.
    """
    return tf.config.threading.get_intra_op_parallelism_threads() or default


__all__ = ["keras", "quiet", "require_tensorflow", "set_threads", "start_devices", "tf", "threads_of_process"]
