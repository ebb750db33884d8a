"""The drawing pad and picture input under real pointer, touch and key events, also on a slow processor."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import PageResult, bundle_of, make_data, make_model, write_page
from PIL import Image

from convscope.arrays import to_images
from convscope.model.forward import forward
from convscope.model.model_file import load_model
from convscope.model.presets import load_spec
from convscope.model.spec_parser import parse

Points = Sequence[tuple[float, float]]

FOUR: tuple[Points, Points] = (((0.38, 0.2), (0.28, 0.55), (0.72, 0.55)), ((0.62, 0.15), (0.62, 0.85)))
GRAY = "Conv2D(4, 3, strides=2, activation='relu')\nFlatten()\nDense(num_classes, activation='softmax')"


class Pad:
    """The pad of an open page, drawn on by mouse or fingers; places are fractions of its sides."""

    def __init__(self, page: PageResult, *, rate: float = 1) -> None:
        self.page, self.tab = page, page.tab
        self.client = page.tab.context.new_cdp_session(page.tab)
        self.tab.locator(".pad").scroll_into_view_if_needed()
        box = self.tab.locator(".pad").bounding_box()
        assert box
        self.box = box
        self.client.send("Emulation.setCPUThrottlingRate", {"rate": rate})

    def at(self, place: tuple[float, float]) -> tuple[float, float]:
        return self.box["x"] + self.box["width"] * place[0], self.box["y"] + self.box["height"] * place[1]

    def stroke(self, points: Points, *, steps: int = 4) -> None:
        self.tab.mouse.move(*self.at(points[0]))
        self.tab.mouse.down()
        for point in points[1:]:
            self.tab.mouse.move(*self.at(point), steps=steps)
        self.tab.mouse.up()

    def touch(self, kind: str, *fingers: tuple[float, float]) -> None:
        """Send a touch event, such as ``touchMove``, with the fingers that are on the pad."""
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(map(self.at, fingers))]
        self.client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def strokes(self, count: int = 1) -> list[list[tuple[float, float]]]:
        """The strokes of the address, as fractions of the pad, once there are as many and it rests."""
        read = """(async () => {
          const { decode_strokes } = load_module("#web/core/drawing_code.js");
          return decode_strokes(new URLSearchParams(location.hash.slice(1)).get("picture") ?? "") ?? []; })()"""
        self.page.wait(f"{read}.then((strokes) => strokes.length === {count})")
        self.tab.wait_for_timeout(400)
        strokes = self.tab.evaluate(read)
        return [[(x / 1024, y / 1024) for x, y in zip(stroke[::2], stroke[1::2], strict=True)] for stroke in strokes]

    def answer(self) -> str:
        self.tab.wait_for_timeout(300)
        return self.page.text(".prediction-class")


PAGES = ("mnist_page", "classic_page")


@pytest.fixture(scope="module")
def mnist_page(short_run: Path) -> Path:
    return short_run / "page.html"


@pytest.fixture(scope="module")
def classic_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of `classic`, untrained: it takes as long as a trained one."""
    model = make_model(load_spec("classic", input_shape=(28, 28, 1), num_classes=10))
    return write_page(bundle_of(model, make_data(model)), tmp_path_factory.mktemp("classic") / "page.html")


@pytest.fixture(scope="module")
def color_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = make_model(parse(GRAY, input_shape=(24, 36, 3), num_classes=3))
    return write_page(bundle_of(model, make_data(model)), tmp_path_factory.mktemp("color") / "page.html")


@pytest.fixture
def pad(show: Callable[..., PageResult], mnist_page: Path):
    """A function that opens the page of `quick` and gives its pad."""

    pads: list[Pad] = []

    def opened(fragment: str = "", *, page: Path = mnist_page, rate: float = 1, **context: Any) -> Pad:
        pads.append(Pad(show(page, fragment, **context), rate=rate))
        return pads[-1]

    yield opened
    for one in pads:  # tabs are used again, and a slow one keeps a core busy even without a page
        one.client.send("Emulation.setCPUThrottlingRate", {"rate": 1})
        one.client.detach()


