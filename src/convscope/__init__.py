"""Train a convolutional network from scratch, see through it, hand it over.

Example:
    >>> import convscope as cs
    >>> run = cs.train("mnist", model="quick")  # doctest: +SKIP
    >>> run.predict("photo.jpg")  # doctest: +SKIP
    >>> run.explain("photo.jpg")  # doctest: +SKIP

Importing convscope imports neither TensorFlow nor anything else until a name is used.
"""

from typing import TYPE_CHECKING

__version__ = "0.2.0"

if TYPE_CHECKING:
    from convscope import errors as errors
    from convscope.api.check_data import check_data as check_data
    from convscope.api.conv import conv as conv
    from convscope.api.import_model import import_model as import_model
    from convscope.api.load_data import load_data as load_data
    from convscope.api.run import Run as Run
    from convscope.api.run import load_run as load_run
    from convscope.api.runs import runs as runs
    from convscope.api.summary import summary as summary
    from convscope.api.sweep import sweep as sweep
    from convscope.api.train import train as train
    from convscope.serving.serve import application as application
    from convscope.serving.serve import serve as serve

__all__ = [
    "Run",
    "application",
    "check_data",
    "conv",
    "errors",
    "import_model",
    "load_data",
    "load_run",
    "runs",
    "serve",
    "summary",
    "sweep",
    "train",
]

if not TYPE_CHECKING:  # a type checker must not believe that every name exists

    def __getattr__(name):
        from importlib import import_module

        if name not in __all__:
            raise AttributeError(f"module 'convscope' has no attribute {name!r}")
        if name == "errors":
            return import_module("convscope.errors")
        if name in ("application", "serve"):
            return getattr(import_module("convscope.serving.serve"), name)
        home = {"Run": "run", "load_run": "run"}.get(name, name)
        return getattr(import_module(f"convscope.api.{home}"), name)

    def __dir__():
        return [*__all__, "__version__"]
