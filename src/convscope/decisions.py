"""Decisions that are made for the user: each is printed in one line, recorded, and can be overridden.

Light: the standard library only. `SUBJECTS` lists everything that can be decided; docs/decisions.md follows from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Subject:
    """Something that is decided unless the user says otherwise.

    Attributes:
        rule: How it is decided, in one sentence.
        option: What overrides it: an option of a command, or a keyword of the function with the same name.
        module: The module that decides it.
    """

    rule: str
    option: str
    module: str


SUBJECTS: dict[str, Subject] = {
    "class order": Subject(
        "Natural order of the class names ('2' before '10'), ascending numbers for numeric labels; for a Keras model "
        "with data, the order that Keras gives the classes of that source.",
        "--class-names",
        "data.class_order",
    ),
    "class names": Subject(
        "Data are matched to the outputs of a network by class name; classes that only one of them has are listed. "
        "Numeric labels get names from the option.",
        "--class-names",
        "data.class_order",
    ),
    "parts": Subject(
        "Folders with the same sub-folders are parts, named as such; other folders are classes, whatever "
        "their names. An unclear structure is refused.",
        "--parts",
        "data.folder_layout",
    ),
    "orientation": Subject(
        "Digits and letters whose rows and columns are exchanged are transposed back; so is EMNIST, by its file name.",
        "--transpose",
        "data.orientation",
    ),
    "pixel values": Subject(
        "uint8 is 0..255; floats from 0 to 1 are multiplied by 255; what could mean two things is refused.",
        "convert the array",
        "data.pixel_values",
    ),
    "image size": Subject(
        "Image files get their common or median size, with the longer side reduced to at most 64 pixels. Long images "
        "keep a shorter side of 16. Arrays keep their size.",
        "--size",
        "data.image_size",
    ),
    "fit": Subject(
        "Images of other proportions than the size are padded with the color of their border; the other ways are to "
        "crop and to stretch.",
        "--fit",
        "data.image_size",
    ),
    "background": Subject(
        "Transparent images are laid on white, unless most of them would not stand out from it; then on black or gray.",
        "--background",
        "data.background",
    ),
    "decoding": Subject(
        "JPEG files are decoded in full; draft reduces them by 2, 4 or 8 while they are decoded, to at least twice the "
        "size of the network's input; fast to at least that size.",
        "--decoding",
        "data.decode_images",
    ),
    "channels": Subject("Grayscale if all images are grayscale, else RGB.", "channels", "data.image_folder"),
    "frames": Subject(
        "Of a file with several frames or pages, the first is read.", "save the others as files", "data.decode"
    ),
    "cache": Subject(
        "Images of at most 1 GB, decoded, are kept in memory; larger data are read from a memory-mapped cache of their "
        "pixels, in the run folder unless another one is named.",
        "--cache",
        "data.image_folder",
    ),
    "framing": Subject(
        "Images framed like MNIST's give a network whose inputs are framed in the same way, with light ink on a dark "
        "background; other images are padded to the size and keep their intensities.",
        "--fit, --polarity of import",
        "data.choose_preprocessing",
    ),
    "test split": Subject(
        "Data without a test part give up a fraction of each class, chosen by the seed.",
        "--test-fraction, --seed",
        "data.build_dataset",
    ),
    "recipe": Subject(
        "quick for images framed as MNIST's; compact for all others. Epochs, batch size, augmentation and class "
        "weights of compact and residual follow the number, size and color of the images and the sizes of the classes. "
        "--robust adds augmentations, and epochs to quick.",
        "--model, --robust",
        "training.recipe",
    ),
    "epochs": Subject(
        "With --time, as many as this machine trains in that time, by a short measurement.", "--epochs", "api.train"
    ),
    "precision": Subject(
        "float32. Where the processor has AMX, a training of more than some seconds measures a few steps in both, and "
        "takes bfloat16 if it is faster.",
        "--precision",
        "api.measured_precision",
    ),
    "threads": Subject(
        "As many threads for an operation as this process may use cores; one with --shards. A training that is resumed "
        "keeps its number.",
        "--threads",
        "api.threads",
    ),
    "shards": Subject(
        "1, the plain step; a training on several workers has as many shards as workers.", "--shards", "api.cluster"
    ),
    "rejection": Subject(
        "At most 1 % of images like the held-out ones are rejected as unlike anything the network was trained on; 5 % "
        "if so few held-out images cannot promise 1 %; with fewer than 59, only images of a single intensity.",
        "--reject of predict and evaluate",
        "evaluation.out_of_distribution",
    ),
    "engine": Subject(
        "LiteRT or ONNX Runtime, the first that is installed and agrees with NumPy on a few images; else NumPy. NumPy "
        "also where it takes at most about five seconds, in evaluate, data check and tables of predictions.",
        "--engine of predict, evaluate, data check and serve",
        "exporting.engines",
    ),
    "initial weights": Subject(
        "Random, by the seed; with --from, those of the earlier run for every layer of the same name and shape, and "
        "for the outputs if the classes are the same.",
        "--from, --model",
        "api.ancestor",
    ),
    "input range": Subject(
        "The values that a Keras model was trained on: 0..255 if it begins with Rescaling, or with Normalization of "
        "such values, else 0..1.",
        "--input-range",
        "api.import_model",
    ),
    "one sigmoid": Subject(
        "A Keras model that ends with one sigmoid has two classes; its value is the probability of the second, which "
        "Keras labels 1.",
        "--class-names",
        "model.keras_config",
    ),
}
"""Everything that can be decided, by name, in the order of the documentation."""


@dataclass(frozen=True)
class Decision:
    """One decision that was made.

    Attributes:
        what: A key of `SUBJECTS`.
        chosen: What was chosen, in a few words.
        because: The reason, in a few words.
        option: What overrides it; empty takes the subject's.

    Example:
        >>> print(Decision("image size", "64×64", "the median of 12 different sizes"))
        image size: 64×64 (the median of 12 different sizes; change with --size)
    """

    what: str
    chosen: str
    because: str
    option: str = ""

    def __post_init__(self) -> None:
        if not self.option:
            object.__setattr__(self, "option", SUBJECTS[self.what].option)

    def __str__(self) -> str:
        change = f"; change with {self.option}" if self.option.startswith("--") else ""
        return f"{self.what}: {self.chosen} ({self.because}{change})"


def to_json(decisions: Iterable[Decision]) -> list[dict[str, str]]:
    """Decisions as plain values, for `run.json` and ``--json``."""
    return [asdict(decision) for decision in decisions]


def from_json(value: object) -> tuple[Decision, ...]:
    """Read what `to_json` wrote; entries of a subject that this version does not know are kept out."""
    rows: list[Mapping[str, Any]] = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
    names = ("what", "chosen", "because", "option")
    return tuple(
        Decision(*(str(row[name]) for name in names))
        for row in rows
        if row.get("what") in SUBJECTS and all(name in row for name in names)
    )
