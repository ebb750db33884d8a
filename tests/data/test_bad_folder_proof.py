"""The short version of `proofs/bad_folder.py`."""

from pathlib import Path

import pytest
from bad_folder import BAD, WAYS, prove


@pytest.mark.long
def test_a_folder_with_bad_files_of_twelve_kinds_trains_and_names_exactly_those(tmp_path: Path) -> None:
    outcome = prove(tmp_path, 500)
    assert outcome.exit_code == 0 and outcome.kinds == len(WAYS) == 12
    assert (outcome.named, outcome.named_wrongly, outcome.not_named) == (BAD, 0, 0)
