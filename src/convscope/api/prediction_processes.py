"""Classify many files in several processes.

Python runs one thread at a time, and a quarter of the work for a photo is Python's: with threads, the fifth core gains
nothing. Each process reads and classifies whole chunks by itself, and gives what `prediction_stream.classify_stream`
gives with chunks of the same size, bit for bit.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from convscope.api.answer_rules import answer_rules
from convscope.api.prediction_stream import CHUNK, ClassifiedImage, Classifier
from convscope.api.run import Run
from convscope.data.image_input import ImageInput
from convscope.data.parallel import CHUNKS_WAITING, in_order
from convscope.errors import OptionError, RunError
from convscope.exporting.engines import open_engine, usable_cores

MOST_PROCESSES = 32
FEW_CORES = 3
"""Up to here, threads keep all cores busy, and need the memory of one process."""

FEW_IMAGES = 2_000
"""Up to here, the start of the processes takes longer than they gain."""

_classifiers: list[Classifier] = []
"""In a process of the pool: its own."""


def process_count(processes: int | None, images: int) -> int:
    """How many processes classify so many files.

    Args:
        processes: As asked for; None for one on each core, or 1 where these are few, or the images.
        images: Their number.

    Raises:
        OptionError: ``processes`` is out of range.
    """
    if processes is None:
        cores = usable_cores()
        return 1 if cores <= FEW_CORES or images <= FEW_IMAGES else min(cores, MOST_PROCESSES)
    if type(processes) is not int or not 1 <= processes <= MOST_PROCESSES:
        raise OptionError(
            f"processes must be a whole number from 1 to {MOST_PROCESSES}. Received: processes={processes!r}."
        )
    return processes


def classify_in_processes(
    inputs: Sequence[ImageInput],
    run: Run,
    *,
    processes: int,
    top: int,
    split: bool,
    reject: str | float | None,
    engine: str,
) -> Iterator[ClassifiedImage]:
    """Classify files in the order given, in chunks of `prediction_stream.CHUNK`.

    The processes end with this one, however it ends. Ctrl-C is for this one: each finishes the chunk at hand.

    Args:
        inputs: From `collect_images`; each has a ``path``.
        run: The network, which each process reads again.
        processes: Their number.
        top: As for `prediction_stream.classify_stream`.
        split: As for `prediction_stream.classify_stream`.
        reject: As for `api.answer_rules.answer_rules`.
        engine: What computes, a key of `exporting.engines.ENGINES`.

    Raises:
        RunError: A process ended by itself.
        ModelFileError, DataError: As `prediction_stream.classify_stream`.
    """
    how = (run.folder.resolve(), top, split, reject, engine)
    chunks = (inputs[start : start + CHUNK] for start in range(0, len(inputs), CHUNK))
    context = multiprocessing.get_context("spawn")  # to fork a process with threads may leave locks taken
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_start, initargs=how) as pool:
        try:
            for found in in_order(pool, _classify, chunks, waiting=processes * CHUNKS_WAITING):
                yield from found
        except BrokenProcessPool:
            raise RunError(
                "Expected each process to classify images until there are none left. Received: one that ended before.",
                hint="Use fewer --processes if the memory is short; the same command continues the table.",
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _start(folder: Path, top: int, split: bool, reject: str | float | None, engine: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    run = Run(folder)
    rules = answer_rules(run.model, reject=reject)
    classifier = Classifier(run.model, run.preprocessing, top=top, split=split, rules=rules)
    classifier.engine = open_engine(engine, run.model)
    _classifiers.append(classifier)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        sys.stderr.flush()
        os._exit(1)


def _classify(chunk: Sequence[ImageInput]) -> list[ClassifiedImage]:
    return _classifiers[0].classify(chunk)
