"""Put the figures of docs/figures/*.json into the Markdown pages, between their markers.

python benchmarks/tables.py            # write
python benchmarks/tables.py --check    # fail if a page differs from the figures
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
FIGURES = ROOT / "docs" / "figures"


def read(name: str) -> dict | None:
    path = FIGURES / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def rows() -> list[tuple[str, str, str]]:
    found = []
    peers, rate, cold = read("peers"), read("rate"), read("cold")
    if quick := read("seeds-quick"):
        s = quick["summary"]
        found += [
            ("`quick`, test accuracy", "≥ 99.0 %", accuracy(s)),
            ("`quick`, training time, data in memory", "≤ 6 s", spread(s)),
        ]
    if peers:
        s = peers["summary"]
        for name, what, goal in (
            ("keras", "Keras's simple MNIST convnet", 20),
            ("torch", "PyTorch's MNIST example", 40),
        ):
            if f"{name}_seconds" in s:
                peer = peers["peers"][name]
                found.append(
                    (
                        f"time to 99.0 %: {what}, relative to `quick`",
                        f"≥ {goal}×",
                        f"{s[f'{name}_over_quick']:.0f}× ({s[f'{name}_seconds']:.0f} s, {peer['epochs']} epochs; "
                        f"`quick` in the same run {s['quick_seconds']:.1f} s)",
                    )
                )
    if cold:
        s = cold["summary"]
        found += [
            ("`convscope train`, total time", "≤ 25 s", f"{s['train_seconds']:.1f} s"),
            ("`convscope --help`, cold start", "≤ 0.3 s", f"{s['help_seconds']:.2f} s"),
            ("`convscope predict` for one image, cold start", "≤ 0.7 s", f"{s['predict_seconds']:.2f} s"),
            ("loading and verifying the bundled MNIST", "< 0.5 s", f"{s['load_mnist_seconds']:.2f} s"),
        ]
    if folder := read("predict_folder"):
        s = folder["summary"]
        versus = f"{s['speed_ratio']:.1f}× before; " if "speed_ratio" in s else ""
        found.append(
            (
                f"`convscope predict FOLDER --out table.csv`, {s['images']:,} JPEGs of 256×256",
                "≥ 5× version 0.2.0, ≤ 500 MB",
                f"{versus}{s['images_per_second']:.0f} a second, {s['cpu_milliseconds_per_image']:.1f} ms of CPU time "
                f"each, {s['peak_megabytes']:.0f} MB",
            )
        )
    if classic := read("seeds-classic"):
        found.append(("`classic`, test accuracy", "≥ 99.0 %", accuracy(classic["summary"])))
    if rate:
        s = rate["summary"]
        found += [
            (
                "`classic`, training FLOP/s as a fraction of matrix multiplication's",
                "≥ 60 %",
                f"{s['share_of_matmul']:.0%} ({s['ours_gflops']:.0f} of {s['matmul_gflops']:.0f} GFLOP/s)",
            ),
            ("`classic`, speed relative to `model.fit`", "≥ 1.0×", f"{s['ours_over_fit']:.2f}×"),
        ]
    if record := read("page"):
        found += page_rows(record["summary"])
    if record := read("drawing"):
        found += drawing_rows(record["summary"])
    found += lesson_rows(read("conv"), read("explain"), read("notebook"))
    if accurate := read("seeds-accurate"):
        s = accurate["summary"]
        found += [
            ("`accurate`, test accuracy", "≥ 99.6 %", accuracy(s)),
            ("`accurate`, training time", "≤ 30 min", f"{s['seconds_median'] / 60:.1f} min ({where(accurate)})"),
        ]
    return found


DRAWING = ("strokes_lost", "answers_per_second_throttled", "longest_frame_ms_throttled", "main_thread_ms")


def where(record: dict) -> str:
    """The processor of a measurement that was made on another machine than the others."""
    found = record["environment"]
    processor = found["processor"].replace("(R)", "").replace(" Processor", "")
    return f"{found['cores']} cores of {processor}"


def page_rows(s: dict) -> list[tuple[str, str, str]]:
    worst = max(s["quick_largest_difference"], s["classic_largest_difference"])
    other = s["quick_other_class"] + s["classic_other_class"]
    away = s["quick_requests_beyond_the_file"] + s["classic_requests_beyond_the_file"]
    return [
        ("page size: `quick` · `classic`", "≤ 1.5 · 3 MB", f"{s['quick_size_mb']:.2f} · {s['classic_size_mb']:.2f} MB"),
        ("`convscope open`, total time", "≤ 1 s", f"{s['quick_open_seconds']:.2f} s"),
        (
            "page of `quick`: first paint · self-test done",
            "≤ 300 · 1,000 ms",
            f"{s['quick_first_picture_ms']:.0f} · {s['quick_proof_ms']:.0f} ms",
        ),
        (
            "forward pass in the page: `quick` · `classic`",
            "≤ 8 · 60 ms",
            f"{s['quick_forward_ms']:.1f} · {s['classic_forward_ms']:.0f} ms",
        ),
        (
            "page compared with TensorFlow, logits of 1,000 test images",
            "≤ 1e-4, same class",
            f"{worst:.0e}, {other} predictions differ",
        ),
        ("network requests made by the page", "0", f"{away}"),
    ]


def drawing_rows(s: dict) -> list[tuple[str, str, str]]:
    both = [[s[f"{preset}_{figure}"] for preset in ("quick", "classic")] for figure in DRAWING]
    lost, answers, frames, work = both
    return [
        (
            "digits drawn on the page and read: mouse · touch",
            "≥ 350 of 360 · 30 of 30",
            " · ".join(f"{s[f'digits_read_{by}']} of {s[f'digits_drawn_{by}']}" for by in ("mouse", "touch")),
        ),
        ("strokes lost when drawn quickly, also on a main thread slowed down 6 times", "0", f"{sum(lost)}"),
        (
            "predictions a second while drawing, main thread slowed down 6 times: `quick` · `classic`",
            "≥ 20 · 5",
            " · ".join(f"{value:.0f}" for value in answers),
        ),
        (
            "longest frame meanwhile: `quick` · `classic`",
            "≤ 50 ms",
            " · ".join(f"{value:.0f}" for value in frames) + " ms",
        ),
        (
            "CPU time of the main thread for each prediction while drawing: `quick` · `classic`",
            "",
            " · ".join(f"{value:.1f}" for value in work) + " ms",
        ),
    ]


def many_images() -> str:
    """Very many files."""
    large, stop = read("large"), read("stop")
    found = []
    names = {
        "predict": ("`convscope predict FOLDER`", "≤ 500 MB"),
        "data": ("`convscope data`", "≤ 1.5 GB"),
        "decode into the cache at 64": ("decoding into a cache of 64×64", "≤ 1.5 GB"),
        "decode into the cache at 224": ("decoding into a cache of 224×224", "≤ 1.5 GB"),
    }
    for name, part in (large["parts"] if large else {}).items():
        what, goal = names[name]
        words = f"{part['peak_megabytes']:.0f} MB, {part['cpu_milliseconds_per_image']:.2f} ms of CPU time an image"
        found.append((f"{what}, {part['images']:,} JPEGs of 256×256: peak memory", goal, words))
    if cache := read("cache"):
        (turns,) = cache["parts"]["train from both, in turn"]
        rate = turns["images_per_second_from_cache"]
        words = f"{turns['median_ratio']:.2f} ({rate:.0f} images per second, {turns['turns']} turns)"
        found.append(("training from the cache, speed relative to training from memory", "≥ 0.95", words))
    if stop:
        words = "; ".join(
            f"`{name}` {row['median']:.2f} ({row['max']:.2f}, n={row['n']})" for name, row in stop["commands"].items()
        )
        found.append(("Ctrl-C while images are read, to the prompt: median (longest)", "≤ 2 s", f"{words} s"))
    lines = ["", "| very many images | goal | measured |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {a} | {b} | {c} |" for a, b, c in found)]) if found else ""


def lesson_rows(conv: dict | None, explain: dict | None, notebook: dict | None) -> list[tuple[str, str, str]]:
    found = []
    if conv:
        s = conv["summary"]
        found += [
            ("`convscope conv`, cases equal to TensorFlow", "5,000 of 5,000", f"{s['equal']:,} of {s['cases']:,}"),
            (
                "`convscope conv`, cold start: text · default GIF",
                "≤ 0.3 · 1 s",
                f"{s['printed_seconds']:.2f} · {s['gif_seconds']:.2f} s",
            ),
        ]
    if explain:
        s = explain["summary"]
        gaps = " · ".join(
            f"{100 * s[f'{name}_gap_worst']:.1f} % (n={s[f'{name}_gap_n']})" for name in ("quick", "classic")
        )
        found.append(
            ("integrated gradients of 100 digits, largest completeness error: `quick` · `classic`", "≤ 1 %", gaps)
        )
    if notebook:
        found.append(("the lesson notebook, full run", "≤ 3 min", f"{notebook['summary']['seconds_median']:.0f} s"))
    return found


def accuracy(summary: dict) -> str:
    mean, low, high = (f"{summary[key] * 100:.2f}" for key in ("mean", "min", "max"))
    return f"{mean} % (sd {summary['sd'] * 100:.2f}, {low} to {high}, {summary['n']} seeds)"


def spread(summary: dict) -> str:
    return f"{summary['seconds_median']:.1f} s ({summary['seconds_min']:.1f} to {summary['seconds_max']:.1f})"


def table() -> str:
    lines = ["| figure | goal | measured |", "|---|---|---|", *(f"| {a} | {b} | {c} |" for a, b, c in rows())]
    record = next((found for name in ("seeds-quick", "cold", "rate") if (found := read(name))), None)
    if record:
        where = record["environment"]
        packages = ", ".join(f"{name} {version}" for name, version in where["packages"].items())
        lines += [
            "",
            f"{where['cores']} cores of {where['processor']}, {where['system']}, Python {where['python']}, {packages}, "
            f"{record['measured']}. Command: `scripts/bench all`.",
        ]
    return "\n".join(lines)


def ablation() -> str:
    record = read("ablation")
    if not record:
        return ""
    lines = [
        "",
        f"| `quick` with one thing changed | validation accuracy, {record['seeds']} seeds | difference | seconds |",
    ]
    lines.append("|---|---|---|---|")
    for row in record["rows"]:
        difference = f"{row['difference'] * 100:+.2f} ± {row['difference_se'] * 100:.2f}" if row["changes"] else ""
        mean = f"{row['mean'] * 100:.2f} % (sd {row['sd'] * 100:.2f})"
        lines.append(f"| {row['variant']} | {mean} | {difference} | {row['seconds_median']:.1f} |")
    return "\n".join(lines)


def recipe(name: str) -> str:
    """An ablation of the recipe that fits the data."""
    record = read(name)
    if not record:
        return ""
    sets = record["sets"]
    heads = " | ".join(f"{name} ({one['n_train']:,} + {one['n_validation']:,})" for name, one in sets.items())
    lines = [
        "",
        f"| validation accuracy, {100 * record['share']:g} % of the epochs, 1 seed | {heads} | difference |",
        "|---|" + "---|" * (len(sets) + 1),
    ]
    for variant, difference in record["summary"].items():
        cells = [
            f"{100 * one['rows'][variant]['accuracy']:.1f} % ({one['rows'][variant]['cpu_seconds']:.0f} s)"
            for one in sets.values()
        ]
        change = f"{round(100 * difference, 1) + 0.0:+.1f}" if difference else ""
        lines.append(f"| {variant} | {' | '.join(cells)} | {change} |")
    return "\n".join(lines)


def rare() -> str:
    """Class weights for classes of different size."""
    record = read("rare")
    if not record:
        return ""
    kinds = ("balanced_accuracy", "recall_of_rarest_third", "accuracy_as_imbalanced")
    lines = [
        "",
        "| training images, of the smallest to the largest class | class weights | balanced accuracy | recall of the "
        "rarest third of the classes | accuracy on images as imbalanced |",
        "|---|---|---|---|---|",
    ]
    for row in record["rows"]:
        figures = " | ".join(f"{100 * row[kind]:.1f} %" for kind in kinds)
        sizes = f"{row['smallest']:,} to {row['largest']:,}"
        lines.append(f"| {row['set']}, {row['n_train']:,}, {sizes} | {row['class_weight']} | {figures} |")
    return "\n".join(lines)


def engines() -> str:
    """A part of docs/speed.md."""
    record = read("engines")
    if not record:
        return ""
    titles = {
        "auto": "`auto`",
        "numpy": "NumPy",
        "onnx": "ONNX Runtime",
        "litert": "LiteRT",
        "keras": "Keras `predict`",
    }
    keras = {row["preset"]: row["one"] for row in record["rows"] if row["way"] == "keras"}
    lines = [
        "",
        "One image, and many, by `Run.predict` with arrays: preprocessing, network, calibration and the "
        "comparison with the training images; "
        "Keras only computes the logits of preprocessed images.",
        "",
        f"| network | engine | one image | Keras, relative | each of {record['images']:,} images |",
        "|---|---|---:|---:|---:|",
    ]
    for row in record["rows"]:
        ratio = "" if row["way"] == "keras" else f"{keras[row['preset']] / row['one']:.0f}×"
        lines.append(
            f"| `{row['preset']}` | {titles[row['way']]} | {row['one']:.2f} ms | {ratio} | {row['of_many']:.3f} ms |"
        )
    return "\n".join(
        [
            *lines,
            "",
            f"{where(record)}, load average {record['load_average']:.0f}. Command: `scripts/bench engines`.",
            "",
        ]
    )


def server() -> str:
    """The table of docs/serve.md."""
    record = read("serve")
    if not record:
        return ""
    found = record["summary"]
    lines = [
        "| image | connections | requests a second | 99th percentile | CPU time of a request |",
        "|---|---:|---:|---:|---:|",
    ]
    kinds = {"digit": "digit, PNG of 28×28", "photo": "photo of a digit, JPEG of 640×480"}
    for row in record["loads"]:
        if "cpu_milliseconds" in row:
            lines.append(
                f"| {kinds[row['picture']]} | {row['connections']} | {row['per_second']:,.0f} | "
                f"{row['p99_milliseconds']:,.0f} ms | {row['cpu_milliseconds']:.1f} ms |"
            )
    lines += [
        "",
        f"`quick`, {where(record)}, load average {found['load_average']:.0f} by other work meanwhile, "
        f"{found['seconds']} s for each row, {record['measured']}. "
        f"Start to ready: {found['start_to_ready_seconds']:.1f} s; "
        f"memory: {found['peak_megabytes']:.0f} MB at most. Command: `scripts/bench serve`.",
    ]
    for row in record["loads"]:
        if "asked_per_second" in row:
            lines[-1] += (
                f" At 80 % of the largest rate ({row['per_second']:,.0f} requests a second, spread evenly over "
                f"{row['connections']} connections by h2load), the 99th percentile is "
                f"{row['p99_milliseconds']:,.0f} ms."
            )
    return "\n".join([*lines, *other_servers(record.get("peers")), *minutes_of_load(record.get("soak"))])


def quantized() -> str:
    """The table of docs/export.md."""
    record = read("int8")
    if not record:
        return ""
    titles = {"onnx": "ONNX", "litert": "LiteRT"}
    lines = [
        "| network | format | bytes, float32 → int8 | accuracy, float32 → int8 | difference, points |",
        "|---|---|---|---|---|",
    ]
    for row in record["rows"]:
        first, second = (
            f"{(row['both'] + row[only]) / row['n']:.2%}".replace("%", " %") for only in ("first_only", "second_only")
        )
        name, size = f"`{row['preset']}` | {titles[row['format']]}", f"{row['bytes']:,} → {row['int8_bytes']:,}"
        points, low, high = (f"{100 * row[key]:+.2f}".replace("-", "−") for key in ("difference", "low", "high"))
        lines.append(f"| {name} | {size} | {first} → {second} | {points} ({low} to {high}) |")
    epochs = ", ".join(
        f"`{name}` for {count:g} {'epoch' if count == 1 else 'epochs'}"
        for name, count in {row["preset"]: row["epochs"] for row in record["rows"]}.items()
    )
    runtimes = " and ".join(dict.fromkeys(row["runtime"] for row in record["rows"]))
    memory = ", ".join(
        f"{row['int8_tensor_bytes'] / 1000:,.0f} kB for `{row['preset']}` "
        f"({row['int8_tensor_bytes_of_classes'] / 1000:,.0f} kB without the score)"
        for row in record["rows"]
        if "int8_tensor_bytes" in row
    )
    memory = f" Memory for the tensors of the int8 LiteRT file: {memory}." if memory else ""
    return "\n".join([*lines, "", f"{epochs}. {runtimes}.{memory} Command: `scripts/bench int8`."])


def other_servers(found: dict | None) -> list[str]:
    """Requests a second and CPU time of the servers that were measured in one run, and their ratios to ours."""
    if not found:
        return []
    counts = sorted({row["connections"] for row in found["rows"]})
    lines = [
        "",
        "| server | connections | requests a second | ours | CPU time of a request | ours | memory |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name in dict.fromkeys(row["server"] for row in found["rows"]):
        for count in counts:
            own, row = (mean_row(found["rows"], server, count) for server in ("convscope", name))
            rate, used = row["per_second"], row["cpu_milliseconds"]
            cells = [f"{rate:,.1f}" if rate < 10 else f"{rate:,.0f}", "", f"{used:.1f} ms" if used else "no answer", ""]
            if name != "convscope" and rate:
                cells[1::2] = [f"{own['per_second'] / rate:.1f}×", f"{used / own['cpu_milliseconds']:.1f}×"]
            lines.append(f"| {name} | {count} | {' | '.join(cells)} | {row['megabytes']:,.0f} MB |")
    versions = ", ".join(f"{name} {version}" for name, version in sorted(found["versions"].items()))
    return [
        *lines,
        "",
        f"One digit as PNG, one server after the other, {found['seconds']} s for each row, load average "
        f"{found['load_average']:.0f} by other work meanwhile: the CPU time depends less on that than the rate. "
        f"LitServe and BentoML compute in ONNX Runtime, in batches, in several processes. {versions}. "
        "Command: `scripts/bench serve --peers`.",
    ]


def mean_row(rows: list[dict], server: str, connections: int) -> dict[str, float]:
    """The means of a server's rows; ours is measured twice."""
    some = [row for row in rows if (row["server"], row["connections"]) == (server, connections)]
    keys = ("per_second", "cpu_milliseconds", "megabytes")
    return {key: sum(row[key] for row in some) / len(some) for key in keys}


