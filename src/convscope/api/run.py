"""A trained network and its folder, as one object: each command that acts on a run is a method of `Run`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convscope.data.dataset import LoadedData
from convscope.data.preprocess import Preprocessing
from convscope.errors import ModelFileError, OptionError
from convscope.evaluation.evaluation import Evaluation
from convscope.model.model_file import Model, load_model
from convscope.training.run import RunRecord
from convscope.training.run_folder import MODEL_FILE, find_run, load_record

if TYPE_CHECKING:
    import keras

    from convscope.api.activations import ImageActivations
    from convscope.api.evaluate import EvaluateResult
    from convscope.api.explain import ImageExplanations
    from convscope.api.exported import Export
    from convscope.api.open import PageResult
    from convscope.api.open_pair import PairPage
    from convscope.api.predict import ImagePredictions
    from convscope.api.predict_folder import FolderPredictions
    from convscope.api.stress import StressResult
    from convscope.api.summary import NetworkSummary
    from convscope.api.unknown_classes import UnknownClasses
    from convscope.report.pictures.plot import Plot

PAGE_FILE = "page.html"
PICTURES_FOLDER = "pictures"


class Run:
    """A trained network: what it is, how good it is, and everything it can be asked.

    `convscope.train` and `convscope.load_run` return one. It shows itself in a notebook.

    Args:
        folder: The run folder; it holds at least ``model.safetensors``.
        record: What happened in the training; None reads ``run.json`` when it is needed.
        data: The dataset that it was trained on, if it is in memory; None reads it again when it is needed.

    Example:
        >>> run = Run("runs/first")  # doctest: +SKIP
        >>> run.predict("photo.jpg")[0].choices[0].name  # doctest: +SKIP
        '7'
    """

    def __init__(self, folder: str | Path, *, record: RunRecord | None = None, data: LoadedData | None = None) -> None:
        self.folder = Path(folder)
        if record is not None:
            self.record = record
        self._data = data

    @cached_property
    def record(self) -> RunRecord:
        """The record of the training, as in ``run.json``: options, data, learning curves, figures, versions."""
        return load_record(self.folder)

    @cached_property
    def model(self) -> Model:
        """The network: ``spec``, ``weights`` (float32 arrays by name), ``class_names``, ``preprocessing``."""
        return load_model(self.folder / MODEL_FILE)

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """How any image becomes this network's input.

        Raises:
            DataError: The model file holds no preprocessing, or one that is not understood.
            ModelFileError: It gives images of another shape than the network reads.
        """
        found = Preprocessing.from_json(self.model.preprocessing)
        shape = (found.height, found.width, found.channels)
        if shape != self.model.spec.input_shape:
            raise ModelFileError(
                f"Expected preprocessing that gives the network's input shape {self.model.spec.input_shape}. "
                f"Received: {shape}."
            )
        return found

    @property
    def data(self) -> LoadedData | None:
        """The dataset that it was trained on, if it is in memory."""
        return self._data

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.record.name

    @property
    def outcome(self) -> str:
        """``finished``, ``interrupted``, ``diverged`` or ``imported``."""
        return self.record.outcome

    @property
    def test(self) -> Evaluation | None:
        """The figures on the test split, measured once at the end of the training; None if there are none."""
        return Evaluation.from_json(self.record.test) if self.record.test else None

    @property
    def validation(self) -> Evaluation | None:
        """The figures on the validation split; None if the training was cut short."""
        return Evaluation.from_json(self.record.validation) if self.record.validation else None

    @property
    def cross_validation(self) -> Evaluation | None:
        """With ``folds``: the figures of all images, each by a network that was trained without it; None without."""
        found = self.record.cross_validation
        return Evaluation.from_json(found) if found else None

    @property
    def figures(self) -> tuple[Path, ...]:
        """The PNG files that the training drew."""
        return tuple(sorted((self.folder / PICTURES_FOLDER).glob("*.png")))

    @property
    def page_path(self) -> Path | None:
        """The HTML page in the run folder; None if there is none."""
        path = self.folder / PAGE_FILE
        return path if path.is_file() else None

    def predict(
        self,
        images: Any,
        *,
        top: int = 3,
        split: bool = False,
        recursive: bool = False,
        reject: str | float | None = "auto",
        coverage: str | float | None = None,
        sets: str = "lac",
        nearest: int = 0,
        by_class: bool = False,
        engine: str = "auto",
    ) -> ImagePredictions:
        """Classify images: see `api.predict.predict`."""
        from convscope.api.predict import predict

        how: dict[str, Any] = {"top": top, "split": split, "recursive": recursive, "engine": engine}
        return predict(
            images, run=self, **how, reject=reject, coverage=coverage, by_class=by_class, sets=sets, nearest=nearest
        )

    def predict_folder(
        self,
        images: Any,
        *,
        out: str | Path | None = None,
        top: int = 3,
        split: bool = False,
        recursive: bool = False,
        copy_to: str | Path | None = None,
        reject: str | float | None = "auto",
        engine: str = "auto",
        shard: str | None = None,
        processes: int | None = None,
    ) -> FolderPredictions:
        """Classify any number of image files into a table: see `api.predict_folder.predict_folder`."""
        from convscope.api.predict_folder import predict_folder

        how: dict[str, Any] = {"top": top, "split": split, "recursive": recursive, "copy_to": copy_to}
        how["engine"] = engine
        how |= {"shard": shard, "processes": processes}
        return predict_folder(images, run=self, out=out, reject=reject, **how)

    def evaluate(
        self,
        data: Any = None,
        *,
        part: str | None = None,
        reject: str | float | None = "auto",
        engine: str = "auto",
    ) -> EvaluateResult:
        """Evaluate on labeled data: see `api.evaluate.evaluate`."""
        from convscope.api.evaluate import evaluate

        return evaluate(self, data, part=part, reject=reject, engine=engine)

    def export(
        self,
        *,
        to: str | Sequence[str] = "onnx",
        out: str | Path | None = None,
        int8: bool = False,
        photo: bool = False,
        max_loss: float = 0.1,
    ) -> Export:
        """Export to files that run elsewhere: see `api.export.export`."""
        from convscope.api.export import export

        return export(self, to=to, out=out, int8=int8, photo=photo, max_loss=max_loss)

    def stress(
        self, data: Any = None, *, part: str | None = None, reject: str | float | None = "auto", seed: int = 0
    ) -> StressResult:
        """Evaluate on images with 20 corruptions at five strengths: see `api.stress.stress`."""
        from convscope.api.stress import stress

        return stress(self, data, part=part, reject=reject, seed=seed)

    def unknown_classes(self) -> UnknownClasses:
        """Train without each class in turn, and count its images that are rejected: see `api.unknown_classes`."""
        from convscope.api.unknown_classes import unknown_classes

        return unknown_classes(self)

    def explain(
        self,
        images: Any,
        *,
        method: str | Sequence[str] = "all",
        target: str | int | None = None,
        seed: int = 0,
        recursive: bool = False,
        on_step: Callable[[str, str], None] | None = None,
    ) -> ImageExplanations:
        """Explain predictions by attribution maps: see `api.explain.explain`."""
        from convscope.api.explain import ImageExplanations, explain

        how: dict[str, Any] = {"method": method, "target": target, "seed": seed, "recursive": recursive}
        found = explain(images, run=self, **how, on_step=on_step)
        return ImageExplanations(tuple(found))

    def activations(self, images: Any) -> ImageActivations:
        """The output of every layer for images: see `api.activations.activations`."""
        from convscope.api.activations import activations

        return activations(images, run=self)

    def page(self, *, out: str | Path | None = None, projection: str = "pca") -> PageResult:
        """Write the network as one HTML file that works offline: see `api.open.page`."""
        from convscope.api.open import page

        return page(self, out=out, projection=projection)

    def open(
        self,
        other: Run | str | Path | None = None,
        *,
        out: str | Path | None = None,
        browser: bool = True,
        projection: str = "pca",
    ) -> PageResult | PairPage:
        """Write the page and show it in the browser: see `api.open.open`, and `api.open_pair` for two runs."""
        from convscope.api import open as module
        from convscope.api.open_pair import open_pair

        if other is not None:
            return open_pair(self, other, out=out, browser=browser)
        return module.open(self, out=out, browser=browser, projection=projection)

    def summary(self) -> NetworkSummary:
        """Output shapes, parameters, multiply-adds and receptive field of every layer."""
        from convscope.api.summary import NetworkSummary

        return NetworkSummary(self.model.spec)

    def plot_history(self) -> Plot:
        """Draw the learning curves.

        Raises:
            RunError: The network was imported and has no history.
        """
        from convscope.api.run_display import history_plot

        return history_plot(self)

    def confusion_matrix(self) -> Plot:
        """Draw the confusion matrix of the figures that `RunRecord.measured` quotes.

        Raises:
            RunError: The run was not evaluated.
        """
        from convscope.api.run_display import confusion_plot

        return confusion_plot(self)

    def to_keras(self) -> keras.Model:
        """The network as a built Keras model for float32 images in [0, 1]; it returns uncalibrated probabilities.

        Raises:
            MissingExtraError: TensorFlow is not installed.
        """
        from convscope.model.build import build, set_weights

        model = build(self.model.spec)
        set_weights(model, self.model.weights)
        return model

    def __repr__(self) -> str:
        from convscope.api.run_display import text_of

        return text_of(self)

    def _repr_html_(self) -> str:
        from convscope.api.run_display import html_of

        return html_of(self)


def load_run(run: str | Path | Run | None = None) -> Run:
    """Open a run folder.

    Args:
        run: The folder; None takes the newest one below ``runs/``.

    Raises:
        RunError: There is no such folder, or no run in it.
    """
    if isinstance(run, Run):
        return run
    if run is not None and not isinstance(run, str | Path):
        raise OptionError(f"Expected a run or the path of its folder. Received: run={type(run).__name__}.")
    return Run(find_run(run))
