"""Train a convolutional network from scratch, see through it, hand it over.

The nouns are here; the verbs, one for each command, are in `convscope.verbs`. Importing convscope imports neither
TensorFlow nor anything else until a name is asked for.

Example:
    >>> import convscope
    >>> convscope.load_spec("classic", input_shape=(28, 28, 1), num_classes=10).parameters
    258826
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from convscope.data.dataset import Dataset, LoadedData
    from convscope.data.preprocess import Preprocessing
    from convscope.data.readers import load
    from convscope.errors import ConvscopeError
    from convscope.evaluate.metrics import Evaluation, Proportion, measure
    from convscope.evaluate.predict import Predictions
    from convscope.explain.convolution import ConvOptions, Slide
    from convscope.explain.explanation import Explanation
    from convscope.explain.heatmap import Heatmap
    from convscope.model.artifact import Model, read, write
    from convscope.model.presets import load_spec
    from convscope.model.spec import Spec
    from convscope.train.options import TrainOptions
    from convscope.train.run import Run
    from convscope.verbs.conv import conv

_HOMES = {
    "ConvOptions": "explain.convolution",
    "ConvscopeError": "errors",
    "Dataset": "data.dataset",
    "Evaluation": "evaluate.metrics",
    "Explanation": "explain.explanation",
    "Heatmap": "explain.heatmap",
    "LoadedData": "data.dataset",
    "Model": "model.artifact",
    "Predictions": "evaluate.predict",
    "Preprocessing": "data.preprocess",
    "Proportion": "evaluate.metrics",
    "Run": "train.run",
    "Slide": "explain.convolution",
    "Spec": "model.spec",
    "TrainOptions": "train.options",
    "conv": "verbs.conv",
    "load": "data.readers",
    "load_spec": "model.presets",
    "measure": "evaluate.metrics",
    "read": "model.artifact",
    "write": "model.artifact",
}

__all__ = [
    "ConvOptions",
    "ConvscopeError",
    "Dataset",
    "Evaluation",
    "Explanation",
    "Heatmap",
    "LoadedData",
    "Model",
    "Predictions",
    "Preprocessing",
    "Proportion",
    "Run",
    "Slide",
    "Spec",
    "TrainOptions",
    "conv",
    "load",
    "load_spec",
    "measure",
    "read",
    "write",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'convscope' has no attribute {name!r}")
    return getattr(import_module(f"convscope.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
