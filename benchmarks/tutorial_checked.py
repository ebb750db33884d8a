"""Write docs/tutorial-checked.md and its figure from docs/figures/tutorial.json: each claim and its measurement.

    python benchmarks/tutorial_checked.py            # write
    python benchmarks/tutorial_checked.py --check    # fail if the page differs from the figures

The verdicts follow from the figures by the rules below.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tutorial_pairs import CLAIMED_PAIRS, pairs_of, picture

from convscope.evaluation.intervals import Proportion

ROOT = Path(__file__).parent.parent
FIGURES = ROOT / "docs" / "figures" / "tutorial.json"
PAGE = ROOT / "docs" / "tutorial-checked.md"
PICTURE = ROOT / "docs" / "pictures" / "tutorial-pairs.svg"

T_975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)
"""Student's t, 97.5 %, for 1, 2, 3, ... degrees of freedom."""

ALT = "The 45 pairs of digits, each with its confusion rate and interval; (0, 6) and (4, 9) are highlighted."


@dataclass(frozen=True)
class Mean:
    """A mean over seeds with its 95 % t-interval, which covers other seeds and not other images."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean itself."""
        return statistics.mean(self.values)

    @property
    def half(self) -> float:
        """Half the width of the interval; infinite for one seed."""
        n = len(self.values)
        return T_975[n - 2] * statistics.stdev(self.values) / math.sqrt(n) if n > 1 else math.inf

    def percent(self, *, sign: bool = False) -> str:
        """The mean and its interval, in percent."""
        plus = "+" if sign else ""
        middle, low, high = (
            f"{100 * value:{plus}.2f}" for value in (self.mean, self.mean - self.half, self.mean + self.half)
        )
        return f"{middle} % ({low} to {high})"

    @property
    def is_off_zero(self) -> bool:
        """Whether the interval excludes zero."""
        return abs(self.mean) > self.half


def main() -> int:
    record = json.loads(FIGURES.read_text(encoding="utf-8"))
    runs = [run for run in record["runs"] if run["variant"] in record["variants"]]
    fresh = {PAGE: page(record, runs), PICTURE: picture(pairs_of(of(runs, "classic")))}
    stale = [path for path, text in fresh.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(ROOT)}: out of date; run scripts/docs")
        return int(bool(stale))
    for path in stale:
        path.write_text(fresh[path], encoding="utf-8")
    return 0


def of(runs: Iterable[dict], variant: str) -> list[dict]:
    return sorted((run for run in runs if run["variant"] == variant), key=lambda run: run["seed"])


def mean(runs: Iterable[dict], part: str, what: str = "accuracy") -> Mean:
    return Mean(tuple(run[part][what] for run in runs))


def paired(ours: Sequence[dict], theirs: Sequence[dict], value) -> Mean:
    """The mean difference over the seeds that both variants have."""
    other = {run["seed"]: value(run) for run in theirs}
    return Mean(tuple(value(run) - other[run["seed"]] for run in ours if run["seed"] in other))


def gap(run: dict) -> float:
    return run["training"]["accuracy"] - run["validation"]["accuracy"]


def page(record: dict, runs: list[dict]) -> str:
    classic = of(runs, "classic")
    parts = [
        head(record, classic),
        accuracy_claim(runs),
        pairs_claim(classic),
        dropout_claim(runs),
        pooling_claim(runs),
    ]
    return "\n\n".join([*parts, tail(record)]) + "\n"


def head(record: dict, classic: list[dict]) -> str:
    recipe = record["recipe"]
    return f"""# The tutorial, checked

<!-- Written by benchmarks/tutorial_checked.py from docs/figures/tutorial.json; change those, not this page. -->

The tutorial "Convolutional Neural Networks With TensorFlow" trains one network and makes several claims about it. We
trained the same network, `classic`, with {len(classic)} seeds, and then changed one part at a time, with the same
seeds. Each network was trained for {recipe["epochs"]:g} epochs on 54,999 images. Every choice was made on the
validation split (5,001 images), and the test split (10,000 images) was used once, with the final weights.

There are two kinds of 95 % intervals on this page. The interval of a **mean over seeds** covers the mean over more
seeds (Student's t). The interval of the **rate of one network** covers its rate on other images of the same kind
(Wilson). All seeds share the same test images, so five networks do not make five test sets."""


