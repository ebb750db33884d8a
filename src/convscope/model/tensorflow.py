"""The one door to TensorFlow and Keras: imported late, quietly, and with one clear line when it is missing. HOT."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from convscope.errors import MissingExtraError


@contextmanager
def _silence() -> Iterator[None]:
    """Send file descriptor 2 nowhere: TensorFlow's C++ writes there before any Python setting reaches it."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if os.environ.setdefault("KERAS_BACKEND", "tensorflow") != "tensorflow":
    raise MissingExtraError(
        f"convscope trains with Keras on TensorFlow. Received: KERAS_BACKEND={os.environ['KERAS_BACKEND']}.",
        hint="Unset KERAS_BACKEND.",
    )
try:
    with _silence():
        import keras
        import tensorflow as tf

        tf.constant(0) + 1
except ImportError as error:
    raise MissingExtraError(
        f"This command needs TensorFlow and Keras, and one of them cannot be imported ({error}).",
        hint="Install them: pip install 'convscope[train]'",
    ) from None

__all__ = ["keras", "tf"]
