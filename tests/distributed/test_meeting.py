"""The workers of a training wait for each other before TensorFlow starts."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from convscope.distributed.cluster import Cluster
from convscope.distributed.meeting import meet
from convscope.distributed.processes import free_addresses
from convscope.errors import RunError


def outcome(cluster: Cluster) -> str:
    try:
        meet(cluster)
    except RunError as error:
        return error.message
    return "met"


def connect(address: str) -> socket.socket:
    host, _, port = address.partition(":")
    deadline = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection((host, int(port)), timeout=5)
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.mark.parametrize("count", [2, 5])
def test_workers_go_on_when_all_of_them_are_there_whatever_their_order(count: int) -> None:
    addresses, begun = free_addresses(count), threading.Event()
    clusters = [Cluster(addresses, rank, 30.0) for rank in reversed(range(count))]
    with ThreadPoolExecutor(count) as pool:
        early = [pool.submit(outcome, one) for one in clusters[1:]]
        assert not begun.wait(0.3) and not any(one.done() for one in early)
        last = pool.submit(outcome, clusters[0])
        assert [one.result(30) for one in (*early, last)] == ["met"] * count
    meet_again = [Cluster(addresses, rank, 30.0) for rank in range(count)]  # the ports are free at once
    with ThreadPoolExecutor(count) as pool:
        assert list(pool.map(outcome, meet_again)) == ["met"] * count


def test_who_is_missing_is_named_on_every_worker() -> None:
    addresses = free_addresses(3)
    expected = f"Expected 3 workers within 1 s. Received: nothing from worker 2 ({addresses[2]})."
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(outcome, [Cluster(addresses, rank, 1.0) for rank in (0, 1)])) == [expected] * 2


def test_without_the_first_worker_the_others_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = free_addresses(2)
    said = outcome(Cluster(addresses, 1, 0.1))
    assert said.endswith(f"Received: nothing from worker 0 ({addresses[0]}).")


@pytest.mark.parametrize("words", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 4000, b"convscope worker 7 2\n"])
def test_a_stranger_at_the_port_is_ignored(words: bytes) -> None:
    addresses = free_addresses(2)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(outcome, Cluster(addresses, 0, 30.0))
        with connect(addresses[0]) as stranger:
            if words:
                stranger.sendall(words)
            second = pool.submit(outcome, Cluster(addresses, 1, 30.0))
            assert (first.result(30), second.result(30)) == ("met", "met")


def test_a_worker_that_was_started_again_counts_once() -> None:
    addresses = free_addresses(3)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(outcome, Cluster(addresses, 0, 30.0))
        with connect(addresses[0]) as early:
            early.sendall(b"convscope worker 1 3\n")
            time.sleep(0.3)
        third = pool.submit(outcome, Cluster(addresses, 2, 30.0))
        time.sleep(0.5)
        assert not first.done(), "the one that has ended is awaited again"
        second = pool.submit(outcome, Cluster(addresses, 1, 30.0))
        assert {one.result(30) for one in (first, second, third)} == {"met"}


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        for workers, rank in (((address, "127.0.0.1:9"), 0), (("127.0.0.1:9", address), 1)):
            assert f"Expected a free port. Received: {address}" in outcome(Cluster(workers, rank, 1.0))