def accuracy_claim(runs: list[dict]) -> str:
    rows, classic = [], of(runs, "classic")
    names = {
        "classic": "`classic` with its recipe (images shifted by up to 1 pixel)",
        "plain": "the same without augmentation (as in the tutorial)",
    }
    for variant, words in names.items():
        if found := of(runs, variant):
            test = mean(found, "test")
            low, high = 100 * min(test.values), 100 * max(test.values)
            rows.append(f"| {words} | {len(found)} | {interval(test)} | {low:.2f} to {high:.2f} % |")
    test = mean(classic, "test")
    worst = Proportion(round(min(test.values) * 10_000), 10_000)
    verdict = (
        "Confirmed" if test.mean - test.half > 0.99 else "Not established" if test.mean > 0.99 else "Not confirmed"
    )
    return f"""## "99 % with two convolution layers"

**{verdict}.** The mean over seeds is {interval(test)}; the worst network reaches {worst}.

| network | seeds | mean test accuracy | worst to best seed |
|---|---|---|---|
{chr(10).join(rows)}"""


def interval(value: Mean) -> str:
    return value.percent() if len(value.values) > 1 else f"{100 * value.mean:.2f} % (one seed)"


def pairs_claim(classic: list[dict]) -> str:
    pairs, n = pairs_of(classic), len(classic)
    place = {pair.names: index for index, pair in enumerate(pairs, start=1)}
    average = statistics.mean(pair.mean / pair.n for pair in pairs)
    verdicts = []
    for names in CLAIMED_PAIRS:
        pair = pairs[place[names] - 1]
        sure = pair.distinguishable
        if sure == n:
            words = "**is confirmed**: in every network it is confused significantly more often than the mean pair"
        elif sure:
            words = f"**is significant in {sure} of {n} networks**"
        else:
            words = "**is not confirmed**: in no network is the difference from the mean pair significant"
        verdicts.append(
            f"- ({', '.join(names)}) {words}. Rank {place[names]} of 45, with {pair.mean:.1f} of {pair.n:,} images per "
            f"network: {100 * pair.mean / pair.n:.2f} %, compared with {100 * average:.2f} % for the mean pair."
        )
    rows = [
        f"| {place[pair.names]} | {', '.join(pair.names)} | {', '.join(map(str, pair.errors))} | "
        f"{100 * pair.mean / pair.n:.2f} % ({100 * pair.rate.low:.2f} to {100 * pair.rate.high:.2f}) | "
        f"{min(pair.ranks)} to {max(pair.ranks)} | {pair.distinguishable} of {n} |"
        for pair in pairs
    ]
    return f"""## "Slightly higher confusion between (0, 6) and (4, 9)"

{chr(10).join(verdicts)}

The claim was not made about this network. It comes from another notebook, whose network has four convolutions (two
with 32 filters of 5×5 and two with 64 of 3×3, with dropout of 25 % and 50 % and a dense layer of 128), so there is no
reason to expect the same pairs here.

![{ALT}](pictures/{PICTURE.name})

"Significant" refers to a one-sided exact binomial test of the pair's errors against the mean pair, in each network
separately, at the 5 % level with Bonferroni correction for 45 pairs. The interval is the Wilson interval of one network
with the mean number of errors.

| rank | pair | errors, by seed | rate of one network | ranks over the seeds | significant in |
|---|---|---|---|---|---|
{chr(10).join(rows)}"""


def dropout_claim(runs: list[dict]) -> str:
    sections, verdicts = [], []
    for name, bare, words in (
        ("classic", "without dropout", "with the recipe of `classic` (images shifted by up to 1 pixel)"),
        ("plain", "plain, without dropout", "without augmentation, as in the tutorial"),
    ):
        kept, dropped = of(runs, name), of(runs, bare)
        seeds = {run["seed"] for run in kept} & {run["seed"] for run in dropped}
        kept, dropped = ([run for run in group if run["seed"] in seeds] for group in (kept, dropped))
        if len(seeds) < 2:
            continue
        gaps, test = paired(kept, dropped, gap), paired(kept, dropped, lambda run: run["test"]["accuracy"])
        loss = paired(kept, dropped, lambda run: run["validation"]["loss"])
        verdicts.append(f"- {words[0].upper()}{words[1:]}: {dropout_effect(gaps, test)}")
        sections.append(
            f"""{words[0].upper()}{words[1:]}, {len(seeds)} seeds:

| | with dropout | without | paired difference |
|---|---|---|---|
{dropout_row("training accuracy", kept, dropped, lambda run: run["training"]["accuracy"])}
{dropout_row("validation accuracy", kept, dropped, lambda run: run["validation"]["accuracy"])}
{dropout_row("generalization gap", kept, dropped, gap)}
{dropout_row("test accuracy", kept, dropped, lambda run: run["test"]["accuracy"])}
| validation loss (nats) | {mean(kept, "validation", "loss").mean:.4f} | \
{mean(dropped, "validation", "loss").mean:.4f} | \
{loss.mean:+.4f} ({loss.mean - loss.half:+.4f} to {loss.mean + loss.half:+.4f}) |"""
        )
    return f"""## "Dropout of 33 % prevents overfitting"

Overfitting shows as a generalization gap: the network is more accurate on its training images than on new images of the
same kind. All figures are measured in inference mode, without dropout and augmentation. The training accuracy is that
of 10,000 training images.

{chr(10).join(verdicts)}

{(chr(10) * 2).join(sections)}"""


