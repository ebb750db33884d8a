"""Classes left out of a training, one after the other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from convscope.api.train import train
from convscope.api.unknown_classes import KEY, ExcludedClass, UnknownClasses, unknown_classes
from convscope.cli.results import reliability_lines
from convscope.errors import DataError
from convscope.evaluation.intervals import Proportion

NETWORK = 'Conv2D(8, 3, strides=2, activation="relu")\nFlatten()\nDense(num_classes, activation="softmax")\n'


def marks(n: int, seed: int, *, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Noisy pictures whose class is the quarter that is light; all of the last class are checkers."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    pixels = rng.normal(60, 15, (n, 12, 12))
    for one, label in zip(pixels, labels, strict=True):
        if label == 3:
            one += 120 * ((np.indices((12, 12)) // 2).sum(axis=0) % 2)
        else:
            one[6 * (label // 2) : 6 * (label // 2) + 6, 6 * (label % 2) : 6 * (label % 2) + 6] += 120
    return np.clip(pixels, 0, 255).astype(np.uint8), labels


@pytest.mark.long
def test_each_class_in_turn_is_unknown_and_the_record_keeps_how_often_it_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "net.txt").write_text(NETWORK)
    options = {"model": str(tmp_path / "net.txt"), "epochs": 4, "validation_fraction": 0.3, "seed": 1}
    run = train(marks(1_600, 0), out=tmp_path / "run", **options)
    found = unknown_classes(run)
    assert {one.name for one in found.rows} == {"0", "1", "2", "3"}
    assert [one.rejected.rate for one in found.rows] == sorted(one.rejected.rate for one in found.rows)
    tested = run.test.n  # type: ignore[union-attr]
    assert all(one.rejected.n + one.known_rejected.n == tested for one in found.rows)
    assert found.level == 0.01 and found.known_rejected < 0.05
    assert found.mean > 0.5  # the four classes resemble each other in nothing
    kept = json.loads((tmp_path / "run" / "run.json").read_text())["reliability"][KEY]
    assert kept == json.loads(json.dumps(found.to_json()))
    assert any(line.startswith("unknown") for line in reliability_lines({KEY: kept}))
    pair = train(marks(400, 0, classes=2), out=tmp_path / "pair", **options)
    with pytest.raises(DataError, match=r"at least three classes, to exclude one\. Received: 2"):
        unknown_classes(pair)


def test_the_interval_is_over_classes() -> None:
    rows = tuple(
        ExcludedClass(str(k), Proportion(hits, 100), Proportion(1, 300)) for k, hits in enumerate((50, 60, 70))
    )
    found = UnknownClasses(0.01, rows)
    assert found.mean == pytest.approx(0.6) and found.mean - found.low == pytest.approx(4.303 * 0.1 / 3**0.5, rel=1e-3)
    (line,) = reliability_lines({KEY: found.to_json()})
    assert line.startswith(
        "unknown     60.0% of the images of a class that it does not know are rejected (35.2% to 84.8%"
    )
