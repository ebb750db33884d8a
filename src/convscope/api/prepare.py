"""Everything that is fixed before the first training step: data, split, network."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from convscope import decisions
from convscope.api.ancestor import Ancestor
from convscope.api.environment import describe_environment
from convscope.api.load_data import load_with
from convscope.arrays import MAX_CLASSES
from convscope.data.dataset import Dataset, LoadedData
from convscope.data.grouping import split
from convscope.data.load_options import Caching
from convscope.decisions import Decision
from convscope.errors import DataError, OptionError
from convscope.model.model_file import check_size
from convscope.model.presets import load_spec
from convscope.model.spec import Spec
from convscope.training.options import TrainOptions, resolve
from convscope.training.patch_whitening import first_convolution
from convscope.training.recipe import DataFacts, choose
from convscope.training.run import PATH_FROM_RUN


@dataclass(frozen=True)
class Plan:
    """Everything that is known before the first step."""

    options: TrainOptions
    loaded: LoadedData
    training: Dataset
    validation: Dataset
    spec: Spec
    created: datetime
    data: dict[str, Any]
    seconds: dict[str, float]
    ancestor: Ancestor | None = None
    recipe: Decision | None = None

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Everything that was decided before the first step."""
        taken = (self.recipe, self.ancestor.decision if self.ancestor else None)
        return (*self.loaded.decisions, *filter(None, taken))

    @property
    def identity(self) -> dict[str, Any]:
        """What must be the same for a training to be resumed."""
        environment = describe_environment()
        return {
            "created": self.created.isoformat(),
            "options": asdict(self.options),
            "network": self.spec.to_json(),
            "data": {key: self.data[key] for key in ("class_names", "train_fingerprint", "test_fingerprint")},
            **({PATH_FROM_RUN: self.data[PATH_FROM_RUN]} if PATH_FROM_RUN in self.data else {}),
            **({"ancestor": self.ancestor.record} if self.ancestor else {}),
            "versions": {"convscope": environment["convscope"], "packages": environment["packages"]},
        }


def prepare(
    options: TrainOptions,
    begin: Callable[[str], None],
    loaded: LoadedData | None = None,
    spec: Spec | None = None,
    *,
    caching: Caching = Caching(),  # noqa: B008
) -> Plan:
    """Read the data, split it, and fit the network to it.

    Args:
        options: As given; what is None is filled in from the recipe.
        begin: Called with a few words when a phase begins.
        loaded: The data if they are in memory already.
        spec: The network if it is known already; None reads it by ``options.model``.
        caching: Where decoded images are kept.

    Raises:
        DataError: The data cannot be used.
        SpecError: The network does not fit the data.
    """
    created = datetime.now().astimezone()
    started = time.perf_counter()
    begin(f"reading {options.data}")
    if loaded is None:
        loaded = load_with(options.data, size=options.size, caching=caching, **loading_keywords(options))
    else:
        options = options_of(loaded, options)
    if options.folds == 1:
        raise OptionError("folds must be 0 or at least 2. Received: folds=1.")
    options, recipe = choose(options, facts_of(loaded))
    is_timed = options.time is not None and options.epochs is None
    options = replace(resolve(options), epochs=None) if is_timed else resolve(options)
    training, validation = _split(loaded, options)
    spec = spec or load_spec(options.model, input_shape=training.image_shape, num_classes=training.num_classes)
    check_size(spec)
    if options.whiten:
        first_convolution(spec)
    data = describe_data(loaded) | {"train": len(training), "validation": len(validation)}
    if (split_seed := loaded.options.get("seed", options.seed)) != options.seed:
        data["split_seed"] = split_seed
    seconds = {"load": time.perf_counter() - started}
    return Plan(options, loaded, training, validation, spec, created, data, seconds, recipe=recipe)


LOADED_OPTIONS = ("test_fraction", "parts", "transpose", "fit", "decoding", "background", "class_names", "group")
"""Options of a training that decide how its data are read."""


def options_of(loaded: LoadedData, options: TrainOptions) -> TrainOptions:
    """The options of a training on data that were loaded before it, with those that they were loaded with."""
    known = {name: loaded.options[name] for name in LOADED_OPTIONS if name in loaded.options}
    if names := known.get("class_names"):
        known["class_names"] = ",".join(names)
    return replace(options, **known)


def facts_of(loaded: LoadedData) -> DataFacts:
    """What a recipe depends on."""
    h, w, c = loaded.train.image_shape
    framed = loaded.preprocessing.fit == "mnist"
    counts = loaded.train.class_counts
    sizes = {"images": len(loaded.train), "largest": max(counts), "smallest": min(counts)}
    return DataFacts(h, w, c, classes=loaded.train.num_classes, is_framed=framed, **sizes)


def loading_keywords(options: TrainOptions) -> dict[str, Any]:
    """The options of a training that `load_data` takes, but for the size and the cache."""
    taken = {name: getattr(options, name) for name in (*LOADED_OPTIONS, "seed")}
    return taken | ({"test_fraction": 0} if options.folds else {})


def _split(loaded: LoadedData, options: TrainOptions) -> tuple[Dataset, Dataset]:
    if loaded.train.num_classes > MAX_CLASSES:
        raise DataError(f"At most {MAX_CLASSES} classes. Received: {loaded.train.num_classes} in {options.data}.")
    how = {"fraction": options.validation_fraction, "seed": options.seed, "group": options.group}
    return split(loaded.train, **how)


def describe_data(loaded: LoadedData) -> dict[str, Any]:
    """The data part of a run's record, before a validation split is made."""
    return {
        "source": loaded.train.source,
        "kind": loaded.kind,
        "class_names": list(loaded.train.class_names),
        "image_shape": list(loaded.train.image_shape),
        "train": len(loaded.train),
        "validation": 0,
        "test": len(loaded.test) if loaded.test else 0,
        "class_counts": loaded.class_counts,
        "train_fingerprint": loaded.train.fingerprint(),
        "test_fingerprint": loaded.test.fingerprint() if loaded.test else None,
        "preprocessing": loaded.preprocessing.to_json(),
        "decisions": decisions.to_json(loaded.decisions),
        "skipped": [
            {"file": item.file, "reason": item.reason} | ({"count": item.count} if item.count > 1 else {})
            for item in loaded.skipped
        ],
    }
