"""Every wrong input of `doors`: one clear line, soon, with little memory.

    python proofs/bad_input.py [--door csv] [--json]

Each case runs in a process of its own, forked from one that has imported everything. Writes
docs/figures/reliability-bad-input.json, unless --json asks for the results on stdout instead.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from doors import DOORS

from convscope.data.decode import decode_file
from convscope.data.readers import load
from convscope.errors import DataError

SECONDS, MEGABYTES = 2.0, 300.0
PATIENCE = 30
LONGEST = 600


def knock(door: str, path: Path) -> str:
    """Name the input as a person would; the refusal, or an empty text."""
    try:
        if door == "image":
            decode_file(path)
        else:
            load(path)
    except DataError as error:
        return str(error)
    return ""


def _in_child(door: str, name: str, folder: Path, pipe: int) -> None:
    signal.alarm(PATIENCE)
    os.chdir(folder)
    path = DOORS[door][name](folder)
    before = set(folder.rglob("*"))
    memory, began = resident(), time.monotonic()
    try:
        said, trouble = knock(door, path), ""
    except BaseException as error:
        said, trouble = "", f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - memory
    if not trouble and said:
        trouble = unclear(said)
    if set(folder.rglob("*")) != before:
        trouble = "something was left behind"
    os.write(pipe, json.dumps([said, trouble, seconds, grown]).encode())
    os._exit(0)


def resident() -> float:
    """Megabytes of this process that lie in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def unclear(said: str) -> str:
    """What is wrong with a message, or nothing."""
    if len(said.splitlines()) != 1 or len(said) > LONGEST or not said.isprintable():
        return f"not one clear line: {said[:200]!r}"
    if "Expected" not in said or "Received" not in said:
        return f"it does not say what was expected and received: {said[:200]!r}"
    return ""


def one_case(door: str, name: str) -> dict[str, Any]:
    """Run one case apart; what it said, how long and how much it took."""
    folder = Path(tempfile.mkdtemp())
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _in_child(door, name, folder, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        content = answer.read()
    _, status = os.waitpid(child, 0)
    shutil.rmtree(folder, ignore_errors=True)
    said, trouble, seconds, grown = (
        json.loads(content) if content else ("", f"the process ended with {status}", PATIENCE, 0.0)
    )
    if not trouble and (seconds > SECONDS or grown > MEGABYTES):
        trouble = f"{seconds:.2f} s and {grown:.0f} MB"
    if not trouble and not said:
        trouble = "it was taken"
    return {"door": door, "name": name, "said": said, "trouble": trouble, "seconds": seconds, "megabytes": grown}


def prove(doors: list[str]) -> list[dict[str, Any]]:
    """Run all cases of some doors."""
    load("mnist", test_fraction=0)  # whatever is imported late is imported, before anything is measured
    return [one_case(door, name) for door in doors for name in DOORS[door]]


def main() -> None:
    sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
    from record import write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--door", choices=DOORS)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    results = prove([chosen.door] if chosen.door else list(DOORS))
    if chosen.json:
        print(json.dumps(results))
        return
    summary = {
        "cases": len(results),
        "refused": sum(not result["trouble"] for result in results),
        "troubles": sum(bool(result["trouble"]) for result in results),
        "seconds_worst": max(result["seconds"] for result in results),
        "megabytes_worst": max(result["megabytes"] for result in results),
    }
    by_door = Counter(result["door"] for result in results)
    write("reliability-bad-input", {"summary": summary, "by_door": by_door, "results": results})


if __name__ == "__main__":
    main()
