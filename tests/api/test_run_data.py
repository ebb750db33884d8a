"""A run finds its data again, measures what it says, and is trained further."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import convscope as cs
from convscope.api.callbacks import Callbacks
from convscope.api.import_model import import_model
from convscope.api.train import train
from convscope.errors import DataError, OptionError, RunError
from convscope.training.preset_recipes import DEFAULTS, ROBUST

NETWORK = 'Flatten()\nDense(8, activation="relu")\nBatchNormalization()\nDense(num_classes, activation="softmax")\n'
CLASSES = ("cat", "dog", "emu")
HOW = {"model": "net.txt", "epochs": 30, "batch_size": 16, "learning_rate": 0.02}


def write(folder: Path, classes: dict[str, int], *, first: int = 0) -> Path:
    """Pictures of 4×4 pixels; the class decides which row is light."""
    for name, count in classes.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(first, first + count):
            noise = np.random.default_rng([index, *map(ord, name)]).integers(0, 100, (4, 4))
            noise[(*CLASSES, "yak").index(name)] += 120
            Image.fromarray(noise.astype(np.uint8)).save(folder / name / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def trained(once) -> Path:
    """A folder with ``pets`` and ``run``, whose data and network were given relative to it."""

    def make(folder: Path) -> None:
        before = Path.cwd()
        os.chdir(folder)
        try:
            write(Path("pets"), dict.fromkeys(CLASSES, 20))
            Path("net.txt").write_text(NETWORK)
            train("pets", out="run", callbacks=Callbacks(), **HOW)
        finally:
            os.chdir(before)

    return once("pets", make)


@pytest.fixture
def here(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a copy of the run and its data."""
    folder = Path(shutil.copytree(trained, tmp_path / "here"))
    monkeypatch.chdir(folder)
    return folder


def same_as_recorded(evaluated: cs.Run | object) -> bool:
    recorded = json.loads(Path(evaluated.folder, "run.json").read_text())["test"]  # type: ignore[attr-defined]
    return evaluated.evaluation.to_json() == recorded  # type: ignore[attr-defined]


def add(folder: Path) -> None:
    write(folder, dict.fromkeys(CLASSES, 5), first=20)


def remove(folder: Path) -> None:
    (folder / "dog" / "3.png").unlink()


def rename(folder: Path) -> None:
    (folder / "emu").rename(folder / "fox")


def replace_one(folder: Path) -> None:
    for index in range(1, 20):
        shutil.copy(folder / "cat" / "0.png", folder / "cat" / f"{index}.png")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (add, "class cat: 20 images before, 25 now"),
        (remove, "class dog: 20 images before, 19 now"),
        (rename, "class emu: 20 images before, 0 now; class fox: 0 images before, 20 now"),
        (replace_one, "as many images of each class, but not the same ones"),
    ],
)
@pytest.mark.parametrize("part", ["test", "validation", "train"])
def test_changed_data_are_named_and_not_measured_as_a_split(
    here: Path, change: Callable[[Path], None], words: str, part: str
) -> None:
    assert same_as_recorded(cs.load_run("run").evaluate())
    change(Path("pets"))
    with pytest.raises(DataError, match="no longer those of the training") as caught:
        cs.load_run("run").evaluate(part=part)
    assert words in str(caught.value)


def test_changed_data_given_by_path_are_measured_whole_and_the_training_images_among_them_counted(here: Path) -> None:
    add(Path("pets"))
    measured = cs.load_run("run").evaluate("pets")
    assert (measured.part, measured.evaluation.n) == ("all", 75)
    record = cs.load_run("run").record.data
    assert measured.trained_on == record["train"]
    assert any(f"trained on {record['train']} of these 75 images" in note for note in measured.notes)


def test_a_folder_is_measured_whole_by_class_name(here: Path) -> None:
    write(Path("held"), {"emu": 7, "cat": 5, "dog": 6}, first=100)
    measured = cs.load_run("run").evaluate("held")
    assert (measured.part, measured.evaluation.n, measured.trained_on, measured.notes) == ("all", 18, 0, ())
    assert measured.accuracy > 0.9 and measured.measured_on == "all images"


def test_missing_and_unknown_classes_are_said(here: Path) -> None:
    write(Path("held"), {"emu": 7, "yak": 6}, first=100)
    measured = cs.load_run("run").evaluate("held")
    assert measured.evaluation.n == 7 and measured.accuracy == 1
    assert measured.unknown_classes == {"yak": 6}
    assert measured.notes[0] == "No image of: cat, dog."
    assert "yak (6 images)" in measured.notes[1]
    assert "yak" in measured._repr_html_()