def minutes_of_load(found: dict | None) -> list[str]:
    """What came of some minutes of load."""
    if not found:
        return []
    others = found["other_clients"]
    memory = found["memory_megabytes"]
    counted = {"busy": "answers that the server is busy (503)", "late": "answers that it took too long (504)"}
    refused = "".join(f"{found[name]} {words}, " for name, words in counted.items() if name in found)
    return [
        "",
        f"{found['seconds'] / 60:.0f} minutes over 64 connections, with the run replaced {found['reloads']} times, "
        f"{found['hostile_sent']:,} bodies without an image, {others['slow']:,} clients that send byte by byte, "
        f"{others['cut'] + others['gone']:,} that leave, and {others['not_http']:,} that do not speak HTTP: "
        f"{found['right']:,} answers equal byte by byte to those of one of the two runs, {found['wrong']} others, "
        f"{refused}{found['socket_errors']} requests without an answer within 20 s; {memory[1]:.0f} MB after 30 s, "
        f"{memory[-1]:.0f} MB at the end. Command: `scripts/bench serve --soak 600`.",
    ]


def served_by_workers() -> str:
    """The table beside `--workers` in docs/serve.md."""
    record = read("cores")
    if not record:
        return ""
    rows = record["serve"]
    lines = [
        "| `--workers` | connections | requests a second | relative to the first row | 99th percentile | memory |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        lines.append(
            f"| {row['workers']} | {CONNECTIONS_EACH * row['workers']} | {row['per_second']:,.0f} | "
            f"{row['per_second'] / rows[0]['per_second']:.1f}× | {row['p99_milliseconds']:.0f} ms | "
            f"{row['megabytes']:.0f} MB |"
        )
    requests, failed = (sum(row[name] for row in rows) for name in ("requests", "failed"))
    seconds = round(rows[0]["requests"] / rows[0]["per_second"])
    return "\n".join(
        [
            *lines,
            "",
            f"`quick`, one digit as PNG, {where(record)}, {seconds} s for each row, {record['measured']}; "
            f"{requests:,} requests in all, {failed:,} failed. wrk asks on the same machine, so that the processes do "
            "not have all of its cores. Memory is that of all processes, with what they share counted once. "
            "Command: `scripts/bench cores`.",
        ]
    )


