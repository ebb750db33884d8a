"""A model card: the README.md of a model on a model hub, with its metadata in front."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from convscope.evaluation.intervals import Proportion
from convscope.exporting.companion import ExportedRun
from convscope.exporting.contract import unknown_images
from convscope.exporting.score import OUTPUT
from convscope.model.model_file import Model
from convscope.training.run import MEASURED

CARD = "README.md"
CONFUSION = "confusion_matrix.png"
SHOWN_CLASSES = 20


def write_model_card(folder: Path, run: ExportedRun) -> Mapping[str, str]:
    """Put the card's metadata and sections before the README that the export has already.

    Source:
        Mitchell et al., "Model cards for model reporting", 2019; the metadata are those of the Hugging Face Hub.
    """
    picture = run.folder / "pictures" / CONFUSION
    has_picture = picture.is_file() and run.evaluation is not None and run.evaluation[0] == "test"
    if has_picture:
        shutil.copyfile(picture, folder / CONFUSION)
    card = folder / CARD
    usage = card.read_text(encoding="utf-8")
    card.write_text(model_card(run, usage, has_picture=has_picture), encoding="utf-8")
    return {CONFUSION: "the confusion matrix of the test split"} if has_picture else {}


def model_card(run: ExportedRun, usage: str, *, has_picture: bool) -> str:
    """The text of a card.

    Args:
        run: The run.
        usage: The README of the export: its title, its files and how to use them.
        has_picture: Whether the confusion matrix lies beside it.
    """
    title, _, rest = usage.partition("\n")
    sections = [
        ("Intended use", _use(run)),
        ("Data", _data(run)),
        ("Metrics", _metrics(run, has_picture)),
        *([("Unknown images", _unknown(run))] if OUTPUT in run.contract else []),
        ("Limits", _limits(run.model)),
    ]
    text = "\n\n".join(f"## {name}\n\n{body}" for name, body in sections)
    return f"---\n{_front_matter(run)}---\n\n{title}\n\n{text}\n\n## Files and use\n\n{_lower(rest).strip()}\n"


def _lower(text: str) -> str:
    """Headings of the README one level further down."""
    lines, in_code = [], False
    for line in text.splitlines():
        in_code ^= line.startswith("```")
        lines.append(f"#{line}" if line.startswith("##") and not in_code else line)
    return "\n".join(lines)


def _front_matter(run: ExportedRun) -> str:
    """The metadata as YAML; values are JSON, which YAML contains."""
    fields: dict[str, Any] = {
        "pipeline_tag": "image-classification",
        "library_name": "onnx",
        "tags": ["onnx", "image-classification", "convscope"],
    }
    if run.record.options.data == "mnist":
        fields |= {"datasets": ["ylecun/mnist"]}
    if run.evaluation:
        fields["model-index"] = [{"name": str(run.contract.get("run")), "results": [_result(run)]}]
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in fields.items()]
    return "".join(
        [*lines, "# license: the license of the model, which is yours to choose; that of the data is below\n"]
    )


def _result(run: ExportedRun) -> dict[str, Any]:
    assert run.evaluation is not None
    part, figures = run.evaluation
    accuracy = Proportion.from_json(figures["accuracy"])
    data = str(run.record.options.data)
    split = "train" if part == "cross_validation" else part
    return {
        "task": {"type": "image-classification"},
        "dataset": {
            "name": data,
            "type": data if data == "mnist" else "image-folder",
            "split": split,
        },
        "metrics": [
            {"type": "accuracy", "value": accuracy.rate, "name": f"Accuracy: {accuracy}"},
            {"type": "f1", "value": figures["macro_f1"], "name": "Macro F1"},
        ],
    }


def _use(run: ExportedRun) -> str:
    names = run.model.class_names
    shown = ", ".join(names[:SHOWN_CLASSES])
    more = f" and {len(names) - SHOWN_CLASSES} more" if len(names) > SHOWN_CLASSES else ""
    return (
        f"Classify an image into one of {len(names)} classes: {shown}{more}. The network was trained from scratch on "
        f"the data below, and is meant for images like them. It is not meant for decisions about people, or where a "
        f"wrong answer does harm, without an evaluation on the images of that use."
    )


def _data(run: ExportedRun) -> str:
    data = run.record.data
    parts = [f"{data[part]:,} images for {words}" for part, words in _PARTS if isinstance(data.get(part), int)]
    h, w, c = run.model.spec.input_shape
    license_line = f" License of the data: {run.contract['data_license']}." if "data_license" in run.contract else ""
    return (
        f"{run.contract.get('data')}: {', '.join(parts) or 'sizes unknown'}; {h}×{w} "
        f"{'grayscale' if c == 1 else 'RGB'}.{license_line}"
    )


_PARTS = (("train", "training"), ("validation", "validation"), ("test", "testing"))


def _metrics(run: ExportedRun, has_picture: bool) -> str:
    if run.evaluation is None:
        return "The network was not evaluated."
    part, figures = run.evaluation
    rows = [("accuracy", str(Proportion.from_json(figures["accuracy"])))]
    rows += [("macro F1", f"{figures['macro_f1']:.4f}")]
    calibration = figures.get("calibration") or {}
    if "nll" in calibration and part != "cross_validation":  # the networks of the folds are not calibrated
        rows.append(("negative log-likelihood", f"{calibration['nll']:.4f}"))
    where = f"{MEASURED[part][0].upper()}{MEASURED[part][1:]}"
    head = f"{where}, with 95 % intervals about drawing other images:\n\n| metric | value |\n|---|---|\n"
    table = head + "\n".join(f"| {name} | {value} |" for name, value in rows)
    worst = sorted(figures.get("classes", []), key=lambda one: one["f1"] if one["f1"] is not None else 0.0)[:3]
    weakest = "".join(
        f"\n| recall of {_escaped(one['name'])} | {Proportion.from_json(one['recall'])} |"
        for one in worst
        if one["recall"]
    )
    picture = f"\n\n![Confusion matrix: rows are the true classes]({CONFUSION})" if has_picture else ""
    return f"{table}{weakest}{picture}"


def _unknown(run: ExportedRun) -> str:
    measured = cast("Mapping[str, Any]", run.record.reliability or {})
    part = "test" if run.record.test else "validation"
    found = [*unknown_images(run.contract)]
    if rejection := measured.get("rejection"):
        rejected = Proportion.from_json(rejection["rejected"])
        found.append(f"Of the {part} images, {rejected} are above the threshold.")
    if excluded := measured.get("unknown_classes"):
        found.append(
            f"Measured by excluding each class from the training in turn: {excluded['mean']:.1%} of the images of a "
            f"class that the network does not know are rejected ({excluded['low']:.1%} to {excluded['high']:.1%}, "
            f"{len(excluded['classes'])} classes), and {excluded['known_rejected']:.1%} of the others."
        )
    else:
        found.append("How many images of a class that it does not know are rejected was not measured for this run.")
    return "\n\n".join(found)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _limits(model: Model) -> str:
    lines = [
        "The figures hold for images from the same source; other cameras, pens, light or framing lower them.",
        "The probabilities are calibrated on held-out images of the same source.",
        "An image of something else gets one of the classes too: the files have no class for it."
        if model.subspace is None
        else "An image of something else that resembles one of the classes is not rejected.",
    ]
    return "\n".join(f"- {line}" for line in lines)
