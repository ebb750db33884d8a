"""JavaScript computes the score for unknown images as Python does."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from convscope.evaluation.fit_subspace import fit_subspace
from convscope.evaluation.out_of_distribution import ood_scores, set_thresholds
from convscope.evaluation.total_variation import VariationLimit
from convscope.model.features import averaged

RUNNER = Path(__file__).with_name("run_out_of_distribution.js")
NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
@pytest.mark.parametrize(
    ("grid", "centers_logits"), [((3, 3, 8), True), ((9, 7, 30), True), ((1, 1, 40), True), ((3, 3, 8), False)]
)
def test_scores_ranks_and_answers_are_those_of_python(
    grid: tuple[int, int, int], centers_logits: bool, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(400, grid[0] * grid[1] * grid[2])) * 2 + 1).astype(np.float32)
    logits = rng.normal(size=(400, 5)).astype(np.float32) * 4
    features = averaged(values, grid)
    subspace = fit_subspace(features[:200])
    assert subspace is not None
    pixels = rng.integers(0, 256, (400, 5, 4, 3), np.uint8)
    limit = VariationLimit(31.0, 7.0) if centers_logits else None
    excess = limit.excess(pixels) if limit else np.zeros(400, np.float32)
    assert (limit is None) == (not excess[:60].any()) and not excess[:60].all()
    scores = ood_scores(logits, subspace.residual(features) + excess, scale=0.3, centers_logits=centers_logits)
    rejection = set_thresholds(scores[200:], scale=0.3, rejects_blank=True)
    threshold = float(np.median(scores))
    told = rejection.to_json() | {"threshold": threshold, "centers_logits": centers_logits}
    told["variation"] = limit and limit.to_json()
    cases = [
        {
            "levels": pixels[index].ravel().tolist(),
            "shape": [5, 4, 3],
            "values": row.tolist(),
            "grid": grid,
            "logits": one.tolist(),
            "is_constant": index == 7,
        }
        for index, (row, one) in enumerate(zip(values[:60], logits, strict=False))
    ]
    given = {
        "center": subspace.center.tolist(),
        "directions": subspace.directions.astype(np.float32).ravel().tolist(),
        "rejection": told,
        "cases": cases,
    }
    (tmp_path / "cases.json").write_text(json.dumps(given))
    assert NODE is not None
    done = subprocess.run([NODE, RUNNER, tmp_path / "cases.json"], capture_output=True, text=True, check=True)
    for index, found in enumerate(json.loads(done.stdout)):
        np.testing.assert_allclose(found["features"], features[index], rtol=1e-5, atol=1e-5)
        if index == 7:
            assert found["known"] is False and found["score"] is None
            continue
        assert found["score"] == pytest.approx(float(scores[index]), rel=1e-3, abs=1e-3)
        assert found["rank"] == pytest.approx(rejection.rank(float(scores[index])), abs=2e-3)
        if abs(scores[index] - threshold) > 0.01:
            assert found["known"] is bool(scores[index] <= threshold)
