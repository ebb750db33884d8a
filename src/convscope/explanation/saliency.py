"""Five attribution methods with one signature, all on logits rather than softmax outputs. No TensorFlow.

Each docstring describes how the method differs from its paper. No map is the whole truth about a network:
`sanity_checks` tests each of them.
"""

from __future__ import annotations

from typing import Protocol

from convscope.explanation.attribution import Attribution
from convscope.explanation.attribution_target import Image
from convscope.explanation.gradients import gradient, integrated_gradients, smoothgrad
from convscope.explanation.regions import grad_cam, occlusion
from convscope.model.model_file import Model


class Explainer(Protocol):
    """The signature of every member of `EXPLAINERS`."""

    def __call__(self, network: Model, image: Image, *, target: int | None = None, seed: int = 0) -> Attribution:
        """Compute the map of one image; ``target`` None explains the predicted class."""
        ...


EXPLAINERS: dict[str, Explainer] = {
    "gradient": gradient,
    "smoothgrad": smoothgrad,
    "integrated_gradients": integrated_gradients,
    "grad_cam": grad_cam,
    "occlusion": occlusion,
}
"""Methods by name; the names are the choices of the command line."""

TITLES: dict[str, str] = {
    "gradient": "Gradient",
    "smoothgrad": "SmoothGrad",
    "integrated_gradients": "Integrated gradients",
    "grad_cam": "Grad-CAM",
    "occlusion": "Occlusion",
}
"""Display names."""

IN_WORDS: dict[str, str] = {
    "gradient": "how the score responds to a small change of each pixel",
    "smoothgrad": "the gradient, averaged over noisy copies of the image",
    "integrated_gradients": "the contribution of each pixel to the score, relative to an empty image",
    "grad_cam": "which regions of the last feature maps support the class; coarse",
    "occlusion": "how far the score falls when a patch over the pixel is covered",
}
"""Short descriptions; the score is the logit."""
