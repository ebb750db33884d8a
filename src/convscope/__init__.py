"""Train a convolutional network from scratch, see through it, hand it over.

The nouns are here; the verbs, one for each command, are in `convscope.api`. Importing convscope imports neither
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
    from convscope.api.conv import conv
    from convscope.data.dataset import Dataset, LoadedData
    from convscope.data.preprocess import Preprocessing
    from convscope.data.readers import load
    from convscope.errors import ConvscopeError
    from convscope.evaluation.metrics import Evaluation, Proportion, measure
    from convscope.evaluation.predict import Predictions
    from convscope.explanation.attribution import Attribution
    from convscope.explanation.explanation import Explanation
    from convscope.explanation.sliding_window import ConvOptions, SlidingWindow
    from convscope.model.model_file import Model, load_model, save_model
    from convscope.model.presets import load_spec
    from convscope.model.spec import Spec
    from convscope.training.options import TrainOptions
    from convscope.training.run import RunRecord

_HOMES = {
    "ConvOptions": "explanation.sliding_window",
    "ConvscopeError": "errors",
    "Dataset": "data.dataset",
    "Evaluation": "evaluation.metrics",
    "Explanation": "explanation.explanation",
    "Attribution": "explanation.attribution",
    "LoadedData": "data.dataset",
    "Model": "model.model_file",
    "Predictions": "evaluation.predict",
    "Preprocessing": "data.preprocess",
    "Proportion": "evaluation.metrics",
    "RunRecord": "training.run",
    "SlidingWindow": "explanation.sliding_window",
    "Spec": "model.spec",
    "TrainOptions": "training.options",
    "conv": "api.conv",
    "load": "data.readers",
    "load_spec": "model.presets",
    "measure": "evaluation.metrics",
    "load_model": "model.model_file",
    "save_model": "model.model_file",
}

__all__ = [
    "Attribution",
    "ConvOptions",
    "ConvscopeError",
    "Dataset",
    "Evaluation",
    "Explanation",
    "LoadedData",
    "Model",
    "Predictions",
    "Preprocessing",
    "Proportion",
    "RunRecord",
    "SlidingWindow",
    "Spec",
    "TrainOptions",
    "conv",
    "load",
    "load_model",
    "load_spec",
    "measure",
    "save_model",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'convscope' has no attribute {name!r}")
    return getattr(import_module(f"convscope.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
