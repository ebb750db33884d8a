"""A container image that serves the run: a Containerfile, and the run beside it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from convscope.exporting.companion import ExportedRun
from convscope.training.run_folder import MODEL_FILE, RUN_FILE

FOLDER = "container"
PORT = 8000

CONTAINERFILE = """\
# Serves a network trained by convscope.
#   pip wheel --no-deps --wheel-dir wheels CONVSCOPE     (a checkout of convscope, or its name in a package index)
#   openssl rand -hex 32 > token
#   podman build --tag {tag} .
#   podman run --read-only --publish 8000:{port} --volume ./token:/run/secrets/token:ro {tag}
FROM docker.io/library/python:3.13-slim
COPY wheels/ /wheels/
RUN pip install --no-cache-dir --find-links /wheels 'convscope[serve]=={version}' && rm -r /wheels \\
 && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin convscope
COPY {run}/ /runs/{run}/
USER 10001
EXPOSE {port}
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \\
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:{port}/health', timeout=2)"]
CMD ["convscope", "serve", "/runs/{run}", "--host", "0.0.0.0", "--port", "{port}", "--token-file", "/run/secrets/token"]
"""


def write_container(folder: Path, run: ExportedRun) -> Mapping[str, str]:
    """Write the folder ``container``: the user is not root, and the image checks its own health."""
    target = folder / FOLDER
    (target / "wheels").mkdir(parents=True)
    (target / "wheels" / "README.md").write_text("The wheel of convscope belongs here: see Containerfile.\n", "utf-8")
    (target / "run").mkdir()
    for name in (RUN_FILE, MODEL_FILE):
        shutil.copyfile(run.folder / name, target / "run" / name)
    text = CONTAINERFILE.format(tag="convscope-run", port=PORT, version=run.contract["convscope"], run="run")
    (target / "Containerfile").write_text(text, encoding="utf-8")
    return {FOLDER: "a Containerfile that serves the run with convscope serve, not as root, with a health check"}
