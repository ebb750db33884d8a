"""The options of a training. Light.

A new option is one field of `CoreOptions`: its type, help text, range and group stand there, and the command line,
``config.toml``, ``run.json``, the reference page and the errors follow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from convscope.data.class_names import parse_class_names
from convscope.data.grouping import check_group
from convscope.data.image_size import FIT_OPTIONS, parse_size, size_text
from convscope.data.load_options import BACKGROUND_OPTIONS
from convscope.data.preprocess import DECODINGS
from convscope.training.augmentations import AugmentationOptions
from convscope.training.duration import parse_time
from convscope.training.option import DATA, Option, check_fields, check_names, option_fields
from convscope.training.preset_recipes import DEFAULTS, OFF, RECIPES, robust_recipe

OPTIMIZERS = ("adam", "sgd", "muon")
AUTO = "auto"
"""The model of a training whose recipe follows from the data."""

CLASS_WEIGHTS = ("none", "balanced")
PRECISIONS = (AUTO, "float32", "bfloat16")


@dataclass(frozen=True)
class CoreOptions:
    """All options but those of the augmentations."""

    data: Annotated[str, Option("Dataset name, or a path: see convscope data.", DATA)] = "mnist"
    model: Annotated[
        str,
        Option(
            "Model preset (classic, quick, accurate, compact, residual), a text file with one Keras layer per line, or "
            "auto: "
            "chosen with its recipe to fit the data.",
            DATA,
        ),
    ] = AUTO
    epochs: Annotated[float | None, Option("Number of epochs; may be a fraction.", low=0.01, high=10_000)] = None
    time: Annotated[
        str | None,
        Option("Train in about this time in all, such as 90s, 5m or 1h; the number of epochs follows from it."),
    ] = None
    batch_size: Annotated[int | None, Option("Batch size.", low=1, high=65_536)] = None
    optimizer: Annotated[str | None, Option("Optimizer.", choices=OPTIMIZERS)] = None
    precision: Annotated[
        str,
        Option(
            "Number format of products in training; weights stay float32. auto takes bfloat16 where it is faster.",
            choices=PRECISIONS,
        ),
    ] = AUTO
    learning_rate: Annotated[
        float | None, Option("Peak learning rate of the one-cycle schedule.", low=1e-8, high=1e3)
    ] = None
    muon_learning_rate: Annotated[
        float | None, Option("Peak learning rate of the kernels that muon updates.", low=1e-8, high=1e3)
    ] = None
    warmup: Annotated[float | None, Option("Warmup fraction.", low=0, high=0.95)] = None
    label_smoothing: Annotated[float | None, Option("Label smoothing.", low=0, high=0.9)] = None
    weight_decay: Annotated[float | None, Option("Decoupled weight decay.", low=0, high=10)] = None
    average: Annotated[
        float | None, Option("Fraction of final steps to average weights over; 0 for none.", low=0, high=0.9999)
    ] = None
    whiten: Annotated[bool | None, Option("Initialize the first convolution by patch whitening.")] = None
    patience: Annotated[
        int | None,
        Option(
            "Stop after this many validations without a better one, and keep the best weights; 0 for never.",
            low=0,
            high=10_000,
        ),
    ] = None
    class_weight: Annotated[
        str | None,
        Option("Weights of the classes in the loss: balanced weights rare classes more.", choices=CLASS_WEIGHTS),
    ] = None
    folds: Annotated[
        int,
        Option(
            "Measure by cross-validation with this many folds and train the network on all images; 0 holds out a test "
            "part instead.",
            DATA,
            0,
            100,
        ),
    ] = 0
    threads: Annotated[
        int | None,
        Option(
            "Threads that compute one operation. Their number changes the last bits of the weights, so it is recorded "
            "and kept by --resume; without it, the number of cores.",
            low=1,
            high=1024,
        ),
    ] = None
    shards: Annotated[
        int,
        Option(
            "Parts of each batch that are computed apart, each on one thread with batch statistics of its own. The "
            "weights are the same on any number of workers that divides it; 1 for the plain step.",
            low=1,
            high=256,
        ),
    ] = 1
    freeze: Annotated[
        int,
        Option("Number of layers with weights, from the input on, that keep their initial weights.", low=0, high=1000),
    ] = 0
    validation_fraction: Annotated[
        float, Option("Fraction of the training images held out for validation.", DATA, 0.001, 0.9)
    ] = 1 / 12
    test_fraction: Annotated[
        float, Option("Fraction of the images held out for testing, if the dataset has no test part.", DATA, 0, 0.9)
    ] = 0.15
    group: Annotated[
        str | None,
        Option(
            "Keep groups of images, such as those of one writer or camera, in one part: a column of the table of the "
            "images, folder for the folders of the files (without the class), or a regular expression for the path, "
            "whose first parenthesis is the group.",
            DATA,
        ),
    ] = None
    size: Annotated[
        int | str | None,
        Option(
            "Resize images to this height and width, in pixels (1 to 1024): one number, or rows and columns such as "
            "32x512.",
            DATA,
        ),
    ] = None
    fit: Annotated[
        str,
        Option(
            "How images of other proportions are brought to the size: pad, crop or stretch; auto pads, or frames "
            "digits as MNIST does.",
            DATA,
            choices=FIT_OPTIONS,
        ),
    ] = "auto"
    decoding: Annotated[
        str,
        Option(
            "How JPEG files are decoded: in full, or as a draft of a half, a quarter or an eighth of their size, at "
            "least twice that of the network's input (fast: at least that), which is faster and changes pixels.",
            DATA,
            choices=DECODINGS,
        ),
    ] = "exact"
    background: Annotated[
        str,
        Option(
            "What transparent images are laid on: white unless most of them would not stand out from it (auto), or "
            "white, gray or black.",
            DATA,
            choices=BACKGROUND_OPTIONS,
        ),
    ] = "auto"
    class_names: Annotated[
        str | None, Option("A name for each numeric label, in the order of the labels, separated by commas.", DATA)
    ] = None
    parts: Annotated[
        str,
        Option(
            "Which folders are parts: by their structure and names (auto), or none: the outer folders are the classes.",
            DATA,
            choices=("auto", "none"),
        ),
    ] = "auto"
    transpose: Annotated[
        str,
        Option(
            "Exchange rows and columns of the images: if digits or letters are transposed (auto), always, or never.",
            DATA,
            choices=("auto", "yes", "no"),
        ),
    ] = "auto"
    cache: Annotated[
        str | None,
        Option(
            "Folder for a cache of the decoded images, for data larger than memory; it is kept for later trainings. "
            "Without it, images of more than 1 GB, decoded, get one in the run folder while the network trains.",
            DATA,
        ),
    ] = None
    robust: Annotated[
        bool,
        Option(
            "Train for images of other pens, scanners and cameras: random thickness, lines, blur, noise and geometry, "
            "and at least three epochs. What you set yourself stays.",
        ),
    ] = False
    seed: Annotated[
        int, Option("Random seed of split, initial weights, order, augmentation and dropout.", DATA, 0, 2**31 - 1)
    ] = 0


@dataclass(frozen=True)
class TrainOptions(AugmentationOptions, CoreOptions):
    """Every option of a training, by keyword; what is None is filled in by `resolve` from the model's recipe.

    Each field is documented where it is declared: in `CoreOptions`, and in the augmentations. `option_help` gives the
    text of one.

    Raises:
        OptionError: A value is out of its range or of another kind.

    Example:
        >>> TrainOptions(model="classic", epochs=3).epochs
        3.0
    """

    def __post_init__(self) -> None:
        if self.size is not None and (size := parse_size(self.size)):
            object.__setattr__(self, "size", size_text(size))
        check_fields(self)
        check_group(self.group)
        if self.class_names is not None:
            parse_class_names(self.class_names)
        if self.time is not None:
            parse_time(self.time)

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> "TrainOptions":
        """Options from names and values, as keywords, ``config.toml`` or ``run.json`` give them.

        Raises:
            OptionError: A name is unknown (the hint names the nearest), or a value is not allowed.
        """
        check_names(values, cls)
        return cls(**values)  # type: ignore[arg-type]

    @classmethod
    def from_record(cls, values: Mapping[str, Any]) -> "TrainOptions":
        """Options from a record; where an older version had no choice, what it did.

        Raises:
            OptionError: A value is not allowed.
            TypeError: A name is unknown.

        Example:
            >>> TrainOptions.from_record({}).background, TrainOptions().background
            ('white', 'auto')
        """
        recorded: dict[str, Any] = {**OFF, "background": "white", "precision": "float32", **values}
        return cls(**recorded)

    def total_steps(self, images: int) -> int:
        """Number of steps of the training; the last, incomplete batch of each epoch is dropped."""
        return max(round((self.epochs or 1) * self.steps_per_epoch(images)), 1)

    def steps_per_epoch(self, images: int) -> int:
        """Whole batches in an epoch; a training set smaller than a batch is one step."""
        return max(images // min(self.batch_size or 1, images), 1)


def resolve(options: TrainOptions) -> TrainOptions:
    """Fill in the options that are None from the recipe of the model.

    Example:
        >>> resolve(TrainOptions(model="classic", epochs=5)).epochs
        5.0
        >>> resolve(TrainOptions(model="classic")).label_smoothing
        0.0
    """
    recipe = DEFAULTS | RECIPES.get(options.model, {})
    if options.robust:
        recipe = robust_recipe(recipe)
    return replace(options, **{name: recipe[name] for name in recipe if getattr(options, name) is None})


def option_help(name: str) -> str:
    """The help text of an option, with its range, as the command line and the docs have it.

    Raises:
        OptionError: There is no such option.

    Example:
        >>> option_help("batch_size")
        'Batch size (1 to 65536).'
    """
    check_names([name], TrainOptions)
    (field,) = (one for one in option_fields(TrainOptions) if one.name == name)
    return field.help_text
