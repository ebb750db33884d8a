"""``convscope explain``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Annotated

from cyclopts import Parameter

from convscope.cli.drawing import start_drawing
from convscope.cli.output import say, say_json, tell
from convscope.errors import DataError, RunError, printable

SECONDS_BETWEEN_LINES = 5.0


def explain(
    run: Path,
    *pictures: Annotated[str, Parameter(required=True)],
    method: str = "all",
    target: str | None = None,
    out: Path | None = None,
    npz: Path | None = None,
    seed: int = 0,
    json: bool = False,
) -> int:
    """Show what a network does with a picture, and why, and how far to trust each answer.

    Example: convscope explain runs/20260101-120000-quick photo.jpg --out why.png

    Parameters
    ----------
    run
        The run folder.
    pictures
        Picture files, or folders of them; mnist:7 is digit 7 (from 0) of MNIST's test split.
    method
        all, or some of gradient, smoothgrad, integrated_gradients, grad_cam, occlusion, with commas between them.
    target
        The class to explain. Default: the one that the network names.
    out
        Also draw everything as one PNG; for several pictures a folder of them.
    npz
        Also write all numbers into this file; for several pictures a folder.
    seed
        For what is random: noise, orders, weights.
    json
        Print everything as JSON.
    """
    from convscope.api import explain as verb
    from convscope.api.check_output_path import check_output_path
    from convscope.explanation.saliency import EXPLAINERS
    from convscope.training.run import find_run

    methods = list(EXPLAINERS) if method == "all" else [name.strip() for name in method.split(",")]
    several = len(pictures) > 1 or any(Path(picture).is_dir() for picture in pictures)
    values, unreadable = [], []
    if not several:
        check_output_path(out, find_run(run), npz, *pictures)
        check_output_path(npz, find_run(run), *pictures)
    with _Status() as status:
        found = verb.explain(pictures, run=run, method=methods, target=target, seed=seed, on_step=status.step)
        for index, one in enumerate(found):
            if not isinstance(one, verb.ImageExplanation):
                unreadable.append(one)
                continue
            if out or npz:
                status.step(one.name, "writing")
            name = f"{index:04d}-{Path(one.name.replace('mnist:', 'mnist-')).stem}"
            drawn = _draw(one, _place(out, f"{name}.png", several=several)) if out else None
            stored = one.save_arrays(_place(npz, f"{name}.npz", several=several)) if npz else None
            status.clear()
            values.append(one.to_json() | {"drawn": drawn and str(drawn), "arrays": stored and str(stored)})
            if not json:
                _say(one, [path for path in (drawn, stored) if path])
    if not values:
        raise DataError(unreadable[0].reason)
    if not json and not out:
        say(f"As a picture: --out {'why' if several else 'why.png'}")
    if json:
        skipped = [{"file": one.file, "reason": one.reason} for one in unreadable]
        say_json({"pictures": values, "unreadable": skipped})
    for one in unreadable:
        tell(f"convscope: left out: {one.reason}")
    return 1 if unreadable else 0


def _say(one, written: list[Path]) -> None:
    from convscope.explanation.saliency import IN_WORDS, TITLES

    explained, (first, *others) = one.explanation, one.choices
    rest = ", ".join(f"{choice.name} {choice.probability:.1%}" for choice in others[:2])
    say(f"{printable(one.name)}: {first.name} ({first.probability:.1%}; then {rest})")
    name, logit = explained.network.class_names[explained.target], explained.logit
    say(f"Explained is the score of {name} before the softmax, its logit: {logit:.2f}.")
    for method, found in explained.maps.items():
        attribution, sanity_checks = found.attribution, found.sanity_checks
        fall, other = sanity_checks.deletion, sanity_checks.parameter_randomization
        say(f"\n{TITLES[method]}: {IN_WORDS[method]}")
        low, high = float(attribution.flat.min()), float(attribution.flat.max())
        say(f"    values            {low:+.3g} to {high:+.3g} {attribution.unit}")
        if "gap" in attribution.facts:
            say(
                f"    sum               {attribution.total:.3f} of {attribution.difference:.3f} logits "
                "above an empty picture"
            )
        how = f"{fall.area:.2f} on average, {fall.random_area:.2f} in random orders"
        say(f"    pixels gone       {how}: lower than in {fall.random_orders_beaten} of {len(fall.random)}")
        rank = f"rank correlation {other.mean_signed:.2f}, of the magnitudes {other.mean_magnitude:.2f}"
        say(f"    without training  {rank.replace('-0.00', '0.00')}")
        say(f"    {sanity_checks.verdict}")
    for method, reason in explained.skipped.items():
        say(f"\n{TITLES[method]}: left out. {reason}")
    for path in ["", *map(str, written)]:
        say(path)


def _place(wanted: Path, file_name: str, *, several: bool) -> Path:
    """Where a file goes, its folder made; of several pictures, each has its own file in the folder."""
    place = wanted / file_name if several else wanted
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{place.parent} cannot be made ({error.strerror}).") from None
    return place


def _draw(one, place: Path) -> Path:
    start_drawing()
    from convscope.report.pictures.canvas import save
    from convscope.report.pictures.explanation import explanation

    name = Path(one.name).name
    return save(explanation(one.explanation, original=one.original, probabilities=one.probabilities, name=name), place)


class _Status:
    """What is being done, on stderr: a line that changes in a terminal, elsewhere a line now and then."""

    def __init__(self) -> None:
        self._live = None
        self._line_at = time.monotonic()

    def __enter__(self) -> _Status:
        if sys.stderr.isatty():
            from rich.console import Console

            self._live = Console(file=sys.stderr).status("starting …")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.clear()

    def step(self, picture: str, what: str) -> None:
        """Say what begins now."""
        words = f"{picture}: {what} …"
        if self._live:
            from rich.text import Text

            self._live.update(Text(words))
            self._live.start()
        elif time.monotonic() - self._line_at > SECONDS_BETWEEN_LINES:
            self._line_at = time.monotonic()
            tell(words)

    def clear(self) -> None:
        """Leave the terminal to the result."""
        if self._live:
            self._live.stop()
