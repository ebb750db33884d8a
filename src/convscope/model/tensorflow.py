"""Heavy: the only module that imports TensorFlow and Keras, without their output; a clear error if they are missing.

    from convscope.model.tensorflow import keras, tf

Importing takes seconds, so only heavy modules do it, and they are imported inside functions.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator

from convscope.errors import MissingExtraError

_BACKEND = "tensorflow"
_INSTALL = "Run: pip install 'convscope[train]'"


def require_tensorflow(what: str = "This") -> None:
    """Say in one line what is missing before seconds go into an import; costs no import itself.

    Args:
        what: The beginning of the sentence, such as ``"convscope train"``.

    Raises:
        MissingExtraError: TensorFlow or Keras is not installed, or another Keras backend was chosen.

    Example:
        >>> require_tensorflow("convscope train")
    """
    for module, name in (("tensorflow", "TensorFlow"), ("keras", "Keras")):
        if not _is_installed(module):
            raise MissingExtraError(f"{what} needs {name}.", hint=_INSTALL)
    loaded = sys.modules.get("keras")
    backend = loaded.config.backend() if loaded else os.environ.get("KERAS_BACKEND") or _BACKEND
    if backend != _BACKEND:
        raise MissingExtraError(
            f"{what} needs Keras on TensorFlow. Received: KERAS_BACKEND={backend[:40]!r}.",
            hint="Unset KERAS_BACKEND in a fresh process.",
        )


def _is_installed(module: str) -> bool:
    if module in sys.modules:  # None there means that somebody forbade the import
        return sys.modules[module] is not None
    return importlib.util.find_spec(module) is not None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hold back what native code writes to the process's stderr; an exception lets it through after all."""
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
def _keras_at_home() -> Iterator[None]:
    """Let Keras neither write nor read ``~/.keras/keras.json``: KERAS_HOME, while it is imported, decides both."""
    if "keras" in sys.modules or "KERAS_HOME" in os.environ:
        yield
        return
    os.environ["KERAS_HOME"] = os.path.join(os.devnull, "keras")  # a folder that cannot be made  # noqa: PTH118
    try:
        yield
    finally:
        del os.environ["KERAS_HOME"]
        config = sys.modules.get("keras.src.backend.config")
        if config is not None:  # whoever downloads with Keras later in this process finds its folder as ever
            config._KERAS_DIR = os.path.join(os.path.expanduser("~"), ".keras")  # noqa: PTH111, PTH118


require_tensorflow()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", _BACKEND)
try:
    with quiet(), _keras_at_home():
        import keras
        import tensorflow as tf

        tf.constant(0.0) + 1.0  # the first operation starts the devices, which has lines of its own
except ImportError as error:  # installed, but not for this machine
    raise MissingExtraError(f"TensorFlow cannot be imported ({str(error)[:200]}).", hint=_INSTALL) from None

__all__ = ["keras", "quiet", "require_tensorflow", "tf"]
