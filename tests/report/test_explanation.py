"""The figure of an explanation: drawn for every kind of network, with readable texts and the numbers of the maps."""

import itertools

import numpy as np
import pytest
from harness import random_weights
from matplotlib.text import Text
from PIL import Image

from convscope.explanation.explanation import Explanation, explain_picture
from convscope.explanation.saliency import EXPLAINERS
from convscope.model.model_file import Model
from convscope.model.spec_parser import parse
from convscope.report.pictures.canvas import save
from convscope.report.pictures.explanation import explanation, signed

ODD_NAMES = ("猫", "собака", "<script>alert(1)</script>", "$\\frac{1}{2$", "Straußenvögel auf der grünen Wiese")

NETWORKS = {
    "digits": (
        "Conv2D(20, 5, strides=2)\nBatchNormalization()\nReLU()\nFlatten()\nDense(num_classes)\nSoftmax()",
        28,
        28,
        1,
    ),
    "photos": (
        "SeparableConv2D(6, 3, padding='same')\nMaxPooling2D(2)\nDepthwiseConv2D(3)\nDropout(0.5)\n"
        "GlobalAveragePooling2D()\nDense(30, activation='relu')\nDense(num_classes, activation='softmax')",
        40,
        24,
        3,
    ),
    "dense only": ("Flatten()\nDense(num_classes, activation='softmax')", 9, 9, 1),
    "one row": ("Conv2D(3, (1, 3))\nFlatten()\nDense(num_classes, activation='softmax')", 1, 30, 1),
    "many layers": (
        "ReLU()\n" * 60 + "Conv2D(3, 3)\nFlatten()\nDense(num_classes, activation='softmax')",
        12,
        12,
        1,
    ),
    "large": ("Conv2D(4, 7, strides=4)\nGlobalAveragePooling2D()\nDense(num_classes, activation='softmax')", 96, 90, 3),
}


def explained(name: str, *, classes: int = 5, methods: tuple[str, ...] = tuple(EXPLAINERS)) -> Explanation:
    text, h, w, c = NETWORKS[name]
    spec = parse(text, input_shape=(h, w, c), num_classes=classes)
    names = ODD_NAMES if classes == 5 else tuple(f"class number {k}" for k in range(classes))
    network = Model(spec, random_weights(spec, seed=1), names, preprocessing={"fit": "pad"})
    seen = np.random.default_rng(2).integers(0, 256, (h, w, c)).astype(np.uint8)
    return explain_picture(network, seen, methods=methods)


def draw(one: Explanation, name: str = "a picture with a rather long name.png"):
    scores = np.exp(one.activations.logits[0])
    original = np.kron(one.pixels, np.ones((2, 3, 1), np.uint8))
    return explanation(one, original=original, probabilities=scores / scores.sum(), name=name)


def texts(figure) -> list[Text]:
    """All visible texts, without those of hidden ticks and axes."""
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            gone = [tick for tick in ticks if not axes.axison or not low <= tick.get_loc() <= high]
            hidden |= {label for tick in gone for label in (tick.label1, tick.label2)}
    found = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [text for text in found if text not in hidden]


def words(figure) -> list[str]:
    return [text.get_text() for text in texts(figure)]


@pytest.fixture(scope="module", params=NETWORKS)
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    one = explained(request.param)
    figure = draw(one)
    path = save(figure, tmp_path_factory.mktemp("sheet") / "why.png")
    return one, figure, path


def test_every_text_lies_inside_the_sheet_and_none_on_another(drawn) -> None:
    _, figure, _ = drawn
    width, height = figure.canvas.get_width_height()
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    for text, box in boxes:
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1, text
    for (a, box), (b, other) in itertools.combinations(boxes, 2):
        across = min(box.x1, other.x1) - max(box.x0, other.x0)
        down = min(box.y1, other.y1) - max(box.y0, other.y0)
        assert across <= 2 or down <= 3, f"{a!r} lies on {b!r}"


def test_no_text_lies_on_an_image(drawn) -> None:
    _, figure, _ = drawn
    images = [image.get_window_extent() for axes in figure.axes for image in axes.images]
    for text in texts(figure):
        assert not any(text.get_window_extent().overlaps(image) for image in images), text.get_text()


def test_the_file_is_about_1400_pixels_wide_and_says_in_words_what_it_shows(drawn) -> None:
    one, _, path = drawn
    with Image.open(path) as picture:
        picture.load()
        assert 1380 <= picture.width <= 1420
        for method in one.maps:
            assert EXPLAINERS[method].title in picture.info["Description"]


def test_every_method_has_its_title_and_its_verdict(drawn) -> None:
    one, figure, _ = drawn
    told = " ".join(words(figure))
    for method, found in one.maps.items():
        assert EXPLAINERS[method].title in words(figure)
        assert " ".join(found.sanity_checks.verdict.split()[:4]) in told
    for method in one.skipped:
        assert f"{EXPLAINERS[method].title} skipped." in told


def test_the_curve_that_is_drawn_is_the_deletion_curve() -> None:
    one = explained("digits", methods=("occlusion",))
    (chart,) = (axes for axes in draw(one).axes if axes.lines and axes.axison)
    fall = one.maps["occlusion"].sanity_checks.deletion
    random, own = chart.lines
    assert np.array_equal(own.get_ydata(), fall.logit)
    assert random.get_ydata() == pytest.approx(fall.random.mean(axis=0))
    assert own.get_linewidth() > random.get_linewidth() and own.get_linestyle() != random.get_linestyle()


def test_dropout_and_flatten_have_no_row_and_the_others_have() -> None:
    labels = words(draw(explained("photos", methods=("gradient",))))
    for name in ("separable_conv2d", "max_pooling2d", "depthwise_conv2d", "dense", "dense_1"):
        assert name in labels
    assert "dropout" not in labels and "flatten" not in labels


def test_many_classes_are_cut_to_the_likeliest_ten() -> None:
    told = words(draw(explained("dense only", classes=40, methods=("gradient",))))
    assert "class, probability, logit; 30 more classes" in told and "40 logits" in told


@pytest.mark.parametrize(("value", "text"), [(-0.004, "0.00"), (0.004, "0.00"), (-1.0, "−1.00"), (0.25, "+0.25")])
def test_a_number_has_its_sign_and_nothing_has_none(value: float, text: str) -> None:
    assert signed(value) == text
