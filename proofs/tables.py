"""Write the table of docs/reliability.md from docs/figures/reliability-*.json.

python proofs/tables.py            # write
python proofs/tables.py --check    # fail if the page is not up to date
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- figures -->", "<!-- /figures -->"


def read(name: str) -> dict | None:
    path = ROOT / "docs" / "figures" / f"reliability-{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def bound(n: int) -> str:
    """The exact 95 % upper bound of the failure rate after n cases without a failure."""
    return f"{100 * (1 - 0.05 ** (1 / n)):.2g} %"


def rows() -> list[tuple[str, str, str]]:
    table_rows = []
    if kill := read("kill"):
        s = kill["summary"]
        words = (
            f"{s['cuts']:,} kills ({s['inside']:,} inside a checkpoint's writing) over {s['trainings']:,} trainings: "
        )
        words += f"{s['identical']:,} of {s['trainings']:,} ended identical"
        if s["identical"] == s["trainings"]:
            words += f" (a training with ten kills fails less often than {bound(s['trainings'])})"
        table_rows.append(("`kill -9` at random moments, then resume", "1,000 of 1,000", words))
    for name, code in (("sigint", 130), ("sigterm", 143)):
        if signal := read(name):
            s = signal["summary"]
            words = f"{s['cuts']:,}: exit {code} in {s['cuts'] - s['exits_wrong']:,}, after "
            words += f"{s['exit_seconds_median']:.2f} s (worst {s['exit_seconds_worst']:.2f} s); "
            words += f"{s['identical']:,} of {s['trainings']:,} trainings ended identical"
            table_rows.append((f"{name.upper()} at random moments, then resume", f"100: exit {code} within 2 s", words))
    if power := read("power"):
        s = power["summary"]
        words = f"{s['images']:,} disks after {s['operations']} operations: {s['whole']:,} with what was kept, "
        words += (
            f"{s['nothing_yet']:,} before the first, {s['finished']:,} finished; {s['resumed']} trained to the end, "
        )
        words += f"{s['troubles']} with anything else"
        table_rows.append(("a power cut after each operation of a training", "nothing that was kept is lost", words))
    if cluster := read("cluster"):
        s = cluster["summary"]
        if seeds := s.get("seeds"):
            words = f"{seeds['identical']} of {seeds['trainings']} seeds identical"
            what = "`quick` on 3,000 images, 4 shards on 1, 2 and 4 connected workers: weights and history"
            table_rows.append((what, "100 of 100", words))
        if equal := s.get("equal"):
            words = f"{equal['identical']} of {equal['trainings']} identical"
            if equal.get("commands"):
                words += f" ({equal['commands']} of them by whole commands, the others by forked workers)"
            what = "`convscope train` with 4 shards on 2 or 4 workers: weights and history of one worker"
            table_rows.append((what, "100 of 100", words))
        if slow := s.get("slow"):
            words = f"{slow['identical']} of {slow['trainings']} identical; "
            words += f"packets had to wait {slow.get('times_delayed', 0):,} times"
            table_rows.append(("two workers whose link delays packets", "identical", words))
        names = {"kill": "killed", "stop": "stopped (SIGSTOP)", "cut": "disconnected (link down)"}
        for kind in [kind for kind in names if s.get(kind, {}).get("ended")]:
            one = s[kind]
            words = f"{one['in_time']} of {one['ended']} ended in time, after {one['seconds_median']:.1f} s (worst "
            words += f"{one['seconds_worst']:.1f} s), {one['one_line']} with one line; resumed on 1, 2 or 4 workers: "
            words += f"{one['identical']} of {one['trainings']} identical"
            goal = "100: the others end within 30 s with one line; resumed identical"
            table_rows.append((f"one of two workers {names[kind]} at a random moment", goal, words))
    if cost := read("cost"):
        s = cost["summary"]
        words = f"{s['share_median']:.2%} of the training time of `quick`, worst {s['share_worst']:.2%} (n={s['n']})"
        table_rows.append(("what keeping checkpoints costs", "< 2 %", words))
    if exports := read("exports"):
        s = exports["summary"]
        runtimes = {"onnx": "ONNX Runtime", "litert": "LiteRT", "c": "compiled C"}
        runtimes["photo"] = "ONNX Runtime with the preprocessing inside"
        for name, words in runtimes.items():
            one = s[name]
            table_rows.append(
                (
                    f"{s['random']:,} random networks and {s['presets']} presets exported, run by {words}",
                    "largest difference of a probability ≤ 10⁻⁵, same class",
                    f"{one['largest_difference']:.1g}; {one['same_class']:,} of {one['images']:,} images, "
                    f"{one['failed']} of {s['random'] + s['presets']:,} networks failed",
                )
            )
    if file := read("model-file"):
        s = file["summary"]
        words = f"{s['size_bytes']:,} bytes: {s['changes']:,} changes and {s['truncations']:,} truncations; "
        words += f"{s['refused']:,} refused, {s['identical']:,} the same model, {s['troubles']:,} anything else"
        table_rows.append(("a model file with one byte changed, or truncated", "no third outcome", words))
    if hostile := read("hostile"):
        s = hostile["summary"]
        words = f"{s['refused']} of {s['cases']} ({hostile['by_kind']['own']} of our own files, "
        of_keras = sum(count for kind, count in hostile["by_kind"].items() if kind != "own")
        words += f"{of_keras} of Keras's), nothing done; worst {1000 * s['seconds_worst']:.0f} ms, "
        words += f"{s['megabytes_worst']:.0f} MB"
        goal = "80: one clear line each, no side effect, < 1 s, < 200 MB"
        table_rows.append(("hostile model files by name", goal, words))
    if keras := read("keras-versions"):
        s = keras["summary"]
        names = [version["keras"] for version in keras["versions"]]
        words = f"{s['files']:,} files of Keras {', '.join(names[:-1])} and {names[-1]}: {s['equal']:,} with equal "
        words += (
            f"predictions (worst difference {s['worst']:.1e}), {s['refused']:,} refused by name, {s['wrong']:,} wrong"
        )
        goal = f"{s['models']} random models per version: equal to 1e-4, or refused by name"
        table_rows.append(("Keras files of other versions, `.keras` and `.h5`", goal, words))
    if faults := read("faults"):
        s = faults["summary"]
        reached = s["faults"] // 4
        which = "all" if reached >= s["operations"] else f"the first {reached} of"
        words = f"{which} {s['operations']} operations, {s['faults']:,} faults: {s['resumed']:,} trainings resumed, "
        words += f"{s['again']:,} restarted, {s['unharmed']:,} unharmed; {s['troubles']} that did not end identical"
        table_rows.append(
            (
                "the k-th open, write, fsync, rename, unlink, mkdir fails, EIO and ENOSPC, once and for good",
                "all k",
                words,
            )
        )
    if fuzz := read("fuzz"):
        s = fuzz["summary"]
        each = ", ".join(f"{target['target']} {target['inputs']:,}" for target in fuzz["targets"])
        words = f"{s['inputs']:,} inputs ({each}): {s['troubles']} readers with an uncaught exception"
        table_rows.append(
            ("coverage-guided fuzzing of every reader", "0 uncaught exceptions, millions of inputs", words)
        )
    if branches := read("branches"):
        s = branches["summary"]
        words = (
            f"{s['share']:.2%}: {s['covered']:,} of {s['branches']:,} branches, {s['missing_lines']} lines not reached"
        )
        table_rows.append(("branch coverage of readers, model file, checkpoint", "100 %", words))
    if mutation := read("mutation"):
        s = mutation["summary"]
        each = []
        for package in dict.fromkeys(result["package"] for result in mutation["results"]):
            own = [result for result in mutation["results"] if result["package"] == package]
            each.append(f"{package} {sum(result['outcome'] != 'survived' for result in own)} of {len(own)}")
        words = f"{s['share']:.1%}: {s['killed']} of {s['mutants']} killed ({', '.join(each)}); "
        words += f"of {s['survived']} survivors, {s['equivalent']} are equivalent and {s['unexplained']} unexplained"
        table_rows.append(("mutants of training, evaluation and model killed by their tests", "≥ 95 % of ≥ 300", words))
    if sweep := read("sweep"):
        s = sweep["summary"]
        words = f"{s['kills']} kills over {s['sweeps']} sweeps of {s['trials']:,} trials: {s['lost']} trials lost, "
        words += f"{s['twice']} trained twice; {s['identical']} of {s['sweeps']} ended identical"
        table_rows.append(
            ("`kill -9` of a sweep or its workers, then joined again", "50: none lost, none twice", words)
        )
    if inputs := read("bad-input"):
        s = inputs["summary"]
        by_source = inputs.get("by_source") or inputs["by_door"]  # the name in older figures
        sources = ", ".join(f"{count} {source}" for source, count in by_source.items())
        words = f"{s['refused']} of {s['cases']} ({sources}); "
        words += f"worst {s['seconds_worst']:.2f} s, {s['megabytes_worst']:.0f} MB"
        table_rows.append(("bad inputs by name: one clear line each", "320, ≤ 2 s, < 300 MB more", words))
    if folder := read("bad-folder"):
        s = folder["summary"]
        words = f"{s['pictures']:,} files, {s['bad']} bad of {s['kinds']} kinds: exit {s['exit_code']}, "
        words += f"{s['named']} named, {s['named_wrongly']} of them wrongly ({s['seconds']} s)"
        table_rows.append(("a folder of 10,000 images with 37 bad files", "trains, names exactly those 37", words))
    if labels := read("label-errors"):
        s = labels["summary"]
        words = f"precision {s['precision']:.1%}, recall {s['recall']:.1%} (worst of {s['seeds']} seeds: "
        words += f"{s['precision_worst']:.1%}, {s['recall_worst']:.1%}; n={s['n']:,}); all disputed labels: precision "
        words += f"{s['disputed_precision']:.1%}, recall {s['disputed_recall']:.1%}"
        table_rows.append(("`data check --run`, 5 % of MNIST's training labels flipped", "it finds them", words))
        words = f"{s['known_found']} of {s['known']} among {s['test_disputed']} disputed; "
        words += f"{s['known_in_first_15']} among the first 15, {s['known_in_first_30']} among the first 30"
        table_rows.append(("the 15 known wrong labels of MNIST's test part", "compared", words))
    return table_rows


def table() -> str:
    head = "| what | to reach | measured |\n|---|---|---|\n"
    return head + "\n".join(f"| {' | '.join(row)} |" for row in rows())


def main() -> int:
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    fresh = f"{before}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}"
    if fresh == text:
        return 0
    if "--check" in sys.argv:
        print("docs/reliability.md is not up to date. Run: scripts/docs", file=sys.stderr)
        return 1
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
