"""Import a model that Keras trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from convscope import decisions
from convscope.api.environment import describe_environment
from convscope.api.evaluate import evaluate_predictions
from convscope.api.load_data import load_data
from convscope.api.prepare import describe_data
from convscope.api.run import Run
from convscope.api.run_data import path_from_run
from convscope.data.class_order import BetterOrder, better_order, keras_order, listed, match_classes
from convscope.data.dataset import LoadedData
from convscope.data.preprocess import Preprocessing
from convscope.decisions import Decision
from convscope.errors import ConvscopeError, OptionError
from convscope.evaluation.evaluation import Evaluation
from convscope.evaluation.predict import predict
from convscope.model.keras_file import KerasFile, read_keras
from convscope.model.model_file import Model, check_size, save_model, weights_sha256
from convscope.model.rescale import parse_range, with_input_layer
from convscope.training.options import TrainOptions
from convscope.training.run import IMPORTED, PATH_FROM_RUN, UNKNOWN_DATA, RunRecord
from convscope.training.run_folder import MODEL_FILE, new_folder, save_run


@dataclass(frozen=True)
class ImportResult:
    """An imported network, and what was assumed of it.

    Attributes:
        run: The run that was written.
        file: The Keras file as read.
        input_range: The range of the network's input, assumed or given.
        preprocessing: How other images are prepared, assumed or given.
        assumed: The names of the options that were neither given nor known from the data.
        evaluation: On the test part of the data; None without data or test part.
        decisions: What was decided about the network: the order of its classes, its input range.
        better_order: The name of another known order of the classes under which the accuracy would be far better, the
            classes in that order, and that accuracy; None if there is none.
    """

    run: Run
    file: KerasFile
    input_range: str
    preprocessing: Preprocessing
    assumed: tuple[str, ...]
    evaluation: Evaluation | None
    decisions: tuple[Decision, ...] = ()
    better_order: BetterOrder | None = None

    def _repr_html_(self) -> str:
        options = ", ".join(self.assumed)
        words = f"<p>Assumed, because the file does not say: {options}. Set what you know.</p>" if options else ""
        return self.run._repr_html_() + words


def import_model(
    file: str | Path,
    *,
    data: Any = None,
    class_names: Sequence[str] | None = None,
    input_range: str | None = None,
    fit: str | None = None,
    polarity: str | None = None,
    transpose: str = "auto",
    out: str | Path | None = None,
) -> ImportResult:
    """Import a Keras model into a run folder. Nothing in the file is executed.

    Args:
        file: A ``.keras`` or ``.h5`` file that Keras 2 or 3 saved.
        data: Labeled data with the network's classes, as in `load_data`: class names and preprocessing are taken from
            it, and the network is evaluated on its test part. None if there is none.
        class_names: In the order of the network's outputs; None takes the order in which Keras numbers the classes of
            such data (`data.class_order.keras_order`), or numbers from 0. One sigmoid has
            two classes, of which the second is the one whose probability it is.
        input_range: Input value range the model was trained on, as ``LOW..HIGH``; None takes ``0..255`` if the model
            begins with Rescaling, or with Normalization of such values, else ``0..1``.
        fit: How other images are brought to the network's size; see `Preprocessing`. None takes the data's, or pad.
        polarity: Whether intensities are inverted; None takes the data's, or as_is.
        transpose: How the data are read, as in `load_data`: ``no`` for a network that was trained on transposed images.
        out: The run folder; None makes one below ``runs/``.

    Raises:
        ModelFileError: The file is damaged, hostile, or has a layer that convscope does not have.
        DataError: The data cannot be read or do not fit the network.
        OptionError: An option is out of range, or the class names do not fit.
        RunError: The folder is not empty or cannot be written.
    """
    read = read_keras(file)
    used_range = input_range or read.input_range
    spec, weights = _in_unit_range(read, used_range)
    check_size(spec)
    h, w, c = spec.input_shape
    loaded = load_data(data, size=(h, w), channels=c, transpose=transpose) if data is not None else None
    names, order = _class_names(class_names, loaded, spec.num_classes)
    base = loaded.preprocessing if loaded else Preprocessing(h, w, c)
    preprocessing = replace(base, fit=fit or base.fit, polarity=polarity or base.polarity)
    created = datetime.now().astimezone()
    provenance = {
        "imported": Path(file).name,
        "keras": read.keras_version,
        "file_sha256": read.sha256,
        "input_range": used_range,
        "created": created.isoformat(timespec="seconds"),
    }
    model = Model(spec, weights, names, preprocessing.to_json(), {}, provenance)
    evaluation, better = _evaluated(model, loaded)
    taken = tuple(filter(None, [order, Decision("input range", used_range, _why_range(read, input_range))]))
    if read.is_sigmoid:
        taken = (*taken, Decision("one sigmoid", "two classes", f"its value is the probability of {names[1]}"))
    record = _record(model, loaded, created, evaluation)
    record.data["decisions"] = decisions.to_json((*(loaded.decisions if loaded else ()), *taken))
    run = Run(_write(model, record, out), data=loaded)
    known = {"input_range": input_range, "class_names": class_names or loaded}
    known |= {"fit": fit or loaded, "polarity": polarity or loaded}
    assumed = tuple(name for name, value in known.items() if not value)
    return ImportResult(run, read, used_range, preprocessing, assumed, evaluation, taken, better)


def _in_unit_range(file: KerasFile, input_range: str) -> tuple:
    low, high = parse_range(input_range)
    scale = 1.0 if file.scale is None else file.scale
    return with_input_layer(file.spec, file.weights, slope=scale * (high - low), offset=scale * low + file.offset)


def _class_names(
    class_names: Sequence[str] | None, loaded: LoadedData | None, count: int
) -> tuple[tuple[str, ...], Decision | None]:
    """The classes in the order of the outputs, and how that order was decided."""
    known = loaded.train.class_names if loaded else None
    given = tuple(class_names) if class_names else None
    if known and given and set(known) != set(given):
        raise OptionError(
            f"Expected the class names of the data, {listed(known)}, in the order of the outputs. "
            f"Received: {listed(given)}.",
            hint="Leave --class-names out to take them from the data.",
        )
    usual = keras_order(loaded) if loaded else None
    names = given or (usual.class_names if usual else tuple(str(index) for index in range(count)))
    if len(names) != count or len(set(names)) != count:
        raise OptionError(
            f"Expected {count} different class names, one for each output of the network. "
            f"Received: {len(names)}: {listed(names)}."
        )
    if given or not usual:
        because = "as given" if given else "no data and no names were given"
        return names, Decision("class order", listed(names), because)
    return names, Decision("class order", listed(names), usual.because)


def _evaluated(model: Model, loaded: LoadedData | None) -> tuple[Evaluation | None, BetterOrder | None]:
    """Measure the test part; look for a known class order under which the network would be far better."""
    if loaded is None or loaded.test is None:
        return None, None
    test = match_classes(model.class_names, loaded.test).dataset
    predictions = predict(model, test.pixels)
    better = better_order(predictions.logits.argmax(axis=1), test)
    return evaluate_predictions(predictions, test), better


def _why_range(file: KerasFile, input_range: str | None) -> str:
    if input_range:
        return "as given"
    if file.scale is not None:
        return "the model begins with Rescaling"
    if file.input_range == "0..255":
        return "the model begins with Normalization of such values"
    return "the model begins without Rescaling"


def _record(model: Model, loaded: LoadedData | None, created: datetime, evaluation: Evaluation | None) -> RunRecord:
    spec = model.spec
    return RunRecord(
        name=f"{created:%Y%m%d-%H%M%S}-{spec.name}"[:100],
        created=created.isoformat(timespec="seconds"),
        outcome=IMPORTED,
        options=TrainOptions(
            data=loaded.origin if loaded else UNKNOWN_DATA,
            model=str(model.provenance["imported"]),
            transpose=str(loaded.options["transpose"]) if loaded else "auto",
        ),
        data=describe_data(loaded) if loaded else {"source": UNKNOWN_DATA, "skipped": []},
        network={"name": spec.name, "parameters": spec.parameters, "multiply_adds": spec.multiply_adds},
        environment=describe_environment(),
        history=(),
        seconds={},
        weights_sha256=weights_sha256(model.weights),
        test=evaluation.to_json() if evaluation else None,
    )


def _write(model: Model, record: RunRecord, out: str | Path | None) -> Path:
    """Write the run folder; if that fails, none stays behind."""
    is_new = out is None or not Path(out).exists()
    folder = new_folder(out, name="".join(c if c.isalnum() or c in "-_" else "_" for c in record.name))
    if relative := path_from_run(record.options.data, folder):
        record.data[PATH_FROM_RUN] = relative
    try:
        save_model(model, folder / MODEL_FILE)
        save_run(replace(record, name=folder.name), folder)
    except (ConvscopeError, KeyboardInterrupt):
        (folder / MODEL_FILE).unlink(missing_ok=True)
        if is_new:
            folder.rmdir()
        raise
    return folder