def dropout_row(words: str, kept: list[dict], dropped: list[dict], value) -> str:
    means = [Mean(tuple(value(run) for run in group)) for group in (kept, dropped)]
    cells = " | ".join(f"{100 * one.mean:.2f} %" for one in means)
    return f"| {words} | {cells} | {paired(kept, dropped, value).percent(sign=True)} |"


def dropout_effect(gaps: Mean, test: Mean) -> str:
    if gaps.is_off_zero:
        smaller = "smaller" if gaps.mean < 0 else "larger"
        first = f"dropout makes the gap {smaller} by {abs(100 * gaps.mean):.2f} points (significant)"
    else:
        first = "with these seeds, the effect of dropout on the gap is not significant"
    if test.is_off_zero:
        better = "better" if test.mean > 0 else "worse"
        return f"{first}; on the test split the network is {better} by {abs(100 * test.mean):.2f} points."
    return f"{first}; the difference in test accuracy is not significant ({test.percent(sign=True)})."


def pooling_claim(runs: list[dict]) -> str:
    looked = [run["pooling"] for run in of(runs, "classic") if run["pooling"]]
    names = {"max": "max pooling", "average": "average pooling", "every second place": "subsampling (stride 2)"}
    trained = {"max": "classic", "average": "average pooling", "every second place": "every second place"}
    rows = []
    for name, words in names.items():
        peak, replaced = (
            statistics.mean(one[what][name] for one in looked) for what in ("share_of_peak", "accuracy_if_replaced")
        )
        found = of(runs, trained[name])
        test = f"{interval(mean(found, 'test'))}, {len(found)} seeds" if found else "not measured"
        rows.append(f"| {words} | {100 * peak:.1f} % | {100 * replaced:.1f} % | {test} |")
    lines = [
        f"- {names[name][0].upper()}{names[name][1:]} instead, trained from scratch: "
        f"{pooling_effect(runs, trained[name])}"
        for name in ("average", "every second place")
        if len(of(runs, trained[name])) > 1
    ]
    asked = ":\n\n" + "\n".join(lines) if lines else "."
    return f"""## "Pooling keeps the most prominent features"

**True by definition, but not informative.** Max pooling keeps the largest value of each window, so the maximum of every
feature map survives. Whether the network needs that is another question{asked}

The table covers the 128 feature maps before the pooling layer, over {looked[0]["images"]} validation images and
{len(looked)} trained networks. The third column replaces the pooling of a trained network, the fourth trains a network
with the replacement:

| 24×24 to 12×12 by | fraction of a map's maximum kept | validation accuracy, replaced | test accuracy, trained |
|---|---|---|---|
{chr(10).join(rows)}"""


def pooling_effect(runs: list[dict], variant: str) -> str:
    difference = paired(of(runs, variant), of(runs, "classic"), lambda run: run["test"]["accuracy"])
    if not difference.is_off_zero:
        return f"no significant difference in test accuracy ({difference.percent(sign=True)})."
    better = "better" if difference.mean > 0 else "worse"
    return f"{better} on the test split by {abs(100 * difference.mean):.2f} points ({difference.percent(sign=True)})."


def tail(record: dict) -> str:
    where = record["environment"]
    packages = ", ".join(f"{name} {version}" for name, version in where["packages"].items())
    minutes = sum(run["seconds"] for run in record["runs"]) / 60
    return f"""## Reproduce

`scripts/bench tutorial` trains the {len(record["runs"])} networks ({minutes:.0f} minutes of training) and writes
`docs/figures/tutorial.json` and this page. Measured {record["measured"]} on {where["cores"]} cores of
{where["processor"]}, {where["system"]}, Python {where["python"]}, {packages}."""


if __name__ == "__main__":
    sys.exit(main())
