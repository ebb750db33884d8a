"""Why a network gives a class its logit: five maps, one signature, on logits and never on the softmax. No TensorFlow.

Each says what it is and how it differs from its paper. None of them is the truth about the network;
`sanity_checks` tests each map.
"""

from __future__ import annotations

from typing import Protocol

from convscope.explanation.attribution import Attribution
from convscope.explanation.attribution_target import Image
from convscope.explanation.gradients import gradient, integrated_gradients, smoothgrad
from convscope.explanation.regions import grad_cam, occlusion
from convscope.model.model_file import Model


class Explainer(Protocol):
    """What every member of `EXPLAINERS` is called like."""

    def __call__(self, network: Model, image: Image, *, target: int | None = None, seed: int = 0) -> Attribution:
        """A map for one image; ``target`` None explains the class that the network names."""
        ...


EXPLAINERS: dict[str, Explainer] = {
    "gradient": gradient,
    "smoothgrad": smoothgrad,
    "integrated_gradients": integrated_gradients,
    "grad_cam": grad_cam,
    "occlusion": occlusion,
}
"""Name to method; the keys are the command line's choices."""

TITLES: dict[str, str] = {
    "gradient": "Gradient",
    "smoothgrad": "SmoothGrad",
    "integrated_gradients": "Integrated gradients",
    "grad_cam": "Grad-CAM",
    "occlusion": "Occlusion",
}
"""Name to how people write it."""

IN_WORDS: dict[str, str] = {
    "gradient": "what a tiny change of each pixel would do to the score",
    "smoothgrad": "the gradient, averaged over the picture with noise on it",
    "integrated_gradients": "the score shared out over the pixels, from an empty picture to this one",
    "grad_cam": "which places of the last feature maps speak for the class; coarse",
    "occlusion": "how far the score falls when a patch over the pixel is covered",
}
"""Name to what a person is told; the score is the logit."""
