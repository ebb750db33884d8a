"""Make a run of a model that Keras trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from convscope.api.environment import describe_environment
from convscope.api.prepare import describe_data
from convscope.data.dataset import LoadedData
from convscope.data.preprocess import Preprocessing
from convscope.data.readers import load
from convscope.errors import ConvscopeError, OptionError
from convscope.evaluation.metrics import Evaluation, measure
from convscope.evaluation.predict import predict
from convscope.model.keras_file import KerasFile, read_keras
from convscope.model.model_file import Model, check_size, save_model, weights_sha256
from convscope.model.rescale import parse_range, with_input_layer
from convscope.training.options import TrainOptions
from convscope.training.run import IMPORTED, MODEL_FILE, UNKNOWN_DATA, RunRecord, new_folder, save_run


@dataclass(frozen=True)
class ImportOptions:
    """What a Keras file does not say, and a person knows.

    Attributes:
        data: Labelled data of the network's classes, by name or path: class names and preprocessing are taken from it,
            and the network is measured on its test part. None where there is none.
        class_names: In the order of the network's outputs; None takes the data's, or numbers from 0.
        input_range: What black and white were in training, as ``LOW..HIGH``; None takes ``0..255`` where the model
            begins with Rescaling, else ``0..1``.
        fit: How other pictures are brought to the network's size; see `Preprocessing`. None takes the data's, or pad.
        polarity: Whether dark and light are exchanged; None takes the data's, or as_is.
    """

    data: str | None = None
    class_names: Sequence[str] | None = None
    input_range: str | None = None
    fit: str | None = None
    polarity: str | None = None


@dataclass(frozen=True)
class ImportResult:
    """What an import leaves behind.

    Attributes:
        folder: The run.
        model: As written.
        file: As read.
        input_range: What was assumed of the network's input, or given.
        contract: What was assumed of other pictures, or given.
        assumed: The names of the options that nobody gave and no data said.
        evaluation: On the test part of the data; None without data or test part.
    """

    folder: Path
    model: Model
    file: KerasFile
    input_range: str
    contract: Preprocessing
    assumed: tuple[str, ...]
    evaluation: Evaluation | None


def import_keras(
    path: str | Path, options: ImportOptions | None = None, *, out: str | Path | None = None
) -> ImportResult:
    """Read a Sequential model that Keras 3 saved, execute nothing of it, and leave a run folder.

    Args:
        path: A ``.keras`` file.
        options: What the file does not say.
        out: The run's folder; None makes one below ``runs/``.

    Returns:
        The run, and what was assumed. It can be opened, explained, evaluated and predicted with.

    Raises:
        ModelFileError: The file is damaged, hostile, or has a layer that convscope does not have.
        DataError: The data cannot be read or does not fit the network.
        OptionError: An option out of its range, or class names that do not fit.
        RunError: The folder is not empty or cannot be written.
    """
    options = options or ImportOptions()
    file = read_keras(path)
    input_range = options.input_range or ("0..1" if file.scale is None else "0..255")
    spec, weights = _in_unit_range(file, input_range)
    check_size(spec)
    h, w, c = spec.input_shape
    loaded = load(options.data, size=(h, w), channels=c) if options.data else None
    names = _class_names(options, loaded, spec.num_classes)
    base = loaded.preprocessing if loaded else Preprocessing(h, w, c)
    contract = replace(base, fit=options.fit or base.fit, polarity=options.polarity or base.polarity)
    created = datetime.now().astimezone()
    provenance = {
        "imported": Path(path).name,
        "keras": file.keras_version,
        "file_sha256": file.sha256,
        "input_range": input_range,
        "created": created.isoformat(timespec="seconds"),
    }
    model = Model(spec, weights, names, contract.to_json(), {}, provenance)
    evaluation = _measure(model, loaded)
    run = _record(model, options.data, loaded, created, evaluation)
    folder = _leave(model, run, out)
    said = {"input_range": options.input_range, "class_names": options.class_names or loaded}
    said |= {"fit": options.fit or loaded, "polarity": options.polarity or loaded}
    assumed = tuple(name for name, value in said.items() if not value)
    return ImportResult(folder, model, file, input_range, contract, assumed, evaluation)


def _in_unit_range(file: KerasFile, input_range: str) -> tuple:
    low, high = parse_range(input_range)
    scale = 1.0 if file.scale is None else file.scale
    return with_input_layer(file.spec, file.weights, slope=scale * (high - low), offset=scale * low + file.offset)


def _class_names(options: ImportOptions, loaded: LoadedData | None, count: int) -> tuple[str, ...]:
    known = loaded.train.class_names if loaded else None
    given = tuple(options.class_names) if options.class_names else None
    if known and given and known != given:
        raise OptionError(
            f"Expected the class names of the data, {', '.join(known[:12])}. Received: {', '.join(given[:12])}.",
            hint="Leave --class-names out: the data says them.",
        )
    names = given or known or tuple(str(index) for index in range(count))
    if len(names) != count or len(set(names)) != count:
        raise OptionError(
            f"Expected {count} different class names, one for each output of the network. "
            f"Received: {len(names)}: {', '.join(names[:12])}."
        )
    return names


def _measure(model: Model, loaded: LoadedData | None) -> Evaluation | None:
    if loaded is None or loaded.test is None:
        return None
    test = loaded.test
    told = predict(model, test.pixels)
    return measure(told.logits, test.labels, class_names=test.class_names, known_wrong=test.known_wrong)


def _record(
    model: Model, data: str | None, loaded: LoadedData | None, created: datetime, evaluation: Evaluation | None
) -> RunRecord:
    spec = model.spec
    return RunRecord(
        name=f"{created:%Y%m%d-%H%M%S}-{spec.name}"[:100],
        created=created.isoformat(timespec="seconds"),
        outcome=IMPORTED,
        options=TrainOptions(data=data or UNKNOWN_DATA, model=str(model.provenance["imported"])),
        data=describe_data(loaded) if loaded else {"source": UNKNOWN_DATA, "skipped": []},
        network={"name": spec.name, "parameters": spec.parameters, "multiply_adds": spec.multiply_adds},
        environment=describe_environment(),
        history=(),
        seconds={},
        weights_sha256=weights_sha256(model.weights),
        test=evaluation.to_json() if evaluation else None,
    )


def _leave(model: Model, run: RunRecord, out: str | Path | None) -> Path:
    """Write the run's folder; where that fails, none stays behind."""
    is_new = out is None or not Path(out).exists()
    folder = new_folder(out, name="".join(c if c.isalnum() or c in "-_" else "_" for c in run.name))
    try:
        save_model(model, folder / MODEL_FILE)
        save_run(replace(run, name=folder.name), folder)
    except (ConvscopeError, KeyboardInterrupt):
        (folder / MODEL_FILE).unlink(missing_ok=True)
        if is_new:
            folder.rmdir()
        raise
    return folder
