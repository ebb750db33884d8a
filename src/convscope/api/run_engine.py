"""The engine that computes the predictions of a run, opened once. Light."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from convscope.api.run import Run
from convscope.exporting.engines import AUTO, Engine, open_engine, opens_fast

_opening = threading.Lock()
_opened: WeakKeyDictionary[Run, dict[tuple[str, int], Engine]] = WeakKeyDictionary()


def engine_of(run: Run, name: str, *, images: int | None = None, threads: int = 1) -> Engine:
    """Open an engine for the network of a run, or give the one that an earlier call has opened.

    To export the network to a runtime, and to compare its answers, takes longer than to classify an image.

    Args:
        run: Its ``model`` is computed.
        name: As in `open_engine`.
        images: How many images it will be used for, which only ``auto`` depends on; None if calls may follow.
        threads: How many threads a runtime uses for one batch.

    Raises:
        OptionError, MissingExtraError, RunError: As `open_engine`.
    """
    if name == AUTO and images is not None:
        return open_engine(name, run.model, images=images, threads=threads)
    with _opening:
        known = _opened.setdefault(run, {})
        found = known.get((name, threads))
        if found is None or found.model is not run.model:
            found = known[name, threads] = open_engine(name, run.model, threads=threads)
        return found


def engine_for_calls(run: Run, name: str, *, images: int) -> Engine:
    """The engine for a call that others may follow: with ``auto`` a runtime, unless it takes long to open.

    Args:
        run: As `engine_of`.
        name: As `engine_of`.
        images: How many images this call has.

    Raises:
        OptionError, MissingExtraError, RunError: As `open_engine`.
    """
    is_open = (name, 1) in _opened.get(run, {})
    return engine_of(run, name, images=None if is_open or opens_fast(run.model) else images)
