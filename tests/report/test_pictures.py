"""The figures: every edge case can be drawn, fits its sheet, keeps names literal, and is readable by everyone."""

import itertools
import math
import subprocess
import sys
import warnings
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from PIL import Image

from convscope.errors import RunError
from convscope.evaluation.metrics import measure
from convscope.model.presets import PRESETS, load_spec
from convscope.model.spec_parser import parse
from convscope.report.pictures import canvas, text_layout
from convscope.report.pictures.canvas import save
from convscope.report.pictures.confusion import confusion_matrix
from convscope.report.pictures.curves import learning_curves
from convscope.report.pictures.gallery import gallery, mistakes
from convscope.report.pictures.network import network
from convscope.report.pictures.prediction_figure import prediction_figure
from convscope.report.pictures.reliability import reliability

RNG = np.random.default_rng(0)
ODD_NAMES = ("猫", "собака", "<script>alert(1)</script>", "$\\frac{1}{2$", "Straußenvögel auf der grünen Wiese")
LONG_NETWORK = "\n".join(
    ["BatchNormalization()"]
    + [
        line
        for filters in (32, 64, 128, 256)
        for line in (
            f"SeparableConv2D({filters}, 3, padding='same', dilation_rate=2)",
            "BatchNormalization()",
            "ReLU()",
            f"Conv2D({filters}, 5, strides=1, padding='same', activation='relu')",
            "BatchNormalization()",
            "MaxPooling2D(2)",
        )
    ]
    + ["Dropout(0.5)", "GlobalAveragePooling2D()", "Dense(100, activation='relu')", "Dense(num_classes)", "Softmax()"]
)


def evaluation(names, *, errors=0.1, n=400, known_wrong=()):
    """An evaluation with about the given error rate; errors go to the next class."""
    rng = np.random.default_rng(1)
    k = len(names)
    labels = rng.integers(0, k, n)
    logits = rng.normal(size=(n, k)).astype(np.float32)
    said = np.where(rng.random(n) < errors, (labels + 1) % k, labels)
    logits[np.arange(n), said] += 9
    return measure(logits, labels, class_names=names, known_wrong=known_wrong)


def pixels(n, h=28, w=28, c=1):
    return RNG.integers(0, 256, (n, h, w, c)).astype(np.uint8)


def probabilities(n, k):
    raw = np.exp(RNG.normal(size=(n, k)) * 2)
    return (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32)


def history(rows, **changes):
    return [
        {
            "epoch": (i + 1) / 4,
            "loss": 2 * math.exp(-i / 5) + 0.1,
            "validation_loss": math.exp(-i / 5) + 0.05 if i % 4 == 3 else None,
            "validation_accuracy": 1 - 0.2 * math.exp(-i / 5) if i % 4 == 3 else None,
            "learning_rate": 0.01 * (1 - i / rows),
        }
        | changes
        for i in range(rows)
    ]


def some_gallery(n, names, **options):
    k = len(names)
    options = {"labels": RNG.integers(0, k, n)} | options
    shape = options.pop("shape", (28, 28, 1))
    return gallery(pixels(n, *shape), probabilities(n, k), class_names=names, **options)


def table(text, shape=(28, 28, 1), num_classes=10):
    return parse(text, input_shape=shape, num_classes=num_classes).table()