LIVE = """() => {
  window.lives = 0;
  const look = () => {
    const [own, live] = [".network-maps", ".network-maps-live"].map((name) => document.querySelector(name));
    const seen = (one) => getComputedStyle(one).visibility === "visible";
    if (live && seen(live) && !seen(own)) lives++;
    requestAnimationFrame(look);
  };
  look();
}"""
PIXELS = """(name) => {
  const from = document.querySelector(name), to = document.createElement("canvas");
  [to.width, to.height] = [from.width, from.height];
  const context = to.getContext("2d");
  context.drawImage(from, 0, 0);
  return [...context.getImageData(0, 0, to.width, to.height).data].join();
}"""


SHOWN = "getComputedStyle(document.querySelector('.network-maps{}')).visibility === 'visible'"


def test_what_the_worker_draws_while_the_pen_moves_stays_and_is_what_this_thread_draws(pad):
    at = pad("#picture=p0")
    at.page.wait("document.querySelector('.network-maps-live') !== null")
    before = at.tab.evaluate(PIXELS, ".network-maps")
    at.tab.evaluate(LIVE)
    at.stroke(FOUR[0], steps=12)
    at.page.wait("lives > 0")
    at.strokes()
    at.tab.wait_for_timeout(700)
    assert at.tab.evaluate(SHOWN.format("-live")) and not at.tab.evaluate(SHOWN.format(""))
    assert at.tab.evaluate(PIXELS, ".network-maps") == before  # nothing was drawn twice
    values = np.array(at.tab.evaluate(PIXELS, ".network-edges-live").split(","), int).reshape(-1, 4)
    assert (values[:, 0] > values[:, 2] + 60).any()  # orange: edges are drawn there too

    at.tab.locator(".network-stage").hover(position={"x": 20, "y": 200})  # this thread draws the edges of a map
    at.page.wait(SHOWN.format("").replace("maps", "edges"))
    assert at.tab.evaluate(SHOWN.format("-live"))
    theirs = at.tab.evaluate(PIXELS, ".network-maps-live")
    at.tab.reload()
    at.page.self_test()
    assert at.tab.evaluate(PIXELS, ".network-maps") == theirs != before


def test_edges_lead_to_the_bars_where_these_are_when_the_pen_rests(pad):
    at = pad("#picture=p0")
    at.page.wait("document.querySelector('.network-maps-live') !== null")
    at.tab.evaluate(LIVE)
    at.stroke(FOUR[0], steps=12)
    at.page.wait("lives > 0")
    at.strokes()
    at.tab.wait_for_timeout(700)
    at.tab.evaluate("document.querySelector('.prediction-note').style.paddingTop = '60px'")
    at.tab.locator(".prediction-bars").dispatch_event("scroll")
    at.tab.wait_for_timeout(400)
    assert at.tab.evaluate(SHOWN.format("-live"))  # the maps are still those of the worker
    assert at.tab.evaluate(SHOWN.format("").replace("maps", "edges"))
    assert at.tab.evaluate(PIXELS, ".network-edges") != at.tab.evaluate(PIXELS, ".network-edges-live")


BESIDE = """() => {
  window.seen = [];
  const note = document.querySelector(".prediction-note");
  const put = CanvasRenderingContext2D.prototype.putImageData;
  let answered = false;
  CanvasRenderingContext2D.prototype.putImageData = function (...all) {
    answered ||= this.canvas.className === "network-input";
    put.apply(this, all);
  };
  const look = () => {
    const about = /image \\d/.test(note.textContent) ? "image" : "drawing";
    const hidden = getComputedStyle(note).visibility === "hidden";
    if (answered) seen.push(hidden ? "nothing" : about);
    requestAnimationFrame(look);
  };
  look();
}"""


def test_what_is_said_of_an_image_is_not_shown_beside_the_bars_of_a_drawing(pad):
    at = pad("#picture=p0", rate=6)
    assert "image" in at.page.text(".prediction-note")
    at.tab.evaluate(BESIDE)
    at.stroke(FOUR[0], steps=12)
    at.page.wait("seen.at(-1) === 'drawing'")
    assert set(at.tab.evaluate("seen")) == {"nothing", "drawing"}


