"""Let matrix products run in the calling thread, while images are classified by threads of our own.

OpenBLAS divides a product among its threads and waits for all of them. On a busy machine, that wait is far longer
than a small product: an image through `accurate` took 100 ms instead of 0.64. Batches are divided instead.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SYMBOLS = ("scipy_openblas_{}_num_threads64_", "scipy_openblas_{}_num_threads", "openblas_{}_num_threads")
"""The functions of OpenBLAS in NumPy's own packages, and elsewhere."""

_lock = threading.Lock()
_users = 0
_before = 1


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let OpenBLAS use one thread, in the whole process, until the last caller leaves.

    Nothing changes with another BLAS.

    Example:
        >>> with one_blas_thread():
        ...     blas_threads() in (1, None)
        True
    """
    global _users, _before
    found = _functions()
    if not found:
        yield
        return
    get, set_ = found
    with _lock:
        if _users == 0:
            _before = get()
            if _before > 1:
                set_(1)
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0 and _before > 1:
                set_(_before)


def blas_threads() -> int | None:
    """The number of threads that OpenBLAS uses now; None with another BLAS."""
    found = _functions()
    return found[0]() if found else None


@functools.cache
def _functions() -> tuple[Callable[[], int], Callable[[int], object]] | None:
    """What gets and sets the number of threads."""
    try:  # a library's symbols are found through the module that is linked to it
        library = ctypes.CDLL(importlib.import_module("numpy._core._multiarray_umath").__file__ or "")
    except (OSError, ImportError, AttributeError):
        return None
    for name in SYMBOLS:
        get, set_ = (getattr(library, name.format(verb), None) for verb in ("get", "set"))
        if get and set_:
            get.restype, set_.argtypes, set_.restype = ctypes.c_int, [ctypes.c_int], None
            return get, set_
    return None