DIGITS = tuple("0123456789")
SIXTY = tuple(f"<script>$x_{{{i}}}$ a class with a very long name {i}" for i in range(60))
CASES = {
    "confusion, 2 classes": lambda: confusion_matrix(evaluation(("cat", "dog"))),
    "confusion, 10 classes": lambda: confusion_matrix(evaluation(DIGITS)),
    "confusion, odd names": lambda: confusion_matrix(evaluation(ODD_NAMES)),
    "confusion, 60 classes": lambda: confusion_matrix(evaluation(SIXTY)),
    "confusion, nothing wrong": lambda: confusion_matrix(evaluation(DIGITS, errors=0)),
    "confusion, nothing right": lambda: confusion_matrix(evaluation(DIGITS, errors=1)),
    "confusion, 100,000 images": lambda: confusion_matrix(evaluation(DIGITS, n=100_000)),
    "curves, 40 rows": lambda: learning_curves(history(40)),
    "curves, stopped early": lambda: learning_curves(history(9), {"epoch": 3.0, "best_epoch": 2.0}),
    "curves, one row": lambda: learning_curves(history(1)),
    "curves, no row": lambda: learning_curves([]),
    "curves, all right": lambda: learning_curves(history(8, validation_accuracy=1.0)),
    "curves, diverged": lambda: learning_curves([*history(8), {"epoch": 2.5, "loss": math.nan}]),
    "curves, loss of nothing": lambda: learning_curves([{"epoch": 1.0, "loss": 0.0, "learning_rate": 0.0}]),
    "curves, nothing measured": lambda: learning_curves([{"epoch": 1.0}]),
    "reliability": lambda: reliability(evaluation(DIGITS)),
    "reliability, one image": lambda: reliability(evaluation(("a", "b"), n=1)),
    "gallery, 24 digits": lambda: some_gallery(30, DIGITS),
    "gallery, colours and odd names": lambda: some_gallery(
        6, ODD_NAMES, shape=(48, 32, 3), captions=["IMG_20240101_a_long_name_for_a_photo.jpg"] * 6
    ),
    "gallery, very confident": lambda: gallery(
        pixels(5), np.full((5, 2), [0.99999, 0.00001], np.float32), class_names=("cat", "dog")
    ),
    "gallery, unlabeled": lambda: some_gallery(1, DIGITS, labels=None),
    "gallery, nothing": lambda: some_gallery(0, DIGITS),
    "gallery, photos": lambda: some_gallery(2, ("a", "b"), shape=(300, 400, 3), about="Two photos."),
    "mistakes, many": lambda: mistakes(pixels(400), evaluation(DIGITS, known_wrong=range(400))),
    "mistakes, odd names": lambda: mistakes(pixels(400, 48, 32, 3), evaluation(ODD_NAMES)),
    "mistakes, one": lambda: mistakes(pixels(1), evaluation(ODD_NAMES, n=1, errors=1, known_wrong=[0])),
    "mistakes, none": lambda: mistakes(pixels(400), evaluation(DIGITS, errors=0)),
    "prediction": lambda: prediction_figure(
        pixels(1, 300, 420, 3)[0], pixels(1)[0], class_names=DIGITS, probabilities=probabilities(1, 10)[0], name="a.png"
    ),
    "prediction, odd names": lambda: prediction_figure(
        pixels(1, 90, 20, 1)[0],
        pixels(1, 48, 32, 3)[0],
        class_names=ODD_NAMES,
        probabilities=probabilities(1, 5)[0],
        name="a photo whose name $goes$ on and on and on and on.jpeg",
    ),
    "prediction, 60 classes": lambda: prediction_figure(
        pixels(1, 20, 200)[0], pixels(1, 96, 96)[0], class_names=SIXTY, probabilities=probabilities(1, 60)[0]
    ),
    "network, 3 layers": lambda: network(table("Flatten()\nDense(num_classes)\nSoftmax()")),
    "network, 30 layers": lambda: network(
        table(LONG_NETWORK, (96, 64, 3), 60), name="<b>a network</b> with a $long$ name, and then some more of it"
    ),
    **{
        f"network, {name}": lambda name=name: network(
            load_spec(name, input_shape=(28, 28, 1), num_classes=10).table(), name=name
        )
        for name in PRESETS
    },
}


