"""The addresses of the workers, from the command line and from TF_CONFIG."""

from __future__ import annotations

import json

import pytest

from convscope.distributed.cluster import Cluster, cluster_of_environment, is_loopback
from convscope.errors import OptionError

HERE = ("127.0.0.1:4000", "127.0.0.1:4001")


def config(cluster: object, task: object) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}


@pytest.mark.parametrize(
    ("cluster", "task", "workers", "rank"),
    [
        ({"worker": HERE}, {"type": "worker", "index": 1}, HERE, 1),
        ({"chief": HERE[:1], "worker": HERE[1:]}, {"type": "worker", "index": 0}, HERE, 1),
        ({"chief": HERE[:1], "worker": HERE[1:]}, {"type": "chief", "index": 0}, HERE, 0),
    ],
)
def test_tf_config_gives_the_workers_with_the_chief_first(cluster, task, workers, rank) -> None:
    found = cluster_of_environment(config(cluster, task))
    assert found is not None and (found.workers, found.rank) == (workers, rank)


@pytest.mark.parametrize(
    "environment",
    [{}, {"TF_CONFIG": ""}, {"TF_CONFIG": "{}"}, config({"worker": HERE[:1]}, {"type": "worker", "index": 0})],
)
def test_without_other_workers_the_training_is_one_of_this_process(environment) -> None:
    assert cluster_of_environment(environment) is None


@pytest.mark.parametrize(
    "environment",
    [
        {"TF_CONFIG": "{"},
        {"TF_CONFIG": "[]"},
        config({"worker": HERE}, {"type": "worker", "index": 2}),
        config({"worker": HERE}, {"type": "evaluator", "index": 0}),
        config({"worker": HERE, "ps": HERE}, {"type": "worker", "index": 0}),
        config({"worker": 3}, {"type": "worker", "index": 0}),
    ],
)
def test_a_tf_config_of_another_kind_is_refused(environment) -> None:
    with pytest.raises(OptionError, match="TF_CONFIG must list workers"):
        cluster_of_environment(environment)


@pytest.mark.parametrize(
    ("workers", "rank", "message"),
    [
        (("127.0.0.1",), 0, "Expected host:port"),
        (("127.0.0.1:0",), 0, "Expected host:port"),
        (("127.0.0.1:70000",), 0, "Expected host:port"),
        ((HERE[0], HERE[0]), 0, "different addresses"),
        (HERE, 2, "Expected a rank from 0 to 1"),
        ((), 0, "different addresses"),
    ],
)
def test_addresses_and_ranks_are_checked(workers, rank, message) -> None:
    with pytest.raises(OptionError, match=message):
        Cluster(workers, rank)


def test_other_machines_need_a_trusted_network() -> None:
    workers = ("10.0.0.1:4000", "10.0.0.2:4000")
    with pytest.raises(OptionError, match="--trusted-network") as caught:
        Cluster(workers)
    assert "no password and no encryption" in caught.value.hint
    assert Cluster(workers, is_trusted=True).count == 2


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.8.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("worker-0", False), ("::2", False)],
)
def test_only_loopback_is_this_machine(host, expected) -> None:
    assert is_loopback(host) == expected
