"""The choices of a training, and the recipe of each preset."""

from __future__ import annotations

from dataclasses import dataclass, replace

from convscope.arrays import is_number
from convscope.errors import OptionError

OPTIMIZERS = ("adam", "sgd", "muon")

RANGES: dict[str, tuple[float, float]] = {
    "epochs": (0.01, 10_000),
    "batch_size": (1, 65_536),
    "learning_rate": (1e-8, 1e3),
    "muon_learning_rate": (1e-8, 1e3),
    "warmup": (0, 0.95),
    "label_smoothing": (0, 0.9),
    "weight_decay": (0, 10),
    "average": (0, 0.9999),
    "shift": (0, 16),
    "rotate": (0, 180),
    "zoom": (0, 0.9),
    "shear": (0, 1),
    "validation_fraction": (0.001, 0.9),
    "test_fraction": (0, 0.9),
    "seed": (0, 2**31 - 1),
    "size": (1, 1024),
}
"""The range of each number, both ends included."""


@dataclass(frozen=True)
class TrainOptions:
    """Every choice of a training; what is None is filled by `resolve` from the network's recipe.

    Attributes:
        data: A data set by name, or a path.
        model: A preset, or the path of a spec file.
        epochs: How often each training image is seen; may be a fraction.
        batch_size: Images a step.
        optimizer: ``adam``, ``sgd`` (Nesterov momentum) or ``muon`` (orthogonalised updates of the kernels).
        learning_rate: The peak of the one-cycle schedule.
        muon_learning_rate: The same for the kernels that ``muon`` moves, relative to their length.
        warmup: The share of the steps in which the learning rate rises.
        label_smoothing: The share of each target spread over all classes.
        weight_decay: Decoupled, per unit of learning rate.
        average: The share of the last steps whose weights are averaged into the final ones; 0 takes the last.
        shift: The largest random shift, in pixels, each way.
        rotate: The largest random rotation, in degrees, each way.
        zoom: The largest random change of size, as a share, each way, rows and columns apart.
        shear: The largest random slant, in columns a row, each way.
        whiten: Start the first convolution at the whitening of the training pictures' patches, not at random.
        validation_fraction: The share of the training images kept aside to choose by.
        test_fraction: The share held out as test split where the source has none.
        size: Side to which pictures of a folder are resampled, in pixels; None keeps their own.
        seed: Decides split, initial weights, order, augmentation and dropout.

    Raises:
        OptionError: A value is outside its range.
    """

    data: str = "mnist"
    model: str = "quick"
    epochs: float | None = None
    batch_size: int | None = None
    optimizer: str | None = None
    learning_rate: float | None = None
    muon_learning_rate: float | None = None
    warmup: float | None = None
    label_smoothing: float | None = None
    weight_decay: float | None = None
    average: float | None = None
    shift: int | None = None
    rotate: float | None = None
    zoom: float | None = None
    shear: float | None = None
    whiten: bool | None = None
    validation_fraction: float = 1 / 12
    test_fraction: float = 0.15
    size: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if value is None and self.__dataclass_fields__[name].default is None:
                continue
            whole = "int" in str(self.__dataclass_fields__[name].type)
            if not is_number(value, low, high) or (whole and type(value) is not int):
                kind = "a whole number" if whole else "a number"
                raise OptionError(f"{name} must be {kind} from {low:g} to {high:g}. Received: {name}={value!r}.")
            object.__setattr__(self, name, value if whole else float(value or 0))
        if self.whiten not in (None, True, False):
            raise OptionError(f"whiten must be true or false. Received: whiten={self.whiten!r}.")
        if self.optimizer is not None and self.optimizer not in OPTIMIZERS:
            raise OptionError(
                f"optimizer must be one of {', '.join(OPTIMIZERS)}. Received: optimizer={self.optimizer!r}."
            )
        for name in ("data", "model"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name):
                raise OptionError(f"{name} must be a name or a path. Received: {name}={getattr(self, name)!r}.")

    def total_steps(self, images: int) -> int:
        """How many steps the training takes; each epoch leaves out what does not fill a batch."""
        return max(round((self.epochs or 1) * self.steps_per_epoch(images)), 1)

    def steps_per_epoch(self, images: int) -> int:
        """Whole batches in an epoch; a set smaller than a batch is one step."""
        return max(images // min(self.batch_size or 1, images), 1)


DEFAULTS: dict[str, object] = {
    "epochs": 10.0,
    "batch_size": 128,
    "optimizer": "adam",
    "learning_rate": 0.003,
    "muon_learning_rate": 0.2,
    "warmup": 0.2,
    "label_smoothing": 0.1,
    "weight_decay": 0.0,
    "average": 0.1,
    "shift": 0,
    "rotate": 0.0,
    "zoom": 0.0,
    "shear": 0.0,
    "whiten": False,
}
"""What a network of the person's own trains with."""

RECIPES: dict[str, dict[str, object]] = {
    "classic": {
        "epochs": 4.0,
        "batch_size": 32,
        "learning_rate": 0.0015,
        "label_smoothing": 0.0,
        "average": 0.0,
        "shift": 1,
    },
    "quick": {
        "epochs": 1.0,
        "batch_size": 256,
        "optimizer": "muon",
        "learning_rate": 0.02,
        "muon_learning_rate": 0.2,
        "average": 0.0,
        "whiten": True,
    },
    "accurate": {
        "epochs": 12.0,
        "batch_size": 256,
        "optimizer": "muon",
        "learning_rate": 0.01,
        "muon_learning_rate": 0.1,
        "warmup": 0.15,
        "average": 0.0,
        "shift": 2,
        "rotate": 9.0,
        "zoom": 0.12,
        "shear": 0.12,
        "whiten": True,
    },
}
"""What each preset changes of `DEFAULTS`; docs/speed.md has the ablation of `quick`."""


def resolve(options: TrainOptions) -> TrainOptions:
    """Fill what the person left open from the recipe of the network.

    Example:
        >>> resolve(TrainOptions(model="classic", epochs=5)).epochs
        5.0
        >>> resolve(TrainOptions(model="classic")).label_smoothing
        0.0
    """
    recipe = DEFAULTS | RECIPES.get(options.model, {})
    return replace(options, **{name: recipe[name] for name in recipe if getattr(options, name) is None})
