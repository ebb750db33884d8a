"""What a person calls in a notebook: `load_data`, `train`, `load_run`, and the methods of `Run`."""

from __future__ import annotations

import inspect
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import convscope as cs
from convscope.api.predict import predict
from convscope.data.mnist import load_part
from convscope.errors import DataError, OptionError, RunError
from convscope.model.forward import forward


@pytest.fixture(scope="module")
def run(short_run: Path) -> cs.Run:
    return cs.load_run(short_run)


@pytest.fixture(scope="module")
def seven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("digit") / "seven.png"
    Image.fromarray(load_part("test").pixels[0, :, :, 0]).save(path)
    return path


def test_a_run_is_opened_by_its_folder_or_passed_through(run: cs.Run, short_run: Path) -> None:
    assert run.folder == short_run and cs.load_run(run) is run
    assert run.name == "run" and run.outcome == "finished"
    with pytest.raises(OptionError, match=r"Expected a run or the path of its folder\. Received: run=int"):
        cs.load_run(3)  # type: ignore[arg-type]
    with pytest.raises(RunError, match="Expected the folder of a run"):
        cs.load_run(short_run / "pictures")


def test_its_figures_are_those_of_the_record(run: cs.Run) -> None:
    assert run.test is not None and run.validation is not None
    assert run.test.to_json() == run.record.test and run.validation.to_json() == run.record.validation
    assert {path.name for path in run.figures} >= {"confusion_matrix.png", "learning_curves.png"}
    assert run.page_path == run.folder / "page.html"


def test_paths_arrays_pil_images_and_lists_give_the_same_prediction(run: cs.Run, seven: Path) -> None:
    pixels = load_part("test").pixels[0]
    with Image.open(seven) as picture:
        picture.load()
        forms = [seven, str(seven), pixels, pixels[:, :, 0], picture, pixels[None], [seven], "mnist:0"]
    answers = [run.predict(form) for form in forms]
    assert all(len(answer) == 1 and answer[0].class_name == "7" for answer in answers)
    expected = answers[0].probabilities
    assert all(np.array_equal(answer.probabilities, expected) for answer in answers)


def test_float_images_in_0_to_1_are_not_divided_again(run: cs.Run) -> None:
    pixels = load_part("test").pixels[:200]
    expected = run.predict(pixels).probabilities
    assert np.allclose(run.predict(pixels.astype(np.float32) / 255).probabilities, expected, atol=1e-5)
    assert np.allclose(run.predict(pixels.astype(np.float64)).probabilities, expected, atol=1e-5)
    for wrong in (pixels / 255.0 - 0.5, pixels * 2.0, np.full((1, 28, 28, 1), np.nan)):
        with pytest.raises((DataError, OptionError), match="Received"):
            run.predict(wrong)


def test_a_text_is_one_path_and_never_a_sequence_of_letters(
    run: cs.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"a\.png"):
        run.predict("a.png")


def test_a_prediction_reads_well_as_text_and_in_a_notebook(run: cs.Run, seven: Path) -> None:
    shown = run.predict(seven)
    assert re.fullmatch(r".*seven\.png: 7 \(\d+\.\d%; then .*\)", repr(shown))
    page = shown._repr_html_()
    assert "<img alt=" in page and "seven.png" in page and "7 " in page


def test_an_explanation_shows_its_maps_with_their_sanity_checks(run: cs.Run, seven: Path) -> None:
    explained = run.explain(seven, method="gradient, grad_cam")
    assert len(explained) == 1 and list(explained[0].explanation.maps) == ["gradient", "grad_cam"]
    page = explained._repr_html_()
    assert page.count("<svg") + page.count("<img") >= 3
    assert explained[0].explanation.maps["gradient"].sanity_checks.verdict in page


def test_the_activations_are_those_of_the_engine(run: cs.Run) -> None:
    pixels = load_part("test").pixels[:2]
    seen = run.activations(pixels)
    expected = forward(run.model.spec, run.model.weights, pixels / np.float32(255))
    assert list(seen.layers) == [layer.name for layer in expected.layers]
    assert np.allclose(seen["dense"], expected.probabilities, atol=1e-6)
    assert "conv2d" in seen._repr_html_()


def test_the_keras_model_gives_the_probabilities_of_the_engine(run: cs.Run) -> None:
    pixels = load_part("test").pixels[:8]
    images = pixels / np.float32(255)
    expected = forward(run.model.spec, run.model.weights, images).probabilities
    assert np.allclose(run.to_keras()(images).numpy(), expected, atol=1e-5)


