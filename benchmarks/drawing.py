"""Drawing on the page in headless Chromium, by pointer and touch events: digits read, strokes lost, answers a second.

    python benchmarks/drawing.py [--all | --digits]

Trains `quick` for one epoch and `classic` for a twentieth, opens their pages, and writes docs/figures/drawing.json.
Digits are drawn in a quarter of the styles; with --all, in all of them, which takes several minutes more. With --digits
they are drawn in all styles, and nothing else is measured: the other figures of the file stay. How many are read does
not depend on what else runs on the machine, because each is read when the page rests.
For the throttled figures, the browser slows the main thread of the page by a factor of 6, but not its workers. The CPU
time of the main thread for each answer does not depend on what else runs on the machine: there, each move of the pen
waits for its answer. An answer counts when the input of the network is painted, also where the prediction is the same.
"""

from __future__ import annotations

import asyncio
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from drawn_digits import SHAPES, STYLES, Strokes, digit, on_pad
from playwright.async_api import Browser, Page, async_playwright
from record import FIGURES, write

RATE = 6
PAUSES = (60, 100)
FOURS = 4
SECONDS = 3
SOME = 4  # of the styles: every fourth
ROUNDS = 3
CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
CHROMIUM += ["--disable-component-update", "--disable-sync"]

PROBE = """() => {
  window.probe = { answers: 0, frames: [] };
  const put = CanvasRenderingContext2D.prototype.putImageData;
  CanvasRenderingContext2D.prototype.putImageData = function (...all) {
    if (this.canvas.className === "network-input") probe.answers++;
    return put.apply(this, all);
  };
  let last = performance.now();
  const frame = (now) => { probe.frames.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
}"""
ANSWERED = """(before) => new Promise((resolve) => {
  const shown = () => requestAnimationFrame(() => requestAnimationFrame(resolve));
  const look = () => (probe.answers > before ? shown() : setTimeout(look, 4));
  look();
  setTimeout(resolve, 2000);
})"""
PASSED = "document.querySelector('.self-test[data-passed=true]') !== null"
BOX = "document.querySelector('.pad').getBoundingClientRect().toJSON()"
"""Asked without Playwright's locators: their listeners for pointer events would take 12 ms of the first frame."""
STROKES = """async () => {
  const { decode_strokes } = load_module("#web/core/drawing_code.js");
  const word = new URLSearchParams(location.hash.slice(1)).get("picture") ?? "";
  return word.startsWith("d") ? decode_strokes(word).length : 0;
}"""


