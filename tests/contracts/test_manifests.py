"""The manifests in deploy/ are generated, well formed, and fence the ports of the workers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"


def test_the_manifests_follow_from_the_template() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts" / "manifests", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_kubernetes_manifest_names_each_worker_once_and_lets_only_workers_in() -> None:
    yaml = pytest.importorskip("yaml")
    service, policy, job = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8"))
    assert [one["kind"] for one in (service, policy, job)] == ["Service", "NetworkPolicy", "Job"]
    name, spec = service["metadata"]["name"], job["spec"]
    assert service["spec"]["clusterIP"] == "None", "a name for each pod"
    assert spec["template"]["spec"]["subdomain"] == name
    assert spec["completionMode"] == "Indexed" and spec["completions"] == spec["parallelism"]
    (container,) = spec["template"]["spec"]["containers"]
    given = {one["name"]: one for one in container["env"]}
    (port,) = (one["containerPort"] for one in container["ports"])
    hosts = [f"{name}-{rank}.{name}:{port}" for rank in range(spec["completions"])]
    assert given["WORKERS"]["value"].split(",") == hosts
    path = given["RANK"]["valueFrom"]["fieldRef"]["fieldPath"]
    assert path == "metadata.annotations['batch.kubernetes.io/job-completion-index']"
    selector = {"matchLabels": service["spec"]["selector"]}
    assert policy["spec"]["podSelector"] == selector
    assert policy["spec"]["ingress"] == [{"from": [{"podSelector": selector}], "ports": [{"port": port}]}]
    assert {one["name"] for one in container["volumeMounts"]} == {
        one["name"] for one in spec["template"]["spec"]["volumes"]
    }


def test_the_kubernetes_manifest_follows_the_schema() -> None:
    yaml, validate = pytest.importorskip("yaml"), pytest.importorskip("kubernetes_validate")
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")))
    for one in documents:
        validate.validate(one, "1.34", strict=True)
    job = documents[-1]
    job["spec"]["paralelism"] = 2
    with pytest.raises(validate.ValidationError, match="paralelism"):
        validate.validate(job, "1.34", strict=True)


@pytest.mark.parametrize(("has_checkpoint", "has_record"), [(False, False), (True, True), (False, True)])
def test_a_worker_starts_resumes_or_is_done(has_checkpoint: bool, has_record: bool, tmp_path: Path) -> None:
    """With a program named convscope that prints its arguments."""
    program, run = tmp_path / "convscope", tmp_path / "my run"
    program.write_text('#!/bin/sh\nprintf "%s|" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    (run / "checkpoints").mkdir(parents=True)
    if has_checkpoint:
        (run / "checkpoints" / "step-000000007.safetensors").touch()
    if has_record:
        (run / "run.json").touch()
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "RUN": str(run), "RANK": "1"}
    words = ["sh", DEPLOY / "worker.sh", "/data", "--shards", "4"]
    done = subprocess.run(words, env=environment | {"WORKERS": "a:1,b:1"}, capture_output=True, text=True, check=True)
    more = "|--workers|a:1,b:1|--rank|1|--connect-timeout|10m|--trusted-network|"
    expected = {
        (False, False): f"train|/data|--shards|4|--out|{run}{more}",
        (True, True): f"train|--resume|{run}{more}",
        (False, True): f"the training in {run} is finished\n",
    }
    assert done.stdout == expected[has_checkpoint, has_record]


@pytest.mark.parametrize("file", ["slurm.sh", "worker.sh"])
def test_the_scripts_are_valid_shell(file: str) -> None:
    subprocess.run(["bash", "-n", DEPLOY / file], check=True)