CONNECTIONS_EACH = 8
"""Of benchmarks/cores.py, for each process."""


def folder_by_cores() -> str:
    """A part of docs/speed.md."""
    record = read("cores")
    if not record:
        return ""
    lines = ["", "| images per second | reading a dataset | `convscope predict FOLDER --out table.csv` |"]
    lines.append("|---|---:|---:|")
    firsts = [record[name][0]["images_per_second"] for name in ("read", "predict")]
    for rows in zip(record["read"], record["predict"], strict=True):
        cores = f"{rows[0]['cores']} {'core' if rows[0]['cores'] == 1 else 'cores'}"
        rates = [row["images_per_second"] for row in rows]
        cells = [f"{rate:,.0f} ({rate / first:.1f}×)" for rate, first in zip(rates, firsts, strict=True)]
        lines.append(f"| {cores} | {cells[0]} | {cells[1]} |")
    return "\n".join(
        [
            *lines,
            "",
            f"{record['summary']['images']:,} JPEGs of 256×256, resized to 64×64, on the first of {where(record)}, "
            f"mean of {record['summary']['rounds']} calls, {record['measured']}. `predict` includes its start. "
            "Command: `scripts/bench cores`.",
        ]
    )


def keras_backends() -> str:
    """The table of Keras on JAX and PyTorch in docs/export.md."""
    record = read("keras_backends")
    if not record:
        return ""
    backends = {"jax": "JAX", "torch": "PyTorch", "tensorflow": "TensorFlow"}
    batches = list(record["rows"][0]["per_second"])
    sizes = " · ".join(f"{int(size):,}" for size in batches)
    lines = [
        "| network | backend | precision | probabilities, largest difference | score, largest relative difference | "
        f"same class | images per second in batches of {sizes} |",
        "|---|---|---|---:|---:|---:|---:|",
    ]
    networks = list(dict.fromkeys(row["preset"] for row in record["rows"]))
    for row in sorted(record["rows"], key=lambda row: networks.index(row["preset"])):
        rates = " · ".join(f"{row['per_second'][size]:,.0f}" for size in batches)
        lines.append(
            f"| `{row['preset']}` | {backends[row['backend']]} | {row['precision']} | "
            f"{power(row['largest_difference'])} | {power(row['largest_score_difference'])} | "
            f"{row['same_class']:,} of {row['images']:,} | {rates} |"
        )
    devices, counts = (
        " and ".join(dict.fromkeys(f"{row[name]}" for row in record["rows"])) for name in ("device", "images")
    )
    versions = ", ".join(
        dict.fromkeys(f"{name} {one}" for row in record["rows"] for name, one in row["versions"].items())
    )
    worst = record["summary"]
    return "\n".join(
        [
            *lines,
            "",
            f"Beside convscope's NumPy engine, on {int(counts):,} test images of MNIST: probabilities differ by at "
            f"most {power(worst['largest_difference_default'])} with the default precision, and by at most "
            f"{power(worst['largest_difference_float32'])} without TensorFloat-32. A score's difference is relative "
            f"to it, or to 1 if that is larger. {devices}, {versions}, {record['measured']}. Rates are those of the "
            "median call of `predict_on_batch` within 1.5 s, answers read back. Command: "
            "`benchmarks/keras_backends.py`.",
        ]
    )


