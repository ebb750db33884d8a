"""The gradient of the logit at each pixel."""

from __future__ import annotations

from convscope.explanation.attribution import Attribution
from convscope.explanation.attribution_target import SENSITIVITY, Image, attribution_target
from convscope.explanation.backward import backpropagate
from convscope.explanation.explainer import Explainer
from convscope.model.model_file import Model


def gradient(network: Model, image: Image, *, target: int | None = None, seed: int = 0) -> Attribution:
    """The gradient of the logit with respect to each pixel.

    Args:
        network: From a model file; not changed.
        image: In [0, 1], with the network's input shape.
        target: The class; None takes the predicted one.
        seed: Not used.

    Raises:
        OptionError: There is no such class.
        DataError: The image has another shape.

    Source:
        Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks", 2014. We keep the sign and all channels;
        they show the largest magnitude over the channels.
    """
    values, target = attribution_target(network, image, target)
    slopes = backpropagate(network.spec, network.weights, image[None], target)
    return Attribution(slopes.gradient[0], "gradient", SENSITIVITY, target, float(values[target]))


EXPLAINER = Explainer(
    name="gradient",
    title="Gradient",
    description="how the score responds to a small change of each pixel",
    order=0,
    explain=gradient,
)