def test_a_browser_that_lends_no_canvas_draws_the_network_in_this_thread(pad, mnist_page, tmp_path):
    older = "delete globalThis.HTMLCanvasElement?.prototype.transferControlToOffscreen;"
    page = tmp_path / "page.html"
    page.write_text(mnist_page.read_text().replace('"use strict";', f'"use strict"; {older}', 1))
    at = pad("#picture=p0", page=page)
    before = at.tab.evaluate(PIXELS, ".network-maps")
    at.stroke(FOUR[0])
    at.strokes()
    assert at.tab.locator(".network-maps-live").count() == 0
    assert at.tab.evaluate(PIXELS, ".network-maps") != before


@pytest.mark.parametrize(
    ("name", "pause", "rate"),
    [
        ("mnist_page", 60, 6),
        ("classic_page", 60, 1),
        *(pytest.param(name, 100, rate, marks=pytest.mark.long) for name in PAGES for rate in (1, 6)),
        *(
            pytest.param(name, 60, rate, marks=pytest.mark.long)
            for name, rate in (("mnist_page", 1), ("classic_page", 6))
        ),
    ],
)
def test_a_quick_second_stroke_keeps_the_first(pad, request, name, pause, rate):
    drawn = pad(page=request.getfixturevalue(name), rate=rate)
    for _ in range(2):
        drawn.stroke(FOUR[0])
        drawn.tab.wait_for_timeout(pause)
        drawn.stroke(FOUR[1])
        assert len(drawn.strokes(2)) == 2
        drawn.tab.keyboard.press("x")
        drawn.page.wait("!location.hash.includes('picture')")
    assert drawn.page.errors == []


def test_a_four_in_two_strokes_is_read_as_a_four(pad):
    drawn = pad()
    drawn.stroke(FOUR[0])
    drawn.stroke(FOUR[1])
    assert drawn.answer() == "4"


@pytest.mark.parametrize("name", ["mnist_page", "classic_page"])
def test_clear_right_after_a_stroke_leaves_no_answer(pad, request, name):
    drawn = pad(page=request.getfixturevalue(name))
    for moves in (1, 2, 3, 5):
        drawn.stroke(FOUR[0], steps=moves)
        drawn.tab.keyboard.press("x")
        drawn.tab.wait_for_timeout(300)
        assert drawn.page.text(".prediction-class") == "–"
        assert drawn.tab.locator(".prediction-bar:visible").count() == 0
        assert drawn.tab.locator(".pad-hint").is_visible()


def test_an_image_chosen_right_after_a_stroke_stays_chosen(pad, classic_page):
    drawn = pad(page=classic_page)
    click = "addEventListener('pointerup', () => document.querySelector('[data-picture=p3]').click(), { once: true })"
    for moves in (1, 2, 3, 5):
        drawn.tab.evaluate(click)  # in the same task: before the answer
        drawn.stroke(FOUR[0], steps=moves)
        for _ in range(60):  # a busy machine needs longer; the drawing must not come after it
            drawn.tab.wait_for_timeout(50)
            if "picture=p3" in drawn.tab.evaluate("location.hash"):
                break
        drawn.tab.wait_for_timeout(600)
        assert "picture=p3" in drawn.tab.evaluate("location.hash")
    drawn.stroke(FOUR[1])
    assert len(drawn.strokes()) == 1  # the drawing of before is not continued


def test_the_answer_is_what_numpy_computes_of_the_shown_input(pad, short_run):
    drawn = pad()
    for stroke in FOUR:
        drawn.stroke(stroke)
    drawn.strokes(2)
    model = load_model(short_run / "model.safetensors")
    expected = forward(model.spec, model.weights, to_images(network_input(drawn)[None])).logits[0]
    drawn.page.wait("Boolean(document.querySelector('.prediction-probability'))")
    powers = np.exp((expected - expected.max()) / model.calibration["temperature"])
    assert drawn.answer() == model.class_names[int(expected.argmax())]
    shown = float(drawn.page.text(".prediction-probability").strip(" %><"))
    assert shown == pytest.approx(100 * powers.max() / powers.sum(), abs=0.06)


