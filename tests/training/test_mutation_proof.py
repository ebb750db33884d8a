"""`proofs/mutation.py` with mutants written by hand; the others need cosmic-ray, which `scripts/prove` installs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mutants import Mutant, excluded
from mutation import ROOT, Copy, MeasuredFile, files_for, judge, summarize

SCHEDULE = "training/schedule.py"
FILES = [
    MeasuredFile("tests/training/test_history.py", ("convscope.training.history",), False, 1.0),
    MeasuredFile("tests/training/test_schedule.py", ("convscope.training.schedule",), False, 1.0),
    MeasuredFile("tests/training/test_step_oracles.py", ("convscope.training.schedule",), True, 20.0),
]


def mutant(before: str, after: str) -> Mutant:
    source = (ROOT / "src" / "convscope" / SCHEDULE).read_text(encoding="utf-8")
    assert source.count(before) == 1
    return Mutant(SCHEDULE, 1, "by hand", before, after, source.replace(before, after))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    made = Copy(tmp_path_factory.mktemp("copy"))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        ("(1 - position) / (1 - warmup)", "(1 - position) / (1 + warmup)", "killed"),
        ("import numpy as np", "import numpy_of_another_name as np", "killed"),
        ("(1 - start) * position", "position * (1 - start)", "survived"),
    ],
)
def test_a_mutant_is_killed_where_a_test_fails_and_the_tree_is_as_before(
    before: str, after: str, outcome: str, copy: Copy
) -> None:
    changed = mutant(before, after)
    light = [file for file in FILES if not file.heavy]
    noticed = "tests/training/test_schedule.py" if outcome == "killed" else ""
    assert judge(changed, copy, light) == (outcome, noticed)
    original = (ROOT / "src" / "convscope" / SCHEDULE).read_bytes()
    assert (copy.folder / "src" / "convscope" / SCHEDULE).read_bytes() == original


def test_only_test_files_that_import_the_module_are_run_light_ones_first() -> None:
    light, heavy = files_for(mutant("import numpy as np", "import numpy as np"), FILES)
    assert [Path(file.path).name for file in light] == ["test_schedule.py"]
    assert [Path(file.path).name for file in heavy] == ["test_step_oracles.py"]


def test_annotations_signatures_messages_and_what_is_shown_are_not_mutated() -> None:
    source = """
def area(a: int | None, *, b: int = 2) -> int | None:
    if a < 0:
        raise ValueError("a" + str(a))
    return a * b

class Shown:
    def __repr__(self):
        return "x" * 3
"""
    skipped, defaults = excluded(source)
    lines = {line for (first, _), (last, _) in skipped for line in range(first, last + 1)}
    assert lines == {2, 3, 4, 8, 9} and [start for start, _ in defaults] == [(2, 36)]
    assert not any(start <= (5, 11) <= end for start, end in skipped)


def test_the_share_counts_every_mutant_and_the_equivalent_ones_are_counted() -> None:
    results = [
        {"outcome": "killed"}, {"outcome": "timeout"}, {"outcome": "survived", "kind": "equivalent"},
        {"outcome": "survived", "kind": "unexplained"},
    ]  # fmt: skip
    assert summarize(results) == {
        "mutants": 4, "killed": 2, "by_time_limit": 1, "survived": 2, "equivalent": 1, "unexplained": 1, "share": 0.5,
    }  # fmt: skip