@pytest.fixture(scope="module", params=CASES)
def drawn(request, tmp_path_factory):
    """Each figure and its file, drawn once."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = CASES[request.param]()
        return figure, save(figure, tmp_path_factory.mktemp("picture") / "picture.png")


def texts(figure):
    """All visible texts, without those of hidden ticks and axes."""
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = (*axis.get_major_ticks(), *axis.get_minor_ticks())
            gone = [tick for tick in ticks if not axes.axison or not low <= tick.get_loc() <= high]
            hidden |= {label for tick in gone for label in (tick.label1, tick.label2)}
            hidden |= set() if axes.axison else {axis.label}
    found = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [text for text in found if text not in hidden]


def words(figure):
    return [text.get_text() for text in texts(figure)]


def title(figure):
    """The bold lines above the figure."""
    return " ".join(text.get_text() for text in figure.texts if text.get_size() == canvas.TITLE_SIZE)


def boxes(figure):
    return [(text, text.get_window_extent()) for text in texts(figure)]


def test_every_text_lies_inside_its_picture(drawn):
    figure, _ = drawn
    width, height = figure.canvas.get_width_height()
    outside = [
        text.get_text()
        for text, box in boxes(figure)
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1
    ]
    assert outside == []


def test_no_text_lies_on_another(drawn):
    figure, _ = drawn
    # A pixel of two boxes may meet: they hold the font's full height, which no letter fills.
    colliding = [
        (a.get_text(), b.get_text())
        for (a, box), (b, other) in itertools.combinations(boxes(figure), 2)
        if min(box.x1, other.x1) - max(box.x0, other.x0) > 2 and min(box.y1, other.y1) - max(box.y0, other.y0) > 3
    ]
    assert colliding == []


def test_no_text_lies_on_an_image(drawn):
    figure, _ = drawn
    images = [image.get_window_extent() for axes in figure.axes if not axes.axison for image in axes.images]
    covering = [text.get_text() for text, box in boxes(figure) for image in images if box.overlaps(image)]
    assert covering == []


@pytest.mark.parametrize("names", [DIGITS, ODD_NAMES])
def test_long_names_leave_the_matrix_half_of_the_sheet(names, tmp_path):
    figure = confusion_matrix(evaluation(names))
    save(figure, tmp_path / "a.png")
    assert figure.axes[0].get_position().width >= 0.5


def test_no_text_is_read_as_a_formula(drawn):
    figure, _ = drawn
    assert not any(text.get_parse_math() or text.get_usetex() for text in texts(figure))


def test_the_file_is_a_png_of_about_1400_pixels_with_a_description(drawn):
    _, path = drawn
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        assert 1380 <= image.width <= 1700
        assert image.height <= 2200
        assert len(image.info["Description"]) > 20
        assert "Software" not in image.info


def test_a_description_of_ones_own_replaces_the_figures(tmp_path):
    path = save(learning_curves(history(4)), tmp_path / "a.png", alt="A loss that falls, 猫.")
    with Image.open(path) as image:
        image.load()
        assert image.info["Description"] == "A loss that falls, 猫."


def test_control_characters_and_halves_of_characters_do_not_break_the_file(tmp_path):
    names = ("new\nline\x00\x1b[31m", "half \udcff of one", "\u202egnol", "")
    picture = confusion_matrix(evaluation(names))
    with Image.open(save(picture, tmp_path / "a.png")) as image:
        image.load()
        assert "new line [31m as half of one" in image.info["Description"]
    assert {"new line [31m", "half of one", "gnol", "class 3"} <= set(words(picture))


def contrast(one, other):
    """WCAG's contrast ratio, implemented independently."""

    def light(colour):
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return float(np.dot(parts, (0.2126, 0.7152, 0.0722)))

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("errors", [0.02, 0.3, 0.7, 1.0])
def test_the_numbers_of_the_confusion_matrix_stand_out_from_their_cells(errors):
    picture = confusion_matrix(evaluation(DIGITS, errors=errors, n=3000))
    colours = picture.axes[0].images[0].get_array()
    cells = [text for text in texts(picture) if (text.get_gid() or "").startswith("cell")]
    assert len(cells) >= 20
    for text in cells:
        _, i, j = text.get_gid().split()
        assert contrast(text.get_color(), tuple(colours[int(i), int(j)][:3])) >= 4.5