def network_input(drawn: Pad) -> np.ndarray:
    """The pixels of the canvas that shows the network's input."""
    read = """() => { const { height, width } = document.querySelector('.network-input');
      const context = document.querySelector('.network-input').getContext('2d');
      return [height, width, [...context.getImageData(0, 0, width, height).data]]; }"""
    height, width, data = drawn.tab.evaluate(read)
    return np.array(data, np.uint8).reshape(height, width, 4)[..., :1]


def test_a_link_shows_the_ink_again_and_lets_it_continue(pad):
    drawn = pad()
    drawn.stroke(FOUR[0])
    first = drawn.strokes()
    again = pad(drawn.tab.evaluate("location.hash"))
    assert again.tab.evaluate(BRIGHT) > 1000
    again.stroke(FOUR[1])
    assert again.strokes(2)[0] == first[0]
    assert again.answer() == "4"


BRIGHT = """() => { const pad = document.querySelector('.pad');
  const data = pad.getContext('2d').getImageData(0, 0, pad.width, pad.height).data;
  let n = 0; for (let i = 0; i < data.length; i += 4) n += data[i] > 200; return n; }"""


def test_a_link_with_pixels_as_older_versions_wrote_them_opens(pad):
    pixels = np.zeros(784, np.uint8)
    pixels[[row * 28 + column for row in range(4, 24) for column in (13, 14)]] = 255
    packed = bytearray()
    for run in re.findall(rb"\x00{1,255}|[^\x00]", pixels.tobytes(), re.DOTALL):
        packed += bytes([0, len(run)]) if run[0] == 0 else run
    word = "d" + base64.urlsafe_b64encode(bytes(packed)).decode().rstrip("=")
    drawn = pad(f"#picture={word}")
    assert drawn.answer() == "1" and drawn.tab.evaluate(BRIGHT) > 1000
    assert (network_input(drawn)[..., 0] == pixels.reshape(28, 28)).all()


def test_a_second_finger_does_not_draw(pad):
    drawn = pad(has_touch=True)
    drawn.touch("touchStart", (0.3, 0.3))
    drawn.touch("touchMove", (0.3, 0.5))
    drawn.touch("touchStart", (0.3, 0.5), (0.8, 0.5))
    for step in range(6):
        drawn.touch("touchMove", (0.3, 0.5 + 0.05 * step), (0.8, 0.5 + 0.05 * step))
    drawn.touch("touchEnd")
    (stroke,) = drawn.strokes()
    assert max(x for x, _ in stroke) < 0.32 and max(y for _, y in stroke) > 0.7


def test_two_fingers_at_once_draw_one_stroke_and_no_bar_between_them(pad):
    drawn = pad(has_touch=True)
    drawn.touch("touchStart", (0.2, 0.4), (0.8, 0.4))
    for step in range(6):
        drawn.touch("touchMove", (0.2, 0.4 + 0.05 * step), (0.8, 0.4 + 0.05 * step))
    drawn.touch("touchEnd")
    (stroke,) = drawn.strokes()
    assert max(x for x, _ in stroke) - min(x for x, _ in stroke) < 0.05


def test_a_canceled_touch_ends_its_stroke(pad):
    drawn = pad(has_touch=True)
    for x in (0.3, 0.7):
        drawn.touch("touchStart", (x, 0.2))
        drawn.touch("touchMove", (x, 0.5))
        drawn.touch("touchMove", (x, 0.6))
        drawn.touch("touchCancel" if x == 0.3 else "touchEnd")
    assert [round(stroke[0][0], 1) for stroke in drawn.strokes(2)] == [0.3, 0.7]


def test_a_stroke_that_leaves_the_pad_and_comes_back_has_no_line_outside(pad):
    drawn = pad()
    drawn.stroke(((0.3, 0.5), (0.3, 1.2), (0.7, 1.2), (0.7, 0.5)))
    left, right = drawn.strokes(2)
    assert all(abs(x - 0.3) < 0.01 for x, _ in left) and all(abs(x - 0.7) < 0.01 for x, _ in right)
    assert left[-1][1] == 1 and right[0][1] == 1


