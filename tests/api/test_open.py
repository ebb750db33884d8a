"""A run's page can be written again, with or without its data, and says what it lacks."""

import json
import re
import shutil

import pytest

from convscope.api import open as module
from convscope.api.open import page
from convscope.errors import ModelFileError, RunError
from convscope.model.reference import REFERENCE_FILE


def bundle_of(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="bundle">(.*?)</script>', text)[1])


def test_the_page_that_training_left_is_the_page_that_open_writes(short_run, tmp_path):
    opened = page(short_run, out=tmp_path / "again.html")
    assert opened.path.read_text(encoding="utf-8") == (short_run / "page.html").read_text(encoding="utf-8")
    assert opened.reference.startswith("TensorFlow") and opened.missing == ""


def test_it_holds_the_gallery_and_all_mistakes(short_run):
    bundle = bundle_of(short_run / "page.html")
    entries = bundle["pictures"]["entries"]
    wrong = [entry for entry in entries if entry["label"] != entry["predicted"]]
    evaluation = bundle["evaluation"]
    correct = evaluation["accuracy"]["successes"]
    assert len([entry for entry in entries if entry["gallery"]]) == 60
    assert len(wrong) == evaluation["n"] - correct
    assert [(p["first"], p["second"]) for p in sorted(bundle["claimed_pairs"], key=lambda p: p["first"])] == [
        (0, 6),
        (4, 9),
    ]


def test_a_run_whose_data_have_gone_still_opens_and_says_so(short_run, tmp_path):
    run = shutil.copytree(short_run, tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    record["options"]["data"] = str(tmp_path / "gone")
    (run / "run.json").write_text(json.dumps(record))
    opened = page(run)
    assert opened.pictures == 0
    assert "gone" in opened.missing
    assert bundle_of(opened.path)["evaluation"]["n"] == 10_000


def test_a_record_beside_the_model_of_another_run_is_refused(short_run, tmp_path):
    run = shutil.copytree(short_run, tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    record["test"]["class_names"][3] = "three"
    (run / "run.json").write_text(json.dumps(record))
    with pytest.raises(RunError, match="different classes"):
        page(run)


def test_validation_data_of_another_number_are_not_shown_as_the_measured_ones(short_run, tmp_path):
    run = shutil.copytree(short_run, tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    record["test"] = None
    record["options"]["validation_fraction"] = 0.05
    (run / "run.json").write_text(json.dumps(record))
    opened = page(run)
    assert opened.pictures == 0 and "no longer those of the training" in opened.missing


def test_data_that_changed_are_not_shown_as_the_measured_ones(short_run, tmp_path):
    run = shutil.copytree(short_run, tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    record["data"]["test_fingerprint"] = "0" * 64
    (run / "run.json").write_text(json.dumps(record))
    opened = page(run)
    assert opened.pictures == 0 and "no longer those of the training" in opened.missing


def test_without_tensorflows_proof_numpys_stands_in_and_is_named(short_run, tmp_path):
    run = shutil.copytree(short_run, tmp_path / "run")
    (run / REFERENCE_FILE).unlink()
    assert page(run).reference.startswith("NumPy")


def test_a_damaged_proof_is_refused(short_run, tmp_path):
    run = shutil.copytree(short_run, tmp_path / "run")
    content = bytearray((run / REFERENCE_FILE).read_bytes())
    content[-1] ^= 1
    (run / REFERENCE_FILE).write_bytes(content)
    with pytest.raises(ModelFileError, match=REFERENCE_FILE):
        page(run)


def test_a_page_that_cannot_be_written_is_said(short_run, tmp_path):
    with pytest.raises(RunError, match="could not be written"):
        page(short_run, out=tmp_path / "no" / "such" / "folder.html")


@pytest.mark.long
def test_a_page_that_would_be_too_large_loses_its_images_and_says_so(short_run, tmp_path, monkeypatch) -> None:
    full = page(short_run, out=tmp_path / "full.html")
    monkeypatch.setattr(module, "MAX_PAGE_BYTES", full.size_bytes - 1)
    smaller = page(short_run, out=tmp_path / "smaller.html")
    assert full.moments == 7 and smaller.moments == 0 and smaller.pictures == full.pictures
    monkeypatch.setattr(module, "MAX_PAGE_BYTES", smaller.size_bytes - 1)
    small = page(short_run, out=tmp_path / "small.html")
    assert full.pictures > 60 and full.missing == ""
    assert small.pictures == 0 and "would be" in small.missing and small.size_bytes < full.size_bytes


def test_a_page_of_a_network_that_is_too_large_is_not_written_and_the_reason_is_one_line(
    short_run, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(module, "MAX_PAGE_BYTES", 100_000)
    with pytest.raises(RunError, match=r"page is at most 0\.1 MB\. Received: .*parameters"):
        page(short_run, out=tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