def test_black_or_white_stands_out_from_every_colour():
    steps = np.linspace(0, 1, 12)
    for colour in itertools.product(steps, steps, steps):
        assert contrast(canvas.text_on(colour), colour) >= 4.5


@pytest.mark.parametrize("name", ["INK", "QUIET", "RIGHT", "WRONG", "NOTE"])
def test_each_colour_of_the_palette_can_be_text(name):
    assert contrast(getattr(canvas, name), canvas.PAPER) >= 4.5


def test_the_confusion_matrix_shows_each_count_in_its_cell():
    result = evaluation(DIGITS, n=3000)
    picture = confusion_matrix(result)
    counts = np.zeros((10, 10), int)
    for text in texts(picture):
        if (text.get_gid() or "").startswith("cell") and "%" not in text.get_text():
            _, i, j = text.get_gid().split()
            counts[int(i), int(j)] = int(text.get_text().replace(",", ""))
    assert np.array_equal(counts, result.confusion)


def test_errors_are_told_from_hits_by_more_than_their_place():
    """Blue on the diagonal, orange elsewhere; cells without images are white."""
    result = evaluation(DIGITS, n=3000)
    colours = confusion_matrix(result).axes[0].images[0].get_array()
    for i, j in itertools.product(range(10), range(10)):
        red, _, blue, _ = colours[i, j]
        if result.confusion[i, j] == 0:
            assert red == blue == 1
        else:
            assert (blue > red) if i == j else (red > blue)


def test_the_title_of_the_curves_says_the_last_accuracy():
    rows = [*history(8), {"epoch": 2.25, "validation_accuracy": 0.98765}]
    assert title(learning_curves(rows)) == "Validation accuracy 98.77 % after 2.25 epochs"


def test_curves_without_validation_speak_of_the_loss():
    rows = [{"epoch": 1.0, "loss": 0.5, "learning_rate": 0.1}]
    assert title(learning_curves(rows)) == "Training loss 0.5 after 1 epoch"


def test_a_loss_that_is_no_number_is_said_and_not_drawn():
    picture = learning_curves([*history(8), {"epoch": 2.5, "loss": math.inf}])
    assert title(picture) == "The loss is no longer finite after 2.5 epochs"
    drawn = [value for axes in picture.axes for line in axes.lines for value in line.get_ydata()]
    assert np.isfinite(drawn).all()


def test_the_accuracy_axis_reads_right_where_it_is_stretched():
    picture = learning_curves(history(40))
    axes = picture.axes[0]
    picture.canvas.draw()
    labels = {round(y, 6): label.get_text() for y, label in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)}
    assert labels[0.01] == "99 %"
    assert labels[0.1] == "90 %"
    bottom, top = axes.get_ylim()
    assert bottom > top  # a small error is drawn high
    assert axes.lines[0].get_ydata() == pytest.approx(
        [0.2 * math.exp(-i / 5) for i in range(40) if i % 4 == 3], rel=1e-9
    )


def test_right_and_wrong_are_marked_by_sign_and_by_colour():
    given = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]], np.float32)
    labels = np.array([0, 0, 0])
    picture = gallery(pixels(3), given, class_names=("cat", "dog"), labels=labels)
    assert title(picture) == "2 of 3 images are correct"
    headings = {text.get_text(): text.get_color() for text in texts(picture) if text.get_text()[0] in "✓✗"}
    headings.pop(next(key for key in headings if "most likely" in key))
    assert headings == {"✓ cat": canvas.RIGHT, "✗ dog, is cat": canvas.WRONG}