def power(value: float) -> str:
    """A small number as in 1.3·10⁻⁶."""
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits}·10{str(int(exponent)).translate(SUPERSCRIPTS)}"


SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


RECIPES = ("plain", "robust")
OTHERS = "the ten of kinds other than the augmentations"

ROBUST_ROWS = (
    ("test accuracy", "test, accuracy", 2),
    ("20 corruptions at five strengths, preprocessed as by `predict`", "corruptions, accuracy", 1),
    (f"of these, {OTHERS}", OTHERS, 1),
    ("all as the network receives them (`evaluate --stress`)", "as received, accuracy", 1),
    ("8×8 digits of scikit-learn", "8×8 digits, accuracy", 1),
    ("handwriting fonts", "handwriting fonts, accuracy", 1),
    ("printed fonts", "printed fonts, accuracy", 1),
    ("simulated photos", "photos, accuracy", 1),
    ("corrupted images: wrong, above 90 % sure and without a warning", "corruptions, sure and wrong", 2),
    ("the same with `--reject off`", "corruptions, without rejection", 2),
    ("corrupted images that get no class, or a warning of several digits", "corruptions, without a class", 1),
)
"""Title, name in docs/figures/robust.json, and decimals."""

OTHER_KINDS = (
    "pixelation",
    "brighter",
    "darker",
    "low contrast",
    "shadow",
    "fog",
    "few gray levels",
    "shift",
    "elastic",
    "erased patch",
)
"""Corruptions that none of the augmentations of `--robust` resembles."""


