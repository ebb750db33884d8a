"""The picture of a network that is not a line."""

from __future__ import annotations

from matplotlib.patches import FancyArrowPatch

from convscope.model.spec_parser import parse
from convscope.report.pictures.network import network

BLOCK = "Conv2D(8, 3, padding='same')\nLeakyReLU()\nConv2D(8, 3, padding='same')\nAdd()({}, {})\n"


def residual(blocks: int):
    text, last = "stem = Conv2D(8, 3, padding='same')\n", "stem"
    for block in range(blocks):
        number = 2 * block + 1
        text += BLOCK.format(f"conv2d_{number}", last)
        last = "add" + (f"_{block}" if block else "")
    text += "GlobalMaxPooling2D()\nDense(num_classes, activation='softmax')"
    return parse(text, input_shape=(16, 16, 3), num_classes=4)


def arcs(picture) -> int:
    return sum(isinstance(patch, FancyArrowPatch) for patch in picture.axes[0].patches)


def words(picture) -> list[str]:
    return [text.get_text() for axes in picture.axes for text in axes.texts]


def test_a_shortcut_is_an_arc_and_a_line_has_none():
    line = parse("Conv2D(2, 3)\nFlatten()\nDense(2, 'softmax')", input_shape=(8, 8, 1), num_classes=2)
    assert arcs(network(line.table())) == 0
    assert arcs(network(residual(1).table())) == 1


def test_a_shortcut_between_two_rows_of_boxes_is_written():
    picture = network(residual(2).table())
    assert arcs(picture) == 1
    assert "takes box no. 5" in words(picture)


def test_every_layer_of_a_graph_is_in_the_picture():
    found = words(network(residual(2).table()))
    assert found.count("Add") == 2 and found.count("Conv2D") == 5 and found.count("+ LeakyReLU 0.3") == 2
    assert "GlobalMaxPool" in found


def test_a_branch_of_the_image_is_a_box_of_its_own():
    text = "a = LayerNormalization()\nAdd()(a, input)\nFlatten()\nDense(2, 'softmax')"
    spec = parse(text, input_shape=(8, 8, 1), num_classes=2)
    picture = network(spec.table())
    assert words(picture).count("Add") == 1 and "+ LayerNorm" in words(picture)
