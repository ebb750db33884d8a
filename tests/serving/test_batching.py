"""Batching with an engine of our own: bounded, fair to good images, and not working for nobody."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import queue
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

from convscope.api.run import Run
from convscope.data.image_input import image_from_bytes
from convscope.data.mnist import load_part
from convscope.errors import OptionError
from convscope.evaluation.predict import Predictions, predict
from convscope.exporting.engines import open_engine
from convscope.serving import direct
from convscope.serving.batching import Batching
from convscope.serving.engine import engine_of, numpy_engine
from convscope.serving.limits import Limits
from convscope.serving.network import ONE_AT_A_TIME, Network
from convscope.serving.request_error import RequestError
from serving.conftest import png

pytestmark = pytest.mark.slow


class SlowEngine:
    """Computes as the NumPy engine does, once it is let to; it fails for an input that is all 255."""

    def __init__(self, run: Run) -> None:
        self.batches: list[int] = []
        self.hold = threading.Event()
        self.hold.set()
        self._compute = numpy_engine(run.model)

    def __call__(self, images) -> list[Predictions]:
        assert self.hold.wait(20)
        self.batches.append(len(images))
        if any(one.min() == 255 for one in images):
            raise ValueError("this engine cannot compute it")
        return self._compute(images)


@pytest.fixture
def engine(run: Run) -> SlowEngine:
    return SlowEngine(run)


@pytest.fixture
def network(short_run: Path, engine: SlowEngine) -> Network:
    made = Network("digits", 1, short_run, engine=engine)
    engine.batches.clear()
    return made


def image(index: int, run: Run):
    pixels = np.zeros((28, 28), np.uint8)
    pixels[6:22, 6 + index : 12 + index] = 255
    data = png(pixels)
    return image_from_bytes(data, f"image {index}"), len(data)


async def with_batching(limits: Limits, act) -> None:
    batching = Batching(limits)
    batching.start()
    try:
        await act(batching)
    finally:
        batching.stop()


def test_a_network_that_is_replaced_is_freed_without_a_garbage_collection(short_run: Path) -> None:
    """What was loaded before serving is left out of collections."""
    made = Network("digits", 1, short_run)
    made.classifier(3, False)
    left = weakref.ref(made)
    gc.disable()
    try:
        del made
        assert left() is None
    finally:
        gc.enable()


def test_waiting_images_are_computed_together_and_answered_as_alone(network, engine, run) -> None:
    async def act(batching: Batching) -> None:
        engine.hold.clear()
        asked = [asyncio.ensure_future(batching.classify(network, [image(n % 8, run)], top=3)) for n in range(40)]
        await asyncio.sleep(0.3)
        engine.hold.set()
        for index, answers in enumerate(await asyncio.gather(*asked)):
            alone = predict(run.model, answers[0].predictions[0].seen[None])
            assert answers[0].logits.tobytes() == alone.logits.tobytes(), index

    asyncio.run(with_batching(Limits(), act))
    assert sum(engine.batches) == 40 and max(engine.batches) == 16 and len(engine.batches) <= 6


def test_an_image_that_fails_in_the_engine_does_not_fail_its_batch(network, engine, run, monkeypatch) -> None:
    white = np.full((28, 28, 1), 255, np.uint8)
    real = network.compute

    def compute(read):
        with_white = [one.source.name == "bad" for one in read]
        if any(with_white):
            engine([white[None]])
        return real(read)

    monkeypatch.setattr(network, "compute", compute)

    async def act(batching: Batching) -> None:
        engine.hold.clear()
        good, size = image(1, run)
        bad = image_from_bytes(png(np.eye(28, dtype=np.uint8) * 255), "bad")
        asked = [asyncio.ensure_future(batching.classify(network, [(one, size)], top=1)) for one in (good, bad, good)]
        await asyncio.sleep(0.2)
        engine.hold.set()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(answers[1], ValueError)
        assert answers[0][0].logits.tobytes() == answers[2][0].logits.tobytes()

    asyncio.run(with_batching(Limits(), act))


@pytest.mark.parametrize("by_the_loop", [False, True])
def test_a_batch_that_fails_is_answered_at_once_and_the_next_one_is_computed(network, run, by_the_loop) -> None:
    network.is_fast = by_the_loop
    fails = iter([True, False])

    def on_batch(size: int) -> None:
        if next(fails):
            raise ValueError("nobody can count it")

    async def act() -> None:
        batching = Batching(Limits(), on_batch=on_batch, direct=by_the_loop)
        batching.start()
        try:
            async with asyncio.timeout(10):
                with pytest.raises(ValueError, match="count"):
                    await batching.classify(network, [image(0, run)], top=1)
                assert (await batching.classify(network, [image(0, run)], top=1))[0].predictions
        finally:
            batching.stop()

    asyncio.run(act())


def test_an_image_that_waits_for_others_waits_no_longer_than_it_may(network, run) -> None:
    async def act(batching: Batching) -> None:
        batching.arriving = 1  # a request that never comes
        for index in range(20):
            assert (await batching.classify(network, [image(index % 8, run)], top=1))[0].predictions

    asyncio.run(with_batching(Limits(batch_seconds=1e-6, seconds=5.0), act))


def test_the_queue_of_images_never_waits_longer_than_a_short_timeout() -> None:
    """`queue.SimpleQueue` waits without an end, once in some hundreds of these rounds."""
    images = Batching(Limits())._queue

    def take() -> None:
        for _ in range(20_000):
            images.put(None)
            images.get()
            with contextlib.suppress(queue.Empty):
                images.get(timeout=1e-7)

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()


def test_a_full_queue_is_429_and_a_late_answer_504(network, engine, run) -> None:
    async def act(batching: Batching) -> None:
        engine.hold.clear()
        first = asyncio.ensure_future(batching.classify(network, [image(0, run), image(1, run)], top=1))
        await asyncio.sleep(0)
        with pytest.raises(RequestError) as full:
            await batching.classify(network, [image(2, run)], top=1)
        assert full.value.status == 429 and full.value.headers["Retry-After"] == "1"
        with pytest.raises(RequestError) as late:
            await first
        assert late.value.status == 504
        assert batching.unfinished == 0, "what nobody waits for has left the queue"
        engine.hold.set()
        assert len(await batching.classify(network, [image(2, run)], top=1)) == 1

    asyncio.run(with_batching(Limits(queue=2, seconds=2), act))


def test_work_whose_client_has_gone_is_not_done(network, engine, run) -> None:
    async def act(batching: Batching) -> None:
        engine.hold.clear()
        busy = [asyncio.ensure_future(batching.classify(network, [image(n, run)], top=1)) for n in range(4)]
        await asyncio.sleep(0.3)  # all threads wait for the engine
        gone = [asyncio.ensure_future(batching.classify(network, [image(n, run)], top=1)) for n in range(5)]
        await asyncio.sleep(0.05)
        for one in gone:
            one.cancel()
        await asyncio.sleep(0.05)
        engine.hold.set()
        await asyncio.gather(*busy)
        await batching.classify(network, [image(3, run)], top=1)
        assert sum(engine.batches) == 5

    asyncio.run(with_batching(Limits(), act))


def test_a_batch_waits_for_requests_that_are_arriving_but_not_longer_than_the_limit(
    network, engine, run, monkeypatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0}, raising=False)  # two threads on any machine

    async def act(batching: Batching) -> None:
        over = threading.Event()
        busy = asyncio.ensure_future(batching.compute(lambda: over.wait(20)))  # so that one of them is left
        await asyncio.sleep(0.1)
        batching.arriving = 1
        first = asyncio.ensure_future(batching.classify(network, [image(0, run)], top=1))
        await asyncio.sleep(0.1)
        second = asyncio.ensure_future(batching.classify(network, [image(1, run)], top=1))
        batching.arriving = 0
        await asyncio.gather(first, second)
        over.set()
        await busy
        assert engine.batches == [2]

    asyncio.run(with_batching(Limits(batch_seconds=5.0), act))


@pytest.mark.parametrize("engine", ["numpy", "auto"])
def test_the_event_loop_classifies_small_images_itself_and_leaves_the_others_to_threads(
    engine: str, run, short_run, monkeypatch
) -> None:
    monkeypatch.setattr(direct, "MOST_SECONDS", 60.0)
    network = Network("digits", 1, short_run, engine=engine)
    network.is_fast = True  # whatever else this machine does
    batches: list[tuple[int, bool]] = []

    def on_batch(size: int) -> None:
        batches.append((size, threading.current_thread() is threading.main_thread()))

    def enlarged() -> tuple:
        data = png(np.kron(load_part("test").pixels[0, :, :, 0], np.ones((9, 9), np.uint8)))
        return image_from_bytes(data, "large"), len(data)

    async def act() -> None:
        batching = Batching(Limits(), on_batch=on_batch, direct=True)
        batching.start()
        try:
            asked = [batching.classify(network, [image(n % 8, run)], top=3) for n in range(40)]
            for index, answers in enumerate(await asyncio.gather(*asked)):
                alone = open_engine(engine, run.model).predict(answers[0].predictions[0].seen[None])
                assert answers[0].logits.tobytes() == alone.logits.tobytes(), index
            assert all(on_loop for _, on_loop in batches) and max(size for size, _ in batches) == 16
            batches.clear()
            (large,), (small,) = await asyncio.gather(
                batching.classify(network, [enlarged()], top=1), batching.classify(network, [image(0, run)], top=1)
            )
            assert large.predictions[0].choices[0].name == "7" and small.predictions
            assert sorted(batches) == [(1, False), (1, True)]
            batches.clear()
            with ONE_AT_A_TIME:  # the loop never waits for a batch of a thread
                waits = asyncio.ensure_future(batching.classify(network, [image(1, run)], top=1))
                await asyncio.sleep(0.2)
                assert not waits.done()
            await waits
            assert batches == [(1, False)]
        finally:
            batching.stop()

    asyncio.run(act())


@pytest.fixture(scope="module")
def fast(short_run: Path) -> Network:
    made = Network("digits", 1, short_run)
    made.is_fast = True
    return made


@pytest.mark.parametrize("what", ["taken", "lock held", "larger image", "two images", "others wait", "not direct"])
def test_one_small_image_is_answered_at_once_unless_it_has_to_wait(what: str, fast, run, monkeypatch) -> None:
    monkeypatch.setattr(direct, "MOST_SECONDS", 60.0)
    batches: list[int] = []
    images = [image(0, run)] * (2 if what == "two images" else 1)
    if what == "larger image":
        data = png(np.kron(load_part("test").pixels[0, :, :, 0], np.ones((2, 2), np.uint8)))
        images = [(image_from_bytes(data, "large"), len(data))]

    async def act() -> list | None:
        batching = Batching(Limits(), on_batch=batches.append, direct=what != "not direct")
        batching.unfinished = 1 if what == "others wait" else 0
        with ONE_AT_A_TIME if what == "lock held" else contextlib.nullcontext():
            return batching.classify_at_once(fast, images, top=3)

    answers = asyncio.run(act())
    if what == "taken":
        assert answers and batches == [1]
        alone = open_engine("auto", run.model).predict(answers[0].predictions[0].seen[None])
        assert answers[0].logits.tobytes() == alone.logits.tobytes()
    else:
        assert answers is None and batches == []
    assert ONE_AT_A_TIME.acquire(blocking=False), "the lock is free again"
    ONE_AT_A_TIME.release()


def test_a_small_file_that_is_damaged_is_skipped_at_once_as_by_a_thread(fast) -> None:
    data = png(np.eye(28, dtype=np.uint8))[:60]
    images = [(image_from_bytes(data, "damaged"), len(data))]

    async def act(batching: Batching) -> list[str]:
        batching.start()
        try:
            at_once = batching.classify_at_once(fast, images, top=1)
            assert at_once
            later = await batching.classify(fast, images, top=1)
            return [one.skipped.reason for answers in (at_once, later) for one in answers if one.skipped]
        finally:
            batching.stop()

    reasons = asyncio.run(act(Batching(Limits(), direct=True)))
    assert len(reasons) == 2 and reasons[0] == reasons[1] != ""


def test_the_numpy_engine_computes_together_only_what_has_the_same_bits(run) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (37, 28, 28, 1)).astype(np.uint8)
    found = numpy_engine(run.model)([one[None] for one in pixels])
    for index, one in enumerate(found):
        alone = predict(run.model, pixels[index : index + 1])
        assert one.logits.tobytes() == alone.logits.tobytes() and one.scores.tobytes() == alone.scores.tobytes()
    together = predict(run.model, pixels)
    assert any(
        together.rows(index, index + 1).logits.tobytes() != one.logits.tobytes() for index, one in enumerate(found)
    ), "a plain batch is rounded in another way, so that the test above can fail"


def test_a_limit_has_to_be_positive() -> None:
    with pytest.raises(OptionError, match="queue=0"):
        Limits(queue=0)


@pytest.mark.parametrize("name", ["onnx", "litert"])
def test_another_engine_gives_what_predict_gives_with_it(name: str, run) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (5, *run.model.spec.input_shape)).astype(np.uint8)
    found = engine_of(name, run.model)([one[None] for one in pixels])
    for one, row in zip(pixels, found, strict=True):
        alone = open_engine(name, run.model).predict(one[None])
        assert row.logits.tobytes() == alone.logits.tobytes()
        np.testing.assert_allclose(row.probabilities, predict(run.model, one[None]).probabilities, atol=1e-5)
