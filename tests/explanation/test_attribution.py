"""A map as a value and as what a notebook shows."""

import base64
import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from convscope.explanation.attribution import MIDDLE, MINUS, PLUS, Attribution, colors, to_pixels

VALUES = np.array([[[1.0, 2.0], [0.0, 0.0]], [[-4.0, 1.0], [0.5, -0.5]]], np.float32)


def attribution(unit: str = "logits", **more: object) -> Attribution:
    return Attribution(VALUES, method="occlusion", unit=unit, target=1, logit=5.0, **more)


def test_channels_are_added_up_and_sensitivities_are_ranked_by_magnitude() -> None:
    assert attribution().flat.tolist() == [[3, 0], [-3, 0]]
    assert attribution().importance.tolist() == [[3, 0], [-3, 0]]
    assert attribution("logits per unit of intensity").importance.tolist() == [[3, 0], [5, 1]]
    assert (attribution().total, attribution().reach, attribution().difference) == (0.0, 3.0, None)
    assert attribution(baseline=0.0, baseline_logit=2.0).difference == 3.0


def test_the_json_is_plain_and_holds_everything_but_the_values() -> None:
    plain = json.loads(json.dumps(attribution(baseline=0.5, baseline_logit=2.0, facts={"patch": 4}).to_json()))
    assert plain == {
        "method": "occlusion",
        "unit": "logits",
        "target": 1,
        "logit": 5.0,
        "baseline": 0.5,
        "baseline_logit": 2.0,
        "difference": 3.0,
        "total": 0.0,
        "smallest": -3.0,
        "largest": 3.0,
        "shape": [2, 2, 2],
        "facts": {"patch": 4},
    }


def test_a_notebook_shows_a_png_with_alternative_text() -> None:
    page = attribution()._repr_html_()
    alt = re.search(r'alt="([^"]+)"', page)
    assert alt and "occlusion for class 1" in alt[1] and "from -3 to 3 logits" in alt[1]
    source = re.search(r"data:image/png;base64,([^\"]+)", page)
    with Image.open(io.BytesIO(base64.b64decode(source[1]))) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    h, w = pixels.shape[:2]
    assert tuple(pixels[h // 8, w // 8]) == PLUS and tuple(pixels[h // 8, 7 * w // 8]) == MIDDLE
    assert tuple(pixels[5 * h // 8, w // 8]) == MINUS


def test_showing_a_map_draws_without_matplotlib() -> None:
    code = (
        "import sys, numpy as np\n"
        "from convscope.explanation.attribution import Attribution\n"
        "Attribution(np.ones((2, 2, 1), np.float32), 'gradient', 'logits', 0, 0.0)._repr_html_()\n"
        "assert not {'matplotlib', 'tensorflow', 'keras'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_scale_is_about_zero_and_its_ends_are_equally_dark() -> None:
    assert colors(np.array([-9.0, -1.0, 0.0, 1.0, 9.0]), 1.0).tolist() == [
        list(c) for c in (MINUS, MINUS, MIDDLE, PLUS, PLUS)
    ]
    assert colors(np.zeros((2, 2)), 0.0).tolist() == [[list(MIDDLE)] * 2] * 2
    assert colors(np.array([np.nan]), 1.0).tolist() == [list(MIDDLE)]


@pytest.mark.parametrize("value", [-3.0, -1.0, -0.3])
def test_a_dot_marks_negative_numbers_without_color(value: float) -> None:
    grid = np.array([[3.0, value], [-value, 0.0]], np.float32)
    grey = to_pixels(grid, cell=9).astype(int).mean(axis=2)
    cells = {
        place: grey[9 * place[0] : 9 * place[0] + 9, 9 * place[1] : 9 * place[1] + 9] for place in np.ndindex(2, 2)
    }
    assert np.ptp(cells[0, 1]) > 60, "a dot that stands out"
    assert np.ptp(cells[0, 0]) == np.ptp(cells[1, 0]) == np.ptp(cells[1, 1]) == 0


def test_the_colors_are_those_of_the_page(request: pytest.FixtureRequest) -> None:
    text = (request.config.rootpath / "src/convscope/web/core/scale.js").read_text()
    colors = ", ".join(
        f"{name}: {list(color)}" for name, color in (("minus", MINUS), ("plus", PLUS), ("middle", MIDDLE))
    )
    assert f"const LIGHT = {{ {colors} }};" in text
