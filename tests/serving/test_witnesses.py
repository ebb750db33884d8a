"""The code of docs/serve.md as it stands there, and outside tools that know the protocols."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from convscope.data.mnist import load_part
from serving.client import Served

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "serve.md"


def code(first_line: str) -> str:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = (block for block in blocks if block.startswith(first_line))
    return found


def run_client(text: str, served: Served) -> dict:
    here = text.replace("localhost:8000", f"localhost:{served.port}").replace("first", "digits")
    names: dict = {"pixels": load_part("test").pixels[:3]}
    exec(compile(here, "serve.md", "exec"), names)
    return names


def test_the_client_of_tensorflow_serving_in_the_page_works(served, run) -> None:
    found = run_client(code("import json, urllib.request"), served)["probabilities"]
    wanted = np.concatenate([run.predict(one).probabilities for one in load_part("test").pixels[:3]])
    np.testing.assert_array_equal(np.array(found, np.float32), wanted)


def test_the_triton_client_in_the_page_works(served) -> None:
    pytest.importorskip("tritonclient.http", reason="it needs gevent; install tritonclient[http]")
    assert run_client(code("import tritonclient"), served)


def test_curl_as_in_the_page_gets_an_answer(served, pictures, tmp_path) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    for name in ("photo.jpg", "a.jpg", "b.png"):
        (tmp_path / name).write_bytes(pictures["digit-0.png"])
    lines = re.findall(r"^    curl (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) == 2
    for line, count in zip(lines, (1, 2), strict=True):
        words = line.replace("localhost:8000", f"localhost:{served.port}").split()
        done = subprocess.run(["curl", "-s", *words], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert [one["choices"][0]["name"] for one in json.loads(done.stdout)["images"]] == ["7"] * count


@pytest.mark.long
def test_schemathesis_finds_nothing_wrong(served) -> None:
    """It makes up requests from OpenAPI. That a valid type may still be refused, such as no image, is as documented."""
    program = shutil.which("st") or shutil.which("st", path=str(Path(sys.executable).parent))
    if not program:
        pytest.skip("schemathesis is not installed")
    words = ["run", f"http://127.0.0.1:{served.port}/openapi.json", "--checks", "all", "--max-examples", "30"]
    words += ["--exclude-checks", "positive_data_acceptance", "--phases", "examples,coverage,fuzzing,stateful"]
    done = subprocess.run([program, *words], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:]


RAY = """
import json, urllib.request
import ray
from ray import serve

ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
serve.start(http_options={"host": "127.0.0.1", "port": PORT})
import ray_serve

serve.run(ray_serve.app)
request = urllib.request.Request("http://127.0.0.1:PORT/predict", open("digit.png", "rb").read())
request.add_header("Content-Type", "image/png")
print(urllib.request.urlopen(request, timeout=60).read().decode())
serve.shutdown()
ray.shutdown()
"""


@pytest.mark.long
def test_ray_serve_runs_the_application_of_the_page(short_run, pictures, tmp_path, run) -> None:
    pytest.importorskip("ray", reason="it is large; install ray[serve]")
    (tmp_path / "runs").mkdir()
    shutil.copytree(short_run, tmp_path / "runs" / "first")
    (tmp_path / "digit.png").write_bytes(pictures["digit-0.png"])
    (tmp_path / "ray_serve.py").write_text(code("from pathlib import Path\n\nimport convscope as cs"))
    (tmp_path / "drive.py").write_text(RAY.replace("PORT", "8765"))
    done = subprocess.run([sys.executable, "drive.py"], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    answers = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert answers, done.stderr[-2000:]
    wanted = run.predict(tmp_path / "digit.png")[0].to_json()["choices"]
    assert json.loads(answers[0])["images"][0]["choices"] == wanted


def test_the_manifests_of_the_page_follow_the_schema_and_name_the_same_ports_and_files() -> None:
    yaml, validate = pytest.importorskip("yaml"), pytest.importorskip("kubernetes_validate")
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    deployment, service, inference = (one for block in blocks for one in yaml.safe_load_all(block))
    for one in (deployment, service):
        validate.validate(one, "1.34", strict=True)
    pod = deployment["spec"]["template"]
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"]
    assert inference["apiVersion"] == "serving.kserve.io/v1beta1"
    for spec in (pod["spec"], inference["spec"]["predictor"]):
        (container,) = spec["containers"]
        words = container["args"]
        port = int(words[words.index("--port") + 1]) if "--port" in words else 8000
        assert words[:2] == ["convscope", "serve"] and container["ports"][0]["containerPort"] == port
        (mount,) = container["volumeMounts"]
        assert words[words.index("--token-file") + 1].startswith(f"{mount['mountPath']}/")
        assert mount["name"] in {volume["name"] for volume in spec["volumes"]}
        validate.validate(
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec}, "1.34", strict=True
        )
    (container,) = pod["spec"]["containers"]
    probes = [container[kind]["httpGet"] for kind in ("readinessProbe", "livenessProbe")]
    assert [probe["path"] for probe in probes] == ["/v2/health/ready", "/v2/health/live"]
    assert {probe["port"] for probe in probes} == {service["spec"]["ports"][0]["targetPort"]} == {8000}
