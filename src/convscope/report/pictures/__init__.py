"""Pictures a person wants to see: each function takes values and returns a matplotlib Figure, `save` writes it.

All look the same because all draw on ``canvas``: one set of colours and fonts, a title that says the finding,
units on the axes, never a colour as the only sign. Each figure carries its own description for people who
cannot see it, which `save` puts into the file.
"""

from convscope.report.pictures.canvas import save
from convscope.report.pictures.confusion import confusion_matrix
from convscope.report.pictures.curves import learning_curves
from convscope.report.pictures.network import network
from convscope.report.pictures.reliability import reliability
from convscope.report.pictures.sees import what_it_sees
from convscope.report.pictures.tiles import gallery, mistakes

__all__ = [
    "confusion_matrix",
    "gallery",
    "learning_curves",
    "mistakes",
    "network",
    "reliability",
    "save",
    "what_it_sees",
]