def test_bars_are_as_long_as_their_probabilities():
    given = np.array([[0.1, 0.6, 0.25, 0.05]], np.float32)
    picture = gallery(pixels(1), given, class_names=tuple("abcd"))
    bars = [patch.get_width() for patch in picture.axes[0].patches if patch.get_height() < 0.1]
    full, lengths = bars[0], bars[1::2]
    assert [length / full for length in lengths] == pytest.approx([0.6, 0.25, 0.1])
    assert {"60.0 %", "25.0 %", "10.0 %"} <= set(words(picture))


def test_without_labels_nothing_is_called_right_or_wrong():
    assert not any(sign in text for text in words(some_gallery(5, DIGITS, labels=None)) for sign in "✓✗")


def test_mistakes_with_a_known_wrong_label_carry_a_flag():
    logits = np.array([[3, 0], [2, 0], [0, 1]], np.float32)
    result = measure(logits, np.array([1, 1, 1]), class_names=("cat", "dog"), known_wrong=[1])
    picture = mistakes(pixels(3), result)
    assert title(picture) == "2 of 3 images are wrong: most confident first"
    assert words(picture).count("⚑ wrong label") == 1
    assert any("⚑ 1 of these labels is known to be wrong" in text for text in words(picture))
    images = [text for text in words(picture) if text.startswith("image ")]
    assert images == ["image 0", "image 1"]


def test_no_mistake_is_a_picture_that_says_so():
    picture = mistakes(pixels(400), evaluation(DIGITS, errors=0))
    assert title(picture) == "No mistakes on 400 images"


@pytest.mark.parametrize(
    ("logits", "expected"),
    [
        ([[9, 0]] * 30 + [[0, 9]] * 20, "Overconfident: mean confidence >99.9 %, accuracy 60.0 %"),
        ([[0.1, 0]] * 50, "Underconfident: mean confidence 52.5 %, accuracy 100.0 %"),
        ([[0.9, 0]] * 35 + [[0, 0.9]] * 15, "Well calibrated: mean confidence 71.1 %, accuracy 70.0 %"),
    ],
)
def test_the_reliability_title_compares_confidence_with_accuracy(logits, expected):
    result = measure(np.array(logits, np.float32), np.zeros(50, np.int64), class_names=("a", "b"))
    assert title(reliability(result)) == expected


def test_the_network_picture_names_every_layer_and_its_figures():
    spec = load_spec("classic", input_shape=(28, 28, 1), num_classes=10)
    picture = network(spec.table(), name="classic")
    found = words(picture)
    assert title(picture) == "classic: 258,826 parameters, 43 M multiply-adds an image"
    for text in (
        "640 parameters",
        "73,856 parameters",
        "184,330 parameters",
        "24×24×128",
        "sees 5×5",
        "+ Dropout 0.33",
    ):
        assert text in found


def test_a_long_network_loses_no_layer():
    rows = table(LONG_NETWORK, (96, 64, 3), 60)
    found = " ".join(words(network(rows)))
    for word, kind in (
        ("SeparableConv", "SeparableConv2D"),
        ("Conv2D", "Conv2D"),
        ("MaxPool", "MaxPooling2D"),
        ("+ BatchNorm", "BatchNormalization"),
        ("+ ReLU", "ReLU"),
        ("Dense", "Dense"),
        ("+ Softmax", "Softmax"),
    ):
        assert found.count(word) == sum(row.kind == kind for row in rows), kind


def test_what_the_network_sees_is_shown_pixel_for_pixel():
    seen = pixels(1)[0]
    picture = prediction_figure(
        pixels(1, 60, 90, 3)[0], seen, class_names=DIGITS, probabilities=probabilities(1, 10)[0]
    )
    original, shown_image = picture.axes[0].images
    assert np.array_equal(shown_image.get_array(), seen[..., 0])
    assert shown_image.get_interpolation() == original.get_interpolation() == "nearest"
    left, right, bottom, top = original.get_extent()
    assert (right - left) / (bottom - top) == pytest.approx(90 / 60)


def test_odd_names_ask_for_no_character_that_is_missing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        confusion_matrix(evaluation(ODD_NAMES)).canvas.draw()