CHOICE_COLUMNS = (
    "validation",
    "corrupted, preprocessed",
    "corrupted, as received",
    "8×8 digits",
    "handwriting fonts",
)
"""Of docs/figures/robust_choice.json."""


def robust() -> str:
    """What `--robust` changes, and the recipes that it was compared with."""
    parts = [part for part in (robust_measured(), robust_choice()) if part]
    return "\n\n".join(parts)


def robust_choice() -> str:
    """The recipes that were compared."""
    found = read("robust_choice")
    if found is None:
        return ""
    lines = [
        "The recipe was chosen on other data: 5,001 validation images, 18 other corruptions of 120 of them at three "
        "strengths, the other half of the 8×8 digits, and 500 digits of four other handwriting fonts "
        "(`benchmarks/robust_choice.py`; means of two networks unless the line names one):",
        "",
        f"| | {' | '.join(CHOICE_COLUMNS)} |",
        f"|---|{'---|' * len(CHOICE_COLUMNS)}",
    ]
    for row in found["rows"]:
        title = row["variant"] + (" (one network)" if row["networks"] == 1 else "")
        cells = [f"{row[name]:.2%}" if name == "validation" else f"{row[name]:.1%}" for name in CHOICE_COLUMNS]
        lines.append(f"| {title} | {' | '.join(cell.replace('%', ' %') for cell in cells)} |")
    return "\n".join(lines)


