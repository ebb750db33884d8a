"""Draw a scene as one self-contained animated SVG."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from convscope.report.sliding.scene import Box, Scene, Shape

SECONDS_PER_STEP = 0.7
_STYLE = """
.window text{font-family:"DejaVu Sans",Verdana,"Segoe UI",Helvetica,Arial,sans-serif;dominant-baseline:central}
.window .middle{text-anchor:middle}.window .bold{font-weight:bold}.window .passes,.window .stays{visibility:hidden}
@media (prefers-reduced-motion:reduce),print{
.window .stays,.window .passes:last-child{visibility:visible!important}
.window .passes:not(:last-child){visibility:hidden!important}}
"""
"""All rules apply below one class, and there are no ids, because a notebook has several figures in one document."""


def to_svg(scene: Scene, *, seconds_per_step: float = SECONDS_PER_STEP) -> str:
    """Draw the animation. With reduced motion, and in print, only the last step is shown.

    Args:
        scene: The scene.
        seconds_per_step: Duration of a step, > 0.

    Source:
        SVG 2 and SMIL: `visibility` is animated in discrete steps, and an ``!important`` rule overrides it.
    """
    count = len(scene.frames)
    seconds = count * seconds_per_step
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {scene.width} {scene.height}" class="window" '
        f'role="img" aria-label="{escape(scene.description)}"><title>{escape(scene.title)}</title>'
        f"<desc>{escape(scene.description)}</desc><style>{_STYLE}</style>"
        f'<rect width="100%" height="100%" fill="#ffffff"/>',
        _group(scene.still),
    ]
    for index, frame in enumerate(scene.frames):
        parts.append(_group(frame.stays, "stays", _visible(index / count, 1.0, seconds)))
    for index, frame in enumerate(scene.frames):
        parts.append(_group(frame.passes, "passes", _visible(index / count, (index + 1) / count, seconds)))
    return "\n".join([*parts, "</svg>\n"])


def _visible(start: float, stop: float, seconds: float) -> str:
    """An animation that shows a group from one fraction of the duration to another."""
    times = [(0.0, "visible" if start == 0 else "hidden")]
    times += [(start, "visible")] if start > 0 else []
    times += [(stop, "hidden")] if stop < 1 else []
    values, keys = ";".join(value for _, value in times), ";".join(f"{time:.5g}" for time, _ in times)
    return (
        f'<animate attributeName="visibility" calcMode="discrete" values="{values}" keyTimes="{keys}" '
        f'dur="{seconds:g}s" repeatCount="indefinite"/>'
    )


def _group(shapes: Iterable[Shape], name: str = "", animation: str = "") -> str:
    opened = f'<g class="{name}">' if name else "<g>"
    return f"{opened}{animation}{''.join(_shape(shape) for shape in shapes)}</g>"


def _shape(shape: Shape) -> str:
    if isinstance(shape, Box):
        # shifted by half a pixel, so that a line of one pixel fills one pixel
        shift = 0.5 if shape.stroke_width % 2 and shape.stroke else 0.0
        stroke = f' stroke="{shape.stroke}" stroke-width="{shape.stroke_width}"' if shape.stroke else ""
        dashes = ' stroke-dasharray="3 3"' if shape.dashed else ""
        return (
            f'<rect x="{shape.x + shift:g}" y="{shape.y + shift:g}" width="{shape.width:g}" '
            f'height="{shape.height:g}" fill="{shape.fill or "none"}"{stroke}{dashes}/>'
        )
    names = " ".join(name for name, is_on in (("middle", shape.centered), ("bold", shape.bold)) if is_on)
    kind = f' class="{names}"' if names else ""
    return (
        f'<text x="{shape.x:g}" y="{shape.y:g}" font-size="{shape.size}" fill="{shape.color}"{kind}>'
        f"{escape(shape.text)}</text>"
    )
