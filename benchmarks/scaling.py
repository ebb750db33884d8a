"""Strong scaling on paper: what a step costs on 2 to 64 machines, from a few measured numbers.

    python benchmarks/scaling.py            # write docs/figures/scaling.json and tables of docs/scale.md, docs/sweep.md
    python benchmarks/scaling.py --check    # fail if a page is not up to date

A step of one machine takes T. On N machines it takes T / N, and N - 1 vectors of gradients arrive one after another.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from record import write

from convscope.model.presets import load_spec

DOCS = Path(__file__).parent.parent / "docs"
FIGURES = DOCS / "figures"
MACHINES = (2, 4, 8, 16, 32, 64)
CORES = 4
BATCH = 256
MULTIPLY_ADDS_PER_SECOND = 2.0e10
"""Of one core, forward and backward: `quick`, 214 steps in 4.6 CPU seconds (docs/figures/shards.json)."""

SECONDS_PER_EXCHANGE = 0.0014
"""Two processes on one machine, vectors of 4 kB: the fastest of 60 exchanges."""

BYTES_PER_SECOND = 2.4e8
"""The same with vectors of 4 MB: the fastest of 12 exchanges. A network of 1 Gbit/s has half of it."""


def speed_up(multiply_adds: float, parameters: int, machines: int, bytes_per_second: float) -> float:
    """How many times faster a step is than on one machine."""
    alone = 3 * multiply_adds * BATCH / (MULTIPLY_ADDS_PER_SECOND * CORES)
    exchange = (machines - 1) * (SECONDS_PER_EXCHANGE + 4 * parameters / bytes_per_second)
    return alone / (alone / machines + exchange)


def networks() -> dict[str, tuple[float, int]]:
    """Multiply-adds of an image and parameters, by name."""
    found = {}
    for name in ("quick", "accurate"):
        spec = load_spec(name, input_shape=(28, 28, 1), num_classes=10)
        found[name] = (float(spec.multiply_adds), spec.parameters)
    return found | {"25 million parameters, 224×224": (4.1e9, 25_000_000)}


def scaling_table(rows: dict[str, dict[str, float]]) -> str:
    """One row for each network."""
    columns = ["network", *map(str, MACHINES), "fastest on"]
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for name, row in rows.items():
        best = max(row, key=lambda n: row[n])
        fastest = f"{best} machines" if row[best] > 1 else "one machine"
        lines.append(f"| {name} | " + " | ".join(f"{row[str(n)]:.1f}×" for n in MACHINES) + f" | {fastest} |")
    lines.append("")
    lines.append(
        f"Speed-up over one machine of {CORES} cores, batches of {BATCH}, {BYTES_PER_SECOND / 1e6:.0f} MB and "
        f"{1 / SECONDS_PER_EXCHANGE:.0f} exchanges a second (two processes on one busy machine, the fastest of some)."
    )
    return "\n".join(lines)


def shards_table() -> str:
    """Accuracy and CPU seconds by number of shards."""
    path = FIGURES / "shards.json"
    if not path.is_file():
        return ""
    by_shards = json.loads(path.read_text(encoding="utf-8"))["by_shards"]
    plain = by_shards["1"]["cpu_seconds_median"]
    lines = ["| shards | test accuracy of `quick` | seeds | CPU seconds |", "|---|---|---|---|"]
    for count, one in by_shards.items():
        spread = f" (sd {one['accuracy_sd']:.2f})" if one["accuracy_sd"] is not None else ""
        ratio = "" if count == "1" else f" ({one['cpu_seconds_median'] / plain:.2f}×)"
        lines.append(
            f"| {count} | {one['accuracy_mean']:.2f} %{spread} | {one['seeds']} | {one['cpu_seconds_median']}{ratio} |"
        )
    if found := _summary("shard-gradients"):
        size, whole = found["batch_size"], found["whole_ms"]
        quarters, shards = found["quarters_ms"] / whole, found["shards_ms"] / whole
        lines += [
            "",
            f"The gradients of four batches of {size // 4}, without any shards, take {quarters:.2f}× the CPU time of "
            f"those of one batch of {size}; those of four shards take {shards:.2f}× "
            f"(medians of {found['rounds']} rounds).",
        ]
    return "\n".join(lines)


def workers_table() -> str:
    """CPU seconds of whole commands by number of workers."""
    found = _summary("workers")
    if not found:
        return ""
    by_count, seeds = found["cpu_seconds_median"], found["seeds"]
    lines = ["| workers | CPU seconds of `convscope train` | weights |", "|---|---|---|"]
    for count, seconds in by_count.items():
        ratio = "" if count == "1" else f" ({seconds / by_count['1']:.2f}×)"
        equal = f"equal with {found['seeds_with_equal_weights']} of {seeds} seeds" if count != "1" else ""
        lines.append(f"| {count} | {seconds:.1f}{ratio} | {equal} |")
    return "\n".join(lines)


def sweep_table() -> str:
    """CPU seconds of a trial and trials a minute, by way."""
    found = _summary("sweep")
    if not found:
        return ""
    names = {
        "sweep": "`convscope sweep`: a process for each core, one thread each",
        "one_process": "`convscope sweep`, one process with as many threads as cores",
        "commands": "`convscope train` for each seed, one after another, as many threads as cores",
    }
    lines = ["| trainings of `quick` | CPU seconds of a trial | trials a minute |", "|---|---|---|"]
    for name, words in names.items():
        if f"{name}_trials_a_minute" in found:
            each = found[f"{name}_cpu_seconds"] / found["trials"]
            lines.append(f"| {words} | {each:.1f} | {found[f'{name}_trials_a_minute']:.1f} |")
    return "\n".join(lines)


def _summary(name: str) -> dict | None:
    path = FIGURES / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))["summary"] if path.is_file() else None


def main() -> int:
    rows = {
        name: {str(n): round(speed_up(work, size, n, BYTES_PER_SECOND), 2) for n in MACHINES}
        for name, (work, size) in networks().items()
    }
    tables = {"scaling": scaling_table(rows), "shards": shards_table(), "workers": workers_table()}
    is_fresh = all([_put(DOCS / "scale.md", tables), _put(DOCS / "sweep.md", {"sweep": sweep_table()})])
    if "--check" in sys.argv:
        return int(not is_fresh)
    write("scaling", {"speed_up": rows})
    return 0


def _put(page: Path, tables: dict[str, str]) -> bool:
    """Write tables between their markers unless --check was given; whether they were there."""
    text = fresh = page.read_text(encoding="utf-8")
    for mark, table in tables.items():
        whole = f"<!-- {mark} -->\n{table}\n<!-- /{mark} -->"
        fresh = re.sub(rf"<!-- {mark} -->.*?<!-- /{mark} -->", lambda found, whole=whole: whole, fresh, flags=re.DOTALL)
    if "--check" not in sys.argv:
        page.write_text(fresh, encoding="utf-8")
    return fresh == text


if __name__ == "__main__":
    sys.exit(main())
