"""Sweeps as a whole: what is trained, chosen, confirmed and written, and what interruptions leave."""

import csv
import gc
import io
import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import convscope
from convscope.api.callbacks import Callbacks
from convscope.api.sweep_trial import TrialTask, prepare_process, train_trial
from convscope.api.sweep_worker import Worker, WorkerCall
from convscope.errors import DataError, MissingExtraError, OptionError, RunError
from convscope.sweeping.journal import Journal
from convscope.sweeping.records import Trial

NETWORK = 'Flatten()\nDense(num_classes, activation="softmax")\n'
PARAMETERS = ("epochs=4..6", "learning_rate=1e-5..1e-1:log", "model=net.txt", "batch_size=32")
WORDS = ("sweep", "data.npz", *PARAMETERS, "--trials", 6, "--confirm", 2, "--processes", 1)


def write_data(folder: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    pixels = rng.integers(0, 130, (300, 12, 12), np.uint8)
    for index, label in enumerate(labels):
        pixels[index, 4 * label : 4 * label + 4] += 60
    np.savez(folder / "data.npz", x_train=pixels, y_train=labels, x_test=pixels[:60], y_test=labels[:60])
    (folder / "net.txt").write_text(NETWORK, encoding="utf-8")


@pytest.fixture(scope="module")
def swept(once, convscope) -> Path:
    """A folder with data and a finished sweep."""

    def make(folder: Path) -> None:
        write_data(folder)
        done = convscope(*WORDS, "--out", "sweep", cwd=folder)
        assert done.returncode == 0, done.stderr
        (folder / "stdout.txt").write_text(done.stdout, encoding="utf-8")

    return once("sweep", make)


def result(folder: Path) -> dict:
    return json.loads((folder / "sweep.json").read_text(encoding="utf-8"))


def test_the_best_trial_is_chosen_by_validation_and_its_run_has_the_same_weights(swept: Path) -> None:
    found = result(swept / "sweep")
    complete = [one for one in found["trials"] if one["outcome"] == "complete"]
    assert found["tried"] == 6 == len(found["trials"]) and found["best"]["accuracy"] == max(
        one["accuracy"] for one in complete
    )
    run = convscope.load_run(swept / "sweep" / "winner")
    assert run.record.weights_sha256 == found["best"]["weights_sha256"]
    assert run.record.options.learning_rate == found["best"]["params"]["learning_rate"]
    assert run.validation.accuracy.rate == found["best"]["accuracy"]


def test_the_test_split_is_read_for_the_chosen_recipe_only(swept: Path) -> None:
    found = result(swept / "sweep")
    assert all(one["test_accuracy"] is None for one in found["trials"])
    assert [one["seed"] for one in found["confirmations"]] == [1, 2]
    accuracies = [one["test_accuracy"] for one in found["confirmations"]]
    assert found["test"]["values"] == accuracies and found["test"]["mean"] == pytest.approx(np.mean(accuracies))
    assert all(one["params"] == found["best"]["params"] for one in found["confirmations"])


def test_terminal_table_page_and_figures_say_how_many_were_tried(swept: Path) -> None:
    printed, folder = (swept / "stdout.txt").read_text(encoding="utf-8"), swept / "sweep"
    assert "tried       6 trials: " in printed and "optimistic, as the highest of many" in printed
    assert re.search(r"confirmed   validation .* n=2\), other seeds", printed)
    rows = list(csv.DictReader((folder / "trials.csv").read_text(encoding="utf-8").splitlines()))
    known = result(folder)["trials"]
    assert [float(row["learning_rate"]) for row in rows] == [one["params"]["learning_rate"] for one in known]
    assert [row["outcome"] for row in rows] == [one["outcome"] for one in known]
    page = (folder / "sweep.html").read_text(encoding="utf-8")
    assert "6 trials: " in page and page.count("data:image/png") == len(list(folder.glob("*.png"))) >= 2
    assert "default-src 'none'" in page and not re.search(r'(?:src|href)="http', page)


def test_the_same_command_again_trains_nothing(swept: Path, convscope) -> None:
    before = (swept / "sweep" / "journal.log").read_bytes()
    done = convscope(*WORDS, "--out", "sweep", "--json", cwd=swept)
    assert done.returncode == 0 and json.loads(done.stdout)["tried"] == 6
    after = (swept / "sweep" / "journal.log").read_bytes()
    assert after.startswith(before) and b'"trial"' not in after[len(before) :]


def test_a_sweep_cut_in_the_middle_is_completed_with_the_same_trials(
    swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed process leaves: some trials, half a line, and a claim that nobody holds."""
    shutil.copytree(swept, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    path = Path("sweep/journal.log")
    whole = Journal(path).trials()
    lines = path.read_bytes().splitlines(keepends=True)
    ends = [index for index, line in enumerate(lines) if b'"trial"' in line]
    path.write_bytes(b"".join(lines[: ends[3]]) + lines[ends[3]][:100])
    kept = Journal(path).trials()
    assert len(kept) == 3
    events = io.StringIO()
    Worker(WorkerCall("data.npz", str(path), "sweep"), events).run()
    told = [json.loads(line) for line in events.getvalue().splitlines()]
    assert [one["name"] for one in told if one["kind"] == "finished"] == ["trial 3", "trial 4", "trial 5"]
    again = Journal(path).trials()
    assert {number: again[number] for number in kept} == kept
    facts = [(one.params, one.outcome, one.checks) for one in again.values()]
    assert facts == [(one.params, one.outcome, one.checks) for one in whole.values()]


def test_a_process_trains_a_trial_after_others_as_if_it_were_the_first_and_keeps_no_network(tmp_path: Path) -> None:
    write_data(tmp_path)
    fixed = {"epochs": 1.0, "batch_size": 32, "model": str(tmp_path / "net.txt"), "shift": 1}
    loaded = convscope.load_data(tmp_path / "data.npz")

    def trial(seed: int) -> Trial | None:
        task = TrialTask(0, seed, {}, fixed)
        return train_trial(task, loaded, on_fraction=lambda fraction: None, is_ended=lambda: False)

    prepare_process()
    try:
        first, other, again = trial(0), trial(1), trial(0)
    finally:
        gc.unfreeze()
    assert first and other and again
    assert again.weights_sha256 == first.weights_sha256 != other.weights_sha256
    loops = [one for one in gc.get_objects() if type(one).__name__ == "TrainingLoop"]
    assert len(loops) <= 1, "at most that of the last trial"


def test_a_recipe_that_does_not_fit_is_a_failed_trial_with_its_reason(tmp_path: Path) -> None:
    write_data(tmp_path)
    (tmp_path / "large.txt").write_text("Conv2D(4, 31)\n" + NETWORK, encoding="utf-8")
    task = TrialTask(3, 0, {"model": str(tmp_path / "large.txt")}, {"epochs": 1.0})
    loaded = convscope.load_data(tmp_path / "data.npz")
    trial = train_trial(task, loaded, on_fraction=lambda fraction: None, is_ended=lambda: False)
    assert (trial.number, trial.outcome, trial.accuracy) == (3, "failed", None) and "31" in trial.reason


def test_seeds_of_one_recipe_are_measured_on_the_test_split_and_nothing_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from convscope.api.sweep_report import write_report
    from convscope.sweeping.definition import Definition

    write_data(tmp_path)
    monkeypatch.chdir(tmp_path)
    journal = Journal(tmp_path / "journal.log")
    definition = Definition("data.npz", ("model=net.txt", "epochs=2"), trials=3, is_seeds=True, confirm=0, seed=5)
    journal.join(definition)
    Worker(WorkerCall("data.npz", str(journal.path), str(tmp_path / "sweep")), io.StringIO()).run()
    found = write_report(journal, definition, tmp_path / "sweep")
    assert [one.seed for one in found.trials] == [5, 6, 7] and found.best is None and found.winner is None
    assert len({one.weights_sha256 for one in found.trials}) == 3
    values = [one.test_accuracy for one in found.trials]
    assert found.test.mean == pytest.approx(np.mean(values)) and found.test.sd == pytest.approx(np.std(values, ddof=1))
    assert "n=3" in str(found) and (tmp_path / "sweep" / "seeds.png").is_file() and "3 seeds" in found._repr_html_()


def sweep(*arguments, **options):
    return convscope.sweep(*arguments, **options, callbacks=Callbacks())


@pytest.mark.parametrize(
    ("parameters", "options", "error", "message"),
    [
        (["epohcs=1,2"], {}, OptionError, "Did you mean epochs?"),
        ([], {}, OptionError, "Expected a parameter with several values"),
        (["epochs=1,2"], {"trials": 3, "seeds": 3}, OptionError, "Expected trials or seeds, not both."),
        (["epochs=1,2"], {"seeds": 3}, OptionError, "--seeds trains one recipe several times."),
        (["epochs=1,2"], {"trials": 0}, OptionError, "trials must be an integer from 1 to 10000."),
        (["epochs=1,2"], {"time": "soon"}, OptionError, "time must be a duration"),
        (["epochs=1,2"], {"processes": 0}, OptionError, "processes must be an integer from 1 to 256."),
        (["epochs=1,2"], {"threads": 0}, OptionError, "threads must be an integer from 1 to 1024."),
        (["model=quick,nonsense"], {}, OptionError, "nonsense"),
        (["epochs=1,2"], {"out": "notes"}, RunError, "Expected a new or empty folder, or that of a sweep."),
        (["epochs=1,2"], {"journal": "notes/a.txt"}, RunError, "Expected a new file, or the journal of a sweep."),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parameters: list, options: dict, error: type, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine\n")
    with pytest.raises(error) as caught:
        sweep("mnist", parameters, **options)
    assert message in str(caught.value) and "\n" not in str(caught.value)
    left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert left == ["a.txt"] and (tmp_path / "notes" / "a.txt").read_text() == "mine\n"


def test_arrays_are_refused_because_several_processes_read_the_data() -> None:
    with pytest.raises(OptionError, match=r"Expected a name or a path. Received: tuple"):
        sweep((np.zeros((4, 8, 8)), [0, 1, 0, 1]), ["epochs=1,2"])


def test_without_optuna_the_error_names_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"A sweep needs Optuna. Run: pip install 'convscope\[sweep\]'"):
        sweep("mnist", ["epochs=1,2"])
    assert list(tmp_path.iterdir()) == []


def test_data_that_cannot_be_read_leave_no_folder_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="nowhere"):
        sweep("nowhere.npz", ["epochs=1,2"], out="sweep", processes=1)
    assert list(tmp_path.iterdir()) == []


def test_another_sweep_in_the_same_folder_is_refused(swept: Path, convscope) -> None:
    done = convscope("sweep", "data.npz", *PARAMETERS, "--trials", 9, "--out", "sweep", cwd=swept)
    assert done.returncode == 1
    assert "Expected the options that this sweep began with. Received: trials 6, now 9" in done.stderr


@pytest.mark.long
def test_kill_9_loses_no_trial_trains_none_twice_and_changes_nothing() -> None:
    from sweep import prove

    outcome = prove(3, 600, trials=10, each=3)
    assert outcome.trouble == [] and outcome.kills == 3
    assert (outcome.lost, outcome.twice, outcome.identical) == (0, 0, outcome.sweeps)