class Pad:
    """The pad of an open page; places are fractions of its sides."""

    def __init__(self, tab: Page, box: Any, client: Any) -> None:
        self.tab, self.box, self.client = tab, box, client

    @classmethod
    async def open(cls, browser: Browser, file: Path, rate: float = 1, **context: Any) -> Pad:
        """Open a page from disk and wait until its worker is ready."""
        tab = await (await browser.new_context(**context)).new_page()
        await tab.goto(file.as_uri())
        while not await tab.evaluate(PASSED):
            await tab.wait_for_timeout(50)
        await tab.wait_for_timeout(800)
        client = await tab.context.new_cdp_session(tab)
        await client.send("Emulation.setCPUThrottlingRate", {"rate": rate})
        return cls(tab, await tab.evaluate(BOX), client)

    def at(self, place: tuple[float, float]) -> tuple[float, float]:
        """The place in pixels of the viewport."""
        return self.box["x"] + self.box["width"] * place[0], self.box["y"] + self.box["height"] * place[1]

    def mouse(self, kind: str, place: tuple[float, float]) -> Awaitable[Any]:
        """Send one mouse event."""
        x, y = self.at(place)
        event = {"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1}
        return self.client.send("Input.dispatchMouseEvent", event)

    def touch(self, kind: str, *places: tuple[float, float]) -> Awaitable[Any]:
        """Send one touch event."""
        points = [dict(zip(("x", "y"), self.at(place), strict=True)) for place in places]
        return self.client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    async def draw(self, strokes: Strokes, *, pause: float = 80, touch: bool = False) -> None:
        """Draw strokes, with the pen up for `pause` milliseconds between two of them."""
        for number, stroke in enumerate(strokes):
            if number:
                await self.tab.wait_for_timeout(pause)
            if touch:
                await self.touch("touchStart", stroke[0])
                for point in stroke[1:]:
                    await self.touch("touchMove", point)
                await self.touch("touchEnd")
            else:
                await self.mouse("mousePressed", stroke[0])
                for point in stroke[1:]:
                    await self.mouse("mouseMoved", point)
                await self.mouse("mouseReleased", stroke[-1])

    async def rests(self, count: int) -> None:
        """Wait until the drawing is read, with as many strokes as were drawn, or more where they left the pad."""
        before = -1
        for _ in range(50):
            await self.tab.wait_for_timeout(150)
            found = await self.tab.evaluate(STROKES)
            if found == before and (found >= count if count else found == 0):
                return
            before = found

    async def clear(self) -> None:
        """Clear the pad by its key."""
        await self.tab.keyboard.press("x")

    async def close(self) -> None:
        """Close the tab."""
        await self.tab.context.close()


async def digits_read(browser: Browser, file: Path, *, touch: bool, step: int) -> tuple[int, int, list[str]]:
    """How many drawn digits are read, of how many, and which are not."""
    pad = await Pad.open(browser, file, **({"has_touch": True} if touch else {}))
    drawn, missed = 0, []
    for label in range(10):
        for style in range(0, 1 if touch else STYLES, step):
            for shape in SHAPES:
                await pad.clear()
                await pad.rests(0)  # the address has no strokes of the digit before
                await pad.draw(on_pad(digit(label, style), shape), touch=touch)
                await pad.rests(len(digit(label, style)))
                answer = await pad.tab.locator(".prediction-class").inner_text()
                drawn += 1
                if answer != str(label):
                    missed.append(f"{label}, style {style}, {shape.name}: {answer}")
    await pad.close()
    return drawn - len(missed), drawn, missed


async def strokes_lost(browser: Browser, file: Path) -> int:
    """Of fours in two strokes, at both speeds and with both pauses: how many strokes are not in the drawing."""
    lost = 0
    four = on_pad(digit(4, 0), SHAPES[0])
    for rate in (1, RATE):
        pad = await Pad.open(browser, file, rate)
        for pause in PAUSES:
            for _ in range(FOURS):
                await pad.clear()
                await pad.draw(four, pause=pause)
                found, waited = 0, 0
                while found != len(four) and (waited := waited + 1) <= 25:  # the address follows when the drawing rests
                    await pad.tab.wait_for_timeout(200)
                    found = await pad.tab.evaluate(STROKES)
                lost += len(four) - found
        await pad.close()
    return lost


async def answers_while_drawing(browser: Browser, file: Path, rate: float) -> tuple[float, float]:
    """Answers a second while the pen moves at 60 events a second, and the longest frame in milliseconds."""
    pad = await Pad.open(browser, file, rate)
    await pad.tab.evaluate(PROBE)
    sent = [asyncio.ensure_future(pad.mouse("mousePressed", (0.7, 0.5)))]
    began = time.perf_counter()
    while (seconds := time.perf_counter() - began) < SECONDS:
        turn, size = 5 * seconds, 0.2 + 0.12 * math.sin(seconds)
        sent.append(
            asyncio.ensure_future(
                pad.mouse("mouseMoved", (0.5 + size * math.cos(turn), 0.5 + 1.3 * size * math.sin(turn)))
            )
        )
        await asyncio.sleep(1 / 60)
    probe = await pad.tab.evaluate("probe")
    seconds = time.perf_counter() - began
    await asyncio.gather(*sent)
    await pad.close()
    return probe["answers"] / seconds, max(probe["frames"][1:])


async def main_thread_ms(browser: Browser, file: Path) -> float:
    """CPU time of the main thread in milliseconds for each answer while the pen moves."""
    pad = await Pad.open(browser, file)
    await pad.tab.evaluate(PROBE)
    await browser.start_tracing(page=pad.tab, categories=["toplevel"])
    await pad.mouse("mousePressed", (0.7, 0.5))
    for step in range(150):
        before = await pad.tab.evaluate("probe.answers")
        await pad.mouse("mouseMoved", (0.5 + 0.2 * math.cos(step / 10), 0.5 + 0.3 * math.sin(step / 10)))
        await pad.tab.evaluate(ANSWERED, before)
    events = json.loads(await browser.stop_tracing())["traceEvents"]
    answers = await pad.tab.evaluate("probe.answers")
    await pad.close()
    main = {
        (e["pid"], e["tid"]) for e in events if e["name"] == "thread_name" and e["args"]["name"] == "CrRendererMain"
    }
    tasks = [e for e in events if e["name"] == "ThreadControllerImpl::RunTask" and (e["pid"], e["tid"]) in main]
    return sum(task.get("tdur", 0) for task in tasks) / 1000 / answers


async def measure(browser: Browser, file: Path) -> dict[str, float]:
    found = {"strokes_lost": await strokes_lost(browser, file), "main_thread_ms": await main_thread_ms(browser, file)}
    for name, rate in (("", 1), ("_throttled", RATE)):
        rounds = [await answers_while_drawing(browser, file, rate) for _ in range(ROUNDS)]
        found[f"answers_per_second{name}"] = statistics.median(answers for answers, _ in rounds)
        found[f"longest_frame_ms{name}"] = statistics.median(frame for _, frame in rounds)
    return found


async def run(folder: Path, step: int, presets: tuple[str, ...]) -> dict[str, Any]:
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        summary: dict[str, float] = {}
        quick = folder / "quick" / "page.html"
        missed = {}
        for name, touch in (("mouse", False), ("touch", True)):
            read, drawn, missed[name] = await digits_read(browser, quick, touch=touch, step=step)
            summary |= {f"digits_read_{name}": read, f"digits_drawn_{name}": drawn}
        for preset in presets:
            found = await measure(browser, folder / preset / "page.html")
            summary |= {f"{preset}_{figure}": value for figure, value in found.items()}
        version = browser.version
        await browser.close()
    setting = {"chromium": version, "rate": RATE, "pauses_ms": PAUSES, "fours": FOURS, "rounds": ROUNDS}
    return setting | {"summary": summary, "missed": missed}


def main() -> None:
    program = str(Path(sys.executable).with_name("convscope"))
    only_digits = "--digits" in sys.argv
    presets = () if only_digits else ("quick", "classic")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for preset, epochs in (("quick", "1"), ("classic", "0.05"))[: len(presets) or 1]:
            train = [program, "train", "--model", preset, "--epochs", epochs, "--out", preset]
            subprocess.run(train, cwd=folder, check=True, capture_output=True)
            subprocess.run([program, "open", preset, "--no-browser"], cwd=folder, check=True, capture_output=True)
        found = asyncio.run(run(folder, 1 if only_digits or "--all" in sys.argv else SOME, presets))
    if only_digits:
        before = json.loads((FIGURES / "drawing.json").read_text())
        found["summary"] = before["summary"] | found["summary"]
    write("drawing", found)


if __name__ == "__main__":
    main()