def test_a_name_that_no_font_can_draw_becomes_its_number():
    unseen = "\U0001f9ff\U00013000"  # an amulet and a hieroglyph
    assert text_layout.drawable(unseen, index=7, width=1.0, size=10.0) == "class 7"
    assert text_layout.drawable("Ελληνικά", index=7, width=2.0, size=10.0) == "Ελληνικά"


def test_a_file_name_keeps_what_can_be_drawn_of_it():
    assert text_layout.drawable("my \U0001f9ff.png", width=2.0, size=10.0) == "my □.png"
    assert text_layout.drawable("", width=2.0, size=10.0) == ""


@pytest.mark.parametrize("width", [0.3, 0.8, 2.0])
def test_a_name_is_never_wider_than_its_place(width):
    for name in (*ODD_NAMES, "W" * 300, "i" * 300):
        short = text_layout.drawable(name, index=0, width=width, size=9.0, bold=True)
        assert text_layout.text_width(short, size=9.0, bold=True) <= width or len(short) <= 2


def test_the_same_values_give_the_same_file_whatever_the_process_has_set(tmp_path):
    files = []
    for size in (10, 40):
        with matplotlib.rc_context({"font.size": size, "axes.facecolor": "red", "text.parse_math": True}):
            before = dict(matplotlib.rcParams)
            path = save(reliability(evaluation(DIGITS)), tmp_path / f"{size}.png")
            assert dict(matplotlib.rcParams) == before
            files.append(path.read_bytes())
    assert files[0] == files[1]


def test_a_picture_that_cannot_be_written_says_where(tmp_path):
    with pytest.raises(RunError, match=r"path where a figure can be written\. Received: .*missing.a\.png \(No such"):
        save(learning_curves([]), tmp_path / "missing" / "a.png")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_device_is_not_replaced_by_a_picture():
    with pytest.raises(RunError, match=r"/dev/full \(Not an ordinary file\)"):
        save(learning_curves([]), Path("/dev/full"))
    assert Path("/dev/full").is_char_device()


def test_half_a_picture_is_not_left_behind(tmp_path, monkeypatch):
    def break_off(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", break_off)
    with pytest.raises(RunError, match="No space left"):
        save(learning_curves([]), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_drawing_needs_neither_pyplot_nor_tensorflow_and_measuring_not_even_matplotlib():
    code = (
        "import sys; import convscope.evaluation.metrics; assert 'matplotlib' not in sys.modules;"
        "from convscope.report.pictures import confusion, curves, network, reliability, prediction_figure, gallery;"
        "print(sorted({'matplotlib.pyplot', 'tensorflow', 'keras'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_thousand_classes_become_the_forty_with_the_most_errors_and_the_title_says_so():
    k = 1000
    labels = np.repeat(np.arange(k), 3)
    predicted = labels.copy()
    bad = np.arange(7, 847, 21)[:40]
    for index, one in enumerate(bad):  # each of these is taken for the next of them, twice
        predicted[3 * one : 3 * one + 2] = bad[(index + 1) % 40]
    logits = np.zeros((len(labels), k), np.float32)
    logits[np.arange(len(labels)), predicted] = 9
    picture = confusion_matrix(measure(logits, labels, class_names=tuple(f"c{i}" for i in range(k))))
    assert "the 40 of 1,000 classes with the most errors" in title(picture)
    axes = picture.axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [f"c{one}" for one in bad]
    counts = {tuple(text.get_gid().split()[1:]): int(text.get_text()) for text in texts(picture) if text.get_gid()}
    assert counts == {(str(i), str((i + 1) % 40)): 2 for i in range(40)} | {(str(i), str(i)): 1 for i in range(40)}


def test_pairs_are_ranked_only_where_there_are_others_to_compare_with():
    few = confusion_matrix(evaluation(DIGITS, errors=0.02, n=100))
    assert not any("not significant" in word for word in words(few))