def as_zip(folder: Path) -> Path:
    with zipfile.ZipFile("held.zip", "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, path.relative_to(folder))
    return Path("held.zip")


def as_test_part(folder: Path) -> Path:
    (folder.parent / "only").mkdir()
    folder.rename(folder.parent / "only" / "test")
    return Path("only")


def as_npz(folder: Path) -> Path:
    """The labels are numbers there, so the classes have to be called by numbers in the run too."""
    paths = sorted(folder.rglob("*.png"))
    images = np.stack([np.asarray(Image.open(path)) for path in paths])
    labels = np.array([CLASSES.index(path.parent.name) for path in paths])
    np.savez("held.npz", x_test=images, y_test=labels)
    run = cs.load_run("run")
    keras_file = Path("numbers.keras")
    run.to_keras().save(keras_file)
    import_model(keras_file, out="numbers")
    shutil.rmtree("run")
    Path("numbers").rename("run")
    return Path("held.npz")


@pytest.mark.parametrize("form", [as_zip, as_test_part, as_npz])
def test_other_forms_and_single_parts_are_measured_whole_too(here: Path, form: Callable[[Path], Path]) -> None:
    held = form(write(Path("held"), dict.fromkeys(CLASSES, 6), first=100))
    measured = cs.load_run("run").evaluate(held)
    assert measured.evaluation.n == 18 and measured.accuracy > 0.9


def test_arrays_and_loaded_data_are_measured_whole(here: Path) -> None:
    held = write(Path("held"), dict.fromkeys(CLASSES, 6), first=100)
    assert cs.load_run("run").evaluate(cs.load_data(held)).evaluation.n == 18


def test_a_part_is_of_the_own_data_only(here: Path) -> None:
    write(Path("held"), dict.fromkeys(CLASSES, 6), first=100)
    with pytest.raises(OptionError, match="other data are measured whole"):
        cs.load_run("run").evaluate("held", part="test")
    assert cs.load_run("run").evaluate("pets", part="train").trained_on == cs.load_run("run").record.data["train"]


def test_the_own_data_given_by_path_or_from_another_place_are_measured_on_the_test_split(here: Path) -> None:
    assert same_as_recorded(cs.load_run("run").evaluate("pets"))
    Path("pets").rename("moved")
    assert same_as_recorded(cs.load_run("run").evaluate("moved"))
    with pytest.raises(DataError, match=r"nothing of that name in the working folder, nor at ../pets from the run"):
        cs.load_run("run").evaluate()


def test_a_run_finds_its_data_from_another_working_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = here.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    run = Path("..", "here", "run")
    assert same_as_recorded(cs.load_run(run).evaluate())
    write(Path("pets"), dict.fromkeys(CLASSES, 20), first=50)  # other data of the same name
    assert same_as_recorded(cs.load_run(run).evaluate())
    assert cs.check_data(run=run, out=None).report.scan.source == "pets"
    assert not cs.load_run(run).page(out="page.html").missing


def test_what_is_handed_round_names_no_folder_of_the_machine(here: Path) -> None:
    run = train(
        str(here / "pets"), out=here / "absolute", callbacks=Callbacks(), **HOW | {"model": str(here / "net.txt")}
    )
    assert run.page_path
    text = run.page_path.read_text(encoding="utf-8")
    assert "pets" in text and str(here.parent) not in text


def test_an_interrupted_training_is_resumed_from_another_working_folder(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = cs.load_run("run").record.weights_sha256
    stops = iter([False, False, True])
    train("pets", out="cut", callbacks=Callbacks(is_stopped=lambda: next(stops, True)), **HOW)
    elsewhere = here.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    write(Path("pets"), dict.fromkeys(CLASSES, 20), first=50)
    run = train(resume=Path("..", "here", "cut"), callbacks=Callbacks())
    assert run.outcome == "finished" and run.record.weights_sha256 == whole
    assert same_as_recorded(cs.load_run(run.folder).evaluate())


def test_other_data_do_not_resume_a_training(here: Path) -> None:
    stops = iter([False, True])
    train("pets", out="cut", callbacks=Callbacks(is_stopped=lambda: next(stops, True)), **HOW)
    add(Path("pets"))
    with pytest.raises(RunError, match=r"Cannot resume: these options differ: data\.train_fingerprint"):
        train(resume="cut", callbacks=Callbacks())


def test_a_finished_run_is_trained_further_from_its_weights(here: Path) -> None:
    before = cs.load_run("run")
    after = train(from_run="run", epochs=0.5, learning_rate=1e-8, out="more", callbacks=Callbacks())
    images = np.stack([np.asarray(Image.open(f"pets/cat/{index}.png")) for index in range(5)])[..., None]
    raw = [cs.load_run(run.folder).model.weights["dense/kernel"] for run in (before, after)]
    assert np.allclose(*raw, atol=1e-5)
    assert [one.choices[0].name for one in after.predict(images)] == ["cat"] * 5
    ancestor = after.record.network["ancestor"]
    assert ancestor["run"] == "run" and ancestor["weights_sha256"] == before.record.weights_sha256
    assert ancestor["epochs"] == 30
    assert after.record.options.model == "net.txt" and after.record.options.epochs == 0.5
    assert any(one["what"] == "initial weights" for one in after.record.data["decisions"])
    again = train(from_run=after, epochs=1, out="third", callbacks=Callbacks())
    assert again.record.network["ancestor"]["epochs"] == pytest.approx(30 + after.record.history[-1].epoch)


def test_a_run_is_trained_further_with_and_without_the_robust_recipe(here: Path) -> None:
    def strengths(run: cs.Run) -> dict[str, float]:
        return {name: getattr(run.record.options, name) for name in ROBUST}

    off, quiet = dict.fromkeys(ROBUST, 0), {"callbacks": Callbacks()}
    Path("robust.toml").write_text("robust = true\nzoom = 0.3\n")
    robust = train(from_run="run", config="robust.toml", epochs=0.05, out="robust", **quiet)
    assert strengths(robust) == ROBUST | {"zoom": 0.3} and robust.record.options.robust
    (line,) = (one for one in robust.record.data["decisions"] if one["what"] == "recipe")
    assert all(f"{name} " in line["chosen"] for name in ROBUST) and line["option"] == "--model, --robust"
    again = train(from_run=robust, robust=True, epochs=0.05, out="again", **quiet)
    assert strengths(again) == strengths(robust)
    plain = train(from_run=robust, robust=False, epochs=0.05, out="plain", **quiet)
    assert strengths(plain) == off and not plain.record.options.robust


def test_the_robust_recipe_has_its_epochs_and_strengths_in_the_record(here: Path) -> None:
    run = train("pets", out="robust", robust=True, callbacks=Callbacks(), **HOW | {"epochs": 0.05})
    assert {name: getattr(run.record.options, name) for name in ROBUST} == ROBUST and run.record.options.robust
    longer = train(from_run="run", robust=True, out="longer", callbacks=Callbacks())
    assert {name: getattr(longer.record.options, name) for name in ROBUST} == ROBUST
    assert longer.record.options.epochs == DEFAULTS["epochs"]  # not the 30 of the earlier run


def test_frozen_layers_keep_their_weights_to_the_bit(here: Path) -> None:
    after = train(from_run="run", epochs=2, freeze=2, out="more", callbacks=Callbacks())
    old, new = cs.load_run("run").model.weights, after.model.weights
    same = {name for name in old if np.array_equal(old[name], new[name])}
    assert same == {name for name in old if name.startswith(("dense/", "batch_normalization/"))}
    with pytest.raises(OptionError, match="at least one layer to train"):
        train(from_run="run", freeze=3, out="none", callbacks=Callbacks())
    with pytest.raises(OptionError, match="without --from"):
        train("pets", model="net.txt", freeze=1, out="none", callbacks=Callbacks())


def test_outputs_follow_their_class_names_and_other_classes_start_anew(here: Path) -> None:
    keras_file = Path("reordered.keras")
    run = cs.load_run("run")
    model = run.to_keras()
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([kernel[:, [2, 0, 1]], bias[[2, 0, 1]]])
    model.save(keras_file)
    import_model(keras_file, class_names=["emu", "cat", "dog"], out="imported")
    more = train("pets", from_run="imported", epochs=0.5, learning_rate=1e-8, out="more", callbacks=Callbacks())
    assert more.model.class_names == CLASSES
    assert np.allclose(more.model.weights["dense_1/kernel"], kernel, atol=1e-5)
    write(Path("wider"), dict.fromkeys((*CLASSES, "yak"), 20))
    wide = train("wider", from_run="run", epochs=0.5, learning_rate=1e-8, out="wide", callbacks=Callbacks())
    assert wide.model.class_names == (*CLASSES, "yak")
    assert np.allclose(wide.model.weights["dense/kernel"], run.model.weights["dense/kernel"], atol=1e-5)
    assert "6 of 8 weight arrays" in wide.record.network["ancestor"]["taken_over"]


def test_a_resumed_training_still_names_its_ancestor(here: Path) -> None:
    stops = iter([False, False, True])
    stopped = Callbacks(is_stopped=lambda: next(stops, True))
    train(from_run="run", epochs=30, seed=3, out="cut", callbacks=stopped)
    whole = train(from_run="run", epochs=30, seed=3, out="whole", callbacks=Callbacks())
    resumed = train(resume="cut", callbacks=Callbacks())
    assert resumed.record.network["ancestor"] == whole.record.network["ancestor"]
    assert resumed.record.weights_sha256 == whole.record.weights_sha256


def test_folds_measure_every_image_by_a_network_that_was_trained_without_it(here: Path) -> None:
    run = train("pets", out="folds", callbacks=Callbacks(), folds=4, **HOW)
    validated = run.cross_validation
    assert validated and validated.n == 60 and validated.accuracy.rate > 0.9
    assert run.test is None and run.record.data["train"] + run.record.data["validation"] == 60
    stored = run.record.cross_validation
    assert (
        stored and stored["folds"] == 4 and np.mean(stored["fold_accuracies"]) == pytest.approx(validated.accuracy.rate)
    )
    assert cs.load_run("folds").cross_validation == validated
    told = f"{validated.accuracy.rate:.2%} by cross-validation"
    assert told in repr(run) and run.record.measured == ("cross_validation", stored)
    assert "cross-validated accuracy" in run._repr_html_()
    assert dataclasses.replace(run.record, validation=None).measured is None, "a training that was cut short"
    assert [one.part for one in cs.runs(folder=".") if one.folder.name == "folds"] == ["cross_validation"]
    page = run.page_path.read_text() if run.page_path else ""
    assert '"cross_validation":{"accuracy":{' in page.replace(" ", "")
    with pytest.raises(OptionError, match="folds must be 0 or at least 2"):
        train("pets", out="none", callbacks=Callbacks(), folds=1, **HOW)
    with pytest.raises(DataError, match="at least 30 images in each class, for 30 folds"):
        train("pets", out="none", callbacks=Callbacks(), folds=30, **HOW)
    assert not Path("none").exists()


def test_cross_validation_does_not_see_the_labels_of_its_fold(here: Path) -> None:
    """With random labels, the accuracy is that of guessing, although the network itself learns them by heart."""
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 255, (120, 4, 4)).astype(np.uint8), rng.integers(0, 2, 120)
    how = HOW | {"epochs": 100}
    run = train((images, labels), out="random", callbacks=Callbacks(), folds=3, **how)
    assert run.cross_validation and 0.3 < run.cross_validation.accuracy.rate < 0.7
    assert run.evaluate(cs.load_data((images, labels), test_fraction=0)).accuracy > 0.75
    assert run.test is None


def pixel_model(names: list[str], path: Path) -> None:
    """A Keras model whose output for the class k in ``names`` is the pixel k of an image of 2×3."""
    model = keras.Sequential(
        [keras.Input((2, 3, 1)), keras.layers.Flatten(), keras.layers.Dense(6, activation="softmax")]
    )
    natural = sorted(names, key=lambda name: int(name.strip("c")))
    kernel = np.zeros((6, 6), np.float32)
    for pixel, name in enumerate(natural):
        kernel[pixel, names.index(name)] = 20
    model.layers[-1].set_weights([kernel, np.zeros(6, np.float32)])
    model.save(path)


@pytest.fixture
def six(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A folder ``photos`` of six classes, in each of which another pixel is light; the names in natural order."""
    monkeypatch.chdir(tmp_path)
    names = ["c1", "c2", "c3", "c10", "c11", "c12"]
    for pixel, name in enumerate(names):
        Path("photos", name).mkdir(parents=True)
        for index in range(8):
            image = np.random.default_rng([pixel, index]).integers(0, 50, 6)
            image[pixel] = 200 + index
            Image.fromarray(image.reshape(2, 3).astype(np.uint8)).save(Path("photos", name, f"{index}.png"))
    return names


def test_an_imported_network_has_its_classes_in_the_order_of_keras(six: list[str]) -> None:
    pixel_model(sorted(six), Path("model.keras"))
    result = import_model("model.keras", data="photos", out="run")
    assert result.run.model.class_names == tuple(sorted(six))
    assert result.evaluation and result.evaluation.accuracy.rate == 1 and result.better_order is None
    assert any(one.what == "class order" and "sorted as strings" in one.because for one in result.decisions)
    given = import_model("model.keras", class_names=sorted(six), out="given").run
    assert given.evaluate("photos").accuracy == 1
    assert cs.load_run("run").evaluate().accuracy == 1


def test_another_order_that_is_far_better_is_named_and_can_be_given(six: list[str]) -> None:
    pixel_model(six, Path("model.keras"))
    result = import_model("model.keras", data="photos", out="run")
    assert result.evaluation and result.evaluation.accuracy.rate < 0.5
    assert result.better_order and result.better_order.name == "natural"
    assert result.better_order.class_names == tuple(six) and result.better_order.accuracy == 1
    right = import_model("model.keras", data="photos", class_names=six, out="right")
    assert right.evaluation and right.evaluation.accuracy.rate == 1 and right.better_order is None
    assert right.run.predict("photos/c10/0.png")[0].choices[0].name == "c10"


def test_names_that_the_data_do_not_have_are_refused(six: list[str]) -> None:
    pixel_model(six, Path("model.keras"))
    with pytest.raises(OptionError, match="Expected the class names of the data, c1, c2, c3, c10, c11, c12"):
        import_model("model.keras", data="photos", class_names=[*six[:5], "c13"], out="run")