def test_figures_and_tables_show_themselves(run: cs.Run, tmp_path: Path) -> None:
    for plot in (run.plot_history(), run.confusion_matrix()):
        assert re.match(r'<img alt="[^"]{20,}"', plot._repr_html_())
        assert Image.open(plot.save(tmp_path / "plot.png")).width > 500
    assert "quick" in run._repr_html_() and "quick" in repr(run)
    summary = run.summary()
    assert f"{summary.parameters:,} parameters" in str(summary) and "Conv2D" in summary._repr_html_()


def test_arrays_in_memory_are_trained_on_and_evaluated(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    images = rng.integers(0, 60, (80, 12, 12, 1)).astype(np.uint8)
    images[labels == 1, 4:8] += 150
    (tmp_path / "small.txt").write_text('Conv2D(4, 3)\nFlatten()\nDense(num_classes, activation="softmax")\n')
    run = cs.train((images, labels), model=str(tmp_path / "small.txt"), epochs=20, batch_size=8, out=tmp_path / "run")
    assert run.test is not None and run.test.accuracy.rate == 1.0
    assert run.evaluate().evaluation.to_json() == run.record.test
    reopened = cs.load_run(tmp_path / "run")
    with pytest.raises(DataError, match="arrays that were in memory"):
        reopened.evaluate()
    data = cs.load_data((images, labels))
    assert reopened.evaluate(data).evaluation.to_json() == run.record.test


def test_data_that_were_split_with_another_seed_are_evaluated_as_they_were_split(
    shapes_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "small.txt").write_text('Flatten()\nDense(num_classes, activation="softmax")\n')
    data = cs.load_data(shapes_folder, size=8, test_fraction=0.3, seed=5)
    run = cs.train(data, model=str(tmp_path / "small.txt"), epochs=1, seed=2, out=tmp_path / "run")
    again = cs.load_run(tmp_path / "run").evaluate()
    assert again.dataset.fingerprint() == run.record.data["test_fingerprint"]
    assert again.evaluation.to_json() == run.record.test


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"epoch": 3}, OptionError, r"Unknown option\. Received: epoch\. Did you mean epochs"),
        ({"epochs": "many"}, OptionError, "epochs must be a number"),
        ({"resume": "x", "out": "y"}, OptionError, "resume"),
        ({"data": "nowhere"}, DataError, "not found"),
    ],
)
def test_train_refuses_what_it_cannot_use(options: dict, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        cs.train(**options)


def test_the_newest_run_is_the_default(short_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(short_run, tmp_path / "runs" / "only")
    monkeypatch.chdir(tmp_path)
    assert cs.load_run().folder == Path("runs/only")
    assert predict("mnist:0")[0].class_name == "7"


def test_methods_take_the_options_of_the_functions(run: cs.Run) -> None:
    from convscope.api.evaluate import evaluate
    from convscope.api.explain import explain
    from convscope.api.open import page

    for method, function in (
        (run.predict, predict),
        (run.evaluate, evaluate),
        (run.explain, explain),
        (run.page, page),
    ):
        assert set(inspect.signature(method).parameters) == set(inspect.signature(function).parameters) - {
            "run",
            "callbacks",
        }


def test_a_text_of_several_lines_is_a_network() -> None:
    spec = cs.summary('Flatten()\nDense(num_classes, activation="softmax")', num_classes=4)
    assert spec.parameters == (28 * 28 + 1) * 4


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda run: run.predict(""), "an empty text"),
        (lambda run: run.predict([]), "at least one image"),
        (lambda run: run.predict("mnist:0", top=0), "top must be a whole number"),
        (lambda run: run.activations([]), "at least one image"),
        (lambda run: run.explain("mnist:0", method=3), "method must be all, or some of"),
        (lambda run: run.explain("mnist:0", target=10), "target must be one of the classes"),
        (lambda run: run.explain("mnist:0", seed="x"), "seed must be a whole number"),
        (lambda run: cs.load_data("mnist", test_fraction=2), "Expected a test fraction"),
        (lambda run: cs.conv(input=[[1], [1, 2]]), "input must be an array"),
        (lambda run: cs.conv(input=None), "input must be an array"),
        (lambda run: cs.conv(padding="wide"), r"padding \(P\) must be"),
        (lambda run: cs.summary("quick", input_shape=(1, 2)), "rows, columns and channels"),
        (lambda run: cs.summary("quick", num_classes="x"), "num_classes must be a whole number"),
    ],
)
def test_wrong_values_end_in_an_error_of_ours(run: cs.Run, call: Callable, words: str) -> None:
    with pytest.raises(cs.errors.ConvscopeError, match=words):
        call(run)


def test_a_class_can_be_explained_by_its_index(run: cs.Run) -> None:
    assert run.explain("mnist:0", method="gradient", target=3)[0].explanation.target == 3