def robust_measured() -> str:
    """On what it is judged by."""
    found = read("robust")
    if found is None:
        return ""
    s = found["summary"] | {f"{recipe}: {OTHERS}": of_other_kinds(found["runs"], recipe) for recipe in RECIPES}
    networks = len(found["runs"]) // 2
    lines = [
        "Accuracy counts the most likely class of each image, also of rejected ones; where preprocessing finds no ink "
        f"there is none. Means of {networks} `quick` networks, {found['each']} images for each of 20 "
        "corruptions at five strengths, half of the 8×8 digits, 500 digits of each kind of fonts, 200 photos "
        ""
        f"(`scripts/bench robust {networks} --optical digits.csv.gz --fonts FOLDER`):",
        "",
        "| | as it is | `--robust` |",
        "|---|---|---|",
    ]
    for title, name, decimals in ROBUST_ROWS:
        values = [s.get(f"{recipe}: {name}") for recipe in RECIPES]
        if None not in values:
            cells = (f"{value:.{decimals}%}".replace("%", " %") for value in values)
            lines.append(f"| {title} | {' | '.join(cells)} |")
    lines.append(f"| CPU time of `convscope train`, relative | 1 | {s['CPU time, ratio']:.1f} |")
    return "\n".join(lines)


def of_other_kinds(networks: list[dict], recipe: str) -> float:
    """Mean accuracy over networks and corruptions that `--robust` does not train for."""
    own = [row["by_corruption"] for row in networks if row["recipe"] == recipe]
    return statistics.mean(row[name] for row in own for name in OTHER_KINDS)


def speed() -> str:
    """Docs/speed.md."""
    parts = (table(), ablation(), recipe("recipe"), recipe("augmentation"), rare(), many_images(), folder_by_cores())
    return "\n".join(part for part in (*parts, engines()) if part)


PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {"figures": table},
    "docs/speed.md": {"figures": speed},
    "docs/serve.md": {"figures": server, "workers": served_by_workers},
    "docs/export.md": {"figures": quantized, "backends": keras_backends},
    "docs/trust.md": {"figures": robust},
}
"""What stands on each page between <!-- NAME --> and <!-- /NAME -->."""


def with_figures(text: str, name: str, figures: str) -> str:
    """The text of a page with other figures between the markers of that name."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{figures}\n{end}{after}"


def main() -> int:
    stale = []
    for page, parts in PAGES.items():
        path = ROOT / page
        text = fresh = path.read_text(encoding="utf-8")
        for name, write in parts.items():
            fresh = with_figures(fresh, name, write())
        if fresh != text:
            stale.append(page)
            if "--check" not in sys.argv:
                path.write_text(fresh, encoding="utf-8")
    if stale and "--check" in sys.argv:
        print(f"{', '.join(stale)}: out of date; run scripts/docs")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