def test_only_the_main_button_draws(pad):
    drawn = pad("#picture=p1")
    drawn.tab.mouse.move(*drawn.at((0.4, 0.4)))
    drawn.tab.mouse.down(button="right")
    drawn.tab.mouse.move(*drawn.at((0.7, 0.7)))
    drawn.tab.mouse.up(button="right")
    drawn.tab.wait_for_timeout(400)
    assert "picture=p1" in drawn.tab.evaluate("location.hash")


def test_a_one_is_drawn_by_keyboard(pad):
    drawn = pad()
    drawn.tab.locator(".pad").focus()
    press = drawn.tab.keyboard.press
    for key in (*["ArrowUp"] * 8, "Space", *["ArrowDown"] * 16, "Escape", *["ArrowRight"] * 4):
        press(key)
    (stroke,) = drawn.strokes()
    assert all(x == 0.5 for x, _ in stroke) and drawn.answer() == "1"
    assert drawn.tab.locator(".pad-cursor").is_visible()
    name = drawn.tab.locator(".pad").get_attribute("aria-label") or ""
    assert "arrow keys" in name and "Space" in name and "Escape" in name
    press("x")
    drawn.page.wait("document.querySelector('.prediction-class').textContent === '–'")


def test_the_keyboard_hint_is_shown_only_where_there_is_a_keyboard(pad):
    assert pad().tab.get_by_role("button", name="Clear (x)", exact=True).is_visible()
    phone = pad(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    assert phone.tab.get_by_role("button", name="Clear", exact=True).is_visible()


@pytest.mark.parametrize(
    ("color", "name"), [((255, 255, 255), "white"), ((0, 0, 0), "black"), ((0, 0, 0, 0), "transparent")]
)
@pytest.mark.parametrize("page", ["mnist_page", "color_page"])
def test_a_picture_without_anything_on_it_gets_no_answer(pad, request, tmp_path, page, color, name):
    Image.new("RGBA" if len(color) == 4 else "RGB", (90, 60), color).save(tmp_path / f"{name}.png")
    drawn = pad(page=request.getfixturevalue(page))
    drawn.tab.set_input_files("#file", tmp_path / f"{name}.png")
    drawn.page.wait("document.querySelector('.prediction-class').textContent === 'No ink found'")
    assert drawn.tab.locator(".prediction-bar:visible").count() == 0


def test_the_pad_of_a_network_with_dark_ink_on_white_is_white(pad, tmp_path):
    model = make_model(parse(GRAY, input_shape=(24, 36, 1), num_classes=2))
    pixels = np.full((40, 24, 36, 1), 255, np.uint8)
    pixels[:, 8:16, 10:12] = 0
    data = replace(make_data(model), pixels=pixels)
    drawn = pad(page=write_page(bundle_of(model, data), tmp_path / "page.html"))
    drawn.stroke(((0.2, 0.5), (0.8, 0.5)))
    drawn.strokes()
    pixels = network_input(drawn)[..., 0]
    assert pixels.shape == (24, 36) and (pixels[[0, -1]] == 255).all() and pixels[12, 18] == 0
    assert drawn.box["width"] == pytest.approx(1.5 * drawn.box["height"], rel=0.02)


DROP = """([target, name, type, base64]) => {
  const data = new DataTransfer();
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  if (name) data.items.add(new File([bytes], name, { type })); else data.setData("text/plain", "words");
  const event = (kind) => new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data });
  return ["dragover", "drop"].map((kind) => document.querySelector(target).dispatchEvent(event(kind)));
}"""
PASTE = """([name, type, base64]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type }));
  document.body.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData: data }));
}"""


@pytest.fixture
def seven(tmp_path) -> list[str]:
    """A photo of a seven, as name, type and base64."""
    field = np.zeros((120, 120), np.uint8)
    field[20:28, 30:90] = 255
    for row in range(20, 100):
        field[row, 84 - (row - 20) // 2 : 92 - (row - 20) // 2] = 255
    Image.fromarray(255 - field).save(tmp_path / "seven.png")
    return ["seven.png", "image/png", base64.b64encode((tmp_path / "seven.png").read_bytes()).decode()]


def test_a_picture_dropped_anywhere_is_read_and_the_page_stays(pad, seven):
    drawn = pad()
    assert drawn.tab.evaluate(DROP, ["h1", *seven]) == [
        False,
        False,
    ]  # the browser's own action, to open the file, is prevented
    drawn.page.wait("document.querySelector('.prediction-class').textContent === '7'")
    drawn.tab.keyboard.press("2")
    drawn.tab.keyboard.press("x")
    assert drawn.tab.evaluate(DROP, ["#panel-evaluation", *seven]) == [False, False]
    drawn.page.wait("document.querySelector('#panel-network').checkVisibility()")
    assert drawn.answer() == "7" and drawn.page.errors == []


def test_something_else_that_is_dropped_is_refused_and_the_page_stays(pad):
    drawn = pad()
    assert drawn.tab.evaluate(DROP, ["h1", "", "", ""]) == [False, False]
    drawn.page.wait(
        "document.querySelector('.network-pad [role=status]').textContent.includes('Expected an image file')"
    )
    assert drawn.tab.evaluate(DROP, ["h1", "notes.txt", "text/plain", "YWJj"]) == [False, False]
    drawn.page.wait(
        "document.querySelector('.network-pad [role=status]').textContent.includes('notes.txt cannot be read')"
    )


def test_a_picture_is_pasted_anywhere(pad, seven):
    drawn = pad()
    drawn.tab.evaluate(PASTE, seven)
    drawn.page.wait("document.querySelector('.prediction-class').textContent === '7'")


def test_a_stroke_after_a_picture_begins_a_drawing(pad, seven):
    drawn = pad()
    drawn.tab.evaluate(PASTE, seven)
    drawn.page.wait("document.querySelector('.prediction-class').textContent === '7'")
    drawn.stroke(((0.5, 0.2), (0.5, 0.8)))
    assert len(drawn.strokes()) == 1 and drawn.answer() == "1"


def test_the_pad_of_a_color_network_is_the_picture_and_asks_for_one_by_click_and_key(pad, color_page, seven):
    drawn = pad(page=color_page)
    button = drawn.tab.get_by_role("button", name=re.compile("Choose or take a picture"))
    for act in (button.click, lambda: button.press("Enter")):
        with drawn.tab.expect_file_chooser():
            act()
    drawn.tab.evaluate(PASTE, seven)
    drawn.page.wait("document.querySelector('.network-prediction').textContent.includes('Computed in your browser')")
    shape = "(() => { const pad = document.querySelector('.pad'); return [pad.width, pad.height]; })()"
    assert drawn.tab.evaluate(shape) == [120, 120] and drawn.page.errors == []


def test_the_pen_draws_while_a_slow_network_computes(pad, classic_page):
    drawn = pad(page=classic_page, rate=6)
    count = """() => { window.answers = 0;
      const seen = new MutationObserver(() => window.answers++);
      seen.observe(document.querySelector('.prediction-head'), { childList: true, subtree: true }); }"""
    drawn.tab.evaluate(count)
    drawn.stroke([(0.5 + 0.3 * np.cos(turn), 0.5 + 0.3 * np.sin(turn)) for turn in np.linspace(0, 6, 30)], steps=1)
    assert drawn.tab.evaluate("window.answers") >= 3
    assert len(drawn.strokes()[0]) > 20


def test_a_worker_computes(pad):
    drawn = pad()
    drawn.tab.wait_for_timeout(500)
    assert len(drawn.tab.workers) == 1


def test_without_workers_the_page_computes_by_itself(show, mnist_page, tmp_path):
    page = tmp_path / "page.html"
    shutil.copy(mnist_page, page)
    page.write_text(page.read_text(encoding="utf-8").replace("worker-src blob:", "worker-src 'none'"), encoding="utf-8")
    drawn = Pad(show(page))
    drawn.tab.wait_for_timeout(300)
    assert drawn.tab.workers == []
    for stroke in FOUR:
        drawn.stroke(stroke)
    assert drawn.answer() == "4"
